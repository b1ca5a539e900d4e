//! A line of a digest in both forms: its sentence, and what goes below it.
//!
//! A mail has up to two hundred of these, so they are put together without a template, once, however often the mail around
//! them is written until it fits. The classes are those of the frame.

use super::page::{Forms, more};
use crate::digest::fold::{Line, Part, Thing};
use crate::mail::phrase;
use crate::mail::reader::Reader;
use crate::mail::template::Markup;

/// What a text is indented by below the sentence of its line.
const INDENT: &str = "  ";

impl Forms {
    /// The line `line`, which says where it is when that is `place`.
    pub fn of(line: &Line, place: Option<&str>, reader: &Reader) -> Self {
        let label = line.reason.map(|it| it.label());
        let when = reader.span(line.first_at, line.last_at);
        let below = Self::below(line, INDENT);
        let mut html = Markup::default();
        html.tags("<div class=\"i\">\n");
        match (place, label) {
            (Some(place), Some(label)) => {
                html.tags("<div><span class=\"k\">").words(label);
                html.tags("</span> <span class=\"m\">· <bdi>").words(place).tags("</bdi></span></div>\n");
            }
            (Some(place), None) => {
                html.tags("<div class=\"m\"><bdi>").words(place).tags("</bdi></div>\n");
            }
            (None, _) => {}
        }
        for part in &line.says {
            match part {
                Part::Words(words) => html.words(words),
                Part::Name(name) => name_of(&mut html, name),
                Part::Thing(thing) => link(&mut html, thing),
            };
        }
        html.tags("\n").markup(&below.html);
        html.tags("\n<div class=\"m\">").words(&when).tags("</div>\n</div>\n\n");

        let mut text = "\n* ".to_owned();
        if let Some(place) = place {
            let label = label.map(|it| format!("{it} · ")).unwrap_or_default();
            text += &format!("[{label}{place}] ");
        }
        text.extend([&line.text(), "\n", &below.text, INDENT, &when, "\n"]);
        Self { html, text }
    }

    /// What goes below the sentence of `line`: the latest words, and the things that it only counts. As text also where
    /// those are that it names, for in HTML the sentence has their links.
    pub fn below(line: &Line, indent: &'static str) -> Self {
        let mut forms = Self::default();
        let Self { html, text } = &mut forms;
        if let Some(quote) = line.quote.as_ref().filter(|it| !it.words.is_empty()) {
            let latest = if quote.is_latest_of_several { "Latest: " } else { "" };
            html.tags("<div class=\"q\">").tags(latest).tags("<bdi>").words(&quote.words).tags("</bdi></div>\n");
            text.extend([indent, "> ", latest, &quote.words, "\n"]);
        }
        for part in &line.says {
            if let Part::Thing(thing) = part
                && let Some(url) = phrase::link(&thing.url)
            {
                text.extend([indent, &thing.title, ": ", url, "\n"]);
            }
        }
        let more = more(line.more_things);
        if !line.things.is_empty() {
            html.tags("<ul class=\"t\">\n");
            for thing in &line.things {
                link(html.tags("<li>"), thing).tags("</li>\n");
            }
            if let Some(more) = &more {
                html.tags("<li class=\"m\">").words(more).tags("</li>\n");
            }
            html.tags("</ul>\n");
        }
        for thing in &line.things {
            text.extend([indent, "- ", &thing.title]);
            if let Some(url) = phrase::link(&thing.url) {
                text.extend([": ", url]);
            }
            text.push('\n');
        }
        if let Some(more) = &more {
            text.extend([indent, more, "\n"]);
        }
        forms
    }
}

/// Adds a name, whichever way it is written.
fn name_of<'a>(html: &'a mut Markup, name: &str) -> &'a mut Markup {
    html.tags("<bdi>").words(name).tags("</bdi>")
}

/// Adds the title of a thing, with its link where it has one.
fn link<'a>(html: &'a mut Markup, thing: &Thing) -> &'a mut Markup {
    match phrase::link(&thing.url) {
        Some(url) => name_of(html.tags("<a href=\"").words(url).tags("\">"), &thing.title).tags("</a>"),
        None => name_of(html, &thing.title),
    }
}
