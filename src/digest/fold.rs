//! Folds what happened in one WorkCenter into the lines a reader wants: "Ada Lovelace uploaded 7
//! files to Plans", not seven times one.
//!
//! Folding is a pure function of the events it is given: whatever a recipient may not see, or does
//! not hear of because they did it, is left out before. What joins events, and what is said of
//! them, stands row by row in `fold/rule.rs`.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use uuid::Uuid;

use crate::mail::phrase;

mod rule;
mod sentence;

pub use rule::of_you;
use rule::{By, Rule, Summary};
use sentence::{Actor, Told};

/// Things of a line that are named; more are counted.
///
/// Three show what kind of things they are, and a line stays a glance.
const THINGS_MAX: usize = 3;

/// Characters of a name or title that are shown; file names of twice that length exist, and their
/// first half tells them apart well enough beside a link.
const NAME_CHARS_MAX: usize = 120;

/// Characters of a caller's own sentence that are shown: the start of a comment, not all of it.
const SUMMARY_CHARS_MAX: usize = 300;

/// One thing that happened, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number in the log of its WorkCenter.
    pub seq: i64,
    /// What happened: `file.uploaded`, or any dotted kind a caller publishes.
    pub kind: String,
    /// Who did it.
    pub actor: Uuid,
    /// The name of who did it, as it was then.
    pub actor_name: String,
    /// Whether the reader did it, who is called "you".
    pub is_own: bool,
    /// What it was done to.
    pub subject: Thing,
    /// What the subject is in: the folder of a file, the group of a task.
    pub parent: Option<Thing>,
    /// The caller's own sentence; may be empty.
    pub summary: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Why it is addressed to this recipient, if it is.
    pub reason: Option<Reason>,
}

/// A thing that can be linked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// What sort of thing: `file`, `task`.
    pub kind: String,
    /// Its id among things of its kind.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Where it is found.
    pub url: String,
}

/// Why an event is addressed to one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Somebody mentioned them.
    Mention,
    /// Something was assigned to them.
    Assignment,
    /// Somebody asks for their approval.
    Approval,
}

impl Reason {
    /// Says the reason to the person it concerns.
    pub fn label(self) -> &'static str {
        match self {
            Self::Mention => "mentioned you",
            Self::Assignment => "assigned to you",
            Self::Approval => "asks for your approval",
        }
    }
}

/// A piece of a sentence, so that names can be set apart and things linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Words of ours, or of a caller's own sentence.
    Words(String),
    /// The name of a person.
    Name(String),
    /// A thing, by its title.
    Thing(Thing),
}

/// What somebody wrote, or how something changed, shown below a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The words.
    pub words: String,
    /// Whether there were earlier ones, which are not shown.
    pub is_latest_of_several: bool,
}

/// One or more events, told as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The sentence, in pieces; [`Line::text`] joins them.
    pub says: Vec<Part>,
    /// What goes with the sentence.
    pub quote: Option<Quote>,
    /// Why it is addressed to this recipient; such a line is always of one event.
    pub reason: Option<Reason>,
    /// Everybody who had a part in it, in the order they came.
    pub actors: Vec<Uuid>,
    /// How many events it stands for.
    pub events: u64,
    /// The first things it is about, where the sentence only counts them.
    pub things: Vec<Thing>,
    /// How many things there are beyond these; never 1.
    pub more_things: u64,
    /// When the first of its events happened.
    pub first_at: Timestamp,
    /// When the last of them happened.
    pub last_at: Timestamp,
}

impl Line {
    /// Returns the sentence as plain text, with names written from right to left isolated.
    pub fn text(&self) -> String {
        let piece = |part: &Part| match part {
            Part::Words(words) => words.clone(),
            Part::Name(name) => phrase::isolated(name),
            Part::Thing(thing) => phrase::isolated(&thing.title),
        };
        self.says.iter().map(piece).collect()
    }
}

/// Folds the events of one WorkCenter into lines, in the order in which each began.
///
/// Every event is in exactly one line, so the lines' counts add up to the events given. An event
/// that is addressed to the recipient is a line of its own. The events may come in any order;
/// where they contradict each other, as two titles of one file do, the higher number wins.
pub fn fold(events: &[Event]) -> Vec<Line> {
    let mut ordered: Vec<&Event> = events.iter().collect();
    ordered.sort_by_key(|it| it.seq);

    let mut places = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for (at, event) in ordered.into_iter().enumerate() {
        let rule = rule::of(&event.kind);
        let place = *places.entry(Key::of(rule, event, at)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.events.push(event),
            None => groups.push(Group { rule, events: vec![event] }),
        }
    }

    let mut lines: Vec<Line> = groups.iter().map(Group::line).collect();
    lines.sort_by_key(|it| it.first_at);
    lines
}

/// What the events of one line have in common.
#[derive(PartialEq, Eq, Hash, Default)]
struct Key<'a> {
    kind: &'a str,
    actor: Option<Uuid>,
    place: Option<(&'a str, &'a str)>,
    thing: Option<(&'a str, &'a str)>,
    day: Option<Date>,
    alone: Option<usize>,
}

impl<'a> Key<'a> {
    /// The key of `event`, the one at place `at`.
    fn of(rule: &Rule, event: &'a Event, at: usize) -> Self {
        let kind = event.kind.as_str();
        let actor = Some(event.actor);
        let place = event.parent.as_ref().map(Thing::identity);
        let thing = Some(event.subject.identity());
        let none = Self::default();
        if event.reason.is_some() {
            return Self { alone: Some(at), ..none };
        }
        match rule.by {
            By::Alone => Self { alone: Some(at), ..none },
            By::ActorAndPlace => Self { kind, actor, place, ..none },
            By::Actor => Self { kind, actor, ..none },
            By::Place => Self { kind, place, ..none },
            By::Thing => Self { thing, ..none },
            By::ThingAndKind => Self { kind, thing, ..none },
            By::Kind => Self { kind, ..none },
            By::Day => {
                let day = Some(Offset::UTC.to_datetime(event.occurred_at).date());
                Self { kind, day, ..none }
            }
        }
    }
}

impl Thing {
    /// What tells it from every other thing.
    fn identity(&self) -> (&str, &str) {
        (&self.kind, &self.id)
    }

    /// The thing as a letter shows it.
    fn presentable(&self) -> Self {
        let title = match phrase::clean(&self.title, NAME_CHARS_MAX) {
            title if title.is_empty() => phrase::clean(&format!("untitled {}", self.kind), NAME_CHARS_MAX),
            title => title,
        };
        Self { title, ..self.clone() }
    }
}

/// Events that become one line; never empty. The rule is that of the first.
struct Group<'a> {
    rule: &'static Rule,
    events: Vec<&'a Event>,
}

impl<'a> Group<'a> {
    fn line(&self) -> Line {
        let (things, actors) = (self.things(), self.actors());
        let (says, listed) = self.sentence(&things, &actors);
        let shown = phrase::shown(listed.len(), THINGS_MAX);
        let times = self.events.iter().map(|it| it.occurred_at);
        let first = self.events[0];
        Line {
            says,
            quote: self.quote(),
            reason: first.reason,
            actors: actors.iter().map(|it| it.id).collect(),
            events: self.events.len() as u64,
            things: listed[..shown].iter().map(|it| it.presentable()).collect(),
            more_things: (listed.len() - shown) as u64,
            first_at: times.clone().min().unwrap_or(first.occurred_at),
            last_at: times.max().unwrap_or(first.occurred_at),
        }
    }

    /// The different things its events are about, each as it was last.
    fn things(&self) -> Vec<&'a Thing> {
        let mut places = HashMap::new();
        let mut things = Vec::new();
        for thing in self.events.iter().map(|it| &it.subject) {
            let place = *places.entry(thing.identity()).or_insert(things.len());
            match things.get_mut(place) {
                Some(known) => *known = thing,
                None => things.push(thing),
            }
        }
        things
    }

    /// The different people who acted, with their names.
    fn actors(&self) -> Vec<Actor<'a>> {
        let mut known = HashSet::new();
        let new = self.events.iter().filter(|it| known.insert(it.actor));
        new.map(|it| Actor { id: it.actor, name: &it.actor_name, is_reader: it.is_own }).collect()
    }

    /// What is said, and the things that go below it because the sentence does not name them.
    fn sentence<'t>(&self, things: &'t [&'a Thing], who: &[Actor]) -> (Vec<Part>, &'t [&'a Thing]) {
        let latest = self.events[self.events.len() - 1];
        let events = self.events.len() as u64;
        if self.rule.summary == Summary::Instead && !latest.summary.trim().is_empty() {
            let mut words = phrase::clean(&latest.summary, SUMMARY_CHARS_MAX);
            if events > 1 {
                words += &format!(" ({} times)", phrase::figure(events));
            }
            return (vec![Part::Words(words)], things);
        }

        let is_of_one_thing = matches!(self.rule.by, By::Thing | By::ThingAndKind);
        let count = if is_of_one_thing { events } else { things.len() as u64 };
        let told = Told { who, what: things[0], count, place: self.place(), kind: &latest.kind };
        if self.events.iter().any(|it| it.kind != latest.kind) {
            return (told.mixed(&self.changes()), &[]);
        }
        // What is said to whom it is addressed is said by somebody else.
        let reason = latest.reason.filter(|_| !latest.is_own);
        let pattern = match reason.and_then(|it| rule::told(&latest.kind, it)) {
            Some(pattern) => pattern,
            None if count == 1 => self.rule.one,
            None => self.rule.many,
        };
        let is_said = pattern.contains("{what}") || !self.rule.names_things();
        (told.filled(pattern), if is_said { &[] } else { things })
    }

    /// Counts its events by what they are: `2 edits`, `3 comments`.
    fn changes(&self) -> Vec<String> {
        let mut kinds: Vec<(&str, u64)> = Vec::new();
        for event in &self.events {
            match kinds.iter_mut().find(|(kind, _)| *kind == event.kind) {
                Some((_, count)) => *count += 1,
                None => kinds.push((&event.kind, 1)),
            }
        }
        let called = |(kind, count): &(&str, u64)| {
            let [one, many] = rule::of(kind).noun;
            phrase::counted(*count, one, many)
        };
        kinds.iter().map(called).collect()
    }

    /// What all of its things are in, if it is one and the same.
    fn place(&self) -> Option<&'a Thing> {
        let latest = self.events[self.events.len() - 1].parent.as_ref()?;
        let is_there = |it: &&Event| it.parent.as_ref().is_some_and(|place| place.identity() == latest.identity());
        self.events.iter().all(is_there).then_some(latest)
    }

    /// The latest words that came with one of its events, where they are worth showing.
    fn quote(&self) -> Option<Quote> {
        let tells = |it: &&&Event| {
            let rule = rule::of(&it.kind);
            match rule.summary {
                Summary::Below => true,
                Summary::Dropped => it.reason.is_some() && rule.names_things(),
                Summary::Instead => false,
            }
        };
        let mut words = self.events.iter().rev().filter(tells).map(|it| &it.summary);
        let latest = words.find(|it| !it.trim().is_empty())?;
        Some(Quote { words: phrase::clean(latest, SUMMARY_CHARS_MAX), is_latest_of_several: self.events.len() > 1 })
    }
}

#[cfg(test)]
mod tests;
