//! Publishing: one WorkCenter after the other, each by a job of its own.

use uuid::Uuid;

use super::{
    code::Code,
    plan,
    run::Run,
    store,
    work::{allowed, is_well},
};
use crate::{
    db::Transaction,
    error::{Error, Result},
    job::{self, Batch, ItemState, Job, Order, Outcome, State, Target},
};

/// Begins with the next of these WorkCenters: what became of those before it that nothing can be copied to, or nothing, when a
/// job was started for the first of them.
///
/// # Errors
///
/// What the database says.
pub(super) async fn begin(tx: &Transaction<'_>, batch: &Batch, run: &Run) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for item in &batch.items {
        let standing = store::standing(tx, batch.initiator, run.template, item.id).await?;
        let verdict = match &standing {
            None => Err(Code::NotFound),
            Some(it) if !it.is_template => Err(Code::NotMarked),
            Some(it) if !it.administers => Err(Code::PermissionDenied),
            Some(it) => allowed(it),
        };
        if let Err(code) = verdict {
            outcomes.push(Outcome::none(item.id, ItemState::Failed, code.name(), code.text()));
            continue;
        }
        if !outcomes.is_empty() {
            break;
        }
        let things = match plan::things(tx, run, item.id).await {
            Ok(things) => things,
            Err(Error::Refused(_)) => {
                let code = Code::Limit;
                outcomes.push(Outcome::none(item.id, ItemState::Failed, code.name(), code.text()));
                continue;
            }
            Err(other) => return Err(other),
        };
        if things.is_empty() {
            let code = Code::NothingToDo;
            outcomes.push(Outcome::none(item.id, ItemState::Skipped, code.name(), code.text()));
            continue;
        }
        let order = Order {
            target: Some(Target { workcenter: item.id, folder: None, path: String::new() }),
            ..batch.order.clone()
        };
        let new = job::New {
            account: batch.account,
            kind: job::Kind::ApplyTemplate,
            initiator: batch.initiator,
            request_id: "",
            order: &order,
        };
        let job = job::start_child(tx, batch.job, &new, &plan::items(&things)).await?;
        plan::keep(tx, job.id, run, item.id).await?;
        return Ok(Vec::new());
    }
    Ok(outcomes)
}

/// What became of a WorkCenter whose job is over.
pub(super) fn outcome(job: &Job, into: Uuid) -> Outcome {
    let code = match job.state {
        State::Succeeded if job.done == 0 => Some(Code::NothingToDo),
        State::Succeeded => None,
        State::SucceededWithWarnings => Some(Code::Warned),
        State::PartiallyFailed => Some(Code::PartiallyFailed),
        State::Cancelled => Some(Code::Cancelled),
        _ => Some(Code::Failed),
    };
    let (name, text) = code.map_or(("", ""), |it| (it.name(), it.text()));
    let state = match is_well(job.state) {
        true if job.done == 0 => ItemState::Skipped,
        true => ItemState::Done,
        false => ItemState::Failed,
    };
    let done = state == ItemState::Done;
    let (action, target) = (if done { "APPLY" } else { "" }, Some(job.id));
    Outcome { action, target, ..Outcome::none(into, state, name, text) }
}
