//! What is changed of an account: which fields, and what each may be. Pure.

use std::time::Duration;

use crate::{
    account::{Account, DEFAULT_DELIVERY, INVITE_EXPIRY, INVITES_MAX, checked_name, invite_expiry, invites_max},
    error::{Result, Violation, Violations},
    identity::Preset,
    mask, profile,
    subscription::Delivery,
};

/// What can be changed.
const PATHS: [&str; 8] = [
    "name",
    "time_zone",
    "invite_expiry",
    "password_preset",
    "default_delivery",
    "pending_invites_max",
    "daily_invites_max",
    "redact_content",
];

/// An account as somebody has sent it.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    /// Its name.
    pub name: String,
    /// An IANA name.
    pub time_zone: String,
    /// Seconds and nanoseconds.
    pub invite_expiry: Option<(i64, i32)>,
    /// `None` when it is not set, an error when it is none of those there are.
    pub preset: Option<Result<Preset, Violation>>,
    /// `None` when it is not set, an error when it is none that an account may have.
    pub delivery: Option<Result<Delivery, Violation>>,
    /// 0 when it is not set.
    pub pending_invites_max: i32,
    /// 0 when it is not set.
    pub daily_invites_max: i32,
    /// Whether its mail says nothing of what there is.
    pub redact_content: bool,
}

/// What is to be changed: only what is `Some`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// Its name.
    pub name: Option<String>,
    /// An IANA name, or empty.
    pub time_zone: Option<String>,
    /// In whole seconds.
    pub invite_expiry: Option<Duration>,
    /// What it asks of passwords.
    pub preset: Option<Preset>,
    /// How those hear who have chosen nothing.
    pub delivery: Option<Delivery>,
    /// Invites that wait at most.
    pub pending_invites_max: Option<u32>,
    /// Invites that are made in a day at most.
    pub daily_invites_max: Option<u32>,
    /// Whether its mail says nothing of what there is.
    pub redact_content: Option<bool>,
}

impl Change {
    /// Reads the fields of `account` that the mask of these `paths` names, all for `*`, or those that are set when there is
    /// no mask; from a `service`, or from an administrator.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Invalid`] with everything that is wrong.
    pub(super) fn checked(sent: Sent, paths: &[String], account: &Account, service: bool) -> Result<Self> {
        let mut violations = Violations::default();
        let is_set = |path: &str| match path {
            "name" => !sent.name.is_empty(),
            "time_zone" => !sent.time_zone.is_empty(),
            "invite_expiry" => sent.invite_expiry.is_some(),
            "password_preset" => sent.preset.is_some(),
            "default_delivery" => sent.delivery.is_some(),
            "pending_invites_max" => sent.pending_invites_max != 0,
            "redact_content" => sent.redact_content,
            _ => sent.daily_invites_max != 0,
        };
        let fields = mask::fields(paths, &PATHS, is_set, &mut violations);
        let [name, time_zone, expiry, preset, delivery, pending, daily, redact] = PATHS.map(|it| fields.contains(&it));
        let mut change = Self { redact_content: redact.then_some(sent.redact_content), ..Self::default() };
        if name {
            change.name = violations.take(checked_name("account.name", &sent.name));
        }
        if time_zone {
            change.time_zone = violations.take(profile::time_zone("account.time_zone", &sent.time_zone));
        }
        if expiry {
            let span = sent.invite_expiry.map_or(Ok(INVITE_EXPIRY), |it| invite_expiry("account.invite_expiry", it));
            change.invite_expiry = violations.take(span).map(|it| Duration::from_secs(it.as_secs()));
        }
        if preset {
            change.preset = violations.take(sent.preset.unwrap_or(Ok(Preset::default())));
        }
        if delivery {
            change.delivery = violations.take(sent.delivery.unwrap_or(Ok(DEFAULT_DELIVERY)));
        }
        let number = |field, number, set| match number {
            0 => Ok(INVITES_MAX),
            number => invites_max(field, number, set, service),
        };
        if pending {
            let read = number("account.pending_invites_max", sent.pending_invites_max, account.pending_invites_max);
            change.pending_invites_max = violations.take(read);
        }
        if daily {
            let read = number("account.daily_invites_max", sent.daily_invites_max, account.daily_invites_max);
            change.daily_invites_max = violations.take(read);
        }
        violations.none()?;
        Ok(change)
    }

    /// What `account` becomes; the same where nothing changes.
    pub(super) fn onto(self, account: &Account) -> Account {
        let after = Account {
            name: self.name.unwrap_or_else(|| account.name.clone()),
            time_zone: self.time_zone.unwrap_or_else(|| account.time_zone.clone()),
            invite_expiry: self.invite_expiry.unwrap_or(account.invite_expiry),
            preset: self.preset.unwrap_or(account.preset),
            default_delivery: self.delivery.unwrap_or(account.default_delivery),
            pending_invites_max: self.pending_invites_max.unwrap_or(account.pending_invites_max),
            daily_invites_max: self.daily_invites_max.unwrap_or(account.daily_invites_max),
            redact_content: self.redact_content.unwrap_or(account.redact_content),
            ..account.clone()
        };
        let revision = account.revision + i64::from(after != *account);
        Account { revision, ..after }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::error::Error;

    fn sent() -> Sent {
        Sent { name: " Pier Works ".to_owned(), invite_expiry: Some((86_400, 5)), ..Sent::default() }
    }

    fn account() -> Account {
        Account {
            id: Uuid::nil(),
            name: "Pier Works".to_owned(),
            time_zone: String::new(),
            preset: Preset::default(),
            invite_expiry: INVITE_EXPIRY,
            default_delivery: Delivery::Immediate,
            pending_invites_max: 7_000,
            daily_invites_max: INVITES_MAX,
            redact_content: false,
            revision: 7,
            created_at: Timestamp::UNIX_EPOCH,
            deactivated_at: None,
        }
    }

    fn checked(sent: Sent, paths: &[&str]) -> Result<Change> {
        Change::checked(sent, &mask(paths), &account(), false)
    }

    fn mask(paths: &[&str]) -> Vec<String> {
        paths.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn without_a_mask_what_is_set_is_changed() {
        let day = Some(Duration::from_secs(86_400));
        let change = Change { name: Some("Pier Works".to_owned()), invite_expiry: day, ..Change::default() };
        assert_eq!(checked(sent(), &[]).unwrap(), change);
    }

    #[test]
    fn what_is_named_and_not_set_is_as_in_a_new_account() {
        let change = checked(Sent { invite_expiry: None, ..sent() }, &["*"]).unwrap();
        let new = (Some(String::new()), Some(INVITE_EXPIRY), Some(Preset::Nist2025), Some(Delivery::Immediate));
        assert_eq!((change.time_zone, change.invite_expiry, change.preset, change.delivery), new);
        assert_eq!((change.pending_invites_max, change.daily_invites_max), (Some(INVITES_MAX), Some(INVITES_MAX)));
        assert_eq!(change.redact_content, Some(false));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let bad = Sent {
            name: "two\nlines".to_owned(),
            time_zone: "Mars".to_owned(),
            invite_expiry: Some((1, 0)),
            preset: Some(Err(Violation::new("account.password_preset", "must be one of the presets"))),
            delivery: Some(Err(Violation::new("account.default_delivery", "must be one of the deliveries"))),
            pending_invites_max: 7_001,
            daily_invites_max: 5_001,
            redact_content: false,
        };
        // A switch is never wrong.
        let may_be = PATHS.strip_suffix(&["redact_content"]).unwrap();
        let paths = [&["etag"], may_be].concat();
        let Err(Error::Invalid(violations)) = checked(bad, &paths) else { panic!("it is refused") };
        let fields: Vec<_> = violations.iter().map(|it| it.field.trim_start_matches("account.")).collect();
        assert_eq!(fields, [&["update_mask"], may_be].concat());
    }

    #[test]
    fn a_change_of_nothing_leaves_the_etag() {
        let account = account();
        let same = Change { name: Some("Pier Works".to_owned()), ..Change::default() };
        assert_eq!(same.onto(&account), account);
        let other = Change { time_zone: Some("Asia/Tokyo".to_owned()), ..Change::default() };
        assert_eq!(other.onto(&account).revision, 8);
    }
}
