//! The bytes of SMTP: commands and mails go out, replies come in.
//!
//! lettre's connection is not used: on the way from plain to TLS it takes what was said before for what is said after,
//! and its greeting and its sign-in can neither be told apart nor timed.

use std::io::{self, ErrorKind};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

/// The longest line of a reply that is read, in bytes.
///
/// RFC 5321, section 4.5.3.1.5, allows 512; some relays take more to explain themselves.
const LINE_BYTES_MAX: u64 = 4096;

/// How many lines a reply may have: those of EHLO are the most, and no relay has 128 extensions.
const LINES_MAX: usize = 128;

/// A connection, plain or not.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What a relay says.
pub struct Reply {
    /// From 200 to 599.
    pub code: u16,
    /// What stands behind the code in each line.
    pub lines: Vec<String>,
}

impl Reply {
    /// Returns the first digit of the code: 2 is done, 3 is go on, 4 is not now, 5 is no.
    pub fn class(&self) -> u16 {
        self.code / 100
    }

    /// Returns the code and all lines as one; a status such as 5.1.1 that stands in each is there once.
    pub fn text(&self) -> String {
        let mut text = self.code.to_string();
        let status = self.lines.first().and_then(|it| it.split(' ').next()).filter(|it| it.contains('.'));
        for (place, line) in self.lines.iter().enumerate() {
            let again = status.filter(|_| 0 < place).and_then(|it| line.strip_prefix(it));
            text.push(' ');
            text.push_str(again.unwrap_or(line).trim());
        }
        text
    }
}

/// A connection to a relay, at the level of lines.
pub struct Wire(BufReader<Box<dyn Stream>>);

impl Wire {
    /// The lines on `stream`.
    pub fn new(stream: Box<dyn Stream>) -> Self {
        Self(BufReader::new(stream))
    }

    /// Returns the connection below, for TLS to begin on it.
    ///
    /// # Errors
    ///
    /// When the relay has said more than it was asked. Whoever sits between us could have said it, and it must not pass
    /// for what is said under TLS.
    pub(in crate::mail) fn bare(self) -> io::Result<Box<dyn Stream>> {
        match self.0.buffer() {
            [] => Ok(self.0.into_inner()),
            _ => Err(garbled("the relay spoke out of turn")),
        }
    }

    /// Says `command` and hears the reply.
    pub(in crate::mail) async fn say(&mut self, command: &str) -> io::Result<Reply> {
        self.tell(command).await?;
        self.reply().await
    }

    /// Says `command` and waits for nothing.
    pub(in crate::mail) async fn tell(&mut self, command: &str) -> io::Result<()> {
        self.write(format!("{command}\r\n").as_bytes()).await
    }

    /// Writes a mail, its dots doubled, and the line that ends it. `mime` ends in CRLF. Once all of it may be on its way,
    /// `is_dotted` is set.
    pub(in crate::mail) async fn pour(&mut self, mime: &[u8], is_dotted: &mut bool) -> io::Result<()> {
        let mut body = Vec::with_capacity(mime.len() + mime.len() / 64);
        for line in mime.split_inclusive(|it| *it == b'\n') {
            if line.starts_with(b".") {
                body.push(b'.');
            }
            body.extend_from_slice(line);
        }
        body.extend_from_slice(b".\r\n");
        let mut rest = &body[..];
        while !rest.is_empty() {
            rest = match self.0.write(rest).await? {
                0 => return Err(ErrorKind::WriteZero.into()),
                written => &rest[written..],
            };
        }
        *is_dotted = true;
        self.0.flush().await
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await?;
        self.0.flush().await
    }

    /// Hears one reply, which may have several lines.
    ///
    /// # Errors
    ///
    /// When the connection ends before it does, and when it is no reply, or one that is too long.
    ///
    /// Source: RFC 5321, section 4.2.
    pub async fn reply(&mut self) -> io::Result<Reply> {
        let mut reply = Reply { code: 0, lines: Vec::new() };
        while reply.lines.len() < LINES_MAX {
            let line = self.line().await?;
            let (code, rest) = line.split_at_checked(3).ok_or_else(strange)?;
            let code = code.parse().ok().filter(|it| (200..600).contains(it)).ok_or_else(strange)?;
            if !reply.lines.is_empty() && reply.code != code {
                return Err(strange());
            }
            reply.code = code;
            let is_last = match rest.bytes().next() {
                Some(b'-') => false,
                Some(b' ') | None => true,
                Some(_) => return Err(strange()),
            };
            reply.lines.push(rest.get(1..).unwrap_or_default().trim_end().to_owned());
            if is_last {
                return Ok(reply);
            }
        }
        Err(garbled("the reply has too many lines"))
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        (&mut self.0).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await?;
        match line.strip_suffix(b"\n") {
            Some(line) => Ok(String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()),
            None if u64::try_from(line.len()).is_ok_and(|it| it < LINE_BYTES_MAX) => {
                Err(io::Error::new(ErrorKind::UnexpectedEof, "the connection was closed"))
            }
            None => Err(garbled("the reply has too long a line")),
        }
    }
}

fn strange() -> io::Error {
    garbled("the reply is not SMTP")
}

fn garbled(why: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}
