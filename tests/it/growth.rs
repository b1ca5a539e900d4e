//! What things cost when there are many: for each of them no more than when there are few.
//!
//! `GROWTH_FULL=1`, or the name of one of them, has as many as are promised, fits by which power of their number the cost of
//! one grows, and leaves a table and pictures in `target/growth`. What is judged is how many pages the database looks at,
//! whatever else the machine does, and for how long it works: where one of them grows alone, that is no growth.

mod curve;
mod sizes;

use std::time::Instant;

use workcenter::{
    config,
    db::{Connection, Db},
    secret::Secret,
};

use self::curve::{Curve, Point};
use crate::{architecture::source::root, cluster::Cluster, harness::App};

/// What the database has done since this was asked last: pages that it looked at, and microseconds.
const DONE: &str = "
    select coalesce(sum(shared_blks_hit + shared_blks_read), 0)::float8, coalesce(sum(total_exec_time), 0)::float8 * 1000
    from pg_stat_statements";

/// What there are to be as many of as are promised, and is judged: all with `1`, or what is named.
fn full() -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "how long these tests run is not a setting of a program")]
    std::env::var("GROWTH_FULL").ok()
}

/// The statements that looked at most since this was asked last.
const MOST: &str = "
    select left(regexp_replace(query, '\\s+', ' ', 'g'), 150), calls, shared_blks_hit + shared_blks_read
    from pg_stat_statements order by 3 desc limit 3";

/// A PostgreSQL that counts what statements cost.
struct Scale {
    cluster: Cluster,
    url: String,
}

impl Scale {
    async fn new() -> Self {
        let cluster = Cluster::start("growth").await;
        let url = cluster.script("url").await;
        let client = client(&url).await;
        for setting in
            ["shared_preload_libraries = 'pg_stat_statements'", "max_wal_size = '4GB'", "shared_buffers = '1GB'"]
        {
            client.batch_execute(&format!("alter system set {setting}")).await.unwrap();
        }
        drop(client);
        cluster.script("stop").await;
        cluster.script("start").await;
        let url = cluster.script("url").await;
        Self { cluster, url }
    }

    /// An application on a database of its own, and a connection beside it.
    async fn app(&self, name: &'static str) -> (App, Connection) {
        client(&self.url).await.batch_execute(&format!("create database {name}")).await.unwrap();
        let url = self.url.replace("/postgres", &format!("/{name}"));
        let app = App::on(name, url.clone()).await;
        let client = client(&url).await;
        client.batch_execute("create extension pg_stat_statements; set statement_timeout = 0").await.unwrap();
        (app, client)
    }

    /// Gives the room of a database back.
    async fn drop(&self, name: &'static str) {
        let statement = format!("drop database {name} with (force)");
        client(&self.url).await.batch_execute(&statement).await.unwrap();
    }
}

async fn client(url: &str) -> Connection {
    let settings = config::Database { url: Secret::from(url.to_owned()), authorities: None, pool: 1 };
    Db::new(&settings).unwrap().client().await.unwrap()
}

/// What `work` costs for each of `units`, when there are `size`, which took so long to fill.
async fn cost(client: &Connection, size: i64, units: i64, filled: Instant, work: impl Future<Output = ()>) -> Point {
    let filled = filled.elapsed().as_secs_f64();
    client.query("select pg_stat_statements_reset()", &[]).await.unwrap();
    let began = Instant::now();
    work.await;
    let took = began.elapsed().as_secs_f64() * 1e6;
    let done = client.query_one(DONE, &[]).await.unwrap();
    let (pages, worked): (f64, f64) = (done.get(0), done.get(1));
    for row in client.query(MOST, &[]).await.unwrap() {
        let (text, calls, pages): (String, i64, i64) = (row.get(0), row.get(1), row.get(2));
        println!("{size}: {pages} pages for {calls} of {text}");
    }
    let each = |of: f64| of / units as f64;
    Point { size, pages: each(pages), worked: each(worked), took: each(took), filled }
}

#[tokio::test]
async fn what_there_are_many_of_costs_each_no_more_than_when_there_are_few() {
    let scale = Scale::new().await;
    let mut curves = Vec::new();
    let wanted = full().filter(|it| it != "1");
    for name in ["profiles", "activity", "recipients", "invites", "watchers"] {
        if wanted.as_ref().is_some_and(|it| it != name) {
            continue;
        }
        let curve = match name {
            "profiles" => sizes::profiles(&scale).await,
            "activity" => sizes::activity(&scale).await,
            "recipients" => sizes::recipients(&scale).await,
            "invites" => sizes::invites(&scale).await,
            _ => sizes::watchers(&scale).await,
        };
        println!("{}", curve.table());
        curves.push(curve);
    }
    drop(scale.cluster);
    if full().is_none() {
        return;
    }
    let folder = root().join("target/growth");
    std::fs::create_dir_all(&folder).unwrap();
    let tables: Vec<_> = curves.iter().map(Curve::table).collect();
    std::fs::write(folder.join("growth.md"), format!("# Growth\n\n{}", tables.join("\n"))).unwrap();
    for it in &curves {
        std::fs::write(folder.join(format!("{}.svg", it.name)), it.picture()).unwrap();
    }
    let growing: Vec<_> = curves.iter().filter(|it| it.grows()).map(Curve::table).collect();
    assert!(growing.is_empty(), "{}", growing.join("\n"));
}
