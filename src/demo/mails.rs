//! The mails in the folder, read as a reader would read them: headers, plain text, and nothing that is not shown.
//!
//! It reads no more of MIME than our own mail needs: UTF-8, base64 words, one level of parts.

use std::{
    collections::HashSet,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;

use crate::error::{Error, Result};

/// What sort of mail it is, as its last paragraph says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// An invite.
    Invite,
    /// What happened in a WorkCenter just now.
    Immediate,
    /// What somebody addressed to the reader.
    Addressed,
    /// A daily digest.
    Daily,
    /// A weekly digest.
    Weekly,
    /// What waited for a digest that is no more.
    CatchUp,
}

impl Sort {
    /// Each with words that only its reason has, and what it is called.
    const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Invite, " gave this address.", "invite"),
        (Self::Immediate, " are immediate.", "immediate"),
        (Self::Addressed, " addressed it to you.", "addressed"),
        (Self::Daily, " a daily digest of ", "daily digest"),
        (Self::Weekly, " a weekly digest of ", "weekly digest"),
        (Self::CatchUp, " changed from digests to immediate mail.", "catching up"),
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|it| it.0 == self).map_or("", |it| it.2)
    }

    fn of(text: &str) -> Option<Self> {
        let (_, reason) = text.rsplit_once("\n-- \n")?;
        Self::ALL.into_iter().find(|(_, words, _)| reason.contains(words)).map(|it| it.0)
    }
}

/// A mail that has come.
pub struct Mail {
    /// The address it is to.
    pub to: String,
    /// The instant in its Date header.
    pub date: Timestamp,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// What sort of mail it is.
    pub sort: Sort,
    /// Which events it tells: WorkCenter, first and last number.
    tells: Vec<(String, i64, i64)>,
}

/// An event that somebody is to hear of.
pub struct Awaited<'a> {
    /// The address of the person.
    pub to: &'a str,
    /// The WorkCenter.
    pub place: &'a str,
    /// The number of the event in it.
    pub seq: i64,
}

/// The mails that came since the story began.
pub struct Mails {
    folder: PathBuf,
    seen: HashSet<OsString>,
    all: Vec<Mail>,
}

impl Mails {
    /// The mails that come into `folder` from now on; it need not be there yet.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn from_now_on(folder: &Path) -> Result<Self> {
        let seen = names(folder)?.into_iter().collect();
        Ok(Self { folder: folder.to_owned(), seen, all: Vec::new() })
    }

    /// All that have been read, in the order of their dates as far as they came together.
    pub fn all(&self) -> &[Mail] {
        &self.all
    }

    /// Reads what has come since the last look.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or is no mail.
    pub fn look(&mut self) -> Result<()> {
        let mut new = Vec::new();
        for name in names(&self.folder)? {
            if !self.seen.contains(&name) {
                let path = self.folder.join(&name);
                let bytes = fs::read_to_string(&path).map_err(Error::internal)?;
                let mail = mail(&bytes).ok_or_else(|| Error::internal(format!("{} is no mail", path.display())))?;
                new.push(mail);
                self.seen.insert(name);
            }
        }
        new.sort_by(|one, other| (one.date, &one.to).cmp(&(other.date, &other.to)));
        self.all.append(&mut new);
        Ok(())
    }

    /// Whether a mail to the person has told of the event.
    pub fn tells(&self, it: &Awaited) -> bool {
        let tells = |mail: &Mail| {
            mail.tells.iter().any(|(place, from, to)| place == it.place && (*from..=*to).contains(&it.seq))
        };
        self.all.iter().any(|mail| mail.to == it.to && tells(mail))
    }
}

fn names(folder: &Path) -> Result<Vec<OsString>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::internal(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(Error::internal)?.file_name();
        // What begins with a dot is still being written.
        if name.to_str().is_some_and(|it| it.ends_with(".eml") && !it.starts_with('.')) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Reads a mail; `None` when it is not one of ours.
fn mail(bytes: &str) -> Option<Mail> {
    let (head, body) = bytes.split_once("\r\n\r\n")?;
    let kind = header(head, "Content-Type")?;
    let boundary = format!("--{}", kind.split('"').nth(1)?);
    let is_plain = |head: &str| header(head, "Content-Type").is_some_and(|it| it.starts_with("text/plain"));
    let mut parts = body.split(&*boundary).filter_map(|it| it.split_once("\r\n\r\n"));
    let (part_head, part_body) = parts.find(|(head, _)| is_plain(head))?;
    let bytes = match &*header(part_head, "Content-Transfer-Encoding")? {
        "base64" => STANDARD.decode(part_body.replace("\r\n", "")).ok()?,
        _ => unquoted(part_body)?,
    };
    let text = String::from_utf8(bytes).ok()?.replace("\r\n", "\n");
    let (_, address) =
        header(head, "To").map(|it| it.rsplit_once('<').map(|it| (it.0.to_owned(), it.1.to_owned())))??;
    let date = jiff::fmt::rfc2822::parse(&header(head, "Date")?).ok()?;
    Some(Mail {
        to: address.trim_end_matches('>').to_owned(),
        date: date.timestamp(),
        subject: decoded(&header(head, "Subject")?)?,
        sort: Sort::of(&text)?,
        text,
        tells: tells(&header(head, "X-WorkCenter-Tells").unwrap_or_default())?,
    })
}

/// The header `name`, unfolded.
fn header(head: &str, name: &str) -> Option<String> {
    let mut lines = head.split("\r\n").skip_while(|it| it.split_once(':').is_none_or(|(it, _)| it != name));
    let (_, first) = lines.next()?.split_once(':')?;
    let more = lines.take_while(|it| it.starts_with([' ', '\t']));
    Some(more.fold(first.to_owned(), |all, line| all + line).trim().to_owned())
}

/// Ranges as the header has them: `<WorkCenter>:<first>-<last>` or `<WorkCenter>:<number>`.
fn tells(header: &str) -> Option<Vec<(String, i64, i64)>> {
    let part = |it: &str| {
        let (place, numbers) = it.split_once(':')?;
        let (from, to) = numbers.split_once('-').unwrap_or((numbers, numbers));
        Some((place.to_owned(), from.parse().ok()?, to.parse().ok()?))
    };
    header.split_whitespace().map(part).collect()
}

/// Reads quoted-printable. Source: RFC 2045, section 6.7.
fn unquoted(body: &str) -> Option<Vec<u8>> {
    let body = body.replace("=\r\n", "");
    let mut parts = body.split('=');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    Some(bytes)
}

/// Reads a header with words in base64; a space between two of them is not shown. Source: RFC 2047, section 6.2.
fn decoded(header: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut was_encoded = false;
    for (place, word) in header.split(' ').enumerate() {
        let encoded = word.strip_prefix("=?utf-8?b?").and_then(|it| it.strip_suffix("?="));
        if place > 0 && !(was_encoded && encoded.is_some()) {
            bytes.push(b' ');
        }
        was_encoded = encoded.is_some();
        match encoded {
            Some(it) => bytes.append(&mut STANDARD.decode(it).ok()?),
            None => bytes.extend_from_slice(word.as_bytes()),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{Letter, Mailbox};

    const LETTER: &str = "Grüße = 1 + 1, and a line that goes on until it has to be broken into two by whoever \
                          writes it\n\n-- \nYou get this because you have a daily digest of Harbour.";

    fn letter(text: &str) -> String {
        let letter = Letter {
            from: Mailbox { name: "WorkCenter".to_owned(), address: "from@example.com".to_owned() },
            to: Mailbox { name: "Tenzing".to_owned(), address: "tenzing@example.com".to_owned() },
            subject: "Hafenpläne für Übermorgen: größere Änderungen an den Plänen, and more".to_owned(),
            text: text.to_owned(),
            html: "<p>The same</p>".to_owned(),
            message_id: "1@mail.example".to_owned(),
            date: "2026-11-27T01:15:00Z".parse().unwrap(),
            headers: vec![("X-WorkCenter-Tells", "a:1-5 a:7 b:2-2".to_owned())],
        };
        String::from_utf8(letter.mime().unwrap()).unwrap()
    }

    #[test]
    fn what_was_written_is_what_is_read() {
        for text in [LETTER.to_owned(), format!("{}{LETTER}", "é".repeat(200))] {
            let mail = mail(&letter(&text)).unwrap();
            assert_eq!((&*mail.to, mail.sort), ("tenzing@example.com", Sort::Daily));
            assert_eq!(mail.subject, "Hafenpläne für Übermorgen: größere Änderungen an den Plänen, and more");
            assert_eq!(mail.text.trim_end(), text);
            assert_eq!(mail.date.to_string(), "2026-11-27T01:15:00Z");
            let tells = [("a", 1, 5), ("a", 7, 7), ("b", 2, 2)];
            assert_eq!(mail.tells, tells.map(|(place, from, to)| (place.to_owned(), from, to)));
        }
    }

    #[test]
    fn what_gives_no_reason_is_no_mail_of_ours() {
        assert!(mail(&letter("Hello")).is_none());
        assert!(mail("Hello").is_none());
    }
}
