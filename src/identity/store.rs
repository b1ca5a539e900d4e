//! The tables `person` and `service_key`.

use jiff::Timestamp;
use sea_query::{Expr, ExprTrait, Iden, Query};
use uuid::Uuid;

use super::{Email, KEY_PREFIX, Person, throttle::FAMILIAR_FOR};
use crate::{
    db::{self, GenericClient, Row, Transaction},
    error::{Error, Reason, Result},
    ids,
    secret::{self, Hash, Secret},
};

const MAKE_KEY: &str = "
    insert into service_key (id, name, key_hash, scopes, created_at) values ($1, $2, $3, $4, now())";

/// Who has the address $1, and whether they have signed in from the network $2 of late. One row in any case.
const KNOWN: &str = "
    select person.id, email, password_hash, disabled_at is not null as is_disabled,
        exists (
            select from session where user_id = person.id and network = $2 and network <> ''
                and created_at > now() - make_interval(secs => $3::float8)
        ) as is_familiar
    from person where email_key = $1";

const SET_DISABLED: &str = "
    update person set disabled_at = case when $2 then now() end
    where id = $1 and (disabled_at is not null) <> $2
    returning id";

/// At most once a day.
const WARN: &str = "
    update person set guessing_told_at = now()
    where id = $1 and (guessing_told_at is null or guessing_told_at < now() - interval '1 day')
    returning id";

/// Whoever replaces the password or disables the person waits until the transaction ends, and then finds what it has made.
const STILL: &str = "
    select from person where id = $1 and password_hash = $2 and disabled_at is null for share";

const SET_ADDRESS: &str = "update person set email = $2, email_key = $3 where id = $1";

#[derive(Clone, Copy, Iden)]
enum PersonColumn {
    #[iden = "person"]
    Table,
    Id,
    Email,
    EmailKey,
    PasswordHash,
    DisabledAt,
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
    one(on, Expr::col(PersonColumn::EmailKey).eq(email_key)).await
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

/// Finds a person by who they are.
pub(super) async fn person(on: &impl GenericClient, user: Uuid) -> Result<Option<Person>> {
    one(on, Expr::col(PersonColumn::Id).eq(user)).await
}

async fn one(on: &impl GenericClient, which: Expr) -> Result<Option<Person>> {
    use PersonColumn as Column;
    let select = Query::select()
        .columns([Column::Id, Column::Email, Column::PasswordHash])
        .expr_as(Expr::col(Column::DisabledAt).is_not_null(), "is_disabled")
        .from(Column::Table)
        .and_where(which)
        .take();
    Ok(db::row(on, &select).await?.as_ref().map(read))
}

fn read(row: &Row) -> Person {
    Person {
        id: row.get("id"),
        email: row.get("email"),
        password_hash: row.get("password_hash"),
        is_disabled: row.get("is_disabled"),
    }
}

/// Finds the person whose address has the key `email_key`, and whether they have signed in from `network` before.
pub(super) async fn known(on: &impl GenericClient, email_key: &str, network: &str) -> Result<(Option<Person>, bool)> {
    let rows = db::text(on, KNOWN, &[&email_key, &network, &FAMILIAR_FOR.as_secs_f64()]).await?;
    let row = rows.first();
    Ok((row.map(read), row.is_some_and(|it| it.get("is_familiar"))))
}

/// Whether the password of `person` is still the one that they were found with, and they are not disabled. Both stay so
/// until the transaction ends.
pub(super) async fn still(tx: &Transaction<'_>, person: &Person) -> Result<bool> {
    Ok(!db::text(tx, STILL, &[&person.id, &person.password_hash]).await?.is_empty())
}

/// Whether there is such a person, and they are not disabled.
pub(super) async fn may_act(on: &impl GenericClient, user: Uuid) -> Result<bool> {
    Ok(person(on, user).await?.is_some_and(|it| !it.is_disabled))
}

/// Disables a person, or enables them; says whether that changed anything.
pub(super) async fn set_disabled(tx: &Transaction<'_>, user: Uuid, is_disabled: bool) -> Result<bool> {
    Ok(!db::text(tx, SET_DISABLED, &[&user, &is_disabled]).await?.is_empty())
}

/// Notes that a person is told of guesses; `false` when they were within a day.
pub(super) async fn warn(tx: &Transaction<'_>, user: Uuid) -> Result<bool> {
    Ok(!db::text(tx, WARN, &[&user]).await?.is_empty())
}

/// Gives a person another address.
///
/// # Errors
///
/// [`Error::Refused`] when it is somebody else's; the transaction is of no use then.
pub(super) async fn set_address(tx: &Transaction<'_>, user: Uuid, email: &Email) -> Result<()> {
    match db::text(tx, SET_ADDRESS, &[&user, &email.address, &email.key]).await {
        Ok(_) => Ok(()),
        Err(error) => match db::violated(&error) {
            Some("person_email_key") => Err(Error::Refused(Reason::TokenNotValid)),
            _ => Err(error.into()),
        },
    }
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
