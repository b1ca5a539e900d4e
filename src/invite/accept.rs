//! Accepting an invite: judged while its row is locked, so of two who come at once one gets it.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Invite, State, missing, newcomer::Newcomer, pending, rights::right, store, tell::tell};
use crate::{
    account,
    auth::Origin,
    db::{GenericClient, Transaction},
    error::{Error, Reason, Result},
    identity::{self, Email, Session},
    profile,
    secret::Hash,
    trail,
    workcenter::{self, ADDED, Arrival},
};

/// Why an invite says that it was revoked which nobody has withdrawn.
const LOST_RIGHT: &str = "whoever sent it may not offer it any more";

/// Who accepts which invite.
pub(super) enum Claim {
    /// Somebody who is not signed in, with the mail.
    Newcomer {
        /// The hash of the token in the mail.
        token: Hash,
        /// What they say of themselves, checked.
        newcomer: Newcomer,
        /// PHC string of their password.
        password_hash: String,
    },
    /// Somebody who is signed in, with the mail.
    Mailed {
        /// The hash of the token in the mail.
        token: Hash,
        /// The person.
        user: Uuid,
        /// Whether they know that it was sent to another address than theirs, and want it all the same.
        is_sure: bool,
    },
    /// Somebody who is signed in, out of their list.
    Listed {
        /// The invite.
        id: Uuid,
        /// The person.
        user: Uuid,
    },
}

/// What came of accepting. Both are to be committed, and of a person who is in now it is to be announced.
pub(super) enum Outcome {
    /// The person is in.
    Accepted {
        /// The invite, as it is now.
        invite: Box<Invite>,
        /// The person.
        user: Uuid,
        /// For a newcomer: they are signed in.
        session: Option<Session>,
    },
    /// The inviter may no longer offer it, and now it says so.
    Revoked,
}

/// The live invite with this token, for somebody who is not signed in; nothing is locked yet.
///
/// # Errors
///
/// [`Error::Refused`] for a token that is not good any more or never was, [`Error::Taken`] when its address is a
/// person's, who signs in first.
pub(super) async fn look(on: &impl GenericClient, token: &Hash, now: Timestamp) -> Result<Invite> {
    let invite = pending(store::find(on, token).await?, now)?;
    if invite.invited.is_some() { Err(Error::Taken(Reason::AddressInUse)) } else { Ok(invite) }
}

/// Accepts an invite and brings its person into the account and every WorkCenter that comes with it and is active.
///
/// # Errors
///
/// [`Error::Refused`] for an invite that is not pending, whose account is deactivated, or that was sent to another address
/// than that of who accepts it without being sure, [`Error::NotFound`] for the id of
/// somebody else's, [`Error::Forbidden`] for a token that was sent to the address of another person,
/// [`Error::Taken`] when a newcomer's address has become a person's meanwhile.
pub(super) async fn accept(
    tx: &Transaction<'_>,
    claim: Claim,
    origin: &Origin,
    arrival: &Arrival,
    window: Duration,
) -> Result<Outcome> {
    let when = arrival.when;
    let invite = claimed(tx, &claim, when.now).await?;

    if right(tx, &invite).await?.covers(invite.account_role, &invite.places).is_err() {
        store::end(tx, invite.id, State::Revoked, LOST_RIGHT, when.now).await?;
        trail::note("INVITE_REVOKED", None, Some(invite.id));
        return Ok(Outcome::Revoked);
    }

    let (user, is_new) = match claim {
        Claim::Mailed { user, .. } | Claim::Listed { user, .. } => (user, false),
        Claim::Newcomer { newcomer, password_hash, .. } => {
            (welcome(tx, &invite, &newcomer, &password_hash, when.now).await?, true)
        }
    };
    account::add_member(tx, invite.account, user, invite.account_role, when.now).await?;
    store::accept(tx, invite.id, user, when.now).await?;
    trail::note("INVITE_ACCEPTED", Some(user), Some(invite.id));
    let session = if is_new { Some(identity::begin_session(tx, user, origin).await?) } else { None };
    let coming: Vec<_> = invite.places.iter().map(|it| (user, *it)).collect();
    let came = workcenter::add_all(tx, &coming, arrival).await?;
    workcenter::announce(tx, ADDED, &came, invite.inviter, when.now, window).await?;
    let revision = invite.revision + 1;
    let invite = Box::new(Invite {
        state: State::Accepted,
        ended_at: Some(when.now),
        accepted_by: Some(user),
        revision,
        ..invite
    });
    if invite.notify_on_accept {
        tell(tx, &invite, when.now).await?;
    }
    Ok(Outcome::Accepted { invite, user, session })
}

/// The invite that is claimed, locked, if it is pending and the claimant's.
async fn claimed(tx: &Transaction<'_>, claim: &Claim, now: Timestamp) -> Result<Invite> {
    match claim {
        Claim::Newcomer { token, .. } => pending(store::lock_by_token(tx, token).await?, now),
        Claim::Mailed { token, user, is_sure } => {
            let invite = pending(store::lock_by_token(tx, token).await?, now)?;
            match invite.invited {
                Some(invited) if invited != *user => Err(Error::Forbidden),
                None if !is_sure => Err(Error::Refused(Reason::InviteOtherAddress)),
                _ => Ok(invite),
            }
        }
        Claim::Listed { id, user } => match store::lock_by_id(tx, *id).await? {
            Some(invite) if invite.invited == Some(*user) => pending(Some(invite), now),
            _ => Err(missing(*id)),
        },
    }
}

/// Makes a newcomer a person, under the address that the invite was sent to.
async fn welcome(
    tx: &Transaction<'_>,
    invite: &Invite,
    newcomer: &Newcomer,
    password_hash: &str,
    now: Timestamp,
) -> Result<Uuid> {
    let email = Email { address: invite.email.clone(), key: invite.email_key.clone() };
    let user = identity::insert(tx, &email, password_hash, now).await?;
    let Newcomer { first_name, last_name, time_zone, .. } = newcomer;
    profile::insert(tx, user, first_name, last_name, time_zone, now).await?;
    Ok(user)
}
