//! What composing reads: subscriptions that are due and what concerns their people. Writes nothing.

use std::collections::{HashMap, HashSet};

use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

use crate::{
    activity::{DueLog, Reason},
    db::{self, GenericClient, Row},
    error::Result,
    subscription::Cadence,
};

/// The subscriptions that a batch of digests reads, with how far their logs have come.
const FOR_DIGESTS: &str = "
    select subscription.id, subscription.user_id, subscription.log_id,
        subscription.cursor, activity_head.last_seq
    from subscription join activity_head using (log_id)
    where subscription.user_id = any($2) and subscription.account_id = $1 and subscription.cadence = any($3)
        and subscription.ended_at is null
    order by subscription.user_id, subscription.log_id";

/// The next people to whom something in a log has to be told at once, by id, after $3: those who hear of all at once, and
/// those whom something waiting concerns. Who is switched off or no collaborator any more is among the latter, to have
/// that settled. Whoever is away, or is to be told first what waited meanwhile, is passed over; the log is looked at again
/// when that is told. Each arm is a page of its own, so a page costs its people and those of the account who are away, not all
/// that the log has.
const FOR_IMMEDIATE: &str = "
    with away as (
        select user_id from digest_schedule
        where account_id = $5 and cadence = 'RETURN' and next_at is not null and (next_at <= $6
            or (select pause_from from recipient where recipient.user_id = digest_schedule.user_id) <= $6)
    ), hearing as (
        select user_id from subscription
        where log_id = $1 and ended_at is null and user_id > $3 and cadence = 'IMMEDIATE' and cursor < $2
            and user_id not in (select user_id from away)
        order by user_id limit $4
    ), concerned as (
        select distinct addressee.user_id from addressee
        left join subscription live on live.log_id = addressee.log_id and live.user_id = addressee.user_id
            and live.ended_at is null
        left join recipient on recipient.user_id = addressee.user_id
        where addressee.log_id = $1 and addressee.user_id > $3 and addressee.seq <= $2
            and addressee.settlement_id is null
            and (live.id is null or live.cadence = 'OFF'
                or (live.cadence = 'IMMEDIATE' or recipient.addressed_items is distinct from 'WITH_DIGEST')
                    and addressee.user_id not in (select user_id from away))
        order by addressee.user_id limit $4
    ), page as (
        select user_id from hearing union select user_id from concerned order by user_id limit $4
    )
    select page.user_id, live.id, live.cadence, live.cursor, coalesce((
            select array_agg(seq order by seq) from addressee
            where log_id = $1 and addressee.user_id = page.user_id and seq <= $2 and settlement_id is null
        ), '{}') as seqs
    from page
    left join subscription live on live.log_id = $1 and live.user_id = page.user_id and live.ended_at is null
    order by page.user_id";

/// What concerns people within ranges of logs, settled or not, and what waits for them from before.
const ADDRESSED: &str = "
    with it as (
        select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[])
            as it(user_id, log_id, from_seq, to_seq)
    )
    select addressee.user_id, addressee.log_id, addressee.seq, addressee.settlement_id is null as waiting
    from it join addressee on addressee.log_id = it.log_id and addressee.user_id = it.user_id
        and addressee.seq > it.from_seq and addressee.seq <= it.to_seq
    union all
    select addressee.user_id, addressee.log_id, addressee.seq, true
    from it join addressee on addressee.log_id = it.log_id and addressee.user_id = it.user_id
        and addressee.seq <= it.from_seq and addressee.settlement_id is null";

/// A run of which nobody is due any more and that is not over, with how many it waits for.
const ABANDONED_RUN: &str = "
    select job.id, job.total - job.done - job.skipped - job.failed as waiting from job
    where job.finished_at is null and job.kind = 'DIGEST_RUN' and not exists (
        select from digest_schedule
        where digest_schedule.cadence = job.cadence and digest_schedule.account_id = job.account_id
            and digest_schedule.next_at = job.due_at)
    limit 1 for update skip locked";

/// A subscription that a digest reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub id: Uuid,
    pub user: Uuid,
    pub log: Uuid,
    pub cursor: i64,
    pub upto: i64,
}

/// A person to whom something in a log is told at once.
#[derive(Clone, Debug)]
pub(super) struct Hearer {
    pub user: Uuid,
    /// Their live subscription: its id, cadence and cursor.
    pub subscription: Option<(Uuid, Cadence, i64)>,
    /// The numbers of what concerns them and waits.
    pub waiting: Vec<i64>,
}

/// Something that concerns a person.
#[derive(Clone, Copy, Debug)]
pub(super) struct Concern {
    pub user: Uuid,
    pub log: Uuid,
    pub seq: i64,
    pub waiting: bool,
}

pub(super) async fn for_digests(
    on: &impl GenericClient,
    account: Uuid,
    users: &[Uuid],
    cadences: &[Cadence],
) -> Result<Vec<Read>> {
    let cadences: Vec<&str> = cadences.iter().map(|it| it.name()).collect();
    let rows = db::text(on, FOR_DIGESTS, &[&account, &users, &cadences]).await?;
    let read = |row: &Row| Read {
        id: row.get("id"),
        user: row.get("user_id"),
        log: row.get("log_id"),
        cursor: row.get("cursor"),
        upto: row.get("last_seq"),
    };
    Ok(rows.iter().map(read).collect())
}

pub(super) async fn for_immediate(
    on: &impl GenericClient,
    due: &DueLog,
    after: Uuid,
    most: i64,
    now: Timestamp,
) -> Result<Vec<Hearer>> {
    let rows = db::text(on, FOR_IMMEDIATE, &[&due.log, &due.upto, &after, &most, &due.account, &now]).await?;
    let hearer = |row: &Row| {
        let id: Option<Uuid> = row.get("id");
        Hearer {
            user: row.get("user_id"),
            subscription: id.and_then(|id| Some((id, Cadence::named(row.get("cadence"))?, row.get("cursor")))),
            waiting: row.get("seqs"),
        }
    };
    Ok(rows.iter().map(hearer).collect())
}

pub(super) async fn addressed(on: &impl GenericClient, reads: &[Read]) -> Result<Vec<Concern>> {
    let rows = db::text(
        on,
        ADDRESSED,
        &[
            &reads.iter().map(|it| it.user).collect::<Vec<_>>(),
            &reads.iter().map(|it| it.log).collect::<Vec<_>>(),
            &reads.iter().map(|it| it.cursor).collect::<Vec<_>>(),
            &reads.iter().map(|it| it.upto).collect::<Vec<_>>(),
        ],
    )
    .await?;
    let concern = |row: &Row| Concern {
        user: row.get("user_id"),
        log: row.get("log_id"),
        seq: row.get("seq"),
        waiting: row.get("waiting"),
    };
    Ok(rows.iter().map(concern).collect())
}

pub(super) async fn lock_abandoned_run(on: &impl GenericClient) -> Result<Option<(Uuid, i64)>> {
    let rows = db::text(on, ABANDONED_RUN, &[]).await?;
    Ok(rows.first().map(|row| (row.get("id"), row.get("waiting"))))
}

const TOLD: &str = "
    select settlement.id, settlement.cause, settlement.local_date, settlement.settled_at, settlement.user_id,
        settlement.account_id, account.name as account_name, person.email,
        coalesce(trim(profile.first_name || ' ' || profile.last_name), '') as name,
        coalesce(nullif(profile.time_zone, ''), account.time_zone, 'UTC') as zone
    from settlement
    join account on account.id = settlement.account_id
    join person on person.id = settlement.user_id
    left join profile on profile.user_id = settlement.user_id
    where settlement.id = any($1)";

/// The ranges of settlements, and whether the person may hear of the place as things are now. No range reaches across the
/// floor of its log: raising it moves all cursors there.
const PLACES: &str = "
    select settlement.id as settlement_id, subscription.log_id, range.from_seq, range.to_seq,
        workcenter.name as workcenter,
        subscription.ended_at is null and subscription.cadence <> 'OFF' and collaborator.user_id is not null
            and activity_head.closed is null and activity_head.floor <= range.from_seq as open
    from settlement
    cross join unnest(settlement.subscription_ids, settlement.from_seq, settlement.to_seq)
        as range(subscription_id, from_seq, to_seq)
    join subscription on subscription.id = range.subscription_id
    join workcenter on workcenter.id = subscription.log_id
    join activity_head on activity_head.log_id = subscription.log_id
    left join collaborator on collaborator.workcenter_id = subscription.log_id
        and collaborator.user_id = subscription.user_id
    where settlement.id = any($1)
    order by workcenter.name, subscription.log_id";

/// What settlements tell one by one, and whether the person may hear of it as things are now.
const CONCERNED: &str = "
    select addressee.settlement_id, addressee.log_id, addressee.seq, addressee.reason, workcenter.name as workcenter,
        subscription.id is not null and subscription.cadence <> 'OFF' and collaborator.user_id is not null
            and activity_head.closed is null and activity_head.floor < addressee.seq as open
    from addressee
    join workcenter on workcenter.id = addressee.log_id
    join activity_head on activity_head.log_id = addressee.log_id
    left join subscription on subscription.user_id = addressee.user_id
        and subscription.log_id = addressee.log_id and subscription.ended_at is null
    left join collaborator on collaborator.workcenter_id = addressee.log_id
        and collaborator.user_id = addressee.user_id
    where addressee.settlement_id = any($1) and addressee.outcome = 'SHOWN'
    order by addressee.log_id, addressee.seq";

/// What concerns the people of settlements within their ranges, whatever tells it.
const ELSEWHERE: &str = "
    select settlement.id as settlement_id, addressee.log_id, addressee.seq
    from settlement
    cross join unnest(settlement.subscription_ids, settlement.from_seq, settlement.to_seq)
        as range(subscription_id, from_seq, to_seq)
    join subscription on subscription.id = range.subscription_id
    join addressee on addressee.log_id = subscription.log_id and addressee.user_id = settlement.user_id
        and addressee.seq > range.from_seq and addressee.seq <= range.to_seq
    where settlement.id = any($1)";

const NAMES: &str = "
    select person.id, coalesce(nullif(trim(profile.first_name || ' ' || profile.last_name), ''),
        case coalesce(profile.email_visibility, 'EVERYONE_SHARING_A_WORKCENTER')
            when 'EVERYONE_SHARING_A_WORKCENTER' then split_part(person.email, '@', 1) else 'Somebody' end) as name
    from person left join profile on profile.user_id = person.id
    where person.id = any($1)";

/// Whom a settlement tells.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub user: Uuid,
    pub account: Uuid,
    pub account_name: String,
    pub email: String,
    pub name: String,
    pub zone: String,
    pub cause: String,
    pub date: Option<Date>,
    pub settled_at: Timestamp,
}

/// A range of a settlement.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub settlement: Uuid,
    pub log: Uuid,
    pub workcenter: String,
    pub from: i64,
    pub to: i64,
    pub open: bool,
}

/// Something that a settlement tells one by one.
#[derive(Clone, Debug)]
pub(super) struct Concerned {
    pub settlement: Uuid,
    pub log: Uuid,
    pub workcenter: String,
    pub seq: i64,
    pub reason: Reason,
    pub open: bool,
}

pub(super) async fn told(on: &impl GenericClient, settlements: &[Uuid]) -> Result<HashMap<Uuid, Told>> {
    let rows = db::text(on, TOLD, &[&settlements]).await?;
    let told = |row: &Row| Told {
        user: row.get("user_id"),
        account: row.get("account_id"),
        account_name: row.get("account_name"),
        email: row.get("email"),
        name: row.get("name"),
        zone: row.get("zone"),
        cause: row.get("cause"),
        date: row.get("local_date"),
        settled_at: row.get("settled_at"),
    };
    Ok(rows.iter().map(|row| (row.get("id"), told(row))).collect())
}

pub(super) async fn places(on: &impl GenericClient, settlements: &[Uuid]) -> Result<Vec<Place>> {
    let rows = db::text(on, PLACES, &[&settlements]).await?;
    let place = |row: &Row| Place {
        settlement: row.get("settlement_id"),
        log: row.get("log_id"),
        workcenter: row.get("workcenter"),
        from: row.get("from_seq"),
        to: row.get("to_seq"),
        open: row.get("open"),
    };
    Ok(rows.iter().map(place).collect())
}

pub(super) async fn concerned(on: &impl GenericClient, settlements: &[Uuid]) -> Result<Vec<Concerned>> {
    let rows = db::text(on, CONCERNED, &[&settlements]).await?;
    let concerned = |row: &Row| Concerned {
        settlement: row.get("settlement_id"),
        log: row.get("log_id"),
        workcenter: row.get("workcenter"),
        seq: row.get("seq"),
        reason: Reason::named(row.get("reason")).expect("the table checks `reason`"),
        open: row.get("open"),
    };
    Ok(rows.iter().map(concerned).collect())
}

pub(super) async fn elsewhere(on: &impl GenericClient, settlements: &[Uuid]) -> Result<HashSet<(Uuid, Uuid, i64)>> {
    let rows = db::text(on, ELSEWHERE, &[&settlements]).await?;
    Ok(rows.iter().map(|row| (row.get("settlement_id"), row.get("log_id"), row.get("seq"))).collect())
}

pub(super) async fn names(on: &impl GenericClient, people: &[Uuid]) -> Result<HashMap<Uuid, String>> {
    let rows = db::text(on, NAMES, &[&people]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), row.get("name"))).collect())
}
