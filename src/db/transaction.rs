//! A transaction that waits for its statements alone: BEGIN goes ahead of the first one, and COMMIT along with the last.
//!
//! A message to PostgreSQL is on its way once its future was polled, and the answers come in the order of the messages.

use std::{
    borrow::Cow,
    future::poll_fn,
    ops::Deref,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::Poll,
};

use deadpool_postgres::Object;
use futures_util::{
    FutureExt,
    future::{join, join_all, try_join_all},
};

use super::{
    DbError, ToSql,
    connection::{GenericClient, Running},
};

/// What is waited for after a message.
type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, DbError>> + Send + 'a>>;

/// A transaction, which is rolled back unless it is committed.
pub struct Transaction<'a> {
    object: &'a Object,
    running: &'a Running,
    /// What BEGIN is answered, until somebody waits for it.
    begun: Mutex<Option<Answer<'a, ()>>>,
    /// Whether its end was sent.
    is_over: bool,
}

/// A statement and its values, to be run when it is time for it.
pub struct Statement<'a> {
    text: Cow<'static, str>,
    values: Vec<Box<dyn ToSql + Send + Sync + 'a>>,
}

impl<'a> Transaction<'a> {
    /// Sends BEGIN. How it is answered the first statement says: until then nothing can have been done by halves, for
    /// where BEGIN fails nothing is sent after that statement.
    ///
    /// # Errors
    ///
    /// That the connection is closed.
    pub(super) async fn begin(object: &'a Object, running: &'a Running) -> Result<Self, DbError> {
        let mut begun: Answer<'a, ()> = Box::pin(object.batch_execute("begin"));
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
        self.see(self.object.batch_execute("commit")).await
    }

    /// Runs these statements, one after the other, and makes everything last, without waiting in between. For those
    /// whose rows nobody looks at: when one is answered, it is too late to change one's mind.
    ///
    /// # Errors
    ///
    /// What the database says of the first that fails; then nothing of the transaction lasts.
    pub async fn commit_with(mut self, last: &[Statement<'_>]) -> Result<(), DbError> {
        let object = self.object;
        // What is prepared while COMMIT is on its way would be run after it.
        let prepared = self.see(try_join_all(last.iter().map(|it| object.prepare_cached(&it.text)))).await?;
        let values: Vec<_> = last.iter().map(Statement::values).collect();
        self.running
            .see(async {
                let mut answers = Vec::with_capacity(last.len());
                for (statement, values) in prepared.iter().zip(&values) {
                    let mut answer: Answer<'_, u64> = Box::pin(object.execute(statement, values));
                    match sent(&mut answer).await {
                        // It was not sent, so COMMIT is not sent either.
                        Poll::Ready(done) => drop(done?),
                        Poll::Pending => answers.push(answer),
                    }
                }
                self.is_over = true;
                let (done, committed) = join(join_all(answers), object.batch_execute("commit")).await;
                // After one that fails PostgreSQL refuses those behind it, and rolls back when it is to commit.
                done.into_iter().collect::<Result<Vec<u64>, DbError>>()?;
                committed
            })
            .await
    }
}

/// Polls a message once, which sends it.
async fn sent<T>(message: &mut Answer<'_, T>) -> Poll<Result<T, DbError>> {
    poll_fn(|context| Poll::Ready(message.as_mut().poll(context))).await
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            // It is sent, and nobody waits: whoever has the connection next is answered after it.
            drop(self.object.batch_execute("rollback").now_or_never());
        }
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

    async fn see<T: Send>(&self, statement: impl Future<Output = Result<T, DbError>> + Send) -> Result<T, DbError> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.running
            .see(async {
                let Some(begun) = begun else { return statement.await };
                let (begun, done) = join(begun, statement).await;
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
