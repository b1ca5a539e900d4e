//! Withdrawing and declining an invite; of the latter its inviter is told.

use jiff::Timestamp;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use super::{Invite, State, missing, pending, store, tell::tell};
use crate::{
    db::Transaction,
    error::{Error, Reason, Result, Violation},
    secret::Hash,
    trail,
    workcenter::controls,
};

/// Characters of the reason for which one is declined at most: a sentence or two.
const REASON_MAX: usize = 300;

/// By what somebody names the invite that they answer.
pub(super) enum Which {
    /// The hash of the token in the mail.
    Token(Hash),
    /// The id, out of their list.
    Id(Uuid),
}

/// Withdraws an invite. One that was withdrawn stays as it is.
///
/// # Errors
///
/// [`Error::Refused`] for one that was answered or has run out.
pub(super) async fn revoke(tx: &Transaction<'_>, id: Uuid, now: Timestamp) -> Result<Invite> {
    let invite = store::lock_by_id(tx, id).await?.ok_or_else(|| missing(id))?.at(now);
    match invite.state {
        State::Revoked => Ok(invite),
        State::Pending | State::DeliveryFailed => end(tx, invite, State::Revoked, "", now).await,
        State::Accepted | State::Declined | State::Expired => Err(Error::Refused(Reason::InviteNotPending)),
    }
}

/// Declines an invite, as `user` if they are signed in.
///
/// # Errors
///
/// [`Error::Refused`] for an invite that is not pending, [`Error::NotFound`] for the id of somebody else's,
/// [`Error::Forbidden`] for a token that was sent to the address of another person.
pub(super) async fn decline(
    tx: &Transaction<'_>,
    which: Which,
    user: Option<Uuid>,
    reason: &str,
    now: Timestamp,
) -> Result<Invite> {
    let invite = match which {
        Which::Token(token) => {
            let invite = pending(store::lock_by_token(tx, &token).await?, now)?;
            if user.is_some() && invite.invited.is_some() && invite.invited != user {
                return Err(Error::Forbidden);
            }
            invite
        }
        Which::Id(id) => match store::lock_by_id(tx, id).await? {
            Some(invite) if user.is_some() && invite.invited == user => pending(Some(invite), now)?,
            _ => return Err(missing(id)),
        },
    };
    let invite = end(tx, invite, State::Declined, reason, now).await?;
    tell(tx, &invite, now).await?;
    Ok(invite)
}

async fn end(tx: &Transaction<'_>, invite: Invite, state: State, reason: &str, now: Timestamp) -> Result<Invite> {
    store::end(tx, invite.id, state, reason, now).await?;
    let event = if state == State::Declined { "INVITE_DECLINED" } else { "INVITE_REVOKED" };
    trail::note(event, None, Some(invite.id));
    let revision = invite.revision + 1;
    Ok(Invite { state, ended_at: Some(now), end_reason: reason.to_owned(), revision, ..invite })
}

/// Reads why one is declined, in `field` of a request: one line at most, trimmed, and composed as Unicode's NFC has it.
pub(super) fn reason(field: &str, text: &str) -> Result<String, Violation> {
    let reason: String = text.trim().nfc().collect();
    if REASON_MAX < reason.chars().count() {
        return Err(Violation::new(field, format!("must have at most {REASON_MAX} characters")));
    }
    if reason.chars().any(controls) {
        return Err(Violation::new(field, "must be one line without control characters"));
    }
    Ok(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_line_of_three_hundred_characters_at_most() {
        assert_eq!(reason("reason", "  no time\t").unwrap(), "no time");
        assert_eq!(reason("reason", &"é".repeat(300)).unwrap().chars().count(), 300);
        assert!(reason("reason", &"é".repeat(301)).is_err());
        for bad in ["two\nlines", "a\u{202e}b"] {
            assert!(reason("reason", bad).is_err(), "{bad:?}");
        }
    }
}
