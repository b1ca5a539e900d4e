//! Tasks as the wire has them: what is read, and what is said.

mod service;

pub(super) use service::{FIELDS, Sent, is_set, statuses};
