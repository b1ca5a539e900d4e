//! What matters to somebody's safety: written down, and told to them by mail where they should know at once.

mod letter;
mod letters;
mod store;

use jiff::Timestamp;
use uuid::Uuid;

pub use letter::Written;
pub use letters::letters;
pub(super) use store::sweep;

use crate::{auth::Origin, db::Transaction, error::Result, ids, outbox, secret::digest, trail};

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// They signed in.
    SignedIn,
    /// Somebody tried to, with a wrong password or an address that nobody has.
    SignInFailed,
    /// Wrong passwords have to wait from here on.
    Throttled,
    /// Somebody who is signed in did not know the present password.
    PasswordRefused,
    /// Somebody guesses at the password. Mailed.
    Guessing,
    /// The password was changed by whoever knew it. Mailed.
    PasswordChanged,
    /// Somebody asked for a mail with which to set a new password. Mailed, with the link.
    PasswordResetAsked,
    /// It was set. Mailed.
    PasswordReset,
    /// A session was ended out of the list.
    SessionRevoked,
    /// Another address was asked for. Mailed to the present one.
    AddressChangeAsked,
    /// The other address is to be confirmed. Mailed to it, with the link.
    AddressToConfirm,
    /// The other address is theirs. Mailed to the one before.
    AddressChanged,
    /// A second address is to be confirmed. Mailed to it, with the link.
    SecondAddressToConfirm,
    /// Mail of what happens goes to a second address from here on. Mailed to the first.
    SecondAddressSet,
    /// They may not sign in any more.
    Disabled,
    /// They may again.
    Enabled,
    /// An administrator removed their picture. Mailed.
    PictureRemoved,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::SignedIn,
        Self::SignInFailed,
        Self::Throttled,
        Self::PasswordRefused,
        Self::Guessing,
        Self::PasswordChanged,
        Self::PasswordResetAsked,
        Self::PasswordReset,
        Self::SessionRevoked,
        Self::AddressChangeAsked,
        Self::AddressToConfirm,
        Self::AddressChanged,
        Self::SecondAddressToConfirm,
        Self::SecondAddressSet,
        Self::Disabled,
        Self::Enabled,
        Self::PictureRemoved,
    ];

    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignedIn => "SIGNED_IN",
            Self::SignInFailed => "SIGN_IN_FAILED",
            Self::Throttled => "THROTTLED",
            Self::PasswordRefused => "PASSWORD_REFUSED",
            Self::Guessing => "GUESSING",
            Self::PasswordChanged => "PASSWORD_CHANGED",
            Self::PasswordResetAsked => "PASSWORD_RESET_ASKED",
            Self::PasswordReset => "PASSWORD_RESET",
            Self::SessionRevoked => "SESSION_REVOKED",
            Self::AddressChangeAsked => "ADDRESS_CHANGE_ASKED",
            Self::AddressToConfirm => "ADDRESS_TO_CONFIRM",
            Self::AddressChanged => "ADDRESS_CHANGED",
            Self::SecondAddressToConfirm => "SECOND_ADDRESS_TO_CONFIRM",
            Self::SecondAddressSet => "SECOND_ADDRESS_SET",
            Self::Disabled => "DISABLED",
            Self::Enabled => "ENABLED",
            Self::PictureRemoved => "PICTURE_REMOVED",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// Whether its mail asks at an address that is nobody's yet.
    fn asks(self) -> bool {
        matches!(self, Self::AddressToConfirm | Self::SecondAddressToConfirm)
    }

    /// Whether the person is told by mail.
    fn is_mailed(self) -> bool {
        match self {
            Self::Guessing
            | Self::PasswordChanged
            | Self::PasswordResetAsked
            | Self::PasswordReset
            | Self::AddressChangeAsked
            | Self::AddressToConfirm
            | Self::AddressChanged
            | Self::SecondAddressToConfirm
            | Self::SecondAddressSet
            | Self::PictureRemoved => true,
            Self::SignedIn
            | Self::SignInFailed
            | Self::Throttled
            | Self::PasswordRefused
            | Self::SessionRevoked
            | Self::Disabled
            | Self::Enabled => false,
        }
    }
}

/// Something that has happened to a person, or to an address that nobody has.
#[derive(Clone, Debug)]
pub struct Event {
    user: Option<Uuid>,
    kind: EventKind,
    actor: Option<Uuid>,
    source: String,
    subject: Option<Uuid>,
    address: String,
}

impl Event {
    /// What has happened to `user`, from `origin`. Nobody is known to have done it.
    pub fn new(kind: EventKind, user: Option<Uuid>, origin: &Origin) -> Self {
        Self { user, kind, actor: None, source: origin.source(), subject: None, address: String::new() }
    }

    /// The same, done by `actor`.
    pub fn by(self, actor: Uuid) -> Self {
        Self { actor: Some(actor), ..self }
    }

    /// The same, with what the token in its mail is made from.
    pub(super) fn about(self, subject: Uuid) -> Self {
        Self { subject: Some(subject), ..self }
    }

    /// The same, told to `address`.
    pub(super) fn to(self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self }
    }
}

/// Writes an event down, in the log too, and, if its kind is mailed, puts the mail into the outbox: in the transaction of what happens.
///
/// # Errors
///
/// What the database says.
pub async fn record(tx: &Transaction<'_>, event: Event, now: Timestamp) -> Result<()> {
    let id = ids::new();
    store::insert(tx, id, &event, now).await?;
    trail::note(event.kind.name(), event.actor, event.user);
    let Some(user) = event.user.filter(|_| event.kind.is_mailed()) else { return Ok(()) };
    let mail = outbox::New {
        id: ids::new(),
        // It is of no account: each person's mails wait for their own alone.
        account: user,
        user: (!event.kind.asks()).then_some(user),
        kind: outbox::Kind::Security,
        subject: id,
        key: digest(&[b"security", id.as_bytes()]),
        dated_at: now,
    };
    outbox::put(tx, &[mail]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_as_it_was_written() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::named(kind.name()), Some(kind));
        }
        assert_eq!(EventKind::named("NOTHING"), None);
    }
}
