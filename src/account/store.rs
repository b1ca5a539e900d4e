//! The tables `account` and `member`.

use jiff::Timestamp;
use sea_query::{Expr, ExprTrait, Iden, Query};
use uuid::Uuid;

use super::checked_name;
use crate::{
    access::AccountRole,
    db::{self, GenericClient},
    error::Result,
    identity::Preset,
    ids,
};

/// Roles in rising order: a person who is a member already rises, and never falls.
const RANKS: [AccountRole; 3] = [AccountRole::Guest, AccountRole::Member, AccountRole::Administrator];

const ADD_MEMBER: &str = "
    insert into member (account_id, user_id, role, created_at) values ($1, $2, $3, $4)
    on conflict (account_id, user_id) do update set role = excluded.role
        where array_position($5::text[], member.role) < array_position($5::text[], excluded.role)";

#[derive(Clone, Copy, Iden)]
enum Account {
    Table,
    Id,
    Name,
    TimeZone,
    PasswordPreset,
    CreatedAt,
}

#[derive(Clone, Copy, Iden)]
enum Member {
    Table,
    AccountId,
    UserId,
    Role,
}

/// Makes an account; `time_zone` is an IANA name, as checked by `profile::time_zone`.
///
/// # Errors
///
/// [`crate::error::Error::Invalid`] for a name that is empty or too long.
pub async fn insert(on: &impl GenericClient, name: &str, time_zone: Option<&str>, now: Timestamp) -> Result<Uuid> {
    let id = ids::new();
    let insert = Query::insert()
        .into_table(Account::Table)
        .columns([Account::Id, Account::Name, Account::TimeZone, Account::CreatedAt])
        .values_panic([id.into(), checked_name("name", name)?.into(), time_zone.map(str::to_owned).into(), now.into()])
        .take();
    db::execute(on, &insert).await?;
    Ok(id)
}

/// Sets what an account asks of passwords that are set from now on.
///
/// # Errors
///
/// What the database says.
pub async fn ask_of_passwords(on: &impl GenericClient, account: Uuid, preset: Preset) -> Result<()> {
    let update = Query::update()
        .table(Account::Table)
        .value(Account::PasswordPreset, preset.name())
        .and_where(Expr::col(Account::Id).eq(account))
        .take();
    db::execute(on, &update).await?;
    Ok(())
}

/// Puts a person into an account. Who is in it already keeps the higher of the two roles.
///
/// # Errors
///
/// What the database says.
pub async fn add_member(
    on: &impl GenericClient,
    account: Uuid,
    user: Uuid,
    role: AccountRole,
    now: Timestamp,
) -> Result<()> {
    db::text(on, ADD_MEMBER, &[&account, &user, &role.name(), &now, &RANKS.map(AccountRole::name).as_slice()]).await?;
    Ok(())
}

/// What a person is in an account; `None` for nothing.
///
/// # Errors
///
/// What the database says.
pub async fn role(on: &impl GenericClient, account: Uuid, user: Uuid) -> Result<Option<AccountRole>> {
    let select = Query::select()
        .column(Member::Role)
        .from(Member::Table)
        .and_where(Expr::col(Member::AccountId).eq(account))
        .and_where(Expr::col(Member::UserId).eq(user))
        .take();
    let row = db::row(on, &select).await?;
    Ok(row.and_then(|it| AccountRole::named(it.get("role"))))
}

/// The name of an account; `None` when there is no such account.
///
/// # Errors
///
/// What the database says.
pub async fn name(on: &impl GenericClient, account: Uuid) -> Result<Option<String>> {
    let select =
        Query::select().column(Account::Name).from(Account::Table).and_where(Expr::col(Account::Id).eq(account)).take();
    let row = db::row(on, &select).await?;
    Ok(row.map(|it| it.get("name")))
}
