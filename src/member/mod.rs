//! Accounts as their people see them, and how people leave: out of everything that is the account's, at once. And how an
//! account is deactivated, with all that is in it.
//!
//! The room `account` has the rows; here is what it takes several rooms for.

mod change;
mod deactivate;
mod service;

use std::time::Duration;

use uuid::Uuid;

pub use service::Service;

use crate::{
    account,
    db::Transaction,
    error::Result,
    subscription::When,
    workcenter::{self, LEFT, REMOVED},
};

/// Takes `user` out of an account and of all its WorkCenters, by the doing of `by`, and tells those who are concerned.
/// The transaction must hold the account.
///
/// # Errors
///
/// What [`account::remove`] refuses.
async fn remove(
    tx: &Transaction<'_>,
    account: Uuid,
    user: Uuid,
    by: Uuid,
    when: &When,
    window: Duration,
) -> Result<()> {
    account::remove(tx, account, user).await?;
    let kind = if by == user { LEFT } else { REMOVED };
    let left = workcenter::remove_all(tx, account, user, when).await?;
    workcenter::announce(tx, kind, &left, by, when.now, window).await?;
    account::announce_all(tx, &[user], Some(account)).await
}
