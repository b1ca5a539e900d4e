//! What a program has of the machine, now and over time.

use std::time::Duration;

use tokio::time::{interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::world::{NAMES, POOL, World};
use crate::process::{
    program::Serving,
    running::{HANGS_AFTER, page},
};

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long it is looked for the least memory that a program has at rest: what is free is given back every second, and so
/// twice at least.
const REST: Duration = Duration::from_secs(3);

/// How soon it is looked again whether a program has come to rest.
const GLANCE: Duration = Duration::from_millis(100);

/// What may remain of a call in some minutes, in bytes. Nothing should; but the digests that are composed and previewed
/// tell of more and more, and need more memory to be written. In twenty minutes that was 33 of the server and 64 of the
/// daemon on a quiet machine, 133 and 190 on one that was not.
pub const KEPT_MAX_BYTES: f64 = 256.0;

/// What a program has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vitals {
    /// What is in memory of its own. What is there of the program's file is not counted: the kernel reads and drops that as it
    /// likes.
    pub rss_kib: u64,
    pub files: u64,
    pub threads: u64,
    /// Its connections to PostgreSQL but the one that listens.
    pub sessions: u64,
    /// Those to the relay, which a daemon keeps until it next has mail.
    relayed: u64,
}

impl Vitals {
    /// What there is of files that are no connections which are kept to be used again.
    fn other_files(&self) -> u64 {
        self.files.saturating_sub(self.sessions + self.relayed)
    }
}

/// What both have now.
async fn now(world: &World) -> [Vitals; 2] {
    let count = "select count(*) from pg_stat_activity where datname = current_database() and application_name = $1";
    let client = world.app.client().await;
    let mut both = [Vitals::default(); 2];
    let relayed = [0, u64::try_from(world.sink.sessions_open()).unwrap()];
    for (((it, program), name), relayed) in both.iter_mut().zip(world.programs()).zip(NAMES).zip(relayed) {
        let sessions: i64 = client.query_one(count, &[&name]).await.unwrap().get(0);
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.pid())).unwrap();
        let figure = |name: &str| {
            let line = status.lines().find_map(|it| it.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        let files = std::fs::read_dir(format!("/proc/{}/fd", program.pid())).unwrap().count();
        *it = Vitals {
            rss_kib: figure("RssAnon:"),
            threads: figure("Threads:"),
            files: u64::try_from(files).unwrap(),
            sessions: u64::try_from(sessions).unwrap(),
            relayed,
        };
    }
    both
}

/// The least memory, in KiB, that each has within [`REST`].
pub async fn kept_kib(world: &World) -> [u64; 2] {
    let done = CancellationToken::new();
    let (looks, ()) = tokio::join!(looks(world, &done), async {
        sleep(REST).await;
        done.cancel();
    });
    [0, 1].map(|program| least(&looks, program))
}

fn least(looks: &[[Vitals; 2]], program: usize) -> u64 {
    looks.iter().map(|it| it[program].rss_kib).min().expect("it was looked at least once")
}

/// Looks until told to stop; returns the middle of what was seen, and of memory the least: what was had for a moment
/// alone, as for a large digest, is not kept.
pub async fn sampled(world: &World, done: &CancellationToken) -> [Vitals; 2] {
    let looks = looks(world, done).await;
    [0, 1].map(|program| {
        let middle = |what: fn(&Vitals) -> u64| median(looks.iter().map(|it| what(&it[program])).collect());
        Vitals {
            rss_kib: least(&looks, program),
            files: middle(|it| it.files),
            threads: middle(|it| it.threads),
            sessions: middle(|it| it.sessions),
            relayed: middle(|it| it.relayed),
        }
    })
}

/// Looks until told to stop, once at least.
async fn looks(world: &World, done: &CancellationToken) -> Vec<[Vitals; 2]> {
    let mut looks = Vec::new();
    let mut pace = interval(LOOK_EVERY);
    loop {
        tokio::select! {
            _ = pace.tick() => looks.push(now(world).await),
            () = done.cancelled(), if !looks.is_empty() => return looks,
        }
    }
}

pub fn median(mut figures: Vec<u64>) -> u64 {
    figures.sort_unstable();
    figures[figures.len() / 2]
}

/// Whether nobody is connected to a program.
async fn is_left(program: &Serving) -> bool {
    let page = page(program.metrics.as_deref().expect("it has metrics")).await;
    page.lines().any(|it| it == "workcenter_connections 0")
}

/// Waits until nobody is connected, and each has no more files than it had `before`, connections to the database apart:
/// of those there are as many as its pool may have. Returns what they have then.
pub async fn at_rest(world: &World, before: Option<[Vitals; 2]>) -> [Vitals; 2] {
    let rests = async {
        loop {
            let mut left = true;
            for program in world.programs() {
                left &= is_left(program).await;
            }
            let idle = now(world).await;
            let has_returned = before.is_none_or(|before| {
                idle.iter().zip(before).all(|(now, before)| now.other_files() <= before.other_files())
            });
            if left && has_returned {
                assert!(idle.iter().all(|it| it.sessions <= POOL), "{idle:?}");
                return idle;
            }
            sleep(GLANCE).await;
        }
    };
    let Ok(idle) = timeout(HANGS_AFTER, rests).await else {
        panic!("files are kept: {:?}, before {before:?}", now(world).await)
    };
    idle
}

/// What a program has grown by.
#[derive(Clone, Copy, Debug)]
pub struct Grown {
    /// With each call.
    pub bytes_each: f64,
    /// Over all calls.
    pub kib: f64,
}

/// How much memory, in KiB, grows with the number of calls: the slope of the line that has all of the points as near as
/// can be. Source: A.-M. Legendre, "Nouvelles méthodes pour la détermination des orbites des comètes", 1805, the least
/// squares.
#[expect(clippy::cast_precision_loss, reason = "calls and KiB are far below 2^52")]
pub fn grown(points: &[(u64, u64)]) -> Grown {
    let count = points.len() as f64;
    let mean = |of: fn(&(u64, u64)) -> u64| points.iter().map(|it| of(it) as f64).sum::<f64>() / count;
    let (calls, kib) = (mean(|it| it.0), mean(|it| it.1));
    let together: f64 = points.iter().map(|it| (it.0 as f64 - calls) * (it.1 as f64 - kib)).sum();
    let apart: f64 = points.iter().map(|it| (it.0 as f64 - calls).powi(2)).sum();
    let slope = together / apart;
    let all = points.last().map_or(0, |it| it.0) - points.first().map_or(0, |it| it.0);
    Grown { bytes_each: slope * 1024.0, kib: slope * all as f64 }
}

#[test]
fn what_grows_with_calls_is_told_from_what_goes_up_and_down() {
    let leak: Vec<_> = (0..16).map(|it| (it * 1_000, 50_000 + it * 100 + it % 3)).collect();
    assert!((grown(&leak).bytes_each - 102.4).abs() < 1.0, "{:?}", grown(&leak));
    let noise: Vec<_> = (0..16).map(|it| (it * 1_000, 50_000 + it * 7919 % 300)).collect();
    assert!(grown(&noise).bytes_each.abs() < KEPT_MAX_BYTES, "{:?}", grown(&noise));
    assert_eq!(median(vec![3, 1, 2]), 2);
}
