//! What is said on a new connection before the first mail: greeting, EHLO, TLS, sign-in.
//!
//! ```text
//!  smtp://           greeting ─▶ EHLO ─────────────────────────────▶ sign-in
//!  smtp+starttls://  greeting ─▶ EHLO ─▶ STARTTLS ─▶ TLS ─▶ EHLO ──▶ sign-in
//!  smtps://          TLS ─▶ greeting ─▶ EHLO ──────────────────────▶ sign-in
//! ```
//!
//! Nothing falls back: a relay that does not do what its address says is not used.

use std::future::Future;
use std::io;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::dialogue::{Line, printable};
use super::relay::{Timeouts, Unreachable};
use super::wire::{Reply, Wire};
use crate::config::{Encryption, Relay};
use crate::tls::Trust;

/// The longest command that every relay reads, in bytes, its line break included.
///
/// Source: RFC 5321, section 4.5.3.1.4.
const COMMAND_BYTES_MAX: usize = 512;

/// A connection that is being made.
pub(in crate::mail) struct Opening<'a> {
    pub(in crate::mail) relay: &'a Relay,
    pub(in crate::mail) hello: &'a str,
    pub(in crate::mail) tls: &'a Trust,
    pub(in crate::mail) timeouts: Timeouts,
}

impl Opening<'_> {
    /// Connects, and says all that comes before the first mail.
    pub(in crate::mail) async fn line(&self) -> Result<Line, Unreachable> {
        let Relay { host, port, .. } = self.relay;
        let hello = self.hello()?;
        let stream = match timeout(self.timeouts.connect, TcpStream::connect((&**host, *port))).await {
            Ok(stream) => stream.and_then(|it| it.set_nodelay(true).map(|()| it)),
            Err(late) => Err(late.into()),
        };
        let stream = stream.map_err(|error| failed("connect", &error))?;
        let by = Instant::now() + self.timeouts.hello;
        let wire = self.greeted(stream, &hello, by).await?;
        Ok(Line::new(wire, self.timeouts))
    }

    async fn greeted(&self, stream: TcpStream, hello: &str, by: Instant) -> Result<Wire, Unreachable> {
        let mut wire = Wire::new(Box::new(stream));
        if self.relay.encryption == Encryption::Implicit {
            wire = self.encrypted(wire, by).await?;
        }
        done("greeting", 2, within(by, "greeting", wire.reply()).await?)?;
        let mut extensions = introduced(&mut wire, by, hello).await?;
        if self.relay.encryption == Encryption::StartTls {
            // Asked for even where it is not offered: whoever sits between us could have struck out the offer.
            done("STARTTLS", 2, within(by, "STARTTLS", wire.say("STARTTLS")).await?)?;
            wire = self.encrypted(wire, by).await?;
            extensions = introduced(&mut wire, by, hello).await?;
        }
        if let Some((user, password)) = self.relay.login() {
            sign_in(&mut wire, by, &extensions, user, password.expose()).await?;
        }
        Ok(wire)
    }

    async fn encrypted(&self, wire: Wire, by: Instant) -> Result<Wire, Unreachable> {
        let bare = wire.bare().map_err(|error| failed("TLS", &error))?;
        let stream = within(by, "TLS", self.tls.wrap(&self.relay.host, bare)).await?;
        Ok(Wire::new(Box::new(stream)))
    }

    /// Returns how we say who we are.
    fn hello(&self) -> Result<String, Unreachable> {
        if self.hello.is_empty() || !self.hello.bytes().all(|it| it.is_ascii_graphic()) {
            return Err(Unreachable { why: "the name for EHLO is not a host name".to_owned(), slow_down: false });
        }
        Ok(match self.hello.parse() {
            Ok(IpAddr::V4(address)) => format!("EHLO [{address}]"),
            Ok(IpAddr::V6(address)) => format!("EHLO [IPv6:{address}]"),
            Err(_) => format!("EHLO {}", self.hello),
        })
    }
}

/// Says who we are, and hears what the relay can do.
async fn introduced(wire: &mut Wire, by: Instant, hello: &str) -> Result<Vec<String>, Unreachable> {
    let reply = done("EHLO", 2, within(by, "EHLO", wire.say(hello)).await?)?;
    // The first line is the relay's name.
    Ok(reply.lines.into_iter().skip(1).collect())
}

/// Signs in by the first of the two ways that the relay knows.
///
/// Source: RFC 4954, section 4; RFC 4616 (PLAIN). LOGIN is older than either, and all that some relays have.
async fn sign_in(
    wire: &mut Wire,
    by: Instant,
    extensions: &[String],
    user: &str,
    password: &str,
) -> Result<(), Unreachable> {
    let offers = |way: &str| {
        extensions.iter().any(|it| {
            let mut words = it.split([' ', '=']);
            words.next().is_some_and(|it| it.eq_ignore_ascii_case("AUTH"))
                && words.any(|it| it.eq_ignore_ascii_case(way))
        })
    };
    let (first, answers) = if offers("PLAIN") {
        let answer = STANDARD.encode(format!("\0{user}\0{password}"));
        let at_once = format!("AUTH PLAIN {answer}");
        match at_once.len() + 2 <= COMMAND_BYTES_MAX {
            true => (at_once, Vec::new()),
            false => ("AUTH PLAIN".to_owned(), vec![answer]),
        }
    } else if offers("LOGIN") {
        ("AUTH LOGIN".to_owned(), vec![STANDARD.encode(user), STANDARD.encode(password)])
    } else {
        return Err(Unreachable { why: "AUTH: neither PLAIN nor LOGIN is offered".to_owned(), slow_down: false });
    };
    let mut reply = within(by, "AUTH", wire.say(&first)).await?;
    for answer in answers {
        done("AUTH", 3, mute(reply))?;
        reply = within(by, "AUTH", wire.say(&answer)).await?;
    }
    done("AUTH", 2, mute(reply)).map(drop)
}

/// Takes from a reply all but its codes: a relay that did not understand us may repeat what we said.
fn mute(reply: Reply) -> Reply {
    let is_code = |it: &&str| it.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    let status = reply.lines.first().and_then(|it| it.split(' ').next()).filter(is_code);
    Reply { lines: status.map(ToOwned::to_owned).into_iter().collect(), ..reply }
}

async fn within<T>(by: Instant, step: &str, doing: impl Future<Output = io::Result<T>>) -> Result<T, Unreachable> {
    let done = timeout_at(by, doing).await.unwrap_or_else(|late| Err(late.into()));
    done.map_err(|error| failed(step, &error))
}

fn failed(step: &str, error: &io::Error) -> Unreachable {
    Unreachable { why: printable(&format!("{step}: {error}")), slow_down: false }
}

/// Returns the reply if it is of the class that is wanted.
fn done(step: &str, wanted: u16, reply: Reply) -> Result<Reply, Unreachable> {
    if reply.class() == wanted {
        return Ok(reply);
    }
    Err(Unreachable { why: printable(&format!("{step}: {}", reply.text())), slow_down: reply.code == 421 })
}
