//! The streams that follow jobs, and the crier who wakes them.

use std::{pin::pin, time::Duration};

use futures_util::{FutureExt, Stream, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, Streaming};
use uuid::Uuid;
use workcenter::{
    error::Error,
    job::{
        self, Crier, Run, Scope, State,
        watch::{LOOK_EVERY, Watch},
    },
    notice::{Notice, Notices},
    pb::{Job, JobScope, JobState, WatchJobsRequest, WatchJobsResponse},
};

use super::{advance, begin, begun_by, daily, done, next, watch};
use crate::harness::{Account, App, by, reason};

/// How often the watchers of tests look when nobody tells them.
const SOON: Duration = Duration::from_millis(20);

async fn watch_account(app: &App, account: &Account) -> Streaming<WatchJobsResponse> {
    let request = WatchJobsRequest { scope: JobScope::Account.into(), account_id: account.id.to_string() };
    app.jobs().watch_jobs(by(&account.admin.token, request)).await.unwrap().into_inner()
}

/// The next state of any job.
async fn next_of_all(stream: &mut Streaming<WatchJobsResponse>) -> Job {
    loop {
        if let Some(job) = stream.message().await.unwrap().unwrap().job {
            return job;
        }
    }
}

/// The watcher of the server, below the wire: it looks `every` so often.
async fn watcher(app: &App, every: Duration, stop: &CancellationToken) -> Watch {
    let notices = Notices::listen(app.database()).await.unwrap();
    Watch::new(app.pool().clone(), notices, stop.clone(), every)
}

/// Ends the connections that listen, and returns how many there were.
pub async fn deafen(app: &App) -> i64 {
    let client = app.pool().client().await.unwrap();
    let kill = "select count(pg_terminate_backend(pid)) from pg_stat_activity
        where application_name = 'workcenter-listen' and datname = current_database()";
    client.query_one(kill, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_watch_begins_with_the_state_of_now_rises_and_ends_with_the_end() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let id = begin(&app, &daily(&account), 20).await;
    let mut stream = watch(&app, &account.admin.token, id, 0).await;
    let mut seen = next(&mut stream).await.unwrap();
    assert_eq!((seen.revision, seen.state()), (1, JobState::Running));

    let crier = Crier::new(app.pool().clone());
    for _ in 0..20 {
        let moved = advance(&app, id, &done(1)).await;
        crier.moved(moved.job, moved.is_final).await;
    }
    while let Some(job) = next(&mut stream).await {
        assert!(job.revision > seen.revision && job.done_items > seen.done_items);
        seen = job;
    }
    assert_eq!((seen.revision, seen.state(), seen.done_items), (21, JobState::Succeeded, 20));
}

#[tokio::test]
async fn who_comes_back_with_the_last_revision_misses_nothing() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let token = &account.admin.token;
    let id = begin(&app, &daily(&account), 3).await;
    let seen = next(&mut watch(&app, token, id, 0).await).await.unwrap();
    advance(&app, id, &done(1)).await;

    // Something happened in between.
    let mut stream = watch(&app, token, id, seen.revision).await;
    let seen = next(&mut stream).await.unwrap();
    assert_eq!((seen.revision, seen.done_items), (2, 1));

    // Nothing did: what comes next is what happens next.
    let mut stream = watch(&app, token, id, seen.revision).await;
    advance(&app, id, &done(1)).await;
    Crier::new(app.pool().clone()).moved(id, false).await;
    assert_eq!(next(&mut stream).await.unwrap().revision, 3);

    // The end is told even to those who know it.
    advance(&app, id, &done(1)).await;
    for after in [3, 4, 400] {
        let mut stream = watch(&app, token, id, after).await;
        assert_eq!(next(&mut stream).await.unwrap().state(), JobState::Succeeded);
        assert_eq!(next(&mut stream).await, None);
    }
}

#[tokio::test]
async fn a_lost_connection_only_delays() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let id = begin(&app, &daily(&account), 2).await;
    let mut one = watch(&app, &account.admin.token, id, 0).await;
    let mut all = watch_account(&app, &account).await;
    assert_eq!(next(&mut one).await.unwrap().revision, 1);
    assert_eq!(next_of_all(&mut all).await.revision, 1);

    let began = Instant::now();
    assert!(deafen(&app).await >= 1);
    advance(&app, id, &done(1)).await;
    assert_eq!(next(&mut one).await.unwrap().revision, 2);
    assert_eq!(next_of_all(&mut all).await.revision, 2);
    // The loss itself was told; nobody had to wait for the next look.
    assert!(began.elapsed() < LOOK_EVERY);
}

#[tokio::test]
async fn silence_is_not_trusted_and_the_reader_hears_a_heartbeat() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let id = begin(&app, &daily(&account), 2).await;
    let watch = watcher(&app, SOON, &CancellationToken::new()).await;
    let mut one = pin!(watch.clone().job(id, 0));
    let mut all = pin!(watch.jobs(Scope::Account(account.id)));
    for stream in [&mut one as &mut (dyn Stream<Item = _> + Unpin), &mut all] {
        assert_eq!(stream.next().await.unwrap().unwrap().map(|it| it.revision), Some(1));
        assert_eq!(stream.next().await.unwrap().unwrap(), None);
    }

    // Nobody is told of this.
    advance(&app, id, &done(2)).await;
    for stream in [&mut one as &mut (dyn Stream<Item = _> + Unpin), &mut all] {
        let last = loop {
            if let Some(job) = stream.next().await.unwrap().unwrap() {
                break job;
            }
        };
        assert_eq!((last.revision, last.state), (2, State::Succeeded));
    }
    assert!(one.next().await.is_none());
    // The end is said once; the rest is heartbeats.
    assert_eq!(all.next().await.unwrap().unwrap(), None);
    assert_eq!(all.next().await.unwrap().unwrap(), None);
}

#[tokio::test]
async fn streams_end_when_the_process_drains() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let id = begin(&app, &daily(&account), 2).await;
    let stop = CancellationToken::new();
    let watch = watcher(&app, LOOK_EVERY, &stop).await;
    let mut one = pin!(watch.clone().job(id, 0));
    let mut all = pin!(watch.clone().jobs(Scope::Account(account.id)));
    for stream in [&mut one as &mut (dyn Stream<Item = _> + Unpin), &mut all] {
        assert!(stream.next().await.unwrap().unwrap().is_some());
        assert!(stream.next().now_or_never().is_none());
    }
    stop.cancel();
    let mut late = pin!(watch.job(id, 0));
    for stream in [&mut one as &mut (dyn Stream<Item = _> + Unpin), &mut all, &mut late] {
        let error: Error = stream.next().await.unwrap().unwrap_err();
        let status = Status::from(error);
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "DRAINING"));
        assert!(stream.next().await.is_none());
    }
}

#[tokio::test]
async fn a_watch_of_a_scope_begins_with_what_is_not_over_and_misses_none_however_short() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let other = app.account("Quay Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let crier = Crier::new(app.pool().clone());
    let over = begun_by(&app, &account, ada.id, 0).await;
    advance(&app, over, &done(2)).await;
    let open = begun_by(&app, &account, ada.id, 1).await;
    let theirs = begun_by(&app, &other, other.admin.id, 0).await;

    let mut all = watch_account(&app, &account).await;
    let own = WatchJobsRequest { scope: JobScope::Mine.into(), account_id: String::new() };
    let mut own = app.jobs().watch_jobs(by(&ada.token, own)).await.unwrap().into_inner();
    for stream in [&mut all, &mut own] {
        assert_eq!(next_of_all(stream).await.job_id, open.to_string());
    }

    // One that begins and ends between two looks, and one of somebody else.
    let run = Run { cadence: "WEEKLY", ..daily(&account) };
    let short = begin(&app, &run, 1).await;
    advance(&app, short, &done(1)).await;
    advance(&app, theirs, &done(1)).await;
    crier.moved(theirs, false).await;
    crier.moved(short, true).await;
    let seen = next_of_all(&mut all).await;
    assert_eq!((seen.state(), seen.job_id), (JobState::Succeeded, short.to_string()));

    advance(&app, open, &done(1)).await;
    crier.moved(open, false).await;
    for stream in [&mut all, &mut own] {
        let seen = next_of_all(stream).await;
        assert_eq!((seen.job_id, seen.revision), (open.to_string(), 2));
    }
}

#[tokio::test]
async fn what_commits_only_after_a_later_look_is_not_missed() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let crier = Crier::new(app.pool().clone());
    let open = begin(&app, &daily(&account), 2).await;
    let mut all = watch_account(&app, &account).await;
    assert_eq!(next_of_all(&mut all).await.job_id, open.to_string());

    let mut client = app.pool().client().await.unwrap();
    let tx = client.transaction().await.unwrap();
    let run = Run { cadence: "WEEKLY", ..daily(&account) };
    let slow = job::digest_run(&tx, &run, 1).await.unwrap();
    job::advance(&tx, slow, &done(1)).await.unwrap();

    let moved = advance(&app, open, &done(1)).await;
    crier.moved(moved.job, moved.is_final).await;
    assert_eq!(next_of_all(&mut all).await.revision, 2);

    tx.commit().await.unwrap();
    crier.moved(slow, true).await;
    let seen = next_of_all(&mut all).await;
    assert_eq!((seen.state(), seen.job_id), (JobState::Succeeded, slow.to_string()));
}

#[tokio::test]
async fn a_watcher_holds_no_connection_while_it_waits() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let id = begin(&app, &daily(&account), 1).await;
    // More of them than any pool has connections.
    let mut streams = Vec::new();
    for _ in 0..40 {
        let mut stream = watch(&app, &account.admin.token, id, 0).await;
        assert_eq!(next(&mut stream).await.unwrap().revision, 1);
        streams.push(stream);
    }
    let moved = advance(&app, id, &done(1)).await;
    Crier::new(app.pool().clone()).moved(moved.job, moved.is_final).await;
    for mut stream in streams {
        assert_eq!(next(&mut stream).await.unwrap().state(), JobState::Succeeded);
        assert_eq!(next(&mut stream).await, None);
    }
}

#[tokio::test]
async fn a_job_is_told_of_ten_times_a_second_at_most_and_the_last_word_always() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let id = begin(&app, &daily(&account), 100).await;
    let mut stream = watch(&app, &account.admin.token, id, 1).await;
    let notices = Notices::listen(app.database()).await.unwrap();
    let crier = Crier::new(app.pool().clone());

    let mut ear = notices.ear();
    let began = Instant::now();
    for _ in 0..50 {
        advance(&app, id, &done(1)).await;
        crier.moved(id, false).await;
    }
    while next(&mut stream).await.unwrap().revision < 51 {}
    assert!(began.elapsed() < LOOK_EVERY);

    // What is told of the end of another comes after everything else.
    let end = Uuid::nil();
    crier.moved(end, true).await;
    let mut words = 0;
    while ear.hear().await != Notice::Job(end) {
        words += 1;
    }
    let windows = began.elapsed().as_millis() / 100;
    assert!((1..=windows + 1).contains(&words), "{words} words in {windows} windows");
}
