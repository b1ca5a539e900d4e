//! DKIM: a signature by which whoever gets a mail can tell that it comes from our domain, unchanged.
//!
//! It is written here over [`SigningKey`], whose code is the one of our TLS: lettre signs only what its own builder
//! made, with an RSA that leaks its key to who can time it, and the crates that sign any mail bring a whole mail system.
//!
//! Source: RFC 6376, and RFC 8463 for Ed25519.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use crate::error::Result;
use crate::secret::{Algorithm, Digester, SigningKey};

/// The headers that are signed, if a mail has them.
///
/// RFC 8058, section 4, wants both of `List-Unsubscribe` among them.
const SIGNED: [&str; 11] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Auto-Submitted",
];

/// The headers that are signed once more than a mail has them, so that nobody can add another one.
const SEALED: [&str; 2] = ["From", "Subject"];

/// Where a line of the signature is folded, in bytes.
const FOLD_AT: usize = 72;

/// Who signs, and with what.
#[derive(Clone, Debug)]
pub struct Seal {
    /// The private key.
    pub key: SigningKey,
    /// The domain that signs.
    pub domain: String,
    /// Under which name below `_domainkey` of that domain the DNS has the public half of the key.
    pub selector: String,
}

impl Seal {
    /// Returns a mail with its signature at the head; `mime` has a head and a body, and `at` is when it was written.
    ///
    /// The same mail always gets the same signature.
    ///
    /// # Errors
    ///
    /// When the key does not sign, for want of memory or randomness.
    pub fn seal(&self, mime: &[u8], at: Timestamp) -> Result<Vec<u8>> {
        // A mail of ours is ASCII; what is not would only fail to verify.
        let text = str::from_utf8(mime).map_or_else(|_| String::from_utf8_lossy(mime), Cow::Borrowed);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let headers = unfolded(head);

        let mut names = Vec::new();
        let mut signed = String::new();
        for name in SIGNED {
            // Verifiers take those of one name from the last to the first.
            for (_, value) in headers.iter().rev().filter(|(it, _)| it.eq_ignore_ascii_case(name)) {
                names.push(name);
                signed += &format!("{}:", name.to_lowercase());
                relax(&mut signed, value);
                signed += "\r\n";
            }
            if SEALED.contains(&name) {
                names.push(name);
            }
        }
        let mut header = self.unsigned(&names, &body_hash(body), at);
        let (_, value) = header.split_once(':').unwrap_or_default();
        signed += "dkim-signature:";
        relax(&mut signed, &value.replace("\r\n", ""));

        let signature = match self.key.algorithm() {
            // Of DKIM's Ed25519 the hash is signed in place of the bytes.
            Algorithm::Ed25519 => self.key.sign(&hash(signed.as_bytes()))?,
            Algorithm::RsaSha256 => self.key.sign(signed.as_bytes())?,
        };
        let mut column = "b=".len() + 1;
        for digit in STANDARD.encode(signature).chars() {
            if FOLD_AT <= column {
                header += "\r\n ";
                column = 1;
            }
            header.push(digit);
            column += 1;
        }
        header += "\r\n";
        Ok([header.as_bytes(), mime].concat())
    }

    /// Returns the header as it is signed: whole, but for the signature itself.
    fn unsigned(&self, names: &[&str], body_hash: &str, at: Timestamp) -> String {
        let algorithm = match self.key.algorithm() {
            Algorithm::Ed25519 => "ed25519-sha256",
            Algorithm::RsaSha256 => "rsa-sha256",
        };
        let Self { domain, selector, .. } = self;
        let mut header = "DKIM-Signature: v=1;".to_owned();
        let tags = [
            format!("a={algorithm};"),
            "c=relaxed/relaxed;".to_owned(),
            format!("d={domain};"),
            format!("s={selector};"),
            format!("t={};", at.as_second()),
        ];
        let names = names.iter().enumerate().map(|(place, name)| {
            let (first, last) = (place == 0, place + 1 == names.len());
            format!("{}{name}{}", if first { "h=" } else { ":" }, if last { ";" } else { "" })
        });
        let mut column = header.len();
        // A fold may stand between tags and, in the list of names, before a colon.
        for word in tags.into_iter().chain(names) {
            let gap = if word.starts_with(':') { "" } else { " " };
            if FOLD_AT < column + gap.len() + word.len() {
                header += "\r\n ";
                column = 1;
            } else {
                header += gap;
                column += gap.len();
            }
            header += &word;
            column += word.len();
        }
        header + &format!("\r\n bh={body_hash};\r\n b=")
    }
}

/// Returns the headers of a head, each as its name and its value in one line.
fn unfolded(head: &str) -> Vec<(&str, String)> {
    let mut headers: Vec<(&str, String)> = Vec::new();
    for line in head.split("\r\n") {
        match (line.starts_with([' ', '\t']), headers.last_mut(), line.split_once(':')) {
            (true, Some((_, value)), _) => value.push_str(line),
            (false, _, Some((name, value))) => headers.push((name.trim_end(), value.to_owned())),
            _ => {}
        }
    }
    headers
}

/// Adds a value of a header, or a line of a body, as it is hashed: every gap one space, none at either end.
///
/// Source: RFC 6376, section 3.4.2.
fn relax(text: &mut String, value: &str) {
    for (place, word) in value.split([' ', '\t']).filter(|it| !it.is_empty()).enumerate() {
        if 0 < place {
            text.push(' ');
        }
        text.push_str(word);
    }
}

/// Returns the SHA-256 of a body in base64, its gaps being one space, without blanks at the ends of lines and without the
/// empty lines at its end.
///
/// Source: RFC 6376, section 3.4.4.
fn body_hash(body: &str) -> String {
    let mut plain = Vec::with_capacity(body.len() + 2);
    for line in body.as_bytes().split_inclusive(|it| *it == b'\n') {
        match line.strip_suffix(b"\r\n") {
            Some(line) => {
                relax_line(&mut plain, line);
                plain.extend_from_slice(b"\r\n");
            }
            None => relax_line(&mut plain, line),
        }
    }
    if !plain.ends_with(b"\r\n") {
        plain.extend_from_slice(b"\r\n");
    }
    while plain.ends_with(b"\r\n\r\n") || plain == b"\r\n" {
        plain.truncate(plain.len() - 2);
    }
    STANDARD.encode(hash(&plain))
}

/// Adds a line as it is hashed: every gap one space, none at its end.
fn relax_line(plain: &mut Vec<u8>, line: &[u8]) {
    let is_blank = |it: u8| (it == b' ') | (it == b'\t');
    let pairs = line.iter().zip(line.get(1..).unwrap_or_default());
    let doubled = pairs.fold(false, |any, (one, next)| any | (is_blank(*one) & is_blank(*next)));
    let tabbed = line.iter().fold(false, |any, it| any | (*it == b'\t'));
    if !doubled && !tabbed && !line.ends_with(b" ") {
        // Nearly all lines are as they are hashed, and are copied in one go.
        return plain.extend_from_slice(line);
    }
    let mut is_gap = false;
    for &byte in line {
        if is_blank(byte) {
            is_gap = true;
            continue;
        }
        if is_gap {
            plain.push(b' ');
            is_gap = false;
        }
        plain.push(byte);
    }
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut digester = Digester::default();
    digester.update(bytes);
    digester.finish()
}
