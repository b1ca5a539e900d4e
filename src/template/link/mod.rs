//! What things of a template have led to in other WorkCenters, and whether both are still what they were then.

pub(super) mod store;

use uuid::Uuid;

/// A thing of a template, what it has led to in a WorkCenter, and hashes over both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Linked {
    /// What it has led to, if to anything.
    pub target: Option<Uuid>,
    /// What it was when it was copied.
    pub source_hash: Option<Vec<u8>>,
    /// What the copy was then; none where that was there before.
    pub copy_hash: Option<Vec<u8>>,
    /// What it is now; none when it is not there.
    pub source_now: Option<Vec<u8>>,
    /// What the copy is now; none when it is not there.
    pub copy_now: Option<Vec<u8>>,
    /// Whether somebody has begun with the copy.
    pub is_begun: bool,
}

/// Something that a thing of a template has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct New {
    /// The thing.
    pub source: Uuid,
    /// What it has led to.
    pub target: Uuid,
    /// What the thing was.
    pub source_hash: Vec<u8>,
    /// Whether the target is a copy, and was not there before.
    pub is_copy: bool,
}
