//! Making an invite; somebody who belongs to the account needs none and is brought in at once.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Invite, offer::Offer, store, token};
use crate::{
    access::Leave,
    account,
    db::Transaction,
    error::{Error, Kind, Result},
    identity, ids, outbox,
    secret::{self, TokenKey},
    subscription::When,
    workcenter,
};

/// What came of an offer.
pub(super) enum Made {
    /// The invite, and its mail is in the outbox.
    Invited(Box<Invite>),
    /// A member of the account came into these WorkCenters, which nobody has been told yet.
    Added {
        /// The member.
        user: Uuid,
        /// By id; those where they were already are left out.
        workcenters: Vec<Uuid>,
    },
}

/// Makes an invite of `offer`, by the one who has `leave` for its account, and who must have the right to all of it.
///
/// # Errors
///
/// [`Error::NotFound`] and [`Error::Forbidden`] for what the inviter may not offer, [`Error::Refused`] for a place in an
/// archived WorkCenter, [`Error::Taken`] while the address
/// has a live invite to the account.
pub(super) async fn make(
    tx: &Transaction<'_>,
    key: &TokenKey,
    offer: Offer,
    leave: &Leave,
    when: &When,
) -> Result<Made> {
    let (inviter, role) = (leave.person, leave.standing.account_role);
    let right = store::right(tx, inviter, offer.account, role, &offer.places).await?;
    right.covers(offer.account_role, &offer.places)?;
    workcenter::all_open(tx, &offer.places).await?;

    let person = identity::find(tx, &offer.email.key).await?.map(|it| it.id);
    if let Some(user) = person
        && account::role(tx, offer.account, user).await?.is_some()
    {
        let workcenters = workcenter::add_all(tx, user, &offer.places, when).await?;
        return Ok(Made::Added { user, workcenters });
    }

    store::expire(tx, offer.account, &offer.email.key, when.now).await?;
    let account = account::find(tx, offer.account).await?;
    let account = account.ok_or_else(|| Error::NotFound(Kind::Account, offer.account.to_string()))?;
    let invite = offer.invite(account, inviter, when.now)?;
    let invite = Invite { invited: person, ..invite };
    let mail = mail(&invite, when.now);
    store::insert(tx, &invite, &secret::hash(token(key, invite.id, invite.turn).expose()), mail.id).await?;
    outbox::put(tx, &[mail]).await?;
    Ok(Made::Invited(Box::new(invite)))
}

/// The mail that an invite is sent by.
pub(super) fn mail(invite: &Invite, now: Timestamp) -> outbox::New {
    let turn = invite.turn.to_be_bytes();
    let of: &[&[u8]] = &[b"invite", invite.id.as_bytes(), &turn];
    outbox::New {
        id: ids::new(),
        account: invite.account,
        user: invite.invited,
        kind: outbox::Kind::Invite,
        subject: invite.id,
        key: secret::digest(of),
        dated_at: now,
    }
}
