//! The schedule against a table that another program computed, and against every zone there is.
//!
//! Both use the zone database built into the program, so that they say the same on every machine.

use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};
use workcenter::subscription::schedule::{self, Beat, Days, Rule, Slot};

/// The table; `next_digest.py` beside it says what its columns are, and makes it.
const TABLE: &str = include_str!("../data/next_digest.csv");

/// One line of the table.
struct Row {
    line: &'static str,
    /// The columns that make the rule, as they are written.
    rule: &'static str,
    now: Timestamp,
    last_date: Option<Date>,
    expected: Slot,
}

impl Row {
    fn read(line: &'static str) -> Self {
        let (rest, at) = line.rsplit_once(',').unwrap();
        let (rest, date) = rest.rsplit_once(',').unwrap();
        let (rest, last_date) = rest.rsplit_once(',').unwrap();
        let (rule, now) = rest.rsplit_once(',').unwrap();
        Self {
            line,
            rule,
            now: now.parse().unwrap(),
            last_date: (!last_date.is_empty()).then(|| last_date.parse().unwrap()),
            expected: Slot { date: date.parse().unwrap(), at: at.parse().unwrap() },
        }
    }

    fn rule(&self, zones: &TimeZoneDatabase) -> (Rule, Beat) {
        let [zone, beat, time, day, days] = self.rule.split(',').collect::<Vec<_>>().try_into().unwrap();
        let rule = Rule {
            time: time.parse().unwrap(),
            weekday: weekday(day),
            days: Days::from_mask(days.parse().unwrap()).unwrap(),
            zone: zones.get(zone).unwrap(),
        };
        (rule, Beat::named(beat).unwrap())
    }

    /// Whether this row asks for what comes after the answer of `other`.
    fn follows(&self, other: &Self) -> bool {
        self.rule == other.rule && self.now == other.expected.at && self.last_date == Some(other.expected.date)
    }
}

fn weekday(name: &str) -> Weekday {
    Weekday::Monday.cycle_forward().take(7).find(|it| format!("{it:?}") == name).unwrap()
}

fn table() -> Vec<Row> {
    TABLE.lines().skip(1).map(Row::read).collect()
}

#[test]
fn the_next_digest_is_the_one_that_the_table_says() {
    let zones = TimeZoneDatabase::bundled();
    let rows = table();
    assert!(rows.len() > 3_000, "{} rows", rows.len());
    for row in rows {
        let (rule, beat) = row.rule(&zones);
        let slot = schedule::next(&rule, beat, row.now, row.last_date);
        assert_eq!(slot, Some(row.expected), "{}", row.line);
    }
}

#[test]
fn a_chain_of_digests_meets_each_date_of_the_table_once() {
    let zones = TimeZoneDatabase::bundled();
    // The only date that a zone of the table skips.
    let skipped: (&str, Date) = ("Pacific/Apia", "2011-12-30".parse().unwrap());
    let rows = table();
    let mut chains = 0;
    for links in rows.chunk_by(|row, next| next.follows(row)).filter(|it| it.len() > 2) {
        let first = &links[0];
        let (rule, beat) = first.rule(&zones);
        let (mut now, mut last) = (first.now, None);
        for link in links {
            let slot = schedule::next(&rule, beat, now, last).unwrap();
            assert_eq!(slot, link.expected, "{}", link.line);
            (now, last) = (slot.at, Some(slot.date));
        }
        let met: Vec<_> = links.iter().map(|it| it.expected.date).collect();
        let due: Vec<_> = met[0]
            .series(1.day())
            .take_while(|it| Some(*it) <= last)
            .filter(|it| match beat {
                Beat::Daily => rule.days.includes(it.weekday()),
                Beat::Weekly => rule.weekday == it.weekday(),
            })
            .filter(|it| (rule.zone.iana_name(), *it) != (Some(skipped.0), skipped.1))
            .collect();
        assert_eq!(met, due, "{}", first.line);
        chains += 1;
    }
    assert!(chains > 300, "{chains} chains");
}

#[test]
fn each_date_of_each_zone_has_one_digest_around_every_change_of_the_clocks() {
    let from: Timestamp = "2024-01-01T00:00:00Z".parse().unwrap();
    let until: Timestamp = "2029-01-01T00:00:00Z".parse().unwrap();
    let zones = TimeZoneDatabase::bundled();
    let mut changes = 0;
    for name in zones.available() {
        let zone = zones.get(name.as_str()).unwrap();
        for change in zone.following(from).take_while(|it| it.timestamp() < until) {
            changes += 1;
            for time in ["07:00", "02:30", "00:00"] {
                let rule =
                    Rule { time: time.parse().unwrap(), weekday: Weekday::Monday, days: Days::ALL, zone: zone.clone() };
                each_date_has_one_digest(&rule, change.timestamp());
            }
        }
    }
    assert!(changes > 1_000, "{changes} changes");
}

/// Follows the daily digests over the days around `change`, and looks at each.
fn each_date_has_one_digest(rule: &Rule, change: Timestamp) {
    let (start, end) = (change - 60.hours(), change + 60.hours());
    let mut met = Vec::new();
    let mut now = start;
    loop {
        let last = met.last().copied();
        let slot = schedule::next(rule, Beat::Daily, now, last).unwrap();
        if slot.at > end {
            break;
        }
        assert!(is_first_moment(rule, slot), "{rule:?}: {slot:?}");
        met.push(slot.date);
        now = slot.at;
    }
    let mut dates = dates(&rule.zone, start, end);
    // The dates at both ends are there in part only, and may be without their digest.
    dates.retain(|it| met.first() <= Some(it) && Some(it) <= met.last());
    assert!(dates.len() >= 3, "{rule:?}: {dates:?} at {change}");
    assert_eq!(met, dates, "{rule:?} at {change}");
}

/// Whether the clocks show the slot's time, or pass it, at its instant and at none before.
fn is_first_moment(rule: &Rule, slot: Slot) -> bool {
    let wanted = slot.date.to_datetime(rule.time);
    let shown = |at| rule.zone.to_datetime(at);
    let spans = [1.second(), 30.minutes(), 1.hour(), 2.hours(), 3.hours(), 24.hours()];
    shown(slot.at) >= wanted && spans.iter().all(|it| shown(slot.at - *it) < wanted)
}

/// The dates that clocks in `zone` show between two instants, looked at every third hour.
fn dates(zone: &TimeZone, start: Timestamp, end: Timestamp) -> Vec<Date> {
    let shown = start.series(3.hours()).take_while(|it| *it <= end);
    let mut dates: Vec<_> = shown.map(|it| zone.to_datetime(it).date()).collect();
    dates.sort();
    dates.dedup();
    dates
}
