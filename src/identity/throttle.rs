//! Guessing at one address takes longer with every wrong guess, and guesses come one after the other.
//!
//! The count is in the database, so that it holds for all servers; the wait has an end, so that strangers cannot lock
//! anybody out.

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

use crate::error::{Error, Reason, Result};

/// Wrong passwords that cost nothing: people mistype.
const FREE: usize = 5;

/// The longest wait between two guesses, in seconds: about a hundred guesses a day.
const WAIT_MAX: i64 = 15 * 60;

/// Failures after which the wait grows no more: 2 to the power of 10 is more than [`WAIT_MAX`].
const STEPS: usize = FREE + 10;

/// Queues of guesses. Addresses share them, so a few are enough for all.
const QUEUES: usize = 256;

/// How long a guess waits for those before it.
const TURN_MAX: Duration = Duration::from_secs(2);

/// How many seconds to wait after the first failure, the second, and so on; the last one holds from there on.
///
/// Nothing for the first five; then 2, 4, 8 and so on up to 15 minutes.
pub(super) fn waits() -> [i64; STEPS] {
    array::from_fn(|index| match index.checked_sub(FREE) {
        None => 0,
        Some(doubled) => (2_i64 << doubled).min(WAIT_MAX),
    })
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
        assert_eq!(waits(), [0, 0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]);
    }
}
