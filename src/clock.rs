//! The current time: the database's, so that all programs agree.
//!
//! With `--dev` it is the time of the one row of `dev_clock`, which `workcenterctl clock` moves and which never goes
//! backwards. Leases, retries and the limits of sessions do not come here: they use `now()` in their statements.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    db::{self, Db},
    error::Result,
};

/// How long the database's time is carried on by this machine's own clock before it is asked again.
const TRUSTED_FOR: Duration = Duration::from_secs(10);

/// The database's real time.
const REAL: &str = "select clock_timestamp() as now";

/// The time of the development clock; the real one until it is moved for the first time.
const DEV: &str = "select coalesce(
    (select anchor + (clock_timestamp() - set_at) * speed from dev_clock), clock_timestamp()) as now";

/// Moves the development clock: to $1, or to where it is when that is later, from there on at $2.
const MOVE: &str = "insert into dev_clock (anchor, speed, set_at)
    values ($1, $2, clock_timestamp())
    on conflict (only_row) do update set
        anchor = greatest(excluded.anchor,
            dev_clock.anchor + (excluded.set_at - dev_clock.set_at) * dev_clock.speed),
        speed = excluded.speed,
        set_at = excluded.set_at
    returning anchor as now";

/// Tells the time. Cheap to clone.
#[derive(Clone)]
pub struct Clock {
    db: Db,
    dev: bool,
    seen: Arc<Mutex<Option<(Instant, Timestamp)>>>,
}

impl Clock {
    /// The clock of `db`: the development clock when `dev`.
    pub fn new(db: Db, dev: bool) -> Self {
        Self { db, dev, seen: Arc::default() }
    }

    /// The time now, to the microsecond that the database keeps.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Unavailable`] when the database is away and has not been asked lately.
    pub async fn now(&self) -> Result<Timestamp> {
        if !self.dev
            && let Some((asked, told)) = *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
            && asked.elapsed() < TRUSTED_FOR
            && let Ok(passed) = SignedDuration::try_from(asked.elapsed())
        {
            return Ok(microseconds(told + passed));
        }
        let asked = Instant::now();
        let client = self.db.client().await?;
        let rows = db::text(&client, if self.dev { DEV } else { REAL }, &[]).await?;
        let told: Timestamp = rows[0].get("now");
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((asked, told));
        Ok(told)
    }
}

/// Moves the development clock forward to `to` and lets it run at `speed`; returns what it shows.
///
/// It never goes backwards: an earlier `to` changes its speed alone.
///
/// # Errors
///
/// [`crate::error::Error::Unavailable`] when the database is away.
pub async fn set(on: &impl db::GenericClient, to: Timestamp, speed: f64) -> Result<Timestamp> {
    let rows = db::text(on, MOVE, &[&to, &speed]).await?;
    Ok(rows[0].get("now"))
}

/// PostgreSQL keeps microseconds: what is handed to it must come back the same.
fn microseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}
