//! A transaction that waits for its statements alone: BEGIN goes ahead of the first one, and COMMIT along with the last.
//!
//! A message to PostgreSQL is on its way once its future was polled, and the answers come in the order of the messages.

use std::{
    borrow::Cow,
    future::poll_fn,
    ops::Deref,
    pin::{Pin, pin},
    sync::{Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use deadpool_postgres::Object;

use super::{
    DbError, ToSql,
    connection::{GenericClient, Running},
};

/// How a transaction ends that is to last.
const COMMIT: &str = "commit";

/// What is waited for after a message.
type Answer<'a> = Pin<Box<dyn Future<Output = Result<(), DbError>> + Send + 'a>>;

/// A transaction, which is rolled back unless it is committed.
pub struct Transaction<'a> {
    object: &'a Object,
    running: &'a Running,
    /// What BEGIN is answered, until somebody waits for it.
    begun: Mutex<Option<Answer<'a>>>,
    /// Whether its end was sent.
    is_over: bool,
}

/// A statement and its values, to be run when it is time for it.
pub struct Statement<'a> {
    text: Cow<'static, str>,
    values: Vec<Box<dyn ToSql + Send + Sync + 'a>>,
}

impl<'a> Transaction<'a> {
    /// Sends BEGIN, which is answered with the first statement. PostgreSQL refuses it when the session is at its end, or
    /// is told to stop at that very moment. What is on its way then runs by itself, but whoever sent it is told.
    ///
    /// # Errors
    ///
    /// That the connection is closed.
    pub(super) async fn begin(object: &'a Object, running: &'a Running) -> Result<Self, DbError> {
        let mut begun: Answer<'a> = Box::pin(object.batch_execute("begin"));
        let begun = match sent(&mut begun).await {
            Poll::Ready(answer) => answer.map(|()| None)?,
            Poll::Pending => Some(begun),
        };
        Ok(Self { object, running, begun: Mutex::new(begun), is_over: false })
    }

    /// Makes everything in it last.
    ///
    /// # Errors
    ///
    /// What the database says; then nothing of it lasts.
    pub async fn commit(mut self) -> Result<(), DbError> {
        self.is_over = true;
        self.see(COMMIT, self.object.batch_execute(COMMIT)).await
    }

    /// Runs these statements, one after the other, and makes everything last, without waiting in between. For those
    /// whose rows nobody looks at: when one is answered, it is too late to change one's mind.
    ///
    /// # Errors
    ///
    /// What the database says of the first that fails; then nothing of the transaction lasts.
    pub async fn commit_with(mut self, last: &[Statement<'_>]) -> Result<(), DbError> {
        let Self { object, running, .. } = self;
        // What is prepared while COMMIT is on its way would be run after it. In a trace they take no time: COMMIT has it.
        let mut ready = Vec::with_capacity(last.len());
        for it in last {
            ready.push((self.see(&it.text, object.prepare_cached(&it.text)).await?, it.values()));
        }
        let statements = ready
            .iter()
            .map(|(it, values)| -> Answer<'_> { Box::pin(async { object.execute(it, values).await.map(drop) }) });
        running
            .see(COMMIT, async {
                let (mut answers, mut ready) = (Vec::with_capacity(last.len() + 1), Ok(()));
                for mut statement in statements {
                    match sent(&mut statement).await {
                        Poll::Ready(done) => ready = ready.and(done),
                        Poll::Pending => answers.push(statement),
                    }
                    // It was not sent, so nothing is that comes after it, nor COMMIT.
                    if ready.is_err() {
                        break;
                    }
                }
                if ready.is_ok() {
                    self.is_over = true;
                    let mut commit: Answer<'_> = Box::pin(object.batch_execute(COMMIT));
                    match sent(&mut commit).await {
                        Poll::Ready(done) => ready = done,
                        Poll::Pending => answers.push(commit),
                    }
                }
                // After one that fails PostgreSQL refuses those behind it, and rolls back when it is to commit.
                let mut done = Ok(());
                for answer in answers {
                    done = done.and(answer.await);
                }
                done.and(ready)
            })
            .await
    }
}

/// Polls a message once, which sends it.
async fn sent(message: &mut Answer<'_>) -> Poll<Result<(), DbError>> {
    poll_fn(|context| Poll::Ready(message.as_mut().poll(context))).await
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        // It is sent, and nobody waits: whoever has the connection next is answered after it.
        let rollback = pin!(self.object.batch_execute("rollback"));
        let _ = rollback.poll(&mut Context::from_waker(Waker::noop()));
    }
}

impl Deref for Transaction<'_> {
    type Target = Object;

    fn deref(&self) -> &Object {
        self.object
    }
}

impl GenericClient for Transaction<'_> {
    fn inner(&self) -> &Object {
        self.object
    }

    async fn see<T: Send>(
        &self,
        text: &str,
        statement: impl Future<Output = Result<T, DbError>> + Send,
    ) -> Result<T, DbError> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.running
            .see(text, async {
                let Some(begun) = begun else { return statement.await };
                let (begun, done) = tokio::join!(begun, statement);
                begun.and(done)
            })
            .await
    }
}

impl<'a> Statement<'a> {
    /// A statement with as many values as [`Self::with`] gives it.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), values: Vec::new() }
    }

    /// The same with one more value.
    #[must_use]
    pub fn with(mut self, value: impl ToSql + Send + Sync + 'a) -> Self {
        self.values.push(Box::new(value));
        self
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|it| &**it as &(dyn ToSql + Sync)).collect()
    }
}
