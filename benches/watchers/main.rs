//! Watches jobs on our server, and prints how soon watchers see that one has moved, and what they cost.
//!
//! ```text
//! watchers one URL MOVES           one watcher of one job
//! watchers same URL COUNT MOVES    COUNT watchers of one job
//! watchers each URL COUNT MOVES    COUNT watchers, each of a job of its own: all jobs move at once, then one by one
//! watchers words URL SECONDS       how many notices there are of one job that moves without a pause
//! ```
//!
//! `URL` is that of a PostgreSQL on which databases may be made. Times are from when a move has committed.

mod crowd;
#[path = "../calls/raw.rs"]
mod raw;
mod stage;

use std::{env, error::Error, time::Duration};

use crowd::Crowd;
use stage::Stage;

/// What may go wrong: anything, and then there is no figure.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How far moves stand apart, so that each is told of at once.
const APART: Duration = Duration::from_millis(300);

/// Milliseconds at 50 and 99 of 100, and the most.
fn shares(mut took: Vec<Duration>) -> [f64; 3] {
    took.sort_unstable();
    [50, 99, 100].map(|share| took[(took.len() - 1) * share / 100].as_secs_f64() * 1e3)
}

async fn one(url: &str, moves: usize) -> Result<()> {
    let stage = Stage::set(url, 1).await?;
    let mut crowd = Crowd::gather(&stage, 1).await?;
    let mut took = Vec::new();
    for _ in 0..moves {
        tokio::time::sleep(APART).await;
        let committed = stage.step(&stage.jobs).await?;
        took.extend(crowd.seen(1, committed).await?);
    }
    let [half, most, last] = shares(took);
    println!(r#"{{"p50_ms": {half:.2}, "p99_ms": {most:.2}, "max_ms": {last:.2}}}"#);
    stage.clear().await
}

/// How soon the first, half, 99 of 100 and the last of a crowd see a move: of several moves the middle one.
async fn moved(stage: &Stage, crowd: &mut Crowd, count: usize, moves: usize) -> Result<[f64; 4]> {
    let mut all = Vec::new();
    for _ in 0..moves {
        tokio::time::sleep(APART).await;
        let committed = stage.step(&stage.jobs).await?;
        let took = crowd.seen(count, committed).await?;
        let first = took.iter().min().copied().unwrap_or_default().as_secs_f64() * 1e3;
        let [half, most, last] = shares(took);
        all.push([first, half, most, last]);
    }
    all.sort_unstable_by(|one, other| one[3].total_cmp(&other[3]));
    Ok(all[all.len() / 2])
}

async fn same(url: &str, count: usize, moves: usize) -> Result<()> {
    let stage = Stage::set(url, 1).await?;
    let mut crowd = Crowd::gather(&stage, count).await?;
    let [first, half, most, last] = moved(&stage, &mut crowd, count, moves).await?;
    println!(
        r#"{{"first_ms": {first:.1}, "p50_ms": {half:.1}, "p99_ms": {most:.1}, "last_ms": {last:.1}, "bytes": {}}}"#,
        crowd.bytes
    );
    stage.clear().await
}

async fn each(url: &str, count: usize, moves: usize) -> Result<()> {
    let stage = Stage::set(url, count).await?;
    let mut crowd = Crowd::gather(&stage, count).await?;
    let [first, half, most, last] = moved(&stage, &mut crowd, count, moves).await?;
    let mut alone = Vec::new();
    for job in stage.jobs.iter().step_by(count.div_ceil(moves * 4)) {
        tokio::time::sleep(APART / 2).await;
        let committed = stage.step(&[*job]).await?;
        alone.extend(crowd.seen(1, committed).await?);
    }
    let [_, alone, _] = shares(alone);
    println!(
        concat!(
            r#"{{"first_ms": {:.1}, "p50_ms": {:.1}, "p99_ms": {:.1}, "last_ms": {:.1}, "#,
            r#""alone_p99_ms": {:.2}, "bytes": {}}}"#
        ),
        first, half, most, last, alone, crowd.bytes
    );
    stage.clear().await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["one", url, moves] => one(url, moves.parse()?).await,
        ["same", url, count, moves] => same(url, count.parse()?, moves.parse()?).await,
        ["each", url, count, moves] => each(url, count.parse()?, moves.parse()?).await,
        ["words", url, seconds] => {
            let stage = Stage::set(url, 1).await?;
            let per_s = stage.words(Duration::from_secs(seconds.parse()?)).await?;
            println!(r#"{{"per_s": {per_s:.1}}}"#);
            stage.clear().await
        }
        _ => Err("what there is to do stands at the top of benches/watchers/main.rs".into()),
    }
}
