//! Imports: a .zip archive becomes folders and documents, as a job.
//!
//! The archive comes as documents do and is kept in the store of bytes under a name of its own. Its directory is read, and what it
//! says is checked: what is wrong with the whole is refused, and there is no job. Otherwise all of it is written down: an item
//! for each folder and document, and where each document lies. Before each batch the next documents are unpacked and
//! stored; the batch then puts them into their places, by the same rules as copies. When the job is over the archive goes.
//!
//! ```text
//! ImportDocuments ─▶ archive in the store ─▶ directory, plan ─▶ job ─┬▶ prepare: unpack, store ─▶ batch ─┬▶ end
//!                                                                    └───────────────◀──────────────────┘
//! ```

mod archive;
/// Public for the fuzz target alone.
pub mod directory;
mod inflate;
mod plan;
mod prepare;
mod run;
mod service;
mod store;

pub use run::Imports;
pub(in crate::content) use service::Import;
