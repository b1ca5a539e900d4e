//! What is left of a mail that may carry counts and links alone: of each WorkCenter how much there is, and where it is found.

use std::collections::HashMap;

use super::{Because, Section};
use crate::digest::fold::{Line, Part, Thing};
use crate::mail::phrase;

/// What stands for the name of a WorkCenter in a sentence.
pub const PLACE: &str = "a WorkCenter";

/// What stands for it alone.
pub const HEADING: &str = "A WorkCenter";

/// How much each WorkCenter has to tell: one line for all that its sections tell, and a section for it. With `is_linked`
/// the line itself leads there.
pub fn counted<'a>(sections: &[Section<'a>], is_linked: bool) -> Vec<(Section<'a>, Line)> {
    let mut places = HashMap::new();
    let mut counted: Vec<(Section<'a>, Line)> = Vec::new();
    for section in sections {
        let Some(line) = joined(section.lines.iter()) else { continue };
        let place = *places.entry((section.url, section.because)).or_insert(counted.len());
        match counted.get_mut(place) {
            Some((_, known)) => *known = joined([&*known, &line].into_iter()).unwrap_or(line),
            None => counted.push((nameless(section), line)),
        }
    }
    for (section, line) in &mut counted {
        line.says = vec![said(phrase::counted(line.events, "update", "updates"), section.url.filter(|_| is_linked))];
    }
    counted
}

/// The section with its one line.
pub fn section<'l>((section, line): &'l (Section<'l>, Line)) -> Section<'l> {
    Section { lines: std::slice::from_ref(line), ..*section }
}

/// The section without its lines and its name, unless that is ours.
fn nameless<'a>(section: &Section<'a>) -> Section<'a> {
    let workcenter = match section.because {
        Because::Yourself => section.workcenter,
        Because::Collaborator | Because::Administrator => PLACE,
    };
    Section { workcenter, lines: &[], ..*section }
}

/// One line that stands for all of these, and says nothing yet.
fn joined<'l>(lines: impl Iterator<Item = &'l Line> + Clone) -> Option<Line> {
    Some(Line {
        says: Vec::new(),
        quote: None,
        reason: None,
        actors: Vec::new(),
        events: lines.clone().map(|it| it.events).sum(),
        things: Vec::new(),
        more_things: 0,
        first_at: lines.clone().map(|it| it.first_at).min()?,
        last_at: lines.map(|it| it.last_at).max()?,
    })
}

fn said(count: String, url: Option<&str>) -> Part {
    match url {
        Some(url) => Part::Thing(Thing { kind: String::new(), id: String::new(), title: count, url: url.to_owned() }),
        None => Part::Words(count),
    }
}
