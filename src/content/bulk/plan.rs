//! Planning bulk jobs: one walk down from what was named, what would become of each item, and what is refused at once.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    ITEMS_MAX, apply,
    decide::{self, Task},
    policy::Policy,
    run, store,
    world::{Node, World},
};
use crate::{
    content::Kind,
    db::GenericClient,
    error::{self, Error, Reason, Result, Violations},
    job::{self, Above, Item, ItemKind, ItemState, Order, Outcome, Planned},
};

/// Something that was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Root {
    /// The folder or document.
    pub id: Uuid,
    /// Which of both.
    pub kind: Kind,
    /// What happens to documents whose name is taken.
    pub on_conflict: Policy,
    /// What happens to folders whose name is taken.
    pub on_folder_conflict: Policy,
    /// What it has to be; empty for whatever it is.
    pub etag: String,
}

/// What of folders is done with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// Nothing that is in them.
    pub excludes_children: bool,
    /// No documents.
    pub structure_only: bool,
    /// Of documents those whose names match this pattern of the database; all when there is none.
    pub pattern: Option<String>,
}

impl Root {
    fn policy(&self, kind: Kind) -> Policy {
        if kind == Kind::Folder { self.on_folder_conflict } else { self.on_conflict }
    }
}

/// What a job would have to do.
pub(super) struct Plan {
    pub items: Vec<Planned>,
    /// Whose it would be.
    pub account: Uuid,
    /// The names of the folders down to where things go, with slashes between.
    pub target_path: String,
    /// What is known of the items that were named.
    world: World,
    /// What is in what was named.
    below: HashMap<Uuid, Node>,
}

/// Plans a job of `person` over `roots`.
///
/// # Errors
///
/// [`Error::Invalid`] when one of them is in another, or is to go into itself, [`Error::NotFound`] when there is no place for
/// them to go to, or nothing of them can be seen, [`Error::Refused`] for an archived place and for too many items.
pub(super) async fn plan(
    on: &impl GenericClient,
    kind: job::Kind,
    person: Uuid,
    order: &Order,
    (roots, extent): (&[Root], &Extent),
    now: Timestamp,
) -> Result<Plan> {
    let mut world = World::default();
    let nobody = Task { kind, account: Uuid::nil(), order, now };
    let named: Vec<Item> = roots.iter().map(|it| bare(it.id, it.kind)).collect();
    run::look(on, &mut world, &nobody, person, &named, false).await?;
    let account = account(&world, &nobody, roots)?;
    let task = Task { account, ..nobody };
    nested(&world, &task, roots)?;
    let target_path = target(&world, &task)?;

    let sees = |root: &Root| {
        let node = world.nodes.get(&root.id).filter(|it| it.kind == root.kind)?;
        let space = world.spaces.get(&node.workcenter)?;
        let is_meant = if kind == job::Kind::BulkRestore { node.purge_at.is_some() } else { node.is_there() };
        (space.reads() && is_meant).then_some(node)
    };
    let mut items: Vec<Planned> = roots.iter().map(|root| first(root, sees(root))).collect();
    // What is done item by item, and not at once with the folder that it is in.
    let expands = |root: &&Root| match kind {
        job::Kind::BulkCopy => !extent.excludes_children,
        job::Kind::BulkMove => {
            let leaves = sees(root).is_some_and(|it| Some(it.workcenter) != task.target().map(|it| it.workcenter));
            leaves || root.on_folder_conflict == Policy::Merge
        }
        _ => false,
    };
    let begin = roots.iter().filter(|it| it.kind == Kind::Folder).filter(expands);
    let begin: Vec<(&Root, String)> = begin.filter_map(|it| Some((it, sees(it)?.path.clone()))).collect();
    let below = walk(on, &begin, order, extent, &mut items).await?;
    if ITEMS_MAX < items.len() {
        return Err(Error::Refused(Reason::TooManyItems));
    }
    Ok(Plan { items, account, target_path, world, below })
}

/// Adds to `items` all that is in these, and returns it.
async fn walk(
    on: &impl GenericClient,
    begin: &[(&Root, String)],
    order: &Order,
    extent: &Extent,
    items: &mut Vec<Planned>,
) -> Result<HashMap<Uuid, Node>> {
    let mut below = HashMap::new();
    if begin.is_empty() {
        return Ok(below);
    }
    let most = i64::try_from(ITEMS_MAX - items.len() + 1).map_err(Error::internal)?;
    let roots: Vec<(Uuid, &str)> = begin.iter().map(|(root, path)| (root.id, path.as_str())).collect();
    for it in store::walk(on, &roots, most, order.includes_versions, extent).await? {
        items.push(Planned {
            id: it.node.id,
            kind: item_kind(it.node.kind),
            depth: it.depth,
            parent: it.node.parent,
            workcenter: Some(it.node.workcenter),
            path: it.node.path.clone(),
            bytes: it.node.bytes,
            on_conflict: begin[it.root].0.policy(it.node.kind).name(),
            etag: String::new(),
            line: 0,
        });
        below.insert(it.node.id, it.node);
    }
    Ok(below)
}

impl Plan {
    /// What would become of each item now.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn outcomes(self, on: &impl GenericClient, task: &Task<'_>) -> Result<Vec<Outcome>> {
        let Self { items, mut world, below, .. } = self;
        world.nodes.extend(below);
        let mut outcomes: HashMap<Uuid, Outcome> = HashMap::new();
        let mut all = Vec::with_capacity(items.len());
        for level in items.chunk_by(|one, other| one.depth == other.depth) {
            let due: Vec<Item> = level.iter().map(|it| due(it, &outcomes)).collect();
            // Only folders that are there already have something in them.
            if level.iter().all(|it| it.depth > 0) {
                let holders = store::holders(on, &decide::names(&world, task, &due)).await?;
                world.hold(holders);
            }
            let mut rest = due.as_slice();
            while !rest.is_empty() {
                let decided = decide::decide(&mut world, task, rest);
                for (item, (_, verdict)) in rest.iter().zip(&decided) {
                    let outcome = apply::outcome(&world, task, item, verdict);
                    outcomes.insert(item.id, outcome.clone());
                    all.push(outcome);
                }
                rest = &rest[decided.len()..];
                world.settle();
            }
        }
        Ok(all)
    }
}

/// An item as it comes up when what it is in has become that.
fn due(item: &Planned, outcomes: &HashMap<Uuid, Outcome>) -> Item {
    let above = item.parent.and_then(|id| outcomes.get(&id)).map(|it| Above {
        id: it.item,
        state: it.state,
        code: it.code.clone().into_owned(),
        target: it.target,
        target_path: it.target_path.clone(),
        // What was planned is still where it was.
        leftover: None,
    });
    Item {
        id: item.id,
        kind: item.kind,
        above,
        path: item.path.clone(),
        bytes: item.bytes,
        on_conflict: item.on_conflict.to_owned(),
        etag: item.etag.clone(),
    }
}

fn bare(id: Uuid, kind: Kind) -> Item {
    let (path, on_conflict) = (String::new(), Policy::Rename.name().to_owned());
    Item { id, kind: item_kind(kind), above: None, path, bytes: 0, on_conflict, etag: String::new() }
}

fn item_kind(kind: Kind) -> ItemKind {
    if kind == Kind::Folder { ItemKind::Folder } else { ItemKind::Document }
}

/// The item of something that was named. What cannot be seen has no path.
fn first(root: &Root, node: Option<&Node>) -> Planned {
    Planned {
        id: root.id,
        kind: item_kind(root.kind),
        depth: 0,
        parent: None,
        workcenter: node.map(|it| it.workcenter),
        path: node.map(|it| it.path.clone()).unwrap_or_default(),
        bytes: node.map_or(0, |it| it.bytes),
        on_conflict: root.policy(root.kind).name(),
        etag: root.etag.clone(),
        line: 0,
    }
}

/// Whose the job is: that of where things go, or of the first thing that can be seen.
fn account(world: &World, task: &Task<'_>, roots: &[Root]) -> Result<Uuid> {
    if let Some(target) = task.target() {
        let space = world.spaces.get(&target.workcenter).filter(|it| it.reads());
        let missing = || Error::NotFound(error::Kind::WorkCenter, target.workcenter.to_string());
        return Ok(space.ok_or_else(missing)?.account);
    }
    let seen = |root: &Root| {
        let node = world.nodes.get(&root.id).filter(|it| it.kind == root.kind)?;
        Some(world.spaces.get(&node.workcenter).filter(|it| it.reads())?.account)
    };
    let first = roots.first().map(|it| it.kind.missing(it.id));
    roots
        .iter()
        .find_map(seen)
        .ok_or_else(|| first.unwrap_or_else(|| Error::internal("a job over nothing was planned")))
}

/// Refuses what is in something else that was named, and what would go into itself.
fn nested(world: &World, task: &Task<'_>, roots: &[Root]) -> Result<()> {
    let mut violations = Violations::default();
    let above = |id: &Uuid| world.nodes.get(id).map_or(&[] as &[Uuid], |it| &it.above);
    let target = task.target().and_then(|it| it.folder).filter(|_| task.kind != job::Kind::BulkRestore);
    let named: HashSet<Uuid> = roots.iter().map(|it| it.id).collect();
    for (index, root) in roots.iter().enumerate() {
        let seen =
            world.nodes.get(&root.id).and_then(|it| world.spaces.get(&it.workcenter)).is_some_and(|it| it.reads());
        if seen && above(&root.id).iter().any(|it| named.contains(it)) {
            violations.add(format!("items[{index}]"), "must not be in another one of them");
        }
        if seen && target.is_some_and(|it| it == root.id || above(&it).contains(&root.id)) {
            violations.add(format!("items[{index}]"), "must not go into itself");
        }
    }
    violations.none()
}

/// The names of the folders down to where things go; refuses a place that is not there, or is archived.
fn target(world: &World, task: &Task<'_>) -> Result<String> {
    let Some(target) = task.target() else { return Ok(String::new()) };
    if world.spaces.get(&target.workcenter).is_some_and(|it| it.is_archived) {
        return Err(Error::Refused(Reason::WorkcenterArchived));
    }
    let Some(folder) = target.folder else { return Ok(String::new()) };
    let node = world.nodes.get(&folder).filter(|it| it.is_there() && it.kind == Kind::Folder);
    let node = node.filter(|it| it.workcenter == target.workcenter);
    Ok(node.ok_or_else(|| Kind::Folder.missing(folder))?.path.clone())
}

/// How many of these would end in each way: done, skipped, failed, and done with something to say.
pub(super) fn counts(outcomes: &[Outcome]) -> [i64; 4] {
    let count =
        |is: &dyn Fn(&Outcome) -> bool| i64::try_from(outcomes.iter().filter(|it| is(it)).count()).unwrap_or(i64::MAX);
    [
        count(&|it| it.state == ItemState::Done),
        count(&|it| it.state == ItemState::Skipped),
        count(&|it| it.state == ItemState::Failed),
        count(&|it| it.state == ItemState::Done && !it.code.is_empty()),
    ]
}
