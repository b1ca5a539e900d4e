//! Templates: what is copied, what is not, and what becomes of it when it is done again.

mod again;
mod cost;
mod dates;
mod large;
mod made;
mod newcomers;
mod publish;
mod whole;

use tonic::Status;
use uuid::Uuid;
use workcenter::pb::{
    self, AddCollaboratorRequest, ApplyTemplateRequest, CreateCommentRequest, CreatePostRequest, CreateTaskRequest,
    Job, JobState, MarkAsTemplateRequest, Task, TaskPerson, TemplateOptions, TemplatePart, TemplatePlan,
    WorkCenterRole, comment_subject::Subject, task_attachment::Attachment, task_person::Person as Named,
    template_service_client::TemplateServiceClient,
};

use crate::{
    bulk::Stage,
    channel::Channel,
    harness::{Person, by},
};

/// All that there is in a WorkCenter, by what it is called: nothing by its id.
const DUMP: &str = "
    with recursive there as (
        select id, kind, version, description, name as path from entry
        where workcenter_id = $1 and parent_id is null and deleted_at is null
        union all
        select entry.id, entry.kind, entry.version, entry.description, path || '/' || name
        from there join entry on entry.parent_id = there.id and deleted_at is null
    ), todo as (
        select task.*, coalesce(there.path, '') as document from task left join there on there.id = document_id
        where workcenter_id = $1 and deleted_at is null
    )
    select 'category ' || category as line from workcenter where id = $1
    union all
    select 'collaborator ' || email || ' ' || role from collaborator join person on person.id = user_id where workcenter_id = $1
    union all
    select 'folder ' || path || ' ' || description from there where kind = 'FOLDER'
    union all
    select 'document ' || path || ' ' || description || ' ' || encode(digest, 'hex')
    from there join entry_version on entry_id = there.id and number = version
    union all
    select 'task ' || concat_ws('|', title, document, group_name, description, location, status, starts_at, due_at,
        time_zone, assignee_rule, approver_rule, reminders::text,
        (select string_agg(part || ' ' || coalesce(email, role), ', ' order by part, seq)
            from task_person left join person on person.id = user_id where task_id = todo.id),
        (select string_agg(prior.title, ', ' order by prior.title)
            from task_dependency join task prior on prior.id = prior_id where task_id = todo.id),
        (select string_agg(coalesce(there.path, other.title), ', ' order by seq)
            from task_attachment left join there on there.id = entry_id left join task other on other.id = other_id
            where task_id = todo.id))
    from todo
    union all
    select 'post ' || concat_ws('|', title, text) from post where workcenter_id = $1
    union all
    select 'comment ' || concat_ws('|', coalesce(there.path, todo.title, post.title), comment.text, comment.created_at)
    from comment left join there on there.id = comment.document_id left join todo on todo.id = task_id
    left join post on post.id = post_id and post.workcenter_id = $1
    where num_nonnulls(there.id, todo.id, post.id) = 1
    order by 1";

/// How many things of a WorkCenter name something of another one.
const ASTRAY: &str = "
    select (select count(*) from entry join entry above on above.id = entry.parent_id
            where entry.workcenter_id = $1 and above.workcenter_id <> $1)
        + (select count(*) from task join entry on entry.id = document_id
            where task.workcenter_id = $1 and entry.workcenter_id <> $1)
        + (select count(*) from task join task_dependency on task_id = task.id join task prior on prior.id = prior_id
            where task.workcenter_id = $1 and prior.workcenter_id <> $1)
        + (select count(*) from task join task_attachment on task_id = task.id
            left join entry on entry.id = entry_id left join task other on other.id = other_id
            where task.workcenter_id = $1 and coalesce(entry.workcenter_id, other.workcenter_id) <> $1)";

pub const ALL: [TemplatePart; 7] = [
    TemplatePart::Folders,
    TemplatePart::Documents,
    TemplatePart::Tasks,
    TemplatePart::Posts,
    TemplatePart::Comments,
    TemplatePart::Collaborators,
    TemplatePart::Settings,
];

pub fn of(parts: &[TemplatePart]) -> Option<TemplateOptions> {
    Some(TemplateOptions { parts: parts.iter().map(|it| (*it).into()).collect(), ..Default::default() })
}

/// A template with something of everything, and an empty WorkCenter.
pub struct Pattern {
    pub stage: Stage,
    pub template: Uuid,
    pub into: Uuid,
    /// A contributor of the template, and somebody who has left the account since they came into it.
    pub bob: Person,
    /// By what they are called.
    pub things: std::collections::BTreeMap<String, Uuid>,
}

impl Pattern {
    pub async fn set() -> Self {
        let stage = Stage::set().await;
        stage.app.clock_at("2027-03-02T12:00:00Z").await;
        let (template, into) = (stage.space("Pattern").await, stage.space("Pier 7").await);
        let bob = stage.app.person(&stage.account, "bob@example.com", "Bob", "Builder").await;
        stage.app.collaborator(&stage.owner, template, &bob).await;
        let grown = ["plans/", "plans/old/", "plans/door.pdf=a+b", "plans/old/roof.pdf=c", "start.pdf=d"];
        let things = stage.grow(template, &grown).await;
        let mut pattern = Self { stage, template, into, bob, things };
        pattern.fill().await;
        pattern.mark(pattern.template).await.unwrap();
        pattern
    }

    async fn fill(&mut self) {
        let stage = &self.stage;
        stage
            .app
            .client()
            .await
            .execute("update workcenter set category = 'Piers' where id = $1", &[&self.template])
            .await
            .unwrap();
        let who = |named| TaskPerson { person: Some(named), ..Default::default() };
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let dig = Task {
            title: "Dig".to_owned(),
            assignees: vec![
                who(Named::UserId(self.bob.id.to_string())),
                who(Named::Role(WorkCenterRole::Owner.into())),
            ],
            start_time: at(1_804_000_000),
            due_time: at(1_804_086_400),
            reminder_minutes: vec![60],
            ..Default::default()
        };
        let dig = self.task(self.template, dig).await;
        let door = self.things["plans/door.pdf"].to_string();
        let attached = |attachment| pb::TaskAttachment { attachment: Some(attachment) };
        let build = Task {
            title: "Build".to_owned(),
            document_id: self.things["start.pdf"].to_string(),
            prior_task_ids: vec![dig.to_string()],
            attachments: vec![attached(Attachment::DocumentId(door)), attached(Attachment::TaskId(dig.to_string()))],
            ..Default::default()
        };
        let build = self.task(self.template, build).await;
        let post = self.post(self.template, "Welcome", "Mind the gap.").await;
        let subjects = [
            Subject::DocumentId(self.things["plans/door.pdf"].to_string()),
            Subject::TaskId(dig.to_string()),
            Subject::PostId(post.to_string()),
        ];
        for subject in subjects {
            self.comment(subject, "Well said.").await;
        }
        self.things.extend([("Dig".to_owned(), dig), ("Build".to_owned(), build), ("Welcome".to_owned(), post)]);
    }

    pub async fn task(&self, space: Uuid, task: Task) -> Uuid {
        let request = CreateTaskRequest { workcenter_id: space.to_string(), task: Some(task), ..Default::default() };
        let made = self.stage.contents().create_task(by(&self.stage.owner.token, request)).await.unwrap();
        made.into_inner().task.unwrap().task_id.parse().unwrap()
    }

    pub async fn post(&self, space: Uuid, title: &str, text: &str) -> Uuid {
        let (workcenter_id, title, text) = (space.to_string(), title.to_owned(), text.to_owned());
        let request = CreatePostRequest { workcenter_id, title, text, ..Default::default() };
        let made = self.stage.contents().create_post(by(&self.stage.owner.token, request)).await.unwrap();
        made.into_inner().post.unwrap().post_id.parse().unwrap()
    }

    pub async fn comment(&self, subject: Subject, text: &str) {
        let subject = Some(pb::CommentSubject { subject: Some(subject) });
        let request = CreateCommentRequest { subject, text: text.to_owned(), ..Default::default() };
        self.stage.contents().create_comment(by(&self.stage.owner.token, request)).await.unwrap();
    }

    pub async fn collaborator(&self, space: Uuid, person: &Person, role: WorkCenterRole) {
        let (workcenter_id, user_id) = (space.to_string(), person.id.to_string());
        let request = AddCollaboratorRequest { workcenter_id, user_id, role: role.into() };
        self.stage.app.workcenters().add_collaborator(by(&self.stage.owner.token, request)).await.unwrap();
    }

    pub fn templates(&self) -> TemplateServiceClient<Channel> {
        TemplateServiceClient::new(self.stage.app.channel())
    }

    pub async fn mark(&self, space: Uuid) -> Result<pb::WorkCenter, Status> {
        let request = MarkAsTemplateRequest { workcenter_id: space.to_string(), unmark: false };
        let marked = self.templates().mark_as_template(by(&self.stage.owner.token, request)).await?;
        Ok(marked.into_inner().workcenter.unwrap())
    }

    pub async fn apply(&self, options: Option<TemplateOptions>) -> Result<Job, Status> {
        let request = self.applying(options);
        let answer = self.templates().apply_template(by(&self.stage.owner.token, request)).await?;
        Ok(answer.into_inner().job.unwrap())
    }

    pub fn applying(&self, options: Option<TemplateOptions>) -> ApplyTemplateRequest {
        let (template_id, target_workcenter_id) = (self.template.to_string(), self.into.to_string());
        ApplyTemplateRequest { template_id, target_workcenter_id, options, ..Default::default() }
    }

    pub async fn planned(&self, options: Option<TemplateOptions>) -> TemplatePlan {
        let request = ApplyTemplateRequest { validate_only: true, ..self.applying(options) };
        let answer = self.templates().apply_template(by(&self.stage.owner.token, request)).await.unwrap();
        answer.into_inner().plan.unwrap()
    }

    /// Applies the template, and says how each thing ended.
    pub async fn applied(&self, options: Option<TemplateOptions>) -> (Job, Vec<String>) {
        let job = self.apply(options).await.unwrap();
        let job = self.stage.finished(&job).await;
        let ends = self.stage.ends(&job).await;
        (job, ends)
    }

    pub async fn dump(&self, space: Uuid) -> Vec<String> {
        let rows = self.stage.app.client().await.query(DUMP, &[&space]).await.unwrap();
        rows.iter().map(|it| it.get("line")).collect()
    }

    /// How many things in a WorkCenter name something of another one.
    pub async fn astray(&self, space: Uuid) -> i64 {
        self.stage.app.client().await.query_one(ASTRAY, &[&space]).await.unwrap().get(0)
    }

    pub async fn change(&self, statement: &str) {
        self.stage.app.client().await.batch_execute(statement).await.unwrap();
    }
}

pub fn well(job: &Job) -> bool {
    job.state() == JobState::Succeeded
}
