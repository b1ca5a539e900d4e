//! `workcenter`: profiles, invites, preferences and jobs of a collaboration product, and the digests it mails.
//!
//! Three programs, one library. The modules stand in reading order: the floor knows no room, the rooms have one noun
//! each, the roof wires them together. Who may import whom is written in the test `architecture`.

pub mod pb;
pub mod error;
pub mod ids;
pub mod tally;
pub mod trail;
pub mod mask;
pub mod secret;
pub mod tls;
pub mod auth;
pub mod config;
pub mod process;
pub mod trace;
pub mod db;
pub mod blob;
pub mod clock;
pub mod page;
pub mod transfers;
pub mod notice;
pub mod mail;
pub mod client;
pub mod progress;

pub mod access;
pub mod request;
pub mod activity;
pub mod outbox;
pub mod job;
pub mod subscription;
pub mod completion;
pub mod publication;
pub mod identity;
pub mod account;
pub mod profile;
pub mod workcenter;
pub mod content;
pub mod member;
pub mod digest;
pub mod preference;
pub mod invite;
pub mod template;
pub mod audit;

pub mod server;
pub mod daemon;
pub mod demo;
pub mod operator;
