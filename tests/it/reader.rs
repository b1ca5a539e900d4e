//! Connections that reads share.

use std::{collections::HashSet, time::Duration};

use futures_util::future::join_all;
use tokio::time::timeout;
use workcenter::db::{self, Db, Reader};

use crate::harness::App;

/// Longer than anything here lasts.
const HANGS_AFTER: Duration = Duration::from_secs(20);

/// What does not end by itself.
const ENDLESS: &str = "select pg_sleep(600)";

async fn process(reader: &Reader) -> i32 {
    db::text(reader, "select pg_backend_pid() as pid", &[]).await.unwrap()[0].get("pid")
}

/// Waits until so many of the connections of the application run [`ENDLESS`].
async fn endless(app: &App, number: i64) {
    let client = app.client().await;
    let count = "select count(*) from pg_stat_activity
        where query = $1 and state = 'active' and datname = current_database() and pid <> pg_backend_pid()";
    let becomes = async { while client.query_one(count, &[&ENDLESS]).await.unwrap().get::<_, i64>(0) != number {} };
    timeout(HANGS_AFTER, becomes).await.unwrap_or_else(|_| panic!("never {number} of them run"));
}

#[tokio::test]
async fn reads_that_come_together_share_two_connections_and_take_none_of_the_others() {
    let app = App::start().await;
    let db = Db::new(app.database()).unwrap();
    let readers = join_all((0..20).map(|_| db.reader())).await;
    let readers: Vec<Reader> = readers.into_iter().collect::<Result<_, _>>().unwrap();
    let processes: HashSet<i32> = join_all(readers.iter().map(process)).await.into_iter().collect();
    assert_eq!(processes.len(), 2);
    assert_eq!(db.status().size, 0);
}

#[tokio::test]
async fn who_finds_the_shared_connections_full_has_one_of_their_own() {
    let app = App::start().await;
    let db = Db::new(app.database()).unwrap();
    let mut shared = Vec::new();
    let own = loop {
        match db.reader().await.unwrap() {
            Reader::Shared(part) => shared.push(part),
            own => break own,
        }
    };
    assert!(shared.len() >= 200, "{}", shared.len());
    process(&own).await;
    assert_eq!(db.status().size, 1);
}

#[tokio::test]
async fn a_read_that_nobody_waits_for_any_more_is_stopped_and_the_next_is_answered() {
    let app = App::start().await;
    let db = Db::new(app.database()).unwrap();
    let reader = db.reader().await.unwrap();
    let reads = tokio::spawn(async move { db::text(&reader, ENDLESS, &[]).await.map(drop) });
    endless(&app, 1).await;
    reads.abort();
    endless(&app, 0).await;
    for _ in 0..4 {
        process(&db.reader().await.unwrap()).await;
    }
}

#[tokio::test]
async fn a_read_that_is_given_up_early_costs_no_connection() {
    let app = App::start().await;
    let db = Db::new(app.database()).unwrap();
    let before: HashSet<i32> =
        [process(&db.reader().await.unwrap()).await, process(&db.reader().await.unwrap()).await].into();
    for _ in 0..20 {
        let reader = db.reader().await.unwrap();
        // It is sent, and its answer is not waited for.
        let _ = timeout(Duration::ZERO, process(&reader)).await;
    }
    let after: HashSet<i32> =
        [process(&db.reader().await.unwrap()).await, process(&db.reader().await.unwrap()).await].into();
    assert_eq!(before, after);
}
