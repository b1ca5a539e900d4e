//! A person's own log in an account: of their background processes, their roles, their places. Nobody else hears of it.
//!
//! It is a log like any other, and one subscription reads it: always as the person's default is, so that it is set nowhere, and
//! stands in no list of WorkCenters. It is made when something is first to be told in it.

mod store;

use uuid::Uuid;

pub use store::find as find_own;

use super::{Joining, When, join};
use crate::{
    activity,
    db::Transaction,
    error::{Error, Kind, Reason, Result},
    ids,
};

/// The own log of `user` in `account`, which is made when there is none. Comes before all that locks more than the account;
/// [`attend`] comes before anything is published.
///
/// # Errors
///
/// [`Error::NotFound`] for somebody who is not in the account, [`Error::Refused`] when it is deactivated and there is no log.
pub async fn own_log(tx: &Transaction<'_>, account: Uuid, user: Uuid) -> Result<Uuid> {
    if let Some(log) = store::of_member(tx, account, user).await? {
        return Ok(log);
    }
    // Nobody deactivates it until the log stands among those that are closed then.
    match store::enter(tx, account, user).await? {
        None => return Err(Error::NotFound(Kind::User, user.to_string())),
        Some(true) => return Err(Error::Refused(Reason::AccountDeactivated)),
        Some(false) => {}
    }
    let log = ids::new();
    if store::insert(tx, account, user, log).await? {
        activity::open(tx, log, account).await?;
        return Ok(log);
    }
    let made = store::of_member(tx, account, user).await?;
    made.ok_or_else(|| Error::internal("the log of a person was neither found nor made"))
}

/// Subscribes `user` to their own `log`, unless they are.
///
/// # Errors
///
/// What the database says.
pub async fn attend(tx: &Transaction<'_>, account: Uuid, user: Uuid, log: Uuid, when: &When) -> Result<()> {
    if store::attends(tx, user, log).await? {
        return Ok(());
    }
    join(tx, &[Joining { account, user, log }], &[], when).await
}
