//! A month of digests in a storm: daemons are killed, and stopped for longer than their lease, the database is restarted,
//! and for a minute all of its sessions are ended again and again. Everything is told once.
//!
//! `STORM_FULL` makes it ten thousand people and thirty days; else they are few, and few days. `CHAOS_SEED` chooses the
//! moments. The clock goes six hours on whenever all that was due is composed; mail is delivered meanwhile.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::{
    process::{Child, Command},
    time::{Instant, interval, sleep, sleep_until},
};
use tokio_postgres::types::ToSql;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workcenter::{audit, clock, pb};

use super::{setting, start, told};
use crate::{
    cluster::Cluster,
    dice::Dice,
    harness::{App, Person, by},
    sink::{Manner, Sink},
    story::{mentioning, uploaded},
};

/// When the month begins: a Monday. New York goes forward on its fourteenth day, London on its twenty-eighth.
const BEGIN: &str = "2027-03-01T00:00:00Z";

/// How far the clock goes at a time, and at the end, for every digest to have its turn.
const STEP: SignedDuration = SignedDuration::from_hours(6);
pub const LAST_STEP: SignedDuration = SignedDuration::from_hours(8 * 24);

/// How long daemons keep what they have claimed, in seconds.
const LEASE: u64 = 4;

/// How many people they compose for at a time.
const BATCH: u64 = 100;

/// How long is waited before something that others do is looked at again.
const GLANCE: Duration = Duration::from_millis(200);

/// WorkCenters of an account.
const WORKCENTERS: usize = 10;

/// What there is, and what happens to it.
struct Size {
    accounts: usize,
    /// In each account.
    people: usize,
    days: i64,
    daemons: usize,
    /// How often a daemon is killed.
    kills: Duration,
    /// How often one is stopped for longer than its lease.
    stops: Duration,
    /// How often all sessions of the database are ended, and how many times.
    ends: (Duration, usize),
    restarts: i64,
}

const FULL: Size = Size {
    accounts: 20,
    people: 500,
    days: 30,
    daemons: 5,
    kills: Duration::from_secs(2),
    stops: Duration::from_secs(10),
    ends: (Duration::from_secs(5), 12),
    restarts: 2,
};

const SHORT: Size = Size {
    accounts: 2,
    people: 40,
    days: 2,
    daemons: 2,
    kills: Duration::from_secs(1),
    stops: Duration::from_secs(3),
    ends: (Duration::from_secs(2), 2),
    restarts: 1,
};

/// Makes the people of an account, who are in two of its WorkCenters each and hear of them in one way: of fifty one at once, of
/// seven one by the week, all others by the day. $1 the account, $2 its administrator, $3 people, $4 WorkCenters, $5 now.
const PEOPLE: &str = "
    with place as (
        select gen_random_uuid() as id, it as number from generate_series(0, $4::bigint - 1) as it
    ), workcenter as (
        insert into workcenter (id, account_id, name, created_by, created_at)
        select id, $1, 'WorkCenter ' || number, $2, $5 from place
    ), head as (
        insert into activity_head (log_id, account_id, last_seq) select id, $1, 0 from place
    ), one as (
        select gen_random_uuid() as id, it as number,
            case when it % 50 = 0 then 'IMMEDIATE' when it % 7 = 1 then 'WEEKLY' else 'DAILY' end as cadence,
            (array['America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Europe/London'])[1 + it % 4] as zone
        from generate_series(1, $3::bigint) as it
    ), person as (
        insert into person (id, email, email_key, password_hash, created_at)
        select id, id || '@example.com', id || '@example.com', '', $5 from one
    ), profile as (
        insert into profile (user_id, first_name, last_name, time_zone, updated_at)
        select id, 'Person', number::text, zone, $5 from one
    ), member as (
        insert into member (account_id, user_id, role, created_at) select $1, id, 'MEMBER', $5 from one
    ), recipient as (
        insert into recipient (user_id, default_delivery) select id, cadence from one
    ), tie as (
        select one.id as person, cadence, place.id as place
        from one join place on place.number in (one.number % $4, (one.number * 3 + 1) % $4)
    ), collaborator as (
        insert into collaborator (workcenter_id, user_id, role, created_at) select place, person, 'READER', $5 from tie
    ), subscription as (
        insert into subscription (id, account_id, user_id, log_id, cadence, start_seq, cursor)
        select gen_random_uuid(), $1, person, place, cadence, 0, 0 from tie
    ), dated as (
        select id, zone, cadence, local::date + (local::time >= '07:00')::int as day
        from (select one.*, timezone(zone, $5) as local from one) one
    ), slot as (
        select id, zone, cadence,
            case cadence when 'WEEKLY' then day + (8 - extract(isodow from day)::int) % 7 else day end as day
        from dated where cadence <> 'IMMEDIATE'
    )
    insert into digest_schedule (account_id, user_id, cadence, next_at, next_date)
    select $1, id, cadence, timezone(zone, day + time '07:00'), day from slot";

/// Everything that is due has been composed.
pub const COMPOSED: &str = "
    select not exists (select from digest_schedule where next_at <= $1)
        and not exists (select from activity_head where due_at <= $1)";

/// Everything that was composed has ended.
pub const DELIVERED: &str = "select not exists (select from mail where ended_at is null and dated_at <= $1)";

/// How many people had another number of daily digests than there were days.
const UNEVEN: &str = "
    select count(*) from recipient left join (
        select user_id, count(*) as digests from settlement where cause = 'DAILY' and mail_id is not null group by user_id
    ) told using (user_id)
    where default_delivery = 'DAILY' and coalesce(digests, 0) <> $1";

/// Tries something until it is done: the database may be away.
async fn insist<T>(mut what: impl AsyncFnMut() -> Option<T>) -> T {
    loop {
        match what().await {
            Some(done) => return done,
            None => sleep(GLANCE).await,
        }
    }
}

/// Waits until the database says yes.
pub async fn until(app: &App, question: &str, now: Timestamp) {
    let holds = async || {
        let row = app.pool().client().await.ok()?.query_one(question, &[&now]).await.ok()?;
        row.get::<_, bool>(0).then_some(())
    };
    insist(holds).await;
}

/// The accounts with their people, and each WorkCenter with who does things there and somebody whom they may concern.
async fn people(app: &App, size: &Size, now: Timestamp) -> Vec<(Uuid, Person, Person)> {
    let mut places = Vec::new();
    for number in 0..size.accounts {
        let account = app.account(&format!("Account {number}")).await;
        let client = app.client().await;
        let count = |it: usize| i64::try_from(it).unwrap();
        let made =
            [&account.id as &(dyn ToSql + Sync), &account.admin.id, &count(size.people), &count(WORKCENTERS), &now];
        client.execute(PEOPLE, &made).await.unwrap();
        let each =
            "select log_id, min(user_id::text)::uuid as one from subscription where account_id = $1 group by log_id";
        for row in client.query(each, &[&account.id]).await.unwrap() {
            let (log, id): (Uuid, Uuid) = (row.get("log_id"), row.get("one"));
            let one = Person { id, token: String::new(), email: format!("{id}@example.com") };
            places.push((log, account.admin.clone(), one));
        }
    }
    places
}

/// Publishes one event in every WorkCenter; of ten, one concerns somebody.
async fn publish(app: &App, key: &str, places: &[(Uuid, Person, Person)], step: i64) {
    let event = |(number, (place, actor, one)): (usize, &(Uuid, Person, Person))| {
        let event = uploaded(*place, actor, &format!("Sheet {step}-{number}.pdf"));
        if (number as i64 + step) % 10 == 0 { mentioning(event, &[one]) } else { event }
    };
    let events: Vec<_> = places.iter().enumerate().map(event).collect();
    let message = pb::PublishActivityRequest { events };
    // Who did not hear the answer says it again: the events are known by their ids.
    insist(async || {
        let answer = app.activity().publish_activity(by(key, message.clone())).await.ok()?;
        answer.into_inner().results.iter().all(|it| it.seq > 0).then_some(())
    })
    .await;
}

/// Kills daemons and starts others in their place, and stops some for longer than their lease, until told that it is over.
async fn storm(app: &App, sink: &Sink, size: &Size, mut dice: Dice, done: &CancellationToken) -> (u64, u64) {
    let start = || start(app, sink, LEASE, BATCH);
    let mut daemons: Vec<Child> = (0..size.daemons).map(|_| start()).collect();
    let (mut kills, mut stops) = (interval(size.kills), interval(size.stops));
    let (mut killed, mut stopped) = (0, 0);
    let mut asleep: Option<(usize, u32, Instant)> = None;
    let mut any = || usize::try_from(dice.roll(size.daemons as u64)).unwrap();
    loop {
        let wakes = asleep.map_or_else(Instant::now, |(.., at)| at);
        tokio::select! {
            () = done.cancelled() => break,
            _ = kills.tick() => {
                let number = any();
                daemons[number].kill().await.unwrap();
                daemons[number] = start();
                killed += 1;
            }
            _ = stops.tick(), if asleep.is_none() => {
                let number = any();
                let pid = daemons[number].id().unwrap();
                signal("-STOP", pid).await;
                asleep = Some((number, pid, Instant::now() + Duration::from_secs(LEASE + 1)));
                stopped += 1;
            }
            () = sleep_until(wakes), if asleep.is_some() => {
                let (number, pid, _) = asleep.take().unwrap();
                // It may have been killed in its sleep.
                if daemons[number].id() == Some(pid) {
                    signal("-CONT", pid).await;
                }
            }
        }
    }
    for daemon in &mut daemons {
        daemon.kill().await.unwrap();
    }
    (killed, stopped)
}

async fn signal(signal: &str, pid: u32) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().await.unwrap().success());
}

/// Ends all sessions of the database but its own, again and again.
async fn end_sessions(app: &App, (every, times): (Duration, usize)) {
    let end = "select pg_terminate_backend(pid) from pg_stat_activity
        where pid <> pg_backend_pid() and datname = current_database() and backend_type = 'client backend'";
    for _ in 0..times {
        sleep(every).await;
        insist(async || app.pool().client().await.ok()?.execute(end, &[]).await.ok()).await;
    }
}

/// Lives through the days, a step whenever all that was due is composed; then all that is left is told, and all mail has ended.
async fn live(app: &App, cluster: &Cluster, size: &Size, key: &str, places: &[(Uuid, Person, Person)]) {
    let mut now: Timestamp = BEGIN.parse().unwrap();
    let steps = size.days * 4;
    let to = async |now: Timestamp| {
        insist(async || clock::set(&app.pool().client().await.ok()?, now, 0.0).await.ok()).await;
        until(app, COMPOSED, now).await;
    };
    for step in 0..steps {
        if step > 0 && step % (steps / (size.restarts + 1)) == 0 {
            cluster.script("stop").await;
            cluster.script("start").await;
        }
        publish(app, key, places, step).await;
        now += STEP;
        to(now).await;
    }
    let uneven = async || app.pool().client().await.ok()?.query_one(UNEVEN, &[&size.days]).await.ok();
    assert_eq!(insist(uneven).await.get::<_, i64>(0), 0);
    to(now + LAST_STEP).await;
    until(app, DELIVERED, now + LAST_STEP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_of_digests_is_told_once_whatever_dies() {
    let size = if setting("STORM_FULL", 0) == 0 { SHORT } else { FULL };
    let seed = setting("CHAOS_SEED", 20_270_301);
    let cluster = Cluster::start("storm").await;
    let app = App::on("storm", cluster.script("url").await).await;
    app.clock_at(BEGIN).await;
    let places = people(&app, &size, BEGIN.parse().unwrap()).await;
    let key = app.key(&["activity.publish"]).await;
    let sink = Sink::with(Manner::brief(), Vec::new()).await;

    let done = CancellationToken::new();
    let living = async {
        live(&app, &cluster, &size, &key, &places).await;
        done.cancel();
    };
    let ((), (), (killed, stopped)) =
        tokio::join!(living, end_sessions(&app, size.ends), storm(&app, &sink, &size, Dice(seed), &done),);

    let mails = sink.mails();
    let client = app.client().await;
    let people: Vec<Uuid> =
        client.query("select user_id from recipient", &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    told::once(&app, &mails, &people).await;
    let repeats = told::repeats(&app, &mails).await;
    println!(
        "seed {seed}: {} people, {} days, {killed} kills, {stopped} stops, {} mails, {repeats} repeats",
        people.len(),
        size.days,
        mails.len()
    );
    assert_eq!(audit::run(app.pool(), app.now().await).await.unwrap(), []);
}
