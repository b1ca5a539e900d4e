//! What is said of documents, and their tasks: what goes along with them, what is copied, and what stays.

use std::collections::BTreeMap;

use uuid::Uuid;
use workcenter::pb::{
    BulkCopyRequest, BulkMoveRequest, Comment, CommentSubject, CreateCommentRequest, CreateTaskRequest, JobState,
    ListCommentsRequest, OnConflict, Task, TaskAttachment, UpdateTaskRequest, comment_subject::Subject,
    task_attachment::Attachment,
};

use super::{Stage, document, folder, to};
use crate::{harness::by, story::mask, task::called};

impl Stage {
    async fn task(&self, space: Uuid, task: Task) -> Task {
        let message = CreateTaskRequest { workcenter_id: space.to_string(), task: Some(task), ..Default::default() };
        self.contents().create_task(by(&self.owner.token, message)).await.unwrap().into_inner().task.unwrap()
    }

    async fn task_as_it_is(&self, task: &Task) -> Task {
        let message = workcenter::pb::GetTaskRequest { task_id: task.task_id.clone() };
        self.contents().get_task(by(&self.owner.token, message)).await.unwrap().into_inner().task.unwrap()
    }

    async fn say(&self, of: Subject, text: &str) -> Comment {
        let subject = Some(CommentSubject { subject: Some(of) });
        let message = CreateCommentRequest { subject, text: text.to_owned(), ..Default::default() };
        self.contents().create_comment(by(&self.owner.token, message)).await.unwrap().into_inner().comment.unwrap()
    }

    async fn said(&self, document: Uuid) -> Vec<Comment> {
        let subject = Some(CommentSubject { subject: Some(Subject::DocumentId(document.to_string())) });
        let message = ListCommentsRequest { subject, ..Default::default() };
        self.contents().list_comments(by(&self.owner.token, message)).await.unwrap().into_inner().comments
    }

    /// What has the names in a WorkCenter, at its top.
    async fn there(&self, space: Uuid) -> BTreeMap<String, Uuid> {
        let names = "select name, id from entry where workcenter_id = $1 and deleted_at is null";
        let rows = self.app.client().await.query(names, &[&space]).await.unwrap();
        rows.iter().map(|it| (it.get(0), it.get(1))).collect()
    }
}

fn of(id: Uuid) -> Subject {
    Subject::DocumentId(id.to_string())
}

fn attached(to: Attachment) -> TaskAttachment {
    TaskAttachment { attachment: Some(to) }
}

#[tokio::test]
async fn into_another_workcenter_a_document_takes_what_is_said_and_its_tasks_along() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let grown =
        stage.grow(from, &["plans/", "plans/door.pdf=a", "plans/in/", "plans/in/lock.pdf=c", "note.txt=b"]).await;
    let (door, note) = (grown["plans/door.pdf"], grown["note.txt"]);
    let said = stage.say(of(door), "Wider.").await;
    let loose = stage.task(from, called("Loose")).await;
    // This one goes in another batch.
    let measure = Task { document_id: grown["plans/in/lock.pdf"].to_string(), ..called("Measure") };
    let measure = stage.task(from, measure).await;
    let check = Task {
        document_id: door.to_string(),
        prior_task_ids: vec![measure.task_id.clone(), loose.task_id.clone()],
        attachments: vec![
            attached(Attachment::DocumentId(note.to_string())),
            attached(Attachment::DocumentId(door.to_string())),
            attached(Attachment::FolderId(grown["plans"].to_string())),
            attached(Attachment::TaskId(loose.task_id.clone())),
        ],
        ..called("Check")
    };
    let check = stage.task(from, check).await;
    let asked = stage.say(Subject::TaskId(check.task_id.clone()), "When?").await;
    // What stays behind came after one of them, and had one attached.
    let after = Task {
        task_id: loose.task_id.clone(),
        attachments: vec![
            attached(Attachment::DocumentId(door.to_string())),
            attached(Attachment::DocumentId(note.to_string())),
        ],
        prior_task_ids: vec![measure.task_id.clone()],
        ..Default::default()
    };
    let update_mask = Some(mask(&["attachments", "prior_task_ids"]));
    let message = UpdateTaskRequest { task: Some(after), update_mask: update_mask.clone(), etag: String::new() };
    assert!(stage.contents().update_task(by(&stage.owner.token, message.clone())).await.is_ok());

    let job = stage
        .moved(BulkMoveRequest { items: vec![folder(grown["plans"])], target: to(into, None), ..Default::default() })
        .await;
    assert_eq!((job.state(), job.done_items), (JobState::Succeeded, 4));
    assert_eq!(stage.said(door).await, [said]);
    let is = stage.task_as_it_is(&check).await;
    let near = vec![
        attached(Attachment::DocumentId(door.to_string())),
        attached(Attachment::FolderId(grown["plans"].to_string())),
    ];
    let want = Task {
        workcenter_id: into.to_string(),
        prior_task_ids: vec![measure.task_id.clone()],
        attachments: near,
        ..check.clone()
    };
    assert_eq!(is, want);
    assert_eq!(asked.subject, Some(CommentSubject { subject: Some(Subject::TaskId(check.task_id.clone())) }));
    let left = stage.task_as_it_is(&loose).await;
    assert_eq!((left.workcenter_id, left.prior_task_ids), (from.to_string(), Vec::new()));
    assert_eq!(left.attachments, [attached(Attachment::DocumentId(note.to_string()))]);
}

#[tokio::test]
async fn inside_its_workcenter_nothing_is_parted() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let grown = stage.grow(space, &["old/", "door.pdf=a"]).await;
    let door = grown["door.pdf"];
    let loose = stage.task(space, called("Loose")).await;
    let check = Task {
        document_id: door.to_string(),
        prior_task_ids: vec![loose.task_id.clone()],
        attachments: vec![
            attached(Attachment::TaskId(loose.task_id.clone())),
            attached(Attachment::DocumentId(door.to_string())),
        ],
        ..called("Check")
    };
    let check = stage.task(space, check).await;
    let (items, target) = (vec![document(door)], to(space, Some(grown["old"])));
    assert_eq!(stage.moved(BulkMoveRequest { items, target, ..Default::default() }).await.state(), JobState::Succeeded);
    assert_eq!(stage.task_as_it_is(&check).await, check);
}

#[tokio::test]
async fn what_becomes_a_version_of_another_document_gives_that_what_is_said_and_its_tasks() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let [one, other] =
        [stage.grow(from, &["door.pdf=a"]).await["door.pdf"], stage.grow(into, &["door.pdf=b"]).await["door.pdf"]];
    let old = stage.say(of(other), "Wider.").await;
    let new = stage.say(of(one), "Higher.").await;
    let check = stage.task(from, Task { document_id: one.to_string(), ..called("Check") }).await;
    let request = BulkMoveRequest {
        items: vec![document(one)],
        target: to(into, None),
        on_conflict: OnConflict::NewVersion.into(),
        ..Default::default()
    };
    assert_eq!(stage.moved(request).await.state(), JobState::Succeeded);
    let texts: Vec<_> = stage.said(other).await.into_iter().map(|it| it.text).collect();
    assert_eq!(texts, [old.text, new.text]);
    let is = stage.task_as_it_is(&check).await;
    assert_eq!((is.document_id, is.workcenter_id), (other.to_string(), into.to_string()));
}

#[tokio::test]
async fn a_copy_has_what_is_said_when_that_is_asked_for_and_no_tasks() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let grown = stage.grow(from, &["plans/", "plans/door.pdf=a", "note.txt=b"]).await;
    let door = grown["plans/door.pdf"];
    let said = stage.say(of(door), "Wider.").await;
    stage.say(of(grown["note.txt"]), "Noted.").await;
    stage.task(from, Task { document_id: door.to_string(), ..called("Check") }).await;
    stage.app.clock_at("2027-01-04T08:00:00Z").await;

    let items = vec![folder(grown["plans"]), document(grown["note.txt"])];
    let request = BulkCopyRequest { items, target: to(into, None), ..Default::default() };
    assert_eq!(stage.copied(request.clone()).await.state(), JobState::Succeeded);
    assert_eq!(stage.said(stage.there(into).await["door.pdf"]).await, []);

    let third = stage.space("Third").await;
    let request = BulkCopyRequest { target: to(third, None), include_comments: true, ..request };
    assert_eq!(stage.copied(request.clone()).await.state(), JobState::Succeeded);
    let copied = stage.said(stage.there(third).await["door.pdf"]).await;
    let [copy] = copied.as_slice() else { panic!("{copied:?}") };
    assert_ne!(copy.comment_id, said.comment_id);
    let as_written = |it: &Comment| (it.text.clone(), it.author_user_id.clone(), it.create_time, it.edit_time);
    assert_eq!(as_written(copy), as_written(&said));
    assert_eq!(stage.said(door).await, [said]);
    let tasks = "select count(*) from task";
    assert_eq!(stage.app.client().await.query_one(tasks, &[]).await.unwrap().get::<_, i64>(0), 1);

    // What becomes a version of a document is said of that.
    let items = vec![document(grown["note.txt"])];
    let request = BulkCopyRequest { items, on_conflict: OnConflict::NewVersion.into(), ..request };
    assert_eq!(stage.copied(request).await.state(), JobState::Succeeded);
    let texts: Vec<_> = stage.said(stage.there(third).await["note.txt"]).await.into_iter().map(|it| it.text).collect();
    assert_eq!(texts, ["Noted.", "Noted."]);
}
