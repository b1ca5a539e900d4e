//! How a digest run begins, comes forward and ends, for those who do the work.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Slot, store};
use crate::{
    db::{GenericClient, Transaction},
    error::Result,
};

/// The digests of one account and cadence that are due at one instant.
#[derive(Clone, Debug)]
pub struct Run {
    /// The account.
    pub account: Uuid,
    /// `DAILY` or `WEEKLY`.
    pub cadence: &'static str,
    /// The instant.
    pub due_at: Timestamp,
}

/// What has happened to some items of a job.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// How many were done.
    pub done: i64,
    /// How many needed nothing.
    pub skipped: i64,
    /// Those that failed, each with a stable code.
    pub failed: Vec<(Uuid, &'static str)>,
}

/// Where [`advance`] has brought a job: what the crier is to tell once that has committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The job that counted it.
    pub job: Uuid,
    /// Whether it is over.
    pub is_final: bool,
}

/// Returns the job of `run` that is under way, if there is one: whoever goes on with it need not count its items.
///
/// # Errors
///
/// What the database says.
pub async fn running(on: &impl GenericClient, run: &Run) -> Result<Option<Uuid>> {
    let slot = Slot { cadence: run.cadence.to_owned(), due_at: run.due_at };
    let mut number = 1_u32;
    while let Some(job) = store::keyed(on, &key(run.account, &slot, number)).await? {
        if !job.state.is_final() {
            return Ok(Some(job.id));
        }
        number += 1;
    }
    Ok(None)
}

/// Returns the job of `run`, begun with `total` items unless it is running already.
///
/// However many ask at once, one job comes of it, with the total of the first. A job that is over never changes: what
/// is still found due afterwards gets a job of its own, numbered.
///
/// # Errors
///
/// What the database says.
pub async fn digest_run(on: &impl GenericClient, run: &Run, total: i64) -> Result<Uuid> {
    let slot = Slot { cadence: run.cadence.to_owned(), due_at: run.due_at };
    begin(on, run.account, &slot, total).await
}

async fn begin(on: &impl GenericClient, account: Uuid, slot: &Slot, total: i64) -> Result<Uuid> {
    let mut number = 1_u32;
    loop {
        let key = key(account, slot, number);
        if let Some(id) = store::insert(on, account, slot, &key, total).await? {
            return Ok(id);
        }
        if let Some(job) = store::keyed(on, &key).await?
            && !job.state.is_final()
        {
            return Ok(job.id);
        }
        number += 1;
    }
}

/// What makes a run the only one of its slot; from the second on its number is part of it.
fn key(account: Uuid, slot: &Slot, number: u32) -> String {
    let Slot { cadence, due_at } = slot;
    match number {
        1 => format!("digest:{account}:{cadence}:{due_at}"),
        _ => format!("digest:{account}:{cadence}:{due_at}:{number}"),
    }
}

/// Counts `done` for `job`, in the transaction that did it. With the last item the job is over.
///
/// The row stays locked until the transaction ends, so this comes last but for publishing. Items that are settled when
/// the job is over already, because more came up than had been counted, are counted by the next job of its slot.
///
/// # Errors
///
/// [`crate::error::Error::NotFound`] for an unknown job.
pub async fn advance(tx: &Transaction<'_>, job: Uuid, done: &Done) -> Result<Moved> {
    let mut id = job;
    loop {
        let job = store::lock(tx, id).await?.ok_or_else(|| super::missing(id))?;
        let Some(slot) = job.slot.as_ref().filter(|_| job.state.is_final()) else {
            let job = job.advanced(done);
            store::update(tx, &job).await?;
            store::insert_failed(tx, id, &done.failed).await?;
            return Ok(Moved { job: id, is_final: job.state.is_final() });
        };
        let settled = done.done + done.skipped + i64::try_from(done.failed.len()).unwrap_or(i64::MAX);
        id = begin(tx, job.account, slot, settled).await?;
    }
}
