//! Writing what settlements tell, with the access, the preferences and the retractions of this moment: what a person may not
//! see any more is left out. What is only planned is written like what is settled.

mod own;
mod store;

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    rc::Rc,
    time::Duration,
};

use jiff::{Timestamp, ToSpan, civil::Date};
use uuid::Uuid;

use store::{Concerned, Place, Told};
pub(super) use store::{Tells, settled};

use super::{
    fold::{self, Line},
    letter::{self, Because, Digest, Kind, Section, Written},
    letters::Letterhead,
};
use crate::{
    activity::{self, Event},
    db::GenericClient,
    error::{Error, Result},
    mail::Mailbox,
    subscription::{Cause, Link, Scope, Switch},
};

/// A digest that goes later than this after its hour says since when it tells.
const LATE_DAILY: Duration = Duration::from_secs(24 * 3600);
const LATE_WEEKLY: Duration = Duration::from_secs(7 * 24 * 3600);

/// Everything that a batch of mails is written from.
pub(super) struct Material {
    told: HashMap<Uuid, Told>,
    places: HashMap<Uuid, Vec<Place>>,
    concerns: HashMap<Uuid, Vec<Concerned>>,
    /// What concerns a person in their ranges, whichever mail tells it: settlement, log and number.
    elsewhere: HashSet<(Uuid, Uuid, i64)>,
    events: HashMap<Uuid, Vec<Event>>,
    names: HashMap<Uuid, String>,
    folded: RefCell<Folded>,
}

/// Lines that are the same for many: log, from, to.
type Folded = HashMap<(Uuid, i64, i64), Rc<[Line]>>;

/// What one settlement tells, written.
pub(super) struct Page {
    /// Its words; of nothing they say so.
    pub written: Written,
    /// Whether there is nothing to tell.
    pub is_empty: bool,
    /// Since when it tells, where it says so.
    pub covers_from: Option<Timestamp>,
    /// Whom it is for.
    pub to: Mailbox,
    /// Its `List-Id`.
    pub list: String,
    /// Where such mail is stopped.
    pub unsubscribe_url: String,
    /// Which events it settles, for whoever has to find out later.
    pub events: String,
}

fn by<K: Eq + std::hash::Hash, V>(values: Vec<V>, key: impl Fn(&V) -> K) -> HashMap<K, Vec<V>> {
    let mut groups: HashMap<K, Vec<V>> = HashMap::new();
    for value in values {
        groups.entry(key(&value)).or_default().push(value);
    }
    groups
}

/// For each log the one range that has everything.
fn reach(places: &[Place], concerns: &[Concerned]) -> Vec<(Uuid, i64, i64)> {
    let mut reach: HashMap<Uuid, (i64, i64)> = HashMap::new();
    let ranges = places.iter().filter(|it| it.open).map(|it| (it.log, it.from, it.to));
    let single = concerns.iter().filter(|it| it.open).map(|it| (it.log, it.seq - 1, it.seq));
    for (log, from, to) in ranges.chain(single) {
        let range = reach.entry(log).or_insert((from, to));
        *range = (range.0.min(from), range.1.max(to));
    }
    reach.into_iter().map(|(log, (from, to))| (log, from, to)).collect()
}

impl Material {
    /// Reads all that `tells` are written from. The number of statements does not depend on how many they are.
    pub(super) async fn gather(on: &impl GenericClient, tells: &[Tells]) -> Result<Self> {
        let told = store::told(on, tells).await?;
        let places = store::places(on, tells).await?;
        let concerns = store::concerned(on, tells).await?;
        let elsewhere = store::elsewhere(on, tells).await?;
        let events = activity::ranges(on, &reach(&places, &concerns)).await?;
        let actors: HashSet<Uuid> = events.iter().map(|it| it.actor).collect();
        let names = store::names(on, &actors.into_iter().collect::<Vec<_>>()).await?;
        Ok(Self {
            told,
            places: by(places, |it| it.settlement),
            concerns: by(concerns, |it| it.settlement),
            elsewhere,
            events: by(events, |it| it.log),
            names,
            folded: RefCell::default(),
        })
    }

    /// Writes what `tells` tells, which was due at `due_at`; `None` when there is nobody to tell it to.
    pub(super) fn write(&self, tells: &Tells, due_at: Timestamp, head: &Letterhead) -> Result<Option<Page>> {
        let Some(told) = self.told.get(&tells.id) else { return Ok(None) };
        let places = self.places.get(&tells.id).map_or(&[][..], Vec::as_slice);
        let concerns = self.concerns.get(&tells.id).map_or(&[][..], Vec::as_slice);
        let everyone: Vec<(&Place, Rc<[Line]>)> = places
            .iter()
            .filter(|it| it.open && !it.own)
            .map(|it| (it, self.lines(it, tells.user, told.own_activity)))
            .filter(|(_, lines)| !lines.is_empty())
            .collect();
        let mine: Vec<(&Concerned, Vec<Line>)> = concerns
            .iter()
            .filter(|it| it.open && !it.own)
            .map(|it| (it, fold::fold(&self.mine(it, tells.user, told.own_activity))))
            .filter(|(_, lines)| !lines.is_empty())
            .collect();
        let lines = everyone.iter().flat_map(|(_, lines)| lines.iter()).chain(mine.iter().flat_map(|(_, lines)| lines));
        let own = self.own(places, concerns);
        let lines = lines.chain(own.iter().flat_map(|it| &it.lines));
        let first_at = lines.map(|it| it.first_at).min();
        let covers_from = first_at.filter(|_| late(tells, due_at));

        let url = |log: Uuid| format!("{}/workcenters/{log}", head.app_url);
        let urls: Vec<String> = everyone.iter().map(|(it, _)| url(it.log)).collect();
        let mine_urls: Vec<String> = mine.iter().map(|(it, _)| url(it.log)).collect();
        let unsubscribe_url = unsubscribe_url(tells, places, head);
        let digest = Digest {
            kind: kind(tells),
            account: &told.account_name,
            recipient_name: &told.name,
            reader: told.reader.clone(),
            needs_you: mine
                .iter()
                .zip(&mine_urls)
                .map(|((it, lines), url)| section(&it.workcenter, url, Because::Collaborator, lines))
                .collect(),
            sections: everyone
                .iter()
                .zip(&urls)
                .map(|((it, lines), url)| section(&it.workcenter, url, because(it), lines))
                .chain(own.iter().map(own::Own::section))
                .collect(),
            covers_from,
            is_redacted: told.redact_content,
            unsubscribe_url: &unsubscribe_url,
            preferences_url: &format!("{}/preferences", head.app_url),
        };
        Ok(Some(Page {
            written: letter::write(&digest).map_err(Error::internal)?,
            is_empty: first_at.is_none(),
            covers_from,
            to: Mailbox { name: told.name.clone(), address: told.email.clone() },
            list: list(tells, told, &everyone, &mine, &own, head.domain()),
            events: ranges(places, concerns),
            unsubscribe_url,
        }))
    }

    /// What the person may see of a place besides what concerns them, in lines: folded once for all to whom the range is the same,
    /// for they did nothing in it and nothing in it concerns them.
    fn lines(&self, place: &Place, user: Uuid, own_activity: bool) -> Rc<[Line]> {
        let fold = || Rc::from(fold::fold(&self.everyone(place, user, own_activity)));
        let is_theirs = self
            .within(place)
            .iter()
            .any(|it| it.actor == user || self.elsewhere.contains(&(place.settlement, it.log, it.seq)));
        if is_theirs {
            return fold();
        }
        self.folded.borrow_mut().entry((place.log, place.from, place.to)).or_insert_with(fold).clone()
    }

    /// The events of a place.
    fn within(&self, place: &Place) -> &[Event] {
        let events = self.events.get(&place.log).map_or(&[][..], Vec::as_slice);
        let begin = events.partition_point(|it| it.seq <= place.from);
        let end = events.partition_point(|it| it.seq <= place.to);
        &events[begin..end.max(begin)]
    }

    /// What the person may see of a place besides what concerns them: not what is meant for others, and their own doing only
    /// when they hear of that.
    fn everyone(&self, place: &Place, user: Uuid, own_activity: bool) -> Vec<fold::Event> {
        self.within(place)
            .iter()
            .filter(|it| it.audience == activity::Audience::Everyone && (own_activity || it.actor != user))
            .filter(|it| !self.elsewhere.contains(&(place.settlement, it.log, it.seq)))
            .map(|it| self.event(it, user, None))
            .collect()
    }

    /// What concerns the person, unless it has been taken back, or is their own doing and they do not hear of that.
    fn mine(&self, it: &Concerned, user: Uuid, own_activity: bool) -> Vec<fold::Event> {
        let events = self.events.get(&it.log).map_or(&[][..], Vec::as_slice);
        let found = events.binary_search_by_key(&it.seq, |event| event.seq);
        let found = found.ok().map(|place| &events[place]).filter(|event| own_activity || event.actor != user);
        found.map(|event| self.event(event, user, Some(it.reason))).into_iter().collect()
    }

    /// The event as `user` is told of it.
    fn event(&self, it: &Event, user: Uuid, reason: Option<activity::Reason>) -> fold::Event {
        let thing = |it: &activity::Thing| fold::Thing {
            kind: it.kind.clone(),
            id: it.id.clone(),
            title: it.title.clone(),
            url: it.url.clone(),
        };
        fold::Event {
            seq: it.seq,
            kind: it.kind.clone(),
            actor: it.actor,
            actor_name: self.names.get(&it.actor).cloned().unwrap_or_else(|| "Somebody".to_owned()),
            is_own: it.actor == user,
            subject: thing(&it.subject),
            parent: (!it.parent.id.is_empty()).then(|| thing(&it.parent)),
            summary: it.summary.clone(),
            occurred_at: it.occurred_at,
            reason: reason.and_then(|it| match it {
                // That it is told at once is all that this says.
                activity::Reason::Notice => None,
                activity::Reason::Mention => Some(fold::Reason::Mention),
                activity::Reason::Assignment => Some(fold::Reason::Assignment),
                activity::Reason::Approval => Some(fold::Reason::Approval),
            }),
        }
    }
}

fn section<'a>(workcenter: &'a str, url: &'a str, because: Because, lines: &'a [Line]) -> Section<'a> {
    Section { workcenter, url: Some(url), because, lines }
}

/// Why a place is told of.
fn because(place: &Place) -> Because {
    if place.as_administrator { Because::Administrator } else { Because::Collaborator }
}

/// What makes the mail due, as the letter says it.
fn kind(tells: &Tells) -> Kind {
    match (tells.cause, tells.date) {
        (Cause::Daily, Some(date)) => Kind::Daily { date },
        (Cause::Weekly, Some(date)) => {
            let days = |count: i64| date.checked_sub(count.days()).unwrap_or(Date::MIN);
            Kind::Weekly { from: days(7), to: days(1) }
        }
        (Cause::CatchUp, _) => Kind::Catchup,
        (Cause::Returned, _) => Kind::Returned,
        _ => Kind::Immediate,
    }
}

/// Whether a digest goes so late that it stands for more than one.
fn late(tells: &Tells, due_at: Timestamp) -> bool {
    let late = match tells.cause {
        Cause::Daily => LATE_DAILY,
        Cause::Weekly => LATE_WEEKLY,
        _ => return false,
    };
    due_at.checked_add(late).is_ok_and(|it| it <= tells.settled_at)
}

/// Where such mail is stopped.
fn unsubscribe_url(tells: &Tells, places: &[Place], head: &Letterhead) -> String {
    let link = Link { user: tells.user, account: tells.account, scope: scope(tells, places) };
    format!("{}/unsubscribe/{}", head.unsubscribe_url, link.seal(&head.key, Switch::Off))
}

/// What the unsubscribe link of a mail switches off: the WorkCenter it tells of at once, such mails when it tells only what
/// concerns its reader, the digests of its account, or, for what waited, which may be of any, all of the account.
fn scope(tells: &Tells, places: &[Place]) -> Scope {
    match (tells.cause, places.first()) {
        (Cause::Immediate, Some(place)) if place.own => Scope::Own(place.log),
        (Cause::Immediate, Some(place)) => Scope::WorkCenter(place.log),
        (Cause::Immediate, None) => Scope::Addressed,
        (Cause::CatchUp | Cause::Returned, _) => Scope::Account,
        _ => Scope::Digests,
    }
}

/// The `List-Id`: the WorkCenter when the mail is about one, else the account's digests. Source: RFC 2919.
fn list(
    tells: &Tells,
    told: &Told,
    everyone: &[(&Place, Rc<[Line]>)],
    mine: &[(&Concerned, Vec<Line>)],
    own: &[own::Own],
    domain: &str,
) -> String {
    let mut of: Vec<(Uuid, &str)> = everyone.iter().map(|(it, _)| (it.log, it.workcenter.as_str())).collect();
    of.extend(mine.iter().map(|(it, _)| (it.log, it.workcenter.as_str())));
    of.dedup_by_key(|it| it.0);
    match of.as_slice() {
        [(log, _)] if own.is_empty() && told.redact_content => {
            format!("WorkCenter <{}.workcenter.{domain}>", log.simple())
        }
        [(log, name)] if own.is_empty() => format!("{name} <{}.workcenter.{domain}>", log.simple()),
        _ => format!("{} <{}.digest.{domain}>", told.account_name, tells.account.simple()),
    }
}

/// Which events the mail settles, for whoever has to find out later: ranges and single numbers, log by log.
fn ranges(places: &[Place], concerns: &[Concerned]) -> String {
    let mut parts: Vec<String> = places.iter().map(|it| format!("{}:{}-{}", it.log, it.from + 1, it.to)).collect();
    parts.extend(concerns.iter().map(|it| format!("{}:{}", it.log, it.seq)));
    parts.join(" ")
}
