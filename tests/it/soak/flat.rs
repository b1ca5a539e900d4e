//! Whether memory is flat: what a program has when nobody calls, after each hour, is what it keeps, and the most of these
//! in the last third of the hours is held against the most in the middle third. While it is called, it has more with
//! every call that is under way, and so as much as the machine lets it do at a time.
//!
//! The first third is left out: connections learn their statements, caches fill, and digests come to tell of a day. What
//! is kept of each call or mail makes the last third higher than the middle one by as much as is kept in a third of all
//! hours.

use std::{fs, path::Path, process::Command};

/// How much more there may be, as a part of what there was, and besides, in KiB: it is chance how many pages have but a
/// little in use, and how large a mail is that the daemon has just then.
const MORE_SHARE: f64 = 0.05;
const MORE_KIB: f64 = 1_024.0;

/// Makes what has a program give back what is free of its memory, and returns the environment that it takes. Without it
/// the C library keeps what the largest digests took, once for each of many threads, and lays what is kept of calls into
/// that: a daemon that had come to 26 MB, of which it used 8, then kept a KiB of each of 3,000 mails without ever having
/// more. Source: M. Kerrisk, "mallopt(3)" and "`malloc_trim(3)`", Linux manual pages.
pub fn giving_back() -> Vec<(&'static str, String)> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("soak");
    fs::create_dir_all(&folder).unwrap();
    let (source, made) = (folder.join("trim.c"), folder.join("trim.so"));
    fs::write(&source, include_str!("trim.c")).unwrap();
    let mut compiler = Command::new("cc");
    let made_it = compiler.args(["-shared", "-fPIC", "-pthread", "-o"]).arg(&made).arg(&source).status().unwrap();
    assert!(made_it.success(), "{compiler:?}");
    vec![
        ("LD_PRELOAD", made.to_str().unwrap().to_owned()),
        // All threads have one room, and what is large has a room of its own, which goes with it.
        ("MALLOC_ARENA_MAX", "1".to_owned()),
        ("MALLOC_MMAP_THRESHOLD_", (128 * 1_024).to_string()),
    ]
}

/// What a program had after an hour, and how much had been done by then.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub kib: u64,
    pub calls: u64,
    pub mails: u64,
}

/// From the middle third to the last.
#[derive(Clone, Copy, Debug)]
pub struct Rise {
    /// The most of each, in KiB.
    pub peaks: [u64; 2],
    /// What was done between the two: in a third of all hours.
    pub calls: u64,
    pub mails: u64,
}

impl Rise {
    /// From hours, of which there are three at least.
    pub fn of(hours: &[Point]) -> Self {
        let third = hours.len() / 3;
        let [middle, last] = [1, 2].map(|from| &hours[from * third..(from + 1) * third]);
        let peak = |of: &[Point]| of.iter().map(|it| it.kib).max().expect("there are hours");
        let done = |what: fn(&Point) -> u64| what(&last[third - 1]) - what(&middle[third - 1]);
        Self { peaks: [peak(middle), peak(last)], calls: done(|it| it.calls), mails: done(|it| it.mails) }
    }

    /// How much more there may be, in KiB.
    #[expect(clippy::cast_precision_loss, reason = "KiB are far below 2^52")]
    fn most_kib(&self) -> f64 {
        self.peaks[0] as f64 * MORE_SHARE + MORE_KIB
    }

    #[expect(clippy::cast_precision_loss, reason = "KiB are far below 2^52")]
    pub fn is_flat(&self) -> bool {
        self.peaks[1] as f64 <= self.peaks[0] as f64 + self.most_kib()
    }

    /// How many bytes would have to stay of each call, and of each mail, to be seen for sure.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn seen_bytes(&self) -> [f64; 2] {
        [self.calls, self.mails].map(|count| self.most_kib() * 1_024.0 / count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Forty-eight hours of so many calls and mails, with what there is at each.
    fn hours(kib: impl Fn(u64) -> u64) -> Vec<Point> {
        (1..=48).map(|it| Point { kib: kib(it), calls: it * 8_000, mails: it * 250 }).collect()
    }

    #[test]
    fn what_goes_up_and_down_or_fills_at_first_is_flat() {
        let filled = hours(|it| 30_000 + (it.min(12) * 1_000) + it * 7_919 % 3_000);
        assert!(Rise::of(&filled).is_flat(), "{:?}", Rise::of(&filled));
    }

    #[test]
    fn what_stays_of_each_call_or_mail_is_seen() {
        let [bytes_of_call, _] = Rise::of(&hours(|_| 30_000)).seen_bytes();
        assert!(bytes_of_call < 100.0, "{bytes_of_call}");
        let of_calls = hours(|it| 30_000 + it * 8_000 * 100 / 1_024);
        assert!(!Rise::of(&of_calls).is_flat(), "{:?}", Rise::of(&of_calls));
        let [_, bytes_of_mail] = Rise::of(&hours(|_| 10_000)).seen_bytes();
        assert!(bytes_of_mail < 1_024.0, "{bytes_of_mail}");
        let of_mails = hours(|it| 10_000 + it * 250);
        assert!(!Rise::of(&of_mails).is_flat(), "{:?}", Rise::of(&of_mails));
    }
}
