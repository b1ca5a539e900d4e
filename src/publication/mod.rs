//! The logs on the wire: services write events and take them back, people read them.
//!
//! The room `activity` has the logs; here is what it takes other rooms for besides.

mod service;

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

pub use service::Service;

use crate::{
    activity::{self, Retracted, Retraction},
    db::{Db, GenericClient},
    error::Result,
    outbox, subscription,
};

/// Which log an event is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Whose {
    /// That of a WorkCenter.
    WorkCenter(Uuid),
    /// A person's own.
    Person { account: Uuid, user: Uuid },
}

/// The logs of `these`. Whoever has none yet, or is nobody, gets an id that is no log's.
async fn logs(on: &impl GenericClient, these: &[Whose]) -> Result<Vec<Uuid>> {
    let person = |it: &Whose| match *it {
        Whose::WorkCenter(_) => None,
        Whose::Person { account, user } => Some((account, user)),
    };
    let people: Vec<(Uuid, Uuid)> = these.iter().filter_map(person).collect();
    let own = if people.is_empty() { HashMap::new() } else { subscription::find_own(on, &people).await? };
    let log = |it: &Whose| match *it {
        Whose::WorkCenter(id) => id,
        Whose::Person { account, user } => own.get(&(account, user)).copied().unwrap_or_default(),
    };
    Ok(these.iter().map(log).collect())
}

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
    let found = events.iter().zip(&retracted).filter(|(_, it)| it.seq().is_some());
    let logs: Vec<Uuid> = found.map(|(it, _)| it.log).collect();
    if !logs.is_empty() {
        outbox::outlast(&client, &logs).await?;
    }
    Ok(retracted)
}
