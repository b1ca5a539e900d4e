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
    activity,
    db::Transaction,
    error::{Error, Kind, Result},
    ids, outbox,
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

/// The kind of the event that somebody is something else in an account.
const ROLE_CHANGED: &str = "account.role_changed";

/// Makes `user` what `role` says in an account, by the doing of `by`, of which they are told if it is not their own. Who
/// administers the account no more has no digest for that any more. The transaction must hold the account.
///
/// # Errors
///
/// What [`account::set_role`] refuses.
async fn set_role(
    tx: &Transaction<'_>,
    account: Uuid,
    user: Uuid,
    role: AccountRole,
    by: Uuid,
    when: &When,
    window: Duration,
) -> Result<()> {
    let before = account::role(tx, account, user).await?;
    account::set_role(tx, account, user, role).await?;
    let is_told = by != user && before != Some(role);
    // Which locks the account, and so comes before its people.
    let log = if is_told { Some(subscription::own_log(tx, account, user).await?) } else { None };
    if role != AccountRole::Administrator {
        subscription::administrator::resign(tx, account, user, when).await?;
        // What is composed and has not gone is written by what is so from here on.
        outbox::hold(tx, &[user]).await?;
    }
    let Some(log) = log else { return Ok(()) };
    let found = account::find(tx, account).await?;
    let found = found.ok_or_else(|| Error::NotFound(Kind::Account, account.to_string()))?;
    let now = match role {
        AccountRole::Administrator => "You are an administrator now.",
        AccountRole::Member => "You are a member now.",
        AccountRole::Guest => "You are a guest now.",
    };
    let event = activity::New {
        event_id: ids::new().to_string(),
        kind: ROLE_CHANGED.to_owned(),
        actor: by,
        subject: activity::Thing {
            kind: "account".to_owned(),
            id: account.to_string(),
            title: found.name,
            url: String::new(),
        },
        parent: activity::Thing::default(),
        summary: now.to_owned(),
        audience: activity::Audience::Everyone,
        addressees: Vec::new(),
        occurred_at: when.now,
    };
    subscription::attend(tx, account, user, log, when).await?;
    activity::publish(tx, log, vec![event.to_oneself(user)], when.now, window).await.map(drop)
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
