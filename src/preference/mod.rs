//! What people set about hearing of activity: for all their WorkCenters, and for one of them.
//!
//! What it does to what waits for them is decided one room below, in `subscription`.

mod links;
mod service;
mod why;

pub use links::{Links, Resumed, Stopped};
pub use service::Service;

use jiff::civil::Weekday;

use crate::{
    error::{Result, Violation, Violations},
    subscription::{AddressedItems, Delivery, Recipient, schedule::Beat, schedule::Days},
};

/// The paths that a mask may name.
const PATHS: [&str; 7] = [
    "notifications_enabled",
    "digest_frequency",
    "digest_time",
    "weekly_day",
    "daily_days",
    "default_delivery",
    "addressed_items",
];

/// What a person sets; `None` for what they leave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Whether anything is sent at all.
    pub enabled: Option<bool>,
    /// How often their digest comes.
    pub frequency: Option<Beat>,
    /// The local wall time of digests, as `HH:MM`.
    pub time: Option<String>,
    /// The day of the weekly digest.
    pub weekday: Option<Weekday>,
    /// The days of the daily digest.
    pub days: Option<Vec<Weekday>>,
    /// What INHERIT stands for; INHERIT itself for what each account has.
    pub default: Option<Delivery>,
    /// When they hear of what concerns them.
    pub addressed: Option<AddressedItems>,
}

impl Change {
    /// What `was` becomes.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Invalid`] with everything that cannot be.
    pub fn onto(self, was: Recipient) -> Result<Recipient> {
        let mut violations = Violations::default();
        let minute = self.time.map(|it| minute(&it)).transpose();
        let minute = violations.take(minute).flatten();
        let days = self.days.map(|it| Days::of(it).ok_or_else(no_days)).transpose();
        let days = violations.take(days).flatten();
        violations.none()?;
        Ok(Recipient {
            enabled: self.enabled.unwrap_or(was.enabled),
            frequency: self.frequency.unwrap_or(was.frequency),
            minute: minute.unwrap_or(was.minute),
            weekday: self.weekday.unwrap_or(was.weekday),
            days: days.unwrap_or(was.days),
            default: self.default.unwrap_or(was.default),
            addressed: self.addressed.unwrap_or(was.addressed),
            addressed_silenced: was.addressed_silenced && self.addressed.is_none(),
            ..was
        })
    }
}

/// Reads `HH:MM` as minutes after midnight.
fn minute(time: &str) -> Result<i64, Violation> {
    let refused = || Violation::new("preferences.digest_time", "must be a time of day such as 07:00");
    let (hour, minute) = time.split_once(':').filter(|_| time.len() == 5).ok_or_else(refused)?;
    let number = |it: &str, most: i64| {
        let digits = it.bytes().all(|it| it.is_ascii_digit());
        it.parse::<i64>().ok().filter(|it| digits && *it <= most).ok_or_else(refused)
    };
    Ok(number(hour, 23)? * 60 + number(minute, 59)?)
}

fn no_days() -> Violation {
    Violation::new("preferences.daily_days", "must have at least one day")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn a_time_of_day_has_two_digits_twice() {
        assert_eq!(minute("07:00"), Ok(420));
        assert_eq!(minute("23:59"), Ok(1439));
        for bad in ["7:00", "24:00", "07:60", "07:0x", "0700", "", "+7:00", "07:00:00"] {
            assert!(minute(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn everything_that_cannot_be_is_said_at_once() {
        let change = Change { time: Some("25:00".to_owned()), days: Some(Vec::new()), ..Change::default() };
        let Err(Error::Invalid(violations)) = change.onto(Recipient::new(uuid::Uuid::nil())) else { panic!() };
        let fields: Vec<&str> = violations.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(fields, ["preferences.digest_time", "preferences.daily_days"]);
    }
}
