//! Days that are counted: all of them, or those on which people work.

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Time, Weekday, date},
    tz::TimeZone,
};

use crate::{error::Violation, subscription::schedule::Days};

/// Holidays at most: ten a year for a century.
pub const HOLIDAYS_MAX: usize = 1_000;

/// The first date that a copy can have, and the last: four digits of a year, from when clocks of computers begin.
pub const DATES: (Date, Date) = (date(1970, 1, 1), date(9999, 12, 31));

/// Up to when dates are looked for that a zone skips. Until 2037 zones list their changes one by one; after that a rule holds,
/// which moves clocks by an hour or so.
const LISTED_UNTIL: Date = date(2038, 1, 1);

/// On which days people work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Working {
    days: Days,
    holidays: Vec<Date>,
}

impl Working {
    /// Work on these days of the week, Monday to Friday where none are given, but not on these dates. The order of dates means
    /// nothing, nor does one that is named twice.
    ///
    /// # Errors
    ///
    /// More than [`HOLIDAYS_MAX`] dates.
    pub fn new(days: Option<Days>, holidays: Vec<Date>) -> Result<Self, Violation> {
        if holidays.len() > HOLIDAYS_MAX {
            return Err(Violation::new("holidays", format!("must be at most {HOLIDAYS_MAX} dates")));
        }
        let week = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
        Ok(Self { days: days.or_else(|| Days::of(week)).unwrap_or_default(), holidays })
    }
}

/// Numbers the days that are counted, so that each has one more than the one before it.
#[derive(Clone, Debug)]
pub(super) struct Count {
    /// A bit for each day of the week, Monday the lowest.
    week: i64,
    /// Those of the week that are not counted, by the days since 1970, in their order.
    off: Vec<i64>,
}

impl Count {
    /// Counts every day.
    pub(super) fn every() -> Self {
        Self { week: Days::ALL.mask(), off: Vec::new() }
    }

    /// Counts the days on which people in `zone` work: a date that the zone skips is none.
    pub(super) fn working(on: &Working, zone: &TimeZone) -> Self {
        let skipped = skipped(zone);
        let dates = on.holidays.iter().chain(&skipped).filter(|it| on.days.includes(it.weekday()));
        let mut off: Vec<_> = dates.copied().map(number).collect();
        off.sort_unstable();
        off.dedup();
        Self { week: on.days.mask(), off }
    }

    /// How many are counted up to this date and with it, from where counting begins.
    fn through(&self, day: i64) -> i64 {
        // The first day of 1970 was a Thursday.
        let (weeks, weekday) = ((day + 3).div_euclid(7), (day + 3).rem_euclid(7));
        let begun = self.week & ((2 << weekday) - 1);
        let off = self.off.partition_point(|it| *it <= day);
        weeks * i64::from(self.week.count_ones()) + i64::from(begun.count_ones()) - off as i64
    }

    /// Whether this date is counted.
    pub(super) fn has(&self, date: Date) -> bool {
        let day = number(date);
        self.through(day) > self.through(day - 1)
    }

    /// The number of this date, or of the first after it that is counted.
    pub(super) fn forward(&self, date: Date) -> i64 {
        self.through(number(date) - 1) + 1
    }

    /// The number of this date, or of the last before it that is counted.
    pub(super) fn back(&self, date: Date) -> i64 {
        self.through(number(date))
    }

    /// The date of this number, unless it is none of [`DATES`].
    pub(super) fn date(&self, counted: i64) -> Option<Date> {
        let (first, last) = (number(DATES.0), number(DATES.1));
        if counted <= self.through(first - 1) || counted > self.through(last) {
            return None;
        }
        let (mut low, mut high) = (first, last);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.through(middle) < counted {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        DATES.0.checked_add(low.days()).ok()
    }
}

/// Days since 1970.
fn number(date: Date) -> i64 {
    date.duration_since(DATES.0).as_hours() / 24
}

/// The dates that clocks in this zone jump over altogether.
fn skipped(zone: &TimeZone) -> Vec<Date> {
    let mut skipped = Vec::new();
    let mut before = zone.to_offset(Timestamp::UNIX_EPOCH);
    for change in zone.following(Timestamp::UNIX_EPOCH) {
        let (at, after) = (change.timestamp(), change.offset());
        let (from, until) = (before.to_datetime(at), after.to_datetime(at));
        if until.date() >= LISTED_UNTIL {
            break;
        }
        let dates = from.date().series(1.day()).take_while(|it| *it < until.date());
        skipped.extend(dates.filter(|it| it.to_datetime(Time::midnight()) >= from));
        before = after;
    }
    skipped
}
