//! What bulk jobs have besides what all jobs have, and how they begin.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Job, Kind,
    item::{self, Planned},
    store,
};
use crate::{
    db::Transaction,
    error::{Error, Reason, Result},
    ids, notice,
};

/// Jobs of an account that are not over at most: days of work, and more than anybody starts but a program that has gone wrong.
const OPEN_MAX: i64 = 10_000;

/// When to come back if there are as many: some are over by then.
const COME_BACK_AFTER: Duration = Duration::from_secs(60);

/// Items that one statement writes: the arrays of as many take a few megabytes.
const WRITTEN_MAX: usize = 5_000;

/// Where things are to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The WorkCenter.
    pub workcenter: Uuid,
    /// The folder in it; none for the top.
    pub folder: Option<Uuid>,
    /// The names of the folders down to that one, with slashes between; empty at the top.
    pub path: String,
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// How many things were named.
    pub roots: i64,
    /// Where they are to go, if anywhere else.
    pub target: Option<Target>,
    /// What happens to documents whose name is taken.
    pub on_conflict: String,
    /// What happens to folders whose name is taken.
    pub on_folder_conflict: String,
    /// Whether all versions are copied.
    pub includes_versions: bool,
    /// Whether documents are left alone that are there already with the same bytes.
    pub skips_identical: bool,
    /// Whether the comments of documents are copied.
    pub includes_comments: bool,
    /// Whether folders are deleted that are not empty.
    pub is_recursive: bool,
    /// Whether nothing more is done after the first item that fails.
    pub stops_on_failure: bool,
}

/// What bulk jobs have besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// What was asked for.
    pub order: Order,
    /// What the initiator was called.
    pub initiator_name: String,
    /// The job whose failed items it does again.
    pub retry_of: Option<Uuid>,
    /// The job of which it does an item.
    pub parent: Option<Uuid>,
    /// Bytes altogether.
    pub total_bytes: i64,
    /// Bytes of the items that are done.
    pub done_bytes: i64,
    /// Items that are done, and of which there is something to say.
    pub warned: i64,
    /// The path of the item that was looked at last.
    pub current_path: String,
    /// The first items that failed: id, path and code.
    pub errors: Vec<(Uuid, String, String)>,
    /// When the first item was begun.
    pub started_at: Option<Timestamp>,
    /// Since when it is to stop.
    pub cancel_requested_at: Option<Timestamp>,
    /// Who wanted it to.
    pub cancel_requested_by: Option<Uuid>,
}

/// A job to be started.
#[derive(Clone, Debug)]
pub struct New<'a> {
    /// Whose it is.
    pub account: Uuid,
    /// What it does.
    pub kind: Kind,
    /// Who starts it.
    pub initiator: Uuid,
    /// Under which id it was asked for; may be empty.
    pub request_id: &'a str,
    /// What was asked for.
    pub order: &'a Order,
}

/// Starts a job over `items`, which are done in this order: those of smaller depth first. Whoever waits for work is told.
///
/// # Errors
///
/// [`Error::Exhausted`] while too many of the account wait.
pub async fn start(tx: &Transaction<'_>, new: &New<'_>, items: &[Planned]) -> Result<Job> {
    room(tx, new.account).await?;
    let id = ids::new();
    let bytes = items.iter().map(|it| it.bytes).sum();
    let total = i64::try_from(items.len()).map_err(Error::internal)?;
    store::insert_bulk(tx, id, new, total, bytes).await?;
    let mut seq = 1_i64;
    for items in items.chunks(WRITTEN_MAX) {
        item::store::insert(tx, id, seq, items).await?;
        seq += i64::try_from(items.len()).map_err(Error::internal)?;
    }
    begun(tx, id).await
}

/// Starts a job of `by` that does the items of `job` again which failed and may succeed now.
///
/// # Errors
///
/// [`Error::Refused`] when there are none, [`Error::Exhausted`] while too many of the account wait.
pub(super) async fn retry(tx: &Transaction<'_>, job: &Job, by: Uuid, request_id: &str) -> Result<Job> {
    room(tx, job.account).await?;
    let id = ids::new();
    store::insert_retry(tx, id, job.id, by, request_id).await?;
    if item::store::retry(tx, id, job.id).await? == 0 {
        return Err(Error::Refused(Reason::NothingToRetry));
    }
    store::count(tx, id).await?;
    begun(tx, id).await
}

/// Makes sure that the account may have another job.
async fn room(tx: &Transaction<'_>, account: Uuid) -> Result<()> {
    match store::has_open(tx, account, OPEN_MAX).await? {
        true => Err(Error::Exhausted(Reason::JobLimitReached, COME_BACK_AFTER)),
        false => Ok(()),
    }
}

/// Notes that the job `id` copies into a WorkCenter that was made after it began.
///
/// # Errors
///
/// What the database says.
pub async fn aim(tx: &Transaction<'_>, id: Uuid, workcenter: Uuid) -> Result<Job> {
    store::aim(tx, id, workcenter).await?;
    store::find(tx, id).await?.ok_or_else(|| super::missing(id))
}

async fn begun(tx: &Transaction<'_>, id: Uuid) -> Result<Job> {
    notice::tell(tx, notice::JOB, id).await?;
    store::find(tx, id).await?.ok_or_else(|| super::missing(id))
}
