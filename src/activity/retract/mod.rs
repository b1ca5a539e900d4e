//! Taking events back. They keep their numbers and their names, and are told to nobody any more.

mod store;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{db::GenericClient, error::Result};

/// An event that is to be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Retraction {
    /// The log it is in.
    pub log: Uuid,
    /// The publisher's own name for it.
    pub event_id: String,
}

/// What became of an event that was to be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retracted {
    /// It is taken back.
    Now(i64),
    /// It was taken back before.
    Before(i64),
    /// The log has no such event.
    Unknown,
    /// There is no such log, or none any more.
    NoLog,
}

impl Retracted {
    /// The number of the event, where there is one.
    pub fn seq(self) -> Option<i64> {
        match self {
            Self::Now(seq) | Self::Before(seq) => Some(seq),
            Self::Unknown | Self::NoLog => None,
        }
    }
}

/// Takes `events` back, also in logs that take none any more, in one statement; what became of each, in their order. One that
/// comes twice was taken back before when it comes again. They keep their numbers, so the log stays without gaps.
///
/// # Errors
///
/// What the database says.
pub async fn retract(on: &impl GenericClient, events: &[Retraction], now: Timestamp) -> Result<Vec<Retracted>> {
    let logs: Vec<Uuid> = events.iter().map(|it| it.log).collect();
    let there = store::there(on, &logs).await?;
    let mut taken = store::retract(on, events, now).await?;
    let became = |it: &Retraction| match taken.get_mut(it) {
        Some((seq, is_known)) if *is_known => Retracted::Before(*seq),
        Some((seq, is_known)) => {
            *is_known = true;
            Retracted::Now(*seq)
        }
        None if there.contains(&it.log) => Retracted::Unknown,
        None => Retracted::NoLog,
    };
    Ok(events.iter().map(became).collect())
}
