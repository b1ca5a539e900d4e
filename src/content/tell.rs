//! The word to the collaborators of what was done to a folder or a document.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Entry, Kind, Place};
use crate::{
    activity::{self, Audience, Thing},
    db::Transaction,
    error::Result,
    ids,
};

/// What was done, as the kinds of events have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A folder was made, or the first version of a document uploaded.
    Made,
    /// Another version of a document was uploaded.
    Versioned,
    /// It is called otherwise, or something else is said of it.
    Changed,
    /// It is deleted.
    Deleted,
    /// It is back.
    Restored,
}

impl Deed {
    /// The kind of the event that this was done to something of that `kind`.
    fn of(self, kind: Kind) -> &'static str {
        match (kind, self) {
            (Kind::Folder, Self::Made) => "folder.created",
            (Kind::Folder, Self::Changed | Self::Versioned) => "folder.renamed",
            (Kind::Folder, Self::Deleted) => "folder.deleted",
            (Kind::Folder, Self::Restored) => "folder.restored",
            (Kind::Document, Self::Made) => "file.uploaded",
            (Kind::Document, Self::Versioned) => "file.version_added",
            (Kind::Document, Self::Changed) => "file.details_changed",
            (Kind::Document, Self::Deleted) => "file.deleted",
            (Kind::Document, Self::Restored) => "file.restored",
        }
    }
}

/// Who does something, when, and how much later it becomes immediate mail.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// Who.
    pub by: Uuid,
    /// When.
    pub now: Timestamp,
    /// How much later.
    pub window: Duration,
}

impl Word {
    /// Tells the collaborators what was done to `entry`, which is in `place`, with a `summary` that may be empty. The last
    /// thing that a transaction does.
    ///
    /// # Errors
    ///
    /// As [`activity::publish`].
    pub async fn tell(
        &self,
        tx: &Transaction<'_>,
        deed: Deed,
        entry: &Entry,
        place: &Place,
        summary: String,
    ) -> Result<()> {
        let subject = match entry.kind() {
            Kind::Folder => "folder",
            Kind::Document => "file",
        };
        let subject = thing(subject, entry.id, entry.name.text());
        let event = self.event(deed.of(entry.kind()), subject, place.thing(), summary);
        activity::publish(tx, entry.workcenter, vec![event], self.now, self.window).await?;
        Ok(())
    }

    /// The event that this was done, which all may hear of and which concerns nobody in particular.
    pub fn event(&self, kind: &str, subject: Thing, parent: Thing, summary: String) -> activity::New {
        activity::New {
            event_id: ids::new().to_string(),
            kind: kind.to_owned(),
            actor: self.by,
            subject,
            parent,
            summary,
            audience: Audience::Everyone,
            addressees: Vec::new(),
            occurred_at: self.now,
        }
    }
}

/// Something as events have it.
pub fn thing(kind: &str, id: Uuid, title: &str) -> Thing {
    Thing { kind: kind.to_owned(), id: id.to_string(), title: title.to_owned(), url: String::new() }
}
