//! Sending invites again: with a new token, and good for as long as at first. The old token is dead at once.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use uuid::Uuid;

use super::{Invite, State, make::mail, rights, store, token};
use crate::{
    db::Transaction,
    error::{Error, Reason, Result},
    outbox,
    secret::{self, TokenKey},
    trail,
};

/// How long an invite rests after it was sent: a mail takes minutes, and those who wait for one ask again and again.
const REST: Duration = Duration::from_secs(5 * 60);

/// How often it is sent again in a day: what nobody has found after that, they do not look for there.
const RESENDS: usize = 5;

/// What counts as a day.
const DAY: Duration = Duration::from_hours(24);

/// Sends invites to `account` again, whoever asks for it; each goes on in the name of its inviter. The caller has their rows
/// locked and its turn among those who make invites. Returns one result for each.
///
/// # Errors
///
/// Of one: [`Error::Refused`] when it was answered or withdrawn, or its inviter may no longer offer it;
/// [`Error::Exhausted`] too soon after the last time, or too often in a day; [`Error::Taken`] while its address has
/// another live one to the account.
pub(super) async fn resend(
    tx: &Transaction<'_>,
    key: &TokenKey,
    account: Uuid,
    invites: Vec<Invite>,
    now: Timestamp,
) -> Result<Vec<Result<Invite>>> {
    let invites: Vec<Invite> = invites.into_iter().map(|it| it.at(now)).collect();
    let keys: Vec<&str> = invites.iter().map(|it| it.email_key.as_str()).collect();
    // Another one to an address may have run out, too.
    store::expire(tx, account, &keys, now).await?;
    let live = store::lock_live(tx, account, &keys).await?;
    let mut live: HashMap<String, Uuid> = live.into_iter().map(|it| (it.email_key, it.id)).collect();
    let rights = rights::inviters(tx, account, &invites).await?;

    let mut results = Vec::with_capacity(invites.len());
    for invite in invites {
        let is_taken = live.get(&invite.email_key).is_some_and(|it| *it != invite.id);
        let right = rights.get(&invite.inviter).cloned().unwrap_or_default();
        let refused = if !matches!(invite.state, State::Pending | State::Expired | State::DeliveryFailed) {
            Some(Error::Refused(Reason::InviteNotPending))
        } else if let Some(left) = rest(&invite, now) {
            Some(Error::Exhausted(Reason::InviteResendThrottled, left))
        } else if right.covers(invite.account_role, &invite.places).is_err() {
            Some(Error::Refused(Reason::InviterLostRight))
        } else if is_taken {
            Some(Error::Taken(Reason::InvitePending))
        } else {
            None
        };
        results.push(match refused {
            Some(error) => Err(error),
            None => {
                live.insert(invite.email_key.clone(), invite.id);
                Ok(renewed(invite, now)?)
            }
        });
    }

    let sent: Vec<&Invite> = results.iter().flatten().collect();
    let mails: Vec<outbox::New> = sent.iter().map(|it| mail(it, now)).collect();
    let renewals = sent.iter().zip(&mails).map(|(it, mail)| store::Renewal {
        invite: it.id,
        token_hash: secret::hash(token(key, it.id, it.turn).expose()),
        turn: it.turn,
        expires_at: it.expires_at,
        mail: mail.id,
        remind_at: it.remind_at(),
    });
    sent.iter().for_each(|it| trail::note("INVITE_RESENT", None, Some(it.id)));
    store::renew(tx, &renewals.collect::<Vec<_>>(), RESENDS, now).await?;
    outbox::put(tx, &mails).await?;
    Ok(results)
}

/// The invite as it is sent again at `now`.
fn renewed(invite: Invite, now: Timestamp) -> Result<Invite> {
    let good_for = invite.expires_at.duration_since(invite.sent_at());
    let expires_at = now.checked_add(good_for).map_err(Error::internal)?;
    let mut resent_at = invite.resent_at;
    resent_at.push(now);
    let surplus = resent_at.len().saturating_sub(RESENDS);
    resent_at.drain(..surplus);
    Ok(Invite {
        state: State::Pending,
        ended_at: None,
        end_reason: String::new(),
        turn: invite.turn + 1,
        revision: invite.revision + 1,
        resent_at,
        expires_at,
        ..invite
    })
}

/// For how long it cannot be sent again at `now`; `None` when it can.
fn rest(invite: &Invite, now: Timestamp) -> Option<Duration> {
    let left = |since: Timestamp, pause: Duration| {
        let passed = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        pause.checked_sub(passed).filter(|it| !it.is_zero())
    };
    let often = invite.resent_at.iter().rev().nth(RESENDS - 1).and_then(|it| left(*it, DAY));
    left(invite.sent_at(), REST).max(often)
}
