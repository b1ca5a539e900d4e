//! Changing a folder or a document that there is: calling it otherwise, deleting it, and bringing it back.

use uuid::Uuid;

use super::{
    Deletion, Entry, Found, Kind, Name, Place, store,
    tell::{Deed, Word},
};
use crate::{
    access::{self, Action, Leave},
    account,
    auth::Caller,
    db::{GenericClient, Transaction},
    error::{Error, Reason, Result},
    workcenter,
};

/// What is wanted of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// By which call.
    pub action: Action,
    /// What it has to be.
    pub kind: Kind,
    /// Which one.
    pub id: Uuid,
    /// Whether it may be deleted itself.
    pub deleted: bool,
}

impl Wanted {
    /// That `action` wants the one of this kind, which is there.
    pub fn new(action: Action, kind: Kind, id: Uuid) -> Self {
        Self { action, kind, id, deleted: false }
    }

    /// Finds it, if `caller` may have it; what is in a folder that is deleted is not there for anybody.
    ///
    /// # Errors
    ///
    /// As [`access::may`].
    pub async fn find(self, on: &impl GenericClient, caller: &Caller) -> Result<(Leave, Found)> {
        let found = self.look(on).await?;
        let workcenter = found.as_ref().map_or(Uuid::nil(), |it| it.entry.workcenter);
        let leave = access::may(on, caller, self.action, self.kind.resource(self.id, workcenter)).await?;
        Ok((leave, found.ok_or_else(|| self.kind.missing(self.id))?))
    }

    /// Finds it to change it, and keeps others from doing so until the transaction ends.
    ///
    /// # Errors
    ///
    /// As [`access::may`]; [`Error::Refused`] when its account or WorkCenter is not active.
    pub async fn hold(self, tx: &Transaction<'_>, caller: &Caller) -> Result<Held> {
        let (leave, found) = self.find(tx, caller).await?;
        let before = found.entry;
        account::enter(tx, before.account).await?;
        // What a folder is in must be there when it goes or comes back, and nobody may put anything into it meanwhile.
        let is_alone = self.kind == Kind::Folder && matches!(self.action, Action::DeleteFolder | Action::RestoreFolder);
        let space = match is_alone {
            true => workcenter::rearrange(tx, before.workcenter).await?,
            false => workcenter::fill(tx, before.workcenter).await?,
        };
        store::lock(tx, self.id).await?;
        let found = self.look(tx).await?.ok_or_else(|| self.kind.missing(self.id))?;
        if found.entry.workcenter != space.id {
            return Err(Error::Conflict(Reason::WriteConflict));
        }
        let place = Place::find(tx, &space, found.entry.parent).await;
        let place = if self.deleted { place.map_err(gone)? } else { place? };
        Ok(Held { leave, entry: found.entry, place })
    }

    async fn look(self, on: &impl GenericClient) -> Result<Option<Found>> {
        let found = store::find(on, self.id).await?.filter(|it| it.entry.kind() == self.kind);
        Ok(found.filter(|it| self.deleted || it.is_there()))
    }
}

/// What is not there any more that something was in.
fn gone(error: Error) -> Error {
    match error {
        Error::NotFound(..) => Error::Refused(Reason::ParentGone),
        other => other,
    }
}

/// An entry that nobody else changes until the transaction ends.
pub struct Held {
    /// What the caller is to it.
    pub leave: Leave,
    /// The entry.
    pub entry: Entry,
    /// Where it is.
    pub place: Place,
}

/// What somebody wants to change; `None` for what they leave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// What it is to be called.
    pub name: Option<Name>,
    /// What is to be said of it.
    pub description: Option<String>,
}

impl Held {
    /// Refuses an etag that is not the current one; an empty one means that the caller does not mind.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`].
    pub fn at(self, etag: &str) -> Result<Self> {
        if etag.is_empty() || etag == self.entry.etag() { Ok(self) } else { Err(Error::Conflict(Reason::EtagMismatch)) }
    }

    /// Changes it. A change of nothing is a read.
    ///
    /// # Errors
    ///
    /// [`Error::Taken`] when something in the same place is called the same.
    pub async fn change(self, tx: &Transaction<'_>, change: Change, word: &Word) -> Result<Entry> {
        let Self { entry: old, place, .. } = self;
        let name = change.name.unwrap_or_else(|| old.name.clone());
        let description = change.description.unwrap_or_else(|| old.description.clone());
        if (&name, &description) == (&old.name, &old.description) {
            return Ok(old);
        }
        let summary = if name == old.name { String::new() } else { format!("It was called {}.", old.name.text()) };
        let entry = Entry { name, description, ..old }.changed(word.now);
        store::update(tx, &entry).await?;
        word.tell(tx, Deed::Changed, &entry, &place, summary).await?;
        Ok(entry)
    }

    /// Deletes it, and by that what is in it.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] for a folder that something is in, unless `recursive`.
    pub async fn delete(self, tx: &Transaction<'_>, recursive: bool, word: &Word) -> Result<Entry> {
        let Self { entry, place, .. } = self;
        if !recursive && store::is_filled(tx, entry.id).await? {
            return Err(Error::Refused(Reason::NotEmpty));
        }
        let deletion = Some(Deletion::new(word.by, word.now)?);
        let entry = Entry { deletion, ..entry }.changed(word.now);
        store::update(tx, &entry).await?;
        word.tell(tx, Deed::Deleted, &entry, &place, String::new()).await?;
        Ok(entry)
    }

    /// Brings it back to where it was; what is not deleted stays as it is.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is time to purge it, [`Error::Taken`] when something there is called the same by now.
    pub async fn restore(self, tx: &Transaction<'_>, word: &Word) -> Result<Entry> {
        let Self { entry, place, .. } = self;
        match entry.deletion {
            None => return Ok(entry),
            Some(deletion) if deletion.purge_at <= word.now => return Err(entry.kind().missing(entry.id)),
            Some(_) => {}
        }
        let entry = Entry { deletion: None, ..entry }.changed(word.now);
        store::update(tx, &entry).await?;
        word.tell(tx, Deed::Restored, &entry, &place, String::new()).await?;
        Ok(entry)
    }
}
