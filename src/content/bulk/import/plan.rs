//! What a job makes of the entries of an archive: its items, and where each document lies.
//!
//! What names and sizes say is checked here, and is refused with the whole or becomes the fault of an item; whether it is true,
//! when it is unpacked.

use std::collections::HashMap;

use uuid::Uuid;

use super::directory::{Entry, Extent, Fault, LOCAL};
use crate::{
    content::{DEPTH_MAX, DOCUMENT_BYTES_MAX, ITEMS_MAX, NAME_MAX, Name, bulk::code::Code},
    ids,
    job::{ItemKind, Order, Planned},
};

/// How many times as many bytes an entry may have as it is packed into, and all of an archive as the archive has: plans and texts have
/// ten, and what is made to fill a disk a thousand.
const RATIO_MAX: u64 = 100;

/// Of as many bytes any ratio is harmless, and blank pages have one that is larger.
const RATIO_FREE_BYTES: u64 = 64 << 10;

/// Bytes of the paths of all items at most: a deep folder is told of again for each one that is in it.
const PATH_BYTES_MAX: usize = 64 << 20;

/// Where the document of an item lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packed {
    /// The item.
    pub item: Uuid,
    /// Where its entry begins.
    pub at: u64,
    /// Bytes that it is packed into.
    pub packed: u64,
    /// Bytes that it has.
    pub bytes: u64,
    pub crc: u32,
    pub is_deflated: bool,
}

/// An item that is no folder, or one that cannot be made.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub packed: Packed,
    /// Why it cannot be had.
    pub fault: Option<Code>,
}

/// What is to be done.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// All items, in order.
    pub items: Vec<Planned>,
    /// Those of them that are no folders, each with its place among them.
    pub leaves: Vec<(usize, Leaf)>,
}

/// Makes a plan, entry by entry.
pub(super) struct Planner<'a> {
    order: &'a Order,
    policies: [&'static str; 2],
    /// How many bytes the archive has, and where its directory begins.
    size: u64,
    directory: u64,
    /// What is planned, and what of it is no folder.
    planned: Vec<(Planned, Option<Leaf>)>,
    folders: HashMap<(Option<Uuid>, String), (Uuid, String)>,
    bytes: u128,
    path_bytes: usize,
}

/// What the name of an entry says.
enum Path {
    /// It has a place, below others.
    Sound { names: Vec<Name>, is_folder: bool },
    /// It has none.
    Faulty(Code),
}

impl<'a> Planner<'a> {
    /// Plans what `order` asks for, of an archive of `size` bytes whose directory is there. `policies` are those for documents and
    /// for folders whose name is taken.
    pub fn new(order: &'a Order, policies: [&'static str; 2], size: u64, directory: &Extent) -> Self {
        Self {
            order,
            policies,
            size,
            directory: directory.start,
            planned: Vec::new(),
            folders: HashMap::new(),
            bytes: 0,
            path_bytes: 0,
        }
    }

    /// Plans what becomes of an entry.
    pub fn add(&mut self, entry: &Entry) -> Result<(), Fault> {
        self.bytes += u128::from(entry.bytes);
        let text = entry.name();
        match text.as_deref().map_or(Path::Faulty(Code::NameInvalid), path) {
            Path::Faulty(code) => {
                let is_folder = text.is_some_and(|it| it.ends_with('/'));
                self.leaf(entry, None, entry.shown(), is_folder, Some(code))
            }
            Path::Sound { names, is_folder: true } => self.folder(&names).map(drop),
            Path::Sound { names, is_folder: false } => {
                let (name, above) = names.split_last().ok_or(Fault::Unreadable)?;
                let above = self.folder(above)?;
                let path = below(above.as_ref(), name.text());
                self.leaf(entry, above.map(|it| it.0), path, false, self.fault(entry))
            }
        }
    }

    /// Why the document of an entry cannot be had, as far as the directory says.
    fn fault(&self, entry: &Entry) -> Option<Code> {
        let end = entry.at.checked_add(LOCAL as u64).and_then(|it| it.checked_add(entry.packed));
        if entry.is_special() {
            Some(Code::SpecialFile)
        } else if entry.is_encrypted() {
            Some(Code::Encrypted)
        } else if entry.is_deflated().is_none() {
            Some(Code::Unsupported)
        } else if DOCUMENT_BYTES_MAX < entry.bytes || is_bomb(entry.bytes, entry.packed) {
            Some(Code::TooLarge)
        } else if end.is_none_or(|it| self.directory < it)
            || entry.is_deflated() == Some(false) && entry.packed != entry.bytes
        {
            Some(Code::Corrupt)
        } else {
            None
        }
    }

    /// Finds the last of these folders, or plans all of them that are not planned yet.
    fn folder(&mut self, names: &[Name]) -> Result<Option<(Uuid, String)>, Fault> {
        let mut above: Option<(Uuid, String)> = None;
        for (depth, name) in (0..).zip(names) {
            let slot = (above.as_ref().map(|it| it.0), name.key());
            if let Some(known) = self.folders.get(&slot) {
                above = Some(known.clone());
                continue;
            }
            let found = (ids::new(), below(above.as_ref(), name.text()));
            self.path_bytes += slot.1.len() + found.1.len();
            let item = self.item(found.0, ItemKind::Folder, (depth, slot.0), found.1.clone(), 0);
            self.plan(item, None)?;
            self.folders.insert(slot, found.clone());
            above = Some(found);
        }
        Ok(above)
    }

    /// Plans something that is no folder, or cannot be made.
    fn leaf(
        &mut self,
        entry: &Entry,
        above: Option<Uuid>,
        path: String,
        is_folder: bool,
        fault: Option<Code>,
    ) -> Result<(), Fault> {
        let depth = if above.is_some() { i64::try_from(path.matches('/').count()).unwrap_or(i64::MAX) } else { 0 };
        let kind = if is_folder { ItemKind::Folder } else { ItemKind::Document };
        // What is no document has no size that means anything.
        let bytes = if fault.is_some() { 0 } else { entry.bytes };
        let packed = Packed {
            item: ids::new(),
            at: if fault.is_some() { 0 } else { entry.at },
            packed: if fault.is_some() { 0 } else { entry.packed },
            bytes,
            crc: entry.crc,
            is_deflated: entry.is_deflated() == Some(true),
        };
        self.path_bytes += path.len();
        let item = self.item(packed.item, kind, (depth, above), path, bytes);
        self.plan(item, Some(Leaf { packed, fault }))
    }

    fn item(
        &self,
        id: Uuid,
        kind: ItemKind,
        (depth, parent): (i64, Option<Uuid>),
        path: String,
        bytes: u64,
    ) -> Planned {
        Planned {
            id,
            kind,
            depth,
            parent,
            workcenter: self.order.target.as_ref().map(|it| it.workcenter),
            path,
            // No more than a document may have.
            bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
            on_conflict: self.policies[usize::from(kind == ItemKind::Folder)],
            etag: String::new(),
            line: 0,
        }
    }

    fn plan(&mut self, item: Planned, leaf: Option<Leaf>) -> Result<(), Fault> {
        if ITEMS_MAX <= self.planned.len() || PATH_BYTES_MAX < self.path_bytes {
            return Err(Fault::TooMany);
        }
        self.planned.push((item, leaf));
        Ok(())
    }

    /// The whole plan: from above to below, folders first.
    pub fn end(self) -> Result<Plan, Fault> {
        if is_bomb(u64::try_from(self.bytes).unwrap_or(u64::MAX), self.size) {
            return Err(Fault::Ratio);
        }
        let mut planned = self.planned;
        unshare(&mut planned);
        planned.sort_by_key(|(item, _)| (item.depth, item.kind != ItemKind::Folder));
        let mut plan = Plan::default();
        for (place, (item, leaf)) in planned.into_iter().enumerate() {
            plan.items.push(item);
            plan.leaves.extend(leaf.map(|it| (place, it)));
        }
        Ok(plan)
    }
}

fn is_bomb(bytes: u64, packed: u64) -> bool {
    RATIO_FREE_BYTES < bytes && packed.saturating_mul(RATIO_MAX) < bytes
}

/// Finds fault with entries that lie on the bytes of others: a few bytes could be unpacked as many documents.
fn unshare(planned: &mut [(Planned, Option<Leaf>)]) {
    let mut leaves: Vec<&mut (Planned, Option<Leaf>)> = planned.iter_mut().collect();
    leaves.retain(|(_, leaf)| leaf.as_ref().is_some_and(|it| it.fault.is_none()));
    leaves.sort_by_key(|(_, leaf)| leaf.as_ref().map(|it| it.packed.at));
    let mut taken = 0;
    for (item, leaf) in leaves {
        let Some(leaf) = leaf else { continue };
        if leaf.packed.at < taken {
            leaf.fault = Some(Code::Corrupt);
            (leaf.packed.bytes, item.bytes) = (0, 0);
        } else {
            taken = leaf.packed.at + LOCAL as u64 + leaf.packed.packed;
        }
    }
}

/// The path of something called `name` in a folder.
fn below(above: Option<&(Uuid, String)>, name: &str) -> String {
    above.map_or_else(|| name.to_owned(), |(_, path)| format!("{path}/{name}"))
}

/// Reads the name of an entry.
fn path(text: &str) -> Path {
    let is_folder = text.ends_with('/');
    // What says nothing of where it is.
    let parts: Vec<&str> = text.split('/').filter(|it| !matches!(*it, "" | ".")).collect();
    if parts.first() == Some(&"__MACOSX") || parts.last() == Some(&".DS_Store") {
        return Path::Faulty(Code::SystemFile);
    }
    let is_disk = |it: &&str| it.len() == 2 && it.ends_with(':') && it.starts_with(|it: char| it.is_ascii_alphabetic());
    if text.starts_with('/') || parts.first().is_none_or(is_disk) {
        return Path::Faulty(Code::NameInvalid);
    }
    if DEPTH_MAX + usize::from(!is_folder) < parts.len() {
        return Path::Faulty(Code::Depth);
    }
    let mut names = Vec::new();
    for part in parts {
        match Name::parse("name", part) {
            Ok(name) => names.push(name),
            Err(_) if NAME_MAX < part.chars().count() => return Path::Faulty(Code::NameTooLong),
            Err(_) => return Path::Faulty(Code::NameInvalid),
        }
    }
    Path::Sound { names, is_folder }
}
