//! Takes one turn at mails, and prints what that took: ours end to end, or sessions of lettre with mails that are there.
//!
//! ```text
//! mails sample URL FILE                      writes one of our mails into a file
//! mails ours URL PORT SESSIONS COUNT         composes and delivers COUNT digests
//! mails lettre PORT SESSIONS COUNT FILE      delivers the file COUNT times
//! mails slow MILLISECONDS                    a relay that takes so long for each reply; prints its port
//! ```
//!
//! `URL` is that of a PostgreSQL on which databases may be made.

mod ours;
mod sessions;
mod slow;

use std::{env, error::Error, fs, time::Duration};

/// What may go wrong: anything, and then there is no figure.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Microseconds that the threads of this program have had a core.
///
/// Source: the first number of `schedstat`, in nanoseconds; proc(5).
fn cpu_us() -> Result<f64> {
    let mut all = 0.0;
    for task in fs::read_dir("/proc/self/task")? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        all += text.split_whitespace().next().ok_or("no figure")?.parse::<f64>()? / 1e3;
    }
    Ok(all)
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["sample", url, file] => ours::sample(url, file).await,
        ["ours", url, port, sessions, count] => ours::turn(url, port.parse()?, sessions.parse()?, count.parse()?).await,
        ["lettre", port, sessions, count, file] => {
            sessions::turn(port.parse()?, sessions.parse()?, count.parse()?, fs::read(file)?).await
        }
        ["slow", milliseconds] => slow::serve(Duration::from_millis(milliseconds.parse()?)).await,
        _ => Err("what there is to do stands at the top of benches/mails/main.rs".into()),
    }
}
