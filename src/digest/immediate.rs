//! Immediate mail: a digest with a short window, composed log by log for everybody who hears of it.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use tracing::warn;
use uuid::Uuid;

use super::{
    batch::{Batch, Draft, by_place, ranges, told_parts},
    compose::{self, Log, Whom},
    run::{Terms, Told},
    store::{self, Hearer, Read},
};
use crate::{
    activity::{self, DueLog},
    db::Db,
    error::{Error, Result, chain},
    outbox,
    subscription::{self, Addressed, Cadence, Cause, Outcome},
};

/// How long a log rests in which somebody could not be composed, by the real clock.
const REST: Duration = Duration::from_secs(60);

/// Composes the immediate mail of every log that is due at `now`.
///
/// # Errors
///
/// What the database says. Logs and people that fail are counted, logged and tried again in a minute.
pub async fn immediate(db: &Db, terms: &Terms, now: Timestamp) -> Result<Told> {
    let mut told = Told::default();
    while !terms.draining.is_cancelled() {
        // In a statement of its own: the connection goes back before the work begins.
        let due = activity::claim_due(&db.client().await?, now, terms.lease).await?;
        let Some(due) = due else { break };
        let done = match tell(db, terms, &due, now).await {
            Ok(done) => done,
            // That the database is away is no fault of the log: the claim runs out, and it is claimed again.
            Err(error @ Error::Unavailable(..)) => return Err(error),
            Err(error) => {
                warn!(error = chain(&error), log.id = %due.log, "failed to compose immediate mail");
                Told { failed: 1, ..Told::default() }
            }
        };
        let client = db.client().await?;
        if done.failed == 0 {
            activity::finish_due(&client, &due).await?;
        } else {
            activity::keep_due(&client, &due, REST).await?;
        }
        told.add(done);
    }
    Ok(told)
}

/// Tells of one log, a batch of people at a time.
async fn tell(db: &Db, terms: &Terms, due: &DueLog, now: Timestamp) -> Result<Told> {
    let mut told = Told::default();
    let mut known: Option<(i64, Log)> = None;
    let mut after = Uuid::nil();
    loop {
        let client = db.client().await?;
        let hearers = store::for_immediate(&client, due, after, terms.batch, now).await?;
        let Some(last) = hearers.last() else { return Ok(told) };
        after = last.user;
        // The log is read once for all who hear of it, and again only for somebody who is further behind.
        let from = hearers.iter().map(Hearer::from).min().unwrap_or(due.upto);
        let log = match known.take() {
            Some((reach, log)) if reach <= from => (reach, log),
            _ => {
                let marks = activity::marks(&client, &[(due.log, from, due.upto)]).await?;
                (from, compose::logs(marks).remove(&due.log).unwrap_or_default())
            }
        };
        // A large audience takes longer than a lease; whoever has taken over goes on from the cursors.
        if !activity::keep_due(&client, due, terms.lease).await? {
            return Ok(told);
        }
        drop(client);
        told.add(hear(db, due, &hearers, &log.1, now).await?);
        terms.composed.notify_one();
        known = Some(log);
    }
}

impl Hearer {
    /// Where this person's part of the log begins.
    fn from(&self) -> i64 {
        let cursor = self.immediate().map(|(_, cursor)| cursor);
        let waiting = self.waiting.iter().map(|it| it - 1);
        waiting.chain(cursor).min().unwrap_or(i64::MAX)
    }

    /// The subscription and its cursor, if the person hears of all at once.
    fn immediate(&self) -> Option<(Uuid, i64)> {
        match self.subscription {
            Some((id, Cadence::Immediate, cursor)) => Some((id, cursor)),
            _ => None,
        }
    }
}

/// A batch of people at once; one by one when that fails.
async fn hear(db: &Db, due: &DueLog, hearers: &[Hearer], log: &Log, now: Timestamp) -> Result<Told> {
    let error = match commit_hearers(db, due, hearers, log, now).await {
        Ok(told) => return Ok(told),
        Err(error @ Error::Unavailable(..)) => return Err(error),
        Err(error) => error,
    };
    warn!(error = chain(&error), people = hearers.len(), "failed to compose a batch of immediate mail");
    let mut told = Told::default();
    for one in hearers {
        match commit_hearers(db, due, std::slice::from_ref(one), log, now).await {
            Ok(done) => told.add(done),
            Err(error @ Error::Unavailable(..)) => return Err(error),
            Err(error) => {
                warn!(error = chain(&error), user.id = %one.user, "failed to compose an immediate mail");
                told.failed += 1;
            }
        }
    }
    Ok(told)
}

async fn commit_hearers(db: &Db, due: &DueLog, hearers: &[Hearer], log: &Log, now: Timestamp) -> Result<Told> {
    let reads: Vec<Read> = hearers
        .iter()
        .filter_map(|it| {
            let (id, cursor) = it.immediate().filter(|(_, cursor)| *cursor < due.upto)?;
            let as_administrator = false;
            Some(Read { id, user: it.user, log: due.log, as_administrator, cursor, upto: due.upto })
        })
        .collect();
    let mut client = db.client().await?;
    let concerns = by_place(store::addressed(&client, &reads).await?);
    let logs = HashMap::from([(due.log, log)]);
    let mut batch = Batch::default();
    for it in hearers {
        let reads = &reads[reads.partition_point(|read| read.user < it.user)..];
        let reads = &reads[..reads.partition_point(|read| read.user == it.user)];
        let whom = Whom { user: it.user, own_activity: it.own_activity };
        let (ranges, _) = ranges(whom, reads, &concerns, &logs, false);
        let outcome = |seq| match it.subscription {
            None => Outcome::Hidden,
            Some((_, Cadence::Off, _)) => Outcome::Suppressed,
            Some(_) => log.outcome(whom, seq),
        };
        let addressed: Vec<Addressed> =
            it.waiting.iter().map(|&seq| Addressed { log: due.log, seq, outcome: outcome(seq) }).collect();
        if ranges.is_empty() && addressed.is_empty() {
            continue;
        }
        let key = told_parts(it.user, &ranges, &addressed);
        let draft = Draft {
            account: due.account,
            user: it.user,
            cause: Cause::Immediate,
            date: None,
            dated_at: now,
            kind: outbox::Kind::Immediate,
        };
        batch.add(draft, ranges, addressed, &key);
    }
    let told = Told { mailed: batch.mails.len(), empty: hearers.len() - batch.mails.len(), failed: 0 };

    let tx = client.transaction().await?;
    subscription::settle(&tx, &batch.settlements, now).await?;
    outbox::put(&tx, &batch.mails).await?;
    tx.commit().await?;
    Ok(told)
}
