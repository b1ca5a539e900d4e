//! Profiles that many ask for at the same time, each for one, are read together: a statement about thirty people costs
//! PostgreSQL, and the connection, little more than one about a single person.
//!
//! Nobody waits for company. Who finds fewer than [`READS_MAX`] reads under way reads at once and alone; who comes meanwhile is
//! read together with all others who did, as soon as one of these is over. A read begins after it was asked for, so that
//! whoever has changed a profile finds the change.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, sync::oneshot, time::timeout};
use tracing::debug;
use uuid::Uuid;

use super::{Profile, store};
use crate::{
    db::{Db, Reader},
    error::{Result, chain},
    trace,
};

/// Reads that are under way at a time: one for each connection that reads share.
const READS_MAX: usize = 2;

/// People of one read: what PostgreSQL answers in less than a millisecond, so that it holds up nobody behind it.
const TOGETHER_MAX: usize = 100;

/// How long a read may hold up others, and those who wait for it wait: many times as long as it takes. A connection on which
/// nothing comes any more, and nobody says so, would hold them up until all have gone.
const READ_TIME_MAX: Duration = Duration::from_secs(2);

/// Reads profiles, one for each who asks. Clones do it together.
#[derive(Clone)]
pub(super) struct Reads {
    db: Db,
    queue: Arc<Mutex<Queue>>,
}

/// Who waits, and for whose profile.
type Waiting = (Uuid, oneshot::Sender<Option<Arc<Profile>>>);

#[derive(Default)]
struct Queue {
    reads: usize,
    waiting: Vec<Waiting>,
}

/// A read that is under way. When it is over, those who wait are read.
struct Turn<'a>(&'a Reads);

impl Reads {
    /// Reads on `db`.
    pub fn new(db: Db) -> Self {
        Self { db, queue: Arc::default() }
    }

    /// Finds the profile of a person: with others, or alone by `reader`.
    ///
    /// # Errors
    ///
    /// As [`store::find`].
    pub async fn find(&self, reader: &Reader, user: Uuid) -> Result<Arc<Profile>> {
        let Some(answer) = self.queued(user) else {
            let turn = Turn(self);
            let mut read = pin!(store::find(reader, user));
            let found = match timeout(READ_TIME_MAX, &mut read).await {
                Ok(found) => found,
                Err(_elapsed) => {
                    drop(turn);
                    read.await
                }
            };
            return found.map(Arc::new);
        };
        match trace::part("read together", |_| {}, timeout(READ_TIME_MAX, answer)).await {
            Ok(Ok(found)) => found.ok_or_else(|| store::missing(user)),
            // It takes too long, or went wrong, which was said to nobody: whoever still wants to know asks for themselves.
            Ok(Err(_)) | Err(_) => store::find(&self.db.crowded_reader().await?, user).await.map(Arc::new),
        }
    }

    /// A place among those who wait, unless there is a read to be had: then that has begun.
    fn queued(&self, user: Uuid) -> Option<oneshot::Receiver<Option<Arc<Profile>>>> {
        let mut queue = self.queue();
        if queue.reads < READS_MAX {
            queue.reads += 1;
            return None;
        }
        let (tell, answer) = oneshot::channel();
        queue.waiting.push((user, tell));
        Some(answer)
    }

    /// Reads for those who wait, until nobody does.
    async fn together(self) {
        let _turn = Turn(&self);
        loop {
            let some: Vec<Waiting> = {
                let mut queue = self.queue();
                // Who has gone does not want to know.
                queue.waiting.retain(|(_, tell)| !tell.is_closed());
                let count = queue.waiting.len().min(TOGETHER_MAX);
                queue.waiting.drain(..count).collect()
            };
            if some.is_empty() {
                return;
            }
            match timeout(READ_TIME_MAX, self.read(some)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => debug!(error = chain(&error), "failed to read profiles together"),
                Err(_elapsed) => debug!("profiles that are read together do not come"),
            }
        }
    }

    async fn read(&self, some: Vec<Waiting>) -> Result<()> {
        let users: Vec<Uuid> = some.iter().map(|(user, _)| *user).collect();
        let found = store::list(&self.db.crowded_reader().await?, &users).await?;
        let found: HashMap<Uuid, Arc<Profile>> = found.into_iter().map(|it| (it.user, Arc::new(it))).collect();
        for (user, tell) in some {
            // As above.
            let _ = tell.send(found.get(&user).cloned());
        }
        Ok(())
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        match Handle::try_current() {
            Ok(runtime) if !queue.waiting.is_empty() => drop(runtime.spawn(self.0.clone().together())),
            _ => {
                queue.reads -= 1;
                // Without a runtime nobody is left to read for them.
                queue.waiting.clear();
            }
        }
    }
}
