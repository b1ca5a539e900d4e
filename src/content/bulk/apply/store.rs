//! What bulk jobs write to the tables `entry` and `entry_version`: each statement for all items of a batch that it is for.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    content::Deletion,
    db::{self, GenericClient, ToSql},
    error::{Error, Reason, Result},
};

/// The constraint that a name is broken by that somebody else has taken at the same time.
const NAME: &str = "entry_name";

const DELETE: &str = "
    update entry set deleted_at = $2, deleted_by = $3, purge_at = $4, updated_at = $2, revision = revision + 1
    where id = any($1) and deleted_at is null";

/// Moves things, or brings them back.
const PUT: &str = "
    update entry set workcenter_id = it.workcenter_id, parent_id = it.parent_id, name = it.name, name_key = it.name_key,
        deleted_at = null, deleted_by = null, purge_at = null, updated_at = $6, revision = revision + 1
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[])
        as it (id, workcenter_id, parent_id, name, name_key)
    where entry.id = it.id";

/// Folders that have the places of others which have gone to another WorkCenter.
const LEAVE: &str = "
    insert into entry (id, account_id, workcenter_id, parent_id, kind, name, name_key, description, version, created_by,
        created_at, updated_at, copied_from)
    select it.id, account_id, it.workcenter_id, it.parent_id, kind, it.name, it.name_key, description, version, created_by,
        created_at, $7, copied_from
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[])
        as it (id, of, workcenter_id, parent_id, name, name_key)
    join entry on entry.id = it.of";

/// What was in those goes into these, deleted or not.
const LEAVE_IN: &str = "
    update entry set parent_id = it.id from unnest($1::uuid[], $2::uuid[]) as it (id, of)
    where entry.parent_id = it.of and entry.id <> it.id";

/// The newest version becomes the first, made by who copies, now; all versions stay as they are.
const COPY: &str = "
    with copied as (
        insert into entry (id, account_id, workcenter_id, parent_id, kind, name, name_key, description, version,
            created_by, created_at, updated_at, copied_from)
        select it.id, account_id, it.workcenter_id, it.parent_id, kind, it.name, it.name_key, description,
            case when $9 then version else least(version, 1) end, $7, $8, $8, it.of
        from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[])
            as it (id, of, workcenter_id, parent_id, name, name_key)
        join entry on entry.id = it.of
    )
    insert into entry_version (entry_id, number, account_id, digest, size_bytes, content_type, created_by, created_at)
    select it.id, case when $9 then number else 1 end, entry_version.account_id, digest, size_bytes, content_type,
        case when $9 then entry_version.created_by else $7 end, case when $9 then entry_version.created_at else $8 end
    from unnest($1::uuid[], $2::uuid[]) as it (id, of)
    join entry on entry.id = it.of
    join entry_version on entry_version.entry_id = it.of and ($9 or number = entry.version)";

/// Versions of documents come after those of others: all of them, as they are, or the newest, by who copies, now.
const APPEND: &str = "
    with appended as (
        insert into entry_version (entry_id, number, account_id, digest, size_bytes, content_type, created_by, created_at)
        select onto.id, onto.version + row_number() over (partition by onto.id order by entry_version.number),
            entry_version.account_id, digest, size_bytes, content_type,
            case when $5 then entry_version.created_by else $3 end,
            case when $5 then entry_version.created_at else $4 end
        from unnest($1::uuid[], $2::uuid[]) as it (onto, of)
        join entry onto on onto.id = it.onto
        join entry on entry.id = it.of
        join entry_version on entry_version.entry_id = it.of and ($5 or number = entry.version)
        returning entry_id, number
    )
    update entry set version = newest.number, updated_at = $4, revision = revision + 1
    from (select entry_id, max(number) as number from appended group by entry_id) newest
    where entry.id = newest.entry_id";

/// What is said of documents is said of their copies, at the same times by the same people. Here and below nothing but the keys
/// is asked how many there may be.
const COPY_COMMENTS: &str = "
    insert into comment (id, account_id, document_id, text, mentioned, author_id, created_at, edited_at)
    select gen_random_uuid(), comment.account_id, it.id, comment.text, comment.mentioned, comment.author_id,
        comment.created_at, comment.edited_at
    from unnest($1::uuid[], $2::uuid[]) as it (id, of)
    join comment on comment.document_id = it.of";

/// What is said of documents, and their tasks, goes to those that they have become versions of.
const HAND_OVER: &str = "
    with handed as (
        update comment set document_id = it.onto from unnest($1::uuid[], $2::uuid[]) as it (onto, of)
        where comment.document_id = it.of
    )
    update task set document_id = it.onto, workcenter_id = entry.workcenter_id
    from unnest($1::uuid[], $2::uuid[]) as it (onto, of) join entry on entry.id = it.onto
    where task.document_id = it.of";

/// The tasks of documents have gone with them: those of other WorkCenters neither come before them nor after them, and nothing
/// is attached to tasks of another one. Not before all have gone: they go in batches.
const PART: &str = "
    with moved as (
        select unnest(array[item_id, target_id]) as id from job_item where job_id = any($1) and state = 'DONE'
    ), gone as (
        select id, workcenter_id from task where document_id in (select id from moved)
    ), apart as (
        delete from task_dependency using task one, task other
        where one.id = task_id and other.id = prior_id and one.workcenter_id <> other.workcenter_id
            and (task_id in (select id from gone) or prior_id in (select id from gone))
    )
    delete from task_attachment using task
    where task.id = task_id
        and (task_id in (select id from gone) or entry_id in (select id from moved) or other_id in (select id from gone))
        and task.workcenter_id <> coalesce(
            (select workcenter_id from entry where entry.id = entry_id),
            (select workcenter_id from task other where other.id = other_id))";

/// Whoever puts something into one of these folders comes before or after.
const HOLD: &str = "
    select id from workcenter where id in (select workcenter_id from entry where id = any($1))
    order by id for no key update";

/// Leftovers in which there is nothing at all go for good; folders in which only deleted things are are deleted with them.
const SWEEP: &str = "
    with removed as (
        delete from entry where id = any($1) and not exists (select from entry within where within.parent_id = entry.id)
    )
    update entry set deleted_at = $3, deleted_by = $4, purge_at = $5, updated_at = $3, revision = revision + 1
    where (id = any($2) or id = any($1) and exists (select from entry within where within.parent_id = entry.id))
        and deleted_at is null
        and not exists (select from entry within where within.parent_id = entry.id and within.deleted_at is null)";

/// Things and where they go.
#[derive(Debug, Default)]
pub(super) struct Moves {
    pub ids: Vec<Uuid>,
    /// What each is made of; only where they are new.
    pub of: Vec<Uuid>,
    pub workcenters: Vec<Uuid>,
    pub parents: Vec<Option<Uuid>>,
    pub names: Vec<String>,
    pub keys: Vec<String>,
}

/// Runs a statement; that a name was taken at the same time is a conflict, which is gone when it is tried again.
pub(in crate::content::bulk) async fn run(
    on: &impl GenericClient,
    statement: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<()> {
    match db::text(on, statement, values).await {
        Ok(_) => Ok(()),
        Err(error) if db::violated(&error) == Some(NAME) => Err(Error::Conflict(Reason::WriteConflict)),
        Err(error) => Err(error.into()),
    }
}

/// Deletes these.
pub(in crate::content::bulk) async fn delete(on: &impl GenericClient, ids: &[Uuid], deletion: &Deletion) -> Result<()> {
    run(on, DELETE, &[&ids, &deletion.at, &deletion.by, &deletion.purge_at]).await
}

/// Moves these, or brings them back.
pub(super) async fn put(on: &impl GenericClient, moves: &Moves, now: Timestamp) -> Result<()> {
    let Moves { ids, workcenters, parents, names, keys, .. } = moves;
    run(on, PUT, &[ids, workcenters, parents, names, keys, &now]).await
}

/// Makes the folders that take the places of others, and puts what was in those into them.
pub(super) async fn leave(on: &impl GenericClient, left: &Moves, now: Timestamp) -> Result<()> {
    let Moves { ids, of, workcenters, parents, names, keys } = left;
    run(on, LEAVE, &[ids, of, workcenters, parents, names, keys, &now]).await?;
    run(on, LEAVE_IN, &[ids, of]).await
}

/// Copies these for `by`, with all versions or the newest.
pub(super) async fn copy(
    on: &impl GenericClient,
    copies: &Moves,
    all_versions: bool,
    by: Uuid,
    now: Timestamp,
) -> Result<()> {
    let Moves { ids, of, workcenters, parents, names, keys } = copies;
    run(on, COPY, &[ids, of, workcenters, parents, names, keys, &by, &now, &all_versions]).await
}

/// Appends to each of `onto` the versions of the one of `of` that stands in its place, all of them or the newest.
pub(super) async fn append(
    on: &impl GenericClient,
    (onto, of): (&[Uuid], &[Uuid]),
    all_versions: bool,
    by: Uuid,
    now: Timestamp,
) -> Result<()> {
    run(on, APPEND, &[&onto, &of, &by, &now, &all_versions]).await
}

/// Copies what is said of each of `of` to the one of `to` that stands in its place.
pub(super) async fn copy_comments(on: &impl GenericClient, (to, of): (&[Uuid], &[Uuid])) -> Result<()> {
    run(on, COPY_COMMENTS, &[&to, &of]).await
}

/// Gives what is said of each of `of`, and its tasks, to the one of `onto` that stands in its place.
pub(super) async fn hand_over(on: &impl GenericClient, (onto, of): (&[Uuid], &[Uuid])) -> Result<()> {
    run(on, HAND_OVER, &[&onto, &of]).await
}

/// Parts what jobs have moved to another WorkCenter, with the tasks of the documents among it, from the tasks of the one that
/// it was in.
pub(in crate::content::bulk) async fn part(on: &impl GenericClient, jobs: &[Uuid]) -> Result<()> {
    run(on, PART, &[&jobs]).await
}

/// Clears away those of `new`, which nobody but a job has made, and of `old` that are empty.
pub(in crate::content::bulk) async fn sweep(
    on: &impl GenericClient,
    new: &[Uuid],
    old: &[Uuid],
    deletion: &Deletion,
) -> Result<()> {
    db::text(on, HOLD, &[&[new, old].concat()]).await?;
    run(on, SWEEP, &[&new, &old, &deletion.at, &deletion.by, &deletion.purge_at]).await
}
