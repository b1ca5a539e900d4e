//! `workcenter`: profiles, invites, preferences and jobs of a collaboration product, and the digests it mails.
//!
//! Three programs, one library. Read from the top, the modules are the house from the floor up; nothing imports
//! what stands below it in this list, and the test `architecture` holds that.

// The floor: knows no room.
pub mod pb;
pub mod ids;
pub mod error;
pub mod secret;
pub mod config;
pub mod process;
pub mod db;
pub mod clock;
pub mod page;
pub mod notice;
pub mod auth;

// The rooms: one noun each.
pub mod access;
pub mod activity;
pub mod subscription;
