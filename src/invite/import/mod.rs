//! Invites from a table: a file of comma-separated values becomes a job, whose items are its rows.
//!
//! The file is read at once, and whatever is wrong with the whole of it is said before anything is kept. Rows are kept until
//! the job is over: those that cannot be read with what is wrong with them, which is what becomes of them when their turn
//! comes. All others are made as one call of many rows would make them, a hundred at a time.

/// Public for the fuzz target alone.
pub mod sheet;
mod store;
mod work;

pub(super) mod service;

pub use work::Import;

use super::offer::Offer;

/// Bytes of a file at most: a thousand for each row.
const FILE_BYTES_MAX: usize = 5 << 20;

/// Rows of a file at most: as many invites as an account may make in a day unless more was agreed.
const ROWS_MAX: usize = 5_000;

/// A row of a file.
#[derive(Clone, Debug)]
pub struct Row {
    /// The line of the file on which it begins; that of the names of the columns is the first.
    pub line: i64,
    /// What stands where an address should: what its item is called.
    pub name: String,
    /// What it asks for, or why nothing can be made of it.
    pub offer: Result<Offer, Fault>,
}

/// Why nothing can be made of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The first column with something wrong; empty when it is the row as a whole.
    pub column: String,
    /// A stable code.
    pub code: String,
    /// Everything that is wrong with it.
    pub text: String,
}
