//! Folders that are moved into each other at the same time, and too deep.

use futures_util::future::join_all;
use workcenter::pb::{BulkMoveRequest, JobState};

use super::{Stage, folder, to};

/// Folders from which no way leads to the top.
const LOST: &str = "
    with recursive there as (
        select id from entry where parent_id is null
        union select entry.id from there join entry on entry.parent_id = there.id
    )
    select count(*) from entry where id not in (select id from there)";

#[tokio::test]
async fn two_folders_that_are_moved_into_each_other_at_once_make_no_circle() {
    let stage = Stage::set().await;
    for round in 0..5 {
        let space = stage.space(&format!("Round {round}")).await;
        let grown = stage.grow(space, &["a/", "a/x/", "b/", "b/y/"]).await;
        let [a, b] = ["a", "b"].map(|it| grown[it]);
        let mut jobs = Vec::new();
        for (what, into) in [(a, grown["b/y"]), (b, grown["a/x"])] {
            let request =
                BulkMoveRequest { items: vec![folder(what)], target: to(space, Some(into)), ..Default::default() };
            jobs.push(stage.transfer(request).await.unwrap());
        }
        let daemons: Vec<_> = (0..4).map(|_| stage.app.daemon(None)).collect();
        join_all(daemons.iter().map(|it| async { while it.work().await.unwrap() {} })).await;
        let mut states = Vec::new();
        for job in &jobs {
            states.push(stage.job(&job.job_id).await.state());
        }
        states.sort_unstable();
        assert_eq!(states, [JobState::Succeeded, JobState::Failed], "{round}");
    }
    let lost: i64 = stage.app.client().await.query_one(LOST, &[]).await.unwrap().get(0);
    assert_eq!(lost, 0);
}

#[tokio::test]
async fn no_folder_gets_too_deep() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let mut path = String::new();
    let mut paths = Vec::new();
    for level in 0..99 {
        path = format!("{path}{level}/");
        paths.push(path.clone());
    }
    paths.push("one/".to_owned());
    paths.push("two/".to_owned());
    paths.push("two/in/".to_owned());
    let grown = stage.grow(space, &paths.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let deepest = grown[path.trim_end_matches('/')];
    let items = vec![folder(grown["two"]), folder(grown["one"])];
    let job = stage.moved(BulkMoveRequest { items, target: to(space, Some(deepest)), ..Default::default() }).await;
    assert_eq!(stage.ends(&job).await, ["two FAILED DEPTH", "one DONE"]);
}
