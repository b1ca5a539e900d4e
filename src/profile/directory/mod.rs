//! The directory of an account as a feed: the profile of everybody in it, again each time that it changes, and who goes.
//!
//! What is kept is one number for each who is or was a member, the place of their last change. A change says no more than
//! that there was one (`account::announce`); the number is given soon after it has committed, to many at a time, while
//! there is somebody who reads. So a reader who has seen everything up to a number asks for what is after it, however
//! long ago that was, and gets each who has changed since once, as they are now, or that they are gone. Nothing is kept
//! for readers, and none can fall too far behind.

mod number;
pub(super) mod service;
mod store;
mod watch;

use uuid::Uuid;

use crate::{
    error::{Reason, Violation},
    secret::TokenKey,
};

pub use watch::{LOOK_EVERY, Watch};

/// What a position is sealed for.
const PURPOSE: &str = "directory";

/// Where somebody is who follows the directory of `account`, for them to come back with.
fn sealed(key: &TokenKey, account: Uuid, seq: i64) -> String {
    key.seal(PURPOSE, &[account.as_bytes().as_slice(), &seq.to_be_bytes()].concat())
}

/// Reads a position in the directory of `account`; empty text is the beginning.
fn opened(key: &TokenKey, account: Uuid, position: &str) -> Result<i64, Violation> {
    if position.is_empty() {
        return Ok(0);
    }
    let content = key.open(PURPOSE, position);
    let seq = content.as_deref().and_then(|it| it.strip_prefix(account.as_bytes().as_slice())).map(TryInto::try_into);
    match seq {
        Some(Ok(seq)) => Ok(i64::from_be_bytes(seq)),
        _ => {
            let rule = "must be the position of an answer about the same account";
            Err(Violation::new("after", rule).because(Reason::PageTokenInvalid))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids;

    #[test]
    fn a_position_is_read_again_for_its_own_account_and_by_its_own_key_alone() {
        let key: TokenKey = "0a".repeat(32).parse().unwrap();
        let (ours, theirs) = (ids::new(), ids::new());
        let position = sealed(&key, ours, 7);
        assert_eq!(opened(&key, ours, &position), Ok(7));
        assert_eq!(opened(&key, ours, ""), Ok(0));
        let other: TokenKey = "0b".repeat(32).parse().unwrap();
        for (key, account, position) in [
            (&key, theirs, position.as_str()),
            (&other, ours, &position),
            (&key, ours, &position[1..]),
            (&key, ours, "7"),
            (&key, ours, &key.seal("page", &[ours.as_bytes().as_slice(), &[0; 8]].concat())),
            (&key, ours, &key.seal(PURPOSE, ours.as_bytes())),
        ] {
            let refused = opened(key, account, position).unwrap_err();
            assert_eq!((refused.field.as_str(), refused.reason), ("after", Reason::PageTokenInvalid));
        }
    }
}
