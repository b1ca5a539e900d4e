//! Archiving a WorkCenter, deleting it, making it active again, and filing it anew. While it is not active, it says nothing
//! to anybody.
//!
//! Locks: the row of the WorkCenter against everybody who comes into it, then the recipients of those who hear of it as
//! administrators, then its subscriptions, then the head of its log.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{State, WorkCenter, store};
use crate::{
    activity::Closed,
    db::Transaction,
    error::{Error, Kind, Reason, Result},
    outbox,
    subscription::{self, When},
};

/// How long a deleted WorkCenter can be had back: a month is long enough for everybody to come back from their holidays.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// Archives the WorkCenter `id`.
///
/// # Errors
///
/// [`Error::NotFound`] when there is none, [`Error::Refused`] for a deleted one.
pub(super) async fn archive(tx: &Transaction<'_>, id: Uuid, now: Timestamp) -> Result<WorkCenter> {
    let space = locked(tx, id).await?;
    match space.state() {
        State::Archived => return Ok(space),
        State::Deleted => return Err(Error::Refused(Reason::WorkcenterDeleted)),
        State::Provisioning => return Err(Error::Refused(Reason::WorkcenterProvisioning)),
        State::Active => {}
    }
    silence(tx, id, Closed::Archived, now).await?;
    store::update(tx, WorkCenter { archived_at: Some(now), ..space }).await
}

/// Deletes the WorkCenter `id`: it is purged [`KEPT`] later.
///
/// # Errors
///
/// [`Error::NotFound`] when there is none.
pub(super) async fn delete(tx: &Transaction<'_>, id: Uuid, now: Timestamp) -> Result<WorkCenter> {
    let space = locked(tx, id).await?;
    if space.state() == State::Deleted {
        return Ok(space);
    }
    silence(tx, id, Closed::Deleted, now).await?;
    let purge_at = now.checked_add(KEPT).map_err(Error::internal)?;
    store::update(tx, WorkCenter { purge_at: Some(purge_at), ..space }).await
}

/// Makes the WorkCenter `id` active again. What happened before stays untold.
///
/// # Errors
///
/// [`Error::NotFound`] when there is none, or it is time to purge it.
pub(super) async fn reactivate(tx: &Transaction<'_>, id: Uuid, when: &When) -> Result<WorkCenter> {
    let space = locked(tx, id).await?;
    if space.state() == State::Active {
        return Ok(space);
    }
    if space.purge_at.is_some_and(|it| it <= when.now) {
        return Err(missing(id));
    }
    let space = store::update(tx, WorkCenter { archived_at: None, purge_at: None, ..space }).await?;
    subscription::administrator::include(tx, space.account, id, &[], when).await?;
    subscription::reopen(tx, id, when.now).await?;
    Ok(space)
}

/// Makes of `before`, which is locked, what it is `after`: under another category other digests tell of it.
///
/// # Errors
///
/// What the database says.
pub(super) async fn refile(
    tx: &Transaction<'_>,
    before: &WorkCenter,
    after: WorkCenter,
    when: &When,
) -> Result<WorkCenter> {
    let is_refiled = after.category != before.category;
    let space = store::update(tx, after).await?;
    if is_refiled {
        let lost = subscription::administrator::refile(tx, space.account, space.id, when).await?;
        // What is composed and has not gone is written by what is so from here on.
        outbox::hold(tx, &lost).await?;
    }
    Ok(space)
}

/// Settles what waits for anybody as not told, what is in the outbox too.
async fn silence(tx: &Transaction<'_>, id: Uuid, closed: Closed, now: Timestamp) -> Result<()> {
    let readers = subscription::close(tx, id, closed, now).await?;
    // What is composed and has not gone is written by what is so from here on.
    outbox::hold(tx, &readers).await
}

/// The WorkCenter `id`, which nobody else changes until the transaction ends.
///
/// # Errors
///
/// [`Error::NotFound`] when there is none.
pub(super) async fn locked(tx: &Transaction<'_>, id: Uuid) -> Result<WorkCenter> {
    store::lock(tx, id).await?.ok_or_else(|| missing(id))
}

fn missing(id: Uuid) -> Error {
    Error::NotFound(Kind::WorkCenter, id.to_string())
}
