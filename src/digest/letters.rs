//! Writing the mails of settlements at the moment they are sent: with the access, the preferences and the retractions of
//! that moment. What a person may not see any more is left out; a mail of which nothing is left is not written.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use uuid::Uuid;

use super::{
    fold::{self, Line},
    letter::{self, Because, Digest, Kind, Section},
    store::{self, Concerned, Place, Told},
};
use crate::{
    activity::{self, Event},
    db::Db,
    error::{Error, Result},
    mail::{Letter, Mailbox},
    outbox::Mail,
    secret::TokenKey,
    subscription::{Scope, schedule},
};

/// Whom mail comes from, by name.
const FROM: &str = "WorkCenter";

/// A digest that goes later than this after its hour says since when it tells.
const LATE_DAILY: Duration = Duration::from_secs(24 * 3600);
const LATE_WEEKLY: Duration = Duration::from_secs(7 * 24 * 3600);

/// What every letter carries.
#[derive(Clone, Debug)]
pub struct Letterhead {
    /// The address that mail comes from; its domain names messages and lists.
    pub from: String,
    /// Where people use the product.
    pub app_url: String,
    /// Where one-click unsubscribe is reached.
    pub unsubscribe_url: String,
    /// The key of tokens.
    pub key: TokenKey,
}

impl Letterhead {
    /// The domain of the address that mail comes from.
    pub fn domain(&self) -> &str {
        self.from.split_once('@').map_or("", |(_, domain)| domain)
    }

    /// The sender.
    pub fn sender(&self) -> Mailbox {
        Mailbox { name: FROM.to_owned(), address: self.from.clone() }
    }
}

/// Everything that a batch of mails is written from.
struct Material {
    places: HashMap<Uuid, Vec<Place>>,
    concerns: HashMap<Uuid, Vec<Concerned>>,
    /// What concerns a person in their ranges, whichever mail tells it: settlement, log and number.
    elsewhere: HashSet<(Uuid, Uuid, i64)>,
    events: HashMap<Uuid, Vec<Event>>,
    names: HashMap<Uuid, String>,
}

/// Writes `mails`, all of which tell settlements, by the id of the mail. Those with nothing left to say are missing.
///
/// The number of statements does not depend on how many mails there are.
///
/// # Errors
///
/// What the database says.
pub async fn letters(db: &Db, head: &Letterhead, mails: &[&Mail]) -> Result<HashMap<Uuid, Letter>> {
    if mails.is_empty() {
        return Ok(HashMap::new());
    }
    let client = db.client().await?;
    let settlements: Vec<Uuid> = mails.iter().map(|it| it.subject).collect();
    let told = store::told(&client, &settlements).await?;
    let places = store::places(&client, &settlements).await?;
    let concerns = store::concerned(&client, &settlements).await?;
    let elsewhere = store::elsewhere(&client, &settlements).await?;
    let events = activity::ranges(&client, &reach(&places, &concerns)).await?;
    let actors: HashSet<Uuid> = events.iter().map(|it| it.actor).collect();
    let names = store::names(&client, &actors.into_iter().collect::<Vec<_>>()).await?;
    drop(client);

    let material = Material {
        places: by(places, |it| it.settlement),
        concerns: by(concerns, |it| it.settlement),
        elsewhere,
        events: by(events, |it| it.log),
        names,
    };
    let mut letters = HashMap::new();
    for mail in mails {
        if let Some(told) = told.get(&mail.subject)
            && let Some(letter) = material.write(mail, told, head)?
        {
            letters.insert(mail.id, letter);
        }
    }
    Ok(letters)
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
    fn write(&self, mail: &Mail, told: &Told, head: &Letterhead) -> Result<Option<Letter>> {
        let places = self.places.get(&mail.subject).map_or(&[][..], Vec::as_slice);
        let concerns = self.concerns.get(&mail.subject).map_or(&[][..], Vec::as_slice);
        let everyone: Vec<(&Place, Vec<Line>)> = places
            .iter()
            .filter(|it| it.open)
            .map(|it| (it, fold::fold(&self.everyone(it, told.user))))
            .filter(|(_, lines)| !lines.is_empty())
            .collect();
        let mine: Vec<(&Concerned, Vec<Line>)> = concerns
            .iter()
            .filter(|it| it.open)
            .map(|it| (it, fold::fold(&self.mine(it))))
            .filter(|(_, lines)| !lines.is_empty())
            .collect();
        let Some(first_at) = everyone
            .iter()
            .flat_map(|(_, lines)| lines)
            .chain(mine.iter().flat_map(|(_, lines)| lines))
            .map(|it| it.first_at)
            .min()
        else {
            return Ok(None);
        };

        let url = |log: Uuid| format!("{}/workcenters/{log}", head.app_url);
        let urls: Vec<String> = everyone.iter().map(|(it, _)| url(it.log)).collect();
        let mine_urls: Vec<String> = mine.iter().map(|(it, _)| url(it.log)).collect();
        let scope = scope(told, places);
        let unsubscribe_url =
            format!("{}/unsubscribe/{}", head.unsubscribe_url, scope.seal(&head.key, told.user, told.account));
        let digest = Digest {
            kind: kind(told),
            account: &told.account_name,
            recipient_name: &told.name,
            zone: schedule::zone(&told.zone).unwrap_or(TimeZone::UTC),
            needs_you: mine
                .iter()
                .zip(&mine_urls)
                .map(|((it, lines), url)| section(&it.workcenter, url, lines))
                .collect(),
            sections: everyone
                .iter()
                .zip(&urls)
                .map(|((it, lines), url)| section(&it.workcenter, url, lines))
                .collect(),
            covers_from: late(told, mail.dated_at).then_some(first_at),
            unsubscribe_url: &unsubscribe_url,
            preferences_url: &format!("{}/preferences", head.app_url),
        };
        let written = letter::write(&digest).map_err(Error::internal)?;
        let told_ranges = ranges(places, concerns);
        let list = list(told, &everyone, &mine, head.domain());
        Ok(Some(Letter {
            from: head.sender(),
            to: Mailbox { name: told.name.clone(), address: told.email.clone() },
            subject: written.subject,
            text: written.text,
            html: written.html,
            message_id: format!("{}@{}", mail.message_id, head.domain()),
            date: mail.dated_at,
            headers: vec![
                ("List-Id", list),
                ("List-Unsubscribe", format!("<{unsubscribe_url}>")),
                ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()),
                ("Auto-Submitted", "auto-generated".to_owned()),
                ("X-WorkCenter-Tells", told_ranges),
            ],
        }))
    }

    /// What the person may see of a place besides what concerns them: not their own doing, not what is meant for others.
    fn everyone(&self, place: &Place, user: Uuid) -> Vec<fold::Event> {
        let events = self.events.get(&place.log).map_or(&[][..], Vec::as_slice);
        let begin = events.partition_point(|it| it.seq <= place.from);
        let end = events.partition_point(|it| it.seq <= place.to);
        events[begin..end.max(begin)]
            .iter()
            .filter(|it| it.audience == activity::Audience::Everyone && it.actor != user)
            .filter(|it| !self.elsewhere.contains(&(place.settlement, it.log, it.seq)))
            .map(|it| self.event(it, None))
            .collect()
    }

    /// What concerns the person, unless it has been taken back.
    fn mine(&self, it: &Concerned) -> Vec<fold::Event> {
        let events = self.events.get(&it.log).map_or(&[][..], Vec::as_slice);
        let found = events.binary_search_by_key(&it.seq, |event| event.seq);
        found.map(|place| self.event(&events[place], Some(it.reason))).into_iter().collect()
    }

    fn event(&self, it: &Event, reason: Option<activity::Reason>) -> fold::Event {
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
            subject: thing(&it.subject),
            parent: (!it.parent.id.is_empty()).then(|| thing(&it.parent)),
            summary: it.summary.clone(),
            occurred_at: it.occurred_at,
            reason: reason.map(|it| match it {
                activity::Reason::Mention => fold::Reason::Mention,
                activity::Reason::Assignment => fold::Reason::Assignment,
                activity::Reason::Approval => fold::Reason::Approval,
            }),
        }
    }
}

fn section<'a>(workcenter: &'a str, url: &'a str, lines: &'a [Line]) -> Section<'a> {
    Section { workcenter, url: Some(url), because: Because::Collaborator, lines }
}

/// What makes the mail due, as the letter says it.
fn kind(told: &Told) -> Kind {
    match (told.cause.as_str(), told.date) {
        ("DAILY", Some(date)) => Kind::Daily { date },
        ("WEEKLY", Some(date)) => {
            let days = |count: i64| date.checked_sub(count.days()).unwrap_or(Date::MIN);
            Kind::Weekly { from: days(7), to: days(1) }
        }
        ("CATCHUP", _) => Kind::Catchup,
        ("RETURNED", _) => Kind::Returned,
        _ => Kind::Immediate,
    }
}

/// Whether a digest goes so late that it stands for more than one.
fn late(told: &Told, due_at: Timestamp) -> bool {
    let late = match told.cause.as_str() {
        "DAILY" => LATE_DAILY,
        "WEEKLY" => LATE_WEEKLY,
        _ => return false,
    };
    due_at.checked_add(late).is_ok_and(|it| it <= told.settled_at)
}

/// What the unsubscribe link of a mail switches off: the WorkCenter it tells of at once, such mails when it tells only what
/// concerns its reader, the digests of its account, or, for what waited, which may be of any, all of the account.
fn scope(told: &Told, places: &[Place]) -> Scope {
    match (told.cause.as_str(), places.first()) {
        ("IMMEDIATE", Some(place)) => Scope::WorkCenter(place.log),
        ("IMMEDIATE", None) => Scope::Addressed,
        ("CATCHUP" | "RETURNED", _) => Scope::Account,
        _ => Scope::Digests,
    }
}

/// The `List-Id`: the WorkCenter when the mail is about one, else the account's digests. Source: RFC 2919.
fn list(told: &Told, everyone: &[(&Place, Vec<Line>)], mine: &[(&Concerned, Vec<Line>)], domain: &str) -> String {
    let mut of: Vec<(Uuid, &str)> = everyone.iter().map(|(it, _)| (it.log, it.workcenter.as_str())).collect();
    of.extend(mine.iter().map(|(it, _)| (it.log, it.workcenter.as_str())));
    of.dedup_by_key(|it| it.0);
    match of.as_slice() {
        [(log, name)] => format!("{name} <{}.workcenter.{domain}>", log.simple()),
        _ => format!("{} <{}.digest.{domain}>", told.account_name, told.account.simple()),
    }
}

/// Which events the mail settles, for whoever has to find out later: ranges and single numbers, log by log.
fn ranges(places: &[Place], concerns: &[Concerned]) -> String {
    let mut parts: Vec<String> = places.iter().map(|it| format!("{}:{}-{}", it.log, it.from + 1, it.to)).collect();
    parts.extend(concerns.iter().map(|it| format!("{}:{}", it.log, it.seq)));
    parts.join(" ")
}
