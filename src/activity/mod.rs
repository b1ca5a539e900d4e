//! The log of what happens: append-only, numbered without gaps, one for each WorkCenter, and one for each person of an
//! account of whom there is something to tell to them alone.
//!
//! Numbers are given in the order of commits. So a reader who reads the newest number once, and then all events up to
//! it, has everything, and a place in a log is one number.

mod retract;
mod store;

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use uuid::Uuid;

pub use retract::{Retracted, Retraction, retract};
pub use store::{
    DueLog, Mark, claim_due, close, close_all, finish_due, forget, keep_due, list, marks, open, ranges, reopen,
    reopen_all, wake,
};

use store::Head;

use crate::{
    db::Transaction,
    error::{self, Error, Kind, Result, Violation, Violations},
};

/// Events of one request at most: what one transaction inserts in a few milliseconds.
pub const EVENTS_MAX: usize = 1_000;
/// People whom one event may concern at most; who wants to reach more means everyone.
pub const ADDRESSEES_MAX: usize = 50;
/// Characters of an event's id: room for a UUID with a prefix.
const EVENT_ID_MAX: usize = 100;
/// Characters of a kind, a title, a summary and a URL: what a line of a mail can show, and what browsers take.
const KIND_MAX: usize = 60;
const REF_MAX: usize = 100;
const TITLE_MAX: usize = 255;
const SUMMARY_MAX: usize = 500;
const URL_MAX: usize = 2_000;

/// Kinds of which a person is told at once when they are in their own log, whenever they hear of the rest: what they may have
/// to do something about.
const AT_ONCE: [&str; 3] = ["process.failed", "process.partially_failed", "collaborator.role_changed"];

/// Who may hear of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Every collaborator.
    Everyone,
    /// The addressees and nobody else.
    Named,
}

impl Audience {
    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Everyone => "EVERYONE",
            Self::Named => "NAMED",
        }
    }
}

/// Why an event concerns a person. Ordered: of two reasons the later one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It is in their own log, and is told at once.
    Notice,
    /// They were mentioned.
    Mention,
    /// Something was assigned to them.
    Assignment,
    /// Their approval is asked for.
    Approval,
}

impl Reason {
    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Notice => "NOTICE",
            Self::Mention => "MENTION",
            Self::Assignment => "ASSIGNMENT",
            Self::Approval => "APPROVAL",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Notice, Self::Mention, Self::Assignment, Self::Approval].into_iter().find(|it| it.name() == name)
    }
}

/// Something in the publisher's service. All empty for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thing {
    /// Such as `file`.
    pub kind: String,
    /// The publisher's own name for it.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// Where it is; empty for nowhere.
    pub url: String,
}

/// What a log takes no events for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The WorkCenter is archived.
    Archived,
    /// The WorkCenter is deleted.
    Deleted,
    /// The WorkCenter is active, and its account is deactivated.
    Deactivated,
}

impl Closed {
    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Archived => "ARCHIVED",
            Self::Deleted => "DELETED",
            Self::Deactivated => "DEACTIVATED",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Archived, Self::Deleted, Self::Deactivated].into_iter().find(|it| it.name() == name)
    }
}

/// An event to be appended.
#[derive(Clone, Debug)]
pub struct New {
    /// The publisher's own name for it: the same id is the same event.
    pub event_id: String,
    /// Dotted, such as `file.uploaded`.
    pub kind: String,
    /// Who did it.
    pub actor: Uuid,
    /// What it happened to.
    pub subject: Thing,
    /// What the subject is in.
    pub parent: Thing,
    /// One sentence for readers; may be empty.
    pub summary: String,
    /// Who may hear of it.
    pub audience: Audience,
    /// Whom it concerns.
    pub addressees: Vec<(Uuid, Reason)>,
    /// When it happened.
    pub occurred_at: Timestamp,
}

impl New {
    /// The event as one of the own log of `user`.
    #[must_use]
    pub fn to_oneself(self, user: Uuid) -> Self {
        let is_urgent = AT_ONCE.contains(&self.kind.as_str());
        let addressees = is_urgent.then_some((user, Reason::Notice)).into_iter().collect();
        Self { audience: Audience::Everyone, addressees, ..self }
    }

    /// Notes everything that is wrong with the event that stands in `field`.
    pub fn check(&self, field: &str, violations: &mut Violations) {
        check_event_id(field, &self.event_id, violations);
        let mut text = |name: &str, text: &str, least, most| {
            violations.extend(bounded(format!("{field}.{name}"), text, least, most));
        };
        text("summary", &self.summary, 0, SUMMARY_MAX);
        for (name, thing, least) in [("subject", &self.subject, 1), ("parent", &self.parent, 0)] {
            text(&format!("{name}.type"), &thing.kind, least, KIND_MAX);
            text(&format!("{name}.id"), &thing.id, least, REF_MAX);
            text(&format!("{name}.title"), &thing.title, least, TITLE_MAX);
            text(&format!("{name}.url"), &thing.url, 0, URL_MAX);
        }
        for (name, thing) in [("subject", &self.subject), ("parent", &self.parent)] {
            if !web(&thing.url) {
                violations.add(format!("{field}.{name}.url"), "must start with https:// or http://");
            }
        }
        if !dotted(&self.kind) {
            violations
                .add(format!("{field}.kind"), "must be lower-case words with dots between, such as file.uploaded");
        }
        if self.addressees.len() > ADDRESSEES_MAX {
            violations.add(format!("{field}.addressees"), format!("must be at most {ADDRESSEES_MAX}"));
        }
        if self.audience == Audience::Named && self.addressees.is_empty() {
            violations.add(format!("{field}.addressees"), "must not be empty when the audience is NAMED");
        }
    }
}

/// Notes it when the id of the event that stands in `field` cannot be one.
pub fn check_event_id(field: &str, event_id: &str, violations: &mut Violations) {
    violations.extend(bounded(format!("{field}.event_id"), event_id, 1, EVENT_ID_MAX));
}

/// What is wrong with a text that has `least` to `most` characters.
fn bounded(field: String, text: &str, least: usize, most: usize) -> Option<Violation> {
    let is_sound = (least..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    let rule = || format!("must have {least} to {most} characters, none of them a control character");
    (!is_sound).then(|| Violation::new(field, rule()))
}

fn web(url: &str) -> bool {
    url.is_empty() || url.starts_with("https://") || url.starts_with("http://")
}

fn dotted(kind: &str) -> bool {
    let word = |it: &str| !it.is_empty() && it.chars().all(|it| it.is_ascii_lowercase() || it == '_');
    kind.len() <= KIND_MAX && kind.contains('.') && kind.split('.').all(word)
}

/// An event as it stands in the log.
#[derive(Clone, Debug)]
pub struct Event {
    /// The log it is in: the WorkCenter, or a person's own.
    pub log: Uuid,
    /// Its number.
    pub seq: i64,
    /// The publisher's own name for it.
    pub event_id: String,
    /// Dotted, such as `file.uploaded`.
    pub kind: String,
    /// Who did it.
    pub actor: Uuid,
    /// What it happened to.
    pub subject: Thing,
    /// What the subject is in; all empty for nothing.
    pub parent: Thing,
    /// One sentence for readers; may be empty.
    pub summary: String,
    /// Who may hear of it.
    pub audience: Audience,
    /// When it happened.
    pub occurred_at: Timestamp,
}

/// What became of an event that was to be appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its number.
    pub seq: i64,
    /// Whether it was known before.
    pub known: bool,
}

/// Appends `events` to `log` and makes it due `window` after `now`, unless it is due before that.
///
/// Events that the log knows are counted and left as they are. This is the last thing its transaction does: from here
/// to the commit everybody who publishes to the same log waits. Who publishes to several takes them in the order of ids.
///
/// # Errors
///
/// [`Error::NotFound`] when there is no such log, or none any more, [`Error::Refused`] when it is archived or its account
/// is deactivated.
pub async fn publish(
    tx: &Transaction<'_>,
    log: Uuid,
    events: Vec<New>,
    now: Timestamp,
    window: Duration,
) -> Result<Vec<Published>> {
    let head = match store::lock_head(tx, log).await? {
        None | Some(Head { closed: Some(Closed::Deleted), .. }) => {
            return Err(Error::NotFound(Kind::WorkCenter, log.to_string()));
        }
        Some(Head { closed: Some(Closed::Archived), .. }) => {
            return Err(Error::Refused(error::Reason::WorkcenterArchived));
        }
        Some(Head { closed: Some(Closed::Deactivated), .. }) => {
            return Err(Error::Refused(error::Reason::AccountDeactivated));
        }
        Some(head) => head,
    };
    let ids: Vec<&str> = events.iter().map(|it| it.event_id.as_str()).collect();
    let mut numbers: HashMap<String, i64> = store::known(tx, log, &ids).await?;

    let mut last = head.last_seq;
    let mut published = Vec::with_capacity(events.len());
    let mut fresh = Vec::new();
    for event in events {
        if let Some(&seq) = numbers.get(&event.event_id) {
            published.push(Published { seq, known: true });
        } else {
            last += 1;
            numbers.insert(event.event_id.clone(), last);
            published.push(Published { seq: last, known: false });
            fresh.push((last, event));
        }
    }
    if !fresh.is_empty() {
        let due = now.checked_add(window).map_err(Error::internal)?;
        store::append(tx, log, head.account, &fresh, due).await?;
    }
    Ok(published)
}
