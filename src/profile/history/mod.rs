//! What has changed in profiles: a line for each field, written in the transaction of the change and read by its person.
//!
//! Passwords and tokens are no fields of a profile, so nothing secret comes in here.

pub(super) mod service;
pub(super) mod store;

use jiff::Timestamp;
use uuid::Uuid;

/// A line to be written.
pub(super) struct Told {
    /// Who did it.
    pub by: Uuid,
    /// What was changed: the path of a field.
    pub field: &'static str,
    /// What it was; empty for nothing.
    pub old: String,
    /// What it has become.
    pub new: String,
}

/// A line that was written.
pub(super) struct Line {
    /// Its own id, which grows with time.
    pub id: Uuid,
    /// Who did it.
    pub by: Uuid,
    /// The path of the field.
    pub field: String,
    /// What it was.
    pub old: String,
    /// What it became.
    pub new: String,
    /// When.
    pub at: Timestamp,
}
