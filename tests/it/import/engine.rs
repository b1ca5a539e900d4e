//! How imports run: taken over, stopped, and shut out.

use std::time::Duration;

use tonic::Code;
use uuid::Uuid;
use workcenter::{
    content::{Deeds, Imports},
    db::Transaction,
    error::Result,
    job::{self, Batch, Crier, Ended, Leftover, Outcome, Work, Worker},
    pb::{CancelJobRequest, ImportDocumentsMetadata, Job, JobState, OnError, RetryFailedItemsRequest},
    subscription::When,
};

use super::{
    announced,
    pack::{Entry, archive, deflated, stored},
};
use crate::{
    blob::{collect, files, pass},
    bulk::{Stage, dropped_after},
    content::{noise, refusal, refused},
    harness::by,
};

/// So many documents in a folder, and nothing is said twice.
fn many(of: usize) -> Vec<Entry> {
    (0..of).map(|it| deflated(format!("many/{it:04}"), format!("{it}").repeat(9).as_bytes())).collect()
}

async fn cancel(stage: &Stage, job: &Job) -> Job {
    let request = by(&stage.owner.token, CancelJobRequest { job_id: job.job_id.clone() });
    stage.app.jobs().cancel_job(request).await.unwrap().into_inner().job.unwrap()
}

/// How many documents of a job were unpacked and are in no place yet.
async fn unpacked(stage: &Stage) -> i64 {
    let ready = "select count(*) from import_entry where digest is not null";
    stage.app.client().await.query_one(ready, &[]).await.unwrap().get(0)
}

/// The work of imports, but for batches, which never come to an end.
struct Stuck(Imports);

impl Work for Stuck {
    fn prepares(&self, kind: job::Kind) -> bool {
        self.0.prepares(kind)
    }

    async fn prepare(&self, job: Uuid, kind: job::Kind) -> Result<()> {
        self.0.prepare(job, kind).await
    }

    async fn batch(&self, _: &Transaction<'_>, _: &Batch) -> Result<Vec<Outcome>> {
        std::future::pending().await
    }

    async fn sweep(&self, tx: &Transaction<'_>, job: &job::Job, these: &[Leftover]) -> Result<()> {
        self.0.sweep(tx, job, these).await
    }

    async fn end(&self, tx: &Transaction<'_>, ended: &[Ended]) -> Result<()> {
        self.0.end(tx, ended).await
    }
}

/// The work of imports, but for one that never gets ready.
struct Busy(Imports);

impl Work for Busy {
    fn prepares(&self, _: job::Kind) -> bool {
        true
    }

    async fn prepare(&self, _: Uuid, _: job::Kind) -> Result<()> {
        std::future::pending().await
    }

    async fn batch(&self, tx: &Transaction<'_>, batch: &Batch) -> Result<Vec<Outcome>> {
        self.0.batch(tx, batch).await
    }

    async fn sweep(&self, tx: &Transaction<'_>, job: &job::Job, these: &[Leftover]) -> Result<()> {
        self.0.sweep(tx, job, these).await
    }

    async fn end(&self, tx: &Transaction<'_>, ended: &[Ended]) -> Result<()> {
        self.0.end(tx, ended).await
    }
}

impl Stage {
    async fn imports(&self) -> Imports {
        let parts = self.app.parts();
        let when = When { now: self.app.now().await, spread: Duration::ZERO };
        let deeds = Deeds { when, window: Duration::ZERO };
        Imports { db: parts.db.clone(), blobs: parts.blobs.clone(), deeds }
    }

    /// A turn of a worker that never gets ready, whose claim is short.
    async fn busy(&self) -> Result<bool, job::Broken> {
        let db = self.app.pool();
        let worker = Worker { id: Uuid::now_v7(), lease: Duration::from_millis(300) };
        job::turn(db, &Crier::new(db.clone()), &worker, &Busy(self.imports().await), None).await
    }

    /// A worker that makes things ready, and is lost before any of them has its place.
    async fn lost_between(&self) {
        let (work, db) = (Stuck(self.imports().await), self.app.pool());
        let crier = Crier::new(db.clone());
        let worker = Worker { id: Uuid::now_v7(), lease: Duration::from_secs(60) };
        let seen = async { while unpacked(self).await == 0 {} };
        tokio::select! {
            _ = job::turn(db, &crier, &worker, &work, None) => panic!("it came to an end"),
            () = seen => {}
        }
        self.leases_run_out().await;
    }
}

#[tokio::test]
async fn what_was_unpacked_by_a_worker_that_was_lost_is_put_into_its_place_by_another_once() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let large = noise(7 << 20);
    let archive = archive(&[stored("large", &large), stored("small", b"1")]);
    let job = stage.import(announced(space, &archive), &archive).await.unwrap();
    stage.lost_between().await;
    assert_eq!(stage.held(space).await.len(), 0);
    // It stays as long as it may be needed.
    pass(&stage.app, 100).await;
    assert_eq!(collect(&stage.app).await, 0);

    let over = stage.finished(&job).await;
    assert_eq!((over.state(), over.done_items), (JobState::Succeeded, 2));
    assert!(stage.items(&job).await.iter().all(|it| it.attempts == 1));
    let held = stage.held(space).await;
    assert!(held["large"] == [large] && held["small"] == [b"1"]);
    stage.keeps(2).await;
}

#[tokio::test]
async fn a_claim_is_kept_for_as_long_as_something_is_made_ready_and_given_up_when_it_is_to_stop() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let archive = archive(&[stored("a", b"1")]);
    let job = stage.import(announced(space, &archive), &archive).await.unwrap();
    let claim = async || -> Option<jiff::Timestamp> {
        let claim = "select lease_until from job where finished_at is null";
        stage.app.client().await.query_one(claim, &[]).await.unwrap().get(0)
    };
    let stopped = async {
        let (mut last, mut renewed) = (None, 0);
        while renewed < 5 {
            let now = claim().await;
            renewed += u32::from(now > last);
            last = now.max(last);
        }
        cancel(&stage, &job).await;
    };
    let (turned, ()) = tokio::join!(stage.busy(), stopped);
    assert!(turned.unwrap());
    assert_eq!(stage.job(&job.job_id).await.state(), JobState::Cancelled);
    assert_eq!(stage.held(space).await.len(), 0);
}

#[tokio::test]
async fn who_gets_ready_for_longer_than_they_have_the_job_does_nothing_more() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let archive = archive(&[stored("a", b"1")]);
    let job = stage.import(announced(space, &archive), &archive).await.unwrap();
    let claims =
        async || -> i64 { stage.app.client().await.query_one("select fence from job", &[]).await.unwrap().get(0) };
    let taken = async {
        while claims().await == 0 {}
        // Somebody else does it.
        while stage.job(&job.job_id).await.finish_time.is_none() {
            stage.leases_run_out().await;
            stage.daemon.work().await.unwrap();
        }
    };
    let (turned, ()) = tokio::join!(stage.busy(), taken);
    assert!(turned.unwrap());
    let over = stage.job(&job.job_id).await;
    assert_eq!((over.state(), over.done_items), (JobState::Succeeded, 1));
    stage.keeps(1).await;
}

#[tokio::test]
async fn an_import_whose_workers_die_anywhere_is_done_once() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let mut entries = many(30);
    entries.push(stored("large", &noise(6 << 20)));
    let archive = archive(&entries);
    let job = stage.import(announced(space, &archive), &archive).await.unwrap();
    let other = stage.app.daemon(None);
    let mut deaths = 0;
    for polls in (1..).step_by(5) {
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
    assert_eq!((over.state(), over.done_items, over.failed_items), (JobState::Succeeded, 32, 0));
    assert_eq!(stage.held(space).await.len(), 32);
    pass(&stage.app, 25).await;
    stage.keeps(31).await;
}

#[tokio::test]
async fn an_import_that_is_stopped_keeps_what_it_has_done_and_nothing_else() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let archive = archive(&many(150));
    let job = stage.import(announced(space, &archive), &archive).await.unwrap();
    // The folder, and a hundred of what is in it.
    assert!(stage.daemon.work().await.unwrap() && stage.daemon.work().await.unwrap());
    assert_eq!(stage.archives().await, (1, 50));
    assert_eq!(cancel(&stage, &job).await.state(), JobState::Cancelling);
    let over = stage.finished(&job).await;
    assert_eq!((over.state(), over.done_items, over.failed_items), (JobState::Cancelled, 101, 50));
    stage.keeps(100).await;

    // One that nobody has begun does nothing.
    let job = stage.import(announced(space, &archive), &archive).await.unwrap();
    cancel(&stage, &job).await;
    assert_eq!(stage.finished(&job).await.state(), JobState::Cancelled);
    stage.keeps(100).await;
}

#[tokio::test]
async fn what_was_unpacked_for_an_import_that_is_stopped_goes_a_day_later() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let archive = archive(&[stored("a", b"1"), stored("b", b"2")]);
    let job = stage.import(announced(space, &archive), &archive).await.unwrap();
    stage.lost_between().await;
    cancel(&stage, &job).await;
    assert_eq!(stage.finished(&job).await.state(), JobState::Cancelled);
    stage.keeps(2).await;
    pass(&stage.app, 25).await;
    stage.keeps(0).await;
}

#[tokio::test]
async fn a_role_that_is_lost_meanwhile_ends_the_rest_and_nothing_is_done_again() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let archive = archive(&many(150));
    let job = stage.import(announced(space, &archive), &archive).await.unwrap();
    assert!(stage.daemon.work().await.unwrap() && stage.daemon.work().await.unwrap());
    let client = stage.app.client().await;
    client.execute("update collaborator set role = 'READER' where workcenter_id = $1", &[&space]).await.unwrap();
    let over = stage.finished(&job).await;
    assert_eq!((over.state(), over.done_items, over.failed_items), (JobState::PartiallyFailed, 101, 50));
    let codes: Vec<_> = over.bulk.unwrap().first_errors.into_iter().map(|it| it.code).collect();
    assert_eq!(codes, ["PERMISSION_DENIED"; 5]);

    // As if they had been locked for too long: the archive is not there any more.
    client.execute("update job_item set code = 'LOCKED' where state = 'FAILED'", &[]).await.unwrap();
    assert!(stage.items(&job).await.iter().all(|it| !it.retryable));
    let request = RetryFailedItemsRequest { job_id: job.job_id.clone(), request_id: String::new() };
    let again = stage.app.jobs().retry_failed_items(by(&stage.owner.token, request)).await;
    assert_eq!(refusal(again), refused(Code::FailedPrecondition, "NOTHING_TO_RETRY"));
}

#[tokio::test]
async fn a_contributor_imports_documents_and_no_folders() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let bob = stage.app.person(&stage.account, "bob@example.com", "Bob", "Stephenson").await;
    stage.app.collaborator(&stage.owner, space, &bob).await;
    let archive = archive(&[stored("a", b"1"), stored("b/c", b"2")]);
    let messages = super::messages(announced(space, &archive), &archive);
    let job = stage.send(&bob, futures_util::stream::iter(messages)).await.unwrap();
    while stage.daemon.work().await.unwrap() {}
    let request = workcenter::pb::ListJobItemsRequest { job_id: job.job_id, ..Default::default() };
    let items = stage.app.jobs().list_job_items(by(&bob.token, request)).await.unwrap().into_inner().items;
    let ends: Vec<_> = items.iter().map(|it| (it.path.as_str(), it.code.as_str())).collect();
    assert_eq!(ends, [("b", "PERMISSION_DENIED"), ("a", ""), ("b/c", "PERMISSION_DENIED")]);
    assert_eq!(stage.held(space).await.into_keys().collect::<Vec<_>>(), ["a"]);
}

#[tokio::test]
async fn after_a_failure_nothing_more_is_unpacked_where_that_is_asked_for() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let mut entries = many(150);
    entries[3].crc = 1;
    let archive = archive(&entries);
    let metadata = ImportDocumentsMetadata { on_error: OnError::Stop.into(), ..announced(space, &archive) };
    let job = stage.import(metadata, &archive).await.unwrap();
    let over = stage.finished(&job).await;
    assert_eq!((over.state(), over.done_items, over.failed_items), (JobState::PartiallyFailed, 100, 51));
    assert_eq!(files(&stage.app).len(), 99 + 1);
    stage.keeps(99).await;
}

#[tokio::test]
async fn a_place_that_goes_meanwhile_takes_nothing_in() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let plans = stage.grow(space, &["plans/"]).await["plans"];
    let archive = archive(&[stored("a", b"1"), stored("b/c", b"2")]);
    let target = crate::bulk::to(space, Some(plans));
    let metadata = ImportDocumentsMetadata { target, ..announced(space, &archive) };
    let sound = stage.import(metadata.clone(), &archive).await.unwrap();
    let sound = stage.finished(&sound).await;
    assert_eq!((sound.done_items, sound.bulk.unwrap().target_path.as_str()), (3, "plans"));
    let job = stage.import(metadata, &archive).await.unwrap();
    let client = stage.app.client().await;
    let delete =
        "update entry set deleted_at = created_at, deleted_by = created_by, purge_at = created_at where id = $1";
    client.execute(delete, &[&plans]).await.unwrap();
    stage.finished(&job).await;
    assert_eq!(stage.ends(&job).await, ["b", "a", "b/c"].map(|it| format!("{it} FAILED TARGET_GONE")));
}
