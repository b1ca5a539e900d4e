//! How far a task is: every call in every status, and who may make it.

use tonic::Code;
use workcenter::pb::{Task, TaskRule, TaskStatus, WorkCenterRole};

use super::{called, role, user};
use crate::content::{Site, refusal, refused};

/// The calls that bring a task on.
const CALLS: [&str; 5] = ["start", "finish", "approve", "decline", "reopen"];

/// What brings a new task there; one that waits does so from the beginning.
const WAYS: [(TaskStatus, &[&str]); 5] = [
    (TaskStatus::New, &[]),
    (TaskStatus::PendingPriorTask, &[]),
    (TaskStatus::InProgress, &["start"]),
    (TaskStatus::Finished, &["finish"]),
    (TaskStatus::Completed, &["finish", "approve"]),
];

/// What the calls lead to from each status, in these orders: the letter of another status, or `-` where they are refused.
const LEADS: [&str; 5] = ["pf---", "-----", "-f---", "--cpn", "----n"];

fn letter(status: TaskStatus) -> char {
    match status {
        TaskStatus::New => 'n',
        TaskStatus::PendingPriorTask => 'w',
        TaskStatus::InProgress => 'p',
        TaskStatus::Finished => 'f',
        TaskStatus::Completed => 'c',
        TaskStatus::Unspecified => '?',
    }
}

#[tokio::test]
async fn every_call_in_every_status_leads_where_it_should_or_is_refused_and_changes_nothing() {
    let site = Site::open().await;
    let bob = &site.contributor;
    let prior = site.task(called("Primer")).await.task_id;
    for ((status, way), leads) in WAYS.into_iter().zip(LEADS) {
        let mut led = String::new();
        for call in CALLS {
            let mut sent = Task { assignees: vec![user(bob)], approvers: vec![user(bob)], ..called("Paint") };
            if status == TaskStatus::PendingPriorTask {
                sent.prior_task_ids = vec![prior.clone()];
            }
            let task = site.task(sent).await;
            for call in way {
                site.act(bob, call, &task).await.unwrap();
            }
            let before = site.read_task(&task.task_id).await.unwrap();
            assert_eq!(before.status(), status);
            match site.act(bob, call, &task).await {
                Ok(after) => {
                    assert_eq!(site.read_task(&task.task_id).await.unwrap(), after);
                    led.push(letter(after.status()));
                }
                refusal_of => {
                    assert_eq!(refusal(refusal_of), refused(Code::FailedPrecondition, "TASK_STATUS"));
                    assert_eq!(site.read_task(&task.task_id).await.unwrap(), before);
                    led.push('-');
                }
            }
        }
        assert_eq!(led, leads, "{status:?}");
    }
}

#[tokio::test]
async fn all_or_any_of_those_who_are_named_have_to_be_done() {
    let site = Site::open().await;
    let (ada, bob) = (&site.owner, &site.contributor);
    let both = || vec![user(ada), user(bob)];
    let all = site.task(Task { assignees: both(), ..called("All") }).await;
    let half = site.act(bob, "finish", &all).await.unwrap();
    assert_eq!(half.status(), TaskStatus::InProgress);
    let done: Vec<_> = half.assignees.iter().map(|it| it.done_by_user_id.clone()).collect();
    assert_eq!(done, [String::new(), bob.id.to_string()]);
    // Whoever says it twice says nothing new.
    assert_eq!(site.act(bob, "finish", &all).await.unwrap(), half);
    assert_eq!(site.act(ada, "finish", &all).await.unwrap().status(), TaskStatus::Completed);

    let any = Task { assignees: both(), assignee_rule: TaskRule::Any.into(), ..called("Any") };
    let any = site.task(any).await;
    assert_eq!(site.act(bob, "finish", &any).await.unwrap().status(), TaskStatus::Completed);

    // Of two who finish at once both are done, and it is completed once.
    for _ in 0..8 {
        let task = site.task(Task { assignees: both(), ..called("At once") }).await;
        let (one, other) = tokio::join!(site.act(ada, "finish", &task), site.act(bob, "finish", &task));
        let mut led = [one.unwrap().status(), other.unwrap().status()];
        led.sort_unstable();
        assert_eq!(led, [TaskStatus::InProgress, TaskStatus::Completed]);
    }
}

#[tokio::test]
async fn who_has_a_role_does_its_part_be_it_as_a_reader_and_nobody_does_that_of_others() {
    let site = Site::open().await;
    let (ada, bob, eve) = (&site.owner, &site.contributor, &site.reader().await);
    let denied = || refused(Code::PermissionDenied, "NOT_ALLOWED");
    let named = Task {
        assignees: vec![role(WorkCenterRole::Contributor)],
        approvers: vec![role(WorkCenterRole::Reader)],
        ..called("Paint")
    };
    let task = site.task(named).await;
    for who in [ada, eve] {
        assert_eq!(refusal(site.act(who, "start", &task).await), denied());
        assert_eq!(refusal(site.act(who, "finish", &task).await), denied());
    }
    assert_eq!(site.act(bob, "finish", &task).await.unwrap().status(), TaskStatus::Finished);
    for who in [ada, bob] {
        assert_eq!(refusal(site.act(who, "approve", &task).await), denied());
        assert_eq!(refusal(site.act(who, "decline", &task).await), denied());
    }
    let declined = site.act(eve, "decline", &task).await.unwrap();
    assert_eq!((declined.status(), declined.assignees[0].done_time), (TaskStatus::InProgress, None));
    site.act(bob, "finish", &task).await.unwrap();
    let done = site.act(eve, "approve", &task).await.unwrap();
    assert_eq!((done.status(), done.approvers[0].done_by_user_id.clone()), (TaskStatus::Completed, eve.id.to_string()));
    // A reader does nothing else.
    assert_eq!(refusal(site.act(eve, "reopen", &task).await), denied());
    assert_eq!(refusal(site.task_by(eve, called("Mine"), "").await), denied());

    // What is nobody's is any contributor's.
    let task = site.task(called("Sweep")).await;
    assert_eq!(refusal(site.act(eve, "finish", &task).await), denied());
    assert_eq!(site.act(ada, "finish", &task).await.unwrap().status(), TaskStatus::Completed);
}

#[tokio::test]
async fn those_who_are_done_may_be_enough_when_others_are_named_no_more() {
    let site = Site::open().await;
    let (ada, bob) = (&site.owner, &site.contributor);
    let both = Task { assignees: vec![user(ada), user(bob)], approvers: vec![user(ada)], ..called("Paint") };
    let task = site.task(both).await;
    site.act(bob, "finish", &task).await.unwrap();
    let alone = Task { task_id: task.task_id.clone(), assignees: vec![user(bob)], ..Default::default() };
    let finished = site.change_task(alone, &["assignees"], "").await.unwrap();
    assert_eq!((finished.status(), finished.assignees[0].done_time.is_some()), (TaskStatus::Finished, true));
    let nobody = Task { task_id: task.task_id, ..Default::default() };
    let completed = site.change_task(nobody, &["approvers"], "").await.unwrap();
    assert_eq!(completed.status(), TaskStatus::Completed);
}
