//! The tables of what a WorkCenter holds, as copies of templates write them.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Assigned, Deed, Pair, Who};
use crate::{
    db::{self, GenericClient, ToSql},
    error::{Error, Reason, Result},
};

/// The constraint that a name is broken by that somebody else has taken at the same time.
const ENTRY_NAME: &str = "entry_name";

/// Of documents the newest version alone, made by who copies.
const COPY_ENTRIES: &str = "
    with copied as (
        insert into entry (id, account_id, workcenter_id, parent_id, kind, name, name_key, description, version,
            created_by, created_at, updated_at, copied_from)
        select it.to_id, account_id, $4, it.place, kind, name, name_key, description, least(version, 1), $5, $6, $6, it.of
        from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as it (of, to_id, place) join entry on entry.id = it.of
    )
    insert into entry_version (entry_id, number, account_id, digest, size_bytes, content_type, created_by, created_at)
    select it.to_id, 1, entry_version.account_id, digest, size_bytes, content_type, $5, $6
    from unnest($1::uuid[], $2::uuid[]) as it (of, to_id)
    join entry on entry.id = it.of
    join entry_version on entry_version.entry_id = it.of and number = entry.version";

const EDIT_ENTRIES: &str = "
    update entry set parent_id = it.place, name = source.name, name_key = source.name_key,
        description = source.description, updated_at = $4, revision = entry.revision + 1
    from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as it (of, to_id, place) join entry source on source.id = it.of
    where entry.id = it.to_id";

/// Where the newest versions differ, that of the source comes after that of the copy.
const APPEND: &str = "
    with appended as (
        insert into entry_version (entry_id, number, account_id, digest, size_bytes, content_type, created_by, created_at)
        select entry.id, entry.version + 1, entry.account_id, newest.digest, newest.size_bytes, newest.content_type, $3, $4
        from unnest($1::uuid[], $2::uuid[]) as it (of, to_id)
        join entry source on source.id = it.of and source.kind = 'DOCUMENT'
        join entry_version newest on newest.entry_id = source.id and newest.number = source.version
        join entry on entry.id = it.to_id
        join entry_version own on own.entry_id = entry.id and own.number = entry.version
        where (own.digest, own.content_type) <> (newest.digest, newest.content_type)
        returning entry_id, number
    )
    update entry set version = number, updated_at = $4, revision = revision + 1
    from appended where entry.id = entry_id";

const COPY_TASKS: &str = "
    insert into task (id, account_id, workcenter_id, document_id, title, group_name, description, location, status,
        starts_at, due_at, time_zone, assignee_rule, approver_rule, reminders, created_by, created_at, updated_at)
    select it.to_id, account_id, $7, it.place, title, group_name, description, location, 'NEW', it.starts_at, it.due_at,
        it.time_zone, assignee_rule, approver_rule, reminders, $8, $9, $9
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::text[])
        as it (of, to_id, place, starts_at, due_at, time_zone)
    join task on task.id = it.of";

const EDIT_TASKS: &str = "
    update task set document_id = it.place, title = source.title, group_name = source.group_name,
        description = source.description, location = source.location, starts_at = it.starts_at, due_at = it.due_at,
        time_zone = it.time_zone, assignee_rule = source.assignee_rule, approver_rule = source.approver_rule,
        reminders = source.reminders, updated_at = $7, revision = task.revision + 1
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::text[])
        as it (of, to_id, place, starts_at, due_at, time_zone)
    join task source on source.id = it.of
    where task.id = it.to_id";

const REMOVE_PEOPLE: &str = "delete from task_person where task_id = any($1)";

const NAME: &str = "
    insert into task_person (task_id, part, seq, user_id, role)
    select * from unnest($1::uuid[], $2::text[], $3::bigint[], $4::uuid[], $5::text[])";

const UNTIE_PRIORS: &str = "delete from task_dependency where task_id = any($1)";

const UNTIE_ATTACHMENTS: &str = "delete from task_attachment where task_id = any($1)";

/// But for what would come before itself, where people have added what comes before what.
const TIE_PRIORS: &str = "
    insert into task_dependency (task_id, prior_id)
    select it.to_id, task.id
    from unnest($1::uuid[], $2::uuid[]) as it (of, to_id)
    join task_dependency on task_dependency.task_id = it.of
    join unnest($3::uuid[], $4::uuid[]) as prior (of, to_id) on prior.of = task_dependency.prior_id
    join task on task.id = prior.to_id and task.workcenter_id = $5
    where not exists (
        with recursive up as (
            select task.id
            union
            select other.prior_id from up join task_dependency other on other.task_id = up.id
        )
        select from up where id = it.to_id)
    on conflict do nothing";

const TIE_ATTACHMENTS: &str = "
    insert into task_attachment (task_id, seq, entry_id, other_id)
    select it.to_id, task_attachment.seq, entry.id, other.id
    from unnest($1::uuid[], $2::uuid[]) as it (of, to_id)
    join task_attachment on task_attachment.task_id = it.of
    join unnest($3::uuid[], $4::uuid[]) as thing (of, to_id) on thing.of = coalesce(entry_id, other_id)
    left join entry on entry.id = thing.to_id and entry.workcenter_id = $5
    left join task other on other.id = thing.to_id and other.workcenter_id = $5
    where num_nonnulls(entry.id, other.id) = 1";

/// Those who do not collaborate are not mentioned, and what they have written is said by who copies.
const COPY_POSTS: &str = "
    insert into post (id, account_id, workcenter_id, title, text, mentioned, author_id, created_at, original_at)
    select it.to_id, account_id, $3, title, text,
        array(select user_id from collaborator where workcenter_id = $3 and user_id = any(mentioned)),
        coalesce((select user_id from collaborator where workcenter_id = $3 and user_id = author_id), $4), $5,
        coalesce(original_at, created_at)
    from unnest($1::uuid[], $2::uuid[]) as it (of, to_id) join post on post.id = it.of";

const EDIT_POSTS: &str = "
    update post set title = source.title, text = source.text, edited_at = $3, revision = post.revision + 1
    from unnest($1::uuid[], $2::uuid[]) as it (of, to_id) join post source on source.id = it.of
    where post.id = it.to_id";

const COPY_COMMENTS: &str = "
    insert into comment (id, account_id, document_id, task_id, post_id, text, mentioned, author_id, created_at, edited_at)
    select it.to_id, account_id, case when document_id is not null then it.place end,
        case when task_id is not null then it.place end, case when post_id is not null then it.place end, text,
        array(select user_id from collaborator where workcenter_id = $4 and user_id = any(mentioned)),
        coalesce((select user_id from collaborator where workcenter_id = $4 and user_id = author_id), $5),
        created_at, edited_at
    from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as it (of, to_id, place) join comment on comment.id = it.of";

const EDIT_COMMENTS: &str = "
    update comment set text = source.text, edited_at = $3, revision = comment.revision + 1
    from unnest($1::uuid[], $2::uuid[]) as it (of, to_id) join comment source on source.id = it.of
    where comment.id = it.to_id";

/// What things have led to: pairs of a source and what it became.
pub type Links = [(Uuid, Uuid)];

/// Of pairs: what is copied, to what, and where that is.
fn columns<'a>(pairs: impl Iterator<Item = &'a Pair>) -> (Vec<Uuid>, Vec<Uuid>, Vec<Option<Uuid>>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for Pair { of, to, place } in pairs {
        columns.0.push(*of);
        columns.1.push(*to);
        columns.2.push(*place);
    }
    columns
}

/// Runs a statement; that a name was taken at the same time is a conflict, which is gone when it is tried again.
async fn run(on: &impl GenericClient, statement: &str, values: &[&(dyn ToSql + Sync)]) -> Result<()> {
    match db::text(on, statement, values).await {
        Ok(_) => Ok(()),
        Err(error) if db::violated(&error) == Some(ENTRY_NAME) => Err(Error::Conflict(Reason::WriteConflict)),
        Err(error) => Err(error.into()),
    }
}

/// Copies folders and documents into their places.
///
/// # Errors
///
/// [`Error::Conflict`] when a name is taken at the same time.
pub async fn copy_entries(on: &impl GenericClient, deed: &Deed, pairs: &[Pair]) -> Result<()> {
    let (of, to, places) = columns(pairs.iter());
    run(on, COPY_ENTRIES, &[&of, &to, &places, &deed.into, &deed.by, &deed.now]).await
}

/// Makes folders and documents what their sources are, in their places. Documents get a new version where they differ.
///
/// # Errors
///
/// As [`copy_entries`].
pub async fn edit_entries(on: &impl GenericClient, deed: &Deed, pairs: &[Pair]) -> Result<()> {
    let (of, to, places) = columns(pairs.iter());
    run(on, EDIT_ENTRIES, &[&of, &to, &places, &deed.now]).await?;
    append(on, deed, pairs).await
}

/// Gives documents the newest versions of their sources, where they differ.
///
/// # Errors
///
/// What the database says.
pub async fn append(on: &impl GenericClient, deed: &Deed, pairs: &[Pair]) -> Result<()> {
    let (of, to, _) = columns(pairs.iter());
    run(on, APPEND, &[&of, &to, &deed.by, &deed.now]).await
}

/// Copies tasks as new ones, with those whom they name; what comes before them and what is attached to them, [`tie_tasks`] does.
///
/// # Errors
///
/// What the database says.
pub async fn copy_tasks(on: &impl GenericClient, deed: &Deed, tasks: &[Assigned]) -> Result<()> {
    let (of, to, places) = columns(tasks.iter().map(|it| &it.pair));
    let (starts, dues, zones) = dates(tasks);
    let values: [&(dyn ToSql + Sync); 9] = [&of, &to, &places, &starts, &dues, &zones, &deed.into, &deed.by, &deed.now];
    run(on, COPY_TASKS, &values).await?;
    name(on, tasks).await
}

/// Makes tasks what their sources are, with those whom they name.
///
/// # Errors
///
/// What the database says.
pub async fn edit_tasks(on: &impl GenericClient, deed: &Deed, tasks: &[Assigned]) -> Result<()> {
    let (of, to, places) = columns(tasks.iter().map(|it| &it.pair));
    let (starts, dues, zones) = dates(tasks);
    run(on, EDIT_TASKS, &[&of, &to, &places, &starts, &dues, &zones, &deed.now]).await?;
    run(on, REMOVE_PEOPLE, &[&to]).await?;
    name(on, tasks).await
}

type Dates<'a> = (Vec<Option<Timestamp>>, Vec<Option<Timestamp>>, Vec<&'a str>);

fn dates(tasks: &[Assigned]) -> Dates<'_> {
    let of = |it: &'_ Assigned| (it.starts_at, it.due_at);
    let (starts, dues) = tasks.iter().map(of).unzip();
    (starts, dues, tasks.iter().map(|it| it.zone.as_str()).collect())
}

async fn name(on: &impl GenericClient, tasks: &[Assigned]) -> Result<()> {
    let (mut of, mut parts, mut seqs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut users, mut roles) = (Vec::new(), Vec::new());
    for task in tasks {
        for (seq, (part, who)) in (1_i64..).zip(&task.people) {
            of.push(task.pair.to);
            parts.push(part.name());
            seqs.push(seq);
            users.push(if let Who::User(user) = who { Some(*user) } else { None });
            roles.push(if let Who::Role(role) = who { Some(role.name()) } else { None });
        }
    }
    run(on, NAME, &[&of, &parts, &seqs, &users, &roles]).await
}

/// Has come before each of these tasks, and be attached to it, what `links` says that those things have become which do so with
/// its source.
///
/// # Errors
///
/// What the database says.
pub async fn tie_tasks(on: &impl GenericClient, into: Uuid, tasks: &Links, links: &Links) -> Result<()> {
    let (of, to): (Vec<Uuid>, Vec<Uuid>) = tasks.iter().copied().unzip();
    let (sources, targets): (Vec<Uuid>, Vec<Uuid>) = links.iter().copied().unzip();
    run(on, UNTIE_PRIORS, &[&to]).await?;
    run(on, UNTIE_ATTACHMENTS, &[&to]).await?;
    run(on, TIE_PRIORS, &[&of, &to, &sources, &targets, &into]).await?;
    run(on, TIE_ATTACHMENTS, &[&of, &to, &sources, &targets, &into]).await
}

/// Copies posts: written now, by their authors where these collaborate.
///
/// # Errors
///
/// What the database says.
pub async fn copy_posts(on: &impl GenericClient, deed: &Deed, pairs: &[Pair]) -> Result<()> {
    let (of, to, _) = columns(pairs.iter());
    run(on, COPY_POSTS, &[&of, &to, &deed.into, &deed.by, &deed.now]).await
}

/// Has posts say what their sources say.
///
/// # Errors
///
/// What the database says.
pub async fn edit_posts(on: &impl GenericClient, deed: &Deed, pairs: &[Pair]) -> Result<()> {
    let (of, to, _) = columns(pairs.iter());
    run(on, EDIT_POSTS, &[&of, &to, &deed.now]).await
}

/// Copies comments to what they are about: written when their sources were, by their authors where these collaborate.
///
/// # Errors
///
/// What the database says.
pub async fn copy_comments(on: &impl GenericClient, deed: &Deed, pairs: &[Pair]) -> Result<()> {
    let (of, to, places) = columns(pairs.iter());
    run(on, COPY_COMMENTS, &[&of, &to, &places, &deed.into, &deed.by]).await
}

/// Has comments say what their sources say.
///
/// # Errors
///
/// What the database says.
pub async fn edit_comments(on: &impl GenericClient, deed: &Deed, pairs: &[Pair]) -> Result<()> {
    let (of, to, _) = columns(pairs.iter());
    run(on, EDIT_COMMENTS, &[&of, &to, &deed.now]).await
}
