//! What people choose for all their WorkCenters: which fields there are, and what each may be. Pure.

mod service;

use jiff::{SignedDuration, Timestamp, civil::Weekday};

pub(super) use service::{
    Batch, batch, cadence, change, delivery, etag, in_order, next_digest, preference, preferences,
};

use crate::{
    error::{Result, Violation, Violations},
    subscription::{AddressedItems, Delivery, Pause, Recipient, schedule::Beat, schedule::Days},
};

/// The paths that a mask may name.
const PATHS: [&str; 10] = [
    "notifications_enabled",
    "digest_frequency",
    "digest_time",
    "weekly_day",
    "daily_days",
    "default_delivery",
    "addressed_items",
    "pause",
    "own_activity",
    "redact_content",
];

/// How long a pause may be: a year, a leap year too. Whoever wants to hear nothing for longer has the switch.
const PAUSE_MAX: SignedDuration = SignedDuration::from_hours(366 * 24);

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
    /// When they are away; `None` in it for not at all.
    pub pause: Option<Option<Away>>,
    /// Whether they hear of what they do themselves.
    pub own_activity: Option<bool>,
    /// Whether their mail says how much there is, and nothing of what it is.
    pub redact_content: Option<bool>,
}

/// A pause as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Away {
    /// When it begins; `None` for now.
    pub from: Option<Timestamp>,
    /// When it is over.
    pub to: Option<Timestamp>,
}

impl Change {
    /// What `was` becomes at `now`.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Invalid`] with everything that cannot be.
    pub fn onto(self, was: Recipient, now: Timestamp) -> Result<Recipient> {
        let mut violations = Violations::default();
        let minute = self.time.map(|it| minute(&it)).transpose();
        let minute = violations.take(minute).flatten();
        let days = self.days.map(|it| Days::of(it).ok_or_else(no_days)).transpose();
        let days = violations.take(days).flatten();
        let pause = self.pause.map(|it| it.map(|it| pause(it, now)).transpose()).transpose();
        let pause = violations.take(pause).flatten();
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
            pause: pause.unwrap_or(was.pause),
            own_activity: self.own_activity.unwrap_or(was.own_activity),
            redact_content: self.redact_content.unwrap_or(was.redact_content),
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

/// The pause that is asked for at `now`, to the microsecond, as it is kept.
fn pause(away: Away, now: Timestamp) -> Result<Pause, Violation> {
    let field = "preferences.pause.to";
    let kept = |at: Timestamp| Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
    let from = kept(away.from.unwrap_or(now));
    let to = kept(away.to.ok_or_else(|| Violation::new(field, "is required"))?);
    if to <= from.max(now) {
        return Err(Violation::new(field, "must be after now and after the beginning"));
    }
    if to.duration_since(from) > PAUSE_MAX {
        let days = PAUSE_MAX.as_hours() / 24;
        return Err(Violation::new(field, format!("must be at most {days} days after the beginning")));
    }
    Ok(Pause { from, to })
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
        let Err(Error::Invalid(violations)) = change.onto(Recipient::new(uuid::Uuid::nil()), Timestamp::UNIX_EPOCH)
        else {
            panic!()
        };
        let fields: Vec<&str> = violations.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(fields, ["preferences.digest_time", "preferences.daily_days"]);
    }

    #[test]
    fn a_pause_ends_after_it_begins_and_after_now_and_within_a_year() {
        let hour = |it: i64| Timestamp::from_second(it * 3600).unwrap();
        let asked = |from: Option<i64>, to: i64| pause(Away { from: from.map(hour), to: Some(hour(to)) }, hour(10));
        assert_eq!(asked(None, 12), Ok(Pause { from: hour(10), to: hour(12) }));
        assert_eq!(asked(Some(5), 12), Ok(Pause { from: hour(5), to: hour(12) }));
        assert_eq!(asked(Some(20), 21), Ok(Pause { from: hour(20), to: hour(21) }));
        let year = 366 * 24;
        assert!(asked(Some(20), 20 + year).is_ok());
        for (from, to) in [(None, 10), (None, 9), (Some(5), 9), (Some(20), 20), (Some(20), 15), (Some(20), 21 + year)] {
            assert_eq!(asked(from, to).unwrap_err().field, "preferences.pause.to", "{from:?} {to}");
        }
        assert!(pause(Away { from: None, to: None }, hour(10)).is_err());
    }
}
