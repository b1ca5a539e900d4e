//! Templates on the wire: what is asked of them, and what plans tell.

pub(super) mod plan;
pub(super) mod service;
