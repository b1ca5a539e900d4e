//! A turn of delivery: claim, open sessions, decide, write, send, record. Any number of daemons take turns at once.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    future::Future,
    time::{Duration, Instant},
};

use futures_util::future::{join, join_all};
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::{
    ATTEMPTS_MAX, Delivered, Fate, Kind, Mail, Terms, UNKNOWNS_MAX, Written,
    claim::{self, Claimed},
    pace::{self, Ear, OVERALL},
    store,
};
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
    let Terms { limits, place, .. } = terms;
    if limits.overall.is_some() {
        pace::make(&db.client().await?, &[OVERALL]).await?;
    }
    let (delivered, ear) = (Delivered::default(), Ear::new());
    let mut turn = Turn { db, post, terms, write, delivered, ear, went: 0, pauses: false };
    // Whether nothing was found since the accounts' turn has begun anew.
    let mut is_round = place.get().is_nil();
    while !turn.is_over() && began.elapsed() < terms.lease / 4 {
        let after = place.get();
        let most = terms.sessions * ROUNDS;
        let claimed = claim::claim(&db.client().await?, most, terms.lease, limits.overall, after).await?;
        place.set(claimed.after);
        let is_new_round = claimed.after.is_nil();
        if !claimed.mails.is_empty() {
            turn.take(claimed).await?;
            is_round = is_new_round;
        } else if claimed.after == after || is_round && is_new_round {
            break;
        } else {
            is_round |= is_new_round;
        }
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
    ear: Ear,
    /// How many mails of those claimed last were given to the relay.
    went: usize,
    /// Whether the relay is away or asks for a pause.
    pauses: bool,
}

/// What is done with a mail that has begun.
enum Deed {
    Send(Box<Letter>),
    Wait(Duration, &'static str),
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

    /// Sends what was claimed, as many mails at a time as there are sessions, or gives it back.
    async fn take(&mut self, claimed: Claimed) -> Result<()> {
        if claimed.is_slowed {
            self.ear.slowed(OVERALL);
        }
        self.went = 0;
        let count = claimed.mails.len();
        let mut mails = claimed.mails.into_iter();
        while !self.is_over() && mails.len() > 0 {
            self.batch(mails.by_ref().take(self.terms.sessions).collect()).await?;
            pace::heed(self.db, &self.terms.limits, &self.ear.heard()).await?;
        }
        let left: Vec<Mail> = mails.collect();
        let client = self.db.client().await?;
        store::release(&client, &left, Duration::ZERO, "").await?;
        if claimed.is_limited && self.went < count {
            pace::give_back(&client, self.terms.limits.overall, count - self.went).await?;
        }
        Ok(())
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
                Err(error) => {
                    if error.slow_down {
                        self.ear.less(OVERALL);
                    }
                    unreached.push((mail, chain(&error)));
                }
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
            let (fate, word) = fate?;
            self.heed(&word);
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

    async fn prepare(&mut self, mails: Vec<Mail>) -> Result<Vec<(Mail, Deed)>> {
        let Written { mut letters, later } = (self.write)(mails.clone()).await?;
        let addresses: Vec<String> = letters.values().map(|it| it.to.address.to_lowercase()).collect();
        let domains: Vec<String> = addresses.iter().map(|it| pace::domain(it)).collect();
        let known = store::known(&self.db.client().await?, &addresses, &domains).await?;
        let away = |it: &Duration| Deed::Wait(*it, "its reader is away");
        let mut deed = |mail: &Mail| match letters.remove(&mail.id) {
            None => later.get(&mail.id).map_or(Deed::Nothing("nothing is left to say"), away),
            // The address may be somebody's again, and they must know.
            Some(letter)
                if mail.kind != Kind::Security && known.refused.contains(&letter.to.address.to_lowercase()) =>
            {
                Deed::Nothing("the address does not exist")
            }
            Some(letter) => Deed::Send(Box::new(letter)),
        };
        let pair = |mail: Mail| {
            let deed = deed(&mail);
            (mail, deed)
        };
        let mut pairs = mails.into_iter().map(pair).collect();
        self.pace(&mut pairs, &known.slowed).await?;
        Ok(pairs)
    }

    /// Has those wait whose domains have no room for them now.
    async fn pace(&mut self, pairs: &mut Vec<(Mail, Deed)>, slowed: &HashSet<String>) -> Result<()> {
        let limit = self.terms.limits.domain;
        slowed.iter().for_each(|it| self.ear.slowed(it));
        let domain = |deed: &Deed| match deed {
            Deed::Send(letter) => Some(pace::domain(&letter.to.address)),
            _ => None,
        };
        let is_paced = |domain: &String| limit.is_some() || slowed.contains(domain);
        let domains: Vec<Option<String>> = pairs.iter().map(|(_, deed)| domain(deed).filter(is_paced)).collect();
        let asking: Vec<(&Mail, &str)> =
            pairs.iter().zip(&domains).filter_map(|((mail, _), domain)| Some((mail, domain.as_deref()?))).collect();
        if asking.is_empty() {
            return Ok(());
        }
        let waits = pace::take(&self.db.client().await?, limit, &asking).await?;
        let paced = pairs.iter_mut().zip(&domains).filter(|(_, domain)| domain.is_some());
        for (((_, deed), _), wait) in paced.zip(waits) {
            if let Some(wait) = wait {
                *deed = Deed::Wait(wait, "its domain takes no more mail for now");
            }
        }
        Ok(())
    }

    /// Takes in what the relay let know.
    fn heed(&mut self, word: &Word) {
        self.went += usize::from(!matches!(word, Word::None));
        match word {
            Word::None | Word::Refused => {}
            Word::Taken(domain) => self.ear.taken(domain),
            Word::Less(domain) => {
                self.ear.less(domain);
                // What it says of all mail it would say of the next one, too.
                self.pauses |= domain == OVERALL;
            }
            Word::Pause => self.pauses = true,
        }
    }

    fn count(&mut self, fate: &Fate) {
        let count = match fate {
            Fate::Sent(_) => &mut self.delivered.sent,
            Fate::Retry(_) | Fate::Later(..) => &mut self.delivered.retried,
            Fate::Failed(_) => &mut self.delivered.failed,
            Fate::Suppressed(_) => &mut self.delivered.suppressed,
            Fate::Unknown(_) => &mut self.delivered.unknown,
        };
        *count += 1;
    }
}

/// What a mail holds until the relay hears it.
type Hold = mpsc::Sender<Infallible>;

/// What the relay let know besides what becomes of the mail.
enum Word {
    /// It was not given the mail.
    None,
    /// It took a mail to this domain.
    Taken(String),
    /// It asks for less mail to this domain, or for less of all.
    Less(String),
    /// It wants to be reached otherwise: no other mail would fare better.
    Pause,
    /// Nothing more.
    Refused,
}

/// Sends one mail and records what became of it; also gives back what the relay let know.
async fn send(
    db: &Db,
    mut session: Session,
    mail: Mail,
    deed: Deed,
    seal: Option<&Seal>,
    before: Instant,
    held: Hold,
) -> Result<(Fate, Word)> {
    let (fate, word) = match deed {
        Deed::Nothing(why) => {
            drop(held);
            (Fate::Suppressed(why.to_owned()), Word::None)
        }
        Deed::Wait(pause, why) => {
            drop(held);
            (Fate::Later(pause, why), Word::None)
        }
        Deed::Send(letter) => match bytes(&letter, seal) {
            Ok(mime) => post(db, &mut session, &mail, &letter, &mime, before, held).await?,
            Err(fate) => {
                drop(held);
                match fate {
                    Fate::Retry(why) => (later(&mail, why), Word::None),
                    fate => (fate, Word::None),
                }
            }
        },
    };
    // The session goes back before the database is asked: another mail may be waiting for it.
    drop(session);
    store::settle(&db.client().await?, &mail, &fate).await?;
    Ok((fate, word))
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
) -> Result<(Fate, Word)> {
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
                store::suppress(&db.client().await?, &to.to_lowercase(), &reply).await?;
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
    Ok((fate, word))
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
