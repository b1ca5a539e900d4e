//! A turn of delivery: claim, open sessions, decide, write, send, record. Any number of daemons take turns at once.

use std::{
    collections::HashSet,
    convert::Infallible,
    future::Future,
    time::{Duration, Instant},
};

use futures_util::future::{join_all, join3};
use tokio::sync::mpsc;
use tracing::warn;

use super::{
    Delivered, Fate, Kind, Mail, Terms, UNKNOWNS_MAX, Written,
    claim::{self, Claimed},
    pace::{self, Ear, OVERALL},
    send::{Deed, Ended, Queue, Word, later},
    store,
};
use crate::{
    db::Db,
    error::{Result, chain},
    mail::Post,
    trace,
};

/// The pause when the relay could not be reached at all: nothing was begun.
const UNREACHABLE_PAUSE: Duration = Duration::from_secs(5);

/// How many mails are claimed for each session at a time: finding them costs more than sending a few.
const ROUNDS: usize = 24;

/// How many of them are begun and written for each session at a time: what is asked of the database for that is asked for all of
/// them together. Whoever opts out waits until the relay has heard all of these.
const DEPTH: usize = 12;

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
    Ok(Delivered { pauses: turn.pauses, ..turn.delivered })
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
            let batch: Vec<Mail> = mails.by_ref().take(self.terms.sessions * DEPTH).collect();
            let count = i64::try_from(batch.len()).unwrap_or(i64::MAX);
            trace::part("mail batch", |span| span.tell("workcenter.mails", count), Box::pin(self.batch(batch))).await?;
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

    /// Sends mails, as many at a time as there are sessions; each session goes on with the next one.
    async fn batch(&mut self, mails: Vec<Mail>) -> Result<()> {
        // Sessions come first: a relay that is away is found out before anything has begun.
        let wanted = self.terms.sessions.min(mails.len());
        let (mut sessions, mut unreached) = (Vec::new(), None);
        for opened in join_all((0..wanted).map(|_| self.post.session())).await {
            match opened {
                Ok(session) => sessions.push(session),
                Err(error) => {
                    if error.slow_down {
                        self.ear.less(OVERALL);
                    }
                    unreached = Some(chain(&error));
                }
            }
        }
        if let Some(why) = &unreached {
            warn!(error = why, sessions = wanted - sessions.len(), "failed to reach the relay");
        }
        if sessions.is_empty() {
            self.pauses = true;
            self.delivered.retried += mails.len();
            let why = unreached.unwrap_or_default();
            return store::release(&self.db.client().await?, &mails, UNREACHABLE_PAUSE, &why).await;
        }

        let before = Instant::now() + self.terms.lease.saturating_sub(self.terms.last_leg);
        // From here until the relay hears a mail, whoever opts out waits: what is read below stays true until then.
        let mut client = self.db.client().await?;
        let shield = client.transaction().await?;
        store::shield(&shield, &mails, self.terms.lease).await?;
        let mails = store::begin(&self.db.client().await?, mails, self.terms.lease).await?;
        let written = self.write(mails).await?;
        let (held, mut let_go) = mpsc::channel::<Infallible>(1);
        let (ending, ended) = mpsc::unbounded_channel();
        let queue = Queue::new(written, &held, self.terms.seal.as_ref(), before, ending);
        drop(held);
        // The queue ends with this: then nobody is left to tell of a mail.
        let sending = async move {
            join_all(sessions.into_iter().map(|session| queue.work(session))).await;
            queue.give_back();
        };
        let lower = async {
            // Nothing is ever sent: it ends when the last one has let go.
            let_go.recv().await;
            shield.commit().await
        };
        let (_, lowered, settled) = join3(sending, lower, self.settle(ended)).await;
        lowered?;
        settled
    }

    /// Records what becomes of mails when it is known: at once those of which it is known while others are recorded. None
    /// waits for one that is still being sent.
    async fn settle(&mut self, mut ended: mpsc::UnboundedReceiver<Ended>) -> Result<()> {
        let (mut some, mut all) = (Vec::new(), Ok(()));
        while 0 < ended.recv_many(&mut some, self.terms.sessions * DEPTH).await {
            match self.record(&some).await {
                Ok(()) => some.iter().for_each(|it| self.count(&it.mail, &it.fate)),
                // What cannot be recorded is found out when its lease has run out; the others may fare better.
                Err(error) => all = Err(error),
            }
            some.drain(..).for_each(|it| self.heed(&it.word));
        }
        all
    }

    async fn record(&self, ended: &[Ended]) -> Result<()> {
        let client = self.db.client().await?;
        for it in ended {
            if let (Word::Nobody(address), Fate::Failed(reply)) = (&it.word, &it.fate) {
                store::suppress(&client, address, reply).await?;
            }
        }
        let fates: Vec<(&Mail, &Fate)> = ended.iter().map(|it| (&it.mail, &it.fate)).collect();
        store::settle(&client, &fates).await
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
                    store::settle(&self.db.client().await?, &[(&mail, &fate)]).await?;
                    self.count(&mail, &fate);
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
        let mut pairs: Vec<_> = mails.into_iter().map(pair).collect();
        self.pace(&mut pairs, &known.slowed).await?;
        Ok(pairs)
    }

    /// Has those wait whose domains have no room for them now.
    async fn pace(&mut self, pairs: &mut [(Mail, Deed)], slowed: &HashSet<String>) -> Result<()> {
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
            Word::None | Word::Refused | Word::Nobody(_) => {}
            Word::Taken(domain) => self.ear.taken(domain),
            Word::Less(domain) => {
                self.ear.less(domain);
                // What it says of all mail it would say of the next one, too.
                self.pauses |= domain == OVERALL;
            }
            Word::Pause => self.pauses = true,
        }
    }

    fn count(&mut self, mail: &Mail, fate: &Fate) {
        let (count, outcome) = match fate {
            Fate::Sent(_) => (&mut self.delivered.sent, "sent"),
            Fate::Retry(_) => (&mut self.delivered.retried, "retried"),
            Fate::Later(..) => (&mut self.delivered.retried, "later"),
            Fate::Failed(_) => (&mut self.delivered.failed, "failed"),
            Fate::Suppressed(_) => (&mut self.delivered.suppressed, "suppressed"),
            Fate::Unknown(_) => (&mut self.delivered.unknown, "unknown"),
        };
        *count += 1;
        self.terms.tally.mail(outcome, mail.kind.name());
    }
}
