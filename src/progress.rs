//! A job as a line that grows: on a terminal in place, elsewhere as a few lines.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal, Write},
};

use jiff::Timestamp;

use crate::{
    error::{Error, Result},
    mail::phrase::figure,
    pb::{self, JobKind},
};

/// How many characters a bar has.
const WIDTH: usize = 18;

/// How many lines a job gets at most where they cannot be drawn over each other.
const LINES: i64 = 6;

/// The pace is that of these last seconds: long enough to be steady, short enough to show when it changes.
const PACED_SECONDS: i64 = 30;

/// Draws one job.
pub struct Bar {
    label: String,
    is_terminal: bool,
    drawn: i64,
    /// How much had passed when, oldest first.
    seen: VecDeque<(Timestamp, i64)>,
}

impl Bar {
    /// A bar with nothing drawn yet, with `label` before it.
    pub fn new(label: String) -> Self {
        Self { label, is_terminal: io::stdout().is_terminal(), drawn: 0, seen: VecDeque::new() }
    }

    /// Draws `job` as it stands, for the last time when `is_final`.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn draw(&mut self, job: &pb::Job, is_final: bool) -> Result<()> {
        let pace = if is_final { None } else { self.pace(job) };
        let line = line(&self.label, job, pace);
        if self.is_terminal {
            let end = if is_final { "\n" } else { "" };
            return write(format_args!("\r{line}\x1b[K{end}"));
        }
        // A job of which nothing was done so far is worth one line, at its end.
        let passed = passed(job) * LINES / job.total_items.max(1);
        if is_final || self.drawn < passed && passed < LINES && job.done_items > 0 {
            self.drawn = passed;
            write(format_args!("{line}\n"))?;
        }
        Ok(())
    }

    /// Items that pass in a second, counted from the oldest state of the last half minute that was seen.
    fn pace(&mut self, job: &pb::Job) -> Option<f64> {
        let at = job.update_time.as_ref().and_then(pb::instant)?;
        self.seen.push_back((at, passed(job)));
        let is_old = |then: Timestamp| PACED_SECONDS < at.duration_since(then).as_secs();
        while 2 < self.seen.len() && self.seen.front().is_some_and(|it| is_old(it.0)) {
            self.seen.pop_front();
        }
        let &(then, before) = self.seen.front()?;
        let (seconds, items) = (at.duration_since(then).as_secs_f64(), passed(job) - before);
        #[allow(clippy::cast_precision_loss, reason = "it is shown with no more than three figures")]
        let pace = items as f64 / seconds;
        (0.0 < seconds && 0 < items).then_some(pace)
    }
}

fn passed(job: &pb::Job) -> i64 {
    job.done_items + job.skipped_items + job.failed_items
}

/// The line; while it is under way, with its `pace`, it fits into eighty columns.
fn line(label: &str, job: &pb::Job, pace: Option<f64>) -> String {
    let pb::Job { total_items: total, done_items: done, skipped_items: skipped, failed_items: failed, .. } = *job;
    let number = |it: i64| figure(u64::try_from(it).unwrap_or(0));
    let passed = passed(job);
    let share = usize::try_from(passed).unwrap_or(0) * WIDTH / usize::try_from(total).unwrap_or(0).max(1);
    let bar = "#".repeat(share.min(WIDTH));
    let (did, passed_over) = if job.kind() == JobKind::DigestRun { ("mailed", "empty") } else { ("done", "skipped") };
    let mut line = format!("{label} [{bar:.<WIDTH$}] {:>3} of {}", number(passed), number(total));
    let Some(pace) = pace else {
        line += &format!(": {} {did}, {} {passed_over}, {} failed", number(done), number(skipped), number(failed));
        return line;
    };
    if 0 < failed {
        line += &format!(", {} failed", number(failed));
    }
    #[allow(clippy::cast_precision_loss, reason = "it is shown in whole seconds")]
    let left = (total - passed).max(0) as f64 / pace;
    line + &format!(", {}, {} left", rate(pace), span(left))
}

/// A pace for readers: whole items when there are ten in a second or more.
fn rate(pace: f64) -> String {
    if pace < 10.0 { format!("{pace:.1}/s") } else { format!("{pace:.0}/s") }
}

/// A span of seconds for readers, in the largest unit of which there are more than one or two.
fn span(seconds: f64) -> String {
    const UNITS: [(u64, &str); 3] = [(3_600, "h"), (60, "min"), (1, "s")];
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is not negative, and what is too much is cut"
    )]
    let seconds = seconds.ceil() as u64;
    let (unit, name) = UNITS.into_iter().find(|it| 2 * it.0 <= seconds).unwrap_or((1, "s"));
    format!("{} {name}", figure(seconds / unit))
}

/// Writes what may be a part of a line, to be seen at once; a reader who has gone is no fault.
///
/// # Errors
///
/// When it cannot be written.
pub fn write(text: std::fmt::Arguments<'_>) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_fmt(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::internal(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(done: i64, at: i64) -> pb::Job {
        let at = Timestamp::from_second(at).unwrap();
        pb::Job {
            kind: JobKind::BulkMove.into(),
            total_items: 1_200,
            done_items: done,
            update_time: Some(pb::time(at)),
            ..pb::Job::default()
        }
    }

    #[test]
    fn a_bar_is_as_long_as_what_has_passed() {
        let kind = JobKind::DigestRun.into();
        let run =
            pb::Job { kind, total_items: 40, done_items: 15, skipped_items: 4, failed_items: 1, ..pb::Job::default() };
        let drawn = "    daily  [#########.........]  20 of 40: 15 mailed, 4 empty, 1 failed";
        assert_eq!(line("    daily ", &run, None), drawn);
        let nothing = "move [..................]   0 of 0: 0 done, 0 skipped, 0 failed";
        assert_eq!(line("move", &pb::Job::default(), None), nothing);
        let half = "move [#########.........] 600 of 1,200, 8.0/s, 75 s left";
        assert_eq!(line("move", &job(600, 0), Some(8.0)), half);
    }

    #[test]
    fn a_line_that_is_drawn_over_fits_into_eighty_columns() {
        let most = pb::Job { total_items: 100_000, done_items: 98_000, failed_items: 1_000, ..pb::Job::default() };
        let drawn = line("restore", &most, Some(13.0));
        assert!(drawn.chars().count() < 80, "{drawn}");
    }

    #[test]
    fn the_pace_is_that_of_the_last_half_minute() {
        let mut bar = Bar::new(String::new());
        assert_eq!(bar.pace(&job(0, 0)), None, "nothing is known of a pace yet");
        assert_eq!(bar.pace(&job(300, 10)), Some(30.0));
        assert_eq!(bar.pace(&job(300, 20)), Some(15.0));
        assert_eq!(bar.pace(&job(400, 50)), Some(100.0 / 30.0));
    }

    #[test]
    fn what_is_left_is_said_in_one_unit() {
        let all = [0.2, 59.0, 119.0, 120.0, 7_199.0, 7_200.0, 3_600_000.0].map(span);
        assert_eq!(all, ["1 s", "59 s", "119 s", "2 min", "119 min", "2 h", "1,000 h"]);
    }
}
