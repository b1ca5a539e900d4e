//! Where something is put: the top of a WorkCenter, or a folder that is there.

use uuid::Uuid;

use super::{Entry, Kind, Name, store, tell::thing};
use crate::{
    activity::Thing,
    db::{GenericClient, Transaction},
    error::{Error, Reason, Result},
    workcenter::{self, WorkCenter},
};

/// Folders in each other at most: far more than anybody finds their way in, and what a statement may climb for each row.
pub const DEPTH_MAX: usize = 100;

/// The top of a WorkCenter, or a folder in it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The WorkCenter.
    pub workcenter: Uuid,
    /// The folder; none at the top.
    pub folder: Option<Entry>,
    /// How many folders it is below, itself counted.
    pub depth: usize,
    /// What the WorkCenter is called.
    title: String,
}

impl Place {
    /// Finds the place to put something into, which stays there until the transaction ends. It has to be in the account already.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is no such WorkCenter, or no such folder in it, [`Error::Refused`] for a WorkCenter that
    /// is not active.
    pub async fn enter(tx: &Transaction<'_>, workcenter: Uuid, folder: Option<Uuid>) -> Result<Self> {
        let space = workcenter::fill(tx, workcenter).await?;
        Self::find(tx, &space, folder).await
    }

    /// Finds a place in `space`.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is no such folder in it, or none any more.
    pub async fn find(on: &impl GenericClient, space: &WorkCenter, folder: Option<Uuid>) -> Result<Self> {
        let (workcenter, title) = (space.id, space.name.clone());
        let Some(id) = folder else { return Ok(Self { workcenter, folder: None, depth: 0, title }) };
        let found = store::find(on, id).await?.filter(|it| it.is_there() && it.entry.kind() == Kind::Folder);
        let found = found.filter(|it| it.entry.workcenter == workcenter).ok_or_else(|| Kind::Folder.missing(id))?;
        let depth = found.path.len() + 1;
        Ok(Self { workcenter, folder: Some(found.entry), depth, title })
    }

    /// The folder's id; none at the top.
    pub fn id(&self) -> Option<Uuid> {
        self.folder.as_ref().map(|it| it.id)
    }

    /// Refuses what is `levels` of folders deep and would reach too far down here.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`].
    pub fn takes(&self, levels: usize) -> Result<()> {
        if self.depth + levels <= DEPTH_MAX { Ok(()) } else { Err(Error::Refused(Reason::TooDeep)) }
    }

    /// Refuses a name that something here has already. Whoever comes at the same time is refused by the table.
    ///
    /// # Errors
    ///
    /// [`Error::Taken`].
    pub async fn free(&self, on: &impl GenericClient, name: &Name) -> Result<()> {
        match store::is_taken(on, self.workcenter, self.id(), name).await? {
            true => Err(Error::Taken(Reason::NameTaken)),
            false => Ok(()),
        }
    }

    /// As events have it.
    pub fn thing(&self) -> Thing {
        match &self.folder {
            Some(folder) => thing("folder", folder.id, folder.name.text()),
            None => thing("workcenter", self.workcenter, &self.title),
        }
    }
}
