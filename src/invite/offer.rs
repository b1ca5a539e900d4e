//! What may be offered, to whom and by whom. Pure.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use super::{Invite, State};
use crate::{
    access::AccountRole,
    account::Account,
    error::{Error, Kind, Reason, Result, Violation, Violations},
    identity::Email,
    ids,
    workcenter::{self, Place, controls},
};

/// WorkCenters of one invite at most: what its mail can list.
pub(super) const PLACES_MAX: usize = 50;

/// Characters of a message at most: a greeting, not a letter.
const MESSAGE_MAX: usize = 1_000;

/// What an inviter asks for.
#[derive(Clone, Debug)]
pub struct Offer {
    /// To whom.
    pub email: Email,
    /// What they become in the account.
    pub account_role: AccountRole,
    /// The WorkCenters that come with it.
    pub places: Vec<Place>,
    /// What the inviter has to say.
    pub message: String,
    /// How long it is good; `None` for as long as the account has it.
    pub good_for: Option<Duration>,
    /// Whether the inviter wants nobody reminded of it.
    pub no_reminders: bool,
    /// Whether the inviter wants to be told that it was accepted.
    pub notify_on_accept: bool,
}

impl Offer {
    /// The invite to `account` that is made of it by `inviter` at `now`; `invited` is whose address it is.
    pub(super) fn invite(
        self,
        account: &Account,
        inviter: Uuid,
        invited: Option<Uuid>,
        now: Timestamp,
    ) -> Result<Invite> {
        let good_for = self.good_for.unwrap_or(account.invite_expiry);
        Ok(Invite {
            id: ids::new(),
            account: account.id,
            account_name: account.name.clone(),
            email: self.email.address,
            email_key: self.email.key,
            account_role: self.account_role,
            places: self.places,
            message: self.message,
            inviter,
            state: State::Pending,
            created_at: now,
            expires_at: now.checked_add(good_for).map_err(Error::internal)?,
            ended_at: None,
            end_reason: String::new(),
            invited,
            accepted_by: None,
            turn: 0,
            resent_at: Vec::new(),
            revision: 1,
            no_reminders: self.no_reminders,
            notify_on_accept: self.notify_on_accept,
        })
    }
}

/// Notes what is wrong with `places` in `field` of a request, and puts them in the order of their WorkCenters.
pub(super) fn places(field: &str, mut places: Vec<Place>, violations: &mut Violations) -> Vec<Place> {
    if PLACES_MAX < places.len() {
        violations.add(field, format!("must be at most {PLACES_MAX}"));
    }
    places.sort_by_key(|it| it.workcenter);
    if places.windows(2).any(|two| two[0].workcenter == two[1].workcenter) {
        violations.add(field, "must not have the same one twice");
    }
    places
}

/// Reads a message in `field` of a request: several lines at most, trimmed, and composed as Unicode's NFC has it.
pub(super) fn message(field: &str, text: &str) -> Result<String, Violation> {
    let message: String = text.trim().nfc().collect();
    if MESSAGE_MAX < message.chars().count() {
        return Err(Violation::new(field, format!("must have at most {MESSAGE_MAX} characters")));
    }
    if message.chars().any(|it| controls(it) && it != '\n' && it != '\r' && it != '\t') {
        return Err(Violation::new(field, "must not have control characters other than line ends"));
    }
    Ok(message)
}

/// Makes sure that somebody can come into all of `places`; `closed` are the WorkCenters into which nobody comes any more.
///
/// # Errors
///
/// [`Error::Refused`] for an archived one and one that is being made, [`Error::NotFound`] for a deleted one.
pub(super) fn all_open(closed: &HashMap<Uuid, workcenter::State>, places: &[Place]) -> Result<()> {
    for place in places {
        match closed.get(&place.workcenter) {
            None | Some(workcenter::State::Active) => {}
            Some(workcenter::State::Archived) => return Err(Error::Refused(Reason::WorkcenterArchived)),
            Some(workcenter::State::Provisioning) => return Err(Error::Refused(Reason::WorkcenterProvisioning)),
            Some(workcenter::State::Deleted) => {
                return Err(Error::NotFound(Kind::WorkCenter, place.workcenter.to_string()));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::WorkCenterRole::Reader;

    fn place(number: u128) -> Place {
        Place { workcenter: Uuid::from_u128(number), role: Reader }
    }

    #[test]
    fn a_message_may_have_lines_and_nothing_else_that_is_no_text() {
        assert_eq!(message("message", " Hello,\nAda ").as_deref(), Ok("Hello,\nAda"));
        assert!(message("message", &"m".repeat(MESSAGE_MAX)).is_ok());
        for refused in ["bell\u{7}", "\u{202e}olleh", &"m".repeat(MESSAGE_MAX + 1)] {
            assert!(message("message", refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn workcenters_are_fifty_at_most_each_once_and_put_in_order() {
        let count = |given: Vec<Place>| {
            let mut violations = Violations::default();
            let given = places("workcenters", given, &mut violations);
            violations.none().map(|()| given)
        };
        assert_eq!(count(vec![place(2), place(1)]).unwrap(), [place(1), place(2)]);
        assert!(count(vec![place(1), place(2), place(1)]).is_err());
        assert!(count((0..=50).map(place).collect()).is_err());
    }
}
