//! The tables `workcenter` and `collaborator`: written here and nowhere else.

use jiff::Timestamp;
use sea_query::{Expr, ExprTrait, Iden, LockType, Order, Query};
use uuid::Uuid;

use super::{Collaborator, Place, WorkCenter};
use crate::{
    access::WorkCenterRole,
    db::{self, GenericClient, Row},
    error::Result,
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
}

#[derive(Iden)]
#[iden = "collaborator"]
enum In {
    Table,
    WorkcenterId,
    UserId,
    Role,
}

/// Who belongs to the account and is not there yet comes in; a twin that is doing the same is waited for, and so is
/// whoever takes them out of the account.
const ADD: &str = "
    with added as (
        insert into collaborator (workcenter_id, user_id, role, created_at)
        select place.workcenter_id, $1, place.role, $2
        from unnest($3::uuid[], $4::text[]) as place (workcenter_id, role)
        join workcenter on workcenter.id = place.workcenter_id
        join member on member.account_id = workcenter.account_id and member.user_id = $1
        order by place.workcenter_id
        for key share of member
        on conflict on constraint collaborator_key do nothing
        returning workcenter_id
    )
    select workcenter.account_id, added.workcenter_id
    from added join workcenter on workcenter.id = added.workcenter_id
    order by added.workcenter_id";

/// In one order, so that nobody waits in a circle.
const LOCK_ALL: &str = "
    select collaborator.workcenter_id
    from collaborator join workcenter on workcenter.id = collaborator.workcenter_id
    where workcenter.account_id = $1 and collaborator.user_id = $2
    order by collaborator.workcenter_id for update of collaborator";

const LIST: &str = "
    select workcenter.id, workcenter.account_id, workcenter.name, workcenter.created_at, collaborator.role
    from collaborator join workcenter on workcenter.id = collaborator.workcenter_id
    where collaborator.user_id = $1
        and ($2::uuid is null or workcenter.account_id = $2)
        and ($3::uuid is null or (lower(workcenter.name), workcenter.id) > (lower($4::text), $3))
    order by lower(workcenter.name), workcenter.id
    limit $5";

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
        .columns([Column::Id, Column::AccountId, Column::Name, Column::CreatedBy, Column::CreatedAt])
        .values_panic([
            space.id.into(),
            space.account.into(),
            space.name.clone().into(),
            by.into(),
            space.created_at.into(),
        ])
        .take();
    db::execute(on, &insert).await?;
    Ok(())
}

/// The WorkCenter `id`, as nobody in particular sees it.
pub(super) async fn find(on: &impl GenericClient, id: Uuid) -> Result<Option<WorkCenter>> {
    let select = Query::select()
        .columns([Column::Id, Column::AccountId, Column::Name, Column::CreatedAt])
        .from(Column::Table)
        .and_where(Expr::col(Column::Id).eq(id))
        .take();
    Ok(db::row(on, &select).await?.map(|row| workcenter(&row, None)))
}

/// The WorkCenters that `user` is in, by name, from the one after `after`: name and id.
pub(super) async fn list(
    on: &impl GenericClient,
    user: Uuid,
    account: Option<Uuid>,
    after: Option<(&str, Uuid)>,
    limit: i64,
) -> Result<Vec<WorkCenter>> {
    let (name, id) = after.unzip();
    let rows = db::text(on, LIST, &[&user, &account, &id, &name, &limit]).await?;
    Ok(rows.iter().map(|row| workcenter(row, Some(role_of(row)))).collect())
}

/// Brings `user` into `places`; returns the account and the WorkCenter of each where they were not, by WorkCenter.
pub(super) async fn add(
    on: &impl GenericClient,
    user: Uuid,
    places: &[Place],
    now: Timestamp,
) -> Result<Vec<(Uuid, Uuid)>> {
    let (ids, roles): (Vec<_>, Vec<_>) = places.iter().map(|it| (it.workcenter, it.role.name())).unzip();
    let rows = db::text(on, ADD, &[&user, &now, &ids, &roles]).await?;
    Ok(rows.iter().map(|row| (row.get("account_id"), row.get("workcenter_id"))).collect())
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

/// The WorkCenters of an account that `user` is in, by id; they stay in them until the transaction ends.
pub(super) async fn lock_all(on: &impl GenericClient, account: Uuid, user: Uuid) -> Result<Vec<Uuid>> {
    let rows = db::text(on, LOCK_ALL, &[&account, &user]).await?;
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

fn workcenter(row: &Row, role: Option<WorkCenterRole>) -> WorkCenter {
    WorkCenter {
        id: row.get("id"),
        account: row.get("account_id"),
        name: row.get("name"),
        role,
        created_at: row.get("created_at"),
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
