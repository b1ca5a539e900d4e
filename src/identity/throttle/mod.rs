//! Guessing takes longer with every wrong guess, and guesses come one after the other.
//!
//! What is counted is in the database, so that it holds for all servers, and every wait has an end. Strangers cannot keep
//! anybody out: where a person has signed in from before, only what is wrong there counts.

mod store;

use std::{
    array,
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::timeout,
};
use uuid::Uuid;

pub(super) use store::{admit, clear, count, forgive, sweep, wait_left};

use crate::{
    auth::Origin,
    error::{Error, Reason, Result},
    secret::{Hash, digest},
};

/// For how long the place that somebody signed in from is familiar: those who come once a month are.
pub(super) const FAMILIAR_FOR: Duration = Duration::from_hours(30 * 24);

/// Queues of guesses. Addresses share them, so a few are enough for all.
const QUEUES: usize = 256;

/// How long a guess waits for those before it.
const TURN_MAX: Duration = Duration::from_secs(2);

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// Wrong passwords of an address from places that are not familiar.
    Address,
    /// Wrong passwords of an address from one place that is.
    Familiar,
    /// Wrong passwords from a network, of whatever address.
    Network,
    /// Wrong passwords of somebody who is signed in and was asked again.
    Person,
    /// Passwords that somebody who is signed in has compared with those they had.
    Check,
    /// Mails for a new password to an address.
    ResetAddress,
    /// Mails for a new password that were asked for from a network.
    ResetNetwork,
    /// Mails to a new address that a person wants to have.
    NewAddress,
}

/// How long one has to wait.
struct Terms {
    /// Attempts that cost nothing.
    free: usize,
    /// The seconds that the first one after them costs; each one more costs twice as much.
    first: i64,
    /// The most seconds that one costs.
    most: i64,
    /// After how many seconds without an attempt, and after the wait, all is forgotten.
    forgotten: i64,
}

/// Waits are written out up to here: 2 to the power of it is more than any of them.
const DOUBLINGS: usize = 12;

impl Count {
    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Address => "ADDRESS",
            Self::Familiar => "FAMILIAR",
            Self::Network => "NETWORK",
            Self::Person => "PERSON",
            Self::Check => "CHECK",
            Self::ResetAddress => "RESET_ADDRESS",
            Self::ResetNetwork => "RESET_NETWORK",
            Self::NewAddress => "NEW_ADDRESS",
        }
    }

    fn terms(self) -> Terms {
        match self {
            // People mistype five times, and a quarter of an hour leaves a hundred guesses a day.
            Self::Address | Self::Familiar | Self::Person => {
                Terms { free: 5, first: 2, most: 15 * MINUTE, forgotten: DAY }
            }
            // Many people may sit behind one address: an office on a Monday morning mistypes fifty times, and nobody in
            // it is kept waiting for longer than a minute. It still leaves no more than 1,500 guesses a day to one
            // machine that tries one password on many people.
            Self::Network => Terms { free: 50, first: 1, most: MINUTE, forgotten: HOUR },
            // A form asks at every pause in typing, and mostly about what is too short to be compared at all.
            Self::Check => Terms { free: 20, first: 2, most: 15 * MINUTE, forgotten: DAY },
            // The first mail may be late, and the second may be in another folder. More fill a mailbox, which may be that of
            // somebody who has never heard of us.
            Self::ResetAddress | Self::NewAddress => Terms { free: 3, first: 2 * MINUTE, most: HOUR, forgotten: DAY },
            // As many as forget theirs in an office after the holidays.
            Self::ResetNetwork => Terms { free: 20, first: 10, most: 15 * MINUTE, forgotten: DAY },
        }
    }

    /// How many seconds to wait after the first attempt, the second, and so on; the last one holds from there on.
    fn waits(self) -> Vec<i64> {
        let Terms { free, first, most, .. } = self.terms();
        let doubled = (0..DOUBLINGS).map(|it| (first << it).min(most));
        std::iter::repeat_n(0, free).chain(doubled).collect()
    }
}

/// Where something is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    count: Count,
    /// The digest of what it is about.
    subject: Hash,
    /// The digest of the network; empty for all.
    network: Vec<u8>,
}

impl Bucket {
    /// Wrong passwords of the address with `key` from `origin`, which is familiar or not.
    pub fn guesses(key: &str, origin: &Origin, is_familiar: bool) -> Self {
        if is_familiar {
            let network = digest(&[origin.network().as_bytes()]).to_vec();
            Self { count: Count::Familiar, subject: digest(&[key.as_bytes()]), network }
        } else {
            Self::of(Count::Address, key.as_bytes())
        }
    }

    /// What is counted from the network of `origin`.
    pub fn network(count: Count, origin: &Origin) -> Self {
        Self::of(count, origin.network().as_bytes())
    }

    /// What is counted of a person.
    pub fn person(count: Count, user: Uuid) -> Self {
        Self::of(count, user.as_bytes())
    }

    /// What is counted of `subject`.
    pub fn of(count: Count, subject: &[u8]) -> Self {
        Self { count, subject: digest(&[subject]), network: Vec::new() }
    }
}

/// Who may guess next in this process. Cheap to clone.
///
/// Without it, many guesses at once would all be heard before the first failure is counted.
#[derive(Clone)]
pub(super) struct Turns {
    queues: Arc<[Arc<Mutex<()>>; QUEUES]>,
    state: RandomState,
}

impl Default for Turns {
    fn default() -> Self {
        Self { queues: Arc::new(array::from_fn(|_| Arc::default())), state: RandomState::new() }
    }
}

impl Turns {
    /// Waits for the turn of a guess at the address with `key`; it lasts until what is returned is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Exhausted`] when too many are before it.
    pub(super) async fn wait(&self, key: &str) -> Result<OwnedMutexGuard<()>> {
        // The remainder fits, for it is less than QUEUES.
        let queue = (self.state.hash_one(key) % QUEUES as u64) as usize;
        let turn = timeout(TURN_MAX, Arc::clone(&self.queues[queue]).lock_owned());
        turn.await.map_err(|_late| Error::Exhausted(Reason::Overloaded, TURN_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_are_free_and_then_the_wait_doubles_up_to_a_quarter_of_an_hour() {
        let waits = Count::Address.waits();
        assert_eq!(waits[..15], [0, 0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]);
        assert_eq!(waits.last(), Some(&900));
    }

    #[test]
    fn every_wait_grows_to_its_most_and_has_an_end() {
        for count in [
            Count::Address,
            Count::Familiar,
            Count::Network,
            Count::Person,
            Count::Check,
            Count::ResetAddress,
            Count::ResetNetwork,
            Count::NewAddress,
        ] {
            let waits = count.waits();
            assert!(waits.is_sorted(), "{count:?}");
            assert_eq!(waits.last(), Some(&count.terms().most), "{count:?}");
            assert!(count.terms().most <= HOUR);
        }
    }

    #[test]
    fn what_is_familiar_is_counted_by_place_and_the_rest_together() {
        let origin = |text: &str| Origin { address: text.parse().ok(), agent: String::new() };
        let (here, there) = (origin("198.51.100.7"), origin("203.0.113.1"));
        assert_ne!(Bucket::guesses("ada", &here, true), Bucket::guesses("ada", &there, true));
        assert_eq!(Bucket::guesses("ada", &here, false), Bucket::guesses("ada", &there, false));
    }
}
