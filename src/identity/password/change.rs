//! A new password in place of the one before, with all that goes with it.

use jiff::Timestamp;
use uuid::Uuid;

use super::store;
use crate::{
    auth::Origin,
    db::Transaction,
    error::{Error, Reason, Result},
    identity::{
        EventKind, Person, address,
        event::{Event, record},
        reset, second, session,
        throttle::{self, Count},
    },
};

/// Changes the password of `person`, who knew it, from `origin`; all sessions end but the one they did it in. Returns
/// those that ended.
///
/// # Errors
///
/// [`Error::Conflict`] when it has been changed since it was looked at.
pub(in crate::identity) async fn change(
    tx: &Transaction<'_>,
    person: &Person,
    phc: &str,
    session: Option<Uuid>,
    origin: &Origin,
    now: Timestamp,
) -> Result<Vec<Uuid>> {
    let ended = replace(tx, person, phc, session).await?;
    record(tx, Event::new(EventKind::PasswordChanged, Some(person.id), origin).by(person.id), now).await?;
    Ok(ended)
}

/// Sets the password of `person`, who had the link in the mail, from `origin`; all sessions end, and all waits after
/// wrong passwords of theirs. Returns the sessions that ended.
///
/// # Errors
///
/// [`Error::Conflict`] when it has been changed since it was looked at.
pub(in crate::identity) async fn reset(
    tx: &Transaction<'_>,
    person: &Person,
    phc: &str,
    origin: &Origin,
    now: Timestamp,
) -> Result<Vec<Uuid>> {
    let ended = replace(tx, person, phc, None).await?;
    let key = person.email.to_ascii_lowercase();
    throttle::forgive(tx, &[Count::Address, Count::Familiar, Count::ResetAddress], key.as_bytes()).await?;
    record(tx, Event::new(EventKind::PasswordReset, Some(person.id), origin), now).await?;
    Ok(ended)
}

async fn replace(tx: &Transaction<'_>, person: &Person, phc: &str, session: Option<Uuid>) -> Result<Vec<Uuid>> {
    if !store::replace(tx, person.id, &person.password_hash, phc).await? {
        return Err(Error::Conflict(Reason::WriteConflict));
    }
    // Whoever had the old one may have asked for these.
    reset::forget(tx, person.id).await?;
    address::forget(tx, person.id).await?;
    second::forget(tx, person.id).await?;
    throttle::forgive(tx, &[Count::Person, Count::Check], person.id.as_bytes()).await?;
    session::end_all(tx, person.id, session).await
}
