//! Tries bytes as the messages of an upload.

#![no_main]

#[path = "../check/upload.rs"]
mod upload;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    upload::check(bytes);
});
