//! Small jobs that ask for the same are done in one turn, and each is one by itself all the same.

use std::time::Duration;

use uuid::Uuid;
use workcenter::{
    content::Deeds,
    job::{self, Crier, Worker},
    pb::{BulkCopyRequest, BulkDeleteRequest, CancelJobRequest, Job, JobState, ListActivityRequest},
    subscription::When,
};

use super::{
    Stage, document,
    engine::{Poisoned, dropped_after},
    to,
};
use crate::harness::by;

/// A WorkCenter with so many documents, and what they are.
async fn documents(stage: &Stage, of: usize) -> (Uuid, Vec<Uuid>) {
    let space = stage.space("From").await;
    let names: Vec<String> = (0..of).map(|it| format!("{it:03}=x")).collect();
    let grown = stage.grow(space, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    (space, grown.into_values().collect())
}

/// Begins a copy of each of these.
async fn copies(stage: &Stage, of: &[Uuid], into: Uuid) -> Vec<Job> {
    let mut jobs = Vec::new();
    for id in of {
        let request = BulkCopyRequest { items: vec![document(*id)], target: to(into, None), ..Default::default() };
        jobs.push(stage.copy(request).await.unwrap());
    }
    jobs
}

async fn ends(stage: &Stage, jobs: &[Job]) -> Vec<(JobState, i64)> {
    let mut ends = Vec::new();
    for job in jobs {
        let job = stage.job(&job.job_id).await;
        ends.push((job.state(), job.done_items));
    }
    ends
}

/// The titles of what a WorkCenter was told of jobs.
async fn told(stage: &Stage, space: Uuid) -> Vec<String> {
    let request = ListActivityRequest { workcenter_id: space.to_string(), ..Default::default() };
    let events = stage.app.activity().list_activity(by(&stage.owner.token, request)).await.unwrap().into_inner().events;
    let events = events.into_iter().filter(|it| it.kind.starts_with("files.bulk_"));
    events.map(|it| it.subject.unwrap().title).collect()
}

#[tokio::test]
async fn many_jobs_of_one_item_take_one_turn_and_each_ends_and_is_told_of_by_itself() {
    let stage = Stage::set().await;
    let (from, all) = documents(&stage, 30).await;
    let into = stage.space("Into").await;
    let jobs = copies(&stage, &all, into).await;
    assert!(stage.daemon.work().await.unwrap());
    assert_eq!(ends(&stage, &jobs).await, vec![(JobState::Succeeded, 1); 30]);
    assert!(!stage.daemon.work().await.unwrap());
    assert_eq!(stage.listing(into).await, stage.listing(from).await);
    assert_eq!(told(&stage, into).await, vec!["1 item copied"; 30]);
}

#[tokio::test]
async fn a_turn_is_for_jobs_that_ask_for_the_same_and_for_no_more_than_a_batch() {
    let stage = Stage::set().await;
    let (_, all) = documents(&stage, 125).await;
    let [one, two] = [stage.space("One").await, stage.space("Two").await];
    let first = copies(&stage, &all[..110], one).await;
    let second = copies(&stage, &all[110..], two).await;
    let items = vec![document(all[0])];
    let third = stage.delete(BulkDeleteRequest { items, ..Default::default() }).await.unwrap();
    let over = async |jobs: &[Job]| ends(&stage, jobs).await.iter().filter(|it| it.0 == JobState::Succeeded).count();
    let mut all = Vec::new();
    while stage.daemon.work().await.unwrap() {
        all.push([over(&first).await, over(&second).await, over(std::slice::from_ref(&third)).await]);
    }
    assert_eq!(all, [[100, 0, 0], [110, 0, 0], [110, 15, 0], [110, 15, 1]]);
}

#[tokio::test]
async fn of_jobs_that_are_done_together_one_that_fails_or_is_stopped_does_so_alone() {
    let stage = Stage::set().await;
    let (_, all) = documents(&stage, 6).await;
    let into = stage.space("Into").await;
    stage.grow(into, &["002=y"]).await;
    let jobs = copies(&stage, &all, into).await;
    let stopped = CancelJobRequest { job_id: jobs[1].job_id.clone() };
    stage.app.jobs().cancel_job(by(&stage.owner.token, stopped)).await.unwrap();
    let when = When { now: stage.app.now().await, spread: Duration::ZERO };
    let work = Poisoned { deeds: Deeds { when, window: Duration::ZERO }, item: all[4] };
    let (db, crier) = (stage.app.pool(), Crier::new(stage.app.pool().clone()));
    let worker = Worker { id: Uuid::now_v7(), lease: Duration::from_secs(60) };
    while job::turn(db, &crier, &worker, &work, None).await.unwrap() {}

    let [done, failed, cancelled] = [(JobState::Succeeded, 1), (JobState::Failed, 0), (JobState::Cancelled, 0)];
    assert_eq!(ends(&stage, &jobs).await, [done, cancelled, failed, done, failed, done]);
    let code = |job: Job| job.bulk.unwrap().first_errors[0].code.clone();
    assert_eq!(code(stage.job(&jobs[2].job_id).await), "NAME_CONFLICT");
    assert_eq!(code(stage.job(&jobs[4].job_id).await), "INTERNAL");
    assert_eq!(stage.listing(into).await, ["000=x", "002=y", "003=x", "005=x"]);
}

#[tokio::test]
async fn the_same_document_deleted_by_two_jobs_at_once_is_deleted_by_one() {
    let stage = Stage::set().await;
    let (from, all) = documents(&stage, 1).await;
    let delete = || BulkDeleteRequest { items: vec![document(all[0])], ..Default::default() };
    let jobs = [stage.delete(delete()).await.unwrap(), stage.delete(delete()).await.unwrap()];
    while stage.daemon.work().await.unwrap() {}
    assert_eq!(ends(&stage, &jobs).await, [(JobState::Succeeded, 1), (JobState::Failed, 0)]);
    assert_eq!(stage.listing(from).await, [""; 0]);
}

#[tokio::test]
async fn wherever_a_worker_with_many_small_jobs_dies_each_is_done_once() {
    let stage = Stage::set().await;
    let (from, all) = documents(&stage, 12).await;
    let into = stage.space("Into").await;
    let jobs = copies(&stage, &all, into).await;
    let other = stage.app.daemon(None);
    let mut deaths = 0;
    for polls in 1.. {
        if !dropped_after(polls, other.work()).await {
            deaths += 1;
            stage.leases_run_out().await;
        }
        if ends(&stage, &jobs).await.iter().all(|it| it.0 == JobState::Succeeded) {
            break;
        }
    }
    assert!(deaths > 5, "{deaths}");
    assert_eq!(ends(&stage, &jobs).await, vec![(JobState::Succeeded, 1); 12]);
    assert_eq!(stage.listing(into).await, stage.listing(from).await);
    assert_eq!(told(&stage, into).await.len(), 12);
}
