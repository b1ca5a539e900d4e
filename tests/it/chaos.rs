//! Two real daemons, killed at random moments while eight publish: everything reaches everybody in exactly one message.
//!
//! `CHAOS_KILLS` sets how often (20), `CHAOS_SEED` which moments. The clock runs two hours a second, so digests of many
//! zones fall due meanwhile.

pub mod storm;
mod told;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{process::Child, time::sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workcenter::{
    audit, clock,
    daemon::Sweep,
    pb::{Activity, AddressedItems, Delivery, Preferences},
};

use crate::{
    dice::Dice,
    harness::{App, Person},
    process::program::{DAEMON, TOKEN_KEY, unheard},
    sink::Sink,
    story::{Story, mentioning, uploaded},
};

/// Seconds on the clock in one second.
const SPEED: f64 = 7200.0;

/// How long a daemon keeps what it has claimed, in seconds: short, so that what a killed one held comes up again soon.
const LEASE: u64 = 2;

/// How many people it composes for at a time: few, so that it is killed between them.
const BATCH: u64 = 3;

fn setting(name: &str, default: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "how long this test runs is not a setting of a program")]
    let set = std::env::var(name).ok();
    set.map_or(default, |it| it.parse().unwrap())
}

/// Starts a daemon process on ports of its own, that claims so many people at a time for so many seconds.
fn start(app: &App, sink: &Sink, lease: u64, batch: u64) -> Child {
    let (relay, lease, batch) = (format!("smtp://{}", sink.address()), lease.to_string(), batch.to_string());
    let mut settings = vec![
        ("DATABASE_URL", app.database().url.expose()),
        ("TOKEN_KEY", TOKEN_KEY),
        ("SMTP_URL", &relay),
        ("LEASE_SECONDS", &lease),
        ("DIGEST_BATCH", &batch),
        ("DIGEST_SPREAD_MINUTES", "0"),
    ];
    settings.extend(["DAILY_CRON", "WEEKLY_CRON", "IMMEDIATE_CRON", "OUTBOX_CRON"].map(|it| (it, "* * * * * *")));
    let arguments = ["--dev", "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--log", "error"];
    unheard(DAEMON, &settings, &arguments)
}

/// The people of the test, each in every WorkCenter, each hearing in their own way.
async fn audience(story: &Story, workcenters: &[Uuid]) -> Vec<Person> {
    let zones = ["America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/London"];
    let ways = [Delivery::Immediate, Delivery::Daily, Delivery::Weekly];
    let mut people = Vec::new();
    for number in 0..12 {
        let person = story.app.person(&story.account, &format!("p{number}@example.com"), "P", "").await;
        for workcenter in workcenters {
            story.app.collaborator(&story.bob, *workcenter, &person).await;
        }
        story.live_in(&person, zones[number % zones.len()]).await;
        let way = Preferences { default_delivery: ways[number % ways.len()].into(), ..Preferences::default() };
        story.prefer(&person, way, &["default_delivery"]).await;
        people.push(person);
    }
    people
}

/// Publishes until told to stop, a batch whenever some mail has come since the last one.
async fn publish(
    story: &Story,
    workcenters: &[Uuid],
    people: &[Person],
    number: u64,
    done: &CancellationToken,
) -> usize {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (number + 1));
    let mut published = 0;
    while !done.is_cancelled() {
        let events = (0..=dice.roll(6)).map(|_| {
            let workcenter = workcenters[usize::try_from(dice.roll(workcenters.len() as u64)).unwrap()];
            let event = uploaded(workcenter, &story.bob, &format!("{number}-{published}-{}.pdf", dice.roll(1000)));
            match dice.roll(10) {
                0 => mentioning(event, &[&people[usize::try_from(dice.roll(people.len() as u64)).unwrap()]]),
                _ => event,
            }
        });
        let events: Vec<Activity> = events.collect();
        let results = story.publish(events.clone()).await;
        published += results.len();
        // Somebody changes their mind: only when they hear may change, not what.
        if dice.roll(8) == 0 {
            let person = &people[usize::try_from(dice.roll(people.len() as u64)).unwrap()];
            let ways = [Delivery::Immediate, Delivery::Daily, Delivery::Weekly];
            let items = [AddressedItems::Immediate, AddressedItems::WithDigest];
            let chosen = Preferences {
                default_delivery: ways[usize::try_from(dice.roll(3)).unwrap()].into(),
                addressed_items: items[usize::try_from(dice.roll(2)).unwrap()].into(),
                ..Preferences::default()
            };
            story.prefer(person, chosen, &["default_delivery", "addressed_items"]).await;
        }
        // A publisher that did not hear the answer says it again.
        if dice.roll(5) == 0 {
            assert!(story.publish(events).await.iter().all(|it| it.known));
        }
        let came = story.sink.mails().len();
        tokio::select! {
            _ = story.sink.wait_for(came + 1) => {}
            () = done.cancelled() => {}
        }
    }
    published
}

/// Kills one of two daemons at random moments and starts it again, `kills` times; then ends both as they should end.
async fn kill(story: &Story, kills: u64, dice: &mut Dice) {
    let start = || start(&story.app, &story.sink, LEASE, BATCH);
    let mut daemons = [start(), start()];
    for _ in 0..kills {
        // The moment is what is tried here: it must not depend on anything that the daemon does.
        sleep(Duration::from_millis(100 + dice.roll(1400))).await;
        let daemon = &mut daemons[usize::try_from(dice.roll(2)).unwrap()];
        daemon.kill().await.unwrap();
        *daemon = start();
    }
    for daemon in &mut daemons {
        daemon.kill().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_reaches_everybody_in_one_message_however_often_daemons_are_killed() {
    let (kills, seed) = (setting("CHAOS_KILLS", 20), setting("CHAOS_SEED", 20_261_120));
    let story = Story::begin().await;
    let mut workcenters = vec![story.pier];
    for name in ["Plans", "Harbour", "Tender"] {
        workcenters.push(story.app.workcenter(&story.bob, story.account.id, name).await);
    }
    let people = audience(&story, &workcenters).await;
    clock::set(&story.app.client().await, story.app.now().await, SPEED).await.unwrap();

    let done = CancellationToken::new();
    let published = AtomicUsize::new(0);
    let publishing = join_all((0..8).map(async |number| {
        published.fetch_add(publish(&story, &workcenters, &people, number, &done).await, Ordering::Relaxed);
    }));
    let killing = async {
        kill(&story, kills, &mut Dice(seed)).await;
        done.cancel();
    };
    tokio::join!(publishing, killing);
    settle(&story).await;

    let heard: Vec<Uuid> = people.iter().map(|it| it.id).collect();
    told::once(&story.app, &story.mails(), &heard).await;
    let repeats = told::repeats(&story.app, &story.sink.mails()).await;
    println!("seed {seed}: {kills} kills, {} events, {repeats} repeats", published.load(Ordering::Relaxed));
    assert_eq!(audit::run(story.app.pool(), story.app.now().await).await.unwrap(), []);
}

/// What the dead had claimed comes up again; the clock stands eight days on, and everything is done by hand.
async fn settle(story: &Story) {
    let later = story.app.now().await + jiff::SignedDuration::from_hours(8 * 24);
    story.app.clock_at(&later.to_string()).await;
    for table in ["activity_head", "digest_schedule", "mail"] {
        story
            .meddle(&format!("update {table} set lease_until = now() - interval '1 s' where lease_until is not null"))
            .await;
    }
    story.step(&[Sweep::Immediate, Sweep::Daily, Sweep::Weekly, Sweep::Outbox]).await;
    story.meddle("update mail set try_at = now() where ended_at is null").await;
    story.step(&[Sweep::Outbox]).await;
}
