//! Sessions: how long they last, what people see of theirs, and how they end.

mod store;

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

pub use store::begin_session;
pub(super) use store::{end, end_all, list, open, prolong, revoke, sweep};

use crate::secret::Secret;

/// How long a session lasts without being used: a working day.
pub const SESSION_IDLE: Duration = Duration::from_hours(8);
/// How long a session lasts at most. Source: NIST SP 800-63B, section 4.1.3: 30 days at its lowest level.
pub const SESSION_MAX: Duration = Duration::from_hours(30 * 24);

/// A session that is used is prolonged this often at most: reading should not write.
const PROLONGED_EVERY: Duration = Duration::from_secs(60);

/// A session that has just begun: the only time that its token is seen.
#[derive(Debug)]
pub struct Session {
    /// What the person shows from now on.
    pub token: Secret,
    /// The id of the session.
    pub id: Uuid,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
}

/// A session that is in force, as the gate needs it.
pub(super) struct Open {
    pub id: Uuid,
    pub user: Uuid,
    /// Whether it is time to prolong it.
    pub is_worn: bool,
}

/// A session that is in force, as its owner sees it.
pub(super) struct Listed {
    pub id: Uuid,
    pub created_at: Timestamp,
    /// To the minute.
    pub last_used_at: Timestamp,
    pub ends_at: Timestamp,
    pub source: String,
    pub agent: String,
}

/// A place in the list of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    last_used_at: Timestamp,
    id: Uuid,
}

impl Listed {
    /// Where the list goes on after this one.
    pub fn place(&self) -> Place {
        Place { last_used_at: self.last_used_at, id: self.id }
    }
}

impl Place {
    /// As a page token has it.
    pub fn text(self) -> String {
        format!("{} {}", self.last_used_at, self.id)
    }

    /// Reads what [`Self::text`] wrote.
    pub fn named(text: &str) -> Option<Self> {
        let (last_used_at, id) = text.split_once(' ')?;
        Some(Self { last_used_at: last_used_at.parse().ok()?, id: id.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let place =
            Place { last_used_at: Timestamp::from_microsecond(1_700_000_000_123_456).unwrap(), id: Uuid::nil() };
        assert_eq!(Place::named(&place.text()), Some(place));
        assert_eq!(Place::named("nowhere"), None);
    }
}
