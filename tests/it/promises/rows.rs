//! What is refused, and how it is tried: a row for each refusal, by service.

mod accounts;
mod activity;
mod bulk;
mod content;
mod ending;
mod invites;
mod jobs;
mod preferences;
mod profile;
mod said;
mod sessions;
mod tasks;
mod templates;
mod workcenters;

use std::{future::Future, pin::Pin};

use tonic::{Code, Status};

use super::acts::Stage;

type Refused<'a> = Pin<Box<dyn Future<Output = Status> + Send + 'a>>;

/// A call, the refusal that it is made to give, and how.
pub struct Row {
    pub call: &'static str,
    pub code: Code,
    pub reason: &'static str,
    pub act: for<'a> fn(&'a Stage) -> Refused<'a>,
}

/// Declares rows by call: a code, a reason, and what is awaited on a stage to be refused so.
macro_rules! rows {
    ($($call:literal { $($code:ident $reason:ident $act:ident($($argument:expr),*);)+ })*) => {
        pub const ROWS: &[$crate::promises::rows::Row] = &[$($($crate::promises::rows::Row {
            call: $call,
            code: tonic::Code::$code,
            reason: stringify!($reason),
            act: |stage| Box::pin(async move { stage.$act($($argument),*).await.expect_err($call) }),
        },)+)*];
    };
}
use rows;

/// All rows, in the order in which they are tried.
pub fn all() -> impl Iterator<Item = &'static Row> {
    [
        sessions::ROWS,
        profile::ROWS,
        accounts::ROWS,
        workcenters::ROWS,
        content::ROWS,
        bulk::ROWS,
        tasks::ROWS,
        said::ROWS,
        templates::ROWS,
        activity::ROWS,
        invites::ROWS,
        preferences::ROWS,
        jobs::ROWS,
        ending::ROWS,
    ]
    .into_iter()
    .flatten()
}
