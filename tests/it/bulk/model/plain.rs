//! What jobs do, done plainly: to a map in memory, one item after the other.

use std::collections::BTreeMap;

use uuid::Uuid;
use workcenter::pb::OnConflict;

/// A folder or a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub id: Uuid,
    pub space: Uuid,
    pub parent: Option<Uuid>,
    pub name: String,
    pub is_folder: bool,
    pub is_deleted: bool,
    pub labels: Vec<String>,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Deed {
    pub kind: &'static str,
    pub roots: Vec<Uuid>,
    pub space: Uuid,
    pub folder: Option<Uuid>,
    pub on_conflict: OnConflict,
    pub on_folder_conflict: OnConflict,
    /// Of what is copied; also whether deleting is recursive, and whether restoring has another place.
    pub all_versions: bool,
}

/// Everything there is.
#[derive(Clone, Debug)]
pub struct Model(pub BTreeMap<Uuid, Node>);

/// What became of an item.
#[derive(Clone, Debug)]
struct End {
    state: &'static str,
    code: &'static str,
    target: Option<Uuid>,
    leftover: Option<Uuid>,
}

type Place = (Uuid, Option<Uuid>);

fn fails(code: &'static str) -> End {
    End { state: "FAILED", code, target: None, leftover: None }
}

impl Model {
    pub fn above(&self, id: Uuid) -> Vec<Uuid> {
        let mut above = Vec::new();
        let mut at = self.0.get(&id).and_then(|it| it.parent);
        while let Some(id) = at {
            above.push(id);
            at = self.0[&id].parent;
        }
        above
    }

    pub fn is_there(&self, id: Uuid) -> bool {
        let there = |it: &Uuid| self.0.get(it).is_some_and(|it| !it.is_deleted);
        there(&id) && self.above(id).iter().all(there)
    }

    /// What can be seen, each with its path and the labels of its versions.
    pub fn lines(&self) -> Vec<String> {
        let line = |it: &Node| {
            let above: String = self.above(it.id).iter().rev().map(|id| format!("{}/", self.0[id].name)).collect();
            format!("{} {above}{} {:?}", it.space, it.name, it.labels)
        };
        let mut lines: Vec<_> = self.0.values().filter(|it| self.is_there(it.id)).map(line).collect();
        lines.sort_unstable();
        lines
    }

    fn within(&self, id: Uuid) -> Vec<Uuid> {
        self.0.values().filter(|it| it.parent == Some(id)).map(|it| it.id).collect()
    }

    fn holder(&self, (space, folder): Place, name: &str) -> Option<Uuid> {
        let is = |it: &&Node| {
            !it.is_deleted && it.space == space && it.parent == folder && it.name.to_lowercase() == name.to_lowercase()
        };
        self.0.values().find(is).map(|it| it.id)
    }

    /// Does all of it, and returns what became of each item.
    pub fn after(&mut self, deed: &Deed) -> BTreeMap<Uuid, (String, String)> {
        let mut ends: BTreeMap<Uuid, End> = BTreeMap::new();
        let mut leftovers = Vec::new();
        for (id, parent) in self.plan(deed) {
            let above = parent.map(|it| (it, ends[&it].clone()));
            let end = self.one(deed, id, above);
            leftovers.extend(end.leftover);
            ends.insert(id, end);
        }
        for id in leftovers.into_iter().rev() {
            let within = self.within(id);
            if within.iter().all(|it| self.0[it].is_deleted) {
                // What was in the way before is deleted with it, and what was made for the job is gone.
                if within.is_empty() && !ends.contains_key(&id) {
                    self.0.remove(&id);
                } else if let Some(node) = self.0.get_mut(&id) {
                    node.is_deleted = true;
                }
            }
        }
        ends.into_iter().map(|(id, end)| (id, (end.state.to_owned(), end.code.to_owned()))).collect()
    }

    /// The items in order, each with the one that it is in.
    fn plan(&self, deed: &Deed) -> Vec<(Uuid, Option<Uuid>)> {
        let mut all: Vec<_> = deed.roots.iter().map(|it| (*it, None)).collect();
        let expands = |it: &Uuid| match deed.kind {
            "COPY" => true,
            "MOVE" => self.0[it].space != deed.space || deed.on_folder_conflict == OnConflict::Merge,
            _ => false,
        };
        let mut level: Vec<(usize, Uuid)> =
            deed.roots.iter().copied().enumerate().filter(|(_, it)| expands(it)).collect();
        while !level.is_empty() {
            let mut next: Vec<(usize, Uuid)> = Vec::new();
            for (root, id) in level {
                let live = self.within(id).into_iter().filter(|it| !self.0[it].is_deleted);
                next.extend(live.map(|it| (root, it)));
            }
            next.sort_by_key(|(root, id)| {
                let it = &self.0[id];
                (*root, it.parent, !it.is_folder, it.name.to_lowercase(), *id)
            });
            all.extend(next.iter().map(|(_, id)| (*id, self.0[id].parent)));
            level = next;
        }
        all
    }

    fn one(&mut self, deed: &Deed, id: Uuid, above: Option<(Uuid, End)>) -> End {
        if let Some((_, end)) = &above
            && end.state != "DONE"
        {
            return End { target: None, leftover: None, ..end.clone() };
        }
        let restores = deed.kind == "RESTORE";
        let Some(node) = self.0.get(&id).cloned() else { return fails("NOT_FOUND") };
        if if restores { !node.is_deleted } else { !self.is_there(id) } {
            return fails("NOT_FOUND");
        }
        let done = End { state: "DONE", code: "", target: Some(id), leftover: None };
        match deed.kind {
            "DELETE" => {
                if self.within(id).iter().any(|it| !self.0[it].is_deleted) && !deed.all_versions {
                    return fails("NOT_EMPTY");
                }
                self.0.get_mut(&id).unwrap().is_deleted = true;
                done
            }
            "RESTORE" => {
                let old = (node.space, node.parent);
                let place = if node.parent.is_none_or(|it| self.is_there(it)) {
                    old
                } else if deed.all_versions && deed.space == node.space {
                    (deed.space, deed.folder)
                } else {
                    return fails("TARGET_GONE");
                };
                self.put(deed, &node, place)
            }
            kind => {
                let place = (deed.space, above.as_ref().map_or(deed.folder, |(_, end)| end.target));
                if kind == "MOVE" && (node.space, node.parent) == place {
                    let identical = End { state: "SKIPPED", code: "IDENTICAL", ..done.clone() };
                    return if above.is_some() { done } else { identical };
                }
                if let Some((of, end)) = &above
                    && node.parent != Some(end.leftover.unwrap_or(*of))
                {
                    return fails("CHANGED");
                }
                if place.1.is_some_and(|it| it == id || self.above(it).contains(&id)) {
                    return fails("CYCLE");
                }
                self.put(deed, &node, place)
            }
        }
    }

    /// Puts something where its name may be taken.
    fn put(&mut self, deed: &Deed, node: &Node, place: Place) -> End {
        let policy = if node.is_folder { deed.on_folder_conflict } else { deed.on_conflict };
        let Some(holder) = self.holder(place, &node.name) else {
            return self.set(deed, node, place, node.name.clone());
        };
        let skipped = End { state: "SKIPPED", code: "NAME_CONFLICT", target: None, leftover: None };
        match policy {
            OnConflict::Fail => fails("NAME_CONFLICT"),
            OnConflict::Skip => skipped,
            OnConflict::Rename => {
                let (stem, ending) = match node.name.rsplit_once('.') {
                    Some((stem, ending)) if !node.is_folder => (stem, format!(".{ending}")),
                    _ => (node.name.as_str(), String::new()),
                };
                let mut names = (2..).map(|it| format!("{stem} ({it}){ending}"));
                let name = names.find(|it| self.holder(place, it).is_none()).unwrap();
                End { code: "RENAMED", ..self.set(deed, node, place, name) }
            }
            _ if self.0[&holder].is_folder != node.is_folder => fails("TYPE_CONFLICT"),
            _ if holder == node.id => fails("NAME_CONFLICT"),
            OnConflict::Replace => {
                self.0.get_mut(&holder).unwrap().is_deleted = true;
                self.set(deed, node, place, node.name.clone())
            }
            OnConflict::NewVersion => {
                let labels = self.labels(deed, node);
                self.0.get_mut(&holder).unwrap().labels.extend(labels);
                if deed.kind == "MOVE" {
                    self.0.get_mut(&node.id).unwrap().is_deleted = true;
                }
                End { state: "DONE", code: "", target: Some(holder), leftover: None }
            }
            _ => {
                let leftover = (deed.kind == "MOVE").then_some(node.id);
                End { state: "DONE", code: "", target: Some(holder), leftover }
            }
        }
    }

    fn labels(&self, deed: &Deed, node: &Node) -> Vec<String> {
        let newest = node.labels.last().cloned().into_iter().collect();
        if deed.kind == "MOVE" || deed.all_versions { node.labels.clone() } else { newest }
    }

    fn set(&mut self, deed: &Deed, node: &Node, place: Place, name: String) -> End {
        let is_new = deed.kind == "COPY";
        let id = if is_new { Uuid::now_v7() } else { node.id };
        let labels = if deed.kind == "RESTORE" { node.labels.clone() } else { self.labels(deed, node) };
        let mut leftover = None;
        if deed.kind == "MOVE" && node.is_folder && node.space != place.0 {
            let left = Uuid::now_v7();
            for within in self.within(node.id) {
                self.0.get_mut(&within).unwrap().parent = Some(left);
            }
            self.0.insert(left, Node { id: left, ..node.clone() });
            leftover = Some(left);
        }
        let (space, parent) = place;
        self.0.insert(id, Node { id, space, parent, name, is_deleted: false, labels, ..node.clone() });
        End { state: "DONE", code: "", target: Some(id), leftover }
    }
}
