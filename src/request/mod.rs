//! Request ids: a creating call that is sent twice has its effect once, and both get the same answer.
//!
//! A call that carries a request id writes its row first, in the transaction of its own effect. A twin that comes at
//! the same time waits for that row and then reads the answer; when the first one fails, the twin goes on in its place.

mod store;

use uuid::Uuid;

pub use store::sweep;

use crate::{
    db::Transaction,
    error::{Error, Reason, Result, Violation},
    ids,
    secret::digest,
};

/// The request under whose id an answer is to be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    caller: Uuid,
    id: Uuid,
}

/// What is known of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Recall {
    /// Nothing: do it, then [`remember`] the answer. Without a request id there is no ticket.
    New(Option<Ticket>),
    /// It was answered before: the encoded answer.
    Known(Vec<u8>),
}

/// What is wrong with a request id, if anything is. An empty one means that the caller does not mind.
pub fn fault(request_id: &str) -> Option<Violation> {
    if request_id.is_empty() { None } else { ids::parse("request_id", request_id).err() }
}

/// Looks whether `caller` has sent the request before. An empty `request_id` means that they do not mind.
///
/// `body` is the encoded request, by which a request that only borrowed the id is told apart.
///
/// # Errors
///
/// [`Error::Invalid`] when `request_id` is not a UUID, [`Error::Taken`] when it was used for another request.
pub async fn recall(tx: &Transaction<'_>, caller: Uuid, method: &str, request_id: &str, body: &[u8]) -> Result<Recall> {
    if request_id.is_empty() {
        return Ok(Recall::New(None));
    }
    let ticket = Ticket { caller, id: ids::parse("request_id", request_id)? };
    let digest = digest(&[method.as_bytes(), body]);
    if store::insert(tx, ticket, &digest).await? {
        return Ok(Recall::New(Some(ticket)));
    }
    match store::find(tx, ticket).await? {
        Some(known) if known.digest == digest => Ok(Recall::Known(known.answer)),
        Some(_) => Err(Error::Taken(Reason::RequestIdReused)),
        // Housekeeping came in between.
        None => Err(Error::Conflict(Reason::WriteConflict)),
    }
}

/// Keeps the encoded answer for whoever sends the request again. Without a ticket there is nothing to keep.
///
/// # Errors
///
/// What the database says.
pub async fn remember(tx: &Transaction<'_>, ticket: Option<Ticket>, answer: &[u8]) -> Result<()> {
    match ticket {
        Some(ticket) => store::answer(tx, ticket, answer).await,
        None => Ok(()),
    }
}
