//! What people set about hearing of activity: for all their WorkCenters, and for one of them.
//!
//! What it does to what waits for them is decided one room below, in `subscription`.

mod address;
mod administrator;
mod choice;
mod links;
mod service;
mod why;

pub use links::{Links, Resumed, Stopped};
pub use service::Service;
