//! Takes one turn at jobs, and prints how many were done in a second, or how long it took until one was begun.
//!
//! ```text
//! jobs items URL COUNT WORK       one bulk job over COUNT items
//! jobs whole URL COUNT WORK       COUNT jobs of one item each
//! jobs wake URL COUNT             COUNT jobs, each of which comes when nothing is left to do
//! jobs limit URL COUNT            COUNT rows, claimed and finished by nothing but two statements
//! ```
//!
//! `URL` is that of a PostgreSQL on which databases may be made. `WORK` is `copy`, the daemon's own of copying empty
//! documents, or `nothing`, which is done to an item of the queues that ours is compared with.

mod limit;
mod ours;
mod stage;

use std::{env, error::Error, time::Duration};

use stage::Stage;

/// What may go wrong: anything, and then there is no figure.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What an item takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// A copy of an empty document.
    Copy,
    /// Nothing.
    Nothing,
}

fn rate(count: usize, took: Duration) {
    println!(r#"{{"per_s": {:.1}}}"#, count as f64 / took.as_secs_f64());
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let deed = match words.last() {
        Some(&"copy") => Deed::Copy,
        _ => Deed::Nothing,
    };
    match words[..] {
        ["items", url, count, "copy" | "nothing"] => {
            let stage = Stage::set(url, count.parse()?).await?;
            stage.job_of_all().await?;
            rate(stage.count, ours::done(&stage, deed).await?);
            stage.clear().await
        }
        ["whole", url, count, "copy" | "nothing"] => {
            let stage = Stage::set(url, count.parse()?).await?;
            stage.job_of_each().await?;
            rate(stage.count, ours::done(&stage, deed).await?);
            stage.clear().await
        }
        ["wake", url, count] => {
            let stage = Stage::set(url, count.parse()?).await?;
            ours::wake(&stage).await?;
            stage.clear().await
        }
        ["limit", url, count] => {
            let stage = Stage::set(url, 0).await?;
            let count = count.parse()?;
            rate(count, limit::done(&stage, count).await?);
            stage.clear().await
        }
        _ => Err("what there is to do stands at the top of benches/jobs/main.rs".into()),
    }
}
