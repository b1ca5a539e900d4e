//! What a WorkCenter costs when a template is published to many: statements for each, and the memory of a real daemon.
//!
//! `TEMPLATES_FULL` makes it as many as there may be, and looks at the time for each, too.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use uuid::Uuid;
use workcenter::{
    daemon::Daemon,
    pb::{Job, JobState, WatchJobRequest},
    template::TARGETS_MAX,
};

use super::{Pattern, publish::spaces};
use crate::{
    bulk::model::setting,
    harness::by,
    process::program::{DAEMON, Serving},
};

/// How much more memory a daemon may take for many WorkCenters than for a few, in kibibytes: it copies into one at a time, and of
/// the others has no more than the next hundred.
const GROWTH_KIB: u64 = 16 << 10;

/// How much longer a WorkCenter may take among as many as there may be than among ten: where there is little, tables are read as a
/// whole, and the more there is the longer that takes, until they are counted anew.
const FLAT: f64 = 2.0;

fn is_full() -> bool {
    setting("TEMPLATES_FULL").is_some()
}

#[tokio::test]
async fn a_workcenter_costs_as_many_statements_among_many_as_alone() {
    let pattern = Pattern::set().await;
    let (parts, tap) = pattern.stage.app.tapped_parts().await;
    let daemon = Daemon::new(parts, &pattern.stage.app.daemon_settings(None));
    let cost = async |size: usize| -> (usize, Duration) {
        let targets = spaces(&pattern.stage, size).await;
        let job = pattern.publish(pattern.publishing(&targets)).await;
        let (before, begun) = (tap.round_trips(), Instant::now());
        while daemon.work().await.unwrap() {}
        let taken = (tap.round_trips() - before, begun.elapsed());
        let over = pattern.seen(&job).await;
        let whole = (JobState::SucceededWithWarnings, i64::try_from(size).unwrap());
        assert_eq!((over.state(), over.done_items), whole);
        taken
    };
    // Statements are prepared once.
    cost(1).await;
    let (alone, _) = cost(1).await;
    let sizes: &[usize] = if is_full() { &[10, 100, TARGETS_MAX] } else { &[10, 20] };
    let mut first = None;
    println!("1 WorkCenter: {alone} statements");
    for size in sizes {
        let (statements, took) = cost(*size).await;
        let (each, time) = (statements as f64 / *size as f64, took.as_secs_f64() * 1e3 / *size as f64);
        println!("{size} WorkCenters: {each:.1} statements for each, {time:.0} ms");
        assert!(statements <= size * alone, "{alone} for one, {statements} for {size}");
        let first = *first.get_or_insert(time);
        assert!(!is_full() || time < first * FLAT, "{time} ms, where {first} ms do among ten");
    }
}

/// The most memory that a process has ever had, in kibibytes.
fn peak(of: &Serving) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", of.pid())).unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// The job as it ends.
async fn ended(pattern: &Pattern, job: &Job) -> Job {
    let watch = WatchJobRequest { job_id: job.job_id.clone(), ..Default::default() };
    let mut watched =
        pattern.stage.app.jobs().watch_job(by(&pattern.stage.account.admin.token, watch)).await.unwrap().into_inner();
    let mut last = None;
    while let Some(told) = watched.next().await {
        last = told.unwrap().job.or(last);
    }
    last.unwrap()
}

#[tokio::test]
async fn a_daemon_takes_no_more_memory_for_many_workcenters_than_for_a_few() {
    let pattern = Pattern::set().await;
    let daemon = Serving::start(DAEMON, &pattern.stage.app, &[("LOG", "warn,workcenter=info")]).await;
    let publish = async |targets: &[Uuid]| -> u64 {
        let job = pattern.publish(pattern.publishing(targets)).await;
        let over = ended(&pattern, &job).await;
        let whole = (JobState::SucceededWithWarnings, i64::try_from(targets.len()).unwrap());
        assert_eq!((over.state(), over.done_items), whole);
        peak(&daemon)
    };
    let [few, many] = if is_full() { [10, TARGETS_MAX] } else { [2, 12] };
    let before = publish(&spaces(&pattern.stage, few).await).await;
    let after = publish(&spaces(&pattern.stage, many).await).await;
    println!("peak {before} KiB with {few} WorkCenters, {after} KiB with {many}");
    assert!(after < before + GROWTH_KIB, "{before} KiB with {few} WorkCenters, {after} KiB with {many}");
}
