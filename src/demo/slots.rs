//! The instants at which digests go: what was announced for them, the runs, and what came of it.

use jiff::{Timestamp, Zoned, civil::Time};
use tokio::time::timeout;

use super::{
    Channel, PATIENCE, Stage, Streaming,
    cast::{self, Person},
    mails::{Mail, Sort},
    say, show_mails, together, too_late, until,
};
use crate::{
    client::{answered, by, failed},
    error::{Error, Result},
    mail::phrase,
    outbox,
    pb::{self, Delivery, JobState, WatchJobsResponse, job_service_client::JobServiceClient},
    progress::Bar,
    secret::Secret,
};

/// When digests go where their readers are: nobody in the story has chosen another hour.
const SEVEN: Time = Time::constant(7, 0, 0, 0);

/// A digest that was announced.
pub struct Announced {
    /// The place of the person among all.
    pub person: usize,
    /// DAILY or WEEKLY.
    pub cadence: Delivery,
    /// When it goes.
    pub at: Timestamp,
}

/// Follows the runs of the daemon.
pub struct Slots {
    client: JobServiceClient<Channel>,
    token: Secret,
    jobs: Streaming<WatchJobsResponse>,
}

impl Slots {
    /// Begins to watch the jobs of the account, before there are any.
    ///
    /// # Errors
    ///
    /// When the daemon refuses.
    pub async fn watch(stage: &Stage<'_>, admin: &Person) -> Result<Self> {
        let mut client = JobServiceClient::new(stage.daemon.clone());
        let account_id = stage.settings.account_id.clone();
        let sent = pb::WatchJobsRequest { scope: pb::JobScope::Account.into(), account_id };
        let jobs = answered("WatchJobs", client.watch_jobs(by(&admin.token, sent)?)).await?;
        Ok(Self { client, token: admin.token.clone(), jobs })
    }

    /// Asks everybody when their next digests go.
    ///
    /// # Errors
    ///
    /// When one is not announced for seven where the person is.
    pub async fn announced(stage: &Stage<'_>, people: &[Person]) -> Result<Vec<Announced>> {
        let asked = together(people.iter().map(|it| cast::preferences(&stage.server, it))).await?;
        let mut announced = Vec::new();
        for ((place, person), preferences) in people.iter().enumerate().zip(asked) {
            for next in preferences.next_digests {
                let local: Zoned = next.next_digest_local.parse().map_err(Error::internal)?;
                let at = next.next_digest_at.as_ref().and_then(pb::instant);
                let is_theirs = local.time_zone().iana_name() == Some(&*person.zone);
                if at != Some(local.timestamp()) || !is_theirs || local.time() != SEVEN {
                    let wrong = format!("a digest of {} in {} is announced for {local}", person.name, person.zone);
                    return Err(Error::internal(wrong));
                }
                announced.push(Announced { person: place, cadence: next.cadence(), at: local.timestamp() });
            }
        }
        Ok(announced)
    }

    /// Moves the clock to `at`, follows the runs of that instant, and checks the mails that come of them.
    ///
    /// # Errors
    ///
    /// When a run does not come or fails, and when a mail is missing, was not announced, or has another date.
    pub async fn pass(
        &mut self,
        stage: &mut Stage<'_>,
        people: &[Person],
        mut announced: Vec<Announced>,
        at: Timestamp,
    ) -> Result<()> {
        announced.retain(|it| it.at == at);
        let mut zones: Vec<&str> = announced.iter().map(|it| &*people[it.person].zone).collect();
        zones.dedup();
        let shown = at.strftime("%a %-d %b %H:%M UTC");
        let digests = phrase::counted(announced.len() as u64, "digest", "digests");
        say(format_args!("{shown}, which is 07:00 in {}: {digests} announced", zones.join(" and ")))?;

        stage.move_clock(at).await?;
        let mut cadences: Vec<Delivery> = announced.iter().map(|it| it.cadence).collect();
        cadences.sort();
        cadences.dedup();
        let mut mailed = 0;
        while !cadences.is_empty() {
            let job = self.next(at, &cadences).await?;
            let cadence = job.digest_run.as_ref().map(pb::DigestRun::cadence).unwrap_or_default();
            cadences.retain(|it| *it != cadence);
            mailed += self.follow(job, cadence).await?;
        }

        let before = stage.mails.all().len();
        until("mail is still in the outbox", async || {
            Ok((outbox::waiting(&stage.db.client().await?).await? == 0).then_some(()))
        })
        .await?;
        stage.mails.look()?;
        let new = &stage.mails.all()[before..];
        check(new, people, &announced)?;
        if i64::try_from(new.len()).ok() != Some(mailed) {
            return Err(Error::internal(format!("{mailed} mails were to come, and {} have come", new.len())));
        }
        show_mails(new, people)
    }

    /// Waits for a run of one of `cadences` that is due at `at`.
    async fn next(&mut self, at: Timestamp, cadences: &[Delivery]) -> Result<pb::Job> {
        let find = async {
            while let Some(word) = self.jobs.message().await.map_err(|status| failed("WatchJobs", &status))? {
                let Some(job) = word.job else { continue };
                let Some(run) = &job.digest_run else { continue };
                if run.due_time.as_ref().and_then(pb::instant) == Some(at) && cadences.contains(&run.cadence()) {
                    return Ok(job);
                }
            }
            Err(Error::internal("WatchJobs: it has ended"))
        };
        let found = timeout(PATIENCE, find).await;
        found.unwrap_or_else(|_elapsed| Err(too_late("digests were announced, and no run has come")))
    }

    /// Draws a run until it is over; returns how many mails it made.
    async fn follow(&mut self, mut job: pb::Job, cadence: Delivery) -> Result<i64> {
        let mut bar = Bar::new(format!("    {:6}", cast::short(cadence).to_lowercase()));
        bar.draw(&job, false)?;
        let sent = pb::WatchJobRequest { job_id: job.job_id.clone(), after_revision: job.revision };
        let mut states = answered("WatchJob", self.client.watch_job(by(&self.token, sent)?)).await?;
        let watch = async {
            while let Some(word) = states.message().await.map_err(|status| failed("WatchJob", &status))? {
                if let Some(newer) = word.job {
                    job = newer;
                    bar.draw(&job, false)?;
                }
            }
            Ok::<_, Error>(())
        };
        let watched = timeout(PATIENCE, watch).await;
        watched.unwrap_or_else(|_elapsed| Err(too_late("a run of digests is not over")))?;
        bar.draw(&job, true)?;
        match job.state() {
            JobState::Succeeded => Ok(job.done_items),
            other => Err(Error::internal(format!("a run of digests has ended as {}", other.as_str_name()))),
        }
    }
}

/// Each of `mails` is a digest that was announced, for its very second, which is seven where its reader is.
fn check(mails: &[Mail], people: &[Person], announced: &[Announced]) -> Result<()> {
    for mail in mails {
        let cadence = match mail.sort {
            Sort::Daily => Delivery::Daily,
            Sort::Weekly => Delivery::Weekly,
            _ => Delivery::Unspecified,
        };
        let is_it = |it: &&Announced| people[it.person].email == mail.to && it.cadence == cadence && it.at == mail.date;
        let Some(it) = announced.iter().find(is_it) else {
            let wrong = format!("a mail to {}, {}, is dated {}", mail.to, mail.sort.name(), mail.date);
            return Err(Error::internal(format!("{wrong}, which was not announced")));
        };
        let person = &people[it.person];
        let local = mail.date.to_zoned(person.clock.clone());
        if local.time() != SEVEN {
            return Err(Error::internal(format!("a digest of {} is dated {local}", person.name)));
        }
    }
    Ok(())
}
