//! The work of such a job: a batch of rows becomes invites as one call of as many rows would make them.

use std::{num::NonZeroU32, time::Duration};

use uuid::Uuid;

use super::{Fault, store};
use crate::{
    completion::{self, Words},
    db::Transaction,
    error::{self, Error, Reason, Result},
    invite::make::{Existing, Made, make},
    job::{self, Batch, Ended, Item, ItemState, Job, Outcome},
    mail::phrase::counted,
    secret::TokenKey,
    subscription::When,
    workcenter::{self, ADDED, Arrival},
};

/// The code of a row whose address another row before it has.
pub(super) const DUPLICATE: &str = "DUPLICATE";

/// What does the work of jobs that make invites, at one instant.
#[derive(Clone, Debug)]
pub struct Import {
    /// The time of the product's clock.
    pub when: When,
    /// How much later immediate mail goes out.
    pub window: Duration,
    /// Collaborators that a WorkCenter has at most before it is large.
    pub most: NonZeroU32,
    /// What the tokens of invites are made with.
    pub key: TokenKey,
}

impl Import {
    /// Makes invites of these items.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn batch(&self, tx: &Transaction<'_>, batch: &Batch) -> Result<Vec<Outcome>> {
        let ids: Vec<Uuid> = batch.items.iter().map(|it| it.id).collect();
        let mut kept = store::find(tx, &ids).await?;
        let mut outcomes = Vec::with_capacity(ids.len());
        let (mut items, mut offers) = (Vec::new(), Vec::new());
        for Item { id, .. } in &batch.items {
            match kept.remove(id) {
                Some(Ok(offer)) => {
                    items.push(*id);
                    offers.push(offer);
                }
                Some(Err(fault)) => outcomes.push(faulty(*id, fault)),
                None => return Err(Error::internal("an item has no row")),
            }
        }
        let arrival = Arrival { when: self.when, most: self.most };
        let existing = Existing::named(&batch.order.on_conflict).unwrap_or(Existing::Fail);
        let made = match make(tx, &self.key, batch.account, offers, existing, batch.initiator, &arrival).await {
            Ok(made) => made,
            // Nobody is invited to this account any more.
            Err(Error::Refused(reason)) => items.iter().map(|_| Err(Error::Refused(reason))).collect(),
            Err(other) => return Err(other),
        };
        let mut came = Vec::new();
        for (item, made) in items.into_iter().zip(made) {
            outcomes.push(outcome(item, &made)?);
            if let Ok(Made::Added(ties)) = made {
                came.extend(ties);
            }
        }
        workcenter::announce(tx, ADDED, &came, batch.initiator, self.when.now, self.window).await?;
        Ok(outcomes)
    }

    /// Tells who started the jobs that they are over, if that is news to them, and forgets their rows.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn end(&self, tx: &Transaction<'_>, ended: &[Ended]) -> Result<()> {
        let ids: Vec<Uuid> = ended.iter().map(|it| it.job.id).collect();
        store::remove(tx, &ids, &job::RETRYABLE).await?;
        let people = |job: &Job| counted(u64::try_from(job.total).unwrap_or(0), "person", "people");
        let title = |job: &Job| format!("Inviting {}", people(job));
        completion::tell(tx, ended, title, Words::new(), &self.when, self.window).await
    }
}

/// What becomes of a row that cannot be read.
pub(super) fn faulty(item: Uuid, fault: Fault) -> Outcome {
    let state = if fault.code == DUPLICATE { ItemState::Skipped } else { ItemState::Failed };
    Outcome { column: fault.column.into(), ..Outcome::none(item, state, fault.code, fault.text) }
}

/// What became of an offer.
///
/// # Errors
///
/// What is no answer to whoever made it.
pub(super) fn outcome(item: Uuid, made: &Result<Made>) -> Result<Outcome> {
    let done = |action, target| Outcome { action, target, ..Outcome::none(item, ItemState::Done, "", "") };
    Ok(match made {
        Ok(Made::Invited(it)) => done("INVITE", Some(it.id)),
        Ok(Made::Resent(it)) => done("RESEND", Some(it.id)),
        Ok(Made::Added(_)) => done("ADD", None),
        Ok(Made::Skipped(_)) => {
            Outcome::none(item, ItemState::Skipped, error::reason(Reason::InvitePending), "There is a pending one.")
        }
        Err(Error::Internal(_) | Error::Unavailable(..)) => {
            return Err(Error::internal("an offer was neither made nor refused"));
        }
        Err(error) => {
            let code = match error {
                Error::Forbidden => "PERMISSION_DENIED",
                Error::NotFound(..) => "NOT_FOUND",
                other => error::reason(other.reason()),
            };
            Outcome::none(item, ItemState::Failed, code, error.to_string())
        }
    })
}
