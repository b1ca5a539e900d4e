//! Tries bytes as a table of invites.

#![no_main]

#[path = "../check/sheet.rs"]
mod sheet;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    sheet::check(bytes);
});
