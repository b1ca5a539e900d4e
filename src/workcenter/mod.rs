//! WorkCenters: the project spaces, who shares them, and what becomes of those that are done.

mod archive;
mod collaborator;
mod content;
mod filing;
mod own;
mod provision;
mod purge;
mod service;
mod store;
mod template;
mod wire;

use jiff::Timestamp;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

pub use collaborator::{ADDED, Arrival, LEFT, REMOVED, Tie, add, add_all, announce, remove_all};
pub use content::{fill, rearrange};
pub use filing::file;
pub use provision::{New, abandon, abandon_lost, fill_by, open, provision, seat};
pub use purge::purge;
pub use service::Service;
pub use store::{closed, zone};
pub use template::mark_as_template;
pub use wire::read_role;

use crate::{
    access::WorkCenterRole,
    error::{Error, Reason, Result, Violation, Violations},
    mask, profile,
};

/// Characters of a name at most: one line of a mail's subject, and what the table checks.
pub const NAME_MAX: usize = 200;

/// Characters of a category at most: two words beside a name, and what the table checks.
pub const CATEGORY_MAX: usize = 100;

/// The paths that a mask may name.
const PATHS: [&str; 3] = ["name", "category", "time_zone"];

/// What a WorkCenter is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Everything.
    Active,
    /// Being read and left.
    Archived,
    /// Nothing, and for administrators alone to see, until it is purged.
    Deleted,
    /// Being read by whoever has it made, until the job is done that makes it.
    Provisioning,
}

impl State {
    /// All of them.
    const ALL: [Self; 4] = [Self::Active, Self::Archived, Self::Deleted, Self::Provisioning];

    /// As statements have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Archived => "ARCHIVED",
            Self::Deleted => "DELETED",
            Self::Provisioning => "PROVISIONING",
        }
    }
}

/// A project space, as one person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkCenter {
    /// Its id, which is also the id of its log.
    pub id: Uuid,
    /// Whose it is.
    pub account: Uuid,
    /// What people call it.
    pub name: String,
    /// What it is filed under; may be empty.
    pub category: String,
    /// The zone that dates in it are meant in, by its IANA name; empty for the account's.
    pub time_zone: String,
    /// What the person is in it; `None` for an administrator who does not collaborate.
    pub role: Option<WorkCenterRole>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Grows with every change.
    pub revision: i64,
    /// Since when it is archived.
    pub archived_at: Option<Timestamp>,
    /// When it is purged: what has that is deleted.
    pub purge_at: Option<Timestamp>,
    /// Whether others may be made like it.
    pub is_template: bool,
    /// How often it has been marked as a template.
    pub template_version: i64,
    /// The job that makes it, until that is done; one that was given up keeps it.
    pub made_by: Option<Uuid>,
}

impl WorkCenter {
    /// What it is good for.
    pub fn state(&self) -> State {
        match self {
            Self { purge_at: Some(_), .. } => State::Deleted,
            Self { made_by: Some(_), .. } => State::Provisioning,
            Self { archived_at: Some(_), .. } => State::Archived,
            _ => State::Active,
        }
    }

    /// Lets those through that may be changed.
    fn active(self) -> Result<Self> {
        match self.state() {
            State::Active => Ok(self),
            State::Archived => Err(Error::Refused(Reason::WorkcenterArchived)),
            State::Deleted => Err(Error::Refused(Reason::WorkcenterDeleted)),
            State::Provisioning => Err(Error::Refused(Reason::WorkcenterProvisioning)),
        }
    }

    fn etag(&self) -> String {
        format!("\"{}\"", self.revision)
    }
}

/// What somebody wants to change; `None` for what they leave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Change {
    name: Option<String>,
    category: Option<String>,
    time_zone: Option<String>,
}

impl Change {
    /// Reads the change from what was sent, in the order of [`PATHS`], and the paths of its mask; notes all that is wrong with
    /// both.
    ///
    /// No path stands for every field that is not empty, `*` for every field.
    fn checked(sent: [&str; 3], paths: &[String], violations: &mut Violations) -> Self {
        let is_set = |field: &str| PATHS.iter().zip(sent).any(|(path, text)| *path == field && !text.is_empty());
        let [sent_name, sent_category, sent_zone] = sent;
        let fields = mask::fields(paths, &PATHS, is_set, violations);
        let mut change = Self::default();
        if fields.contains(&"name") {
            change.name = violations.take(name("workcenter.name", sent_name));
        }
        if fields.contains(&"category") {
            change.category = violations.take(category("workcenter.category", sent_category));
        }
        if fields.contains(&"time_zone") {
            change.time_zone = violations.take(profile::time_zone("workcenter.time_zone", sent_zone));
        }
        change
    }

    /// What `space` becomes.
    fn onto(self, space: WorkCenter) -> WorkCenter {
        let Self { name, category, time_zone } = self;
        WorkCenter {
            name: name.unwrap_or(space.name),
            category: category.unwrap_or(space.category),
            time_zone: time_zone.unwrap_or(space.time_zone),
            ..space
        }
    }
}

/// A person in a WorkCenter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collaborator {
    /// The person.
    pub user: Uuid,
    /// As the profile has it; empty when unset.
    pub first_name: String,
    /// As the profile has it; empty when unset.
    pub last_name: String,
    /// What they are in it.
    pub role: WorkCenterRole,
    /// When they came.
    pub created_at: Timestamp,
}

/// A place in a WorkCenter, for somebody to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The WorkCenter.
    pub workcenter: Uuid,
    /// As what.
    pub role: WorkCenterRole,
}

/// Reads the name of a WorkCenter in `field` of a request: trimmed, and composed as Unicode's NFC has it.
///
/// # Errors
///
/// The violation to report: nothing left, more than [`NAME_MAX`] characters, or any that control the text.
pub fn name(field: &str, text: &str) -> Result<String, Violation> {
    let name = line(field, text, NAME_MAX)?;
    if name.is_empty() { Err(Violation::new(field, "is required")) } else { Ok(name) }
}

/// Reads what a WorkCenter is filed under, as [`name`] does; it may be nothing.
///
/// # Errors
///
/// The violation to report: more than [`CATEGORY_MAX`] characters, or any that control the text.
pub fn category(field: &str, text: &str) -> Result<String, Violation> {
    line(field, text, CATEGORY_MAX)
}

fn line(field: &str, text: &str, most: usize) -> Result<String, Violation> {
    let line: String = text.trim().nfc().collect();
    if most < line.chars().count() {
        return Err(Violation::new(field, format!("must have at most {most} characters")));
    }
    if line.chars().any(controls) {
        return Err(Violation::new(field, "must not have control characters"));
    }
    Ok(line)
}

/// Whether a character is no text but changes what follows: line ends would forge a mail's headers, and Unicode's
/// overrides of direction make a name read as another.
pub fn controls(it: char) -> bool {
    it.is_control() || matches!(it, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_one_to_two_hundred_characters() {
        assert_eq!(name("name", "  Cafe\u{301} plans ").as_deref(), Ok("Caf\u{e9} plans"));
        assert!(name("name", &"n".repeat(NAME_MAX)).is_ok());
        for refused in ["", " \t ", "two\nlines", "txt.\u{202e}exe", &"n".repeat(NAME_MAX + 1)] {
            assert_eq!(name("name", refused).unwrap_err().field, "name", "{refused:?}");
        }
    }

    #[test]
    fn a_category_may_be_nothing_and_has_a_hundred_characters_at_most() {
        assert_eq!(category("category", " Harbour ").as_deref(), Ok("Harbour"));
        assert_eq!(category("category", "").as_deref(), Ok(""));
        assert!(category("category", &"c".repeat(CATEGORY_MAX)).is_ok());
        assert!(category("category", &"c".repeat(CATEGORY_MAX + 1)).is_err());
    }

    #[test]
    fn a_change_has_what_its_mask_names_and_without_one_what_was_sent() {
        let change = |paths: &[&str]| {
            let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
            let mut violations = Violations::default();
            let change = Change::checked(["Plans", "", "europe/zurich"], &paths, &mut violations);
            violations.none().map(|()| change)
        };
        let zone = Some("Europe/Zurich".to_owned());
        let both = Change { name: Some("Plans".to_owned()), category: Some(String::new()), ..Change::default() };
        assert_eq!(change(&["category", "name"]).unwrap(), both);
        assert_eq!(change(&["*"]).unwrap(), Change { time_zone: zone.clone(), ..both.clone() });
        assert_eq!(change(&[]).unwrap(), Change { category: None, time_zone: zone, ..both });
        assert_eq!(change(&["name", "state"]).unwrap_err().reason(), Reason::MaskPathUnknown);
    }
}
