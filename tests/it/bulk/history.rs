//! For how long jobs are kept.

use workcenter::{daemon::Sweep, pb::BulkCopyRequest};

use super::{Stage, document, to};

#[tokio::test]
async fn what_was_over_more_than_a_year_ago_goes_with_all_its_items_and_nothing_else_does() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let things = stage.grow(from, &["a=1", "b=2"]).await;
    let items: Vec<_> = things.values().map(|it| document(*it)).collect();
    let request = |items| BulkCopyRequest { items, target: to(into, None), ..Default::default() };
    let old = stage.copied(request(items.clone())).await;
    let recent = stage.copied(request(items.clone())).await;
    let open = stage.copy(request(items)).await.unwrap();
    let client = stage.app.client().await;
    for (job, days) in [(&old, 401), (&recent, 399), (&open, 401)] {
        let age = format!(
            "update job set created_at = now() - interval '{days} days',
                finished_at = case when finished_at is null then null else now() - interval '{days} days' end
            where id = '{}'",
            job.job_id
        );
        client.batch_execute(&age).await.unwrap();
    }
    stage.daemon.step(Sweep::Housekeeping, stage.app.now().await).await.unwrap();
    let left = client
        .query("select id::text, (select count(*) from job_item where job_id = job.id) from job order by id", &[]);
    let left: Vec<(String, i64)> = left.await.unwrap().iter().map(|it| (it.get(0), it.get(1))).collect();
    assert_eq!(left, [(recent.job_id, 2), (open.job_id, 2)]);
}
