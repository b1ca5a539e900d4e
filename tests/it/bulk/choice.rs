//! What of folders is copied, what is left alone, and what is done only as long as it is what it was.

use tonic::Code;
use workcenter::pb::{
    BulkCopyRequest, BulkDeleteRequest, BulkItem, BulkMoveRequest, GetDocumentRequest, JobState, OnConflict,
    UpdateDocumentRequest,
};

use super::{Stage, document, folder, to};
use crate::{
    harness::{by, fields},
    story::mask,
};

const TREE: [&str; 7] = [
    "Plans/",
    "Plans/old/",
    "Plans/Door.PDF=a",
    "Plans/door_1.pdf=b",
    "Plans/note.txt=c",
    "Plans/old/roof.pdf=d",
    "a.pdf=e",
];

#[tokio::test]
async fn of_folders_everything_is_copied_or_only_folders_or_themselves_or_what_is_called_so() {
    let stage = Stage::set().await;
    let from = stage.space("From").await;
    let plans = stage.grow(from, &TREE).await["Plans"];
    let all = BulkCopyRequest { items: vec![folder(plans)], ..Default::default() };
    let filter = |name_filter: &str| BulkCopyRequest { name_filter: name_filter.to_owned(), ..all.clone() };
    for (name, request, listing) in [
        ("Folders", BulkCopyRequest { structure_only: true, ..all.clone() }, vec!["Plans/", "Plans/old/"]),
        ("Itself", BulkCopyRequest { exclude_children: true, ..all.clone() }, vec!["Plans/"]),
        (
            "Any",
            filter("*.pdf"),
            vec!["Plans/", "Plans/Door.PDF=a", "Plans/door_1.pdf=b", "Plans/old/", "Plans/old/roof.pdf=d"],
        ),
        ("One letter", filter("DOOR_?.pdf"), vec!["Plans/", "Plans/door_1.pdf=b", "Plans/old/"]),
        ("No pattern of ours", filter("door%"), vec!["Plans/", "Plans/old/"]),
    ] {
        let into = stage.space(name).await;
        let request = BulkCopyRequest { target: to(into, None), ..request };
        let planned = stage.planned_copy(request.clone()).await;
        let job = stage.copied(request).await;
        assert_eq!((job.state(), job.total_items), (JobState::Succeeded, planned.total_items), "{name}");
        let mut there = stage.listing(into).await;
        there.sort();
        assert_eq!(there, listing, "{name}");
    }
}

#[tokio::test]
async fn what_cannot_be_chosen_is_refused_with_all_that_is_wrong() {
    let stage = Stage::set().await;
    let from = stage.space("From").await;
    let plan = stage.grow(from, &["a=1"]).await["a"];
    let request = BulkCopyRequest {
        items: vec![document(plan)],
        target: to(from, None),
        structure_only: true,
        name_filter: "a/*".to_owned(),
        ..Default::default()
    };
    let refused = stage.copy(request).await.unwrap_err();
    assert_eq!(
        (refused.code(), fields(&refused)),
        (Code::InvalidArgument, vec!["items[0].document_id".to_owned(), "name_filter".to_owned()])
    );
}

#[tokio::test]
async fn documents_with_the_same_name_and_bytes_are_left_alone() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let things = stage.grow(from, &["same=x", "other=y", "new=z"]).await;
    stage.grow(into, &["SAME=w+x", "other=x"]).await;
    let items: Vec<_> = ["new", "other", "same"].map(|it| document(things[it])).to_vec();
    let on_conflict = OnConflict::NewVersion.into();
    let copy = BulkCopyRequest {
        items: items.clone(),
        target: to(into, None),
        on_conflict,
        skip_identical: true,
        ..Default::default()
    };
    let planned = stage.planned_copy(copy.clone()).await;
    let job = stage.copied(copy).await;
    assert_eq!((planned.done_items, planned.skipped_items), (job.done_items, job.skipped_items));
    assert_eq!(stage.ends(&job).await, ["new DONE", "other DONE", "same SKIPPED IDENTICAL"]);
    assert_eq!(stage.listing(into).await, ["SAME=w+x", "new=z", "other=x+y"]);

    // All are there now: moving leaves everything where it is.
    let request = BulkMoveRequest { items, target: to(into, None), skip_identical: true, ..Default::default() };
    let job = stage.moved(request).await;
    assert_eq!((job.state(), job.skipped_items), (JobState::Succeeded, 3));
    assert_eq!(stage.listing(from).await, ["new=z", "other=y", "same=x"]);
}

#[tokio::test]
async fn what_has_changed_since_it_was_looked_at_is_not_done() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let things = stage.grow(from, &["a=1", "b=2"]).await;
    let mut items = Vec::new();
    for id in things.values() {
        let request = GetDocumentRequest { document_id: id.to_string() };
        let answer = stage.contents().get_document(by(&stage.owner.token, request)).await.unwrap().into_inner();
        items.push(BulkItem { etag: answer.document.unwrap().etag, ..document(*id) });
    }
    let job =
        stage.transfer(BulkMoveRequest { items: items.clone(), target: to(into, None), ..Default::default() }).await;
    let changed = UpdateDocumentRequest {
        document: Some(workcenter::pb::Document {
            document_id: things["b"].to_string(),
            description: "Approved".to_owned(),
            ..Default::default()
        }),
        update_mask: Some(mask(&["description"])),
        ..Default::default()
    };
    stage.contents().update_document(by(&stage.owner.token, changed)).await.unwrap();
    let job = stage.finished(&job.unwrap()).await;
    assert_eq!(stage.ends(&job).await, ["a DONE", "b FAILED CHANGED"]);
    // It has moved, and so it is not what it was either.
    let job = stage.deleted(BulkDeleteRequest { items, ..Default::default() }).await;
    assert_eq!(stage.ends(&job).await, ["a FAILED CHANGED", "b FAILED CHANGED"]);
}
