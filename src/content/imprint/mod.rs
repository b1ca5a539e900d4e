//! What copies of templates write into a WorkCenter: each function with a fixed number of statements, however much it copies.
//!
//! Nobody is told of anything here, and nothing is asked: whoever calls this has the WorkCenter alone, and knows what is there.

mod store;

use jiff::Timestamp;
use uuid::Uuid;

pub use super::task::Who;

pub use store::{
    Links, append, copy_comments, copy_entries, copy_posts, copy_tasks, edit_comments, edit_entries, edit_posts,
    edit_tasks, tie_tasks,
};

/// Tasks of a WorkCenter at most.
pub const TASKS_MAX: i64 = super::task::TASKS_MAX;

/// People and roles that a part of a task names at most.
pub const NAMED_MAX: usize = super::task::PEOPLE_MAX;

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

/// A task that is copied, with its dates and whom it names in its new place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The task; its place is the document that it belongs to.
    pub pair: Pair,
    /// When the copy begins.
    pub starts_at: Option<Timestamp>,
    /// When it is to be done.
    pub due_at: Option<Timestamp>,
    /// The zone that both are meant in; empty for UTC.
    pub zone: String,
    /// Whom it names: each once in a part.
    pub people: Vec<(Part, Who)>,
}

/// For what a task names somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// They are to do it.
    Assignee,
    /// They are to approve it.
    Approver,
}

impl Part {
    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Assignee => "ASSIGNEE",
            Self::Approver => "APPROVER",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Assignee, Self::Approver].into_iter().find(|it| it.name() == name)
    }
}
