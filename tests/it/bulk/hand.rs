//! A job that is kept from one turn to the next, while nobody else waits for one.

use uuid::Uuid;
use workcenter::{
    job::Hand,
    pb::{BulkCopyRequest, CancelJobRequest, Job, JobState},
};

use super::{Stage, document, to};
use crate::harness::by;

/// Begins to copy so many documents into a WorkCenter.
async fn copying(stage: &Stage, of: usize) -> (Job, Uuid) {
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let names: Vec<String> = (0..of).map(|it| format!("{it:04}=x")).collect();
    let grown = stage.grow(from, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let items = grown.values().map(|it| document(*it)).collect();
    (stage.copy(BulkCopyRequest { items, target: to(into, None), ..Default::default() }).await.unwrap(), into)
}

/// How often the job was claimed, and whether it is anybody's.
async fn held(stage: &Stage, job: &Job) -> (i64, bool) {
    let id: Uuid = job.job_id.parse().unwrap();
    let held = "select fence, lease_until is not null from job where id = $1";
    let row = stage.app.client().await.query_one(held, &[&id]).await.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test]
async fn a_job_is_kept_while_nobody_waits_and_given_back_after_the_batch_in_which_somebody_does() {
    let stage = Stage::set().await;
    let (large, into) = copying(&stage, 450).await;
    let mut hand = Hand::default();
    for _ in 0..2 {
        assert!(stage.daemon.go_on(&mut hand).await.unwrap());
        assert_eq!(held(&stage, &large).await, (1, true));
    }
    assert_eq!(stage.job(&large.job_id).await.done_items, 200);

    let (small, _) = copying(&stage, 3).await;
    assert!(stage.daemon.go_on(&mut hand).await.unwrap());
    assert_eq!((held(&stage, &large).await, stage.job(&large.job_id).await.done_items), ((1, false), 300));
    assert!(stage.daemon.go_on(&mut hand).await.unwrap());
    assert_eq!(stage.job(&small.job_id).await.state(), JobState::Succeeded);

    while stage.daemon.go_on(&mut hand).await.unwrap() {}
    assert_eq!((held(&stage, &large).await, stage.listing(into).await.len()), ((2, false), 450));
    assert_eq!(stage.job(&large.job_id).await.state(), JobState::Succeeded);
}

#[tokio::test]
async fn what_somebody_else_has_is_not_waited_for_and_what_has_a_turn_of_its_own_is() {
    let stage = Stage::set().await;
    let (one, _) = copying(&stage, 250).await;
    let (two, _) = copying(&stage, 250).await;
    let [mut first, mut second] = [Hand::default(), Hand::default()];
    // The other one waits.
    assert!(stage.daemon.go_on(&mut first).await.unwrap());
    assert_eq!((held(&stage, &one).await, held(&stage, &two).await), ((1, false), (0, false)));
    // That one is there again.
    assert!(stage.daemon.go_on(&mut first).await.unwrap());
    assert_eq!((held(&stage, &one).await, held(&stage, &two).await), ((1, false), (1, false)));
    // Each has one, and nothing waits for the second.
    let client = stage.app.client().await;
    client.execute("update job set lease_until = now() + interval '1 hour' where fence = 1", &[]).await.unwrap();
    client
        .execute("update job set lease_until = null where id = $1", &[&two.job_id.parse::<Uuid>().unwrap()])
        .await
        .unwrap();
    assert!(stage.daemon.go_on(&mut second).await.unwrap());
    assert_eq!(held(&stage, &two).await, (2, true));
}

#[tokio::test]
async fn a_hand_that_is_emptied_leaves_its_job_to_whoever_is_next_and_that_of_another_alone() {
    let stage = Stage::set().await;
    let (job, into) = copying(&stage, 450).await;
    let mut hand = Hand::default();
    assert!(stage.daemon.go_on(&mut hand).await.unwrap());
    hand.empty(stage.app.pool()).await.unwrap();
    assert_eq!(held(&stage, &job).await, (1, false));

    // One that was away for too long has nothing to give back, and does nothing.
    assert!(stage.daemon.go_on(&mut hand).await.unwrap());
    stage.leases_run_out().await;
    let mut other = Hand::default();
    assert!(stage.daemon.go_on(&mut other).await.unwrap());
    assert_eq!((held(&stage, &job).await, stage.job(&job.job_id).await.done_items), ((3, true), 300));
    assert!(stage.daemon.go_on(&mut hand).await.unwrap());
    hand.empty(stage.app.pool()).await.unwrap();
    assert_eq!((held(&stage, &job).await, stage.job(&job.job_id).await.done_items), ((3, true), 300));

    while stage.daemon.go_on(&mut other).await.unwrap() {}
    assert_eq!((stage.job(&job.job_id).await.state(), stage.listing(into).await.len()), (JobState::Succeeded, 450));
}

#[tokio::test]
async fn a_job_that_is_kept_is_stopped_in_its_next_turn() {
    let stage = Stage::set().await;
    let (job, into) = copying(&stage, 450).await;
    let mut hand = Hand::default();
    assert!(stage.daemon.go_on(&mut hand).await.unwrap());
    let request = CancelJobRequest { job_id: job.job_id.clone() };
    stage.app.jobs().cancel_job(by(&stage.owner.token, request)).await.unwrap();
    assert!(stage.daemon.go_on(&mut hand).await.unwrap());
    assert_eq!((stage.job(&job.job_id).await.state(), stage.listing(into).await.len()), (JobState::Cancelled, 100));
}
