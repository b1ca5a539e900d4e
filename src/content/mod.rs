//! What a WorkCenter holds: folders, and documents in them with all their versions; tasks, posts, and comments.
//!
//! Who deletes something marks that alone, and what is in it is there exactly when all folders above it are. So a folder of
//! a hundred thousand documents goes and comes back with one row.
//!
//! Locks are taken in one order: the account, the WorkCenter, then what is in it, what it names in the store of bytes, and
//! the head of the log. The WorkCenter is shared by those who put something into it or change one thing there, and had alone
//! by those who delete, restore or move something: so a folder that was found stays where it is.

mod bulk;
mod bytes;
mod change;
mod comment;
mod document;
mod folder;
pub mod imprint;
mod mention;
mod name;
mod place;
mod post;
mod purge;
mod service;
mod store;
mod task;
mod tell;
mod text;

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

pub use self::bytes::{DOCUMENT_BYTES_MAX, MESSAGE_BYTES_MAX};
pub use bulk::{Deeds, ITEMS_MAX, Imports, ROOTS_MAX, directory};
pub use name::{NAME_MAX, Name};
pub use place::{DEPTH_MAX, Place};
pub use purge::purge;
pub use service::Service;
pub use store::Found;

use crate::{
    access::Resource,
    error::{self, Error, Violation},
    ids,
    secret::Hash,
};

/// How long what is deleted can be had back: as long as a WorkCenter.
pub const KEPT: Duration = Duration::from_hours(30 * 24);

/// Characters of the description of a document at most: a page, and what the table checks.
const DESCRIPTION_MAX: usize = 2_000;

/// What there is in a WorkCenter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Has others in it.
    Folder,
    /// Has bytes, in versions.
    Document,
}

impl Kind {
    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Folder => "FOLDER",
            Self::Document => "DOCUMENT",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Folder, Self::Document].into_iter().find(|it| it.name() == name)
    }

    /// What a call is about that is about the one of these in `workcenter`.
    pub fn resource(self, id: Uuid, workcenter: Uuid) -> Resource {
        match self {
            Self::Folder => Resource::Folder { id, workcenter },
            Self::Document => Resource::Document { id, workcenter },
        }
    }

    /// That there is no such thing, as far as the caller may know.
    pub fn missing(self, id: Uuid) -> Error {
        let kind = match self {
            Self::Folder => error::Kind::Folder,
            Self::Document => error::Kind::Document,
        };
        Error::NotFound(kind, id.to_string())
    }
}

/// What a document was at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Counted from 1.
    pub number: i64,
    /// What its bytes are found by.
    pub digest: Hash,
    /// How many bytes it has.
    pub size_bytes: i64,
    /// As it was declared; may be empty.
    pub content_type: String,
    /// Who uploaded it.
    pub created_by: Uuid,
    /// When.
    pub created_at: Timestamp,
}

/// That something is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Since when.
    pub at: Timestamp,
    /// By whom.
    pub by: Uuid,
    /// When it goes for good.
    pub purge_at: Timestamp,
}

impl Deletion {
    /// That `by` deletes something `now`.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] at the end of all time.
    pub fn new(by: Uuid, now: Timestamp) -> error::Result<Self> {
        let purge_at = now.checked_add(KEPT).map_err(Error::internal)?;
        Ok(Self { at: now, by, purge_at })
    }
}

/// A folder or a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub account: Uuid,
    /// What it is in.
    pub workcenter: Uuid,
    /// The folder it is in; none at the top.
    pub parent: Option<Uuid>,
    /// What it is called.
    pub name: Name,
    /// What is said of it; may be empty, as it is of folders.
    pub description: String,
    /// Of a document, the newest version.
    pub version: Option<Version>,
    /// Who made it.
    pub created_by: Uuid,
    /// When.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// Grows with every change.
    pub revision: i64,
    /// What it was copied from, wherever that is now.
    pub copied_from: Option<Uuid>,
    /// Whether it is deleted itself.
    pub deletion: Option<Deletion>,
}

impl Entry {
    /// A folder that `by` makes in `place`.
    pub fn new(account: Uuid, place: &Place, name: Name, by: Uuid, now: Timestamp) -> Self {
        Self {
            id: ids::new(),
            account,
            workcenter: place.workcenter,
            parent: place.id(),
            name,
            description: String::new(),
            version: None,
            created_by: by,
            created_at: now,
            updated_at: now,
            revision: 1,
            copied_from: None,
            deletion: None,
        }
    }

    /// What it is: documents have versions.
    pub fn kind(&self) -> Kind {
        if self.version.is_some() { Kind::Document } else { Kind::Folder }
    }

    fn etag(&self) -> String {
        etag(self.revision)
    }

    /// The same after a change at `now`.
    #[must_use]
    pub fn changed(self, now: Timestamp) -> Self {
        Self { revision: self.revision + 1, updated_at: now, ..self }
    }
}

/// What a folder or a document is told by that has changed so often.
fn etag(revision: i64) -> String {
    format!("\"{revision}\"")
}

/// Reads what is said of a document in `field` of a request: trimmed, in lines.
///
/// # Errors
///
/// The violation to report: more than [`DESCRIPTION_MAX`] characters, or any that control the text and are no ends of lines.
fn description(field: &str, text: &str) -> Result<String, Violation> {
    let text = text.trim();
    if DESCRIPTION_MAX < text.chars().count() {
        return Err(Violation::new(field, format!("must have at most {DESCRIPTION_MAX} characters")));
    }
    if text.chars().any(|it| crate::workcenter::controls(it) && !matches!(it, '\n' | '\t')) {
        return Err(Violation::new(field, "must not have control characters but ends of lines"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_lines_and_nothing_that_turns_them_around() {
        assert_eq!(description("description", " One.\n\tTwo. ").as_deref(), Ok("One.\n\tTwo."));
        assert!(description("description", &"d".repeat(DESCRIPTION_MAX)).is_ok());
        for refused in ["a\0", "a\u{202e}b", &"d".repeat(DESCRIPTION_MAX + 1)] {
            assert!(description("description", refused).is_err(), "{refused:?}");
        }
    }
}
