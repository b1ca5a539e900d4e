//! The table `activity`, as far as it says what was taken back.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::Retraction;
use crate::{
    db::{self, GenericClient, Row},
    error::Result,
};

/// Which of these logs there are, deleted ones aside.
const THERE: &str = "select log_id from activity_head where log_id = any($1) and closed is distinct from 'DELETED'";

/// Locked in one order, so that of two who take the same events back the second finds them taken. What a deleted WorkCenter
/// has is left as it is.
const RETRACT: &str = "
    with event as (
        select activity.log_id, activity.seq, activity.event_id, activity.retracted_at is not null as known
        from unnest($1::uuid[], $2::text[]) as it(log_id, event_id)
        join activity using (log_id, event_id)
        join activity_head on activity_head.log_id = activity.log_id
            and activity_head.closed is distinct from 'DELETED'
        order by activity.log_id, activity.seq for no key update of activity
    ), retracted as (
        update activity set retracted_at = $3 from event
        where activity.log_id = event.log_id and activity.seq = event.seq and not event.known
    )
    select log_id, event_id, seq, known from event";

/// Which of `logs` there are.
pub(super) async fn there(on: &impl GenericClient, logs: &[Uuid]) -> Result<HashSet<Uuid>> {
    Ok(db::text(on, THERE, &[&logs]).await?.iter().map(|row| row.get("log_id")).collect())
}

/// Takes events back; returns the number of each that there is, and whether it was taken back before.
pub(super) async fn retract(
    on: &impl GenericClient,
    events: &[Retraction],
    now: Timestamp,
) -> Result<HashMap<Retraction, (i64, bool)>> {
    let logs: Vec<Uuid> = events.iter().map(|it| it.log).collect();
    let ids: Vec<&str> = events.iter().map(|it| it.event_id.as_str()).collect();
    let rows = db::text(on, RETRACT, &[&logs, &ids, &now]).await?;
    let event = |row: &Row| Retraction { log: row.get("log_id"), event_id: row.get("event_id") };
    Ok(rows.iter().map(|row| (event(row), (row.get("seq"), row.get("known")))).collect())
}
