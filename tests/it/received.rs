//! A mail that a [`Sink`](crate::sink::Sink) was sent, and what a reader would make of it.
//!
//! It reads no more of MIME than our own mail needs: UTF-8, base64 words, one level of parts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A mail that the sink has taken.
#[derive(Clone, Debug)]
pub struct Received {
    pub from: String,
    pub to: String,
    /// The mail as it was before dots were doubled.
    pub data: Vec<u8>,
    /// How many commands had come, of all sessions, when this was announced by DATA.
    pub data_at: usize,
    /// Whether the client was told so.
    pub is_acknowledged: bool,
}

impl Received {
    /// Returns a header, unfolded and with its encoded words decoded.
    pub fn header(&self, name: &str) -> Option<String> {
        header(&self.data, name)
    }

    /// Returns the message id without its brackets.
    pub fn message_id(&self) -> String {
        self.header("Message-ID").unwrap().trim_matches(['<', '>']).to_owned()
    }

    /// Returns the plain text, decoded, with `\n` for line breaks.
    pub fn text(&self) -> String {
        self.part("text/plain")
    }

    /// Returns the HTML, decoded, with `\n` for line breaks.
    pub fn html(&self) -> String {
        self.part("text/html")
    }

    fn part(&self, kind: &str) -> String {
        let mail = str::from_utf8(&self.data).unwrap();
        let whole = self.header("Content-Type").unwrap();
        let boundary = whole.split('"').nth(1).unwrap();
        let part = mail
            .split(&format!("\r\n--{boundary}"))
            .skip(1)
            .map(|part| part.strip_prefix("\r\n").unwrap_or(part))
            .find(|part| header(part.as_bytes(), "Content-Type").is_some_and(|it| it.starts_with(kind)))
            .unwrap();
        let body = part.split_once("\r\n\r\n").unwrap().1;
        let bytes = match &*header(part.as_bytes(), "Content-Transfer-Encoding").unwrap() {
            "base64" => STANDARD.decode(body.replace("\r\n", "")).unwrap(),
            "quoted-printable" => unquoted(body),
            _ => body.as_bytes().to_vec(),
        };
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
    }
}

fn header(mail: &[u8], name: &str) -> Option<String> {
    let head = str::from_utf8(mail).unwrap().split("\r\n\r\n").next()?.replace("\r\n ", " ");
    let value = head.split("\r\n").find_map(|line| {
        let (it, value) = line.split_once(':')?;
        it.eq_ignore_ascii_case(name).then_some(value.strip_prefix(' ').unwrap_or(value))
    })?;
    let mut decoded = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("=?") {
        // Whatever looks like an encoded word must be one, and of the one kind that we write.
        let (word, after) = after.strip_prefix("utf-8?b?").unwrap().split_once("?=").unwrap();
        // Spaces between two encoded words are no part of the text.
        if decoded.is_empty() || !before.trim().is_empty() {
            decoded.push_str(before);
        }
        decoded.push_str(&String::from_utf8(STANDARD.decode(word).unwrap()).unwrap());
        rest = after;
    }
    Some(decoded + rest)
}

/// Decodes quoted-printable (RFC 2045, section 6.7).
fn unquoted(text: &str) -> Vec<u8> {
    let text = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut parts = text.split('=');
    bytes.extend_from_slice(parts.next().unwrap().as_bytes());
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    bytes
}
