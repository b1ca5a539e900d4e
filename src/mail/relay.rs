//! The relays, in the order in which they are asked: which of them can be reached, and the connections to each.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::warn;

use super::dialogue::{Line, Outcome};
use super::opening::Opening;
use crate::config::Relay;
use crate::tls::Trust;

/// How long a relay may take over each part of a dialogue.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For the name look-up and the TCP connection; 5 s by default.
    pub connect: Duration,
    /// For all that comes before the first mail, together: greeting, EHLO, TLS, sign-in; 10 s by default.
    pub hello: Duration,
    /// For the reply to each of RSET, MAIL, RCPT and DATA; 30 s by default.
    pub command: Duration,
    /// For writing the body and the reply to its final dot; 120 s by default. Giving up here may
    /// send a mail twice, so it is the longest.
    pub body: Duration,
    /// How long a connection may lie idle and still be used; 20 s by default, well below the
    /// minutes after which relays hang up.
    pub idle: Duration,
    /// How long a relay that could not be reached is passed over, if there is another; 30 s by default, so that few
    /// sessions pay for it, and the one that is preferred soon has its mail again.
    pub away: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            hello: Duration::from_secs(10),
            command: Duration::from_secs(30),
            body: Duration::from_secs(120),
            idle: Duration::from_secs(20),
            away: Duration::from_secs(30),
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

/// How to reach the relays.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// The relays in order of preference: one that cannot be reached leaves its mail to the next. None by default.
    pub relays: Vec<Relay>,
    /// Whom their certificates must be vouched for by; whom the machine trusts by default.
    pub tls: Trust,
    /// What EHLO says we are, a host name or an IP address; `localhost` by default.
    pub hello: String,
    /// How many connections there may be in use at once, at least 1; 8 by default, so that six replicas
    /// stay below the 50 that Postfix allows one client.
    pub sessions: usize,
    /// How long a relay may take.
    pub timeouts: Timeouts,
}

impl Default for SmtpSettings {
    fn default() -> Self {
        Self {
            relays: Vec::new(),
            tls: Trust::default(),
            hello: "localhost".to_owned(),
            sessions: 8,
            timeouts: Timeouts::default(),
        }
    }
}

/// Says why no session could be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no relay can be reached: {why}")]
pub struct Unreachable {
    /// What failed, or what the relay said, at each relay that was tried.
    pub why: String,
    /// Whether one of them asks for fewer connections.
    pub slow_down: bool,
}

impl From<Unreachable> for Outcome {
    fn from(unreachable: Unreachable) -> Self {
        Self::Retry { reply: unreachable.to_string(), slow_down: unreachable.slow_down, named: false }
    }
}

/// All relays.
pub(in crate::mail) struct Relays {
    settings: SmtpSettings,
    stations: Vec<Station>,
}

/// What is known of one relay.
#[derive(Default)]
struct Station {
    /// The connections to it that nobody uses just now, and since when.
    idle: Mutex<Vec<(Line, Instant)>>,
    /// When it was last found that it cannot be reached, unless it was reached since.
    away: Mutex<Option<Instant>>,
}

impl Relays {
    pub(in crate::mail) fn new(settings: SmtpSettings) -> Self {
        let stations = settings.relays.iter().map(|_| Station::default()).collect();
        Self { settings, stations }
    }

    /// Returns a connection to the first relay that can be reached, and that relay's place.
    ///
    /// One that was found away a moment ago is not tried, unless all were.
    pub(in crate::mail) async fn line(&self) -> Result<(usize, Line), Unreachable> {
        self.leave(self.settings.timeouts.idle).await;
        let all = 0..self.stations.len();
        let near: Vec<_> = all.clone().filter(|it| !self.is_away(*it)).collect();
        let mut all_failed = Unreachable { why: String::new(), slow_down: false };
        for place in if near.is_empty() { all.collect() } else { near } {
            // The one that has been idle for the shortest time.
            if let Some((line, _)) = lock(&self.stations[place].idle).pop() {
                return Ok((place, line));
            }
            match self.connect(place).await {
                Ok(line) => return Ok((place, line)),
                Err(Unreachable { why, slow_down }) => {
                    let parted = if all_failed.why.is_empty() { "" } else { "; " };
                    all_failed.why += &format!("{parted}{why}");
                    all_failed.slow_down |= slow_down;
                }
            }
        }
        Err(all_failed)
    }

    /// Makes a connection to the relay at `place`, and remembers whether it could be reached.
    pub(in crate::mail) async fn connect(&self, place: usize) -> Result<Line, Unreachable> {
        let SmtpSettings { relays, tls, hello, timeouts, .. } = &self.settings;
        let relay = &relays[place];
        let line = Opening { relay, hello, tls, timeouts: *timeouts }.line().await;
        *lock(&self.stations[place].away) = line.is_err().then(Instant::now);
        line.map_err(|Unreachable { why, slow_down }| {
            let Relay { host, port, .. } = relay;
            warn!(relay.host = host, relay.port = port, why, "a relay cannot be reached");
            Unreachable { why: format!("{host}:{port}: {why}"), slow_down }
        })
    }

    /// Takes a connection back that may be used again.
    pub(in crate::mail) fn rest(&self, place: usize, line: Line) {
        lock(&self.stations[place].idle).push((line, Instant::now()));
    }

    /// Takes leave of the relays on connections that nobody has used for so long.
    pub(in crate::mail) async fn leave(&self, idle: Duration) {
        for station in &self.stations {
            let old: Vec<_> = lock(&station.idle).extract_if(.., |(_, since)| idle <= since.elapsed()).collect();
            for (line, _) in old {
                line.quit().await;
            }
        }
    }

    fn is_away(&self, place: usize) -> bool {
        lock(&self.stations[place].away).is_some_and(|since| since.elapsed() < self.settings.timeouts.away)
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
