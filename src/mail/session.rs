//! Where mail goes: a folder, or a relay with a bounded number of connections.
//!
//! lettre's pool is not used: it does not bound connections, its timeout covers connecting only,
//! and without `TCP_NODELAY` a mail takes 40 ms.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lettre::Address;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use tokio::fs;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::dialogue::{Line, Outcome, late, printable};
use super::{LINE_BYTES_MAX, address};

/// How long the relay may take over each part of a dialogue.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For the name look-up and the TCP connection; 5 s by default.
    pub connect: Duration,
    /// For the greeting and the reply to EHLO together; 10 s by default.
    pub hello: Duration,
    /// For the reply to each of RSET, MAIL, RCPT and DATA; 30 s by default.
    pub command: Duration,
    /// For writing the body and the reply to its final dot; 120 s by default. Giving up here may
    /// send a mail twice, so it is the longest.
    pub body: Duration,
    /// How long a connection may lie idle and still be used; 20 s by default, well below the
    /// minutes after which relays hang up.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            hello: Duration::from_secs(10),
            command: Duration::from_secs(30),
            body: Duration::from_secs(120),
            idle: Duration::from_secs(20),
        }
    }
}

impl Timeouts {
    /// Returns the longest that a mail can be under way after its lease was looked at.
    ///
    /// A caller that passes the end of the lease less this as `before` never has two processes
    /// sending one mail.
    pub fn last_leg(&self) -> Duration {
        self.command + self.body
    }
}

/// How to reach the relay. There is no TLS and no AUTH: the relay trusts the network.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// The relay's name or IP address; `localhost` by default.
    pub host: String,
    /// The relay's port; 25 by default.
    pub port: u16,
    /// What EHLO says we are, a host name or an IP address; `localhost` by default.
    pub hello: String,
    /// How many connections there may be at once, at least 1; 8 by default, so that six replicas
    /// stay below the 50 that Postfix allows one client.
    pub sessions: usize,
    /// How long the relay may take.
    pub timeouts: Timeouts,
}

impl Default for SmtpSettings {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 25,
            hello: "localhost".to_owned(),
            sessions: 8,
            timeouts: Timeouts::default(),
        }
    }
}

/// Says why no session could be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the relay cannot be reached: {why}")]
pub struct Unreachable {
    /// What failed, or what the relay said in place of a greeting.
    pub why: String,
    /// Whether the relay asks for fewer connections.
    pub slow_down: bool,
}

impl From<Unreachable> for Outcome {
    fn from(unreachable: Unreachable) -> Self {
        Self::Retry { reply: unreachable.to_string(), slow_down: unreachable.slow_down }
    }
}

/// Where mail goes. Cheap to clone; the clones share their connections and their limit.
#[derive(Clone)]
pub struct Post(Way);

#[derive(Clone)]
enum Way {
    Folder(Arc<Folder>),
    Relay(Arc<Relay>),
}

impl Post {
    /// Puts every mail into the folder `path` as `<message id>.eml`, and makes the folder.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self(Way::Folder(Arc::new(Folder { path: path.into(), written: AtomicU64::new(0) })))
    }

    /// Gives every mail to an SMTP relay.
    pub fn relay(settings: SmtpSettings) -> Self {
        let permits = Arc::new(Semaphore::new(settings.sessions.max(1)));
        Self(Way::Relay(Arc::new(Relay { settings, permits, idle: Mutex::default() })))
    }

    /// Waits for its turn and returns a session, on an idle connection or a new one.
    ///
    /// # Errors
    ///
    /// [`Unreachable`] when a connection was needed and could not be made. A folder never fails
    /// here.
    pub async fn session(&self) -> Result<Session, Unreachable> {
        let relay = match &self.0 {
            Way::Folder(folder) => return Ok(Session(Kind::Folder(folder.clone()))),
            Way::Relay(relay) => relay.clone(),
        };
        let permit = relay.permits.clone().acquire_owned().await;
        let permit = permit.expect("nothing closes the semaphore");
        let line = match relay.rested() {
            Some(line) => line,
            None => relay.connect().await?,
        };
        Ok(Session(Kind::Relay(Box::new(Turn { relay, line: Some(line), _permit: permit }))))
    }
}

/// A turn at sending mail, one mail after another.
///
/// Dropping it gives a sound connection back to be used again, and the turn to whoever waits.
pub struct Session(Kind);

enum Kind {
    Folder(Arc<Folder>),
    Relay(Box<Turn>),
}

/// One of the bounded number of turns at a relay.
struct Turn {
    relay: Arc<Relay>,
    // Absent while a mail is under way, so that a connection whose `send` was dropped half-way is
    // dropped with it, and after a failure, until the next mail needs one.
    line: Option<Line>,
    // Given up after the connection: fields are dropped once `drop` is through.
    _permit: OwnedSemaphorePermit,
}

impl Turn {
    async fn send<T>(&mut self, from: Address, to: Address, mime: &[u8], before: Instant, held: T) -> Outcome {
        // One that was made before this mail came may have died unnoticed.
        let is_fresh = self.line.is_none();
        let mut line = match self.line.take() {
            Some(line) => line,
            None => match self.relay.connect().await {
                Ok(line) => line,
                Err(unreachable) => return unreachable.into(),
            },
        };
        let mut opened = line.open(&from).await;
        if !is_fresh && !line.is_sound {
            // The relay hung up between two mails, as it may. It has heard nothing of this one but
            // its sender, so a new connection is no second attempt.
            drop(line);
            line = match self.relay.connect().await {
                Ok(line) => line,
                Err(unreachable) => return unreachable.into(),
            };
            opened = line.open(&from).await;
        }
        let outcome = match opened {
            Ok(()) => line.deliver(to, mime, before, held).await,
            Err(trouble) => trouble.outcome(false),
        };
        if line.is_sound {
            self.line = Some(line);
        }
        outcome
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            self.relay.idle().push((line, Instant::now()));
        }
    }
}

impl Session {
    /// Sends one mail.
    ///
    /// `before` is looked at last thing before DATA: when it has passed, nothing is sent and the
    /// outcome is [`Outcome::Retry`]. `mime` is 7-bit text in lines that end in CRLF.
    pub async fn send(&mut self, from: &str, to: &str, mime: &[u8], before: Instant) -> Outcome {
        self.send_holding(from, to, mime, before, ()).await
    }

    /// As [`Session::send`]. `held` is dropped when the relay has said that it hears the mail, or will not: up to there the
    /// mail can be said not to have begun.
    pub async fn send_holding<T>(&mut self, from: &str, to: &str, mime: &[u8], before: Instant, held: T) -> Outcome {
        let refused = |reply: &str, address| Outcome::Refused { reply: reply.to_owned(), address };
        let Some(from) = address(from) else {
            return refused("the sender's address is not one that mail can come from", false);
        };
        let Some(to) = address(to) else {
            return refused("the recipient's address is not one that mail can go to", true);
        };
        if !is_seven_bit(mime) {
            return refused("the mail is not 7-bit text in lines of at most 998 bytes", false);
        }
        match &mut self.0 {
            Kind::Folder(folder) => folder.send(mime, before).await,
            Kind::Relay(turn) => turn.send(from, to, mime, before, held).await,
        }
    }
}

/// Tells whether every relay carries `mime` unchanged.
///
/// A lone CR or LF is refused above all: relays that disagree on where a line ends can be made to
/// see two mails in one.
fn is_seven_bit(mime: &[u8]) -> bool {
    mime.ends_with(b"\r\n")
        && mime.is_ascii()
        && mime.split_inclusive(|it| *it == b'\n').all(|line| {
            line.strip_suffix(b"\r\n")
                .is_some_and(|line| line.len() <= LINE_BYTES_MAX && !line.contains(&b'\r') && !line.contains(&0))
        })
}

/// A relay, and the connections to it that nobody uses just now.
struct Relay {
    settings: SmtpSettings,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<(Line, Instant)>>,
}

impl Relay {
    fn idle(&self) -> MutexGuard<'_, Vec<(Line, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the connection that has been idle for the shortest time, unless that is too long.
    fn rested(&self) -> Option<Line> {
        let mut idle = self.idle();
        let (line, since) = idle.pop()?;
        if since.elapsed() < self.settings.timeouts.idle {
            return Some(line);
        }
        // The others have been idle for longer still.
        idle.clear();
        None
    }

    async fn connect(&self) -> Result<Line, Unreachable> {
        let SmtpSettings { host, port, hello, timeouts, .. } = &self.settings;
        let failed = |why: String| Unreachable { why, slow_down: false };
        if hello.is_empty() || !hello.bytes().all(|it| it.is_ascii_graphic()) {
            return Err(failed("the name for EHLO is not a host name".to_owned()));
        }
        let hello = match hello.parse() {
            Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
            Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
            Err(_) => ClientId::Domain(hello.clone()),
        };
        let stream = match timeout(timeouts.connect, TcpStream::connect((&**host, *port))).await {
            Ok(stream) => stream.map_err(|error| failed(format!("connect: {error}")))?,
            Err(late) => return Err(failed(format!("connect: {late}"))),
        };
        stream.set_nodelay(true).map_err(|error| failed(format!("connect: {error}")))?;

        let greeted = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello);
        let smtp = match timeout(timeouts.hello, greeted).await {
            Ok(Ok(smtp)) => smtp,
            Ok(Err(error)) => {
                let slow_down = error.is_transient();
                return Err(Unreachable { why: printable(&format!("greeting or EHLO: {error}")), slow_down });
            }
            Err(late) => return Err(failed(format!("greeting or EHLO: {late}"))),
        };
        Ok(Line::new(smtp, *timeouts))
    }
}

/// A folder that mail is put into, for a look at it during development.
struct Folder {
    path: PathBuf,
    // Tells apart the temporary files of two mails with one id.
    written: AtomicU64,
}

impl Folder {
    async fn send(&self, mime: &[u8], before: Instant) -> Outcome {
        let Some(id) = message_id(mime) else {
            let reply = "the mail has no Message-ID to name its file by".to_owned();
            return Outcome::Refused { reply, address: false };
        };
        if before <= Instant::now() {
            return late();
        }
        let name = format!("{id}.eml");
        match self.put(&name, mime).await {
            Ok(()) => Outcome::Sent { reply: format!("written to {name}") },
            Err(error) => Outcome::Retry { reply: format!("write {name}: {error}"), slow_down: false },
        }
    }

    /// Writes under another name first: whoever watches the folder never sees half a mail.
    async fn put(&self, name: &str, mime: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.path).await?;
        let turn = self.written.fetch_add(1, Ordering::Relaxed);
        let draft = self.path.join(format!(".{name}.{}.{turn}", std::process::id()));
        fs::write(&draft, mime).await?;
        fs::rename(&draft, self.path.join(name)).await
    }
}

/// Reads the message id of a mail, with `_` for what does not belong in a file name.
fn message_id(mime: &[u8]) -> Option<String> {
    let head = str::from_utf8(mime).ok()?.split("\r\n\r\n").next()?;
    let id = head.split("\r\n").find_map(|line| line.strip_prefix("Message-ID: <"))?;
    let safe = |it: char| if it.is_ascii_alphanumeric() || "@.-_".contains(it) { it } else { '_' };
    Some(id.strip_suffix('>')?.chars().map(safe).collect())
}
