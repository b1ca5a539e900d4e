//! Cuts one file again and again, and prints what that took: `pictures FILE COUNT`.

use std::{env, error::Error, fs};

use squares::cut;

/// Milliseconds that the only thread of this program has had a core.
///
/// Source: the first number of `/proc/self/schedstat`, in nanoseconds; proc(5).
fn cpu_ms() -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/self/schedstat")?;
    Ok(text.split_whitespace().next().ok_or("no figure")?.parse::<f64>()? / 1e6)
}

/// The most that this program has had in memory, in kibibytes.
fn peak_kib() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).ok_or("no figure")?;
    Ok(line.split_whitespace().next().ok_or("no figure")?.parse()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [file, count] = &arguments[..] else { return Err("usage: pictures FILE COUNT".into()) };
    let (file, count) = (fs::read(file)?, count.parse::<u32>()?);
    let before = peak_kib()?;
    // The first is for caches and pages.
    cut(&file, None)?;
    let begin = cpu_ms()?;
    for _ in 0..count {
        cut(&file, None)?;
    }
    let cpu = (cpu_ms()? - begin) / f64::from(count);
    let peak = peak_kib()?;
    println!(r#"{{"cpu_ms": {cpu:.3}, "peak_kib": {peak}, "grown_kib": {}}}"#, peak - before);
    Ok(())
}
