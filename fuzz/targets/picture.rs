//! Tries bytes as pictures.
//!
//! Only the reader of pictures is compiled, from its own files: with all of the server around it, a build would take
//! longer than a run.

#![no_main]

// The name that the check knows the library by.
extern crate self as workcenter;

#[path = "../check/picture.rs"]
mod check;

/// The reader. Its files are found as beside their own, below this folder.
#[path = "../../src/profile/picture"]
#[allow(dead_code, unused_imports, reason = "the server uses what a check does not")]
mod reader {
    pub(super) mod squares;
}

/// What the check uses of the library.
mod profile {
    pub(crate) use super::reader::squares::{Crop, Fault, cut};
}

use std::{panic::PanicHookInfo, process::abort};

use libfuzzer_sys::fuzz_target;

/// Ends the program where code of ours panics.
///
/// That of others may: the library takes the picture for damaged then. It has no right to in ours.
fn judge(panic: &PanicHookInfo<'_>) {
    if panic.location().is_none_or(|it| !it.file().contains("/registry/src/")) {
        eprintln!("{panic}");
        abort();
    }
}

fuzz_target!(init: std::panic::set_hook(Box::new(judge)), |file: &[u8]| check::check(file));
