//! WorkCenters that are made like a template.

use tonic::Code;
use uuid::Uuid;
use workcenter::pb::{
    CancelJobRequest, CreateFromTemplateRequest, GetWorkCenterRequest, Job, JobState, WorkCenter, WorkCenterState,
};

use super::{ALL, Pattern, of, well};
use crate::harness::{Person, by, reason};

impl Pattern {
    pub fn creating(&self) -> CreateFromTemplateRequest {
        let (template_id, name) = (self.template.to_string(), "Pier 9".to_owned());
        CreateFromTemplateRequest { template_id, name, options: of(&ALL), ..Default::default() }
    }

    /// Somebody who sees the template has one made.
    pub async fn create(&self, request: CreateFromTemplateRequest) -> (Job, Uuid) {
        let answer = self.templates().create_from_template(by(&self.bob.token, request)).await.unwrap();
        let job = answer.into_inner().job.unwrap();
        let id = job.bulk.as_ref().unwrap().target_workcenter_id.parse().unwrap();
        (job, id)
    }

    async fn shown(&self, who: &Person, id: Uuid) -> Result<WorkCenter, (Code, String)> {
        let request = GetWorkCenterRequest { workcenter_id: id.to_string() };
        match self.stage.app.workcenters().get_work_center(by(&who.token, request)).await {
            Ok(answer) => Ok(answer.into_inner().workcenter.unwrap()),
            Err(status) => Err((status.code(), reason(&status))),
        }
    }

    pub async fn ended(&self, job: &Job) -> Job {
        while self.stage.daemon.work().await.unwrap() {}
        let request = workcenter::pb::GetJobRequest { job_id: job.job_id.clone() };
        self.stage.app.jobs().get_job(by(&self.bob.token, request)).await.unwrap().into_inner().job.unwrap()
    }
}

fn nowhere() -> Result<WorkCenter, (Code, String)> {
    Err((Code::NotFound, "WORKCENTER_NOT_FOUND".to_owned()))
}

#[tokio::test]
async fn a_new_workcenter_is_seen_by_others_when_all_of_it_is_there() {
    let pattern = Pattern::set().await;
    let planned = CreateFromTemplateRequest { validate_only: true, ..pattern.creating() };
    let planned = pattern.templates().create_from_template(by(&pattern.bob.token, planned)).await.unwrap();
    let plan = planned.into_inner().plan.unwrap();
    assert_eq!((plan.total_items, plan.failed_items), (14, 0));

    let (job, id) = pattern.create(pattern.creating()).await;
    let owner = &pattern.stage.owner;
    assert_eq!(pattern.shown(&pattern.bob, id).await.unwrap().state(), WorkCenterState::Provisioning);
    assert_eq!(pattern.shown(owner, id).await, nowhere());
    for _ in 0..4 {
        assert!(pattern.stage.daemon.work().await.unwrap());
        assert_eq!(pattern.shown(owner, id).await, nowhere());
    }
    let job = pattern.ended(&job).await;
    assert!(well(&job), "{job:?}");
    let made = pattern.shown(owner, id).await.unwrap();
    assert_eq!((made.state(), made.is_template, made.category.as_str()), (WorkCenterState::Active, false, "Piers"));
    // Who has it made owns it; all else is as in the template.
    let roles = |line: String| line.replace("bob@example.com CONTRIBUTOR", "bob@example.com OWNER");
    let expected: Vec<String> = pattern.dump(pattern.template).await.into_iter().map(roles).collect();
    assert_eq!(pattern.dump(id).await, expected);
    assert_eq!(pattern.astray(id).await, 0);
}

#[tokio::test]
async fn a_new_workcenter_goes_when_its_job_is_stopped() {
    let pattern = Pattern::set().await;
    let (job, id) = pattern.create(pattern.creating()).await;
    for _ in 0..4 {
        assert!(pattern.stage.daemon.work().await.unwrap());
    }
    let request = CancelJobRequest { job_id: job.job_id.clone() };
    pattern.stage.app.jobs().cancel_job(by(&pattern.bob.token, request)).await.unwrap();
    assert_eq!(pattern.ended(&job).await.state(), JobState::Cancelled);
    for who in [&pattern.bob, &pattern.stage.owner, &pattern.stage.account.admin] {
        assert_eq!(pattern.shown(who, id).await, nowhere());
    }
}

#[tokio::test]
async fn a_new_workcenter_goes_when_something_of_it_fails() {
    let pattern = Pattern::set().await;
    let (job, id) = pattern.create(pattern.creating()).await;
    // Who has it made may not see the template any more when its turn comes.
    pattern
        .change(&format!(
            "delete from collaborator where user_id = '{}' and workcenter_id = '{}'",
            pattern.bob.id, pattern.template
        ))
        .await;
    let job = pattern.ended(&job).await;
    assert_eq!((job.state(), job.failed_items), (JobState::Failed, 14));
    assert_eq!(pattern.shown(&pattern.bob, id).await, nowhere());
}
