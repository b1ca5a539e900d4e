//! The runs: claim who is due, compose, commit with a check. A batch that fails is tried one person at a time.

use std::{collections::HashMap, time::Duration};

use jiff::{Timestamp, ToSpan};
use tracing::warn;
use uuid::Uuid;

use super::{
    compose::{self, Log, tells},
    store::{self, Concern, Hearer, Read},
};
use crate::{
    activity::{self, DueLog},
    db::{Db, Transaction},
    error::{Error, Result, chain},
    ids, job, outbox,
    secret::digest,
    subscription::{
        self, Addressed, AddressedItems, Cadence, Cause, Due, Finished, Outcome, Range, Settlement, When,
        schedule::Beat,
    },
};

/// How often a person's digest is tried before its slot is given up. What it would have told is in the next one.
const FAILURES_MAX: i64 = 5;

/// How long a person's digest rests after it failed, by the real clock.
const REST: Duration = Duration::from_secs(60);

/// How runs go.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// People in one transaction.
    pub batch: i64,
    /// How long a claim lasts, by the real clock.
    pub lease: Duration,
    /// How far digests of different accounts are spread.
    pub spread: Duration,
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
    fn add(&mut self, other: Self) {
        self.mailed += other.mailed;
        self.empty += other.empty;
        self.failed += other.failed;
    }
}

/// What a batch writes.
#[derive(Default)]
struct Batch {
    settlements: Vec<Settlement>,
    mails: Vec<outbox::New>,
    slots: Vec<Finished>,
}

/// Composes every digest of `beat` that is due at `now`.
///
/// # Errors
///
/// What the database says. People whose digest cannot be composed are counted, logged and passed over.
pub async fn digests(db: &Db, crier: &job::Crier, terms: &Terms, beat: Beat, now: Timestamp) -> Result<Told> {
    let when = When { now, spread: terms.spread };
    let mut told = Told::default();
    loop {
        let client = db.client().await?;
        let due = subscription::claim(&client, Some(beat), now, terms.batch, terms.lease).await?;
        let Some(first) = due.first() else { break };
        let run = job::Run { account: first.account, cadence: beat.name(), due_at: first.at };
        let total = subscription::left(&client, beat, run.account, run.due_at).await?;
        let job = job::digest_run(&client, &run, total).await?;
        drop(client);
        let work = Work { db, beat: Some(beat), run: Some((job, crier)), when };
        told.add(each(&work, &due).await?);
    }
    close_abandoned(db, crier).await?;
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
        crier.moved(moved.job, moved.is_final).await;
    }
}

/// Composes every catch-up that has been asked for.
///
/// # Errors
///
/// As [`digests`].
pub async fn catch_up(db: &Db, terms: &Terms, now: Timestamp) -> Result<Told> {
    let when = When { now, spread: terms.spread };
    let mut told = Told::default();
    loop {
        let due = subscription::claim(&db.client().await?, None, now, terms.batch, terms.lease).await?;
        if due.is_empty() {
            return Ok(told);
        }
        told.add(each(&Work { db, beat: None, run: None, when }, &due).await?);
    }
}

/// What all batches of one claim share.
#[derive(Clone, Copy)]
struct Work<'a> {
    db: &'a Db,
    /// `None` for catch-ups.
    beat: Option<Beat>,
    /// The job that counts them, and who tells of it.
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
        Err(error) => error,
    };
    warn!(error = chain(&error), people = due.len(), "failed to compose a batch of digests");
    let mut told = Told::default();
    for one in due {
        match batch(work, std::slice::from_ref(one)).await {
            Ok(done) => told.add(done),
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
    let Work { db, beat, when, .. } = *work;
    if one.failures < FAILURES_MAX {
        return subscription::park(&db.client().await?, one, beat, REST).await;
    }
    let mut client = db.client().await?;
    let tx = client.transaction().await?;
    subscription::finish(&tx, one.account, beat, &[one.finished(beat, true, &when)]).await?;
    let failed = job::Done { failed: vec![(one.user, "COMPOSE_FAILED")], ..job::Done::default() };
    let moved = work.advance(&tx, &failed).await?;
    tx.commit().await?;
    work.tell(moved).await;
    Ok(())
}

/// Composes the digests of people of one account and one instant, and commits them.
async fn batch(work: &Work<'_>, due: &[Due]) -> Result<Told> {
    let Work { db, beat, when, .. } = *work;
    let batch = compose_digests(db, beat, due, &when).await?;
    let told = Told { mailed: batch.mails.len(), empty: due.len() - batch.mails.len(), failed: 0 };

    let mut client = db.client().await?;
    let tx = client.transaction().await?;
    subscription::settle(&tx, &batch.settlements, when.now).await?;
    subscription::finish(&tx, due[0].account, beat, &batch.slots).await?;
    outbox::put(&tx, &batch.mails).await?;
    let count = |it| i64::try_from(it).unwrap_or(i64::MAX);
    let done = job::Done { done: count(told.mailed), skipped: count(told.empty), failed: Vec::new() };
    let moved = work.advance(&tx, &done).await?;
    tx.commit().await?;
    work.tell(moved).await;
    Ok(told)
}

async fn compose_digests(db: &Db, beat: Option<Beat>, due: &[Due], when: &When) -> Result<Batch> {
    let account = due[0].account;
    let cadence = beat.map_or(Cadence::Immediate, Cadence::Digest);
    let users: Vec<Uuid> = due.iter().map(|it| it.user).collect();
    let client = db.client().await?;
    let reads = store::for_digests(&client, account, &users, cadence).await?;
    let concerns = store::addressed(&client, &reads).await?;
    let logs = compose::logs(activity::marks(&client, &needed(&reads, &concerns)).await?);
    drop(client);

    let concerns = by_place(concerns);
    let mut batch = Batch::default();
    for it in due {
        if beat.is_some_and(|beat| !it.stands(beat, when)) {
            batch.slots.push(it.finished(beat, false, when));
            continue;
        }
        let reads = &reads[reads.partition_point(|read| read.user < it.user)..];
        let reads = &reads[..reads.partition_point(|read| read.user == it.user)];
        // Whatever hears of all at once hears of what concerns the person too; a digest does only when it was asked to.
        let takes = beat.is_none() || it.recipient.addressed == AddressedItems::WithDigest;
        let (ranges, addressed) = ranges(it.user, reads, &concerns, &logs, takes);
        let cause = match beat {
            Some(Beat::Daily) => Cause::Daily,
            Some(Beat::Weekly) => Cause::Weekly,
            None => Cause::CatchUp,
        };
        let key: Vec<Vec<u8>> = match it.date {
            Some(date) => vec![it.user.as_bytes().to_vec(), date.to_string().into_bytes()],
            None => told_parts(it.user, &ranges, &addressed),
        };
        let kind = if beat.is_some() { outbox::Kind::Digest } else { outbox::Kind::CatchUp };
        let mut finished = it.finished(beat, true, when);
        if reads.is_empty() {
            // Nothing has this cadence any more. Whoever chooses it again plans it again.
            finished.next = None;
        }
        batch.slots.push(finished);
        if it.date.is_some() || !ranges.is_empty() || !addressed.is_empty() {
            let draft = Draft { account, user: it.user, cause, date: it.date, dated_at: it.at, kind };
            batch.add(draft, ranges, addressed, &key);
        }
    }
    Ok(batch)
}

/// What a settlement is about, before it is known whether it tells anything.
struct Draft {
    account: Uuid,
    user: Uuid,
    cause: Cause,
    date: Option<jiff::civil::Date>,
    dated_at: Timestamp,
    kind: outbox::Kind,
}

impl Batch {
    fn add(&mut self, draft: Draft, ranges: Vec<Range>, addressed: Vec<Addressed>, key: &[Vec<u8>]) {
        let Draft { account, user, cause, date, dated_at, kind } = draft;
        let id = ids::new();
        let mail = tells(ranges.iter().map(|it| it.counts), &addressed).then(ids::new);
        if let Some(mail) = mail {
            let mut parts: Vec<&[u8]> = vec![cause.name().as_bytes(), account.as_bytes()];
            parts.extend(key.iter().map(Vec::as_slice));
            let key = digest(&parts);
            self.mails.push(outbox::New { id: mail, account, user: Some(user), kind, subject: id, key, dated_at });
        }
        self.settlements.push(Settlement { id, account, user, cause, date, mail, ranges, addressed });
    }
}

/// The ranges whose marks it takes to count `reads` and to judge what waits from before them.
fn needed(reads: &[Read], concerns: &[Concern]) -> Vec<(Uuid, i64, i64)> {
    let mut needed: HashMap<Uuid, (i64, i64)> = HashMap::new();
    for it in reads {
        let range = needed.entry(it.log).or_insert((it.cursor, it.upto));
        *range = (range.0.min(it.cursor), range.1.max(it.upto));
    }
    for it in concerns {
        if let Some(range) = needed.get_mut(&it.log) {
            range.0 = range.0.min(it.seq - 1);
        }
    }
    needed.into_iter().filter(|(_, (from, to))| from < to).map(|(log, (from, to))| (log, from, to)).collect()
}

/// What concerns people, by who they are and where it is.
fn by_place(concerns: Vec<Concern>) -> HashMap<(Uuid, Uuid), Vec<Concern>> {
    let mut places: HashMap<(Uuid, Uuid), Vec<Concern>> = HashMap::new();
    for it in concerns {
        places.entry((it.user, it.log)).or_default().push(it);
    }
    places
}

/// What is settled for `user`: the ranges that are not empty, and what concerns them and waits, if it is taken.
fn ranges(
    user: Uuid,
    reads: &[Read],
    concerns: &HashMap<(Uuid, Uuid), Vec<Concern>>,
    logs: &HashMap<Uuid, impl std::borrow::Borrow<Log>>,
    takes: bool,
) -> (Vec<Range>, Vec<Addressed>) {
    let nothing = Log::default();
    let (mut ranges, mut addressed) = (Vec::new(), Vec::new());
    for read in reads {
        let log = logs.get(&read.log).map_or(&nothing, |it| it.borrow());
        let concerning = concerns.get(&(user, read.log)).map_or(&[][..], Vec::as_slice);
        if read.cursor < read.upto {
            let seqs: Vec<i64> = concerning.iter().map(|it| it.seq).collect();
            ranges.push(Range {
                subscription: read.id,
                log: read.log,
                from: read.cursor,
                to: read.upto,
                counts: log.counts(user, read.cursor, read.upto, &seqs),
            });
        }
        if takes {
            let waiting = concerning.iter().filter(|it| it.waiting);
            addressed.extend(waiting.map(|it| Addressed {
                log: it.log,
                seq: it.seq,
                outcome: log.outcome(user, it.seq),
            }));
        }
    }
    (ranges, addressed)
}

/// What makes a mail about ranges the only one: the conservation of cursors allows no second.
fn told_parts(user: Uuid, ranges: &[Range], addressed: &[Addressed]) -> Vec<Vec<u8>> {
    let mut parts = vec![user.as_bytes().to_vec()];
    for it in ranges {
        parts.push([it.subscription.as_bytes().as_slice(), &it.from.to_be_bytes(), &it.to.to_be_bytes()].concat());
    }
    for it in addressed {
        parts.push([it.log.as_bytes().as_slice(), &it.seq.to_be_bytes()].concat());
    }
    parts
}

/// Composes the immediate mail of every log that is due at `now`.
///
/// # Errors
///
/// What the database says. Logs and people that fail are counted, logged and due again in a minute.
pub async fn immediate(db: &Db, terms: &Terms, now: Timestamp) -> Result<Told> {
    let mut told = Told::default();
    while let Some(due) = activity::claim_due(&db.client().await?, now, terms.lease).await? {
        let done = match tell(db, terms, &due, now).await {
            Ok(done) => done,
            Err(error) => {
                warn!(error = chain(&error), log.id = %due.log, "failed to compose immediate mail");
                Told { failed: 1, ..Told::default() }
            }
        };
        let again = if done.failed == 0 { None } else { Some(now.checked_add(1.minute()).map_err(Error::internal)?) };
        activity::finish_due(&db.client().await?, &due, again).await?;
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
        let hearers = store::for_immediate(&client, due.log, due.upto, after, terms.batch).await?;
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
        drop(client);
        told.add(hear(db, due, &hearers, &log.1, now).await?);
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
        Err(error) => error,
    };
    warn!(error = chain(&error), people = hearers.len(), "failed to compose a batch of immediate mail");
    let mut told = Told::default();
    for one in hearers {
        match commit_hearers(db, due, std::slice::from_ref(one), log, now).await {
            Ok(done) => told.add(done),
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
            Some(Read { id, user: it.user, log: due.log, cursor, upto: due.upto })
        })
        .collect();
    let mut client = db.client().await?;
    let concerns = by_place(store::addressed(&client, &reads).await?);
    let logs = HashMap::from([(due.log, log)]);
    let mut batch = Batch::default();
    for it in hearers {
        let reads = &reads[reads.partition_point(|read| read.user < it.user)..];
        let reads = &reads[..reads.partition_point(|read| read.user == it.user)];
        let (ranges, _) = ranges(it.user, reads, &concerns, &logs, false);
        let outcome = |seq| match it.subscription {
            None => Outcome::Hidden,
            Some((_, Cadence::Off, _)) => Outcome::Suppressed,
            Some(_) => log.outcome(it.user, seq),
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
            dated_at: due.due_at,
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
