//! People whom tasks name and who do not collaborate where the template is copied to: brought in, invited, or said to be dropped.

use uuid::Uuid;
use workcenter::{
    daemon::Sweep,
    pb::{
        AcceptInviteRequest, CancelJobRequest, DeclineInviteRequest, Invite, InviteBox, InviteState, Job, JobState,
        ListInvitesRequest, PublishTemplateRequest, RemoveMemberRequest, Task, TaskPerson, TemplateOptions,
        TemplatePart, TemplatePlan, TemplateRoleBinding, TemplateSubstitution, WorkCenterRole,
        accept_invite_request::By, decline_invite_request, task_person::Person as Named,
        template_plan_person::Person as Planned,
    },
};

use super::{Pattern, again::rest, of, publish::spaces};
use crate::{
    bulk::dropped_after,
    dice::Dice,
    harness::{Person, by, fields},
};

/// How the log of a WorkCenter tells of people who came.
const CAME: &str = "
    select email from activity join person on person.id::text = subject_ref
    where log_id = $1 and kind = 'collaborator.added' order by email";

/// A template whose task `Survey` is Eve's, who has left the account since; its other one is Bob's, who has not.
async fn set() -> (Pattern, Person) {
    let pattern = Pattern::set().await;
    let stage = &pattern.stage;
    let eve = stage.app.person(&stage.account, "eve@example.com", "Eve", "Outside").await;
    stage.app.collaborator(&stage.owner, pattern.template, &eve).await;
    let who = |person: &Person| TaskPerson { person: Some(Named::UserId(person.id.to_string())), ..Default::default() };
    let (assignees, approvers) = (vec![who(&eve)], vec![who(&pattern.bob)]);
    let survey = Task { title: "Survey".to_owned(), assignees, approvers, ..Default::default() };
    pattern.task(pattern.template, survey).await;
    let (account_id, user_id) = (stage.account.id.to_string(), eve.id.to_string());
    let leave = RemoveMemberRequest { account_id, user_id };
    stage.app.accounts().remove_member(by(&stage.account.admin.token, leave)).await.unwrap();
    (pattern, eve)
}

fn options() -> TemplateOptions {
    TemplateOptions { invite_missing_assignees: true, ..of(&[TemplatePart::Tasks]).unwrap() }
}

impl Pattern {
    /// The invites that `who` has sent.
    async fn sent(&self, who: &Person) -> Vec<Invite> {
        let asked = ListInvitesRequest { r#box: InviteBox::Sent.into(), ..Default::default() };
        self.stage.app.invites().list_invites(by(&who.token, asked)).await.unwrap().into_inner().invites
    }

    async fn mails(&self) -> i64 {
        let count = "select count(*) from mail where kind = 'INVITE'";
        self.stage.app.client().await.query_one(count, &[]).await.unwrap().get(0)
    }

    /// Whom a task of a WorkCenter names.
    async fn people(&self, space: Uuid, title: &str) -> String {
        let line = self.dump(space).await.into_iter().find(|it| it.starts_with(&format!("task {title}|"))).unwrap();
        line.split('|')
            .find(|it| it.starts_with("ASSIGNEE") || it.starts_with("APPROVER"))
            .unwrap_or_default()
            .to_owned()
    }

    async fn came(&self, space: Uuid) -> Vec<String> {
        let rows = self.stage.app.client().await.query(CAME, &[&space]).await.unwrap();
        rows.iter().map(|it| it.get(0)).collect()
    }

    async fn collaborators(&self, space: Uuid) -> Vec<String> {
        let lines = self.dump(space).await.into_iter();
        lines.filter_map(|it| it.strip_prefix("collaborator ").map(ToOwned::to_owned)).collect()
    }

    async fn actions(&self, job: &Job) -> Vec<String> {
        let items = self.stage.items(job).await.into_iter().filter(|it| !it.action.is_empty());
        items.map(|it| format!("{} {}", it.path, it.action)).collect()
    }
}

/// What a plan says of whom each task means.
fn planned(plan: &TemplatePlan) -> Vec<String> {
    let tasks = plan.items.iter().filter(|it| !it.people.is_empty());
    let people = tasks.flat_map(|it| it.people.iter().map(|person| (it.item.as_ref().unwrap().path.clone(), person)));
    let line = |(path, person): (String, &workcenter::pb::TemplatePlanPerson)| {
        let who = match person.person.as_ref().unwrap() {
            Planned::UserId(id) => id.clone(),
            Planned::Role(role) => WorkCenterRole::try_from(*role).unwrap().as_str_name().to_owned(),
        };
        let part = if person.approves { "approves" } else { "does" };
        format!("{who} {part} {path} {}", person.code).trim_end().to_owned()
    };
    people.map(line).collect()
}

#[tokio::test]
async fn whoever_belongs_to_the_account_comes_at_once_and_others_are_invited_and_the_second_time_nobody() {
    let (pattern, eve) = set().await;
    let (job, ends) = pattern.applied(Some(options())).await;
    assert_eq!(job.state(), JobState::SucceededWithWarnings);
    assert_eq!(
        ends,
        [
            "Bob Builder DONE",
            "Eve Outside DONE",
            "Dig DONE",
            "Build DONE LINK_UNRESOLVED",
            "Survey DONE ASSIGNEE_INVITED"
        ]
    );
    let actions = ["Bob Builder ADD", "Eve Outside INVITE", "Dig COPY", "Build COPY", "Survey COPY"];
    assert_eq!(pattern.actions(&job).await, actions);
    let there = ["bob@example.com CONTRIBUTOR", "owner@example.com OWNER"];
    assert_eq!(pattern.collaborators(pattern.into).await, there);
    assert_eq!(pattern.came(pattern.into).await, ["bob@example.com"]);
    assert_eq!(pattern.people(pattern.into, "Dig").await, "ASSIGNEE bob@example.com, ASSIGNEE OWNER");
    assert_eq!(pattern.people(pattern.into, "Survey").await, "APPROVER bob@example.com, ASSIGNEE eve@example.com");
    let sent = pattern.sent(&pattern.stage.owner).await;
    let [invite] = sent.as_slice() else { panic!("{sent:?}") };
    let place = &invite.workcenters[0];
    assert_eq!((invite.email.as_str(), pattern.mails().await), ("eve@example.com", 1));
    assert_eq!((place.workcenter_id.parse(), place.role()), (Ok(pattern.into), WorkCenterRole::Contributor));
    assert_eq!(pattern.stage.items(&job).await[1].target_id, invite.invite_id);

    let before = rest(&pattern).await;
    let (job, ends) = pattern.applied(Some(options())).await;
    assert_eq!((job.state(), job.done_items), (JobState::Succeeded, 0));
    assert_eq!(ends[0], "Eve Outside SKIPPED INVITED");
    assert_eq!(rest(&pattern).await, before);

    let asked = AcceptInviteRequest { by: Some(By::InviteId(invite.invite_id.clone())), ..Default::default() };
    pattern.stage.app.invites().accept_invite(by(&eve.token, asked)).await.unwrap();
    assert_eq!(pattern.came(pattern.into).await, ["bob@example.com", "eve@example.com"]);
    let (job, ends) = pattern.applied(Some(options())).await;
    assert_eq!((job.done_items, ends.len()), (0, 3), "{ends:#?}");
    assert_eq!(pattern.mails().await, 1);
}

#[tokio::test]
async fn without_being_asked_to_nobody_is_brought_in_and_a_plan_says_who_is_dropped() {
    let (pattern, eve) = set().await;
    let bob = pattern.bob.id;
    let quiet = of(&[TemplatePart::Tasks]);
    let plan = pattern.planned(quiet.clone()).await;
    assert_eq!(
        planned(&plan),
        [
            format!("{bob} does Dig ASSIGNEE_DROPPED"),
            "WORK_CENTER_ROLE_OWNER does Dig".to_owned(),
            format!("{bob} approves Survey ASSIGNEE_DROPPED"),
            format!("{} does Survey ASSIGNEE_DROPPED", eve.id),
        ]
    );
    let (_, ends) = pattern.applied(quiet).await;
    assert_eq!(ends, ["Dig DONE ASSIGNEE_DROPPED", "Build DONE LINK_UNRESOLVED", "Survey DONE ASSIGNEE_DROPPED"]);
    assert_eq!(pattern.collaborators(pattern.into).await, ["owner@example.com OWNER"]);
    assert_eq!((pattern.people(pattern.into, "Survey").await.as_str(), pattern.mails().await), ("", 0));
}

#[tokio::test]
async fn a_plan_says_who_would_come_or_be_invited_and_does_none_of_it() {
    let (pattern, eve) = set().await;
    let bob = pattern.bob.id;
    let before = pattern.stage.app.everything().await;
    let plan = pattern.planned(Some(options())).await;
    assert_eq!(
        planned(&plan),
        [
            format!("{bob} does Dig"),
            "WORK_CENTER_ROLE_OWNER does Dig".to_owned(),
            format!("{bob} approves Survey"),
            format!("{} does Survey ASSIGNEE_INVITED", eve.id),
        ]
    );
    assert_eq!(plan.items[1].role(), WorkCenterRole::Contributor);
    assert_eq!(pattern.stage.app.everything().await, before);
    let (job, _) = pattern.applied(Some(options())).await;
    let plans = plan.items.into_iter().map(|it| it.item.unwrap());
    for (planned, done) in plans.zip(pattern.stage.items(&job).await) {
        let told = (planned.item_id, planned.path, planned.state, planned.action, planned.code);
        assert_eq!(told, (done.item_id, done.path, done.state, done.action, done.code));
    }
}

#[tokio::test]
async fn whoever_is_bound_to_a_role_comes_as_that_and_is_missed_where_they_do_not() {
    let (pattern, _) = set().await;
    let carl = pattern.stage.app.person(&pattern.stage.account, "carl@example.com", "Carl", "Carpenter").await;
    let bound = |role: WorkCenterRole| TemplateRoleBinding { role: role.into(), user_id: carl.id.to_string() };
    let role_bindings = vec![bound(WorkCenterRole::Owner), bound(WorkCenterRole::Reader)];
    let quiet = TemplateOptions { role_bindings, ..of(&[TemplatePart::Tasks]).unwrap() };
    pattern.collaborator(pattern.into, &pattern.bob, WorkCenterRole::Reader).await;
    let (_, ends) = pattern.applied(Some(quiet.clone())).await;
    assert_eq!(ends[0], "Dig DONE ROLE_UNMAPPED");
    assert_eq!(pattern.people(pattern.into, "Dig").await, "ASSIGNEE bob@example.com, ASSIGNEE OWNER");

    let pattern = Pattern { into: pattern.stage.space("Pier 8").await, ..pattern };
    let missing_assignee_role = WorkCenterRole::Reader.into();
    let (_, ends) =
        pattern.applied(Some(TemplateOptions { invite_missing_assignees: true, missing_assignee_role, ..quiet })).await;
    assert!(ends.contains(&"Dig DONE".to_owned()), "{ends:#?}");
    let there = ["bob@example.com READER", "carl@example.com OWNER", "owner@example.com OWNER"];
    assert_eq!(pattern.collaborators(pattern.into).await, there);
    assert_eq!(pattern.people(pattern.into, "Dig").await, "ASSIGNEE bob@example.com, ASSIGNEE carl@example.com");
}

#[tokio::test]
async fn whoever_is_there_with_another_role_keeps_it_and_that_is_told() {
    let (pattern, _) = set().await;
    pattern.collaborator(pattern.into, &pattern.bob, WorkCenterRole::Reader).await;
    let people = of(&[TemplatePart::Collaborators]);
    let (_, ends) = pattern.applied(people.clone()).await;
    assert_eq!(ends, ["Ada Owner SKIPPED IDENTICAL", "Bob Builder SKIPPED ROLE_KEPT"]);
    assert_eq!(pattern.collaborators(pattern.into).await, ["bob@example.com READER", "owner@example.com OWNER"]);
}

#[tokio::test]
async fn what_newcomers_become_is_a_role_and_said_only_where_there_are_any() {
    let (pattern, _) = set().await;
    for (invite_missing_assignees, role) in [(false, WorkCenterRole::Reader as i32), (true, 9)] {
        let options = TemplateOptions { invite_missing_assignees, missing_assignee_role: role, ..options() };
        let refused = pattern.apply(Some(options)).await.unwrap_err();
        assert_eq!(fields(&refused), ["options.missing_assignee_role"]);
    }
}

#[tokio::test]
async fn whoever_is_in_the_template_and_not_in_the_account_is_invited_where_a_task_names_them_and_left_out_elsewhere() {
    let (pattern, _) = set().await;
    let anna = pattern.stage.app.person(&pattern.stage.account, "anna@example.com", "Anna", "Away").await;
    pattern.stage.app.collaborator(&pattern.stage.owner, pattern.template, &anna).await;
    let gone = format!("delete from member where user_id in ('{}', '{}')", pattern.bob.id, anna.id);
    pattern.change(&gone).await;
    let parts = of(&[TemplatePart::Tasks, TemplatePart::Collaborators]).unwrap();
    let missing_assignee_role = WorkCenterRole::Reader.into();
    let (_, ends) =
        pattern.applied(Some(TemplateOptions { parts: parts.parts, missing_assignee_role, ..options() })).await;
    for told in ["Bob Builder DONE", "Anna Away SKIPPED NOT_A_MEMBER", "Eve Outside DONE"] {
        assert!(ends.contains(&told.to_owned()), "{told} is not in {ends:#?}");
    }
    let sent = pattern.sent(&pattern.stage.owner).await;
    let mut offers: Vec<_> = sent.iter().map(|it| (it.email.as_str(), it.workcenters[0].role())).collect();
    offers.sort();
    assert_eq!(offers, [("bob@example.com", WorkCenterRole::Reader), ("eve@example.com", WorkCenterRole::Reader)]);
}

#[tokio::test]
async fn nobody_gets_mail_because_somebody_knows_their_id() {
    let (pattern, eve) = set().await;
    let other = pattern.stage.app.account("Other Works").await;
    let user_substitutions =
        vec![TemplateSubstitution { from_user_id: eve.id.to_string(), to_user_id: other.admin.id.to_string() }];
    let (_, ends) = pattern.applied(Some(TemplateOptions { user_substitutions, ..options() })).await;
    assert_eq!((ends[0].as_str(), ends[3].as_str()), ("Bob Builder DONE", "Survey DONE ASSIGNEE_DROPPED"));
    assert_eq!(pattern.mails().await, 0);
}

#[tokio::test]
async fn many_workcenters_are_one_invite_however_often_a_worker_dies() {
    let (pattern, _) = set().await;
    let admin = &pattern.stage.account.admin;
    let targets = spaces(&pattern.stage, 4).await;
    let request = PublishTemplateRequest { options: Some(options()), ..pattern.publishing(&targets) };
    let job = pattern.publish(request.clone()).await;
    let (mut dice, mut deaths) = (Dice(20_270_302), 0);
    let other = pattern.stage.app.daemon(None);
    while pattern.seen(&job).await.finish_time.is_none() {
        // Whoever takes over what the dead have left does all of it.
        let polls = usize::try_from(1 + dice.roll(60)).unwrap();
        if !dropped_after(polls, other.work()).await {
            deaths += 1;
            let expire = "update job set lease_until = now() - interval '1 second'
                where lease_until is not null and lease_until <> 'infinity'";
            pattern.change(expire).await;
            pattern.stage.daemon.work().await.unwrap();
        }
    }
    assert!(deaths > 5, "{deaths}");
    let sent = pattern.sent(admin).await;
    let [invite] = sent.as_slice() else { panic!("{sent:?}") };
    let mut places: Vec<Uuid> = invite.workcenters.iter().map(|it| it.workcenter_id.parse().unwrap()).collect();
    places.sort();
    let mut expected = targets.clone();
    expected.sort();
    assert_eq!((places, pattern.mails().await), (expected, 1));
    for target in &targets {
        assert_eq!(pattern.came(*target).await, ["bob@example.com"]);
        let people = pattern.people(*target, "Survey").await;
        assert_eq!(people, "APPROVER bob@example.com, ASSIGNEE eve@example.com");
    }
    let (job, places) = pattern.published(request).await;
    assert_eq!((job.state(), job.skipped_items), (JobState::Succeeded, 4), "{places:?}");
    assert_eq!((pattern.sent(admin).await, pattern.mails().await), (sent, 1));
    let (pool, now) = (pattern.stage.app.pool(), pattern.stage.app.now().await);
    assert_eq!(workcenter::audit::run(pool, now).await.unwrap(), []);
}

#[tokio::test]
async fn whoever_has_declined_or_cannot_be_reached_is_not_asked_again() {
    let (pattern, eve) = set().await;
    let suppress = "insert into suppressed_address (email_key, reason) values ('eve@example.com', '550 5.1.1 unknown')";
    pattern.change(suppress).await;
    pattern.applied(Some(options())).await;
    for sweep in [Sweep::Outbox, Sweep::Housekeeping] {
        pattern.stage.daemon.step(sweep, pattern.stage.app.now().await).await.unwrap();
    }
    let again = async |pattern: &Pattern, state: InviteState| {
        assert_eq!(pattern.sent(&pattern.stage.owner).await[0].state(), state);
        let (job, ends) = pattern.applied(Some(options())).await;
        assert_eq!((job.done_items, ends[0].as_str()), (0, "Eve Outside SKIPPED INVITED"));
    };
    again(&pattern, InviteState::DeliveryFailed).await;
    pattern.change("delete from suppressed_address").await;
    let pattern = Pattern { into: pattern.stage.space("Pier 8").await, ..pattern };
    pattern.applied(Some(options())).await;
    let id = pattern.sent(&pattern.stage.owner).await[0].invite_id.clone();
    let asked = DeclineInviteRequest { by: Some(decline_invite_request::By::InviteId(id)), ..Default::default() };
    pattern.stage.app.invites().decline_invite(by(&eve.token, asked)).await.unwrap();
    again(&pattern, InviteState::Declined).await;
    assert_eq!(pattern.mails().await, 2);
}

#[tokio::test]
async fn what_invites_are_refused_for_is_told_and_fails_nothing() {
    let (pattern, _) = set().await;
    let limit = format!("update account set pending_invites_max = 1 where id = '{}'", pattern.stage.account.id);
    pattern.change(&limit).await;
    let mine = workcenter::pb::CreateInviteRequest {
        email: "zoe@example.com".to_owned(),
        account_id: pattern.stage.account.id.to_string(),
        account_role: workcenter::pb::AccountRole::Guest.into(),
        ..Default::default()
    };
    let invites = || pattern.stage.app.invites();
    let mine = invites().create_invite(by(&pattern.stage.owner.token, mine)).await.unwrap();
    let (job, ends) = pattern.applied(Some(options())).await;
    assert_eq!(job.state(), JobState::SucceededWithWarnings);
    assert_eq!(ends[1], "Eve Outside SKIPPED INVITE_LIMIT_REACHED");
    assert_eq!(ends[4], "Survey DONE ASSIGNEE_DROPPED");

    // As soon as there is room she is asked, but not by a guest.
    let invite_id = mine.into_inner().invite.unwrap().invite_id;
    let revoke = workcenter::pb::RevokeInviteRequest { invite_id };
    invites().revoke_invite(by(&pattern.stage.owner.token, revoke)).await.unwrap();
    let now_a = |role: &str| format!("update member set role = '{role}' where user_id = '{}'", pattern.stage.owner.id);
    pattern.change(&now_a("GUEST")).await;
    let (_, ends) = pattern.applied(Some(options())).await;
    assert_eq!(ends[0], "Eve Outside SKIPPED PERMISSION_DENIED");
    pattern.change(&now_a("MEMBER")).await;
    let (job, ends) = pattern.applied(Some(options())).await;
    assert_eq!((job.done_items, ends[0].as_str()), (1, "Eve Outside DONE"));
    // Somebody else's invite is theirs.
    let pattern = Pattern { into: pattern.stage.space("Pier 8").await, ..pattern };
    pattern.change("update invite set inviter_id = (select user_id from member where role = 'ADMINISTRATOR')").await;
    let (_, ends) = pattern.applied(Some(options())).await;
    assert_eq!(ends[1], "Eve Outside SKIPPED INVITE_PENDING");
}

#[tokio::test]
async fn a_new_workcenter_invites_when_it_is_open_or_never() {
    let (pattern, eve) = set().await;
    let creating = || workcenter::pb::CreateFromTemplateRequest { options: Some(options()), ..pattern.creating() };
    let (job, _) = pattern.create(creating()).await;
    let half = async || {
        assert!(pattern.stage.daemon.work().await.unwrap());
        assert_eq!(pattern.mails().await, 0);
    };
    half().await;
    let stop = CancelJobRequest { job_id: job.job_id.clone() };
    pattern.stage.app.jobs().cancel_job(by(&pattern.bob.token, stop)).await.unwrap();
    assert_eq!(pattern.ended(&job).await.state(), JobState::Cancelled);
    assert_eq!(pattern.mails().await, 0);

    let (job, id) = pattern.create(creating()).await;
    half().await;
    assert_eq!(pattern.ended(&job).await.state(), JobState::SucceededWithWarnings);
    let sent = pattern.sent(&pattern.bob).await;
    let [invite] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(invite.workcenters[0].workcenter_id, id.to_string());
    assert_eq!(pattern.people(id, "Survey").await, "APPROVER bob@example.com, ASSIGNEE eve@example.com");
    let led = "select target_id from job_item where job_id = $1 and item_id = $2";
    let job: Uuid = job.job_id.parse().unwrap();
    let led: Uuid = pattern.stage.app.client().await.query_one(led, &[&job, &eve.id]).await.unwrap().get(0);
    assert_eq!(led.to_string(), invite.invite_id);

    // What cannot be done then is told.
    pattern.change("update invite set inviter_id = (select user_id from member where role = 'ADMINISTRATOR')").await;
    let (job, _) =
        pattern.create(workcenter::pb::CreateFromTemplateRequest { name: "Late".to_owned(), ..creating() }).await;
    let job = pattern.ended(&job).await;
    assert_eq!(job.state(), JobState::SucceededWithWarnings);
    let said = "select code from job_item where job_id = $1 and item_id = $2";
    let id: Uuid = job.job_id.parse().unwrap();
    let said: String = pattern.stage.app.client().await.query_one(said, &[&id, &eve.id]).await.unwrap().get(0);
    assert_eq!(said, "INVITE_PENDING");
}
