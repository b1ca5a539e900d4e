//! A turn of delivery: claim, open sessions, decide, write, send, record. Any number of daemons take turns at once.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::Future,
    time::{Duration, Instant},
};

use futures_util::future::{join, join_all};
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::{ATTEMPTS_MAX, Delivered, Fate, Kind, Mail, Terms, UNKNOWNS_MAX, Written, store};
use crate::{
    db::Db,
    error::{Result, chain},
    mail::{Letter, Outcome, Post, Seal, Session},
};

/// The pause when the relay could not be reached at all: nothing was begun.
const UNREACHABLE_PAUSE: Duration = Duration::from_secs(5);

/// How many mails are claimed for each session at a time: finding them costs more than sending a few.
const ROUNDS: usize = 10;

/// Delivers what may be tried now, until nothing is left or a quarter of a lease has passed; the next tick goes on.
///
/// `write` makes the letters of mails, or says how long they have to wait. A mail whose daemon died before the
/// relay heard of it is tried again, and one whose daemon died later is sent again under the same Message-ID. A relay
/// that is away or asks for a pause ends the turn.
///
/// # Errors
///
/// What the database says. Mails that had begun count as unknown when their lease runs out; the others are as before.
pub async fn deliver<W, F>(db: &Db, post: &Post, terms: &Terms, write: W) -> Result<Delivered>
where
    W: Fn(Vec<Mail>) -> F,
    F: Future<Output = Result<Written>>,
{
    let began = Instant::now();
    store::reclaim(&db.client().await?, UNKNOWNS_MAX).await?;
    let mut turn = Turn { db, post, terms, write, delivered: Delivered::default(), pauses: false };
    while !turn.is_over() && began.elapsed() < terms.lease / 4 {
        let claimed = store::claim(&db.client().await?, terms.sessions * ROUNDS, terms.lease).await?;
        if claimed.is_empty() {
            break;
        }
        let mut claimed = claimed.into_iter();
        while !turn.is_over() && claimed.len() > 0 {
            turn.batch(claimed.by_ref().take(terms.sessions).collect()).await?;
        }
        let left: Vec<Mail> = claimed.collect();
        store::release(&db.client().await?, &left, Duration::ZERO, "").await?;
    }
    Ok(turn.delivered)
}

/// A turn of delivery.
struct Turn<'a, W> {
    db: &'a Db,
    post: &'a Post,
    terms: &'a Terms,
    write: W,
    delivered: Delivered,
    /// Whether the relay is away or asks for a pause.
    pauses: bool,
}

/// What is done with a mail that has begun.
enum Deed {
    Send(Box<Letter>),
    Wait(Duration),
    /// Nothing is left to say, or nobody to say it to.
    Nothing(&'static str),
}

impl<W, F> Turn<'_, W>
where
    W: Fn(Vec<Mail>) -> F,
    F: Future<Output = Result<Written>>,
{
    fn is_over(&self) -> bool {
        self.pauses || self.terms.draining.is_cancelled()
    }

    /// Sends as many mails as there are sessions, at the same time.
    async fn batch(&mut self, mails: Vec<Mail>) -> Result<()> {
        // Sessions come first: a relay that is away is found out before anything has begun.
        let opened = join_all(mails.into_iter().map(async |mail| (self.post.session().await, mail))).await;
        let (mut sessions, mut mails, mut unreached) = (HashMap::new(), Vec::new(), Vec::new());
        for (session, mail) in opened {
            match session {
                Ok(session) => {
                    sessions.insert(mail.id, session);
                    mails.push(mail);
                }
                Err(error) => unreached.push((mail, chain(&error))),
            }
        }
        if let Some((_, why)) = unreached.first() {
            warn!(error = why, mails = unreached.len(), "failed to reach the relay");
            self.pauses |= mails.is_empty();
            self.delivered.retried += unreached.len();
            let why = why.clone();
            let unreached: Vec<Mail> = unreached.into_iter().map(|(mail, _)| mail).collect();
            store::release(&self.db.client().await?, &unreached, UNREACHABLE_PAUSE, &why).await?;
        }
        if mails.is_empty() {
            return Ok(());
        }

        let before = Instant::now() + self.terms.lease.saturating_sub(self.terms.last_leg);
        // From here until the relay hears a mail, whoever opts out waits: what is read below stays true until then.
        let mut client = self.db.client().await?;
        let shield = client.transaction().await?;
        store::shield(&shield, &mails, self.terms.lease).await?;
        let mails = store::begin(&self.db.client().await?, mails, self.terms.lease).await?;
        let written = self.write(mails).await?;
        let (held, mut let_go) = mpsc::channel::<Infallible>(1);
        let sending = join_all(written.into_iter().filter_map(|(mail, written)| {
            let session = sessions.remove(&mail.id)?;
            Some(send(self.db, session, mail, written, self.terms.seal.as_ref(), before, held.clone()))
        }));
        drop(held);
        let lower = async {
            // Nothing is ever sent: it ends when the last one has let go.
            let_go.recv().await;
            shield.commit().await
        };
        let (fates, lowered) = join(sending, lower).await;
        for fate in fates {
            let (fate, slow_down) = fate?;
            self.pauses |= slow_down;
            self.count(&fate);
        }
        Ok(lowered?)
    }

    /// Writes mails that have begun: all at once, or one by one when that fails. One that cannot be written has not gone,
    /// and is tried again like one that the relay did not take.
    async fn write(&mut self, mails: Vec<Mail>) -> Result<Vec<(Mail, Deed)>> {
        let error = match self.prepare(mails.clone()).await {
            Ok(written) => return Ok(written),
            Err(error) => error,
        };
        warn!(error = chain(&error), mails = mails.len(), "failed to write a batch of mails");
        let mut all = Vec::new();
        for mail in mails {
            match self.prepare(vec![mail.clone()]).await {
                Ok(written) => all.extend(written),
                Err(error) => {
                    warn!(error = chain(&error), mail.id = %mail.id, "failed to write a mail");
                    let fate = later(&mail, "it could not be written".to_owned());
                    store::settle(&self.db.client().await?, &mail, &fate).await?;
                    self.count(&fate);
                }
            }
        }
        Ok(all)
    }

    async fn prepare(&self, mails: Vec<Mail>) -> Result<Vec<(Mail, Deed)>> {
        let Written { mut letters, later } = (self.write)(mails.clone()).await?;
        let addresses: Vec<String> = letters.values().map(|it| it.to.address.to_lowercase()).collect();
        let refused = store::suppressed(&self.db.client().await?, &addresses).await?;
        let mut deed = |mail: &Mail| match letters.remove(&mail.id) {
            None => later.get(&mail.id).map_or(Deed::Nothing("nothing is left to say"), |it| Deed::Wait(*it)),
            // The address may be somebody's again, and they must know.
            Some(letter) if mail.kind != Kind::Security && refused.contains(&letter.to.address.to_lowercase()) => {
                Deed::Nothing("the address does not exist")
            }
            Some(letter) => Deed::Send(Box::new(letter)),
        };
        let pair = |mail: Mail| {
            let deed = deed(&mail);
            (mail, deed)
        };
        Ok(mails.into_iter().map(pair).collect())
    }

    fn count(&mut self, fate: &Fate) {
        let count = match fate {
            Fate::Sent(_) => &mut self.delivered.sent,
            Fate::Retry(_) | Fate::Later(_) => &mut self.delivered.retried,
            Fate::Failed(_) => &mut self.delivered.failed,
            Fate::Suppressed(_) => &mut self.delivered.suppressed,
            Fate::Unknown(_) => &mut self.delivered.unknown,
        };
        *count += 1;
    }
}

/// What a mail holds until the relay hears it.
type Hold = mpsc::Sender<Infallible>;

/// Sends one mail and records what became of it; also says whether the relay asks for a pause.
async fn send(
    db: &Db,
    mut session: Session,
    mail: Mail,
    deed: Deed,
    seal: Option<&Seal>,
    before: Instant,
    held: Hold,
) -> Result<(Fate, bool)> {
    let (fate, slow_down) = match deed {
        Deed::Nothing(why) => {
            drop(held);
            (Fate::Suppressed(why.to_owned()), false)
        }
        Deed::Wait(pause) => {
            drop(held);
            (Fate::Later(pause), false)
        }
        Deed::Send(letter) => match bytes(&letter, seal) {
            Ok(mime) => post(db, &mut session, &mail, &letter, &mime, before, held).await?,
            Err(fate) => {
                drop(held);
                match fate {
                    Fate::Retry(why) => (later(&mail, why), false),
                    fate => (fate, false),
                }
            }
        },
    };
    // The session goes back before the database is asked: another mail may be waiting for it.
    drop(session);
    store::settle(&db.client().await?, &mail, &fate).await?;
    Ok((fate, slow_down))
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
    db: &Db,
    session: &mut Session,
    mail: &Mail,
    letter: &Letter,
    mime: &[u8],
    before: Instant,
    held: Hold,
) -> Result<(Fate, bool)> {
    let to = &letter.to.address;
    let mut pauses = false;
    let fate = match session.send_holding(&letter.from.address, to, mime, before, held).await {
        Outcome::Sent { reply } => Fate::Sent(reply),
        Outcome::Retry { reply, slow_down } => {
            pauses = slow_down;
            later(mail, reply)
        }
        Outcome::Refused { reply, address } => {
            if address {
                store::suppress(&db.client().await?, &to.to_lowercase(), &reply).await?;
            }
            Fate::Failed(reply)
        }
        Outcome::Unknown { why } if mail.unknowns < UNKNOWNS_MAX => Fate::Unknown(why),
        Outcome::Unknown { why } => Fate::Failed(format!("gave up: {why}")),
    };
    match &fate {
        Fate::Sent(_) => info!(mail.id = %mail.id, mail.kind = mail.kind.name(), "sent a mail"),
        Fate::Suppressed(_) | Fate::Later(_) => {}
        Fate::Retry(why) | Fate::Failed(why) | Fate::Unknown(why) => {
            warn!(mail.id = %mail.id, mail.attempts, reply.code = code(why), "did not send a mail");
        }
    }
    Ok((fate, pauses))
}

/// The fate of a mail that did not go this time.
fn later(mail: &Mail, why: String) -> Fate {
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
