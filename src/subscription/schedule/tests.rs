//! The schedule's rules, one by one, at the nights and places that try them.

use jiff::tz::TimeZoneDatabase;

use super::*;

fn rule(zone: &str, time: &str) -> Rule {
    Rule {
        time: time.parse().unwrap(),
        weekday: Weekday::Monday,
        days: Days::ALL,
        zone: TimeZoneDatabase::bundled().get(zone).unwrap(),
    }
}

fn date(date: &str) -> Date {
    date.parse().unwrap()
}

fn instant(instant: &str) -> Timestamp {
    instant.parse().unwrap()
}

/// When the daily digest of `day` is due at `time` in `zone`.
fn daily(zone: &str, time: &str, day: &str) -> Option<Timestamp> {
    slot(&rule(zone, time), Beat::Daily, date(day)).map(|it| it.at)
}

/// The dates of the first `count` digests after `now`, each asked for at the one before.
fn dates(rule: &Rule, beat: Beat, now: &str, count: usize) -> Vec<String> {
    let (mut now, mut last) = (instant(now), None);
    let mut step = || {
        let slot = next(rule, beat, now, last).unwrap();
        (now, last) = (slot.at, Some(slot.date));
        slot.date.to_string()
    };
    (0..count).map(|_| step()).collect()
}

#[test]
fn a_time_that_does_not_exist_is_due_at_the_end_of_the_gap() {
    for (zone, time, day, at) in [
        ("America/New_York", "02:00", "2026-03-08", "2026-03-08T07:00:00Z"),
        ("America/New_York", "02:30", "2026-03-08", "2026-03-08T07:00:00Z"),
        ("Australia/Lord_Howe", "02:15", "2026-10-04", "2026-10-03T15:30:00Z"),
        // Midnight itself is missing: one o'clock of the same date.
        ("America/Sao_Paulo", "00:00", "2017-10-15", "2017-10-15T03:00:00Z"),
        // From 23:30 to 00:30: the digest keeps the date it was meant for.
        ("America/Toronto", "23:45", "1919-03-30", "1919-03-31T04:30:00Z"),
    ] {
        assert_eq!(daily(zone, time, day), Some(instant(at)), "{zone} {time} {day}");
    }
}

#[test]
fn a_gap_over_midnight_costs_neither_of_its_two_dates_the_digest() {
    let late = rule("America/Toronto", "23:45");
    let expected = ["1919-03-29", "1919-03-30", "1919-03-31", "1919-04-01"];
    assert_eq!(dates(&late, Beat::Daily, "1919-03-29T12:00:00Z", 4), expected);
    let midnight = rule("America/Toronto", "00:00");
    let expected = ["1919-03-30", "1919-03-31", "1919-04-01"];
    assert_eq!(dates(&midnight, Beat::Daily, "1919-03-29T12:00:00Z", 3), expected);
}

#[test]
fn a_time_that_occurs_twice_is_due_once_the_first_time() {
    let night = rule("America/New_York", "01:30");
    let first = instant("2026-11-01T05:30:00Z");
    assert_eq!(daily("America/New_York", "01:30", "2026-11-01"), Some(first));
    let slot = next(&night, Beat::Daily, first, None).unwrap();
    assert_eq!((slot.date, slot.at), (date("2026-11-02"), instant("2026-11-02T06:30:00Z")));
    // Greenland's rule has a repetition here; that year its clocks stood still.
    let only = instant("2023-10-29T01:45:00Z");
    assert_eq!(daily("America/Nuuk", "23:45", "2023-10-28"), Some(only));
}

#[test]
fn a_date_that_the_zone_skips_has_no_digest() {
    let mut apia = rule("Pacific/Apia", "07:00");
    assert_eq!(daily("Pacific/Apia", "07:00", "2011-12-30"), None);
    assert_eq!(daily("Pacific/Apia", "00:00", "2011-12-30"), None);
    let start = "2011-12-29T00:00:00Z";
    assert_eq!(dates(&apia, Beat::Daily, start, 2), ["2011-12-29", "2011-12-31"]);
    apia.weekday = Weekday::Friday;
    assert_eq!(dates(&apia, Beat::Weekly, start, 2), ["2012-01-06", "2012-01-13"]);
    // The Friday before has passed, the next one is skipped.
    let noon = "2011-12-24T00:00:00Z";
    apia.days = Days::of([Weekday::Friday]).unwrap();
    assert_eq!(dates(&apia, Beat::Daily, noon, 1), ["2012-01-06"]);
}

#[test]
fn dates_repeated_by_moving_west_are_skipped() {
    // Seven o'clock of the 10th in Auckland; then a flight to Honolulu, where it is the 9th.
    let honolulu = rule("Pacific/Honolulu", "07:00");
    let now = instant("2026-06-09T19:00:00Z");
    let slot = next(&honolulu, Beat::Daily, now, Some(date("2026-06-10"))).unwrap();
    assert_eq!((slot.date, slot.at), (date("2026-06-11"), instant("2026-06-11T17:00:00Z")));
}

#[test]
fn a_change_of_zone_never_makes_two_digests_for_one_date() {
    let zones = ["America/New_York", "Asia/Tokyo", "Pacific/Pago_Pago", "Pacific/Kiritimati"];
    for beat in [Beat::Daily, Beat::Weekly] {
        let (mut now, mut last) = (instant("2026-02-25T00:00:00Z"), None);
        for zone in zones.iter().cycle().take(40) {
            let slot = next(&rule(zone, "07:00"), beat, now, last).unwrap();
            assert!(last < Some(slot.date), "{zone}: {last:?}, then {slot:?}");
            (now, last) = (slot.at, Some(slot.date));
        }
    }
}

#[test]
fn the_slot_that_is_due_now_is_not_the_next_one() {
    let utc = rule("UTC", "07:00");
    for (now, expected) in [("2026-06-09T06:59:59.999999999Z", "2026-06-09"), ("2026-06-09T07:00:00Z", "2026-06-10")] {
        let slot = next(&utc, Beat::Daily, instant(now), None).unwrap();
        assert_eq!(slot.date, date(expected), "{now}");
    }
}

#[test]
fn a_last_date_of_years_ago_does_not_hold_the_next_digest_back() {
    let utc = rule("UTC", "07:00");
    let now = instant("2026-06-09T12:00:00Z");
    let slot = next(&utc, Beat::Daily, now, Some(date("2019-01-01"))).unwrap();
    assert_eq!((slot.date, slot.at), (date("2026-06-10"), instant("2026-06-10T07:00:00Z")));
}

#[test]
fn a_last_date_at_the_end_of_the_calendar_ends_the_search() {
    let utc = rule("UTC", "07:00");
    let now = instant("2026-06-09T00:00:00Z");
    let slot = next(&utc, Beat::Weekly, now, Some(date("9998-12-31"))).unwrap();
    assert_eq!(slot.date, date("9999-01-04"));
    assert_eq!(next(&utc, Beat::Daily, now, Some(Date::MAX)), None);
    assert_eq!(next(&utc, Beat::Daily, Timestamp::MAX, None), None);
}

#[test]
fn a_daily_digest_from_monday_to_friday_rests_on_the_weekend() {
    let work = [1, 2, 3, 4, 5].map(|it| Weekday::from_monday_one_offset(it).unwrap());
    let mut office = rule("Europe/London", "07:00");
    office.days = Days::of(work).unwrap();
    let expected = ["2026-03-26", "2026-03-27", "2026-03-30", "2026-03-31"];
    assert_eq!(dates(&office, Beat::Daily, "2026-03-26T00:00:00Z", 4), expected);
    assert_eq!(slot(&office, Beat::Daily, date("2026-03-28")), None);
}

#[test]
fn days_are_kept_as_a_mask_and_are_never_none() {
    assert_eq!(Days::of([]), None);
    assert_eq!(Days::of([Weekday::Sunday, Weekday::Monday]).unwrap().mask(), 65);
    for mask in 1..=127 {
        assert_eq!(Days::from_mask(mask).unwrap().mask(), mask);
    }
    for mask in [i64::MIN, -1, 0, 128, 256, 257, i64::MAX] {
        assert_eq!(Days::from_mask(mask), None, "{mask}");
    }
}

#[test]
fn a_beat_is_read_back_from_its_name() {
    for beat in [Beat::Daily, Beat::Weekly] {
        assert_eq!(Beat::named(beat.name()), Some(beat));
    }
    assert_eq!(Beat::named("IMMEDIATE"), None);
}

#[test]
fn the_spread_of_an_account_never_changes() {
    let most = Duration::from_secs(600);
    for (account, seconds) in [
        ("00000000-0000-0000-0000-000000000000", 236),
        ("01890a5d-ac96-774b-bcce-b302099a8057", 469),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", 337),
    ] {
        let account = Uuid::parse_str(account).unwrap();
        assert_eq!(spread(account, most), Duration::from_secs(seconds), "{account}");
        assert_eq!(spread(account, Duration::ZERO), Duration::ZERO);
    }
}

#[test]
fn the_spread_reaches_from_the_first_second_to_the_last() {
    let most = Duration::from_secs(9);
    let mut accounts = [0; 10];
    for account in 0..1_000 {
        accounts[usize::try_from(spread(Uuid::from_u128(account), most).as_secs()).unwrap()] += 1;
    }
    assert!(accounts.iter().all(|it| (50..=150).contains(it)), "{accounts:?}");
}

#[test]
fn a_zone_is_one_that_has_an_iana_name() {
    assert_eq!(zone("america/new_york").unwrap().iana_name(), Some("America/New_York"));
    assert!(zone("UTC").is_some());
    for name in ["", "Etc/Unknown", "GMT+2", "Mars/Olympus", "factory", "localtime", "../UTC"] {
        assert_eq!(zone(name), None, "{name}");
    }
}
