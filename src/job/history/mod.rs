//! For how long what is over is kept: jobs and their items are the history that people and auditors look at.

mod store;

pub use store::sweep;

/// Days for which a job is kept once it is over: a year, and a month in which to ask about it.
const KEPT_DAYS: i64 = 400;

/// Jobs that one sweep looks at.
const JOBS_MAX: i64 = 100;
