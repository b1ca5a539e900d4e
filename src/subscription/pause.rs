//! Being away for a while. Pure, but for the question who is.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use uuid::Uuid;

use super::{Recipient, store};
use crate::{db::GenericClient, error::Result};

/// A while in which nothing is told to a person. What waits meanwhile is told when it is over, in one mail for each account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
}

impl Recipient {
    /// Whether nothing is told them at `now`.
    pub fn paused(&self, now: Timestamp) -> bool {
        self.pause.is_some_and(|it| it.from <= now && now < it.to)
    }

    /// Whether a digest that would go at `at` does not: what it would tell is told when they are back, also when that is then.
    pub(super) fn misses(&self, at: Timestamp) -> bool {
        self.pause.is_some_and(|it| it.from <= at && at <= it.to)
    }

    /// When a pause is over that is not yet, whether it has begun or not.
    pub fn returns_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.pause.map(|it| it.to).filter(|it| now < *it)
    }
}

/// Which of `users` are away at `now`, and for how long yet.
///
/// # Errors
///
/// What the database says.
pub async fn away(on: &impl GenericClient, users: &[Uuid], now: Timestamp) -> Result<HashMap<Uuid, Duration>> {
    let away = store::away(on, users, now).await?.into_iter();
    Ok(away.map(|(user, to)| (user, Duration::try_from(to.duration_since(now)).unwrap_or_default())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_has_its_first_instant_and_not_its_last() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let away = Recipient { pause: Some(Pause { from: at(10), to: at(20) }), ..Recipient::new(Uuid::nil()) };
        assert_eq!([9, 10, 19, 20].map(|it| away.paused(at(it))), [false, true, true, false]);
        assert_eq!([9, 10, 20, 21].map(|it| away.misses(at(it))), [false, true, true, false]);
        assert_eq!([9, 19, 20].map(|it| away.returns_at(at(it))), [Some(at(20)), Some(at(20)), None]);
    }
}
