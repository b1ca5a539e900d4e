//! Many folders and documents at once: copying, moving, deleting and restoring them, as jobs.
//!
//! The plan walks down from what was named, once, and writes a row for every item. Each item is decided twice by the same
//! rules: when it is planned, to say what would happen, and when its turn comes, from what is there then. Items are done
//! from above to below, in batches of one depth, each with a fixed number of statements however many items it has. Nothing
//! of a batch is decided from what the same batch has changed: an item that would need that waits for the next one.
//!
//! Bytes are never copied: versions name the same ones. A folder that moves inside its WorkCenter moves with one row. Into
//! another WorkCenter it goes at once under its own id, and what is in it stays behind, item by item, in a *leftover*: a
//! folder of the same name and a new id, which is removed when it is empty.

mod apply;
mod code;
mod decide;
mod end;
mod import;
mod name;
mod plan;
mod policy;
mod run;
mod service;
mod store;
mod world;

pub(super) use import::Import;
pub use import::{Imports, directory};
pub use run::Deeds;
pub use service::Bulk;

/// Things that one request names at most: more than anybody marks by hand, and less than a request may have bytes.
pub const ROOTS_MAX: usize = 1_000;

/// Items that one job has at most. Their rows take a few seconds to write, and a file system of this size is copied by parts.
pub const ITEMS_MAX: usize = 100_000;

/// Items that a plan shows at most: what one page of a list has.
pub const SHOWN_MAX: usize = 200;
