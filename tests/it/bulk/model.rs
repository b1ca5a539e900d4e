//! Random trees, random jobs and workers that die anywhere, held against a model that does one item after the other.
//!
//! `BULK_FULL` makes it many rounds on larger trees; `BULK_SEED` chooses them.

mod plain;

use std::{collections::BTreeMap, future::Future, pin::pin, task::Poll};

use uuid::Uuid;
use workcenter::pb::{
    BulkCopyRequest, BulkDeleteRequest, BulkItem, BulkMoveRequest, BulkRestoreRequest, Job, OnConflict,
};

use self::plain::{Deed, Model, Node};
use super::{Stage, document, folder, to};
use crate::dice::Dice;

/// What a round is made of.
struct Size {
    rounds: u64,
    things: u64,
    jobs: u64,
}

const SHORT: Size = Size { rounds: 2, things: 30, jobs: 4 };
const FULL: Size = Size { rounds: 60, things: 250, jobs: 12 };

/// Few names, so that there are many conflicts, and some that differ in case alone.
const NAMES: [&str; 8] = ["a", "b", "A", "c", "d.txt", "D.TXT", "e.txt", "f"];

/// What the environment says of how much is tried.
pub fn setting(name: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "how much is tried is no setting of a program")]
    std::env::var(name).ok().and_then(|it| it.parse().ok())
}

/// Everything there is, deleted or not.
async fn dump(stage: &Stage) -> Model {
    let all = "select id, workcenter_id, parent_id, name, kind, deleted_at is not null, array(
            select rtrim(convert_from(digest, 'UTF8'), '.') from entry_version where entry_id = entry.id order by number)
        from entry";
    let rows = stage.app.client().await.query(all, &[]).await.unwrap();
    let node = |row: &workcenter::db::Row| Node {
        id: row.get(0),
        space: row.get(1),
        parent: row.get(2),
        name: row.get(3),
        is_folder: row.get::<_, &str>(4) == "FOLDER",
        is_deleted: row.get(5),
        labels: row.get(6),
    };
    Model(rows.iter().map(|it| (row_id(it), node(it))).collect())
}

fn row_id(row: &workcenter::db::Row) -> Uuid {
    row.get(0)
}

/// Plants so many things in two WorkCenters.
async fn plant(stage: &Stage, dice: &mut Dice, spaces: [Uuid; 2], things: u64) {
    for space in spaces {
        let mut folders = vec![String::new()];
        let mut taken = BTreeMap::new();
        let mut lines = Vec::new();
        for label in 0..things {
            let above = folders[dice.roll(folders.len() as u64) as usize].clone();
            let name = NAMES[dice.roll(NAMES.len() as u64) as usize];
            if taken.insert(format!("{above}{name}").to_lowercase(), ()).is_some() {
                continue;
            }
            if dice.roll(5) < 2 {
                lines.push(format!("{above}{name}/"));
                folders.push(format!("{above}{name}/"));
            } else {
                let more = if dice.roll(3) == 0 { format!("+{label}v") } else { String::new() };
                lines.push(format!("{above}{name}={label}{more}"));
            }
            // What is in a folder whose name differs in case alone would be in the same one.
            folders.retain(|it| it.is_empty() || lines.iter().any(|line| line == it));
        }
        stage.grow(space, &lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
}

fn policy(dice: &mut Dice, of: &[OnConflict]) -> OnConflict {
    of[dice.roll(of.len() as u64) as usize]
}

/// A job over a few things that are not in each other.
fn deed(dice: &mut Dice, model: &Model, spaces: [Uuid; 2]) -> Option<Deed> {
    use OnConflict::{Fail, Merge, NewVersion, Rename, Replace, Skip};
    let kind = ["COPY", "MOVE", "MOVE", "DELETE", "RESTORE"][dice.roll(5) as usize];
    let restores = kind == "RESTORE";
    let fits = |it: &&Node| if restores { it.is_deleted } else { model.is_there(it.id) };
    let mut all: Vec<Uuid> = model.0.values().filter(fits).map(|it| it.id).collect();
    let mut roots: Vec<Uuid> = Vec::new();
    for _ in 0..=dice.roll(4) {
        if all.is_empty() {
            break;
        }
        let root = all.swap_remove(dice.roll(all.len() as u64) as usize);
        let apart = |it: &Uuid| !model.above(*it).contains(&root) && !model.above(root).contains(it);
        if roots.iter().all(apart) {
            roots.push(root);
        }
    }
    let space = spaces[dice.roll(2) as usize];
    let is_place = |it: &&Node| {
        let is_inside = roots.iter().any(|root| *root == it.id || model.above(it.id).contains(root));
        it.is_folder && it.space == space && model.is_there(it.id) && (restores || !is_inside)
    };
    let places: Vec<Uuid> = model.0.values().filter(is_place).map(|it| it.id).collect();
    let at = dice.roll(places.len() as u64 + 1) as usize;
    let (documents, folders): (&[OnConflict], &[OnConflict]) = match kind {
        "DELETE" => (&[OnConflict::Unspecified], &[OnConflict::Unspecified]),
        "RESTORE" => (&[Fail, Skip, Rename, Replace], &[Fail, Skip, Rename]),
        _ => (&[Fail, Skip, Rename, NewVersion, Replace], &[Fail, Skip, Rename, Merge, Merge]),
    };
    (!roots.is_empty()).then(|| Deed {
        kind,
        roots,
        space,
        folder: places.get(at).copied(),
        on_conflict: policy(dice, documents),
        on_folder_conflict: policy(dice, folders),
        all_versions: dice.roll(2) == 0,
    })
}

async fn start(stage: &Stage, model: &Model, deed: &Deed) -> Job {
    let named = |id: &Uuid| if model.0[id].is_folder { folder(*id) } else { document(*id) };
    let items: Vec<BulkItem> = deed.roots.iter().map(named).collect();
    let (on_conflict, on_folder_conflict) = (deed.on_conflict.into(), deed.on_folder_conflict.into());
    let target = to(deed.space, deed.folder);
    match deed.kind {
        "COPY" => {
            let include_versions = deed.all_versions;
            let request = BulkCopyRequest {
                items,
                target,
                on_conflict,
                on_folder_conflict,
                include_versions,
                ..Default::default()
            };
            stage.copy(request).await.unwrap()
        }
        "MOVE" => {
            let request = BulkMoveRequest { items, target, on_conflict, on_folder_conflict, ..Default::default() };
            stage.transfer(request).await.unwrap()
        }
        "DELETE" => {
            stage.delete(BulkDeleteRequest { items, recursive: deed.all_versions, ..Default::default() }).await.unwrap()
        }
        _ => {
            let fallback = target.filter(|_| deed.all_versions);
            let request = BulkRestoreRequest { items, fallback, on_conflict, on_folder_conflict, ..Default::default() };
            let request = crate::harness::by(&stage.owner.token, request);
            stage.contents().bulk_restore(request).await.unwrap().into_inner().job.unwrap()
        }
    }
}

/// Does a job with workers that are dropped wherever they are.
async fn survive(stage: &Stage, dice: &mut Dice, job: &Job) -> Job {
    loop {
        let mut polls = dice.roll(200);
        let mut work = pin!(stage.daemon.work());
        let ended = std::future::poll_fn(|context| {
            if polls == 0 {
                return Poll::Ready(false);
            }
            polls -= 1;
            work.as_mut().poll(context).map(|it| it.map(|_| true).unwrap())
        });
        if !ended.await {
            stage.leases_run_out().await;
        }
        let job = stage.job(&job.job_id).await;
        if job.finish_time.is_some() {
            return job;
        }
    }
}

#[tokio::test]
async fn whatever_is_asked_for_and_whoever_dies_the_outcome_is_that_of_one_item_after_the_other() {
    let seed = setting("BULK_SEED").unwrap_or(20_270_301);
    let size = if setting("BULK_FULL").is_some() { FULL } else { SHORT };
    let mut dice = Dice(seed);
    let stage = Stage::set().await;
    for round in 0..size.rounds {
        stage.app.client().await.batch_execute("delete from entry_version; delete from entry").await.unwrap();
        let spaces = [stage.space("One").await, stage.space("Two").await];
        plant(&stage, &mut dice, spaces, size.things).await;
        for _ in 0..size.jobs {
            let mut model = dump(&stage).await;
            let Some(deed) = deed(&mut dice, &model, spaces) else { continue };
            let before = model.clone();
            let job = start(&stage, &model, &deed).await;
            let job = survive(&stage, &mut dice, &job).await;
            let expected = model.after(&deed);
            let told = format!("seed {seed}, round {round}: {deed:#?}\n{:#?}", before.lines());

            let rows = "select item_id, state, code from job_item where job_id = $1";
            let rows = stage.app.client().await.query(rows, &[&job.job_id.parse::<Uuid>().unwrap()]).await.unwrap();
            let ends: BTreeMap<Uuid, (String, String)> =
                rows.iter().map(|it| (it.get(0), (it.get(1), it.get(2)))).collect();
            assert_eq!(ends, expected, "{told}");
            assert_eq!(job.done_items + job.skipped_items + job.failed_items, job.total_items, "{told}");
            let after = dump(&stage).await;
            assert_eq!(after.lines(), model.lines(), "{told}");
            // What was there before, in folders that were, or in ones that were made for the job.
            let old = |it: &Model| -> Vec<Node> {
                let old = it.0.values().filter(|it| before.0.contains_key(&it.id)).cloned();
                let known = |it: Uuid| if before.0.contains_key(&it) { it } else { Uuid::nil() };
                old.map(|it| Node { parent: it.parent.map(known), ..it }).collect()
            };
            assert_eq!(old(&after), old(&model), "{told}");
        }
    }
}
