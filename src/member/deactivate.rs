//! Deactivating an account, and making it active again. While it is not, it says nothing to anybody.
//!
//! Whoever changes something in an account shares its row until they are done: [`account::enter`]. Here the row is held,
//! so of a change and a deactivation that come at once one is first, and the later one knows of it. Publishing asks for no
//! account: it waits for the head of its log, and finds it closed. What was being composed finds that cursors have moved.
//!
//! Locks: the account, the subscriptions of its active WorkCenters, the heads of their logs, then its mails; no invites, for
//! whoever answers one has it locked when they come to the account.

use jiff::Timestamp;

use crate::{
    account::{self, Account},
    db::Transaction,
    error::Result,
    outbox, subscription,
};

/// Why mails are withdrawn that wait when it is deactivated, or that something declined meanwhile has left.
const WHY: &str = "the account was deactivated";

/// Deactivates `account`, which the transaction holds: what waits is settled as not told, and what is in the outbox does not
/// go any more.
///
/// # Errors
///
/// What the database says.
pub(super) async fn deactivate(tx: &Transaction<'_>, account: Account, now: Timestamp) -> Result<Account> {
    if account.deactivated_at.is_some() {
        return Ok(account);
    }
    subscription::close_all(tx, account.id, now).await?;
    outbox::withdraw(tx, account.id, WHY).await?;
    turned(tx, account, Some(now)).await
}

/// Makes `account`, which the transaction holds, active again. What happened before stays untold; WorkCenters that were
/// archived or deleted are still that.
///
/// # Errors
///
/// What the database says.
pub(super) async fn reactivate(tx: &Transaction<'_>, account: Account, now: Timestamp) -> Result<Account> {
    if account.deactivated_at.is_none() {
        return Ok(account);
    }
    subscription::reopen_all(tx, account.id, now).await?;
    outbox::withdraw(tx, account.id, WHY).await?;
    turned(tx, account, None).await
}

async fn turned(tx: &Transaction<'_>, account: Account, deactivated_at: Option<Timestamp>) -> Result<Account> {
    let account = Account { deactivated_at, revision: account.revision + 1, ..account };
    account::update(tx, &account).await?;
    Ok(account)
}
