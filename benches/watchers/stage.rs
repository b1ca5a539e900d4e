//! A database of its own with jobs, our server on it, and who moves the jobs.

use std::{
    env,
    process::Stdio,
    time::{Duration, Instant},
};

use futures_util::stream;
use jiff::{SignedDuration, Timestamp};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};
use tokio_postgres::AsyncMessage;
use uuid::Uuid;
use workcenter::{
    auth::SCOPE_JOBS,
    config,
    db::{self, Db, Door},
    job::{self, Crier, Done, Run},
    secret::{self, Secret},
};

use crate::Result;

/// Items of a job: more than it is ever moved.
const ITEMS: i64 = 1_000_000;

const KEY: &str = "
    insert into service_key (id, name, key_hash, scopes, created_at)
    values (gen_random_uuid(), 'bench', $1, array[$2], now())";

const ACCOUNT: &str = "insert into account (id, name, created_at) values ($1, 'Account', now())";

/// It is gone with [`Stage::clear`].
pub struct Stage {
    /// Where the server is, and its process.
    pub address: String,
    pub pid: u32,
    /// Who may watch.
    pub key: String,
    pub jobs: Vec<Uuid>,
    program: Child,
    settings: config::Database,
    on: String,
    name: String,
    db: Db,
    crier: Crier,
}

/// The settings of the database called `name` on the server at `server`.
fn database(server: &str, name: &str) -> config::Database {
    let base = server.rsplit_once('/').map_or(server, |(base, _)| base);
    config::Database { url: Secret::from(format!("{base}/{name}")), authorities: None, pool: 2 }
}

/// Begins so many jobs of a new account.
async fn begun(db: &Db, count: usize) -> Result<Vec<Uuid>> {
    let mut client = db.client().await?;
    let account = Uuid::from_u128(1);
    client.execute(ACCOUNT, &[&account]).await?;
    let first: Timestamp = "2027-03-02T07:00:00Z".parse()?;
    let tx = client.transaction().await?;
    let mut jobs = Vec::new();
    for number in 0..count {
        let due_at = first + SignedDuration::from_mins(i64::try_from(number)?);
        jobs.push(job::digest_run(&tx, &Run { account, cadence: "DAILY", due_at }, ITEMS).await?);
    }
    tx.commit().await?;
    Ok(jobs)
}

impl Stage {
    pub async fn set(server: &str, jobs: usize) -> Result<Self> {
        let name = format!("watchers_{}", std::process::id());
        let client = Db::new(&database(server, "postgres"))?.client().await?;
        client.batch_execute(&format!("create database {name}")).await?;
        let settings = database(server, &name);
        db::migrate(&settings).await?;
        let db = Db::new(&settings)?;
        let key = secret::token("wck_")?;
        db.client().await?.execute(KEY, &[&secret::hash(key.expose()).as_slice(), &SCOPE_JOBS]).await?;
        let jobs = begun(&db, jobs).await?;
        db.client().await?.batch_execute("vacuum analyze").await?;

        let mut program = Command::new(env!("CARGO_BIN_EXE_workcenter-server"))
            .env_clear()
            .env("DATABASE_URL", settings.url.expose())
            .env("TOKEN_KEY", "0a".repeat(32))
            .env("SERVER_LISTEN", "127.0.0.1:0")
            .env("BLOB_DIR", env::temp_dir())
            .env("DRAIN_SECONDS", "1")
            .env("DRAIN_DELAY_SECONDS", "0")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut log = BufReader::new(program.stderr.take().ok_or("no log")?).lines();
        let address = loop {
            let line = log.next_line().await?.ok_or("the server has ended")?;
            if let Some((_, rest)) = line.split_once("Some(") {
                break rest.split_once(')').ok_or("no address")?.0.to_owned();
            }
        };
        // It would wait for that.
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        let pid = program.id().ok_or("the server has ended")?;
        let (key, address) = (key.expose().to_owned(), format!("http://{address}"));
        let crier = Crier::new(db.clone());
        Ok(Self { address, pid, key, jobs, program, settings, on: server.to_owned(), name, db, crier })
    }

    /// Moves these jobs in one transaction, has it told of, and returns when it had committed.
    pub async fn step(&self, jobs: &[Uuid]) -> Result<Instant> {
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        for job in jobs {
            job::advance(&tx, *job, &Done { done: 1, ..Done::default() }).await?;
        }
        tx.commit().await?;
        let committed = Instant::now();
        match jobs {
            [job] => self.crier.moved(*job, false).await,
            // As many as move at the same moment are told of at once, as those are that end together.
            several => self.crier.over(several).await,
        }
        Ok(committed)
    }

    /// How many notices a second there are of a job that moves for so long.
    pub async fn words(&self, time: Duration) -> Result<f64> {
        let (client, mut connection) = Door::new(&self.settings)?.open().await?;
        let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
        let heard = tokio::spawn(async move {
            let mut words = 0_u32;
            while let Some(Ok(message)) = futures_util::StreamExt::next(&mut messages).await {
                words += u32::from(matches!(message, AsyncMessage::Notification(_)));
            }
            words
        });
        client.batch_execute("listen job").await?;
        let began = Instant::now();
        while began.elapsed() < time {
            self.step(&self.jobs).await?;
        }
        let took = began.elapsed();
        drop(client);
        Ok(f64::from(heard.await?) / took.as_secs_f64())
    }

    pub async fn clear(mut self) -> Result<()> {
        self.program.kill().await?;
        let client = Db::new(&database(&self.on, "postgres"))?.client().await?;
        Ok(client.batch_execute(&format!("drop database {} with (force)", self.name)).await?)
    }
}
