//! What a person alone is told of their place in a WorkCenter, in their own log: that it was taken from them, or is another.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{State, WorkCenter};
use crate::{
    access::WorkCenterRole,
    activity,
    db::Transaction,
    error::{Error, Result},
    ids,
    subscription::{self, When},
};

/// Somebody's own log, and the WorkCenter of which they are told in it.
pub(super) struct Own<'a> {
    pub log: Uuid,
    user: Uuid,
    space: &'a WorkCenter,
}

/// The log in which `user` is told of what `by` does to their place in `space`: none, where it is their own doing, and where
/// nobody is told of anything.
///
/// # Errors
///
/// What the database says.
pub(super) async fn log<'a>(
    tx: &Transaction<'_>,
    space: &'a WorkCenter,
    user: Uuid,
    by: Uuid,
) -> Result<Option<Own<'a>>> {
    if by == user || space.state() != State::Active {
        return Ok(None);
    }
    match subscription::own_log(tx, space.account, user).await {
        Ok(log) => Ok(Some(Own { log, user, space })),
        // Whoever is to be told that they are not there is told so by others.
        Err(Error::NotFound(..) | Error::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What somebody is from now on.
pub(super) fn now(role: WorkCenterRole) -> &'static str {
    match role {
        WorkCenterRole::Owner => "You are an owner now.",
        WorkCenterRole::Contributor => "You are a contributor now.",
        WorkCenterRole::Reader => "You are a reader now.",
    }
}

impl Own<'_> {
    /// Has the person read their own log. Comes before anything is published.
    pub async fn attend(&self, tx: &Transaction<'_>, when: &When) -> Result<()> {
        subscription::attend(tx, self.space.account, self.user, self.log, when).await
    }

    /// Tells them what `by` has done, with `summary`. Of the WorkCenter they get the name alone: they may not be in it any more.
    pub async fn tell(
        &self,
        tx: &Transaction<'_>,
        kind: &str,
        summary: &str,
        by: Uuid,
        now: Timestamp,
        window: Duration,
    ) -> Result<()> {
        let event = activity::New {
            event_id: ids::new().to_string(),
            kind: kind.to_owned(),
            actor: by,
            subject: activity::Thing {
                kind: "workcenter".to_owned(),
                id: self.space.id.to_string(),
                title: self.space.name.clone(),
                url: String::new(),
            },
            parent: activity::Thing::default(),
            summary: summary.to_owned(),
            audience: activity::Audience::Everyone,
            addressees: Vec::new(),
            occurred_at: now,
        };
        match activity::publish(tx, self.log, vec![event.to_oneself(self.user)], now, window).await {
            // Of a deactivated account nobody is told anything.
            Err(Error::Refused(_)) => Ok(()),
            published => published.map(drop),
        }
    }
}
