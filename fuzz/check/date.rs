//! What must hold of the dates of any tasks by any rule: each task has an answer, and no copy is due before it starts.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use uuid::Uuid;
use workcenter::template::date::{Anchor, Rule, Task, Working, plan};

/// Zones whose clocks change, have skipped a day, or stand a quarter of an hour apart from others.
const ZONES: [&str; 6] =
    ["UTC", "Europe/Zurich", "Pacific/Apia", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe"];

/// Tasks that are tried: more say nothing new.
const TASKS_MAX: usize = 16;

/// Reads a rule and tasks off bytes, whatever they are.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> i64 {
        i64::from_be_bytes([(); 8].map(|()| self.byte()))
    }

    fn date(&mut self) -> Date {
        let (year, month, day) = (self.number() % 10_000, self.byte() % 12 + 1, self.byte() % 28 + 1);
        let year = i16::try_from(year).expect("it has four digits");
        Date::new(year, month.cast_signed(), day.cast_signed()).expect("every month has that day")
    }

    fn zone(&mut self) -> TimeZone {
        TimeZone::get(ZONES[usize::from(self.byte()) % ZONES.len()]).expect("there is such a zone")
    }

    /// An instant; around the first and the last that there are, too.
    fn instant(&mut self) -> Option<Timestamp> {
        let seconds = match self.byte() % 6 {
            0 => return None,
            1 => Timestamp::MAX.as_second() - i64::from(self.byte()),
            2 => Timestamp::MIN.as_second() + i64::from(self.byte()),
            3 => i64::from(self.byte()) * 86_400 + 1_320_000_000,
            _ => self.number() % Timestamp::MAX.as_second(),
        };
        Timestamp::from_second(seconds).ok()
    }

    fn rule(&mut self) -> Rule {
        let anchor = match self.byte() % 4 {
            0 => Anchor::Start(self.date()),
            1 => Anchor::Due(self.date()),
            2 => Anchor::None,
            _ => Anchor::Keep,
        };
        let holidays = (0..self.byte() % 8).map(|_| self.date()).collect();
        let working = self.byte().is_multiple_of(2).then(|| Working::new(None, holidays).expect("they are few"));
        Rule { anchor, zone: self.zone(), working, is_strict: self.byte().is_multiple_of(2) }
    }

    fn tasks(&mut self) -> Vec<Task> {
        let mut tasks = Vec::new();
        while !self.0.is_empty() && tasks.len() < TASKS_MAX {
            let id = Uuid::from_u128(tasks.len() as u128);
            tasks.push(Task { id, starts_at: self.instant(), due_at: self.instant(), zone: self.zone() });
        }
        tasks
    }
}

/// Tries the rule and the tasks that `bytes` make; returns whether any copy has a date.
pub fn check(bytes: &[u8]) -> bool {
    let mut script = Script(bytes);
    let (rule, tasks) = (script.rule(), script.tasks());
    let planned = plan(&tasks, &rule);
    assert_eq!(plan(&tasks, &rule), planned);
    let Ok(planned) = planned else { return false };
    assert!(planned.copies.iter().map(|it| it.0).eq(tasks.iter().map(|it| it.id)));
    let mut any = false;
    for (task, (_, copy)) in tasks.iter().zip(&planned.copies) {
        let Ok(dates) = copy else { continue };
        any |= dates.starts_at.or(dates.due_at).is_some();
        match rule.anchor {
            Anchor::None => assert_eq!((dates.starts_at, dates.due_at), (None, None)),
            Anchor::Keep => assert_eq!((dates.starts_at, dates.due_at), (task.starts_at, task.due_at)),
            _ => {
                let has = |it: &Option<Timestamp>| it.is_some();
                assert_eq!(has(&dates.starts_at), has(&task.starts_at));
                assert_eq!(has(&dates.due_at), has(&task.due_at));
                let reversed = dates.starts_at.zip(dates.due_at).is_some_and(|(start, due)| due < start);
                assert!(!reversed, "{task:?} becomes {dates:?}");
            }
        }
    }
    any
}
