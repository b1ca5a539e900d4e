//! Tries bytes as tokens.

#![no_main]

#[path = "../check/token.rs"]
mod token;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    token::check(bytes);
});
