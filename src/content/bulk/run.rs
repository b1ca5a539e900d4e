//! The work of bulk jobs: what is to be done of a batch is decided from what is there now, and done.

use std::time::Duration;

use uuid::Uuid;

use super::{
    apply,
    decide::{self, Task},
    end, store,
    world::World,
};
use crate::{
    content::{Deletion, Kind},
    db::{GenericClient, Transaction},
    error::{Error, Reason, Result},
    job::{self, Batch, Ended, Item, ItemKind, Job, Leftover, Outcome},
    subscription::When,
};

/// What does the work of bulk jobs, at one instant.
#[derive(Clone, Copy, Debug)]
pub struct Deeds {
    /// The time of the product's clock.
    pub when: When,
    /// How much later immediate mail goes out.
    pub window: Duration,
}

impl job::Work for Deeds {
    async fn batch(&self, tx: &Transaction<'_>, batch: &Batch) -> Result<Vec<Outcome>> {
        let Batch { account, kind, initiator, order, items, .. } = batch;
        let task = Task { kind: *kind, account: *account, order, now: self.when.now };
        let mut world = World::default();
        look(tx, &mut world, &task, *initiator, items, true).await?;
        if world.nodes.values().any(|it| !world.spaces.contains_key(&it.workcenter)) {
            // It has gone to another WorkCenter before that could be locked.
            return Err(Error::Conflict(Reason::WriteConflict));
        }
        let decided = decide::decide(&mut world, &task, items);
        apply::apply(tx, &task, *initiator, &decided).await?;
        let outcome = |(item, (_, verdict)): (&Item, &_)| apply::outcome(&world, &task, item, verdict);
        Ok(items.iter().zip(&decided).map(outcome).collect())
    }

    async fn sweep(&self, tx: &Transaction<'_>, job: &Job, these: &[Leftover]) -> Result<()> {
        let deletion = Deletion::new(job.initiator.unwrap_or_default(), self.when.now)?;
        let (old, new): (Vec<&Leftover>, Vec<&Leftover>) = these.iter().partition(|it| it.id == it.item);
        let ids = |these: Vec<&Leftover>| these.iter().map(|it| it.id).collect::<Vec<Uuid>>();
        apply::store::sweep(tx, &ids(new), &ids(old), &deletion).await
    }

    async fn end(&self, tx: &Transaction<'_>, ended: &[Ended]) -> Result<()> {
        let moved: Vec<Uuid> =
            ended.iter().filter(|it| it.job.kind == job::Kind::BulkMove).map(|it| it.job.id).collect();
        if !moved.is_empty() {
            apply::store::part(tx, &moved).await?;
        }
        end::tell(tx, ended, &self.when, self.window).await
    }
}

/// Reads all that has to be known of `items`: with a fixed number of statements. `locks` keeps it as it is.
pub(super) async fn look(
    on: &impl GenericClient,
    world: &mut World,
    task: &Task<'_>,
    person: Uuid,
    items: &[Item],
    locks: bool,
) -> Result<()> {
    let mut ids: Vec<Uuid> = items.iter().map(|it| it.id).collect();
    ids.extend(decide::places(task, items));
    ids.sort_unstable();
    ids.dedup();
    let target = task.target().map(|it| it.workcenter);
    world.spaces.extend(store::spaces(on, person, &ids, target, locks).await?);
    let restores = task.kind == job::Kind::BulkRestore;
    let nodes = store::nodes(on, &ids, restores).await?;
    world.nodes.extend(nodes.into_iter().map(|it| (it.id, it)));

    let folders: Vec<Uuid> = items.iter().filter(|it| it.kind == ItemKind::Folder).map(|it| it.id).collect();
    if task.kind == job::Kind::BulkDelete {
        for id in store::filled(on, &folders).await? {
            world.nodes.entry(id).and_modify(|it| it.is_filled = it.kind == Kind::Folder);
        }
        return Ok(());
    }
    if matches!(task.kind, job::Kind::BulkMove | job::Kind::BulkRestore) && !folders.is_empty() {
        for (id, levels) in store::levels(on, &folders).await? {
            world.nodes.entry(id).and_modify(|it| it.levels = levels);
        }
    }
    let holders = store::holders(on, &decide::names(world, task, items)).await?;
    world.hold(holders);
    Ok(())
}
