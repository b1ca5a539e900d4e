//! Letters: what a mail says, and its bytes on the wire.
//!
//! It is written here and not with lettre's builder, which panics on a line break in a name, reads
//! its own output back and fails on names it has just written, leaves an ASCII word such as
//! `=?utf-8?q?x?=` for the reader to decode, and takes several times as long. What is used of lettre
//! is its reading of addresses.
//!
//! The same letter always becomes the same bytes, so a mail that is sent twice is recognisably
//! one mail.

mod dialogue;
mod dkim;
mod folder;
mod opening;
pub mod phrase;
pub mod reader;
mod relay;
mod session;
pub mod template;
/// Public for the fuzz target alone.
pub mod wire;

pub use dialogue::Outcome;
pub use dkim::Seal;
pub use relay::{SmtpSettings, Timeouts, Unreachable};
pub use session::{Post, Session};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use lettre::Address;

/// Where a line of a head is folded, in bytes.
///
/// Source: RFC 2047, section 2: a line with an encoded word has at most 76 characters.
const FOLD_AT: usize = 76;

/// The longest line that a mail may have, in bytes, its line break not counted.
///
/// Source: RFC 5322, section 2.1.1.
pub(in crate::mail) const LINE_BYTES_MAX: usize = 998;

/// How many bytes of text go into one encoded word.
///
/// They become 64 characters, which leaves room for `Subject: ` in a line of [`FOLD_AT`].
const WORD_BYTES: usize = 39;

/// How many bytes make a line of 76 characters of base64.
const BASE64_LINE_BYTES: usize = 57;

/// How much of a message id goes into the boundary between the parts.
///
/// Source: RFC 2046, section 5.1.1: a boundary has at most 70 characters; ours opens with two.
const BOUNDARY_CHARS: usize = 60;

/// The longest message id, in bytes.
///
/// With `.eml` and a temporary suffix it still is a file name, and those end at 255.
const MESSAGE_ID_BYTES_MAX: usize = 200;

/// A person or a program that mail comes from or goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The name to show; may be empty, any Unicode but control characters.
    pub name: String,
    /// The address, ASCII only: `ada@example.com`.
    pub address: String,
}

/// A rendered mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Who writes.
    pub from: Mailbox,
    /// Who reads; a letter has exactly one recipient.
    pub to: Mailbox,
    /// The subject, any Unicode but control characters.
    pub subject: String,
    /// What the letter says, as plain text.
    pub text: String,
    /// What the letter says, as HTML.
    pub html: String,
    /// The id without its angle brackets: `x@mail.example`. Equal for every sending of one mail.
    pub message_id: String,
    /// When the mail was written. Equal for every sending of one mail, and shown in UTC.
    pub date: Timestamp,
    /// Further headers, in their order: `List-Unsubscribe`, `Auto-Submitted` and the like. In
    /// `List-Id` a name may stand before the id, unquoted: `Plans <plans.example.com>`.
    pub headers: Vec<(&'static str, String)>,
}

/// Says why a letter cannot be sent as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {why}")]
pub struct Unsendable {
    /// The header that is at fault, or `message`.
    pub field: &'static str,
    /// What is wrong with it; never the offending text itself.
    pub why: &'static str,
}

impl Letter {
    /// Returns the letter as `multipart/alternative` in 7-bit lines, ready to be sent.
    ///
    /// # Errors
    ///
    /// [`Unsendable`] names the first header that holds a line break or another control
    /// character, an address or message id that is none, or a word that no line can hold.
    pub fn mime(&self) -> Result<Vec<u8>, Unsendable> {
        let boundary = boundary(&self.message_id);
        let date = self.date.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S %z");

        let mut head = Head::default();
        head.line("Date", &[date.to_string()])?;
        head.line("From", &angled("From", &self.from)?)?;
        head.line("To", &angled("To", &self.to)?)?;
        head.line("Subject", &words("Subject", &self.subject)?)?;
        head.line("Message-ID", &[bracketed(&self.message_id)?])?;
        head.line("MIME-Version", &["1.0".to_owned()])?;
        for (name, value) in &self.headers {
            if !name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-') {
                return Err(Unsendable { field: name, why: "is not the name of a header" });
            }
            head.line(name, &further(name, value)?)?;
        }
        let kind = ["multipart/alternative;".to_owned(), format!("boundary=\"{boundary}\"")];
        head.line("Content-Type", &kind)?;

        let mut mime = head.0.into_bytes();
        mime.reserve(2 * (self.text.len() + self.html.len()));
        for (kind, text) in [("plain", &self.text), ("html", &self.html)] {
            part(&mut mime, &boundary, kind, text);
        }
        mime.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        Ok(mime)
    }
}

/// Reads an address that a mail can be sent to, which is ASCII: SMTPUTF8 is not spoken here.
pub(in crate::mail) fn address(text: &str) -> Option<Address> {
    let sound = text.bytes().all(|it| it.is_ascii() && !it.is_ascii_control());
    if sound { text.parse().ok() } else { None }
}

/// The lines above the first empty one.
#[derive(Default)]
struct Head(String);

impl Head {
    /// Adds the header `name`, its `words` parted by single spaces and folded where need be.
    ///
    /// The words are free of control characters: each maker of words below sees to it.
    fn line(&mut self, name: &'static str, words: &[String]) -> Result<(), Unsendable> {
        let mut column = name.len() + 1;
        self.0.push_str(name);
        self.0.push(':');
        for (place, word) in words.iter().enumerate() {
            // Never before an empty word, so that no line is empty but for spaces, which RFC 5322
            // forbids in section 3.2.2.
            if 0 < place && !word.is_empty() && FOLD_AT < column + 1 + word.len() {
                self.0.push_str("\r\n");
                column = 0;
            }
            self.0.push(' ');
            self.0.push_str(word);
            column += 1 + word.len();
            if LINE_BYTES_MAX < column {
                return Err(Unsendable { field: name, why: "holds a word that no line can hold" });
            }
        }
        self.0.push_str("\r\n");
        Ok(())
    }
}

/// Refuses what could end a header before its time.
fn clean(field: &'static str, text: &str) -> Result<(), Unsendable> {
    if text.contains(|it: char| it.is_control()) {
        return Err(Unsendable { field, why: "holds a control character" });
    }
    Ok(())
}

/// Returns the words of free text: plain ones as they are, the others encoded.
///
/// Neighbours that need encoding are encoded together with the spaces between them, for a reader
/// drops the space between two encoded words.
fn words(field: &'static str, text: &str) -> Result<Vec<String>, Unsendable> {
    clean(field, text)?;
    let mut words = Vec::new();
    let mut run = String::new();
    for word in text.split(' ') {
        if is_plain(word) && (run.is_empty() || !word.is_empty()) {
            words.append(&mut encoded(&std::mem::take(&mut run)));
            words.push(word.to_owned());
            continue;
        }
        if !run.is_empty() {
            run.push(' ');
        }
        run.push_str(word);
    }
    words.append(&mut encoded(&run));
    Ok(words)
}

/// Tells whether a reader shows `word` as it stands.
fn is_plain(word: &str) -> bool {
    word.bytes().all(|it| it.is_ascii_graphic()) && !word.contains("=?")
}

/// Returns `text` as encoded words, none for no text.
///
/// Source: RFC 2047, sections 2 and 5: at most 75 characters each, no character torn apart.
fn encoded(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.floor_char_boundary(WORD_BYTES));
        words.push(format!("=?utf-8?b?{}?=", STANDARD.encode(word)));
        rest = after;
    }
    words
}

/// Returns the words of a display name: a quoted string where that can be, or encoded.
fn phrase(field: &'static str, name: &str) -> Result<Vec<String>, Unsendable> {
    clean(field, name)?;
    let is_quotable = |word: &str| word.len() <= WORD_BYTES && is_plain(word) && !word.contains(['"', '\\']);
    Ok(if name.is_empty() {
        Vec::new()
    } else if name.split(' ').all(is_quotable) {
        format!("\"{name}\"").split(' ').map(str::to_owned).collect()
    } else {
        encoded(name)
    })
}

/// Returns the words of `"Name" <address>`.
fn angled(field: &'static str, mailbox: &Mailbox) -> Result<Vec<String>, Unsendable> {
    let mut words = phrase(field, &mailbox.name)?;
    match address(&mailbox.address) {
        Some(address) => words.push(format!("<{address}>")),
        None => {
            return Err(Unsendable { field, why: "is not an address that mail can be sent to" });
        }
    }
    Ok(words)
}

/// Returns a message id in its brackets.
fn bracketed(id: &str) -> Result<String, Unsendable> {
    let legal = |part: &str| {
        !part.is_empty() && part.bytes().all(|it| it.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&it))
    };
    match id.split_once('@') {
        Some((left, right)) if legal(left) && legal(right) && id.len() <= MESSAGE_ID_BYTES_MAX => Ok(format!("<{id}>")),
        _ => Err(Unsendable { field: "Message-ID", why: "is not of the form left@right" }),
    }
}

/// Returns the words of a header that the letter brings along.
fn further(field: &'static str, value: &str) -> Result<Vec<String>, Unsendable> {
    match value.rsplit_once(" <") {
        Some((name, id)) if field.eq_ignore_ascii_case("List-Id") && is_plain(id) => {
            let mut words = phrase(field, name)?;
            words.push(format!("<{id}"));
            Ok(words)
        }
        _ => words(field, value),
    }
}

/// Returns what parts the bodies of a letter.
///
/// It opens with `=_`, which neither encoding of a body can bring forth, so that no text, however
/// chosen, can end its own part.
fn boundary(message_id: &str) -> String {
    let own = message_id.chars().filter(char::is_ascii_alphanumeric).take(BOUNDARY_CHARS);
    "=_".chars().chain(own).collect()
}

/// Adds one body and its headers.
fn part(mime: &mut Vec<u8>, boundary: &str, kind: &str, text: &str) {
    // Quoted-printable turns a foreign byte into three, base64 three of any bytes into four:
    // they are equal where one byte in six is foreign.
    let foreign = text.bytes().filter(|it| !it.is_ascii()).count();
    let is_foreign = text.len() / 6 < foreign;
    let encoding = if is_foreign { "base64" } else { "quoted-printable" };
    let head = format!(
        "\r\n--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\n\
         Content-Transfer-Encoding: {encoding}\r\n\r\n"
    );
    mime.extend_from_slice(head.as_bytes());
    if is_foreign {
        base64(mime, &text.replace("\r\n", "\n").replace('\n', "\r\n"));
    } else {
        quoted_printable(mime, text);
    }
}

/// Adds `text` in base64, 76 characters a line.
fn base64(mime: &mut Vec<u8>, text: &str) {
    for (place, line) in text.as_bytes().chunks(BASE64_LINE_BYTES).enumerate() {
        if 0 < place {
            mime.extend_from_slice(b"\r\n");
        }
        mime.extend_from_slice(STANDARD.encode(line).as_bytes());
    }
}

/// Adds `text` in quoted-printable, its line breaks being LF or CRLF.
///
/// Source: RFC 2045, section 6.7: at most 76 characters a line, no blank at the end of one.
fn quoted_printable(mime: &mut Vec<u8>, text: &str) {
    for (place, line) in text.split('\n').enumerate() {
        if 0 < place {
            mime.extend_from_slice(b"\r\n");
        }
        let mut rest = line.strip_suffix('\r').unwrap_or(line).as_bytes();
        let mut column = 0;
        loop {
            // One column is kept for the sign that the line goes on.
            let fits = &rest[..rest.len().min(FOLD_AT - 1 - column)];
            let mut literal = fits.iter().position(|it| !LITERAL[usize::from(*it)]).unwrap_or(fits.len());
            if literal == rest.len() && rest.last().is_some_and(is_blank) {
                literal -= 1;
            }
            let (run, after) = rest.split_at(literal);
            mime.extend_from_slice(run);
            column += run.len();
            rest = after;
            let Some((&byte, after)) = rest.split_first() else { break };
            let is_last_blank = is_blank(&byte) && after.is_empty();
            if LITERAL[usize::from(byte)] && !is_last_blank || FOLD_AT <= column + 3 {
                mime.extend_from_slice(b"=\r\n");
                column = 0;
                continue;
            }
            let digit = |it: u8| b"0123456789ABCDEF"[usize::from(it)];
            mime.extend_from_slice(&[b'=', digit(byte >> 4), digit(byte & 15)]);
            column += 3;
            rest = after;
        }
    }
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Which bytes quoted-printable has as they are: blanks not where a line ends.
const LITERAL: [bool; 256] = {
    let mut literal = [false; 256];
    literal[b'\t' as usize] = true;
    let mut byte = b' ';
    while byte <= b'~' {
        literal[byte as usize] = byte != b'=';
        byte += 1;
    }
    literal
};
