//! A day of everything: both programs with their database and a relay, used by all sorts of people, for twenty-four
//! hours on the clock. They keep nothing of it but what belongs into the database.
//!
//! What is done is chosen by chance that can be had again: `SOAK_SEED`. Digests of all zones fall due. `SOAK_MINUTES`
//! sets how long it takes, and then a second day follows on the first: until a day has gone, each daily digest tells of
//! more than the one before, and needs more memory to be written; from then on all tell of as much. Unless it is set,
//! everybody does a few things an hour, and nothing is measured. Below is the same in a steady stream.
//!
//! In twenty minutes 100 bytes that stay of each call are seen in either program, and 1 KiB that stays of each mail in
//! the daemon: `flat` says how. What a run would have seen it prints.

mod deeds;
mod flat;
mod people;
mod steady;
mod things;
mod vitals;
mod world;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use workcenter::clock;

use crate::{
    bulk::model::setting,
    chaos::storm::{COMPOSED, DELIVERED, LAST_STEP, until},
    process::program::{Ended, ctl},
};
use deeds::{Caller, Deed};
use flat::{Point, Rise};
use vitals::Vitals;
use world::{Manners, World};

/// When the day begins. In the zones of its people it is Monday at seven once within it, so that both digests come due.
const BEGIN: &str = "2027-02-28T18:00:00Z";

const DAY_HOURS: usize = 24;

/// Of which the first is there for the second, where memory is measured.
const DAYS_MEASURED: usize = 2;

/// How long what is told at once waits for more: an hour of the clock goes by in seconds, and there is to be time for
/// calls, too.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Who does things, one after the other, all the time.
const CALLERS: usize = 4;

/// An hour of the day, as it ended.
struct Hour {
    /// Calls since the day began, and mails.
    calls: u64,
    mails: u64,
    /// What the server and the daemon have for most of the hour, and of memory the least.
    busy: [Vitals; 2],
    /// What they have when nobody calls.
    idle: [Vitals; 2],
    /// The memory, in KiB, that they have then; where it is measured, the least.
    kept_kib: [u64; 2],
}

/// How long an hour is by the clock.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// How long an hour is.
#[derive(Clone, Copy)]
enum Length {
    /// Until so much time has gone.
    Time(Duration),
    /// Until everybody has done so many things.
    Deeds(usize),
}

impl Length {
    fn hours(self) -> usize {
        match self {
            Self::Time(_) => DAYS_MEASURED * DAY_HOURS,
            Self::Deeds(_) => DAY_HOURS,
        }
    }

    /// How fast the clock goes while things are done. Between hours it stands.
    fn speed(self) -> f64 {
        match self {
            Self::Time(time) => HOUR.as_secs_f64() / time.as_secs_f64(),
            Self::Deeds(_) => 0.0,
        }
    }
}

/// Has everybody do things for an hour; returns what went wrong.
async fn hour(callers: &mut [Caller], length: Length) -> Vec<String> {
    let begun = Instant::now();
    let wrong = callers.iter_mut().map(async |caller| {
        let mut wrong = Vec::new();
        let mut done = 0;
        while match length {
            Length::Time(time) => begun.elapsed() < time,
            Length::Deeds(deeds) => done < deeds,
        } {
            let deed = caller.next();
            if let Err(status) = caller.do_(deed).await {
                println!("{deed:?}: {status:?}");
                wrong.push(format!("{deed:?}: {status:?}"));
            }
            done += 1;
        }
        wrong
    });
    join_all(wrong).await.into_iter().flatten().collect()
}

/// The day, or both, hour by hour, and all that went wrong.
async fn day(world: &World, seed: u64, length: Length) -> (Vec<Hour>, Vec<String>) {
    let mut hours: Vec<Hour> = Vec::new();
    let mut wrong = Vec::new();
    let mut turns = deeds::turns(seed, CALLERS);
    for number in 0..length.hours() {
        let now = begin() + HOUR * i32::try_from(number + 1).unwrap();
        clock::set(&world.app.client().await, now, length.speed()).await.unwrap();
        // Connections come and go with the hours.
        let (server, daemon) = (world.server.channel(), world.daemon.channel());
        let caller = |(number, turn)| Caller::new(world.clone(), number, turn, server.clone(), daemon.clone());
        let mut callers: Vec<_> = turns.into_iter().enumerate().map(caller).collect();
        let done = CancellationToken::new();
        let (failed, busy) = tokio::join!(
            async {
                let failed = hour(&mut callers, length).await;
                done.cancel();
                failed
            },
            vitals::sampled(world, &done),
        );
        wrong.extend(failed);
        // It does not go back: it stands where it is.
        clock::set(&world.app.client().await, now, 0.0).await.unwrap();
        turns = callers.into_iter().map(Caller::into_turn).collect();
        drop((server, daemon));
        let before = hours.first().map(|it| it.idle);
        let idle = vitals::at_rest(world, before).await;
        let kept_kib = match length {
            Length::Time(_) => vitals::kept_kib(world).await,
            Length::Deeds(_) => idle.map(|it| it.rss_kib),
        };
        let (calls, mails) = (world.calls(), u64::try_from(world.sink.taken()).unwrap());
        hours.push(Hour { calls, mails, busy, idle, kept_kib });
        println!("{}", row(number, hours.last().expect("it was put there")));
    }
    (hours, wrong)
}

fn begin() -> Timestamp {
    BEGIN.parse().unwrap()
}

const HEAD: &str = "| hour | calls | mails | KiB | files | threads | sessions | KiB idle | files idle | sessions idle |
|---|---|---|---|---|---|---|---|---|---|";

fn row(number: usize, hour: &Hour) -> String {
    let pair = |of: [Vitals; 2], what: fn(&Vitals) -> u64| format!("{} + {}", what(&of[0]), what(&of[1]));
    let Hour { calls, mails, busy, idle, kept_kib: [server, daemon] } = hour;
    let (memory, files, threads) =
        (pair(*busy, |it| it.rss_kib), pair(*busy, |it| it.files), pair(*busy, |it| it.threads));
    let sessions = pair(*busy, |it| it.sessions);
    let (rest, kept) = (pair(*idle, |it| it.files), pair(*idle, |it| it.sessions));
    format!(
        "| {} | {calls} | {mails} | {memory} | {files} | {threads} | {sessions} | {server} + {daemon} | {rest} | {kept} |",
        number + 1
    )
}

/// Neither program has more memory at the end than it had before, but for what chance adds.
fn is_flat(hours: &[Hour]) {
    let rises = [0, 1].map(|program| {
        let point = |it: &Hour| Point { kib: it.kept_kib[program], calls: it.calls, mails: it.mails };
        Rise::of(&hours.iter().map(point).collect::<Vec<_>>())
    });
    for (program, it) in ["server", "daemon"].into_iter().zip(rises) {
        let ([middle, last], [of_call, of_mail]) = (it.peaks, it.seen_bytes());
        println!("the {program} had {middle} KiB at the most in the middle third and {last} KiB in the last;");
        println!("{of_call:.0} bytes kept of a call or {of_mail:.0} bytes kept of a mail would be seen");
    }
    assert!(rises.iter().all(Rise::is_flat), "memory grows: {rises:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_of_everything_leaves_both_programs_as_they_were() {
    let minutes = setting("SOAK_MINUTES");
    let seed = setting("SOAK_SEED").unwrap_or(20_270_228);
    let length = match minutes {
        Some(minutes) => {
            Length::Time(Duration::from_secs(minutes * 60) / u32::try_from(DAYS_MEASURED * DAY_HOURS).unwrap())
        }
        None => Length::Deeds(1),
    };
    let found = minutes.map(|_| flat::giving_back()).unwrap_or_default();
    let world = World::begin(begin(), &Manners { window: WINDOW, found }).await;
    println!("seed {seed}\n{HEAD}");
    let (hours, wrong) = day(&world, seed, length).await;
    if minutes.is_some() {
        is_flat(&hours);
    }
    assert!(wrong.is_empty(), "{} went wrong: {wrong:#?}", wrong.len());
    let missing: Vec<_> = Deed::ALL.into_iter().filter(|it| !world.was_done(*it)).collect();
    assert!(missing.is_empty(), "{missing:?} was never done");

    let later = begin() + HOUR * i32::try_from(length.hours()).unwrap() + LAST_STEP;
    world.app.clock_at(&later.to_string()).await;
    until(&world.app, COMPOSED, later).await;
    until(&world.app, DELIVERED, later).await;
    let Ended { code, out, err } = ctl(&world.app, &["audit", "--dev"]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    println!("{} calls, {} mails; {}", world.calls(), world.sink.taken(), out.trim());
}
