//! The tables `workcenter` and `collaborator`: written here and nowhere else.

use std::{collections::HashMap, num::NonZeroU32};

use jiff::Timestamp;
use sea_query::{Expr, ExprTrait, Iden, LockType, Order, Query};
use uuid::Uuid;

use super::{Collaborator, Place, State, WorkCenter};
use crate::{
    access::WorkCenterRole,
    db::{self, GenericClient, Row, ToSql},
    error::{Error, Kind, Result},
    subscription::Joining,
};

#[derive(Iden)]
#[iden = "workcenter"]
enum Column {
    Table,
    Id,
    AccountId,
    Name,
    CreatedBy,
    CreatedAt,
    TimeZone,
}

#[derive(Iden)]
#[iden = "collaborator"]
enum In {
    Table,
    WorkcenterId,
    UserId,
    Role,
}

/// Who belongs to the account and is not there yet comes in; a twin that is doing the same is waited for. So is whoever
/// takes them out of the account, and whoever archives or deletes a WorkCenter: nobody comes into it afterwards. And so is
/// whoever comes into the same WorkCenter: each knows of all before, and so whether it is large now. Into one that is being
/// made people are brought by the job alone that makes it.
const ADD: &str = "
    with active as (
        select id, account_id from workcenter
        where id = any($2) and archived_at is null and purge_at is null and provisioning_job_id is not distinct from $5
        order by id for no key update
    ), added as (
        insert into collaborator (workcenter_id, user_id, role, created_at)
        select place.workcenter_id, place.user_id, place.role, $4
        from unnest($1::uuid[], $2::uuid[], $3::text[]) as place (user_id, workcenter_id, role)
        join active on active.id = place.workcenter_id
        join member on member.account_id = active.account_id and member.user_id = place.user_id
        order by place.workcenter_id, place.user_id
        for key share of member
        on conflict on constraint collaborator_key do nothing
        returning workcenter_id, user_id
    )
    select workcenter.account_id, added.workcenter_id, added.user_id
    from added join workcenter on workcenter.id = added.workcenter_id
    order by added.workcenter_id, added.user_id";

/// Counts no further than to the limit, and none of what is large already.
const GROW: &str = "
    update workcenter set large = true
    where id = any($1) and not large
        and exists (select from collaborator where workcenter_id = workcenter.id offset $2)
    returning id";

/// In one order, so that nobody waits in a circle.
const REMOVE_ALL: &str = "
    with held as (
        select collaborator.workcenter_id
        from collaborator join workcenter on workcenter.id = collaborator.workcenter_id
        where workcenter.account_id = $1 and collaborator.user_id = $2
        order by collaborator.workcenter_id for update of collaborator
    )
    delete from collaborator using held
    where collaborator.workcenter_id = held.workcenter_id and collaborator.user_id = $2
    returning collaborator.workcenter_id";

/// Reads WorkCenters, each with what the person is in it, as far as the rest of the statement says.
macro_rules! workcenters {
    ($role:literal, $rest:literal) => {
        concat!(
            "select workcenter.id, workcenter.account_id, workcenter.name, workcenter.category, workcenter.time_zone,
                workcenter.created_at, workcenter.revision, workcenter.archived_at, workcenter.purge_at,
                workcenter.is_template, workcenter.template_version, workcenter.provisioning_job_id, ",
            $role,
            " as role ",
            $rest
        )
    };
}

const FIND: &str = workcenters!("null::text", "from workcenter where workcenter.id = $1");

/// Against whoever comes into it, too.
const LOCK: &str = workcenters!("null::text", "from workcenter where workcenter.id = $1 for update");

/// Against whoever archives or deletes it.
const SHARE: &str = workcenters!("null::text", "from workcenter where workcenter.id = $1 for share");

/// Against those who share it, too; whoever only refers to it does not wait.
const KEEP: &str = workcenters!("null::text", "from workcenter where workcenter.id = $1 for no key update");

/// Those that a person is in, those that they have made for them, and of deleted ones and of templates those whose account they
/// administer. The state is that of `WorkCenter`. `offset 0`: what they are in is looked up, not sought among all that there are.
const LIST: &str = concat!(
    "select * from (",
    workcenters!(
        "collaborator.role",
        "from collaborator
        cross join lateral (select * from workcenter where id = collaborator.workcenter_id offset 0) workcenter
        where collaborator.user_id = $1 and workcenter.purge_at is null
            and (workcenter.provisioning_job_id is null or workcenter.created_by = $1)
            and case when provisioning_job_id is not null then 'PROVISIONING' when archived_at is null then 'ACTIVE'
                else 'ARCHIVED' end = any($6)"
    ),
    " union all ",
    workcenters!(
        "null::text",
        "from workcenter join member on member.account_id = workcenter.account_id
        where $7 and workcenter.is_template and member.user_id = $1 and member.role = 'ADMINISTRATOR'
            and workcenter.purge_at is null and workcenter.provisioning_job_id is null
            and case when archived_at is null then 'ACTIVE' else 'ARCHIVED' end = any($6)
            and not exists (
                select from collaborator where collaborator.workcenter_id = workcenter.id and collaborator.user_id = $1)"
    ),
    " union all ",
    workcenters!(
        "null::text",
        "from workcenter join member on member.account_id = workcenter.account_id
        where member.user_id = $1 and member.role = 'ADMINISTRATOR' and workcenter.purge_at is not null
            and workcenter.provisioning_job_id is null and 'DELETED' = any($6)"
    ),
    ") workcenter
    where ($2::uuid is null or account_id = $2) and (is_template or not $7::bool)
        and ($3::uuid is null or (lower(name), id) > (lower($4::text), $3))
    order by lower(name), id
    limit $5"
);

/// Those of these that nobody comes into.
const CLOSED: &str = "
    select id, case when purge_at is not null then 'DELETED' when archived_at is not null then 'ARCHIVED'
            else 'PROVISIONING' end as state
    from workcenter
    where id = any($1) and (archived_at is not null or purge_at is not null or provisioning_job_id is not null)";

const UPDATE: &str = "
    update workcenter set name = $2, category = $3, time_zone = $6, archived_at = $4, purge_at = $5, revision = revision + 1
    where id = $1 returning revision";

const MARK: &str = "
    update workcenter set is_template = $2::bool, template_version = template_version + $2::bool::int, revision = revision + 1
    where id = $1 returning revision, template_version";

const ZONE: &str = "
    select coalesce(nullif(workcenter.time_zone, ''), nullif(account.time_zone, ''), 'UTC') as zone
    from workcenter join account on account.id = workcenter.account_id where workcenter.id = $1";

/// What it holds has gone before.
const PURGEABLE: &str = "
    select id from workcenter
    where purge_at <= $1 and not exists (select from entry where entry.workcenter_id = workcenter.id)
        and not exists (select from task where task.workcenter_id = workcenter.id)
        and not exists (select from post where post.workcenter_id = workcenter.id)
    order by purge_at limit 1 for update skip locked";

const EMPTY: &str = "
    delete from collaborator where ctid = any(array(
        select ctid from collaborator where workcenter_id = $1 limit $2)) returning 1";

/// Reads collaborators with their names, as far as the rest of the statement says.
macro_rules! collaborators {
    ($rest:literal) => {
        concat!(
            "select collaborator.user_id, collaborator.role, collaborator.created_at,
                coalesce(profile.first_name, '') as first_name, coalesce(profile.last_name, '') as last_name
            from collaborator left join profile on profile.user_id = collaborator.user_id ",
            $rest
        )
    };
}

const COLLABORATOR: &str = collaborators!("where collaborator.workcenter_id = $1 and collaborator.user_id = $2");

const COLLABORATORS: &str = collaborators!(
    "where collaborator.workcenter_id = $1
        and ($2::timestamptz is null or (collaborator.created_at, collaborator.user_id) > ($2, $3))
    order by collaborator.created_at, collaborator.user_id
    limit $4"
);

/// Makes a WorkCenter, with nobody in it.
pub(super) async fn insert(on: &impl GenericClient, space: &WorkCenter, by: Uuid) -> Result<()> {
    let insert = Query::insert()
        .into_table(Column::Table)
        .columns([Column::Id, Column::AccountId, Column::Name, Column::CreatedBy, Column::CreatedAt, Column::TimeZone])
        .values_panic([
            space.id.into(),
            space.account.into(),
            space.name.clone().into(),
            by.into(),
            space.created_at.into(),
            space.time_zone.clone().into(),
        ])
        .take();
    db::execute(on, &insert).await?;
    Ok(())
}

/// The WorkCenter `id`, as nobody in particular sees it.
pub(super) async fn find(on: &impl GenericClient, id: Uuid) -> Result<Option<WorkCenter>> {
    Ok(db::text(on, FIND, &[&id]).await?.first().map(workcenter))
}

/// The WorkCenter `id`, which nobody else changes or comes into until the transaction ends.
pub(super) async fn lock(on: &impl GenericClient, id: Uuid) -> Result<Option<WorkCenter>> {
    Ok(db::text(on, LOCK, &[&id]).await?.first().map(workcenter))
}

/// The WorkCenter `id`, which nobody changes until the transaction ends; others may say the same.
pub(super) async fn share(on: &impl GenericClient, id: Uuid) -> Result<Option<WorkCenter>> {
    Ok(db::text(on, SHARE, &[&id]).await?.first().map(workcenter))
}

/// The WorkCenter `id`, which nobody else changes or shares until the transaction ends.
pub(super) async fn keep(on: &impl GenericClient, id: Uuid) -> Result<Option<WorkCenter>> {
    Ok(db::text(on, KEEP, &[&id]).await?.first().map(workcenter))
}

/// Writes what may change of a WorkCenter that is locked; its revision grows.
pub(super) async fn update(on: &impl GenericClient, space: WorkCenter) -> Result<WorkCenter> {
    let values: [&(dyn ToSql + Sync); 6] =
        [&space.id, &space.name, &space.category, &space.archived_at, &space.purge_at, &space.time_zone];
    let rows = db::text(on, UPDATE, &values).await?;
    let row = rows.first().ok_or_else(|| Error::NotFound(Kind::WorkCenter, space.id.to_string()))?;
    Ok(WorkCenter { revision: row.get("revision"), ..space })
}

/// Makes the WorkCenter `space`, which is locked, a template, or none any more; its revision grows.
pub(super) async fn mark(on: &impl GenericClient, space: WorkCenter, is_template: bool) -> Result<WorkCenter> {
    let rows = db::text(on, MARK, &[&space.id, &is_template]).await?;
    let row = rows.first().ok_or_else(|| Error::NotFound(Kind::WorkCenter, space.id.to_string()))?;
    let (revision, template_version) = (row.get("revision"), row.get("template_version"));
    Ok(WorkCenter { revision, is_template, template_version, ..space })
}

/// The zone that dates in the WorkCenter `id` are meant in, by its IANA name: its own, or else its account's, or else UTC.
///
/// # Errors
///
/// [`Error::NotFound`] when there is no such WorkCenter.
pub async fn zone(on: &impl GenericClient, id: Uuid) -> Result<String> {
    let rows = db::text(on, ZONE, &[&id]).await?;
    let row = rows.first().ok_or_else(|| Error::NotFound(Kind::WorkCenter, id.to_string()))?;
    Ok(row.get("zone"))
}

/// Which WorkCenters a list is to have.
pub(super) struct Wanted {
    /// Those of this account alone.
    pub account: Option<Uuid>,
    /// Those in one of these states.
    pub states: Vec<State>,
    /// Templates alone, and then those of accounts that are administered, too.
    pub templates_only: bool,
}

/// The WorkCenters that `user` is in or has to do with and that are `wanted`, by name, from the one after `after`: name and id.
pub(super) async fn list(
    on: &impl GenericClient,
    user: Uuid,
    wanted: &Wanted,
    after: Option<(&str, Uuid)>,
    limit: i64,
) -> Result<Vec<WorkCenter>> {
    let (name, id) = after.unzip();
    let Wanted { account, states, templates_only } = wanted;
    let states: Vec<&str> = states.iter().map(|it| it.name()).collect();
    let rows = db::text(on, LIST, &[&user, account, &id, &name, &limit, &states, templates_only]).await?;
    Ok(rows.iter().map(workcenter).collect())
}

/// Those of WorkCenters that nobody comes into any more, and what each is.
///
/// # Errors
///
/// What the database says.
pub async fn closed(on: &impl GenericClient, ids: &[Uuid]) -> Result<HashMap<Uuid, State>> {
    let state = |name: &str| State::ALL.into_iter().find(|it| it.name() == name).expect("the statement has no others");
    let rows = db::text(on, CLOSED, &[&ids]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), state(row.get("state")))).collect())
}

/// The WorkCenter that has been waiting for longest to be purged at `now`, which nobody else purges or restores until the
/// transaction ends.
pub(super) async fn lock_purgeable(on: &impl GenericClient, now: Timestamp) -> Result<Option<Uuid>> {
    Ok(db::text(on, PURGEABLE, &[&now]).await?.first().map(|row| row.get("id")))
}

/// Takes up to `most` people out of a WorkCenter; returns how many.
pub(super) async fn empty(on: &impl GenericClient, workcenter: Uuid, most: i64) -> Result<usize> {
    Ok(db::text(on, EMPTY, &[&workcenter, &most]).await?.len())
}

/// Removes a WorkCenter that nobody is in.
pub(super) async fn purge(on: &impl GenericClient, id: Uuid) -> Result<()> {
    let delete = Query::delete().from_table(Column::Table).and_where(Expr::col(Column::Id).eq(id)).take();
    db::execute(on, &delete).await?;
    Ok(())
}

/// Brings people into places, of WorkCenters that are made or that are being made by `job`; returns those who were not there
/// yet, with the account of each, by WorkCenter.
pub(super) async fn add(
    on: &impl GenericClient,
    coming: &[(Uuid, Place)],
    job: Option<Uuid>,
    now: Timestamp,
) -> Result<Vec<Joining>> {
    let users: Vec<Uuid> = coming.iter().map(|(user, _)| *user).collect();
    let (ids, roles): (Vec<_>, Vec<_>) = coming.iter().map(|(_, it)| (it.workcenter, it.role.name())).unzip();
    let rows = db::text(on, ADD, &[&users, &ids, &roles, &now, &job]).await?;
    let joining =
        |row: &Row| Joining { account: row.get("account_id"), user: row.get("user_id"), log: row.get("workcenter_id") };
    Ok(rows.iter().map(joining).collect())
}

/// Notes which of WorkCenters that somebody has just come into have more than `most` collaborators by now and had not before;
/// returns these.
pub(super) async fn grow(on: &impl GenericClient, came: &[Joining], most: NonZeroU32) -> Result<Vec<Uuid>> {
    let ids: Vec<Uuid> = came.iter().map(|it| it.log).collect();
    let rows = db::text(on, GROW, &[&ids, &i64::from(most.get())]).await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

/// What `user` is in a WorkCenter.
pub(super) async fn role(on: &impl GenericClient, workcenter: Uuid, user: Uuid) -> Result<Option<WorkCenterRole>> {
    let select = Query::select()
        .column(In::Role)
        .from(In::Table)
        .and_where(Expr::col(In::WorkcenterId).eq(workcenter))
        .and_where(Expr::col(In::UserId).eq(user))
        .take();
    Ok(db::row(on, &select).await?.map(|row| role_of(&row)))
}

/// Makes `user` something else in a WorkCenter; says whether they are in it.
pub(super) async fn set_role(
    on: &impl GenericClient,
    workcenter: Uuid,
    user: Uuid,
    role: WorkCenterRole,
) -> Result<bool> {
    let update = Query::update()
        .table(In::Table)
        .value(In::Role, role.name())
        .and_where(Expr::col(In::WorkcenterId).eq(workcenter))
        .and_where(Expr::col(In::UserId).eq(user))
        .take();
    Ok(db::execute(on, &update).await? == 1)
}

/// The owners of a WorkCenter, who stay what they are until the transaction ends.
pub(super) async fn lock_owners(on: &impl GenericClient, workcenter: Uuid) -> Result<Vec<Uuid>> {
    let select = Query::select()
        .column(In::UserId)
        .from(In::Table)
        .and_where(Expr::col(In::WorkcenterId).eq(workcenter))
        .and_where(Expr::col(In::Role).eq(WorkCenterRole::Owner.name()))
        .order_by(In::UserId, Order::Asc)
        .lock(LockType::Update)
        .take();
    Ok(db::rows(on, &select).await?.iter().map(|row| row.get("user_id")).collect())
}

/// Takes `user` out of a WorkCenter; says whether they were in it.
pub(super) async fn remove(on: &impl GenericClient, workcenter: Uuid, user: Uuid) -> Result<bool> {
    let delete = Query::delete()
        .from_table(In::Table)
        .and_where(Expr::col(In::WorkcenterId).eq(workcenter))
        .and_where(Expr::col(In::UserId).eq(user))
        .take();
    Ok(db::execute(on, &delete).await? == 1)
}

/// Takes `user` out of all WorkCenters of an account; returns which these were.
pub(super) async fn remove_all(on: &impl GenericClient, account: Uuid, user: Uuid) -> Result<Vec<Uuid>> {
    let rows = db::text(on, REMOVE_ALL, &[&account, &user]).await?;
    Ok(rows.iter().map(|row| row.get("workcenter_id")).collect())
}

/// The collaborator `user` of a WorkCenter.
pub(super) async fn collaborator(
    on: &impl GenericClient,
    workcenter: Uuid,
    user: Uuid,
) -> Result<Option<Collaborator>> {
    Ok(db::text(on, COLLABORATOR, &[&workcenter, &user]).await?.first().map(person))
}

/// The collaborators of a WorkCenter as they came, from the one after `after`: when they came, and who.
pub(super) async fn collaborators(
    on: &impl GenericClient,
    workcenter: Uuid,
    after: Option<(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<Collaborator>> {
    let (at, user) = after.unzip();
    let rows = db::text(on, COLLABORATORS, &[&workcenter, &at, &user, &limit]).await?;
    Ok(rows.iter().map(person).collect())
}

fn workcenter(row: &Row) -> WorkCenter {
    WorkCenter {
        id: row.get("id"),
        account: row.get("account_id"),
        name: row.get("name"),
        category: row.get("category"),
        time_zone: row.get("time_zone"),
        role: row.get::<_, Option<&str>>("role").and_then(WorkCenterRole::named),
        created_at: row.get("created_at"),
        revision: row.get("revision"),
        archived_at: row.get("archived_at"),
        purge_at: row.get("purge_at"),
        is_template: row.get("is_template"),
        template_version: row.get("template_version"),
        made_by: row.get("provisioning_job_id"),
    }
}

fn person(row: &Row) -> Collaborator {
    Collaborator {
        user: row.get("user_id"),
        first_name: row.get("first_name"),
        last_name: row.get("last_name"),
        role: role_of(row),
        created_at: row.get("created_at"),
    }
}

fn role_of(row: &Row) -> WorkCenterRole {
    WorkCenterRole::named(row.get("role")).expect("the table checks `role`")
}
