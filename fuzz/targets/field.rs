//! Tries bytes as the text of fields.

#![no_main]

#[path = "../check/field.rs"]
mod field;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    field::check(bytes);
});
