//! What matters to security, in the log: a line for each step, under one target, with who did what to whom and how the
//! call ended in which it was done. It has ids and codes, and no addresses and no secrets.
//!
//! What is done in a call is kept until the call is over, for a transaction may still fail. An outcome of OK means that
//! it was done, and a step that is a refusal was written down whatever the outcome; with CANCELLED, `DEADLINE_EXCEEDED`
//! and UNAVAILABLE nobody was there any more to see the end.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::info;
use uuid::Uuid;

/// The target of the lines, to filter and to route by.
pub const TARGET: &str = "workcenter::security";

/// How a step ended that is not part of a call.
const DONE: &str = "OK";

tokio::task_local! {
    /// The trail of the call that is at work.
    static TRAIL: Trail;
}

/// What was done in a call that is not over. Clones are one trail.
#[derive(Clone, Debug, Default)]
pub struct Trail(Arc<Mutex<Vec<Step>>>);

/// Something that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    event: &'static str,
    actor: Option<Uuid>,
    subject: Option<Uuid>,
}

impl Trail {
    /// Does `work`, whose steps are kept here.
    pub fn along<T>(&self, work: impl Future<Output = T>) -> impl Future<Output = T> {
        TRAIL.scope(self.clone(), work)
    }

    /// Tells of every step, once: done by `caller` where nobody else is known to have done it. Returns whether there was
    /// any.
    pub fn end(&self, caller: Option<Uuid>, outcome: &str) -> bool {
        let steps = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let by = |it: &Step| Step { actor: it.actor.or(caller), ..*it };
        steps.iter().for_each(|it| by(it).say(outcome));
        !steps.is_empty()
    }

    fn keep(&self, step: Step) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(step);
    }
}

impl Step {
    fn say(self, outcome: &str) {
        let Self { event, actor, subject } = self;
        info!(target: TARGET, event, actor.id = actor.map(display), subject.id = subject.map(display), outcome, "security");
    }
}

/// Notes that `actor`, or else whoever calls, did `event` to `subject`: a person, an invite, an account. Outside of calls
/// it is to be noted when it is done.
pub fn note(event: &'static str, actor: Option<Uuid>, subject: Option<Uuid>) {
    let step = Step { event, actor, subject };
    if TRAIL.try_with(|it| it.keep(step)).is_err() {
        step.say(DONE);
    }
}

/// Tells that a call was refused to `actor`, for the `reason` that it was told.
pub fn refused(actor: Option<Uuid>, reason: &str, outcome: &str) {
    info!(target: TARGET, event = "REFUSED", actor.id = actor.map(display), reason, outcome, "security");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_done_in_a_call_is_kept_for_its_end_and_told_once() {
        let (one, other) = (Trail::default(), Trail::default());
        one.along(async { note("SIGNED_IN", None, Some(Uuid::nil())) }).await;
        assert!(!other.end(None, "OK"));
        let kept = vec![Step { event: "SIGNED_IN", actor: None, subject: Some(Uuid::nil()) }];
        assert_eq!(*one.0.lock().unwrap(), kept);
        assert!(one.end(None, "OK") && !one.end(None, "OK"));
        note("SIGNED_IN", None, None);
        assert!(!one.end(None, "OK"));
    }
}
