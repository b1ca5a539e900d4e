//! A day of everything: both programs with their database and a relay, used by all sorts of people, for twenty-four
//! hours on the clock. They keep nothing of it but what belongs into the database.
//!
//! What is done is chosen by chance that can be had again: `SOAK_SEED`. The clock goes on by an hour at a time, so that
//! digests of all zones fall due. `SOAK_MINUTES` sets how long the day takes; unless it is set, everybody does a few
//! things an hour, and nothing is measured. Below is the same in a steady stream.

mod deeds;
mod people;
mod steady;
mod things;
mod vitals;
mod world;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::{
    bulk::model::setting,
    chaos::storm::{COMPOSED, DELIVERED, LAST_STEP, until},
    process::program::{Ended, ctl},
};
use deeds::{Caller, Deed};
use vitals::{Grown, Vitals, grown};
use world::World;

/// When the day begins. In the zones of its people it is Monday at seven once within it, so that both digests come due.
const BEGIN: &str = "2027-02-28T18:00:00Z";

const HOURS: usize = 24;

/// Hours that are left out of what is measured: pools fill, and so do what is kept on purpose and the rooms of the
/// allocator.
const WARM_HOURS: usize = 8;

/// Who does things, one after the other, all the time.
const CALLERS: usize = 4;

/// An hour of the day, as it ended.
struct Hour {
    /// Calls since the day began, and mails.
    calls: u64,
    mails: usize,
    /// What the server and the daemon have, at the most for most of the hour.
    busy: [Vitals; 2],
    /// What they have when nobody calls.
    idle: [Vitals; 2],
}

/// How long an hour is.
#[derive(Clone, Copy)]
enum Length {
    /// Until so much time has gone.
    Time(Duration),
    /// Until everybody has done so many things.
    Deeds(usize),
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

/// The day, hour by hour, and all that went wrong in it.
async fn day(world: &World, seed: u64, length: Length) -> (Vec<Hour>, Vec<String>) {
    let mut hours: Vec<Hour> = Vec::new();
    let mut wrong = Vec::new();
    let mut turns = deeds::turns(seed, CALLERS);
    for number in 0..HOURS {
        let now = begin() + SignedDuration::from_hours(i64::try_from(number).unwrap() + 1);
        world.app.clock_at(&now.to_string()).await;
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
        turns = callers.into_iter().map(Caller::into_turn).collect();
        drop((server, daemon));
        let before = hours.first().map(|it| it.idle);
        let idle = vitals::at_rest(world, before).await;
        let (calls, mails) = (world.calls(), world.sink.taken());
        hours.push(Hour { calls, mails, busy, idle });
        println!("{}", row(number, hours.last().expect("it was put there")));
    }
    (hours, wrong)
}

fn begin() -> Timestamp {
    BEGIN.parse().unwrap()
}

const HEAD: &str =
    "| hour | calls | mails | server KiB | daemon KiB | files | threads | sessions | files idle | sessions idle |
|---|---|---|---|---|---|---|---|---|---|";

fn row(number: usize, hour: &Hour) -> String {
    let pair = |of: [Vitals; 2], what: fn(&Vitals) -> u64| format!("{} + {}", what(&of[0]), what(&of[1]));
    let Hour { calls, mails, busy, idle } = hour;
    let ([server, daemon], files, threads) =
        (busy.map(|it| it.rss_kib), pair(*busy, |it| it.files), pair(*busy, |it| it.threads));
    let sessions = pair(*busy, |it| it.sessions);
    let (rest, kept) = (pair(*idle, |it| it.files), pair(*idle, |it| it.sessions));
    format!(
        "| {} | {calls} | {mails} | {server} | {daemon} | {files} | {threads} | {sessions} | {rest} | {kept} |",
        number + 1
    )
}

/// What both programs kept of each call, in bytes, after they were warm.
fn kept(hours: &[Hour]) -> [Grown; 2] {
    [0, 1].map(|program| {
        let warm = hours[WARM_HOURS..].iter();
        let points: Vec<_> = warm.map(|it| (it.calls, it.busy[program].rss_kib)).collect();
        grown(&points)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_of_everything_leaves_both_programs_as_they_were() {
    let minutes = setting("SOAK_MINUTES");
    let seed = setting("SOAK_SEED").unwrap_or(20_270_228);
    let length = match minutes {
        Some(minutes) => Length::Time(Duration::from_secs(minutes * 60) / u32::try_from(HOURS).unwrap()),
        None => Length::Deeds(1),
    };
    let world = World::begin(begin()).await;
    println!("seed {seed}\n{HEAD}");
    let (hours, wrong) = day(&world, seed, length).await;
    if minutes.is_some() {
        for (program, it) in ["server", "daemon"].into_iter().zip(kept(&hours)) {
            println!("the {program} kept {:.0} bytes of a call, {:.0} KiB in all", it.bytes_each, it.kib);
            assert!(it.bytes_each <= vitals::KEPT_MAX_BYTES, "the {program} grows");
        }
    }
    assert!(wrong.is_empty(), "{} went wrong: {wrong:#?}", wrong.len());
    let missing: Vec<_> = Deed::ALL.into_iter().filter(|it| !world.was_done(*it)).collect();
    assert!(missing.is_empty(), "{missing:?} was never done");

    let later = begin() + SignedDuration::from_hours(i64::try_from(HOURS).unwrap()) + LAST_STEP;
    world.app.clock_at(&later.to_string()).await;
    until(&world.app, COMPOSED, later).await;
    until(&world.app, DELIVERED, later).await;
    let Ended { code, out, err } = ctl(&world.app, &["audit", "--dev"]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    println!("{} calls, {} mails; {}", world.calls(), world.sink.taken(), out.trim());
}
