//! A second address of a person, for mail of what happens: confirmed by a link in a mail to it. They sign in with the first one,
//! and mail about invites and their safety goes there as ever.

mod store;

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

pub(super) use store::forget;
pub use store::{Second, remove_second_address, second_address};

use super::{
    Email, EventKind,
    event::Event,
    record, store as people,
    throttle::{self, Bucket, Count},
};
use crate::{
    auth::Origin,
    db::Transaction,
    error::{Error, Kind, Reason, Result, Violation},
    ids,
    secret::{Secret, TokenKey, hash},
};

/// How long the link in the mail is good: mail to a new mailbox may take its time.
pub const SECOND_ADDRESS_GOOD_FOR: Duration = Duration::from_hours(24);

/// What the token of a second address is derived for.
const TOKEN: &str = "second-address";

/// The token that the mail of the request `id` carries.
fn token(key: &TokenKey, id: Uuid) -> Secret {
    key.derive(TOKEN, id.as_bytes())
}

/// The same, as it was made when `kept` became its hash: the key may be another by now.
pub(super) fn token_again(key: &TokenKey, id: Uuid, kept: &[u8]) -> Secret {
    key.derive_again(TOKEN, id.as_bytes(), kept)
}

/// Notes that `user` wants to get mail of what happens at the address `email`, which is read from `field` of a request, and puts
/// the mail that asks there into the outbox; returns until when it can be confirmed.
///
/// Whether somebody signs in with the address is looked at when its mail is written: nothing is sent to them.
///
/// # Errors
///
/// [`Error::Invalid`] for the address that they sign in with, [`Error::Exhausted`] when they have asked for another address too
/// often, to sign in with or for this.
pub async fn ask_for_second_address(
    tx: &Transaction<'_>,
    key: &TokenKey,
    user: Uuid,
    (field, email): (&str, &Email),
    origin: &Origin,
    now: Timestamp,
) -> Result<Timestamp> {
    let first = people::address(tx, user).await?.ok_or_else(|| Error::NotFound(Kind::User, user.to_string()))?;
    if first.key == email.key {
        return Err(Violation::new(field, "must not be the address that you sign in with").into());
    }
    if let Some(left) = throttle::admit(tx, &Bucket::person(Count::NewAddress, user)).await? {
        return Err(Error::Exhausted(Reason::SignInThrottled, left));
    }
    let id = ids::new();
    let expires_at = store::ask(tx, user, id, email, &hash(token(key, id).expose())).await?;
    record(tx, Event::new(EventKind::SecondAddressToConfirm, Some(user), origin).by(user).about(id), now).await?;
    Ok(expires_at)
}

/// Has mail of what happens go to the address of whose mail this is the token, and tells the one that its person signs in with.
/// Returns who they are, and the address.
///
/// # Errors
///
/// [`Error::Refused`] for a token that is not good, and when somebody has come to sign in with the address.
pub async fn confirm_second_address(
    tx: &Transaction<'_>,
    token: &str,
    origin: &Origin,
    now: Timestamp,
) -> Result<(Uuid, String)> {
    let confirmed = store::confirm(tx, &hash(token)).await?;
    let (user, email) = confirmed.ok_or(Error::Refused(Reason::TokenNotValid))?;
    record(tx, Event::new(EventKind::SecondAddressSet, Some(user), origin).by(user), now).await?;
    Ok((user, email))
}
