//! A steady stream: eight tenths of what the server can do, for minutes, offered whether it keeps up or not.
//!
//! First some do things as fast as they are answered, which shows what it can do. Then things are due by a schedule,
//! and how long each took is counted from when it was due: who had to wait because others were slow is slow too. Copies
//! go on beside both and are not timed, for they wait for the daemon.
//!
//! `STEADY_MINUTES` sets for how long; unless it is set it is seconds, and only failures count.

use std::{ops::Range, sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use workcenter::clock;

use super::{
    begin, deeds,
    deeds::{Caller, Deed},
    vitals::{self, Vitals, grown},
    world::{Manners, World},
};
use crate::{bulk::model::setting, channel::is_unsent};

/// Of what the server can do.
const SHARE: f64 = 0.8;

/// Who does things when it is found out what the server can do: enough that it is never idle.
const EAGER: usize = 8;

/// Who does things at a time later on, at the most; what is due while all are at work waits.
const CREW: usize = 64;

/// The minutes of which the first and the last are compared, each so many. Before them is one in which caches fill.
const COMPARED: usize = 3;
const WARM_MINUTES: usize = 1;

/// How much slower the slowest of a hundred may be at the end than at the beginning: others use the machine too, and
/// the tables have grown from nothing.
const SLOWER_MAX: f64 = 2.0;

/// How long it takes to find out what the server can do, and how long before that it is not counted: until mails of what is
/// told at once are made beside it, too.
const TRIAL: Duration = Duration::from_secs(20);
const TRIAL_WARM: Duration = Duration::from_secs(60);

/// How long what is told at once waits for more, as it does unless a program is set otherwise.
const WINDOW: Duration = Duration::from_secs(30);

/// As long as either of them where nothing is measured.
const BRIEF: Duration = Duration::from_secs(1);

/// How the parts of the stream are called: a minute, unless all of it is shorter.
const MINUTE: Duration = Duration::from_secs(60);

/// What became of a deed: when it was due, how long it took from then on and from when somebody was free, and what went wrong.
struct Outcome {
    deed: Deed,
    due: Duration,
    took: Duration,
    work: Duration,
    wrong: Option<String>,
}

/// Does something as gRPC's own clients do: again when no server has begun with it, for its connection made way. What went
/// wrong otherwise.
async fn done(caller: &mut Caller, deed: Deed) -> Option<String> {
    loop {
        match caller.do_(deed).await {
            Err(status) if is_unsent(&status) => {}
            done => return done.err().map(|status| format!("{deed:?}: {status:?}")),
        }
    }
}

/// Has everybody do things for so long, each as fast as they are answered: how many are done in a second.
async fn flat_out(crew: Vec<Caller>, time: Duration) -> (Vec<Caller>, f64) {
    let until = Instant::now() + time;
    let work = crew.into_iter().map(|mut caller| async move {
        let mut count = 0_u32;
        while Instant::now() < until {
            let deed = caller.next_that_is_answered();
            assert_eq!(done(&mut caller, deed).await, None);
            count += 1;
        }
        (caller, count)
    });
    let work: JoinSet<_> = work.collect();
    let (crew, counts): (Vec<_>, Vec<_>) = work.join_all().await.into_iter().unzip();
    (crew, f64::from(counts.into_iter().sum::<u32>()) / time.as_secs_f64())
}

/// Has so many things be due in a second, for so long.
async fn offered(callers: Vec<Caller>, each_second: f64, time: Duration) -> Vec<Outcome> {
    let (back, crew) = mpsc::unbounded_channel();
    for caller in callers {
        assert!(back.send(caller).is_ok());
    }
    let crew = Arc::new(Mutex::new(crew));
    let begun = Instant::now();
    let mut work = JoinSet::new();
    for number in 0_u32.. {
        let due = Duration::from_secs_f64(f64::from(number) / each_second);
        if due >= time {
            break;
        }
        sleep_until(begun + due).await;
        let (back, crew) = (back.clone(), Arc::clone(&crew));
        work.spawn(async move {
            let mut caller = crew.lock().await.recv().await.expect("whoever goes comes back");
            let (free, deed) = (Instant::now(), caller.next_that_is_answered());
            let wrong = done(&mut caller, deed).await;
            let (took, work) = ((begun + due).elapsed(), free.elapsed());
            // Nobody is waited for when all is over.
            let _ = back.send(caller);
            Outcome { deed, due, took, work, wrong }
        });
    }
    work.join_all().await
}

/// Copies one thing after the other until told to stop; returns what went wrong.
async fn copying(mut caller: Caller, over: &CancellationToken) -> Vec<String> {
    let mut wrong = Vec::new();
    while !over.is_cancelled() {
        wrong.extend(done(&mut caller, Deed::Copy).await);
    }
    wrong
}

/// A time below which so many of a hundred are; the times are in order.
fn of_a_hundred(times: &[Duration], share: usize) -> Duration {
    times[(times.len() * share / 100).min(times.len() - 1)]
}

/// What was due in some of the minutes.
fn within(outcomes: &[Outcome], minutes: Range<usize>) -> impl Iterator<Item = &Outcome> {
    let minute = |it: &Outcome| usize::try_from(it.due.as_secs() / MINUTE.as_secs()).unwrap();
    outcomes.iter().filter(move |it| minutes.contains(&minute(it)))
}

/// The times of it, in order.
fn times(outcomes: &[Outcome], minutes: Range<usize>) -> Vec<Duration> {
    let mut times: Vec<_> = within(outcomes, minutes).map(|it| it.took).collect();
    times.sort_unstable();
    times
}

/// How long half of all deeds of a kind took at most once somebody was free for them.
fn half(outcomes: &[Outcome], minutes: Range<usize>, deed: Deed) -> Duration {
    let mut times: Vec<_> = within(outcomes, minutes).filter(|it| it.deed == deed).map(|it| it.work).collect();
    times.sort_unstable();
    of_a_hundred(&times, 50)
}

/// Looks at both programs once a minute, until told to stop: how many calls there were until then, and what they have.
async fn looked_at(world: &World, over: &CancellationToken) -> Vec<(u64, [Vitals; 2])> {
    let mut looks = Vec::new();
    while !over.is_cancelled() {
        let minute = CancellationToken::new();
        let end = async {
            tokio::select! {
                () = tokio::time::sleep(MINUTE) => {}
                () = over.cancelled() => {}
            }
            minute.cancel();
        };
        let ((), seen) = tokio::join!(end, vitals::sampled(world, &minute));
        looks.push((world.calls(), seen));
    }
    looks
}

/// Nothing grew, and it is as fast at the end as at the beginning.
fn is_steady(outcomes: &[Outcome], looks: &[(u64, [Vitals; 2])], minutes: usize) {
    println!("| minute | deeds | p50 | p99 | slowest | server KiB | daemon KiB |\n|---|---|---|---|---|---|---|");
    for (number, (_, seen)) in looks.iter().enumerate().take(minutes) {
        let times = times(outcomes, number..number + 1);
        let (p50, p99, last) = (of_a_hundred(&times, 50), of_a_hundred(&times, 99), times[times.len() - 1]);
        let [server, daemon] = seen.map(|it| it.rss_kib);
        println!("| {} | {} | {p50:?} | {p99:?} | {last:?} | {server} | {daemon} |", number + 1, times.len());
    }
    for program in [0, 1] {
        let points =
            looks[..minutes].iter().skip(WARM_MINUTES + 1).map(|(calls, seen)| (*calls, seen[program].rss_kib));
        let it = grown(&points.collect::<Vec<_>>());
        println!("program {program} kept {:.0} bytes of a call, {:.0} KiB in all", it.bytes_each, it.kib);
        assert!(it.bytes_each <= vitals::KEPT_MAX_BYTES, "it grows");
    }
    let (first, last) = (WARM_MINUTES..WARM_MINUTES + COMPARED, minutes - COMPARED..minutes);
    println!("| deed | half in the first minutes | and in the last |\n|---|---|---|");
    for deed in Deed::ALL.into_iter().filter(|it| *it != Deed::Copy) {
        let [first, last] = [&first, &last].map(|it| half(outcomes, it.clone(), deed));
        println!("| {deed:?} | {first:?} | {last:?} |");
    }
    let [first, last] = [first, last].map(|it| of_a_hundred(&times(outcomes, it), 99));
    println!("p99 was {first:?} in the first minutes, and {last:?} in the last");
    assert!(last <= first.mul_f64(SLOWER_MAX), "it became slow");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_has_eight_tenths_of_what_it_can_do_to_do_does_all_of_it() {
    let minutes = setting("STEADY_MINUTES").map(|it| usize::try_from(it).unwrap());
    let seed = setting("SOAK_SEED").unwrap_or(20_270_301);
    let world = World::begin(begin(), &Manners { window: WINDOW, found: Vec::new() }).await;
    clock::set(&world.app.client().await, begin(), 1.0).await.unwrap();
    let (server, daemon) = (world.server.channel(), world.daemon.channel());
    let turns = deeds::turns(seed, CREW + 1).into_iter().enumerate();
    let caller = |(number, turn)| Caller::new(world.clone(), number, turn, server.clone(), daemon.clone());
    let mut crew: Vec<_> = turns.map(caller).collect();
    let copier = crew.pop().expect("there is one more");

    let over = CancellationToken::new();
    let stream = async {
        let rest = crew.split_off(EAGER);
        let (warm, trial) = if minutes.is_some() { (TRIAL_WARM, TRIAL) } else { (BRIEF, BRIEF) };
        let (eager, _) = flat_out(crew, warm).await;
        let (eager, most) = flat_out(eager, trial).await;
        println!("seed {seed}: {most:.1} deeds a second at the most");
        let time = minutes.map_or(2 * BRIEF, |it| MINUTE * u32::try_from(it).unwrap());
        let looked = CancellationToken::new();
        let offered = async {
            let outcomes = offered(eager.into_iter().chain(rest).collect(), SHARE * most, time).await;
            looked.cancel();
            outcomes
        };
        let both = tokio::join!(offered, looked_at(&world, &looked));
        over.cancel();
        both
    };
    let ((outcomes, looks), mut wrong) = tokio::join!(stream, copying(copier, &over));

    wrong.extend(outcomes.iter().filter_map(|it| it.wrong.clone()));
    assert!(wrong.is_empty(), "{} of {} went wrong: {wrong:#?}", wrong.len(), outcomes.len());
    assert!(!outcomes.is_empty());
    if let Some(minutes) = minutes {
        is_steady(&outcomes, &looks, minutes);
    }
}
