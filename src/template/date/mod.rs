//! When copies of a template's tasks start and are due: a pure function of the tasks, an anchor and a calendar.
//!
//! What the terms mean, for a preview shows them to people:
//!
//! - **Dates** of a task are its start and when it is due. They are read as clocks show them in the zone that they are meant in,
//!   and written so in the zone of the WorkCenter that they are copied to: the date may move, the time of day stays. A time that
//!   clocks skip becomes the first instant after it, be that on the next date and whatever day that is; one that they show twice
//!   is the first. A date and time that stay the same in the same zone stay the same instant.
//! - **Dated** is a task that has a start or is due. Its copy has what it has: one, the other, or both.
//! - **START d**: the earliest date of all moves to d. **DUE d**: the latest on which a task is due moves to d. All others move
//!   by as many days; with DUE, a task that has a start alone may start after d, and that is said. **NONE**: copies have no dates.
//!   **KEEP**: copies have the same instants, in the zone that they were meant in, whatever the calendar.
//! - **Calendar days** are all days. A task from Friday to Monday takes 4 of them, both ends counted, and so does its copy.
//! - **Working days** are those of the days of the week that people work on which are neither holidays nor dates that the zone
//!   of the WorkCenter skips. The same days are meant for the dates of the template and for those of the copies. A task from
//!   Friday to Monday takes 2 of them. A copy takes as many as its task, and stands as many after the anchor; a task that takes
//!   none takes one.
//! - **Moved forward**: with working days, a date on none of them counts as the next one: d, a start, and when a task is due that
//!   has no start. When a task is due that has one follows from how many working days it takes.
//! - **Order**: what starts on an earlier day than another does not start on a later one, and what is due before another starts is
//!   not due on a later day than that. With calendar days this holds for the times of day too, as clocks show them.
//! - **At its start**: what would be due before its start, as on two days of one weekend at an earlier time, or where clocks show
//!   a time twice, is due at its start.

mod calendar;

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use uuid::Uuid;

use self::calendar::Count;
pub use self::calendar::{DATES, HOLIDAYS_MAX, Working};
use crate::subscription::schedule;

/// Where the dates of copies come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The earliest date moves here.
    Start(Date),
    /// The latest on which a task is due moves here.
    Due(Date),
    /// There are none.
    None,
    /// They stay.
    Keep,
}

/// A task of a template, as far as its dates go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: Uuid,
    /// When it begins.
    pub starts_at: Option<Timestamp>,
    /// When it is to be done.
    pub due_at: Option<Timestamp>,
    /// The zone that both are meant in.
    pub zone: TimeZone,
}

impl Task {
    /// Whether it is due before its start, which no task should be.
    fn is_reversed(&self) -> bool {
        self.starts_at.zip(self.due_at).is_some_and(|(start, due)| due < start)
    }
}

/// How the dates of copies follow from those of their tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Where they come from.
    pub anchor: Anchor,
    /// The zone of the WorkCenter that the tasks are copied to.
    pub zone: TimeZone,
    /// Working days, if days off are not to count; calendar days otherwise.
    pub working: Option<Working>,
    /// Whether dates must not be lost: [`Anchor::None`] is refused then, where there are any.
    pub is_strict: bool,
}

/// The dates of all copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The date that the anchor is, moved forward to a working day; `None` if nothing moves, or if that is none of [`DATES`].
    pub anchor: Option<Date>,
    /// What becomes of each task, in the order in which they were given.
    pub copies: Vec<(Uuid, Result<Dates, Trouble>)>,
}

/// The dates of a copy, meant in the zone of its WorkCenter; with [`Anchor::Keep`], in the one of its task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dates {
    /// When it begins.
    pub starts_at: Option<Timestamp>,
    /// When it is to be done.
    pub due_at: Option<Timestamp>,
    /// What there is to say of its start.
    pub of_start: Vec<Note>,
    /// What there is to say of when it is due.
    pub of_due: Vec<Note>,
}

/// What there is to say of a date that is another than one would think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Note {
    /// It stood, or was to stand, on a day that is no working day.
    NotWorking,
    /// Clocks skip its time on that date: it is the first instant after it.
    Skipped,
    /// It would have come before the start: it is at the start.
    AtStart,
    /// It is a start after the date by which all is to be due.
    AfterDue,
}

/// Why no dates are computed at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Dates must not be lost, there are some, and no anchor.
    NoAnchor,
    /// The anchor is when the last task is due, and none of those with dates is.
    NothingDue,
}

/// Why none are computed for one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// They, or the anchor, would be none of [`DATES`], or past the last instant that there is, on 30 December 9999 at 22:00 UTC.
    Beyond,
    /// It is due before its start. It counts for no anchor either.
    Reversed,
}

/// Says when the copies of these tasks start and are due.
///
/// # Errors
///
/// [`Refusal::NoAnchor`] and [`Refusal::NothingDue`]. What concerns one task alone is said of that.
pub fn plan(tasks: &[Task], rule: &Rule) -> Result<Plan, Refusal> {
    let is_dated = tasks.iter().any(|it| it.starts_at.or(it.due_at).is_some());
    let still = |dates: fn(&Task) -> Dates| {
        let copies = tasks.iter().map(|it| (it.id, Ok(dates(it)))).collect();
        Ok(Plan { anchor: None, copies })
    };
    match rule.anchor {
        Anchor::None if rule.is_strict && is_dated => Err(Refusal::NoAnchor),
        Anchor::None => still(|_| Dates::default()),
        Anchor::Keep => still(|it| Dates { starts_at: it.starts_at, due_at: it.due_at, ..Dates::default() }),
        Anchor::Start(date) | Anchor::Due(date) if is_dated => Move::new(tasks, rule, date).map(|it| it.plan(tasks)),
        Anchor::Start(_) | Anchor::Due(_) => still(|_| Dates::default()),
    }
}

/// A date of a task as clocks show it, and the number of the day that it counts as.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: Timestamp,
    wall: DateTime,
    day: i64,
}

/// Where a task stands: its start, and when it is due.
type Places = (Option<Place>, Option<Place>);

/// By how many days all dates move, and what they are counted by.
struct Move<'a> {
    rule: &'a Rule,
    count: Count,
    /// The date of the anchor, as it was asked for.
    asked: Date,
    /// The same, moved forward to a day that is counted.
    anchor: Option<Date>,
    /// The number of the day that moves there.
    from: i64,
    /// Days that all move by.
    by: i64,
}

impl<'a> Move<'a> {
    /// How the dates move when `asked` is the date of the anchor.
    fn new(tasks: &[Task], rule: &'a Rule, asked: Date) -> Result<Self, Refusal> {
        let count = match &rule.working {
            Some(on) => Count::working(on, &rule.zone),
            None => Count::every(),
        };
        let places: Vec<_> = tasks.iter().filter(|it| !it.is_reversed()).map(|it| places(&count, it)).collect();
        let to = count.forward(asked);
        let from = match rule.anchor {
            Anchor::Due(_) => {
                let last = places.iter().filter_map(|it| Some(it.1?.day)).max();
                Some(last.ok_or(Refusal::NothingDue)?)
            }
            _ => places.iter().flat_map(|it| [it.0, it.1]).flatten().map(|it| it.day).min(),
        };
        // Without a date that counts, there is none that moves.
        let from = from.unwrap_or(to);
        Ok(Self { rule, asked, anchor: count.date(to), count, from, by: to - from })
    }

    fn plan(&self, tasks: &[Task]) -> Plan {
        let copies = tasks.iter().map(|it| (it.id, self.dates(it))).collect();
        Plan { anchor: self.anchor, copies }
    }

    /// The dates of a task's copy.
    fn dates(&self, task: &Task) -> Result<Dates, Trouble> {
        if task.is_reversed() {
            return Err(Trouble::Reversed);
        }
        let (start, due) = places(&self.count, task);
        if self.anchor.is_none() && (start.is_some() || due.is_some()) {
            return Err(Trouble::Beyond);
        }
        let mut dates = Dates::default();
        if let Some(start) = start {
            dates.starts_at = Some(self.moved(task, start, &mut dates.of_start)?);
            if matches!(self.rule.anchor, Anchor::Due(_)) && start.day > self.from {
                dates.of_start.push(Note::AfterDue);
            }
        }
        if let Some(due) = due {
            dates.due_at = Some(self.moved(task, due, &mut dates.of_due)?);
        }
        if dates.due_at.is_some() && dates.due_at < dates.starts_at {
            dates.due_at = dates.starts_at;
            dates.of_due.push(Note::AtStart);
        }
        Ok(dates)
    }

    /// Where a date is in the copy.
    fn moved(&self, task: &Task, place: Place, notes: &mut Vec<Note>) -> Result<Timestamp, Trouble> {
        let date = self.count.date(place.day + self.by).ok_or(Trouble::Beyond)?;
        // Working days alone: there is no other day that is not counted.
        let is_anchor = place.day == self.from && !self.count.has(self.asked);
        if is_anchor || !self.count.has(place.wall.date()) {
            notes.push(Note::NotWorking);
        }
        let wall = date.to_datetime(place.wall.time());
        if wall == place.wall && task.zone == self.rule.zone {
            return Ok(place.at);
        }
        let at = schedule::first_shown(&self.rule.zone, wall).ok_or(Trouble::Beyond)?;
        if self.rule.zone.to_datetime(at) != wall {
            notes.push(Note::Skipped);
        }
        Ok(at)
    }
}

/// Where the dates of a task stand. A task with both takes as many days as there are from one to the other, and at least one.
fn places(count: &Count, task: &Task) -> Places {
    let wall = |at: Timestamp| (at, task.zone.to_datetime(at));
    let start = task.starts_at.map(wall).map(|(at, wall)| Place { at, wall, day: count.forward(wall.date()) });
    let due = task.due_at.map(wall).map(|(at, wall)| {
        let day = match start {
            Some(start) => count.back(wall.date()).max(start.day),
            None => count.forward(wall.date()),
        };
        Place { at, wall, day }
    });
    (start, due)
}

#[cfg(test)]
mod tests;
