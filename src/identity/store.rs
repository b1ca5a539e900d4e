//! The tables `person`, `session`, `service_key` and `sign_in_throttle`.

use std::time::Duration;

use jiff::Timestamp;
use sea_query::{Expr, ExprTrait, Iden, Query};
use uuid::Uuid;

use super::{Email, KEY_PREFIX, PROLONGED_EVERY, Person, SESSION_IDLE, SESSION_MAX, SESSION_PREFIX, Session};
use crate::{
    db::{self, GenericClient, Transaction},
    error::{Error, Reason, Result},
    ids,
    secret::{self, Hash, Secret},
};

/// How long wrong passwords are remembered after the last wait was over.
const THROTTLE_KEPT_FOR: Duration = Duration::from_hours(24);
/// How long a session that is over is kept: somebody may ask when it ended.
const SESSION_KEPT_FOR: Duration = Duration::from_hours(30 * 24);

const BEGIN_SESSION: &str = "
    insert into session (id, user_id, token_hash, created_at, idle_until, ends_at)
    values ($1, $2, $3, now(), now() + make_interval(secs => $4::float8), now() + make_interval(secs => $5::float8))
    returning ends_at";

const OPEN_SESSION: &str = "
    select id, user_id, idle_until < least(now() + make_interval(secs => $2::float8), ends_at) as is_worn
    from session
    where token_hash = $1 and ended_at is null and now() < idle_until and now() < ends_at";

const PROLONG_SESSION: &str = "
    update session set idle_until = least(now() + make_interval(secs => $2::float8), ends_at)
    where id = $1 and ended_at is null";

const END_SESSION: &str = "update session set ended_at = now() where id = $1 and ended_at is null";

const MAKE_KEY: &str = "
    insert into service_key (id, name, key_hash, scopes, created_at) values ($1, $2, $3, $4, now())";

const WAIT_LEFT: &str = "
    select extract(epoch from blocked_until - now())::float8 as seconds
    from sign_in_throttle where email_key = $1 and now() < blocked_until";

/// $2 has the wait in seconds for every number of failures; the last one holds for all above.
const COUNT_FAILURE: &str = "
    insert into sign_in_throttle as known (email_key, failures, blocked_until)
    values ($1, 1, now() + ($2::bigint[])[1] * interval '1 second')
    on conflict (email_key) do update set
        failures = known.failures + 1,
        blocked_until = now() + ($2::bigint[])[least(known.failures + 1, cardinality($2::bigint[]))] * interval '1 second'";

const SWEEP: &str = "
    with calm as (
        delete from sign_in_throttle where blocked_until < now() - make_interval(secs => $1::float8) returning email_key
    ), over as (
        delete from session where least(ended_at, idle_until, ends_at) < now() - make_interval(secs => $2::float8)
        returning id
    )
    select (select count(*) from calm) + (select count(*) from over) as count";

#[derive(Clone, Copy, Iden)]
enum PersonColumn {
    #[iden = "person"]
    Table,
    Id,
    Email,
    EmailKey,
    PasswordHash,
    CreatedAt,
}

#[derive(Clone, Copy, Iden)]
enum KeyColumn {
    #[iden = "service_key"]
    Table,
    Id,
    KeyHash,
    Scopes,
    EndedAt,
}

#[derive(Clone, Copy, Iden)]
enum ThrottleColumn {
    #[iden = "sign_in_throttle"]
    Table,
    EmailKey,
}

/// A session that is in force.
pub(super) struct Open {
    pub id: Uuid,
    pub user: Uuid,
    /// Whether it is time to prolong it.
    pub is_worn: bool,
}

/// A key that is in force.
pub(super) struct Key {
    pub id: Uuid,
    pub scopes: Vec<String>,
}

/// Makes a person who signs in with `email` and the password that `phc` was made from.
///
/// # Errors
///
/// [`Error::Taken`] when somebody has the address; the transaction is of no use then.
pub async fn insert(tx: &Transaction<'_>, email: &Email, phc: &str, now: Timestamp) -> Result<Uuid> {
    use PersonColumn as Column;
    let id = ids::new();
    let insert = Query::insert()
        .into_table(Column::Table)
        .columns([Column::Id, Column::Email, Column::EmailKey, Column::PasswordHash, Column::CreatedAt])
        .values_panic([id.into(), (&email.address).into(), (&email.key).into(), phc.into(), now.into()])
        .take();
    match db::execute(tx, &insert).await {
        Ok(_) => Ok(id),
        Err(error) => match db::violated(&error) {
            Some("person_email_key") => Err(Error::Taken(Reason::AddressInUse)),
            _ => Err(error.into()),
        },
    }
}

/// Finds the person whose address has the key `email_key`.
///
/// # Errors
///
/// What the database says.
pub async fn find(on: &impl GenericClient, email_key: &str) -> Result<Option<Person>> {
    use PersonColumn as Column;
    let select = Query::select()
        .columns([Column::Id, Column::Email, Column::PasswordHash])
        .from(Column::Table)
        .and_where(Expr::col(Column::EmailKey).eq(email_key))
        .take();
    let row = db::row(on, &select).await?;
    Ok(row.map(|it| Person { id: it.get("id"), email: it.get("email"), password_hash: it.get("password_hash") }))
}

/// The address of a person; `None` when there is no such person.
///
/// # Errors
///
/// What the database says.
pub async fn address(on: &impl GenericClient, user: Uuid) -> Result<Option<Email>> {
    use PersonColumn as Column;
    let select = Query::select()
        .columns([Column::Email, Column::EmailKey])
        .from(Column::Table)
        .and_where(Expr::col(Column::Id).eq(user))
        .take();
    let row = db::row(on, &select).await?;
    Ok(row.map(|it| Email { address: it.get("email"), key: it.get("email_key") }))
}

/// Begins a session of a person.
///
/// # Errors
///
/// What the database says.
pub async fn begin_session(on: &impl GenericClient, user: Uuid) -> Result<Session> {
    let (id, token) = (ids::new(), secret::token(SESSION_PREFIX)?);
    let hash = secret::hash(token.expose());
    let (idle, max) = (SESSION_IDLE.as_secs_f64(), SESSION_MAX.as_secs_f64());
    let rows = db::text(on, BEGIN_SESSION, &[&id, &user, &hash.as_slice(), &idle, &max]).await?;
    Ok(Session { token, id, ends_at: rows[0].get("ends_at") })
}

/// Finds the session whose token has this hash, while it is in force.
pub(super) async fn open_session(on: &impl GenericClient, token: &Hash) -> Result<Option<Open>> {
    let fresh = (SESSION_IDLE - PROLONGED_EVERY).as_secs_f64();
    let rows = db::text(on, OPEN_SESSION, &[&token.as_slice(), &fresh]).await?;
    Ok(rows.first().map(|it| Open { id: it.get("id"), user: it.get("user_id"), is_worn: it.get("is_worn") }))
}

/// Lets a session that is used last longer, as long as it may.
pub(super) async fn prolong_session(on: &impl GenericClient, id: Uuid) -> Result<()> {
    db::text(on, PROLONG_SESSION, &[&id, &SESSION_IDLE.as_secs_f64()]).await?;
    Ok(())
}

/// Ends a session.
pub(super) async fn end_session(on: &impl GenericClient, id: Uuid) -> Result<()> {
    db::text(on, END_SESSION, &[&id]).await?;
    Ok(())
}

/// Makes a key for another service, good for `scopes`.
///
/// # Errors
///
/// What the database says.
pub async fn make_key(on: &impl GenericClient, name: &str, scopes: &[&str]) -> Result<Secret> {
    let key = secret::token(KEY_PREFIX)?;
    let hash = secret::hash(key.expose());
    db::text(on, MAKE_KEY, &[&ids::new(), &name, &hash.as_slice(), &scopes]).await?;
    Ok(key)
}

/// Finds the key that has this hash, while it is in force.
pub(super) async fn key(on: &impl GenericClient, key: &Hash) -> Result<Option<Key>> {
    use KeyColumn as Column;
    let select = Query::select()
        .columns([Column::Id, Column::Scopes])
        .from(Column::Table)
        .and_where(Expr::col(Column::KeyHash).eq(key.to_vec()))
        .and_where(Expr::col(Column::EndedAt).is_null())
        .take();
    let row = db::row(on, &select).await?;
    Ok(row.map(|it| Key { id: it.get("id"), scopes: it.get("scopes") }))
}

/// How long the next guess at an address has to wait; `None` when it need not.
pub(super) async fn wait_left(on: &impl GenericClient, email_key: &str) -> Result<Option<Duration>> {
    let rows = db::text(on, WAIT_LEFT, &[&email_key]).await?;
    let seconds = rows.first().map(|it| it.get::<_, f64>("seconds").max(0.0).ceil());
    Ok(seconds.map(Duration::from_secs_f64))
}

/// Counts a wrong password; `waits` says how many seconds each failure costs.
pub(super) async fn count_failure(on: &impl GenericClient, email_key: &str, waits: &[i64]) -> Result<()> {
    db::text(on, COUNT_FAILURE, &[&email_key, &waits]).await?;
    Ok(())
}

/// Forgets the wrong passwords of an address.
pub(super) async fn clear_failures(on: &impl GenericClient, email_key: &str) -> Result<()> {
    use ThrottleColumn as Column;
    let delete = Query::delete().from_table(Column::Table).and_where(Expr::col(Column::EmailKey).eq(email_key)).take();
    db::execute(on, &delete).await?;
    Ok(())
}

/// Removes wrong passwords of long ago and sessions that have long been over; returns how many of both.
///
/// # Errors
///
/// What the database says.
pub async fn sweep(on: &impl GenericClient) -> Result<u64> {
    let (throttle, session) = (THROTTLE_KEPT_FOR.as_secs_f64(), SESSION_KEPT_FOR.as_secs_f64());
    let rows = db::text(on, SWEEP, &[&throttle, &session]).await?;
    Ok(rows[0].get::<_, i64>("count").unsigned_abs())
}
