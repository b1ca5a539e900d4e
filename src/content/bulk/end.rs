//! The word that a bulk job is over: one event for each WorkCenter in which something was done, and a notice to who started
//! it, when it took long or something went wrong.

use std::{collections::BTreeMap, time::Duration};

use uuid::Uuid;

use crate::{
    activity::{self, Audience, Thing},
    db::Transaction,
    error::{Error, Result},
    job::{Job, Kind, State},
    subscription::{self, When},
};

/// How long a job may take before who started it is told of its end: by then they have turned to something else.
const LONG: Duration = Duration::from_secs(30);

/// Tells people that `job` is over. `workcenters` are those in which something that was named was done, with how many things.
pub(super) async fn tell(
    tx: &Transaction<'_>,
    job: &Job,
    workcenters: &[(Uuid, i64)],
    when: &When,
    window: Duration,
) -> Result<()> {
    let own = own_log(tx, job, when).await?;
    let mut events: BTreeMap<Uuid, (&'static str, i64)> = BTreeMap::new();
    let done: i64 = workcenters.iter().map(|(_, things)| things).sum();
    let target = job.bulk.as_ref().and_then(|it| it.order.target.as_ref()).map(|it| it.workcenter);
    if job.kind != Kind::BulkCopy {
        events.extend(workcenters.iter().map(|(id, things)| (*id, (kind(job.kind), *things))));
    }
    if let Some(target) = target.filter(|_| done > 0 && job.kind != Kind::BulkRestore) {
        events.insert(target, (kind(job.kind), done));
    }
    // In the order of ids, as everybody locks heads.
    let mut logs: BTreeMap<Uuid, activity::New> = BTreeMap::new();
    for (workcenter, (kind, things)) in events {
        logs.insert(workcenter, event(job, kind, things, when));
    }
    if let Some((log, user)) = own {
        let notice = event(job, ended(job.state), job.done, when);
        logs.insert(log, notice.to_oneself(user));
    }
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

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::BulkMove => "files.bulk_moved",
        Kind::BulkDelete => "files.bulk_deleted",
        Kind::BulkRestore => "files.bulk_restored",
        Kind::ImportDocuments => "files.bulk_imported",
        Kind::BulkCopy | Kind::DigestRun => "files.bulk_copied",
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

fn event(job: &Job, kind: &str, things: i64, when: &When) -> activity::New {
    let (did, doing) = match job.kind {
        Kind::BulkMove => ("moved", "Moving"),
        Kind::BulkDelete => ("deleted", "Deleting"),
        Kind::BulkRestore => ("restored", "Restoring"),
        Kind::ImportDocuments => ("imported", "Importing"),
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
