//! Which mails go next: transactional ones first, and the accounts by turns, a mail of each before the second of any.

mod store;

use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

pub(super) use store::claim;

use super::Mail;

/// How many accounts are looked at for mail at a time, beyond those that have some which is due: a few milliseconds, however
/// many wait for a relay to be back.
const HOPS_MAX: i64 = 1_000;

/// Up to which account the turn has come. Clones share it, so that the next turn goes on where the last one ended.
#[derive(Clone, Debug, Default)]
pub struct Place(Arc<Mutex<Uuid>>);

impl Place {
    /// After which account to look.
    pub(super) fn get(&self) -> Uuid {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn has come up to `account`; nil for all.
    pub(super) fn set(&self, account: Uuid) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = account;
    }
}

/// What was claimed.
pub(super) struct Claimed {
    /// In the order in which they are to go.
    pub mails: Vec<Mail>,
    /// After which account to look next.
    pub after: Uuid,
    /// Whether there is a limit of all mails, which those that do not go are given back to.
    pub is_limited: bool,
    /// Whether a relay has asked for less of all mails.
    pub is_slowed: bool,
}
