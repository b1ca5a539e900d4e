//! Posts: what somebody tells a WorkCenter.

mod change;
mod service;
mod store;

use jiff::Timestamp;
use uuid::Uuid;

pub(super) use change::Wanted;
pub(super) use service::Posts;

use super::{tell, text};
use crate::{
    activity::Thing,
    error::{self, Error},
};

/// Posts of a WorkCenter at most: a year of thirty a day.
pub(super) const POSTS_MAX: i64 = 10_000;

/// A post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub account: Uuid,
    /// What it is in.
    pub workcenter: Uuid,
    /// May be empty.
    pub title: String,
    /// What is said.
    pub text: String,
    /// Who is mentioned.
    pub mentioned: Vec<Uuid>,
    /// Who wrote it.
    pub author: Uuid,
    /// When.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub edited_at: Option<Timestamp>,
    /// When that was written of which it is a copy.
    pub original_at: Option<Timestamp>,
    /// Grows with every change.
    pub revision: i64,
}

impl Post {
    fn etag(&self) -> String {
        format!("\"{}\"", self.revision)
    }

    /// By what its event is known, so that it can be taken back.
    fn event_id(&self) -> String {
        format!("post-{}", self.id)
    }

    /// As events have it: what has no title is called as it begins.
    pub fn thing(&self) -> Thing {
        let title = if self.title.is_empty() { text::label(&self.text) } else { self.title.clone() };
        tell::thing("post", self.id, &title)
    }
}

/// That there is no such post, as far as the caller may know.
fn missing(id: Uuid) -> Error {
    Error::NotFound(error::Kind::Post, id.to_string())
}
