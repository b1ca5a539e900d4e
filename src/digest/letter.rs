//! Writes the mail that tells one recipient what happened: at once, daily, weekly, or to catch up.
//!
//! Everything that is shown was decided before: here lines become words, links and figures. A mail
//! of one line is that line; any longer one has a heading, first what needs the recipient, then a
//! section for each WorkCenter. It is never longer than mail programs show in one piece. One that
//! is redacted says how much there is, and where, and nothing else.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::digest::fold::Line;
use crate::mail::phrase;
use crate::mail::reader::Reader;
use crate::mail::template::{Error, Frame, Rendered, Template};

mod entry;
mod page;
mod redaction;
mod room;

use page::{Block, Forms, Notice, Page};
use room::Room;

/// Bytes of HTML: the largest mail programs cut a letter off near 102,000.
const HTML_BYTES_MAX: usize = 90_000;

/// Characters of a subject, beyond which no list of mails shows it.
const SUBJECT_CHARS_MAX: usize = 120;

/// Characters of a WorkCenter's name in brackets before a subject, so that the rest is seen too.
const TAG_CHARS_MAX: usize = 50;

/// Characters of the name of a person, an account or a WorkCenter that are shown.
const NAME_CHARS_MAX: usize = 120;

static TEMPLATE: LazyLock<Template> = LazyLock::new(|| {
    Template::new(include_str!("letter.html"), include_str!("letter.txt"))
        .expect("both templates are part of the program, and the tests compile them")
});

/// What makes this mail due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It happened just now.
    Immediate,
    /// The digest of a day.
    Daily {
        /// The day it is for, where the recipient is.
        date: Date,
    },
    /// The digest of a week.
    Weekly {
        /// The first day of the week.
        from: Date,
        /// The last day of the week.
        to: Date,
    },
    /// The recipient changed from digests to immediate mail: what was still waiting.
    Catchup,
    /// The recipient was away: what waited meanwhile.
    Returned,
}

/// Why a section is part of a recipient's mail; sections stand in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Because {
    /// They are a collaborator of the WorkCenter.
    Collaborator,
    /// They administer the account and asked for a digest of it.
    Administrator,
    /// It is about what they started themselves, and in no WorkCenter.
    Yourself,
}

/// What happened in one WorkCenter.
#[derive(Debug, Clone, Copy)]
pub struct Section<'a> {
    /// The WorkCenter's name, or the heading of what is in none.
    pub workcenter: &'a str,
    /// Where it is found.
    pub url: Option<&'a str>,
    /// Why it is here.
    pub because: Because,
    /// What happened, in the order to show it in.
    pub lines: &'a [Line],
}

/// All that one mail tells.
#[derive(Debug, Clone)]
pub struct Digest<'a> {
    /// What makes it due.
    pub kind: Kind,
    /// The name of the account whose WorkCenters these are.
    pub account: &'a str,
    /// The name of the recipient; may be empty.
    pub recipient_name: &'a str,
    /// How the recipient reads times.
    pub reader: Reader,
    /// What is addressed to the recipient, by WorkCenter.
    pub needs_you: Vec<Section<'a>>,
    /// Everything else, by WorkCenter.
    pub sections: Vec<Section<'a>>,
    /// Since when, for one digest that stands for several that could not be sent.
    pub covers_from: Option<Timestamp>,
    /// Whether it names nothing: no WorkCenter, no thing, nobody but the recipient and the account.
    pub is_redacted: bool,
    /// Where such mail is stopped.
    pub unsubscribe_url: &'a str,
    /// Where notifications are set.
    pub preferences_url: &'a str,
}

/// A mail, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// One line of at most 120 characters, none of them a control character.
    pub subject: String,
    /// A whole HTML document of at most 90,000 bytes.
    pub html: String,
    /// The same as plain text, with the same links.
    pub text: String,
}

/// Writes the mail.
///
/// A digest of nothing says so; whether to send that is the caller's question.
///
/// # Errors
///
/// When a template asks for what it is not given, which is a defect.
pub fn write(digest: &Digest) -> Result<Written, Error> {
    if !digest.is_redacted {
        return written(digest);
    }
    let (needs_you, others) =
        (redaction::counted(&digest.needs_you, true), redaction::counted(&digest.sections, false));
    written(&Digest {
        needs_you: needs_you.iter().map(redaction::section).collect(),
        sections: others.iter().map(redaction::section).collect(),
        ..digest.clone()
    })
}

fn written(digest: &Digest) -> Result<Written, Error> {
    let needs_you = present(&digest.needs_you);
    let others = present(&digest.sections);
    let letter = Letter {
        digest,
        updates: updates(needs_you.iter().chain(&others)),
        places: page::places(needs_you.iter().chain(&others)),
        needs_you,
        others,
    };
    let (heading, subject) = (letter.heading(), letter.subject());
    let account = phrase::clean(digest.account, NAME_CHARS_MAX);
    let frame = Frame {
        account: &account,
        heading: &heading,
        why: &letter.why(),
        unsubscribe_url: Some(digest.unsubscribe_url),
        preferences_url: Some(digest.preferences_url),
    };
    let Rendered { html, text } = letter.rendered(&frame)?;
    Ok(Written { subject: phrase::clipped(subject, SUBJECT_CHARS_MAX), html, text })
}

/// The sections in which something happened, in the order of why they are here.
fn present<'a>(sections: &[Section<'a>]) -> Vec<Section<'a>> {
    let mut present: Vec<_> = sections.iter().copied().filter(|it| !it.lines.is_empty()).collect();
    present.sort_by_key(|it| it.because);
    present
}

/// Counts events, of which several may be folded into one line: `14 updates`.
fn updates<'a: 'b, 'b>(sections: impl Iterator<Item = &'b Section<'a>>) -> String {
    match sections.flat_map(|it| it.lines).map(|it| it.events).sum() {
        0 => "nothing new".into(),
        events => phrase::counted(events, "update", "updates"),
    }
}

/// A digest, with the sections that are to be seen.
struct Letter<'a> {
    digest: &'a Digest<'a>,
    /// How much there is, as in `14 updates`.
    updates: String,
    /// Where, as in ` in 3 WorkCenters`; empty where it is in none.
    places: String,
    needs_you: Vec<Section<'a>>,
    others: Vec<Section<'a>>,
}

impl<'a> Letter<'a> {
    fn sections(&self) -> impl Iterator<Item = &Section<'a>> {
        self.needs_you.iter().chain(&self.others)
    }

    /// The only line there is, with its section, if there is only one.
    fn only(&self) -> Option<(&Section<'a>, &'a Line)> {
        let mut lines = self.sections().flat_map(|it| it.lines.iter().map(move |line| (it, line)));
        let only = lines.next()?;
        lines.next().is_none().then_some(only)
    }

    fn heading(&self) -> String {
        match (self.only(), self.digest.kind) {
            (Some(_), _) if self.digest.is_redacted => format!("{}{}", self.updates, self.places),
            (Some((_, line)), _) => line.text(),
            (None, Kind::Immediate) => format!("{}{}", self.updates, self.places),
            (None, Kind::Daily { .. }) => "Your daily digest".into(),
            (None, Kind::Weekly { .. }) => "Your weekly digest".into(),
            (None, Kind::Catchup) => "Catching up".into(),
            (None, Kind::Returned) => "While you were away".into(),
        }
    }

    fn subject(&self) -> String {
        let tag = |it: &Section| phrase::isolated(&phrase::clean(it.workcenter, TAG_CHARS_MAX));
        match (self.only(), self.digest.kind, self.sections().next()) {
            (Some(_), ..) | (None, Kind::Immediate, Some(_)) if self.digest.is_redacted => self.heading(),
            (Some((section, line)), ..) => format!("[{}] {}", tag(section), line.text()),
            (None, Kind::Immediate, Some(section)) => {
                format!("[{}] {}", tag(section), self.updates)
            }
            (None, ..) => format!("{}: {}{}", self.heading(), self.updates, self.places),
        }
    }

    /// Tells whether there is nothing but what is about the recipient alone.
    fn is_own(&self) -> bool {
        self.sections().next().is_some() && self.sections().all(|it| it.because == Because::Yourself)
    }

    /// Says at the foot why the recipient gets this.
    fn why(&self) -> String {
        let account = phrase::isolated(&phrase::clean(self.digest.account, NAME_CHARS_MAX));
        let administers = |it: &Section| it.because == Because::Administrator;
        let others = match (self.sections().any(administers), self.sections().all(administers)) {
            (true, true) => ", whose WorkCenters you administer",
            (true, false) => ", and as its administrator one of WorkCenters that you are not in",
            (false, _) => "",
        };
        match self.digest.kind {
            Kind::Immediate if self.is_own() => {
                format!("You get this because it is about you, or about what you have started in {account}.")
            }
            Kind::Immediate if self.others.is_empty() => {
                format!("You get this because somebody in {account} addressed it to you.")
            }
            Kind::Immediate => {
                format!("You get this because your notifications{} are immediate.", self.places)
            }
            Kind::Daily { .. } => {
                format!("You get this because you have a daily digest of {account}{others}.")
            }
            Kind::Weekly { .. } => {
                format!("You get this because you have a weekly digest of {account}{others}.")
            }
            Kind::Catchup => format!(
                "You get this once, because your notifications{} changed from digests to \
                 immediate mail.",
                self.places
            ),
            Kind::Returned => "You get this once, because your notifications were paused.".to_owned(),
        }
    }

    /// The first words: for whom this is, how much there is, and since when.
    fn opening(&self) -> Page<'a> {
        let name = phrase::clean(self.digest.recipient_name, NAME_CHARS_MAX);
        let hello = match name.is_empty() {
            true => "Hello".into(),
            false => format!("Hello {}", phrase::isolated(&name)),
        };
        let covers = self.digest.covers_from.map(|from| {
            let from = self.digest.reader.instant(from);
            format!("This digest covers everything since {from}.")
        });
        let period = match self.digest.kind {
            Kind::Daily { date } => Some(self.digest.reader.day(date)),
            Kind::Weekly { from, to } => {
                let day = |date| self.digest.reader.day(date);
                Some(format!("{} to {}", day(from), day(to)))
            }
            Kind::Immediate | Kind::Catchup | Kind::Returned => None,
        };
        let is_said = matches!(self.digest.kind, Kind::Immediate);
        let lead = format!("{hello}, here is what happened: {}{}.", self.updates, self.places);
        Page { period, covers, lead: (!is_said).then_some(lead), ..Page::default() }
    }

    /// Writes both forms, with as many lines as the limits let it have.
    fn rendered(&self, frame: &Frame) -> Result<Rendered, Error> {
        let reader = &self.digest.reader;
        if let Some((section, line)) = self.only() {
            let notice = Some(Notice::of(line, section, reader));
            let covers = self.opening().covers;
            return TEMPLATE.render(frame, &Page { notice, covers, ..Page::default() });
        }

        let counts = |it: &[Section]| it.iter().map(|it| it.lines.len()).collect::<Vec<_>>();
        let rooms = room::ways(&counts(&self.needs_you), &counts(&self.others));
        // The roomiest shows every line that any of them does.
        let lines = rooms.first().map(|room| self.lines(room)).unwrap_or_default();
        let render = |room: Option<&Room>| match room {
            Some(room) => TEMPLATE.render(frame, &self.page(room, &lines)),
            None => TEMPLATE.render(frame, &self.opening()),
        };
        let roomiest = render(rooms.first())?;
        if roomiest.html.len() <= HTML_BYTES_MAX {
            return Ok(roomiest);
        }
        // The tightest shows a line or two, and those are short: cleaning and clipping saw to it.
        let (mut loose, mut tight) = (0, rooms.len().saturating_sub(1));
        while loose + 1 < tight {
            let middle = loose.midpoint(tight);
            match render(rooms.get(middle))?.html.len() <= HTML_BYTES_MAX {
                true => tight = middle,
                false => loose = middle,
            }
        }
        render(rooms.get(tight))
    }

    /// Writes the lines that `room` allows, section by section. Those that need the recipient say where they are.
    fn lines(&self, room: &Room) -> Vec<Vec<Forms>> {
        let reader = &self.digest.reader;
        let each = |section: &Section<'a>, shown: usize, place: Option<&str>| {
            section.lines[..shown].iter().map(|it| Forms::of(it, place, reader)).collect()
        };
        let needs_you = self.needs_you.iter().zip(&room.needs_you);
        let needs_you = needs_you.map(|(section, shown)| each(section, *shown, Some(&page::title(section))));
        let others = self.others.iter().zip(&room.others).map(|(section, shown)| each(section, *shown, None));
        needs_you.chain(others).collect()
    }

    /// The whole letter, with those of `lines` that `room` allows.
    fn page(&self, room: &Room, lines: &[Vec<Forms>]) -> Page<'a> {
        let (needing, others) = lines.split_at(self.needs_you.len());
        let blocks = |sections: &[Section<'a>], lines: &[Vec<Forms>], shown: &[usize]| {
            let each = sections.iter().zip(lines).zip(shown).filter(|(_, shown)| **shown > 0);
            each.map(|((section, lines), shown)| Block::of(section, &lines[..*shown])).collect()
        };
        let shown = room.needs_you.iter().chain(&room.others);
        let unseen: Vec<_> = self.sections().zip(shown).filter(|(_, shown)| **shown == 0).map(|(it, _)| it).collect();
        Page {
            needs_you: blocks(&self.needs_you, needing, &room.needs_you),
            sections: blocks(&self.others, others, &room.others),
            rest: page::rest(&unseen),
            ..self.opening()
        }
    }
}

#[cfg(test)]
mod tests;
