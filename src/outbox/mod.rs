//! Mail on its way out: put with what it tells in one transaction, delivered by any daemon, at least once.
//!
//! What a mail says is not stored. It is written after the decision to send it, from what it refers to, so that access,
//! retractions, preferences and the address are those of that moment. A repeat has the same Message-ID and Date.

mod store;

use std::{
    collections::HashMap,
    future::Future,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use jiff::Timestamp;
use tracing::{info, warn};
use uuid::Uuid;

pub use store::{hold, put, waiting};

use crate::{
    db::Db,
    error::{Result, chain},
    mail::{self, Letter, Post, Session},
    secret::Hash,
};

/// How often a mail is begun before it is given up: with the pauses between, about eight hours.
pub const ATTEMPTS_MAX: i64 = 14;

/// How often a mail whose fate is unknown is sent again. After that it counts as failed: a relay that takes mail and
/// never says so would fill a mailbox.
pub const UNKNOWNS_MAX: i64 = 5;

/// The pause after the first refusal for now, and the longest one; it doubles in between.
const PAUSE: Duration = Duration::from_secs(15);
const PAUSE_MAX: Duration = Duration::from_secs(3600);

/// The pause when the relay could not be reached at all: nothing was begun.
const UNREACHABLE_PAUSE: Duration = Duration::from_secs(5);

/// What a mail tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A daily or weekly digest: a settlement.
    Digest,
    /// What happened just now: a settlement.
    Immediate,
    /// What waited for a digest: a settlement.
    CatchUp,
    /// An invite.
    Invite,
}

impl Kind {
    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Digest => "DIGEST",
            Self::Immediate => "IMMEDIATE",
            Self::CatchUp => "CATCHUP",
            Self::Invite => "INVITE",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Digest, Self::Immediate, Self::CatchUp, Self::Invite].into_iter().find(|it| it.name() == name)
    }

    /// Whether somebody waits for it: it goes before all that are not.
    fn transactional(self) -> bool {
        self == Self::Invite
    }
}

/// A mail to be put into the outbox.
#[derive(Clone, Debug)]
pub struct New {
    /// Its id.
    pub id: Uuid,
    /// Who pays for it.
    pub account: Uuid,
    /// Whom it is for; `None` for an address that nobody has yet.
    pub user: Option<Uuid>,
    /// What it tells of.
    pub kind: Kind,
    /// The settlement or invite.
    pub subject: Uuid,
    /// What it tells, as a digest: two mails with the same one are the same mail.
    pub key: Hash,
    /// The instant in its Date header.
    pub dated_at: Timestamp,
}

/// A mail that this daemon has claimed.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Its id.
    pub id: Uuid,
    /// Who pays for it.
    pub account: Uuid,
    /// Whom it is for.
    pub user: Option<Uuid>,
    /// What it tells of.
    pub kind: Kind,
    /// The settlement or invite.
    pub subject: Uuid,
    /// The Message-ID up to the @.
    pub message_id: String,
    /// The instant in its Date header.
    pub dated_at: Timestamp,
    fence: i64,
    attempts: i64,
    unknowns: i64,
}

/// How deliveries go.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Mails claimed at a time: as many as there are sessions.
    pub batch: usize,
    /// How long a claim lasts, by the real clock.
    pub lease: Duration,
    /// How much of it is the relay's, from DATA to its last word: nothing is begun that late.
    pub last_leg: Duration,
}

/// What a delivery did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// The relay took them.
    pub sent: usize,
    /// Not now.
    pub retried: usize,
    /// Never.
    pub failed: usize,
    /// Nothing to say, or nobody to say it to.
    pub suppressed: usize,
    /// Nobody knows.
    pub unknown: usize,
}

/// What became of one mail.
enum Fate {
    Sent(String),
    Retry(String),
    Failed(String),
    Suppressed(String),
    Unknown(String),
}

/// Delivers what may be tried now, until nothing is left.
///
/// `write` makes the letters of mails: those it gives none for have nothing to say. Any number of daemons may do this at
/// once. A mail whose daemon died before the relay heard of it is tried again, and one whose daemon died later is sent
/// again under the same Message-ID.
///
/// # Errors
///
/// What the database says, and what `write` fails with: the claims run out then, and the mails come up again.
pub async fn deliver<W, F>(db: &Db, post: &Post, terms: &Terms, write: W) -> Result<Delivered>
where
    W: Fn(Vec<Mail>) -> F,
    F: Future<Output = Result<HashMap<Uuid, Letter>>>,
{
    let mut delivered = Delivered::default();
    store::reclaim(&db.client().await?, UNKNOWNS_MAX).await?;
    loop {
        let claimed = store::claim(&db.client().await?, terms.batch, terms.lease).await?;
        if claimed.is_empty() {
            return Ok(delivered);
        }
        // Sessions come first: a relay that is away is found out before anything has begun.
        let opened = join_all(claimed.into_iter().map(async |mail| (post.session().await, mail))).await;
        let mut sessions = HashMap::new();
        let mut mails = Vec::new();
        for (session, mail) in opened {
            match session {
                Ok(session) => {
                    sessions.insert(mail.id, session);
                    mails.push(mail);
                }
                Err(error) => {
                    warn!(error = chain(&error), mail.id = %mail.id, "failed to reach the relay");
                    let reply = chain(&error);
                    store::release(&db.client().await?, &mail, UNREACHABLE_PAUSE, &reply).await?;
                    delivered.retried += 1;
                }
            }
        }

        let begun = Instant::now();
        let mails = store::begin(&db.client().await?, mails, terms.lease).await?;
        let mut letters = write(mails.clone()).await?;
        let addresses: Vec<String> = letters.values().map(|it| it.to.address.to_lowercase()).collect();
        let refused = store::suppressed(&db.client().await?, &addresses).await?;

        let before = begun + terms.lease.saturating_sub(terms.last_leg);
        let fates = join_all(mails.into_iter().filter_map(|mail| {
            let session = sessions.remove(&mail.id)?;
            let letter = letters.remove(&mail.id);
            let refused = &refused;
            Some(async move { send(db, session, mail, letter, refused, before).await })
        }))
        .await;
        for fate in fates {
            match fate? {
                Fate::Sent(_) => delivered.sent += 1,
                Fate::Retry(_) => delivered.retried += 1,
                Fate::Failed(_) => delivered.failed += 1,
                Fate::Suppressed(_) => delivered.suppressed += 1,
                Fate::Unknown(_) => delivered.unknown += 1,
            }
        }
    }
}

/// Sends one mail and records what became of it.
async fn send(
    db: &Db,
    mut session: Session,
    mail: Mail,
    letter: Option<Letter>,
    refused: &[String],
    before: Instant,
) -> Result<Fate> {
    let fate = match letter {
        None => Fate::Suppressed("nothing is left to say".to_owned()),
        Some(letter) if refused.contains(&letter.to.address.to_lowercase()) => {
            Fate::Suppressed("the address does not exist".to_owned())
        }
        Some(letter) => post(db, &mut session, &mail, &letter, before).await?,
    };
    // The session goes back before the database is asked: another mail may be waiting for it.
    drop(session);
    store::settle(&db.client().await?, &mail, &fate).await?;
    Ok(fate)
}

async fn post(db: &Db, session: &mut Session, mail: &Mail, letter: &Letter, before: Instant) -> Result<Fate> {
    let mime = match letter.mime() {
        Ok(mime) => mime,
        Err(error) => return Ok(Fate::Failed(chain(&error))),
    };
    let to = &letter.to.address;
    let fate = match session.send(&letter.from.address, to, &mime, before).await {
        mail::Outcome::Sent { reply } => Fate::Sent(reply),
        mail::Outcome::Retry { reply, .. } if mail.attempts < ATTEMPTS_MAX => Fate::Retry(reply),
        mail::Outcome::Retry { reply, .. } => Fate::Failed(format!("gave up: {reply}")),
        mail::Outcome::Refused { reply, address } => {
            if address {
                store::suppress(&db.client().await?, &to.to_lowercase(), &reply).await?;
            }
            Fate::Failed(reply)
        }
        mail::Outcome::Unknown { why } if mail.unknowns < UNKNOWNS_MAX => Fate::Unknown(why),
        mail::Outcome::Unknown { why } => Fate::Failed(format!("gave up: {why}")),
    };
    match &fate {
        Fate::Sent(_) => info!(mail.id = %mail.id, mail.kind = mail.kind.name(), "sent a mail"),
        Fate::Suppressed(_) => {}
        Fate::Retry(why) | Fate::Failed(why) | Fate::Unknown(why) => {
            warn!(mail.id = %mail.id, mail.attempts, reply.code = code(why), "did not send a mail");
        }
    }
    Ok(fate)
}

/// The codes that a reply begins with. The rest of it may name its reader, and stays in the row.
fn code(reply: &str) -> String {
    let is_code = |it: &&str| it.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    reply.split(' ').take_while(is_code).collect::<Vec<_>>().join(" ")
}

/// How long to wait before a mail is tried again after `attempts` attempts, the first being 1: 15 s, 30 s, 1 min … 1 h.
pub fn pause(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 32) - 1).unwrap_or_default();
    PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_reply_only_the_codes_are_logged() {
        assert_eq!(code("550 5.1.1 ada@example.com: no such user"), "550 5.1.1");
        assert_eq!(code("the connection was lost"), "");
    }

    #[test]
    fn pauses_double_to_an_hour_and_add_up_to_a_night() {
        let seconds = |attempts| pause(attempts).as_secs();
        assert_eq!([seconds(1), seconds(2), seconds(3), seconds(9), seconds(100)], [15, 30, 60, 3600, 3600]);
        let all: u64 = (1..ATTEMPTS_MAX).map(seconds).sum();
        assert!((6..10).contains(&(all / 3600)), "{all} seconds");
    }
}
