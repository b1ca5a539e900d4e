//! The tables `account` and `member`, and those of the directory, `directory_head` and `directory_entry`.

use jiff::Timestamp;
use sea_query::{Expr, ExprTrait, Iden, Query};
use uuid::Uuid;

use super::checked_name;
use crate::{
    access::AccountRole,
    db::{self, GenericClient, Transaction},
    error::Result,
    identity::Preset,
    ids, notice,
};

/// Roles in rising order: a person who is a member already rises, and never falls.
const RANKS: [AccountRole; 3] = [AccountRole::Guest, AccountRole::Member, AccountRole::Administrator];

const ADD_MEMBER: &str = "
    insert into member (account_id, user_id, role, created_at) values ($1, $2, $3, $4)
    on conflict (account_id, user_id) do update set role = excluded.role
        where array_position($5::text[], member.role) < array_position($5::text[], excluded.role)";

/// Whoever changes a profile holds this row, too. So of a change and a coming into an account that happen at once, the
/// later one knows of the earlier one, and the directory of that account is told of both.
const HOLD_PROFILE: &str = "select from profile where user_id = $1 for no key update";

/// In the order of their ids, as everybody locks heads. A head that is there is updated, which conflicts with nothing but
/// itself; the first member of an account makes it.
const ANNOUNCE: &str = "
    with head as (
        insert into directory_head (account_id, last_seq)
        select account_id, 1 from member where user_id = $1 order by account_id
        on conflict (account_id) do update set last_seq = directory_head.last_seq + 1
        returning account_id, last_seq
    ), entry as (
        insert into directory_entry (account_id, user_id, seq) select account_id, $1, last_seq from head
        on conflict (account_id, user_id) do update set seq = excluded.seq
    )
    select pg_notify($2, account_id::text) from head";

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

/// Puts a person into an account. Who is in it already keeps the higher of the two roles. The caller says so by
/// [`announce`], as the last thing of its transaction.
///
/// # Errors
///
/// What the database says.
pub async fn add_member(
    tx: &Transaction<'_>,
    account: Uuid,
    user: Uuid,
    role: AccountRole,
    now: Timestamp,
) -> Result<()> {
    db::text(tx, HOLD_PROFILE, &[&user]).await?;
    db::text(tx, ADD_MEMBER, &[&account, &user, &role.name(), &now, &RANKS.map(AccountRole::name).as_slice()]).await?;
    Ok(())
}

/// Tells everybody who follows a directory that `user` is in that what others see of them has changed: they move to its
/// end. The last thing that a transaction does, for everybody else who has something to tell waits for it.
///
/// The transaction must hold the row of their profile. Numbers are given in the order of commits: a head stays locked
/// until the transaction ends, so who sees a number sees all that are less.
///
/// # Errors
///
/// What the database says.
pub async fn announce(tx: &Transaction<'_>, user: Uuid) -> Result<()> {
    db::text(tx, ANNOUNCE, &[&user, &notice::DIRECTORY]).await?;
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
