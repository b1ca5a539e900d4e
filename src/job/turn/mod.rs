//! Doing bulk jobs, a batch at a time: any number of processes may, and nothing is done twice.
//!
//! A turn claims the job of the account that has waited for longest, does one batch of it and gives it back; small jobs that
//! ask for the same are done in one batch. So an account with a hundred thousand items holds nobody up by more than a batch.
//! While nobody waits, a job may be kept from one turn to the next. Whoever has a job has it until its lease runs out, which
//! is longer than a batch, and each batch that it is kept for begins another one. Each batch is one transaction with what is
//! written of its items, and begins by locking the job at the fence of its claim: whoever was away for so long that somebody
//! else has claimed the job finds another fence there, and does nothing.
//!
//! ```text
//! claim ─▶ batch ─▶ … ─▶ batch ─▶ clear away what moved folders left, deepest first ─▶ end
//! ```
//!
//! What takes long and needs no transaction is made ready before a batch, while the claim is renewed.

mod store;
mod together;

use std::{panic::AssertUnwindSafe, pin::pin, time::Duration};

use futures_util::FutureExt;
use tokio::{
    time::{Instant, interval_at},
    try_join,
};
use tracing::warn;
use uuid::Uuid;

use super::{
    Bulk, Crier, Job, Kind, State, child,
    item::{
        self, Batch, ItemState, Leftover, Outcome,
        store::{Keep, Settled},
    },
};
use crate::{
    db::{Db, Transaction},
    error::{Error, Result, chain},
    trace::{self, Span},
};

/// Items of a batch at most: what one transaction does in some ten milliseconds.
pub const BATCH: i64 = 100;

/// Items of a job that may be done together with others at most: what has more has a turn to itself.
const SMALL: i64 = 10;

/// The kinds of which small jobs are done together.
const TOGETHER: [Kind; 4] = [Kind::BulkCopy, Kind::BulkMove, Kind::BulkDelete, Kind::BulkRestore];

/// Leftovers that one transaction looks at.
const SWEPT: i64 = 500;

/// How often an item is tried that others are changing at the same time, before it is said to be locked.
const TRIES: usize = 3;

/// How often a claim is renewed while something is made ready, unless it is short: as soon it is seen that the job is to stop.
const BEAT: Duration = Duration::from_secs(1);

/// A process that does jobs.
#[derive(Clone, Copy, Debug)]
pub struct Worker {
    /// What it is known by for as long as it runs.
    pub id: Uuid,
    /// For how long a job is its own.
    pub lease: Duration,
}

/// What is done in the batches of a job. Every call has a transaction to itself, with all that the job writes down of it.
pub trait Work: Sync {
    /// Whether something has to be made ready for the batches of jobs of this kind.
    fn prepares(&self, _kind: Kind) -> bool {
        false
    }

    /// Makes ready what the next batch needs of a job that is claimed, before its transaction. It may take long and be dropped
    /// anywhere, it may be done again, and somebody who has lost the job may still be at it.
    fn prepare(&self, _job: Uuid, _kind: Kind) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Does the first of these items, at least one: what became of each. Those that are not told of come up again. None where
    /// jobs were started for them: the job goes on when one of these has [settled](super::settle) its item.
    fn batch(&self, tx: &Transaction<'_>, batch: &Batch) -> impl Future<Output = Result<Vec<Outcome>>> + Send;

    /// Clears away those of these folders that are empty.
    fn sweep(&self, tx: &Transaction<'_>, job: &Job, these: &[Leftover]) -> impl Future<Output = Result<()>> + Send;

    /// Tells people that jobs are over.
    fn end(&self, tx: &Transaction<'_>, ended: &[Ended]) -> impl Future<Output = Result<()>> + Send;
}

/// A job that is over.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The job.
    pub job: Job,
    /// The WorkCenters in which something that was named was done, each with how many things.
    pub workcenters: Vec<(Uuid, i64)>,
}

/// A job that is a worker's own.
#[derive(Clone, Copy, Debug)]
struct Claim {
    job: Uuid,
    kind: Kind,
    fence: i64,
}

impl Claim {
    /// Does `batch` of this job and of others, so many in all, as a part of a trace.
    async fn traced<T>(&self, jobs: usize, batch: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
        let tell = |span: &Span| {
            span.tell("workcenter.job.kind", self.kind.name());
            span.tell("workcenter.job.id", self.job.to_string());
            span.tell("workcenter.jobs", i64::try_from(jobs).unwrap_or(i64::MAX));
        };
        // What it waits with is large, and would stand on the stack once for each of those that pass it on.
        trace::part("job batch", tell, Box::pin(batch)).await
    }
}

/// What a worker keeps from one turn to the next: the job of which it has done a batch, while nobody waits.
#[derive(Debug, Default)]
pub struct Hand {
    kept: Option<Claim>,
}

impl Hand {
    /// Gives back what is kept: somebody else is to go on with it.
    ///
    /// # Errors
    ///
    /// What the database says. Then its lease has to run out.
    pub async fn empty(&mut self, db: &Db) -> Result<()> {
        let Some(claim) = self.kept.take() else { return Ok(()) };
        let mut client = db.client().await?;
        let tx = client.transaction().await?;
        let ours: Vec<Uuid> = store::lock(&tx, &[claim]).await?.iter().map(|it| it.id).collect();
        store::release(&tx, &ours).await?;
        Ok(tx.commit().await?)
    }
}

/// How it goes on after a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// With the job that is claimed.
    On,
    /// With the job that is claimed, in another turn.
    Kept,
    /// With whoever has waited for longest.
    Around,
    /// The job is over.
    Over,
    /// Somebody else has the job.
    Lost,
}

/// An error, and whether one of the items may be to blame.
struct Trouble {
    error: Error,
    is_of_items: bool,
}

impl<E: Into<Error>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self { error: error.into(), is_of_items: false }
    }
}

/// A turn that broke off.
#[derive(Debug)]
pub struct Broken {
    /// The jobs that it was of; none when none was claimed yet.
    pub jobs: Vec<Uuid>,
    /// Why.
    pub error: Error,
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self { jobs: Vec::new(), error }
    }
}

/// Gives the account that has waited for longest a turn: claims one of its jobs, or several small ones, and does a batch; or
/// does a batch of what is in hand. False when there is nothing to do. Without a hand nothing is kept.
///
/// A batch in which something goes wrong is done again item by item, each in a transaction of its own: then it is that
/// item's alone.
///
/// # Errors
///
/// What the database says, and of which jobs. They come up again when their lease runs out.
pub async fn turn(
    db: &Db,
    crier: &Crier,
    worker: &Worker,
    work: &impl Work,
    mut hand: Option<&mut Hand>,
) -> Result<bool, Broken> {
    let claims = match hand.as_mut().and_then(|it| it.kept.take()) {
        Some(claim) => vec![claim],
        None => store::claim(&db.client().await?, worker).await?,
    };
    let broken = |of: &[Claim], error| Broken { jobs: of.iter().map(|it| it.job).collect(), error };
    let rest = match claims.len() {
        0 | 1 => claims.clone(),
        _ => together::turn(db, crier, &claims, work).await.map_err(|error| broken(&claims, error))?,
    };
    // What waits with it is not kept from others.
    let keep = if hand.is_some() && claims.len() == 1 { Keep::WhileAlone(worker.lease) } else { Keep::Never };
    for claim in rest {
        // What panics outside of a batch is an error, too, for it has to be said whose it was.
        let ended = AssertUnwindSafe(alone(db, crier, worker, claim, work, keep)).catch_unwind().await;
        let ended = ended.unwrap_or_else(|_| Err(Error::internal("it panicked")));
        let kept = ended.map_err(|error| broken(&[claim], error))?;
        if let Some(hand) = hand.as_mut() {
            hand.kept = kept;
        }
    }
    Ok(!claims.is_empty())
}

/// Does a batch of a job; returns the claim if it is kept.
async fn alone(
    db: &Db,
    crier: &Crier,
    worker: &Worker,
    claim: Claim,
    work: &impl Work,
    keep: Keep,
) -> Result<Option<Claim>> {
    let mut singles = 0;
    let mut tries = 0;
    loop {
        if work.prepares(claim.kind) && !prepared(db, claim, worker, work).await? {
            return Ok(None);
        }
        let (most, keep) = match singles {
            0 => (BATCH, keep),
            1 => (1, keep),
            _ => (1, Keep::Always),
        };
        // A panic is an error like any other: the item that it comes from is found, and does not come up for ever.
        let attempt = attempt(db, claim, work, most, keep);
        let attempt = AssertUnwindSafe(claim.traced(1, attempt)).catch_unwind().await;
        let panicked = || Trouble { error: Error::internal("it panicked"), is_of_items: true };
        let next = match attempt.unwrap_or_else(|_| Err(panicked())) {
            Ok(next) => next,
            Err(trouble) if !trouble.is_of_items || matches!(trouble.error, Error::Unavailable(..)) => {
                return Err(trouble.error);
            }
            Err(_) if singles == 0 => {
                singles = BATCH;
                Next::On
            }
            Err(trouble) if tries + 1 < TRIES && matches!(trouble.error, Error::Conflict(_)) => {
                tries += 1;
                continue;
            }
            Err(trouble) => blame(db, claim, &trouble.error).await?,
        };
        tries = 0;
        if singles > 1 && most == 1 {
            singles -= 1;
        }
        crier.moved(claim.job, next == Next::Over).await;
        match next {
            Next::On => {}
            Next::Kept => return Ok(Some(claim)),
            Next::Around | Next::Over | Next::Lost => return Ok(None),
        }
    }
}

/// Makes ready what the next batch needs, and keeps the claim meanwhile. False when somebody else has the job.
async fn prepared(db: &Db, claim: Claim, worker: &Worker, work: &impl Work) -> Result<bool> {
    let renewed = async || store::renew(&db.client().await?, claim, worker).await;
    match renewed().await? {
        Some(false) => {}
        is_ours => return Ok(is_ours.is_some()),
    }
    // Each renewal is waited for: one that was left under way could come after the job was given back.
    let every = BEAT.min(worker.lease / 3);
    let mut beat = interval_at(Instant::now() + every, every);
    let mut ready = pin!(work.prepare(claim.job, claim.kind));
    loop {
        tokio::select! {
            ready = &mut ready => return ready.map(|()| true),
            _ = beat.tick() => match renewed().await? {
                Some(false) => {}
                is_ours => return Ok(is_ours.is_some()),
            },
        }
    }
}

/// Does what is next of a job, in one transaction.
async fn attempt(db: &Db, claim: Claim, work: &impl Work, most: i64, keep: Keep) -> Result<Next, Trouble> {
    let mut client = db.client().await?;
    let tx = client.transaction().await?;
    // Asked in one go: nobody else does items of a job that is ours.
    let (claims, ids) = ([claim], [claim.job]);
    let (jobs, due) = try_join!(store::lock(&tx, &claims), item::store::next(&tx, &ids, most))?;
    let Some(mut job) = jobs.into_iter().next() else { return Ok(Next::Lost) };
    child::inherit(&tx, &mut job).await?;
    let Some(bulk) = job.bulk.as_ref() else { return Err(Error::internal("a digest run was claimed").into()) };
    let is_stopped = bulk.cancel_requested_at.is_some() || (bulk.order.stops_on_failure && job.failed > 0);

    if is_stopped {
        item::store::cancel(&tx, job.id).await?;
    }
    let items: Vec<item::Item> = due.into_iter().filter(|_| !is_stopped).map(|it| it.item).collect();
    let next = if !items.is_empty() {
        let blames = |error| Trouble { error, is_of_items: true };
        done(&tx, &job, bulk, work, items, keep).await.map_err(blames)?
    } else if let leftovers = item::store::leftovers(&tx, job.id, SWEPT).await?
        && !leftovers.is_empty()
    {
        work.sweep(&tx, &job, &leftovers).await?;
        if item::store::swept(&tx, job.id, &leftovers).await? {
            store::release(&tx, &[job.id]).await?;
            Next::Around
        } else {
            Next::On
        }
    } else {
        let is_cancelled = store::is_cancelled(&tx, job.id).await? && bulk.cancel_requested_at.is_some();
        let [done, failed, warned] = [job.done, job.failed, bulk.warned];
        over(&tx, &[(job.id, end(done, failed, warned, is_cancelled))], work).await?;
        Next::Over
    };
    tx.commit().await?;
    Ok(next)
}

/// Does a batch. Then the job is given back if there is more to do and it is not to be kept.
async fn done(
    tx: &Transaction<'_>,
    job: &Job,
    bulk: &Bulk,
    work: &impl Work,
    items: Vec<item::Item>,
    keep: Keep,
) -> Result<Next> {
    let outcomes = work.batch(tx, &batch(job, bulk, items)).await?;
    if outcomes.is_empty() {
        return child::wait(tx, job.id).await.map(|()| Next::Around);
    }
    let outcomes: Vec<(Uuid, Outcome)> = outcomes.into_iter().map(|it| (job.id, it)).collect();
    Ok(match (item::store::settle(tx, &outcomes, keep).await?.first(), keep) {
        (Some(Settled { is_more: true, is_kept: false, .. }), _) => Next::Around,
        (Some(Settled { is_more: true, .. }), Keep::WhileAlone(_)) => Next::Kept,
        _ => Next::On,
    })
}

fn batch(job: &Job, bulk: &Bulk, items: Vec<item::Item>) -> Batch {
    let (initiator, order) = (job.initiator.unwrap_or_default(), bulk.order.clone());
    Batch { job: job.id, account: job.account, kind: job.kind, initiator, order, items }
}

/// Ends jobs whose items are all behind them, each as it is said.
async fn over(tx: &Transaction<'_>, ends: &[(Uuid, State)], work: &impl Work) -> Result<()> {
    let ids: Vec<Uuid> = ends.iter().map(|it| it.0).collect();
    store::finish(tx, ends).await?;
    let (jobs, workcenters) = try_join!(super::store::these(tx, ids.clone()), item::store::workcenters(tx, &ids))?;
    let of = |job: &Job| workcenters.iter().filter(|it| it.0 == job.id).map(|it| (it.1, it.2)).collect();
    let ended: Vec<Ended> = jobs.into_iter().map(|job| Ended { workcenters: of(&job), job }).collect();
    work.end(tx, &ended).await
}

/// How a job ends whose items are all behind it: so many were done, failed, or done with something to say.
fn end(done: i64, failed: i64, warned: i64, is_cancelled: bool) -> State {
    match failed {
        _ if is_cancelled => State::Cancelled,
        0 if warned > 0 => State::SucceededWithWarnings,
        0 => State::Succeeded,
        _ if done == 0 => State::Failed,
        _ => State::PartiallyFailed,
    }
}

/// Writes down that the next item cannot be done because of `error`.
async fn blame(db: &Db, claim: Claim, error: &Error) -> Result<Next> {
    let mut client = db.client().await?;
    let tx = client.transaction().await?;
    let Some(job) = store::lock(&tx, &[claim]).await?.pop() else { return Ok(Next::Lost) };
    let Some(item) = item::store::next(&tx, &[job.id], 1).await?.pop().map(|it| it.item) else { return Ok(Next::On) };
    let (code, text) = match error {
        Error::Conflict(_) => ("LOCKED", "Others were changing it at the same time."),
        _ => ("INTERNAL", "It failed by a fault of ours."),
    };
    warn!(%job.id, %item.id, code, error = chain(error), "an item of a job failed");
    item::store::settle(&tx, &[(job.id, Outcome::none(item.id, ItemState::Failed, code, text))], Keep::Always).await?;
    tx.commit().await?;
    Ok(Next::On)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_depends_on_what_was_done_and_whether_it_was_stopped() {
        for ((done, failed, warned, is_cancelled), state) in [
            ((2, 0, 0, false), State::Succeeded),
            ((2, 0, 1, false), State::SucceededWithWarnings),
            ((2, 1, 1, false), State::PartiallyFailed),
            ((0, 1, 0, false), State::Failed),
            ((0, 0, 0, false), State::Succeeded),
            ((2, 1, 0, true), State::Cancelled),
        ] {
            assert_eq!(end(done, failed, warned, is_cancelled), state, "{done} {failed} {warned} {is_cancelled}");
        }
    }
}
