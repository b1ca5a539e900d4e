//! What `workcenterctl` does, one function a command. What it finds out it writes to standard output.

mod watch;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use crate::{
    access::AccountRole,
    account, audit,
    auth::SCOPES,
    client,
    clock::{self, Clock},
    config::{self, Command, DigestCommand, JobCommand, Target},
    db::{self, Db},
    demo, digest,
    error::{Error, Kind, Result, Violation},
    identity::{self, Email, Preset},
    job, profile,
    progress::write,
    secret::{self, Hasher, Secret},
    subscription::{Counts, Due, When, schedule::Beat},
};

/// How often a health check that waits asks again.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// People composed in one transaction by a run by hand, and how long it keeps them.
const BATCH: i64 = 100;
const LEASE: Duration = Duration::from_secs(120);

/// How a command ended, other than by an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All is well.
    Well,
    /// It worked, and what it found is not as it should be.
    Badly,
}

/// Runs one command.
///
/// # Errors
///
/// Whatever stopped it.
pub fn run(command: Command) -> Pin<Box<dyn Future<Output = Result<Ended>>>> {
    Box::pin(obey(command))
}

async fn obey(command: Command) -> Result<Ended> {
    match command {
        Command::Migrate { database } => migrate(&database).await,
        Command::Bootstrap { database, account, email, first_name, last_name, time_zone, password_preset } => {
            let who = Founder { account, email, first_name, last_name, time_zone, password_preset };
            bootstrap(&Db::new(&database)?, &who).await
        }
        Command::Key { database, name, scopes } => {
            let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
            let key = identity::make_key(&Db::new(&database)?.client().await?, &name, &scopes).await?;
            say(format_args!("{}", key.expose()))
        }
        Command::Bind { database, san, key } => bind(&Db::new(&database)?, &san, &key).await,
        Command::Unbind { database, san } => unbind(&Db::new(&database)?, &san).await,
        Command::Disable { database, email } => set_disabled(&Db::new(&database)?, &email, true).await,
        Command::Enable { database, email } => set_disabled(&Db::new(&database)?, &email, false).await,
        Command::Clock { database, to, speed } => move_clock(Db::new(&database)?, to, speed).await,
        Command::Digest { command: DigestCommand::Run { database, at, dry_run, dev, spread } } => {
            let db = Db::new(&database)?;
            let now = Clock::new(db.clone(), dev).now().await?;
            let at = at.unwrap_or(now);
            if dry_run { rehearse(&db, at, spread).await } else { digests(&db, at, now, spread).await }
        }
        Command::Audit { database, dev } => look_through(Db::new(&database)?, dev).await,
        Command::Healthcheck { target, wait } => healthcheck(&target, wait).await,
        Command::Job { command: JobCommand::Watch { target, token, job_id } } => {
            watch::watch(&target, token, job_id).await
        }
        Command::Demo(settings) => {
            demo::tell(&settings).await?;
            Ok(Ended::Well)
        }
    }
}

async fn migrate(database: &config::Database) -> Result<Ended> {
    let applied = db::migrate(database).await?;
    for migration in &applied {
        say(format_args!("applied {migration}"))?;
    }
    say(format_args!("the schema is at version {}", db::needed()))
}

/// Who the first account is made for.
struct Founder {
    account: String,
    email: String,
    first_name: String,
    last_name: String,
    time_zone: String,
    password_preset: String,
}

/// Makes the first account, its administrator with a password drawn here, and a key with every scope.
async fn bootstrap(db: &Db, who: &Founder) -> Result<Ended> {
    let email = Email::parse("email", &who.email).map_err(Error::from)?;
    let zone = profile::time_zone("time-zone", &who.time_zone).map_err(Error::from)?;
    let preset = Preset::named(&who.password_preset)
        .ok_or_else(|| Violation::new("password-preset", "must be NIST_2025 or PROCORE_STRICT"))?;
    let password = secret::token("")?;
    let phc = Hasher::default().hash(&password).await?;
    let now = Clock::new(db.clone(), false).now().await?;

    let mut client = db.client().await?;
    let tx = client.transaction().await?;
    let account = account::insert(&tx, &who.account, Some(&zone), now).await?;
    account::ask_of_passwords(&tx, account, preset).await?;
    let user = identity::insert(&tx, &email, &phc, now).await?;
    profile::insert(&tx, user, &who.first_name, &who.last_name, "", now).await?;
    account::add_member(&tx, account, user, AccountRole::Administrator, now).await?;
    let key = identity::make_key(&tx, "bootstrap", &SCOPES).await?;
    tx.commit_with(&[account::announce(user)]).await?;

    say(format_args!("ACCOUNT_ID={account}"))?;
    say(format_args!("USER_ID={user}"))?;
    say(format_args!("EMAIL={}", email.address))?;
    say(format_args!("PASSWORD={}", password.expose()))?;
    say(format_args!("SERVICE_KEY={}", key.expose()))
}

/// Has whoever shows a certificate for `san` be the service of `key`.
async fn bind(db: &Db, san: &str, key: &Secret) -> Result<Ended> {
    let name = identity::Name::parse("san", san).map_err(Error::from)?;
    let mut client = db.client().await?;
    let tx = client.transaction().await?;
    let key = identity::bind(&tx, &name, key).await?;
    tx.commit().await?;
    say(format_args!("{name} is the service {key}"))
}

/// Takes back what `san` is bound to.
async fn unbind(db: &Db, san: &str) -> Result<Ended> {
    let name = identity::Name::parse("san", san).map_err(Error::from)?;
    let mut client = db.client().await?;
    let tx = client.transaction().await?;
    let was = identity::unbind(&tx, &name).await?;
    tx.commit().await?;
    match was {
        Some(key) => say(format_args!("{name} is the service {key} no more")),
        None => say(format_args!("{name} is no service")),
    }
}

/// Keeps the person with the address `email` out, or lets them in again.
async fn set_disabled(db: &Db, email: &str, is_disabled: bool) -> Result<Ended> {
    let email = Email::parse("email", email).map_err(Error::from)?;
    let now = Clock::new(db.clone(), false).now().await?;
    let mut client = db.client().await?;
    let tx = client.transaction().await?;
    let person = identity::find(&tx, &email.key).await?;
    let user = person.ok_or_else(|| Error::NotFound(Kind::User, email.address))?.id;
    let has_changed = identity::set_disabled(&tx, user, is_disabled, now).await?;
    tx.commit().await?;
    let (is, been) = (if is_disabled { "disabled" } else { "enabled" }, if has_changed { "now" } else { "already" });
    say(format_args!("{user} is {been} {is}"))
}

async fn move_clock(db: Db, to: Option<Timestamp>, speed: f64) -> Result<Ended> {
    let shows = match to {
        Some(to) => clock::set(&db.client().await?, to, speed).await?,
        None => Clock::new(db, true).now().await?,
    };
    say(format_args!("{shows}"))
}

/// Says whose digests are due at `at`, and what they would tell.
async fn rehearse(db: &Db, at: Timestamp, spread: Duration) -> Result<Ended> {
    let when = When { now: at, spread };
    for digest::Rehearsed { beat, due, counts } in digest::rehearse(&db.client().await?, &when).await? {
        let (name, Due { at, account, user, .. }) = (beat.name(), due);
        let told = match counts {
            Some(Counts { shown, own, hidden, retracted, .. }) => {
                format!("{shown} to tell, {own} of their own, {hidden} for others, {retracted} taken back")
            }
            None => "put off to its hour as it is now".to_owned(),
        };
        say(format_args!("{at} {name} account {account} user {user}: {told}"))?;
    }
    Ok(Ended::Well)
}

/// Composes the digests that are due at `at`, as a daemon would have then. Not those that are still to come: people would get
/// them before their hour, and nothing at it.
async fn digests(db: &Db, at: Timestamp, now: Timestamp, spread: Duration) -> Result<Ended> {
    if now < at {
        return Err(Violation::new("at", format!("must not be later than now, {now}; --dry-run takes any")).into());
    }
    let terms = digest::Terms {
        batch: BATCH,
        lease: LEASE,
        spread,
        draining: CancellationToken::new(),
        composed: Arc::default(),
    };
    let crier = job::Crier::new(db.clone());
    for beat in [Beat::Daily, Beat::Weekly] {
        let digest::Told { mailed, empty, failed } = digest::digests(db, &crier, &terms, beat, at).await?;
        say(format_args!("{}: {mailed} to be mailed, {empty} with nothing to tell, {failed} failed", beat.name()))?;
    }
    Ok(Ended::Well)
}

async fn look_through(db: Db, dev: bool) -> Result<Ended> {
    let now = Clock::new(db.clone(), dev).now().await?;
    let findings = audit::run(&db, now).await?;
    for audit::Finding { code, subject, text } in &findings {
        say(format_args!("{code} {subject}: {text}"))?;
    }
    if findings.is_empty() {
        return say(format_args!("audit: nothing was lost, told twice or forgotten"));
    }
    Ok(Ended::Badly)
}

/// Asks for the health of the whole until it serves, or until `wait` is over.
async fn healthcheck(target: &Target, wait: Duration) -> Result<Ended> {
    let mut client = HealthClient::new(client::channel(target)?);
    let until = Instant::now() + wait;
    let mut pace = interval(ASK_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        let answer = client.check(HealthCheckRequest::default()).await;
        if answer.as_ref().is_ok_and(|it| it.get_ref().status() == ServingStatus::Serving) {
            return Ok(Ended::Well);
        }
        if until <= Instant::now() {
            let answer = answer.map_err(|status| client::failed("Check", &status))?;
            say(format_args!("{}", answer.get_ref().status().as_str_name()))?;
            return Ok(Ended::Badly);
        }
    }
}

/// Writes one line; a reader who has gone is no fault.
fn say(line: std::fmt::Arguments<'_>) -> Result<Ended> {
    write(format_args!("{line}\n"))?;
    Ok(Ended::Well)
}
