//! What PostgreSQL's LISTEN tells this process: one connection for everybody, however many are waiting.
//!
//! A notice is a hint that a row has changed; the row is the truth. When the connection is lost notices are lost with
//! it, and [`Notice::Lost`] says so: whoever keeps a copy throws it away, whoever waits looks again.
//!
//! Whoever waits for one job alone is woken for that one alone: ten thousand of them are nothing to each other.

use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{broadcast, watch},
    time::sleep,
};
use tokio_postgres::AsyncMessage;
use tracing::warn;
use uuid::Uuid;

use crate::{
    config,
    db::{self, DbError, Door, GenericClient},
    error::{Result, chain},
};

/// A job has a new revision.
pub const JOB: &str = "job";
/// Somebody in the directory of an account has changed.
pub const DIRECTORY: &str = "directory";
/// A session or a key has ended.
pub const SESSION: &str = "session";

/// How many notices wait for a slow reader before it is told that some were lost.
const BACKLOG: usize = 1024;

/// How long to wait before connecting again, the first time and at most: it doubles.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(5);

/// Something that another process, or this one, has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The job has a new revision.
    Job(Uuid),
    /// Somebody in the directory of the account has changed.
    Directory(Uuid),
    /// The session or key has ended.
    Session(Uuid),
    /// Some notices may have been missed.
    Lost,
}

/// Where notices are heard. Cheap to clone.
#[derive(Clone)]
pub struct Notices {
    ears: Ears,
    in_force: Arc<AtomicBool>,
}

/// Those who hear.
#[derive(Clone)]
struct Ears {
    all: broadcast::Sender<Notice>,
    /// Those of one job each, by its id.
    jobs: Arc<Mutex<HashMap<Uuid, watch::Sender<()>>>>,
}

/// A place to hear notices at.
pub struct Ear {
    receiver: broadcast::Receiver<Notice>,
}

/// A place to hear of one job at.
pub struct JobEar {
    job: Uuid,
    ears: Ears,
    /// There until it is dropped.
    receiver: Option<watch::Receiver<()>>,
}

impl Notices {
    /// Begins to listen. Returns once LISTEN is in force, or has failed for the first time: then it goes on trying.
    ///
    /// # Errors
    ///
    /// As [`Door::new`].
    pub async fn listen(settings: &config::Database) -> Result<Self> {
        let door = Door::new(settings)?.named("workcenter-listen");
        let ears = Ears { all: broadcast::channel(BACKLOG).0, jobs: Arc::default() };
        let (tried, first) = tokio::sync::oneshot::channel();
        let told = ears.clone();
        let in_force = Arc::new(AtomicBool::new(false));
        let says = Arc::clone(&in_force);
        tokio::spawn(async move {
            let mut tried = Some(tried);
            let mut wait = AGAIN_AFTER;
            // Everybody who could listen is gone when only this task's own sender is left.
            while told.all.strong_count() > 1 {
                let mut was_in_force = false;
                let on = || {
                    was_in_force = true;
                    says.store(true, Ordering::Relaxed);
                    tried.take().map(|it| it.send(()));
                    told.tell(Notice::Lost);
                };
                let ended = hear(&door, &told, on).await;
                says.store(false, Ordering::Relaxed);
                if let Err(error) = ended {
                    warn!(error = chain(&error), "lost the connection that listens");
                }
                if was_in_force {
                    wait = AGAIN_AFTER;
                }
                tried.take().map(|it| it.send(()));
                told.tell(Notice::Lost);
                sleep(wait).await;
                wait = (wait * 2).min(AGAIN_AFTER_MAX);
            }
        });
        first.await.ok();
        Ok(Self { ears, in_force })
    }

    /// Whether LISTEN is in force: while it is not, notices are lost and caches are empty more often.
    pub fn is_listening(&self) -> bool {
        self.in_force.load(Ordering::Relaxed)
    }

    /// Opens an ear. What is told from now on will be heard.
    pub fn ear(&self) -> Ear {
        Ear { receiver: self.ears.all.subscribe() }
    }

    /// Opens an ear for `job`. What is told of it from now on will be heard.
    pub fn job_ear(&self, job: Uuid) -> JobEar {
        let ears = self.ears.clone();
        let receiver = ears.jobs().entry(job).or_default().subscribe();
        JobEar { job, ears, receiver: Some(receiver) }
    }
}

impl Ears {
    fn tell(&self, notice: Notice) {
        match &notice {
            Notice::Job(job) => {
                if let Some(theirs) = self.jobs().get(job) {
                    theirs.send_replace(());
                }
            }
            Notice::Lost => self.jobs().values().for_each(|it| {
                it.send_replace(());
            }),
            Notice::Directory(_) | Notice::Session(_) => {}
        }
        // Nobody may be there.
        self.all.send(notice).ok();
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<Uuid, watch::Sender<()>>> {
        // Nothing here panics half-way.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JobEar {
    /// Forgets what was told before.
    pub fn forget(&mut self) {
        if let Some(receiver) = &mut self.receiver {
            receiver.borrow_and_update();
        }
    }

    /// Waits until the job has a new revision, or notices may have been missed.
    pub async fn hear(&mut self) {
        match &mut self.receiver {
            // Its sender is there for as long as this is.
            Some(receiver) => drop(receiver.changed().await),
            None => std::future::pending().await,
        }
    }
}

impl Drop for JobEar {
    fn drop(&mut self) {
        let mut jobs = self.ears.jobs();
        self.receiver = None;
        if jobs.get(&self.job).is_some_and(|it| it.receiver_count() == 0) {
            jobs.remove(&self.job);
        }
    }
}

impl Ear {
    /// Waits for the next notice.
    pub async fn hear(&mut self) -> Notice {
        match self.receiver.recv().await {
            Ok(notice) => notice,
            Err(broadcast::error::RecvError::Lagged(_)) => Notice::Lost,
            // Nobody tells any more; a caller who also looks by itself goes on.
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Listens on one connection until it ends; `on` is called when LISTEN is in force.
async fn hear(door: &Door, told: &Ears, mut on: impl FnMut()) -> Result<(), DbError> {
    let (client, mut connection) = door.open().await?;
    let listen = format!("listen {JOB}; listen {DIRECTORY}; listen {SESSION}");
    let mut listening = std::pin::pin!(client.batch_execute(&listen));
    let mut in_force = false;
    loop {
        tokio::select! {
            done = &mut listening, if !in_force => {
                done?;
                in_force = true;
                on();
            }
            message = poll_fn(|context| connection.poll_message(context)) => match message {
                Some(Ok(AsyncMessage::Notification(it))) => {
                    told.tell(notice(it.channel(), it.payload()));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
        }
    }
}

fn notice(channel: &str, payload: &str) -> Notice {
    match (channel, Uuid::try_parse(payload)) {
        (JOB, Ok(id)) => Notice::Job(id),
        (DIRECTORY, Ok(id)) => Notice::Directory(id),
        (SESSION, Ok(id)) => Notice::Session(id),
        _ => Notice::Lost,
    }
}

/// Tells everybody who listens, when the transaction commits.
///
/// PostgreSQL takes a global lock for it, so nothing that happens often may do this.
///
/// # Errors
///
/// What the database says.
pub async fn tell(on: &impl GenericClient, channel: &str, id: Uuid) -> Result<(), DbError> {
    db::text(on, "select pg_notify($1, $2)", &[&channel, &id.to_string()]).await?;
    Ok(())
}

/// Tells of several at once, as [`tell`] does of one.
///
/// # Errors
///
/// What the database says.
pub async fn tell_all(on: &impl GenericClient, channel: &str, ids: &[Uuid]) -> Result<(), DbError> {
    db::text(on, "select pg_notify($1, id::text) from unnest($2::uuid[]) as it (id)", &[&channel, &ids]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn notices() -> Notices {
        Notices { ears: Ears { all: broadcast::channel(BACKLOG).0, jobs: Arc::default() }, in_force: Arc::default() }
    }

    #[test]
    fn who_waits_for_a_job_is_woken_for_that_one_alone_and_when_words_may_be_lost() {
        let notices = notices();
        let (mine, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut ear = notices.job_ear(mine);
        notices.ears.tell(Notice::Job(other));
        assert_eq!(ear.hear().now_or_never(), None);
        notices.ears.tell(Notice::Job(mine));
        assert_eq!(ear.hear().now_or_never(), Some(()));
        notices.ears.tell(Notice::Lost);
        assert_eq!(ear.hear().now_or_never(), Some(()));
        notices.ears.tell(Notice::Job(mine));
        ear.forget();
        assert_eq!(ear.hear().now_or_never(), None);
    }

    #[test]
    fn nothing_is_kept_of_a_job_that_nobody_waits_for() {
        let notices = notices();
        let job = Uuid::from_u128(1);
        let [one, another] = [(); 2].map(|()| notices.job_ear(job));
        drop(one);
        assert_eq!(notices.ears.jobs().len(), 1);
        drop(another);
        assert!(notices.ears.jobs().is_empty());
    }
}
