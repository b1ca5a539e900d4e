//! Sending an invite again: with a new token, and good for as long as at first. The old token is dead at once.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Invite, State, make::mail, missing, store, token};
use crate::{
    account,
    db::Transaction,
    error::{Error, Reason, Result},
    outbox,
    secret::{self, TokenKey},
};

/// How long an invite rests after it was sent: a mail takes minutes, and those who wait for one ask again and again.
const REST: Duration = Duration::from_secs(5 * 60);

/// How often it is sent again in a day: what nobody has found after that, they do not look for there.
const RESENDS: usize = 5;

/// What counts as a day.
const DAY: Duration = Duration::from_hours(24);

/// Sends the invite `id` again, whoever asks for it; it goes on in the name of its inviter.
///
/// # Errors
///
/// [`Error::Refused`] for one that was answered or withdrawn, or whose inviter may no longer offer it;
/// [`Error::Exhausted`] too soon after the last time, or too often in a day; [`Error::Taken`] while the address has
/// another live one to the account.
pub(super) async fn resend(tx: &Transaction<'_>, key: &TokenKey, id: Uuid, now: Timestamp) -> Result<Invite> {
    let invite = store::lock_by_id(tx, id).await?.ok_or_else(|| missing(id))?.at(now);
    if !matches!(invite.state, State::Pending | State::Expired | State::DeliveryFailed) {
        return Err(Error::Refused(Reason::InviteNotPending));
    }
    if let Some(left) = rest(&invite, now) {
        return Err(Error::Exhausted(Reason::InviteResendThrottled, left));
    }
    let role = account::role(tx, invite.account, invite.inviter).await?;
    let right = store::right(tx, invite.inviter, invite.account, role, &invite.places).await?;
    if right.covers(invite.account_role, &invite.places).is_err() {
        return Err(Error::Refused(Reason::InviterLostRight));
    }

    let good_for = invite.expires_at.duration_since(invite.sent_at());
    let expires_at = now.checked_add(good_for).map_err(Error::internal)?;
    let mut resent_at = invite.resent_at;
    resent_at.push(now);
    let surplus = resent_at.len().saturating_sub(RESENDS);
    resent_at.drain(..surplus);
    let turn = invite.turn + 1;
    let invite = Invite {
        state: State::Pending,
        ended_at: None,
        end_reason: String::new(),
        turn,
        resent_at,
        expires_at,
        ..invite
    };
    // Another one to the address may have run out, too.
    store::expire(tx, invite.account, &invite.email_key, now).await?;
    let mail = mail(&invite, now);
    store::renew(tx, &invite, &secret::hash(token(key, id, turn).expose()), mail.id).await?;
    outbox::put(tx, &[mail]).await?;
    Ok(invite)
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
