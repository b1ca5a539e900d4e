//! Looks at jobs for all who follow them: what is asked for while one look is under way is answered by the next, with one
//! statement, however many ask and of however many jobs.
//!
//! Were each to look for itself, a word that all have missed would have a thousand of them wait for a few connections, some
//! of them for too long.

use std::{
    collections::HashMap,
    mem,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::FutureExt;
use tokio::sync::oneshot;
use tracing::warn;
use uuid::Uuid;

use super::{Job, store};
use crate::{
    db::Db,
    error::{Error, Reason, Result, chain},
};

/// Those who wait for a look at a job.
type Waiting = HashMap<Uuid, Vec<oneshot::Sender<Option<Job>>>>;

/// What all look through. Cheap to clone.
#[derive(Clone)]
pub(super) struct Looks {
    db: Db,
    asked: Arc<Mutex<Asked>>,
}

#[derive(Default)]
struct Asked {
    waiting: Waiting,
    /// Whether somebody is about to look.
    is_served: bool,
}

impl Looks {
    /// Looks by `db`. Nothing is done before somebody asks.
    pub fn new(db: Db) -> Self {
        Self { db, asked: Arc::default() }
    }

    /// The job `id` as it stands now or later, if there is one.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when it could not be read. What the matter was is logged once for all who asked.
    pub async fn at(&self, id: Uuid) -> Result<Option<Job>> {
        let (sender, answer) = oneshot::channel();
        {
            let mut asked = self.asked();
            asked.waiting.entry(id).or_default().push(sender);
            if !mem::replace(&mut asked.is_served, true) {
                tokio::spawn(self.clone().serve());
            }
        }
        answer.await.map_err(|_unread| Error::Unavailable(Reason::StoreUnavailable, None))
    }

    /// Looks until nobody asks any more.
    async fn serve(self) {
        loop {
            let waiting = {
                let mut asked = self.asked();
                asked.is_served = !asked.waiting.is_empty();
                mem::take(&mut asked.waiting)
            };
            if waiting.is_empty() {
                return;
            }
            self.answer(waiting).await;
        }
    }

    /// Tells everybody what they asked for; whom it cannot tell hears that.
    async fn answer(&self, mut waiting: Waiting) {
        let read = self.read(waiting.keys().copied().collect()).await;
        let mut jobs = match read {
            Ok(jobs) => jobs,
            // One that cannot be read must not hide the others.
            Err(Error::Internal(_)) if waiting.len() > 1 => {
                for (id, those) in waiting {
                    Box::pin(self.answer([(id, those)].into())).await;
                }
                return;
            }
            Err(error) => return warn!(error = chain(&error), "failed to look at jobs"),
        };
        for (id, those) in waiting.drain() {
            let job = jobs.remove(&id);
            for one in those {
                // Whoever has gone needs no answer.
                one.send(job.clone()).ok();
            }
        }
    }

    async fn read(&self, ids: Vec<Uuid>) -> Result<HashMap<Uuid, Job>> {
        let reading = async { store::these(&self.db.client().await?, ids).await };
        // Such as of a job that a newer version has begun, and this one does not know.
        let read = AssertUnwindSafe(reading).catch_unwind().await;
        let jobs = read.unwrap_or_else(|_| Err(Error::internal("it panicked")))?;
        Ok(jobs.into_iter().map(|it| (it.id, it)).collect())
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
