//! The word that jobs are over, to who started them: when one took long or something went wrong.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use uuid::Uuid;

use crate::{
    activity::{self, Audience, New, Thing},
    db::Transaction,
    error::{Error, Result},
    job::{Ended, Job, State},
    mail::phrase::counted,
    subscription::{self, When},
};

/// How long a job may take before who started it is told of its end: by then they have turned to something else.
const LONG: Duration = Duration::from_secs(30);

/// Events on their way into logs, in the order in which everybody locks heads.
pub type Words = BTreeMap<Uuid, Vec<New>>;

/// Publishes `words`, and with them to who started each of `jobs` that it is over, if that is news; `title` says what it did.
/// It is the last thing of its transaction.
///
/// # Errors
///
/// What the database says.
pub async fn tell(
    tx: &Transaction<'_>,
    jobs: &[Ended],
    title: impl Fn(&Job) -> String + Send,
    mut words: Words,
    when: &When,
    window: Duration,
) -> Result<()> {
    let mut own: HashMap<(Uuid, Uuid), Option<Uuid>> = HashMap::new();
    for Ended { job, .. } in jobs {
        let Some(user) = job.initiator.filter(|_| is_news(job)) else { continue };
        let log = match own.get(&(job.account, user)) {
            Some(log) => *log,
            None => *own.entry((job.account, user)).or_insert(own_log(tx, job.account, user, when).await?),
        };
        if let Some(log) = log {
            let notice = New { summary: summary(job), ..event(job, ended(job.state), title(job), when) };
            words.entry(log).or_default().push(notice.to_oneself(user));
        }
    }
    for (log, events) in words {
        match activity::publish(tx, log, events, when.now, window).await {
            // Where nobody is told of anything any more.
            Err(Error::Refused(_) | Error::NotFound(..)) => {}
            published => drop(published?),
        }
    }
    Ok(())
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

/// Whether who started `job` is told of its end.
fn is_news(job: &Job) -> bool {
    let begun = job.bulk.as_ref().and_then(|it| it.started_at).unwrap_or(job.created_at);
    let took_long = job.updated_at.duration_since(begun).unsigned_abs() > LONG;
    took_long || !matches!(job.state, State::Succeeded | State::SucceededWithWarnings)
}

/// The log in which `user` is told of what is theirs, if they are.
async fn own_log(tx: &Transaction<'_>, account: Uuid, user: Uuid, when: &When) -> Result<Option<Uuid>> {
    match subscription::own_log(tx, account, user).await {
        Ok(log) => {
            subscription::attend(tx, account, user, log, when).await?;
            Ok(Some(log))
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

fn summary(job: &Job) -> String {
    let done = counted(u64::try_from(job.done).unwrap_or(0), "item", "items");
    match job.failed {
        0 => format!("{done} done."),
        failed => format!("{done} done, {failed} not."),
    }
}
