//! Where mail goes: a folder, or relays with a bounded number of sessions.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lettre::Address;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::dialogue::{Line, Outcome};
use super::folder::Folder;
use super::relay::{Relays, SmtpSettings, Unreachable};
use super::{LINE_BYTES_MAX, address};

/// Where mail goes. Cheap to clone; the clones share their connections and their limit.
#[derive(Clone)]
pub struct Post(Way);

#[derive(Clone)]
enum Way {
    Folder(Arc<Folder>),
    Relays { relays: Arc<Relays>, permits: Arc<Semaphore> },
}

impl Post {
    /// Puts every mail into the folder `path` as `<message id>.eml`, and makes the folder.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self(Way::Folder(Arc::new(Folder::new(path.into()))))
    }

    /// Gives every mail to an SMTP relay, the first that can be reached.
    pub fn relay(settings: SmtpSettings) -> Self {
        let permits = Arc::new(Semaphore::new(settings.sessions.max(1)));
        Self(Way::Relays { relays: Arc::new(Relays::new(settings)), permits })
    }

    /// Waits for its turn and returns a session, on an idle connection or a new one.
    ///
    /// # Errors
    ///
    /// [`Unreachable`] when a connection was needed and could not be made. A folder never fails
    /// here.
    pub async fn session(&self) -> Result<Session, Unreachable> {
        let (relays, permits) = match &self.0 {
            Way::Folder(folder) => return Ok(Session(Kind::Folder(folder.clone()))),
            Way::Relays { relays, permits } => (relays.clone(), permits.clone()),
        };
        let permit = permits.acquire_owned().await;
        let permit = permit.expect("nothing closes the semaphore");
        let (place, line) = relays.line().await?;
        Ok(Session(Kind::Relay(Box::new(Turn { relays, place, line: Some(line), _permit: permit }))))
    }

    /// Takes leave of the relays. Sessions can still be opened afterwards.
    pub async fn close(&self) {
        if let Way::Relays { relays, .. } = &self.0 {
            relays.leave(Duration::ZERO).await;
        }
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

/// One of the bounded number of turns at the relays.
struct Turn {
    relays: Arc<Relays>,
    /// Which of them the connection is to.
    place: usize,
    // Absent while a mail is under way, so that a connection whose `send` was dropped half-way is
    // dropped with it, and after a failure, until the next mail needs one.
    line: Option<Line>,
    // Given up after the connection: fields are dropped once `drop` is through.
    _permit: OwnedSemaphorePermit,
}

impl Turn {
    async fn send<T>(&mut self, from: &Address, to: &Address, mime: &[u8], before: Instant, held: T) -> Outcome {
        // One that was made before this mail came may have died unnoticed.
        let is_fresh = self.line.is_none();
        let mut line = match self.line.take() {
            Some(line) => line,
            None => match self.relays.line().await {
                Ok((place, line)) => {
                    self.place = place;
                    line
                }
                Err(unreachable) => return unreachable.into(),
            },
        };
        let mut opened = line.open(from).await;
        if !is_fresh && !line.is_sound {
            // The relay hung up between two mails, as it may. It has heard nothing of this one but
            // its sender, so a new connection is no second attempt; to another relay it would be one.
            drop(line);
            line = match self.relays.connect(self.place).await {
                Ok(line) => line,
                Err(unreachable) => return unreachable.into(),
            };
            opened = line.open(from).await;
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
            self.relays.rest(self.place, line);
        }
    }
}

impl Session {
    /// Whether the next mail may go the way of the last one. After a failure it would need another connection.
    pub fn is_sound(&self) -> bool {
        match &self.0 {
            Kind::Folder(_) => true,
            Kind::Relay(turn) => turn.line.is_some(),
        }
    }

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
            Kind::Relay(turn) => turn.send(&from, &to, mime, before, held).await,
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
            // All of it is looked at in one go, whatever is found.
            let is_odd = |line: &[u8]| line.iter().fold(false, |odd, it| odd | (*it == b'\r') | (*it == 0));
            line.strip_suffix(b"\r\n").is_some_and(|line| line.len() <= LINE_BYTES_MAX && !is_odd(line))
        })
}
