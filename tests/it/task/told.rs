//! That those hear of tasks whom they concern, in the log and by mail.

use workcenter::pb::{
    Activity, CommentSubject, CreateCommentRequest, ListActivityRequest, Task, comment_subject::Subject,
};

use super::{called, instant, user};
use crate::{content::Site, harness::by, story::Story};

impl Site {
    /// What happened in the WorkCenter but for who came, oldest first.
    pub async fn events(&self) -> Vec<Activity> {
        let message =
            ListActivityRequest { workcenter_id: self.pier.to_string(), page_size: 200, ..Default::default() };
        let listed = self.app.activity().list_activity(by(&self.owner.token, message)).await.unwrap().into_inner();
        let mut events: Vec<_> = listed.events.into_iter().filter(|it| !it.kind.starts_with("collaborator")).collect();
        events.sort_by_key(|it| it.seq);
        events
    }
}

#[tokio::test]
async fn each_step_of_a_task_is_told_to_all_and_to_whom_it_concerns_at_once() {
    let Story { app, account, bob, ada, pier, key, sink, daemon } = Story::begin().await;
    // Bob owns it, and Ada contributes to it.
    let site = Site { app, account, owner: bob, contributor: ada, pier };
    let (bob, ada) = (&site.owner, &site.contributor);
    let first = site.task_by(bob, called("Primer"), "").await.unwrap();
    let sent = Task {
        assignees: vec![user(ada)],
        approvers: vec![user(bob)],
        prior_task_ids: vec![first.task_id.clone()],
        ..called("Paint")
    };
    let task = site.task_by(bob, sent, "").await.unwrap();
    site.act(bob, "finish", &first).await.unwrap();
    let due = Task { due_time: instant("2027-01-08T16:00:00Z"), ..task.clone() };
    let due = Task { time_zone: "Europe/Berlin".to_owned(), ..due };
    site.change_task(due, &["due_time", "time_zone"], "").await.unwrap();
    site.act(ada, "start", &task).await.unwrap();
    site.act(ada, "finish", &task).await.unwrap();
    site.act(bob, "decline", &task).await.unwrap();
    site.act(ada, "finish", &task).await.unwrap();
    site.act(bob, "approve", &task).await.unwrap();
    site.act(bob, "reopen", &task).await.unwrap();
    let subject = Some(CommentSubject { subject: Some(Subject::TaskId(task.task_id.clone())) });
    let mentioned_user_ids = vec![ada.id.to_string()];
    let message =
        CreateCommentRequest { subject, text: "In white?".to_owned(), mentioned_user_ids, ..Default::default() };
    site.app.contents().create_comment(by(&bob.token, message)).await.unwrap();
    site.act(bob, "delete", &task).await.unwrap();
    site.act(bob, "restore", &task).await.unwrap();
    // What is refused, and what is said twice, is told to nobody.
    assert!(site.act(bob, "approve", &task).await.is_err());

    let events = site.events().await;
    let kinds: Vec<_> = events.iter().map(|it| it.kind.as_str()).collect();
    let all = [
        "task.created",
        "task.created",
        "task.assigned",
        "task.completed",
        "task.unblocked",
        "task.dates_changed",
        "task.status_changed",
        "task.finished",
        "task.approval_requested",
        "task.approval_declined",
        "task.finished",
        "task.approval_requested",
        "task.approved",
        "task.completed",
        "task.reopened",
        "task.commented",
        "task.deleted",
        "task.restored",
    ];
    assert_eq!(kinds, all);
    assert_eq!(events[5].summary, "It is due on 8 January 2027, 17:00 (Europe/Berlin).");
    assert_eq!(events[9].summary, "One coat is missing.");

    let Site { app, account, owner: bob, contributor: ada, pier } = site;
    let story = Story { app, account, bob, ada, pier, key, sink, daemon };
    story.at("2026-11-20T14:00:00Z").await;
    let mails = story.mails();
    let text = |to: &str| mails.iter().find(|it| it.to.contains(to)).map(|it| it.text()).unwrap();
    let to_ada = text(&story.ada.email);
    for line in [
        "Bob Stephenson assigned Paint to you",
        "Paint can start",
        "Bob Stephenson mentioned you in a comment on Paint",
        "One coat is missing.",
    ] {
        assert!(to_ada.contains(line), "{line}: {to_ada}");
    }
    assert!(
        text(&story.bob.email).contains("Ada Lovelace asks for your approval of Paint"),
        "{}",
        text(&story.bob.email)
    );
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn who_is_assigned_to_a_task_later_is_told_and_who_was_before_is_not_told_again() {
    let site = Site::open().await;
    let (ada, bob) = (&site.owner, &site.contributor);
    let task = site.task_by(ada, Task { assignees: vec![user(bob)], ..called("Paint") }, "").await.unwrap();
    let both = Task { task_id: task.task_id.clone(), assignees: vec![user(bob), user(ada)], ..Default::default() };
    site.change_task(both, &["assignees"], "").await.unwrap();
    let addressed = "select user_id, seq from addressee where reason = 'ASSIGNMENT' order by seq";
    let rows = site.app.client().await.query(addressed, &[]).await.unwrap();
    let told: Vec<uuid::Uuid> = rows.iter().map(|it| it.get(0)).collect();
    assert_eq!(told, [bob.id, ada.id]);
}
