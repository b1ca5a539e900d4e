//! Jobs that do an item of another one, which waits for them.
//!
//! Whoever waits has a lease that does not run out, so nobody claims it. The job that it waits for settles the item in the
//! transaction in which it ends, and gives the lease back: nothing is missed, whoever dies when.

mod store;

use uuid::Uuid;

use super::{
    Job, New,
    bulk::start,
    item::{self, Outcome, Planned},
};
use crate::{
    db::Transaction,
    error::{Error, Result},
    notice,
};

/// Starts a job over `items`, as [`start`] does, that does an item of `parent`.
///
/// # Errors
///
/// What the database says.
pub async fn start_child(tx: &Transaction<'_>, parent: Uuid, new: &New<'_>, items: &[Planned]) -> Result<Job> {
    let job = start(tx, new, items).await?;
    store::adopt(tx, job.id, parent).await?;
    Ok(job)
}

/// Writes down what became of an item of `parent`, which a job has done that is over now, and has it go on.
///
/// # Errors
///
/// What the database says.
pub async fn settle(tx: &Transaction<'_>, parent: Uuid, outcome: Outcome) -> Result<()> {
    item::store::settle(tx, &[(parent, outcome)], item::store::Keep::Always).await?;
    store::wake(tx, parent).await?;
    notice::tell(tx, notice::JOB, parent).await?;
    Ok(())
}

/// Has the job `id` wait for those that do items of it.
///
/// # Errors
///
/// [`Error::Internal`] when there are none.
pub(super) async fn wait(tx: &Transaction<'_>, id: Uuid) -> Result<()> {
    if store::wait(tx, id).await? { Ok(()) } else { Err(Error::internal("a batch came to nothing")) }
}

/// Notes that `job` is to stop if that of which it does an item is.
///
/// # Errors
///
/// What the database says.
pub(super) async fn inherit(tx: &Transaction<'_>, job: &mut Job) -> Result<()> {
    let (id, at) = (job.id, job.updated_at);
    if let Some(bulk) = &mut job.bulk
        && let Some(parent) = bulk.parent
        && store::inherit(tx, id, parent).await?
    {
        bulk.cancel_requested_at = Some(at);
    }
    Ok(())
}
