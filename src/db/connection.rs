//! A connection out of the pool, which stops what it does, and is closed, when nobody waits for it any more.
//!
//! The future of a call is dropped wherever it stands when its caller goes away or its time is over. PostgreSQL does
//! not hear of that: the statement would run on, and the next user of the connection would wait behind it.

use std::{
    ops::{Deref, DerefMut},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use deadpool_postgres::{GenericClient as Inner, Object};
use tokio::{runtime::Handle, time::timeout};
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::debug;

use super::DbError;

/// How long asking PostgreSQL to stop a statement may take.
const STOP_MAX: Duration = Duration::from_secs(2);

/// What runs statements: a connection, or a transaction on one.
pub trait GenericClient: Sync {
    /// What does it in the end.
    type Inner: Inner;

    /// What does it in the end.
    fn inner(&self) -> &Self::Inner;

    /// The statements that are waited for.
    fn running(&self) -> &Running;
}

/// Counts statements that were begun and whose end nobody has seen yet.
#[derive(Debug, Default)]
pub struct Running(AtomicUsize);

impl Running {
    /// Runs `statement`. One that is dropped before its end stays counted.
    pub(super) async fn see<T>(&self, statement: impl Future<Output = T>) -> T {
        self.0.fetch_add(1, Ordering::Relaxed);
        let ended = statement.await;
        self.0.fetch_sub(1, Ordering::Relaxed);
        ended
    }

    /// Whether there is any.
    pub(super) fn is_any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// A connection out of the pool, which goes back when it is dropped, unless it is still at work.
pub struct Connection {
    /// There until it is dropped.
    object: Option<Object>,
    running: Running,
    tls: MakeRustlsConnect,
}

impl Connection {
    pub(super) fn new(object: Object, tls: MakeRustlsConnect) -> Self {
        Self { object: Some(object), running: Running::default(), tls }
    }

    /// Begins a transaction, which is rolled back unless it is committed.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn transaction(&mut self) -> Result<Transaction<'_>, DbError> {
        let object = self.object.as_mut().expect(THERE);
        let inner = self.running.see(object.transaction()).await?;
        Ok(Transaction { inner, running: &self.running })
    }
}

/// Why there is an object.
const THERE: &str = "only drop takes it";

impl Deref for Connection {
    type Target = Object;

    fn deref(&self) -> &Object {
        self.object.as_ref().expect(THERE)
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Object {
        self.object.as_mut().expect(THERE)
    }
}

impl GenericClient for Connection {
    type Inner = Object;

    fn inner(&self) -> &Object {
        self
    }

    fn running(&self) -> &Running {
        &self.running
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        if !self.running.is_any() {
            return;
        }
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(stop(object, self.tls.clone()))),
            // Without a runtime closing it is all that can be done.
            Err(_) => drop(Object::take(object)),
        }
    }
}

/// Stops what `object` runs, and closes it. It does not go back to the pool: nobody learns when a stop has arrived, and
/// it might hit the next user's statement, or the end of a transaction. It keeps its place there until the stop is sent,
/// so that there are never more connections than the pool may have.
async fn stop(object: Object, tls: MakeRustlsConnect) {
    let stopped = timeout(STOP_MAX, object.cancel_token().cancel_query(tls)).await;
    drop(Object::take(object));
    debug!(heard = matches!(stopped, Ok(Ok(()))), "stopped a statement that nobody waited for");
}

/// A transaction, which is rolled back unless it is committed.
pub struct Transaction<'a> {
    inner: deadpool_postgres::Transaction<'a>,
    running: &'a Running,
}

impl Transaction<'_> {
    /// Makes everything in it last.
    ///
    /// # Errors
    ///
    /// What the database says; then nothing of it lasts.
    pub async fn commit(self) -> Result<(), DbError> {
        self.running.see(self.inner.commit()).await
    }
}

impl<'a> Deref for Transaction<'a> {
    type Target = deadpool_postgres::Transaction<'a>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl<'a> GenericClient for Transaction<'a> {
    type Inner = deadpool_postgres::Transaction<'a>;

    fn inner(&self) -> &Self::Inner {
        &self.inner
    }

    fn running(&self) -> &Running {
        self.running
    }
}
