//! The table `digest_schedule`: when digests go, who is at work on them, and what was done.

use std::{collections::HashMap, time::Duration};

use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

use super::{Next, Recipient, Turn, When, schedule, schedule::Beat, store};
use crate::{
    db::{self, GenericClient, Row, Transaction},
    error::{Error, Reason, Result},
};

/// Locks people's turns, person by person as [`FINISH`] does, and takes them back from whoever is at work on them: that is
/// done with what they chose before, and its commit finds the lease lost.
const TAKE_BACK: &str = "
    with held as (
        select account_id, user_id, cadence from digest_schedule
        where user_id = any($1) and cadence in ('DAILY', 'WEEKLY', 'RETURN')
        order by user_id, account_id, cadence for update
    )
    update digest_schedule set fence = fence + (lease_until is not null)::int, lease_until = null
    from held
    where digest_schedule.account_id = held.account_id and digest_schedule.user_id = held.user_id
        and digest_schedule.cadence = held.cadence";

/// What people need digests for, whom somebody will come back to, and what is planned. The zone is the person's, else the account's, else UTC.
const WANTED: &str = "
    with used as (
        select distinct user_id, account_id, cadence, true as wanted from subscription
        where user_id = any($1) and ended_at is null and cadence in ('DAILY', 'WEEKLY')
        union all
        select distinct user_id, account_id, 'RETURN', true from subscription join recipient using (user_id)
        where user_id = any($1) and ended_at is null and pause_to > $2
    ), planned as (
        select user_id, account_id, cadence, next_at, next_date, last_date from digest_schedule
        where user_id = any($1) and cadence in ('DAILY', 'WEEKLY', 'RETURN')
    )
    select it.user_id, it.account_id, it.cadence, it.wanted, it.next_at, it.next_date, it.last_date,
        coalesce(nullif(profile.time_zone, ''), account.time_zone, 'UTC') as zone
    from (
        select user_id, account_id, cadence, used.wanted is true as wanted, next_at, next_date, last_date
        from used full join planned using (user_id, account_id, cadence)
    ) it
    left join account on account.id = it.account_id
    left join profile on profile.user_id = it.user_id";

const PLAN: &str = "
    insert into digest_schedule (account_id, user_id, cadence, next_at, next_date)
    select it.account_id, it.user_id, it.cadence, it.next_at, it.next_date
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::date[])
        as it(user_id, account_id, cadence, next_at, next_date)
    on conflict (account_id, user_id, cadence)
    do update set next_at = excluded.next_at, next_date = excluded.next_date";

/// A person's next digests.
const NEXT: &str = "
    select digest_schedule.account_id, cadence, next_at,
        coalesce(nullif(profile.time_zone, ''), account.time_zone, 'UTC') as zone
    from digest_schedule
    join account on account.id = digest_schedule.account_id
    left join profile on profile.user_id = digest_schedule.user_id
    where digest_schedule.user_id = $1 and next_at is not null and cadence in ('DAILY', 'WEEKLY')
    order by digest_schedule.account_id, cadence";

/// Taken back from whoever is at work on an earlier one, who has not read what this one is about.
const CATCH_UP: &str = "
    insert into digest_schedule (account_id, user_id, cadence, next_at)
    select distinct it.account_id, it.user_id, 'CATCHUP', $3::timestamptz
    from unnest($1::uuid[], $2::uuid[]) as it(user_id, account_id) order by it.user_id, it.account_id
    on conflict (account_id, user_id, cadence) do update set
        next_at = least(digest_schedule.next_at, excluded.next_at),
        fence = digest_schedule.fence + 1, lease_until = null, failures = 0";

/// Whoever comes back is told that first, of all that waited.
const COME_BACK: &str = "
    with held as (
        select account_id, cadence from digest_schedule
        where user_id = $1 and cadence in ('CATCHUP', 'RETURN') and next_at > $2
        order by account_id, cadence for update
    )
    update digest_schedule set next_at = $2 from held
    where digest_schedule.account_id = held.account_id and digest_schedule.user_id = $1
        and digest_schedule.cadence = held.cadence";

/// The oldest instant that is due, of it the first account, of that a batch: what its people share is read once. Whoever is
/// to be told what waited while they were away is told nothing else before.
const CLAIM: &str = "
    with head as (
        select account_id, next_at from digest_schedule due
        where cadence = $1 and next_at <= $2 and (lease_until is null or lease_until < now())
            and ($1 = 'RETURN' or (due.account_id, due.user_id) not in (
                select account_id, user_id from digest_schedule where cadence = 'RETURN' and next_at <= $2))
        order by next_at, account_id limit 1 for update skip locked
    ), batch as (
        select due.account_id, due.user_id from digest_schedule due join head using (account_id, next_at)
        where cadence = $1 and (lease_until is null or lease_until < now())
            and ($1 = 'RETURN' or (due.account_id, due.user_id) not in (
                select account_id, user_id from digest_schedule where cadence = 'RETURN' and next_at <= $2))
        order by due.user_id limit $3 for update of due skip locked
    )
    update digest_schedule
    set lease_until = now() + make_interval(secs => $4::float8), fence = fence + 1
    from batch
    where digest_schedule.account_id = batch.account_id and digest_schedule.user_id = batch.user_id
        and digest_schedule.cadence = $1
    returning digest_schedule.account_id, digest_schedule.user_id, next_at, next_date, last_date, fence, failures";

/// What the claimed people chose, and their zones in this account.
const RULES: &str = "
    select it.user_id, coalesce(notifications_enabled, true) as notifications_enabled,
        coalesce(digest_frequency, 'DAILY') as digest_frequency, coalesce(digest_minute, 420) as digest_minute,
        coalesce(weekly_day, 1) as weekly_day, coalesce(daily_days, 127) as daily_days,
        coalesce(recipient.default_delivery, 'INHERIT') as default_delivery,
        coalesce(addressed_items, 'IMMEDIATE') as addressed_items, pause_from, pause_to,
        coalesce(recipient.revision, 1) as revision,
        coalesce(nullif(profile.time_zone, ''), account.time_zone, 'UTC') as zone
    from unnest($2::uuid[]) as it(user_id)
    join account on account.id = $1
    left join recipient on recipient.user_id = it.user_id
    left join profile on profile.user_id = it.user_id";

/// Locked person by person, as whoever takes digests back locks them.
const FINISH: &str = "
    with held as (
        select user_id from digest_schedule
        where account_id = $1 and user_id = any($2) and cadence = $7 order by user_id for update
    )
    update digest_schedule set next_at = it.next_at, next_date = it.next_date, last_date = it.last_date,
        lease_until = null, failures = 0
    from unnest($2::uuid[], $3::bigint[], $4::timestamptz[], $5::date[], $6::date[])
        as it(user_id, fence, next_at, next_date, last_date)
    join held using (user_id)
    where digest_schedule.account_id = $1 and digest_schedule.user_id = it.user_id and cadence = $7
        and digest_schedule.fence = it.fence
    returning digest_schedule.user_id";

const PARK: &str = "
    update digest_schedule set failures = failures + 1, lease_until = now() + make_interval(secs => $5::float8)
    where account_id = $1 and user_id = $2 and cadence = $3 and fence = $4";

const LEFT: &str = "
    select count(*) as left from digest_schedule where cadence = $1 and account_id = $2 and next_at = $3";

/// Whose digests are due.
const DUE: &str = "
    select account_id, user_id, cadence, next_at from digest_schedule
    where cadence in ('DAILY', 'WEEKLY') and next_at <= $1 order by next_at, account_id, user_id";

/// A digest that is announced for an instant.
#[derive(Clone, Debug)]
pub struct Announced {
    /// Whose WorkCenters it tells of.
    pub account: Uuid,
    /// Whom it is for.
    pub user: Uuid,
    /// `DAILY` or `WEEKLY`.
    pub cadence: String,
    /// The instant.
    pub at: Timestamp,
}

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
    let rules = db::text(on, RULES, &[&account, &users]).await?;
    let mut rules: HashMap<Uuid, (Recipient, String)> =
        rules.iter().map(|row| (row.get("user_id"), (store::recipient(row), row.get("zone")))).collect();
    let due = claimed.iter().filter_map(|row| {
        let user: Uuid = row.get("user_id");
        let (recipient, zone) = rules.remove(&user)?;
        Some(Due {
            account,
            user,
            at: row.get("next_at"),
            date: row.get("next_date"),
            last_date: row.get("last_date"),
            fence: row.get("fence"),
            failures: row.get("failures"),
            recipient,
            zone,
        })
    });
    Ok(due.collect())
}

impl Due {
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

/// Whose digests are due at `now`, the oldest first. Claims nothing.
///
/// # Errors
///
/// What the database says.
pub async fn due(on: &impl GenericClient, now: Timestamp) -> Result<Vec<Announced>> {
    let rows = db::text(on, DUE, &[&now]).await?;
    let announced = |row: &Row| Announced {
        account: row.get("account_id"),
        user: row.get("user_id"),
        cadence: row.get("cadence"),
        at: row.get("next_at"),
    };
    Ok(rows.iter().map(announced).collect())
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
