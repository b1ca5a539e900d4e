//! What comments are about, and who may say something of it.

use uuid::Uuid;

use crate::{
    access::{Action, Leave},
    activity::Thing,
    auth::Caller,
    content::{Kind, change, post, task, tell::thing},
    db::{GenericClient, Transaction},
    error::Result,
};

/// What a comment is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A document.
    Document(Uuid),
    /// A task.
    Task(Uuid),
    /// A post.
    Post(Uuid),
}

/// What is commented on, and stays as it is until the transaction ends.
pub(super) struct Spot {
    pub leave: Leave,
    pub account: Uuid,
    pub workcenter: Uuid,
    /// As events have it, and what it is in.
    pub thing: Thing,
    pub parent: Thing,
}

impl Subject {
    /// Its id.
    pub fn id(self) -> Uuid {
        match self {
            Self::Document(id) | Self::Task(id) | Self::Post(id) => id,
        }
    }

    /// The kind of the event that somebody has said something of it.
    pub fn commented(self) -> &'static str {
        match self {
            Self::Document(_) => "file.commented",
            Self::Task(_) => "task.commented",
            Self::Post(_) => "post.commented",
        }
    }

    /// Looks whether `caller` may have it.
    ///
    /// # Errors
    ///
    /// As [`crate::access::may`].
    pub(super) async fn find(self, on: &impl GenericClient, action: Action, caller: &Caller) -> Result<()> {
        match self {
            Self::Document(id) => change::Wanted::new(action, Kind::Document, id).find(on, caller).await.map(drop),
            Self::Task(id) => task::Wanted::new(action, id).find(on, caller).await.map(drop),
            Self::Post(id) => post::Wanted { action, id }.find(on, caller).await.map(drop),
        }
    }

    /// Keeps it for `caller` to say something of it.
    ///
    /// # Errors
    ///
    /// As [`crate::access::may`]; [`crate::error::Error::Refused`] when its account or WorkCenter is not active.
    pub(super) async fn hold(self, tx: &Transaction<'_>, action: Action, caller: &Caller) -> Result<Spot> {
        let spot = match self {
            Self::Document(id) => {
                let held = change::Wanted::new(action, Kind::Document, id).hold(tx, caller).await?;
                let (account, workcenter) = (held.entry.account, held.entry.workcenter);
                let thing = thing("file", id, held.entry.name.text());
                Spot { leave: held.leave, account, workcenter, thing, parent: held.place.thing() }
            }
            Self::Task(id) => {
                let held = task::Wanted::new(action, id).hold(tx, caller).await?;
                let (account, workcenter) = (held.space.account, held.space.id);
                let (thing, parent) = (held.found.thing(), held.found.place(&held.space));
                Spot { leave: held.leave, account, workcenter, thing, parent }
            }
            Self::Post(id) => {
                let held = post::Wanted { action, id }.hold(tx, caller).await?;
                let parent = thing("workcenter", held.space.id, &held.space.name);
                let (account, workcenter) = (held.space.account, held.space.id);
                Spot { leave: held.leave, account, workcenter, thing: held.post.thing(), parent }
            }
        };
        Ok(spot)
    }
}
