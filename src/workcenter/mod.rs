//! WorkCenters: the project spaces, and who shares them.

mod collaborator;
mod service;
mod store;

use jiff::Timestamp;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

pub use collaborator::{ADDED, LEFT, REMOVED, add, add_all, announce, remove_all};
pub use service::{Service, read_role};

use crate::{access::WorkCenterRole, error::Violation};

/// Characters of a name at most: one line of a mail's subject, and what the table checks.
pub const NAME_MAX: usize = 200;

/// A project space, as one person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkCenter {
    /// Its id, which is also the id of its log.
    pub id: Uuid,
    /// Whose it is.
    pub account: Uuid,
    /// What people call it.
    pub name: String,
    /// What the person is in it; `None` for an administrator who does not collaborate.
    pub role: Option<WorkCenterRole>,
    /// When it was made.
    pub created_at: Timestamp,
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
    let name: String = text.trim().nfc().collect();
    if name.is_empty() {
        return Err(Violation::new(field, "is required"));
    }
    if NAME_MAX < name.chars().count() {
        return Err(Violation::new(field, format!("must have at most {NAME_MAX} characters")));
    }
    if name.chars().any(controls) {
        return Err(Violation::new(field, "must not have control characters"));
    }
    Ok(name)
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
}
