//! What happens where a name is taken.

use workcenter::pb::{
    BulkCopyRequest, BulkDeleteRequest, BulkItem, BulkMoveRequest, BulkRestoreRequest, JobState, OnConflict,
};

use super::{Stage, document, folder, to};

#[tokio::test]
async fn every_policy_does_to_documents_what_it_says() {
    let stage = Stage::set().await;
    let from = stage.space("From").await;
    let grown = stage.grow(from, &["Plan.pdf=a+b"]).await;
    let cases = [
        (OnConflict::Unspecified, JobState::Failed, vec!["PLAN.PDF=x"], vec!["Plan.pdf=a+b"]),
        (OnConflict::Skip, JobState::Succeeded, vec!["PLAN.PDF=x"], vec!["Plan.pdf=a+b"]),
        (OnConflict::Rename, JobState::SucceededWithWarnings, vec!["PLAN.PDF=x", "Plan (2).pdf=a+b"], vec![]),
        (OnConflict::NewVersion, JobState::Succeeded, vec!["PLAN.PDF=x+a+b"], vec![]),
        (OnConflict::Replace, JobState::Succeeded, vec!["Plan.pdf=a+b"], vec![]),
    ];
    for (policy, state, moved, left) in cases {
        let into = stage.space(policy.as_str_name()).await;
        stage.grow(into, &["PLAN.PDF=x"]).await;
        let items = vec![document(grown["Plan.pdf"])];
        let request =
            BulkCopyRequest { items, target: to(into, None), on_conflict: policy.into(), ..Default::default() };
        let plan = stage.planned_copy(request.clone()).await;
        let job = stage.copied(request).await;
        assert_eq!(job.state(), state, "{policy:?}");
        assert_eq!(
            (plan.done_items, plan.skipped_items, plan.failed_items),
            (job.done_items, job.skipped_items, job.failed_items)
        );
        let copied: Vec<_> = moved.iter().map(|it| it.replace("a+b", "b")).collect();
        assert_eq!(stage.listing(into).await, copied, "{policy:?}");

        // Moved, everything goes along; what could not go is where it was.
        let (from, into) = (stage.space("A").await, stage.space("B").await);
        let plan = stage.grow(from, &["Plan.pdf=a+b"]).await["Plan.pdf"];
        stage.grow(into, &["PLAN.PDF=x"]).await;
        let items = vec![BulkItem { on_conflict: policy.into(), ..document(plan) }];
        let job = stage.moved(BulkMoveRequest { items, target: to(into, None), ..Default::default() }).await;
        assert_eq!(
            (job.state(), stage.listing(into).await, stage.listing(from).await),
            (state, moved.iter().map(ToString::to_string).collect(), left.iter().map(ToString::to_string).collect()),
            "{policy:?}"
        );
    }
}

#[tokio::test]
async fn folders_fail_skip_take_another_name_or_merge_and_never_take_the_place_of_documents() {
    let stage = Stage::set().await;
    let from = stage.space("From").await;
    let grown = stage.grow(from, &["a/", "a/b/", "a/b/x=1", "a/y=2"]).await;
    let all = |lines: &[&str]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
    let there = ["A/", "A/b/", "A/b/z=9", "A/y=8"];
    for (policy, documents, ends, listing) in [
        (OnConflict::Fail, OnConflict::Fail, "FAILED NAME_CONFLICT", all(&there)),
        (OnConflict::Skip, OnConflict::Fail, "SKIPPED NAME_CONFLICT", all(&there)),
        (
            OnConflict::Rename,
            OnConflict::Fail,
            "",
            all(&["A/", "A/b/", "A/b/z=9", "A/y=8", "a (2)/", "a (2)/b/", "a (2)/b/x=1", "a (2)/y=2"]),
        ),
        (OnConflict::Merge, OnConflict::Skip, "", all(&["A/", "A/b/", "A/b/x=1", "A/b/z=9", "A/y=8"])),
        (OnConflict::Merge, OnConflict::NewVersion, "", all(&["A/", "A/b/", "A/b/x=1", "A/b/z=9", "A/y=8+2"])),
    ] {
        let into = stage.space("Into").await;
        stage.grow(into, &there).await;
        let job = stage
            .copied(BulkCopyRequest {
                items: vec![folder(grown["a"])],
                target: to(into, None),
                on_conflict: documents.into(),
                on_folder_conflict: policy.into(),
                ..Default::default()
            })
            .await;
        let mut listed = stage.listing(into).await;
        let mut listing = listing;
        listed.sort_unstable();
        listing.sort_unstable();
        assert_eq!(listed, listing, "{policy:?} {documents:?}");
        // What is in a folder shares its fate.
        let all_end_alike = stage.ends(&job).await.iter().all(|it| it.ends_with(ends));
        assert!(all_end_alike && job.total_items == 4, "{policy:?} {:?}", stage.ends(&job).await);
    }
    let into = stage.space("Into").await;
    stage.grow(into, &["a=1"]).await;
    let request = |policy: OnConflict| BulkCopyRequest {
        items: vec![folder(grown["a"])],
        target: to(into, None),
        on_folder_conflict: policy.into(),
        ..Default::default()
    };
    let job = stage.copied(request(OnConflict::Merge)).await;
    assert!(stage.ends(&job).await.iter().all(|it| it.ends_with("FAILED TYPE_CONFLICT")));
}

#[tokio::test]
async fn two_of_one_request_that_are_called_the_same_conflict_with_each_other() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let grown = stage
        .grow(
            from,
            &["1/", "1/Plan=a", "1/same/", "1/same/x=1", "2/", "2/plan=b", "2/same/", "2/same/x=2", "3/", "3/PLAN=c"],
        )
        .await;
    let documents = || ["1/Plan", "2/plan", "3/PLAN"].map(|it| document(grown[it])).to_vec();
    for (policy, expected) in [
        (OnConflict::Fail, vec!["Plan=a"]),
        (OnConflict::Rename, vec!["PLAN (3)=c", "Plan=a", "plan (2)=b"]),
        (OnConflict::NewVersion, vec!["Plan=a+b+c"]),
        (OnConflict::Replace, vec!["PLAN=c"]),
    ] {
        let into = stage.space("Into").await;
        let request = BulkCopyRequest {
            items: documents(),
            target: to(into, None),
            on_conflict: policy.into(),
            ..Default::default()
        };
        let plan = stage.planned_copy(request.clone()).await;
        let job = stage.copied(request).await;
        let mut listed = stage.listing(into).await;
        listed.sort_unstable();
        assert_eq!(listed, expected, "{policy:?}");
        assert_eq!((plan.done_items, plan.failed_items), (job.done_items, job.failed_items), "{policy:?}");
    }
    stage
        .copied(BulkCopyRequest {
            items: vec![folder(grown["1/same"]), folder(grown["2/same"])],
            target: to(into, None),
            on_conflict: OnConflict::Rename.into(),
            on_folder_conflict: OnConflict::Merge.into(),
            ..Default::default()
        })
        .await;
    assert_eq!(stage.listing(into).await, ["same/", "same/x (2)=2", "same/x=1"]);
    // Onto itself it can only be called otherwise.
    for (policy, state) in [
        (OnConflict::NewVersion, JobState::Failed),
        (OnConflict::Replace, JobState::Failed),
        (OnConflict::Rename, JobState::SucceededWithWarnings),
    ] {
        let items = vec![document(grown["3/PLAN"])];
        let target = to(from, Some(grown["3"]));
        let job =
            stage.copied(BulkCopyRequest { items, target, on_conflict: policy.into(), ..Default::default() }).await;
        assert_eq!(job.state(), state, "{policy:?}");
    }
}

#[tokio::test]
async fn what_is_deleted_comes_back_to_its_place_or_to_the_one_that_is_named() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let grown = stage.grow(space, &["a/", "a/in/", "a/in/x=1", "a/y=2", "z=3", "lost/"]).await;
    let before = stage.listing(space).await;

    let items = vec![folder(grown["a/in"]), document(grown["a/y"]), document(grown["z"])];
    let kept = stage.deleted(BulkDeleteRequest { items: items.clone(), ..Default::default() }).await;
    assert_eq!(stage.ends(&kept).await, ["a/in FAILED NOT_EMPTY", "a/y DONE", "z DONE"]);
    let rest = vec![folder(grown["a/in"])];
    let gone = stage.deleted(BulkDeleteRequest { items: rest, recursive: true, ..Default::default() }).await;
    assert_eq!((gone.state(), gone.total_items), (JobState::Succeeded, 1));
    assert_eq!(stage.listing(space).await, ["a/", "lost/"]);

    let restored = stage.restored(BulkRestoreRequest { items: items.clone(), ..Default::default() }).await;
    assert_eq!((restored.state(), restored.done_items), (JobState::Succeeded, 3));
    assert_eq!(stage.listing(space).await, before);
    let nothing = stage.restored(BulkRestoreRequest { items: items.clone(), ..Default::default() }).await;
    assert!(stage.ends(&nothing).await.iter().all(|it| it.ends_with("FAILED NOT_FOUND")));

    // Their place is deleted after them, and the name of one is taken.
    stage.deleted(BulkDeleteRequest { items: items.clone(), recursive: true, ..Default::default() }).await;
    let above = vec![folder(grown["a"])];
    stage.deleted(BulkDeleteRequest { items: above, recursive: true, ..Default::default() }).await;
    stage.grow(space, &["z=9"]).await;
    let job = stage.restored(BulkRestoreRequest { items: items.clone(), ..Default::default() }).await;
    let ends = ["a/in FAILED TARGET_GONE", "a/y FAILED TARGET_GONE", "z FAILED NAME_CONFLICT"];
    assert_eq!(stage.ends(&job).await, ends);
    let fallback = to(space, Some(grown["lost"]));
    let on_conflict = OnConflict::Rename.into();
    let job = stage.restored(BulkRestoreRequest { items, fallback, on_conflict, ..Default::default() }).await;
    assert_eq!((job.state(), job.done_items), (JobState::SucceededWithWarnings, 3));
    let listing = ["lost/", "lost/in/", "lost/in/x=1", "lost/y=2", "z (2)=3", "z=9"];
    assert_eq!(stage.listing(space).await, listing);
}
