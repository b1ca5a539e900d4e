//! A connection out of the pool, which stops what it does, and is closed, when nobody waits for it any more.
//!
//! The future of a call is dropped wherever it stands when its caller goes away or its time is over. PostgreSQL does
//! not hear of that: the statement would run on, and the next user of the connection would wait behind it.

use std::{
    ops::Deref,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use deadpool_postgres::Object;
use tokio::{runtime::Handle, time::timeout};
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::debug;

use super::{DbError, SqlState, transaction::Transaction};
use crate::trace;

/// How long asking PostgreSQL to stop a statement may take.
const STOP_MAX: Duration = Duration::from_secs(2);

/// What runs statements: a connection, or a transaction on one.
pub trait GenericClient: Sync {
    /// What does it in the end.
    fn inner(&self) -> &Object;

    /// Runs `statement`, which is `text`, and stops it when nobody waits for it any more.
    fn see<T: Send>(
        &self,
        text: &str,
        statement: impl Future<Output = Result<T, DbError>> + Send,
    ) -> impl Future<Output = Result<T, DbError>> + Send;
}

/// Counts statements that were begun and whose end nobody has seen yet.
#[derive(Debug, Default)]
pub struct Running(AtomicUsize);

impl Running {
    /// Runs `statement`, which is `text`, as a part of the trace that there is. One that is dropped before its end stays counted.
    pub(super) async fn see<T>(
        &self,
        text: &str,
        statement: impl Future<Output = Result<T, DbError>>,
    ) -> Result<T, DbError> {
        let span = trace::statement(text);
        self.0.fetch_add(1, Ordering::Relaxed);
        let ended = statement.await;
        self.0.fetch_sub(1, Ordering::Relaxed);
        if let (Some(span), Err(error)) = (&span, &ended) {
            span.fail(error.code().map_or("", SqlState::code));
        }
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

    /// Begins a transaction, which is rolled back unless it is committed. PostgreSQL's word on that comes with its first
    /// statement, which should not be a write: it would last if PostgreSQL were told to stop at BEGIN, and at that alone.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn transaction(&mut self) -> Result<Transaction<'_>, DbError> {
        Transaction::begin(self.object.as_ref().expect(THERE), &self.running).await
    }

    /// The statements that are waited for.
    pub(super) fn running(&self) -> &Running {
        &self.running
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

impl GenericClient for Connection {
    fn inner(&self) -> &Object {
        self
    }

    async fn see<T: Send>(
        &self,
        text: &str,
        statement: impl Future<Output = Result<T, DbError>> + Send,
    ) -> Result<T, DbError> {
        self.running.see(text, statement).await
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
