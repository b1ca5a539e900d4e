//! What takes long: how far each piece of it has come, and the streams that follow it.
//!
//! A job is a row whose revision grows with every change. Who composes digests calls [`advance`] in the transaction of
//! the work, and the [`Crier`] once it has committed. Bulk jobs have a row for each of their items, and are done by
//! [`turn()`], a batch at a time. Being told is only a hint; the row is the truth.

mod bulk;
mod child;
mod crier;
mod history;
mod item;
mod look;
mod run;
mod service;
mod store;
mod turn;
pub mod watch;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

pub use bulk::{Bulk, New, Order, Target, aim, start};
pub use child::{settle, start_child};
pub use crier::Crier;
pub use history::sweep;
pub use item::{Above, Batch, Item, ItemKind, ItemState, Leftover, Outcome, Planned, RETRYABLE, amend};
pub use run::{Done, Moved, Run, advance, digest_run, running};
pub use service::Service;
pub use turn::{BATCH, Broken, Ended, Hand, Work, Worker, turn};

use crate::{
    access::Resource,
    error::{self, Error},
};

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Composes the digests of one account and cadence that are due at one instant.
    DigestRun,
    /// Copies folders and documents.
    BulkCopy,
    /// Moves them.
    BulkMove,
    /// Deletes them.
    BulkDelete,
    /// Brings them back.
    BulkRestore,
    /// Makes folders and documents of what is in an archive.
    ImportDocuments,
    /// Makes invites of the rows of a file.
    ImportInvites,
    /// Copies what a template has into a WorkCenter.
    ApplyTemplate,
    /// Does so for many WorkCenters, each with a job of its own.
    PublishTemplate,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::DigestRun,
        Self::BulkCopy,
        Self::BulkMove,
        Self::BulkDelete,
        Self::BulkRestore,
        Self::ImportDocuments,
        Self::ImportInvites,
        Self::ApplyTemplate,
        Self::PublishTemplate,
    ];

    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::DigestRun => "DIGEST_RUN",
            Self::BulkCopy => "BULK_COPY",
            Self::BulkMove => "BULK_MOVE",
            Self::BulkDelete => "BULK_DELETE",
            Self::BulkRestore => "BULK_RESTORE",
            Self::ImportDocuments => "IMPORT_DOCUMENTS",
            Self::ImportInvites => "IMPORT_INVITES",
            Self::ApplyTemplate => "APPLY_TEMPLATE",
            Self::PublishTemplate => "PUBLISH_TEMPLATE",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has begun.
    Queued,
    /// It is being done.
    Running,
    /// It is to stop, and has not yet.
    Cancelling,
    /// Everything was done, or needed nothing.
    Succeeded,
    /// Everything was done, and there is something to say about it.
    SucceededWithWarnings,
    /// Some of it was done.
    PartiallyFailed,
    /// None of it was done.
    Failed,
    /// It was stopped.
    Cancelled,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Running,
        Self::Cancelling,
        Self::Succeeded,
        Self::SucceededWithWarnings,
        Self::PartiallyFailed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Cancelling => "CANCELLING",
            Self::Succeeded => "SUCCEEDED",
            Self::SucceededWithWarnings => "SUCCEEDED_WITH_WARNINGS",
            Self::PartiallyFailed => "PARTIALLY_FAILED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// Whether it never changes again.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running | Self::Cancelling)
    }
}

/// Whose jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those that the person started.
    Mine(Uuid),
    /// All of the account.
    Account(Uuid),
}

/// Which digests a run composes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// `DAILY` or `WEEKLY`.
    pub cadence: String,
    /// The instant at which they were due.
    pub due_at: Timestamp,
}

/// A job as it stands at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The job.
    pub id: Uuid,
    /// Whose it is.
    pub account: Uuid,
    /// What it does.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// Who started it; nobody, when the daemon did by itself.
    pub initiator: Option<Uuid>,
    /// For [`Kind::DigestRun`].
    pub slot: Option<Slot>,
    /// For all other kinds.
    pub bulk: Option<Bulk>,
    /// Items altogether.
    pub total: i64,
    /// Items done.
    pub done: i64,
    /// Items that needed nothing.
    pub skipped: i64,
    /// Items that failed.
    pub failed: i64,
    /// Grows by one with every change that a watcher should see.
    pub revision: i64,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When it came to its final state.
    pub finished_at: Option<Timestamp>,
}

impl Job {
    /// The items that are behind it.
    fn settled(&self) -> i64 {
        self.done + self.skipped + self.failed
    }

    /// When it will be over, at the pace it had up to its last change; `None` before the first item and once it is over.
    ///
    /// Counted from the last change, so that one revision looks the same to everybody, whenever they look.
    pub fn eta(&self) -> Option<Timestamp> {
        let left = self.total - self.settled();
        if self.state.is_final() || left == 0 {
            return None;
        }
        let took = self.updated_at.duration_since(self.created_at).as_micros();
        let wait = (took * i128::from(left)).checked_div(i128::from(self.settled()))?;
        self.updated_at.checked_add(SignedDuration::from_micros(i64::try_from(wait).ok()?)).ok()
    }

    /// How it stands once `done` has happened too.
    ///
    /// The total grows when more was there to be done than had been counted.
    fn advanced(mut self, done: &Done) -> Self {
        self.done += done.done;
        self.skipped += done.skipped;
        self.failed += i64::try_from(done.failed.len()).unwrap_or(i64::MAX);
        self.total = self.total.max(self.settled());
        self.revision += 1;
        self.state = if self.settled() < self.total {
            State::Running
        } else if self.failed == 0 {
            State::Succeeded
        } else if self.done == 0 {
            State::Failed
        } else {
            State::PartiallyFailed
        };
        self
    }

    /// What access asks about.
    fn resource(&self) -> Resource {
        Resource::Job { id: self.id, account: self.account, initiator: self.initiator }
    }
}

fn missing(id: Uuid) -> Error {
    Error::NotFound(error::Kind::Job, id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(total: i64) -> Job {
        let at = Timestamp::UNIX_EPOCH;
        Job {
            id: Uuid::nil(),
            account: Uuid::nil(),
            kind: Kind::DigestRun,
            state: State::Running,
            initiator: None,
            slot: None,
            bulk: None,
            total,
            done: 0,
            skipped: 0,
            failed: 0,
            revision: 1,
            created_at: at,
            updated_at: at,
            finished_at: None,
        }
    }

    fn done(done: i64, skipped: i64, failed: usize) -> Done {
        Done { done, skipped, failed: vec![(Uuid::nil(), "LETTER_BROKEN"); failed] }
    }

    #[test]
    fn the_end_depends_on_what_failed_and_what_was_done() {
        for (total, by, state) in [
            (3, done(1, 1, 0), State::Running),
            (3, done(2, 1, 0), State::Succeeded),
            (3, done(0, 3, 0), State::Succeeded),
            (3, done(1, 1, 1), State::PartiallyFailed),
            (3, done(0, 1, 2), State::Failed),
            (0, done(0, 0, 0), State::Succeeded),
        ] {
            assert_eq!(job(total).advanced(&by).state, state, "{total} {by:?}");
        }
    }

    #[test]
    fn more_than_was_counted_makes_the_total_grow() {
        let over = job(2).advanced(&done(3, 0, 0));
        assert_eq!((over.total, over.revision, over.state), (3, 2, State::Succeeded));
    }

    #[test]
    fn the_end_is_foretold_by_the_pace_so_far() {
        let mut running = Job { done: 1, ..job(4) };
        running.updated_at = Timestamp::from_second(10).unwrap();
        assert_eq!(running.eta(), Some(Timestamp::from_second(40).unwrap()));
        assert_eq!(Job { done: 0, ..running.clone() }.eta(), None);
        assert_eq!(Job { done: 4, ..running.clone() }.eta(), None);
        assert_eq!(Job { state: State::Cancelled, ..running }.eta(), None);
    }

    #[test]
    fn names_are_read_back() {
        assert!(State::ALL.into_iter().all(|it| State::named(it.name()) == Some(it)));
        assert!(Kind::ALL.into_iter().all(|it| Kind::named(it.name()) == Some(it)));
        assert_eq!((State::named("DONE"), Kind::named("")), (None, None));
    }
}
