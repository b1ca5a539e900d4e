//! Tries bytes as pictures.

#![no_main]

#[path = "../check/picture.rs"]
mod check;

use std::{panic::PanicHookInfo, process::abort};

use libfuzzer_sys::fuzz_target;

use squares::{Crop, readable};

/// Ends the program where code of ours panics.
///
/// That of others may: the library takes the picture for damaged then. It has no right to in ours.
fn judge(panic: &PanicHookInfo<'_>) {
    if panic.location().is_none_or(|it| !it.file().contains("/registry/src/")) {
        eprintln!("{panic}");
        abort();
    }
}

/// Of how many pictures that can be read one is cut. To make squares of it takes a hundred times as long.
const CUT_OF: u32 = 64;

fuzz_target!(init: std::panic::set_hook(Box::new(judge)), |file: &[u8]| {
    let crop = |it: &[u8; 3]| Crop { left: it[0].into(), top: it[1].into(), side: it[2].into() };
    let whole = readable(file, None);
    let part = readable(file, file.last_chunk().map(crop));
    assert!(whole.is_ok() || part.is_err(), "only a part of it can be read");
    let sum = file.iter().fold(0_u32, |sum, it| sum.wrapping_mul(31).wrapping_add(u32::from(*it)));
    if whole.is_ok() && sum % CUT_OF == 0 {
        check::check(file);
    }
});
