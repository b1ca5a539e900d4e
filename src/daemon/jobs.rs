//! What the daemon does for bulk jobs: a few hands that give one job after the other a turn.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::time::sleep;
use tracing::error;

use super::Daemon;
use crate::{
    content::Deeds,
    db::Transaction,
    error::{Error, Result, chain},
    invite, job,
    notice::Notice,
    subscription::When,
    template,
};

/// How many batches are done at a time: one has the processor while the other waits for the database.
pub(super) const HANDS: usize = 2;

/// How long a hand that has nothing to do trusts that it would be told of a new job.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The work of bulk jobs, each kind in the room that knows what it is about.
struct Works {
    deeds: Deeds,
    invites: invite::Import,
    templates: template::Work,
}

impl job::Work for Works {
    async fn batch(&self, tx: &Transaction<'_>, batch: &job::Batch) -> Result<Vec<job::Outcome>> {
        match batch.kind {
            job::Kind::ImportInvites => self.invites.batch(tx, batch).await,
            job::Kind::ApplyTemplate | job::Kind::PublishTemplate => self.templates.batch(tx, batch).await,
            _ => self.deeds.batch(tx, batch).await,
        }
    }

    async fn sweep(&self, tx: &Transaction<'_>, job: &job::Job, these: &[job::Leftover]) -> Result<()> {
        match job.kind {
            job::Kind::ApplyTemplate => self.templates.sweep(tx, job, these).await,
            _ => self.deeds.sweep(tx, job, these).await,
        }
    }

    async fn end(&self, tx: &Transaction<'_>, ended: &[job::Ended]) -> Result<()> {
        // Those that end together are of one kind.
        match ended.first().map(|it| it.job.kind) {
            Some(job::Kind::ImportInvites) => self.invites.end(tx, ended).await,
            Some(job::Kind::ApplyTemplate | job::Kind::PublishTemplate) => self.templates.end(tx, ended).await,
            _ => self.deeds.end(tx, ended).await,
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
        let settings = &self.parts.settings;
        let when = When { now: self.parts.clock.now().await?, spread: self.terms.spread };
        let (window, most, key) = (settings.immediate_window, settings.large_workcenter, settings.key());
        let works = Works {
            deeds: Deeds { when, window },
            invites: invite::Import { when, window, most, key },
            templates: template::Work { when, window, most },
        };
        job::turn(&self.parts.db, &self.crier, &self.worker, &works).await
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
