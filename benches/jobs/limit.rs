//! What a queue in PostgreSQL can do at most that keeps its rows: nothing but a claim and a completion.

use std::time::{Duration, Instant};

use crate::{Result, stage::Stage};

/// Rows that are claimed at a time, and how many do that at once.
const BATCH: i64 = 100;
const HANDS: usize = 2;

const CLAIM: &str = "
    update queue set state = 'RUNNING' where id in (
        select id from queue where state = 'QUEUED' order by id limit $1 for update skip locked)
    returning id";

const FINISH: &str = "update queue set state = 'DONE', done_at = now() where id = any($1)";

/// Does so many rows, and returns how long that took.
pub async fn done(stage: &Stage, count: usize) -> Result<Duration> {
    let db = stage.db()?;
    let client = db.client().await?;
    client
        .batch_execute(
            "create table queue (id bigint primary key, state text not null, done_at timestamptz);
            create index on queue (id) where state = 'QUEUED'",
        )
        .await?;
    let fill = "insert into queue select it, 'QUEUED' from generate_series(1, $1::bigint) it";
    client.execute(fill, &[&i64::try_from(count)?]).await?;
    client.batch_execute("vacuum analyze queue").await?;
    let hand = async || -> Result<()> {
        let client = db.client().await?;
        let (claim, finish) = (client.prepare(CLAIM).await?, client.prepare(FINISH).await?);
        loop {
            let rows = client.query(&claim, &[&BATCH]).await?;
            if rows.is_empty() {
                return Ok(());
            }
            let ids: Vec<i64> = rows.iter().map(|it| it.get(0)).collect();
            client.execute(&finish, &[&ids]).await?;
        }
    };
    let began = Instant::now();
    let hands: [_; HANDS] = std::array::from_fn(|_| hand());
    futures_util::future::try_join_all(hands).await?;
    Ok(began.elapsed())
}
