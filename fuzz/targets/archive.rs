//! Tries bytes as an archive.

#![no_main]

#[path = "../check/archive.rs"]
mod archive;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    archive::check(bytes);
});
