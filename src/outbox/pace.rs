//! How fast mails go: limits that all daemons share, overall and for each domain, and how they follow what relays take.
//!
//! A limit is a bucket of mails that fills at its rate. Mail that somebody waits for may empty it; all other leaves a part of
//! it, so that an invite finds room however many digests there are. Mails that find none are told when there will be some.
//!
//! A relay that asks for less mail has the rate halved; each mail that it takes then adds a little. Nothing is written, nor
//! asked that is not asked anyway, where there is no limit and no relay has asked for less.

mod ear;
mod store;

use std::{collections::BTreeMap, time::Duration};

pub(super) use ear::Ear;
pub use store::{Pace, paces, sweep};
pub(super) use store::{give_back, make};

use super::Mail;
use crate::{
    db::{Db, GenericClient},
    error::Result,
};

/// The name under which all mails are limited together.
pub(super) const OVERALL: &str = "";

/// How much goes at once after a rest, in seconds of the rate. Daemons look for mail once a second: with less, the limit would
/// not be reached by who looks once.
pub(super) const BURST: f64 = 2.0;

/// The share of a bucket that is for all mail. The rest is for mail that somebody waits for. What is left of [`BURST`] is
/// still more than what daemons leave between two looks.
pub(super) const USUAL: f64 = 0.75;

/// What makes up for instants that are whole microseconds, in mails.
pub(super) const ROUNDING: f64 = 0.001;

/// The longest that a mail waits for its place in the line. It is written anew when it comes back, so that what waits for
/// hours is; but a rate that has grown meanwhile is not left unused for longer than this.
pub(super) const LINE_MAX: Duration = Duration::from_secs(600);

/// What a domain is given, in mails a second, when its relay asks for less for the first time and nothing limits it. A relay
/// that asks for less at a slower pace speaks of one mailbox rather than of the pace.
const START_MIN: f64 = 10.0;

/// The lowest rate, in mails a second: one in ten seconds, so that it is found out within some when more is taken again.
const RATE_MIN: f64 = 0.1;

/// What each mail that is taken adds to the rate. At any rate, what was halved is back after about seventy seconds.
const GAIN: f64 = 0.01;

/// For how long a relay that asks for less again is not heeded: what it refuses was on its way before.
const HEEDED_FOR: Duration = Duration::from_secs(5);

/// What the settings allow, in mails a second; `None` for as many as relays take.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// All mails together.
    pub overall: Option<f64>,
    /// Those to any one domain.
    pub domain: Option<f64>,
}

/// What an address ends in, as addresses are compared.
pub(super) fn domain(address: &str) -> String {
    address.rsplit_once('@').map_or("", |(_, domain)| domain).to_lowercase()
}

/// How many mails to a domain want to go.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    urgent: i64,
    usual: i64,
}

/// How many of them may, and when the others.
#[derive(Clone, Copy, Debug)]
struct Given {
    asked: Asked,
    /// Mails a second.
    rate: f64,
    /// In how many seconds there would be room for no mail yet: the first one waits for one more.
    urgent_after: f64,
    usual_after: f64,
    /// How many have been told to wait.
    waiting: Asked,
}

impl Given {
    /// Lets the next mail go, or says for how long it has to wait.
    fn next(&mut self, is_urgent: bool) -> Option<Duration> {
        let (left, after, waiting) = match is_urgent {
            true => (&mut self.asked.urgent, self.urgent_after, &mut self.waiting.urgent),
            false => (&mut self.asked.usual, self.usual_after, &mut self.waiting.usual),
        };
        if 0 < *left {
            *left -= 1;
            return None;
        }
        *waiting += 1;
        let seconds = after + *waiting as f64 / self.rate;
        Some(Duration::from_secs_f64(seconds.clamp(0.0, LINE_MAX.as_secs_f64())))
    }
}

/// Which of `mails` that are about to go, each with the domain it goes to, have to wait, and for how long, in their order.
pub(super) async fn take(
    on: &impl GenericClient,
    limit: Option<f64>,
    mails: &[(&Mail, &str)],
) -> Result<Vec<Option<Duration>>> {
    let mut asked: BTreeMap<&str, Asked> = BTreeMap::new();
    for (mail, domain) in mails {
        let asked = asked.entry(domain).or_default();
        match mail.kind.transactional() {
            true => asked.urgent += 1,
            false => asked.usual += 1,
        }
    }
    let mut given = store::take(on, limit, &asked).await?;
    // A domain without an answer has lost its limit meanwhile.
    let wait = |(mail, domain): &(&Mail, &str)| given.get_mut(*domain)?.next(mail.kind.transactional());
    Ok(mails.iter().map(wait).collect())
}

/// What a relay did with mails to a domain, or with all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Heard {
    /// How many it took.
    pub taken: u32,
    /// Whether it asked for less.
    pub less: bool,
    /// How many it took a second up to now.
    pub pace: f64,
}

/// The rate that a relay is found to take, after what was `heard`; `None` for what the settings say. `learned` is what it was
/// found to take before, `limit` what the settings say.
fn learn(learned: Option<f64>, limit: Option<f64>, heard: &Heard) -> Option<f64> {
    if heard.less {
        let so_far = match (learned, limit) {
            (Some(learned), Some(limit)) => learned.min(limit),
            (Some(rate), None) | (None, Some(rate)) => rate,
            (None, None) => heard.pace.max(START_MIN),
        };
        return Some((so_far / 2.0).max(RATE_MIN));
    }
    let faster = learned? + GAIN * f64::from(heard.taken);
    (limit.is_none_or(|limit| faster < limit)).then_some(faster)
}

/// Learns from what was heard of each domain, and of all under [`OVERALL`].
pub(super) async fn heed(db: &Db, limits: &Limits, heard: &BTreeMap<String, Heard>) -> Result<()> {
    let domains: Vec<&str> = heard.keys().map(String::as_str).collect();
    if domains.is_empty() {
        return Ok(());
    }
    let slowed: Vec<&str> = heard.iter().filter(|(_, it)| it.less).map(|(domain, _)| domain.as_str()).collect();
    let mut client = db.client().await?;
    // Not in the transaction: whoever waits for one that is being made holds others.
    make(&client, &slowed).await?;
    let tx = client.transaction().await?;
    let mut lessons = Vec::new();
    for store::Known { domain, learned, slowed_for } in store::hold(&tx, &domains).await? {
        let limit = if domain == OVERALL { limits.overall } else { limits.domain };
        let heard = heard[&domain];
        let heeded = heard.less && slowed_for.is_none_or(|it| HEEDED_FOR <= it);
        let rate = learn(learned, limit, &Heard { less: heeded, ..heard });
        lessons.push(store::Lesson { domain, learned: rate, slowed: heeded });
    }
    store::learn(&tx, &lessons).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LESS: Heard = Heard { taken: 0, less: true, pace: 0.0 };

    fn taken(taken: u32) -> Heard {
        Heard { taken, ..Heard::default() }
    }

    #[test]
    fn a_relay_that_asks_for_less_has_half_of_what_it_had_and_never_less_than_the_least() {
        assert_eq!(learn(None, Some(40.0), &LESS), Some(20.0));
        assert_eq!(learn(Some(8.0), Some(40.0), &LESS), Some(4.0));
        assert_eq!(learn(Some(8.0), Some(4.0), &LESS), Some(2.0), "the settings have changed since");
        assert_eq!(learn(Some(8.0), None, &LESS), Some(4.0));
        let mut rate = None;
        for _ in 0..20 {
            rate = learn(rate, None, &LESS);
        }
        assert_eq!(rate, Some(RATE_MIN));
    }

    #[test]
    fn without_a_limit_it_begins_with_half_of_what_was_taken() {
        assert_eq!(learn(None, None, &Heard { pace: 300.0, ..LESS }), Some(150.0));
        assert_eq!(learn(None, None, &Heard { pace: 0.3, ..LESS }), Some(START_MIN / 2.0));
    }

    #[test]
    fn each_mail_that_is_taken_adds_a_little_up_to_the_limit_and_then_nothing_is_learned_any_more() {
        let mut rate = learn(None, Some(10.0), &LESS);
        let mut mails = 0;
        while let Some(so_far) = rate {
            rate = learn(rate, Some(10.0), &taken(1));
            assert!(rate.is_none_or(|it| so_far < it && it < 10.0));
            mails += 1;
        }
        assert!((450..=550).contains(&mails), "{mails}");
        assert_eq!(learn(None, Some(10.0), &taken(1)), None);
        assert_eq!(learn(None, None, &taken(1)), None);
    }

    #[test]
    fn whoever_finds_no_room_waits_in_line_and_what_somebody_waits_for_has_a_line_of_its_own() {
        let none = Asked::default();
        let asked = Asked { urgent: 1, usual: 2 };
        let mut given = Given { asked, rate: 4.0, urgent_after: -0.5, usual_after: 3.0, waiting: none };
        let mut next = |is_urgent| given.next(is_urgent).map(|it| it.as_secs_f64());
        assert_eq!([next(false), next(false), next(false), next(false)], [None, None, Some(3.25), Some(3.5)]);
        assert_eq!([next(true), next(true), next(true), next(true)], [None, Some(0.0), Some(0.0), Some(0.25)]);
        let mut far = Given { asked: none, rate: 0.1, urgent_after: 0.0, usual_after: 599.0, waiting: none };
        assert_eq!(far.next(false), Some(LINE_MAX));
    }
}
