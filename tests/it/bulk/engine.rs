//! How bulk jobs run: stopped, taken over, shared out, and told of.

use std::{future::Future, pin::pin, task::Poll, time::Duration};

use tonic::Code;
use uuid::Uuid;
use workcenter::{
    content::Deeds,
    db::Transaction,
    error::{Reason, Result},
    job::{self, Batch, Crier, Ended, Leftover, Outcome, Work, Worker},
    pb::{
        BulkCopyRequest, BulkMoveRequest, CancelJobRequest, Job, JobState, ListActivityRequest, OnError,
        RetryFailedItemsRequest,
    },
    subscription::When,
};

use super::{Stage, document, folder, to};
use crate::{
    harness::{by, reason},
    process::program::{DAEMON, Serving},
};

/// Names of so many documents in a folder.
fn many(of: usize) -> Vec<String> {
    let documents = (0..of).map(|it| format!("many/{it:04}=x"));
    ["many/".to_owned()].into_iter().chain(documents).collect()
}

async fn grown(stage: &Stage, space: Uuid, of: usize) -> Uuid {
    let names = many(of);
    stage.grow(space, &names.iter().map(String::as_str).collect::<Vec<_>>()).await["many"]
}

/// Polls a future so many times, and drops it where it is then.
pub async fn dropped_after(polls: usize, future: impl Future) -> bool {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        future.as_mut().poll(context).map(|_| true)
    })
    .await
}

async fn cancel(stage: &Stage, job: &Job) -> Job {
    let request = by(&stage.owner.token, CancelJobRequest { job_id: job.job_id.clone() });
    stage.app.jobs().cancel_job(request).await.unwrap().into_inner().job.unwrap()
}

#[tokio::test]
async fn a_job_that_is_stopped_keeps_what_it_has_done_and_lists_the_rest() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let items = vec![folder(grown(&stage, from, 150).await)];
    let job = stage.copy(BulkCopyRequest { items, target: to(into, None), ..Default::default() }).await.unwrap();
    // The folder, and a hundred of what is in it.
    assert!(stage.daemon.work().await.unwrap() && stage.daemon.work().await.unwrap());
    let stopping = cancel(&stage, &job).await;
    assert_eq!((stopping.state(), stopping.done_items), (JobState::Cancelling, 101));
    assert_eq!(cancel(&stage, &job).await, stopping);

    let over = stage.finished(&job).await;
    assert_eq!((over.state(), over.done_items, over.failed_items), (JobState::Cancelled, 101, 50));
    assert_eq!(stage.listing(into).await.len(), 101);
    assert_eq!(cancel(&stage, &job).await, over);
    let ends = stage.ends(&job).await;
    assert_eq!(ends.iter().filter(|it| it.ends_with("CANCELLED CANCELLED")).count(), 50);

    // One that nobody has begun does nothing.
    let items = vec![folder(grown(&stage, stage.space("Other").await, 3).await)];
    let job = stage.copy(BulkCopyRequest { items, target: to(from, None), ..Default::default() }).await.unwrap();
    cancel(&stage, &job).await;
    assert_eq!(stage.finished(&job).await.state(), JobState::Cancelled);
}

#[tokio::test]
async fn after_a_failure_nothing_more_is_done_where_that_is_asked_for() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let names: Vec<String> = (0..150).map(|it| format!("{it:04}=x")).collect();
    let grown = stage.grow(from, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    stage.grow(into, &["0003=y"]).await;
    let items = grown.values().map(|it| document(*it)).collect();
    let on_error = OnError::Stop.into();
    let job = stage.copied(BulkCopyRequest { items, target: to(into, None), on_error, ..Default::default() }).await;
    assert_eq!((job.state(), job.done_items, job.failed_items), (JobState::PartiallyFailed, 99, 51));
    assert_eq!(job.bulk.unwrap().first_errors.len(), 1);
}

#[tokio::test]
async fn a_job_whose_worker_died_is_taken_over_and_the_dead_one_can_do_nothing_more() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let items = vec![folder(grown(&stage, from, 250).await)];
    let job = stage.copy(BulkCopyRequest { items, target: to(into, None), ..Default::default() }).await.unwrap();
    let other = stage.app.daemon(None);
    let mut deaths = 0;
    for polls in 1.. {
        if !dropped_after(polls, other.work()).await {
            deaths += 1;
            // Nobody else has it as long as the claim lasts.
            stage.leases_run_out().await;
        }
        if stage.job(&job.job_id).await.finish_time.is_some() {
            break;
        }
    }
    assert!(deaths > 5, "{deaths}");
    let over = stage.job(&job.job_id).await;
    assert_eq!((over.state(), over.done_items, over.failed_items), (JobState::Succeeded, 251, 0));
    assert_eq!(stage.listing(into).await, stage.listing(from).await);
}

#[tokio::test]
async fn who_was_away_for_longer_than_their_claim_does_nothing_when_they_come_back() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let items = vec![folder(grown(&stage, from, 20).await)];
    let job = stage.copy(BulkCopyRequest { items, target: to(into, None), ..Default::default() }).await.unwrap();
    let id: Uuid = job.job_id.parse().unwrap();
    let fence = async || -> i64 {
        let client = stage.app.client().await;
        client.query_one("select fence from job where id = $1", &[&id]).await.unwrap().get(0)
    };
    let slow = stage.app.daemon(None);
    let mut away = pin!(slow.work());
    // Until it has claimed the job, and not yet begun.
    while fence().await == 0 {
        std::future::poll_fn(|context| Poll::Ready(away.as_mut().poll(context).is_pending())).await;
    }
    assert!(!stage.daemon.work().await.unwrap());
    stage.leases_run_out().await;
    let over = stage.finished(&job).await;
    assert_eq!((over.state(), over.done_items), (JobState::Succeeded, 21));

    assert!(away.await.unwrap());
    assert_eq!(stage.job(&job.job_id).await, over);
    assert_eq!(stage.listing(into).await.len(), 21);
}

#[tokio::test]
async fn a_claim_is_for_one_batch_and_the_account_that_has_waited_for_longest_is_next() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let large = vec![folder(grown(&stage, from, 450).await)];
    let large =
        stage.copy(BulkCopyRequest { items: large, target: to(into, None), ..Default::default() }).await.unwrap();
    assert!(stage.daemon.work().await.unwrap());

    let other = stage.app.account("Other").await;
    let space = stage.app.workcenter(&other.admin, other.id, "Theirs").await;
    let target = stage.app.workcenter(&other.admin, other.id, "Target").await;
    let items = stage.grow(space, &["a=1", "b=2", "c=3"]).await.values().map(|it| document(*it)).collect();
    let request = BulkCopyRequest { items, target: to(target, None), ..Default::default() };
    stage.contents().bulk_copy(by(&other.admin.token, request)).await.unwrap();
    // One turn of theirs is all it takes, however much there is of the other.
    assert!(stage.daemon.work().await.unwrap());
    assert_eq!(stage.listing(target).await.len(), 3);
    assert!(stage.job(&large.job_id).await.finish_time.is_none());
    assert_eq!(stage.finished(&large).await.done_items, 451);
}

/// The work of bulk jobs, but for one item that brings down whoever comes to it.
pub struct Poisoned {
    pub deeds: Deeds,
    pub item: Uuid,
}

impl Work for Poisoned {
    async fn batch(&self, tx: &Transaction<'_>, batch: &Batch) -> Result<Vec<Outcome>> {
        let outcomes = self.deeds.batch(tx, batch).await?;
        assert!(batch.items.iter().all(|it| it.id != self.item), "poison");
        Ok(outcomes)
    }

    async fn sweep(&self, tx: &Transaction<'_>, job: &job::Job, these: &[Leftover]) -> Result<()> {
        self.deeds.sweep(tx, job, these).await
    }

    async fn end(&self, tx: &Transaction<'_>, ended: &[Ended]) -> Result<()> {
        self.deeds.end(tx, ended).await
    }
}

#[tokio::test]
async fn an_item_that_brings_its_worker_down_fails_by_itself_and_the_others_are_done_once() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let tree = stage.grow(from, &["a=1", "b=2", "c=3", "d=4"]).await;
    let items = tree.values().map(|it| document(*it)).collect();
    let job = stage.copy(BulkCopyRequest { items, target: to(into, None), ..Default::default() }).await.unwrap();
    let when = When { now: stage.app.now().await, spread: Duration::ZERO };
    let work = Poisoned { deeds: Deeds { when, window: Duration::ZERO }, item: tree["c"] };
    let (db, crier) = (stage.app.pool(), Crier::new(stage.app.pool().clone()));
    let worker = Worker { id: Uuid::now_v7(), lease: Duration::from_secs(60) };
    while job::turn(db, &crier, &worker, &work, None).await.unwrap() {}

    let over = stage.job(&job.job_id).await;
    assert_eq!((over.state(), over.done_items, over.failed_items), (JobState::PartiallyFailed, 3, 1));
    assert_eq!(over.bulk.unwrap().first_errors[0].code, "INTERNAL");
    assert_eq!(stage.listing(into).await, ["a=1", "b=2", "d=4"]);
}

#[tokio::test]
async fn a_turn_that_breaks_off_says_of_which_job_it_was() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let tree = stage.grow(from, &["a=1"]).await;
    let items = vec![document(tree["a"])];
    let job = stage.copy(BulkCopyRequest { items, target: to(into, None), ..Default::default() }).await.unwrap();
    stage.app.client().await.batch_execute("alter table job_item rename to job_item_of_before").await.unwrap();
    let broken = stage.daemon.work().await.unwrap_err();
    assert_eq!(broken.jobs.iter().map(ToString::to_string).collect::<Vec<_>>(), [job.job_id.as_str()]);

    let mut daemon = Serving::start(DAEMON, &stage.app, &[("LOG", "warn,workcenter=info")]).await;
    stage.leases_run_out().await;
    let line = daemon.says("a turn of a job failed").await;
    assert!(line.contains(&job.job_id), "{line}");
}

#[tokio::test]
async fn a_batch_takes_as_many_statements_however_many_items_it_has() {
    let stage = Stage::set().await;
    let (parts, tap) = stage.app.tapped_parts().await;
    // Who is told is no matter of the batch.
    let crier = Crier::new(stage.app.pool().clone());
    let worker = Worker { id: Uuid::now_v7(), lease: Duration::from_secs(60) };
    let when = When { now: stage.app.now().await, spread: Duration::ZERO };
    let deeds = Deeds { when, window: Duration::ZERO };
    let mut trips = Vec::new();
    for (moves, of) in [(false, 100), (false, 2), (false, 60), (true, 100), (true, 2), (true, 60)] {
        let (from, into) = (stage.space("From").await, stage.space("Into").await);
        let (items, target) = (vec![folder(grown(&stage, from, of).await)], to(into, None));
        if moves {
            stage.transfer(BulkMoveRequest { items, target, ..Default::default() }).await.unwrap();
        } else {
            stage.copy(BulkCopyRequest { items, target, ..Default::default() }).await.unwrap();
        }
        // The folder goes first, by itself; then all that is in it, and the job is over.
        assert!(job::turn(&parts.db, &crier, &worker, &deeds, None).await.unwrap());
        let before = tap.round_trips();
        assert!(job::turn(&parts.db, &crier, &worker, &deeds, None).await.unwrap());
        trips.push(tap.round_trips() - before);
        assert!(!job::turn(&parts.db, &crier, &worker, &deeds, None).await.unwrap());
    }
    // The first of each kind prepares what the others run.
    assert_eq!((trips[1], trips[4]), (trips[2], trips[5]), "{trips:?}");
    assert!(trips.iter().all(|it| *it < 60), "{trips:?}");
}

#[tokio::test]
async fn what_failed_by_chance_is_done_again_by_a_job_of_its_own() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let tree = stage.grow(from, &["a/", "a/b/", "a/b/x=1", "a/b/y=2", "a/z=3"]).await;
    let items = vec![folder(tree["a"])];
    let job = stage.transfer(BulkMoveRequest { items, target: to(into, None), ..Default::default() }).await.unwrap();
    assert!(stage.daemon.work().await.unwrap());
    // As if it had been locked for too long: the folder b, and so all that is in it.
    let client = stage.app.client().await;
    let locked = "with it as (
            update job_item set state = 'FAILED', code = 'LOCKED' where path = 'a/b' returning job_id
        ) update job set failed = failed + 1 from it where id = it.job_id";
    client.execute(locked, &[]).await.unwrap();
    let job = stage.finished(&job).await;
    assert_eq!((job.state(), job.done_items, job.failed_items), (JobState::PartiallyFailed, 2, 3));
    assert_eq!(stage.listing(from).await, ["a/", "a/b/", "a/b/x=1", "a/b/y=2"]);

    let retry = |of: &Job| RetryFailedItemsRequest { job_id: of.job_id.clone(), request_id: String::new() };
    let again = stage.app.jobs().retry_failed_items(by(&stage.owner.token, retry(&job))).await.unwrap().into_inner();
    let again = stage.finished(&again.job.unwrap()).await;
    assert_eq!((again.state(), again.total_items, again.done_items), (JobState::Succeeded, 1, 1));
    assert_eq!(again.bulk.as_ref().unwrap().retry_of_job_id, job.job_id);
    let status = stage.app.jobs().retry_failed_items(by(&stage.owner.token, retry(&again))).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::FailedPrecondition, workcenter::error::reason(Reason::NothingToRetry).to_owned())
    );
}

#[tokio::test]
async fn a_role_that_is_lost_meanwhile_ends_the_rest() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let items = vec![folder(grown(&stage, from, 150).await)];
    let job = stage.copy(BulkCopyRequest { items, target: to(into, None), ..Default::default() }).await.unwrap();
    assert!(stage.daemon.work().await.unwrap() && stage.daemon.work().await.unwrap());
    let client = stage.app.client().await;
    client.execute("update collaborator set role = 'READER' where workcenter_id = $1", &[&into]).await.unwrap();
    let job = stage.finished(&job).await;
    assert_eq!((job.state(), job.done_items, job.failed_items), (JobState::PartiallyFailed, 101, 50));
    let codes: Vec<_> = job.bulk.unwrap().first_errors.into_iter().map(|it| it.code).collect();
    assert_eq!(codes, ["PERMISSION_DENIED"; 5]);
}

#[tokio::test]
async fn a_job_is_told_of_once_in_each_workcenter_and_to_who_started_it_when_something_went_wrong() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let tree = stage.grow(from, &["a=1", "b=2", "c=3"]).await;
    stage.grow(into, &["c=9"]).await;
    let items = ["a", "b", "c"].map(|it| document(tree[it])).to_vec();
    stage.moved(BulkMoveRequest { items, target: to(into, None), ..Default::default() }).await;
    for space in [from, into] {
        let request = ListActivityRequest { workcenter_id: space.to_string(), ..Default::default() };
        let events =
            stage.app.activity().list_activity(by(&stage.owner.token, request)).await.unwrap().into_inner().events;
        let told: Vec<_> = events.iter().filter(|it| it.kind.starts_with("files.")).collect();
        assert_eq!(told.len(), 1, "{events:?}");
        assert_eq!(
            (told[0].kind.as_str(), told[0].subject.as_ref().unwrap().title.as_str()),
            ("files.bulk_moved", "2 items moved")
        );
    }
    let client = stage.app.client().await;
    let own = "select kind, summary from activity join person_log using (log_id) where user_id = $1";
    let told = client.query(own, &[&stage.owner.id]).await.unwrap();
    let told: Vec<(String, String)> = told.iter().map(|it| (it.get(0), it.get(1))).collect();
    assert_eq!(told, [("process.partially_failed".to_owned(), "2 items done, 1 not.".to_owned())]);
}
