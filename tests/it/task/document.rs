//! Tasks of documents, and what is said of both: there while the document is, and gone with it.

use tonic::Code;
use workcenter::{
    content,
    pb::{DeleteWorkCenterRequest, ListTasksRequest, Task},
};

use super::called;
use crate::{
    content::{Site, refusal, refused},
    harness::by,
};

impl Site {
    /// How many tasks, posts and comments there are.
    async fn said(&self) -> (i64, i64, i64) {
        let count = "select (select count(*) from task), (select count(*) from post), (select count(*) from comment)";
        let row = self.app.client().await.query_one(count, &[]).await.unwrap();
        (row.get(0), row.get(1), row.get(2))
    }

    /// Purges all that is to be purged at `instant`; returns in how many turns.
    async fn purged(&self, instant: &str) -> usize {
        self.app.clock_at(instant).await;
        let (mut client, now, mut turns) = (self.app.client().await, self.app.now().await, 0);
        while content::purge(&mut client, now).await.unwrap() {
            turns += 1;
        }
        turns
    }
}

#[tokio::test]
async fn what_belongs_to_a_document_goes_and_comes_back_with_it_and_with_its_folders() {
    let site = Site::open().await;
    let bob = &site.contributor;
    let folder = site.folder("", "Plans").await.unwrap().folder_id;
    let plan = site.upload(&folder, "Plan.pdf", b"plan").await.unwrap().document_id;
    let task = site.task(Task { document_id: plan.clone(), ..called("Check") }).await;
    assert_eq!(task.document_id, plan);
    let of_task = site.comment(bob, site.of_task(&task), "Done?").await.unwrap();
    let of_plan = site.comment(bob, site.of_document(&plan), "Nice.").await.unwrap();
    let missing = |reason: &str| refused(Code::NotFound, reason);

    for round in 0..2 {
        if round == 0 {
            drop(site.delete(&plan).await.unwrap())
        } else {
            drop(site.delete_folder(&folder, true).await.unwrap())
        }
        assert_eq!(refusal(site.read_task(&task.task_id).await), missing("TASK_NOT_FOUND"));
        assert_eq!(refusal(site.act(bob, "finish", &task).await), missing("TASK_NOT_FOUND"));
        assert_eq!(site.titles(ListTasksRequest::default()).await.len(), 0);
        assert_eq!(refusal(site.comments(site.of_document(&plan)).await), missing("DOCUMENT_NOT_FOUND"));
        assert_eq!(refusal(site.comments(site.of_task(&task)).await), missing("TASK_NOT_FOUND"));
        for comment in [&of_task, &of_plan] {
            assert_eq!(refusal(site.uncomment(bob, comment).await), missing("COMMENT_NOT_FOUND"));
        }
        if round == 0 {
            drop(site.restore(&plan).await.unwrap())
        } else {
            drop(site.restore_folder(&folder).await.unwrap())
        }
        assert_eq!(site.read_task(&task.task_id).await.unwrap(), task);
        assert_eq!(site.comments(site.of_document(&plan)).await.unwrap(), std::slice::from_ref(&of_plan));
        assert_eq!(site.comments(site.of_task(&task)).await.unwrap(), std::slice::from_ref(&of_task));
    }

    let other = site.upload("", "Other.pdf", b"other").await.unwrap().document_id;
    site.delete(&other).await.unwrap();
    let made = site.task_by(bob, Task { document_id: other, ..called("Check") }, "").await;
    assert_eq!(refusal(made), missing("DOCUMENT_NOT_FOUND"));
}

#[tokio::test]
async fn what_belongs_to_a_document_is_purged_with_it_and_what_is_beside_it_stays() {
    let site = Site::open().await;
    let bob = &site.contributor;
    let folder = site.folder("", "Plans").await.unwrap().folder_id;
    let plan = site.upload(&folder, "Plan.pdf", b"plan").await.unwrap().document_id;
    let beside = site.upload("", "Beside.pdf", b"beside").await.unwrap().document_id;
    let loose = site.task(called("Loose")).await;
    for document in [&plan, &beside] {
        let prior_task_ids = vec![loose.task_id.clone()];
        let task = site.task(Task { document_id: document.clone(), prior_task_ids, ..called("Check") }).await;
        site.comment(bob, site.of_task(&task), "Done?").await.unwrap();
        site.comment(bob, site.of_document(document), "Nice.").await.unwrap();
    }
    site.delete_folder(&folder, true).await.unwrap();
    assert_eq!(site.purged("2026-12-20T11:59:59Z").await, 0);
    assert_eq!(site.said().await, (3, 0, 4));
    assert!(site.purged("2026-12-20T12:00:00Z").await > 0);
    assert_eq!((site.said().await, site.titles(ListTasksRequest::default()).await.len()), ((2, 0, 2), 2));
}

#[tokio::test]
async fn a_deleted_task_is_purged_after_thirty_days_with_what_is_said_of_it() {
    let site = Site::open().await;
    let bob = &site.contributor;
    let [gone, stays] = [site.task(called("Gone")).await, site.task(called("Stays")).await];
    let after = site.task(Task { prior_task_ids: vec![gone.task_id.clone()], ..called("After") }).await;
    for task in [&gone, &stays] {
        site.comment(bob, site.of_task(task), "Done?").await.unwrap();
    }
    site.act(bob, "delete", &gone).await.unwrap();
    assert!(site.purged("2026-12-20T12:00:00Z").await > 0);
    assert_eq!(
        (site.said().await, site.titles(ListTasksRequest::default()).await),
        ((2, 0, 1), vec!["Stays".into(), "After".into()])
    );
    assert_eq!(site.read_task(&after.task_id).await.unwrap().prior_task_ids, Vec::<String>::new());
}

#[tokio::test]
async fn what_people_said_in_a_workcenter_is_purged_with_it_and_that_of_others_is_not() {
    let site = Site::open().await;
    let bob = &site.contributor;
    let plan = site.upload("", "Plan.pdf", b"plan").await.unwrap().document_id;
    let task = site.task(Task { document_id: plan.clone(), ..called("Check") }).await;
    let post = site.post(bob, "Hello").await.unwrap();
    for subject in [site.of_document(&plan), site.of_task(&task), site.of_post(&post)] {
        site.comment(bob, subject, "Nice.").await.unwrap();
    }
    let quay = site.app.workcenter(&site.owner, site.account.id, "Quay 2").await;
    let delete = DeleteWorkCenterRequest { workcenter_id: site.pier.to_string() };
    site.app.workcenters().delete_work_center(by(&site.account.admin.token, delete)).await.unwrap();
    let site = Site { pier: quay, ..site };
    site.task_by(&site.owner, called("Stays"), "").await.unwrap();
    let post = site.post(&site.owner, "Stays").await.unwrap();
    site.comment(&site.owner, site.of_post(&post), "Yes.").await.unwrap();

    assert!(site.purged("2027-01-20T12:00:00Z").await > 0);
    assert_eq!(site.said().await, (1, 1, 1));
    let (mut client, now) = (site.app.client().await, site.app.now().await);
    while workcenter::workcenter::purge(&mut client, now).await.unwrap() {}
    let left = client.query("select name from workcenter", &[]).await.unwrap();
    assert_eq!(left.iter().map(|it| it.get::<_, String>(0)).collect::<Vec<_>>(), ["Quay 2"]);
}
