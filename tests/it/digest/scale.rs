//! What a morning of digests costs when there are many: statements for a batch, and, with `DIGESTS_FULL` set, time and memory
//! for a person.

use std::{num::NonZeroU32, time::Instant};

use workcenter::{
    config,
    daemon::{Daemon, Sweep},
};

use crate::{
    harness::App,
    reads::{as_if_large, read},
    sink::{Manner, Sink},
};

/// The morning that all of it is for.
pub const MORNING: &str = "2027-03-02T07:00:00Z";

/// People in a batch, as the settings of these tests have it.
const BATCH: i64 = 10;

/// People of a WorkCenter, of those of its account.
const WORKCENTER: i64 = 100;

/// How much more it may cost for a person when there are a hundred times as many. Source: the promise that it is flat.
const FLAT: f64 = 1.2;

/// How much more memory the process may take for a hundred times as many people, in mebibytes.
const GROWTH_MIB: f64 = 64.0;

/// How much of the database a digest with two places and two events in each may read: about a hundred rows and entries of
/// indexes, and as many again for looks that find nothing and for what was due and is not any more: that stays in its index
/// for as long as somebody may still see it. A plan that looks through what waits reads more, and more the more waits.
const READS_MAX: i64 = 300;

/// Makes people whose digests are due in the morning.
const PEOPLE: &str = include_str!("../../data/people.sql");

/// What there is.
#[derive(Clone, Copy)]
pub struct Size {
    pub people: i64,
    /// How many of them are in one account.
    pub account: i64,
    pub workcenters: i64,
    pub events: i64,
}

pub async fn seed(app: &App, Size { people, account, workcenters, events }: Size) {
    let places = (account * workcenters / WORKCENTER).max(workcenters);
    let mut statement = PEOPLE.to_owned();
    for (name, number) in
        [(":people", people), (":account", account), (":places", places), (":each", workcenters), (":events", events)]
    {
        statement = statement.replace(name, &number.to_string());
    }
    let client = app.client().await;
    client.batch_execute("set statement_timeout = 0").await.unwrap();
    client.batch_execute(&statement).await.unwrap();
    // What it has read is counted now, and not in the middle of what comes.
    client.batch_execute("reset statement_timeout; select pg_stat_force_next_flush()").await.unwrap();
}

/// How many digests are in the outbox that tell all there is to tell.
async fn told(app: &App, size: Size) -> i64 {
    let whole = "select count(*) from settlement join mail on mail.id = settlement.mail_id
        where cause = 'DAILY' and (select sum(it) from unnest(shown || own) as it) = $1::bigint";
    let rows = app.client().await.query(whole, &[&(size.workcenters * size.events)]).await.unwrap();
    rows[0].get(0)
}

/// How often the database is waited for in a morning of `batches` batches. Each is all of an account, so that its job is over
/// with it, which is told at once: that jobs move is told by the clock.
async fn round_trips(batches: i64, workcenters: i64, events: i64) -> usize {
    let app = App::start().await;
    app.clock_at(MORNING).await;
    let size = Size { people: BATCH * batches, account: BATCH, workcenters, events };
    seed(&app, size).await;
    let (parts, tap) = app.tapped_parts().await;
    let daemon = Daemon::new(parts, &app.daemon_settings(None));
    let before = tap.round_trips();
    daemon.step(Sweep::Daily, app.now().await).await.unwrap();
    let taken = tap.round_trips() - before;
    assert_eq!(told(&app, size).await, size.people);
    taken
}

#[tokio::test]
async fn a_batch_of_digests_takes_the_same_few_statements_whatever_there_is_to_tell() {
    let [two, four, six] = [round_trips(2, 2, 2).await, round_trips(4, 2, 2).await, round_trips(6, 2, 2).await];
    assert_eq!(four - two, six - four);
    assert_eq!([round_trips(2, 20, 2).await, round_trips(2, 2, 40).await], [two, two]);
}

/// How much of the database a morning reads for each of so many people, all of one account and told at once. It has planned
/// for tables as they were before, when no mail was there.
async fn reads(people: i64) -> i64 {
    let app = App::start().await;
    app.clock_at(MORNING).await;
    seed(&app, Size { people, account: people, workcenters: 2, events: 2 }).await;
    let sink = Sink::with(Manner::brief(), Vec::new()).await;
    let client = app.client().await;
    as_if_large(&client).await;
    let before = read(&client).await;
    let daemon = app.daemon(Some(sink.address()));
    for sweep in [Sweep::Daily, Sweep::Outbox] {
        daemon.step(sweep, app.now().await).await.unwrap();
    }
    assert_eq!(i64::try_from(sink.mails().len()).unwrap(), people);
    (read(&client).await - before) / people
}

#[tokio::test]
async fn a_morning_reads_no_more_for_each_person_however_many_there_are() {
    let [few, many] = [reads(150).await, reads(600).await];
    println!("{few} rows and entries for each of 150, {many} for each of 600");
    assert!(few.max(many) < READS_MAX, "{few} and {many}");
}

/// The most memory that this process has ever had, in mebibytes.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// What a morning of digests takes for one of them, in microseconds.
struct Taken {
    compose: f64,
    deliver: f64,
}

/// Composes the digests of so many people, and delivers for a turn.
async fn morning(size: Size) -> Taken {
    let app = App::start().await;
    app.clock_at(MORNING).await;
    seed(&app, size).await;
    let sink = Sink::with(Manner::brief(), Vec::new()).await;
    let settings =
        config::Daemon { digest_batch: NonZeroU32::new(100).unwrap(), ..app.daemon_settings(Some(sink.address())) };
    let daemon = Daemon::new(app.parts().clone(), &settings);
    let each = |began: Instant, count: i64| began.elapsed().as_secs_f64() * 1e6 / count as f64;
    let began = Instant::now();
    daemon.step(Sweep::Daily, app.now().await).await.unwrap();
    let compose = each(began, size.people);
    assert_eq!(told(&app, size).await, size.people);
    let began = Instant::now();
    daemon.step(Sweep::Outbox, app.now().await).await.unwrap();
    let sent = "select count(*) from mail where state = 'SENT'";
    let sent: i64 = app.client().await.query(sent, &[]).await.unwrap()[0].get(0);
    assert_eq!(usize::try_from(sent).unwrap(), sink.mails().len());
    Taken { compose, deliver: each(began, sent) }
}

#[tokio::test]
async fn a_morning_of_many_digests_costs_each_no_more_than_one_of_few() {
    let is_full = std::env::var_os("DIGESTS_FULL").is_some();
    let each: i64 = if is_full { 20 } else { 3 };
    let sizes: &[i64] = if is_full { &[1_000, 10_000, 100_000] } else { &[20, 120] };
    let (mut first, mut memory) = (None, None);
    for people in sizes {
        let Taken { compose, deliver } =
            morning(Size { people: *people, account: 1_000.min(*people), workcenters: each, events: each }).await;
        println!(
            "{people} people: {compose:.0} µs to compose a digest, {deliver:.0} µs to deliver it, peak {:.0} MiB",
            peak()
        );
        let (first, memory) = (*first.get_or_insert(compose), *memory.get_or_insert(peak()));
        assert!(!is_full || compose < first * FLAT, "{compose} µs, where {first} µs do for a thousand people");
        assert!(!is_full || peak() < memory + GROWTH_MIB, "{} MiB", peak());
    }
}
