//! What is to become of items, decided from what is known. Pure, and the same for the plan and for the work.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    code::Code,
    name,
    policy::Policy,
    world::{Found, Node, Place, World},
};
use crate::{
    content::{DEPTH_MAX, Kind, etag},
    ids,
    job::{self, Item, ItemKind, ItemState, Order},
};

/// What all items of a job have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task<'a> {
    pub kind: job::Kind,
    pub account: Uuid,
    pub order: &'a Order,
    pub now: Timestamp,
}

impl Task<'_> {
    /// Where what was named goes, or what cannot go back.
    pub fn target(&self) -> Option<Place> {
        self.order.target.as_ref().map(|it| Place { workcenter: it.workcenter, folder: it.folder })
    }
}

/// What is to become of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It fails.
    Fail(Code),
    /// It is left as it is.
    Skip(Code),
    /// It has moved already, with the folder it is in.
    Along,
    /// It is put there under a name: itself, or what is copied from it under the id `to`.
    Put(Put),
    /// What is in it goes into that folder.
    Merge { into: Uuid, place: Place, name: String },
    /// It becomes the newest version of that document.
    Version { of: Uuid, place: Place, name: String },
    /// It is deleted.
    Delete,
}

/// What is put somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Put {
    pub to: Uuid,
    pub place: Place,
    pub name: String,
    pub key: String,
    pub is_renamed: bool,
    /// What is deleted for it.
    pub replaces: Option<Uuid>,
    /// What has its place from now on.
    pub leftover: Option<Uuid>,
}

/// Decides what becomes of the first of `items`, of one depth: of one at least, and of those after it until one depends on
/// what was decided of another.
pub(super) fn decide(world: &mut World, task: &Task<'_>, items: &[Item]) -> Vec<(Node, Verdict)> {
    let mut decided = Vec::new();
    for item in items {
        let node = world.nodes.get(&item.id).cloned();
        let Some(verdict) = one(world, task, item, node.as_ref()) else { break };
        let node = node.unwrap_or_else(|| nothing(item));
        note(world, task, &node, &verdict);
        decided.push((node, verdict));
    }
    decided
}

/// What stands for something that there is not.
fn nothing(item: &Item) -> Node {
    Node {
        id: item.id,
        kind: kind_of(item.kind),
        workcenter: Uuid::nil(),
        parent: None,
        name: String::new(),
        key: String::new(),
        path: item.path.clone(),
        bytes: 0,
        digest: None,
        revision: 0,
        purge_at: None,
        is_below_deleted: false,
        above: Vec::new(),
        levels: 0,
        is_filled: false,
    }
}

pub(super) fn kind_of(kind: ItemKind) -> Kind {
    if kind == ItemKind::Folder { Kind::Folder } else { Kind::Document }
}

/// None when it is seen only later.
fn one(world: &World, task: &Task<'_>, item: &Item, node: Option<&Node>) -> Option<Verdict> {
    if world.is_stale(item.id) {
        return None;
    }
    if let Some(above) = &item.above {
        match above.state {
            ItemState::Done => {}
            ItemState::Skipped => return Some(Verdict::Skip(Code::named(&above.code))),
            _ => return Some(Verdict::Fail(Code::named(&above.code))),
        }
    }
    let node = match node.map(|it| (it, sees(world, task, item, it))) {
        None => return Some(Verdict::Fail(Code::NotFound)),
        Some((_, Err(code))) => return Some(Verdict::Fail(code)),
        Some((node, Ok(()))) => node,
    };
    let decided = match task.kind {
        job::Kind::BulkDelete => Ok(delete(world, task, node)),
        job::Kind::BulkRestore => restore(world, task, item, node),
        _ => transfer(world, task, item, node),
    };
    match decided {
        Ok(verdict) => verdict,
        Err(code) => Some(Verdict::Fail(code)),
    }
}

/// Whether the initiator may know of `node`, and it is what was meant.
fn sees(world: &World, task: &Task<'_>, item: &Item, node: &Node) -> Result<(), Code> {
    let is_meant = match task.kind {
        job::Kind::BulkRestore => node.purge_at.is_some_and(|it| task.now < it),
        _ => node.is_there(),
    };
    // What could not be seen when it was planned has no path, and nothing that is in it was planned.
    if item.path.is_empty() || node.kind != kind_of(item.kind) || !is_meant {
        return Err(Code::NotFound);
    }
    let space = world.spaces.get(&node.workcenter).ok_or(Code::NotFound)?;
    if space.is_deleted {
        return Err(Code::NotFound);
    }
    if !space.reads() || space.account != task.account {
        return Err(Code::PermissionDenied);
    }
    if item.etag.is_empty() || item.etag == etag(node.revision) { Ok(()) } else { Err(Code::Changed) }
}

/// Whether it may be taken away from where it is.
fn takes(world: &World, node: &Node) -> Result<(), Code> {
    match world.spaces.get(&node.workcenter) {
        Some(space) if space.is_archived => Err(Code::TargetArchived),
        Some(space) if space.writes(node.kind) => Ok(()),
        _ => Err(Code::PermissionDenied),
    }
}

/// Whether it may be put into `place`, with so many `levels` of folders.
fn fits(world: &World, place: Place, node: &Node, levels: usize) -> Result<(), Code> {
    let space = world.spaces.get(&place.workcenter).filter(|it| !it.is_deleted).ok_or(Code::TargetGone)?;
    if space.is_archived {
        return Err(Code::TargetArchived);
    }
    if !space.writes(node.kind) {
        return Err(Code::PermissionDenied);
    }
    let Some(folder) = place.folder else {
        return if levels <= DEPTH_MAX { Ok(()) } else { Err(Code::Depth) };
    };
    let is_place = |it: &&Node| it.is_there() && it.kind == Kind::Folder && it.workcenter == place.workcenter;
    let folder = world.nodes.get(&folder).filter(is_place).ok_or(Code::TargetGone)?;
    if folder.id == node.id || folder.above.contains(&node.id) {
        return Err(Code::Cycle);
    }
    if folder.above.len() + 1 + levels <= DEPTH_MAX { Ok(()) } else { Err(Code::Depth) }
}

fn delete(world: &World, task: &Task<'_>, node: &Node) -> Option<Verdict> {
    Some(match takes(world, node) {
        Err(code) => Verdict::Fail(code),
        Ok(()) if node.is_filled && !task.order.is_recursive => Verdict::Fail(Code::NotEmpty),
        Ok(()) => Verdict::Delete,
    })
}

/// Back to where it was, or else to where the request says.
fn restore(world: &World, task: &Task<'_>, item: &Item, node: &Node) -> Result<Option<Verdict>, Code> {
    let old = node.place();
    let is_gone = old.folder.is_some_and(|it| !world.nodes.get(&it).is_some_and(Node::is_there));
    let place = match task.target() {
        _ if !is_gone => old,
        Some(fallback) if fallback.workcenter == node.workcenter => fallback,
        _ => return Err(Code::TargetGone),
    };
    if place.folder.is_some_and(|it| world.is_stale(it)) {
        return Ok(None);
    }
    fits(world, place, node, node.levels)?;
    Ok(into(world, task, item, node, place))
}

/// Copies or moves it.
fn transfer(world: &World, task: &Task<'_>, item: &Item, node: &Node) -> Result<Option<Verdict>, Code> {
    let target = task.target().ok_or(Code::TargetGone)?;
    let moves = task.kind == job::Kind::BulkMove;
    let place = match &item.above {
        None => target,
        Some(above) => Place { folder: Some(above.target.ok_or(Code::TargetGone)?), ..target },
    };
    if place.folder.is_some_and(|it| world.is_stale(it)) {
        return Ok(None);
    }
    if moves && node.place() == place {
        let skipped = Verdict::Skip(Code::Identical);
        return Ok(Some(if item.above.is_some() { Verdict::Along } else { skipped }));
    }
    if let Some(above) = &item.above
        && node.parent != Some(above.leftover.unwrap_or(above.id))
    {
        return Err(Code::Changed);
    }
    if moves {
        takes(world, node)?;
    }
    let stays_whole = moves && node.workcenter == place.workcenter;
    let levels = match node.kind {
        Kind::Document => 0,
        Kind::Folder if stays_whole => node.levels.max(1),
        Kind::Folder => 1,
    };
    fits(world, place, node, levels)?;
    Ok(into(world, task, item, node, place))
}

/// What becomes of it in `place`, by what has its name there.
fn into(world: &World, task: &Task<'_>, item: &Item, node: &Node, place: Place) -> Option<Verdict> {
    let to = if matches!(task.kind, job::Kind::BulkCopy | job::Kind::ImportDocuments) { ids::new() } else { node.id };
    let policy = Policy::named(&item.on_conflict);
    let goes_away = to == node.id && node.purge_at.is_none() && node.workcenter != place.workcenter;
    let leftover = || (goes_away && node.kind == Kind::Folder).then(ids::new);
    let put = |(name, key): (String, String), is_renamed, replaces| {
        Verdict::Put(Put { to, place, name, key, is_renamed, replaces, leftover: leftover() })
    };
    let own = || (node.name.clone(), node.key.clone());
    let holder = match world.find(place, &node.key) {
        Found::Later => return None,
        Found::Free => return Some(put(own(), false, None)),
        Found::Taken(holder) => holder,
    };
    let is_identical = node.digest.is_some() && node.digest == holder.digest && node.id != holder.id;
    let verdict = match policy {
        _ if task.order.skips_identical && is_identical => Verdict::Skip(Code::Identical),
        Policy::Fail => Verdict::Fail(Code::NameConflict),
        Policy::Skip => Verdict::Skip(Code::NameConflict),
        Policy::Rename => match name::free(&node.name, node.kind, |key| world.is_taken(place, key)) {
            Some(name) => put(name, true, None),
            None => Verdict::Fail(Code::NameTooLong),
        },
        _ if holder.kind != node.kind => Verdict::Fail(Code::TypeConflict),
        // Onto itself.
        _ if holder.id == node.id => Verdict::Fail(Code::NameConflict),
        _ if world.is_stale(holder.id) => return None,
        Policy::NewVersion => Verdict::Version { of: holder.id, place, name: node.name.clone() },
        Policy::Replace => put(own(), false, Some(holder.id)),
        Policy::Merge => Verdict::Merge { into: holder.id, place, name: node.name.clone() },
    };
    Some(verdict)
}

/// Notes in `world` what was decided.
fn note(world: &mut World, task: &Task<'_>, node: &Node, verdict: &Verdict) {
    match verdict {
        Verdict::Fail(_) | Verdict::Skip(_) | Verdict::Along | Verdict::Merge { .. } => {}
        Verdict::Delete => world.leave(node, None),
        Verdict::Version { of, .. } => {
            world.touch(*of);
            if task.kind == job::Kind::BulkMove {
                world.leave(node, None);
            }
        }
        Verdict::Put(put) => {
            if let Some(gone) = put.replaces {
                world.touch(gone);
            }
            world.put(node, put.to, put.place, (put.name.clone(), put.key.clone()), put.leftover);
        }
    }
}

/// Where the places of these items are: what has to be known of besides the items.
pub(super) fn places(task: &Task<'_>, items: &[Item]) -> Vec<Uuid> {
    let above = items.iter().filter_map(|it| it.above.as_ref()?.target);
    above.chain(task.target().and_then(|it| it.folder)).collect()
}

/// The names that matter in the places of these items, as far as they are known: each with what the keys of its numbered
/// forms begin with, where it may get one.
pub(super) fn names(world: &World, task: &Task<'_>, items: &[Item]) -> Vec<(Place, String, Option<String>)> {
    let mut names = Vec::new();
    for item in items {
        let Some(node) = world.nodes.get(&item.id) else { continue };
        let place = match (&item.above, task.kind) {
            (_, job::Kind::BulkDelete) => continue,
            (Some(above), _) => {
                task.target().zip(above.target).map(|(it, folder)| Place { folder: Some(folder), ..it })
            }
            (None, job::Kind::BulkRestore) => None,
            (None, _) => task.target(),
        };
        let renames = Policy::named(&item.on_conflict) == Policy::Rename;
        let prefix = renames.then(|| name::prefix(&node.name, node.kind));
        // What is restored goes back, or to where the request says.
        let restored = [Some(node.place()), task.target()].into_iter().filter(|_| task.kind == job::Kind::BulkRestore);
        for place in restored.flatten().chain(place) {
            names.push((place, node.key.clone(), prefix.clone()));
        }
    }
    names
}
