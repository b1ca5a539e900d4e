//! People as those who sign in: addresses, passwords, sessions, and the keys of other services.
//!
//! Of a token or key only its SHA-256 is kept, so there is nothing to steal. All limits of time here are measured by
//! the database's real clock, also where the rest of the program lives by the development clock.

mod address;
mod binding;
mod challenge;
mod email;
mod event;
mod gate;
mod password;
mod reset;
mod second;
mod service;
mod session;
mod store;
mod throttle;

use jiff::Timestamp;
use uuid::Uuid;

pub use address::{ADDRESS_CHANGE_GOOD_FOR, Moved, ask_for_address, move_address, pending_address, take_address};
pub use binding::{Name, bind, unbind};
pub use challenge::Challenge;
pub use email::Email;
pub use event::{Event, EventKind, Written, letters, record};
pub use gate::Gate;
pub use password::{
    Candidate, PASSWORD_BYTES_MAX, PASSWORD_MAX, Preset, judge, policy_of_account, typed as typed_password,
    violations as password_violations,
};
pub use second::{
    SECOND_ADDRESS_GOOD_FOR, Second, ask_for_second_address, confirm_second_address, remove_second_address,
    second_address,
};
pub use service::Service;
pub use session::{SESSION_IDLE, SESSION_MAX, Session, begin_session};
pub use store::{address, find, insert, make_key};

use crate::{
    auth::Origin,
    db::{GenericClient, Transaction},
    error::Result,
};

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
    /// Whether they may not sign in.
    pub is_disabled: bool,
}

/// Keeps a person from signing in and ends all sessions of theirs, or lets them in again. Says whether anything changed.
///
/// # Errors
///
/// What the database says.
pub async fn set_disabled(tx: &Transaction<'_>, user: Uuid, is_disabled: bool, now: Timestamp) -> Result<bool> {
    if !store::set_disabled(tx, user, is_disabled).await? {
        return Ok(false);
    }
    let kind = if is_disabled { EventKind::Disabled } else { EventKind::Enabled };
    if is_disabled {
        session::end_all(tx, user, None).await?;
        reset::forget(tx, user).await?;
        address::forget(tx, user).await?;
        second::forget(tx, user).await?;
    }
    record(tx, Event::new(kind, Some(user), &Origin::default()), now).await?;
    Ok(true)
}

/// Removes what is long over: attempts, sessions and events; returns how many of all.
///
/// # Errors
///
/// What the database says.
pub async fn sweep(on: &impl GenericClient) -> Result<u64> {
    Ok(throttle::sweep(on).await? + session::sweep(on).await? + event::sweep(on).await?)
}
