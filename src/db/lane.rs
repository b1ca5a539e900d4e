//! Connections that calls share, for reads that are one statement: many are on their way at a time, and nobody waits
//! for a connection to come free, which costs more than most of these reads.
//!
//! A read that nobody waits for any more comes to its end like the others. Where it does not soon, for it waits for a
//! lock, nobody else begins on its connection, and that is closed as soon as all have gone who are on it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use deadpool_postgres::{Object, Pool};
use tokio::{sync::Mutex, time::timeout};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    DbError,
    connection::{Connection, GenericClient, Running},
};
use crate::error::{Error, Reason, Result};

/// How many connections are shared. Each is answered by one process of PostgreSQL, one read after the other: two keep
/// the cores of a small machine busy, and one that is slow does not hold up everybody.
pub(super) const LANES: usize = 2;

/// How many connections there may be, with those that are about to be closed.
pub(super) const OPEN_MAX: usize = 2 * LANES;

/// How many calls share a connection. Who comes when it is full takes one out of the pool, and waits for that if need
/// be.
const SHARED_MAX: usize = 200;

/// How long what nobody waits for may hold up those behind it: many times as long as any of these reads takes.
const LEFT_MAX: Duration = Duration::from_millis(500);

/// The connections that are shared.
pub(super) struct Lanes {
    pool: Pool,
    tls: MakeRustlsConnect,
    places: [Place; LANES],
    turn: AtomicUsize,
}

/// Where a connection is that is shared.
#[derive(Default)]
struct Place {
    open: Mutex<Option<Arc<Lane>>>,
    /// How many have a part in it.
    parts: AtomicUsize,
    /// How many of their statements are not answered yet.
    under_way: AtomicUsize,
}

impl Place {
    /// What makes a place worse than another: that it is full, and then what stands before a statement there. Many of
    /// those who have a part may have nothing to ask.
    fn crowd(&self) -> (bool, usize) {
        (self.parts.load(Ordering::Relaxed) >= SHARED_MAX, self.under_way.load(Ordering::Relaxed))
    }
}

/// One more, until it is dropped.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that is shared.
struct Lane {
    connection: Connection,
    /// Whether it is being looked after.
    is_watched: AtomicBool,
}

/// What reads run on: a connection that others read on as well, or one out of the pool.
pub enum Reader {
    /// Others read on it as well.
    Shared(Shared),
    /// Nobody else does.
    Own(Box<Connection>),
}

/// A part in a connection.
pub struct Shared {
    lanes: Arc<Lanes>,
    place: usize,
    lane: Arc<Lane>,
    running: Running,
}

impl Lanes {
    /// Opens connections as `pool` does. None is opened yet.
    pub fn new(pool: Pool, tls: MakeRustlsConnect) -> Self {
        Self { pool, tls, places: Default::default(), turn: AtomicUsize::default() }
    }

    /// Takes part in the connection that has room and the fewest statements before it, which is opened if it has to be.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when the database is away, or does not answer `within` that time.
    pub async fn part(self: Arc<Self>, within: Duration) -> Result<Shared> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let places = (0..LANES).map(|it| (turn.wrapping_add(it)) % LANES);
        let place = places.min_by_key(|it| self.places[*it].crowd()).unwrap_or_default();
        // While it is being opened, others go elsewhere.
        let opening = Counted::new(&self.places[place].under_way);
        let found = timeout(within, self.lane(place)).await;
        drop(opening);
        let lane = found.map_err(|late| Error::Unavailable(Reason::StoreUnavailable, Some(late.into())))??;
        self.places[place].parts.fetch_add(1, Ordering::Relaxed);
        Ok(Shared { lanes: self, place, lane, running: Running::default() })
    }

    async fn lane(&self, place: usize) -> Result<Arc<Lane>> {
        let mut open = self.places[place].open.lock().await;
        if let Some(lane) = open.as_ref().filter(|it| !it.connection.is_closed()) {
            return Ok(Arc::clone(lane));
        }
        // It goes before another comes: there is room for so many.
        *open = None;
        let connection = Connection::new(self.pool.get().await?, self.tls.clone());
        let lane = Arc::new(Lane { connection, is_watched: AtomicBool::default() });
        *open = Some(Arc::clone(&lane));
        Ok(lane)
    }

    /// Sees to it that nobody begins anything on `lane` when it does not come free soon.
    async fn look_after(self: Arc<Self>, place: usize, lane: Arc<Lane>) {
        // It is answered when all is done that stands before it.
        let answered = timeout(LEFT_MAX, lane.connection.running().see("", lane.connection.simple_query(""))).await;
        lane.is_watched.store(false, Ordering::Relaxed);
        if answered.is_ok() {
            return;
        }
        let mut open = self.places[place].open.lock().await;
        if open.as_ref().is_some_and(|it| Arc::ptr_eq(it, &lane)) {
            *open = None;
        }
    }
}

impl Shared {
    /// Whether more have a part in the connection than should have.
    pub fn is_full(&self) -> bool {
        // One is where they stand.
        Arc::strong_count(&self.lane) > SHARED_MAX + 1
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.lanes.places[self.place].parts.fetch_sub(1, Ordering::Relaxed);
        if !self.running.is_any() || self.lane.is_watched.swap(true, Ordering::Relaxed) {
            return;
        }
        let (lanes, lane) = (Arc::clone(&self.lanes), Arc::clone(&self.lane));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(lanes.look_after(self.place, lane));
        }
    }
}

impl GenericClient for Reader {
    fn inner(&self) -> &Object {
        match self {
            Self::Shared(it) => &it.lane.connection,
            Self::Own(it) => it,
        }
    }

    async fn see<T: Send>(
        &self,
        text: &str,
        statement: impl Future<Output = Result<T, DbError>> + Send,
    ) -> Result<T, DbError> {
        match self {
            Self::Shared(it) => {
                let _under_way = Counted::new(&it.lanes.places[it.place].under_way);
                it.running.see(text, statement).await
            }
            Self::Own(it) => it.running().see(text, statement).await,
        }
    }
}
