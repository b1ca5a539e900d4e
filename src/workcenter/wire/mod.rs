//! WorkCenters as the wire has them: what is read, and what is said.

mod service;

pub use service::read_role;
pub(super) use service::{new, read_states};
