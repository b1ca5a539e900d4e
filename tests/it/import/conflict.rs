//! What happens to what is imported where a name is taken.

use workcenter::pb::{ImportDocumentsMetadata, JobState, OnConflict};

use super::{
    announced,
    pack::{archive, folder, stored},
};
use crate::bulk::Stage;

/// What there is, in lines: documents with the texts of their versions.
async fn lines(stage: &Stage, space: uuid::Uuid) -> Vec<String> {
    let text =
        |versions: &[Vec<u8>]| versions.iter().map(|it| String::from_utf8_lossy(it)).collect::<Vec<_>>().join("+");
    stage.held(space).await.iter().map(|(path, it)| format!("{path}={}", text(it))).collect()
}

#[tokio::test]
async fn every_policy_does_to_documents_what_it_says() {
    let stage = Stage::set().await;
    let there = archive(&[stored("Plan.pdf", b"old")]);
    let new = archive(&[stored("PLAN.pdf", b"new")]);
    for (policy, state, left) in [
        (OnConflict::Unspecified, JobState::Failed, vec!["Plan.pdf=old"]),
        (OnConflict::Fail, JobState::Failed, vec!["Plan.pdf=old"]),
        (OnConflict::Skip, JobState::Succeeded, vec!["Plan.pdf=old"]),
        (OnConflict::Rename, JobState::SucceededWithWarnings, vec!["PLAN (2).pdf=new", "Plan.pdf=old"]),
        (OnConflict::NewVersion, JobState::Succeeded, vec!["Plan.pdf=old+new"]),
        (OnConflict::Replace, JobState::Succeeded, vec!["PLAN.pdf=new"]),
    ] {
        let space = stage.space(policy.as_str_name()).await;
        stage.imported(space, &there).await;
        let metadata = ImportDocumentsMetadata { on_conflict: policy.into(), ..announced(space, &new) };
        let job = stage.import(metadata, &new).await.unwrap();
        let job = stage.finished(&job).await;
        assert_eq!((job.state(), lines(&stage, space).await), (state, left.iter().map(ToString::to_string).collect()));
    }
    // What was replaced can be had back, and so can its bytes.
    stage.keeps(2).await;
}

#[tokio::test]
async fn folders_fail_skip_take_another_name_or_merge() {
    let stage = Stage::set().await;
    let there = archive(&[stored("Plans/a/x", b"1"), stored("b", b"2")]);
    let new = archive(&[folder("plans/"), stored("plans/A/y", b"3"), stored("plans/A/x", b"4"), stored("b/z", b"5")]);
    for (policy, ends, added) in [
        (OnConflict::Fail, ["FAILED NAME_CONFLICT"; 6], vec![]),
        (OnConflict::Skip, ["SKIPPED NAME_CONFLICT"; 6], vec![]),
        (
            OnConflict::Rename,
            ["DONE RENAMED", "DONE RENAMED", "DONE", "DONE", "DONE", "DONE"],
            vec!["b (2)=", "b (2)/z=5", "plans (2)=", "plans (2)/A=", "plans (2)/A/x=4", "plans (2)/A/y=3"],
        ),
        (
            OnConflict::Merge,
            ["DONE", "FAILED TYPE_CONFLICT", "DONE", "FAILED TYPE_CONFLICT", "DONE", "FAILED NAME_CONFLICT"],
            vec!["Plans/a/y=3"],
        ),
    ] {
        let space = stage.space(policy.as_str_name()).await;
        stage.imported(space, &there).await;
        let metadata = ImportDocumentsMetadata { on_folder_conflict: policy.into(), ..announced(space, &new) };
        let job = stage.import(metadata, &new).await.unwrap();
        let job = stage.finished(&job).await;
        let paths = ["plans", "b", "plans/A", "b/z", "plans/A/y", "plans/A/x"];
        let expected: Vec<_> = paths.iter().zip(ends).map(|(path, end)| format!("{path} {end}")).collect();
        assert_eq!(stage.ends(&job).await, expected, "{policy:?}");
        let mut expected: Vec<_> = ["Plans=", "Plans/a=", "Plans/a/x=1", "b=2"].into_iter().chain(added).collect();
        expected.sort_unstable();
        let mut lines = lines(&stage, space).await;
        lines.sort_unstable();
        assert_eq!(lines, expected, "{policy:?}");
    }
}

#[tokio::test]
async fn what_is_called_the_same_in_an_archive_is_in_conflict_with_itself_and_folders_are_one() {
    let stage = Stage::set().await;
    let archive = archive(&[
        stored("Caf\u{e9}/a", b"1"),
        stored("CAFE\u{301}/A", b"2"),
        stored("caf\u{e9}/a", b"3"),
        stored("caf\u{e9}", b"4"),
        folder("Caf\u{e9}/"),
    ]);
    for (policy, left) in [
        (OnConflict::Fail, vec!["Café=", "Café/a=1"]),
        (OnConflict::Rename, vec!["Café=", "Café/A (2)=2", "Café/a (3)=3", "Café/a=1", "café (2)=4"]),
        (OnConflict::NewVersion, vec!["Café=", "Café/a=1+2+3"]),
    ] {
        let space = stage.space(policy.as_str_name()).await;
        let metadata = ImportDocumentsMetadata { on_conflict: policy.into(), ..announced(space, &archive) };
        let job = stage.import(metadata, &archive).await.unwrap();
        let job = stage.finished(&job).await;
        assert_eq!((job.total_items, job.done_items + job.failed_items), (5, 5));
        let mut lines = lines(&stage, space).await;
        lines.sort_unstable();
        let mut left = left;
        left.sort_unstable();
        assert_eq!(lines, left, "{policy:?} {:?}", stage.ends(&job).await);
    }
}
