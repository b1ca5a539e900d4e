//! A new password for somebody who has forgotten theirs, by a link in a mail.

mod store;

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

pub(super) use store::{find, forget, take};

use super::{Email, EventKind, event::Event, record, store as people};
use crate::{
    auth::Origin,
    db::Transaction,
    error::Result,
    ids,
    secret::{Secret, TokenKey, hash},
};

/// How long the link in the mail is good: long enough to find the mail, too short to be found in it later.
pub(super) const GOOD_FOR: Duration = Duration::from_secs(30 * 60);

/// What the token of a reset is derived for.
const TOKEN: &str = "password-reset";

/// The token that the mail of the reset `id` carries.
pub(super) fn token(key: &TokenKey, id: Uuid) -> Secret {
    key.derive(TOKEN, id.as_bytes())
}

/// The same, as it was made when `kept` became its hash: the key may be another by now.
pub(super) fn token_again(key: &TokenKey, id: Uuid, kept: &[u8]) -> Secret {
    key.derive_again(TOKEN, id.as_bytes(), kept)
}

/// Puts the mail for a new password into the outbox for whoever has the address, unless they are disabled.
///
/// For an address that nobody has the same is done, and undone again, so that it takes as long.
///
/// # Errors
///
/// What the database says.
pub(super) async fn ask(
    tx: &Transaction<'_>,
    key: &TokenKey,
    email: &Email,
    origin: &Origin,
    now: Timestamp,
) -> Result<()> {
    let person = people::find(tx, &email.key).await?.filter(|it| !it.is_disabled);
    let (user, id) = (person.as_ref().map_or_else(ids::new, |it| it.id), ids::new());
    store::set_mark(tx).await?;
    store::insert(tx, user, id, &hash(token(key, id).expose())).await?;
    record(tx, Event::new(EventKind::PasswordResetAsked, Some(user), origin).about(id), now).await?;
    store::leave_mark(tx, person.is_some()).await
}
