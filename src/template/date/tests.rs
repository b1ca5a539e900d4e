//! What becomes of dates, one rule at a time.

use std::slice;

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime, Weekday, date},
    tz::TimeZone,
};
use uuid::Uuid;

use super::{Anchor, Dates, HOLIDAYS_MAX, Note, Plan, Refusal, Rule, Task, Trouble, Working, plan};
use crate::subscription::schedule::{Days, zone};

const NEW_YORK: &str = "America/New_York";

/// What clocks in this zone show, as an instant.
fn at(name: &str, wall: &str) -> Timestamp {
    let wall: DateTime = wall.parse().unwrap();
    wall.to_zoned(zone(name).unwrap()).unwrap().timestamp()
}

/// A task of New York; an empty text for what it does not have.
fn task(start: &str, due: &str) -> Task {
    let instant = |it: &str| (!it.is_empty()).then(|| at(NEW_YORK, it));
    Task { id: Uuid::nil(), starts_at: instant(start), due_at: instant(due), zone: zone(NEW_YORK).unwrap() }
}

fn rule(anchor: Anchor) -> Rule {
    Rule { anchor, zone: zone(NEW_YORK).unwrap(), working: None, is_strict: false }
}

/// Monday to Friday, but for these dates.
fn working(anchor: Anchor, holidays: &[Date]) -> Rule {
    Rule { working: Some(Working::new(None, holidays.to_vec()).unwrap()), ..rule(anchor) }
}

fn planned(tasks: &[Task], rule: &Rule) -> Plan {
    plan(tasks, rule).unwrap()
}

/// What clocks where the copies are show at the start of each, and when it is due.
fn shown(tasks: &[Task], rule: &Rule) -> Vec<[String; 2]> {
    let text = |it: Option<Timestamp>| it.map(|it| rule.zone.to_datetime(it).strftime("%a %F %R").to_string());
    let dates = planned(tasks, rule).copies.into_iter().map(|it| it.1.unwrap());
    dates.map(|it| [it.starts_at, it.due_at].map(|it| text(it).unwrap_or_default())).collect()
}

/// The dates of the copy of the only task.
fn only(task: Task, rule: &Rule) -> Dates {
    planned(&[task], rule).copies.remove(0).1.unwrap()
}

#[test]
fn the_earliest_date_moves_to_the_start_and_all_others_by_as_many_days() {
    let tasks = [task("2026-11-18T09:00", "2026-11-20T17:00"), task("", "2026-11-16T12:00"), task("", "")];
    let rule = rule(Anchor::Start(date(2027, 3, 1)));
    assert_eq!(
        shown(&tasks, &rule),
        [["Wed 2027-03-03 09:00", "Fri 2027-03-05 17:00"], ["", "Mon 2027-03-01 12:00"], ["", ""]]
    );
    assert_eq!(planned(&tasks, &rule).anchor, Some(date(2027, 3, 1)));
}

#[test]
fn the_latest_due_date_moves_to_the_due_date_of_all() {
    let tasks = [task("2026-11-16T09:00", "2026-11-20T17:00"), task("", "2026-11-30T12:00")];
    let rule = rule(Anchor::Due(date(2027, 3, 31)));
    assert_eq!(shown(&tasks, &rule), [["Wed 2027-03-17 09:00", "Sun 2027-03-21 17:00"], ["", "Wed 2027-03-31 12:00"]]);
}

#[test]
fn what_starts_after_all_is_due_does_so_still_and_it_is_said() {
    let tasks = [task("", "2026-11-20T17:00"), task("2026-11-23T09:00", "")];
    let plan = planned(&tasks, &rule(Anchor::Due(date(2027, 3, 5))));
    let dates = plan.copies[1].1.clone().unwrap();
    assert_eq!(dates.starts_at, Some(at(NEW_YORK, "2027-03-08T09:00")));
    assert_eq!(dates.of_start, [Note::AfterDue]);
    assert_eq!(plan.copies[0].1.clone().unwrap().of_due, []);
}

#[test]
fn without_an_anchor_there_are_no_dates_and_what_is_kept_stays_the_same_instant_anywhere() {
    let task = task("2026-11-21T09:00", "2026-11-22T17:00");
    assert_eq!(only(task.clone(), &rule(Anchor::None)), Dates::default());
    let elsewhere = Rule { zone: TimeZone::UTC, ..working(Anchor::Keep, &[]) };
    let kept = Dates { starts_at: task.starts_at, due_at: task.due_at, ..Dates::default() };
    assert_eq!(only(task, &elsewhere), kept);
}

#[test]
fn dates_that_must_not_be_lost_want_an_anchor_and_a_due_date_of_all_wants_one_that_is_due() {
    let (dated, undated) = (task("2026-11-18T09:00", ""), task("", ""));
    let strict = |anchor| Rule { is_strict: true, ..rule(anchor) };
    assert_eq!(plan(&[undated.clone(), dated.clone()], &strict(Anchor::None)), Err(Refusal::NoAnchor));
    assert!(plan(slice::from_ref(&undated), &strict(Anchor::None)).is_ok());
    assert!(plan(slice::from_ref(&dated), &strict(Anchor::Keep)).is_ok());
    let due = Anchor::Due(date(2027, 3, 5));
    assert_eq!(plan(&[undated.clone(), dated], &rule(due)), Err(Refusal::NothingDue));
    assert_eq!(only(undated, &rule(due)), Dates::default());
}

#[test]
fn times_of_day_stay_when_clocks_change_and_are_those_of_where_copies_are() {
    // From before the change of 14 March 2027 to after it, and from New York to Kolkata.
    let plain = task("2026-11-16T09:00", "2026-11-23T09:00");
    let start = Anchor::Start(date(2027, 3, 11));
    let dates = only(plain.clone(), &rule(start));
    assert_eq!(dates.starts_at, Some("2027-03-11T14:00:00Z".parse().unwrap()));
    assert_eq!(dates.due_at, Some("2027-03-18T13:00:00Z".parse().unwrap()));
    let kolkata = Rule { zone: zone("Asia/Kolkata").unwrap(), ..rule(start) };
    assert_eq!(shown(&[plain], &kolkata), [["Thu 2027-03-11 09:00", "Thu 2027-03-18 09:00"]]);
}

#[test]
fn a_time_that_clocks_skip_is_the_first_instant_after_it_and_one_shown_twice_the_first() {
    let skipped = only(task("2026-11-16T02:30", ""), &rule(Anchor::Start(date(2027, 3, 14))));
    assert_eq!(skipped.starts_at, Some("2027-03-14T07:00:00Z".parse().unwrap()));
    assert_eq!(skipped.of_start, [Note::Skipped]);
    let twice = only(task("2026-11-16T01:30", ""), &rule(Anchor::Start(date(2027, 11, 7))));
    assert_eq!(twice.starts_at, Some("2027-11-07T05:30:00Z".parse().unwrap()));
    assert_eq!(twice.of_start, []);
}

#[test]
fn a_date_that_a_zone_skips_is_no_working_day() {
    let apia = |rule| Rule { zone: zone("Pacific/Apia").unwrap(), ..rule };
    let task = task("2026-11-19T09:00", "2026-11-20T17:00");
    let start = Anchor::Start(date(2011, 12, 29));
    let skipped = planned(slice::from_ref(&task), &apia(rule(start))).copies.remove(0).1.unwrap();
    assert_eq!(skipped.due_at, Some(at("Pacific/Apia", "2011-12-31T00:00")));
    assert_eq!(skipped.of_due, [Note::Skipped]);
    let rule = apia(working(start, &[]));
    assert_eq!(shown(&[task], &rule), [["Thu 2011-12-29 09:00", "Mon 2012-01-02 17:00"]]);
}

#[test]
fn friday_to_monday_is_four_days_or_two_working_days() {
    let task = task("2026-11-20T09:00", "2026-11-23T17:00");
    let monday = Anchor::Start(date(2027, 3, 1));
    assert_eq!(shown(slice::from_ref(&task), &rule(monday)), [["Mon 2027-03-01 09:00", "Thu 2027-03-04 17:00"]]);
    assert_eq!(shown(&[task], &working(monday, &[])), [["Mon 2027-03-01 09:00", "Tue 2027-03-02 17:00"]]);
}

#[test]
fn five_working_days_stay_five_and_seven_days_seven() {
    let (week, whole) = (task("2026-11-16T09:00", "2026-11-20T17:00"), task("2026-11-16T09:00", "2026-11-22T17:00"));
    let wednesday = Anchor::Start(date(2027, 3, 3));
    let (holiday, plain) = (working(wednesday, &[date(2027, 3, 5)]), rule(wednesday));
    let five = [["Wed 2027-03-03 09:00", "Wed 2027-03-10 17:00"]];
    assert_eq!(shown(&[week], &holiday), five);
    // The weekend at its end is none of its working days.
    assert_eq!(shown(slice::from_ref(&whole), &holiday), five);
    assert_eq!(only(whole.clone(), &holiday).of_due, [Note::NotWorking]);
    assert_eq!(shown(&[whole], &plain), [["Wed 2027-03-03 09:00", "Tue 2027-03-09 17:00"]]);
}

#[test]
fn what_stands_or_would_stand_on_a_day_off_moves_forward_and_it_is_said() {
    let tasks = [task("2026-11-16T09:00", ""), task("2026-11-21T09:00", ""), task("", "2026-11-22T17:00")];
    let rule = working(Anchor::Start(date(2027, 2, 27)), &[date(2027, 3, 1)]);
    assert_eq!(
        shown(&tasks, &rule),
        [["Tue 2027-03-02 09:00", ""], ["Tue 2027-03-09 09:00", ""], ["", "Tue 2027-03-09 17:00"]]
    );
    let plan = planned(&tasks, &rule);
    assert_eq!(plan.anchor, Some(date(2027, 3, 2)));
    for (_, dates) in plan.copies {
        let dates = dates.unwrap();
        assert_eq!([dates.of_start, dates.of_due].concat(), [Note::NotWorking]);
    }
}

#[test]
fn what_would_be_due_before_its_start_is_due_at_it() {
    let weekend = task("2026-11-21T10:00", "2026-11-22T09:00");
    let dates = only(weekend, &working(Anchor::Due(date(2027, 3, 3)), &[]));
    assert_eq!(dates.starts_at, Some(at(NEW_YORK, "2027-03-03T10:00")));
    assert_eq!(dates.due_at, dates.starts_at);
    assert_eq!(dates.of_due, [Note::NotWorking, Note::AtStart]);
    // Clocks show half past one, and after half an hour one o'clock again.
    let instant = |it: &str| Some(it.parse().unwrap());
    let (starts_at, due_at) = (instant("2026-11-01T05:30:00Z"), instant("2026-11-01T06:00:00Z"));
    let dates = only(Task { starts_at, due_at, ..task("", "") }, &rule(Anchor::Start(date(2027, 3, 3))));
    assert_eq!(dates.due_at, Some(at(NEW_YORK, "2027-03-03T01:30")));
    assert_eq!(dates.of_due, [Note::AtStart]);
}

#[test]
fn a_task_that_is_due_before_its_start_has_no_dates_and_moves_no_other() {
    let reversed = task("2027-11-18T09:00", "2026-11-01T09:00");
    let tasks = [reversed.clone(), task("2026-11-16T09:00", "2026-11-17T09:00")];
    for anchor in [Anchor::Start(date(2027, 3, 1)), Anchor::Due(date(2027, 3, 2))] {
        let plan = planned(&tasks, &rule(anchor));
        assert_eq!(plan.copies[0].1, Err(Trouble::Reversed));
        assert_eq!(plan.copies[1].1.clone().unwrap().starts_at, Some(at(NEW_YORK, "2027-03-01T09:00")));
    }
    let due = Anchor::Due(date(2027, 3, 2));
    assert_eq!(plan(&[reversed], &rule(due)), Err(Refusal::NothingDue));
}

#[test]
fn dates_before_1970_and_after_9999_are_none() {
    let tasks = [task("2026-11-16T09:00", "2026-11-17T09:00"), task("2026-12-16T09:00", ""), task("", "")];
    for rule in [rule(Anchor::Start(date(9999, 12, 1))), working(Anchor::Start(date(9999, 12, 10)), &[])] {
        let copies = planned(&tasks, &rule).copies;
        assert!(copies[0].1.is_ok());
        assert_eq!(copies[1].1, Err(Trouble::Beyond));
        assert_eq!(copies[2].1, Ok(Dates::default()));
    }
    let early = planned(&tasks, &rule(Anchor::Due(date(1970, 1, 1))));
    assert_eq!(early.copies[0].1, Err(Trouble::Beyond));
    assert_eq!(early.anchor, Some(date(1970, 1, 1)));
    let none = planned(&tasks, &rule(Anchor::Start(date(1969, 12, 31))));
    assert_eq!(none.anchor, None);
    assert_eq!(none.copies[0].1, Err(Trouble::Beyond));
}

#[test]
fn a_calendar_has_a_thousand_holidays_at_most() {
    let holidays = |count| date(2027, 1, 1).series(1.day()).take(count).collect::<Vec<_>>();
    assert!(Working::new(None, holidays(HOLIDAYS_MAX)).is_ok());
    assert_eq!(Working::new(None, holidays(HOLIDAYS_MAX + 1)).unwrap_err().field, "holidays");
    let sundays = Working::new(Days::of([Weekday::Sunday]), holidays(HOLIDAYS_MAX)).unwrap();
    // All of the first thousand days are off.
    let rule = Rule { working: Some(sundays), ..rule(Anchor::Start(date(2027, 1, 1))) };
    assert_eq!(shown(&[task("2026-11-16T09:00", "")], &rule), [["Sun 2029-09-30 09:00", ""]]);
}
