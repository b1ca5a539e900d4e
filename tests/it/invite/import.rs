//! Invites from a file: what comes of each row, and that nothing of a file is lost, done twice or kept for longer than its job.

use futures_util::stream;
use workcenter::{
    daemon::Sweep,
    pb::{
        self, BulkPlan, CancelJobRequest, GetJobRequest, ImportInvitesMetadata, ImportInvitesRequest, Job, JobItem,
        JobState, ListJobItemsRequest, OnExisting, RetryFailedItemsRequest, UpdateAccountRequest,
        import_invites_request::Part,
    },
};

use super::*;
use crate::member::set_role;

/// The messages by which a file is sent, in small pieces.
pub fn file_of(metadata: ImportInvitesMetadata, file: &str) -> Vec<ImportInvitesRequest> {
    let mut messages = vec![ImportInvitesRequest { part: Some(Part::Metadata(metadata)) }];
    let chunks = file.as_bytes().chunks(40);
    messages.extend(chunks.map(|it| ImportInvitesRequest { part: Some(Part::Chunk(it.to_vec().into())) }));
    messages
}

/// An account with a WorkCenter, somebody who owns it, and a daemon that is stepped by hand.
struct Stage {
    app: App,
    account: Account,
    ada: Person,
    plans: Uuid,
    daemon: workcenter::daemon::Daemon,
}

impl Stage {
    async fn set() -> Self {
        let app = App::start().await;
        app.clock_at("2027-11-02T08:00:00Z").await;
        let account = app.account("Pier Works").await;
        let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
        let plans = app.workcenter(&ada, account.id, "Plans").await;
        let daemon = app.daemon(None);
        Self { app, account, ada, plans, daemon }
    }

    fn metadata(&self) -> ImportInvitesMetadata {
        let account_id = self.account.id.to_string();
        ImportInvitesMetadata { account_id, message: "Welcome".to_owned(), ..Default::default() }
    }

    async fn import(
        &self,
        metadata: ImportInvitesMetadata,
        file: &str,
    ) -> Result<(Option<Job>, Option<BulkPlan>), Status> {
        let messages = stream::iter(file_of(metadata, file));
        let answer = self.app.invites().import_invites(by(&self.ada.token, messages)).await?.into_inner();
        Ok((answer.job, answer.plan))
    }

    async fn started(&self, file: &str) -> Job {
        self.import(self.metadata(), file).await.unwrap().0.unwrap()
    }

    /// Does all the work there is, and returns the job as it ends.
    async fn finished(&self, job: &Job) -> Job {
        while self.daemon.work().await.unwrap() {}
        let request = GetJobRequest { job_id: job.job_id.clone() };
        self.app.jobs().get_job(by(&self.ada.token, request)).await.unwrap().into_inner().job.unwrap()
    }

    async fn items(&self, job: &Job) -> Vec<JobItem> {
        let request = ListJobItemsRequest { job_id: job.job_id.clone(), page_size: 200, ..Default::default() };
        self.app.jobs().list_job_items(by(&self.ada.token, request)).await.unwrap().into_inner().items
    }

    /// What became of each row: its line, column and code, or what was done.
    async fn ends(&self, job: &Job) -> Vec<String> {
        self.items(job).await.iter().map(end).collect()
    }

    async fn limit(&self, daily: i32) {
        let account_id = self.account.id.to_string();
        let account =
            pb::Account { account_id, daily_invites_max: daily, pending_invites_max: 50, ..Default::default() };
        let message = UpdateAccountRequest { account: Some(account), ..Default::default() };
        self.app.accounts().update_account(by(&self.account.admin.token, message)).await.unwrap();
    }
}

fn end(it: &JobItem) -> String {
    let state = it.state().as_str_name().trim_start_matches("JOB_ITEM_STATE_");
    let words = format!("{} {state} {} {} {}", it.line, it.action, it.column, it.code);
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_good_rows_of_a_file_go_out_and_each_bad_one_says_where_and_why() {
    let stage = Stage::set().await;
    let Stage { app, account, plans, .. } = &stage;
    app.person(account, "bob@example.com", "Bob", "Builder").await;
    create(app, &stage.ada, offer(account, "max@example.com", AccountRole::Guest, &[])).await.unwrap();
    let file = format!(
        "email,account_role,workcenters,expires_in_days\n\
         nora@example.com,,,\n\
         bob@example.com,,{plans}:CONTRIBUTOR,\n\
         nobody,,,\n\
         max@example.com,,,\n\
         vera@example.com,ADMINISTRATOR,,\n\
         rosa@example.com,,{}:READER,\n\
         NORA@example.com,,,\n\
         hugo@example.com,member,{plans}:READER,3\n",
        Uuid::now_v7()
    );
    let ends = [
        "2 DONE INVITE",
        "3 DONE ADD",
        "4 FAILED email EMAIL_INVALID",
        "5 FAILED INVITE_PENDING",
        "6 FAILED PERMISSION_DENIED",
        "7 FAILED NOT_FOUND",
        "8 SKIPPED email DUPLICATE",
        "9 DONE INVITE",
    ];

    let before = app.everything().await;
    let asked = ImportInvitesMetadata { validate_only: true, ..stage.metadata() };
    let (job, plan) = stage.import(asked, &file).await.unwrap();
    let plan = plan.unwrap();
    let counts = (plan.total_items, plan.done_items, plan.skipped_items, plan.failed_items);
    assert_eq!((job, counts), (None, (8, 3, 1, 4)));
    assert_eq!(plan.items.iter().map(end).collect::<Vec<_>>(), ends[2..7]);
    assert_eq!(app.everything().await, before);

    let job = stage.started(&file).await;
    assert_eq!((job.state(), job.total_items), (JobState::Queued, 8));
    let job = stage.finished(&job).await;
    assert_eq!(job.state(), JobState::PartiallyFailed);
    assert_eq!((job.done_items, job.skipped_items, job.failed_items), (3, 1, 4));
    assert_eq!(stage.ends(&job).await, ends);
    let items = stage.items(&job).await;
    assert_eq!((items[0].path.as_str(), items[2].path.as_str()), ("nora@example.com", "nobody"));
    assert_eq!(items[6].text, "the row on line 2 has the same address");

    let sent = list(app, &stage.ada, InviteBox::Sent, &[InviteState::Pending]).await;
    assert_eq!(addresses(&sent), ["hugo@example.com", "nora@example.com", "max@example.com"]);
    assert_eq!(items[7].target_id, sent[0].invite_id);
    assert_eq!((sent[0].account_role(), sent[0].message.as_str()), (AccountRole::Member, "Welcome"));
    let days = sent[0].expire_time.unwrap().seconds - sent[0].create_time.unwrap().seconds;
    assert_eq!((days / 86_400, sent[0].workcenters.len()), (3, 1));
    assert!(mailed(app, &sent[1]).await.is_some());
    let request = ListCollaboratorsRequest { workcenter_id: plans.to_string(), ..Default::default() };
    let there = app.workcenters().list_collaborators(by(&stage.ada.token, request)).await.unwrap().into_inner();
    assert_eq!(there.collaborators.len(), 2);
    assert_eq!(count(app, "activity where kind = 'collaborator.added'").await, 1);
    // Who started it hears that some of it went wrong; what was asked for is not kept.
    assert_eq!(count(app, "activity where kind = 'process.partially_failed'").await, 1);
    assert_eq!(count(app, "invite_row").await, 0);
}

#[tokio::test]
async fn a_pending_invite_is_left_or_sent_again_as_the_file_is_to_have_it() {
    let stage = Stage::set().await;
    create(&stage.app, &stage.ada, offer(&stage.account, "max@example.com", AccountRole::Guest, &[])).await.unwrap();
    stage.app.clock_at("2027-11-02T09:00:00Z").await;
    for (on_existing, state, end) in [
        (OnExisting::Skip, JobState::Succeeded, "2 SKIPPED INVITE_PENDING"),
        (OnExisting::Resend, JobState::Succeeded, "2 DONE RESEND"),
        (OnExisting::Fail, JobState::Failed, "2 FAILED INVITE_PENDING"),
    ] {
        let metadata = ImportInvitesMetadata { on_existing: on_existing.into(), ..stage.metadata() };
        let job = stage.import(metadata, "email\nmax@example.com\n").await.unwrap().0.unwrap();
        assert_eq!(stage.finished(&job).await.state(), state, "{on_existing:?}");
        assert_eq!(stage.ends(&job).await, [end]);
    }
}

#[tokio::test]
async fn a_file_that_is_sent_again_invites_nobody_again() {
    let stage = Stage::set().await;
    let metadata = ImportInvitesMetadata { request_id: Uuid::now_v7().to_string(), ..stage.metadata() };
    let file = "email\nnora@example.com\n";
    let first = stage.import(metadata.clone(), file).await.unwrap();
    stage.finished(first.0.as_ref().unwrap()).await;
    assert_eq!(stage.import(metadata.clone(), file).await.unwrap(), first);
    let other = stage.import(metadata, "email\nmax@example.com\n").await;
    assert_refused(other, Code::AlreadyExists, "REQUEST_ID_REUSED");
    assert_eq!((count(&stage.app, "job").await, count(&stage.app, "invite").await), (1, 1));
}

#[tokio::test]
async fn rows_beyond_what_an_account_may_invite_in_a_day_are_tried_again_the_next_day() {
    let stage = Stage::set().await;
    stage.limit(2).await;
    let job = stage.started("email\na@example.com\nb@example.com\nc@example.com\nd@example.com\n").await;
    assert_eq!(stage.finished(&job).await.state(), JobState::PartiallyFailed);
    let late = |line: i64| format!("{line} FAILED INVITE_LIMIT_REACHED");
    assert_eq!(stage.ends(&job).await, ["2 DONE INVITE".to_owned(), "3 DONE INVITE".to_owned(), late(4), late(5)]);
    assert!(stage.items(&job).await[3].retryable);

    stage.app.clock_at("2027-11-03T08:00:01Z").await;
    let request = RetryFailedItemsRequest { job_id: job.job_id.clone(), ..Default::default() };
    let again =
        stage.app.jobs().retry_failed_items(by(&stage.ada.token, request)).await.unwrap().into_inner().job.unwrap();
    assert_eq!(stage.finished(&again).await.state(), JobState::Succeeded);
    assert_eq!(stage.ends(&again).await, ["4 DONE INVITE", "5 DONE INVITE"]);
    assert_eq!((count(&stage.app, "invite").await, count(&stage.app, "invite_row").await), (4, 0));
}

#[tokio::test]
async fn who_loses_the_right_while_the_job_runs_invites_nobody_more_and_who_stops_it_neither() {
    let stage = Stage::set().await;
    let file: String = (0..250).map(|it| format!("n{it}@example.com,{}:READER\n", stage.plans)).collect();
    let job = stage.started(&format!("email,workcenters\n{file}")).await;
    assert!(stage.daemon.work().await.unwrap(), "a hundred of them");
    let admin = &stage.account.admin;
    stage.app.collaborator(&stage.ada, stage.plans, admin).await;
    set_role(&stage.app, admin, stage.account.id, &stage.ada.id.to_string(), AccountRole::Guest).await.unwrap();
    let job = stage.finished(&job).await;
    assert_eq!((job.state(), job.done_items, job.failed_items), (JobState::PartiallyFailed, 100, 150));
    assert_eq!(job.bulk.unwrap().first_errors[0].code, "PERMISSION_DENIED");
}

#[tokio::test]
async fn what_a_stopped_job_has_not_come_to_is_not_invited_and_not_kept() {
    let stage = Stage::set().await;
    let file: String = (0..150).map(|it| format!("n{it}@example.com\n")).collect();
    let job = stage.started(&format!("email\n{file}")).await;
    assert!(stage.daemon.work().await.unwrap(), "a hundred of them");
    let request = CancelJobRequest { job_id: job.job_id.clone() };
    stage.app.jobs().cancel_job(by(&stage.ada.token, request)).await.unwrap();
    let job = stage.finished(&job).await;
    assert_eq!((job.state(), job.done_items, job.failed_items), (JobState::Cancelled, 100, 50));
    assert_eq!((count(&stage.app, "invite").await, count(&stage.app, "invite_row").await), (100, 0));
    let now = stage.app.now().await;
    stage.daemon.step(Sweep::Outbox, now).await.unwrap();
    assert_eq!(count(&stage.app, "mail where state = 'SENT'").await, 100);
}
