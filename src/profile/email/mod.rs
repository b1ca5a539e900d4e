//! The address that a profile shows: asked for with the password, and changed by whoever gets mail at it.
//!
//! The rules are those of the room `identity`, which the address belongs to; here is what they do to the profile.

mod service;

use crate::{clock::Clock, db::Db, identity::Challenge, secret::TokenKey};

/// Changes the addresses of people.
pub struct Addresses {
    db: Db,
    clock: Clock,
    key: TokenKey,
    challenge: Challenge,
}

impl Addresses {
    /// Over `db`: tokens of mails are made with `key`, and passwords are asked for by `challenge`.
    pub fn new(db: Db, clock: Clock, key: TokenKey, challenge: Challenge) -> Self {
        Self { db, clock, key, challenge }
    }
}
