//! The word that bulk jobs are over: one event for each WorkCenter in which something was done, and a notice to who started
//! one, when it took long or something went wrong.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use uuid::Uuid;

use crate::{
    activity::{self, Audience, Thing},
    db::Transaction,
    error::{Error, Result},
    job::{Ended, Job, Kind, State},
    subscription::{self, When},
};

/// How long a job may take before who started it is told of its end: by then they have turned to something else.
const LONG: Duration = Duration::from_secs(30);

/// Tells people that jobs are over.
pub(super) async fn tell(tx: &Transaction<'_>, ended: &[Ended], when: &When, window: Duration) -> Result<()> {
    // In the order of ids, as everybody locks heads.
    let mut logs: BTreeMap<Uuid, Vec<activity::New>> = BTreeMap::new();
    let mut own: HashMap<(Uuid, Uuid), Option<Uuid>> = HashMap::new();
    for Ended { job, workcenters } in ended {
        for (workcenter, (kind, things)) in events(job, workcenters) {
            logs.entry(workcenter).or_default().push(event(job, kind, things, when));
        }
        let Some(user) = job.initiator.filter(|_| is_news(job)) else { continue };
        let log = match own.get(&(job.account, user)) {
            Some(log) => *log,
            None => *own.entry((job.account, user)).or_insert(own_log(tx, job.account, user, when).await?),
        };
        if let Some(log) = log {
            let notice = event(job, ended_as(job.state), job.done, when);
            logs.entry(log).or_default().push(notice.to_oneself(user));
        }
    }
    for (log, events) in logs {
        match activity::publish(tx, log, events, when.now, window).await {
            // Where nobody is told of anything any more.
            Err(Error::Refused(_) | Error::NotFound(..)) => {}
            published => drop(published?),
        }
    }
    Ok(())
}

/// What is told of `job` in which WorkCenters, and of how many things.
fn events(job: &Job, workcenters: &[(Uuid, i64)]) -> BTreeMap<Uuid, (&'static str, i64)> {
    let mut events: BTreeMap<Uuid, (&'static str, i64)> = BTreeMap::new();
    let done: i64 = workcenters.iter().map(|(_, things)| things).sum();
    let target = job.bulk.as_ref().and_then(|it| it.order.target.as_ref()).map(|it| it.workcenter);
    if job.kind != Kind::BulkCopy {
        events.extend(workcenters.iter().map(|(id, things)| (*id, (kind(job.kind), *things))));
    }
    if let Some(target) = target.filter(|_| done > 0 && job.kind != Kind::BulkRestore) {
        events.insert(target, (kind(job.kind), done));
    }
    events
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

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::BulkMove => "files.bulk_moved",
        Kind::BulkDelete => "files.bulk_deleted",
        Kind::BulkRestore => "files.bulk_restored",
        Kind::BulkCopy | Kind::DigestRun => "files.bulk_copied",
    }
}

fn ended_as(state: State) -> &'static str {
    match state {
        State::PartiallyFailed => "process.partially_failed",
        State::Failed => "process.failed",
        State::Cancelled => "process.cancelled",
        _ => "process.succeeded",
    }
}

fn event(job: &Job, kind: &str, things: i64, when: &When) -> activity::New {
    let (did, doing) = match job.kind {
        Kind::BulkMove => ("moved", "Moving"),
        Kind::BulkDelete => ("deleted", "Deleting"),
        Kind::BulkRestore => ("restored", "Restoring"),
        Kind::BulkCopy | Kind::DigestRun => ("copied", "Copying"),
    };
    let named = job.bulk.as_ref().map_or(job.total, |it| it.order.roots);
    let count = |it: i64| if it == 1 { "1 item".to_owned() } else { format!("{it} items") };
    let is_own = kind.starts_with("process.");
    let summary = match (is_own, job.failed) {
        (false, _) => String::new(),
        (true, 0) => format!("{} done.", count(job.done)),
        (true, failed) => format!("{} done, {failed} not.", count(job.done)),
    };
    let title = if is_own { format!("{doing} {}", count(named)) } else { format!("{} {did}", count(things)) };
    activity::New {
        // One of each kind in a log, whatever happens.
        event_id: format!("job-{}", job.id),
        kind: kind.to_owned(),
        actor: job.initiator.unwrap_or_default(),
        subject: Thing { kind: "job".to_owned(), id: job.id.to_string(), title, url: String::new() },
        parent: Thing::default(),
        summary,
        audience: Audience::Everyone,
        addressees: Vec::new(),
        occurred_at: when.now,
    }
}
