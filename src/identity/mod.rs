//! People as those who sign in: addresses, passwords, sessions, and the keys of other services.
//!
//! Of a token or key only its SHA-256 is kept, so there is nothing to steal. All limits of time here are measured by
//! the database's real clock, also where the rest of the program lives by the development clock.

mod email;
mod gate;
mod password;
mod service;
mod store;
mod throttle;

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

pub use email::Email;
pub use gate::Gate;
pub use password::{PASSWORD_BYTES_MAX, PASSWORD_MAX, PASSWORD_MIN, password_violations};
pub use service::Service;
pub use store::{address, begin_session, find, insert, make_key, sweep};

use crate::secret::Secret;

/// How long a session lasts without being used: a working day.
pub const SESSION_IDLE: Duration = Duration::from_hours(8);
/// How long a session lasts at most. Source: NIST SP 800-63B, section 4.1.3: 30 days at its lowest level.
pub const SESSION_MAX: Duration = Duration::from_hours(30 * 24);

/// A session that is used is prolonged this often at most: reading should not write.
const PROLONGED_EVERY: Duration = Duration::from_secs(60);

/// What tokens of sessions and keys of services begin with, so that a scanner for leaked secrets knows them.
const SESSION_PREFIX: &str = "wcs_";
const KEY_PREFIX: &str = "wck_";

/// A person, as far as signing in goes.
pub struct Person {
    /// Their id.
    pub id: Uuid,
    /// Their address, as typed.
    pub email: String,
    /// PHC string.
    pub password_hash: String,
}

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
