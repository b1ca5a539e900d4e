//! Comments: what somebody says of a document, a task or a post. They are there as long as that is, and go where it goes.

mod change;
mod service;
mod store;
mod subject;

use jiff::Timestamp;
use uuid::Uuid;

pub(super) use service::Comments;

use self::subject::Subject;
use crate::{
    db::Transaction,
    error::{self, Error, Result},
};

/// Comments of one thing at most: more than anybody reads.
const COMMENTS_MAX: i64 = 10_000;

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub account: Uuid,
    /// What it is said of.
    pub subject: Subject,
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
    /// Grows with every change.
    pub revision: i64,
}

impl Comment {
    fn etag(&self) -> String {
        format!("\"{}\"", self.revision)
    }
}

/// By what the event of a comment is known, so that it can be taken back.
fn event_id(id: Uuid) -> String {
    format!("comment-{id}")
}

/// Removes the comments of a post; returns by what their events are known.
///
/// # Errors
///
/// What the database says.
pub(super) async fn remove_of(tx: &Transaction<'_>, post: Uuid) -> Result<Vec<String>> {
    Ok(store::remove_of(tx, post).await?.into_iter().map(event_id).collect())
}

/// That there is no such comment, as far as the caller may know.
fn missing(id: Uuid) -> Error {
    Error::NotFound(error::Kind::Comment, id.to_string())
}
