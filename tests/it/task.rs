//! Tasks: who is to do them, how far they are, and after what they come.

mod document;
mod list;
mod prior;
mod status;
mod told;

use tonic::{Code, Status};
use workcenter::pb::{
    AddCollaboratorRequest, ApproveTaskRequest, CreateTaskRequest, DeclineTaskRequest, DeleteTaskRequest,
    FinishTaskRequest, GetTaskRequest, ListTasksRequest, ReopenTaskRequest, RestoreTaskRequest, StartTaskRequest, Task,
    TaskAttachment, TaskPerson, TaskRule, TaskStatus, UpdateTaskRequest, WorkCenterRole, task_attachment::Attachment,
    task_person::Person as Named,
};

use crate::{
    content::{Site, refusal, refused},
    harness::{Person, by, fields},
    story::mask,
};

impl Site {
    /// `who` makes a task.
    pub async fn task_by(&self, who: &Person, task: Task, request_id: &str) -> Result<Task, Status> {
        let (workcenter_id, request_id) = (self.pier.to_string(), request_id.to_owned());
        let message = CreateTaskRequest { workcenter_id, task: Some(task), request_id };
        Ok(self.app.contents().create_task(by(&who.token, message)).await?.into_inner().task.unwrap())
    }

    /// The contributor makes a task.
    pub async fn task(&self, task: Task) -> Task {
        self.task_by(&self.contributor, task, "").await.unwrap()
    }

    pub async fn read_task(&self, task_id: &str) -> Result<Task, Status> {
        let message = GetTaskRequest { task_id: task_id.to_owned() };
        Ok(self.app.contents().get_task(by(&self.owner.token, message)).await?.into_inner().task.unwrap())
    }

    pub async fn change_task(&self, task: Task, paths: &[&str], etag: &str) -> Result<Task, Status> {
        let (update_mask, etag) = (Some(mask(paths)), etag.to_owned());
        let message = UpdateTaskRequest { task: Some(task), update_mask, etag };
        Ok(self.app.contents().update_task(by(&self.contributor.token, message)).await?.into_inner().task.unwrap())
    }

    /// `who` makes the call of this name.
    pub async fn act(&self, who: &Person, call: &str, task: &Task) -> Result<Task, Status> {
        let (mut contents, task_id, etag) = (self.app.contents(), task.task_id.clone(), String::new());
        let token = &who.token;
        let task = match call {
            "start" => contents.start_task(by(token, StartTaskRequest { task_id, etag })).await?.into_inner().task,
            "finish" => contents.finish_task(by(token, FinishTaskRequest { task_id, etag })).await?.into_inner().task,
            "approve" => {
                contents.approve_task(by(token, ApproveTaskRequest { task_id, etag })).await?.into_inner().task
            }
            "decline" => {
                let message = DeclineTaskRequest { task_id, etag, reason: "One coat is missing.".to_owned() };
                contents.decline_task(by(token, message)).await?.into_inner().task
            }
            "reopen" => contents.reopen_task(by(token, ReopenTaskRequest { task_id, etag })).await?.into_inner().task,
            "delete" => contents.delete_task(by(token, DeleteTaskRequest { task_id, etag })).await?.into_inner().task,
            _ => contents.restore_task(by(token, RestoreTaskRequest { task_id })).await?.into_inner().task,
        };
        Ok(task.unwrap())
    }

    /// The titles of the tasks that are wanted.
    pub async fn titles(&self, wanted: ListTasksRequest) -> Vec<String> {
        let message = ListTasksRequest { workcenter_id: self.pier.to_string(), page_size: 200, ..wanted };
        let listed = self.app.contents().list_tasks(by(&self.contributor.token, message)).await.unwrap();
        listed.into_inner().tasks.into_iter().map(|it| it.title).collect()
    }

    /// Somebody who collaborates as a reader.
    pub async fn reader(&self) -> Person {
        let reader = self.app.person(&self.account, "eve@example.com", "Eve", "Reader").await;
        let (workcenter_id, user_id) = (self.pier.to_string(), reader.id.to_string());
        let message = AddCollaboratorRequest { workcenter_id, user_id, role: WorkCenterRole::Reader.into() };
        self.app.workcenters().add_collaborator(by(&self.owner.token, message)).await.unwrap();
        reader
    }
}

pub fn called(title: &str) -> Task {
    Task { title: title.to_owned(), ..Default::default() }
}

pub fn user(who: &Person) -> TaskPerson {
    TaskPerson { person: Some(Named::UserId(who.id.to_string())), ..Default::default() }
}

pub fn role(role: WorkCenterRole) -> TaskPerson {
    TaskPerson { person: Some(Named::Role(role.into())), ..Default::default() }
}

fn attached(to: Attachment) -> TaskAttachment {
    TaskAttachment { attachment: Some(to) }
}

fn instant(text: &str) -> Option<prost_types::Timestamp> {
    let at: jiff::Timestamp = text.parse().unwrap();
    Some(prost_types::Timestamp { seconds: at.as_second(), nanos: 0 })
}

#[tokio::test]
async fn a_task_is_as_it_was_made_and_made_once() {
    let site = Site::open().await;
    let folder = site.folder("", "Plans").await.unwrap().folder_id;
    let plan = site.upload("", "Plan.pdf", b"plan").await.unwrap().document_id;
    let first = site.task(called("Primer")).await;
    let sent = Task {
        title: " Paint ".to_owned(),
        group: "Hall".to_owned(),
        description: "Two coats.\nWhite.".to_owned(),
        location: "Level 1".to_owned(),
        start_time: instant("2027-01-04T08:00:00Z"),
        due_time: instant("2027-01-08T16:00:00Z"),
        time_zone: "europe/berlin".to_owned(),
        assignees: vec![user(&site.contributor), role(WorkCenterRole::Owner)],
        assignee_rule: TaskRule::Any.into(),
        approvers: vec![user(&site.owner)],
        prior_task_ids: vec![first.task_id.clone()],
        reminder_minutes: vec![60, 1_440, 60],
        attachments: vec![
            attached(Attachment::FolderId(folder)),
            attached(Attachment::DocumentId(plan.clone())),
            attached(Attachment::TaskId(first.task_id.clone())),
        ],
        document_id: plan,
        ..Default::default()
    };
    let id = uuid::Uuid::now_v7().to_string();
    let made = site.task_by(&site.contributor, sent.clone(), &id).await.unwrap();
    assert_eq!(site.task_by(&site.contributor, sent.clone(), &id).await.unwrap(), made);
    assert_eq!(site.read_task(&made.task_id).await.unwrap(), made);
    assert_eq!(site.titles(ListTasksRequest::default()).await, ["Primer", "Paint"]);
    let want = Task {
        title: "Paint".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        approver_rule: TaskRule::All.into(),
        reminder_minutes: vec![60, 1_440],
        status: TaskStatus::PendingPriorTask.into(),
        task_id: made.task_id.clone(),
        workcenter_id: site.pier.to_string(),
        created_by_user_id: site.contributor.id.to_string(),
        create_time: made.create_time,
        update_time: made.create_time,
        etag: "\"1\"".to_owned(),
        ..sent
    };
    assert_eq!(made, want);
}

#[tokio::test]
async fn a_task_is_changed_field_by_field_in_the_state_that_was_read() {
    let site = Site::open().await;
    let made = site.task(Task { group: "Hall".to_owned(), ..called("Paint") }).await;
    let bare = Task { task_id: made.task_id.clone(), ..Default::default() };
    let renamed =
        site.change_task(Task { title: "Varnish".to_owned(), ..bare.clone() }, &[], &made.etag).await.unwrap();
    assert_eq!((renamed.title.as_str(), renamed.group.as_str()), ("Varnish", "Hall"));
    // A change of nothing is a read.
    assert_eq!(site.change_task(renamed.clone(), &["*"], &renamed.etag).await.unwrap(), renamed);
    assert_eq!(site.change_task(bare.clone(), &["group"], "").await.unwrap().group, "");
    let stale = site.change_task(called("Paint"), &["title"], &made.etag).await;
    assert_eq!(fields(&stale.unwrap_err()), ["task.task_id"]);
    let stale = site.change_task(Task { title: "Paint".to_owned(), ..bare.clone() }, &["title"], &made.etag).await;
    assert_eq!(refusal(stale), refused(Code::Aborted, "ETAG_MISMATCH"));

    let etag = site.read_task(&made.task_id).await.unwrap().etag;
    let change =
        async |title: &str| site.change_task(Task { title: title.to_owned(), ..bare.clone() }, &["title"], &etag).await;
    let (one, other) = tokio::join!(change("One"), change("Other"));
    let (done, stale) = if one.is_ok() { (one, other) } else { (other, one) };
    assert_eq!(refusal(stale), refused(Code::Aborted, "ETAG_MISMATCH"));
    assert_eq!(site.read_task(&made.task_id).await.unwrap(), done.unwrap());
}

#[tokio::test]
async fn all_that_is_wrong_with_a_task_is_said_at_once() {
    let site = Site::open().await;
    let stranger = site.app.person(&site.account, "sam@example.com", "Sam", "").await;
    let quay = site.app.workcenter(&site.owner, site.account.id, "Quay 2").await;
    let bad = Task {
        title: "p".repeat(256),
        group: "g".repeat(256),
        description: "d".repeat(10_001),
        location: "Hall\n1".to_owned(),
        time_zone: "Berlin/Europe".to_owned(),
        assignees: vec![TaskPerson::default(), role(WorkCenterRole::Unspecified)],
        assignee_rule: 7,
        prior_task_ids: vec![String::new(); 101],
        reminder_minutes: vec![-1],
        attachments: vec![TaskAttachment::default()],
        ..Default::default()
    };
    let status = site.task_by(&site.contributor, bad, "x").await.unwrap_err();
    let said = fields(&status);
    for field in [
        "title",
        "group",
        "description",
        "location",
        "time_zone",
        "assignees[0]",
        "assignees[1].role",
        "assignee_rule",
        "prior_task_ids",
        "prior_task_ids[0]",
    ] {
        assert!(said.contains(&format!("task.{field}")), "{field}: {said:?}");
    }
    assert_eq!(said.len(), 20);

    let elsewhere = Site { pier: quay, ..site };
    let other = elsewhere.task_by(&elsewhere.owner, called("Elsewhere"), "").await.unwrap().task_id;
    let pier = elsewhere.app.workcenter(&elsewhere.owner, elsewhere.account.id, "Pier 5").await;
    let site = Site { pier, ..elsewhere };
    let strange = Task {
        assignees: vec![user(&site.owner), user(&stranger)],
        approvers: vec![user(&stranger)],
        prior_task_ids: vec![other.clone()],
        attachments: vec![attached(Attachment::TaskId(other.clone())), attached(Attachment::FolderId(other))],
        start_time: instant("2027-01-04T08:00:01Z"),
        due_time: instant("2027-01-04T08:00:00Z"),
        ..called("Paint")
    };
    let status = site.task_by(&site.owner, strange, "").await.unwrap_err();
    let want = [
        "task.due_time",
        "task.assignees[1].user_id",
        "task.approvers[0].user_id",
        "task.prior_task_ids",
        "task.attachments[0]",
        "task.attachments[1]",
    ];
    assert_eq!(fields(&status), want);
}

#[tokio::test]
async fn a_task_that_was_deleted_comes_back_as_it_was_within_thirty_days() {
    let site = Site::open().await;
    let (bob, sent) = (&site.contributor, Task { assignees: vec![user(&site.contributor)], ..called("Paint") });
    let task = site.task(sent).await;
    let deleted = site.act(bob, "delete", &task).await.unwrap();
    assert!(deleted.purge_time.is_some());
    assert_eq!(refusal(site.read_task(&task.task_id).await), refused(Code::NotFound, "TASK_NOT_FOUND"));
    assert_eq!(refusal(site.act(bob, "delete", &task).await), refused(Code::NotFound, "TASK_NOT_FOUND"));
    let gone = ListTasksRequest { deleted: true, ..Default::default() };
    assert_eq!((site.titles(ListTasksRequest::default()).await.len(), site.titles(gone).await.len()), (0, 1));
    let back = site.act(bob, "restore", &task).await.unwrap();
    assert_eq!(Task { etag: task.etag.clone(), update_time: task.update_time, ..back }, task);

    site.act(bob, "delete", &task).await.unwrap();
    site.app.clock_at("2027-01-20T12:00:00Z").await;
    assert_eq!(refusal(site.act(bob, "restore", &task).await), refused(Code::NotFound, "TASK_NOT_FOUND"));
}

#[tokio::test]
async fn a_workcenter_has_ten_thousand_tasks_at_most_also_when_two_come_at_once() {
    let site = Site::open().await;
    let nearly =
        "insert into task (id, account_id, workcenter_id, title, status, assignee_rule, approver_rule, created_by,
            created_at, updated_at)
        select gen_random_uuid(), account_id, id, 'Paint', 'NEW', 'ALL', 'ALL', created_by, created_at, created_at
        from workcenter cross join generate_series(1, 9999) where id = $1";
    site.app.client().await.execute(nearly, &[&site.pier]).await.unwrap();
    let make = || site.task_by(&site.contributor, called("One more"), "");
    let (one, other) = tokio::join!(make(), make());
    let (made, full) = if one.is_ok() { (one, other) } else { (other, one) };
    assert!(made.is_ok());
    assert_eq!(refusal(full), refused(Code::FailedPrecondition, "LIMIT_REACHED"));
}
