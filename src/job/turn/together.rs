//! Small jobs that ask for the same, done in one batch: what each costs by itself would be many times what it does.
//!
//! Nothing else is different: each has a claim of its own, its items are written down with the batch, and it ends by itself,
//! in the same transaction. What goes another way than usual, such as a job that is to stop, is left to be done alone.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tracing::debug;
use uuid::Uuid;

use super::{Claim, Keep, SMALL, Trouble, Work, batch, end, over, store};
use crate::{
    db::Db,
    error::{Error, Result, chain},
    job::{Crier, Job, item, item::Outcome},
};

/// Does a batch of the jobs of `claims`, of one account, which ask for the same; returns the claims of those that have to be
/// done alone: where something goes wrong that are all.
///
/// # Errors
///
/// What the database says.
pub(super) async fn turn(db: &Db, crier: &Crier, claims: &[Claim], work: &impl Work) -> Result<Vec<Claim>> {
    let Some(first) = claims.first() else { return Ok(Vec::new()) };
    let attempt = first.traced(claims.len(), attempt(db, claims, work));
    match AssertUnwindSafe(attempt).catch_unwind().await {
        Ok(Ok((over, alone))) => {
            crier.over(&over).await;
            Ok(alone)
        }
        Ok(Err(Trouble { error: error @ Error::Unavailable(..), .. })) => Err(error),
        Ok(Err(Trouble { error, .. })) => {
            debug!(error = chain(&error), "small jobs are done one by one");
            Ok(claims.to_vec())
        }
        Err(_panic) => Ok(claims.to_vec()),
    }
}

/// Does the next items of these jobs and ends those of which nothing is left, in one transaction. Returns which are over, and
/// the claims of those that have to be done alone; all others are given back.
async fn attempt(db: &Db, claims: &[Claim], work: &impl Work) -> Result<(Vec<Uuid>, Vec<Claim>), Trouble> {
    let mut client = db.client().await?;
    let tx = client.transaction().await?;
    let jobs = store::lock(&tx, claims).await?;
    let stops = |it: &&Job| it.bulk.as_ref().is_none_or(|it| it.cancel_requested_at.is_some());
    let (stopped, jobs): (Vec<&Job>, Vec<&Job>) = jobs.iter().partition(stops);
    let ids: Vec<Uuid> = jobs.iter().map(|it| it.id).collect();
    let mut due = item::store::next(&tx, &ids, SMALL).await?;
    // Of one depth, as all batches are.
    let depth = due.iter().map(|it| it.depth).min();
    due.retain(|it| Some(it.depth) == depth);
    let (of, items): (Vec<Uuid>, Vec<item::Item>) = due.into_iter().map(|it| (it.job, it.item)).unzip();

    let mut settled = Vec::new();
    if let Some((job, bulk)) = jobs.first().and_then(|job| Some((job, job.bulk.as_ref()?)))
        && !items.is_empty()
    {
        let outcomes = work.batch(&tx, &batch(job, bulk, items)).await?;
        let outcomes: Vec<(Uuid, Outcome)> = of.into_iter().zip(outcomes).collect();
        settled = item::store::settle(&tx, &outcomes, Keep::Never).await?;
    }
    let now = |job: &Job| settled.iter().find(|it| it.job == job.id);
    let ends: Vec<&Job> = jobs.into_iter().filter(|job| now(job).is_none_or(|it| !it.is_more)).collect();
    // What nothing was done of, and what left something to clear away, has not been given back with that.
    let open = item::store::open(&tx, &ends.iter().map(|it| it.id).collect::<Vec<_>>()).await?;
    store::release(&tx, &open).await?;
    let ends = ends.into_iter().filter(|it| !open.contains(&it.id));
    let warned = |job: &Job| job.bulk.as_ref().map_or(0, |it| it.warned);
    let counts = |job| now(job).map_or((job.done, job.failed, warned(job)), |it| (it.done, it.failed, it.warned));
    let ends = ends.map(|job| (job.id, counts(job)));
    let ends: Vec<_> = ends.map(|(id, (done, failed, warned))| (id, end(done, failed, warned, false))).collect();
    if !ends.is_empty() {
        over(&tx, &ends, work).await?;
    }
    tx.commit().await?;
    let alone = claims.iter().copied().filter(|claim| stopped.iter().any(|it| it.id == claim.job)).collect();
    Ok((ends.into_iter().map(|it| it.0).collect(), alone))
}
