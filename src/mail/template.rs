//! Writes a letter twice, as HTML and as plain text, inside the frame that every letter shares.
//!
//! A room keeps the two templates of its letters beside its code and makes a [`Template`] of them
//! once. The frame (`frame.html`, `frame.txt`) has the head, the only `h1`, the styles for light
//! and dark, and the foot; the room's template is what stands between heading and foot. Templates
//! are strict: a name that was not handed in is an error, not an empty place.
//!
//! The classes a room may use are listed at the top of `frame.html`.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Output, State, UndefinedBehavior};
use serde::{Serialize, Serializer};

pub use minijinja::Error;

/// What the product calls itself at the top of every letter.
pub const PRODUCT: &str = "WorkCenter";

/// What the frame shows around a letter.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Frame<'a> {
    /// The account the letter is about; it stands beside the product's name. Empty for none.
    pub account: &'a str,
    /// The text of the one `h1`, and the title of the page.
    pub heading: &'a str,
    /// One sentence at the foot: why the recipient gets this letter.
    pub why: &'a str,
    /// Where such letters are stopped; none for mail that cannot be.
    pub unsubscribe_url: Option<&'a str>,
    /// Where notifications are set.
    pub preferences_url: Option<&'a str>,
}

/// A letter in both its forms, saying the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// A whole HTML document.
    pub html: String,
    /// The same as plain text.
    pub text: String,
}

/// HTML that is put together without a template, for what a letter has a hundred of. Tags are ours, words are escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Markup(String);

impl Markup {
    /// Adds tags as they stand; they are part of the program.
    pub fn tags(&mut self, tags: &'static str) -> &mut Self {
        self.0.push_str(tags);
        self
    }

    /// Adds words or an address, of which HTML takes nothing for markup, within quotation marks or without.
    pub fn words(&mut self, words: &str) -> &mut Self {
        for (plain, entity) in escaped(words) {
            self.0.push_str(plain);
            self.0.push_str(entity);
        }
        self
    }

    /// Adds what was put together before.
    pub fn markup(&mut self, other: &Self) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }
}

impl Serialize for Markup {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::from_safe_string(self.0.clone()).serialize(serializer)
    }
}

/// The two templates of one kind of letter, compiled together with the frame.
pub struct Template {
    environment: Environment<'static>,
}

impl Template {
    /// Compiles the templates of a letter; `html` is escaped where it is filled in, `text` is not.
    ///
    /// # Errors
    ///
    /// When one of them is not a template.
    pub fn new(html: &'static str, text: &'static str) -> Result<Self, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| match name.ends_with(".html") {
            true => AutoEscape::Html,
            false => AutoEscape::None,
        });
        environment.set_formatter(write_value);
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.add_template("frame.html", include_str!("frame.html"))?;
        environment.add_template("frame.txt", include_str!("frame.txt"))?;
        environment.add_template("letter.html", html)?;
        environment.add_template("letter.txt", text)?;
        Ok(Self { environment })
    }

    /// Fills in both forms with `content` and puts each into the frame.
    ///
    /// # Errors
    ///
    /// When a template asks for something that `content` has not.
    pub fn render(&self, frame: &Frame, content: &impl Serialize) -> Result<Rendered, Error> {
        let content = Value::from(Serde(content));
        let html = self.fill("letter.html", content.clone())?;
        let text = self.fill("letter.txt", content)?;
        Ok(Rendered {
            html: self.fill("frame.html", page(frame, Value::from_safe_string(html)))?,
            text: self.fill("frame.txt", page(frame, text.trim().into()))?,
        })
    }

    fn fill(&self, name: &str, context: Value) -> Result<String, Error> {
        self.environment.get_template(name)?.render(context)
    }
}

/// What the two templates of the frame are filled with.
fn page(frame: &Frame, content: Value) -> Value {
    minijinja::context! { product => PRODUCT, frame => Serde(frame), content }
}

/// Writes a value into a letter, escaped where the template is HTML.
///
/// The engine's own way also turns every slash into an entity, which doubles the length of the
/// addresses a letter consists of, to no end: each attribute here stands in quotation marks.
fn write_value(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    match value.as_str() {
        Some(text) if *state.auto_escape() == AutoEscape::Html && !value.is_safe() => {
            for (plain, entity) in escaped(text) {
                out.write_str(plain)?;
                out.write_str(entity)?;
            }
            Ok(())
        }
        _ => minijinja::escape_formatter(out, state, value),
    }
}

/// Cuts `text` into what HTML takes as it stands and the entities between, so that it takes none of it for markup, within
/// quotation marks or without.
fn escaped(text: &str) -> impl Iterator<Item = (&str, &'static str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let entities = rest.bytes().enumerate().find_map(|(at, byte)| Some((at, entity(byte)?)));
        let Some((at, entity)) = entities else { return Some((std::mem::take(&mut rest), "")) };
        let plain = &rest[..at];
        rest = &rest[at + 1..];
        Some((plain, entity))
    })
}

/// What stands in HTML for a character that would be markup.
fn entity(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'&' => "&amp;",
        b'<' => "&lt;",
        b'>' => "&gt;",
        b'"' => "&quot;",
        b'\'' => "&#39;",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
