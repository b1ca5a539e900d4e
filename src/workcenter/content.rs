//! Keeping a WorkCenter active while what it holds changes.

use uuid::Uuid;

use super::{WorkCenter, store};
use crate::{
    db::Transaction,
    error::{Error, Kind, Result},
};

/// Keeps the WorkCenter `id` from being archived or deleted until the transaction ends, and what is in it from being
/// [rearranged](rearrange). Everybody calls this who puts something into it or changes a thing there, after they have entered
/// the account.
///
/// # Errors
///
/// [`Error::NotFound`] when there is none, [`Error::Refused`] when it is not active.
pub async fn fill(tx: &Transaction<'_>, id: Uuid) -> Result<WorkCenter> {
    active(store::share(tx, id).await?, id)
}

/// The same alone: for whoever deletes, restores or moves a folder in it.
///
/// # Errors
///
/// As [`fill`].
pub async fn rearrange(tx: &Transaction<'_>, id: Uuid) -> Result<WorkCenter> {
    active(store::keep(tx, id).await?, id)
}

fn active(found: Option<WorkCenter>, id: Uuid) -> Result<WorkCenter> {
    found.ok_or_else(|| Error::NotFound(Kind::WorkCenter, id.to_string()))?.active()
}
