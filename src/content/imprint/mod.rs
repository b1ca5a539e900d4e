//! What copies of templates write into a WorkCenter: each function with a fixed number of statements, however much it copies.
//!
//! Nobody is told of anything here, and nothing is asked: whoever calls this has the WorkCenter alone, and knows what is there.

mod store;

use jiff::Timestamp;
use uuid::Uuid;

pub use store::{
    Links, append, copy_comments, copy_entries, copy_posts, copy_tasks, edit_comments, edit_entries, edit_posts,
    edit_tasks, tie_tasks,
};

/// Tasks of a WorkCenter at most.
pub const TASKS_MAX: i64 = super::task::TASKS_MAX;

/// Posts of a WorkCenter at most.
pub const POSTS_MAX: i64 = super::post::POSTS_MAX;

/// Whose doing it is, when, and where.
#[derive(Clone, Copy, Debug)]
pub struct Deed {
    /// The WorkCenter that gets the copies.
    pub into: Uuid,
    /// Who copies.
    pub by: Uuid,
    /// When.
    pub now: Timestamp,
}

/// A thing, and what it is copied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// What is copied.
    pub of: Uuid,
    /// The copy: its id to be, or that of one to be changed.
    pub to: Uuid,
    /// The folder, document, task or post of the WorkCenter that it is in, or about; none at the top.
    pub place: Option<Uuid>,
}

/// A task that is copied, with its dates in its new place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated {
    /// The task; its place is the document that it belongs to.
    pub pair: Pair,
    /// When the copy begins.
    pub starts_at: Option<Timestamp>,
    /// When it is to be done.
    pub due_at: Option<Timestamp>,
    /// The zone that both are meant in; empty for UTC.
    pub zone: String,
}

/// Who is meant in a WorkCenter by those whom tasks of another one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cast {
    /// Roles, each with somebody who is meant by it.
    pub bound: Vec<(String, Uuid)>,
    /// People, each with somebody who is meant where they do not collaborate.
    pub replaced: Vec<(Uuid, Uuid)>,
}
