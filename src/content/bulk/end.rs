//! The word that bulk jobs are over: one event for each WorkCenter in which something was done, and a notice to who started
//! one, when it took long or something went wrong.

use std::{collections::BTreeMap, time::Duration};

use uuid::Uuid;

use crate::{
    completion::{self, Words},
    db::Transaction,
    error::Result,
    job::{Ended, Job, Kind},
    mail::phrase::counted,
    subscription::When,
};

/// Tells people that jobs are over.
pub(super) async fn tell(tx: &Transaction<'_>, ended: &[Ended], when: &When, window: Duration) -> Result<()> {
    let mut words = Words::new();
    for Ended { job, workcenters } in ended {
        let (kind, did, _) = phrases(job.kind);
        for (workcenter, things) in touched(job, workcenters) {
            let event = completion::event(job, kind, format!("{} {did}", items(things)), when);
            words.entry(workcenter).or_default().push(event);
        }
    }
    let title = |job: &Job| {
        let named = job.bulk.as_ref().map_or(job.total, |it| it.order.roots);
        format!("{} {}", phrases(job.kind).2, items(named))
    };
    completion::tell(tx, ended, title, words, when, window).await
}

/// The WorkCenters that are told of `job`, each with how many things.
fn touched(job: &Job, workcenters: &[(Uuid, i64)]) -> BTreeMap<Uuid, i64> {
    let mut touched = BTreeMap::new();
    let done: i64 = workcenters.iter().map(|(_, things)| things).sum();
    let target = job.bulk.as_ref().and_then(|it| it.order.target.as_ref()).map(|it| it.workcenter);
    if job.kind != Kind::BulkCopy {
        touched.extend(workcenters.iter().copied());
    }
    if let Some(target) = target.filter(|_| done > 0 && job.kind != Kind::BulkRestore) {
        touched.insert(target, done);
    }
    touched
}

fn items(count: i64) -> String {
    counted(u64::try_from(count).unwrap_or(0), "item", "items")
}

/// The kind of event that a job ends with, and what it is called once it is done, and until then.
fn phrases(kind: Kind) -> (&'static str, &'static str, &'static str) {
    match kind {
        Kind::BulkMove => ("files.bulk_moved", "moved", "Moving"),
        Kind::BulkDelete => ("files.bulk_deleted", "deleted", "Deleting"),
        Kind::BulkRestore => ("files.bulk_restored", "restored", "Restoring"),
        Kind::ImportDocuments => ("files.bulk_imported", "imported", "Importing"),
        _ => ("files.bulk_copied", "copied", "Copying"),
    }
}
