//! Transactions: what begins and ends them is on its way with their statements.

use std::time::Duration;

use futures_util::poll;
use tokio::time::timeout;
use workcenter::{
    config,
    db::{self, Connection, Db, DbError, Statement, Transaction},
    error::Error,
};

use crate::{harness::App, tap};

/// Longer than anything here lasts.
const HANGS_AFTER: Duration = Duration::from_secs(20);

const WRITE: &str = "insert into line (id) values ($1)";

/// A database with a table, and a pool with one connection, so that each user has what the one before left.
async fn one(app: &App) -> Db {
    app.client().await.batch_execute("create table line (id int primary key)").await.unwrap();
    Db::new(&config::Database { pool: 1, ..app.database().clone() }).unwrap()
}

fn write(id: i32) -> Statement<'static> {
    Statement::new(WRITE).with(id)
}

async fn written(client: &Connection) -> Vec<i32> {
    let rows = db::text(client, "select id from line order by id", &[]).await.unwrap();
    rows.iter().map(|it| it.get("id")).collect()
}

async fn process(client: &Connection) -> i32 {
    db::text(client, "select pg_backend_pid() as pid", &[]).await.unwrap()[0].get("pid")
}

fn code(error: &DbError) -> &str {
    error.code().map(|it| it.code()).unwrap_or_default()
}

#[tokio::test]
async fn one_that_is_dropped_leaves_nothing_and_its_connection_is_used_by_the_next() {
    let app = App::start().await;
    let db = one(&app).await;
    let mut client = db.client().await.unwrap();
    let first = process(&client).await;
    drop(client.transaction().await.unwrap());
    let tx = client.transaction().await.unwrap();
    db::run(&tx, &write(1)).await.unwrap();
    drop(tx);
    let tx = client.transaction().await.unwrap();
    db::run(&tx, &write(2)).await.unwrap();
    db::run(&tx, &write(2)).await.unwrap_err();
    drop(tx);
    drop(client);
    let client = db.client().await.unwrap();
    assert_eq!((process(&client).await, written(&client).await), (first, vec![]));
}

#[tokio::test]
async fn one_that_is_given_up_before_it_has_begun_leaves_nothing() {
    let app = App::start().await;
    let db = one(&app).await;
    for id in 0..20 {
        let mut client = db.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        let (first, second) = (write(id), write(100 + id));
        let mut both = Box::pin(async { tokio::try_join!(db::run(&tx, &first), db::run(&tx, &second)) });
        assert!(poll!(both.as_mut()).is_pending());
        drop(both);
        drop(tx);
        drop(client);
        let client = db.client().await.unwrap();
        assert_eq!(written(&client).await, Vec::<i32>::new());
    }
}

#[tokio::test]
async fn what_begin_is_told_its_first_statement_says() {
    let app = App::start().await;
    let db = one(&app).await;
    let mut client = db.client().await.unwrap();
    // None begins in one that has failed, and a statement that ends it does not.
    client.batch_execute("begin").await.unwrap();
    client.batch_execute("select 1 / 0").await.unwrap_err();
    let tx = client.transaction().await.unwrap();
    let refused = db::text(&tx, "rollback", &[]).await.unwrap_err();
    assert_eq!(code(&refused), "25P02");
    drop(tx);
    db::run(&client, &write(1)).await.unwrap();
    drop(client);
    assert_eq!(written(&db.client().await.unwrap()).await, [1]);
}

#[tokio::test]
async fn where_the_session_has_ended_none_begins_and_the_next_has_another() {
    let app = App::start().await;
    let db = one(&app).await;
    let mut client = db.client().await.unwrap();
    let first = process(&client).await;
    let end = "select pg_terminate_backend($1, 10000)";
    assert!(app.client().await.query_one(end, &[&first]).await.unwrap().get::<_, bool>(0), "it has ended");
    let begun = async {
        let tx = client.transaction().await?;
        db::run(&tx, &write(1)).await?;
        tx.commit().await
    };
    let refused = Error::from(begun.await.unwrap_err());
    assert!(matches!(refused, Error::Unavailable(..)), "{refused:?}");
    drop(client);
    let client = db.client().await.unwrap();
    assert_ne!(process(&client).await, first);
    assert_eq!(written(&client).await, Vec::<i32>::new());
}

/// Writes a line, and ends with the others.
async fn ended(tx: Transaction<'_>, last: &[Statement<'_>]) -> Result<(), DbError> {
    db::run(&tx, &write(1)).await?;
    tx.commit_with(last).await
}

#[tokio::test]
async fn last_statements_last_together_or_not_at_all_be_they_prepared_or_not() {
    let app = App::start().await;
    let db = one(&app).await;
    let mut client = db.client().await.unwrap();
    // Each text is prepared when it comes for the first time.
    for (unlike, id) in [("", 4), ("", 4), (" ", 4), (" ", 6)] {
        let write = |id: i32| Statement::new(format!("{WRITE}{unlike}")).with(id);
        let tx = client.transaction().await.unwrap();
        let done = ended(tx, &[write(3), write(id), write(3), write(5)]).await;
        assert_eq!(code(&done.unwrap_err()), "23505", "the first that fails is told of");
        assert_eq!(written(&client).await, Vec::<i32>::new());
    }
    let tx = client.transaction().await.unwrap();
    ended(tx, &[write(2), write(3)]).await.unwrap();
    assert_eq!(written(&client).await, [1, 2, 3]);
    let tx = client.transaction().await.unwrap();
    tx.commit_with(&[Statement::new("delete from line")]).await.unwrap();
    client.transaction().await.unwrap().commit_with(&[]).await.unwrap();
    assert_eq!(written(&client).await, Vec::<i32>::new());
}

#[tokio::test]
async fn where_a_last_statement_cannot_be_sent_nothing_lasts() {
    let app = App::start().await;
    let db = one(&app).await;
    let mut client = db.client().await.unwrap();
    for _ in 0..2 {
        let no_number = Statement::new(WRITE).with("two");
        let tx = client.transaction().await.unwrap();
        ended(tx, &[write(3), no_number, write(4)]).await.unwrap_err();
        assert_eq!(written(&client).await, Vec::<i32>::new());
    }
}

#[tokio::test]
async fn who_gives_up_an_end_that_waits_leaves_nothing() {
    let app = App::start().await;
    let db = one(&app).await;
    let mut other = app.client().await;
    let holder = other.transaction().await.unwrap();
    db::run(&holder, &write(2)).await.unwrap();

    let mut client = db.client().await.unwrap();
    let ends = tokio::spawn(async move { ended(client.transaction().await.unwrap(), &[write(2), write(3)]).await });
    let client = app.client().await;
    let waiting = async |number: i64| {
        let count = "select count(*) from pg_locks join pg_database on pg_database.datname = current_database()
            join pg_stat_activity using (pid) where not granted and pg_stat_activity.datid = pg_database.oid";
        let becomes = async { while client.query_one(count, &[]).await.unwrap().get::<_, i64>(0) != number {} };
        timeout(HANGS_AFTER, becomes).await.unwrap_or_else(|_| panic!("never {number} of them wait"));
    };
    waiting(1).await;
    ends.abort();
    waiting(0).await;
    drop(holder);
    drop(other);
    assert_eq!(written(&db.client().await.unwrap()).await, Vec::<i32>::new());
}

#[tokio::test]
async fn what_begins_and_ends_one_is_waited_for_with_its_statements() {
    let app = App::start().await;
    one(&app).await;
    let (tap, through) = tap::lead(app.database().url.expose()).await;
    let db = Db::new(&through(app.database().clone())).unwrap();
    let mut client = db.client().await.unwrap();
    for (id, prepared) in [(1, false), (2, true)] {
        let (trips, statements) = (tap.journeys(), tap.statements());
        let tx = client.transaction().await.unwrap();
        db::run(&tx, &write(10 + id)).await.unwrap();
        tx.commit_with(&[write(20 + id), write(30 + id)]).await.unwrap();
        if prepared {
            assert_eq!((tap.journeys() - trips, tap.statements() - statements), (2, 5));
        }
    }
    assert_eq!(written(&client).await, [11, 12, 21, 22, 31, 32]);
}
