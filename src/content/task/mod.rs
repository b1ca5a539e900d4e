//! Tasks: what is to be done in a WorkCenter, by whom, and after what.
//!
//! Whether a task waits for others is seen when it is read. So nothing is to be written, and nothing can be forgotten, when those
//! are completed, begun again, deleted with their documents, restored or purged. Changes of tasks have the WorkCenter alone, so
//! that two of them together make no circle, and of two that complete what a third waits for the second one says so.

mod change;
mod deed;
mod service;
mod status;
mod store;
mod tell;
mod wire;

use jiff::Timestamp;
use uuid::Uuid;

pub(super) use change::Wanted;
pub(super) use service::Tasks;
pub(super) use store::Found;

use self::status::Status;
use super::Deletion;
use crate::{
    access::WorkCenterRole,
    error::{self, Error},
};

/// Tasks of a WorkCenter at most, deleted ones too: more than anybody looks through.
pub(super) const TASKS_MAX: i64 = 10_000;

/// People and roles that are to do a task at most, and that are to approve it: as many as an event concerns.
pub(super) const PEOPLE_MAX: usize = 50;

/// Tasks that come before one at most: more than anybody keeps in mind.
const PRIORS_MAX: usize = 100;

/// Things that are attached to a task at most.
const ATTACHMENTS_MAX: usize = 50;

/// Reminders of a task at most.
const REMINDERS_MAX: usize = 10;

/// Minutes before a task is due that a reminder may be at most: a year.
const REMINDER_MINUTES_MAX: i64 = 365 * 24 * 60;

/// How many of those who are named are enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// One of them.
    Any,
    /// Each of them.
    #[default]
    All,
}

impl Rule {
    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "ANY",
            Self::All => "ALL",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Any, Self::All].into_iter().find(|it| it.name() == name)
    }
}

/// Somebody, or whoever has a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// This person.
    User(Uuid),
    /// Whoever has this role in the WorkCenter, then.
    Role(WorkCenterRole),
}

/// Somebody whom a task names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// Who.
    pub who: Who,
    /// When they were done, and who it was.
    pub done: Option<(Timestamp, Uuid)>,
}

/// Those whom a task names for a part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// How many of them are enough.
    pub rule: Rule,
    /// Each once.
    pub named: Vec<Named>,
}

/// Something that is attached to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attachment {
    /// A folder or a document.
    Content(super::Kind, Uuid),
    /// Another task.
    Task(Uuid),
}

/// What people decide of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// What it is called.
    pub title: String,
    /// What it is listed under; may be empty.
    pub group: String,
    /// What is said of it; may be empty.
    pub description: String,
    /// Where it is; may be empty.
    pub location: String,
    /// When it begins.
    pub starts_at: Option<Timestamp>,
    /// When it is to be done.
    pub due_at: Option<Timestamp>,
    /// The zone that both are meant in; empty for UTC.
    pub zone: String,
    /// Who is to do it.
    pub assignees: People,
    /// Who is to approve it.
    pub approvers: People,
    /// The tasks that come before it, in the order of their ids.
    pub priors: Vec<Uuid>,
    /// Minutes before it is due.
    pub reminders: Vec<i64>,
    /// What is attached to it.
    pub attachments: Vec<Attachment>,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub account: Uuid,
    /// What it is in.
    pub workcenter: Uuid,
    /// The document that it belongs to.
    pub document: Option<Uuid>,
    /// What people decide of it.
    pub details: Details,
    /// How far it is.
    pub status: Status,
    /// Who made it.
    pub created_by: Uuid,
    /// When.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// Grows with every change.
    pub revision: i64,
    /// Whether it is deleted itself.
    pub deletion: Option<Deletion>,
}

impl Task {
    fn etag(&self) -> String {
        format!("\"{}\"", self.revision)
    }

    /// The same after a change at `now`.
    #[must_use]
    fn changed(self, now: Timestamp) -> Self {
        Self { revision: self.revision + 1, updated_at: now, ..self }
    }
}

/// That there is no such task, as far as the caller may know.
pub(super) fn missing(id: Uuid) -> Error {
    Error::NotFound(error::Kind::Task, id.to_string())
}
