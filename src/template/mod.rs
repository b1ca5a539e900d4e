//! Templates: WorkCenters whose contents are copied into others, and what is copied again when they change.
//!
//! A job copies a template into one WorkCenter; publishing is a job over many, which has one such job for each and waits for it.
//! Things are copied in one order, in batches of one kind: what is set, who collaborates, folders from above to below,
//! documents, tasks, posts, comments. What comes before a task and what is attached to it is tied to its copy when all tasks are
//! there.
//!
//! For each thing it is kept what it has led to, with a hash over both. What is in a WorkCenter is touched only where it still is
//! what was copied there: whatever people have changed or deleted stays as they want it. A second run over the same does nothing.

mod cast;
mod code;
pub mod date;
mod dates;
mod decide;
mod judge;
mod link;
mod people;
mod plan;
mod publish;
mod run;
mod service;
mod store;
mod wire;
mod work;

pub use service::Service;
pub use work::Work;

/// WorkCenters that one job publishes to at most: what an administrator can look through when it is over.
pub const TARGETS_MAX: usize = 1_000;

/// Things that a plan shows at most: what one page of a list has.
pub const SHOWN_MAX: usize = 200;

/// People who are named for roles, or in place of others, at most.
pub const CAST_MAX: usize = 200;
