//! Tells watchers that jobs have moved, seldom enough for the database to bear it.
//!
//! Every telling is a commit that takes a lock of the whole database server, so what many batches have to say goes
//! into one. A word that is lost on the way costs a watcher a delay and nothing else.

use std::{
    collections::HashSet,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;
use uuid::Uuid;

use crate::{
    db::Db,
    error::{Result, chain},
    notice,
};

/// How far two words about the same job stand apart, but for the one that it is over: ten a second are as many as
/// somebody who watches a figure can see.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// How many jobs wait to be told of at most. Beyond, each is told of at once, by the one who moved it.
const WAITING_MAX: usize = 1_000;

/// Tells that jobs have moved. Cheap to clone.
#[derive(Clone)]
pub struct Crier {
    db: Db,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    jobs: HashSet<Uuid>,
    /// Whether somebody is about to tell of them.
    is_served: bool,
}

impl Crier {
    /// Makes a crier that tells by `db`. It says nothing before a job moves.
    pub fn new(db: Db) -> Self {
        Self { db, waiting: Arc::default() }
    }

    /// Tells that `job` has moved, once what moved it has committed.
    ///
    /// The first word goes out at once and the next 100 ms later, however often the job moves in between; the last
    /// move is always told. That a job is over is told before this returns. What cannot be told is logged.
    pub async fn moved(&self, job: Uuid, is_final: bool) {
        if is_final || !self.put(job) {
            self.waiting().jobs.remove(&job);
            self.tell([job].into()).await;
        }
    }

    /// Tells that these jobs are over, as [`Self::moved`] does of one, and of all at once.
    pub async fn over(&self, jobs: &[Uuid]) {
        if jobs.is_empty() {
            return;
        }
        self.waiting().jobs.retain(|it| !jobs.contains(it));
        self.tell(jobs.iter().copied().collect()).await;
    }

    /// Lets `job` wait for its turn. False when there is no room.
    fn put(&self, job: Uuid) -> bool {
        let mut waiting = self.waiting();
        if waiting.jobs.len() >= WAITING_MAX && !waiting.jobs.contains(&job) {
            return false;
        }
        waiting.jobs.insert(job);
        if !mem::replace(&mut waiting.is_served, true) {
            tokio::spawn(self.clone().serve());
        }
        true
    }

    /// Tells of everything that waits, and goes on until nothing has come for as long as two words stand apart.
    async fn serve(self) {
        let mut pace = interval(TELL_EVERY);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            pace.tick().await;
            let jobs = {
                let mut waiting = self.waiting();
                waiting.is_served = !waiting.jobs.is_empty();
                mem::take(&mut waiting.jobs)
            };
            if jobs.is_empty() {
                return;
            }
            self.tell(jobs).await;
        }
    }

    async fn tell(&self, jobs: HashSet<Uuid>) {
        if let Err(error) = self.try_tell(jobs).await {
            warn!(error = chain(&error), "failed to tell that jobs have moved");
        }
    }

    async fn try_tell(&self, jobs: HashSet<Uuid>) -> Result<()> {
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        notice::tell_all(&tx, notice::JOB, &jobs.into_iter().collect::<Vec<_>>()).await?;
        Ok(tx.commit().await?)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
