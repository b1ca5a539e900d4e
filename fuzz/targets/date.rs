//! Tries bytes as a rule and the dates of tasks.

#![no_main]

#[path = "../check/date.rs"]
mod date;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    date::check(bytes);
});
