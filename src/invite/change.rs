//! Changing an invite that waits for its answer. The mail that went is not sent again, and its link stays good.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Invite, State, missing, offer, rights::right, store};
use crate::{
    access::AccountRole,
    db::Transaction,
    error::{Error, Reason, Result, Violation, Violations},
    mask,
    workcenter::{self, Place},
};

/// What can be changed.
const PATHS: [&str; 4] = ["account_role", "workcenters", "message", "expire_time"];

/// How long an invite can be good from when it is changed: as long as one that is made.
const GOOD_FOR_MAX: Duration = Duration::from_hours(90 * 24);

/// An invite as somebody has sent it.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    /// Guest where it is not set.
    pub account_role: Option<AccountRole>,
    /// Those that could be read.
    pub places: Vec<Place>,
    /// What is wrong with the other places.
    pub unread: Vec<Violation>,
    /// What the inviter has to say.
    pub message: String,
    /// `None` where it is not set, or out of range.
    pub expires_at: Option<Timestamp>,
}

/// What is to be changed: only what is `Some`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    account_role: Option<AccountRole>,
    places: Option<Vec<Place>>,
    message: Option<String>,
    expires_at: Option<Timestamp>,
}

impl Change {
    /// Reads the fields that the mask of these `paths` names, all for `*`, or those that are set when there is no mask.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] with everything that is wrong.
    pub(super) fn checked(sent: Sent, paths: &[String], now: Timestamp) -> Result<Self> {
        let mut violations = Violations::default();
        let is_set = |path: &str| match path {
            "account_role" => sent.account_role.is_some(),
            "workcenters" => !sent.places.is_empty() || !sent.unread.is_empty(),
            "message" => !sent.message.is_empty(),
            _ => sent.expires_at.is_some(),
        };
        let fields = mask::fields(paths, &PATHS, is_set, &mut violations);
        let [role, places, message, expiry] = PATHS.map(|it| fields.contains(&it));
        let mut change = Self::default();
        if role {
            change.account_role = Some(sent.account_role.unwrap_or(AccountRole::Guest));
        }
        if places {
            violations.extend(sent.unread);
            change.places = Some(offer::places("invite.workcenters", sent.places, &mut violations));
        }
        if message {
            change.message = violations.take(offer::message("invite.message", &sent.message));
        }
        if expiry {
            let latest = now.checked_add(GOOD_FOR_MAX).unwrap_or(Timestamp::MAX);
            change.expires_at = sent.expires_at.filter(|it| now < *it && *it <= latest);
            if change.expires_at.is_none() {
                violations.add("invite.expire_time", "must be in the future, and at most 90 days ahead");
            }
        }
        violations.none()?;
        Ok(change)
    }

    /// What `invite` becomes.
    fn onto(self, invite: &Invite) -> Invite {
        Invite {
            account_role: self.account_role.unwrap_or(invite.account_role),
            places: self.places.unwrap_or_else(|| invite.places.clone()),
            message: self.message.unwrap_or_else(|| invite.message.clone()),
            expires_at: self.expires_at.unwrap_or(invite.expires_at),
            ..invite.clone()
        }
    }
}

/// Changes the invite `id`, as `by`; an empty `etag` is any. It goes on in the name of its inviter.
///
/// # Errors
///
/// [`Error::Refused`] for one that does not wait for its answer, for a place in an archived WorkCenter and, where an
/// administrator changes it, for what its inviter may not offer; [`Error::Conflict`] when `etag` is not the current one;
/// what [`super::rights::Right::covers`] says when the inviter changes it.
pub(super) async fn change(
    tx: &Transaction<'_>,
    id: Uuid,
    change: Change,
    etag: &str,
    by: Uuid,
    now: Timestamp,
) -> Result<Invite> {
    let before = store::lock_by_id(tx, id).await?.ok_or_else(|| missing(id))?.at(now);
    if before.state != State::Pending {
        return Err(Error::Refused(Reason::InviteNotPending));
    }
    if !etag.is_empty() && etag != before.etag() {
        return Err(Error::Conflict(Reason::EtagMismatch));
    }
    let after = change.onto(&before);
    if after == before {
        return Ok(before);
    }
    if (after.account_role, &after.places) != (before.account_role, &before.places) {
        let covers = right(tx, &after).await?.covers(after.account_role, &after.places);
        if by == after.inviter { covers } else { covers.or(Err(Error::Refused(Reason::InviterLostRight))) }?;
    }
    if after.places != before.places {
        let ids: Vec<Uuid> = after.places.iter().map(|it| it.workcenter).collect();
        offer::all_open(&workcenter::closed(tx, &ids).await?, &after.places)?;
    }
    let after = Invite { revision: before.revision + 1, ..after };
    store::change(tx, &after, after.remind_after(now)).await?;
    Ok(after)
}
