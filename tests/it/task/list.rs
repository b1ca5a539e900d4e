//! Lists of tasks: page by page, and only those that are wanted.

use tonic::Code;
use workcenter::pb::{ListTasksRequest, Task, TaskPerson, TaskStatus, WorkCenterRole};

use super::{called, role, user};
use crate::{
    content::{Site, refusal, refused},
    harness::{App, by, fields},
};

#[tokio::test]
async fn tasks_come_as_they_were_made_page_by_page_though_others_come_and_go() {
    let site = Site::open().await;
    let mut made = Vec::new();
    for title in ["a", "b", "c", "d", "e"] {
        made.push(site.task(called(title)).await);
    }
    let page = async |page_token: &str, page_size, group: &str| {
        let (workcenter_id, page_token, group) = (site.pier.to_string(), page_token.to_owned(), group.to_owned());
        let message = ListTasksRequest { workcenter_id, page_token, page_size, group, ..Default::default() };
        let listed = site.app.contents().list_tasks(by(&site.owner.token, message)).await?.into_inner();
        Ok((listed.tasks.into_iter().map(|it| it.title).collect::<Vec<_>>(), listed.next_page_token))
    };
    let (first, token) = page("", 2, "").await.unwrap();
    assert_eq!(first, ["a", "b"]);
    site.act(&site.owner, "delete", &made[0]).await.unwrap();
    site.act(&site.owner, "delete", &made[2]).await.unwrap();
    site.task(called("f")).await;
    let (second, token) = page(&token, 2, "").await.unwrap();
    let (third, end) = page(&token, 2, "").await.unwrap();
    assert_eq!((second, third, end.as_str()), (vec!["d".to_owned(), "e".to_owned()], vec!["f".to_owned()], ""));

    let other = refusal(page(&token, 2, "Hall").await);
    assert_eq!(other, refused(Code::InvalidArgument, "PAGE_TOKEN_INVALID"));
    assert_eq!(fields(&page("", -1, "").await.unwrap_err()), ["page_size"]);
}

#[tokio::test]
async fn tasks_are_listed_by_group_status_document_and_by_whom_they_are_for() {
    let site = Site::open().await;
    let (ada, bob) = (&site.owner, &site.contributor);
    let plan = site.upload("", "Plan.pdf", b"plan").await.unwrap().document_id;
    let hall = site.task(Task { group: "Hall".to_owned(), assignees: vec![user(bob)], ..called("Paint") }).await;
    let prior_task_ids = vec![hall.task_id.clone()];
    site.task(Task { assignees: vec![role(WorkCenterRole::Contributor)], prior_task_ids, ..called("Varnish") }).await;
    site.task(Task { document_id: plan.clone(), approvers: vec![user(bob)], ..called("Check") }).await;
    site.act(bob, "start", &hall).await.unwrap();

    let of = |status: TaskStatus| ListTasksRequest { statuses: vec![status.into()], ..Default::default() };
    let for_user = |user: &str| ListTasksRequest { assignee_user_id: user.to_owned(), ..Default::default() };
    for (wanted, titles) in [
        (ListTasksRequest { group: "Hall".to_owned(), ..Default::default() }, vec!["Paint"]),
        (ListTasksRequest { group: "Cellar".to_owned(), ..Default::default() }, vec![]),
        (ListTasksRequest { document_id: plan, ..Default::default() }, vec!["Check"]),
        (of(TaskStatus::InProgress), vec!["Paint"]),
        (of(TaskStatus::PendingPriorTask), vec!["Varnish"]),
        (of(TaskStatus::New), vec!["Check"]),
        (of(TaskStatus::Completed), vec![]),
        (for_user("me"), vec!["Paint", "Varnish"]),
        (for_user(&ada.id.to_string()), vec![]),
    ] {
        assert_eq!(site.titles(wanted.clone()).await, titles, "{wanted:?}");
    }
    let bad = ListTasksRequest { workcenter_id: site.pier.to_string(), statuses: vec![9], ..Default::default() };
    let status = site.app.contents().list_tasks(by(&ada.token, bad)).await.unwrap_err();
    assert_eq!(fields(&status), ["statuses[0]"]);
}

#[tokio::test]
async fn fifty_tasks_of_fifty_people_take_as_many_statements_as_two_of_nobody() {
    let (app, tap) = App::tapped().await;
    let site = Site::of(app).await;
    let mut people: Vec<TaskPerson> = vec![user(&site.owner), user(&site.contributor)];
    for number in 0..48 {
        let person = site.app.person(&site.account, &format!("p{number}@example.com"), "Pat", "").await;
        site.app.collaborator(&site.owner, site.pier, &person).await;
        people.push(user(&person));
    }
    let (mut made, mut trips) = (0, Vec::new());
    let mut priors: Vec<String> = Vec::new();
    // The first ones are what a connection takes to get to know the statement.
    for (size, named) in [(2, 0), (2, 0), (50, 50)] {
        while made < size {
            let assignees = people[..named].to_vec();
            let (approvers, prior_task_ids) = (assignees.clone(), priors.clone());
            priors.push(site.task(Task { assignees, approvers, prior_task_ids, ..called("Paint") }).await.task_id);
            made += 1;
        }
        site.app.using(&site.contributor).await;
        let before = tap.round_trips();
        assert_eq!(site.titles(ListTasksRequest::default()).await.len(), size);
        trips.push(tap.round_trips() - before);
    }
    assert_eq!(trips[2], trips[1]);
}
