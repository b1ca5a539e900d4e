//! The tables `task`, `task_person`, `task_dependency` and `task_attachment`.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Attachment, Details, Named, People, Rule, Status, TASKS_MAX, Task, Who};
use crate::{
    access::WorkCenterRole,
    content::{Deletion, Kind},
    db::{self, GenericClient, Row, ToSql, Transaction},
    error::{Error, Result},
};

/// Reads tasks, each with all that is named in it, as far as the rest of the statement says. `offset 0` has what a task waits
/// for looked up for it: else all that anything waits for is gathered first.
macro_rules! tasks {
    ($more:literal, $rest:literal) => {
        concat!(
            "select task.id, task.account_id, task.workcenter_id, task.document_id, task.title, task.group_name,
                task.description, task.location, task.starts_at, task.due_at, task.time_zone, task.assignee_rule,
                task.approver_rule, task.reminders, task.created_by, task.created_at, task.updated_at, task.revision,
                task.deleted_at, task.deleted_by, task.purge_at, parts, users, roles, done_ats, done_bys, attached_kinds,
                attached_ids, status_now, array(select prior_id from task_dependency where task_id = task.id order by prior_id) as priors",
            $more,
            " from task
            cross join lateral (
                select coalesce(array_agg(part order by part, seq), '{}') as parts,
                    coalesce(array_agg(user_id order by part, seq), '{}') as users,
                    coalesce(array_agg(role order by part, seq), '{}') as roles,
                    coalesce(array_agg(done_at order by part, seq), '{}') as done_ats,
                    coalesce(array_agg(done_by order by part, seq), '{}') as done_bys
                from task_person where task_id = task.id
            ) person
            cross join lateral (
                select coalesce(array_agg(coalesce(entry.kind, 'TASK') order by seq), '{}') as attached_kinds,
                    coalesce(array_agg(coalesce(entry_id, other_id) order by seq), '{}') as attached_ids
                from task_attachment left join entry on entry.id = entry_id where task_id = task.id
            ) attached
            cross join lateral (
                select case when task.status = 'NEW' and exists (
                    select from task_dependency join task prior on prior.id = prior_id
                    where task_id = task.id and prior.status <> 'COMPLETED' and prior.deleted_at is null
                        and (prior.document_id is null or entry_is_there(prior.document_id))
                    offset 0
                ) then 'PENDING_PRIOR_TASK' else task.status end as status_now
            ) now ",
            $rest
        )
    };
}

/// With what the person `$2` is to it: a task that names nobody is any contributor's.
const FIND: &str = tasks!(
    ", coalesce(document.name, '') as document_name,
    task.document_id is not null and not entry_is_there(task.document_id) as is_hidden,
    mine.role is not null and case
        when 'ASSIGNEE' = any(person.parts) then exists (
            select from task_person where task_id = task.id and part = 'ASSIGNEE' and (user_id = $2 or role = mine.role))
        else mine.role in ('CONTRIBUTOR', 'OWNER') end as is_assignee,
    mine.role is not null and exists (
        select from task_person where task_id = task.id and part = 'APPROVER' and (user_id = $2 or role = mine.role)
    ) as is_approver",
    "left join entry document on document.id = task.document_id
    left join collaborator mine on mine.workcenter_id = task.workcenter_id and mine.user_id = $2
    where task.id = $1"
);

const LOCK: &str = "select id from task where id = $1 for update";

/// Deleted or not by a subquery, as in the list of what is in a folder.
const LIST: &str = tasks!(
    "",
    "where task.workcenter_id = $1 and (task.deleted_at is not null) = (select $2::bool) and task.id > $3
        and (task.document_id is null or entry_is_there(task.document_id))
        and ($4::text = '' or group_name = $4)
        and ($5::text[] = '{}' or status_now = any($5))
        and ($6::uuid is null or exists (
            select from collaborator mine join task_person named
                on named.user_id = mine.user_id or named.role = mine.role
            where mine.workcenter_id = $1 and mine.user_id = $6 and named.task_id = task.id and part = 'ASSIGNEE'))
        and ($7::uuid is null or task.document_id = $7)
    order by task.id limit $8"
);

const IS_FULL: &str = "select exists (select from task where workcenter_id = $1 offset $2) as is_so";

const INSERT: &str = "
    insert into task (id, account_id, workcenter_id, document_id, created_by, created_at, title, group_name, description,
        location, status, starts_at, due_at, time_zone, assignee_rule, approver_rule, reminders, updated_at, revision)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";

const UPDATE: &str = "
    update task set title = $2, group_name = $3, description = $4, location = $5, status = $6, starts_at = $7, due_at = $8,
        time_zone = $9, assignee_rule = $10, approver_rule = $11, reminders = $12, updated_at = $13, revision = $14,
        deleted_at = $15, deleted_by = $16, purge_at = $17
    where id = $1";

const REMOVE_PEOPLE: &str = "delete from task_person where task_id = $1";

const INSERT_PEOPLE: &str = "
    insert into task_person (task_id, part, seq, user_id, role, done_at, done_by)
    select $1, it.part, it.seq, it.user_id, it.role, it.done_at, it.done_by
    from unnest($2::text[], $3::uuid[], $4::text[], $5::timestamptz[], $6::uuid[]) with ordinality
        as it (part, user_id, role, done_at, done_by, seq)";

const REMOVE_PRIORS: &str = "delete from task_dependency where task_id = $1 and prior_id <> all($2)";

const INSERT_PRIORS: &str = "
    insert into task_dependency (task_id, prior_id) select $1, unnest($2::uuid[]) on conflict (task_id, prior_id) do nothing";

const REMOVE_ATTACHMENTS: &str = "delete from task_attachment where task_id = $1";

const INSERT_ATTACHMENTS: &str = "
    insert into task_attachment (task_id, seq, entry_id, other_id)
    select $1, it.seq, it.entry_id, it.other_id
    from unnest($2::uuid[], $3::uuid[]) with ordinality as it (entry_id, other_id, seq)";

/// Whether one of the tasks `$2`, or any before them, is `$1`.
const IS_CYCLE: &str = "
    with recursive up as (
        select unnest($2::uuid[]) as id
        union
        select task_dependency.prior_id from up join task_dependency on task_dependency.task_id = up.id
    )
    select exists (select from up where id = $1) as is_so";

/// What of these is not there in a WorkCenter.
const STRANGE: &str = "
    select array(
            select it from unnest($2::uuid[]) it
            where not exists (select from collaborator where workcenter_id = $1 and user_id = it)
        ) as users, array(
            select it from unnest($3::uuid[]) it
            where not exists (
                select from task where id = it and workcenter_id = $1 and deleted_at is null
                    and (document_id is null or entry_is_there(document_id)))
        ) as tasks, array(
            select it.id from unnest($4::uuid[], $5::text[]) as it (id, kind)
            where not exists (
                select from entry
                where id = it.id and workcenter_id = $1 and kind = it.kind and entry_is_there(id))
        ) as contents";

/// Collaborators whom these tasks concern, by name or by their role: all are read but for a role.
const CONCERNED: &str = "
    select distinct task.id, named.part, collaborator.user_id
    from task join task_person named on named.task_id = task.id
    cross join lateral (
        select user_id from collaborator where workcenter_id = task.workcenter_id and user_id = named.user_id
        union all
        select user_id from collaborator
        where named.role is not null and workcenter_id = task.workcenter_id and role = named.role
    ) collaborator
    where task.id = any($1)
    order by task.id, named.part, collaborator.user_id";

/// Those that waited for a task alone which is completed now, and for which nobody waits any more.
const FREED: &str = "
    select task.id, task.title
    from task_dependency join task on task.id = task_id
    where prior_id = $1 and task.status = 'NEW' and task.deleted_at is null
        and (task.document_id is null or entry_is_there(task.document_id))
        and not exists (
            select from task_dependency other join task prior on prior.id = other.prior_id
            where other.task_id = task.id and prior.status <> 'COMPLETED' and prior.deleted_at is null
                and (prior.document_id is null or entry_is_there(prior.document_id)))
    order by task.id";

/// A task, and what somebody is to it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The task.
    pub task: Task,
    /// What its document is called; empty without one.
    pub document_name: String,
    /// Whether its document is deleted.
    pub is_hidden: bool,
    /// Whether they are to do it.
    pub is_assignee: bool,
    /// Whether they are to approve it.
    pub is_approver: bool,
}

impl Found {
    /// Whether it can be seen.
    pub fn is_there(&self) -> bool {
        self.task.deletion.is_none() && !self.is_hidden
    }
}

/// Which tasks to list.
pub(super) struct Listed<'a> {
    pub workcenter: Uuid,
    pub deleted: bool,
    /// Empty for all.
    pub group: &'a str,
    /// Empty for all.
    pub statuses: &'a [Status],
    pub assignee: Option<Uuid>,
    pub document: Option<Uuid>,
    /// Only those after this one.
    pub after: Option<Uuid>,
    pub fetch: i64,
}

/// What is not there of that which a task names.
pub(super) struct Strange {
    pub users: Vec<Uuid>,
    pub tasks: Vec<Uuid>,
    pub contents: Vec<Uuid>,
}

/// The task `id`, and what `person` is to it.
pub(in crate::content) async fn find(on: &impl GenericClient, id: Uuid, person: Uuid) -> Result<Option<Found>> {
    let rows = db::text(on, FIND, &[&id, &person]).await?;
    let found = |row: &Row| Found {
        task: task(row),
        document_name: row.get("document_name"),
        is_hidden: row.get("is_hidden"),
        is_assignee: row.get("is_assignee"),
        is_approver: row.get("is_approver"),
    };
    Ok(rows.first().map(found))
}

/// Keeps others from changing the task `id` until the transaction ends. What it is now is to be read after this.
pub(super) async fn lock(tx: &Transaction<'_>, id: Uuid) -> Result<()> {
    db::text(tx, LOCK, &[&id]).await?;
    Ok(())
}

/// The tasks that are wanted, as they were made.
pub(super) async fn list(on: &impl GenericClient, listed: &Listed<'_>) -> Result<Vec<Task>> {
    let Listed { workcenter, deleted, group, statuses, assignee, document, after, fetch } = listed;
    let statuses: Vec<&str> = statuses.iter().map(|it| it.name()).collect();
    let after = after.unwrap_or_default();
    let values: [&(dyn ToSql + Sync); 8] = [workcenter, deleted, &after, group, &statuses, assignee, document, fetch];
    Ok(db::text(on, LIST, &values).await?.iter().map(task).collect())
}

/// Whether a WorkCenter has as many tasks as it may have.
pub(super) async fn is_full(on: &impl GenericClient, workcenter: Uuid) -> Result<bool> {
    let rows = db::text(on, IS_FULL, &[&workcenter, &(TASKS_MAX - 1)]).await?;
    Ok(rows.first().is_some_and(|row| row.get("is_so")))
}

/// Makes a task with all that it names.
pub(super) async fn insert(on: &impl GenericClient, task: &Task) -> Result<()> {
    let details = &task.details;
    let values: [&(dyn ToSql + Sync); 19] = [
        &task.id,
        &task.account,
        &task.workcenter,
        &task.document,
        &task.created_by,
        &task.created_at,
        &details.title,
        &details.group,
        &details.description,
        &details.location,
        &task.status.name(),
        &details.starts_at,
        &details.due_at,
        &details.zone,
        &details.assignees.rule.name(),
        &details.approvers.rule.name(),
        &details.reminders,
        &task.updated_at,
        &task.revision,
    ];
    db::text(on, INSERT, &values).await?;
    insert_people(on, task).await?;
    insert_priors(on, task).await?;
    insert_attachments(on, task).await
}

/// Writes what may change of a task that is locked, which was `old`.
pub(super) async fn update(on: &impl GenericClient, old: &Task, task: &Task) -> Result<()> {
    let details = &task.details;
    // It waits by what is written of others.
    let status = if task.status == Status::Waiting { Status::New } else { task.status };
    let (at, by, purge_at) = match task.deletion {
        Some(Deletion { at, by, purge_at }) => (Some(at), Some(by), Some(purge_at)),
        None => (None, None, None),
    };
    let values: [&(dyn ToSql + Sync); 17] = [
        &task.id,
        &details.title,
        &details.group,
        &details.description,
        &details.location,
        &status.name(),
        &details.starts_at,
        &details.due_at,
        &details.zone,
        &details.assignees.rule.name(),
        &details.approvers.rule.name(),
        &details.reminders,
        &task.updated_at,
        &task.revision,
        &at,
        &by,
        &purge_at,
    ];
    db::text(on, UPDATE, &values).await?;
    if (&details.assignees, &details.approvers) != (&old.details.assignees, &old.details.approvers) {
        db::text(on, REMOVE_PEOPLE, &[&task.id]).await?;
        insert_people(on, task).await?;
    }
    if details.priors != old.details.priors {
        db::text(on, REMOVE_PRIORS, &[&task.id, &details.priors]).await?;
        insert_priors(on, task).await?;
    }
    if details.attachments != old.details.attachments {
        db::text(on, REMOVE_ATTACHMENTS, &[&task.id]).await?;
        insert_attachments(on, task).await?;
    }
    Ok(())
}

async fn insert_people(on: &impl GenericClient, task: &Task) -> Result<()> {
    let parts = [(ASSIGNEE, &task.details.assignees), (APPROVER, &task.details.approvers)];
    let all: Vec<(&str, &Named)> =
        parts.into_iter().flat_map(|(part, it)| it.named.iter().map(move |named| (part, named))).collect();
    let parts: Vec<&str> = all.iter().map(|it| it.0).collect();
    let users: Vec<Option<Uuid>> =
        all.iter().map(|it| if let Who::User(id) = it.1.who { Some(id) } else { None }).collect();
    let role = |it: &(&str, &Named)| if let Who::Role(role) = it.1.who { Some(role.name()) } else { None };
    let roles: Vec<Option<&str>> = all.iter().map(role).collect();
    let (at, by): (Vec<Option<Timestamp>>, Vec<Option<Uuid>>) = all.iter().map(|it| it.1.done.unzip()).unzip();
    db::text(on, INSERT_PEOPLE, &[&task.id, &parts, &users, &roles, &at, &by]).await?;
    Ok(())
}

async fn insert_priors(on: &impl GenericClient, task: &Task) -> Result<()> {
    db::text(on, INSERT_PRIORS, &[&task.id, &task.details.priors]).await?;
    Ok(())
}

async fn insert_attachments(on: &impl GenericClient, task: &Task) -> Result<()> {
    let pair = |it: &Attachment| match *it {
        Attachment::Content(_, id) => (Some(id), None),
        Attachment::Task(id) => (None, Some(id)),
    };
    let (entries, others): (Vec<Option<Uuid>>, Vec<Option<Uuid>>) = task.details.attachments.iter().map(pair).unzip();
    db::text(on, INSERT_ATTACHMENTS, &[&task.id, &entries, &others]).await?;
    Ok(())
}

/// Whether the task `id` is one of `priors`, or comes before one of them.
pub(super) async fn is_cycle(on: &impl GenericClient, id: Uuid, priors: &[Uuid]) -> Result<bool> {
    Ok(db::text(on, IS_CYCLE, &[&id, &priors]).await?.first().is_some_and(|row| row.get("is_so")))
}

/// What of these is not there in a WorkCenter.
pub(super) async fn strange(
    on: &impl GenericClient,
    workcenter: Uuid,
    users: &[Uuid],
    tasks: &[Uuid],
    contents: &[(Kind, Uuid)],
) -> Result<Strange> {
    let (kinds, ids): (Vec<&str>, Vec<Uuid>) = contents.iter().map(|(kind, id)| (kind.name(), *id)).unzip();
    let rows = db::text(on, STRANGE, &[&workcenter, &users, &tasks, &ids, &kinds]).await?;
    let row = rows.first().ok_or_else(|| Error::internal("a statement without tables yields a row"))?;
    Ok(Strange { users: row.get("users"), tasks: row.get("tasks"), contents: row.get("contents") })
}

/// The collaborators whom these tasks concern: by task, for which part, and who.
pub(super) async fn concerned(on: &impl GenericClient, ids: &[Uuid]) -> Result<Vec<(Uuid, &'static str, Uuid)>> {
    let rows = db::text(on, CONCERNED, &[&ids]).await?;
    let part = |row: &Row| if row.get::<_, &str>("part") == ASSIGNEE { ASSIGNEE } else { APPROVER };
    Ok(rows.iter().map(|row| (row.get("id"), part(row), row.get("user_id"))).collect())
}

/// The tasks that may begin now that `id` is completed: id and title.
pub(super) async fn freed(on: &impl GenericClient, id: Uuid) -> Result<Vec<(Uuid, String)>> {
    Ok(db::text(on, FREED, &[&id]).await?.iter().map(|row| (row.get("id"), row.get("title"))).collect())
}

/// Those who are to do a task, as the database has it.
pub(super) const ASSIGNEE: &str = "ASSIGNEE";

/// Those who are to approve it.
pub(super) const APPROVER: &str = "APPROVER";

fn task(row: &Row) -> Task {
    let rule = |column: &str| Rule::named(row.get(column)).expect("the table checks rules");
    let (assignees, approvers) = people(row);
    let attached = row.get::<_, Vec<&str>>("attached_kinds").into_iter().zip(row.get::<_, Vec<Uuid>>("attached_ids"));
    let attachment = |(kind, id): (&str, Uuid)| match Kind::named(kind) {
        Some(kind) => Attachment::Content(kind, id),
        None => Attachment::Task(id),
    };
    let deleted_at: Option<Timestamp> = row.get("deleted_at");
    Task {
        id: row.get("id"),
        account: row.get("account_id"),
        workcenter: row.get("workcenter_id"),
        document: row.get("document_id"),
        details: Details {
            title: row.get("title"),
            group: row.get("group_name"),
            description: row.get("description"),
            location: row.get("location"),
            starts_at: row.get("starts_at"),
            due_at: row.get("due_at"),
            zone: row.get("time_zone"),
            assignees: People { rule: rule("assignee_rule"), named: assignees },
            approvers: People { rule: rule("approver_rule"), named: approvers },
            priors: row.get("priors"),
            reminders: row.get("reminders"),
            attachments: attached.map(attachment).collect(),
        },
        status: Status::named(row.get("status_now")).expect("the table checks `status`"),
        created_by: row.get("created_by"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
        revision: row.get("revision"),
        deletion: deleted_at.map(|at| Deletion { at, by: row.get("deleted_by"), purge_at: row.get("purge_at") }),
    }
}

/// Those who are to do it, and those who are to approve it.
fn people(row: &Row) -> (Vec<Named>, Vec<Named>) {
    let parts: Vec<&str> = row.get("parts");
    let users: Vec<Option<Uuid>> = row.get("users");
    let roles: Vec<Option<&str>> = row.get("roles");
    let at: Vec<Option<Timestamp>> = row.get("done_ats");
    let by: Vec<Option<Uuid>> = row.get("done_bys");
    let named = |place: usize| {
        let role = || WorkCenterRole::named(roles[place].unwrap_or_default()).map(Who::Role);
        let who = users[place].map(Who::User).or_else(role).expect("the table checks that there is one of both");
        (parts[place], Named { who, done: at[place].zip(by[place]) })
    };
    let (assignees, approvers): (Vec<_>, Vec<_>) = (0..parts.len()).map(named).partition(|it| it.0 == ASSIGNEE);
    let all = |of: Vec<(&str, Named)>| of.into_iter().map(|it| it.1).collect();
    (all(assignees), all(approvers))
}
