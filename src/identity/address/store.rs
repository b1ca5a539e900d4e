//! The table `address_change`.

use jiff::Timestamp;
use uuid::Uuid;

use super::ADDRESS_CHANGE_GOOD_FOR;
use crate::{
    db::{self, GenericClient, Transaction},
    error::Result,
    identity::Email,
    secret::Hash,
};

const INSERT: &str = "
    insert into address_change (user_id, id, email, email_key, token_hash, expires_at)
    values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6::float8))
    on conflict (user_id) do update set
        id = excluded.id, email = excluded.email, email_key = excluded.email_key, token_hash = excluded.token_hash,
        expires_at = excluded.expires_at, created_at = now()
    returning expires_at";

const TAKE: &str = "
    delete from address_change using person
    where token_hash = $1 and now() < expires_at and person.id = address_change.user_id and disabled_at is null
    returning address_change.user_id, address_change.email, address_change.email_key";

/// Makes the change of a person, in place of the one before; returns until when it is good.
pub(super) async fn insert(
    tx: &Transaction<'_>,
    user: Uuid,
    id: Uuid,
    email: &Email,
    token: &Hash,
) -> Result<Timestamp> {
    let good_for = ADDRESS_CHANGE_GOOD_FOR.as_secs_f64();
    let rows = db::text(tx, INSERT, &[&user, &id, &email.address, &email.key, &token.as_slice(), &good_for]).await?;
    Ok(rows[0].get("expires_at"))
}

/// Whose change it is that has this token, while it is good, and to what; the token is used up.
pub(super) async fn take(tx: &Transaction<'_>, token: &Hash) -> Result<Option<(Uuid, Email)>> {
    let rows = db::text(tx, TAKE, &[&token.as_slice()]).await?;
    let email = |address, key| Email { address, key };
    Ok(rows.first().map(|it| (it.get("user_id"), email(it.get("email"), it.get("email_key")))))
}

/// The address that a person has asked for and not confirmed; `None` when there is none, or it cannot be any more.
///
/// # Errors
///
/// What the database says.
pub async fn pending_address(on: &impl GenericClient, user: Uuid) -> Result<Option<String>> {
    let find = "select email from address_change where user_id = $1 and now() < expires_at";
    Ok(db::text(on, find, &[&user]).await?.first().map(|it| it.get("email")))
}

/// Takes back what a person has asked for, if anything.
pub(in crate::identity) async fn forget(tx: &Transaction<'_>, user: Uuid) -> Result<()> {
    db::text(tx, "delete from address_change where user_id = $1", &[&user]).await?;
    Ok(())
}
