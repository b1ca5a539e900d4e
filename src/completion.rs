//! The word that a job is over, to who started it: when it took long or something went wrong.

use std::{collections::BTreeMap, time::Duration};

use uuid::Uuid;

use crate::{
    activity::{self, Audience, New, Thing},
    db::Transaction,
    error::{Error, Result},
    job::{Job, State},
    mail::phrase::counted,
    subscription::{self, When},
};

/// How long a job may take before who started it is told of its end: by then they have turned to something else.
const LONG: Duration = Duration::from_secs(30);

/// The notice that `job` is over, which is called `title`, beside the log it goes to; none when it is no news.
///
/// # Errors
///
/// What the database says.
pub async fn notice(tx: &Transaction<'_>, job: &Job, title: String, when: &When) -> Result<Option<(Uuid, New)>> {
    let Some((log, user)) = own_log(tx, job, when).await? else { return Ok(None) };
    let items = |it: i64| counted(u64::try_from(it).unwrap_or(0), "item", "items");
    let summary = match job.failed {
        0 => format!("{} done.", items(job.done)),
        failed => format!("{} done, {failed} not.", items(job.done)),
    };
    let event = New { summary, ..event(job, ended(job.state), title, when) };
    Ok(Some((log, event.to_oneself(user))))
}

/// What `job` has done, as an event of a log.
pub fn event(job: &Job, kind: &str, title: String, when: &When) -> New {
    New {
        // One of each kind in a log, whatever happens.
        event_id: format!("job-{}", job.id),
        kind: kind.to_owned(),
        actor: job.initiator.unwrap_or_default(),
        subject: Thing { kind: "job".to_owned(), id: job.id.to_string(), title, url: String::new() },
        parent: Thing::default(),
        summary: String::new(),
        audience: Audience::Everyone,
        addressees: Vec::new(),
        occurred_at: when.now,
    }
}

/// Publishes one event in each of these logs, as the last thing of the transaction, in the order in which everybody locks heads.
///
/// # Errors
///
/// What the database says.
pub async fn publish(tx: &Transaction<'_>, logs: BTreeMap<Uuid, New>, when: &When, window: Duration) -> Result<()> {
    for (log, event) in logs {
        match activity::publish(tx, log, vec![event], when.now, window).await {
            // Where nobody is told of anything any more.
            Err(Error::Refused(_) | Error::NotFound(..)) => {}
            published => drop(published?),
        }
    }
    Ok(())
}

/// The log in which who started `job` is told of its end, if they are.
async fn own_log(tx: &Transaction<'_>, job: &Job, when: &When) -> Result<Option<(Uuid, Uuid)>> {
    let Some(user) = job.initiator else { return Ok(None) };
    let begun = job.bulk.as_ref().and_then(|it| it.started_at).unwrap_or(job.created_at);
    let took_long = job.updated_at.duration_since(begun).unsigned_abs() > LONG;
    let is_news = took_long || !matches!(job.state, State::Succeeded | State::SucceededWithWarnings);
    if !is_news {
        return Ok(None);
    }
    match subscription::own_log(tx, job.account, user).await {
        Ok(log) => {
            subscription::attend(tx, job.account, user, log, when).await?;
            Ok(Some((log, user)))
        }
        // They have left, or nobody is told of anything.
        Err(Error::NotFound(..) | Error::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn ended(state: State) -> &'static str {
    match state {
        State::PartiallyFailed => "process.partially_failed",
        State::Failed => "process.failed",
        State::Cancelled => "process.cancelled",
        _ => "process.succeeded",
    }
}
