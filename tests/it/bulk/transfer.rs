//! Copying and moving: what travels with an item, and what stays.

use workcenter::pb::{BulkCopyRequest, BulkMoveRequest, JobKind, JobState, OnConflict};

use super::{Stage, document, folder, to};

const TREE: [&str; 5] = ["plans/", "plans/level 1/", "plans/level 1/door.pdf=a+b", "plans/site.pdf=c", "note.txt=d"];

#[tokio::test]
async fn a_copy_is_new_and_names_the_same_bytes() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let grown = stage.grow(from, &TREE).await;
    let before = stage.listing(from).await;
    let items = vec![folder(grown["plans"]), document(grown["note.txt"])];
    let request = BulkCopyRequest { items, target: to(into, None), ..Default::default() };

    let job = stage.copied(request.clone()).await;
    assert_eq!((job.kind(), job.state()), (JobKind::BulkCopy, JobState::Succeeded));
    assert_eq!((job.total_items, job.done_items, job.skipped_items, job.failed_items), (5, 5, 0, 0));
    let bulk = job.bulk.unwrap();
    assert_eq!((bulk.total_bytes, bulk.done_bytes, bulk.named_items), (30, 30, 2));
    assert_eq!(bulk.initiator_name, "Ada Owner");
    assert_eq!(stage.listing(from).await, before);
    let newest = ["note.txt=d", "plans/", "plans/level 1/", "plans/level 1/door.pdf=b", "plans/site.pdf=c"];
    assert_eq!(stage.listing(into).await, newest);
    let client = stage.app.client().await;
    let copies = "select copied_from from entry where workcenter_id = $1 order by copied_from";
    let mut of: Vec<uuid::Uuid> = client.query(copies, &[&into]).await.unwrap().iter().map(|it| it.get(0)).collect();
    let mut all: Vec<_> = grown.values().copied().collect();
    of.sort_unstable();
    all.sort_unstable();
    assert_eq!(of, all);
    assert_eq!(client.query_one("select count(*) from blob", &[]).await.unwrap().get::<_, i64>(0), 4);

    let third = stage.space("Third").await;
    stage.copied(BulkCopyRequest { target: to(third, None), include_versions: true, ..request }).await;
    assert!(stage.listing(third).await.contains(&"plans/level 1/door.pdf=a+b".to_owned()));
}

#[tokio::test]
async fn inside_its_workcenter_a_folder_moves_with_one_row() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let grown = stage.grow(space, &["plans/", "plans/level 1/", "plans/level 1/door.pdf=a+b", "old/"]).await;
    let revisions = "select count(*) from entry where revision > 1";

    let items = vec![folder(grown["plans"])];
    let job = stage.moved(BulkMoveRequest { items, target: to(space, Some(grown["old"])), ..Default::default() }).await;
    assert_eq!((job.state(), job.total_items), (JobState::Succeeded, 1));
    let moved = ["old/", "old/plans/", "old/plans/level 1/", "old/plans/level 1/door.pdf=a+b"];
    assert_eq!(stage.listing(space).await, moved);
    let client = stage.app.client().await;
    assert_eq!(client.query_one(revisions, &[]).await.unwrap().get::<_, i64>(0), 1);
    let done = stage.items(&job).await;
    assert_eq!((done[0].target_id.as_str(), done[0].target_path.as_str()), (done[0].item_id.as_str(), "old/plans"));
}

#[tokio::test]
async fn into_another_workcenter_everything_keeps_its_id_and_nothing_stays_behind() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let grown = stage.grow(from, &TREE).await;
    let deep = stage.grow(into, &["in/"]).await["in"];
    let items = vec![folder(grown["plans"]), document(grown["note.txt"])];

    let job = stage.moved(BulkMoveRequest { items, target: to(into, Some(deep)), ..Default::default() }).await;
    assert_eq!((job.state(), job.total_items, job.done_items), (JobState::Succeeded, 5, 5));
    assert!(stage.listing(from).await.is_empty());
    let moved = [
        "in/",
        "in/note.txt=d",
        "in/plans/",
        "in/plans/level 1/",
        "in/plans/level 1/door.pdf=a+b",
        "in/plans/site.pdf=c",
    ];
    assert_eq!(stage.listing(into).await, moved);
    let client = stage.app.client().await;
    let ids: Vec<_> = grown.values().copied().collect();
    let kept = "select count(*) from entry where id = any($1) and workcenter_id = $2 and copied_from is null";
    assert_eq!(client.query_one(kept, &[&ids, &into]).await.unwrap().get::<_, i64>(0), 5);
    // What had their places is gone for good.
    let left = "select count(*) from entry where workcenter_id = $1";
    assert_eq!(client.query_one(left, &[&from]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn what_cannot_move_stays_with_its_folder_and_an_emptied_folder_is_deleted() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let grown = stage
        .grow(
            space,
            &["a/", "a/in/", "a/in/new.txt=n", "a/in/same.txt=s", "a/rest/", "a/rest/x=x", "b/", "b/a/", "b/a/in/"],
        )
        .await;
    stage.grow(space, &["c/"]).await;
    let client = stage.app.client().await;
    let same = "update entry set name = 'same.txt', name_key = 'same.txt', parent_id = $2 where id = $1";
    let other = stage.grow(space, &["other=o"]).await["other"];
    client.execute(same, &[&other, &grown["b/a/in"]]).await.unwrap();

    let job = stage
        .moved(BulkMoveRequest {
            items: vec![folder(grown["a"])],
            target: to(space, Some(grown["b"])),
            on_folder_conflict: OnConflict::Merge.into(),
            ..Default::default()
        })
        .await;
    assert_eq!((job.state(), job.total_items, job.failed_items), (JobState::PartiallyFailed, 6, 1));
    let ends = [
        "a DONE",
        "a/in DONE",
        "a/rest DONE",
        "a/in/new.txt DONE",
        "a/in/same.txt FAILED NAME_CONFLICT",
        "a/rest/x DONE",
    ];
    assert_eq!(stage.ends(&job).await, ends);
    let listing = [
        "a/",
        "a/in/",
        "a/in/same.txt=s",
        "b/",
        "b/a/",
        "b/a/in/",
        "b/a/in/new.txt=n",
        "b/a/in/same.txt=o",
        "b/a/rest/",
        "b/a/rest/x=x",
        "c/",
    ];
    assert_eq!(stage.listing(space).await, listing);

    // The rest of it goes when there is a place for it, and the folders with it.
    let again = stage
        .moved(BulkMoveRequest {
            items: vec![folder(grown["a"])],
            target: to(space, Some(grown["b"])),
            on_conflict: OnConflict::NewVersion.into(),
            on_folder_conflict: OnConflict::Merge.into(),
            ..Default::default()
        })
        .await;
    assert_eq!((again.state(), again.done_items), (JobState::Succeeded, 3));
    let listing =
        ["b/", "b/a/", "b/a/in/", "b/a/in/new.txt=n", "b/a/in/same.txt=o+s", "b/a/rest/", "b/a/rest/x=x", "c/"];
    assert_eq!(stage.listing(space).await, listing);
}
