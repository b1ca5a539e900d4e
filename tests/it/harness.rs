//! A whole application for a test: its own database, the production server on a port of its own, a clock that stands.
//!
//! Databases are copies of one that was migrated once. Those of runs that died are dropped by the next run.

use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{net::TcpListener, sync::OnceCell};
use tonic::{Request, Status};
use tonic_types::StatusExt;
use uuid::Uuid;
use workcenter::{
    access::AccountRole,
    account,
    auth::Origin,
    clock::{self, Clock},
    config,
    daemon::Daemon,
    db::{self, Db},
    identity::{self, Email},
    pb, profile,
    secret::{OldKeys, Secret, TokenKey},
    server::{self, Parts},
};

use crate::{
    channel::Channel,
    migrations::{self, Table},
    tap::{self, Tap},
};

/// Where the clock stands when an application starts.
pub const START: &str = "2026-11-20T12:00:00Z";

/// The password of everybody made by [`App::person`], and what it was hashed to: hashing it for each would take longer
/// than most tests.
pub const PASSWORD: &str = "a long walk on the pier";

/// The databases of this run are named for its process.
const DATABASE: &str = "workcenter_test";

static TEMPLATE: OnceCell<String> = OnceCell::const_new();
static COUNT: AtomicU64 = AtomicU64::new(0);

/// An application.
pub struct App {
    parts: Parts,
    database: config::Database,
    channel: Channel,
    url: String,
    name: String,
}

/// An account with its administrator.
pub struct Account {
    pub id: Uuid,
    pub admin: Person,
}

/// A person who is signed in.
#[derive(Clone)]
pub struct Person {
    pub id: Uuid,
    pub token: String,
    pub email: String,
}

fn server_url() -> String {
    #[expect(clippy::disallowed_methods, reason = "where the tests' own PostgreSQL is, is not a setting of a program")]
    std::env::var("TEST_DATABASE_URL").expect("run the tests by `make test`, which sets TEST_DATABASE_URL")
}

/// The settings of the database `name` on the tests' server.
fn on_server(name: &str) -> config::Database {
    let url = server_url();
    let (server, _) = url.rsplit_once('/').unwrap();
    config::Database { url: Secret::from(format!("{server}/{name}")), authorities: None, pool: 8 }
}

/// A connection to the tests' server itself.
async fn server_client() -> db::Connection {
    let settings = config::Database { url: Secret::from(server_url()), authorities: None, pool: 1 };
    Db::new(&settings).unwrap().client().await.unwrap()
}

async fn administer(statement: &str) {
    server_client().await.batch_execute(statement).await.unwrap();
}

/// The migrated database that all others are copies of; made by whoever comes first.
async fn template() -> &'static str {
    TEMPLATE
        .get_or_init(|| async {
            let client = server_client().await;
            let left = client.query("select datname from pg_database where datname like 'workcenter_test_%'", &[]);
            for row in left.await.unwrap() {
                let name: String = row.get("datname");
                let pid = name.split('_').nth(2).unwrap_or_default().to_owned();
                if !PathBuf::from(format!("/proc/{pid}")).exists() {
                    client.batch_execute(&format!("drop database if exists {name} with (force)")).await.unwrap();
                }
            }
            let name = format!("{DATABASE}_{}_template", process::id());
            client.batch_execute(&format!("create database {name}")).await.unwrap();
            db::migrate(&on_server(&name)).await.unwrap();
            name
        })
        .await
}

impl App {
    /// Starts an application of its own.
    pub async fn start() -> Self {
        Self::keeping(|folder| blobs(&folder)).await
    }

    /// Starts an application of its own with one connection, on which it is counted how often it waits for the database.
    pub async fn tapped() -> (Self, Tap) {
        let (tap, through) = tap::lead(&server_url()).await;
        (Self::reaching(through, |folder| blobs(&folder)).await, tap)
    }

    /// What another program on the same database has, with one connection, which is counted like that.
    pub async fn tapped_parts(&self) -> (Parts, Tap) {
        let (tap, through) = tap::lead(&server_url()).await;
        (Parts::open(&through(on_server(&self.name)), &self.parts.settings).await.unwrap(), tap)
    }

    /// Starts an application of its own whose bytes are where `blobs` says, which is given a folder to use.
    pub async fn keeping(blobs: impl FnOnce(PathBuf) -> config::Blobs) -> Self {
        Self::reaching(|it| it, blobs).await
    }

    async fn reaching(
        through: impl FnOnce(config::Database) -> config::Database,
        blobs: impl FnOnce(PathBuf) -> config::Blobs,
    ) -> Self {
        let name = format!("{DATABASE}_{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        administer(&format!("create database {name} template {}", template().await)).await;
        let database = through(on_server(&name));
        Self::open(name, database, blobs).await
    }

    /// Starts an application on the empty database at `url`, which goes with its server.
    pub async fn on(name: &str, url: String) -> Self {
        let database = config::Database { url: Secret::from(url), authorities: None, pool: 8 };
        db::migrate(&database).await.unwrap();
        Self::open(format!("{DATABASE}_{}_{name}", process::id()), database, |folder| blobs(&folder)).await
    }

    async fn open(name: String, database: config::Database, blobs: impl FnOnce(PathBuf) -> config::Blobs) -> Self {
        let blobs = blobs(std::env::temp_dir().join(&name).join("blobs"));
        let parts = Parts::open(&database, &config::Shared { blobs, ..shared() }).await.unwrap();
        clock::set(&parts.db.client().await.unwrap(), START.parse().unwrap(), 0.0).await.unwrap();

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        // Short, for a test waits for it.
        let pictures = config::Pictures { upload_silence: Duration::from_millis(500) };
        let served = parts.clone();
        tokio::spawn(server::serve(listener, served, &pictures, Box::pin(std::future::pending())));
        let channel = Channel::to(&url);
        Self { parts, database, channel, url, name }
    }

    pub fn pool(&self) -> &Db {
        &self.parts.db
    }

    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    pub fn database(&self) -> &config::Database {
        &self.database
    }

    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn token_key(&self) -> &TokenKey {
        &self.parts.settings.token_key
    }

    /// Moves the clock to `at`, where it stands again.
    pub async fn clock_at(&self, at: &str) {
        clock::set(&self.client().await, at.parse().unwrap(), 0.0).await.unwrap();
    }

    /// What the clock shows.
    pub async fn now(&self) -> Timestamp {
        Clock::new(self.parts.db.clone(), true).now().await.unwrap()
    }

    pub async fn client(&self) -> db::Connection {
        self.parts.db.client().await.unwrap()
    }

    /// Everything in the database but who calls: a line for each table.
    pub async fn everything(&self) -> Vec<String> {
        let client = self.client().await;
        let mut all = Vec::new();
        for Table { name, .. } in migrations::tables().into_iter().filter(|it| it.name != "session") {
            let rows = format!("select coalesce(string_agg(it::text, e'\\n' order by it::text), '') from {name} it");
            let rows: String = client.query_one(&rows, &[]).await.unwrap().get(0);
            all.push(format!("{name}: {rows}"));
        }
        all
    }

    /// A daemon that delivers to `relay`, or into a folder, and is stepped by hand.
    pub fn daemon(&self, relay: Option<std::net::SocketAddr>) -> Daemon {
        self.daemon_of(&self.daemon_settings(relay))
    }

    /// A daemon with settings of its own.
    pub fn daemon_of(&self, settings: &config::Daemon) -> Daemon {
        Daemon::new(self.parts.clone(), settings)
    }

    pub fn daemon_settings(&self, relay: Option<std::net::SocketAddr>) -> config::Daemon {
        let every_second = || "* * * * * *".to_owned();
        config::Daemon {
            database: self.database.clone(),
            shared: self.parts.settings.clone(),
            mail: config::Mail {
                smtp_url: relay.iter().map(|it| format!("smtp://{it}").parse().unwrap()).collect(),
                smtp_user: None,
                smtp_password: None,
                smtp_ca_file: None,
                dkim_key_file: None,
                dkim_selector: None,
                dkim_domain: None,
                mail_dir: std::env::temp_dir().join(&self.name),
                mail_sessions: NonZeroU32::new(4).unwrap(),
                mails_per_second: 0,
                domain_mails_per_second: 0,
            },
            ticks: config::Ticks {
                daily_cron: every_second(),
                weekly_cron: every_second(),
                immediate_cron: every_second(),
                outbox_cron: every_second(),
                housekeeping_cron: every_second(),
            },
            listen: "127.0.0.1:0".parse().unwrap(),
            http_listen: "127.0.0.1:0".parse().unwrap(),
            lease: Duration::from_secs(60),
            digest_batch: NonZeroU32::new(10).unwrap(),
        }
    }

    /// An account whose administrator is signed in.
    pub async fn account(&self, name: &str) -> Account {
        let now = self.now().await;
        let id = account::insert(&self.client().await, name, None, now).await.unwrap();
        let email = format!("admin-{}@example.com", id.simple());
        let admin = self.somebody(id, AccountRole::Administrator, &email, "Admin", "Istrator").await;
        Account { id, admin }
    }

    /// A member of `account`, signed in.
    pub async fn person(&self, account: &Account, email: &str, first: &str, last: &str) -> Person {
        self.somebody(account.id, AccountRole::Member, email, first, last).await
    }

    /// A guest of `account`, signed in.
    pub async fn guest(&self, account: &Account, email: &str) -> Person {
        self.somebody(account.id, AccountRole::Guest, email, "Guest", "").await
    }

    async fn somebody(&self, account: Uuid, role: AccountRole, email: &str, first: &str, last: &str) -> Person {
        let now = self.now().await;
        let mut client = self.client().await;
        let tx = client.transaction().await.unwrap();
        let address = Email::parse("email", email).unwrap();
        let id = identity::insert(&tx, &address, &password_hash().await, now).await.unwrap();
        profile::insert(&tx, id, first, last, "", now).await.unwrap();
        account::add_member(&tx, account, id, role, now).await.unwrap();
        let session = identity::begin_session(&tx, id, &Origin::default()).await.unwrap();
        tx.commit_with(&[account::announce(id)]).await.unwrap();
        Person { id, token: session.token.expose().to_owned(), email: email.to_owned() }
    }

    /// Says that the session of `who` is used, as any call does once a minute: the next one is counted without that.
    pub async fn using(&self, who: &Person) {
        self.sessions().list_sessions(by(&who.token, pb::ListSessionsRequest::default())).await.unwrap();
    }

    /// A WorkCenter of `owner`.
    pub async fn workcenter(&self, owner: &Person, account: Uuid, name: &str) -> Uuid {
        let message = pb::CreateWorkCenterRequest {
            account_id: account.to_string(),
            name: name.to_owned(),
            ..Default::default()
        };
        let made = self.workcenters().create_work_center(by(&owner.token, message)).await.unwrap();
        made.into_inner().workcenter.unwrap().workcenter_id.parse().unwrap()
    }

    /// Makes `person` a contributor.
    pub async fn collaborator(&self, owner: &Person, workcenter: Uuid, person: &Person) {
        let message = pb::AddCollaboratorRequest {
            workcenter_id: workcenter.to_string(),
            user_id: person.id.to_string(),
            role: pb::WorkCenterRole::Contributor.into(),
        };
        self.workcenters().add_collaborator(by(&owner.token, message)).await.unwrap();
    }

    /// A key of a service.
    pub async fn key(&self, scopes: &[&str]) -> String {
        identity::make_key(&self.client().await, "test", scopes).await.unwrap().expose().to_owned()
    }
}

/// The hash of [`PASSWORD`], made once.
async fn password_hash() -> String {
    static HASH: OnceCell<String> = OnceCell::const_new();
    let hasher = workcenter::secret::Hasher::default();
    let hash = || async { hasher.hash(&Secret::from(PASSWORD.to_owned())).await.unwrap() };
    HASH.get_or_init(hash).await.clone()
}

/// Bytes that are kept in a folder.
pub fn blobs(folder: &Path) -> config::Blobs {
    config::Blobs {
        blob_dir: folder.to_owned(),
        blob_url: None,
        aws_region: "us-east-1".to_owned(),
        aws_endpoint_url: None,
        aws_access_key_id: None,
        aws_secret_access_key: None,
        aws_session_token: None,
        aws_role_arn: None,
        aws_web_identity_token_file: None,
    }
}

/// What all programs of the tests have set.
pub fn shared() -> config::Shared {
    config::Shared {
        token_key: "0a".repeat(32).parse().unwrap(),
        token_keys_old: OldKeys::default(),
        dev: true,
        calls: config::Calls {
            calls_max: NonZeroU32::new(200).unwrap(),
            streams_max: NonZeroU32::new(200).unwrap(),
            connections_max: NonZeroU32::new(200).unwrap(),
            // Longer than any test lasts, on whatever machine: a call that meets the end of its connection fails.
            connection_age: Duration::from_secs(3600),
            call_limit: Duration::from_secs(30),
            drain_delay: Duration::ZERO,
            drain: Duration::from_secs(5),
            reflection: true,
            metrics_listen: None,
            health_listen: None,
            tls: config::Tls::default(),
        },
        // What has an application of its own has a folder of its own.
        blobs: blobs(&std::env::temp_dir().join(format!("{DATABASE}_{}_blobs", process::id()))),
        letters: config::Letters {
            mail_from: "notifications@workcenter.example".to_owned(),
            app_url: "https://app.example".to_owned(),
            unsubscribe_url: "https://mail.example".to_owned(),
        },
        immediate_window: Duration::from_secs(30),
        large_workcenter: NonZeroU32::new(1_000).unwrap(),
        digest_spread: Duration::ZERO,
        log: "off".to_owned(),
        log_json: false,
        traces: config::Traces { endpoint: None, share: 1.0 },
    }
}

/// Declares the clients of the services.
macro_rules! clients {
    ($($name:ident $module:ident $client:ident;)*) => {
        impl App {
            $(pub fn $name(&self) -> pb::$module::$client<Channel> {
                pb::$module::$client::new(self.channel.clone())
            })*
        }
    };
}

clients! {
    sessions session_service_client SessionServiceClient;
    accounts account_service_client AccountServiceClient;
    profiles profile_service_client ProfileServiceClient;
    workcenters work_center_service_client WorkCenterServiceClient;
    contents content_service_client ContentServiceClient;
    activity activity_service_client ActivityServiceClient;
    preferences preference_service_client PreferenceServiceClient;
    invites invite_service_client InviteServiceClient;
    jobs job_service_client JobServiceClient;
}

impl Drop for App {
    /// Drops the database, on a thread of its own: the test's runtime is on its way out.
    fn drop(&mut self) {
        let statement = format!("drop database if exists {} with (force)", self.name);
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(administer(&statement));
        });
        // Not every application has put something there.
        let _ = std::fs::remove_dir_all(std::env::temp_dir().join(&self.name));
        // A test that has failed has said why; that its database stays is the next run's business.
        if dropped.join().is_err() && !std::thread::panicking() {
            panic!("failed to drop the database of a test");
        }
    }
}

/// A request by whoever has `token`.
pub fn by<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

/// The reason in the details of an error.
pub fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|it| it.reason.clone()).unwrap_or_default()
}

/// The fields in the details of an error.
pub fn fields(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let violations = details.bad_request().map(|it| it.field_violations.clone());
    violations.unwrap_or_default().into_iter().map(|it| it.field).collect()
}
