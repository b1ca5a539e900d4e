//! The streams that follow jobs: level-triggered, so that whoever comes late or reads slowly sees fewer, newer states.
//!
//! Every turn is the same: first listen, then look, then say what is new, then wait to be told or for the next look.
//! What happens between looking and waiting has been heard; what was not heard is seen at the next look. Nothing of
//! the database is held while waiting.

use std::{collections::HashMap, time::Duration};

use async_stream::try_stream;
use futures_util::Stream;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, interval_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Job, Scope, look::Looks, store};
use crate::{
    db::Db,
    error::{Error, Reason, Result},
    notice::{Ear, Notice, Notices},
};

/// How long a watcher trusts silence: then it looks by itself, and lets its reader hear that it lives.
pub const LOOK_EVERY: Duration = Duration::from_secs(15);

/// How far two looks at a whole scope stand apart. Any job of anybody wakes the watchers of every scope, and four
/// looks a second are enough for a list.
const LOOKS_APART: Duration = Duration::from_millis(250);

/// How much longer than from look to look a look reaches back.
///
/// A row says when it was changed, and is seen only when that has committed. No transaction lives for as long as this
/// after it has changed a job: a statement is ended after 30 seconds and an idle transaction after 10.
const MARGIN: Duration = Duration::from_secs(60);

/// How many jobs of a scope are followed at a time: the newest. It bounds what a watcher remembers to some 50 kB; an
/// account has one job for each cadence and due instant, so there are seldom more than a few.
const FOLLOWED_MAX: u64 = 1_000;

/// What every stream that follows jobs needs. Cheap to clone.
#[derive(Clone)]
pub struct Watch {
    db: Db,
    looks: Looks,
    notices: Notices,
    stop: CancellationToken,
    look_every: Duration,
}

impl Watch {
    /// Makes streams that look at least every `look_every`, [`LOOK_EVERY`] but for tests, and end when `stop` says so.
    pub fn new(db: Db, notices: Notices, stop: CancellationToken, look_every: Duration) -> Self {
        Self { looks: Looks::new(db.clone()), db, notices, stop, look_every }
    }

    /// Follows the job `id`: each state that is newer than the revision `after`, and the final one in any case, after
    /// which the stream ends. `None` is a heartbeat.
    ///
    /// # Errors
    ///
    /// The last item is [`Error::Unavailable`] when the process drains or the database is away, [`Error::NotFound`]
    /// when the job is gone.
    pub fn job(self, id: Uuid, after: i64) -> impl Stream<Item = Result<Option<Job>>> + Send + use<> {
        try_stream! {
            let mut beat = self.heart();
            let (mut seen, mut is_due) = (after, false);
            let mut ear = self.notices.job_ear(id);
            loop {
                ear.forget();
                let job = self.unless_stopped(self.look(id)).await?;
                let is_final = job.state.is_final();
                if job.revision > seen || is_final {
                    seen = job.revision;
                    yield Some(job);
                } else if is_due {
                    yield None;
                }
                if is_final {
                    break;
                }
                is_due = self.unless_stopped(async { Ok(wait(ear.hear(), &mut beat).await) }).await?;
            }
        }
    }

    /// Follows the jobs of `scope`: those that are not over at once, then each that has a new revision, also one that
    /// began and ended between two looks. `None` is a heartbeat. Only the newest 1,000 are followed.
    ///
    /// Revisions are remembered of what the last look has seen: what is not over, and what changed so lately that the
    /// next look will see it again. Everything else is over, and will not change.
    ///
    /// # Errors
    ///
    /// The last item is [`Error::Unavailable`] when the process drains or the database is away.
    pub fn jobs(self, scope: Scope) -> impl Stream<Item = Result<Option<Job>>> + Send + use<> {
        try_stream! {
            let mut beat = self.heart();
            let mut pace = interval(LOOKS_APART);
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut seen: Option<HashMap<Uuid, i64>> = None;
            let mut looked: Option<Instant> = None;
            let mut is_due = false;
            loop {
                self.unless_stopped(async { Ok(pace.tick().await) }).await?;
                let mut ear = self.notices.ear();
                // The first look reaches back twice as far: nothing that was over before can look new to the second.
                let back = looked.map_or(MARGIN, |it| it.elapsed()) + MARGIN;
                looked = Some(Instant::now());
                let jobs = self.unless_stopped(self.look_around(scope, back)).await?;
                let now_seen = jobs.iter().map(|it| (it.id, it.revision)).collect();
                let news = news(jobs, seen.as_ref());
                seen = Some(now_seen);
                if news.is_empty() && is_due {
                    yield None;
                }
                for job in news {
                    yield Some(job);
                }
                is_due = self.unless_stopped(async { Ok(wait(any(&mut ear), &mut beat).await) }).await?;
            }
        }
    }

    async fn look(&self, id: Uuid) -> Result<Job> {
        self.looks.at(id).await?.ok_or_else(|| super::missing(id))
    }

    async fn look_around(&self, scope: Scope, back: Duration) -> Result<Vec<Job>> {
        store::stirring(&self.db.client().await?, scope, back.as_secs_f64(), FOLLOWED_MAX).await
    }

    /// Ticks when it is time to look without having been told.
    fn heart(&self) -> Interval {
        let mut beat = interval_at(Instant::now() + self.look_every, self.look_every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beat
    }

    async fn unless_stopped<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let done = self.stop.run_until_cancelled(work).await;
        done.unwrap_or(Err(Error::Unavailable(Reason::Draining, None)))
    }
}

/// Waits until something was `told`, or it is time to look anyway: then true.
async fn wait(told: impl Future<Output = ()>, beat: &mut Interval) -> bool {
    tokio::select! {
        // However much there is to hear, the heart beats.
        biased;
        _ = beat.tick() => true,
        () = told => false,
    }
}

/// Waits until any job has moved, or some word was lost.
async fn any(ear: &mut Ear) {
    while !matches!(ear.hear().await, Notice::Job(_) | Notice::Lost) {}
}

/// What to say of `jobs`, oldest first: what is not over to begin with, then what has another revision than was seen.
fn news(jobs: Vec<Job>, seen: Option<&HashMap<Uuid, i64>>) -> Vec<Job> {
    let is_news = |job: &Job| match seen {
        Some(seen) => seen.get(&job.id) != Some(&job.revision),
        None => !job.state.is_final(),
    };
    jobs.into_iter().rev().filter(is_news).collect()
}
