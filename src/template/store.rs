//! The table `template_run`, and what is read of templates and of what they are copied into.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    cast::{Cast, Meant},
    decide::Holder,
    run::{Mode, Run, Thing, Timing},
};
use crate::{
    access::WorkCenterRole,
    db::{self, GenericClient, Row, ToSql},
    error::{Error, Result},
    job::ItemKind,
};

const INSERT: &str = "
    insert into template_run (job_id, template_id, what, mode, new_versions, bound_roles, bound_users, replaced_users,
        replacing_users, anchor, anchor_date, working_days, holidays, creates, is_strict, newcomer_role)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

/// Also of a job that does items of another one again.
const FIND: &str = "
    with recursive back as (
        select id, retry_of, 0 as steps from job where id = $1
        union all
        select job.id, job.retry_of, back.steps + 1 from back join job on job.id = back.retry_of
    )
    select template_run.* from back join template_run on template_run.job_id = back.id order by steps limit 1";

/// A template and a WorkCenter, as somebody sees them.
const STANDING: &str = "
    select template.name as template_name, template.account_id as template_account, account.deactivated_at is not null as closed,
        template.is_template and template.archived_at is null and template.purge_at is null as is_template,
        template.purge_at is null
            and (seen.role is not null or coalesce(keeper.role = 'ADMINISTRATOR', false)) as sees_template,
        target.id is not null and target.purge_at is null as is_there, target.archived_at is not null as is_archived,
        coalesce(keeper.role = 'ADMINISTRATOR', false) as administers, mine.role = 'OWNER' as owns
    from workcenter template
    join account on account.id = template.account_id
    left join workcenter target on target.id = $3 and target.account_id = template.account_id
    left join member keeper on keeper.account_id = template.account_id and keeper.user_id = $1
    left join collaborator seen on seen.workcenter_id = template.id and seen.user_id = $1
    left join collaborator mine on mine.workcenter_id = target.id and mine.user_id = $1
    where template.id = $2";

/// The WorkCenters of a template's account with these ids, or with this category; but for the template.
const TARGETS: &str = "
    select workcenter.id, workcenter.name from workcenter join workcenter template on template.id = $1
    where workcenter.account_id = template.account_id and workcenter.id <> template.id
        and (workcenter.id = any($2) or workcenter.category = $3
            and workcenter.archived_at is null and workcenter.purge_at is null)
    order by workcenter.id limit $4";

/// All that a WorkCenter has, in the order in which it is copied: a kind of things that names others after those. `offset 0`
/// keeps what is said, and who is there, to one look for each: guesses of how many there are would have it read the whole table.
const CONTENTS: &str = "
    with recursive walk as (
        select id, kind, null::uuid as parent_id, name as path, name_key as sort, 0::bigint as level, version
        from entry where workcenter_id = $1 and parent_id is null and deleted_at is null
        union all
        select entry.id, entry.kind, entry.parent_id, walk.path || '/' || entry.name, walk.sort || '/' || entry.name_key,
            level + 1, entry.version
        from walk join entry on entry.parent_id = walk.id and entry.deleted_at is null where walk.kind = 'FOLDER'
    ), todo as (
        select id, title from task where workcenter_id = $1 and deleted_at is null
            and (document_id is null or entry_is_there(document_id))
    ), said as (
        select id, case title when '' then left(text, 80) else title end as title from post where workcenter_id = $1
    ), thing as (
        select 0::bigint as depth, 'SETTING' as kind, null as about, id, null::uuid as parent, 'category' as path,
            '' collate \"C\" as sort, 0::bigint as bytes
        from workcenter where id = $1
        union all
        select 1, 'COLLABORATOR', null, collaborator.user_id, null, trim(first_name || ' ' || last_name), '', 0
        from collaborator cross join lateral (
            select first_name, last_name from profile where user_id = collaborator.user_id offset 0) profile
        where workcenter_id = $1
        union all
        select 2 + level, kind, null, id, parent_id, path, sort, 0 from walk where kind = 'FOLDER'
        union all
        select 200, kind, null, id, parent_id, path, sort, size_bytes
        from walk join entry_version on entry_id = id and number = version where kind = 'DOCUMENT'
        union all
        select 201, 'TASK', null, id, null, title, '', 0 from todo
        union all
        select 202, 'POST', null, id, null, title, '', 0 from said
        union all
        select 203, 'COMMENT', 'DOCUMENT', comment.id, walk.id, path, '', 0
        from walk cross join lateral (select id from comment where document_id = walk.id offset 0) comment
        where walk.kind = 'DOCUMENT'
        union all
        select 203, 'COMMENT', 'TASK', comment.id, todo.id, title, '', 0 from todo
        cross join lateral (select id from comment where task_id = todo.id offset 0) comment
        union all
        select 203, 'COMMENT', 'POST', comment.id, said.id, title, '', 0 from said
        cross join lateral (select id from comment where post_id = said.id offset 0) comment
    )
    select depth, kind, id, parent, path, sort, bytes from thing
    where kind = any($2) and (about is null or about = any($2))
        and ($3::bigint is null or (depth, sort, id) > ($3, $4::text collate \"C\", $5::uuid))
    order by depth, sort, id limit $6";

const COUNTS: &str = "
    select (select count(*) from task where workcenter_id = $1) as tasks,
        (select count(*) from post where workcenter_id = $1) as posts";

const ENTRIES: &str = "
    select entry.id, parent_id, name_key, digest from entry
    left join entry_version on entry_id = entry.id and number = version where entry.id = any($1)";

/// The folders that each of these is in, and itself.
const CHAINS: &str = "
    with recursive up as (
        select id as of, id, parent_id from entry where id = any($1)
        union all
        select up.of, entry.id, entry.parent_id from up join entry on entry.id = up.parent_id
    )
    select of, array_agg(id) as chain from up group by of";

const HOLDERS: &str = "
    select slot.parent_id, slot.name_key, held.id, held.kind = 'FOLDER' as is_folder, digest
    from unnest($2::uuid[], $3::text[]) as slot (parent_id, name_key)
    cross join lateral (
        select id, kind, version from entry
        where workcenter_id = $1 and coalesce(parent_id, '00000000-0000-0000-0000-000000000000')
                = coalesce(slot.parent_id, '00000000-0000-0000-0000-000000000000')
            and name_key = slot.name_key and deleted_at is null
        offset 0
    ) held
    left join entry_version on entry_id = held.id and number = held.version";

/// Tasks with the dates that their copies get, and what of folders and documents they name.
const TASKS: &str = "
    select task.id, document_id, dated.task_id is not null as is_dated, coalesce(dated.code, '') as date_code,
        case when dated.task_id is null then task.starts_at else dated.starts_at end as starts_at,
        case when dated.task_id is null then task.due_at else dated.due_at end as due_at,
        coalesce(dated.time_zone, task.time_zone) as time_zone,
        array(select entry_id from task_attachment where task_id = task.id and entry_id is not null) as attached,
        exists (select from task_dependency where task_id = task.id)
            or exists (select from task_attachment where task_id = task.id) as has_ties
    from task left join lateral (
        with recursive back as (
            select id, retry_of, 0 as steps from job where id = $1
            union all
            select job.id, job.retry_of, back.steps + 1 from back join job on job.id = back.retry_of
        )
        select template_date.* from back join template_date on job_id = back.id and task_id = task.id
        order by steps limit 1
    ) dated on true
    where task.id = any($2)";

/// What people are in a template, and whether they are in another WorkCenter, or could be.
const PEOPLE: &str = "
    select theirs.user_id, theirs.role, own.role as own_role, member.user_id is not null as belongs
    from collaborator theirs join workcenter on workcenter.id = $1
    left join collaborator own on own.workcenter_id = $2 and own.user_id = theirs.user_id
    left join member on member.account_id = workcenter.account_id and member.user_id = theirs.user_id
    where theirs.workcenter_id = $1 and theirs.user_id = any($3)";

const CATEGORIES: &str = "
    select template.category as source, target.category as target
    from workcenter template left join workcenter target on target.id = $2 where template.id = $1";

/// A template and a WorkCenter, as somebody sees them.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub account: Uuid,
    pub template_name: String,
    /// Whether it is marked as one, and can be used.
    pub is_template: bool,
    pub sees_template: bool,
    /// Whether there is such a WorkCenter in the account, and nothing more can be put into it.
    pub is_there: bool,
    pub is_archived: bool,
    pub administers: bool,
    pub owns: bool,
}

/// A folder or document of a template.
pub(super) struct Source {
    pub parent: Option<Uuid>,
    pub key: String,
    pub digest: Option<Vec<u8>>,
}

/// A task of a template.
#[derive(Debug)]
pub(super) struct Todo {
    pub document: Option<Uuid>,
    pub starts_at: Option<Timestamp>,
    pub due_at: Option<Timestamp>,
    pub zone: String,
    /// What there is to say of the dates.
    pub date_code: String,
    /// Folders and documents that are attached to it.
    pub attached: Vec<Uuid>,
    /// Whether it names other tasks, or anything that is attached.
    pub has_ties: bool,
    /// Who is meant by whom it names.
    pub meant: Vec<Meant>,
}

/// Somebody who is in a template.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub role: WorkCenterRole,
    /// What they are in the other WorkCenter; none when they are not there.
    pub own: Option<WorkCenterRole>,
    /// Whether they belong to the account.
    pub belongs: bool,
}

/// Keeps what is asked of a job.
pub(super) async fn insert(on: &impl GenericClient, job: Uuid, run: &Run) -> Result<()> {
    let what: Vec<&str> = run.what.iter().map(|it| it.name()).collect();
    let (roles, bound): (Vec<&str>, Vec<Uuid>) = run.cast.bound.iter().map(|it| (it.0.name(), it.1)).unzip();
    let (replaced, by): (Vec<Uuid>, Vec<Uuid>) = run.cast.replaced.iter().copied().unzip();
    let newcomers = run.cast.newcomers.map(WorkCenterRole::name);
    let Timing { anchor, date, working, holidays, is_strict } = &run.timing;
    let mode = run.mode.name();
    let values: [&(dyn ToSql + Sync); 16] = [
        &job,
        &run.template,
        &what,
        &mode,
        &run.new_versions,
        &roles,
        &bound,
        &replaced,
        &by,
        anchor,
        date,
        working,
        holidays,
        &run.creates,
        is_strict,
        &newcomers,
    ];
    db::text(on, INSERT, &values).await?;
    Ok(())
}

/// What is asked of a job.
pub(super) async fn find(on: &impl GenericClient, job: Uuid) -> Result<Run> {
    let rows = db::text(on, FIND, &[&job]).await?;
    rows.first().map(run).ok_or_else(|| Error::internal("a job has no template"))
}

fn run(row: &Row) -> Run {
    let what: Vec<&str> = row.get("what");
    let (roles, bound): (Vec<&str>, Vec<Uuid>) = (row.get("bound_roles"), row.get("bound_users"));
    let (replaced, by): (Vec<Uuid>, Vec<Uuid>) = (row.get("replaced_users"), row.get("replacing_users"));
    let role = |name| WorkCenterRole::named(name).expect("the table has names of roles");
    Run {
        template: row.get("template_id"),
        what: what.into_iter().filter_map(ItemKind::named).collect(),
        mode: Mode::named(row.get("mode")).expect("the table checks `mode`"),
        new_versions: row.get("new_versions"),
        creates: row.get("creates"),
        cast: Cast {
            bound: roles.into_iter().map(role).zip(bound).collect(),
            replaced: replaced.into_iter().zip(by).collect(),
            newcomers: row.get::<_, Option<&str>>("newcomer_role").map(role),
        },
        timing: Timing {
            anchor: row.get("anchor"),
            date: row.get("anchor_date"),
            working: row.get("working_days"),
            holidays: row.get("holidays"),
            is_strict: row.get("is_strict"),
        },
    }
}

/// A template and a WorkCenter, as `person` sees them; nothing when there is no such template.
pub(super) async fn standing(
    on: &impl GenericClient,
    person: Uuid,
    template: Uuid,
    target: Uuid,
) -> Result<Option<Standing>> {
    let standing = |row: &Row| Standing {
        account: row.get("template_account"),
        template_name: row.get("template_name"),
        is_template: row.get("is_template"),
        sees_template: row.get("sees_template"),
        is_there: row.get("is_there"),
        is_archived: row.get::<_, bool>("is_archived") || row.get::<_, bool>("closed"),
        administers: row.get("administers"),
        owns: row.get::<_, Option<bool>>("owns").unwrap_or_default(),
    };
    Ok(db::text(on, STANDING, &[&person, &template, &target]).await?.first().map(standing))
}

/// The WorkCenters of a template's account with these ids, or with a category, which are `most` at most: id and name.
pub(super) async fn targets(
    on: &impl GenericClient,
    template: Uuid,
    ids: &[Uuid],
    category: Option<&str>,
    most: i64,
) -> Result<Vec<(Uuid, String)>> {
    let rows = db::text(on, TARGETS, &[&template, &ids, &category, &most]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), row.get("name"))).collect())
}

/// What a WorkCenter has of these kinds, in the order in which it is copied, `most` at most.
pub(super) async fn contents(
    on: &impl GenericClient,
    workcenter: Uuid,
    what: &[ItemKind],
    after: Option<&(i64, String, Uuid)>,
    most: i64,
) -> Result<Vec<Thing>> {
    let what: Vec<&str> = what.iter().map(|it| it.name()).collect();
    let (depth, sort, id) = (after.map(|it| it.0), after.map(|it| it.1.as_str()), after.map(|it| it.2));
    let thing = |row: &Row| Thing {
        id: row.get("id"),
        kind: ItemKind::named(row.get("kind")).expect("the statement names kinds of items"),
        depth: row.get("depth"),
        sort: row.get("sort"),
        parent: row.get("parent"),
        path: row.get("path"),
        bytes: row.get("bytes"),
    };
    Ok(db::text(on, CONTENTS, &[&workcenter, &what, &depth, &sort, &id, &most]).await?.iter().map(thing).collect())
}

/// How many tasks and posts a WorkCenter has, deleted ones too.
pub(super) async fn counts(on: &impl GenericClient, workcenter: Uuid) -> Result<(i64, i64)> {
    let rows = db::text(on, COUNTS, &[&workcenter]).await?;
    let row = rows.first().ok_or_else(|| Error::internal("a statement without tables yields a row"))?;
    Ok((row.get("tasks"), row.get("posts")))
}

/// These folders and documents.
pub(super) async fn entries(on: &impl GenericClient, ids: &[Uuid]) -> Result<HashMap<Uuid, Source>> {
    let source = |row: &Row| {
        let source = Source { parent: row.get("parent_id"), key: row.get("name_key"), digest: row.get("digest") };
        (row.get("id"), source)
    };
    Ok(db::text(on, ENTRIES, &[&ids]).await?.iter().map(source).collect())
}

/// The folders that each of these is in, and itself.
pub(super) async fn chains(on: &impl GenericClient, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<Uuid>>> {
    Ok(db::text(on, CHAINS, &[&ids]).await?.iter().map(|row| (row.get("of"), row.get("chain"))).collect())
}

/// A place, and the key of a name there.
pub(super) type Slot = (Option<Uuid>, String);

/// What has these names in a WorkCenter.
pub(super) async fn holders(
    on: &impl GenericClient,
    workcenter: Uuid,
    slots: &[Slot],
) -> Result<HashMap<Slot, Holder>> {
    let (parents, keys): (Vec<Option<Uuid>>, Vec<&str>) = slots.iter().map(|it| (it.0, it.1.as_str())).unzip();
    let holder = |row: &Row| {
        let held = Holder { id: row.get("id"), is_folder: row.get("is_folder"), digest: row.get("digest") };
        ((row.get("parent_id"), row.get("name_key")), held)
    };
    Ok(db::text(on, HOLDERS, &[&workcenter, &parents, &keys]).await?.iter().map(holder).collect())
}

/// These tasks, as a job copies them into a WorkCenter; who is meant by whom they name is not said.
pub(super) async fn tasks(on: &impl GenericClient, job: Uuid, ids: &[Uuid]) -> Result<HashMap<Uuid, Todo>> {
    let rows = db::text(on, TASKS, &[&job, &ids]).await?;
    let todo = |row: &Row| {
        let todo = Todo {
            document: row.get("document_id"),
            starts_at: row.get("starts_at"),
            due_at: row.get("due_at"),
            zone: row.get("time_zone"),
            date_code: row.get("date_code"),
            attached: row.get("attached"),
            has_ties: row.get("has_ties"),
            meant: Vec::new(),
        };
        (row.get("id"), todo)
    };
    Ok(rows.iter().map(todo).collect())
}

/// What these people are in a template, and whether they are in `into`.
pub(super) async fn people(
    on: &impl GenericClient,
    template: Uuid,
    into: Uuid,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Member>> {
    let member = |row: &Row| {
        let role = |name| WorkCenterRole::named(name).expect("the table checks `role`");
        let own = row.get::<_, Option<&str>>("own_role").map(role);
        (row.get("user_id"), Member { role: role(row.get("role")), own, belongs: row.get("belongs") })
    };
    Ok(db::text(on, PEOPLE, &[&template, &into, &ids]).await?.iter().map(member).collect())
}

/// What a template is filed under, and a WorkCenter, if there is one.
pub(super) async fn categories(
    on: &impl GenericClient,
    template: Uuid,
    into: Uuid,
) -> Result<(String, Option<String>)> {
    let rows = db::text(on, CATEGORIES, &[&template, &into]).await?;
    Ok(rows.first().map(|row| (row.get("source"), row.get("target"))).unwrap_or_default())
}
