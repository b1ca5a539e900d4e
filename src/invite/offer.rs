//! What may be offered, to whom and by whom. Pure.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use super::{Invite, State};
use crate::{
    access::{AccountRole, WorkCenterRole},
    account::Account,
    error::{Error, Kind, Result, Violation, Violations},
    identity::Email,
    ids,
    workcenter::{Place, controls},
};

/// WorkCenters of one invite at most: what its mail can list.
const PLACES_MAX: usize = 50;

/// Characters of a message at most: a greeting, not a letter.
const MESSAGE_MAX: usize = 1_000;

/// What an inviter asks for.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    /// The account.
    pub account: Uuid,
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
    /// The invite to `account` that is made of it by `inviter` at `now`.
    pub(super) fn invite(self, account: Account, inviter: Uuid, now: Timestamp) -> Result<Invite> {
        let good_for = self.good_for.unwrap_or(account.invite_expiry);
        Ok(Invite {
            id: ids::new(),
            account: self.account,
            account_name: account.name,
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
            invited: None,
            turn: 0,
            resent_at: Vec::new(),
            no_reminders: self.no_reminders,
            notify_on_accept: self.notify_on_accept,
        })
    }
}

/// Notes what is wrong with `places`, the field `workcenters`, and puts them in the order of their WorkCenters.
pub(super) fn places(mut places: Vec<Place>, violations: &mut Violations) -> Vec<Place> {
    if PLACES_MAX < places.len() {
        violations.add("workcenters", format!("must be at most {PLACES_MAX}"));
    }
    places.sort_by_key(|it| it.workcenter);
    if places.windows(2).any(|two| two[0].workcenter == two[1].workcenter) {
        violations.add("workcenters", "must not have the same one twice");
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

/// What somebody is to what they offer.
#[derive(Clone, Debug, Default)]
pub(super) struct Right {
    /// Their role in the account.
    pub account_role: Option<AccountRole>,
    /// The WorkCenters in question that are the account's, and their role in each.
    pub workcenters: HashMap<Uuid, Option<WorkCenterRole>>,
}

impl Right {
    /// Whether they may offer `role` in the account, and `places` with it: nothing above what they are themselves, and
    /// no WorkCenter that they neither own nor administer.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for a WorkCenter that they may not know of, [`Error::Forbidden`] for all else.
    pub(super) fn covers(&self, role: AccountRole, places: &[Place]) -> Result<()> {
        let administers = self.account_role == Some(AccountRole::Administrator);
        // Guests invite nobody, not even guests.
        if self.account_role < Some(role.max(AccountRole::Member)) {
            return Err(Error::Forbidden);
        }
        for place in places {
            let missing = || Error::NotFound(Kind::WorkCenter, place.workcenter.to_string());
            match self.workcenters.get(&place.workcenter).ok_or_else(missing)? {
                Some(WorkCenterRole::Owner) => {}
                _ if administers => {}
                Some(_) => return Err(Error::Forbidden),
                None => return Err(missing()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use AccountRole::{Administrator, Guest, Member};
    use WorkCenterRole::{Contributor, Owner, Reader};

    use super::*;

    fn place(number: u128) -> Place {
        Place { workcenter: Uuid::from_u128(number), role: Reader }
    }

    #[test]
    fn nobody_offers_more_than_they_are_and_guests_offer_nothing() {
        let right = |account_role| Right { account_role, ..Right::default() };
        for (own, offered, may) in [
            (Some(Administrator), Administrator, true),
            (Some(Administrator), Guest, true),
            (Some(Member), Member, true),
            (Some(Member), Administrator, false),
            (Some(Guest), Guest, false),
            (None, Guest, false),
        ] {
            assert_eq!(right(own).covers(offered, &[]).is_ok(), may, "{own:?} offers {offered:?}");
        }
    }

    #[test]
    fn a_workcenter_is_offered_by_its_owners_and_administrators_and_unknown_to_strangers() {
        let of = |account_role, role| Right {
            account_role: Some(account_role),
            workcenters: HashMap::from([(Uuid::from_u128(1), role)]),
        };
        assert!(of(Member, Some(Owner)).covers(Guest, &[place(1)]).is_ok());
        assert!(of(Administrator, None).covers(Guest, &[place(1)]).is_ok());
        assert!(matches!(of(Member, Some(Contributor)).covers(Guest, &[place(1)]), Err(Error::Forbidden)));
        assert!(matches!(of(Member, None).covers(Guest, &[place(1)]), Err(Error::NotFound(..))));
        assert!(matches!(of(Administrator, None).covers(Guest, &[place(2)]), Err(Error::NotFound(..))));
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
            let given = places(given, &mut violations);
            violations.none().map(|()| given)
        };
        assert_eq!(count(vec![place(2), place(1)]).unwrap(), [place(1), place(2)]);
        assert!(count(vec![place(1), place(2), place(1)]).is_err());
        assert!(count((0..=50).map(place).collect()).is_err());
    }
}
