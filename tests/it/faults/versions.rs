//! Programs and schemas of different versions side by side, and each migration on the rows that there were before it.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic_health::pb::health_check_response::ServingStatus;
use workcenter::db::{self, Connection};

use super::{
    LOG,
    balanced::{Balanced, Policy},
    load,
};
use crate::{
    access::cast::Cast,
    content::Site,
    harness::App,
    migrations::{self, Table},
    picture,
    process::{
        program::{CTL, DAEMON, SERVER, Serving, ended},
        running::{HANGS_AFTER, becomes, health},
    },
    story::{Story, mentioning},
};

/// Who makes calls, one after the other, all the time.
const CALLERS: usize = 2;

/// Calls after which every connection of a pool has had its turn, and has its statements prepared.
const MANY: usize = 40;

/// What a version after this one may do: columns that nobody writes yet, in every table there is, and a table.
async fn expand(app: &App) {
    let client = app.client().await;
    // One by one: all at once would wait for each other's locks with those who are at work.
    for Table { name, .. } in migrations::tables() {
        client.batch_execute(&format!("alter table {name} add column of_a_later_version text")).await.unwrap();
    }
    let later = "create table of_a_later_version (id uuid primary key);
        insert into refinery_schema_history (version, name, applied_on, checksum) values (1000, 'later', '', '')";
    client.batch_execute(later).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_schema_serves_programs_that_are_at_work_and_programs_that_start() {
    let site = Site::open().await;
    let old = Serving::start(SERVER, &site.app, &[LOG]).await;
    becomes(&mut health(&old.channel()).await, ServingStatus::Serving).await;
    let client = Balanced::new(vec![old.channel()], Policy::documented());
    let done = CancellationToken::new();
    let calling = join_all((0..CALLERS).map(|_| load(&client, &site.owner, site.pier, &done)));
    let migrating = async {
        client.more(MANY).await;
        expand(&site.app).await;
        client.more(MANY).await;
        let new = [SERVER, DAEMON].map(|it| Serving::start(it, &site.app, &[LOG]));
        let new = join_all(new).await;
        for serving in &new {
            becomes(&mut health(&serving.channel()).await, ServingStatus::Serving).await;
        }
        client.replace(0, new[0].channel());
        client.more(MANY).await;
        done.cancel();
        new
    };
    let (_, _new) = tokio::join!(calling, migrating);
    assert!(client.failures().is_empty(), "no call had to be tried again");
}

#[tokio::test]
async fn a_program_whose_schema_is_too_old_says_once_what_it_has_and_what_it_needs() {
    let app = App::start().await;
    let newest = i32::try_from(db::needed()).unwrap();
    let client = app.client().await;
    for program in [SERVER, DAEMON] {
        let back = format!("update refinery_schema_history set version = {newest} where version < 0");
        let gone = format!("update refinery_schema_history set version = -1 where version = {newest}");
        client.batch_execute(&gone).await.unwrap();
        let mut serving = Serving::start(program, &app, &[]).await;
        let line = serving.says("WARN").await;
        for says in [format!("schema.have={}", newest - 1), format!("schema.need={newest}")] {
            assert!(line.contains(&says) && line.contains("run workcenterctl migrate"), "{line}");
        }
        let asked = ended(CTL, &[], &["healthcheck", "--target", &serving.url]).await;
        assert_eq!(asked.code, Some(1), "{asked:?}");

        client.batch_execute(&back).await.unwrap();
        becomes(&mut health(&serving.channel()).await, ServingStatus::Serving).await;
        serving.terminate().await;
        let (code, said) = timeout(HANGS_AFTER, serving.end()).await.expect("it ends");
        assert_eq!(code, Some(0), "{said:#?}");
        assert!(!said.iter().any(|it| it.contains("WARN")), "it is said once: {said:#?}");
    }
}

/// Rows of all kinds by their tables, as JSON: of an account with something of everything, and of one that is told by mail.
async fn samples() -> Vec<(String, String)> {
    let cast = Cast::assemble().await;
    cast.things().await;
    picture::upload(&cast.app, &cast.account.admin.token, picture::messages(&picture::jpeg(600, 400), 1 << 20))
        .await
        .unwrap();
    let story = Story::begin().await;
    story.publish(vec![story.uploaded("Plan.pdf"), mentioning(story.uploaded("Notes.pdf"), &[&story.ada])]).await;
    story.at("2026-11-21T14:00:00Z").await;
    let mut samples = Vec::new();
    for app in [&cast.app, &story.app] {
        let client = app.client().await;
        for Table { name, .. } in migrations::tables() {
            let rows = client.query(&format!("select row_to_json(it)::text from {name} it"), &[]).await.unwrap();
            samples.extend(rows.iter().map(|row| (name.clone(), row.get(0))));
        }
    }
    samples
}

/// Columns that are empty in rows of before a version, for it makes what they name.
const NAMELESS: [(u32, &str, &[&str]); 1] = [(4, "addressee", &["settlement_id", "outcome"])];

/// Puts in what suits the schema as it is at `version`, and returns what does not: it is of a later one.
async fn put(client: &Connection, version: u32, samples: Vec<(String, String)>) -> Vec<(String, String)> {
    // Keys are not looked at, nor triggers run: the rows come from where both have done their work.
    client.batch_execute("set session_replication_role = replica").await.unwrap();
    let mut later = Vec::new();
    for (table, row) in samples {
        let nameless = NAMELESS.iter().filter(|it| version < it.0 && it.1 == table).flat_map(|it| it.2);
        let nameless: Vec<&str> = nameless.copied().collect();
        let statement = format!(
            "insert into {table} select * from jsonb_populate_record(null::{table}, $1::text::jsonb - $2::text[])"
        );
        if client.execute(&statement, &[&row, &nameless]).await.is_err() {
            later.push((table, row));
        }
    }
    client.batch_execute("set session_replication_role = origin").await.unwrap();
    later
}

/// Every table: how many rows it has, and the file they are in, which is another one when all were written anew.
async fn census(client: &Connection) -> BTreeMap<String, (i64, i64)> {
    let tables = "select relname::text as name, relfilenode::bigint as file from pg_class
        where relkind = 'r' and relnamespace = 'public'::regnamespace";
    let mut census = BTreeMap::new();
    for row in client.query(tables, &[]).await.unwrap() {
        let name: String = row.get("name");
        let count = client.query_one(&format!("select count(*) from {name}"), &[]).await.unwrap().get(0);
        census.insert(name, (count, row.get("file")));
    }
    census
}

/// Tables that have many rows in production, and so must have some here.
const LARGE: [&str; 8] =
    ["activity", "addressee", "collaborator", "entry", "mail", "person", "settlement", "subscription"];

/// Where a migration changes how many rows a table had, and why.
const RECOUNTED: [(u32, &str); 0] = [];

#[tokio::test]
async fn each_migration_is_made_on_the_rows_before_it_and_keeps_them_where_they_are() {
    let mut samples = samples().await;
    let app = migrations::emptied().await;
    let client = app.client().await;
    let (mut recounted, mut rewritten) = (Vec::new(), Vec::new());
    for (version, text) in migrations::files() {
        let before = census(&client).await;
        client.batch_execute(&text).await.unwrap_or_else(|error| panic!("V{version} on rows of before: {error:?}"));
        let after = census(&client).await;
        for (table, (count, file)) in before {
            let now = after.get(&table).unwrap_or_else(|| panic!("V{version} drops {table}"));
            if now.0 != count {
                recounted.push((version, table.clone()));
            }
            if now.1 != file {
                rewritten.push((version, table));
            }
        }
        samples = put(&client, version, samples).await;
    }
    let census = census(&client).await;
    let empty: Vec<_> = census.iter().filter(|(_, (count, _))| *count == 0).map(|(name, _)| name.as_str()).collect();
    println!("{} tables, without rows: {empty:?}", census.len());
    assert!(LARGE.iter().all(|it| !empty.contains(it)), "{empty:?}");
    let recounted: Vec<_> = recounted.iter().map(|(version, table)| (*version, table.as_str())).collect();
    assert_eq!(recounted, RECOUNTED);
    assert_eq!(rewritten, [], "who reads and writes a table waits while all of it is written anew");
}
