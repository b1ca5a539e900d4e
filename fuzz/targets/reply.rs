//! Tries bytes as what a relay says.

#![no_main]

#[path = "../check/reply.rs"]
mod reply;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    reply::check(bytes);
});
