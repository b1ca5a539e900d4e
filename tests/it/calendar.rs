//! The calendar of digests, in every zone and for seventy years: against what another program computed, and lived through.
//!
//! `make calendar` looks at every date; what `make test` runs looks at those around each change of the clocks, where
//! calendars go wrong.

mod announced;

use std::{collections::BTreeSet, fmt::Write, thread, time::Instant};

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Weekday, date},
    tz::{TimeZone, TimeZoneDatabase},
};
use workcenter::{
    secret,
    subscription::schedule::{self, Beat, Days, Rule},
};

use crate::dice::Dice;

/// The table; `calendar.py` beside it says what its columns are, and makes it.
const TABLE: &str = include_str!("../data/calendar.csv");

/// The dates of the table.
const DATES: (Date, Date) = (date(1970, 1, 1), date(2040, 12, 31));

/// The times of the table.
const TIMES: [&str; 3] = ["00:00", "02:30", "07:00"];

/// Days around a change of the clocks that are near it.
const NEAR_DAYS: i32 = 2;

fn is_full() -> bool {
    std::env::var_os("CALENDAR_FULL").is_some()
}

/// The dates near a change of the clocks.
fn near(zone: &TimeZone) -> BTreeSet<Date> {
    let start: Timestamp = "1969-12-22T00:00:00Z".parse().unwrap();
    let end: Timestamp = "2041-01-10T00:00:00Z".parse().unwrap();
    let mut offset = zone.to_offset(start);
    let mut near = BTreeSet::new();
    for change in zone.following(start).take_while(|it| it.timestamp() < end) {
        if change.offset() != offset {
            offset = change.offset();
            let on = offset.to_datetime(change.timestamp()).date();
            near.extend((-NEAR_DAYS..=NEAR_DAYS).map(|it| on + it.days()));
        }
    }
    near
}

/// The lines of a zone, as the other program writes them.
fn lines(zone: &TimeZone) -> String {
    let near = near(zone);
    let rules = TIMES.map(|it| Rule {
        time: it.parse().unwrap(),
        weekday: Weekday::Monday,
        days: Days::ALL,
        zone: zone.clone(),
    });
    let mut lines = String::new();
    for date in DATES.0.series(1.day()).take_while(|it| *it <= DATES.1).filter(|it| is_full() || near.contains(it)) {
        for (time, rule) in TIMES.iter().zip(&rules) {
            if let Some(slot) = schedule::slot(rule, Beat::Daily, date) {
                assert_eq!(slot.date, date);
                writeln!(lines, "{date} {time} {}", slot.at.as_second()).unwrap();
            }
        }
    }
    lines
}

#[test]
fn each_date_of_each_zone_has_its_digest_when_another_program_says() {
    let zones = TimeZoneDatabase::bundled();
    let rows: Vec<&str> = TABLE.lines().skip(1).collect();
    assert!(rows.len() > 590, "{} zones", rows.len());
    let cores = thread::available_parallelism().unwrap().get();
    let wrong: Vec<&str> = thread::scope(|scope| {
        let parts = rows.chunks(rows.len().div_ceil(cores));
        let parts: Vec<_> = parts
            .map(|rows| {
                let zones = &zones;
                scope.spawn(move || {
                    let is_wrong = |row: &&&str| {
                        let [zone, count, all, near] = row.split(',').collect::<Vec<_>>().try_into().unwrap();
                        let lines = lines(&zones.get(zone).unwrap());
                        let has_count = !is_full() || count == lines.lines().count().to_string();
                        let expected = if is_full() { all } else { near };
                        !has_count || secret::hex(&secret::hash(&lines)) != expected
                    };
                    rows.iter().filter(is_wrong).map(|row| row.split(',').next().unwrap()).collect::<Vec<_>>()
                })
            })
            .collect();
        parts.into_iter().flat_map(|it| it.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "see `calendar.py ZONE` for {wrong:?}");
}

#[test]
fn people_live_through_five_years_and_meet_each_of_their_dates_once() {
    let zones = TimeZoneDatabase::bundled();
    let names: Vec<_> = zones.available().filter(|it| schedule::zone(it.as_str()).is_some()).collect();
    let mut dice = Dice(20_261_122);
    let (begin, people) = (Instant::now(), if is_full() { 1_000 } else { 20 });
    let mut roll = |sides: usize| usize::try_from(dice.roll(sides as u64)).unwrap();
    let mut digests = 0;
    for _ in 0..people {
        let zone = zones.get(names[roll(names.len())].as_str()).unwrap();
        let time = jiff::civil::time(i8::try_from(roll(24)).unwrap(), i8::try_from(15 * roll(4)).unwrap(), 0, 0);
        let weekday = Weekday::Monday.cycle_forward().nth(roll(7)).unwrap();
        let days = Days::from_mask(i64::try_from(1 + roll(127)).unwrap()).unwrap();
        let rule = Rule { time, weekday, days, zone };
        for beat in [Beat::Daily, Beat::Weekly] {
            let (mut now, mut last) = ("2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap(), None);
            let until: Timestamp = "2031-01-01T00:00:00Z".parse().unwrap();
            while now < until {
                let slot = schedule::next(&rule, beat, now, last).unwrap();
                assert!(now < slot.at && last < Some(slot.date), "{rule:?}");
                // Nothing that the rule names lies between one date and the next.
                let between = last.map_or(slot.date, |it: Date| it.tomorrow().unwrap()).series(1.day());
                let missed =
                    between.take_while(|it| *it < slot.date).find(|it| schedule::slot(&rule, beat, *it).is_some());
                assert_eq!(missed, None, "{rule:?}");
                (now, last) = (slot.at, Some(slot.date));
                digests += 1;
            }
        }
    }
    if is_full() {
        println!("{people} people, {digests} digests in {:?}", begin.elapsed());
    }
    assert!(digests > people * 5 * 52);
}
