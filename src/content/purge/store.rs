//! The tables of what WorkCenters hold, as they are emptied. Nobody waits here: what others have locked they remove.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    db::{self, GenericClient, Row},
    error::Result,
};

const DUE: &str = "
    select id from entry where purge_at <= $1 order by purge_at limit $2 for update skip locked";

/// Of WorkCenters that are to be purged, what is at their top; the rest is below that.
const LEFT: &str = "
    select entry.id from workcenter join entry on entry.workcenter_id = workcenter.id
    where workcenter.purge_at <= $1
        and coalesce(entry.parent_id, '00000000-0000-0000-0000-000000000000') = '00000000-0000-0000-0000-000000000000'
    limit $2 for update of entry skip locked";

/// Tasks of documents among these and below them.
const TASKS_BELOW: &str = "
    with recursive below as (
        select id from entry where id = any($1)
        union all
        select entry.id from below join entry on entry.parent_id = below.id
    )
    select task.id from below join task on task.document_id = below.id limit $2 for update of task skip locked";

/// Tasks that were deleted themselves, and those of WorkCenters that are to be purged.
const LOOSE_TASKS: &str = "
    select id from task
    where purge_at <= $1 or workcenter_id in (select id from workcenter where workcenter.purge_at <= $1)
    limit $2 for update skip locked";

const LOOSE_POSTS: &str = "
    select post.id from workcenter join post on post.workcenter_id = workcenter.id
    where workcenter.purge_at <= $1 limit $2 for update of post skip locked";

/// What is said of documents among `$1` and below them, of tasks and of posts.
const REMOVE_COMMENTS: &str = "
    with recursive below as (
        select id from entry where id = any($1)
        union all
        select entry.id from below join entry on entry.parent_id = below.id
    ), said as (
        select comment.ctid from below join comment on comment.document_id = below.id
        union all
        select ctid from comment where task_id = any($2)
        union all
        select ctid from comment where post_id = any($3)
        limit $4
    ), batch as materialized (
        select comment.ctid from comment where ctid = any(array(select ctid from said)) for update skip locked
    )
    delete from comment where ctid = any(array(select ctid from batch)) returning 1";

const REMOVE_TASKS: &str = "delete from task where id = any($1) returning 1";

const REMOVE_POSTS: &str = "delete from post where id = any($1) returning 1";

const REMOVE_VERSIONS: &str = "
    with recursive below as (
        select id from entry where id = any($1)
        union all
        select entry.id from below join entry on entry.parent_id = below.id
    ), batch as materialized (
        select entry_version.ctid from below join entry_version on entry_version.entry_id = below.id
        limit $2 for update of entry_version skip locked
    )
    delete from entry_version where ctid = any(array(select ctid from batch)) returning 1";

/// Those that nothing is in; what they were in has nothing in it the next time.
const REMOVE: &str = "
    with recursive below as (
        select id from entry where id = any($1)
        union all
        select entry.id from below join entry on entry.parent_id = below.id
    ), batch as materialized (
        select entry.ctid from below join entry on entry.id = below.id
        where not exists (select from entry child where child.parent_id = below.id)
        limit $2 for update of entry skip locked
    )
    delete from entry where ctid = any(array(select ctid from batch)) returning 1";

/// Locks up to `most` of what is to be purged at `now`.
pub(super) async fn due(on: &impl GenericClient, now: Timestamp, most: i64) -> Result<Vec<Uuid>> {
    Ok(ids(&db::text(on, DUE, &[&now, &most]).await?))
}

/// Locks up to `most` of what is at the top of WorkCenters that are to be purged at `now`.
pub(super) async fn left(on: &impl GenericClient, now: Timestamp, most: i64) -> Result<Vec<Uuid>> {
    Ok(ids(&db::text(on, LEFT, &[&now, &most]).await?))
}

/// Locks up to `most` tasks of documents among `roots` and below them.
pub(super) async fn tasks_below(on: &impl GenericClient, roots: &[Uuid], most: i64) -> Result<Vec<Uuid>> {
    Ok(ids(&db::text(on, TASKS_BELOW, &[&roots, &most]).await?))
}

/// Locks up to `most` tasks that are to be purged at `now`, themselves or with their WorkCenters.
pub(super) async fn loose_tasks(on: &impl GenericClient, now: Timestamp, most: i64) -> Result<Vec<Uuid>> {
    Ok(ids(&db::text(on, LOOSE_TASKS, &[&now, &most]).await?))
}

/// Locks up to `most` posts of WorkCenters that are to be purged at `now`.
pub(super) async fn loose_posts(on: &impl GenericClient, now: Timestamp, most: i64) -> Result<Vec<Uuid>> {
    Ok(ids(&db::text(on, LOOSE_POSTS, &[&now, &most]).await?))
}

/// Removes up to `most` comments of documents among `roots` and below them, of `tasks` and of `posts`; returns how many.
pub(super) async fn remove_comments(
    on: &impl GenericClient,
    roots: &[Uuid],
    tasks: &[Uuid],
    posts: &[Uuid],
    most: i64,
) -> Result<usize> {
    Ok(db::text(on, REMOVE_COMMENTS, &[&roots, &tasks, &posts, &most]).await?.len())
}

/// Removes these tasks; returns how many there were.
pub(super) async fn remove_tasks(on: &impl GenericClient, ids: &[Uuid]) -> Result<usize> {
    Ok(db::text(on, REMOVE_TASKS, &[&ids]).await?.len())
}

/// Removes these posts; returns how many there were.
pub(super) async fn remove_posts(on: &impl GenericClient, ids: &[Uuid]) -> Result<usize> {
    Ok(db::text(on, REMOVE_POSTS, &[&ids]).await?.len())
}

/// Removes up to `most` versions of documents among `roots` and below them; returns how many.
pub(super) async fn remove_versions(on: &impl GenericClient, roots: &[Uuid], most: i64) -> Result<usize> {
    Ok(db::text(on, REMOVE_VERSIONS, &[&roots, &most]).await?.len())
}

/// Removes up to `most` of `roots` and what is below them, from the bottom; returns how many.
pub(super) async fn remove(on: &impl GenericClient, roots: &[Uuid], most: i64) -> Result<usize> {
    Ok(db::text(on, REMOVE, &[&roots, &most]).await?.len())
}

fn ids(rows: &[Row]) -> Vec<Uuid> {
    rows.iter().map(|row| row.get("id")).collect()
}
