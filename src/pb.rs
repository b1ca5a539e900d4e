//! The messages and services of `proto/`, as generated, and the conversions that every service needs.

#![allow(missing_docs, clippy::all, clippy::doc_markdown, clippy::too_many_lines)]

use jiff::Timestamp;

tonic::include_proto!("workcenter.v1");

/// The descriptors of everything in `proto/`: what reflection serves, and what the rules of access are tested against.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/workcenter.bin"));

/// Writes an instant as the wire has it.
pub fn time(at: Timestamp) -> prost_types::Timestamp {
    // Both count nanoseconds forward from a whole second; jiff counts them back before 1970.
    let (mut seconds, mut nanos) = (at.as_second(), at.subsec_nanosecond());
    if nanos < 0 {
        seconds -= 1;
        nanos += 1_000_000_000;
    }
    prost_types::Timestamp { seconds, nanos }
}

/// Reads an instant off the wire; `None` when it is out of range.
pub fn instant(time: &prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::new(time.seconds, time.nanos).ok()
}
