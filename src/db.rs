//! The database: the pool, the one way to run a statement, and the migrations.
//!
//! A statement is built in a `store.rs` and run here; every one is prepared once for each connection.

mod cells;
mod connection;
mod door;
mod lane;
mod transaction;

use std::{
    error::Error as StdError,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use deadpool_postgres::{Manager, ManagerConfig, Pool, PoolError, QueueMode, RecyclingMethod, Runtime, Status};
use sea_query::{PostgresQueryBuilder, QueryStatementWriter};
use sea_query_postgres::PostgresBinder;
use tokio_postgres::{Column, error::SqlState, types::FromSql};
use tokio_postgres_rustls::MakeRustlsConnect;

pub use cells::Cells;
pub use connection::{Connection, GenericClient};
pub use door::{Door, Wire};
pub use lane::Reader;
pub use tokio_postgres::{Error as DbError, Row, types::ToSql};
pub use transaction::{Statement, Transaction};

use self::lane::Lanes;
use crate::{
    config,
    error::{Error, Reason, Result},
};

/// How long a call waits for a connection before it is told to come back.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// How long opening a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// What every connection is opened with: a statement that runs for longer than this is a fault,
/// and a transaction whose caller has gone must not keep its locks.
const SESSION: &str = "-c statement_timeout=30s -c idle_in_transaction_session_timeout=10s -c timezone=UTC";

/// The advisory lock that one migration holds: the first eight bytes of the product's name.
const MIGRATION_LOCK: i64 = i64::from_be_bytes(*b"workcent");

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The pool of connections. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
    lanes: Arc<Lanes>,
    /// What a connection says is stopped over another, which is opened like it.
    tls: MakeRustlsConnect,
    asked: Arc<Asked>,
}

/// What became of asking for connections.
#[derive(Default)]
struct Asked {
    had: AtomicU64,
    refused: AtomicU64,
    waited_us: AtomicU64,
}

/// What became of asking for connections since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waited {
    /// How often one was had.
    pub had: u64,
    /// How often none was had: none came free in time, or the database was away.
    pub refused: u64,
    /// How long it took in all.
    pub time: Duration,
}

impl Db {
    /// Makes a pool for `settings`. No connection is opened yet.
    ///
    /// # Errors
    ///
    /// As [`Door::new`].
    pub fn new(settings: &config::Database) -> Result<Self> {
        let Door { config, tls } = Door::new(settings)?;
        let pool = |size| {
            let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
            let manager = Manager::from_config(config.clone(), tls.clone(), recycling);
            Pool::builder(manager)
                .max_size(size)
                .runtime(Runtime::Tokio1)
                // Those that were used last have the plans and the catalogue at hand; taken by turns, each would have to
                // learn all.
                .queue_mode(QueueMode::Lifo)
                .wait_timeout(Some(WAIT_MAX))
                .create_timeout(Some(CONNECT_MAX))
                .recycle_timeout(Some(CONNECT_MAX))
                .build()
                .map_err(Error::internal)
        };
        let lanes = Arc::new(Lanes::new(pool(lane::OPEN_MAX)?, tls.clone()));
        Ok(Self { pool: pool(settings.pool)?, lanes, tls, asked: Arc::default() })
    }

    /// Takes a connection out of the pool.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when none comes free in time, or the database is away.
    pub async fn client(&self) -> Result<Connection> {
        let began = Instant::now();
        let had = self.pool.get().await;
        let count = if had.is_ok() { &self.asked.had } else { &self.asked.refused };
        count.fetch_add(1, Ordering::Relaxed);
        let took_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.asked.waited_us.fetch_add(took_us, Ordering::Relaxed);
        Ok(Connection::new(had?, self.tls.clone()))
    }

    /// What to read on where a call takes no more than a statement, or a few that know nothing of each other: a
    /// connection that others read on at the same time. Nothing may be written on it, and nothing set.
    ///
    /// # Errors
    ///
    /// As [`Self::client`].
    pub async fn reader(&self) -> Result<Reader> {
        let shared = Arc::clone(&self.lanes).part(WAIT_MAX).await?;
        if shared.is_full() {
            return Ok(Reader::Own(Box::new(self.client().await?)));
        }
        Ok(Reader::Shared(shared))
    }

    /// As [`Self::reader`], for a read that others wait for who have theirs: never one out of the pool, of which they may have
    /// all, but a shared one, however many are on it.
    ///
    /// # Errors
    ///
    /// As [`Self::client`].
    pub async fn crowded_reader(&self) -> Result<Reader> {
        Ok(Reader::Shared(Arc::clone(&self.lanes).part(WAIT_MAX).await?))
    }

    /// What became of asking for connections. A caller who went away while they waited is not counted.
    pub fn waited(&self) -> Waited {
        let Asked { had, refused, waited_us } = &*self.asked;
        let read = |it: &AtomicU64| it.load(Ordering::Relaxed);
        Waited { had: read(had), refused: read(refused), time: Duration::from_micros(read(waited_us)) }
    }

    /// How many connections there are, and how many calls wait for one.
    pub fn status(&self) -> Status {
        self.pool.status()
    }

    /// Whether the database answers and has at least the migrations that this program knows.
    ///
    /// A newer schema is fine: each migration suits the version before it.
    pub async fn ready(&self) -> bool {
        self.schema().await.is_ok_and(|have| have >= needed())
    }

    /// The version of the schema that the database has; 0 for none.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when the database is away.
    pub async fn schema(&self) -> Result<u32> {
        let client = self.client().await?;
        let found = client.query_opt("select max(version)::bigint as version from refinery_schema_history", &[]).await;
        match found {
            Ok(row) => {
                let version: Option<i64> = row.and_then(|it| it.get("version"));
                Ok(version.and_then(|it| u32::try_from(it).ok()).unwrap_or(0))
            }
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}

/// The version of the newest migration that this program knows.
pub fn needed() -> u32 {
    let newest = embedded::migrations::runner().get_migrations().iter().map(|it| it.version()).max();
    newest.and_then(|it| u32::try_from(it).ok()).unwrap_or(0)
}

/// Brings the schema up to date, alone: a second one waits. Returns the versions that were applied.
///
/// # Errors
///
/// [`Error::Unavailable`] when the database is away, [`Error::Internal`] when a migration fails.
pub async fn migrate(settings: &config::Database) -> Result<Vec<String>> {
    // A migration may take its time.
    let door = Door::new(settings)?.with_session("-c timezone=UTC");
    let (mut client, connection) = door.open().await?;
    let connection = tokio::spawn(connection);
    client.execute("select pg_advisory_lock($1)", &[&MIGRATION_LOCK]).await?;
    let report = embedded::migrations::runner().run_async(&mut client).await.map_err(Error::internal)?;
    // The lock goes with the connection.
    drop(client);
    connection.await.map_err(Error::internal)??;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

/// Rows that a statement of housekeeping removes or changes at most: well within its time, and no lock is held for long.
pub const SWEPT_MAX: i64 = 10_000;

/// Runs a statement that yields at most one row.
///
/// # Errors
///
/// What the database says.
pub async fn row(
    on: &impl GenericClient,
    statement: &(impl QueryStatementWriter + PostgresBinder),
) -> Result<Option<Row>, DbError> {
    let (text, values) = statement.build_postgres(PostgresQueryBuilder);
    on.see(&text, async {
        let prepared = on.inner().prepare_cached(&text).await?;
        on.inner().query_opt(&prepared, &values.as_params()).await
    })
    .await
}

/// Runs a statement that yields rows.
///
/// # Errors
///
/// What the database says.
pub async fn rows(
    on: &impl GenericClient,
    statement: &(impl QueryStatementWriter + PostgresBinder),
) -> Result<Vec<Row>, DbError> {
    let (text, values) = statement.build_postgres(PostgresQueryBuilder);
    on.see(&text, async {
        let prepared = on.inner().prepare_cached(&text).await?;
        on.inner().query(&prepared, &values.as_params()).await
    })
    .await
}

/// Runs a statement for its effect; returns how many rows it touched.
///
/// # Errors
///
/// What the database says.
pub async fn execute(
    on: &impl GenericClient,
    statement: &(impl QueryStatementWriter + PostgresBinder),
) -> Result<u64, DbError> {
    let (text, values) = statement.build_postgres(PostgresQueryBuilder);
    on.see(&text, async {
        let prepared = on.inner().prepare_cached(&text).await?;
        on.inner().execute(&prepared, &values.as_params()).await
    })
    .await
}

/// Runs a set-based statement that stands as text beside its store.
///
/// # Errors
///
/// What the database says.
pub async fn text(
    on: &impl GenericClient,
    statement: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, DbError> {
    on.see(statement, async {
        let prepared = on.inner().prepare_cached(statement).await?;
        on.inner().query(&prepared, values).await
    })
    .await
}

/// Runs a statement that was made for later; returns how many rows it touched.
///
/// # Errors
///
/// What the database says.
pub async fn run(on: &impl GenericClient, statement: &Statement<'_>) -> Result<u64, DbError> {
    on.see(statement.text(), async {
        let prepared = on.inner().prepare_cached(statement.text()).await?;
        on.inner().execute(&prepared, &statement.values()).await
    })
    .await
}

/// The name of the constraint that `error` says was violated.
pub fn violated(error: &DbError) -> Option<&str> {
    error.as_db_error()?.constraint()
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        match error.code() {
            Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED) => {
                Self::Conflict(Reason::WriteConflict)
            }
            Some(code) if away(code) => Self::Unavailable(Reason::StoreUnavailable, Some(error.into())),
            None if silent(&error) => Self::Unavailable(Reason::StoreUnavailable, Some(error.into())),
            _ => Self::Internal(error.into()),
        }
    }
}

/// Whether there was no answer, rather than one that could not be used.
fn silent(error: &DbError) -> bool {
    error.is_closed() || error.source().is_none_or(|it| it.is::<std::io::Error>())
}

/// Whether a code says that the database is away for a while, full, or told to give up: classes 08, 53 and 57.
fn away(code: &SqlState) -> bool {
    ["08", "53", "57"].iter().any(|class| code.code().starts_with(class))
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) if error.source().is_none() => error.into(),
            other => Self::Unavailable(Reason::StoreUnavailable, Some(other.into())),
        }
    }
}
