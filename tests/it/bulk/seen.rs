//! Who sees which bulk jobs, with what they are about.

use futures_util::StreamExt;
use tonic::{Code, Response, Status};
use workcenter::pb::{
    BulkCopyRequest, CancelJobRequest, ExportJobItemsRequest, GetJobRequest, Job, JobScope, ListJobItemsRequest,
    ListJobsRequest, RetryFailedItemsRequest, WatchJobRequest, WatchJobsRequest,
};

use super::{Stage, folder, to};
use crate::harness::{Person, by, reason};

/// A job of `person` that copies a folder of their own, over or not, as it stands.
async fn job_of(stage: &Stage, person: &Person, account: uuid::Uuid, secret: &str, is_over: bool) -> Job {
    let space = stage.app.workcenter(person, account, secret).await;
    let into = stage.app.workcenter(person, account, "Into").await;
    let grown = stage.grow(space, &[&format!("{secret} plans/"), &format!("{secret} plans/{secret} door=1")]).await;
    stage.grow(into, &[&format!("{secret} plans/")]).await;
    let items = vec![folder(grown[&format!("{secret} plans")])];
    let request = BulkCopyRequest { items, target: to(into, None), ..Default::default() };
    let job = stage.contents().bulk_copy(by(&person.token, request)).await.unwrap().into_inner().job.unwrap();
    while is_over && stage.daemon.work().await.unwrap() {}
    job
}

fn nothing<T>(_: Response<T>) {}

/// Everything that can be asked about a job, by `who`.
async fn ask(stage: &Stage, who: &Person, job: &Job) -> Vec<Result<(), Status>> {
    let mut jobs = stage.app.jobs();
    let job_id = || job.job_id.clone();
    let request = ListJobItemsRequest { job_id: job_id(), ..Default::default() };
    vec![
        jobs.get_job(by(&who.token, GetJobRequest { job_id: job_id() })).await.map(nothing),
        jobs.list_job_items(by(&who.token, request)).await.map(nothing),
        jobs.export_job_items(by(&who.token, ExportJobItemsRequest { job_id: job_id(), states: vec![] }))
            .await
            .map(nothing),
        jobs.watch_job(by(&who.token, WatchJobRequest { job_id: job_id(), after_revision: 0 })).await.map(nothing),
        jobs.cancel_job(by(&who.token, CancelJobRequest { job_id: job_id() })).await.map(nothing),
        jobs.retry_failed_items(by(&who.token, RetryFailedItemsRequest { job_id: job_id(), ..Default::default() }))
            .await
            .map(nothing),
    ]
}

/// Whether all was answered; in this job nothing failed that could be tried again.
fn told(answers: &[Result<(), Status>]) -> bool {
    let (again, others) = answers.split_last().unwrap();
    others.iter().all(Result::is_ok) && again.as_ref().is_err_and(|it| reason(it) == "NOTHING_TO_RETRY")
}

async fn listed(
    stage: &Stage,
    who: &Person,
    scope: JobScope,
    account: Option<uuid::Uuid>,
) -> Result<Vec<String>, Status> {
    let account_id = account.map(|it| it.to_string()).unwrap_or_default();
    let request = ListJobsRequest { scope: scope.into(), account_id, ..Default::default() };
    let answer = stage.app.jobs().list_jobs(by(&who.token, request)).await?.into_inner();
    Ok(answer.jobs.into_iter().map(|it| it.job_id).collect())
}

#[tokio::test]
async fn an_administrator_sees_the_jobs_of_their_account_with_all_they_are_about_and_none_of_another() {
    let stage = Stage::set().await;
    let (pier, sea) = (stage.account.id, stage.app.account("Sea Works").await);
    let over = job_of(&stage, &stage.owner, pier, "harbour", true).await;
    let open = job_of(&stage, &stage.owner, pier, "quay", false).await;
    let theirs = job_of(&stage, &sea.admin, sea.id, "reef", true).await;

    // The administrator is in none of these WorkCenters.
    let admin = &stage.account.admin;
    assert!(told(&ask(&stage, admin, &over).await));
    assert_eq!(listed(&stage, admin, JobScope::Account, Some(pier)).await.unwrap().len(), 2);
    let request = ListJobItemsRequest { job_id: over.job_id.clone(), ..Default::default() };
    let items = stage.app.jobs().list_job_items(by(&admin.token, request)).await.unwrap().into_inner().items;
    assert_eq!((items[0].path.as_str(), items[0].code.as_str()), ("harbour plans", "NAME_CONFLICT"));

    for job in [&over, &open] {
        for answer in ask(&stage, &sea.admin, job).await {
            let status = answer.unwrap_err();
            assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "JOB_NOT_FOUND"));
            let said = format!("{status:?}");
            assert!(["harbour", "quay", "Ada"].iter().all(|it| !said.contains(it)), "{said}");
        }
    }
    let refused = listed(&stage, &sea.admin, JobScope::Account, Some(pier)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "ACCOUNT_NOT_FOUND"));
    assert_eq!(listed(&stage, &sea.admin, JobScope::Account, Some(sea.id)).await.unwrap(), [theirs.job_id]);
    let request = WatchJobsRequest { scope: JobScope::Account.into(), account_id: sea.id.to_string() };
    let mut seen = stage.app.jobs().watch_jobs(by(&sea.admin.token, request)).await.unwrap().into_inner();
    // What is not over comes first: there is nothing of theirs, and what is done to the other one's is no news.
    let next = job_of(&stage, &sea.admin, sea.id, "shoal", false).await;
    while stage.daemon.work().await.unwrap() {}
    while let Some(word) = seen.next().await {
        let Some(job) = word.unwrap().job else { continue };
        assert_eq!((job.job_id.as_str(), job.account_id), (next.job_id.as_str(), sea.id.to_string()));
        if job.finish_time.is_some() {
            break;
        }
    }
}

#[tokio::test]
async fn a_member_sees_their_own_jobs_alone() {
    let stage = Stage::set().await;
    let bob = stage.app.person(&stage.account, "bob@example.com", "Bob", "Builder").await;
    let hers = job_of(&stage, &stage.owner, stage.account.id, "harbour", true).await;
    let his = job_of(&stage, &bob, stage.account.id, "quay", true).await;
    for answer in ask(&stage, &bob, &hers).await {
        assert_eq!(answer.unwrap_err().code(), Code::NotFound);
    }
    assert!(told(&ask(&stage, &bob, &his).await));
    let own = listed(&stage, &bob, JobScope::Mine, None).await.unwrap();
    assert!(own.contains(&his.job_id) && !own.contains(&hers.job_id), "{own:?}");
    let refused = listed(&stage, &bob, JobScope::Account, Some(stage.account.id)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "NOT_ALLOWED"));
}
