//! Composing what people are told: immediate mail, digests, catch-ups. One composer for all of them.
//!
//! A run claims who is due, reads their logs outside of any lock, and commits with a check that nothing it read has
//! changed: the mail, the settlement, the cursors and the next slot, all or none. So any number of daemons may run at
//! once, a missed or doubled tick does no harm, and one that dies leaves nothing half told.

mod batch;
mod compose;
pub mod fold;
mod immediate;
pub mod letter;
mod letters;
mod material;
mod plan;
mod preview;
mod rehearse;
mod run;
mod store;

pub use immediate::immediate;
pub use letters::{Letterhead, letters};
pub use preview::{Asked, Preview, TESTS_MAX, TESTS_WITHIN, preview, send_test, sweep, tests};
pub use rehearse::{Rehearsed, rehearse};
pub use run::{Terms, Told, catch_up, digests};
