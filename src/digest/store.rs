//! What composing reads: subscriptions that are due and what concerns their people. Writes nothing.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    activity::DueLog,
    db::{self, GenericClient, Row},
    error::Result,
    subscription::Cadence,
};

/// The subscriptions that a batch of digests reads, with how far their logs have come.
const FOR_DIGESTS: &str = "
    select subscription.id, subscription.user_id, subscription.log_id,
        subscription.administrator_from is not null as as_administrator,
        subscription.cursor, activity_head.last_seq
    from subscription join activity_head using (log_id)
    where subscription.user_id = any($2) and subscription.account_id = $1 and subscription.cadence = any($3)
        and subscription.ended_at is null
    order by subscription.user_id, subscription.log_id";

/// The next people to whom something in a log has to be told at once, by id, after $3: those who hear of all at once, and
/// those whom something waiting concerns. Who is switched off or no collaborator (any more, or but an administrator) is among
/// the latter, to have that settled. Whoever is away, or is to be told first what waited meanwhile, is passed over; the log is looked at again
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
            and live.ended_at is null and live.administrator_from is null
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
            select own_activity from recipient where recipient.user_id = page.user_id
        ), false) as own_activity, coalesce((
            select array_agg(seq order by seq) from addressee
            where log_id = $1 and addressee.user_id = page.user_id and seq <= $2 and settlement_id is null
        ), '{}') as seqs
    from page
    left join subscription live on live.log_id = $1 and live.user_id = page.user_id and live.ended_at is null
        and live.administrator_from is null
    order by page.user_id";

/// What concerns people within ranges of logs, settled or not, and what waits for them from before; but for what was nothing
/// to them, who did not collaborate then.
const ADDRESSED: &str = "
    with it as (
        select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[])
            as it(user_id, log_id, from_seq, to_seq)
    )
    select addressee.user_id, addressee.log_id, addressee.seq, addressee.settlement_id is null as waiting
    from it join addressee on addressee.log_id = it.log_id and addressee.user_id = it.user_id
        and addressee.seq > it.from_seq and addressee.seq <= it.to_seq
        and addressee.outcome is distinct from 'HIDDEN'
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
    /// Whether the person does not collaborate: nothing concerns them there.
    pub as_administrator: bool,
    pub cursor: i64,
    pub upto: i64,
}

/// A person to whom something in a log is told at once.
#[derive(Clone, Debug)]
pub(super) struct Hearer {
    pub user: Uuid,
    /// Their live subscription: its id, cadence and cursor.
    pub subscription: Option<(Uuid, Cadence, i64)>,
    /// Whether they hear of what they do themselves.
    pub own_activity: bool,
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
        as_administrator: row.get("as_administrator"),
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
            own_activity: row.get("own_activity"),
            waiting: row.get("seqs"),
        }
    };
    Ok(rows.iter().map(hearer).collect())
}

pub(super) async fn addressed(on: &impl GenericClient, reads: &[Read]) -> Result<Vec<Concern>> {
    let reads: Vec<&Read> = reads.iter().filter(|it| !it.as_administrator).collect();
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
