//! Another address for a person: asked for with the password, confirmed by a link in a mail to it.

mod store;

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

pub(super) use store::forget;
pub use store::pending_address;

use super::{
    Email, EventKind, Person, challenge,
    event::Event,
    record, reset, store as people,
    throttle::{self, Bucket, Count},
};
use crate::{
    auth::Origin,
    db::Transaction,
    error::{Error, Reason, Result},
    ids,
    secret::{Secret, TokenKey, hash},
};

/// How long the link in the mail is good: mail to a new mailbox may take its time.
pub const ADDRESS_CHANGE_GOOD_FOR: Duration = Duration::from_hours(24);

/// What the token of a change is derived for.
const TOKEN: &str = "address-change";

/// The token that the mail of the change `id` carries.
pub(super) fn token(key: &TokenKey, id: Uuid) -> Secret {
    key.derive(TOKEN, id.as_bytes())
}

/// The same, as it was made when `kept` became its hash: the key may be another by now.
pub(super) fn token_again(key: &TokenKey, id: Uuid, kept: &[u8]) -> Secret {
    key.derive_again(TOKEN, id.as_bytes(), kept)
}

/// A change of address that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The address before.
    pub old: String,
    /// The address now.
    pub new: String,
}

/// Notes that `person`, who has proved who they are, wants to have the address `email`, and puts both mails into the
/// outbox; returns until when it can be confirmed.
///
/// Whether somebody has the address already is looked at when its mail is written: nothing is sent to them.
///
/// # Errors
///
/// [`Error::Exhausted`] when they have asked too often, [`Error::Conflict`] when their password was replaced since it was
/// asked for, or they were disabled.
pub async fn ask_for_address(
    tx: &Transaction<'_>,
    key: &TokenKey,
    person: &Person,
    email: &Email,
    origin: &Origin,
    now: Timestamp,
) -> Result<Timestamp> {
    challenge::hold(tx, person).await?;
    let (user, id) = (person.id, ids::new());
    if let Some(left) = throttle::admit(tx, &Bucket::person(Count::NewAddress, user)).await? {
        return Err(Error::Exhausted(Reason::SignInThrottled, left));
    }
    let expires_at = store::insert(tx, user, id, email, &hash(token(key, id).expose())).await?;
    let event = |kind| Event::new(kind, Some(user), origin).by(user).about(id);
    // Whoever confirms at once must not get this mail, too.
    record(tx, event(EventKind::AddressChangeAsked).to(&person.email), now).await?;
    record(tx, event(EventKind::AddressToConfirm), now).await?;
    Ok(expires_at)
}

/// Takes the token of a mail: who asked for another address, and for which. A token is taken once.
///
/// # Errors
///
/// [`Error::Refused`] for one that is not good.
pub async fn take_address(tx: &Transaction<'_>, token: &str) -> Result<(Uuid, Email)> {
    store::take(tx, &hash(token)).await?.ok_or(Error::Refused(Reason::TokenNotValid))
}

/// Makes the address theirs who asked for it, as [`take_address`] says, and tells the address before.
///
/// # Errors
///
/// [`Error::Refused`] when the person is no more, and when the address has become somebody else's.
pub async fn move_address(
    tx: &Transaction<'_>,
    user: Uuid,
    email: Email,
    origin: &Origin,
    now: Timestamp,
) -> Result<Moved> {
    let old = people::address(tx, user).await?.ok_or(Error::Refused(Reason::TokenNotValid))?;
    people::set_address(tx, user, &email).await?;
    // What was mailed to the address before gives no right any more.
    reset::forget(tx, user).await?;
    let event = Event::new(EventKind::AddressChanged, Some(user), origin).by(user).to(&old.address);
    record(tx, event, now).await?;
    Ok(Moved { old: old.address, new: email.address })
}
