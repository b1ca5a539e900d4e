//! The table `profile_change`.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::Line;
use crate::{
    db::{self, GenericClient, Row},
    error::Result,
};

/// How long a line is kept: two years. Long enough to see what was so at the time of an old quarrel, and no archive of
/// where people lived.
const KEPT_FOR: Duration = Duration::from_hours(2 * 365 * 24);

const LIST: &str = "
    select id, actor_id, field, old_value, new_value, changed_at from profile_change
    where user_id = $1 and ($2::uuid is null or id < $2)
    order by id desc limit $3";

const SWEEP: &str = "
    with gone as (
        delete from profile_change where id = any(array(
            select id from profile_change where changed_at < $1 order by changed_at limit $2
        )) returning id
    )
    select count(*) as count from gone";

/// A part of a statement that writes what its part `line` says into the history of those who are in its part `changed`.
pub(in crate::profile) fn noting(changed: &str, line: &str) -> String {
    format!(
        "insert into profile_change (id, user_id, actor_id, field, old_value, new_value, changed_at)
        select {line}.id, user_id, {line}.actor_id, {line}.field, {line}.old_value, {line}.new_value, {changed}.updated_at
        from {changed} join {line} using (user_id)"
    )
}

/// The history of `user` before the line `before`, newest first.
pub(super) async fn list(on: &impl GenericClient, user: Uuid, before: Option<Uuid>, fetch: i64) -> Result<Vec<Line>> {
    let line = |row: &Row| Line {
        id: row.get("id"),
        by: row.get("actor_id"),
        field: row.get("field"),
        old: row.get("old_value"),
        new: row.get("new_value"),
        at: row.get("changed_at"),
    };
    Ok(db::text(on, LIST, &[&user, &before, &fetch]).await?.iter().map(line).collect())
}

/// Removes lines that are older than two years, some at a time; returns how many there were.
///
/// # Errors
///
/// What the database says.
pub async fn sweep(on: &impl GenericClient, now: Timestamp) -> Result<u64> {
    let rows = db::text(on, SWEEP, &[&(now - KEPT_FOR), &db::SWEPT_MAX]).await?;
    Ok(rows[0].get::<_, i64>("count").unsigned_abs())
}
