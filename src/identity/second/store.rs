//! The table `second_address`.

use jiff::Timestamp;
use uuid::Uuid;

use super::SECOND_ADDRESS_GOOD_FOR;
use crate::{
    db::{self, GenericClient, Transaction},
    error::Result,
    identity::Email,
    secret::Hash,
};

const ASK: &str = "
    insert into second_address (user_id, asked_id, asked_email, asked_key, token_hash, expires_at)
    values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6::float8))
    on conflict (user_id) do update set
        asked_id = excluded.asked_id, asked_email = excluded.asked_email, asked_key = excluded.asked_key,
        token_hash = excluded.token_hash, expires_at = excluded.expires_at
    returning expires_at";

const CONFIRM: &str = "
    update second_address set email = asked_email, email_key = asked_key,
        asked_id = null, asked_email = null, asked_key = null, token_hash = null, expires_at = null
    from person
    where token_hash = $1 and now() < expires_at and person.id = second_address.user_id and disabled_at is null
        and not exists (select from person taken where taken.email_key = second_address.asked_key)
    returning second_address.user_id, second_address.email";

const FIND: &str = "
    select coalesce(second_address.email, '') as email,
        case when now() < expires_at then asked_email else '' end as pending,
        suppressed_address.email_key is not null as is_suppressed
    from second_address left join suppressed_address using (email_key)
    where user_id = $1";

/// What a person has of a second address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Second {
    /// The address; empty for none.
    pub email: String,
    /// Whether nothing is sent there, for the relay says that it does not exist.
    pub is_suppressed: bool,
    /// One that is asked for and can still be confirmed; empty for none.
    pub pending: String,
}

/// Notes what a person asks for, in place of what they asked for before; returns until when it is good.
pub(super) async fn ask(tx: &Transaction<'_>, user: Uuid, id: Uuid, email: &Email, token: &Hash) -> Result<Timestamp> {
    let good_for = SECOND_ADDRESS_GOOD_FOR.as_secs_f64();
    let rows = db::text(tx, ASK, &[&user, &id, &email.address, &email.key, &token.as_slice(), &good_for]).await?;
    Ok(rows[0].get("expires_at"))
}

/// Makes what has this token the second address of its person, while it is good; the token is used up.
pub(super) async fn confirm(tx: &Transaction<'_>, token: &Hash) -> Result<Option<(Uuid, String)>> {
    let rows = db::text(tx, CONFIRM, &[&token.as_slice()]).await?;
    Ok(rows.first().map(|it| (it.get("user_id"), it.get("email"))))
}

/// The second address of a person, as far as there is one.
///
/// # Errors
///
/// What the database says.
pub async fn second_address(on: &impl GenericClient, user: Uuid) -> Result<Second> {
    let rows = db::text(on, FIND, &[&user]).await?;
    let second = rows.first().map(|row| Second {
        email: row.get("email"),
        is_suppressed: row.get("is_suppressed"),
        pending: row.get::<_, Option<String>>("pending").unwrap_or_default(),
    });
    Ok(second.unwrap_or_default())
}

/// Has all mail of a person go to the address that they sign in with again, and takes back what they have asked for.
///
/// # Errors
///
/// What the database says.
pub async fn remove_second_address(tx: &Transaction<'_>, user: Uuid) -> Result<()> {
    db::text(tx, "delete from second_address where user_id = $1", &[&user]).await?;
    Ok(())
}

/// Takes back what a person has asked for, if anything.
pub(in crate::identity) async fn forget(tx: &Transaction<'_>, user: Uuid) -> Result<()> {
    let forget = "update second_address
        set asked_id = null, asked_email = null, asked_key = null, token_hash = null, expires_at = null
        where user_id = $1";
    db::text(tx, forget, &[&user]).await?;
    Ok(())
}
