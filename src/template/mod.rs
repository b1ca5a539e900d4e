//! Templates: what is copied from one WorkCenter to others, and when the tasks among it start and are due there.

pub mod date;
