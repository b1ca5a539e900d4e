//! However much one account has to do, another one's few items do not wait for it.
//!
//! `BULK_FULL` has a real daemon copy a hundred thousand documents of one account meanwhile, and looks at the time.

use std::time::{Duration, Instant};

use uuid::Uuid;
use workcenter::pb::{BulkCopyRequest, Job};

use super::{Stage, document, folder, model::setting, to};
use crate::{
    harness::{Person, by},
    process::program::{DAEMON, Serving},
};

/// How long the copy of three documents may take at most beside one of a hundred thousand.
const PATIENCE: Duration = Duration::from_secs(5);

/// Documents of the largest job there may be, whose folder is an item too.
const LARGEST: i64 = 99_999;

/// Documents in a folder, all with the same bytes.
const FILL: &str = "
    with made as (
        insert into entry (id, account_id, workcenter_id, parent_id, kind, name, name_key, version, created_by,
            created_at, updated_at)
        select gen_random_uuid(), account_id, workcenter_id, id, 'DOCUMENT', it::text, it::text, 1, created_by, created_at,
            created_at
        from entry, generate_series(1, $2::bigint) it where id = $1
        returning id, account_id, created_by, created_at
    )
    insert into entry_version (entry_id, number, account_id, digest, size_bytes, created_by, created_at)
    select id, 1, account_id, $3, 10, created_by, created_at from made";

/// Copies a folder of so many documents from one WorkCenter to another.
async fn large(stage: &Stage, documents: i64) -> Job {
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let filled = stage.grow(from, &["many/", "seed=x"]).await["many"];
    let client = stage.app.client().await;
    client.execute(FILL, &[&filled, &documents, &super::digest("x")]).await.unwrap();
    client.batch_execute("analyze").await.unwrap();
    let items = vec![folder(filled)];
    stage.copy(BulkCopyRequest { items, target: to(into, None), ..Default::default() }).await.unwrap()
}

/// Another account, in which there are three documents to copy, and who does.
struct Other {
    admin: Person,
    items: Vec<Uuid>,
    target: Uuid,
}

impl Other {
    async fn of(stage: &Stage) -> Self {
        let account = stage.app.account("Other").await;
        let space = stage.app.workcenter(&account.admin, account.id, "Theirs").await;
        let target = stage.app.workcenter(&account.admin, account.id, "Target").await;
        let items = stage.grow(space, &["a=1", "b=2", "c=3"]).await.into_values().collect();
        Self { admin: account.admin, items, target }
    }

    async fn copy(&self, stage: &Stage) -> Job {
        let items = self.items.iter().map(|it| document(*it)).collect();
        let request = BulkCopyRequest { items, target: to(self.target, None), ..Default::default() };
        let answer = stage.contents().bulk_copy(by(&self.admin.token, request)).await.unwrap();
        answer.into_inner().job.unwrap()
    }
}

async fn state(stage: &Stage, job: &Job) -> String {
    let id: Uuid = job.job_id.parse().unwrap();
    let client = stage.app.client().await;
    client.query_one("select state from job where id = $1", &[&id]).await.unwrap().get(0)
}

#[tokio::test]
async fn three_items_are_done_after_as_many_turns_however_much_another_account_has_begun() {
    let mut all = Vec::new();
    for documents in [150, 3_000] {
        let stage = Stage::set().await;
        let large = large(&stage, documents).await;
        // The folder, and a hundred of what is in it.
        assert!(stage.daemon.work().await.unwrap() && stage.daemon.work().await.unwrap());
        let small = Other::of(&stage).await.copy(&stage).await;
        let mut turns = 0;
        while state(&stage, &small).await != "SUCCEEDED" {
            assert!(stage.daemon.work().await.unwrap());
            turns += 1;
        }
        assert_eq!(state(&stage, &large).await, "RUNNING");
        all.push(turns);
    }
    // One is theirs; another one may have been the other's before it.
    assert!(all[0] == all[1] && all[0] <= 2, "{all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_copies_three_items_of_one_account_while_it_copies_all_of_another() {
    let is_full = setting("BULK_FULL").is_some();
    let (documents, copies) = if is_full { (LARGEST, 10) } else { (1_000, 1) };
    let stage = Stage::set().await;
    let large = large(&stage, documents).await;
    let other = Other::of(&stage).await;
    let mut daemon = Serving::start(DAEMON, &stage.app, &[("LOG", "warn,workcenter=info")]).await;
    while stage.job(&large.job_id).await.done_items == 0 {}
    let mut times = Vec::new();
    for _ in 0..copies {
        let began = Instant::now();
        let small = other.copy(&stage).await;
        while state(&stage, &small).await != "SUCCEEDED" {}
        times.push(began.elapsed());
        // So that the next copy finds their names free.
        let clear = "delete from entry where workcenter_id = $1";
        assert_eq!(stage.app.client().await.execute(clear, &[&other.target]).await.unwrap(), 3);
    }
    if is_full {
        assert_eq!(state(&stage, &large).await, "RUNNING");
        println!("three items took {times:?} beside {documents}");
        assert!(times.iter().all(|it| *it < PATIENCE), "{times:?}");
    } else {
        while state(&stage, &large).await != "SUCCEEDED" {}
    }
    daemon.kill().await;
}
