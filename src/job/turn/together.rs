//! Small jobs that ask for the same, done in one batch: what each costs by itself would be many times what it does.
//!
//! Nothing else is different: each has a claim of its own, its items are written down with the batch, and it ends by itself.
//! What goes another way than usual, such as a job that is to stop, is left to be done alone.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tracing::debug;
use uuid::Uuid;

use super::{Claim, SMALL, Trouble, Work, batch, end, over, store};
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
    let ended = async {
        let (ends, alone) = items(db, claims, work).await?;
        let over = if ends.is_empty() { Vec::new() } else { ending(db, &ends, work).await? };
        Ok::<_, Trouble>((over, alone))
    };
    match AssertUnwindSafe(ended).catch_unwind().await {
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

/// Does the next items of these jobs, in one transaction. Returns the claims of jobs that may be over, and of those that
/// have to be done alone; all others are given back.
async fn items(db: &Db, claims: &[Claim], work: &impl Work) -> Result<(Vec<Claim>, Vec<Claim>), Trouble> {
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

    let mut more = Vec::new();
    if let Some((job, bulk)) = jobs.first().and_then(|job| Some((job, job.bulk.as_ref()?)))
        && !items.is_empty()
    {
        let outcomes = work.batch(&tx, &batch(job, bulk, items)).await?;
        let outcomes: Vec<(Uuid, Outcome)> = of.iter().copied().zip(outcomes).collect();
        more = item::store::settle(&tx, &outcomes, false).await?;
        // What nothing was done of has not been given back with that.
        let idle: Vec<Uuid> = of.iter().copied().filter(|id| outcomes.iter().all(|it| it.0 != *id)).collect();
        store::release(&tx, &idle).await?;
        more.extend(idle);
    }
    tx.commit().await?;
    let of = |jobs: &[Uuid]| claims.iter().copied().filter(|it| jobs.contains(&it.job)).collect();
    let ends: Vec<Uuid> = ids.into_iter().filter(|it| !more.contains(it)).collect();
    Ok((of(&ends), of(&stopped.iter().map(|it| it.id).collect::<Vec<_>>())))
}

/// Ends those of these jobs of which nothing is left, gives the others back, and returns which are over.
async fn ending(db: &Db, claims: &[Claim], work: &impl Work) -> Result<Vec<Uuid>, Trouble> {
    let mut client = db.client().await?;
    let tx = client.transaction().await?;
    let jobs = store::lock(&tx, claims).await?;
    let open = item::store::open(&tx, &jobs.iter().map(|it| it.id).collect::<Vec<_>>()).await?;
    store::release(&tx, &open).await?;
    let jobs = jobs.into_iter().filter(|it| !open.contains(&it.id));
    let jobs: Vec<Job> = jobs.map(|it| Job { state: end(&it, false), ..it }).collect();
    let ids: Vec<Uuid> = jobs.iter().map(|it| it.id).collect();
    over(&tx, jobs, work).await?;
    tx.commit().await?;
    Ok(ids)
}
