//! The work of imports: what is unpacked becomes folders and documents, by the rules by which others are copied.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    prepare,
    store::{self, Known, Made},
};
use crate::{
    blob::{self, Blobs},
    content::{
        Deletion, Kind, Name,
        bulk::{
            apply,
            code::Code,
            decide::{self, Task, Verdict},
            run::{self, Deeds},
            world::{Node, World},
        },
    },
    db::{Db, Transaction},
    error::{Error, Result},
    job::{self, Batch, Ended, Item, ItemState, Job, Leftover, Outcome, Target},
    secret::Hash,
};

/// What does the work of imports, at one instant.
#[derive(Clone)]
pub struct Imports {
    /// Where it is noted what was made ready.
    pub db: Db,
    /// Where the bytes are.
    pub blobs: Blobs,
    /// What it has in common with other jobs.
    pub deeds: Deeds,
}

impl job::Work for Imports {
    fn prepares(&self, kind: job::Kind) -> bool {
        kind == job::Kind::ImportDocuments
    }

    async fn prepare(&self, job: Uuid, _: job::Kind) -> Result<()> {
        prepare::prepare(&self.db, &self.blobs, job).await
    }

    async fn batch(&self, tx: &Transaction<'_>, batch: &Batch) -> Result<Vec<Outcome>> {
        let Batch { job, account, kind, initiator, order, items } = batch;
        let target = order.target.as_ref().ok_or_else(|| Error::internal("an import goes nowhere"))?;
        let task = Task { kind: *kind, account: *account, order, now: self.deeds.when.now };
        let ids: Vec<Uuid> = items.iter().map(|it| it.id).collect();
        let known = store::entries(tx, *job, &ids).await?;
        let (mut outcomes, due) = sort(items, &known);

        let mut world = World::default();
        world.nodes.extend(due.iter().map(|it| (it.id, node(it, target))));
        run::look(tx, &mut world, &task, *initiator, &due, true).await?;
        if world.spaces.get(&target.workcenter).is_none_or(|it| it.is_deleted) {
            outcomes.extend(due.iter().map(|it| failed(it, Code::TargetGone)));
        } else {
            let decided = decide::decide(&mut world, &task, &due);
            apply(tx, &task, (*initiator, target.workcenter), &decided, &known).await?;
            let outcome = |(item, (_, verdict)): (&Item, &_)| apply::outcome(&world, &task, item, verdict);
            outcomes.extend(due.iter().zip(&decided).map(outcome));
        }
        let done: Vec<Uuid> = outcomes.iter().map(|it| it.item).collect();
        store::settled(tx, *job, &done).await?;
        Ok(outcomes)
    }

    async fn sweep(&self, _: &Transaction<'_>, _: &Job, _: &[Leftover]) -> Result<()> {
        Ok(())
    }

    async fn end(&self, tx: &Transaction<'_>, ended: &[Ended]) -> Result<()> {
        let jobs: Vec<Uuid> = ended.iter().map(|it| it.job.id).collect();
        store::remove(tx, &jobs).await?;
        self.deeds.end(tx, ended).await
    }
}

/// What became of the items that cannot be had, and the others: up to the first that is not unpacked yet.
fn sort(items: &[Item], known: &HashMap<Uuid, Known>) -> (Vec<Outcome>, Vec<Item>) {
    let (mut outcomes, mut due) = (Vec::new(), Vec::new());
    for item in items {
        match known.get(&item.id) {
            Some(Known { fault: Some(Code::SystemFile), .. }) => {
                let code = Code::SystemFile;
                outcomes.push(Outcome::none(item.id, ItemState::Skipped, code.name(), code.text()));
            }
            Some(Known { fault: Some(code), .. }) => outcomes.push(failed(item, *code)),
            Some(Known { digest: None, .. }) => break,
            _ => due.push(item.clone()),
        }
    }
    (outcomes, due)
}

fn failed(item: &Item, code: Code) -> Outcome {
    Outcome::none(item.id, ItemState::Failed, code.name(), code.text())
}

/// What stands for something that is in the archive, and nowhere else yet.
fn node(item: &Item, target: &Target) -> Node {
    let name = Name::kept(item.path.rsplit('/').next().unwrap_or_default().to_owned());
    Node {
        id: item.id,
        kind: decide::kind_of(item.kind),
        workcenter: target.workcenter,
        parent: item.above.as_ref().map(|it| it.id),
        key: name.key(),
        name: name.text().to_owned(),
        path: item.path.clone(),
        bytes: item.bytes,
        digest: None,
        revision: 0,
        purge_at: None,
        is_below_deleted: false,
        above: Vec::new(),
        levels: 1,
        is_filled: false,
    }
}

/// Makes what was decided, for `by`.
async fn apply(
    tx: &Transaction<'_>,
    task: &Task<'_>,
    (by, workcenter): (Uuid, Uuid),
    decided: &[(Node, Verdict)],
    known: &HashMap<Uuid, Known>,
) -> Result<()> {
    let (mut deleted, mut made) = (Vec::new(), Made::default());
    let (mut onto, mut of, mut bytes): (Vec<Uuid>, Vec<Hash>, Vec<i64>) = Default::default();
    let mut held = Vec::new();
    for (node, verdict) in decided {
        let document = known.get(&node.id).and_then(|it| Some((it.digest?, it.bytes)));
        if node.kind == Kind::Document && document.is_none() {
            return Err(Error::internal("a document was decided before it was unpacked"));
        }
        match (verdict, document) {
            (Verdict::Put(put), document) => {
                deleted.extend(put.replaces);
                made.ids.push(put.to);
                made.parents.push(put.place.folder);
                made.names.push(put.name.clone());
                made.keys.push(put.key.clone());
                made.digests.push(document.map(|it| it.0.to_vec()));
                made.bytes.push(document.map_or(0, |it| it.1));
            }
            (Verdict::Version { of: document, .. }, Some((digest, length))) => {
                onto.push(*document);
                of.push(digest);
                bytes.push(length);
            }
            _ => continue,
        }
        held.extend(document.map(|it| it.0));
    }
    if !deleted.is_empty() {
        apply::store::delete(tx, &deleted, &Deletion::new(by, task.now)?).await?;
    }
    if !held.is_empty() {
        blob::hold(tx, &held).await?;
    }
    if !made.ids.is_empty() {
        store::create(tx, (task.account, workcenter), &made, by, task.now).await?;
    }
    if !onto.is_empty() {
        store::append(tx, (&onto, &of, &bytes), by, task.now).await?;
    }
    Ok(())
}
