//! The items of jobs, listed and exported, and the lists of jobs that are filtered.

use workcenter::pb::{
    BulkCopyRequest, ExportJobItemsRequest, JobItemState, JobKind, JobScope, ListJobItemsRequest, ListJobsRequest,
};

use super::{Stage, document, folder, to};
use crate::harness::by;

#[tokio::test]
async fn items_are_listed_page_by_page_and_exported_as_a_table() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let grown = stage.grow(from, &["a/", "a/x, \"y\"=1", "a/=SUM(A1)=2", "b=3"]).await;
    stage.grow(into, &["b=9"]).await;
    let items = vec![folder(grown["a"]), document(grown["b"])];
    let job = stage.copied(BulkCopyRequest { items, target: to(into, None), ..Default::default() }).await;

    let page = |states: Vec<i32>, page_token: String| ListJobItemsRequest {
        job_id: job.job_id.clone(),
        states,
        page_size: 3,
        page_token,
    };
    let list = async |request| {
        let listed = stage.app.jobs().list_job_items(by(&stage.owner.token, request)).await.unwrap().into_inner();
        (listed.items.into_iter().map(|it| it.path).collect::<Vec<_>>(), listed.next_page_token)
    };
    let (first, token) = list(page(vec![], String::new())).await;
    assert_eq!(first, ["a", "b", "a/=SUM(A1)"]);
    assert_eq!(list(page(vec![], token)).await, (vec!["a/x, \"y\"".to_owned()], String::new()));
    let failed = vec![JobItemState::Failed.into()];
    assert_eq!(list(page(failed.clone(), String::new())).await.0, ["b"]);

    let export = async |states| {
        let request = ExportJobItemsRequest { job_id: job.job_id.clone(), states };
        let mut stream = stage.app.jobs().export_job_items(by(&stage.owner.token, request)).await.unwrap().into_inner();
        let mut table = Vec::new();
        while let Some(part) = stream.message().await.unwrap() {
            table.extend(part.chunk);
        }
        String::from_utf8(table).unwrap()
    };
    let table = export(vec![]).await;
    let lines: Vec<_> = table.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 5);
    assert!(lines[0].starts_with("item_id,kind,state,path,"));
    assert!(lines[2].contains(",DOCUMENT,FAILED,\"b\",10,,NAME_CONFLICT,"), "{}", lines[2]);
    assert!(lines[3].contains(",DOCUMENT,DONE,\"a/=SUM(A1)\",10,COPY,,"), "{}", lines[3]);
    assert!(lines[4].contains("\"a/x, \"\"y\"\"\""), "{}", lines[4]);
    assert_eq!(export(failed).await.lines().count(), 2);
    assert_eq!(export(vec![JobItemState::Skipped.into()]).await.lines().count(), 1);
}

#[tokio::test]
async fn jobs_are_found_by_who_started_them_and_when() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let items = vec![document(stage.grow(from, &["a=1"]).await["a"])];
    let job = stage.copied(BulkCopyRequest { items, target: to(into, None), ..Default::default() }).await;
    let list = async |request: ListJobsRequest| {
        let request =
            ListJobsRequest { scope: JobScope::Account.into(), account_id: stage.account.id.to_string(), ..request };
        let listed = stage.app.jobs().list_jobs(by(&stage.account.admin.token, request)).await.unwrap().into_inner();
        listed.jobs.len()
    };
    let of = |id: uuid::Uuid| ListJobsRequest { initiator_user_id: id.to_string(), ..Default::default() };
    assert_eq!(list(of(stage.owner.id)).await, 1);
    assert_eq!(list(of(stage.account.admin.id)).await, 0);
    let made = job.create_time;
    assert_eq!(list(ListJobsRequest { start_time: made, ..Default::default() }).await, 1);
    assert_eq!(list(ListJobsRequest { end_time: made, ..Default::default() }).await, 0);
    let kinds = |kind: JobKind| ListJobsRequest { kinds: vec![kind.into()], ..Default::default() };
    assert_eq!((list(kinds(JobKind::BulkCopy)).await, list(kinds(JobKind::BulkMove)).await), (1, 0));
}
