//! What the templates of a digest are filled with: words, links and figures, each ready to stand
//! where it belongs, and none of them longer than a letter bears.

use std::collections::HashSet;

use serde::Serialize;

use super::{Because, NAME_CHARS_MAX, Section, redaction};
use crate::digest::fold::{Line, Part, Thing};
use crate::mail::phrase;
use crate::mail::reader::Reader;
use crate::mail::template::Markup;

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
    pub notice: Option<Notice<'a>>,
    /// What is addressed to the recipient.
    pub needs_you: Vec<Block<'a>>,
    /// Everything else.
    pub sections: Vec<Block<'a>>,
    /// How much there is in sections that are not shown.
    pub rest: Option<String>,
}

/// A piece of a letter as HTML and as plain text.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Forms {
    /// As HTML.
    pub html: Markup,
    /// As plain text.
    pub text: String,
}

/// A section, as far as it is shown.
#[derive(Debug, Serialize)]
pub struct Block<'a> {
    title: String,
    url: Option<&'a str>,
    label: Option<&'static str>,
    lines: Forms,
    more: Option<String>,
}

/// The only line of a mail, with what belongs to it.
#[derive(Debug, Serialize)]
pub struct Notice<'a> {
    label: Option<&'static str>,
    workcenter: Anchor<'a>,
    text: String,
    below: Forms,
    /// Things that the sentence names.
    named: Vec<Anchor<'a>>,
    when: String,
}

/// Something to go to, or only its title where the address is none of the web.
#[derive(Debug, Serialize)]
struct Anchor<'a> {
    title: String,
    url: Option<&'a str>,
}

impl<'a> Block<'a> {
    /// A section of which `lines` are shown.
    pub fn of(section: &Section<'a>, lines: &[Forms]) -> Self {
        let mut all = Forms::default();
        for line in lines {
            all.html.markup(&line.html);
            all.text += &line.text;
        }
        Self {
            title: if section.workcenter == redaction::PLACE { redaction::HEADING.into() } else { title(section) },
            url: section.url.and_then(phrase::link),
            label: match section.because {
                Because::Administrator => Some("as administrator"),
                Because::Collaborator | Because::Yourself => None,
            },
            lines: all,
            more: more(section.lines.len() - lines.len()),
        }
    }
}

impl<'a> Notice<'a> {
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
            below: Forms::below(line, ""),
            named: named.collect(),
            when: reader.span(line.first_at, line.last_at),
        }
    }
}

impl<'a> Anchor<'a> {
    fn to(thing: &'a Thing) -> Self {
        Self { title: thing.title.clone(), url: phrase::link(&thing.url) }
    }
}

/// The name of a section as it is shown.
pub fn title(section: &Section) -> String {
    phrase::clean(section.workcenter, NAME_CHARS_MAX)
}

/// `and 13 more`, unless there are none.
pub fn more(hidden: impl TryInto<u64>) -> Option<String> {
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
