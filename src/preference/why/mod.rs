//! Why somebody was, will be or was not told of an event: read off what the database has of it, all at once.
//!
//! The rules here are those by which events are settled and mails are written, looked at from the other end.

mod service;
mod store;

use jiff::Timestamp;
use uuid::Uuid;

pub(super) use service::{answer, asked};
pub(super) use store::find;

use crate::{
    access::{Leave, Resource},
    activity::Reason,
    error::{Error, Kind, Result},
    subscription::{Cadence, Cause, Outcome, Source, schedule::Beat},
};

/// Of whom and what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub user: Uuid,
    pub log: Log,
    pub seq: i64,
}

/// The log that the event is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Log {
    /// That of a WorkCenter.
    WorkCenter(Uuid),
    /// The person's own, in this account.
    Own(Uuid),
}

impl Asked {
    /// What access asks about.
    pub fn resource(&self) -> Resource {
        match self.log {
            Log::WorkCenter(workcenter) => Resource::Place { workcenter, of: self.user },
            Log::Own(account) => Resource::Member { account, of: self.user },
        }
    }
}

/// What became of an event for a person, or will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    WillBeSent,
    WaitsForDigest,
    WaitsForReturn,
    InOutbox,
    Sent,
    Unknown,
    Failed,
    LeftOut,
    Suppressed,
    Off,
    Own,
    Hidden,
    Retracted,
    NotSubscribed,
    BeforeJoining,
    AfterLeaving,
    Confidential,
}

/// An event.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub kind: String,
    pub occurred_at: Timestamp,
    pub actor: Uuid,
    /// Whether only addressees may hear of it.
    pub named: bool,
    pub retracted_at: Option<Timestamp>,
}

/// The person's subscription, live or ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subscribed {
    pub cadence: Cadence,
    pub source: Source,
    /// Whether they heard of it but as an administrator.
    pub as_administrator: bool,
    /// The last number before the first one that was for them.
    pub start: i64,
    pub cursor: i64,
    pub begun_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}

/// The settlement that has the event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    pub cause: Cause,
    pub at: Timestamp,
    /// The range (from, to] that it is in; `None` where it was settled alone.
    pub range: Option<(i64, i64)>,
    /// Whether their own doing was counted apart in it, for they did not hear of that then.
    pub own_apart: bool,
}

/// How far a mail has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Pending,
    Sending,
    Retry,
    Unknown,
    Sent,
    Failed,
    Suppressed,
}

/// The mail of the settlement.
#[derive(Clone, Debug)]
pub(super) struct Mail {
    pub state: State,
    pub attempts: i64,
    /// Up to the @.
    pub message_id: String,
    pub created_at: Timestamp,
    pub try_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub reply: String,
}

/// All that the database has of an event and a person.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub asked: Asked,
    pub event: Option<Event>,
    /// Up to where nobody is told any more, and whether nothing is told at all for now.
    pub floor: i64,
    pub closed: bool,
    pub subscribed: Option<Subscribed>,
    /// Why it concerns the person, and what became of that.
    pub concern: Option<(Reason, Option<Outcome>)>,
    /// Whether it concerns who asks.
    pub concerns_caller: bool,
    /// Whether the person hears with the digest of what concerns them.
    pub with_digest: bool,
    /// Whether they hear of what they do themselves.
    pub own_activity: bool,
    pub settled: Option<Settled>,
    pub mail: Option<Mail>,
    /// When the log's immediate mail is due.
    pub immediate_at: Option<Timestamp>,
    /// When the digest of the subscription's cadence goes, and what waited for one and was asked for at once.
    pub digest_at: Option<Timestamp>,
    pub catch_up_at: Option<Timestamp>,
    /// From when on the person is away, and when they are told what waited.
    pub away: Option<(Timestamp, Timestamp)>,
}

/// What is told of it to who asks.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub why: Why,
    pub says: String,
    /// What it is, for who may see it.
    pub event: Option<Event>,
    pub reason: Option<Reason>,
    /// Whether the person was subscribed when it happened.
    pub was_subscribed: bool,
    pub subscribed: Option<Subscribed>,
    pub expected_at: Option<Timestamp>,
    pub settled: Option<Settled>,
    pub mail: Option<Mail>,
}

impl Facts {
    /// What is told of it to whoever has `leave`.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for what they may not know of.
    pub(super) fn explain(self, leave: &Leave) -> Result<Told> {
        let Asked { user, log, seq } = self.asked;
        let standing = &leave.standing;
        let missing = |kind, id: String| Err(Error::NotFound(kind, id));
        let (sees, unseen) = match log {
            Log::WorkCenter(id) => (standing.workcenter_role.is_some(), missing(Kind::WorkCenter, id.to_string())),
            Log::Own(id) => (standing.account_role.is_some(), missing(Kind::Account, id.to_string())),
        };
        let sees = sees || standing.administers();
        let has_left = !sees;
        let cursor = self.subscribed.map(|it| it.cursor);
        if has_left && cursor.is_none() {
            return unseen;
        }
        // Whether there is such an event is not for who has left to know.
        if has_left && cursor < Some(seq) {
            return Ok(self.told(Why::AfterLeaving, false));
        }
        let Some(event) = &self.event else { return missing(Kind::Event, seq.to_string()) };
        if event.named && event.actor != leave.person && !self.concerns_caller {
            let why = if leave.person == user { Why::Hidden } else { Why::Confidential };
            return Ok(self.told(why, false));
        }
        let why = self.why(event);
        Ok(self.told(why, sees || why == Why::Sent))
    }

    /// What became of `event`, or will.
    fn why(&self, event: &Event) -> Why {
        let Some(subscribed) = self.subscribed else { return Why::NotSubscribed };
        if self.asked.seq <= subscribed.start {
            return Why::BeforeJoining;
        }
        // Whoever asks may be one of those it names.
        if event.named && self.concern.is_none() && event.actor != self.asked.user {
            return Why::Hidden;
        }
        let Some(settled) = self.settled else { return self.waits(event, &subscribed) };
        let was_away = subscribed.begun_at.is_some_and(|it| event.occurred_at < it);
        match (self.concern.and_then(|(_, outcome)| outcome), settled.cause) {
            (Some(Outcome::Shown), _) => self.by_mail(event, &settled),
            (Some(Outcome::Own), _) => Why::Own,
            (Some(Outcome::Retracted), _) => Why::Retracted,
            (Some(Outcome::Hidden), _) | (None, Cause::Left) => Why::AfterLeaving,
            (Some(Outcome::Suppressed) | None, Cause::Resumed) if was_away => Why::AfterLeaving,
            (Some(Outcome::Suppressed), _) | (None, Cause::Suppressed | Cause::Resumed) => Why::Suppressed,
            (None, _) if self.is_own(event) && settled.own_apart => Why::Own,
            (None, _) if event.retracted_at.is_some_and(|it| it <= settled.at) => Why::Retracted,
            // What names others is not told them, whoever did it.
            (None, _) if event.named => Why::Hidden,
            (None, _) => self.by_mail(event, &settled),
        }
    }

    /// Whether the person is told nothing of `event`, for they did it: in their own log they are.
    fn is_own(&self, event: &Event) -> bool {
        event.actor == self.asked.user && matches!(self.asked.log, Log::WorkCenter(_))
    }

    /// What becomes of `event`, which is not settled yet.
    fn waits(&self, event: &Event, subscribed: &Subscribed) -> Why {
        let at_once = self.concern.is_some() && !self.with_digest;
        match subscribed.cadence {
            _ if subscribed.ended_at.is_some() => Why::AfterLeaving,
            _ if self.closed || self.asked.seq <= self.floor => Why::Suppressed,
            Cadence::Off => Why::Off,
            _ if event.retracted_at.is_some() => Why::Retracted,
            _ if self.is_own(event) && !self.own_activity => Why::Own,
            _ if event.named && self.concern.is_none() => Why::Hidden,
            Cadence::Digest(_) if !at_once => self.unless_away(Why::WaitsForDigest),
            Cadence::Digest(_) | Cadence::Immediate => self.unless_away(Why::WillBeSent),
        }
    }

    /// What becomes of what waits to be told: so, or when the person is back, if that would be later than they go.
    fn unless_away(&self, why: Why) -> Why {
        let is_before = |(away_at, _): (Timestamp, Timestamp)| self.expected(why).is_some_and(|it| it < away_at);
        if self.away.is_none_or(is_before) { why } else { Why::WaitsForReturn }
    }

    /// When what waits is told, as far as that is known.
    fn expected(&self, why: Why) -> Option<Timestamp> {
        match why {
            Why::WillBeSent => self.catch_up_at.or(self.immediate_at),
            Why::WaitsForDigest => self.digest_at,
            Why::WaitsForReturn => self.away.map(|(_, back_at)| back_at),
            _ => None,
        }
    }

    /// What became of `event`, which the mail of its settlement tells.
    fn by_mail(&self, event: &Event, settled: &Settled) -> Why {
        let Some(mail) = &self.mail else { return Why::Suppressed };
        let retracted_at = event.retracted_at.filter(|it| settled.at < *it);
        match mail.state {
            State::Sent if retracted_at.is_some_and(|it| mail.ended_at.is_some_and(|sent_at| it <= sent_at)) => {
                Why::LeftOut
            }
            State::Sent => Why::Sent,
            State::Failed => Why::Failed,
            State::Unknown => Why::Unknown,
            State::Suppressed => Why::LeftOut,
            State::Pending | State::Sending | State::Retry if retracted_at.is_some() => Why::Retracted,
            State::Pending | State::Sending | State::Retry => Why::InOutbox,
        }
    }

    /// The answer `why`; with what the event is, its settlement and its mail if that is `shown`.
    fn told(self, why: Why, shown: bool) -> Told {
        let expected_at = self.expected(why);
        let was_subscribed = match why {
            Why::NotSubscribed | Why::BeforeJoining => false,
            Why::AfterLeaving => self.settled.is_some_and(|it| it.cause == Cause::Left),
            _ => self.subscribed.is_some_and(|it| it.start < self.asked.seq),
        };
        let is_told = matches!(why, Why::InOutbox | Why::Sent | Why::Unknown | Why::Failed | Why::LeftOut) && shown;
        Told {
            says: self.says(why, expected_at),
            why,
            event: self.event.filter(|_| shown),
            reason: self.concern.map(|(reason, _)| reason).filter(|_| shown),
            was_subscribed,
            subscribed: self.subscribed,
            expected_at,
            settled: self.settled.filter(|_| shown),
            mail: self.mail.filter(|_| is_told),
        }
    }

    /// The answer in a sentence.
    fn says(&self, why: Why, expected_at: Option<Timestamp>) -> String {
        let at = expected_at.map(|it| format!(", expected at {it}")).unwrap_or_default();
        let reply = self.mail.as_ref().map(|it| it.reply.as_str()).filter(|it| !it.is_empty());
        let reply = reply.map(|it| format!(": {it}")).unwrap_or_default();
        let digest = self
            .subscribed
            .map_or("", |it| if it.cadence == Cadence::Digest(Beat::Weekly) { "weekly" } else { "daily" });
        let (its, place) = match self.asked.log {
            Log::WorkCenter(_) => ("of this WorkCenter", "WorkCenter"),
            Log::Own(_) => ("about the person themselves", "account"),
        };
        let as_administrator = self.subscribed.is_some_and(|it| it.as_administrator);
        let fixed = match why {
            Why::Off if as_administrator => "The person's digest as an administrator is off.",
            Why::Hidden if as_administrator => "It is not for everybody, and the person does not collaborate.",
            Why::AfterLeaving if as_administrator => {
                "The person's digest as an administrator did not tell of this WorkCenter when it happened or was to be told."
            }
            Why::WillBeSent => return format!("It will be told at once{at}."),
            Why::WaitsForDigest => return format!("It waits for the {digest} digest{at}."),
            Why::WaitsForReturn => return format!("It waits for the person, who is away, to be back{at}."),
            Why::Failed => return format!("Its mail was refused for good, or tried too often{reply}."),
            Why::LeftOut if reply.is_empty() => "It was taken back after its mail was composed, and left out of it.",
            Why::LeftOut => return format!("It was composed and not sent{reply}."),
            Why::InOutbox => "Its mail is composed and waits to be sent.",
            Why::Sent => "Its mail was sent.",
            Why::Unknown => "Its mail may have arrived: nobody knows, so it is sent again under the same Message-ID.",
            Why::Suppressed => {
                return format!("Notifications were off or the {place} was not active, so it was settled as not told.");
            }
            Why::Off => return format!("Notifications {its} are off."),
            Why::Own => "It is the person's own doing, and they have not chosen to hear of that.",
            Why::Hidden => "It is meant for others only.",
            Why::Retracted => "It was taken back before it was told.",
            Why::NotSubscribed => "The person has never collaborated in this WorkCenter.",
            Why::BeforeJoining => return format!("It happened before the person came to this {place}."),
            Why::AfterLeaving => {
                return format!("The person was not in this {place} any more when it happened or was to be told.");
            }
            Why::Confidential => "It is meant for the people it names alone, of whom you are none.",
        };
        fixed.to_owned()
    }
}
