//! What is known of the place where items are and where they go, as far as a batch or a plan needs it.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use uuid::Uuid;

use crate::{access::WorkCenterRole, content::Kind};

/// The initiator in a WorkCenter, and what that is good for.
#[derive(Clone, Debug)]
pub(super) struct Space {
    pub account: Uuid,
    pub role: Option<WorkCenterRole>,
    pub administers: bool,
    /// It is archived, or its account is deactivated.
    pub is_archived: bool,
    pub is_deleted: bool,
}

impl Space {
    /// Whether the initiator sees what is in it.
    pub fn reads(&self) -> bool {
        !self.is_deleted && (self.role.is_some() || self.administers)
    }

    /// Whether they may put things of this `kind` there, or take them away.
    pub fn writes(&self, kind: Kind) -> bool {
        let needed = match kind {
            Kind::Folder => WorkCenterRole::Owner,
            Kind::Document => WorkCenterRole::Contributor,
        };
        !self.is_deleted && self.role >= Some(needed)
    }
}

/// A folder or a document.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub id: Uuid,
    pub kind: Kind,
    pub workcenter: Uuid,
    pub parent: Option<Uuid>,
    pub name: String,
    pub key: String,
    /// The names of the folders it is in and its own.
    pub path: String,
    pub bytes: i64,
    /// What the bytes of its newest version are; none for folders.
    pub digest: Option<Vec<u8>>,
    /// How often it has changed.
    pub revision: i64,
    /// When it goes for good: what has that is deleted itself.
    pub purge_at: Option<Timestamp>,
    /// Whether a folder that it is in is deleted.
    pub is_below_deleted: bool,
    /// The folders it is in, the nearest first.
    pub above: Vec<Uuid>,
    /// How many folders are in each other here, itself counted; only where that was asked for.
    pub levels: usize,
    /// Whether there is something in it; only where that was asked for.
    pub is_filled: bool,
}

impl Node {
    /// Whether it can be seen.
    pub fn is_there(&self) -> bool {
        self.purge_at.is_none() && !self.is_below_deleted
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        Place { workcenter: self.workcenter, folder: self.parent }
    }
}

/// The top of a WorkCenter, or a folder in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub workcenter: Uuid,
    pub folder: Option<Uuid>,
}

/// A name in a place.
pub(super) type Slot = (Place, String);

/// What has a name in a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub id: Uuid,
    pub kind: Kind,
    /// What the bytes of its newest version are; none for folders.
    pub digest: Option<Vec<u8>>,
}

/// What was read, and what has been decided to be done to it since.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub spaces: HashMap<Uuid, Space>,
    pub nodes: HashMap<Uuid, Node>,
    taken: HashMap<Slot, Holder>,
    /// What was moved, deleted, restored or changed since it was read, and what was made.
    touched: HashSet<Uuid>,
    /// Names that have come free since.
    vacated: HashSet<Slot>,
}

/// Who has a name in a place.
pub(super) enum Found {
    /// Nobody.
    Free,
    /// This one.
    Taken(Holder),
    /// That is seen only when what was decided has been done.
    Later,
}

impl World {
    /// Adds what has names in places.
    pub fn hold(&mut self, holders: impl IntoIterator<Item = (Slot, Holder)>) {
        for (slot, holder) in holders {
            if !self.vacated.contains(&slot) {
                self.taken.entry(slot).or_insert(holder);
            }
        }
    }

    /// Who has the name `key` in `place`.
    pub fn find(&self, place: Place, key: &str) -> Found {
        let slot = (place, key.to_owned());
        match self.taken.get(&slot) {
            Some(holder) => Found::Taken(holder.clone()),
            None if self.vacated.contains(&slot) => Found::Later,
            None => Found::Free,
        }
    }

    /// Whether a name may be given in `place`: what has come free since may not.
    pub fn is_taken(&self, place: Place, key: &str) -> bool {
        !matches!(self.find(place, key), Found::Free)
    }

    /// Whether what is known of `id`, or of a folder that it is in, is not what it will be.
    pub fn is_stale(&self, id: Uuid) -> bool {
        let above = self.nodes.get(&id).map_or(&[] as &[Uuid], |it| &it.above);
        self.touched.contains(&id) || above.iter().any(|it| self.touched.contains(it))
    }

    /// Puts `node` into `place` as `name`, from wherever it was; `is_new` when it was nowhere.
    pub fn put(&mut self, node: &Node, id: Uuid, place: Place, (name, key): (String, String), leftover: Option<Uuid>) {
        let is_new = id != node.id;
        if !is_new && node.purge_at.is_none() {
            self.leave(node, leftover);
        }
        self.touched.insert(id);
        let above = place.folder.map(|folder| {
            let further = self.nodes.get(&folder).map(|it| it.above.clone()).unwrap_or_default();
            [vec![folder], further].concat()
        });
        let moved = Node {
            id,
            workcenter: place.workcenter,
            parent: place.folder,
            name,
            key: key.clone(),
            purge_at: None,
            is_below_deleted: false,
            above: above.unwrap_or_default(),
            ..node.clone()
        };
        self.nodes.insert(id, moved);
        self.taken.insert((place, key), Holder { id, kind: node.kind, digest: node.digest.clone() });
    }

    /// Takes `node` away from where it is. `leftover` has its name from now on.
    pub fn leave(&mut self, node: &Node, leftover: Option<Uuid>) {
        let slot = (node.place(), node.key.clone());
        self.touched.insert(node.id);
        match leftover {
            Some(id) => {
                self.touched.insert(id);
                self.taken.insert(slot, Holder { id, kind: node.kind, digest: None });
            }
            None => {
                self.taken.remove(&slot);
                self.vacated.insert(slot);
            }
        }
    }

    /// Marks something as changed.
    pub fn touch(&mut self, id: Uuid) {
        self.touched.insert(id);
    }

    /// Takes all that was decided for done, as it is before the next batch.
    pub fn settle(&mut self) {
        self.touched.clear();
        self.vacated.clear();
    }
}
