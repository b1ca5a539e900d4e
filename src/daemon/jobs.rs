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
    invite,
    job::{self, Batch, Broken, Ended, Hand, Job, Kind, Leftover, Outcome, Work},
    notice::Notice,
    subscription::When,
    template,
};

/// How many batches are done at a time: one has the processor while the other waits for the database.
pub(super) const HANDS: usize = 2;

/// How long a hand that has nothing to do trusts that it would be told of a new job.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Who does what: the work of each kind of job.
struct Rooms {
    deeds: Deeds,
    imports: Imports,
    invites: invite::Import,
    templates: template::Work,
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
            Kind::ImportInvites => self.invites.batch(tx, batch).await,
            Kind::ApplyTemplate | Kind::PublishTemplate => self.templates.batch(tx, batch).await,
            _ => self.deeds.batch(tx, batch).await,
        }
    }

    async fn sweep(&self, tx: &Transaction<'_>, job: &Job, these: &[Leftover]) -> Result<()> {
        match job.kind {
            Kind::ImportDocuments => self.imports.sweep(tx, job, these).await,
            Kind::ApplyTemplate => self.templates.sweep(tx, job, these).await,
            _ => self.deeds.sweep(tx, job, these).await,
        }
    }

    async fn end(&self, tx: &Transaction<'_>, ended: &[Ended]) -> Result<()> {
        // Those that end together are of one kind.
        match ended.first().map(|it| it.job.kind) {
            Some(Kind::ImportDocuments) => self.imports.end(tx, ended).await,
            Some(Kind::ImportInvites) => self.invites.end(tx, ended).await,
            Some(Kind::ApplyTemplate | Kind::PublishTemplate) => self.templates.end(tx, ended).await,
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
    pub async fn work(&self) -> Result<bool, Broken> {
        self.batch(None).await
    }

    /// As [`Self::work`] does, with what is in `hand` first, and keeps the job there while nobody else waits for a turn.
    ///
    /// # Errors
    ///
    /// What the database says; the job comes up again.
    pub async fn go_on(&self, hand: &mut Hand) -> Result<bool, Broken> {
        self.batch(Some(hand)).await
    }

    async fn batch(&self, hand: Option<&mut Hand>) -> Result<bool, Broken> {
        let settings = &self.parts.settings;
        let when = When { now: self.parts.clock.now().await?, spread: self.terms.spread };
        let (window, most, key) = (settings.immediate_window, settings.large_workcenter, settings.key());
        let deeds = Deeds { when, window };
        let imports = Imports { db: self.parts.db.clone(), blobs: self.parts.blobs.clone(), deeds };
        let rooms = Rooms {
            deeds,
            imports,
            invites: invite::Import { when, window, most, key: key.clone() },
            templates: template::Work { when, window, most, key },
        };
        job::turn(&self.parts.db, &self.crier, &self.worker, &rooms, hand).await
    }

    /// Works until the process drains.
    pub(super) async fn toil(self) {
        let mut hand = Hand::default();
        while !self.parts.draining.is_cancelled() {
            // Before looking, so that nothing that comes meanwhile is missed.
            let mut ear = self.parts.notices.ear();
            // A turn that panics is lost; the ones after it are not.
            let turn = self.parts.tracer.over(self.go_on(&mut hand));
            let turn = AssertUnwindSafe(turn).catch_unwind().await;
            match turn.unwrap_or_else(|_| Err(Error::internal("it panicked").into())) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(Broken { jobs, error }) => {
                    error!(job.ids = ?jobs, error = chain(&error), "a turn of a job failed");
                }
            }
            let told = async { while !matches!(ear.hear().await, Notice::Job(_) | Notice::Lost) {} };
            tokio::select! {
                () = self.parts.draining.cancelled() => {}
                () = told => {}
                () = sleep(LOOK_EVERY) => {}
            }
        }
        if let Err(error) = hand.empty(&self.parts.db).await {
            error!(error = chain(&error), "a job was not given back; it waits for its lease");
        }
    }
}
