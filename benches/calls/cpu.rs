//! What other processes take of the machine, as Linux tells it under `/proc`.

use std::fs;

use crate::Result;

/// Microseconds in a tick of the kernel's accounts. Source: proc(5), `USER_HZ`.
const TICK_US: f64 = 1e4;

/// The fields of `stat` after the name of the program, which may have anything in it.
fn fields(pid: u32) -> Result<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no name")?;
    Ok(fields.split_whitespace().map(ToOwned::to_owned).collect())
}

/// The field that has `number` in proc(5), which counts from 1, the name being the second.
fn field(fields: &[String], number: usize) -> Result<f64> {
    Ok(fields.get(number - 3).ok_or("no such field")?.parse()?)
}

/// Microseconds that the process had a core, its own and the kernel's for it.
pub fn of(pid: u32) -> Result<f64> {
    let fields = fields(pid)?;
    Ok((field(&fields, 14)? + field(&fields, 15)?) * TICK_US)
}

/// The same of a process with all that it has begun, those that have ended too.
pub fn of_all(parent: u32) -> Result<f64> {
    let own = fields(parent)?;
    let mut all = (14..=17).map(|it| field(&own, it)).sum::<Result<f64>>()? * TICK_US;
    for entry in fs::read_dir("/proc")? {
        let Ok(pid) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        // One that has ended since is counted with its parent the next time.
        let Ok(fields) = fields(pid) else { continue };
        if field(&fields, 4)? == f64::from(parent) {
            all += of(pid).unwrap_or_default();
        }
    }
    Ok(all)
}

/// The most memory that the process ever had at hand, in KiB.
pub fn peak_kib(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let peak = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).ok_or("no peak")?;
    Ok(peak.trim().trim_end_matches(" kB").parse()?)
}
