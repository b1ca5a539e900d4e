//! The daemon: ticks, and what is done at each. The scheduler only ticks; what is due is in the database.
//!
//! A tick that is missed or doubled does no harm, and neither does a second daemon: all work is claimed. When no tick
//! has come for a while the sweep runs by itself.

mod delivery;
mod jobs;
mod unsubscribe;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt, TryFutureExt, future::BoxFuture};
use jiff::Timestamp;
use tokio::{
    net::TcpListener,
    sync::Notify,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_cron_scheduler::{Job, JobScheduler};
use tonic::service::Routes;
use tracing::{error, info, warn};

use crate::{
    account, config, content,
    digest::{self, Letterhead},
    error::{Error, Result, chain},
    identity, ids, invite, job,
    mail::{Post, Seal, SmtpSettings, Timeouts},
    outbox,
    preference::Links,
    profile, request,
    secret::{self, SigningKey},
    server::{self, Parts},
    subscription::schedule::Beat,
    tls::Trust,
    workcenter,
};

/// How long the daemon waits for a tick before it sweeps without one.
const WATCHDOG: Duration = Duration::from_secs(60);

/// The shares of a lease that a relay has for a command and for the last word, so that a claim outlives its mail.
const COMMAND_SHARE: u32 = 8;
const BODY_SHARE: u32 = 3;

/// How many of the 256 shelves of the store are looked through at a tick. Which ones, chance decides, so that no choice
/// of ticks leaves one out: at one an hour each has had its turn in about a week.
const SHELVES: usize = 8;

/// What the daemon does at a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// Composes the daily digests that are due.
    Daily,
    /// Composes the weekly digests that are due.
    Weekly,
    /// Composes immediate mail that is due, and catch-ups, and reminds of invites.
    Immediate,
    /// Delivers what is in the outbox.
    Outbox,
    /// Removes what has expired.
    Housekeeping,
}

impl Sweep {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Daily, Self::Weekly, Self::Immediate, Self::Outbox, Self::Housekeeping];

    /// As the metrics know it.
    fn name(self) -> &'static str {
        match self {
            Self::Daily => "DAILY",
            Self::Weekly => "WEEKLY",
            Self::Immediate => "IMMEDIATE",
            Self::Outbox => "OUTBOX",
            Self::Housekeeping => "HOUSEKEEPING",
        }
    }

    fn cron(self, ticks: &config::Ticks) -> (&'static str, &str) {
        match self {
            Self::Daily => ("DAILY_CRON", &ticks.daily_cron),
            Self::Weekly => ("WEEKLY_CRON", &ticks.weekly_cron),
            Self::Immediate => ("IMMEDIATE_CRON", &ticks.immediate_cron),
            Self::Outbox => ("OUTBOX_CRON", &ticks.outbox_cron),
            Self::Housekeeping => ("HOUSEKEEPING_CRON", &ticks.housekeeping_cron),
        }
    }
}

/// What the daemon works with. Cheap to clone.
#[derive(Clone)]
pub struct Daemon {
    parts: Parts,
    crier: job::Crier,
    worker: job::Worker,
    terms: digest::Terms,
    outbox: outbox::Terms,
    post: Post,
    head: Letterhead,
}

impl Daemon {
    /// A daemon with these settings.
    pub fn new(parts: Parts, settings: &config::Daemon) -> Self {
        let mail = &settings.mail;
        let sessions = usize::try_from(mail.mail_sessions.get()).unwrap_or(usize::MAX);
        let head = Letterhead::of(&settings.shared);
        let timeouts = timeouts(settings.lease);
        let last_leg = timeouts.last_leg();
        let relays = mail.relays();
        let post = match relays.is_empty() {
            true => Post::folder(&mail.mail_dir),
            false => Post::relay(SmtpSettings {
                relays,
                tls: Trust::new(mail.smtp_ca_file.as_ref(), b""),
                hello: head.domain().to_owned(),
                sessions,
                timeouts,
            }),
        };
        let terms = digest::Terms {
            batch: i64::from(settings.digest_batch.get()),
            lease: settings.lease,
            spread: settings.shared.digest_spread,
            draining: parts.draining.clone(),
            composed: Arc::default(),
        };
        let sign = |(key, selector): (&SigningKey, &String)| Seal {
            key: key.clone(),
            domain: mail.dkim_domain.clone().unwrap_or_else(|| head.domain().to_owned()),
            selector: selector.clone(),
        };
        let seal = mail.dkim_key_file.as_ref().zip(mail.dkim_selector.as_ref()).map(sign);
        let draining = parts.draining.clone();
        let limit = |it: u32| (it > 0).then(|| f64::from(it));
        let limits =
            outbox::Limits { overall: limit(mail.mails_per_second), domain: limit(mail.domain_mails_per_second) };
        let (place, tally) = (outbox::Place::default(), parts.tally.clone());
        let outbox = outbox::Terms { sessions, lease: settings.lease, last_leg, seal, limits, place, tally, draining };
        let worker = job::Worker { id: ids::new(), lease: settings.lease };
        Self { crier: job::Crier::new(parts.db.clone()), worker, parts, terms, outbox, post, head }
    }

    /// Does everything of `sweep` that there is to do at `now`: one turn of a loop.
    ///
    /// # Errors
    ///
    /// What the database says; the next tick tries again.
    pub fn step(&self, sweep: Sweep, now: Timestamp) -> BoxFuture<'_, Result<()>> {
        self.sweep(sweep, now).map_ok(|_| ()).boxed()
    }

    /// Returns whether the relay wants a pause.
    async fn sweep(&self, sweep: Sweep, now: Timestamp) -> Result<bool> {
        let db = &self.parts.db;
        let mut pauses = false;
        match sweep {
            Sweep::Daily => {
                self.report("daily", digest::digests(db, &self.crier, &self.terms, Beat::Daily, now).await?);
            }
            Sweep::Weekly => {
                self.report("weekly", digest::digests(db, &self.crier, &self.terms, Beat::Weekly, now).await?);
            }
            Sweep::Immediate => {
                self.report("catch-up", digest::catch_up(db, &self.terms, now).await?);
                self.report("immediate", digest::immediate(db, &self.terms, now).await?);
                self.remind(now).await?;
            }
            Sweep::Outbox => {
                let delivered = self.deliver(now).await?;
                pauses = delivered.pauses;
                if delivered != outbox::Delivered::default() {
                    info!(?delivered, "delivered");
                    self.undelivered(now).await?;
                }
            }
            Sweep::Housekeeping => {
                self.clear(now).await?;
                self.purge(now).await?;
                // What a daemon left that was killed between a mail and its invite.
                self.undelivered(now).await?;
                self.number().await?;
                // Last, for it alone needs the store of bytes, which may be away.
                self.tidy().await?;
            }
        }
        Ok(pauses)
    }

    fn report(&self, what: &'static str, told: digest::Told) {
        if told != digest::Told::default() {
            info!(told.mailed, told.empty, told.failed, "composed {what} mail");
        }
        for (outcome, people) in [("mailed", told.mailed), ("empty", told.empty), ("failed", told.failed)] {
            self.parts.tally.digests(outcome, what, people);
        }
    }

    /// Reminds of the invites that nobody answers.
    async fn remind(&self, now: Timestamp) -> Result<()> {
        let mut reminded = 0;
        while !self.parts.draining.is_cancelled() {
            let Some(batch) = invite::remind(&mut self.parts.db.client().await?, now).await? else { break };
            reminded += batch;
        }
        if reminded > 0 {
            info!(reminded, "reminded of invites");
        }
        Ok(())
    }

    /// Removes what nobody asks for any more, and writes down which invites have run out, until nothing is left of either.
    async fn clear(&self, now: Timestamp) -> Result<()> {
        let mut all = [0; 7];
        while !self.parts.draining.is_cancelled() {
            let client = self.parts.db.client().await?;
            let some = [
                request::sweep(&client).await?,
                identity::sweep(&client).await?,
                profile::sweep(&client, now).await?,
                invite::sweep(&client, now).await?,
                digest::sweep(&client).await?,
                outbox::sweep(&client).await?,
                job::sweep(&client).await?,
            ];
            if some == [0; 7] {
                break;
            }
            all.iter_mut().zip(some).for_each(|(all, some)| *all += some);
        }
        let [requests, identity, changes, invites, tests, paces, jobs] = all;
        info!(requests, identity, changes, invites, tests, paces, jobs, "removed what has expired");
        Ok(())
    }

    /// Tells directories that nobody follows what they are due.
    async fn number(&self) -> Result<()> {
        while !self.parts.draining.is_cancelled() && account::number(&self.parts.db.client().await?).await? {}
        Ok(())
    }

    /// Purges what was deleted long enough ago: what WorkCenters hold, and then WorkCenters that hold nothing any more. Those
    /// that no job makes any more go with them.
    async fn purge(&self, now: Timestamp) -> Result<()> {
        while !self.parts.draining.is_cancelled() {
            let lost = workcenter::abandon_lost(&self.parts.db.client().await?, now).await?;
            if lost == 0 {
                break;
            }
            warn!(lost, "gave up WorkCenters that nobody makes any more");
        }
        let mut batches = 0;
        while !self.parts.draining.is_cancelled() && content::purge(&mut self.parts.db.client().await?, now).await? {
            batches += 1;
        }
        while !self.parts.draining.is_cancelled() && workcenter::purge(&mut self.parts.db.client().await?, now).await? {
            batches += 1;
        }
        if batches > 0 {
            info!(batches, "purged what was deleted");
        }
        Ok(())
    }

    /// Ends invites whose mail reaches nobody.
    async fn undelivered(&self, now: Timestamp) -> Result<()> {
        let invites = invite::undelivered(&mut self.parts.db.client().await?, now).await?;
        if invites > 0 {
            info!(invites, "invites reach nobody");
        }
        Ok(())
    }

    /// Sweeps at every tick, one turn at a time, until the process drains.
    async fn turn(self, sweep: Sweep, tick: Arc<Notify>) {
        let mut pauses = false;
        loop {
            tokio::select! {
                () = self.parts.draining.cancelled() => return,
                () = tick.notified() => {}
                // A relay that wants a pause gets one until the next tick.
                () = self.terms.composed.notified(), if sweep == Sweep::Outbox && !pauses => {}
                () = sleep(WATCHDOG), if sweep != Sweep::Housekeeping => {
                    self.parts.tally.missed(sweep.name());
                    warn!(?sweep, "no tick came");
                }
            }
            let turn = async {
                let now = self.parts.clock.now().await?;
                self.sweep(sweep, now).boxed().await
            };
            pauses = false;
            // A turn that panics is lost; the ones after it are not.
            let ended = AssertUnwindSafe(self.parts.tracer.over(turn)).catch_unwind().await;
            match ended.unwrap_or_else(|_| Err(Error::internal("it panicked"))) {
                // It reminds of invites, too.
                Ok(_) if sweep == Sweep::Immediate => self.terms.composed.notify_one(),
                Ok(relay) => pauses = relay,
                Err(error) => error!(?sweep, error = chain(&error), "a sweep failed"),
            }
        }
    }

    /// Removes bytes that nothing names, and takes stock of a part of the store.
    async fn tidy(&self) -> Result<()> {
        let blobs = &self.parts.blobs;
        let mut removed = 0;
        while !self.parts.draining.is_cancelled() {
            let Some(batch) = blobs.collect().await? else { break };
            removed += batch;
        }
        let mut adopted = 0;
        for shelf in &secret::digest(&[ids::new().as_bytes()])[..SHELVES] {
            adopted += blobs.adopt(*shelf).await?;
        }
        if removed + adopted > 0 {
            info!(removed, adopted, "removed bytes that nothing names, and found some that nobody knew of");
        }
        Ok(())
    }
}

/// How long the relay may take for each part of a session, so that sending fits into a lease.
fn timeouts(lease: Duration) -> Timeouts {
    let usual = Timeouts::default();
    Timeouts { command: usual.command.min(lease / COMMAND_SHARE), body: usual.body.min(lease / BODY_SHARE), ..usual }
}

/// The scheduler that ticks, not started yet, and what each sweep waits at.
pub struct Ticks {
    scheduler: JobScheduler,
    bells: Vec<(Sweep, Arc<Notify>)>,
}

impl Ticks {
    /// Reads the expressions of `settings`.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] naming the setting that is no cron expression.
    pub async fn new(settings: &config::Ticks) -> Result<Self> {
        let scheduler = JobScheduler::new().await.map_err(Error::internal)?;
        let mut bells = Vec::new();
        for sweep in Sweep::ALL {
            let (setting, cron) = sweep.cron(settings);
            let bell = Arc::new(Notify::new());
            let ring = Arc::clone(&bell);
            let job = Job::new_async(cron, move |_, _| {
                ring.notify_one();
                Box::pin(async {})
            })
            .map_err(|error| Error::internal(format!("{setting}: must be a cron expression of six fields: {error}")))?;
            scheduler.add(job).await.map_err(Error::internal)?;
            bells.push((sweep, bell));
        }
        Ok(Self { scheduler, bells })
    }
}

/// Runs the daemon until `stop`: the sweeps, `JobService` at `grpc`, one-click unsubscribe at `http`.
///
/// # Errors
///
/// [`Error::Internal`] when a transport fails.
pub fn serve(
    grpc: TcpListener,
    http: TcpListener,
    daemon: Daemon,
    ticks: Ticks,
    stop: BoxFuture<'static, ()>,
) -> BoxFuture<'static, Result<()>> {
    async move {
        let Ticks { mut scheduler, bells } = ticks;
        let parts = daemon.parts.clone();
        let mut turns = JoinSet::new();
        for (sweep, bell) in bells {
            turns.spawn(daemon.clone().turn(sweep, bell));
        }
        for _ in 0..jobs::HANDS {
            turns.spawn(daemon.clone().toil());
        }
        scheduler.start().await.map_err(Error::internal)?;

        let settings = &parts.settings;
        let links = Links::new(parts.db.clone(), parts.clock.clone(), settings.key(), settings.digest_spread);
        let pages = unsubscribe::pages(links);
        info!(address = ?http.local_addr().ok(), "pages are here");
        let pages = tokio::spawn(server::pages(http, pages, parts.draining.clone()));

        let gate = identity::Gate::new(parts.db.clone(), &parts.notices);
        let routes = Routes::default().add_service(parts.jobs());
        let name = <crate::pb::job_service_server::JobServiceServer<job::Service> as tonic::server::NamedService>::NAME;
        let drain = parts.settings.calls.drain;
        let serving = async {
            let served = server::face(grpc, parts.clone(), gate, routes, vec![name], stop).await;
            parts.draining.cancel();
            served
        };
        // Calls and turns drain at the same time. A turn that has begun is finished; what it does not finish, another does.
        let turning = async {
            parts.draining.cancelled().await;
            if timeout(drain, async { while turns.join_next().await.is_some() {} }).await.is_err() {
                warn!("cut off a sweep that did not end in time");
            }
        };
        let (served, ()) = tokio::join!(serving, turning);
        pages.abort();
        daemon.post.close().await;
        scheduler.shutdown().await.map_err(Error::internal)?;
        served
    }
    .boxed()
}
