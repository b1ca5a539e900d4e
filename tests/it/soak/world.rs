//! Where the day takes place: an account whose people live everywhere, its WorkCenters, and the programs.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tonic_health::pb::health_check_response::ServingStatus;
use uuid::Uuid;
use workcenter::pb::{
    Delivery, MarkAsTemplateRequest, Preferences, Profile, UpdatePreferencesRequest, UpdateProfileRequest,
    template_service_client::TemplateServiceClient,
};

use super::deeds::Deed;
use crate::{
    bulk,
    content::{announced, messages, noise},
    harness::{Account, App, Person, by},
    process::{
        program::{DAEMON, SERVER, Serving},
        running::{becomes, health},
    },
    sink::{Manner, Sink},
    story::mask,
};

/// Where people live: it is seven in the morning somewhere in every hour of the day, or nearly so.
const ZONES: [&str; 24] = [
    "Pacific/Auckland",
    "Pacific/Noumea",
    "Australia/Sydney",
    "Asia/Tokyo",
    "Asia/Shanghai",
    "Asia/Bangkok",
    "Asia/Dhaka",
    "Asia/Karachi",
    "Asia/Dubai",
    "Europe/Moscow",
    "Europe/Athens",
    "Europe/Zurich",
    "Europe/London",
    "Atlantic/Azores",
    "America/Noronha",
    "America/Sao_Paulo",
    "America/Halifax",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
    "Pacific/Pago_Pago",
];

/// People of each zone. One hears at once, one by the day, one by the week.
const WAYS: [Delivery; 3] = [Delivery::Immediate, Delivery::Daily, Delivery::Weekly];

/// The names by which PostgreSQL knows the connections of the two programs.
pub const NAMES: [&str; 2] = ["soaked-server", "soaked-daemon"];

/// How the programs are set.
#[derive(Clone, Debug)]
pub struct Manners {
    /// How long what is told at once waits for more.
    pub window: Duration,
    /// What else they find in their environment.
    pub found: Vec<(&'static str, String)>,
}

/// Connections to the database that each may have, but the one that listens.
pub const POOL: u64 = 8;

/// The stage; it is shared by all who do things.
#[derive(Clone)]
pub struct World(Arc<Stage>);

pub struct Stage {
    pub account: Account,
    pub people: Vec<Person>,
    /// Somebody of another account for each caller, whom only that caller invites.
    pub guests: Vec<Person>,
    pub places: Vec<Uuid>,
    /// What is copied: a folder in the first of the places.
    model: Uuid,
    pub template: Uuid,
    /// The key of a service that publishes.
    pub key: String,
    pub sink: Sink,
    pub server: Serving,
    pub daemon: Serving,
    // The database goes last.
    pub app: App,
    calls: AtomicU64,
    done: Mutex<BTreeSet<Deed>>,
}

impl std::ops::Deref for World {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.0
    }
}

/// The people of the account, who are in all places.
async fn people(app: &App, account: &Account, places: &[Uuid]) -> Vec<Person> {
    let mut people = Vec::new();
    for zone in ZONES {
        for way in WAYS {
            let email = format!("p{}@example.com", people.len());
            let person = app.person(account, &email, "Person", zone).await;
            for place in places {
                app.collaborator(&account.admin, *place, &person).await;
            }
            let profile = Some(Profile { time_zone: zone.to_owned(), ..Profile::default() });
            let update_mask = Some(mask(&["time_zone"]));
            let zoned = UpdateProfileRequest { profile, update_mask, ..Default::default() };
            app.profiles().update_profile(by(&person.token, zoned)).await.unwrap();
            let preferences = Some(Preferences { default_delivery: way.into(), ..Default::default() });
            let update_mask = Some(mask(&["default_delivery"]));
            let hearing = UpdatePreferencesRequest { preferences, update_mask, ..Default::default() };
            app.preferences().update_preferences(by(&person.token, hearing)).await.unwrap();
            people.push(person);
        }
    }
    people
}

/// A folder with three documents.
async fn model(app: &App, who: &Person, place: Uuid) -> Uuid {
    let request = workcenter::pb::CreateFolderRequest {
        workcenter_id: place.to_string(),
        name: "Model".to_owned(),
        ..Default::default()
    };
    let made = app.contents().create_folder(by(&who.token, request)).await.unwrap().into_inner();
    let folder = made.folder.unwrap().folder_id;
    for number in 1..=3 {
        let bytes = noise(1_000 * number);
        let mut metadata = announced(&bytes);
        metadata.workcenter_id = place.to_string();
        metadata.parent_folder_id.clone_from(&folder);
        metadata.name = format!("{number}.pdf");
        let messages = futures_util::stream::iter(messages(metadata, &bytes, 1 << 20));
        app.contents().upload_document(by(&who.token, messages)).await.unwrap();
    }
    folder.parse().unwrap()
}

/// Starts a program on the database of `app` under a name of its own.
async fn start(program: &str, name: &str, app: &App, sink: &Sink, manners: &Manners) -> Serving {
    let url = format!("{}?application_name={name}", app.database().url.expose());
    let (relay, pool) = (format!("smtp://{}", sink.address()), POOL.to_string());
    let window = manners.window.as_secs().to_string();
    let mut settings = vec![
        ("LOG", "error,workcenter::server=info,workcenter::server::call=off,workcenter::daemon=info"),
        ("METRICS_LISTEN", "127.0.0.1:0"),
        ("BLOB_DIR", app.parts().settings.blobs.blob_dir.to_str().unwrap()),
        ("SMTP_URL", &relay),
        ("DATABASE_POOL", &pool),
        ("DIGEST_SPREAD_MINUTES", "0"),
    ];
    settings.extend(["DAILY_CRON", "WEEKLY_CRON", "IMMEDIATE_CRON", "OUTBOX_CRON"].map(|it| (it, "* * * * * *")));
    // Expired things are looked for every minute of the day's twenty, not once in its hours.
    settings.push(("HOUSEKEEPING_CRON", "30 * * * * *"));
    settings.push(("IMMEDIATE_WINDOW_SECONDS", &window));
    settings.extend(manners.found.iter().map(|(name, value)| (*name, value.as_str())));
    let serving = Serving::on(program, &url, &settings).await;
    becomes(&mut health(&serving.channel()).await, ServingStatus::Serving).await;
    serving
}

impl World {
    pub async fn begin(now: Timestamp, manners: &Manners) -> Self {
        let app = App::start().await;
        app.clock_at(&now.to_string()).await;
        let account = app.account("Pier Works").await;
        let mut places = Vec::new();
        for name in ["Pier 4", "Harbour", "Tender"] {
            places.push(app.workcenter(&account.admin, account.id, name).await);
        }
        let people = people(&app, &account, &places).await;
        let others = app.account("Quay Works").await;
        let mut guests = Vec::new();
        for number in 0..people.len() {
            guests.push(app.person(&others, &format!("g{number}@example.com"), "Guest", "").await);
        }
        let model = model(&app, &account.admin, places[0]).await;
        let template = app.workcenter(&account.admin, account.id, "Template").await;
        let marked = MarkAsTemplateRequest { workcenter_id: template.to_string(), unmark: false };
        let mut templates = TemplateServiceClient::new(app.channel());
        templates.mark_as_template(by(&account.admin.token, marked)).await.unwrap();
        let key = app.key(&["activity.publish"]).await;
        let sink = Sink::with(Manner::brief(), Vec::new()).await;
        let (server, daemon) =
            tokio::join!(start(SERVER, NAMES[0], &app, &sink, manners), start(DAEMON, NAMES[1], &app, &sink, manners));
        let (calls, done) = (AtomicU64::new(0), Mutex::default());
        Self(Arc::new(Stage {
            account,
            people,
            guests,
            places,
            model,
            template,
            key,
            sink,
            server,
            daemon,
            app,
            calls,
            done,
        }))
    }
}

impl Stage {
    /// The programs, in the order of their names.
    pub fn programs(&self) -> [&Serving; 2] {
        [&self.server, &self.daemon]
    }

    /// How many calls were answered.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    pub fn answered(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether somebody hears of things by the week.
    pub fn hears_by_week(&self, who: &Person) -> bool {
        let number = self.people.iter().position(|it| it.id == who.id);
        number.is_some_and(|it| WAYS[it % WAYS.len()] == Delivery::Weekly)
    }

    pub fn was_done(&self, deed: Deed) -> bool {
        self.done.lock().unwrap().contains(&deed)
    }

    pub fn did(&self, deed: Deed) {
        self.done.lock().unwrap().insert(deed);
    }

    /// The model, as a thing to be copied.
    pub fn model(&self) -> workcenter::pb::BulkItem {
        bulk::folder(self.model)
    }
}
