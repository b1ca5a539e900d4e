//! Invites: an offer to an address to come into an account and some of its WorkCenters.
//!
//! ```text
//!             ┌─▶ ACCEPTED   by whoever has the mail, or is signed in under the address
//!   PENDING ──┼─▶ REVOKED    the inviter may no longer offer it; found out when it is accepted
//!             └─▶ EXPIRED    read as such from `expires_at` on; written when the address is invited anew
//! ```
//!
//! The token is in the mail alone. It is made from the key of tokens whenever the mail is written, and what is kept is
//! its hash.

mod accept;
mod letter;
mod letters;
mod make;
mod newcomer;
mod offer;
mod service;
mod store;

use jiff::Timestamp;
use uuid::Uuid;

pub use letter::Written;
pub use letters::letters;
pub use service::Service;

use crate::{
    access::AccountRole,
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
    /// The inviter lost the right to invite before it was accepted.
    Revoked,
    /// Nobody answered in time.
    Expired,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Accepted, Self::Revoked, Self::Expired];

    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Accepted => "ACCEPTED",
            Self::Revoked => "REVOKED",
            Self::Expired => "EXPIRED",
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
    /// When it was accepted, revoked or had run out.
    pub ended_at: Option<Timestamp>,
}

impl Invite {
    /// The invite as it is at `now`: one that has run out shows it, whether or not that was written.
    pub fn at(self, now: Timestamp) -> Self {
        if self.state != State::Pending || now < self.expires_at {
            return self;
        }
        Self { state: State::Expired, ended_at: Some(self.expires_at), ..self }
    }
}

/// The token that the mail of the invite `id` carries.
fn token(key: &TokenKey, id: Uuid) -> Secret {
    key.derive(TOKEN, id.as_bytes())
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
        for state in [State::Accepted, State::Revoked, State::Expired] {
            assert_eq!(invite(state).at(Timestamp::MAX), invite(state));
        }
    }
}
