//! A run of digests as a line that grows: on a terminal in place, elsewhere as a few lines.

use std::io::{self, IsTerminal};

use super::{say, write};
use crate::{error::Result, pb};

/// How many characters a bar has.
const WIDTH: usize = 24;

/// How many lines a run gets at most where they cannot be drawn over each other.
const LINES: i64 = 6;

/// Draws one run.
pub struct Bar {
    label: String,
    is_terminal: bool,
    drawn: i64,
}

impl Bar {
    /// A bar with nothing drawn yet, with `label` before it.
    pub fn new(label: String) -> Self {
        Self { label, is_terminal: io::stdout().is_terminal(), drawn: 0 }
    }

    /// Draws `job` as it stands, for the last time when `is_final`.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn draw(&mut self, job: &pb::Job, is_final: bool) -> Result<()> {
        let line = line(&self.label, job);
        if self.is_terminal {
            let end = if is_final { "\n" } else { "" };
            return write(format_args!("\r{line}\x1b[K{end}"));
        }
        // A run that has nothing to tell so far is worth one line, at its end.
        let passed = passed(job) * LINES / job.total_items.max(1);
        if is_final || self.drawn < passed && passed < LINES && job.done_items > 0 {
            self.drawn = passed;
            say(format_args!("{line}"))?;
        }
        Ok(())
    }
}

fn passed(job: &pb::Job) -> i64 {
    job.done_items + job.skipped_items + job.failed_items
}

fn line(label: &str, job: &pb::Job) -> String {
    let pb::Job { total_items: total, done_items: done, skipped_items: empty, failed_items: failed, .. } = job;
    let passed = passed(job);
    let share = usize::try_from(passed).unwrap_or(0) * WIDTH / usize::try_from(*total).unwrap_or(0).max(1);
    let bar = "#".repeat(share.min(WIDTH));
    format!("    {label:6} [{bar:.<WIDTH$}] {passed:3} of {total}: {done} mailed, {empty} empty, {failed} failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_what_has_passed() {
        let job = pb::Job { total_items: 40, done_items: 15, skipped_items: 4, failed_items: 1, ..pb::Job::default() };
        let drawn = "    daily  [############............]  20 of 40: 15 mailed, 4 empty, 1 failed";
        assert_eq!(line("daily", &job), drawn);
        let nothing = "    daily  [........................]   0 of 0: 0 mailed, 0 empty, 0 failed";
        assert_eq!(line("daily", &pb::Job::default()), nothing);
    }
}
