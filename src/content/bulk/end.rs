//! The word that a bulk job is over: one event for each WorkCenter in which something was done, and a notice to who started
//! it, when it took long or something went wrong.

use std::{collections::BTreeMap, time::Duration};

use uuid::Uuid;

use crate::{
    completion,
    db::Transaction,
    error::Result,
    job::{Job, Kind},
    mail::phrase::counted,
    subscription::When,
};

/// Tells people that `job` is over. `workcenters` are those in which something that was named was done, with how many things.
pub(super) async fn tell(
    tx: &Transaction<'_>,
    job: &Job,
    workcenters: &[(Uuid, i64)],
    when: &When,
    window: Duration,
) -> Result<()> {
    let (kind, did, doing) = words(job.kind);
    let named = job.bulk.as_ref().map_or(job.total, |it| it.order.roots);
    let notice = completion::notice(tx, job, format!("{doing} {}", items(named)), when).await?;
    let done: i64 = workcenters.iter().map(|(_, things)| things).sum();
    let target = job.bulk.as_ref().and_then(|it| it.order.target.as_ref()).map(|it| it.workcenter);
    let mut told: BTreeMap<Uuid, i64> = BTreeMap::new();
    if job.kind != Kind::BulkCopy {
        told.extend(workcenters.iter().copied());
    }
    if let Some(target) = target.filter(|_| done > 0 && job.kind != Kind::BulkRestore) {
        told.insert(target, done);
    }
    let event = |things| completion::event(job, kind, format!("{} {did}", items(things)), when);
    let mut logs: BTreeMap<Uuid, _> = told.into_iter().map(|(log, things)| (log, event(things))).collect();
    logs.extend(notice);
    completion::publish(tx, logs, when, window).await
}

fn items(count: i64) -> String {
    counted(u64::try_from(count).unwrap_or(0), "item", "items")
}

/// The kind of event that a job ends with, and what it is called once it is done, and until then.
fn words(kind: Kind) -> (&'static str, &'static str, &'static str) {
    match kind {
        Kind::BulkMove => ("files.bulk_moved", "moved", "Moving"),
        Kind::BulkDelete => ("files.bulk_deleted", "deleted", "Deleting"),
        Kind::BulkRestore => ("files.bulk_restored", "restored", "Restoring"),
        Kind::BulkCopy | Kind::DigestRun | Kind::ImportInvites => ("files.bulk_copied", "copied", "Copying"),
    }
}
