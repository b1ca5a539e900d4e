//! The tables `account` and `member`, and those of the directory, `directory_head` and `directory_entry`.

use std::time::Duration;

use jiff::Timestamp;
use sea_query::{Expr, ExprTrait, Iden, Order, Query};
use uuid::Uuid;

use super::{Account, Member, checked_name};
use crate::{
    access::AccountRole,
    db::{self, GenericClient, Row, Statement, Transaction},
    error::{Error, Reason, Result},
    identity::Preset,
    ids, notice,
    subscription::Delivery,
};

/// Roles in rising order: a person who is a member already rises, and never falls.
const RANKS: [AccountRole; 3] = [AccountRole::Guest, AccountRole::Member, AccountRole::Administrator];

const ADD_MEMBER: &str = "
    insert into member (account_id, user_id, role, created_at) values ($1, $2, $3, $4)
    on conflict (account_id, user_id) do update set role = excluded.role
        where array_position($5::text[], member.role) < array_position($5::text[], excluded.role)";

/// Whoever changes a profile holds this row, too: nobody's zone changes while they come into an account or leave it.
const HOLD_PROFILE: &str = "select from profile where user_id = $1 for no key update";

const ANNOUNCE: &str = "insert into directory_due (user_id) values ($1)";

const ANNOUNCE_ALL: &str = "
    insert into directory_due (user_id, account_id)
    select user_id, null::uuid from unnest($1::uuid[]) as it (user_id)
    union all select user_id, $2::uuid from unnest($1::uuid[]) as it (user_id) where $2 is not null";

/// What is due is locked in the order in which it came, and heads in the order of their ids, by everybody; each has
/// all that is due to them before they take a head. A head is updated, which conflicts with nothing but itself; the first
/// member of an account makes it. Whoever comes or goes meanwhile is due by themselves.
const NUMBER: &str = "
    with due as (
        delete from directory_due
        where id = any(array(select id from directory_due order by id limit $1 for update))
        returning id as came, user_id, account_id
    ), each as (
        select came, member.account_id, member.user_id from due join member on member.user_id = due.user_id
        where due.account_id is null
        union all select came, account_id, user_id from due where account_id is not null
    ), told as (
        select account_id, user_id, max(came) as came from each group by account_id, user_id
    ), placed as (
        select account_id, user_id, row_number() over (partition by account_id order by came desc, user_id) as place
        from told
    ), head as (
        insert into directory_head (account_id, last_seq)
        select account_id, count(*) from told group by account_id order by account_id
        on conflict (account_id) do update set last_seq = directory_head.last_seq + excluded.last_seq
        returning account_id, last_seq
    ), entry as (
        insert into directory_entry (account_id, user_id, seq)
        select account_id, placed.user_id, head.last_seq + 1 - placed.place from placed join head using (account_id)
        on conflict (account_id, user_id) do update set seq = excluded.seq
    )
    select taken.count, pg_notify($2, head.account_id::text)
    from (select count(*) from due) as taken left join head on true";

/// How many who are due get their numbers at once: the head of an account waits for no longer than that takes.
const NUMBERED_MAX: i64 = 1_000;

/// Reads members with their names, as far as the rest of the statement says.
macro_rules! members {
    ($rest:literal) => {
        concat!(
            "select member.user_id, member.role, member.created_at,
                coalesce(profile.first_name, '') as first_name, coalesce(profile.last_name, '') as last_name
            from member left join profile on profile.user_id = member.user_id ",
            $rest
        )
    };
}

const MEMBER: &str = members!("where member.account_id = $1 and member.user_id = $2");

const MEMBERS: &str = members!(
    "where member.account_id = $1
        and ($2::text is null or member.role = $2)
        and ($3::timestamptz is null or (member.created_at, member.user_id) > ($3, $4))
    order by member.created_at, member.user_id
    limit $5"
);

/// Whoever comes into the account waits, too.
const HOLD: &str = "select from account where id = $1 for no key update";

/// Several may come into an account and change what is in it at once, but not while its zone is changed, for they would be
/// told of with the old one, and not while it is deactivated.
const ENTER: &str = "select deactivated_at is not null as deactivated from account where id = $1 for share";

/// The same by one of its WorkCenters.
const ENTER_BY: &str = "
    select account.deactivated_at is not null as deactivated
    from account join workcenter on workcenter.account_id = account.id where workcenter.id = $1 for share of account";

/// Locked in one order, so that nobody waits in a circle; all of them, so that nobody's own zone changes meanwhile.
const HOLD_PROFILES: &str = "
    select profile.user_id, profile.time_zone = '' as is_zoned
    from profile join member on member.user_id = profile.user_id
    where member.account_id = $1
    order by profile.user_id for no key update of profile";

#[derive(Clone, Copy, Iden)]
#[iden = "account"]
enum Column {
    Table,
    Id,
    Name,
    TimeZone,
    PasswordPreset,
    InviteSeconds,
    DefaultDelivery,
    RedactContent,
    PendingInvitesMax,
    DailyInvitesMax,
    Revision,
    CreatedAt,
    DeactivatedAt,
}

#[derive(Clone, Copy, Iden)]
#[iden = "member"]
enum In {
    Table,
    AccountId,
    UserId,
    Role,
}

/// Makes an account; `time_zone` is an IANA name, as checked by `profile::time_zone`.
///
/// # Errors
///
/// [`Error::Invalid`] for a name that is empty or too long.
pub async fn insert(on: &impl GenericClient, name: &str, time_zone: Option<&str>, now: Timestamp) -> Result<Uuid> {
    let id = ids::new();
    let insert = Query::insert()
        .into_table(Column::Table)
        .columns([Column::Id, Column::Name, Column::TimeZone, Column::CreatedAt])
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
        .table(Column::Table)
        .value(Column::PasswordPreset, preset.name())
        .and_where(Expr::col(Column::Id).eq(account))
        .take();
    db::execute(on, &update).await?;
    Ok(())
}

/// Keeps an account from being deactivated until the transaction ends: everybody calls this who changes something in it,
/// before they lock rows of its members, WorkCenters and logs.
///
/// # Errors
///
/// [`Error::Refused`] when it is deactivated.
pub async fn enter(tx: &Transaction<'_>, account: Uuid) -> Result<()> {
    entered(&db::text(tx, ENTER, &[&account]).await?)
}

/// The same by one of its WorkCenters, for those who do not know the account yet.
///
/// # Errors
///
/// [`Error::Refused`] when it is deactivated.
pub async fn enter_by(tx: &Transaction<'_>, workcenter: Uuid) -> Result<()> {
    entered(&db::text(tx, ENTER_BY, &[&workcenter]).await?)
}

/// Whoever asks about an account that there is not is told so by others.
fn entered(rows: &[Row]) -> Result<()> {
    let is_deactivated = rows.first().is_some_and(|row| row.get("deactivated"));
    if is_deactivated { Err(Error::Refused(Reason::AccountDeactivated)) } else { Ok(()) }
}

/// Puts a person into an account. Who is in it already keeps the higher of the two roles. The caller says so by
/// [`announce`].
///
/// # Errors
///
/// [`Error::Refused`] when it is deactivated.
pub async fn add_member(
    tx: &Transaction<'_>,
    account: Uuid,
    user: Uuid,
    role: AccountRole,
    now: Timestamp,
) -> Result<()> {
    enter(tx, account).await?;
    db::text(tx, HOLD_PROFILE, &[&user]).await?;
    db::text(tx, ADD_MEMBER, &[&account, &user, &role.name(), &now, &RANKS.map(AccountRole::name).as_slice()]).await?;
    Ok(())
}

/// Tells the directories that `user` is in that what others see of them has changed: they move to the end of each as soon
/// as somebody [`number`]s what is due.
pub fn announce(user: Uuid) -> Statement<'static> {
    Statement::new(ANNOUNCE).with(user)
}

/// The same as a part of a statement, of those who are in its part `changed`.
pub fn announcing(changed: &str) -> String {
    format!("insert into directory_due (user_id) select user_id from {changed}")
}

/// The same of several `users`, who have all left the account `left`, if any: it is told that they are gone.
///
/// # Errors
///
/// What the database says.
pub async fn announce_all(tx: &Transaction<'_>, users: &[Uuid], left: Option<Uuid>) -> Result<()> {
    db::text(tx, ANNOUNCE_ALL, &[&users, &left]).await?;
    Ok(())
}

/// Gives those whose change has committed a place at the end of each directory that they are in, and tells those who
/// follow one: so many of them at a time; whether there may be more. If not, everything is in its place that had committed
/// before, whoever puts it there.
///
/// Numbers are given in the order of commits: a head stays locked until its statement has committed, so who sees a number
/// sees all that are less.
///
/// # Errors
///
/// What the database says.
pub async fn number(on: &impl GenericClient) -> Result<bool> {
    let rows = db::text(on, NUMBER, &[&NUMBERED_MAX, &notice::DIRECTORY]).await?;
    Ok(rows.first().is_some_and(|row| row.get::<_, i64>("count") >= NUMBERED_MAX))
}

/// What a person is in an account; `None` for nothing.
///
/// # Errors
///
/// What the database says.
pub async fn role(on: &impl GenericClient, account: Uuid, user: Uuid) -> Result<Option<AccountRole>> {
    let select = Query::select()
        .column(In::Role)
        .from(In::Table)
        .and_where(Expr::col(In::AccountId).eq(account))
        .and_where(Expr::col(In::UserId).eq(user))
        .take();
    let row = db::row(on, &select).await?;
    Ok(row.and_then(|it| AccountRole::named(it.get("role"))))
}

/// The account `id`, if there is one.
///
/// # Errors
///
/// What the database says.
pub async fn find(on: &impl GenericClient, id: Uuid) -> Result<Option<Account>> {
    let select = Query::select()
        .columns([
            Column::Id,
            Column::Name,
            Column::TimeZone,
            Column::PasswordPreset,
            Column::InviteSeconds,
            Column::DefaultDelivery,
            Column::RedactContent,
            Column::PendingInvitesMax,
            Column::DailyInvitesMax,
            Column::Revision,
            Column::CreatedAt,
            Column::DeactivatedAt,
        ])
        .from(Column::Table)
        .and_where(Expr::col(Column::Id).eq(id))
        .take();
    Ok(db::row(on, &select).await?.map(|row| account(&row)))
}

/// Keeps others from changing an account, and who administers it, until the transaction ends.
///
/// # Errors
///
/// What the database says.
pub async fn hold(tx: &Transaction<'_>, id: Uuid) -> Result<()> {
    db::text(tx, HOLD, &[&id]).await?;
    Ok(())
}

/// Writes what of `account` can be changed, as its next revision; the transaction must [`hold`] it.
///
/// # Errors
///
/// What the database says.
pub async fn update(tx: &Transaction<'_>, account: &Account) -> Result<()> {
    let update = Query::update()
        .table(Column::Table)
        .value(Column::Name, account.name.as_str())
        .value(Column::TimeZone, account.time_zone.as_str())
        .value(Column::PasswordPreset, account.preset.name())
        .value(Column::InviteSeconds, seconds(account.invite_expiry))
        .value(Column::DeactivatedAt, account.deactivated_at)
        .value(Column::DefaultDelivery, account.default_delivery.name())
        .value(Column::RedactContent, account.redact_content)
        .value(Column::PendingInvitesMax, i64::from(account.pending_invites_max))
        .value(Column::DailyInvitesMax, i64::from(account.daily_invites_max))
        .value(Column::Revision, account.revision)
        .and_where(Expr::col(Column::Id).eq(account.id))
        .take();
    db::execute(tx, &update).await?;
    Ok(())
}

/// The members whose zone is the account's, for they have set none. The profiles of all members are held until the
/// transaction ends; it must [`hold`] the account.
///
/// # Errors
///
/// What the database says.
pub async fn zoned(tx: &Transaction<'_>, account: Uuid) -> Result<Vec<Uuid>> {
    let rows = db::text(tx, HOLD_PROFILES, &[&account]).await?;
    Ok(rows.iter().filter(|row| row.get("is_zoned")).map(|row| row.get("user_id")).collect())
}

/// Everybody in an account, by id; nobody comes or goes while the transaction [`hold`]s it.
///
/// # Errors
///
/// What the database says.
pub async fn everybody(tx: &Transaction<'_>, account: Uuid) -> Result<Vec<Uuid>> {
    let select = Query::select()
        .column(In::UserId)
        .from(In::Table)
        .and_where(Expr::col(In::AccountId).eq(account))
        .order_by(In::UserId, Order::Asc)
        .take();
    Ok(db::rows(tx, &select).await?.iter().map(|row| row.get("user_id")).collect())
}

/// A person as one of an account.
///
/// # Errors
///
/// What the database says.
pub async fn member(on: &impl GenericClient, account: Uuid, user: Uuid) -> Result<Option<Member>> {
    Ok(db::text(on, MEMBER, &[&account, &user]).await?.first().map(person))
}

/// The members of an account as they came, of one role or of all, from the one after `after`: when they came, and who.
///
/// # Errors
///
/// What the database says.
pub async fn members(
    on: &impl GenericClient,
    account: Uuid,
    role: Option<AccountRole>,
    after: Option<(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<Member>> {
    let (at, user) = after.unzip();
    let role = role.map(AccountRole::name);
    let rows = db::text(on, MEMBERS, &[&account, &role, &at, &user, &limit]).await?;
    Ok(rows.iter().map(person).collect())
}

/// The administrators of an account. They stay what they are for as long as the transaction holds it.
pub(super) async fn administrators(on: &impl GenericClient, account: Uuid) -> Result<Vec<Uuid>> {
    let select = Query::select()
        .column(In::UserId)
        .from(In::Table)
        .and_where(Expr::col(In::AccountId).eq(account))
        .and_where(Expr::col(In::Role).eq(AccountRole::Administrator.name()))
        .take();
    Ok(db::rows(on, &select).await?.iter().map(|row| row.get("user_id")).collect())
}

/// Makes a member what `role` says; whether there is one.
pub(super) async fn set_role(tx: &Transaction<'_>, account: Uuid, user: Uuid, role: AccountRole) -> Result<bool> {
    let update = Query::update()
        .table(In::Table)
        .value(In::Role, role.name())
        .and_where(Expr::col(In::AccountId).eq(account))
        .and_where(Expr::col(In::UserId).eq(user))
        .take();
    Ok(db::execute(tx, &update).await? == 1)
}

/// Takes a person out of an account; whether they were in it. Their profile is held until the transaction ends.
pub(super) async fn remove(tx: &Transaction<'_>, account: Uuid, user: Uuid) -> Result<bool> {
    db::text(tx, HOLD_PROFILE, &[&user]).await?;
    let delete = Query::delete()
        .from_table(In::Table)
        .and_where(Expr::col(In::AccountId).eq(account))
        .and_where(Expr::col(In::UserId).eq(user))
        .take();
    Ok(db::execute(tx, &delete).await? == 1)
}

fn account(row: &Row) -> Account {
    let zone: Option<String> = row.get("time_zone");
    let seconds: i64 = row.get("invite_seconds");
    let number = |column| u32::try_from(row.get::<_, i64>(column)).unwrap_or_default();
    Account {
        id: row.get("id"),
        name: row.get("name"),
        time_zone: zone.unwrap_or_default(),
        preset: Preset::named(row.get("password_preset")).expect("the table checks `password_preset`"),
        invite_expiry: Duration::from_secs(seconds.unsigned_abs()),
        default_delivery: Delivery::named(row.get("default_delivery")).expect("the table checks `default_delivery`"),
        redact_content: row.get("redact_content"),
        pending_invites_max: number("pending_invites_max"),
        daily_invites_max: number("daily_invites_max"),
        revision: row.get("revision"),
        created_at: row.get("created_at"),
        deactivated_at: row.get("deactivated_at"),
    }
}

fn person(row: &Row) -> Member {
    Member {
        user: row.get("user_id"),
        first_name: row.get("first_name"),
        last_name: row.get("last_name"),
        role: AccountRole::named(row.get("role")).expect("the table checks `role`"),
        created_at: row.get("created_at"),
    }
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}
