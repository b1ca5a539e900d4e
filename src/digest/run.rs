//! The runs: claim who is due, compose, commit with a check. A batch that fails is tried one person at a time.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

use super::{batch::Batch, plan::Waiting, store};
use crate::{
    activity,
    db::{Db, Transaction},
    error::{Error, Result, chain},
    job, outbox,
    subscription::{self, Due, Turn, When, schedule::Beat},
    trace::{self, Span},
};

/// How often a person's digest is tried before its slot is given up. What it would have told is in the next one.
const FAILURES_MAX: i64 = 5;

/// How long a person's digest rests after it failed, by the real clock.
const REST: Duration = Duration::from_secs(60);

/// How runs go.
#[derive(Clone, Debug)]
pub struct Terms {
    /// People in one transaction.
    pub batch: i64,
    /// How long a claim lasts, by the real clock.
    pub lease: Duration,
    /// How far digests of different accounts are spread.
    pub spread: Duration,
    /// Cancelled when the process drains: what has begun is finished, nothing more is claimed.
    pub draining: CancellationToken,
    /// Rung when there are mails that were not there before.
    pub composed: Arc<Notify>,
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// People who get a mail.
    pub mailed: usize,
    /// People for whom there was nothing to tell.
    pub empty: usize,
    /// People who have to be tried again.
    pub failed: usize,
}

impl Told {
    pub(super) fn add(&mut self, other: Self) {
        self.mailed += other.mailed;
        self.empty += other.empty;
        self.failed += other.failed;
    }
}

/// Composes every digest of `beat` that is due at `now`.
///
/// # Errors
///
/// What the database says. People whose digest cannot be composed are counted, logged and passed over.
pub async fn digests(db: &Db, crier: &job::Crier, terms: &Terms, beat: Beat, now: Timestamp) -> Result<Told> {
    // Two batches side by side: while the database commits one, the next one is read. What one hand fails at does not keep the
    // other from ending what it has begun.
    let (one, other) = tokio::join!(hand(db, crier, terms, beat, now), hand(db, crier, terms, beat, now));
    let mut told = one?;
    told.add(other?);
    close_abandoned(db, crier).await?;
    Ok(told)
}

/// Claims and composes, batch by batch, until nobody is due any more.
async fn hand(db: &Db, crier: &job::Crier, terms: &Terms, beat: Beat, now: Timestamp) -> Result<Told> {
    let when = When { now, spread: terms.spread };
    let mut told = Told::default();
    while !terms.draining.is_cancelled() {
        let client = db.client().await?;
        let due = subscription::claim(&client, Turn::Digest(beat), now, terms.batch, terms.lease).await?;
        let Some(first) = due.first() else { break };
        let run = job::Run { account: first.account, cadence: beat.name(), due_at: first.at };
        let job = match job::running(&client, &run).await? {
            Some(job) => job,
            None => {
                let total = subscription::left(&client, beat, run.account, run.due_at).await?;
                job::digest_run(&client, &run, total).await?
            }
        };
        drop(client);
        let work = Work { db, turn: Turn::Digest(beat), run: Some((job, crier)), when };
        told.add(each(&work, &due).await?);
        terms.composed.notify_one();
    }
    Ok(told)
}

/// Ends the runs that wait for people who left while their digest was due.
async fn close_abandoned(db: &Db, crier: &job::Crier) -> Result<()> {
    loop {
        let mut client = db.client().await?;
        let tx = client.transaction().await?;
        let Some((job, waiting)) = store::lock_abandoned_run(&tx).await? else { return Ok(()) };
        let moved = job::advance(&tx, job, &job::Done { skipped: waiting, ..job::Done::default() }).await?;
        tx.commit().await?;
        drop(client);
        crier.moved(moved.job, moved.is_final).await;
    }
}

/// Composes what waited for everybody who is back from having been away, and then every catch-up that has been asked for.
///
/// # Errors
///
/// As [`digests`].
pub async fn catch_up(db: &Db, terms: &Terms, now: Timestamp) -> Result<Told> {
    let when = When { now, spread: terms.spread };
    let mut told = Told::default();
    for turn in [Turn::Return, Turn::CatchUp] {
        while !terms.draining.is_cancelled() {
            let due = subscription::claim(&db.client().await?, turn, now, terms.batch, terms.lease).await?;
            if due.is_empty() {
                break;
            }
            told.add(each(&Work { db, turn, run: None, when }, &due).await?);
            terms.composed.notify_one();
        }
    }
    Ok(told)
}

/// What all batches of one claim share.
#[derive(Clone, Copy)]
struct Work<'a> {
    db: &'a Db,
    turn: Turn,
    /// The job that counts them, and who tells of it; `None` for what is no digest.
    run: Option<(Uuid, &'a job::Crier)>,
    when: When,
}

impl Work<'_> {
    async fn advance(&self, tx: &Transaction<'_>, done: &job::Done) -> Result<Option<job::Moved>> {
        match self.run {
            Some((job, _)) => Ok(Some(job::advance(tx, job, done).await?)),
            None => Ok(None),
        }
    }

    async fn tell(&self, moved: Option<job::Moved>) {
        if let (Some((_, crier)), Some(moved)) = (self.run, moved) {
            crier.moved(moved.job, moved.is_final).await;
        }
    }
}

/// A batch at once; one by one when that fails.
async fn each(work: &Work<'_>, due: &[Due]) -> Result<Told> {
    let error = match batch(work, due).await {
        Ok(told) => return Ok(told),
        // That the database is away is nobody's fault: the claim runs out, and they are claimed again.
        Err(error @ Error::Unavailable(..)) => return Err(error),
        Err(error) => error,
    };
    warn!(error = chain(&error), people = due.len(), "failed to compose a batch of digests");
    let mut told = Told::default();
    for one in due {
        match batch(work, std::slice::from_ref(one)).await {
            Ok(done) => told.add(done),
            Err(error @ Error::Unavailable(..)) => return Err(error),
            Err(error) => {
                warn!(error = chain(&error), user.id = %one.user, "failed to compose a digest");
                told.failed += 1;
                give_up_or_park(work, one).await?;
            }
        }
    }
    Ok(told)
}

/// Lets a digest that cannot be composed rest, or gives its slot up when that has happened too often.
async fn give_up_or_park(work: &Work<'_>, one: &Due) -> Result<()> {
    let Work { db, turn, when, .. } = *work;
    if one.failures < FAILURES_MAX {
        return subscription::park(&db.client().await?, one, turn, REST).await;
    }
    let mut client = db.client().await?;
    let tx = client.transaction().await?;
    match subscription::finish(&tx, one.account, turn, &[one.finished(turn, true, &when)]).await {
        // It was taken back: the person has changed something, or another daemon has it.
        Err(Error::Conflict(_)) => return Ok(()),
        finished => finished?,
    }
    let failed = job::Done { failed: vec![(one.user, "COMPOSE_FAILED")], ..job::Done::default() };
    let moved = work.advance(&tx, &failed).await?;
    tx.commit().await?;
    drop(client);
    work.tell(moved).await;
    Ok(())
}

/// Composes the digests of people of one account and one instant, and commits them.
async fn batch(work: &Work<'_>, due: &[Due]) -> Result<Told> {
    let tell = |span: &Span| {
        span.tell("workcenter.account.id", due[0].account.to_string());
        span.tell("workcenter.people", i64::try_from(due.len()).unwrap_or(i64::MAX));
    };
    // What it waits with is large, and would stand on the stack once for each of those that pass it on.
    trace::part("digest batch", tell, Box::pin(compose(work, due))).await
}

async fn compose(work: &Work<'_>, due: &[Due]) -> Result<Told> {
    let Work { db, turn, when, .. } = *work;
    let batch = compose_turns(db, turn, due, &when).await?;
    let told = Told { mailed: batch.mails.len(), empty: due.len() - batch.mails.len(), failed: 0 };

    let mut client = db.client().await?;
    let tx = client.transaction().await?;
    subscription::settle(&tx, &batch.settlements, when.now).await?;
    subscription::finish(&tx, due[0].account, turn, &batch.slots).await?;
    outbox::put(&tx, &batch.mails).await?;
    let count = |it| i64::try_from(it).unwrap_or(i64::MAX);
    let done = job::Done { done: count(told.mailed), skipped: count(told.empty), failed: Vec::new() };
    let moved = work.advance(&tx, &done).await?;
    if !batch.woken.is_empty() {
        // What came meanwhile was passed over at its time, for its readers were still away.
        activity::wake(&tx, &batch.woken, when.now).await?;
    }
    tx.commit().await?;
    drop(client);
    work.tell(moved).await;
    Ok(told)
}

/// What is to be written for the turns of people of one account and one instant.
async fn compose_turns(db: &Db, turn: Turn, due: &[Due], when: &When) -> Result<Batch> {
    let users: Vec<Uuid> = due.iter().map(|it| it.user).collect();
    let waiting = Waiting::read(&db.client().await?, due[0].account, &users, turn).await?;
    let mut batch = Batch::default();
    for it in due {
        if it.recipient.paused(when.now) || matches!(turn, Turn::Digest(beat) if !it.stands(beat, when)) {
            batch.slots.push(it.finished(turn, false, when));
            continue;
        }
        if turn == Turn::Return {
            batch.woken.extend(waiting.of(it.user).iter().map(|it| it.log));
        }
        let mut finished = it.finished(turn, true, when);
        if waiting.of(it.user).is_empty() {
            // Nothing has this cadence any more. Whoever chooses it again plans it again.
            finished.next = None;
        }
        batch.slots.push(finished);
        waiting.plan(it, turn, &mut batch);
    }
    Ok(batch)
}
