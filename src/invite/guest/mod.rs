//! Inviting people whom somebody's work brings into WorkCenters, as guests of their account.
//!
//! Each has one invite to the account, however many WorkCenters they are brought into: while it waits, the ones after the first
//! come to it, and nothing is mailed again. What is asked of invites that people make is asked of these.
//!
//! Locks: [`hold`] before any WorkCenter is locked, for whoever accepts an invite locks that first.

mod store;

use uuid::Uuid;

use super::{
    Invite,
    make::{Existing, Made, make, take_turn},
    offer::{Offer, PLACES_MAX},
    store::lock_live,
};
use crate::{
    access::AccountRole,
    db::Transaction,
    error::{Error, Result},
    secret::TokenKey,
    workcenter::{Arrival, Place, Tie},
};

/// What came of asking somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// This invite leads them there. Its mail is in the outbox, or went before.
    Invited(Uuid),
    /// They have come to belong to the account meanwhile, and came at once; nobody has been told yet.
    Came(Vec<Tie>),
    /// They have one that leads them there already, or one from somebody else.
    Waits,
    /// The one they have leads to as many WorkCenters as it may.
    Full,
    /// The account has as many as it may have.
    Exhausted,
    /// The inviter may not.
    Denied,
}

/// Waits for whoever makes invites to `account`, and for whoever answers those of `people`, until the transaction ends.
///
/// # Errors
///
/// [`Error::Refused`] when the account is deactivated.
pub async fn hold(tx: &Transaction<'_>, account: Uuid, people: &[Uuid]) -> Result<()> {
    take_turn(tx, account).await?;
    let emails = store::emails(tx, people).await?;
    let keys: Vec<&str> = emails.values().map(|it| it.key.as_str()).collect();
    lock_live(tx, account, &keys).await.map(drop)
}

/// Invites people to `account`, each to one of its WorkCenters, by `inviter`. They are [held](hold), and no two are the same.
/// Returns what came of each.
///
/// # Errors
///
/// [`Error::Refused`] when the account is deactivated; what the database says.
pub async fn ask(
    tx: &Transaction<'_>,
    key: &TokenKey,
    account: Uuid,
    guests: &[(Uuid, Place)],
    inviter: Uuid,
    arrival: &Arrival,
) -> Result<Vec<Asked>> {
    let ids: Vec<Uuid> = guests.iter().map(|it| it.0).collect();
    let emails = store::emails(tx, &ids).await?;
    let offer = |(user, place): &(Uuid, Place)| {
        let email = emails.get(user).cloned().ok_or_else(|| Error::internal("nobody is asked"))?;
        Ok(Offer {
            email,
            account_role: AccountRole::Guest,
            places: vec![*place],
            message: String::new(),
            good_for: None,
            no_reminders: false,
            notify_on_accept: false,
        })
    };
    let offers = guests.iter().map(offer).collect::<Result<Vec<_>>>()?;
    let made = make(tx, key, account, offers, Existing::Skip, inviter, arrival).await?;
    let (mut asked, mut more) = (Vec::with_capacity(guests.len()), Vec::new());
    for (made, (_, place)) in made.into_iter().zip(guests) {
        asked.push(match made {
            Ok(Made::Invited(it) | Made::Resent(it)) => Asked::Invited(it.id),
            Ok(Made::Added(ties)) => Asked::Came(ties),
            Ok(Made::Skipped(live)) => {
                let asked = also(&live, *place, inviter);
                if asked == Asked::Invited(live.id) {
                    more.push((live.id, *place));
                }
                asked
            }
            Err(Error::Taken(_)) => Asked::Waits,
            Err(Error::Exhausted(..)) => Asked::Exhausted,
            Err(Error::Forbidden | Error::NotFound(..) | Error::Refused(_)) => Asked::Denied,
            Err(other) => return Err(other),
        });
    }
    if !more.is_empty() {
        store::place(tx, &more).await?;
    }
    Ok(asked)
}

/// What becomes of somebody who has a live invite: only its inviter says where else it leads.
fn also(live: &Invite, place: Place, inviter: Uuid) -> Asked {
    let leads_there = live.places.iter().any(|it| it.workcenter == place.workcenter);
    if leads_there || live.inviter != inviter {
        Asked::Waits
    } else if PLACES_MAX <= live.places.len() {
        Asked::Full
    } else {
        Asked::Invited(live.id)
    }
}
