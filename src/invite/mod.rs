//! Invites: an offer to an address to come into an account and some of its WorkCenters.
//!
//! ```text
//!             ┌─▶ ACCEPTED          by whoever has the mail, or is signed in under the address
//!             ├─▶ DECLINED          by the same
//!   PENDING ──┼─▶ REVOKED           by who sent it, or because they may no longer offer it when it is accepted
//!      ▲      ├─▶ DELIVERY_FAILED ─┐
//!      │      └─▶ EXPIRED ─────────┤  read as such from `expires_at` on; written when somebody comes by
//!      └───────────────────────────┘  sent again, with a new token
//! ```
//!
//! Whoever leaves a pending one unanswered is reminded of it, three times at most; its inviter is told how it ended.
//!
//! All of these steps are taken while the row is locked, so of those who come at once one is heard. The token is in the
//! mail alone. It is made from the key of tokens whenever the mail is written, and what is kept is its hash.

mod accept;
mod batch;
mod change;
mod end;
mod guest;
mod import;
mod letter;
mod letters;
mod list;
mod make;
mod newcomer;
mod offer;
mod remind;
mod resend;
mod rights;
mod service;
mod store;
mod tell;

use jiff::Timestamp;
use uuid::Uuid;

pub use guest::{Asked, ask, hold};
pub use import::{Import, sheet};
pub use letters::{Letter, letters};
pub use remind::remind;
pub use service::Service;
pub use store::sweep;
pub use tell::{notices, undelivered};

use crate::{
    access::{AccountRole, Resource},
    error::{Error, Kind, Reason, Result},
    secret::{Secret, TokenKey},
    workcenter::Place,
};

/// What the token of an invite is derived for.
const TOKEN: &str = "invite";

/// Where an invite stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for its answer.
    Pending,
    /// Was accepted.
    Accepted,
    /// Was declined.
    Declined,
    /// Was withdrawn, or its inviter lost the right to it before it was accepted.
    Revoked,
    /// Nobody answered in time.
    Expired,
    /// Its mail reaches nobody.
    DeliveryFailed,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Accepted, Self::Declined, Self::Revoked, Self::Expired, Self::DeliveryFailed];

    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Accepted => "ACCEPTED",
            Self::Declined => "DECLINED",
            Self::Revoked => "REVOKED",
            Self::Expired => "EXPIRED",
            Self::DeliveryFailed => "DELIVERY_FAILED",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// An offer to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// Its id.
    pub id: Uuid,
    /// The account that it leads into.
    pub account: Uuid,
    /// What the account is called.
    pub account_name: String,
    /// The address, as typed.
    pub email: String,
    /// The address, as compared.
    pub email_key: String,
    /// What the person becomes in the account.
    pub account_role: AccountRole,
    /// The WorkCenters that come with it, by id.
    pub places: Vec<Place>,
    /// What the inviter has to say; may be empty.
    pub message: String,
    /// Who invited.
    pub inviter: Uuid,
    /// Where it stands.
    pub state: State,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it cannot be accepted.
    pub expires_at: Timestamp,
    /// When it was accepted, declined, revoked, found undeliverable or had run out.
    pub ended_at: Option<Timestamp>,
    /// Why it was declined, could not be delivered, or was revoked without being withdrawn; empty for all else.
    pub end_reason: String,
    /// The person whose address it is, if there is one.
    pub invited: Option<Uuid>,
    /// Who accepted it.
    pub accepted_by: Option<Uuid>,
    /// How often its token was made anew.
    pub turn: i64,
    /// When it was sent again, the last times that count.
    pub resent_at: Vec<Timestamp>,
    /// How often it was written.
    pub revision: i64,
    /// Whether the inviter wants nobody reminded of it.
    pub no_reminders: bool,
    /// Whether the inviter wants to be told that it was accepted.
    pub notify_on_accept: bool,
}

impl Invite {
    /// The invite as it is at `now`: one that has run out shows it, whether or not that was written.
    pub fn at(self, now: Timestamp) -> Self {
        if self.state != State::Pending || now < self.expires_at {
            return self;
        }
        Self { state: State::Expired, ended_at: Some(self.expires_at), ..self }
    }

    /// What a change names to say which one it has read.
    fn etag(&self) -> String {
        format!("\"{}\"", self.revision)
    }

    /// When it was sent last.
    fn sent_at(&self) -> Timestamp {
        self.resent_at.last().copied().unwrap_or(self.created_at)
    }

    /// When there is the first reminder of what was sent last; `None` for never.
    fn remind_at(&self) -> Option<Timestamp> {
        self.remind_after(self.sent_at())
    }

    /// When there is the first reminder after `now`.
    fn remind_after(&self, now: Timestamp) -> Option<Timestamp> {
        if self.no_reminders { None } else { remind::first(self.sent_at(), self.expires_at, now) }
    }

    /// What a call asks for that is about this invite.
    fn resource(&self) -> Resource {
        Resource::Invite {
            id: self.id,
            account: self.account,
            inviter: Some(self.inviter),
            invited: self.accepted_by.or(self.invited),
        }
    }
}

/// There is no such invite, as far as the caller may know.
fn missing(id: Uuid) -> Error {
    Error::NotFound(Kind::Invite, id.to_string())
}

/// Lets a pending invite through. A token that was never made is told no other way than one that was used.
fn pending(invite: Option<Invite>, now: Timestamp) -> Result<Invite> {
    match invite.map(|it| it.at(now)) {
        Some(invite) if invite.state == State::Pending => Ok(invite),
        _ => Err(Error::Refused(Reason::InviteNotPending)),
    }
}

/// The token that the mail of the invite `id` carries after it was made anew `turn` times.
fn token(key: &TokenKey, id: Uuid, turn: i64) -> Secret {
    key.derive(TOKEN, &subject(id, turn))
}

/// What that token is derived for.
fn subject(id: Uuid, turn: i64) -> Vec<u8> {
    match turn {
        0 => id.as_bytes().to_vec(),
        _ => [id.as_bytes(), turn.to_be_bytes().as_slice()].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(state: State) -> Invite {
        Invite {
            id: Uuid::nil(),
            account: Uuid::nil(),
            account_name: String::new(),
            email: String::new(),
            email_key: String::new(),
            account_role: AccountRole::Guest,
            places: Vec::new(),
            message: String::new(),
            inviter: Uuid::nil(),
            state,
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::from_second(86_400).unwrap(),
            ended_at: None,
            end_reason: String::new(),
            invited: None,
            accepted_by: None,
            turn: 0,
            resent_at: Vec::new(),
            revision: 1,
            no_reminders: false,
            notify_on_accept: false,
        }
    }

    #[test]
    fn a_pending_invite_has_run_out_from_its_last_instant_on() {
        let at = |second| invite(State::Pending).at(Timestamp::from_second(second).unwrap());
        assert_eq!((at(86_399).state, at(86_399).ended_at), (State::Pending, None));
        assert_eq!((at(86_400).state, at(86_400).ended_at), (State::Expired, Some(at(86_400).expires_at)));
    }

    #[test]
    fn what_was_answered_does_not_run_out() {
        for state in State::ALL.into_iter().filter(|it| *it != State::Pending) {
            assert_eq!(invite(state).at(Timestamp::MAX), invite(state));
        }
    }
}
