//! What every call and every loop looks at in a large database: how PostgreSQL goes about each statement that the programs
//! run, as it says itself.
//!
//! Statements are prepared once for each connection, and PostgreSQL keeps the plan of one that was run a few times: with
//! `PLANS_FULL=1` what was planned while the tables were empty is looked at, too, and what is planned for whatever is asked.

mod plan;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use uuid::Uuid;
use workcenter::{
    access::Action,
    config,
    daemon::{Daemon, Sweep},
    db::{Connection, Db},
    secret::Secret,
};

use self::plan::Plan;
use crate::{
    access::cast::Cast,
    architecture::source::root,
    cluster::Cluster,
    every::{self, Served},
    harness::App,
    sink::{Manner, Sink},
    statements,
};

/// Fills the database around a cast.
const SCALE: &str = "tests/data/scale.sql";

/// Which statement of which call may look at more, and why.
const ARGUED: &str = "tests/data/plans.csv";

/// How many people there are besides the cast, and of most other things, a few times as many.
const PEOPLE: i64 = 20_000;

/// Of how many rows on a table is large, which nothing may look through.
const LARGE: i64 = 5_000;

/// How many rows, and entries of indexes, a statement may look at: a page of a list is fifty, or a few hundred where it says
/// so, and each row of it leads to a few others.
const ROWS_MAX: f64 = 3_000.0;

/// How many pages of 8 KiB: one for each row and a little for the tree above it, in three indexes at most.
const PAGES_MAX: i64 = 6_000;

/// Turns that jobs are given: more than the calls have begun of them would not be looked at in another way.
const TURNS: usize = 6;

/// How the database is set: what is said of each statement, and to whoever runs it.
const SETTINGS: [(&str, &str); 8] = [
    ("session_preload_libraries", "auto_explain"),
    ("auto_explain.log_min_duration", "0"),
    ("auto_explain.log_analyze", "on"),
    ("auto_explain.log_timing", "off"),
    ("auto_explain.log_buffers", "on"),
    ("auto_explain.log_nested_statements", "on"),
    ("auto_explain.log_format", "json"),
    ("auto_explain.log_level", "notice"),
];

fn full() -> bool {
    #[expect(clippy::disallowed_methods, reason = "how long these tests run is not a setting of a program")]
    std::env::var("PLANS_FULL").is_ok()
}

/// How many rows may be looked at: what does it, the beginning of the statement, and how many rows, by the table.
fn argued() -> BTreeMap<(String, String), f64> {
    let table = fs::read_to_string(root().join(ARGUED)).unwrap();
    let lines = table.lines().skip(1).map(|line| {
        let [what, statement, rows, why] = line.split(';').collect::<Vec<_>>().try_into().unwrap();
        assert!(!why.is_empty(), "{line}");
        ((what.to_owned(), statement.to_owned()), rows.parse().unwrap())
    });
    lines.collect()
}

/// Everybody and everything, in a database that is to be large.
struct Stage {
    cast: Cast,
    served: Served,
    /// Beside the tap, so that what the test itself asks is not heard.
    beside: Connection,
    /// A WorkCenter that is to hold much.
    large: Uuid,
    daemon: Daemon,
    _sink: Sink,
    argued: BTreeMap<(String, String), f64>,
    statements: BTreeMap<String, (usize, usize)>,
    /// The tables that are large.
    tables: BTreeSet<String>,
    /// What was looked at that should not be.
    found: BTreeSet<String>,
    /// Last, so that it stops when nobody is there any more.
    _cluster: Cluster,
}

impl Stage {
    /// With those who call, and nothing else yet.
    async fn set() -> Self {
        let cluster = Cluster::start("plans").await;
        let url = cluster.script("url").await;
        let settings = config::Database { url: Secret::from(url.clone()), authorities: None, pool: 1 };
        let beside = Db::new(&settings).unwrap().client().await.unwrap();
        // Nobody looks at tables anew but when this test says so.
        beside.batch_execute("alter system set autovacuum = off").await.unwrap();
        beside.batch_execute("select pg_reload_conf(); set statement_timeout = 0").await.unwrap();
        for (setting, value) in SETTINGS {
            beside.batch_execute(&format!("alter database postgres set {setting} = '{value}'")).await.unwrap();
        }
        let cast = Cast::of(App::on("plans", url).await).await;
        let served = Served::beside(&cast.app).await;
        let sink = Sink::with(Manner::brief(), Vec::new()).await;
        let daemon = Daemon::new(served.parts.clone(), &cast.app.daemon_settings(Some(sink.address())));
        let large = cast.workcenter().await;
        Self {
            cast,
            served,
            beside,
            large,
            daemon,
            _sink: sink,
            argued: argued(),
            statements: statements::said(),
            tables: BTreeSet::new(),
            found: BTreeSet::new(),
            _cluster: cluster,
        }
    }

    /// Fills the database.
    async fn grow(&mut self) {
        let those: Vec<_> = self.cast.people.iter().map(|it| format!("'{}'", it.id)).collect();
        let mut statement = fs::read_to_string(root().join(SCALE)).unwrap();
        for (name, value) in [
            (":account", self.cast.account.id.to_string()),
            (":workcenter", self.large.to_string()),
            (":people", PEOPLE.to_string()),
            (":those", those.join(",")),
        ] {
            statement = statement.replace(name, &value);
        }
        self.beside.batch_execute(&statement).await.unwrap();
        self.beside.batch_execute("select pg_stat_force_next_flush()").await.unwrap();
        let tables = "select relname::text from pg_stat_user_tables where n_live_tup >= $1";
        let tables = self.beside.query(tables, &[&LARGE]).await.unwrap();
        self.tables = tables.iter().map(|it| it.get(0)).collect();
        assert!(20 < self.tables.len(), "{:?}", self.tables);
    }

    /// Has connections that are opened from now on plan as `mode` says, and everybody open new ones.
    async fn plan(&self, mode: &str) {
        self.beside.batch_execute(&format!("alter database postgres set plan_cache_mode = {mode}")).await.unwrap();
        let others = "select count(pg_terminate_backend(pid)) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()";
        while 0 < self.beside.query(others, &[]).await.unwrap()[0].get::<_, i64>(0) {}
    }

    /// Makes every call once, and has the daemon do everything.
    async fn live(&mut self, when: &str) {
        for &action in Action::ALL {
            self.act(when, action).await;
        }
        for sweep in Sweep::ALL {
            self.sweep(when, sweep).await;
        }
        for _ in 0..TURNS {
            self.served.tap.notices();
            self.daemon.work().await.unwrap();
            self.look(when, "work");
        }
    }

    /// Has the daemon do everything of a sweep.
    async fn sweep(&mut self, when: &str, sweep: Sweep) {
        let now = self.served.parts.clock.now().await.unwrap();
        self.served.tap.notices();
        self.daemon.step(sweep, now).await.unwrap();
        self.look(when, &format!("{sweep:?}"));
    }

    /// Makes a call once.
    async fn act(&mut self, when: &str, action: Action) {
        let things = every::things(&self.cast, self.large, action).await;
        let ready = every::ready(&self.cast, &things, action).await;
        self.served.greet(&ready).await;
        self.served.tap.notices();
        let before = self.served.tap.statements();
        self.served.call(ready).await.unwrap_or_else(|status| panic!("{when}: {action:?}: {status:?}"));
        let statements = self.served.tap.statements() - before;
        let name = format!("{action:?}");
        // However many rows there are to a page.
        let few = self.statements[&name].1;
        if ["Get", "List", "Export"].iter().any(|it| name.starts_with(it)) && few < statements {
            self.found.insert(format!("{when}: {name} takes {statements} statements, and {few} where there is little"));
        }
        self.look(when, &name);
        every::after(&self.cast, action).await;
    }

    /// Looks at how what has been run since was run.
    fn look(&mut self, when: &str, what: &str) {
        for plan in self.served.tap.notices().iter().filter_map(|it| Plan::read(it)) {
            let mut argued = self.argued.iter().filter(|((of, statement), _)| {
                (of == what || of == "*") && plan.statement.starts_with(statement.as_str())
            });
            let is_argued = argued.any(|(_, most)| plan.rows <= *most);
            let scanned: Vec<_> = plan.scanned.intersection(&self.tables).collect();
            if !is_argued && (!scanned.is_empty() || plan.rows > ROWS_MAX || plan.pages > PAGES_MAX) {
                let Plan { rows, pages, statement, .. } = &plan;
                self.found
                    .insert(format!("{when}: {what}: {rows} rows, {pages} pages, through {scanned:?}: {statement}"));
            }
        }
    }

    /// What was found, from its beginning again.
    fn found(&mut self) -> Vec<String> {
        std::mem::take(&mut self.found).into_iter().collect()
    }
}

#[tokio::test]
async fn nothing_looks_through_a_large_table_or_at_more_rows_than_it_is_about() {
    let mut stage = Stage::set().await;
    if full() {
        // Whatever is planned once stays, as after a few times in production.
        stage.plan("force_generic_plan").await;
        stage.live("while all was empty").await;
        stage.found();
    }
    stage.grow().await;
    if full() {
        stage.live("as it was planned while all was empty").await;
    }
    stage.beside.batch_execute("analyze").await.unwrap();
    if full() {
        stage.live("planned for whatever is asked").await;
    }
    stage.plan("auto").await;
    stage.live("planned for what is asked").await;
    let found = stage.found();
    assert!(found.is_empty(), "{found:#?}");

    // It would be seen if one of these were missing.
    for (index, act) in [("invite_from", Action::ListInvites), ("entry_list", Action::ListContents)] {
        stage.beside.batch_execute(&format!("drop index {index}")).await.unwrap();
        stage.act("without an index", act).await;
        assert!(!stage.found().is_empty(), "{index}");
    }
    stage.beside.batch_execute("drop index digest_schedule_due").await.unwrap();
    stage.sweep("without an index", Sweep::Daily).await;
    assert!(stage.found().iter().any(|it| it.contains("digest_schedule")));
}
