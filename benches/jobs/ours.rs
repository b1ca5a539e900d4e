//! Our jobs, done as a daemon does them: by two hands, in turns.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::time::timeout;
use uuid::Uuid;
use workcenter::{
    daemon::Daemon,
    db::Transaction,
    job::{self, Batch, Crier, Ended, Hand, Item, ItemState, Job, Leftover, Outcome, Work, Worker},
    notice::{Notice, Notices},
    process,
    server::Parts,
};

use crate::{Deed, Result, stage::Stage};

/// How long a hand trusts that it is told of a new job, as the daemon's do.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Work that does nothing to its items, but for the moments at which it is asked to.
#[derive(Default)]
struct Nothing {
    began: Mutex<Vec<Instant>>,
    items: AtomicUsize,
}

impl Work for Nothing {
    async fn batch(&self, _: &Transaction<'_>, batch: &Batch) -> workcenter::error::Result<Vec<Outcome>> {
        self.began.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
        self.items.fetch_add(batch.items.len(), Ordering::Relaxed);
        let outcome = |it: &Item| Outcome { action: "NOTHING", ..Outcome::none(it.id, ItemState::Done, "", "") };
        Ok(batch.items.iter().map(outcome).collect())
    }

    async fn sweep(&self, _: &Transaction<'_>, _: &Job, _: &[Leftover]) -> workcenter::error::Result<()> {
        Ok(())
    }

    async fn end(&self, _: &Transaction<'_>, _: &[Ended]) -> workcenter::error::Result<()> {
        Ok(())
    }
}

fn worker() -> Worker {
    Worker { id: Uuid::now_v7(), lease: Duration::from_secs(120) }
}

/// Does all that has been begun, and returns how long that took.
pub async fn done(stage: &Stage, deed: Deed) -> Result<Duration> {
    let settings = stage.settings()?;
    process::log(&settings.shared)?;
    let parts = Parts::open(&settings.database, &settings.shared).await?;
    let took = match deed {
        Deed::Copy => {
            let daemon = Daemon::new(parts, &settings);
            let hand = async || -> Result<()> {
                let mut hand = Hand::default();
                while daemon.go_on(&mut hand).await.map_err(|it| it.error)? {}
                Ok(())
            };
            let began = Instant::now();
            tokio::try_join!(hand(), hand())?;
            began.elapsed()
        }
        Deed::Nothing => {
            let (crier, worker, work) = (Crier::new(parts.db.clone()), worker(), Nothing::default());
            let hand = async || -> Result<()> {
                let mut hand = Hand::default();
                while job::turn(&parts.db, &crier, &worker, &work, Some(&mut hand)).await.map_err(|it| it.error)? {}
                Ok(())
            };
            let began = Instant::now();
            tokio::try_join!(hand(), hand())?;
            began.elapsed()
        }
    };
    // A hand ends when the other one has the last job.
    match stage.left(&stage.db()?.client().await?).await? {
        (0, done) if usize::try_from(done)? == stage.count => Ok(took),
        left => Err(format!("{left:?} is left of {}", stage.count).into()),
    }
}

/// Begins one job after the other, each when the last one is over, and prints how long each waited from before its commit
/// until its item was at hand.
pub async fn wake(stage: &Stage) -> Result<()> {
    let settings = stage.settings()?;
    process::log(&settings.shared)?;
    let parts = Parts::open(&settings.database, &settings.shared).await?;
    let (crier, worker, work) = (Crier::new(parts.db.clone()), worker(), Nothing::default());
    let notices = Notices::listen(&settings.database).await?;
    let hand = async || -> Result<()> {
        let mut kept = Hand::default();
        while work.items.load(Ordering::Relaxed) < stage.count {
            let mut ear = notices.ear();
            let turn = job::turn(&parts.db, &crier, &worker, &work, Some(&mut kept)).await;
            if !turn.map_err(|it| it.error)? {
                let told = async { while !matches!(ear.hear().await, Notice::Job(_) | Notice::Lost) {} };
                timeout(LOOK_EVERY, told).await.ok();
            }
        }
        Ok(())
    };
    let beginning = async || -> Result<Vec<Instant>> {
        let client = &mut parts.db.client().await?;
        let mut begun = Vec::new();
        for at in 0..stage.count {
            begun.push(Instant::now());
            stage.job_of(client, at).await?;
            while stage.left(client).await?.0 > 0 {}
        }
        Ok(begun)
    };
    let (begun, (), ()) = tokio::try_join!(beginning(), hand(), hand())?;
    let began = work.began.into_inner().unwrap_or_else(PoisonError::into_inner);
    let waits = began.iter().zip(&begun).map(|(began, begun)| began.duration_since(*begun).as_secs_f64() * 1e3);
    let mut waits: Vec<f64> = waits.collect();
    waits.sort_by(f64::total_cmp);
    let at = |share: usize| waits[(waits.len() - 1) * share / 100];
    println!(r#"{{"p50_ms": {:.2}, "p99_ms": {:.2}}}"#, at(50), at(99));
    Ok(())
}
