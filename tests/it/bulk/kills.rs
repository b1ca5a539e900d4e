//! A real daemon that is killed again and again while it moves a tree from one WorkCenter to another.
//!
//! `BULK_FULL` makes it ten thousand things and fifty kills; `BULK_SEED` chooses the moments.

use uuid::Uuid;
use workcenter::{
    audit,
    pb::{BulkMoveRequest, JobState, ListActivityRequest},
};

use super::{Stage, folder, model::setting, to};
use crate::{
    dice::Dice,
    harness::by,
    process::program::{DAEMON, Serving},
};

/// How much is moved, and how often the daemon is killed meanwhile.
struct Size {
    documents: u64,
    kills: u64,
}

const SHORT: Size = Size { documents: 1_500, kills: 6 };
const FULL: Size = Size { documents: 10_000, kills: 50 };

/// Documents for each folder.
const EACH: u64 = 50;

/// Everything in a WorkCenter, deleted or not: what it is, which it is, where, and of which versions.
const THINGS: &str = "
    with recursive there as (
        select id, name as path from entry where workcenter_id = $1 and parent_id is null
        union all
        select entry.id, path || '/' || name from there join entry on entry.parent_id = there.id
    )
    select concat_ws(' ', path, id, kind, version, deleted_at, (
        select string_agg(concat_ws(':', number, encode(digest, 'hex'), created_by, created_at), ',' order by number)
        from entry_version where entry_id = id)) as line
    from there join entry using (id) order by path collate \"C\", id";

/// A tree of folders with so many documents, some of which have two versions.
fn tree(dice: &mut Dice, documents: u64) -> Vec<String> {
    let mut folders = vec!["all".to_owned()];
    let mut lines = vec!["all/".to_owned()];
    for number in 0..documents {
        if number % EACH == 0 {
            let above = &folders[usize::try_from(dice.roll(folders.len() as u64)).unwrap()];
            let path = format!("{above}/{number}");
            lines.push(format!("{path}/"));
            folders.push(path);
        }
        let above = &folders[usize::try_from(dice.roll(folders.len() as u64)).unwrap()];
        let more = if dice.roll(4) == 0 { "+b" } else { "" };
        lines.push(format!("{above}/{number:05}.pdf=a{more}"));
    }
    lines
}

async fn things(stage: &Stage, space: Uuid) -> Vec<String> {
    let rows = stage.app.client().await.query(THINGS, &[&space]).await.unwrap();
    rows.iter().map(|it| it.get("line")).collect()
}

/// Waits until the job has been claimed or come forward so many times, and then for so many looks more: the moment at
/// which its daemon is killed. False when the job is over before that.
async fn moment(stage: &Stage, job: Uuid, steps: u64, looks: u64) -> bool {
    let client = stage.app.client().await;
    let look = async || -> (i64, bool) {
        let row = "select fence + revision, finished_at is not null from job where id = $1";
        let row = client.query_one(row, &[&job]).await.unwrap();
        (row.get(0), row.get(1))
    };
    let (mut seen, _) = look().await;
    let (mut steps, mut looks) = (steps, looks);
    loop {
        let (now, is_over) = look().await;
        if is_over {
            return false;
        }
        if now != seen {
            (seen, steps) = (now, steps.saturating_sub(1));
        }
        match (steps, looks) {
            (0, 0) => return true,
            (0, _) => looks -= 1,
            _ => {}
        }
    }
}

/// Every item was done, at the first attempt that was not lost with its daemon.
async fn done_once(stage: &Stage, job: Uuid, total: i64) {
    let ends = "select state, attempt, count(*) from job_item where job_id = $1 group by 1, 2";
    let ends = stage.app.client().await.query(ends, &[&job]).await.unwrap();
    let ends: Vec<(String, i64, i64)> = ends.iter().map(|it| (it.get(0), it.get(1), it.get(2))).collect();
    assert_eq!(ends, [("DONE".to_owned(), 1, total)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_often_its_daemon_is_killed_a_tree_moves_once_with_ids_and_versions() {
    let seed = setting("BULK_SEED").unwrap_or(20_270_302);
    let Size { documents, kills } = if setting("BULK_FULL").is_some() { FULL } else { SHORT };
    let mut dice = Dice(seed);
    let stage = Stage::set().await;
    stage.app.clock_at("2027-03-02T12:00:00Z").await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let tree = tree(&mut dice, documents);
    let grown = stage.grow(from, &tree.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let before = things(&stage, from).await;

    let items = vec![folder(grown["all"])];
    let job = stage.transfer(BulkMoveRequest { items, target: to(into, None), ..Default::default() }).await.unwrap();
    let id: Uuid = job.job_id.parse().unwrap();
    // Short, for what a daemon was about to claim when it was killed may be claimed after that.
    let settings = [("LOG", "warn,workcenter=info"), ("LEASE_SECONDS", "2")];
    let start = async || Serving::start(DAEMON, &stage.app, &settings).await;
    let mut killed = 0;
    let mut daemon = start().await;
    while killed < kills && moment(&stage, id, dice.roll(3), dice.roll(20)).await {
        daemon.kill().await;
        killed += 1;
        // What the dead had claimed before comes up again at once.
        stage.leases_run_out().await;
        daemon = start().await;
    }
    assert_eq!(killed, kills, "the job was over before");
    while moment(&stage, id, 1, 0).await {}
    daemon.kill().await;

    let over = stage.job(&job.job_id).await;
    let total = i64::try_from(tree.len()).unwrap();
    assert_eq!((over.state(), over.done_items, over.total_items), (JobState::Succeeded, total, total), "{over:?}");
    done_once(&stage, id, total).await;
    assert_eq!(things(&stage, into).await, before);
    assert_eq!(things(&stage, from).await, [""; 0]);
    for space in [from, into] {
        let request = ListActivityRequest { workcenter_id: space.to_string(), ..Default::default() };
        let events = stage.app.activity().list_activity(by(&stage.owner.token, request)).await.unwrap();
        let told = events.into_inner().events.into_iter().filter(|it| it.kind == "files.bulk_moved");
        assert_eq!(told.count(), 1);
    }
    assert_eq!(audit::run(stage.app.pool(), stage.app.now().await).await.unwrap(), []);
    println!("seed {seed}: {total} items, {killed} kills, {} claims", claims(&stage, id).await);
}

async fn claims(stage: &Stage, job: Uuid) -> i64 {
    stage.app.client().await.query_one("select fence from job where id = $1", &[&job]).await.unwrap().get(0)
}
