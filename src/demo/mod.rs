//! The story that `workcenterctl demo` tells: a few days of one account, on a running server and daemon.
//!
//! It does what people and a service do, over the wire, and reads mails as people do; the development clock is the only
//! thing it moves behind their backs. What it sees that is not as it was announced ends it with an error.

mod cast;
mod deeds;
mod mails;
mod slots;
mod table;

use std::{
    future::Future,
    time::{Duration, Instant},
};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::{Timestamp, ToSpan, civil::Weekday, tz::TimeZone};
use tokio::time::{MissedTickBehavior, interval};
use tonic::{
    Streaming,
    transport::{Channel, Endpoint},
};

use crate::{
    client::{answered, by},
    clock::{self, Clock},
    config,
    db::Db,
    error::{Error, Result},
    mail::phrase,
    outbox,
    pb::{self, Delivery},
    progress::write,
    secret::Secret,
};
use cast::Person;
use mails::{Awaited, Mail, Mails};
use slots::Slots;

/// How long something that the daemon does may take, by the real clock: its ticks are a second apart.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What the clock is moved by so that immediate mail goes: more than the seconds that such mail waits for more.
const PAST_THE_WINDOW: Duration = Duration::from_secs(60);

/// How many people do something at a time: a server hashes few passwords at once and lets few wait.
const TOGETHER: usize = 6;

/// How many mails of one occasion are shown.
const SHOWN_MAX: usize = 8;

/// When services publish, in hours after Thursday noon: all before the first digest, and once for those of Saturday.
const THURSDAY: [i64; 3] = [1, 3, 6];
const FRIDAY_EVENING: i64 = 30;

/// When the story ends, in hours after Thursday noon: on Monday, so that the weekly digest has gone.
const END: i64 = 4 * 24;

/// Where the story is told.
struct Stage<'a> {
    settings: &'a config::Demo,
    db: Db,
    server: Channel,
    daemon: Channel,
    mails: Mails,
}

/// Tells the story.
///
/// # Errors
///
/// [`Error::Internal`] when a call fails, when something does not happen in time, and when a digest does not come when
/// it was announced or not at the hour its recipient chose.
pub async fn tell(settings: &config::Demo) -> Result<()> {
    let mut stage = Stage::open(settings).await?;
    let thursday = next_thursday(Clock::new(stage.db.clone(), true).now().await?)?;

    chapter("The development clock moves to a Thursday, noon in UTC")?;
    say(format_args!("It shows {}.", stage.move_clock(thursday).await?.strftime("%A %-d %B %Y, %H:%M UTC")))?;

    chapter("The administrator signs in and makes WorkCenters")?;
    let admin = stage.sign_in().await?;
    say(format_args!("{}, who reads the clock of {}.", admin.name, admin.zone))?;
    let places = stage.make_places(&admin).await?;

    let mut people = vec![admin];
    people.extend(cast::arrive(&mut stage, &people[0], &places).await?);
    cast::learn(&stage, &mut people).await?;
    stage.welcome(&places, &people).await?;

    chapter("A service publishes what happens on Thursday; some of it is told at once")?;
    let mut slots = Slots::watch(&stage, &people[0]).await?;
    for (number, hours) in THURSDAY.into_iter().enumerate() {
        stage.publish(deeds::day(number, &places, &people)?, after(thursday, hours)?, number == 1, &people).await?;
    }

    chapter("Digests, each at seven in the morning where its reader is")?;
    let (friday_evening, end) = (after(thursday, FRIDAY_EVENING)?, after(thursday, END)?);
    let mut is_friday_told = false;
    loop {
        let announced = Slots::announced(&stage, &people).await?;
        let Some(at) = announced.iter().map(|it| it.at).min().filter(|it| *it <= end) else { break };
        if !is_friday_told && friday_evening < at {
            is_friday_told = true;
            stage.publish(deeds::evening(&places, &people)?, friday_evening, false, &people).await?;
            continue;
        }
        slots.pass(&mut stage, &people, announced, at).await?;
    }

    chapter("Who got what, when by their own clock, and why")?;
    table::show(&people, &stage.mails)?;
    say(format_args!("\nEvery mail is a file in {}", settings.mail_dir.display()))
}

impl<'a> Stage<'a> {
    async fn open(settings: &'a config::Demo) -> Result<Self> {
        let connect = async |url: &str| -> Result<Channel> {
            let endpoint = Endpoint::from_shared(url.to_owned()).map_err(Error::internal)?;
            endpoint.connect().await.map_err(Error::internal)
        };
        Ok(Self {
            settings,
            db: Db::new(&settings.database)?,
            server: connect(&settings.server).await?,
            daemon: connect(&settings.daemon).await?,
            mails: Mails::from_now_on(&settings.mail_dir)?,
        })
    }

    /// Moves the clock to `to`, from where it runs on as clocks do.
    async fn move_clock(&self, to: Timestamp) -> Result<Timestamp> {
        clock::set(&self.db.client().await?, to, 1.0).await
    }

    /// Stops the clock where it is.
    async fn stop_clock(&self) -> Result<()> {
        let now = Clock::new(self.db.clone(), true).now().await?;
        clock::set(&self.db.client().await?, now, 0.0).await?;
        Ok(())
    }

    async fn sign_in(&self) -> Result<Person> {
        let config::Demo { email, password, .. } = self.settings;
        let mut client = pb::session_service_client::SessionServiceClient::new(self.server.clone());
        let sent = pb::SignInRequest { email: email.clone(), password: password.expose().to_owned() };
        let session = answered("SignIn", client.sign_in(sent)).await?;
        let token = Secret::from(session.token);

        let mut client = pb::profile_service_client::ProfileServiceClient::new(self.server.clone());
        let me = by(&token, pb::GetProfileRequest { user_id: "me".to_owned() })?;
        let profile = answered("GetProfile", client.get_profile(me)).await?.profile.unwrap_or_default();
        let name = format!("{} {}", profile.first_name, profile.last_name);
        Person::new(name, profile.email, &profile.time_zone, session.user_id, token)
    }

    /// Makes the WorkCenters; returns their ids, in the order of [`deeds::PLACES`].
    async fn make_places(&self, admin: &Person) -> Result<Vec<String>> {
        let mut client = pb::work_center_service_client::WorkCenterServiceClient::new(self.server.clone());
        let mut places = Vec::new();
        for name in deeds::PLACES {
            let account_id = self.settings.account_id.clone();
            let sent = pb::CreateWorkCenterRequest { account_id, name: name.to_owned(), ..Default::default() };
            let sent = by(&admin.token, sent)?;
            let made = answered("CreateWorkCenter", client.create_work_center(sent)).await?.workcenter;
            places.push(made.unwrap_or_default().workcenter_id);
        }
        say(format_args!("{} are there.", deeds::PLACES.join(", ")))?;
        Ok(places)
    }

    /// Publishes `events` at `at`, the first batch twice when `twice`, and waits for the mail that goes at once.
    async fn publish(
        &mut self,
        mut events: Vec<pb::Activity>,
        at: Timestamp,
        twice: bool,
        people: &[Person],
    ) -> Result<()> {
        let now = self.move_clock(at).await?;
        deeds::date(&mut events, now)?;
        let mut client = pb::activity_service_client::ActivityServiceClient::new(self.server.clone());
        let mut batches: Vec<&[pb::Activity]> = events.chunks(deeds::BATCH).collect();
        if twice {
            batches.insert(1, batches[0]);
        }
        let count = phrase::counted(batches.len() as u64, "batch", "batches");
        let (mut numbers, mut known) = (Vec::new(), 0);
        for events in batches {
            let sent = by(&self.settings.service_key, pb::PublishActivityRequest { events: events.to_vec() })?;
            let answer = answered("PublishActivity", client.publish_activity(sent)).await?;
            if let Some(refused) = answer.results.iter().find(|it| it.seq == 0) {
                return Err(Error::internal(format!("PublishActivity: refused {}", refused.reason().as_str_name())));
            }
            known += answer.repeated_count;
            numbers.extend(answer.results.into_iter().filter(|it| !it.known).map(|it| it.seq));
        }
        let new = numbers.len();
        let at = at.strftime("%a %-d %b %H:%M UTC");
        let repeats = if twice { format!(", {known} came twice and count once") } else { String::new() };
        say(format_args!("{at}: {new} events in {count}{repeats}"))?;
        if new != events.len() {
            return Err(Error::internal(format!("{} events were sent, and {new} are new", events.len())));
        }
        self.hear(&deeds::told_at_once(&events, &numbers, people), people).await
    }

    /// Waits until those who hear of everything at once have heard who has come.
    async fn welcome(&mut self, places: &[String], people: &[Person]) -> Result<()> {
        say(format_args!("\nWho hears at once has heard of the others, each WorkCenter by itself:"))?;
        // The first of them brought the others in, and is not told of their own doing.
        let seq = i64::try_from(people.len() - 1).unwrap_or(i64::MAX);
        let pairs = people.iter().skip(1).flat_map(|person| places.iter().map(move |place| (person, place)));
        let at_once = pairs.filter(|(person, place)| person.delivery(place) == Delivery::Immediate);
        let awaited: Vec<Awaited> = at_once.map(|(person, place)| Awaited { to: &person.email, place, seq }).collect();
        self.hear(&awaited, people).await
    }

    /// Lets immediate mail become due, waits until all that is `awaited` is told, and shows it.
    async fn hear(&mut self, awaited: &[Awaited<'_>], people: &[Person]) -> Result<()> {
        let now = Clock::new(self.db.clone(), true).now().await?;
        self.move_clock(now.checked_add(PAST_THE_WINDOW).map_err(Error::internal)?).await?;
        let (mails, db) = (&mut self.mails, &self.db);
        let before = mails.all().len();
        until("immediate mail has not gone out", async || {
            mails.look()?;
            let is_told = awaited.iter().all(|it| mails.tells(it));
            Ok((is_told && outbox::waiting(&db.client().await?).await? == 0).then_some(()))
        })
        .await?;
        show_mails(&mails.all()[before..], people)
    }
}

/// Shows by its subject what has come, as each reader's clock has it: to those with a part of their own first.
fn show_mails(mails: &[Mail], people: &[Person]) -> Result<()> {
    let readers =
        people.iter().flat_map(|reader| mails.iter().filter(|it| it.to == reader.email).map(move |it| (reader, it)));
    for (reader, mail) in readers.take(SHOWN_MAX) {
        let at = mail.date.to_zoned(reader.clock.clone());
        say(format_args!("    {:18} {}  {}", reader.name, at.strftime("%a %H:%M"), mail.subject))?;
    }
    match mails.len().saturating_sub(SHOWN_MAX) {
        0 => Ok(()),
        more => say(format_args!("    and {more} more")),
    }
}

/// Noon, in UTC, of the first Thursday after the day of `now`.
fn next_thursday(now: Timestamp) -> Result<Timestamp> {
    let day = now.to_zoned(TimeZone::UTC).date().nth_weekday(1, Weekday::Thursday).map_err(Error::internal)?;
    Ok(day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).map_err(Error::internal)?.timestamp())
}

fn after(at: Timestamp, hours: i64) -> Result<Timestamp> {
    at.checked_add(hours.hours()).map_err(Error::internal)
}

/// What comes of `all`, several of which are done at a time, in their order; or the first error.
async fn together<T>(all: impl Iterator<Item = impl Future<Output = Result<T>>>) -> Result<Vec<T>> {
    stream::iter(all).buffered(TOGETHER).try_collect().await
}

/// Looks until there is something to see; `wrong` is said when there is nothing for too long.
async fn until<T>(wrong: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + PATIENCE;
    let mut pace = interval(LOOK_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        if let Some(seen) = look().await? {
            return Ok(seen);
        }
        if end <= Instant::now() {
            return Err(too_late(wrong));
        }
    }
}

fn too_late(wrong: &str) -> Error {
    Error::internal(format!("{wrong} after {} seconds", PATIENCE.as_secs()))
}

fn chapter(title: &str) -> Result<()> {
    say(format_args!("\n== {title}"))
}

/// Writes one line; a reader who has gone is no fault.
fn say(line: std::fmt::Arguments<'_>) -> Result<()> {
    write(format_args!("{line}\n"))
}
