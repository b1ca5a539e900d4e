//! The digest that an administrator may have of an account's WorkCenters that they do not collaborate in.
//!
//! It is told by subscriptions like any other, never at once, and only of what is for everybody. Whoever makes a
//! WorkCenter or opens it again, files it anew, lets people in or out, or takes the role away calls this room in the same
//! transaction. Who comes to collaborate hears by that, in the same row; when they leave, the digest goes on from there.
//!
//! Choosing holds the account, and so does taking the role away; making a WorkCenter, opening one and filing it anew
//! share it. So whoever of them is later knows of the earlier one. Links ask for no account: they and all others
//! lock the recipient.

mod store;

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    Cause, Delivery, Recipient, When, end, lock_people, missing as no_log, recipient::follow, settlement,
    settlement::Jump, slot, store as subscriptions, store::Held,
};
use crate::{
    db::{GenericClient, Transaction},
    error::Result,
    ids,
};
use store::Missing;

/// Categories that a digest is limited to, at most: more than an account tells apart, and few enough for one screen.
pub const CATEGORIES_MAX: usize = 100;

/// WorkCenters that a digest leaves out, at most, as rows of all batches: who wants fewer has categories.
pub const EXCLUDED_MAX: usize = 1_000;

/// What an administrator has chosen for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// With which digest; never at once, nor as it is set elsewhere.
    pub delivery: Delivery,
    /// Of which categories; empty for all.
    pub categories: Vec<String>,
    /// Of which WorkCenters not.
    pub excluded: Vec<Uuid>,
    /// Whether a link in a mail has switched it off.
    pub silenced: bool,
    /// The etag.
    pub revision: i64,
}

impl Default for Choice {
    fn default() -> Self {
        let (categories, excluded) = (Vec::new(), Vec::new());
        Self { delivery: Delivery::Off, categories, excluded, silenced: false, revision: 1 }
    }
}

/// An account that somebody administers, with the digest they have chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The account.
    pub account: Uuid,
    /// Its name.
    pub account_name: String,
    /// What is chosen.
    pub choice: Choice,
    /// Of how many WorkCenters it tells now.
    pub workcenters: i64,
}

/// The accounts that `user` administers, by id, after the account `after`; only `account` when that is given.
///
/// # Errors
///
/// What the database says.
pub async fn list(
    on: &impl GenericClient,
    user: Uuid,
    after: Option<Uuid>,
    account: Option<Uuid>,
    fetch: i64,
) -> Result<Vec<Overview>> {
    store::list(on, user, after, account, fetch).await
}

/// Those of `ids` that are no WorkCenter of `account`.
///
/// # Errors
///
/// What the database says.
pub async fn strange(on: &impl GenericClient, account: Uuid, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    store::strange(on, account, ids).await
}

/// Changes the digest that `user`, an administrator, has of `account` to what `change` makes of it. It begins, for each
/// WorkCenter, with what happens from now on; what waits in those that it does not tell of any more is settled as not told.
///
/// The transaction must hold the account.
///
/// # Errors
///
/// What `change` refuses.
pub async fn choose(
    tx: &Transaction<'_>,
    account: Uuid,
    user: Uuid,
    change: impl FnOnce(Choice) -> Result<Choice>,
    when: &When,
) -> Result<()> {
    let recipient = subscriptions::lock_recipient(tx, user).await?;
    let was = store::find(tx, account, user).await?;
    let chosen = change(was.clone())?;
    if chosen == was {
        return Ok(());
    }
    store::write(tx, account, user, &chosen).await?;
    align(tx, account, &[recipient], None, when).await?;
    Ok(())
}

/// Has the digests of `account` tell of a WorkCenter that was made, or is open again: called before anybody comes into it,
/// and before its log is opened. The recipients of `newcomers`, who come into it in the same transaction, are locked with the
/// others.
///
/// The transaction must have entered the account.
///
/// # Errors
///
/// What the database says.
pub async fn include(tx: &Transaction<'_>, account: Uuid, log: Uuid, newcomers: &[Uuid], when: &When) -> Result<()> {
    let mut users = store::listening(tx, account).await?;
    if users.is_empty() {
        return Ok(());
    }
    let others: Vec<Uuid> = users.iter().copied().filter(|it| !newcomers.contains(it)).collect();
    users.extend(newcomers);
    let recipients = lock_people(tx, &users).await?;
    let missing = store::missing(tx, &[account], &others, Some(&[log])).await?;
    if missing.is_empty() {
        return Ok(());
    }
    begin(tx, &recipients, &missing, when).await?;
    slot::reschedule(tx, &recipients, when).await
}

/// Has the digests of `account` follow a WorkCenter that is filed under another category now. Returns whose digest does not
/// tell of it any more, whose mails are to be held.
///
/// The transaction must have entered the account.
///
/// # Errors
///
/// What the database says.
pub async fn refile(tx: &Transaction<'_>, account: Uuid, log: Uuid, when: &When) -> Result<Vec<Uuid>> {
    let users = store::listening(tx, account).await?;
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let recipients = lock_people(tx, &users).await?;
    align(tx, account, &recipients, Some(log), when).await
}

/// Ends the digest that `user` has of `account`: they administer it no more. What waited is settled as not told.
///
/// The transaction must hold the account.
///
/// # Errors
///
/// What the database says.
pub async fn resign(tx: &Transaction<'_>, account: Uuid, user: Uuid, when: &When) -> Result<()> {
    let recipient = subscriptions::lock_recipient(tx, user).await?;
    store::resign(tx, account, user).await?;
    let held: Vec<Held> = store::lock(tx, account, &[user], None).await?.into_iter().map(|(it, _)| it).collect();
    end(tx, &held, when).await?;
    slot::reschedule(tx, &[recipient], when).await
}

/// Notes that the digest is ended of somebody whose subscriptions are ended with all others.
pub(super) async fn forgo(tx: &Transaction<'_>, account: Uuid, user: Uuid) -> Result<()> {
    store::resign(tx, account, user).await
}

/// Switches off the digest of `account` that `user`, who is locked, has, by a link of the kind `by`; their locked
/// subscriptions follow.
pub(super) async fn silence(tx: &Transaction<'_>, account: Uuid, user: Uuid, by: &str) -> Result<()> {
    store::silence(tx, account, user, by).await
}

/// Undoes that: the digest begins of what was made meanwhile too. Returns what it is set to, if anything was to be undone.
pub(super) async fn unsilence(
    tx: &Transaction<'_>,
    account: Uuid,
    recipient: &Recipient,
    by: &str,
    when: &When,
) -> Result<Option<Delivery>> {
    let undone = store::unsilence(tx, account, recipient.user, by).await?;
    if undone.is_some() {
        let missing = store::missing(tx, &[account], &[recipient.user], None).await?;
        begin(tx, std::slice::from_ref(recipient), &missing, when).await?;
    }
    Ok(undone)
}

/// Has the digests of `recipient`, who has left `logs`, tell of them from here on.
pub(super) async fn go_on(
    tx: &Transaction<'_>,
    accounts: &[Uuid],
    recipient: &Recipient,
    logs: &[Uuid],
    when: &When,
) -> Result<()> {
    let missing = store::missing(tx, accounts, &[recipient.user], Some(logs)).await?;
    begin(tx, std::slice::from_ref(recipient), &missing, when).await
}

/// Brings the subscriptions of locked recipients in step with their digests of `account`, for all logs or one. Returns who
/// has lost some.
async fn align(
    tx: &Transaction<'_>,
    account: Uuid,
    recipients: &[Recipient],
    log: Option<Uuid>,
    when: &When,
) -> Result<Vec<Uuid>> {
    let users: Vec<Uuid> = recipients.iter().map(|it| it.user).collect();
    let (mut kept, mut lost) = (Vec::new(), Vec::new());
    for (held, stays) in store::lock(tx, account, &users, log).await? {
        if stays { kept.push(held) } else { lost.push(held) }
    }
    end(tx, &lost, when).await?;
    let missing = store::missing(tx, &[account], &users, log.as_ref().map(std::slice::from_ref)).await?;
    begin(tx, recipients, &missing, when).await?;
    follow(tx, recipients, &kept, Vec::new(), when).await?;
    Ok(lost.iter().map(|it| it.user).collect())
}

/// Begins what is `missing` of locked recipients, each with what happens from now on.
async fn begin(tx: &Transaction<'_>, recipients: &[Recipient], missing: &[Missing], when: &When) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let chosen: HashMap<Uuid, &Recipient> = recipients.iter().map(|it| (it.user, it)).collect();
    let (users, logs): (Vec<Uuid>, Vec<Uuid>) = missing.iter().map(|it| (it.user, it.log)).unzip();
    let heads = subscriptions::heads(tx, &logs).await?;
    let before = subscriptions::lock_ties(tx, &users, &logs).await?;
    let before: HashMap<(Uuid, Uuid), &Held> = before.iter().map(|it| ((it.user, it.log), it)).collect();

    let (mut new, mut revived, mut jumps) = (Vec::new(), Vec::new(), Vec::new());
    for &Missing { account, user, log, delivery } in missing {
        let Some(recipient) = chosen.get(&user) else { continue };
        let start = heads.get(&log).ok_or_else(|| no_log(log))?.last_seq;
        let cadence = recipient.administers(delivery);
        if let Some(was) = before.get(&(user, log)) {
            revived.push((was.id, cadence, start));
            jumps.push(was.jump(start));
        } else {
            let id = ids::new();
            new.push(subscriptions::New { id, account, user, log, cadence, start });
            jumps.push(Jump { account, user, subscription: id, log, from: start, to: start });
        }
    }
    store::revive(tx, &revived, when.now).await?;
    subscriptions::insert(tx, &new, true, when.now).await?;
    settlement::jump(tx, Cause::Resumed, &jumps, when.now).await
}
