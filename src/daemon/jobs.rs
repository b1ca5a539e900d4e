//! What the daemon does for bulk jobs: a few hands that give one job after the other a turn.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::time::sleep;
use tracing::error;
use uuid::Uuid;

use super::Daemon;
use crate::{
    content::{Deeds, Imports},
    db::Transaction,
    error::{Error, Result, chain},
    job::{self, Batch, Job, Kind, Leftover, Outcome, Work},
    notice::Notice,
    subscription::When,
};

/// How many batches are done at a time: one has the processor while the other waits for the database.
pub(super) const HANDS: usize = 2;

/// How long a hand that has nothing to do trusts that it would be told of a new job.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Who does what: the work of each kind of job.
struct Rooms {
    deeds: Deeds,
    imports: Imports,
}

impl Work for Rooms {
    fn prepares(&self, kind: Kind) -> bool {
        self.imports.prepares(kind)
    }

    async fn prepare(&self, job: Uuid, kind: Kind) -> Result<()> {
        match kind {
            Kind::ImportDocuments => self.imports.prepare(job, kind).await,
            _ => Ok(()),
        }
    }

    async fn batch(&self, tx: &Transaction<'_>, batch: &Batch) -> Result<Vec<Outcome>> {
        match batch.kind {
            Kind::ImportDocuments => self.imports.batch(tx, batch).await,
            _ => self.deeds.batch(tx, batch).await,
        }
    }

    async fn sweep(&self, tx: &Transaction<'_>, job: &Job, these: &[Leftover]) -> Result<()> {
        match job.kind {
            Kind::ImportDocuments => self.imports.sweep(tx, job, these).await,
            _ => self.deeds.sweep(tx, job, these).await,
        }
    }

    async fn end(&self, tx: &Transaction<'_>, job: &Job, workcenters: &[(Uuid, i64)]) -> Result<()> {
        match job.kind {
            Kind::ImportDocuments => self.imports.end(tx, job, workcenters).await,
            _ => self.deeds.end(tx, job, workcenters).await,
        }
    }
}

impl Daemon {
    /// Gives the bulk job that has waited for longest a turn. False when there is none.
    ///
    /// # Errors
    ///
    /// What the database says; the job comes up again.
    pub async fn work(&self) -> Result<bool> {
        let when = When { now: self.parts.clock.now().await?, spread: self.terms.spread };
        let deeds = Deeds { when, window: self.parts.settings.immediate_window };
        let imports = Imports { db: self.parts.db.clone(), blobs: self.parts.blobs.clone(), deeds };
        job::turn(&self.parts.db, &self.crier, &self.worker, &Rooms { deeds, imports }).await
    }

    /// Works until the process drains.
    pub(super) async fn toil(self) {
        while !self.parts.draining.is_cancelled() {
            // Before looking, so that nothing that comes meanwhile is missed.
            let mut ear = self.parts.notices.ear();
            // A turn that panics is lost; the ones after it are not.
            let turn = AssertUnwindSafe(self.work()).catch_unwind().await;
            match turn.unwrap_or_else(|_| Err(Error::internal("it panicked"))) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => error!(error = chain(&error), "a turn of a job failed"),
            }
            let told = async { while !matches!(ear.hear().await, Notice::Job(_) | Notice::Lost) {} };
            tokio::select! {
                () = self.parts.draining.cancelled() => {}
                () = told => {}
                () = sleep(LOOK_EVERY) => {}
            }
        }
    }
}
