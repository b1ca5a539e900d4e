//! What is refused at once, and what fails item by item for want of rights.

use tonic::Code;
use tonic_types::StatusExt;
use uuid::Uuid;
use workcenter::pb::{
    AddCollaboratorRequest, BulkCopyRequest, BulkDeleteRequest, BulkItem, BulkMoveRequest, JobState, OnConflict,
    WorkCenterRole,
};

use super::{Stage, document, folder, to};
use crate::harness::{by, fields, reason};

#[tokio::test]
async fn a_request_that_makes_no_sense_starts_nothing() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let grown = stage.grow(space, &["a/", "a/b/", "a/b/x=1", "y=2"]).await;
    let at_top = to(space, None);
    let moving = |items: Vec<BulkItem>, target| BulkMoveRequest { items, target, ..Default::default() };
    let named = [
        (moving(vec![], at_top.clone()), vec!["items"]),
        (moving(vec![folder(Uuid::nil()); 1_001], at_top.clone()), vec!["items"]),
        (moving(vec![folder(grown["a"]), folder(grown["a"])], at_top.clone()), vec!["items[1].folder_id"]),
        (moving(vec![folder(grown["a"]), document(grown["a/b/x"])], at_top.clone()), vec!["items[1]"]),
        (moving(vec![folder(grown["a"])], to(space, Some(grown["a"]))), vec!["items[0]"]),
        (moving(vec![folder(grown["a"])], to(space, Some(grown["a/b"]))), vec!["items[0]"]),
        (moving(vec![folder(grown["a"])], None), vec!["target"]),
        (moving(vec![BulkItem::default()], at_top.clone()), vec!["items[0]"]),
        (
            BulkMoveRequest {
                on_conflict: OnConflict::Merge.into(),
                ..moving(vec![folder(grown["a"])], at_top.clone())
            },
            vec!["on_conflict"],
        ),
        (
            BulkMoveRequest {
                on_folder_conflict: OnConflict::Replace.into(),
                ..moving(vec![folder(grown["a"])], at_top.clone())
            },
            vec!["on_folder_conflict"],
        ),
    ];
    for (request, expected) in named {
        let status = stage.transfer(request.clone()).await.unwrap_err();
        let fields: Vec<_> = fields(&status).into_iter().take(1).collect();
        assert_eq!(
            (status.code(), fields),
            (Code::InvalidArgument, expected.iter().map(ToString::to_string).collect())
        );
    }
    for target in [to(Uuid::now_v7(), None), to(space, Some(Uuid::now_v7())), to(space, Some(grown["y"]))] {
        let status = stage.transfer(moving(vec![folder(grown["a"])], target)).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound, "{status:?}");
    }
    let nobody = BulkDeleteRequest { items: vec![document(Uuid::now_v7())], ..Default::default() };
    assert_eq!(reason(&stage.delete(nobody).await.unwrap_err()), "DOCUMENT_NOT_FOUND");
    let count = "select count(*) from job";
    assert_eq!(stage.app.client().await.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 0);

    // The same request is the same job; another one with its id is refused.
    let request = BulkMoveRequest {
        request_id: Uuid::now_v7().to_string(),
        ..moving(vec![folder(grown["a/b"])], at_top.clone())
    };
    let first = stage.transfer(request.clone()).await.unwrap();
    assert_eq!(stage.transfer(request.clone()).await.unwrap(), first);
    let other = BulkMoveRequest { items: vec![folder(grown["a"])], ..request };
    assert_eq!(stage.transfer(other).await.unwrap_err().code(), Code::AlreadyExists);
    assert_eq!(stage.finished(&first).await.state(), JobState::Succeeded);
}

#[tokio::test]
async fn rights_are_asked_for_each_item_in_the_plan_and_when_its_turn_comes() {
    let stage = Stage::set().await;
    let (from, into, hidden) = (stage.space("From").await, stage.space("Into").await, stage.space("Hidden").await);
    let grown = stage.grow(from, &["a/", "a/x=1", "y=2"]).await;
    let unseen = stage.grow(hidden, &["z=3"]).await["z"];
    let person = stage.app.person(&stage.account, "carl@example.com", "Carl", "Contributor").await;
    let admit = async |space: Uuid, role: WorkCenterRole| {
        let message = AddCollaboratorRequest {
            workcenter_id: space.to_string(),
            user_id: person.id.to_string(),
            role: role.into(),
        };
        stage.app.workcenters().add_collaborator(by(&stage.owner.token, message)).await.unwrap();
    };
    admit(from, WorkCenterRole::Reader).await;
    let items = vec![folder(grown["a"]), document(grown["y"]), document(unseen)];
    let request = BulkCopyRequest { items: items.clone(), target: to(into, None), ..Default::default() };
    let copy = async |request: BulkCopyRequest| stage.contents().bulk_copy(by(&person.token, request)).await;
    assert_eq!(copy(request.clone()).await.unwrap_err().code(), Code::NotFound);
    admit(into, WorkCenterRole::Contributor).await;

    // Documents go, folders do not, with what is in them; what is not seen is not told of.
    let plan =
        copy(BulkCopyRequest { validate_only: true, ..request.clone() }).await.unwrap().into_inner().plan.unwrap();
    let job = copy(request).await.unwrap().into_inner().job.unwrap();
    while stage.daemon.work().await.unwrap() {}
    let request = workcenter::pb::ListJobItemsRequest { job_id: job.job_id, ..Default::default() };
    let listed = stage.app.jobs().list_job_items(by(&person.token, request)).await.unwrap().into_inner().items;
    let end = |it: &workcenter::pb::JobItem| (it.path.clone(), it.code.clone());
    let ends: Vec<_> = listed.iter().map(end).collect();
    let expected = [("a", "PERMISSION_DENIED"), ("y", ""), ("", "NOT_FOUND"), ("a/x", "PERMISSION_DENIED")];
    assert_eq!(ends, expected.map(|(path, code)| (path.to_owned(), code.to_owned())));
    assert_eq!(plan.items.iter().map(end).collect::<Vec<_>>(), ends);
    assert_eq!(stage.listing(into).await, ["y=2"]);

    // Readers take nothing away.
    let request = BulkMoveRequest { items: vec![document(grown["y"])], target: to(into, None), ..Default::default() };
    let job = stage.contents().bulk_move(by(&person.token, request)).await.unwrap().into_inner().job.unwrap();
    while stage.daemon.work().await.unwrap() {}
    let request = workcenter::pb::GetJobRequest { job_id: job.job_id };
    let job = stage.app.jobs().get_job(by(&person.token, request)).await.unwrap().into_inner().job.unwrap();
    assert_eq!(job.bulk.unwrap().first_errors[0].code, "PERMISSION_DENIED");
    // Nobody but who started it and administrators may see it.
    let request = workcenter::pb::CancelJobRequest { job_id: job.job_id };
    assert_eq!(stage.app.jobs().cancel_job(by(&stage.owner.token, request)).await.unwrap_err().code(), Code::NotFound);
    let readers = BulkCopyRequest { items, target: to(from, None), ..Default::default() };
    assert_eq!(copy(readers).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn an_account_with_as_many_jobs_as_may_wait_starts_another_when_one_of_them_is_over() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let items = vec![document(stage.grow(from, &["a=1"]).await["a"])];
    let client = stage.app.client().await;
    let waiting = "insert into job (id, account_id, kind, state, total)
        select gen_random_uuid(), $1, 'BULK_COPY', 'QUEUED', 1 from generate_series(1, 10000)";
    client.execute(waiting, &[&stage.account.id]).await.unwrap();
    let request = BulkCopyRequest { items, target: to(into, None), ..Default::default() };
    let refused = stage.copy(request.clone()).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "JOB_LIMIT_REACHED"));
    assert_eq!(refused.get_details_retry_info().unwrap().retry_delay.unwrap().as_secs(), 60);

    let end =
        "update job set state = 'SUCCEEDED', finished_at = now() where id = (select min(id::text)::uuid from job)";
    assert_eq!(client.execute(end, &[]).await.unwrap(), 1);
    stage.copy(request).await.unwrap();
}
