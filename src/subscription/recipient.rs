//! Changing how a person hears of things, with what that does to what waits for them.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    AddressedItems, Cadence, Cause, Delivery, Placed, Recipient, When, lock_people,
    schedule::Beat,
    settlement, slot, store,
    transitions::{Step, step},
};
use crate::{
    activity,
    db::{GenericClient, Transaction},
    error::Result,
};

/// When a person's next digest goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// Whose WorkCenters it tells of.
    pub account: Uuid,
    /// Which digest.
    pub beat: Beat,
    /// The instant, the spread included.
    pub at: Timestamp,
    /// The zone it was made for.
    pub zone: String,
}

/// How `user` wants to hear of things.
///
/// # Errors
///
/// What the database says.
pub async fn find(on: &impl GenericClient, user: Uuid) -> Result<Recipient> {
    store::find_recipient(on, user).await
}

/// The next digests of `user`, by account and beat.
///
/// # Errors
///
/// What the database says.
pub async fn next_digests(on: &impl GenericClient, user: Uuid) -> Result<Vec<Next>> {
    slot::next_digests(on, user).await
}

/// Changes how `user` hears of things to what `choose` makes of how they do; what waits follows the transitions.
///
/// # Errors
///
/// What `choose` refuses.
pub async fn change(
    tx: &Transaction<'_>,
    user: Uuid,
    choose: impl FnOnce(Recipient) -> Result<Recipient>,
    when: &When,
) -> Result<Recipient> {
    let was = store::lock_recipient(tx, user).await?;
    let chosen = choose(was.clone())?;
    if chosen == was {
        return Ok(was);
    }
    store::update_recipient(tx, &chosen).await?;
    let mut held = store::lock_live(tx, &[user], None, None).await?;
    if chosen.default != was.default {
        // Their own logs go by it: to choose it is to choose for these, whatever a link has made of them.
        let mut own: Vec<store::Held> = held.extract_if(.., |it| it.own).collect();
        own.iter_mut().for_each(|it| it.delivery = Delivery::Inherit);
        store::deliver(tx, &own).await?;
        held.append(&mut own);
    }
    if was.paused(when.now) && !chosen.paused(when.now) {
        slot::come_back(tx, user, when.now).await?;
    }
    // What waited for a digest that it will not come with is told at once.
    let waits = was.addressed == AddressedItems::WithDigest && chosen.addressed == AddressedItems::Immediate;
    let woken = if waits { store::waiting_logs(tx, user).await? } else { Vec::new() };
    follow(tx, std::slice::from_ref(&chosen), &held, woken, when).await?;
    Ok(Recipient { revision: was.revision + 1, ..chosen })
}

/// Has those of the `members` of `account` follow its default who have chosen nothing themselves, after the default was
/// changed: what waits for each of them does what it would if each had changed their own. The digests of whom is among
/// `rezoned` are set anew as well. Returns who followed, whose mails are to be held.
///
/// The transaction must keep others from coming into the account. Whoever comes into a WorkCenter meanwhile, or chooses,
/// waits for their recipient, and finds the new default then.
///
/// # Errors
///
/// What the database says.
pub async fn follow_account(
    tx: &Transaction<'_>,
    account: Uuid,
    members: &[Uuid],
    rezoned: &[Uuid],
    when: &When,
) -> Result<Vec<Uuid>> {
    let rezoned: BTreeSet<Uuid> = rezoned.iter().copied().collect();
    let mut recipients = lock_people(tx, members).await?;
    let heirs: Vec<Uuid> = recipients.iter().filter(|it| it.default == Delivery::Inherit).map(|it| it.user).collect();
    recipients.retain(|it| it.default == Delivery::Inherit || rezoned.contains(&it.user));
    let held = store::lock_live(tx, &heirs, None, Some(account)).await?;
    follow(tx, &recipients, &held, Vec::new(), when).await?;
    Ok(heirs)
}

/// Sets how `user` hears of WorkCenters, of each but once. Returns what is set for each of them now, by id; those that they
/// do not collaborate in are missing, and nothing may be committed when one is.
///
/// # Errors
///
/// What the database says.
pub async fn set_deliveries(
    tx: &Transaction<'_>,
    user: Uuid,
    deliveries: &HashMap<Uuid, Delivery>,
    when: &When,
) -> Result<(Recipient, Vec<Placed>)> {
    let recipient = store::lock_recipient(tx, user).await?;
    let logs: Vec<Uuid> = deliveries.keys().copied().collect();
    let most = i64::try_from(logs.len()).unwrap_or(i64::MAX);
    let mut held = store::lock_live(tx, &[user], Some(&logs), None).await?;
    held.retain(|it| it.administrator.is_none());
    held.iter_mut().for_each(|it| it.delivery = deliveries.get(&it.log).copied().unwrap_or(it.delivery));
    store::deliver(tx, &held).await?;
    let placed = store::list(tx, user, None, Some(&logs), most).await?;
    follow(tx, std::slice::from_ref(&recipient), &held, Vec::new(), when).await?;
    Ok((recipient, placed))
}

/// Sets how `user` hears of every WorkCenter that they collaborate in.
///
/// # Errors
///
/// What the database says.
pub async fn set_all(tx: &Transaction<'_>, user: Uuid, delivery: Delivery, when: &When) -> Result<()> {
    let recipient = store::lock_recipient(tx, user).await?;
    let mut held = store::lock_live(tx, &[user], None, None).await?;
    held.retain(|it| !it.own && it.administrator.is_none());
    held.iter_mut().for_each(|it| it.delivery = delivery);
    store::deliver(tx, &held).await?;
    follow(tx, &[recipient], &held, Vec::new(), when).await
}

/// Brings the cadences of locked subscriptions of `recipients` in step with what is set, does what the transitions say, and
/// makes logs due: those of `woken`, and those that somebody hears at once from here on. An event that came while this was
/// decided may have been passed over already.
pub(super) async fn follow(
    tx: &Transaction<'_>,
    recipients: &[Recipient],
    held: &[store::Held],
    mut woken: Vec<Uuid>,
    when: &When,
) -> Result<()> {
    let (mut suppressed, mut resumed, mut paced, mut catch_up) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let chosen: HashMap<Uuid, &Recipient> = recipients.iter().map(|it| (it.user, it)).collect();
    for it in held {
        let Some(recipient) = chosen.get(&it.user) else { continue };
        let cadence = it.effective(recipient);
        if cadence == it.cadence {
            continue;
        }
        paced.push((it.id, cadence));
        match step(it.cadence, cadence) {
            Step::Keep => {}
            Step::Suppress => suppressed.push(it.jump(it.last_seq)),
            Step::Resume => {
                resumed.push(it.jump(it.last_seq));
                if cadence == Cadence::Immediate {
                    woken.push(it.log);
                }
            }
            Step::CatchUp => catch_up.push((it.user, it.account)),
        }
    }
    store::pace(tx, &paced).await?;
    settlement::jump(tx, Cause::Suppressed, &suppressed, when.now).await?;
    settlement::jump(tx, Cause::Resumed, &resumed, when.now).await?;
    slot::catch_up(tx, &catch_up, when.now).await?;
    slot::reschedule(tx, recipients, when).await?;
    woken.sort_unstable();
    woken.dedup();
    if woken.is_empty() { Ok(()) } else { activity::wake(tx, &woken, when.now).await }
}
