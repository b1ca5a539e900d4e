//! The table `digest_schedule`: when digests go, who is at work on them, and what was done.

mod store;

use std::{collections::HashMap, time::Duration};

use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

use store::{ANNOUNCED, CATCH_UP, CLAIM, COME_BACK, DUE, FINISH, LEFT, NEXT, PARK, PLAN, RULES, TAKE_BACK, WANTED};

use super::{Next, Recipient, Turn, When, schedule, schedule::Beat, store::recipient};
use crate::{
    db::{self, GenericClient, Row, Transaction},
    error::{Error, Reason, Result},
};

/// A digest that is due, leased to one daemon.
#[derive(Clone, Debug)]
pub struct Due {
    /// Whose WorkCenters it tells of.
    pub account: Uuid,
    /// Whom it is for.
    pub user: Uuid,
    /// The instant it was announced for.
    pub at: Timestamp,
    /// The nominal local date; `None` for what is no digest.
    pub date: Option<Date>,
    /// The nominal local date of the last one.
    pub last_date: Option<Date>,
    /// What the lease is recognised by.
    pub fence: i64,
    /// How often composing it failed before.
    pub failures: i64,
    /// What the person chose.
    pub recipient: Recipient,
    /// The name of their zone in this account.
    pub zone: String,
}

/// A slot that is done, or was put off.
#[derive(Clone, Copy, Debug)]
pub struct Finished {
    /// Whose it was.
    pub user: Uuid,
    /// What the lease is recognised by.
    pub fence: i64,
    /// When the next one is; `None` when none is wanted.
    pub next: Option<Revised>,
    /// The nominal local date of the last slot that is done.
    pub last_date: Option<Date>,
}

/// When something goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revised {
    /// The instant, of a digest with its spread.
    pub at: Timestamp,
    /// The nominal local date; `None` for what is no digest.
    pub date: Option<Date>,
}

/// The next digest of `account` to somebody who chose `recipient` and lives in `zone`, after `when.now` and not while they
/// are away: what it would tell at the very end of that is told by what waited.
fn plan(
    recipient: &Recipient,
    beat: Beat,
    account: Uuid,
    zone: &str,
    last: Option<Date>,
    when: &When,
) -> Option<Revised> {
    let spread = schedule::spread(account, when.spread);
    let rule = recipient.rule(zone);
    let after = |at: Timestamp| {
        // A slot whose hour has passed and whose spread has not is still to come.
        let slot = schedule::next(&rule, beat, at.checked_sub(spread).ok()?, last)?;
        Some(Revised { at: slot.at.checked_add(spread).ok()?, date: Some(slot.date) })
    };
    let next = after(when.now)?;
    match recipient.pause {
        Some(pause) if recipient.misses(next.at) => after(pause.to),
        _ => Some(next),
    }
}

/// The digest of `date`, if the rule has that date.
fn slot(
    recipient: &Recipient,
    beat: Beat,
    account: Uuid,
    zone: &str,
    date: Option<Date>,
    when: &When,
) -> Option<Revised> {
    let slot = schedule::slot(&recipient.rule(zone), beat, date?)?;
    Some(Revised { at: slot.at.checked_add(schedule::spread(account, when.spread)).ok()?, date: Some(slot.date) })
}

/// Sets when the digests of locked recipients go: every cadence that some subscription has, and none that none has; and,
/// for who is or will be away, when they are told what waits meanwhile.
///
/// What is due and not done yet stays due, unless the new rule puts its date off to a later hour, or its reader is away now.
pub(super) async fn reschedule(tx: &Transaction<'_>, recipients: &[Recipient], when: &When) -> Result<()> {
    let chosen: HashMap<Uuid, &Recipient> = recipients.iter().map(|it| (it.user, it)).collect();
    let users: Vec<Uuid> = recipients.iter().map(|it| it.user).collect();
    let (mut accounts, mut cadences, mut ats, mut dates) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut whose: Vec<Uuid> = Vec::new();
    db::text(tx, TAKE_BACK, &[&users]).await?;
    for row in db::text(tx, WANTED, &[&users, &when.now]).await? {
        let (user, account): (Uuid, Uuid) = (row.get("user_id"), row.get("account_id"));
        let Some(recipient) = chosen.get(&user) else { continue };
        let planned: Option<Timestamp> = row.get("next_at");
        let wanted: bool = row.get("wanted");
        let overdue = planned.is_some_and(|at| at <= when.now) && !recipient.paused(when.now);
        let zone = row.get("zone");
        let next = match (Beat::named(row.get("cadence")), wanted, overdue) {
            (Some(beat), true, true) => match slot(recipient, beat, account, zone, row.get("next_date"), when) {
                Some(later) if later.at > when.now && !recipient.misses(later.at) => Some(later),
                Some(later) if later.at > when.now => plan(recipient, beat, account, zone, row.get("last_date"), when),
                _ => continue,
            },
            (Some(beat), true, false) => plan(recipient, beat, account, zone, row.get("last_date"), when),
            // What waited is told, whatever they choose now.
            (None, _, true) => continue,
            (None, true, false) => recipient.returns_at(when.now).map(|at| Revised { at, date: None }),
            (_, false, _) => None,
        };
        if next.map(|it| it.at) != planned {
            whose.push(user);
            accounts.push(account);
            cadences.push(row.get::<_, &str>("cadence").to_owned());
            ats.push(next.map(|it| it.at));
            dates.push(next.and_then(|it| it.date));
        }
    }
    if !accounts.is_empty() {
        db::text(tx, PLAN, &[&whose, &accounts, &cadences, &ats, &dates]).await?;
    }
    Ok(())
}

/// The next digests of `user`.
pub(super) async fn next_digests(on: &impl GenericClient, user: Uuid) -> Result<Vec<Next>> {
    let rows = db::text(on, NEXT, &[&user]).await?;
    let next = |row: &Row| Next {
        account: row.get("account_id"),
        beat: beat(row),
        at: row.get("next_at"),
        zone: row.get("zone"),
    };
    Ok(rows.iter().map(next).collect())
}

/// Asks for what waits of each (user, account) to be told in one mail, now.
pub(super) async fn catch_up(tx: &Transaction<'_>, waiting: &[(Uuid, Uuid)], now: Timestamp) -> Result<()> {
    let (users, accounts): (Vec<Uuid>, Vec<Uuid>) = waiting.iter().copied().unzip();
    if !users.is_empty() {
        db::text(tx, CATCH_UP, &[&users, &accounts, &now]).await?;
    }
    Ok(())
}

/// Has `user`, who was away, told at once what waited.
pub(super) async fn come_back(tx: &Transaction<'_>, user: Uuid, now: Timestamp) -> Result<()> {
    db::text(tx, COME_BACK, &[&user, &now]).await?;
    Ok(())
}

/// Claims up to `most` turns that are due at `now`: all of one account and one instant. Empty when there are none. The lease
/// runs for `lease` of the real clock.
///
/// # Errors
///
/// What the database says.
pub async fn claim(
    on: &impl GenericClient,
    turn: Turn,
    now: Timestamp,
    most: i64,
    lease: Duration,
) -> Result<Vec<Due>> {
    let claimed = db::text(on, CLAIM, &[&turn.name(), &now, &most, &lease.as_secs_f64()]).await?;
    let Some(first) = claimed.first() else { return Ok(Vec::new()) };
    let account: Uuid = first.get("account_id");
    let users: Vec<Uuid> = claimed.iter().map(|row| row.get("user_id")).collect();
    let mut rules = rules(on, account, &users).await?;
    let due = claimed.iter().filter_map(|row| {
        let (recipient, zone) = rules.remove(&row.get("user_id"))?;
        Some(Due::read(row, recipient, zone))
    });
    Ok(due.collect())
}

/// What people chose, and their zones in `account`.
async fn rules(on: &impl GenericClient, account: Uuid, users: &[Uuid]) -> Result<HashMap<Uuid, (Recipient, String)>> {
    let rows = db::text(on, RULES, &[&account, &users]).await?;
    Ok(rows.iter().map(|row| (row.get("user_id"), (recipient(row), row.get("zone")))).collect())
}

impl Due {
    fn read(row: &Row, recipient: Recipient, zone: String) -> Self {
        Self {
            account: row.get("account_id"),
            user: row.get("user_id"),
            at: row.get("next_at"),
            date: row.get("next_date"),
            last_date: row.get("last_date"),
            fence: row.get("fence"),
            failures: row.get("failures"),
            recipient,
            zone,
        }
    }

    /// Whether the slot is due by the rule as it is now: the zone's own rules may have changed since it was planned.
    pub fn stands(&self, beat: Beat, when: &When) -> bool {
        // A date that the rule does not have any more was announced all the same.
        slot(&self.recipient, beat, self.account, &self.zone, self.date, when).is_none_or(|it| it.at <= when.now)
    }

    /// The one after this one, which is done when `done`, else only put off: what is no digest, until its reader is back.
    pub fn finished(&self, turn: Turn, done: bool, when: &When) -> Finished {
        let last_date = if done { self.date.max(self.last_date) } else { self.last_date };
        let next = match turn {
            Turn::Digest(beat) => plan(&self.recipient, beat, self.account, &self.zone, last_date, when),
            Turn::CatchUp if done => None,
            Turn::CatchUp | Turn::Return => self.recipient.returns_at(when.now).map(|at| Revised { at, date: None }),
        };
        Finished { user: self.user, fence: self.fence, next, last_date }
    }
}

/// Ends the claims of `slots`, all of `account`, and sets when their next ones are.
///
/// # Errors
///
/// [`Error::Conflict`] when one of the leases was lost: the transaction can only be rolled back.
pub async fn finish(tx: &Transaction<'_>, account: Uuid, turn: Turn, slots: &[Finished]) -> Result<()> {
    let rows = db::text(
        tx,
        FINISH,
        &[
            &account,
            &slots.iter().map(|it| it.user).collect::<Vec<_>>(),
            &slots.iter().map(|it| it.fence).collect::<Vec<_>>(),
            &slots.iter().map(|it| it.next.map(|it| it.at)).collect::<Vec<_>>(),
            &slots.iter().map(|it| it.next.and_then(|it| it.date)).collect::<Vec<_>>(),
            &slots.iter().map(|it| it.last_date).collect::<Vec<_>>(),
            &turn.name(),
        ],
    )
    .await?;
    if rows.len() == slots.len() { Ok(()) } else { Err(Error::Conflict(Reason::WriteConflict)) }
}

/// Lets one that failed rest for `rest` of the real clock before it is claimed again.
///
/// # Errors
///
/// What the database says.
pub async fn park(on: &impl GenericClient, due: &Due, turn: Turn, rest: Duration) -> Result<()> {
    db::text(on, PARK, &[&due.account, &due.user, &turn.name(), &due.fence, &rest.as_secs_f64()]).await?;
    Ok(())
}

/// The digests that are due at `now`, the oldest first. Claims nothing.
///
/// # Errors
///
/// What the database says.
pub async fn due(on: &impl GenericClient, now: Timestamp) -> Result<Vec<(Beat, Due)>> {
    let rows = db::text(on, DUE, &[&now]).await?;
    let mut accounts: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for row in &rows {
        accounts.entry(row.get("account_id")).or_default().push(row.get("user_id"));
    }
    let mut chosen: HashMap<(Uuid, Uuid), (Recipient, String)> = HashMap::new();
    for (account, users) in accounts {
        chosen.extend(rules(on, account, &users).await?.into_iter().map(|(user, it)| ((account, user), it)));
    }
    let due = |row: &Row| {
        let (account, user) = (row.get("account_id"), row.get("user_id"));
        let (recipient, zone) = chosen.get(&(account, user))?.clone();
        Some((beat(row), Due::read(row, recipient, zone)))
    };
    Ok(rows.iter().filter_map(due).collect())
}

/// The digest of `user` in `account` as it would be claimed at `at`, and that instant: unless it is given, when the digest
/// goes next. One that is asked for before its hour has the date of that day. `None` when there is no such account. Claims
/// nothing.
///
/// # Errors
///
/// What the database says.
pub async fn imagine(
    on: &impl GenericClient,
    account: Uuid,
    user: Uuid,
    beat: Beat,
    at: Option<Timestamp>,
    when: &When,
) -> Result<Option<(Due, Timestamp)>> {
    let Some((recipient, zone)) = rules(on, account, &[user]).await?.remove(&user) else { return Ok(None) };
    let announced = db::text(on, ANNOUNCED, &[&account, &user, &beat.name()]).await?;
    let announced = announced.first();
    let last_date: Option<Date> = announced.and_then(|row| row.get("last_date"));
    let slot =
        announced.and_then(|row| Some(Revised { at: row.get::<_, Option<_>>("next_at")?, date: row.get("next_date") }));
    let slot = slot.or_else(|| plan(&recipient, beat, account, &zone, last_date, when));
    let at = at.unwrap_or_else(|| slot.map_or(when.now, |it| it.at.max(when.now)));
    let today = || at.to_zoned(schedule::zone(&zone).unwrap_or(jiff::tz::TimeZone::UTC)).date();
    let slot = slot.filter(|it| it.at <= at).unwrap_or_else(|| Revised { at, date: Some(today()) });
    let (date, failures, fence) = (slot.date, 0, 0);
    Ok(Some((Due { account, user, at: slot.at, date, last_date, fence, failures, recipient, zone }, at)))
}

/// How many digests of an account are still due at the instant `at`.
///
/// # Errors
///
/// What the database says.
pub async fn left(on: &impl GenericClient, beat: Beat, account: Uuid, at: Timestamp) -> Result<i64> {
    Ok(db::text(on, LEFT, &[&beat.name(), &account, &at]).await?[0].get("left"))
}

fn beat(row: &Row) -> Beat {
    Beat::named(row.get("cadence")).expect("the statement asks for these two")
}
