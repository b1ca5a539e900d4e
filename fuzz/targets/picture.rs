//! Tries bytes as pictures.

#![no_main]

#[path = "../check/picture.rs"]
mod picture;

use libfuzzer_sys::fuzz_target;

// A decoder that panics makes a damaged picture, which the library sees to. Only what comes out of it ends this program.
fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |file: &[u8]| picture::check(file));
