//! What people do in the WorkCenters of the story, as a service publishes it.

use jiff::{SignedDuration, Timestamp};

use super::{cast::Person, mails::Awaited};
use crate::{
    error::{Error, Result},
    pb::{self, Activity, AddresseeReason, Audience, Delivery, Subject},
};

/// The WorkCenters, in the order in which everything here counts them.
pub const PLACES: [&str; 3] = ["Pier 4", "Harbour Plans", "Tender 2027"];

/// How many events the service sends at a time.
pub const BATCH: usize = 50;

/// Over how long before it is published something happened.
const WITHIN: SignedDuration = SignedDuration::from_mins(20);

/// Where the service has its pages.
const PAGES: &str = "https://app.example";

/// What folders are counted from.
const FIRST_WEEK: usize = 48;

/// What is said one time after the other.
const COMMENTS: [&str; 4] = [
    "Looks right to me. The scale is missing on the second sheet, though.",
    "Added. Is the datum the same as last year?",
    "It is. I checked it against the tide gauge.",
    "Then this can go to the bidders.",
];
const POSTS: [&str; 3] = [
    "The survey boat comes on Monday at eight. Bring warm clothes.",
    "The crane is out of service until Friday noon.",
    "The harbour office is closed tomorrow; ask Colleague 03 for the keys.",
];
const REPLIES: [&str; 2] = ["Can this wait until Monday?", "Monday is fine."];

/// How many of the people do all this, and the place of the first of them: the colleagues come last.
const ACTORS: usize = 9;
const FIRST_ACTOR: usize = 4;

/// What there is in each of the WorkCenters.
const FOLDERS: [[&str; 3]; 3] = [
    ["Drawings", "Site photographs", "Permits"],
    ["Soundings 2026", "Sections", "Reports"],
    ["Bids", "Questions from bidders", "Contract drafts"],
];
const FILES: [[&str; 6]; 3] = [
    ["Fender layout", "Pile schedule", "Crane rail", "Bollard details", "Deck drainage", "Mooring loads"],
    ["Depth chart", "Dredging area", "Breakwater section", "Tide tables", "Wave study", "Turning basin"],
    ["Bill of quantities", "Bidder list", "Price sheet", "Terms of payment", "Programme of works", "Insurance"],
];
const TASKS: [[&str; 6]; 3] = [
    ["Check the fenders", "Order the bollards", "Survey pile 17", "Close the deck", "Test the crane", "Paint rails"],
    [
        "Sound the basin",
        "Draw section C",
        "Check the tide gauge",
        "Mark the channel",
        "File the report",
        "Ask the pilots",
    ],
    ["Answer question 12", "Compare prices", "Call the insurer", "Read the terms", "Visit bidder 3", "Book the room"],
];

/// What somebody does, and to what.
struct Deed {
    kind: &'static str,
    /// `file`, `task`, `folder` or `post`.
    thing: &'static str,
    count: usize,
    /// Whether all of it is done to one thing, each time by somebody else.
    is_to_one: bool,
    /// What is said with it, in turn.
    words: &'static [&'static str],
}

const fn each(kind: &'static str, thing: &'static str, count: usize, words: &'static [&'static str]) -> Deed {
    Deed { kind, thing, count, is_to_one: false, words }
}

const fn one(kind: &'static str, thing: &'static str, count: usize, words: &'static [&'static str]) -> Deed {
    Deed { kind, thing, count, is_to_one: true, words }
}

/// What is done in each WorkCenter between two publishings on Thursday.
const DAY: [Deed; 12] = [
    each("folder.created", "folder", 1, &[]),
    each("file.uploaded", "file", 9, &[]),
    one("file.version_added", "file", 3, &[]),
    one("file.commented", "file", 4, &COMMENTS),
    each("file.details_changed", "file", 2, &["Status: draft → for review"]),
    each("file.moved", "file", 2, &[]),
    each("task.created", "task", 4, &[]),
    each("task.completed", "task", 2, &[]),
    one("task.dates_changed", "task", 2, &["Due: 4 December → 11 December"]),
    one("task.status_changed", "task", 2, &["Status: new → in progress"]),
    each("task.due_soon", "task", 1, &[]),
    each("post.created", "post", 1, &POSTS),
];

/// What is done in each of them on Friday evening.
const EVENING: [Deed; 3] = [
    each("file.uploaded", "file", 2, &[]),
    one("task.commented", "task", 2, &REPLIES),
    each("task.completed", "task", 1, &[]),
];

/// What is addressed to somebody each time: the place of the person, the WorkCenter, what, why, and to whom else.
const ADDRESSED: [(usize, usize, &str, &str, AddresseeReason, Audience); 4] = [
    (1, 2, "file.commented", "file", AddresseeReason::Mention, Audience::Everyone),
    (2, 0, "task.assigned", "task", AddresseeReason::Assignment, Audience::Everyone),
    (3, 1, "task.approval_requested", "task", AddresseeReason::Approval, Audience::Named),
    (3, 2, "task.commented", "task", AddresseeReason::Mention, Audience::Everyone),
];

/// What happens on Thursday before the publishing `number`, counted from 0.
///
/// # Errors
///
/// When there are too few people.
pub fn day(number: usize, places: &[String], people: &[Person]) -> Result<Vec<Activity>> {
    let mut events = done(number, &DAY, places, people)?;
    for (place, (person, log, kind, thing, reason, audience)) in ADDRESSED.into_iter().enumerate() {
        let person = people.get(person).ok_or_else(too_few)?;
        let first_name = person.name.split(' ').next().unwrap_or_default();
        let summary = format!("{first_name}, please have a look before the end of the week.");
        let scene = Scene { number, log, place: &places[log], actor: actor(people, place)? };
        let mut event = scene.event(kind, subject(log, thing, number + place), parent(log, thing, number), &summary);
        event.addressees = vec![pb::Addressee { user_id: person.user_id.clone(), reason: reason.into() }];
        event.set_audience(audience);
        event.event_id += "-addressed";
        events.push(event);
    }
    Ok(events)
}

/// What happens on Friday before the evening.
///
/// # Errors
///
/// As [`day`].
pub fn evening(places: &[String], people: &[Person]) -> Result<Vec<Activity>> {
    done(super::THURSDAY.len(), &EVENING, places, people)
}

fn done(number: usize, deeds: &[Deed], places: &[String], people: &[Person]) -> Result<Vec<Activity>> {
    let mut events = Vec::new();
    for (log, place) in places.iter().enumerate() {
        for (row, deed) in deeds.iter().enumerate() {
            for nth in 0..deed.count {
                let by = if deed.is_to_one { nth } else { 0 };
                let scene = Scene { number, log, place, actor: actor(people, number + log + row + by)? };
                let which = number * deed.count + if deed.is_to_one { 0 } else { nth };
                let (subject, parent) = (subject(log, deed.thing, which), parent(log, deed.thing, number + row));
                let words = deed.words.get((number + nth) % deed.words.len().max(1)).copied().unwrap_or_default();
                let mut event = scene.event(deed.kind, subject, parent, words);
                event.event_id += &format!("-{row}-{nth}");
                events.push(event);
            }
        }
    }
    Ok(events)
}

fn actor(people: &[Person], which: usize) -> Result<&Person> {
    people.get(FIRST_ACTOR + which % ACTORS).ok_or_else(too_few)
}

fn too_few() -> Error {
    Error::internal("the story has too few people")
}

/// Where something happens, and who does it.
struct Scene<'a> {
    number: usize,
    log: usize,
    place: &'a str,
    actor: &'a Person,
}

impl Scene<'_> {
    fn event(&self, kind: &str, subject: Subject, parent: Option<Subject>, summary: &str) -> Activity {
        Activity {
            event_id: format!("{}-{}-{kind}-{}", self.number, self.log, subject.id),
            workcenter_id: self.place.to_owned(),
            kind: kind.to_owned(),
            actor_user_id: self.actor.user_id.clone(),
            subject: Some(subject),
            parent,
            summary: summary.to_owned(),
            audience: Audience::Everyone.into(),
            ..Activity::default()
        }
    }
}

/// The thing `which` of its kind in the WorkCenter `log`: always the same one.
fn subject(log: usize, kind: &str, which: usize) -> Subject {
    let title = match kind {
        "file" => {
            let names = FILES[log];
            format!("{}, sheet {}.pdf", names[which % names.len()], which / names.len() + 1)
        }
        "task" => {
            let names = TASKS[log];
            let turn = which / names.len();
            let again = if turn == 0 { String::new() } else { format!(", part {}", turn + 1) };
            format!("{}{again}", names[which % names.len()])
        }
        "folder" => format!("{}, week {}", FOLDERS[log][which % 3], FIRST_WEEK + which / 3),
        _ => format!("News of the day, no. {}", which + 1),
    };
    thing(kind, format!("{kind}-{log}-{which}"), title)
}

/// What such a thing is in: files in folders, tasks in lists.
fn parent(log: usize, kind: &str, which: usize) -> Option<Subject> {
    let parent = |kind: &str, title: &str| Some(thing(kind, format!("{kind}-{log}-{title}").replace(' ', "-"), title));
    match kind {
        "file" => parent("folder", FOLDERS[log][which % 3]),
        "task" => parent("list", "Before the survey"),
        "folder" => parent("folder", "All files"),
        _ => None,
    }
}

fn thing(kind: &str, id: String, title: impl Into<String>) -> Subject {
    let id = id.to_lowercase();
    Subject { r#type: kind.to_owned(), url: format!("{PAGES}/{kind}s/{id}"), id, title: title.into() }
}

/// Spreads `events` over the time before `now`.
///
/// # Errors
///
/// When that is no time.
pub fn date(events: &mut [Activity], now: Timestamp) -> Result<()> {
    let count = i32::try_from(events.len()).unwrap_or(i32::MAX);
    for (left, event) in (1..=count).rev().zip(events) {
        let at = now.checked_sub(WITHIN * left / count).map_err(Error::internal)?;
        event.occur_time = Some(pb::time(at));
    }
    Ok(())
}

/// Who hears at once of `events`, which have these `numbers`: of the last in each WorkCenter, and of what is theirs.
pub fn told_at_once<'a>(events: &'a [Activity], numbers: &[i64], people: &'a [Person]) -> Vec<Awaited<'a>> {
    let mut awaited = Vec::new();
    for person in people {
        for place in &person.places {
            let here = || events.iter().zip(numbers).filter(|(it, _)| it.workcenter_id == place.workcenter_id);
            let is_all = place.effective_delivery() == Delivery::Immediate;
            let is_own = person.is_addressed_at_once && place.effective_delivery() != Delivery::Off;
            let last = here().next_back().filter(|_| is_all);
            let own = here().filter(|(it, _)| is_own && it.addressees.iter().any(|it| it.user_id == person.user_id));
            awaited.extend(last.into_iter().chain(own).map(|(event, seq)| Awaited {
                to: &person.email,
                place: &event.workcenter_id,
                seq: *seq,
            }));
        }
    }
    awaited
}
