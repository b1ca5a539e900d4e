//! What a WorkCenter costs when a template is published to many: statements, and, with `TEMPLATES_FULL` set, up to as many as
//! there may be, with the time for each and the memory of a real daemon.

use std::time::{Duration, Instant};

use uuid::Uuid;
use workcenter::{daemon::Daemon, pb::JobState, template::TARGETS_MAX};

use super::{Pattern, publish::spaces};
use crate::{
    bulk::model::setting,
    process::program::{DAEMON, Serving},
};

/// How much more memory a daemon may take for many WorkCenters than for a few, in kibibytes: what it has of one at a time is a few
/// of these, and of their names and ids nothing.
const GROWTH_KIB: u64 = 16 << 10;

/// How much longer a WorkCenter may take among as many as there may be than among ten. Source: the promise that it is flat.
const FLAT: f64 = 1.5;

/// The most memory that a process has ever had, in kibibytes.
fn peak(of: &Serving) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", of.pid())).unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_workcenter_costs_as_much_among_many_as_among_few() {
    let pattern = Pattern::set().await;
    let is_full = setting("TEMPLATES_FULL").is_some();
    let sizes: &[usize] = if is_full { &[1, 10, 100, TARGETS_MAX] } else { &[1, 10, 20] };
    let (parts, tap) = pattern.stage.app.tapped_parts().await;
    let daemon = Daemon::new(parts, &pattern.stage.app.daemon_settings(None));
    let cost = async |targets: &[Uuid]| -> (usize, Duration) {
        let job = pattern.publish(pattern.publishing(targets)).await;
        let (before, begun) = (tap.round_trips(), Instant::now());
        while daemon.work().await.unwrap() {}
        let taken = (tap.round_trips() - before, begun.elapsed());
        let over = pattern.seen(&job).await;
        assert_eq!(over.state(), JobState::SucceededWithWarnings);
        assert_eq!(over.done_items, i64::try_from(targets.len()).unwrap());
        taken
    };
    // Statements are prepared once.
    cost(&spaces(&pattern.stage, 1).await).await;
    for size in sizes {
        let targets = spaces(&pattern.stage, *size).await;
        let (count, took) = cost(&targets).await;
        let each = count as f64 / *size as f64;
        println!(
            "{size} WorkCenters: {count} {each:.1} statements for each, {:.1} ms",
            took.as_secs_f64() * 1e3 / *size as f64
        );
    }
}
