//! What the audit reads of everybody's tables, and its own: `audit_mark`, and `audited_at` of settlements.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Break, Finding, Late, Link, Queue};
use crate::{
    db::{self, GenericClient, Row},
    error::Result,
};

const UNAUDITED: &str = "
    select distinct user_id from settlement where audited_at is null and user_id > $1 order by user_id limit $2";

const LINKS: &str = "
    select range.subscription_id, settlement.id as settlement_id, range.from_seq, range.to_seq,
        coalesce(audit_mark.seq, subscription.start_seq) as mark
    from settlement
    cross join unnest(subscription_ids, from_seq, to_seq) as range(subscription_id, from_seq, to_seq)
    join subscription on subscription.id = range.subscription_id
    left join audit_mark on audit_mark.subject_id = range.subscription_id
    where settlement.audited_at is null and settlement.user_id = any($1)
    order by range.subscription_id, range.from_seq, range.to_seq";

const MARK: &str = "
    insert into audit_mark (subject_id, seq) select it.* from unnest($1::uuid[], $2::bigint[]) as it
    on conflict (subject_id) do update set seq = greatest(audit_mark.seq, excluded.seq)";

/// Settlements are seen when none of their ranges broke a chain. What is committed while the audit looks has a later
/// beginning than all that it saw, or it will be found broken the next time.
const SEEN: &str = "
    update settlement set audited_at = now()
    where audited_at is null and user_id = any($1) and id <> all($2)
        and not exists (
            select from unnest(subscription_ids, to_seq) as range(subscription_id, to_seq)
            left join audit_mark on audit_mark.subject_id = range.subscription_id
            where audit_mark.seq is null or audit_mark.seq < range.to_seq)";

/// A slice of all subscriptions. One that is behind its log and of which nothing is planned is forgotten.
const ENDS: &str = "
    select subscription.id, subscription.cursor, coalesce(audit_mark.seq, subscription.start_seq)
            + coalesce(unseen.length, 0) as settled, activity_head.last_seq,
        subscription.ended_at is null and subscription.cursor < activity_head.last_seq
            and case subscription.cadence when 'OFF' then false else not exists (
                select from digest_schedule
                where digest_schedule.account_id = subscription.account_id
                    and digest_schedule.user_id = subscription.user_id and next_at is not null
                    and digest_schedule.cadence in ('RETURN',
                        case subscription.cadence when 'IMMEDIATE' then 'CATCHUP' else subscription.cadence end)
            ) and (subscription.cadence <> 'IMMEDIATE' or activity_head.due_at is null) end as forgotten
    from (select * from subscription where id > $1 order by id limit $2) subscription
    join activity_head using (log_id)
    left join audit_mark on audit_mark.subject_id = subscription.id
    left join lateral (
        select sum(range.to_seq - range.from_seq)::bigint as length
        from settlement
        cross join unnest(subscription_ids, from_seq, to_seq) as range(subscription_id, from_seq, to_seq)
        where settlement.user_id = subscription.user_id and settlement.audited_at is null
            and range.subscription_id = subscription.id
    ) unseen on true
    order by subscription.id";

/// A slice of all logs, with what they have above the number up to which they were looked at before.
const LOGS: &str = "
    select head.log_id, head.last_seq, coalesce(audit_mark.seq, 0) as mark, count(activity.seq) as events,
        coalesce(max(activity.seq), coalesce(audit_mark.seq, 0)) as newest
    from (select log_id, last_seq from activity_head where log_id > $1 order by log_id limit $2) head
    left join audit_mark on audit_mark.subject_id = head.log_id
    left join activity on activity.log_id = head.log_id and activity.seq > coalesce(audit_mark.seq, 0)
    group by head.log_id, head.last_seq, audit_mark.seq
    order by head.log_id";

/// A rule that one statement can look for: its code, and what breaks it as (subject, text). $1 is the instant before
/// which what is due should be done, $2 the seconds a mail may wait, $3 how many to show.
pub(super) const RULES: [(&str, &str); 7] = [
    (
        "MAIL_MISSING",
        "select settlement.id as subject, 'mail ' || settlement.mail_id || ' does not exist' as text
        from settlement left join mail on mail.id = settlement.mail_id
        where settlement.audited_at is null and settlement.mail_id is not null and mail.id is null
            and $1::timestamptz is not null and $2::float8 >= 0
        limit $3",
    ),
    (
        "LOG_OVERDUE",
        "select log_id as subject, 'due since ' || due_at as text from activity_head
        where due_at < $1 and $2::float8 >= 0 limit $3",
    ),
    (
        "DIGEST_OVERDUE",
        "select user_id as subject, cadence || ' due since ' || next_at as text from digest_schedule
        where next_at < $1 and $2::float8 >= 0 limit $3",
    ),
    (
        "ADDRESSEE_FORGOTTEN",
        "select addressee.user_id as subject, 'waits in ' || addressee.log_id || ' at ' || addressee.seq as text
        from addressee
        left join subscription on subscription.user_id = addressee.user_id
            and subscription.log_id = addressee.log_id and subscription.ended_at is null
            and subscription.administrator_from is null
        left join recipient on recipient.user_id = addressee.user_id
        where addressee.settlement_id is null and $2::float8 >= 0
            and (subscription.id is null or subscription.cadence = 'OFF'
                or (subscription.cadence = 'IMMEDIATE' or recipient.addressed_items is distinct from 'WITH_DIGEST')
                    and not exists (
                        select from digest_schedule
                        where digest_schedule.account_id = addressee.account_id
                            and digest_schedule.user_id = addressee.user_id
                            and digest_schedule.cadence = 'RETURN' and next_at is not null))
            and not exists (
                select from activity_head where activity_head.log_id = addressee.log_id and due_at >= $1)
        limit $3",
    ),
    (
        "MAIL_STUCK",
        "select id as subject, state || ' since ' || coalesce(lease_until, try_at) as text from mail
        where ended_at is null and coalesce(lease_until, try_at) < now() - make_interval(secs => $2::float8)
            and $1::timestamptz is not null
        limit $3",
    ),
    (
        "JOB_STUCK",
        "select id as subject, state || ', due ' || due_at as text from job
        where finished_at is null and due_at < $1 and $2::float8 >= 0 limit $3",
    ),
    // Collecting takes an hour at most after a day; a store that is away for a while is no damage.
    (
        "BLOB_LEFT",
        "select encode(substr(digest, 1, 16), 'hex')::uuid as subject,
            encode(digest, 'hex') || ' is named by nothing since ' || loose_at as text
        from blob
        where loose_at < now() - interval '7 days' and $1::timestamptz is not null and $2::float8 >= 0
            and not exists (select from picture_square where picture_square.digest = blob.digest)
        limit $3",
    ),
];

/// Mails wait by the real clock, all else by the product's.
const LATE: &str = "
    select it.work, coalesce(greatest(extract(epoch from it.now - it.since), 0), 0)::float8 as seconds
    from (
        select cadence as work, $1::timestamptz as now, (
            select next_at from digest_schedule
            where digest_schedule.cadence = of.cadence and next_at is not null order by next_at limit 1
        ) as since
        from unnest(array['DAILY', 'WEEKLY', 'CATCHUP', 'RETURN']) as of (cadence)
        union all
        select 'IMMEDIATE', $1, (select min(due_at) from activity_head where due_at is not null)
        union all
        select 'JOB', $1, (select min(due_at) from job where finished_at is null)
        union all
        select 'MAIL', now(), (select min(coalesce(lease_until, try_at)) from mail where ended_at is null)
    ) it";

/// What waits, of at most $1 mails and $1 jobs.
const QUEUES: &str = "
    with mails as (select lane, state, created_at from mail where ended_at is null limit $1),
    jobs as (select state, created_at from job where finished_at is null limit $1),
    waiting as (
        select case lane when 0 then 'MAIL_TRANSACTIONAL' else 'MAIL_NOTIFICATION' end as queue, state, created_at
        from mails
        union all
        select 'JOB', state, created_at from jobs
    )
    select of.queue, of.state, count(waiting.created_at) as depth,
        coalesce(greatest(extract(epoch from now() - min(waiting.created_at)), 0), 0)::float8 as seconds
    from (
        select queue, state from unnest(array['MAIL_TRANSACTIONAL', 'MAIL_NOTIFICATION']) as queue,
            unnest(array['PENDING', 'CLAIMED', 'SENDING', 'RETRY', 'UNKNOWN']) as state
        union all
        select 'JOB', state from unnest(array['QUEUED', 'RUNNING', 'CANCELLING']) as state
    ) of
    left join waiting using (queue, state)
    group by of.queue, of.state";

/// Where a subscription's cursor is, and where its settlements and its log end.
pub(super) struct End {
    pub subscription: Uuid,
    pub cursor: i64,
    pub settled: i64,
    pub last_seq: i64,
    pub forgotten: bool,
}

/// A log, and what it has above the number up to which it was looked at before.
pub(super) struct Log {
    pub id: Uuid,
    pub last_seq: i64,
    pub mark: i64,
    pub events: i64,
    pub newest: i64,
}

/// How late the work of each kind is.
pub(super) async fn late(on: &impl GenericClient, now: Timestamp) -> Result<Vec<Late>> {
    let rows = db::text(on, LATE, &[&now]).await?;
    Ok(rows.iter().map(|row| Late { work: row.get("work"), seconds: row.get("seconds") }).collect())
}

/// What is not over yet, of the first `most` mails and jobs that are found.
pub(super) async fn queues(on: &impl GenericClient, most: i64) -> Result<Vec<Queue>> {
    let rows = db::text(on, QUEUES, &[&most]).await?;
    let queue = |row: &Row| Queue {
        queue: row.get("queue"),
        state: row.get("state"),
        depth: row.get("depth"),
        seconds: row.get("seconds"),
    };
    Ok(rows.iter().map(queue).collect())
}

/// People with settlements that no audit has seen, by id, after `after`.
pub(super) async fn unaudited(on: &impl GenericClient, after: Uuid, slice: i64) -> Result<Vec<Uuid>> {
    let rows = db::text(on, UNAUDITED, &[&after, &slice]).await?;
    Ok(rows.iter().map(|row| row.get("user_id")).collect())
}

/// The ranges that no audit has seen, by subscription and beginning.
pub(super) async fn links(on: &impl GenericClient, people: &[Uuid]) -> Result<Vec<Link>> {
    let rows = db::text(on, LINKS, &[&people]).await?;
    let link = |row: &Row| Link {
        subscription: row.get("subscription_id"),
        settlement: row.get("settlement_id"),
        from: row.get("from_seq"),
        to: row.get("to_seq"),
        mark: row.get("mark"),
    };
    Ok(rows.iter().map(link).collect())
}

/// Notes how far subscriptions or logs are sound.
pub(super) async fn mark(on: &impl GenericClient, sound: &[(Uuid, i64)]) -> Result<()> {
    let (ids, seqs): (Vec<Uuid>, Vec<i64>) = sound.iter().copied().unzip();
    db::text(on, MARK, &[&ids, &seqs]).await?;
    Ok(())
}

/// Notes that the settlements of these people were seen. Those that broke a chain stay to be found again.
pub(super) async fn seen(on: &impl GenericClient, people: &[Uuid], broken: &[Break]) -> Result<()> {
    let broken: Vec<Uuid> = broken.iter().map(|it| it.settlement).collect();
    db::text(on, SEEN, &[&people, &broken]).await?;
    Ok(())
}

/// A slice of all subscriptions with where they end, by id, after `after`.
pub(super) async fn ends(on: &impl GenericClient, after: Uuid, slice: i64) -> Result<Vec<End>> {
    let rows = db::text(on, ENDS, &[&after, &slice]).await?;
    let end = |row: &Row| End {
        subscription: row.get("id"),
        cursor: row.get("cursor"),
        settled: row.get("settled"),
        last_seq: row.get("last_seq"),
        forgotten: row.get("forgotten"),
    };
    Ok(rows.iter().map(end).collect())
}

/// A slice of all logs, by id, after `after`.
pub(super) async fn logs(on: &impl GenericClient, after: Uuid, slice: i64) -> Result<Vec<Log>> {
    let rows = db::text(on, LOGS, &[&after, &slice]).await?;
    let log = |row: &Row| Log {
        id: row.get("log_id"),
        last_seq: row.get("last_seq"),
        mark: row.get("mark"),
        events: row.get("events"),
        newest: row.get("newest"),
    };
    Ok(rows.iter().map(log).collect())
}

/// What breaks a rule, as far as it is shown.
pub(super) async fn broken(
    on: &impl GenericClient,
    (code, statement): (&'static str, &str),
    due: Timestamp,
    mail_max: Duration,
    show: i64,
) -> Result<Vec<Finding>> {
    let rows = db::text(on, statement, &[&due, &mail_max.as_secs_f64(), &show]).await?;
    let finding = |row: &Row| Finding { code, subject: row.get("subject"), text: row.get("text") };
    Ok(rows.iter().map(finding).collect())
}
