//! The messages and services of `proto/`, as generated, and the conversions that every service needs.

#![allow(missing_docs, clippy::all, clippy::doc_markdown, clippy::too_many_lines)]

mod codec;

use std::time::Duration;

use jiff::Timestamp;

pub use codec::Codec;

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

/// Writes a span as the wire has it.
pub fn span(it: Duration) -> prost_types::Duration {
    // What does not fit is three hundred milliards of years.
    let seconds = i64::try_from(it.as_secs()).unwrap_or(i64::MAX);
    prost_types::Duration { seconds, nanos: i32::try_from(it.subsec_nanos()).unwrap_or_default() }
}

/// A method of a service, as its descriptor has it.
pub struct Method {
    /// The name of the service with its package.
    pub service: String,
    /// Its own name.
    pub name: String,
    /// Whether the caller sends a stream.
    pub takes_stream: bool,
    /// Whether the answer is a stream.
    pub gives_stream: bool,
}

/// Every method that a descriptor set has.
///
/// # Errors
///
/// [`prost::DecodeError`] when `descriptors` are none.
pub fn methods(descriptors: &[u8]) -> Result<Vec<Method>, prost::DecodeError> {
    let set = <prost_types::FileDescriptorSet as prost::Message>::decode(descriptors)?;
    let services = set.file.iter().flat_map(|file| file.service.iter().map(move |it| (file.package(), it)));
    let methods = services.flat_map(|(package, service)| {
        service.method.iter().map(move |it| Method {
            service: format!("{package}.{}", service.name()),
            name: it.name().to_owned(),
            takes_stream: it.client_streaming(),
            gives_stream: it.server_streaming(),
        })
    });
    Ok(methods.collect())
}
