//! A morning of digests through the daemon: who is due is claimed and composed; then mails are claimed, written, signed, sent
//! and settled.

use std::{
    env,
    ffi::OsString,
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use clap::Parser as _;
use jiff::Timestamp;
use rcgen::{KeyPair, PKCS_ED25519};
use workcenter::{
    config,
    daemon::{Daemon, Sweep},
    db::{self, Db},
    error::Error,
    process,
    secret::Secret,
    server::Parts,
};

use crate::{Result, cpu_us};

/// When the digests are due.
const MORNING: &str = "2027-03-02T07:00:00Z";

/// WorkCenters of each person, and what has happened in each: about 30 kB of mail.
const EACH: usize = 6;
const EVENTS: usize = 8;

/// People of an account, and of each WorkCenter in it.
const ACCOUNT: usize = 1_000;
const WORKCENTER: usize = 100;

/// The mails of the day before, without which the database would plan for a table that is empty.
const YESTERDAY: &str = "
    insert into mail (id, account_id, user_id, kind, subject_id, lane, state, message_id, dated_at, try_at, ended_at)
    select gen_random_uuid(), account_id, user_id, 'DIGEST', gen_random_uuid(), 1, 'SENT', gen_random_uuid()::text, at, at, at
    from member, (select timestamptz '2027-03-01T07:00:00Z' as at) yesterday;
    analyze mail";

/// Connections to the database besides one for each session.
const CONNECTIONS: usize = 4;

/// A database of its own with digests that are due, and a folder; both are gone with [`Stage::clear`].
struct Stage {
    server: String,
    name: String,
    folder: PathBuf,
}

/// The settings of the database called `name` on the server at `server`.
fn database(server: &str, name: &str) -> config::Database {
    let base = server.rsplit_once('/').map_or(server, |(base, _)| base);
    config::Database { url: Secret::from(format!("{base}/{name}")), authorities: None, pool: 1 }
}

impl Stage {
    async fn with(server: &str, people: usize) -> Result<Self> {
        let name = format!("mails_{}", std::process::id());
        let folder = env::temp_dir().join(&name);
        fs::create_dir(&folder)?;
        let client = Db::new(&database(server, "postgres"))?.client().await?;
        client.batch_execute(&format!("create database {name}")).await?;
        let ours = database(server, &name);
        db::migrate(&ours).await?;
        let account = people.min(ACCOUNT);
        let places = (account * EACH / WORKCENTER).max(EACH);
        let mut seed = include_str!("../../tests/data/people.sql").to_owned();
        for (word, number) in
            [(":people", people), (":account", account), (":places", places), (":each", EACH), (":events", EVENTS)]
        {
            seed = seed.replace(word, &number.to_string());
        }
        let client = Db::new(&ours)?.client().await?;
        client.batch_execute("set statement_timeout = 0").await?;
        client.batch_execute(&seed).await?;
        client.batch_execute(YESTERDAY).await?;
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        fs::write(folder.join("key.pem"), key.serialize_pem())?;
        Ok(Self { server: server.to_owned(), name, folder })
    }

    async fn clear(self) -> Result<()> {
        let client = Db::new(&database(&self.server, "postgres"))?.client().await?;
        client.batch_execute(&format!("drop database {} with (force)", self.name)).await?;
        Ok(fs::remove_dir_all(self.folder)?)
    }

    /// The settings of a program of ours, most of them the usual ones; into a folder without a `relay`.
    fn settings(&self, relay: Option<u16>, sessions: usize) -> Result<config::Daemon> {
        let path = |name: &str| self.folder.join(name).into_os_string();
        let mut arguments: Vec<OsString> = vec!["mails".into(), "--dev".into()];
        let mut set = |name: &str, value: OsString| arguments.extend([name.into(), value]);
        set("--database-url", database(&self.server, &self.name).url.expose().into());
        set("--database-pool", (sessions + CONNECTIONS).to_string().into());
        set("--token-key", "0a".repeat(32).into());
        set("--blob-dir", path("blobs"));
        set("--mail-dir", path("mails"));
        set("--dkim-key-file", path("key.pem"));
        set("--dkim-selector", "bench".into());
        set("--digest-spread-minutes", "0".into());
        set("--mail-sessions", sessions.to_string().into());
        if let Some(port) = relay {
            set("--smtp-url", format!("smtp://127.0.0.1:{port}").into());
        }
        Ok(config::Daemon::try_parse_from(arguments)?)
    }

    /// How many mails there are that have not gone.
    async fn waiting(&self) -> Result<i64> {
        let client = Db::new(&database(&self.server, &self.name))?.client().await?;
        Ok(client.query_one("select count(*) from mail where state <> 'SENT'", &[]).await?.get(0))
    }
}

/// Writes one of our mails into `file`, as the others send it; `server` is where databases may be made.
pub async fn sample(server: &str, file: &str) -> Result<()> {
    let stage = Stage::with(server, 1).await?;
    let settings = stage.settings(None, 1)?;
    let daemon = Daemon::new(Parts::open(&settings.database, &settings.shared).await?, &settings);
    for sweep in [Sweep::Daily, Sweep::Outbox] {
        daemon.step(sweep, MORNING.parse()?).await?;
    }
    let mail = fs::read_dir(stage.folder.join("mails"))?.next().ok_or("no mail was written")??;
    fs::copy(mail.path(), file)?;
    drop(daemon);
    stage.clear().await
}

/// Composes and delivers so many digests, from a database on `server`.
pub async fn turn(server: &str, port: u16, sessions: usize, count: usize) -> Result<()> {
    let stage = Stage::with(server, count).await?;
    let settings = stage.settings(Some(port), sessions)?;
    process::log(&settings.shared)?;
    let daemon = Daemon::new(Parts::open(&settings.database, &settings.shared).await?, &settings);
    let now: Timestamp = MORNING.parse()?;

    // Side by side, as the daemon does it: what is composed goes while more is.
    let (began, cpu) = (Instant::now(), cpu_us()?);
    let composed = AtomicBool::new(false);
    let composing = async {
        daemon.step(Sweep::Daily, now).await?;
        composed.store(true, Ordering::Relaxed);
        Ok::<(), Error>(())
    };
    let delivering = async {
        loop {
            let is_last = composed.load(Ordering::Relaxed);
            daemon.step(Sweep::Outbox, now).await?;
            if is_last {
                return Ok(());
            }
        }
    };
    tokio::try_join!(composing, delivering)?;
    let (all, cpu) = (began.elapsed().as_secs_f64(), cpu_us()? - cpu);

    let waiting = stage.waiting().await?;
    if waiting > 0 {
        return Err(format!("{waiting} mails did not go").into());
    }
    let each = count as f64;
    println!(r#"{{"mails_per_s": {:.1}, "cpu_us": {:.1}}}"#, each / all, cpu / each);
    drop(daemon);
    stage.clear().await
}
