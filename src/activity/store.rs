//! The tables `activity_head`, `activity` and, as far as it is written when publishing, `addressee`.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use uuid::Uuid;

use super::{Audience, Closed, Event, New, Reason, Thing};
use crate::{
    db::{self, GenericClient, Row},
    error::Result,
};

/// A plain update, which conflicts with nothing but itself: no foreign key points at the head.
const LOCK_HEAD: &str =
    "update activity_head set last_seq = last_seq where log_id = $1 returning account_id, last_seq, closed";

const CLOSE: &str = "update activity_head set closed = $2, floor = last_seq where log_id = $1 returning last_seq";

/// The logs of an account that are closed for `$2`, or open: in the order of their ids, as everybody locks heads.
const CLOSE_ALL: &str = "
    with head as (
        select activity_head.log_id
        from (
            select id as log_id from workcenter where account_id = $1
            union all
            select log_id from person_log where account_id = $1
        ) of join activity_head using (log_id)
        where activity_head.closed is not distinct from $2
        order by activity_head.log_id for no key update of activity_head
    )
    update activity_head set closed = $3, floor = last_seq from head
    where activity_head.log_id = head.log_id returning activity_head.log_id, last_seq";

/// A part of what a log has: what concerns people first, for it points into the rest.
const FORGET: [&str; 2] = [
    "delete from addressee where ctid = any(array(select ctid from addressee where log_id = $1 limit $2)) returning 1",
    "delete from activity where ctid = any(array(select ctid from activity where log_id = $1 limit $2)) returning 1",
];

/// Each looked up by itself: a plan that is kept goes by logs as they are on the whole, and would read a large one whole.
const KNOWN: &str = "
    select known.event_id, known.seq from unnest($2::text[]) as it(event_id) cross join lateral (
        select event_id, seq from activity where log_id = $1 and event_id = it.event_id offset 0) known";

const APPEND: &str = "
    with appended as (
        insert into activity (log_id, account_id, seq, event_id, kind, actor_id, subject_kind, subject_ref,
            subject_title, subject_url, parent_kind, parent_ref, parent_title, parent_url, summary, audience,
            occurred_at)
        select $1, $2, it.* from unnest($3::bigint[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[],
            $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
            $17::timestamptz[]) as it
    ), addressed as (
        insert into addressee (log_id, account_id, seq, user_id, reason)
        select $1, $2, it.* from unnest($18::bigint[], $19::uuid[], $20::text[]) as it
    )
    update activity_head set last_seq = $21, due_at = coalesce(due_at, $22),
        again_at = case when lease_until is null then again_at else coalesce(again_at, $22) end
    where log_id = $1";

/// The oldest due log that nobody has to themselves. What comes while it is leased is noted in `again_at`.
const CLAIM_DUE: &str = "
    update activity_head set lease_until = now() + make_interval(secs => $2::float8), fence = fence + 1, again_at = null
    where log_id = (
        select log_id from activity_head
        where due_at <= $1 and (lease_until is null or lease_until < now())
        order by due_at limit 1 for update skip locked
    )
    returning log_id, account_id, last_seq, due_at, fence";

const FINISH_DUE: &str = "
    update activity_head set due_at = again_at, again_at = null, lease_until = null
    where log_id = $1 and fence = $2";

/// What is left undone stays due since when it was: the lease alone keeps it from coming up again at once.
const KEEP_DUE: &str = "
    update activity_head set lease_until = now() + make_interval(secs => $3::float8)
    where log_id = $1 and fence = $2 returning log_id";

/// In the order of their ids, as everybody locks heads.
const WAKE: &str = "
    with head as (select log_id from activity_head where log_id = any($1) order by log_id for no key update)
    update activity_head set due_at = least(due_at, $2),
        again_at = case when lease_until is null then again_at else least(again_at, $2) end
    from head where activity_head.log_id = head.log_id";

/// In a person's own log nothing is passed over as their doing: how what they have started has ended is news to them.
///
/// Each range is looked up by itself, which `offset 0` sees to: PostgreSQL takes any range for a ninth of its log, and would
/// sooner look through all events there are than look up so many.
const MARKS: &str = "
    select range.log_id, activity.seq, case when person_log.log_id is null then activity.actor_id end as actor_id,
        activity.audience = 'NAMED' as named, activity.retracted_at is not null as retracted
    from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as range(log_id, from_seq, to_seq)
    left join person_log on person_log.log_id = range.log_id
    cross join lateral (
        select seq, actor_id, audience, retracted_at from activity
        where log_id = range.log_id and seq > range.from_seq and seq <= range.to_seq offset 0
    ) as activity";

/// The columns of an event, in the order in which `event` reads them.
macro_rules! event_columns {
    () => {
        "activity.log_id, activity.seq, activity.event_id, activity.kind, activity.actor_id, activity.subject_kind,
        activity.subject_ref, activity.subject_title, activity.subject_url, activity.parent_kind, activity.parent_ref,
        activity.parent_title, activity.parent_url, activity.summary, activity.audience, activity.occurred_at"
    };
}

/// Each range by itself, as above.
const RANGES: &str = concat!(
    "select ",
    event_columns!(),
    " from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as range(log_id, from_seq, to_seq)
    cross join lateral (
        select * from activity where log_id = range.log_id and seq > range.from_seq and seq <= range.to_seq offset 0
    ) as activity
    where activity.retracted_at is null
    order by activity.log_id, activity.seq"
);

const LIST: &str = concat!(
    "select ",
    event_columns!(),
    " from activity
    where log_id = $1 and seq < $2 and retracted_at is null
        and (audience = 'EVERYONE' or actor_id = $3 or exists (
            select from addressee
            where addressee.log_id = activity.log_id and addressee.seq = activity.seq and addressee.user_id = $3))
    order by seq desc limit $4"
);

/// The head of a log while its row is locked.
pub(super) struct Head {
    pub account: Uuid,
    pub last_seq: i64,
    pub closed: Option<Closed>,
}

/// Makes the head of a new log.
///
/// # Errors
///
/// What the database says.
pub async fn open(on: &impl GenericClient, log: Uuid, account: Uuid) -> Result<()> {
    db::text(on, "insert into activity_head (log_id, account_id) values ($1, $2)", &[&log, &account]).await?;
    Ok(())
}

/// Locks the head of `log` until the transaction ends.
pub(super) async fn lock_head(on: &impl GenericClient, log: Uuid) -> Result<Option<Head>> {
    let rows = db::text(on, LOCK_HEAD, &[&log]).await?;
    Ok(rows.first().map(|row| Head {
        account: row.get("account_id"),
        last_seq: row.get("last_seq"),
        closed: row.get::<_, Option<&str>>("closed").and_then(Closed::named),
    }))
}

/// Closes `log`, whose head stays locked until the transaction ends: it takes no more events, and nobody is told of those
/// that it has. Returns the number of the newest; `None` when there is no such log.
///
/// # Errors
///
/// What the database says.
pub async fn close(on: &impl GenericClient, log: Uuid, closed: Closed) -> Result<Option<i64>> {
    let rows = db::text(on, CLOSE, &[&log, &Some(closed.name())]).await?;
    Ok(rows.first().map(|row| row.get("last_seq")))
}

/// Opens `log` again, as [`close`] closes it: what it takes from here on is told, what it has is not.
///
/// # Errors
///
/// What the database says.
pub async fn reopen(on: &impl GenericClient, log: Uuid) -> Result<Option<i64>> {
    let rows = db::text(on, CLOSE, &[&log, &None::<&str>]).await?;
    Ok(rows.first().map(|row| row.get("last_seq")))
}

/// Closes all open logs of `account` as [`close`] does, for it is deactivated; returns the number of the newest event of
/// each.
///
/// # Errors
///
/// What the database says.
pub async fn close_all(on: &impl GenericClient, account: Uuid) -> Result<HashMap<Uuid, i64>> {
    turn_all(on, account, None, Some(Closed::Deactivated)).await
}

/// Opens the logs again that [`close_all`] has closed, as [`reopen`] does; returns the number of the newest event of each.
///
/// # Errors
///
/// What the database says.
pub async fn reopen_all(on: &impl GenericClient, account: Uuid) -> Result<HashMap<Uuid, i64>> {
    turn_all(on, account, Some(Closed::Deactivated), None).await
}

async fn turn_all(
    on: &impl GenericClient,
    account: Uuid,
    from: Option<Closed>,
    to: Option<Closed>,
) -> Result<HashMap<Uuid, i64>> {
    let rows = db::text(on, CLOSE_ALL, &[&account, &from.map(Closed::name), &to.map(Closed::name)]).await?;
    Ok(rows.iter().map(|row| (row.get("log_id"), row.get("last_seq"))).collect())
}

/// Removes `log`: its head, and of the rest up to `most` rows of a kind. Returns how many; none when nothing is left.
///
/// # Errors
///
/// What the database says.
pub async fn forget(on: &impl GenericClient, log: Uuid, most: i64) -> Result<usize> {
    // Without its head, a log with gaps is no loss to the audit.
    db::text(on, "delete from activity_head where log_id = $1", &[&log]).await?;
    let mut removed = 0;
    for statement in FORGET {
        removed += db::text(on, statement, &[&log, &most]).await?.len();
    }
    Ok(removed)
}

/// Which of `ids` the log has, and under which numbers.
pub(super) async fn known(on: &impl GenericClient, log: Uuid, ids: &[&str]) -> Result<HashMap<String, i64>> {
    let rows = db::text(on, KNOWN, &[&log, &ids]).await?;
    Ok(rows.iter().map(|row| (row.get("event_id"), row.get("seq"))).collect())
}

/// Appends numbered events; the newest number becomes the head's.
pub(super) async fn append(
    on: &impl GenericClient,
    log: Uuid,
    account: Uuid,
    events: &[(i64, New)],
    due_at: Timestamp,
) -> Result<()> {
    fn column<'a, T>(events: &'a [(i64, New)], of: impl Fn(&'a New) -> T) -> Vec<T> {
        events.iter().map(|(_, event)| of(event)).collect()
    }
    let seqs: Vec<i64> = events.iter().map(|(seq, _)| *seq).collect();
    // Of several reasons for one person the strongest stays.
    let mut people: Vec<(i64, Uuid, Reason)> = events
        .iter()
        .flat_map(|(seq, event)| event.addressees.iter().map(|(user, reason)| (*seq, *user, *reason)))
        .collect();
    people.sort_by(|a, b| (a.0, a.1, b.2).cmp(&(b.0, b.1, a.2)));
    people.dedup_by_key(|(seq, user, _)| (*seq, *user));
    let (to_seqs, to_users, reasons): (Vec<i64>, Vec<Uuid>, Vec<&str>) =
        people.into_iter().map(|(seq, user, reason)| (seq, user, reason.name())).collect();

    let last = seqs.last().copied();
    db::text(
        on,
        APPEND,
        &[
            &log,
            &account,
            &seqs,
            &column(events, |it| it.event_id.as_str()),
            &column(events, |it| it.kind.as_str()),
            &column(events, |it| it.actor),
            &column(events, |it| it.subject.kind.as_str()),
            &column(events, |it| it.subject.id.as_str()),
            &column(events, |it| it.subject.title.as_str()),
            &column(events, |it| it.subject.url.as_str()),
            &column(events, |it| it.parent.kind.as_str()),
            &column(events, |it| it.parent.id.as_str()),
            &column(events, |it| it.parent.title.as_str()),
            &column(events, |it| it.parent.url.as_str()),
            &column(events, |it| it.summary.as_str()),
            &column(events, |it| it.audience.name()),
            &column(events, |it| it.occurred_at),
            &to_seqs,
            &to_users,
            &reasons,
            &last,
            &due_at,
        ],
    )
    .await?;
    Ok(())
}

/// A log whose events are due to be told at once, leased to one daemon.
#[derive(Clone, Debug)]
pub struct DueLog {
    /// The log.
    pub log: Uuid,
    /// Whose it is.
    pub account: Uuid,
    /// The newest event when it was claimed: what is told reaches to here.
    pub upto: i64,
    /// When it was due.
    pub due_at: Timestamp,
    /// What the lease is recognised by.
    pub fence: i64,
}

/// Claims the log that has been due for longest, if any is due at `now`, for `lease` of the real clock.
///
/// # Errors
///
/// What the database says.
pub async fn claim_due(on: &impl GenericClient, now: Timestamp, lease: Duration) -> Result<Option<DueLog>> {
    let rows = db::text(on, CLAIM_DUE, &[&now, &lease.as_secs_f64()]).await?;
    Ok(rows.first().map(|row| DueLog {
        log: row.get("log_id"),
        account: row.get("account_id"),
        upto: row.get("last_seq"),
        due_at: row.get("due_at"),
        fence: row.get("fence"),
    }))
}

/// Gives a claimed log back, done: it is due again when what came in the meantime is.
///
/// # Errors
///
/// What the database says.
pub async fn finish_due(on: &impl GenericClient, due: &DueLog) -> Result<()> {
    db::text(on, FINISH_DUE, &[&due.log, &due.fence]).await?;
    Ok(())
}

/// Keeps a claimed log for another `lease` of the real clock; false when the claim was lost.
///
/// # Errors
///
/// What the database says.
pub async fn keep_due(on: &impl GenericClient, due: &DueLog, lease: Duration) -> Result<bool> {
    Ok(!db::text(on, KEEP_DUE, &[&due.log, &due.fence, &lease.as_secs_f64()]).await?.is_empty())
}

/// Makes logs due at `now`: something in them is to be told that no event will come for. The last thing its transaction
/// does, as publishing is.
///
/// # Errors
///
/// What the database says.
pub async fn wake(on: &impl GenericClient, logs: &[Uuid], now: Timestamp) -> Result<()> {
    db::text(on, WAKE, &[&logs, &now]).await?;
    Ok(())
}

/// What counting an event for a person takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The log.
    pub log: Uuid,
    /// The number.
    pub seq: i64,
    /// Who did it, and is told nothing of it themselves; nobody in a person's own log.
    pub actor: Option<Uuid>,
    /// Whether only addressees may hear of it.
    pub named: bool,
    /// Whether it was taken back.
    pub retracted: bool,
}

/// The marks of all events in `ranges` of (log, from, to], in no order.
///
/// # Errors
///
/// What the database says.
pub async fn marks(on: &impl GenericClient, ranges: &[(Uuid, i64, i64)]) -> Result<Vec<Mark>> {
    let (logs, froms, tos) = columns(ranges);
    let rows = db::text(on, MARKS, &[&logs, &froms, &tos]).await?;
    let mark = |row: &Row| Mark {
        log: row.get("log_id"),
        seq: row.get("seq"),
        actor: row.get("actor_id"),
        named: row.get("named"),
        retracted: row.get("retracted"),
    };
    Ok(rows.iter().map(mark).collect())
}

/// The events of `ranges` of (log, from, to] that were not retracted, by log and number.
///
/// # Errors
///
/// What the database says.
pub async fn ranges(on: &impl GenericClient, ranges: &[(Uuid, i64, i64)]) -> Result<Vec<Event>> {
    let (logs, froms, tos) = columns(ranges);
    Ok(db::text(on, RANGES, &[&logs, &froms, &tos]).await?.iter().map(event).collect())
}

fn columns(ranges: &[(Uuid, i64, i64)]) -> (Vec<Uuid>, Vec<i64>, Vec<i64>) {
    ranges.iter().copied().collect()
}

/// What `person` may see of `log` before the event `before`, newest first.
///
/// # Errors
///
/// What the database says.
pub async fn list(on: &impl GenericClient, log: Uuid, person: Uuid, before: i64, fetch: i64) -> Result<Vec<Event>> {
    Ok(db::text(on, LIST, &[&log, &before, &person, &fetch]).await?.iter().map(event).collect())
}

fn event(row: &Row) -> Event {
    let thing =
        |kind, id, title, url| Thing { kind: row.get(kind), id: row.get(id), title: row.get(title), url: row.get(url) };
    Event {
        log: row.get("log_id"),
        seq: row.get("seq"),
        event_id: row.get("event_id"),
        kind: row.get("kind"),
        actor: row.get("actor_id"),
        subject: thing("subject_kind", "subject_ref", "subject_title", "subject_url"),
        parent: thing("parent_kind", "parent_ref", "parent_title", "parent_url"),
        summary: row.get("summary"),
        audience: if row.get::<_, &str>("audience") == "NAMED" { Audience::Named } else { Audience::Everyone },
        occurred_at: row.get("occurred_at"),
    }
}
