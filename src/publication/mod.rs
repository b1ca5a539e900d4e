//! The logs on the wire: services write events and take them back, people read them.
//!
//! The room `activity` has the logs; here is what it takes other rooms for besides.

mod service;

use jiff::Timestamp;
use uuid::Uuid;

pub use service::Service;

use crate::{
    activity::{self, Retracted, Retraction},
    db::Db,
    error::Result,
    outbox,
};

/// Takes events back, and waits until no mail that may tell of them is on its way that was written before.
///
/// What is composed later counts them as taken back, and what is written later leaves them out. So it takes no lock that
/// anybody who publishes or composes needs, and waits for no more than what the relay is just being given.
///
/// # Errors
///
/// What the database says. What was taken back is, then, and the call may be repeated.
async fn retract(db: &Db, events: &[Retraction], now: Timestamp) -> Result<Vec<Retracted>> {
    let client = db.client().await?;
    let retracted = activity::retract(&client, events, now).await?;
    // In a statement of its own, once that is committed: what begins from here on is written without them. A repeat waits
    // too, for whoever took them back first may have died before this.
    let logs: Vec<Uuid> =
        events.iter().zip(&retracted).filter(|(_, it)| it.seq().is_some()).map(|(it, _)| it.log).collect();
    if !logs.is_empty() {
        outbox::outlast(&client, &logs).await?;
    }
    Ok(retracted)
}
