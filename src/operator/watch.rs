//! Follows a job from a terminal, until it is over.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};
use tonic::{Code, Status, transport::Channel};

use super::{Ended, say};
use crate::{
    client::{by, channel, failed},
    config::Target,
    error::{Error, Result},
    pb::{Job, JobKind, JobState, WatchJobRequest, job_service_client::JobServiceClient},
    progress::Bar,
    secret::Secret,
};

/// For how long a job is looked for again when its stream has broken: a server that is replaced is there again by then.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What is followed, and how far it has come.
struct Watch {
    client: JobServiceClient<Channel>,
    token: Secret,
    job_id: String,
    seen: Option<Job>,
    bar: Option<Bar>,
}

/// Draws the job `job_id` until it is over; a stream that breaks is taken up where it was. It ended well when the job
/// succeeded.
///
/// # Errors
///
/// What the server says when it refuses, and when it cannot be reached for a minute.
pub(super) async fn watch(target: &Target, token: Secret, job_id: String) -> Result<Ended> {
    let channel = channel(target)?;
    let mut watch = Watch { client: JobServiceClient::new(channel), token, job_id, seen: None, bar: None };
    let mut pace = interval(LOOK_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut answered_at = Instant::now();
    loop {
        pace.tick().await;
        let before = watch.revision();
        if let Some(status) = watch.follow().await? {
            let may_pass = matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled);
            if before < watch.revision() {
                answered_at = Instant::now();
            }
            if !may_pass || PATIENCE < answered_at.elapsed() {
                return Err(failed("WatchJob", &status));
            }
        }
        if let Some(job) = watch.seen.as_ref().filter(|it| is_over(it)) {
            return ended(job);
        }
    }
}

impl Watch {
    fn revision(&self) -> i64 {
        self.seen.as_ref().map_or(0, |it| it.revision)
    }

    /// Draws what is said of the job until no more is said; returns why, unless it was the end.
    async fn follow(&mut self) -> Result<Option<Status>> {
        let sent = WatchJobRequest { job_id: self.job_id.clone(), after_revision: self.revision() };
        let mut states = match self.client.watch_job(by(&self.token, sent)?).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => return Ok(Some(status)),
        };
        loop {
            match states.message().await {
                Ok(Some(word)) => {
                    let Some(job) = word.job else { continue };
                    let bar = self.bar.get_or_insert_with(|| Bar::new(label(job.kind()).to_owned()));
                    bar.draw(&job, is_over(&job))?;
                    self.seen = Some(job);
                }
                Ok(None) => return Ok(None),
                Err(status) => return Ok(Some(status)),
            }
        }
    }
}

fn is_over(job: &Job) -> bool {
    !matches!(job.state(), JobState::Unspecified | JobState::Queued | JobState::Running | JobState::Cancelling)
}

/// Says how it ended, and what failed first.
fn ended(job: &Job) -> Result<Ended> {
    say(format_args!("{}", job.state().as_str_name().trim_start_matches("JOB_STATE_")))?;
    let errors = job.bulk.iter().flat_map(|it| &it.first_errors);
    for error in errors.clone() {
        say(format_args!("    {}: {}", error.code, error.path))?;
    }
    let untold = job.failed_items - i64::try_from(errors.count()).map_err(Error::internal)?;
    if 0 < untold && job.bulk.is_some() {
        say(format_args!("    and {untold} more: ExportJobItems has all of them"))?;
    }
    let is_well = matches!(job.state(), JobState::Succeeded | JobState::SucceededWithWarnings);
    Ok(if is_well { Ended::Well } else { Ended::Badly })
}

fn label(kind: JobKind) -> &'static str {
    match kind {
        JobKind::DigestRun => "digest",
        JobKind::BulkCopy => "copy",
        JobKind::BulkMove => "move",
        JobKind::BulkDelete => "delete",
        JobKind::BulkRestore => "restore",
        JobKind::ImportDocuments => "import",
        JobKind::ImportInvites => "invite",
        JobKind::ApplyTemplate => "template",
        JobKind::PublishTemplate => "publish",
        JobKind::Unspecified => "job",
    }
}
