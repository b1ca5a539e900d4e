//! What this process takes of its machine, as Linux tells it under `/proc/self`.

use std::fs;

/// Ticks of the kernel's accounts in a second, which have been as many on all that we run on. Source: proc(5), `USER_HZ`.
const TICKS: f64 = 100.0;

/// Bytes in what `/proc` calls a kB.
const KB: u64 = 1024;

/// What a process takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Usage {
    /// Seconds of processors, its own and the kernel's for it.
    pub cpu_seconds: f64,
    /// Bytes of memory that it has at hand.
    pub resident_bytes: u64,
    /// Bytes of addresses that it has.
    pub virtual_bytes: u64,
    /// Files, sockets and the like that it has open.
    pub open_fds: u64,
    /// How many of them it may have open.
    pub max_fds: u64,
    /// When it began, in seconds since the epoch.
    pub began_at: f64,
}

/// What this process takes; `None` where there is no `/proc`.
pub(super) fn own() -> Option<Usage> {
    let text = |path| fs::read_to_string(path).ok();
    let fds = fs::read_dir("/proc/self/fd").ok()?.count();
    read(
        &text("/proc/self/stat")?,
        &text("/proc/self/status")?,
        &text("/proc/self/limits")?,
        &text("/proc/stat")?,
        u64::try_from(fds).unwrap_or(u64::MAX),
    )
}

/// Reads it out of the files' texts.
fn read(stat: &str, status: &str, limits: &str, machine: &str, open_fds: u64) -> Option<Usage> {
    // The name of the program stands in parentheses, and may have anything in it.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // proc(5) counts from 1, and the name is the second.
    let ticks = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    let kilobytes = |name| value(status, name)?.parse::<u64>().ok().map(|it| it * KB);
    let booted_at: f64 = value(machine, "btime")?.parse().ok()?;
    Some(Usage {
        cpu_seconds: (ticks(14)? + ticks(15)?) / TICKS,
        resident_bytes: kilobytes("VmRSS:")?,
        virtual_bytes: kilobytes("VmSize:")?,
        open_fds,
        max_fds: value(limits, "Max open files")?.parse().unwrap_or(u64::MAX),
        began_at: booted_at + ticks(22)? / TICKS,
    })
}

/// The first word after `name` at the beginning of a line.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|it| it.strip_prefix(name)?.split_whitespace().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_takes_is_read_whatever_its_name_is() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 9 0 12345 99 7 18446744073709551615";
        let status = "Name:\ta\nVmSize:\t    2048 kB\nVmRSS:\t      10 kB\n";
        let limits = "Limit   Soft Limit  Hard Limit  Units\nMax open files            1024   4096   files\n";
        let machine = "cpu 1 2 3\nbtime 1700000000\n";
        let usage = Usage {
            cpu_seconds: 3.0,
            resident_bytes: 10_240,
            virtual_bytes: 2_097_152,
            open_fds: 5,
            max_fds: 1024,
            began_at: 1_700_000_123.45,
        };
        assert_eq!(read(stat, status, limits, machine, 5), Some(usage));
        assert_eq!(read(stat, "", limits, machine, 5), None);
    }

    #[test]
    fn this_process_has_a_usage() {
        let usage = own().unwrap();
        assert!(usage.resident_bytes > 0 && usage.virtual_bytes >= usage.resident_bytes, "{usage:?}");
        assert!(usage.open_fds > 0 && usage.open_fds <= usage.max_fds, "{usage:?}");
    }
}
