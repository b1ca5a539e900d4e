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
    access::AccountRole,
    account::{self, Account},
    db::Transaction,
    error::Result,
    outbox,
    subscription::{self, When},
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

/// Makes `user` what `role` says; who administers the account no more has no digest for that any more. The transaction must
/// hold the account.
///
/// # Errors
///
/// What [`account::set_role`] refuses.
async fn set_role(tx: &Transaction<'_>, account: Uuid, user: Uuid, role: AccountRole, when: &When) -> Result<()> {
    account::set_role(tx, account, user, role).await?;
    if role == AccountRole::Administrator {
        return Ok(());
    }
    subscription::administrator::resign(tx, account, user, when).await?;
    // What is composed and has not gone is written by what is so from here on.
    outbox::hold(tx, &[user]).await
}

/// Has an account's people follow what was changed of it: `before` became `after`, which is written. The transaction must
/// hold the account.
///
/// # Errors
///
/// What the database says.
async fn follow(tx: &Transaction<'_>, before: &Account, after: &Account, when: &When) -> Result<()> {
    // It is what others see of those who have set none, and when their digests go.
    let is_moved = after.time_zone != before.time_zone;
    let rezoned = if is_moved { account::zoned(tx, after.id).await? } else { Vec::new() };
    if after.default_delivery != before.default_delivery {
        let members = account::everybody(tx, after.id).await?;
        let heard = subscription::follow_account(tx, after.id, &members, &rezoned, when).await?;
        // What is composed and has not gone is written by what is so from here on.
        outbox::hold(tx, &heard).await?;
    } else if is_moved {
        subscription::reschedule(tx, &rezoned, when).await?;
    }
    if is_moved { account::announce_all(tx, &rezoned, None).await } else { Ok(()) }
}
