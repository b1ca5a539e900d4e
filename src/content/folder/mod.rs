//! What is to be said of folders, and done to them, and what is in them.

mod service;

pub(super) use service::{Folders, folder};
