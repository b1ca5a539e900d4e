//! The table `password_reset`.

use uuid::Uuid;

use super::GOOD_FOR;
use crate::{
    db::{self, GenericClient, Transaction},
    error::Result,
    secret::Hash,
};

const INSERT: &str = "
    insert into password_reset (user_id, id, token_hash, expires_at)
    values ($1, $2, $3, now() + make_interval(secs => $4::float8))
    on conflict (user_id) do update set
        id = excluded.id, token_hash = excluded.token_hash, expires_at = excluded.expires_at";

const FIND: &str = "
    select user_id from password_reset join person on person.id = password_reset.user_id
    where token_hash = $1 and now() < expires_at and disabled_at is null";

const TAKE: &str = "
    delete from password_reset using person
    where token_hash = $1 and now() < expires_at and person.id = password_reset.user_id and disabled_at is null
    returning user_id";

/// Makes the reset of a person, in place of the one before.
pub(super) async fn insert(tx: &Transaction<'_>, user: Uuid, id: Uuid, token: &Hash) -> Result<()> {
    db::text(tx, INSERT, &[&user, &id, &token.as_slice(), &GOOD_FOR.as_secs_f64()]).await?;
    Ok(())
}

/// Whose reset it is that has this token, while it is good.
pub(in crate::identity) async fn find(on: &impl GenericClient, token: &Hash) -> Result<Option<Uuid>> {
    Ok(db::text(on, FIND, &[&token.as_slice()]).await?.first().map(|it| it.get("user_id")))
}

/// The same, and the token is used up.
pub(in crate::identity) async fn take(tx: &Transaction<'_>, token: &Hash) -> Result<Option<Uuid>> {
    Ok(db::text(tx, TAKE, &[&token.as_slice()]).await?.first().map(|it| it.get("user_id")))
}

/// Makes the token of a person worthless, if there is one.
pub(in crate::identity) async fn forget(tx: &Transaction<'_>, user: Uuid) -> Result<()> {
    db::text(tx, "delete from password_reset where user_id = $1", &[&user]).await?;
    Ok(())
}

/// Begins what may be undone by [`leave_mark`].
pub(super) async fn set_mark(tx: &Transaction<'_>) -> Result<()> {
    db::text(tx, "savepoint mark", &[]).await?;
    Ok(())
}

/// Keeps what was done since the mark, or undoes it.
pub(super) async fn leave_mark(tx: &Transaction<'_>, keep: bool) -> Result<()> {
    let leave = if keep { "release savepoint mark" } else { "rollback to savepoint mark" };
    db::text(tx, leave, &[]).await?;
    Ok(())
}
