//! The tables `recipient` and `subscription`.

use std::collections::HashMap;

use jiff::{Timestamp, civil::Weekday};
use uuid::Uuid;

use super::settlement::Jump;
use super::{
    AddressedItems, Cadence, Delivery, OfAccount, Pause, Recipient, large::of_account, schedule::Beat, schedule::Days,
};
use crate::{
    db::{self, GenericClient, Row},
    error::{Error, Result},
};

/// Makes the rows of those who are new and locks them, or locks those there are, in one order: an update of nothing takes
/// the lock.
const LOCK_RECIPIENTS: &str = "
    insert into recipient (user_id) select it.user_id from unnest($1::uuid[]) as it (user_id) order by it.user_id
    on conflict (user_id) do update set user_id = excluded.user_id
    returning user_id, notifications_enabled, digest_frequency, digest_minute, weekly_day, daily_days,
        default_delivery, addressed_items, addressed_silenced, own_activity, redact_content, pause_from, pause_to, revision";

const FIND_RECIPIENT: &str = "
    select user_id, notifications_enabled, digest_frequency, digest_minute, weekly_day, daily_days, default_delivery,
        addressed_items, addressed_silenced, own_activity, redact_content, pause_from, pause_to, revision
    from recipient where user_id = $1";

const UPDATE_RECIPIENT: &str = "
    update recipient set notifications_enabled = $2, digest_frequency = $3, digest_minute = $4, weekly_day = $5,
        daily_days = $6, default_delivery = $7, addressed_items = $8, addressed_silenced = $9, pause_from = $10,
        pause_to = $11, own_activity = $12, redact_content = $13,
        revision = revision + 1
    where user_id = $1";

const AWAY: &str = "
    select user_id, pause_to from recipient where user_id = any($1) and pause_from <= $2 and $2 < pause_to";

/// In the order of their ids, as everybody locks them. Here and below `offset 0` has it asked of each WorkCenter whether it is
/// large: else all that are would be gathered first.
const LOCK_LIVE: &str = "
    select subscription.id, subscription.account_id, subscription.user_id, subscription.log_id, subscription.delivery,
        subscription.cadence, subscription.cursor, subscription.ended_at is not null as ended, activity_head.last_seq,
        account.default_delivery as of_account,
        exists (select from workcenter where workcenter.id = subscription.log_id and large offset 0) as large,
        exists (select from person_log where person_log.log_id = subscription.log_id) as own,
        case when administrator_from is not null then coalesce(digest.delivery, 'OFF') end as administrator
    from subscription join activity_head using (log_id) join account on account.id = subscription.account_id
    left join administrator_digest digest on administrator_from is not null
        and digest.account_id = subscription.account_id and digest.user_id = subscription.user_id
    where subscription.user_id = any($1) and subscription.ended_at is null
        and ($2::uuid[] is null or log_id = any($2)) and ($3::uuid is null or subscription.account_id = $3)
    order by subscription.id for no key update of subscription";

/// In the order of their ids, as everybody locks them.
const LOCK_TIES: &str = "
    select subscription.id, subscription.account_id, subscription.user_id, subscription.log_id, subscription.delivery,
        subscription.cadence, subscription.cursor, subscription.ended_at is not null as ended, activity_head.last_seq,
        account.default_delivery as of_account,
        exists (select from workcenter where workcenter.id = subscription.log_id and large offset 0) as large,
        exists (select from person_log where person_log.log_id = subscription.log_id) as own,
        case when administrator_from is not null then coalesce(digest.delivery, 'OFF') end as administrator
    from unnest($1::uuid[], $2::uuid[]) as it (user_id, log_id)
    join subscription using (user_id, log_id) join activity_head using (log_id)
    join account on account.id = subscription.account_id
    left join administrator_digest digest on administrator_from is not null
        and digest.account_id = subscription.account_id and digest.user_id = subscription.user_id
    order by subscription.id for no key update of subscription";

const HEADS: &str = "
    select activity_head.log_id, activity_head.last_seq, account.default_delivery as of_account,
        exists (select from workcenter where workcenter.id = activity_head.log_id and large offset 0) as large
    from activity_head join account on account.id = activity_head.account_id
    where activity_head.log_id = any($1)";

/// In the order of their ids, as everybody locks them.
const LOCK_LOG: &str = "
    select id, account_id, user_id, log_id, cursor from subscription
    where log_id = $1 and ended_at is null order by id for no key update";

/// Those of WorkCenters that are active themselves, and of people's own logs. In the order of their ids, as everybody locks
/// them.
const LOCK_ACCOUNT: &str = "
    select subscription.id, subscription.account_id, subscription.user_id, subscription.log_id, subscription.cursor
    from (
        select id as log_id from workcenter where account_id = $1 and archived_at is null and purge_at is null
        union all
        select log_id from person_log where account_id = $1
    ) of join subscription on subscription.log_id = of.log_id and subscription.ended_at is null
    order by subscription.id for no key update of subscription";

/// Live ones, and then those that have ended, each by the index of theirs.
const FORGET: [&str; 2] = [
    "delete from subscription where id = any(array(
        select id from subscription where log_id = $1 and ended_at is null limit $2)) returning 1",
    "delete from subscription where log_id = $1 and ended_at is not null and $2::bigint > 0 and not exists (
        select from subscription live where live.log_id = $1 and live.ended_at is null) returning 1",
];

const INSERT: &str = "
    insert into subscription
        (id, account_id, user_id, log_id, cadence, start_seq, cursor, begun_at, administrator_from)
    select it.id, it.account_id, it.user_id, it.log_id, it.cadence, it.seq, it.seq, $7,
        case when $8::bool then it.seq end
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[])
        as it (id, account_id, user_id, log_id, cadence, seq)";

const REVIVE: &str = "
    update subscription set ended_at = null, begun_at = $3, cadence = it.cadence, administrator_from = null
    from unnest($1::uuid[], $2::text[]) as it (id, cadence) where subscription.id = it.id";

/// What people hear of as administrators is not set for one WorkCenter.
const LIST: &str = "
    select workcenter.id, workcenter.name, subscription.delivery, account.default_delivery as of_account,
        workcenter.large
    from subscription join workcenter on workcenter.id = subscription.log_id
    join account on account.id = workcenter.account_id
    where subscription.user_id = $1 and subscription.ended_at is null and workcenter.purge_at is null
        and subscription.administrator_from is null
        and ($2::uuid is null or workcenter.id > $2) and ($3::uuid[] is null or workcenter.id = any($3))
    order by workcenter.id limit $4";

/// A subscription while its row is locked.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub id: Uuid,
    pub account: Uuid,
    pub user: Uuid,
    pub log: Uuid,
    pub delivery: Delivery,
    pub cadence: Cadence,
    pub cursor: i64,
    pub ended: bool,
    pub last_seq: i64,
    pub of_account: OfAccount,
    /// Whether the log is the person's own.
    pub own: bool,
    /// The digest that it follows, of an administrator who does not collaborate.
    pub administrator: Option<Delivery>,
}

impl Held {
    /// What is set for it comes to this with what `recipient` prefers.
    pub fn effective(&self, recipient: &Recipient) -> Cadence {
        match self.administrator {
            Some(delivery) => recipient.administers(delivery),
            None => recipient.effective(self.delivery, self.of_account).0,
        }
    }

    /// Everything that is not settled yet, as one range up to `to`.
    pub fn jump(&self, to: i64) -> Jump {
        let Self { id, account, user, log, cursor, .. } = *self;
        Jump { account, user, subscription: id, log, from: cursor, to }
    }
}

/// What a person set for one of their WorkCenters.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The WorkCenter.
    pub workcenter: Uuid,
    /// Its name.
    pub name: String,
    /// What is set.
    pub delivery: Delivery,
    /// What its account has for it.
    pub of_account: OfAccount,
}

/// Locks recipients, who are made when new.
pub(super) async fn lock_recipients(on: &impl GenericClient, users: &[Uuid]) -> Result<Vec<Recipient>> {
    Ok(db::text(on, LOCK_RECIPIENTS, &[&users]).await?.iter().map(recipient).collect())
}

/// Locks the recipient, who is made when new.
pub(super) async fn lock_recipient(on: &impl GenericClient, user: Uuid) -> Result<Recipient> {
    let locked = lock_recipients(on, &[user]).await?.pop();
    locked.ok_or_else(|| Error::internal("a recipient was neither found nor made"))
}

/// The recipient, or somebody who has chosen nothing.
pub(super) async fn find_recipient(on: &impl GenericClient, user: Uuid) -> Result<Recipient> {
    let rows = db::text(on, FIND_RECIPIENT, &[&user]).await?;
    Ok(rows.first().map_or_else(|| Recipient::new(user), recipient))
}

/// Writes what the recipient chose; their revision grows.
pub(super) async fn update_recipient(on: &impl GenericClient, it: &Recipient) -> Result<()> {
    let weekday = i64::from(it.weekday.to_monday_one_offset());
    db::text(
        on,
        UPDATE_RECIPIENT,
        &[
            &it.user,
            &it.enabled,
            &it.frequency.name(),
            &it.minute,
            &weekday,
            &it.days.mask(),
            &it.default.name(),
            &it.addressed.name(),
            &it.addressed_silenced,
            &it.pause.map(|it| it.from),
            &it.pause.map(|it| it.to),
            &it.own_activity,
            &it.redact_content,
        ],
    )
    .await?;
    Ok(())
}

/// Who of `users` is away at `now`, and until when.
pub(super) async fn away(on: &impl GenericClient, users: &[Uuid], now: Timestamp) -> Result<Vec<(Uuid, Timestamp)>> {
    let rows = db::text(on, AWAY, &[&users, &now]).await?;
    Ok(rows.iter().map(|row| (row.get("user_id"), row.get("pause_to"))).collect())
}

/// Locks people's live subscriptions: all, or those of some logs or one account.
pub(super) async fn lock_live(
    on: &impl GenericClient,
    users: &[Uuid],
    logs: Option<&[Uuid]>,
    account: Option<Uuid>,
) -> Result<Vec<Held>> {
    Ok(db::text(on, LOCK_LIVE, &[&users, &logs, &account]).await?.iter().map(held).collect())
}

/// Locks the subscriptions of people to logs, live and ended ones: no person comes with the same log twice.
pub(super) async fn lock_ties(on: &impl GenericClient, users: &[Uuid], logs: &[Uuid]) -> Result<Vec<Held>> {
    Ok(db::text(on, LOCK_TIES, &[&users, &logs]).await?.iter().map(held).collect())
}

/// Locks everybody's live subscriptions to a log: each as a jump from where it is to nowhere yet.
pub(super) async fn lock_log(on: &impl GenericClient, log: Uuid) -> Result<Vec<Jump>> {
    Ok(db::text(on, LOCK_LOG, &[&log]).await?.iter().map(nowhere).collect())
}

/// The same of all logs of an account whose WorkCenters are active themselves.
pub(super) async fn lock_account(on: &impl GenericClient, account: Uuid) -> Result<Vec<Jump>> {
    Ok(db::text(on, LOCK_ACCOUNT, &[&account]).await?.iter().map(nowhere).collect())
}

/// Removes subscriptions to a log, of live ones up to `most`; returns how many. Nothing refers to them any more.
///
/// # Errors
///
/// What the database says.
pub async fn forget(on: &impl GenericClient, log: Uuid, most: i64) -> Result<usize> {
    let mut removed = 0;
    for statement in FORGET {
        removed += db::text(on, statement, &[&log, &most]).await?.len();
    }
    Ok(removed)
}

/// Where a log ends, and what its account has for those who have chosen nothing.
pub(super) struct Head {
    pub last_seq: i64,
    pub of_account: OfAccount,
}

/// The heads of logs. Whoever has locked somebody's recipient reads the default that is in force for them until the
/// transaction ends: a change of it waits for that lock.
pub(super) async fn heads(on: &impl GenericClient, logs: &[Uuid]) -> Result<HashMap<Uuid, Head>> {
    let rows = db::text(on, HEADS, &[&logs]).await?;
    let head = |row: &Row| Head { last_seq: row.get("last_seq"), of_account: of_account(row) };
    Ok(rows.iter().map(|row| (row.get("log_id"), head(row))).collect())
}

/// A subscription that is made.
pub(super) struct New {
    pub id: Uuid,
    pub account: Uuid,
    pub user: Uuid,
    pub log: Uuid,
    pub cadence: Cadence,
    pub start: i64,
}

/// Makes subscriptions: of collaborators, or `as_administrators`.
pub(super) async fn insert(
    on: &impl GenericClient,
    new: &[New],
    as_administrators: bool,
    now: Timestamp,
) -> Result<()> {
    fn column<T>(new: &[New], of: impl Fn(&New) -> T) -> Vec<T> {
        new.iter().map(of).collect()
    }
    if new.is_empty() {
        return Ok(());
    }
    db::text(
        on,
        INSERT,
        &[
            &column(new, |it| it.id),
            &column(new, |it| it.account),
            &column(new, |it| it.user),
            &column(new, |it| it.log),
            &column(new, |it| it.cadence.name()),
            &column(new, |it| it.start),
            &now,
            &as_administrators,
        ],
    )
    .await?;
    Ok(())
}

/// Makes ended subscriptions live again, or those of administrators a collaborator's, each at its cadence.
pub(super) async fn revive(on: &impl GenericClient, revived: &[(Uuid, Cadence)], now: Timestamp) -> Result<()> {
    let (ids, cadences): (Vec<Uuid>, Vec<&str>) = revived.iter().map(|(id, it)| (*id, it.name())).unzip();
    if !ids.is_empty() {
        db::text(on, REVIVE, &[&ids, &cadences, &now]).await?;
    }
    Ok(())
}

/// Ends subscriptions.
pub(super) async fn end(on: &impl GenericClient, ids: &[Uuid], now: Timestamp) -> Result<()> {
    db::text(on, "update subscription set ended_at = $2 where id = any($1)", &[&ids, &now]).await?;
    Ok(())
}

/// Writes what the delivery of locked subscriptions is: by the person's own choice, so that no link undoes it.
pub(super) async fn deliver(on: &impl GenericClient, held: &[Held]) -> Result<()> {
    let (ids, deliveries): (Vec<Uuid>, Vec<&str>) = held.iter().map(|it| (it.id, it.delivery.name())).collect();
    let update = "update subscription set delivery = it.delivery, silenced_by = null, silenced_from = null
        from unnest($1::uuid[], $2::text[]) as it(id, delivery) where subscription.id = it.id";
    db::text(on, update, &[&ids, &deliveries]).await?;
    Ok(())
}

/// Switches subscriptions off that are not, by a link of the kind `by`.
pub(super) async fn silence(on: &impl GenericClient, ids: &[Uuid], by: &str) -> Result<()> {
    let silence = "update subscription set delivery = 'OFF', silenced_by = $2, silenced_from = delivery
        where id = any($1) and delivery <> 'OFF'";
    db::text(on, silence, &[&ids, &by]).await?;
    Ok(())
}

/// Sets those of the subscriptions that a link of the kind `by` has switched off as they were before; returns how.
pub(super) async fn unsilence(on: &impl GenericClient, ids: &[Uuid], by: &str) -> Result<Vec<(Uuid, Delivery)>> {
    let unsilence = "update subscription set delivery = silenced_from, silenced_by = null, silenced_from = null
        where id = any($1) and silenced_by = $2 and delivery = 'OFF'
        returning id, delivery";
    let rows = db::text(on, unsilence, &[&ids, &by]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), delivery(row, "delivery"))).collect())
}

/// The logs in which something that concerns a person waits.
pub(super) async fn waiting_logs(on: &impl GenericClient, user: Uuid) -> Result<Vec<Uuid>> {
    let find = "select distinct addressee.log_id from subscription join addressee using (log_id, user_id)
        where user_id = $1 and ended_at is null and settlement_id is null";
    Ok(db::text(on, find, &[&user]).await?.iter().map(|row| row.get("log_id")).collect())
}

/// Sets the cadences of subscriptions.
pub(super) async fn pace(on: &impl GenericClient, changes: &[(Uuid, Cadence)]) -> Result<()> {
    let (ids, cadences): (Vec<Uuid>, Vec<&str>) = changes.iter().map(|(id, it)| (*id, it.name())).collect();
    let update = "update subscription set cadence = it.cadence
        from unnest($1::uuid[], $2::text[]) as it(id, cadence) where subscription.id = it.id";
    db::text(on, update, &[&ids, &cadences]).await?;
    Ok(())
}

/// What a person set for their WorkCenters, by id, after the WorkCenter `after`; only for `these` when there are such.
///
/// # Errors
///
/// What the database says.
pub async fn list(
    on: &impl GenericClient,
    user: Uuid,
    after: Option<Uuid>,
    these: Option<&[Uuid]>,
    fetch: i64,
) -> Result<Vec<Placed>> {
    let rows = db::text(on, LIST, &[&user, &after, &these, &fetch]).await?;
    let placed = |row: &Row| Placed {
        workcenter: row.get("id"),
        name: row.get("name"),
        delivery: delivery(row, "delivery"),
        of_account: of_account(row),
    };
    Ok(rows.iter().map(placed).collect())
}

/// Reads a recipient from the columns of its table.
pub(super) fn recipient(row: &Row) -> Recipient {
    let weekday = i8::try_from(row.get::<_, i64>("weekly_day")).unwrap_or(1);
    let addressed = match row.get("addressed_items") {
        "WITH_DIGEST" => AddressedItems::WithDigest,
        _ => AddressedItems::Immediate,
    };
    let (from, to): (Option<Timestamp>, Option<Timestamp>) = (row.get("pause_from"), row.get("pause_to"));
    Recipient {
        user: row.get("user_id"),
        enabled: row.get("notifications_enabled"),
        frequency: Beat::named(row.get("digest_frequency")).unwrap_or(Beat::Daily),
        minute: row.get("digest_minute"),
        weekday: Weekday::from_monday_one_offset(weekday).unwrap_or(Weekday::Monday),
        days: Days::from_mask(row.get("daily_days")).unwrap_or_default(),
        default: delivery(row, "default_delivery"),
        addressed,
        addressed_silenced: row.get("addressed_silenced"),
        own_activity: row.get("own_activity"),
        redact_content: row.get("redact_content"),
        pause: from.zip(to).map(|(from, to)| Pause { from, to }),
        revision: row.get("revision"),
    }
}

/// A jump from where a subscription is to nowhere yet.
fn nowhere(row: &Row) -> Jump {
    let cursor = row.get("cursor");
    let (account, user, log) = (row.get("account_id"), row.get("user_id"), row.get("log_id"));
    Jump { account, user, subscription: row.get("id"), log, from: cursor, to: cursor }
}

pub(super) fn held(row: &Row) -> Held {
    Held {
        id: row.get("id"),
        account: row.get("account_id"),
        user: row.get("user_id"),
        log: row.get("log_id"),
        delivery: delivery(row, "delivery"),
        cadence: Cadence::named(row.get("cadence")).expect("the table checks `cadence`"),
        cursor: row.get("cursor"),
        ended: row.get("ended"),
        last_seq: row.get("last_seq"),
        of_account: of_account(row),
        own: row.get("own"),
        administrator: row.get::<_, Option<&str>>("administrator").and_then(Delivery::named),
    }
}

pub(super) fn delivery(row: &Row, column: &str) -> Delivery {
    Delivery::named(row.get(column)).expect("the table checks deliveries")
}
