//! Jobs: who may see them, and how they come to their end.

mod crowd;
mod watch;

use jiff::{Timestamp, ToSpan};
use tonic::{Code, Status, Streaming};
use uuid::Uuid;
use workcenter::{
    error::Reason,
    job::{self, Done, Moved, Run},
    pb::{
        Delivery, GetJobRequest, Job, JobKind, JobScope, JobState, ListJobsRequest, WatchJobRequest, WatchJobResponse,
        WatchJobsRequest,
    },
};

use crate::harness::{Account, App, by, fields, reason};

fn due() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn daily(account: &Account) -> Run {
    Run { account: account.id, cadence: "DAILY", due_at: due() }
}

fn done(done: i64) -> Done {
    Done { done, ..Done::default() }
}

pub async fn begin(app: &App, run: &Run, total: i64) -> Uuid {
    job::digest_run(&app.pool().client().await.unwrap(), run, total).await.unwrap()
}

pub async fn advance(app: &App, id: Uuid, by: &Done) -> Moved {
    let mut client = app.pool().client().await.unwrap();
    let tx = client.transaction().await.unwrap();
    let moved = job::advance(&tx, id, by).await.unwrap();
    tx.commit().await.unwrap();
    moved
}

/// Begins a job of the slot `days` after the first, started by `initiator`.
async fn begun_by(app: &App, account: &Account, initiator: Uuid, days: i64) -> Uuid {
    let run = Run { due_at: due() + (24 * days).hours(), ..daily(account) };
    let id = begin(app, &run, 2).await;
    let client = app.pool().client().await.unwrap();
    client.execute("update job set initiator_id = $2 where id = $1", &[&id, &initiator]).await.unwrap();
    id
}

async fn get(app: &App, token: &str, id: Uuid) -> Result<Job, Status> {
    let request = by(token, GetJobRequest { job_id: id.to_string() });
    app.jobs().get_job(request).await.map(|it| it.into_inner().job.unwrap())
}

async fn list(app: &App, token: &str, request: ListJobsRequest) -> Result<(Vec<String>, String), Status> {
    let listed = app.jobs().list_jobs(by(token, request)).await?.into_inner();
    Ok((listed.jobs.into_iter().map(|it| it.job_id).collect(), listed.next_page_token))
}

fn of_account(account: &Account) -> ListJobsRequest {
    ListJobsRequest {
        scope: JobScope::Account.into(),
        account_id: account.id.to_string(),
        ..ListJobsRequest::default()
    }
}

fn mine() -> ListJobsRequest {
    ListJobsRequest { scope: JobScope::Mine.into(), ..ListJobsRequest::default() }
}

async fn watch(app: &App, token: &str, id: Uuid, after_revision: i64) -> Streaming<WatchJobResponse> {
    let request = WatchJobRequest { job_id: id.to_string(), after_revision };
    app.jobs().watch_job(by(token, request)).await.unwrap().into_inner()
}

/// The next state of the one job; none at the end.
async fn next(stream: &mut Streaming<WatchJobResponse>) -> Option<Job> {
    while let Some(word) = stream.message().await.unwrap() {
        if word.job.is_some() {
            return word.job;
        }
    }
    None
}

#[tokio::test]
async fn a_job_tells_how_far_it_is() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let run = Run { cadence: "WEEKLY", ..daily(&account) };
    let id = begin(&app, &run, 4).await;
    let begun = get(&app, &account.admin.token, id).await.unwrap();
    assert_eq!((begun.state(), begun.revision, begun.total_items), (JobState::Running, 1, 4));
    assert_eq!((begun.eta_time, begun.finish_time), (None, None));

    let broken = vec![(account.admin.id, "LETTER_BROKEN")];
    let moved = advance(&app, id, &Done { done: 1, skipped: 1, failed: broken }).await;
    assert_eq!(moved, Moved { job: id, is_final: false });
    let halfway = get(&app, &account.admin.token, id).await.unwrap();
    assert_eq!((halfway.kind(), halfway.state(), halfway.revision), (JobKind::DigestRun, JobState::Running, 2));
    assert_eq!((halfway.done_items, halfway.skipped_items, halfway.failed_items), (1, 1, 1));
    assert!(halfway.eta_time.unwrap().seconds >= halfway.update_time.unwrap().seconds);
    assert_eq!((halfway.account_id, halfway.initiator_user_id), (account.id.to_string(), String::new()));
    let run = halfway.digest_run.unwrap();
    assert_eq!((run.cadence(), run.due_time.unwrap().seconds), (Delivery::Weekly, due().as_second()));

    assert!(advance(&app, id, &done(1)).await.is_final);
    let over = get(&app, &account.admin.token, id).await.unwrap();
    assert_eq!((over.state(), over.revision, over.eta_time), (JobState::PartiallyFailed, 3, None));
    assert_eq!(over.finish_time, over.update_time);
    let client = app.pool().client().await.unwrap();
    let item = client.query_one("select item_id, code from job_item where job_id = $1", &[&id]).await.unwrap();
    assert_eq!((item.get(0), item.get(1)), (account.admin.id, "LETTER_BROKEN"));
}

#[tokio::test]
async fn one_slot_makes_one_job_however_many_ask() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let run = daily(&account);
    let ids: Vec<_> = futures_util::future::join_all((0..4).map(|_| begin(&app, &run, 3))).await;
    assert!(ids.iter().all(|it| *it == ids[0]));
    assert_ne!(begin(&app, &Run { cadence: "WEEKLY", ..run }, 3).await, ids[0]);
}

#[tokio::test]
async fn a_job_that_is_over_never_changes_and_what_comes_later_has_its_own() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let first = begin(&app, &daily(&account), 1).await;
    assert!(advance(&app, first, &done(1)).await.is_final);
    let over = get(&app, &account.admin.token, first).await.unwrap();

    let second = begin(&app, &daily(&account), 2).await;
    assert_ne!(second, first);
    let late = advance(&app, first, &done(1)).await;
    assert_eq!(late, Moved { job: second, is_final: false });
    assert!(advance(&app, first, &done(1)).await.is_final);
    let third = advance(&app, first, &done(2)).await;
    assert!(third.is_final && third.job != first && third.job != second);
    assert_eq!(get(&app, &account.admin.token, first).await.unwrap(), over);
}

#[tokio::test]
async fn unknown_jobs_do_not_advance() {
    let app = App::start().await;
    let mut client = app.pool().client().await.unwrap();
    let tx = client.transaction().await.unwrap();
    let refused = job::advance(&tx, Uuid::nil(), &done(1)).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::JobNotFound);
}

#[tokio::test]
async fn a_job_is_seen_by_who_began_it_by_administrators_and_by_services_with_the_scope() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let other = app.account("Quay Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let bob = app.person(&account, "bob@example.com", "Bob", "Ross").await;
    let id = begun_by(&app, &account, ada.id, 0).await;
    let scoped = app.key(&["jobs.read"]).await;

    for token in [&ada.token, &account.admin.token, &scoped] {
        assert_eq!(get(&app, token, id).await.unwrap().initiator_user_id, ada.id.to_string());
        assert_eq!(next(&mut watch(&app, token, id, 0).await).await.unwrap().job_id, id.to_string());
    }
    for token in [&bob.token, &other.admin.token] {
        let refused = get(&app, token, id).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "JOB_NOT_FOUND"));
        let request = WatchJobRequest { job_id: id.to_string(), after_revision: 0 };
        assert_eq!(app.jobs().watch_job(by(token, request)).await.unwrap_err().code(), Code::NotFound);
    }
}

#[tokio::test]
async fn who_may_see_no_job_learns_nothing_of_which_there_are() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let id = begin(&app, &daily(&account), 1).await;
    let key = app.key(&["activity.publish"]).await;
    for job_id in [id, Uuid::nil()] {
        assert_eq!(get(&app, &key, job_id).await.unwrap_err().code(), Code::PermissionDenied);
        let nobody = app.jobs().get_job(GetJobRequest { job_id: job_id.to_string() }).await.unwrap_err();
        assert_eq!(nobody.code(), Code::Unauthenticated);
    }
    assert_eq!(get(&app, &account.admin.token, Uuid::nil()).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn lists_have_a_scope() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let other = app.account("Quay Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let adas = begun_by(&app, &account, ada.id, 0).await.to_string();
    let nobodys = begin(&app, &Run { cadence: "WEEKLY", ..daily(&account) }, 1).await.to_string();
    begin(&app, &daily(&other), 1).await;
    let scoped = app.key(&["jobs.read"]).await;

    assert_eq!(list(&app, &ada.token, mine()).await.unwrap().0, std::slice::from_ref(&adas));
    assert_eq!(list(&app, &account.admin.token, mine()).await.unwrap().0, [""; 0]);
    for token in [&account.admin.token, &scoped] {
        assert_eq!(list(&app, token, of_account(&account)).await.unwrap().0, [nobodys.clone(), adas.clone()]);
    }
    for (token, code) in [
        (&ada.token, Code::PermissionDenied),
        (&other.admin.token, Code::NotFound),
        (&app.key(&["activity.publish"]).await, Code::PermissionDenied),
    ] {
        assert_eq!(list(&app, token, of_account(&account)).await.unwrap_err().code(), code);
        let request = WatchJobsRequest { scope: JobScope::Account.into(), account_id: account.id.to_string() };
        assert_eq!(app.jobs().watch_jobs(by(token, request)).await.unwrap_err().code(), code);
    }
    assert_eq!(list(&app, &scoped, mine()).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn lists_come_newest_first_page_by_page_and_filtered() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let mut ids = Vec::new();
    for days in 0..5 {
        ids.insert(0, begun_by(&app, &account, account.admin.id, days).await);
    }
    advance(&app, ids[3], &done(2)).await;
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    let token = &account.admin.token;

    let first = ListJobsRequest { page_size: 2, ..of_account(&account) };
    let (page, next) = list(&app, token, first.clone()).await.unwrap();
    assert_eq!(page, ids[..2]);
    // A job that begins in between moves nothing.
    begin(&app, &Run { cadence: "WEEKLY", ..daily(&account) }, 1).await;
    let (page, next) = list(&app, token, ListJobsRequest { page_token: next, ..first.clone() }).await.unwrap();
    assert_eq!(page, ids[2..4]);
    let (page, last) = list(&app, token, ListJobsRequest { page_token: next.clone(), ..first }).await.unwrap();
    assert_eq!((page.as_slice(), last.as_str()), (&ids[4..], ""));

    let over = vec![JobState::Succeeded.into(), JobState::Failed.into()];
    let kinds = vec![JobKind::DigestRun.into()];
    let succeeded = ListJobsRequest { states: over, kinds, ..of_account(&account) };
    assert_eq!(list(&app, token, succeeded).await.unwrap().0, ids[3..4]);

    let foreign = ListJobsRequest { page_token: next, ..mine() };
    let refused = list(&app, token, foreign).await.unwrap_err();
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
}

#[tokio::test]
async fn a_bad_request_names_every_field() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let token = &account.admin.token;
    let bad = ListJobsRequest {
        scope: JobScope::Account.into(),
        account_id: String::new(),
        kinds: vec![JobKind::DigestRun.into(), 0],
        states: vec![99],
        page_size: -1,
        initiator_user_id: "nonsense".to_owned(),
        ..ListJobsRequest::default()
    };
    let refused = list(&app, token, bad).await.unwrap_err();
    assert_eq!(fields(&refused), ["account_id", "kinds[1]", "states[0]", "page_size", "initiator_user_id"]);
    for (scope, account_id, field) in [
        (JobScope::Unspecified.into(), "", "scope"),
        (99, "", "scope"),
        (JobScope::Account.into(), "nonsense", "account_id"),
        (JobScope::Mine.into(), account.id.to_string().as_str(), "account_id"),
    ] {
        let request = WatchJobsRequest { scope, account_id: account_id.to_owned() };
        let refused = app.jobs().watch_jobs(by(token, request)).await.unwrap_err();
        assert_eq!(fields(&refused), [field]);
    }
    let request = WatchJobRequest { job_id: "7".to_owned(), after_revision: -1 };
    let refused = app.jobs().watch_job(by(token, request)).await.unwrap_err();
    assert_eq!(fields(&refused), ["job_id", "after_revision"]);
    let refused = app.jobs().get_job(by(token, GetJobRequest::default())).await.unwrap_err();
    assert_eq!(fields(&refused), ["job_id"]);
}
