//! Accounts and who belongs to them.
//!
//! Accounts are made by the operator, or by a service that may; people come in by invites. Each account has a directory:
//! its members, in the order in which what others see of them has last changed, so that whoever follows it asks for what
//! is after a number.
//!
//! Whoever changes something in an account comes in by [`enter`] first: nobody comes into a deactivated one, and it is not
//! deactivated while somebody is in it. Who leaves does not ask.
//!
//! An account has an administrator at any time. Whoever makes them fewer holds the account's row first, so of two who do
//! at once the second sees what the first has done.

mod store;

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

pub use store::{
    add_member, announce, announce_all, announcing, ask_of_passwords, enter, enter_by, everybody, find, hold, insert,
    member, members, number, role, update, zoned,
};

use crate::{
    access::AccountRole,
    db::Transaction,
    error::{Error, Kind, Reason, Result, Violation},
    identity::Preset,
    subscription::Delivery,
    trail,
};

const DAY: Duration = Duration::from_hours(24);

/// How long an invite is good at least: long enough for people to read their mail.
const INVITE_EXPIRY_MIN: Duration = DAY;

/// How long an invite is good at most: nobody remembers an older one when people leave.
const INVITE_EXPIRY_MAX: Duration = DAY.saturating_mul(90);

/// How long invites of a new account are good whose inviter does not say. The table says it too.
pub const INVITE_EXPIRY: Duration = DAY.saturating_mul(14);

/// How people of a new account hear of its WorkCenters who have chosen nothing themselves. The table says it too.
pub const DEFAULT_DELIVERY: Delivery = Delivery::Immediate;

/// Invites of an account that wait for an answer at most, and as many made in a day, unless a service has set another
/// number: more than anybody follows up on. The table says it too.
pub const INVITES_MAX: u32 = 5_000;

/// What a service may set that number to: a few batches an hour, all day. The table checks it too.
const INVITES_MOST: u32 = 100_000;

/// Characters of an account's name: what a line of a mail can show. The table checks it too.
const NAME_MAX: usize = 200;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// The zone of those who have set none: an IANA name, or empty for UTC.
    pub time_zone: String,
    /// What it asks of passwords that are set from now on.
    pub preset: Preset,
    /// How long invites are good whose inviter does not say, in whole seconds.
    pub invite_expiry: Duration,
    /// How those of its people hear of its WorkCenters who have chosen nothing themselves; never INHERIT.
    pub default_delivery: Delivery,
    /// Whether its mail says how much there is, and nothing of what it is.
    pub redact_content: bool,
    /// Invites that wait for an answer at most.
    pub pending_invites_max: u32,
    /// Invites that are made in a day at most.
    pub daily_invites_max: u32,
    /// The etag.
    pub revision: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it is deactivated: what is in it stays as it is then, and nobody is told of it.
    pub deactivated_at: Option<Timestamp>,
}

/// A person in an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub user: Uuid,
    /// As the profile has it; empty when unset.
    pub first_name: String,
    /// As the profile has it; empty when unset.
    pub last_name: String,
    /// What they are in it.
    pub role: AccountRole,
    /// When they came.
    pub created_at: Timestamp,
}

/// Makes a member what `role` says. The transaction must [`hold`] the account.
///
/// # Errors
///
/// [`Error::NotFound`] for somebody who is not in it, [`Error::Refused`] when nobody would administer it.
pub async fn set_role(tx: &Transaction<'_>, account: Uuid, user: Uuid, role: AccountRole) -> Result<()> {
    if role != AccountRole::Administrator {
        keep_one(tx, account, user).await?;
    }
    if !store::set_role(tx, account, user, role).await? {
        return Err(missing(user));
    }
    trail::note("ROLE_SET", None, Some(user));
    Ok(())
}

/// Takes a person out of an account, and out of nothing else. The transaction must [`hold`] the account, and says so by
/// [`announce_all`].
///
/// # Errors
///
/// [`Error::NotFound`] for somebody who is not in it, [`Error::Refused`] for its last administrator.
pub async fn remove(tx: &Transaction<'_>, account: Uuid, user: Uuid) -> Result<()> {
    keep_one(tx, account, user).await?;
    if store::remove(tx, account, user).await? { Ok(()) } else { Err(missing(user)) }
}

/// Refuses when `user` is the only one who administers an account.
async fn keep_one(tx: &Transaction<'_>, account: Uuid, user: Uuid) -> Result<()> {
    if store::administrators(tx, account).await? == [user] {
        return Err(Error::Refused(Reason::LastAdministrator));
    }
    Ok(())
}

fn missing(user: Uuid) -> Error {
    Error::NotFound(Kind::User, user.to_string())
}

/// Reads how long invites are to be good, in `field` of a request: seconds and nanoseconds.
///
/// # Errors
///
/// The violation to report: less than a day, or more than ninety.
pub fn invite_expiry(field: &str, (seconds, nanos): (i64, i32)) -> Result<Duration, Violation> {
    let span = match (u64::try_from(seconds), u32::try_from(nanos)) {
        (Ok(seconds), Ok(nanos)) if nanos < 1_000_000_000 => Duration::new(seconds, nanos),
        _ => Duration::ZERO,
    };
    if (INVITE_EXPIRY_MIN..=INVITE_EXPIRY_MAX).contains(&span) {
        Ok(span)
    } else {
        Err(Violation::new(field, "must be 1 to 90 days"))
    }
}

/// Reads how many invites there may be, in `field` of a request. An administrator may lower what is usual, or leave
/// `set`, what was set for them; `service`s may raise it.
///
/// # Errors
///
/// The violation to report.
pub fn invites_max(field: &str, number: i32, set: u32, service: bool) -> Result<u32, Violation> {
    let most = if service { INVITES_MOST } else { INVITES_MAX.max(set) };
    let number = u32::try_from(number).ok().filter(|it| (1..=most).contains(it));
    number.ok_or_else(|| Violation::new(field, format!("must be 1 to {most}")))
}

/// Reads how people are to hear who have chosen nothing themselves, in `field` of a request: as anybody may choose, but not
/// as it is set one step up, for there is none.
///
/// # Errors
///
/// The violation to report.
pub fn default_delivery(field: &str, delivery: Option<Delivery>) -> Result<Delivery, Violation> {
    let refused = || Violation::new(field, "must be IMMEDIATE, DIGEST, DAILY, WEEKLY or OFF");
    delivery.filter(|it| *it != Delivery::Inherit).ok_or_else(refused)
}

/// Reads the name of an account: trimmed, neither empty nor too long.
///
/// # Errors
///
/// The violation to report.
pub fn checked_name(field: &str, text: &str) -> Result<String, Violation> {
    let name = text.trim();
    if name.is_empty() || NAME_MAX < name.chars().count() || name.chars().any(char::is_control) {
        let rule = format!("must be 1 to {NAME_MAX} characters in one line");
        return Err(Violation::new(field, rule));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invite_is_good_for_one_to_ninety_days() {
        let good = |seconds, nanos| invite_expiry("expires_in", (seconds, nanos)).is_ok();
        assert!(good(86_400, 0) && good(90 * 86_400, 0));
        for (seconds, nanos) in [(86_399, 999_999_999), (90 * 86_400, 1), (-1, 0), (86_400, -1), (i64::MAX, i32::MAX)] {
            assert!(!good(seconds, nanos), "{seconds} {nanos}");
        }
    }

    #[test]
    fn an_administrator_lowers_the_number_of_invites_and_a_service_raises_it() {
        let most = |set, service| (1..=200_000).rev().find(|it| invites_max("it", *it, set, service).is_ok());
        assert_eq!([most(40, false), most(7_000, false), most(40, true)], [Some(5_000), Some(7_000), Some(100_000)]);
        assert!(invites_max("it", 0, 40, true).is_err() && invites_max("it", -1, 40, false).is_err());
    }

    #[test]
    fn nobody_is_above_an_account_of_whom_it_could_inherit() {
        let read = |it| default_delivery("default_delivery", it);
        assert_eq!(read(Some(Delivery::Digest)), Ok(Delivery::Digest));
        assert!(read(Some(Delivery::Inherit)).is_err() && read(None).is_err());
    }

    #[test]
    fn a_name_is_one_line_of_one_to_two_hundred_characters() {
        assert_eq!(checked_name("name", "  Pier Works ").as_deref(), Ok("Pier Works"));
        assert!(checked_name("name", &"é".repeat(NAME_MAX)).is_ok());
        for bad in ["", "  ", "Pier\nWorks", &"é".repeat(NAME_MAX + 1)] {
            assert_eq!(checked_name("name", bad).map_err(|it| it.field), Err("name".to_owned()), "{bad:?}");
        }
    }
}
