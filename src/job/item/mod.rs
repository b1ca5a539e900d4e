//! The items of a bulk job: folders and documents, what is to be done to each, and what became of it.

mod service;
pub(super) mod store;

use std::borrow::Cow;

use uuid::Uuid;

pub(super) use service::{export, page, states};
pub use store::amend;

use super::{Kind, bulk::Order};

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// Somebody whose digest could not be composed.
    Recipient,
    /// A folder.
    Folder,
    /// A document.
    Document,
    /// A row of a file, of which an invite is to be made.
    Invite,
    /// What is set of a WorkCenter.
    Setting,
    /// Somebody who is in a WorkCenter.
    Collaborator,
    /// A task.
    Task,
    /// A post.
    Post,
    /// A comment.
    Comment,
    /// A WorkCenter, into which a template is copied by a job of its own.
    WorkCenter,
}

impl ItemKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Recipient,
        Self::Folder,
        Self::Document,
        Self::Invite,
        Self::Setting,
        Self::Collaborator,
        Self::Task,
        Self::Post,
        Self::Comment,
        Self::WorkCenter,
    ];

    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recipient => "RECIPIENT",
            Self::Folder => "FOLDER",
            Self::Document => "DOCUMENT",
            Self::Invite => "INVITE",
            Self::Setting => "SETTING",
            Self::Collaborator => "COLLABORATOR",
            Self::Task => "TASK",
            Self::Post => "POST",
            Self::Comment => "COMMENT",
            Self::WorkCenter => "WORKCENTER",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemState {
    /// Nothing has become of it yet.
    Pending,
    /// It was done.
    Done,
    /// There was nothing to do.
    Skipped,
    /// It was not done, and its code says why.
    Failed,
    /// It was not looked at any more. Counted among those that failed.
    Cancelled,
}

impl ItemState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Done, Self::Skipped, Self::Failed, Self::Cancelled];

    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Done => "DONE",
            Self::Skipped => "SKIPPED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// Codes of items that may succeed when they are tried again as they are.
pub const RETRYABLE: [&str; 4] = ["LOCKED", "CONTENT_MISSING", "INTERNAL", "INVITE_LIMIT_REACHED"];

/// An item that is to be done by a new job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The folder or document.
    pub id: Uuid,
    /// Which of both.
    pub kind: ItemKind,
    /// How far below one that was named.
    pub depth: i64,
    /// The item that it is in; none for one that was named.
    pub parent: Option<Uuid>,
    /// The WorkCenter it is in; none when there is no such thing.
    pub workcenter: Option<Uuid>,
    /// The names of the folders it is in and its own, with slashes between.
    pub path: String,
    /// How many bytes it has.
    pub bytes: i64,
    /// What happens where its name is taken.
    pub on_conflict: &'static str,
    /// What it has to be when its turn comes; empty for whatever it is.
    pub etag: String,
    /// The line of a file that it comes from; 0 when it comes from none.
    pub line: i64,
}

/// An item whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The folder or document.
    pub id: Uuid,
    /// Which of both.
    pub kind: ItemKind,
    /// What became of the item that it is in; none for one that was named.
    pub above: Option<Above>,
    /// The names of the folders it was in and its own, with slashes between.
    pub path: String,
    /// How many bytes it had.
    pub bytes: i64,
    /// What happens where its name is taken.
    pub on_conflict: String,
    /// What it has to be; empty for whatever it is.
    pub etag: String,
}

/// What became of the item that others are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Above {
    /// The folder.
    pub id: Uuid,
    /// Where it stands.
    pub state: ItemState,
    /// Why.
    pub code: String,
    /// The folder it led to.
    pub target: Option<Uuid>,
    /// Where that is.
    pub target_path: String,
    /// What has its place where it was.
    pub leftover: Option<Uuid>,
}

/// What is to be done next of a job: items of one depth, in order.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The job.
    pub job: Uuid,
    /// Whose it is.
    pub account: Uuid,
    /// What it does.
    pub kind: Kind,
    /// Who started it.
    pub initiator: Uuid,
    /// What was asked for.
    pub order: Order,
    /// The items.
    pub items: Vec<Item>,
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The item.
    pub item: Uuid,
    /// Where it stands now.
    pub state: ItemState,
    /// A stable code: of those done only where there is something to say about it.
    pub code: Cow<'static, str>,
    /// The same for readers.
    pub text: Cow<'static, str>,
    /// The column of a file that the code is about; empty when there is none.
    pub column: Cow<'static, str>,
    /// What was done.
    pub action: &'static str,
    /// What it led to.
    pub target: Option<Uuid>,
    /// Where that is.
    pub target_path: String,
    /// What has the place of a folder where it was, until that is empty.
    pub leftover: Option<Uuid>,
}

impl Outcome {
    /// An item of which nothing was made.
    pub fn none(
        item: Uuid,
        state: ItemState,
        code: impl Into<Cow<'static, str>>,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            item,
            state,
            code: code.into(),
            text: text.into(),
            column: Cow::Borrowed(""),
            action: "",
            target: None,
            target_path: String::new(),
            leftover: None,
        }
    }
}

/// What has the place of a folder where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The item.
    pub item: Uuid,
    /// The folder: the item itself, where what was in it went into another one.
    pub id: Uuid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        assert!(ItemState::ALL.into_iter().all(|it| ItemState::named(it.name()) == Some(it)));
        assert!(ItemKind::ALL.into_iter().all(|it| ItemKind::named(it.name()) == Some(it)));
    }
}
