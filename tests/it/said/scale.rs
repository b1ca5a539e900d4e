//! That no call about tasks, posts and comments reads a whole table, however much others have said.

use workcenter::{
    content,
    db::Db,
    pb::{ListPostsRequest, ListTasksRequest, Task},
};

use crate::{
    content::Site,
    harness::{App, by},
    task::{called, user},
};

/// What others have: in another WorkCenter, as much of everything as makes it worth to look it up.
const OTHERS: &str = "
    insert into entry (id, account_id, workcenter_id, kind, name, name_key, version, created_by, created_at, updated_at)
    select gen_random_uuid(), account_id, id, 'DOCUMENT', number::text, number::text, 1, created_by, created_at, created_at
    from workcenter cross join generate_series(1, 5000) as number where name = 'Others';
    insert into task (id, account_id, workcenter_id, document_id, title, status, assignee_rule, approver_rule, created_by,
        created_at, updated_at)
    select gen_random_uuid(), account_id, workcenter_id, id, name, 'NEW', 'ALL', 'ALL', created_by, created_at, created_at
    from entry where name <> 'Plan.pdf';
    insert into task_person (task_id, part, seq, user_id) select id, 'ASSIGNEE', 1, created_by from task;
    insert into task_dependency (task_id, prior_id)
    select id, (select min(id::text)::uuid from task) from task where id::text <> (select min(id::text) from task);
    insert into task_attachment (task_id, seq, entry_id) select id, 1, document_id from task;
    insert into post (id, account_id, workcenter_id, text, author_id, created_at)
    select gen_random_uuid(), account_id, workcenter_id, title, created_by, created_at from task;
    insert into comment (id, account_id, document_id, text, author_id, created_at)
    select gen_random_uuid(), account_id, document_id, title, created_by, created_at from task;
    insert into comment (id, account_id, task_id, text, author_id, created_at)
    select gen_random_uuid(), account_id, id, title, created_by, created_at from task;
    insert into comment (id, account_id, post_id, text, author_id, created_at)
    select gen_random_uuid(), account_id, id, text, author_id, created_at from post;
    analyze entry, task, task_person, task_dependency, task_attachment, post, comment";

const READ: &str = "
    select relname::text || ' ' || seq_scan from pg_stat_user_tables
    where relname in ('task', 'task_person', 'task_dependency', 'task_attachment', 'post', 'comment')
    order by relname";

/// How often each table was read as a whole, by the one connection that there is.
async fn whole(db: &Db) -> Vec<String> {
    let client = db.client().await.unwrap();
    client.execute("select pg_stat_force_next_flush()", &[]).await.unwrap();
    client.query(READ, &[]).await.unwrap().iter().map(|it| it.get(0)).collect()
}

#[tokio::test]
async fn no_call_reads_all_that_others_have_said() {
    let (app, _) = App::tapped().await;
    let site = Site::of(app).await;
    let (ada, bob) = (&site.owner, &site.contributor);
    site.app.workcenter(ada, site.account.id, "Others").await;
    let plan = site.upload("", "Plan.pdf", b"plan").await.unwrap().document_id;
    site.app.client().await.batch_execute(OTHERS).await.unwrap();
    let before = whole(site.app.pool()).await;

    let first = site.task(called("First")).await;
    let prior_task_ids = vec![first.task_id.clone()];
    let sent = Task { document_id: plan.clone(), prior_task_ids, assignees: vec![user(bob)], ..called("Check") };
    let check = site.task(sent).await;
    site.change_task(Task { prior_task_ids: Vec::new(), ..check.clone() }, &["prior_task_ids"], "").await.unwrap();
    site.change_task(check.clone(), &["prior_task_ids"], "").await.unwrap();
    site.act(bob, "finish", &first).await.unwrap();
    site.act(bob, "finish", &check).await.unwrap();
    let mine = ListTasksRequest { assignee_user_id: "me".to_owned(), document_id: plan.clone(), ..Default::default() };
    assert_eq!((site.titles(ListTasksRequest::default()).await.len(), site.titles(mine).await.len()), (2, 1));
    let post = site.post_to(bob, "Hello", &[ada]).await.unwrap();
    for subject in [site.of_document(&plan), site.of_task(&check), site.of_post(&post)] {
        let said = site.comment_to(ada, subject.clone(), "Hello you", &[bob]).await.unwrap();
        assert_eq!(site.comments(subject).await.unwrap(), std::slice::from_ref(&said));
        site.uncomment(ada, &said).await.unwrap();
    }
    let message = ListPostsRequest { workcenter_id: site.pier.to_string(), ..Default::default() };
    site.app.contents().list_posts(by(&bob.token, message)).await.unwrap();
    site.unpost(bob, &post).await.unwrap();
    site.act(bob, "delete", &first).await.unwrap();
    site.delete(&plan).await.unwrap();
    site.app.clock_at("2027-01-20T12:00:00Z").await;
    let now = site.app.now().await;
    while content::purge(&mut site.app.client().await, now).await.unwrap() {}
    assert_eq!(whole(site.app.pool()).await, before);
}
