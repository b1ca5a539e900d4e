//! Sending one mail: its bytes, the dialogue with the relay, and what became of it.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::mpsc;
use tracing::{info, warn};

use super::{
    ATTEMPTS_MAX, Fate, Mail, UNKNOWNS_MAX,
    pace::{self, OVERALL},
};
use crate::{
    error::chain,
    mail::{Letter, Outcome, Seal, Session},
};

/// For how long sessions take more of the mails that were written together: whoever opts out waits for all of them.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);

/// What is done with a mail that has begun.
pub(super) enum Deed {
    Send(Box<Letter>),
    Wait(Duration, &'static str),
    /// Nothing is left to say, or nobody to say it to.
    Nothing(&'static str),
}

/// What the relay let know besides what becomes of the mail.
pub(super) enum Word {
    /// It was not given the mail.
    None,
    /// It took a mail to this domain.
    Taken(String),
    /// It asks for less mail to this domain, or for less of all.
    Less(String),
    /// It says that there is nobody with this address.
    Nobody(String),
    /// It wants to be reached otherwise: no other mail would fare better.
    Pause,
    /// Nothing more.
    Refused,
}

/// What became of a mail.
pub(super) struct Ended {
    pub mail: Mail,
    pub fate: Fate,
    pub word: Word,
}

/// What a mail holds until the relay hears it.
type Hold = mpsc::Sender<Infallible>;

/// Mails that are written, for sessions to take one after another.
pub(super) struct Queue<'a> {
    waiting: Mutex<VecDeque<(Mail, Deed, Hold)>>,
    seal: Option<&'a Seal>,
    /// When it is too late for DATA.
    before: Instant,
    /// When no more are taken.
    until: Instant,
    /// Whether no other mail would fare better.
    is_over: AtomicBool,
    ending: mpsc::UnboundedSender<Ended>,
}

impl<'a> Queue<'a> {
    /// Makes the queue of `written` mails, each of which keeps a clone of `held` until the relay hears it. What becomes of
    /// each is told to `ending`.
    pub fn new(
        written: Vec<(Mail, Deed)>,
        held: &Hold,
        seal: Option<&'a Seal>,
        before: Instant,
        ending: mpsc::UnboundedSender<Ended>,
    ) -> Self {
        let waiting = Mutex::new(written.into_iter().map(|(mail, deed)| (mail, deed, held.clone())).collect());
        let until = Instant::now() + TAKEN_WITHIN;
        Self { waiting, seal, before, until, is_over: AtomicBool::new(false), ending }
    }

    fn next(&self) -> Option<(Mail, Deed, Hold)> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Sends one mail after another in this session, for as long as it is sound.
    pub async fn work(&self, mut session: Session) {
        while !self.is_over.load(Ordering::Relaxed)
            && session.is_sound()
            && Instant::now() < self.until
            && let Some((mail, deed, held)) = self.next()
        {
            let ended = self.send(&mut session, mail, deed, held).await;
            let is_over = match &ended.word {
                Word::Pause => true,
                Word::Less(domain) => domain == OVERALL,
                _ => false,
            };
            self.is_over.fetch_or(is_over, Ordering::Relaxed);
            // Whoever records it listens until all have ended.
            let _ = self.ending.send(ended);
        }
    }

    /// Puts those back that no session has taken: nobody has tried them.
    pub fn give_back(&self) {
        while let Some((mail, deed, _held)) = self.next() {
            let fate = match deed {
                Deed::Nothing(why) => Fate::Suppressed(why.to_owned()),
                Deed::Wait(pause, why) => Fate::Later(pause, why),
                Deed::Send(_) => Fate::Later(Duration::ZERO, "no session was left for it"),
            };
            let _ = self.ending.send(Ended { mail, fate, word: Word::None });
        }
    }

    /// Sends one mail, and says what became of it.
    async fn send(&self, session: &mut Session, mail: Mail, deed: Deed, held: Hold) -> Ended {
        let (fate, word) = match deed {
            Deed::Nothing(why) => (Fate::Suppressed(why.to_owned()), Word::None),
            Deed::Wait(pause, why) => (Fate::Later(pause, why), Word::None),
            Deed::Send(letter) => match bytes(&letter, self.seal) {
                Ok(mime) => post(session, &mail, &letter, &mime, self.before, held).await,
                Err(Fate::Retry(why)) => (later(&mail, why), Word::None),
                Err(fate) => (fate, Word::None),
            },
        };
        Ended { mail, fate, word }
    }
}

/// The bytes of a letter, signed if there is a key, or what becomes of the mail that it has none.
fn bytes(letter: &Letter, seal: Option<&Seal>) -> Result<Vec<u8>, Fate> {
    let mime = letter.mime().map_err(|error| Fate::Failed(chain(&error)))?;
    match seal {
        Some(seal) => seal.seal(&mime, letter.date).map_err(|error| Fate::Retry(chain(&error))),
        None => Ok(mime),
    }
}

async fn post(
    session: &mut Session,
    mail: &Mail,
    letter: &Letter,
    mime: &[u8],
    before: Instant,
    held: Hold,
) -> (Fate, Word) {
    let to = &letter.to.address;
    let mut word = Word::Refused;
    let fate = match session.send_holding(&letter.from.address, to, mime, before, held).await {
        Outcome::Sent { reply } => {
            word = Word::Taken(pace::domain(to));
            Fate::Sent(reply)
        }
        Outcome::Retry { reply, slow_down, named } => {
            if slow_down {
                word = asked(&reply, to, named);
            }
            later(mail, reply)
        }
        Outcome::Refused { reply, address } => {
            if address {
                word = Word::Nobody(to.to_lowercase());
            }
            Fate::Failed(reply)
        }
        Outcome::Unknown { why } if mail.unknowns < UNKNOWNS_MAX => Fate::Unknown(why),
        Outcome::Unknown { why } => Fate::Failed(format!("gave up: {why}")),
    };
    match &fate {
        Fate::Sent(_) => info!(mail.id = %mail.id, mail.kind = mail.kind.name(), "sent a mail"),
        Fate::Suppressed(_) | Fate::Later(..) => {}
        Fate::Retry(why) | Fate::Failed(why) | Fate::Unknown(why) => {
            warn!(mail.id = %mail.id, mail.attempts, reply.code = code(why), "did not send a mail");
        }
    }
    (fate, word)
}

/// What a relay asks for that slows down: less mail to the domain of `to`, if it knew that one, or less of all. The codes of
/// RFC 4954 and RFC 3207 that begin with 53 ask for a password or for TLS.
fn asked(reply: &str, to: &str, named: bool) -> Word {
    match (reply.starts_with("53"), named) {
        (true, _) => Word::Pause,
        (false, true) => Word::Less(pace::domain(to)),
        (false, false) => Word::Less(OVERALL.to_owned()),
    }
}

/// The fate of a mail that did not go this time.
pub(super) fn later(mail: &Mail, why: String) -> Fate {
    if mail.attempts < ATTEMPTS_MAX { Fate::Retry(why) } else { Fate::Failed(format!("gave up: {why}")) }
}

/// The codes that a reply begins with. The rest of it may name its reader, and stays in the row.
fn code(reply: &str) -> String {
    let is_code = |it: &&str| it.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    reply.split(' ').take_while(is_code).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_reply_only_the_codes_are_logged() {
        assert_eq!(code("550 5.1.1 ada@example.com: no such user"), "550 5.1.1");
        assert_eq!(code("the connection was lost"), "");
    }
}
