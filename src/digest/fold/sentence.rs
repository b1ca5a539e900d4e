//! Puts what is known of a line into a sentence, in pieces.

use uuid::Uuid;

use super::{NAME_CHARS_MAX, Part, Thing};
use crate::mail::phrase;

/// Somebody who had a part in what happened.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    /// Who.
    pub id: Uuid,
    /// Their name, as it was then.
    pub name: &'a str,
    /// Whether the sentence is said to them.
    pub is_reader: bool,
}

/// What a sentence can be made of.
pub struct Told<'a> {
    /// Those who acted.
    pub who: &'a [Actor<'a>],
    /// The thing, or the first of the things.
    pub what: &'a Thing,
    /// How many things, or how many times.
    pub count: u64,
    /// What all of the things are in.
    pub place: Option<&'a Thing>,
    /// What happened, as it was published.
    pub kind: &'a str,
}

impl Told<'_> {
    /// Fills in a pattern of the table.
    pub fn filled(&self, pattern: &str) -> Vec<Part> {
        let (always, with_place) = pattern.split_once('[').unwrap_or((pattern, ""));
        let placed = if self.place.is_some() { with_place.trim_end_matches(']') } else { "" };

        let mut says = Vec::new();
        for piece in always.split_inclusive('}').chain(placed.split_inclusive('}')) {
            let (words, name) = piece.split_once('{').unwrap_or((piece, ""));
            if !words.is_empty() {
                says.push(Part::Words(words.into()));
            }
            match name {
                "who}" => says.extend(self.who(if says.is_empty() { "You" } else { "you" })),
                "what}" => says.push(Part::Thing(self.what.presentable())),
                "place}" => says.extend(self.place.map(|it| Part::Thing(it.presentable()))),
                "count}" => says.push(Part::Words(phrase::figure(self.count))),
                "kind}" => says.push(Part::Words(readable(self.kind))),
                _ => {}
            }
        }
        says
    }

    /// Says in how many ways one thing changed: "Plans: 2 edits and 3 comments by Ada Lovelace".
    pub fn mixed(&self, changes: &[String]) -> Vec<Part> {
        let changes = Part::Words(format!(": {} by ", phrase::listed(changes)));
        let mut says = vec![Part::Thing(self.what.presentable()), changes];
        says.extend(self.who("you"));
        says
    }

    /// Names who acted: one, two, or one "and 2 others". The reader is `you`, and comes first.
    fn who(&self, you: &str) -> Vec<Part> {
        let name = |it: &Actor| match phrase::clean(it.name, NAME_CHARS_MAX) {
            _ if it.is_reader => Part::Words(you.into()),
            name if name.is_empty() => Part::Name("Somebody".into()),
            name => Part::Name(name),
        };
        let mut who = self.who.to_vec();
        who.sort_by_key(|it| !it.is_reader);
        match who.as_slice() {
            [] => Vec::new(),
            [only] => vec![name(only)],
            [one, other] => vec![name(one), Part::Words(" and ".into()), name(other)],
            [one, others @ ..] => {
                let others = phrase::figure(others.len() as u64);
                vec![name(one), Part::Words(format!(" and {others} others"))]
            }
        }
    }
}

/// Writes a kind that nobody gave words to as words: `file.check_failed` is "file check failed".
fn readable(kind: &str) -> String {
    phrase::clean(&kind.replace(['.', '_'], " "), NAME_CHARS_MAX)
}
