//! The dates of copied tasks: against a table that another program computed, and by dice.
//!
//! Both use the zone database built into the program, so that they say the same on every machine.

use std::collections::BTreeMap;

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime, Weekday, date},
    tz::{TimeZone, TimeZoneDatabase},
};
use uuid::Uuid;
use workcenter::{
    subscription::schedule::Days,
    template::date::{self, Anchor, Dates, Note, Plan, Refusal, Rule, Task, Trouble, Working},
};

use crate::dice::Dice;

/// The table; `template_dates.py` beside it says what its columns are, and makes it.
const TABLE: &str = include_str!("../../data/template_dates.csv");

/// Templates that dice make.
const THROWN: usize = 3_000;

/// Zones whose clocks are changed by hours and by half an hour, at midnight and at two, or not at all, and that skip a date.
const ZONES: [&str; 8] = [
    "America/New_York",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "America/Nuuk",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Apia",
    "UTC",
];

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap()
}

/// The tasks of a cell.
fn tasks(cell: &'static str) -> Vec<Task> {
    let mut meant_in = TimeZone::UTC;
    let instant = |it: &str| (!it.is_empty()).then(|| it.parse().unwrap());
    let read = |(number, task): (u128, &str)| {
        let [name, start, due] = task.split('|').collect::<Vec<_>>().try_into().unwrap();
        if !name.is_empty() {
            meant_in = zone(name);
        }
        let id = Uuid::from_u128(number);
        Task { id, starts_at: instant(start), due_at: instant(due), zone: meant_in.clone() }
    };
    (0..).zip(cell.split(' ')).map(read).collect()
}

/// The rule of the first six cells of a line.
fn rule(cells: [&'static str; 6]) -> Rule {
    let [anchor, on, strict, name, week, holidays] = cells;
    let anchor = match anchor {
        "START" => Anchor::Start(on.parse().unwrap()),
        "DUE" => Anchor::Due(on.parse().unwrap()),
        "NONE" => Anchor::None,
        "KEEP" => Anchor::Keep,
        other => panic!("no anchor {other}"),
    };
    let working = (!week.is_empty()).then(|| {
        let works = Weekday::Monday.cycle_forward().zip(week.chars()).filter(|it| it.1 == '1');
        let holidays = holidays.split_whitespace().map(|it| it.parse().unwrap()).collect();
        Working::new(Days::of(works.map(|it| it.0)), holidays).unwrap()
    });
    Rule { anchor, zone: zone(name), working, is_strict: strict == "strict" }
}

/// What comes out, as the other program writes it.
fn written(plan: Result<Plan, Refusal>) -> String {
    let plan = match plan {
        Ok(plan) => plan,
        Err(Refusal::NoAnchor) => return ",NO_ANCHOR".to_owned(),
        Err(Refusal::NothingDue) => return ",NOTHING_DUE".to_owned(),
    };
    let instant = |it: Option<Timestamp>| it.map(|it| it.to_string()).unwrap_or_default();
    let said = |notes: &[Note]| notes.iter().map(|it| note(*it)).collect::<Vec<_>>().join("+");
    let copy = |(_, dates): &(Uuid, Result<Dates, Trouble>)| match dates {
        Ok(it) => [instant(it.starts_at), said(&it.of_start), instant(it.due_at), said(&it.of_due)].join("|"),
        Err(Trouble::Beyond) => "BEYOND".to_owned(),
        Err(Trouble::Reversed) => "REVERSED".to_owned(),
    };
    let anchor = plan.anchor.map(|it| it.to_string()).unwrap_or_default();
    format!("{anchor},{}", plan.copies.iter().map(copy).collect::<Vec<_>>().join(" "))
}

fn note(note: Note) -> &'static str {
    match note {
        Note::NotWorking => "NOT_WORKING",
        Note::Skipped => "SKIPPED",
        Note::AtStart => "AT_START",
        Note::AfterDue => "AFTER_DUE",
    }
}

#[test]
fn copies_have_the_dates_that_the_table_says() {
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    for line in TABLE.lines().skip(1) {
        let cells: Vec<_> = line.splitn(8, ',').collect();
        let rule = rule(cells[..6].try_into().unwrap());
        let plan = date::plan(&tasks(cells[6]), &rule);
        assert_eq!(written(plan), cells[7], "{line}");
        for word in cells[7].split([',', ' ', '|', '+']).filter(|it| it.starts_with(|it: char| it.is_alphabetic())) {
            *met.entry(word).or_default() += 1;
        }
        *met.entry(cells[0]).or_default() += 1;
    }
    // Nothing is said that no line tries.
    let tried = ["AFTER_DUE", "AT_START", "BEYOND", "DUE", "KEEP", "NONE", "NOTHING_DUE", "NOT_WORKING", "NO_ANCHOR"];
    let also = ["REVERSED", "SKIPPED", "START"];
    assert_eq!(met.keys().copied().collect::<Vec<_>>(), [&tried[..], &also].concat());
    assert!(met["START"] > 600 && met["DUE"] > 600 && met["SKIPPED"] > 100, "{met:?}");
}

/// Something thrown: a template of one zone, and where it goes.
struct Thrown {
    tasks: Vec<Task>,
    to: TimeZone,
    week: Days,
    holidays: Vec<Date>,
    asked: Date,
}

impl Thrown {
    /// Whether people work on this date where the template goes.
    fn works(&self, day: Date) -> bool {
        let exists = || day.at(12, 0, 0, 0).to_zoned(self.to.clone()).unwrap().date() == day;
        self.week.includes(day.weekday()) && !self.holidays.contains(&day) && exists()
    }

    /// On how many dates from the first to the last.
    fn worked(&self, first: Date, last: Date) -> usize {
        first.series(1.day()).take_while(|it| *it <= last).filter(|it| self.works(*it)).count()
    }
}

fn thrown(dice: &mut Dice) -> Thrown {
    let name = |dice: &mut Dice| ZONES[dice.roll(ZONES.len() as u64) as usize];
    let day = |dice: &mut Dice| date(2006, 1, 1) + (dice.roll(24 * 365) as i64).days();
    let (home, to) = (zone(name(dice)), zone(name(dice)));
    let begin = day(dice).at(0, 0, 0, 0).to_zoned(home.clone()).unwrap().timestamp();
    let tasks = (0..2 + dice.roll(8)).map(|number| {
        let start = begin + (dice.roll(30 * 96) as i64 * 15).minutes();
        let due = start + (dice.roll(14 * 96) as i64 * 15).minutes();
        let has = dice.roll(5);
        let (starts_at, due_at) = ((has != 1).then_some(start), (has != 2).then_some(due));
        Task { id: Uuid::from_u128(u128::from(number)), starts_at, due_at, zone: home.clone() }
    });
    let tasks: Vec<_> = tasks.collect();
    let week = Days::from_mask(1 + dice.roll(127) as i64).unwrap();
    let asked = day(dice);
    let near = [asked, home.to_datetime(begin).date()];
    let mut holiday = |it: usize| near[it % 2] + (dice.roll(60) as i64 - 10).days();
    let holidays = (0..12).map(&mut holiday).collect();
    Thrown { tasks, to, week, holidays, asked }
}

/// Throws templates, and looks at the copies of each.
fn throw(seed: u64, look: impl Fn(&Thrown, &dyn Fn(Anchor, bool) -> Vec<Dates>)) {
    let mut dice = Dice(seed);
    for _ in 0..THROWN {
        let thrown = thrown(&mut dice);
        let copies = |anchor, is_working: bool| {
            let working = Working::new(Some(thrown.week), thrown.holidays.clone()).unwrap();
            let working = is_working.then_some(working);
            let rule = Rule { anchor, zone: thrown.to.clone(), working, is_strict: true };
            match date::plan(&thrown.tasks, &rule) {
                Ok(plan) => plan.copies.into_iter().map(|it| it.1.unwrap()).collect(),
                Err(refusal) => {
                    assert_eq!(refusal, Refusal::NothingDue);
                    assert!(thrown.tasks.iter().all(|it| it.due_at.is_none()));
                    Vec::new()
                }
            }
        };
        look(&thrown, &copies);
    }
}

/// What clocks show at both dates.
fn shown(zone: &TimeZone, start: Option<Timestamp>, due: Option<Timestamp>) -> (Option<DateTime>, Option<DateTime>) {
    let wall = |at| zone.to_datetime(at);
    (start.map(wall), due.map(wall))
}

/// Whether clocks did something to a copy, so that it does not show the times of its task.
fn is_off(dates: &Dates) -> bool {
    dates.of_start.iter().chain(&dates.of_due).any(|it| matches!(it, Note::Skipped | Note::AtStart))
}

#[test]
fn a_copy_takes_as_many_calendar_days_as_its_task_and_has_its_times_of_day() {
    throw(2_027, |thrown, copies| {
        for anchor in [Anchor::Start(thrown.asked), Anchor::Due(thrown.asked)] {
            for (task, copy) in thrown.tasks.iter().zip(copies(anchor, false)).filter(|it| !is_off(&it.1)) {
                let (start, due) = shown(&task.zone, task.starts_at, task.due_at);
                let (new_start, new_due) = shown(&thrown.to, copy.starts_at, copy.due_at);
                assert_eq!(start.map(|it| it.time()), new_start.map(|it| it.time()));
                assert_eq!(due.map(|it| it.time()), new_due.map(|it| it.time()));
                let days = |(start, due): (DateTime, DateTime)| start.date().until(due.date()).unwrap().get_days();
                assert_eq!(start.zip(due).map(days), new_start.zip(new_due).map(days), "{task:?}: {copy:?}");
            }
        }
    });
}

#[test]
fn a_copy_takes_as_many_working_days_as_its_task_and_begins_and_ends_on_one() {
    throw(2_028, |thrown, copies| {
        for anchor in [Anchor::Start(thrown.asked), Anchor::Due(thrown.asked)] {
            for (task, copy) in thrown.tasks.iter().zip(copies(anchor, true)).filter(|it| !is_off(&it.1)) {
                let (start, due) = shown(&task.zone, task.starts_at, task.due_at);
                let (new_start, new_due) = shown(&thrown.to, copy.starts_at, copy.due_at);
                for new in new_start.iter().chain(&new_due) {
                    assert!(thrown.works(new.date()), "{task:?}: {copy:?}");
                }
                let taken = |(start, due): (DateTime, DateTime)| thrown.worked(start.date(), due.date()).max(1);
                assert_eq!(start.zip(due).map(taken), new_start.zip(new_due).map(taken), "{task:?}: {copy:?}");
            }
        }
    });
}

#[test]
fn the_earliest_date_or_the_latest_due_one_comes_to_the_anchor() {
    throw(2_029, |thrown, copies| {
        let early = copies(Anchor::Start(thrown.asked), false);
        if !early.iter().any(is_off) {
            let dates = early.iter().flat_map(|it| [it.starts_at, it.due_at]).flatten();
            assert_eq!(dates.map(|it| thrown.to.to_datetime(it).date()).min(), Some(thrown.asked));
        }
        let late = copies(Anchor::Due(thrown.asked), false);
        if !late.is_empty() && !late.iter().any(is_off) {
            let dates = late.iter().filter_map(|it| it.due_at);
            assert_eq!(dates.map(|it| thrown.to.to_datetime(it).date()).max(), Some(thrown.asked));
        }
    });
}

#[test]
fn no_copy_comes_before_another_that_it_came_after() {
    throw(2_030, |thrown, copies| {
        for (anchor, is_working) in [
            (Anchor::Start(thrown.asked), false),
            (Anchor::Start(thrown.asked), true),
            (Anchor::Due(thrown.asked), false),
            (Anchor::Due(thrown.asked), true),
        ] {
            let copies = copies(anchor, is_working);
            let pairs = thrown.tasks.iter().zip(&copies);
            for (task, copy) in pairs.clone() {
                assert!(copy.starts_at.zip(copy.due_at).is_none_or(|(start, due)| start <= due), "{task:?}: {copy:?}");
                // What comes before another starts: a start, or when something is due that is not at its start.
                let due = task.due_at.filter(|_| !copy.of_due.contains(&Note::AtStart));
                for (was, is) in [(task.starts_at, copy.starts_at), (due, copy.due_at)] {
                    for (other, after) in pairs.clone() {
                        let (Some(was), Some(is)) = (was, is) else { continue };
                        let (Some(next), Some(then)) = (other.starts_at, after.starts_at) else { continue };
                        let [was, next] = [was, next].map(|it| task.zone.to_datetime(it));
                        let days = [is, then].map(|it| thrown.to.to_datetime(it).date());
                        let is_kept = match is_working {
                            true => was.date() >= next.date() || days[0] <= days[1],
                            false => was > next || is <= then,
                        };
                        assert!(is_kept, "{anchor:?} {is_working}: {task:?} {copy:?}, {other:?} {after:?}");
                    }
                }
            }
        }
    });
}

#[test]
fn dates_that_are_kept_and_those_whose_anchor_is_where_they_are_stay_the_instants_that_they_are() {
    throw(2_031, |thrown, copies| {
        let same = |copies: Vec<Dates>| {
            let both = |it: &Dates| (it.starts_at, it.due_at, it.of_start.len() + it.of_due.len());
            let own = thrown.tasks.iter().map(|it| (it.starts_at, it.due_at, 0));
            assert_eq!(copies.iter().map(both).collect::<Vec<_>>(), own.collect::<Vec<_>>());
        };
        same(copies(Anchor::Keep, false));
        same(copies(Anchor::Keep, true));
        let home = &thrown.tasks[0].zone;
        let on = |it: Timestamp| home.to_datetime(it).date();
        let begin = thrown.tasks.iter().flat_map(|it| [it.starts_at, it.due_at]).flatten().map(on).min();
        let end = thrown.tasks.iter().filter_map(|it| it.due_at).map(on).max();
        for anchor in begin.map(Anchor::Start).into_iter().chain(end.map(Anchor::Due)) {
            let rule = Rule { anchor, zone: home.clone(), working: None, is_strict: true };
            let copies = date::plan(&thrown.tasks, &rule).unwrap().copies.into_iter().map(|it| it.1.unwrap());
            // With DUE, what starts after all is due stays so, and that is said.
            let mut copies: Vec<_> = copies.collect();
            copies.iter_mut().for_each(|it| it.of_start.retain(|it| *it != Note::AfterDue));
            same(copies);
        }
    });
}
