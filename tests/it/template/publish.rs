//! Publishing to many WorkCenters: what stops what, who does it when somebody dies, and how it is stopped.

use uuid::Uuid;
use workcenter::pb::{
    ArchiveWorkCenterRequest, CancelJobRequest, Job, JobKind, JobScope, JobState, ListJobsRequest,
    PublishTemplateRequest,
};

use super::{Pattern, of};
use crate::{bulk::Stage, dice::Dice, harness::by};

impl Pattern {
    pub fn publishing(&self, targets: &[Uuid]) -> PublishTemplateRequest {
        PublishTemplateRequest {
            template_id: self.template.to_string(),
            target_workcenter_ids: targets.iter().map(ToString::to_string).collect(),
            options: of(&[super::TemplatePart::Folders, super::TemplatePart::Documents, super::TemplatePart::Tasks]),
            ..Default::default()
        }
    }

    pub async fn publish(&self, request: PublishTemplateRequest) -> Job {
        let answer = self.templates().publish_template(by(&self.stage.account.admin.token, request)).await.unwrap();
        answer.into_inner().job.unwrap()
    }

    /// The job as it stands, as who administers sees it.
    pub async fn seen(&self, job: &Job) -> Job {
        let request = workcenter::pb::GetJobRequest { job_id: job.job_id.clone() };
        let request = by(&self.stage.account.admin.token, request);
        self.stage.app.jobs().get_job(request).await.unwrap().into_inner().job.unwrap()
    }

    pub async fn published(&self, request: PublishTemplateRequest) -> (Job, Vec<String>) {
        let job = self.publish(request).await;
        while self.stage.daemon.work().await.unwrap() {}
        (self.seen(&job).await, self.places(&job).await)
    }

    /// What became of each WorkCenter.
    async fn places(&self, job: &Job) -> Vec<String> {
        let items = "select path || ' ' || state || ' ' || code as line from job_item where job_id = $1 order by seq";
        let id: Uuid = job.job_id.parse().unwrap();
        let rows = self.stage.app.client().await.query(items, &[&id]).await.unwrap();
        rows.iter().map(|it| it.get::<_, String>("line").trim_end().to_owned()).collect()
    }

    /// The jobs that do its items, oldest first.
    async fn parts(&self, job: &Job) -> Vec<Job> {
        let account_id = self.stage.account.id.to_string();
        let request = ListJobsRequest {
            scope: JobScope::Account.into(),
            account_id,
            kinds: vec![JobKind::ApplyTemplate.into()],
            page_size: 200,
            ..Default::default()
        };
        let request = by(&self.stage.account.admin.token, request);
        let mut jobs = self.stage.app.jobs().list_jobs(request).await.unwrap().into_inner().jobs;
        jobs.retain(|it| it.bulk.as_ref().unwrap().parent_job_id == job.job_id);
        jobs.reverse();
        jobs
    }
}

pub async fn spaces(stage: &Stage, of: usize) -> Vec<Uuid> {
    let mut spaces = Vec::new();
    for number in 0..of {
        spaces.push(stage.space(&format!("Pier {number}")).await);
    }
    spaces
}

#[tokio::test]
async fn one_bad_workcenter_among_several_stops_no_other() {
    let pattern = Pattern::set().await;
    let targets = spaces(&pattern.stage, 4).await;
    let archived = ArchiveWorkCenterRequest { workcenter_id: targets[1].to_string() };
    pattern.stage.app.workcenters().archive_work_center(by(&pattern.stage.owner.token, archived)).await.unwrap();
    pattern.stage.grow(targets[2], &["start.pdf=x"]).await;
    let (job, places) = pattern.published(pattern.publishing(&[targets.clone(), vec![Uuid::max()]].concat())).await;
    assert_eq!((job.state(), job.kind()), (JobState::PartiallyFailed, JobKind::PublishTemplate));
    assert_eq!((job.total_items, job.done_items, job.failed_items), (5, 2, 3));
    assert_eq!(
        places,
        [
            "Pier 0 DONE WARNED",
            "Pier 1 FAILED TARGET_ARCHIVED",
            "Pier 2 FAILED PARTIALLY_FAILED",
            "Pier 3 DONE WARNED",
            " FAILED TARGET_GONE"
        ]
    );
    let parts = pattern.parts(&job).await;
    assert_eq!(parts.len(), 3);
    let ended = |it: &Job| it.finish_time.as_ref().map(|it| (it.seconds, it.nanos)).unwrap();
    assert!(parts.iter().all(|it| ended(it) <= ended(&job)));
    assert_eq!(pattern.dump(targets[0]).await, pattern.dump(targets[3]).await);

    // The second time there is nothing to do, but where something failed.
    let (job, places) = pattern.published(pattern.publishing(&[targets[0], targets[3]])).await;
    assert_eq!((job.state(), job.skipped_items), (JobState::Succeeded, 2));
    assert_eq!(places, ["Pier 0 SKIPPED NOTHING_TO_DO", "Pier 3 SKIPPED NOTHING_TO_DO"]);
}

#[tokio::test]
async fn all_active_workcenters_of_a_category_are_meant_and_a_plan_says_what_would_become_of_each() {
    let pattern = Pattern::set().await;
    let targets = spaces(&pattern.stage, 3).await;
    pattern.change("update workcenter set category = 'Piers' where name in ('Pier 0', 'Pier 2')").await;
    let request = PublishTemplateRequest { target_category: "Piers".to_owned(), ..pattern.publishing(&[]) };
    let planned = PublishTemplateRequest { validate_only: true, ..request.clone() };
    let planned = pattern.templates().publish_template(by(&pattern.stage.account.admin.token, planned)).await.unwrap();
    let plan = planned.into_inner().plan.unwrap();
    assert_eq!((plan.total_items, plan.done_items), (14, 14));
    let (job, places) = pattern.published(request).await;
    assert_eq!(places, ["Pier 0 DONE WARNED", "Pier 2 DONE WARNED"]);
    assert_eq!(job.state(), JobState::SucceededWithWarnings);
    assert_eq!(pattern.stage.listing(targets[1]).await, [""; 0]);
    assert_eq!(pattern.stage.listing(targets[2]).await, pattern.stage.listing(targets[0]).await);
}

#[tokio::test]
async fn however_often_a_worker_dies_every_workcenter_gets_everything_once() {
    let pattern = Pattern::set().await;
    let names: Vec<String> = (0..230).map(|it| format!("many/{it:03}.pdf=x")).collect();
    let names: Vec<&str> = ["many/"].into_iter().chain(names.iter().map(String::as_str)).collect();
    pattern.stage.grow(pattern.template, &names).await;
    let targets = spaces(&pattern.stage, 3).await;
    let job = pattern.publish(pattern.publishing(&targets)).await;
    let (mut dice, mut deaths) = (Dice(20_270_302), 0);
    let other = pattern.stage.app.daemon(None);
    while pattern.seen(&job).await.finish_time.is_none() {
        let polls = usize::try_from(1 + dice.roll(60)).unwrap();
        if !crate::bulk::engine::dropped_after(polls, other.work()).await {
            deaths += 1;
            let expire = "update job set lease_until = now() - interval '1 second'
                where lease_until is not null and lease_until <> 'infinity'";
            pattern.change(expire).await;
        }
    }
    assert!(deaths > 5, "{deaths}");
    let over = pattern.seen(&job).await;
    assert_eq!((over.state(), over.done_items), (JobState::SucceededWithWarnings, 3));
    let first = pattern.dump(targets[0]).await;
    assert_eq!(first.iter().filter(|it| it.starts_with("document many/")).count(), 230);
    for target in &targets {
        assert_eq!(pattern.dump(*target).await, first);
        assert_eq!(pattern.astray(*target).await, 0);
    }
    assert_eq!(pattern.parts(&job).await.len(), 3);
}

#[tokio::test]
async fn a_job_that_is_stopped_stops_those_that_do_its_items_and_keeps_what_was_copied() {
    let pattern = Pattern::set().await;
    let targets = spaces(&pattern.stage, 3).await;
    let job = pattern.publish(pattern.publishing(&targets)).await;
    // It begins with the first one, whose folders are copied.
    for _ in 0..3 {
        assert!(pattern.stage.daemon.work().await.unwrap());
    }
    let request = CancelJobRequest { job_id: job.job_id.clone() };
    pattern.stage.app.jobs().cancel_job(by(&pattern.stage.account.admin.token, request)).await.unwrap();
    while pattern.stage.daemon.work().await.unwrap() {}
    let over = pattern.seen(&job).await;
    assert_eq!((over.state(), over.failed_items), (JobState::Cancelled, 3));
    let parts = pattern.parts(&job).await;
    assert_eq!(parts.iter().map(Job::state).collect::<Vec<_>>(), [JobState::Cancelled]);
    assert_eq!(pattern.stage.listing(targets[0]).await, ["plans/", "plans/old/"]);
    assert_eq!(pattern.stage.listing(targets[1]).await, [""; 0]);
}
