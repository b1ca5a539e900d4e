//! The bytes of documents: how they come, and how they go.

mod service;
mod upload;

pub(super) use service::{DocumentStream, Incoming, Part, Streams, keep};
pub use upload::{DOCUMENT_BYTES_MAX, MESSAGE_BYTES_MAX};
pub(super) use upload::{digest, size};
