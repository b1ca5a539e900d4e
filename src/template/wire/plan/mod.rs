//! What would become of things, as it is told.

pub(in crate::template) mod service;
