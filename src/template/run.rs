//! What is asked for when a template is copied.

use uuid::Uuid;

use super::cast::Cast;
use crate::job::ItemKind;

/// What becomes of things that were copied before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// They stay as they are.
    AddMissing,
    /// They become what they are in the template, unless somebody has changed them.
    #[default]
    UpdateUnmodified,
    /// Nothing is done at all.
    ReportOnly,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::AddMissing, Self::UpdateUnmodified, Self::ReportOnly];

    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AddMissing => "ADD_MISSING",
            Self::UpdateUnmodified => "UPDATE_UNMODIFIED",
            Self::ReportOnly => "REPORT_ONLY",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// What all items of a job that copies a template have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    /// The template.
    pub template: Uuid,
    /// What of it is copied.
    pub what: Vec<ItemKind>,
    pub mode: Mode,
    /// Whether documents whose name is taken by others become versions of these.
    pub new_versions: bool,
    /// Whether the WorkCenter is made for it.
    pub creates: bool,
    /// Who stands for whom tasks name.
    pub cast: Cast,
    pub timing: Timing,
}

/// Where the dates of tasks come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Timing {
    /// `START`, `DUE`, `NONE` or `KEEP`.
    pub anchor: String,
    /// The date of `START` and `DUE`.
    pub date: String,
    /// Days of the week on which people work; none where all days are counted.
    pub working: Option<i64>,
    /// Dates on which they do not.
    pub holidays: Vec<String>,
    /// Whether nothing is copied where dates would be lost.
    pub is_strict: bool,
}

impl Default for Timing {
    fn default() -> Self {
        Self { anchor: "KEEP".to_owned(), date: String::new(), working: None, holidays: Vec::new(), is_strict: false }
    }
}

/// A thing of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Thing {
    pub id: Uuid,
    pub kind: ItemKind,
    /// Things of a smaller one are done before.
    pub depth: i64,
    /// What is ordered by where depths are the same.
    pub sort: String,
    /// The folder it is in, or what it is about.
    pub parent: Option<Uuid>,
    /// What it is called.
    pub path: String,
    pub bytes: i64,
}

impl Thing {
    /// By which a list goes on after it.
    pub fn key(&self) -> String {
        format!("{} {} {}", self.depth, self.id, self.sort)
    }
}

/// Reads what [`Thing::key`] wrote.
pub(super) fn after(key: &str) -> Option<(i64, String, Uuid)> {
    let mut parts = key.splitn(3, ' ');
    let (depth, id) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some((depth, parts.next()?.to_owned(), id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        assert!(Mode::ALL.into_iter().all(|it| Mode::named(it.name()) == Some(it)));
        let id = Uuid::max();
        let sort = "plans/a door".to_owned();
        let thing = Thing {
            id,
            kind: ItemKind::Task,
            depth: 7,
            sort: sort.clone(),
            parent: None,
            path: String::new(),
            bytes: 0,
        };
        assert_eq!(after(&thing.key()), Some((7, sort, id)));
    }
}
