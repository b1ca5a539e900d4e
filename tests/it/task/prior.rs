//! Tasks that come after others: they wait for these, and for nothing that is not there; and nothing comes before itself.

use tonic::{Code, Status};
use workcenter::pb::{DeleteDocumentRequest, ListActivityRequest, ListTasksRequest, Task, TaskStatus};

use super::{called, user};
use crate::{
    content::{Site, refusal, refused},
    harness::by,
};

impl Site {
    /// A task that comes after these.
    async fn after(&self, title: &str, priors: &[&Task]) -> Task {
        let prior_task_ids = priors.iter().map(|it| it.task_id.clone()).collect();
        self.task(Task { prior_task_ids, assignees: vec![user(&self.owner)], ..called(title) }).await
    }

    /// Has a task come after these alone.
    async fn put_after(&self, task: &Task, priors: &[&Task]) -> Result<Task, Status> {
        let prior_task_ids = priors.iter().map(|it| it.task_id.clone()).collect();
        let task = Task { task_id: task.task_id.clone(), prior_task_ids, ..Default::default() };
        self.change_task(task, &["prior_task_ids"], "").await
    }

    async fn status(&self, task: &Task) -> TaskStatus {
        self.read_task(&task.task_id).await.unwrap().status()
    }

    /// How often it was said that a task may begin.
    async fn told_that_it_may_begin(&self, task: &Task) -> usize {
        let message =
            ListActivityRequest { workcenter_id: self.pier.to_string(), page_size: 200, ..Default::default() };
        let listed = self.app.activity().list_activity(by(&self.owner.token, message)).await.unwrap().into_inner();
        let is_meant = |id: &str| id == task.task_id;
        let of = |it: &&workcenter::pb::Activity| is_meant(&it.subject.as_ref().unwrap().id);
        listed.events.iter().filter(|it| it.kind == "task.unblocked").filter(of).count()
    }
}

#[tokio::test]
async fn a_task_waits_until_all_before_it_are_completed_or_gone() {
    let site = Site::open().await;
    let bob = &site.contributor;
    let [one, two] = [site.task(called("One")).await, site.task(called("Two")).await];
    let last = site.after("Last", &[&one, &two]).await;
    assert_eq!(last.status(), TaskStatus::PendingPriorTask);
    site.act(bob, "finish", &one).await.unwrap();
    assert_eq!((site.status(&last).await, site.told_that_it_may_begin(&last).await), (TaskStatus::PendingPriorTask, 0));
    site.act(bob, "finish", &two).await.unwrap();
    assert_eq!((site.status(&last).await, site.told_that_it_may_begin(&last).await), (TaskStatus::New, 1));

    // It waits again when one is begun again, and not any more when that one is deleted.
    site.act(bob, "reopen", &one).await.unwrap();
    assert_eq!(site.status(&last).await, TaskStatus::PendingPriorTask);
    site.act(bob, "delete", &one).await.unwrap();
    assert_eq!(site.status(&last).await, TaskStatus::New);
    site.act(bob, "restore", &one).await.unwrap();
    assert_eq!(site.status(&last).await, TaskStatus::PendingPriorTask);
    assert_eq!(site.put_after(&last, &[&two]).await.unwrap().status(), TaskStatus::New);
    // Who has begun goes on.
    site.act(&site.owner, "start", &last).await.unwrap();
    assert_eq!(site.put_after(&last, &[&one]).await.unwrap().status(), TaskStatus::InProgress);
}

#[tokio::test]
async fn a_task_does_not_wait_for_one_whose_document_is_deleted() {
    let site = Site::open().await;
    let folder = site.folder("", "Plans").await.unwrap().folder_id;
    let plan = site.upload(&folder, "Plan.pdf", b"plan").await.unwrap().document_id;
    let check = site.task(Task { document_id: plan.clone(), ..called("Check") }).await;
    let build = site.after("Build", &[&check]).await;
    assert_eq!(build.status(), TaskStatus::PendingPriorTask);
    site.delete_folder(&folder, true).await.unwrap();
    assert_eq!(site.status(&build).await, TaskStatus::New);
    site.restore_folder(&folder).await.unwrap();
    let message = DeleteDocumentRequest { document_id: plan, etag: String::new() };
    assert_eq!(site.status(&build).await, TaskStatus::PendingPriorTask);
    site.app.contents().delete_document(by(&site.contributor.token, message)).await.unwrap();
    assert_eq!(site.status(&build).await, TaskStatus::New);
}

#[tokio::test]
async fn nothing_comes_before_itself_however_long_the_way_around() {
    let site = Site::open().await;
    let first = site.task(called("0")).await;
    let mut last = first.clone();
    for number in 1..20 {
        last = site.after(&number.to_string(), &[&last]).await;
    }
    let cycle = || refused(Code::FailedPrecondition, "CYCLE");
    assert_eq!(refusal(site.put_after(&first, &[&last]).await), cycle());
    assert_eq!(refusal(site.put_after(&first, &[&first]).await), cycle());
    // Two ways to the same one are no circle.
    assert!(site.put_after(&last, &[&first]).await.is_ok());
    assert_eq!(site.titles(ListTasksRequest::default()).await.len(), 20);
}

#[tokio::test]
async fn of_two_changes_that_together_would_make_a_circle_one_is_refused() {
    let site = Site::open().await;
    for round in 0..8 {
        let [one, other] = [site.task(called("One")).await, site.task(called("Other")).await];
        let between = site.after("Between", &[&one]).await;
        let (before, after) = ([&other], [&between]);
        let (first, second) = tokio::join!(site.put_after(&one, &before), site.put_after(&other, &after));
        let (done, not) = if first.is_ok() { (first, second) } else { (second, first) };
        assert!(done.is_ok(), "{round}: {done:?}");
        assert_eq!(refusal(not), refused(Code::FailedPrecondition, "CYCLE"), "{round}");
    }
}

#[tokio::test]
async fn of_two_that_are_completed_at_once_one_says_that_the_third_may_begin() {
    let site = Site::open().await;
    let bob = &site.contributor;
    for round in 0..8 {
        let [one, two] = [site.task(called("One")).await, site.task(called("Two")).await];
        let last = site.after("Last", &[&one, &two]).await;
        let (first, second) = tokio::join!(site.act(bob, "finish", &one), site.act(bob, "finish", &two));
        assert!(first.is_ok() && second.is_ok(), "{round}: {first:?} {second:?}");
        assert_eq!(
            (site.status(&last).await, site.told_that_it_may_begin(&last).await),
            (TaskStatus::New, 1),
            "{round}"
        );
    }
}
