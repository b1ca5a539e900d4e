//! What the templates of a digest are filled with: words, links and figures, each ready to stand
//! where it belongs, and none of them longer than a letter bears.

use std::collections::HashSet;

use serde::Serialize;

use super::{Because, NAME_CHARS_MAX, Section, redaction};
use crate::digest::fold::{Line, Part, Thing};
use crate::mail::phrase;
use crate::mail::reader::Reader;

/// What stands between the heading and the foot.
#[derive(Debug, Default, Serialize)]
pub struct Page<'a> {
    /// The days a digest is for.
    pub period: Option<String>,
    /// The greeting, with how much there is.
    pub lead: Option<String>,
    /// Since when, for a digest that stands for several.
    pub covers: Option<String>,
    /// The only line; its sentence is the heading already.
    pub notice: Option<Item<'a>>,
    /// What is addressed to the recipient.
    pub needs_you: Vec<Block<'a>>,
    /// Everything else.
    pub sections: Vec<Block<'a>>,
    /// How much there is in sections that are not shown.
    pub rest: Option<String>,
}

/// A section, as far as it is shown.
#[derive(Debug, Serialize)]
pub struct Block<'a> {
    title: String,
    url: Option<&'a str>,
    label: Option<&'static str>,
    items: Vec<Item<'a>>,
    more: Option<String>,
}

/// A line, with what belongs to it.
#[derive(Debug, Serialize)]
pub struct Item<'a> {
    label: Option<&'static str>,
    workcenter: Anchor<'a>,
    text: String,
    says: Vec<Piece<'a>>,
    quote: Option<&'a str>,
    is_latest: bool,
    /// Things that the sentence names.
    named: Vec<Anchor<'a>>,
    /// Things that it only counts.
    things: Vec<Anchor<'a>>,
    more: Option<String>,
    when: String,
}

/// A piece of a sentence.
#[derive(Debug, Serialize)]
struct Piece<'a> {
    text: &'a str,
    is_name: bool,
    url: Option<&'a str>,
}

/// Something to go to, or only its title where the address is none of the web.
#[derive(Debug, Serialize)]
struct Anchor<'a> {
    title: String,
    url: Option<&'a str>,
}

impl<'a> Block<'a> {
    /// The first `shown` lines of `section`.
    pub fn of(section: &Section<'a>, shown: usize, reader: &Reader) -> Self {
        Self {
            title: if section.workcenter == redaction::PLACE { redaction::HEADING.into() } else { title(section) },
            url: section.url.and_then(phrase::link),
            label: match section.because {
                Because::Administrator => Some("as administrator"),
                Because::Collaborator | Because::Yourself => None,
            },
            items: section.lines[..shown].iter().map(|it| Item::of(it, section, reader)).collect(),
            more: more(section.lines.len() - shown),
        }
    }
}

impl<'a> Item<'a> {
    /// The line `line` of `section`.
    pub fn of(line: &'a Line, section: &Section<'a>, reader: &Reader) -> Self {
        let named = line.says.iter().filter_map(|it| match it {
            Part::Thing(thing) => Some(Anchor::to(thing)),
            Part::Words(_) | Part::Name(_) => None,
        });
        Self {
            label: line.reason.map(|it| it.label()),
            workcenter: Anchor { title: title(section), url: section.url.and_then(phrase::link) },
            text: line.text(),
            says: line.says.iter().map(Piece::of).collect(),
            quote: line.quote.as_ref().map(|it| it.words.as_str()),
            is_latest: line.quote.as_ref().is_some_and(|it| it.is_latest_of_several),
            named: named.collect(),
            things: line.things.iter().map(Anchor::to).collect(),
            more: more(line.more_things),
            when: reader.span(line.first_at, line.last_at),
        }
    }
}

impl<'a> Piece<'a> {
    fn of(part: &'a Part) -> Self {
        match part {
            Part::Words(words) => Self { text: words, is_name: false, url: None },
            Part::Name(name) => Self { text: name, is_name: true, url: None },
            Part::Thing(thing) => Self { text: &thing.title, is_name: true, url: phrase::link(&thing.url) },
        }
    }
}

impl<'a> Anchor<'a> {
    fn to(thing: &'a Thing) -> Self {
        Self { title: thing.title.clone(), url: phrase::link(&thing.url) }
    }
}

fn title(section: &Section) -> String {
    phrase::clean(section.workcenter, NAME_CHARS_MAX)
}

/// `and 13 more`, unless there are none.
fn more(hidden: impl TryInto<u64>) -> Option<String> {
    match hidden.try_into().unwrap_or(u64::MAX) {
        0 => None,
        hidden => Some(format!("and {} more", phrase::figure(hidden))),
    }
}

/// ` in Plans for Pier 4`, or ` in 3 WorkCenters`; nothing where it is in none.
pub fn places<'a: 'b, 'b>(sections: impl Iterator<Item = &'b Section<'a>>) -> String {
    let within = sections.filter(|it| it.because != Because::Yourself);
    let places: HashSet<_> = within.map(|it| (it.workcenter, it.url)).collect();
    match (places.len() as u64, places.iter().next()) {
        (1, Some((name, _))) => {
            format!(" in {}", phrase::isolated(&phrase::clean(name, NAME_CHARS_MAX)))
        }
        (0, _) => String::new(),
        (count, _) => format!(" in {}", phrase::counted(count, "WorkCenter", "WorkCenters")),
    }
}

/// Counts the lines of sections that are not shown at all.
pub fn rest(unseen: &[&Section]) -> Option<String> {
    let lines = more(unseen.iter().map(|it| it.lines.len()).sum::<usize>())?;
    Some(format!("{lines}{}", places(unseen.iter().copied())))
}
