//! The tests of the whole: one binary, a module for each room and each rule.

#![allow(clippy::unwrap_used, missing_docs, reason = "this is a test, and clippy knows that of the `#[test]`s alone")]

mod authority;
mod cluster;
mod dice;
mod every;
mod growth;
mod harness;
mod reads;
mod received;
mod sink;
mod statements;
mod story;
mod tap;

mod abuse;
mod access;
mod activity;
mod architecture;
mod audit;
mod blob;
mod bulk;
mod calendar;
mod chaos;
mod chart;
mod content;
mod digest;
mod faults;
mod front;
mod fuzzed;
mod identity;
mod import;
mod invite;
mod job;
mod letter;
mod mail;
mod member;
mod migrations;
mod outbox;
mod peers;
mod plans;
mod picture;
mod preference;
mod process;
mod profile;
mod promises;
mod request;
mod said;
mod schedule;
mod task;
mod template;
mod tls;
mod unsubscribe;
mod wire;
mod workcenter;
