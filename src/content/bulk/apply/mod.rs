//! Doing what was decided: all of a batch with a fixed number of statements.

pub(super) mod store;

use uuid::Uuid;

use self::store::Moves;
use super::{
    code::Code,
    decide::{Put, Task, Verdict},
    world::{Node, World},
};
use crate::{
    content::Deletion,
    db::Transaction,
    error::Result,
    job::{self, Item, ItemState, Outcome},
};

impl Moves {
    /// Adds `node`, and where it goes.
    fn add(&mut self, of: Uuid, put: &Put) {
        self.ids.push(put.to);
        self.of.push(of);
        self.workcenters.push(put.place.workcenter);
        self.parents.push(put.place.folder);
        self.names.push(put.name.clone());
        self.keys.push(put.key.clone());
    }

    /// Adds what has the place of `node` from now on.
    fn leave(&mut self, leftover: Uuid, node: &Node) {
        self.ids.push(leftover);
        self.of.push(node.id);
        self.workcenters.push(node.workcenter);
        self.parents.push(node.parent);
        self.names.push(node.name.clone());
        self.keys.push(node.key.clone());
    }
}

/// Does what was decided, for `by`.
pub(super) async fn apply(tx: &Transaction<'_>, task: &Task<'_>, by: Uuid, decided: &[(Node, Verdict)]) -> Result<()> {
    let moves = task.kind == job::Kind::BulkMove;
    let mut deleted = Vec::new();
    let (mut put, mut left, mut copied) = (Moves::default(), Moves::default(), Moves::default());
    let (mut onto, mut of) = (Vec::new(), Vec::new());
    for (node, verdict) in decided {
        match verdict {
            Verdict::Fail(_) | Verdict::Skip(_) | Verdict::Along | Verdict::Merge { .. } => {}
            Verdict::Delete => deleted.push(node.id),
            Verdict::Version { of: document, .. } => {
                onto.push(*document);
                of.push(node.id);
                deleted.extend(moves.then_some(node.id));
            }
            Verdict::Put(it) => {
                deleted.extend(it.replaces);
                if let Some(leftover) = it.leftover {
                    left.leave(leftover, node);
                }
                if it.to == node.id { &mut put } else { &mut copied }.add(node.id, it);
            }
        }
    }
    // What is deleted makes room first.
    if !deleted.is_empty() {
        store::delete(tx, &deleted, &Deletion::new(by, task.now)?).await?;
    }
    if !put.ids.is_empty() {
        store::put(tx, &put, task.now).await?;
    }
    if !left.ids.is_empty() {
        store::leave(tx, &left, task.now).await?;
    }
    if !copied.ids.is_empty() {
        store::copy(tx, &copied, task.order.includes_versions, by, task.now).await?;
    }
    if !onto.is_empty() {
        store::append(tx, (&onto, &of), moves || task.order.includes_versions, by, task.now).await?;
    }
    if moves && !onto.is_empty() {
        store::hand_over(tx, (&onto, &of)).await?;
    }
    if task.order.includes_comments && copied.ids.len() + onto.len() > 0 {
        store::copy_comments(tx, (&[copied.ids, onto].concat(), &[copied.of, of].concat())).await?;
    }
    Ok(())
}

/// What is written down of an item of which that was decided.
pub(super) fn outcome(world: &World, task: &Task<'_>, item: &Item, verdict: &Verdict) -> Outcome {
    let path = |folder: Option<Uuid>, name: &str| {
        let above = match (&item.above, folder) {
            (Some(above), _) => above.target_path.clone(),
            (None, Some(id)) => world.nodes.get(&id).map(|it| it.path.clone()).unwrap_or_default(),
            (None, None) => String::new(),
        };
        if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") }
    };
    let done =
        |action, target| Outcome { action, target: Some(target), ..Outcome::none(item.id, ItemState::Done, "", "") };
    let moves = task.kind == job::Kind::BulkMove;
    let usual = match task.kind {
        job::Kind::BulkMove => "MOVE",
        job::Kind::BulkDelete => "DELETE",
        job::Kind::BulkRestore => "RESTORE",
        job::Kind::ImportDocuments => "CREATE",
        _ => "COPY",
    };
    match verdict {
        Verdict::Fail(code) => Outcome::none(item.id, ItemState::Failed, code.name(), code.text()),
        Verdict::Skip(code) => Outcome::none(item.id, ItemState::Skipped, code.name(), code.text()),
        Verdict::Along => {
            let name = item.path.rsplit('/').next().unwrap_or_default();
            Outcome { target_path: path(None, name), ..done(usual, item.id) }
        }
        Verdict::Delete => done(usual, item.id),
        Verdict::Merge { into, place, name } => {
            let leftover = moves.then_some(item.id);
            Outcome { leftover, target_path: path(place.folder, name), ..done("MERGE", *into) }
        }
        Verdict::Version { of, place, name } => {
            Outcome { target_path: path(place.folder, name), ..done("NEW_VERSION", *of) }
        }
        Verdict::Put(put) => {
            let action = if put.replaces.is_some() { "REPLACE" } else { usual };
            let (code, text) = if put.is_renamed { (Code::Renamed.name(), Code::Renamed.text()) } else { ("", "") };
            let target_path = path(put.place.folder, &put.name);
            let (code, text) = (code.into(), text.into());
            Outcome { code, text, leftover: put.leftover, target_path, ..done(action, put.to) }
        }
    }
}
