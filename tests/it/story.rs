//! A WorkCenter with people in it, a service that publishes, a daemon that is stepped, and a relay that keeps their mail.

use tonic::Status;
use uuid::Uuid;
use workcenter::{
    audit,
    daemon::{Daemon, Sweep},
    ids,
    pb::{self, Activity, Addressee, AddresseeReason, Audience, Delivery, Preferences, PublishResult, Subject},
};

use crate::{
    harness::{Account, App, Person, by},
    received::Received,
    sink::{Rule, Sink},
};

/// The stage and everybody on it.
pub struct Story {
    pub app: App,
    pub account: Account,
    /// Who does things.
    pub bob: Person,
    /// Who hears of them.
    pub ada: Person,
    /// The WorkCenter, called Pier 4.
    pub pier: Uuid,
    pub key: String,
    pub sink: Sink,
    pub daemon: Daemon,
}

impl Story {
    /// Bob owns Pier 4, Ada is a contributor, what happened while they came is told.
    pub async fn begin() -> Self {
        Self::begin_with(Vec::new()).await
    }

    /// As [`Self::begin`], with a relay that misbehaves.
    pub async fn begin_with(rules: Vec<Rule>) -> Self {
        let app = App::start().await;
        let account = app.account("Pier Works").await;
        let bob = app.person(&account, "bob@example.com", "Bob", "Stephenson").await;
        let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
        let pier = app.workcenter(&bob, account.id, "Pier 4").await;
        app.collaborator(&bob, pier, &ada).await;
        let key = app.key(&["activity.publish"]).await;
        let sink = Sink::start(Vec::new()).await;
        let daemon = app.daemon(Some(sink.address()));
        let story = Self { app, account, bob, ada, pier, key, sink, daemon };
        // That Ada came is told before the story begins, and is no part of it.
        story.app.clock_at("2026-11-20T13:00:00Z").await;
        story.step(&[Sweep::Immediate, Sweep::Outbox]).await;
        story.sink.behave(rules);
        story
    }

    /// What the relay has got since the story began: its beginning left one mail, to Ada.
    pub fn mails(&self) -> Vec<Received> {
        self.sink.mails().split_off(1)
    }

    /// One turn of each sweep at what the clock shows.
    pub async fn step(&self, sweeps: &[Sweep]) {
        let now = self.app.now().await;
        for sweep in sweeps {
            self.daemon.step(*sweep, now).await.unwrap();
        }
    }

    /// One turn of everything, some time later.
    pub async fn at(&self, instant: &str) {
        self.app.clock_at(instant).await;
        self.step(&Sweep::ALL).await;
    }

    pub async fn publish(&self, events: Vec<Activity>) -> Vec<PublishResult> {
        self.try_publish(events).await.unwrap()
    }

    pub async fn try_publish(&self, events: Vec<Activity>) -> Result<Vec<PublishResult>, Status> {
        let message = pb::PublishActivityRequest { events };
        let published = self.app.activity().publish_activity(by(&self.key, message)).await?;
        Ok(published.into_inner().results)
    }

    /// Bob uploads a file.
    pub fn uploaded(&self, title: &str) -> Activity {
        uploaded(self.pier, &self.bob, title)
    }

    /// Sets how `person` hears of all their WorkCenters.
    pub async fn prefer(&self, person: &Person, preferences: Preferences, paths: &[&str]) -> Preferences {
        let message = pb::UpdatePreferencesRequest {
            preferences: Some(preferences),
            update_mask: Some(mask(paths)),
            etag: String::new(),
        };
        let updated = self.app.preferences().update_preferences(by(&person.token, message)).await.unwrap();
        updated.into_inner().preferences.unwrap()
    }

    /// Sets how `person` hears of Pier 4.
    pub async fn deliver(&self, person: &Person, delivery: Delivery) -> pb::WorkCenterPreference {
        let message =
            pb::UpdateWorkCenterPreferenceRequest { workcenter_id: self.pier.to_string(), delivery: delivery.into() };
        let mut client = self.app.preferences();
        let updated = client.update_work_center_preference(by(&person.token, message)).await.unwrap();
        updated.into_inner().preference.unwrap()
    }

    /// Asks for the zone of `person`.
    pub async fn live_in(&self, person: &Person, zone: &str) {
        let profile = pb::Profile { time_zone: zone.to_owned(), ..pb::Profile::default() };
        let message = pb::UpdateProfileRequest {
            profile: Some(profile),
            update_mask: Some(mask(&["time_zone"])),
            etag: String::new(),
        };
        self.app.profiles().update_profile(by(&person.token, message)).await.unwrap();
    }

    /// What the audit finds.
    pub async fn findings(&self) -> Vec<audit::Finding> {
        audit::run(self.app.pool(), self.app.now().await).await.unwrap()
    }

    /// Runs SQL that no program of ours would: time that has passed for leases, damage for the audit.
    pub async fn meddle(&self, statement: &str) -> u64 {
        self.app.client().await.execute(statement, &[]).await.unwrap()
    }

    /// The states of all mails but the first, in the order in which they were put.
    pub async fn states(&self) -> Vec<String> {
        let rows = self.app.client().await.query("select state from mail order by id offset 1", &[]).await.unwrap();
        rows.iter().map(|row| row.get("state")).collect()
    }
}

pub fn mask(paths: &[&str]) -> prost_types::FieldMask {
    prost_types::FieldMask { paths: paths.iter().map(ToString::to_string).collect() }
}

/// `by` uploads a file to a folder called Drawings.
pub fn uploaded(workcenter: Uuid, by: &Person, title: &str) -> Activity {
    let thing = |kind: &str, title: &str| Subject {
        r#type: kind.to_owned(),
        id: title.to_owned(),
        title: title.to_owned(),
        url: format!("https://app.example/{kind}"),
    };
    Activity {
        event_id: ids::new().to_string(),
        workcenter_id: workcenter.to_string(),
        kind: "file.uploaded".to_owned(),
        actor_user_id: by.id.to_string(),
        subject: Some(thing("file", title)),
        parent: Some(thing("folder", "Drawings")),
        audience: Audience::Everyone.into(),
        ..Activity::default()
    }
}

/// The event mentions these people.
pub fn mentioning(event: Activity, people: &[&Person]) -> Activity {
    let addressees =
        people.iter().map(|it| Addressee { user_id: it.id.to_string(), reason: AddresseeReason::Mention.into() });
    Activity {
        kind: "file.commented".to_owned(),
        summary: "Please have a look".to_owned(),
        addressees: addressees.collect(),
        ..event
    }
}

/// Only the addressees may hear of the event.
pub fn named(event: Activity) -> Activity {
    Activity { audience: Audience::Named.into(), ..event }
}
