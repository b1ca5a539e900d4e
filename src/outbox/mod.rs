//! Mail on its way out: put with what it tells in one transaction, delivered by any daemon, at least once.
//!
//! What a mail says is not stored. It is written after the decision to send it, from what it refers to, so that access,
//! retractions, preferences and the address are those of that moment. A repeat has the same Message-ID and Date.

mod claim;
mod deliver;
mod pace;
mod send;
mod store;

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use claim::Place;
pub use deliver::deliver;
pub use pace::{Limits, Pace, paces, sweep};
pub use store::{clear_suppression, hasten, held, hold, outlast, put, suppressions, waiting, withdraw};

use crate::{
    mail::{Letter, Seal},
    secret::Hash,
    tally::Tally,
};

/// How often a mail is begun before it is given up: with the pauses between, about eight hours.
pub const ATTEMPTS_MAX: i64 = 14;

/// How often a mail whose fate is unknown is sent again. After that it counts as failed: a relay that takes mail and
/// never says so would fill a mailbox.
pub const UNKNOWNS_MAX: i64 = 5;

/// The pause after the first refusal for now, and the longest one; it doubles in between.
const PAUSE: Duration = Duration::from_secs(15);
const PAUSE_MAX: Duration = Duration::from_secs(3600);

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
    /// How an invite has ended: the invite.
    InviteNotice,
    /// What matters to somebody's safety: an event of theirs. Nobody can turn it off.
    Security,
    /// A digest that somebody asked to be sent to them, to see it: what they asked for.
    Test,
}

impl Kind {
    const ALL: [Self; 7] =
        [Self::Digest, Self::Immediate, Self::CatchUp, Self::Invite, Self::InviteNotice, Self::Security, Self::Test];

    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Digest => "DIGEST",
            Self::Immediate => "IMMEDIATE",
            Self::CatchUp => "CATCHUP",
            Self::Invite => "INVITE",
            Self::InviteNotice => "INVITE_NOTICE",
            Self::Security => "SECURITY",
            Self::Test => "TEST",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// Whether somebody waits for it: it goes before all that are not.
    fn transactional(self) -> bool {
        matches!(self, Self::Invite | Self::InviteNotice | Self::Security | Self::Test)
    }
}

/// A mail to be put into the outbox.
#[derive(Clone, Debug)]
pub struct New {
    /// Its id.
    pub id: Uuid,
    /// Who pays for it: mails of one account wait for each other. For mail that is of no account, the person.
    pub account: Uuid,
    /// Whom it is for; `None` for an address that nobody has yet.
    pub user: Option<Uuid>,
    /// What it tells of.
    pub kind: Kind,
    /// The settlement, invite or event, or what was asked for.
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
    /// The settlement, invite or event, or what was asked for.
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
    /// Mails sent at a time: as many as there are sessions.
    pub sessions: usize,
    /// How long a claim lasts, by the real clock.
    pub lease: Duration,
    /// How much of it is the relay's, from DATA to its last word: nothing is begun that late.
    pub last_leg: Duration,
    /// What mails are signed with, if they are.
    pub seal: Option<Seal>,
    /// How many may go in a second, of all daemons together.
    pub limits: Limits,
    /// Up to which account the turn has come.
    pub place: Place,
    /// What becomes of mails.
    pub tally: Tally,
    /// Cancelled when the process drains: what has begun is finished, nothing more is begun.
    pub draining: CancellationToken,
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
    /// Whether the relay is away or asks for a pause: until the next tick.
    pub pauses: bool,
}

impl Delivered {
    /// Counts what another turn has delivered as well.
    pub fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.retried += other.retried;
        self.failed += other.failed;
        self.suppressed += other.suppressed;
        self.unknown += other.unknown;
        self.pauses |= other.pauses;
    }
}

/// An address that is not written to, but for security.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The address, as addresses are compared.
    pub email: String,
    /// What the relay said to it.
    pub reason: String,
    /// Since when, by the real clock.
    pub since: Timestamp,
}

/// What was written for mails that are to be sent. Those that are in neither have nothing to say.
#[derive(Debug, Default)]
pub struct Written {
    /// Their letters, by the ids of the mails.
    pub letters: HashMap<Uuid, Letter>,
    /// Those that do not go before this has passed.
    pub later: HashMap<Uuid, Duration>,
}

/// What became of one mail.
enum Fate {
    /// Nobody has tried: it is to wait, and why.
    Later(Duration, &'static str),
    Sent(String),
    Retry(String),
    Failed(String),
    Suppressed(String),
    Unknown(String),
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
    fn pauses_double_to_an_hour_and_add_up_to_a_night() {
        let seconds = |attempts| pause(attempts).as_secs();
        assert_eq!([seconds(1), seconds(2), seconds(3), seconds(9), seconds(100)], [15, 30, 60, 3600, 3600]);
        let all: u64 = (1..ATTEMPTS_MAX).map(seconds).sum();
        assert!((6..10).contains(&(all / 3600)), "{all} seconds");
    }
}
