//! When a person's next digest is due: a pure function of their rule, an instant and the last date.
//!
//! A slot is named by its local date, not by its instant: "the digest of 8 March" exists once,
//! whatever the clocks do that night and wherever its reader travels. The next slot is found from
//! the rule and from `now`; when the last digest was really sent plays no part, so that a digest
//! sent late does not make the following ones late.

use std::time::Duration;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{Timestamp, ToSpan};
use uuid::Uuid;

/// How many dates [`next`] looks at before it gives up.
///
/// Three weeks. A rule may name a single week day; this week's may have passed, and a zone may
/// skip next week's date altogether, as Apia skipped a Friday in 2011. No zone ever skipped the
/// same week day twice in a row.
const SEARCH_DATES: usize = 21;

/// Names that a zone database knows and that are nobody's zone: a placeholder for an installation
/// that was never set up, and two files that say whatever the machine was told.
const NOT_ZONES: [&str; 3] = ["Factory", "localtime", "posixrules"];

/// How often digests go to a person; only the two that have a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Beat {
    /// Once on each of the rule's week days.
    Daily,
    /// Once a week, on the rule's week day.
    Weekly,
}

impl Beat {
    /// Returns the name that the database and the interface use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Daily => "DAILY",
            Self::Weekly => "WEEKLY",
        }
    }

    /// Returns the beat of this [`name`](Self::name), if there is one.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Daily, Self::Weekly].into_iter().find(|it| it.name() == name)
    }
}

/// The week days on which a daily digest goes: any set of them but the empty one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Days(u8);

impl Days {
    /// Every day of the week.
    pub const ALL: Self = Self(0b111_1111);

    /// Returns the set of these days, or `None` if there are none.
    pub fn of(days: impl IntoIterator<Item = Weekday>) -> Option<Self> {
        let mask = days.into_iter().fold(0, |mask, day| mask | bit(day));
        (mask != 0).then_some(Self(mask))
    }

    /// Returns the set that [`mask`](Self::mask) wrote, or `None` for the empty one and for bits
    /// that stand for no day.
    pub fn from_mask(mask: i64) -> Option<Self> {
        let mask = u8::try_from(mask).ok()?;
        (mask != 0 && mask <= Self::ALL.0).then_some(Self(mask))
    }

    /// Returns the set as the database keeps it: Monday is 1, Tuesday 2, up to Sunday, 64.
    pub fn mask(self) -> i64 {
        i64::from(self.0)
    }

    /// Tells whether `day` is in the set.
    pub fn includes(self, day: Weekday) -> bool {
        self.0 & bit(day) != 0
    }
}

impl Default for Days {
    fn default() -> Self {
        Self::ALL
    }
}

fn bit(day: Weekday) -> u8 {
    1 << day.to_monday_zero_offset()
}

/// When a person wants digests, in their own wall time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The time of day, in whole minutes.
    pub time: Time,
    /// The day of the weekly digest.
    pub weekday: Weekday,
    /// The days of the daily digest.
    pub days: Days,
    /// The zone whose clocks the person lives by.
    pub zone: TimeZone,
}

/// One digest's place in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The local date that the digest is named by. Where a jump of the clocks takes the digest over
    /// midnight, this is the date it was meant for.
    pub date: Date,
    /// The instant it is due, before the [`spread`].
    pub at: Timestamp,
}

/// Returns the first slot after `now` whose date exceeds `last_date`, the date of the last digest.
///
/// After is strict: the slot that is due at `now` is not the next one. The work is bounded by
/// three weeks of dates, however far ahead `last_date` lies. `None` means that the calendar ends,
/// in the last days of the year 9999.
pub fn next(rule: &Rule, beat: Beat, now: Timestamp, last_date: Option<Date>) -> Option<Slot> {
    // A slot of an earlier date than today's is never ahead: a local time is due when the clocks
    // first reach it, and they have been past every time of an earlier date.
    let today = rule.zone.to_datetime(now).date();
    let first = match last_date {
        Some(last) => today.max(last.tomorrow().ok()?),
        None => today,
    };
    first.series(1.day()).take(SEARCH_DATES).filter_map(|date| slot(rule, beat, date)).find(|slot| now < slot.at)
}

/// Returns the slot of exactly this local date.
///
/// The wall time is kept through daylight saving. One that does not exist on that date is due at
/// the first instant after the gap; one that occurs twice is due the first time. `None` if the
/// rule names another day of the week, if the zone skips the whole date, or if the instant lies
/// beyond the end of the calendar.
pub fn slot(rule: &Rule, beat: Beat, date: Date) -> Option<Slot> {
    let goes = match beat {
        Beat::Daily => rule.days.includes(date.weekday()),
        Beat::Weekly => rule.weekday == date.weekday(),
    };
    if !goes {
        return None;
    }
    let shown = |time| {
        let at = first_shown(&rule.zone, date.to_datetime(time))?;
        Some((at, rule.zone.to_datetime(at).date() == date))
    };
    let (at, is_that_date) = shown(rule.time)?;
    // A gap may end after midnight; the date is there if it had begun before.
    let exists = is_that_date || shown(Time::midnight())?.1;
    exists.then_some(Slot { date, at })
}

/// Returns the first instant at which the clocks of `zone` show `wall`, or pass it where they jump over it.
///
/// `None` if that lies beyond the end of the calendar.
pub fn first_shown(zone: &TimeZone, wall: DateTime) -> Option<Timestamp> {
    let (before, after) = match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => (offset, offset),
        AmbiguousOffset::Gap { before, after } | AmbiguousOffset::Fold { before, after } => (before, after),
    };
    // A reading is believed if the clocks do show the time then: where a zone's list of changes
    // gives way to its lasting rule, a repetition may be reported that never was (Nuuk, 2023).
    [before, after]
        .into_iter()
        .filter_map(|offset| offset.to_timestamp(wall).ok())
        .find(|at| zone.to_datetime(*at) == wall)
        .or_else(|| gap_end(zone, wall, before, after))
}

/// Returns the first instant after the gap that `wall` falls in.
fn gap_end(zone: &TimeZone, wall: DateTime, before: Offset, after: Offset) -> Option<Timestamp> {
    // Read with the later offset, a time within the gap lies before the jump; up to the jump the
    // clocks still show the earlier offset.
    let early = after.to_timestamp(wall).ok()?;
    Some(zone.following(early).find(|it| it.offset() != before)?.timestamp())
}

/// Returns how long after its slots an account's digests go: whole seconds from zero to `most`.
///
/// Everybody's seven o'clock is the same instant within a zone; this spreads the accounts over
/// the minutes after it. The figure follows from the two arguments and never changes, for the
/// instant is announced to people. It is added to [`Slot::at`], not to the wall time.
///
/// Source: the hash is FNV-1a with 64 bits; G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake, "The FNV
/// Non-Cryptographic Hash Algorithm".
pub fn spread(account: Uuid, most: Duration) -> Duration {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let hash = account.as_bytes().iter().fold(BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME));
    Duration::from_secs(hash % most.as_secs().saturating_add(1))
}

/// Returns the zone of this IANA name, whatever its case, or `None` if it is not one.
///
/// The rules come from the machine's zone database, and from the one built into the program where
/// the machine has none. A zone's [`iana_name`](TimeZone::iana_name) has the proper case.
pub fn zone(name: &str) -> Option<TimeZone> {
    let zone = TimeZone::get(name).ok()?;
    // `Etc/Unknown` is found, and has no name.
    let is_zone = !NOT_ZONES.contains(&zone.iana_name()?);
    is_zone.then_some(zone)
}

#[cfg(test)]
mod tests;
