//! Many watchers of many jobs on one server, whose connection that listens is ended again and again.
//!
//! `WATCHERS_FULL` makes it a thousand on two hundred jobs that report five times a second, and looks at times and memory.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{StreamExt, future::join_all, stream};
use tokio::{task::JoinHandle, time::interval};
use tokio_postgres::{AsyncMessage, Client};
use tonic::Streaming;
use uuid::Uuid;
use workcenter::{
    db::{Db, Door},
    job::{Crier, Run},
    pb::{Job, JobState, WatchJobRequest, WatchJobResponse, job_service_client::JobServiceClient},
};

use super::{advance, begin, daily, done, next, watch::deafen};
use crate::{
    channel::Channel,
    harness::{Account, App, by},
    process::program::{SERVER, Serving},
};

/// What is watched, and how.
#[derive(Clone, Copy)]
struct Size {
    jobs: usize,
    watchers: usize,
    /// Those who open a stream and never read it.
    sleepers: usize,
    /// How often each job reports.
    steps: u32,
    /// After how many of them the connection that listens is ended.
    deaf_after: u32,
    /// How far the reports of a job stand apart; none for as fast as they can be made.
    pace: Option<Duration>,
}

const SHORT: Size = Size { jobs: 20, watchers: 100, sleepers: 10, steps: 30, deaf_after: 10, pace: None };
const FULL: Size = Size {
    jobs: 200,
    watchers: 1_000,
    sleepers: 100,
    steps: 150,
    deaf_after: 15,
    pace: Some(Duration::from_millis(200)),
};

/// Streams of one connection: fewer than a server allows.
const STREAMS: usize = 100;

/// Within which time 99 of 100 watchers see the end.
const SEEN_WITHIN: Duration = Duration::from_secs(2);

/// How far two words about a job stand apart at least, but for the last one.
const WORDS_APART: Duration = Duration::from_millis(100);

/// How much larger the server may be at the end than when it had been at work for a while, in bytes.
const GROWN_MAX: u64 = 8 << 20;

/// How much larger a server may be for each who watches, in bytes, when it is optimised.
const EACH_MAX: u64 = 16 << 10;

/// Counts what is told of each job, for as long as the client is there, until it is told of the nil one.
async fn words(app: &App) -> (Client, JoinHandle<HashMap<Uuid, u32>>) {
    let (client, mut connection) = Door::new(app.database()).unwrap().open().await.unwrap();
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    let heard = tokio::spawn(async move {
        let mut words = HashMap::new();
        while let Some(message) = messages.next().await {
            let AsyncMessage::Notification(it) = message.unwrap() else { continue };
            match it.payload().parse().unwrap() {
                id if id == Uuid::nil() => break,
                id => *words.entry(id).or_default() += 1,
            }
        }
        words
    });
    client.batch_execute("listen job").await.unwrap();
    (client, heard)
}

/// Opens a watch on `server`.
async fn open(channel: &Channel, token: &str, job: Uuid) -> Streaming<WatchJobResponse> {
    let request = by(token, WatchJobRequest { job_id: job.to_string(), after_revision: 0 });
    JobServiceClient::new(channel.clone()).watch_job(request).await.unwrap().into_inner()
}

/// Reads a watch to its end: every revision is newer than the one before. Returns when the end was seen.
async fn follow(mut stream: Streaming<WatchJobResponse>, first: Job) -> (Instant, u32) {
    let (mut last, mut seen) = (first, 1);
    while let Some(job) = next(&mut stream).await {
        assert!(job.revision > last.revision && job.done_items >= last.done_items, "{last:?}, then {job:?}");
        (last, seen) = (job, seen + 1);
    }
    assert_eq!(last.state(), JobState::Succeeded);
    (Instant::now(), seen)
}

/// Memory of a process, in bytes.
fn resident(pid: u32) -> u64 {
    let pages = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

/// Brings a job to its end, and returns when that had been committed.
async fn report(app: &App, crier: &Crier, job: Uuid, size: Size, at_step: impl AsyncFn(u32)) -> Instant {
    let mut pace = size.pace.map(interval);
    let mut over = Instant::now();
    for step in 1..=size.steps {
        if let Some(pace) = &mut pace {
            pace.tick().await;
        }
        let moved = advance(app, job, &done(1)).await;
        over = Instant::now();
        crier.moved(job, moved.is_final).await;
        at_step(step).await;
    }
    over
}

async fn begun(app: &App, account: &Account, size: Size) -> Vec<Uuid> {
    let mut jobs = Vec::new();
    for hours in 0..size.jobs {
        let due_at = daily(account).due_at + jiff::SignedDuration::from_hours(i64::try_from(hours).unwrap());
        jobs.push(begin(app, &Run { due_at, ..daily(account) }, size.steps.into()).await);
    }
    jobs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_sees_revisions_rise_and_the_end_of_every_job_however_often_nobody_listens() {
    let is_full = std::env::var_os("WATCHERS_FULL").is_some();
    let size = if is_full { FULL } else { SHORT };
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let token = &account.admin.token;
    let jobs = begun(&app, &account, size).await;
    let server = Serving::start(SERVER, &app, &[("LOG", "error,workcenter=info")]).await;
    let (_listening, words) = words(&app).await;

    let (pid, url) = (server.pid(), server.url.clone());
    let connect = || Channel::to(&url);
    // What it logs is read, or else it would wait for that.
    let _served = tokio::spawn(server.end());

    let before = resident(pid);
    let mut watchers = Vec::new();
    let mut channel = connect();
    for number in 0..size.watchers {
        if number % STREAMS == 0 {
            channel = connect();
        }
        let job = jobs[number % jobs.len()];
        let mut stream = open(&channel, token, job).await;
        let first = next(&mut stream).await.unwrap();
        watchers.push((job, tokio::spawn(follow(stream, first))));
    }
    let each = resident(pid).saturating_sub(before) / size.watchers as u64;
    let channel = connect();
    let sleepers = join_all((0..size.sleepers).map(|it| open(&channel, token, jobs[it % jobs.len()]))).await;

    let (began, halfway, ended) = (Instant::now(), Mutex::new(0), AtomicI64::new(0));
    let crier = Crier::new(Db::new(app.database()).unwrap());
    let reports = join_all(jobs.iter().enumerate().map(async |(number, job)| {
        let at_step = async |step: u32| {
            if number == 0 && step.is_multiple_of(size.deaf_after) {
                ended.fetch_add(deafen(&app).await, Ordering::Relaxed);
            }
            if number == 0 && step == size.steps / 2 {
                *halfway.lock().unwrap() = resident(pid);
            }
        };
        (*job, report(&app, &crier, *job, size, at_step).await)
    }));
    let over: HashMap<Uuid, Instant> = reports.await.into_iter().collect();
    let (ran, ended) = (began.elapsed(), ended.into_inner());
    assert!(ended >= 1, "nobody listened at any time");

    let (mut waits, mut snapshots) = (Vec::new(), 0);
    for (job, watcher) in watchers {
        let (end, seen) = watcher.await.unwrap();
        waits.push(end.saturating_duration_since(over[&job]));
        snapshots += seen;
    }
    waits.sort_unstable();
    let end = resident(pid);
    drop(sleepers);

    crier.moved(Uuid::nil(), true).await;
    let words = words.await.unwrap();
    let most = ran.as_millis() / WORDS_APART.as_millis() + 2;
    assert_eq!(words.len(), jobs.len());
    assert!(words.values().all(|it| u128::from(*it) <= most), "more than {most}: {words:?}");
    if is_full {
        let at = |share: usize| waits[(waits.len() - 1) * share / 100];
        let (halfway, told) = (*halfway.lock().unwrap(), words.values().sum::<u32>());
        println!(
            "{} watchers of {} jobs for {ran:?}: {snapshots} snapshots, {told} words, {ended} ends",
            size.watchers,
            jobs.len()
        );
        println!("the end was seen after {:?}, at 99 % {:?}, at the latest {:?}", at(50), at(99), at(100));
        println!("{each} bytes for a watcher; {before} before, {halfway} at half time, {end} at the end");
        assert!(at(99) <= SEEN_WITHIN, "{:?}", at(99));
        assert!(each <= EACH_MAX, "{each} bytes for a watcher");
        assert!(end <= halfway + GROWN_MAX, "{halfway} grew to {end}");
    }
}
