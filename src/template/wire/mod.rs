//! What is asked of a template, off the wire.

pub(super) mod service;
