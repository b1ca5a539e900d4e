//! What digests that are due would tell, counted: nothing is claimed and nothing is written.

use uuid::Uuid;

use super::{batch::Batch, plan::Waiting};
use crate::{
    db::GenericClient,
    error::Result,
    subscription::{self, Counts, Due, Outcome, Turn, When, schedule::Beat},
};

/// People whose logs are read at once, as a run takes them.
const BATCH: usize = 100;

/// A digest that is due.
#[derive(Clone, Debug)]
pub struct Rehearsed {
    /// Daily or weekly.
    pub beat: Beat,
    /// The digest.
    pub due: Due,
    /// What its events are to its reader, what concerns them among what is shown; `None` when it would only be put off, for
    /// the rules of its zone have changed, or its reader is away.
    pub counts: Option<Counts>,
}

/// What the digests that are due at `when` would tell if they were composed then, the oldest first.
///
/// # Errors
///
/// What the database says.
pub async fn rehearse(on: &impl GenericClient, when: &When) -> Result<Vec<Rehearsed>> {
    let due = subscription::due(on, when.now).await?;
    let mut rehearsed = Vec::with_capacity(due.len());
    let alike = |(beat, it): &(Beat, Due)| (beat.name(), it.account, it.at);
    for some in due.chunk_by(|one, other| alike(one) == alike(other)).flat_map(|it| it.chunks(BATCH)) {
        let users: Vec<Uuid> = some.iter().map(|(_, it)| it.user).collect();
        let (beat, first) = &some[0];
        let waiting = Waiting::read(on, first.account, &users, Turn::Digest(*beat)).await?;
        rehearsed.extend(some.iter().map(|(beat, due)| {
            let goes = !due.recipient.paused(when.now) && due.stands(*beat, when);
            let counts = goes.then(|| counts(&waiting, due, *beat));
            Rehearsed { beat: *beat, due: due.clone(), counts }
        }));
    }
    Ok(rehearsed)
}

/// What the events of one digest are to its reader.
fn counts(waiting: &Waiting, due: &Due, beat: Beat) -> Counts {
    let mut batch = Batch::default();
    waiting.plan(due, Turn::Digest(beat), &mut batch);
    let mut sum = Counts::default();
    for settlement in &batch.settlements {
        for it in settlement.ranges.iter().map(|it| it.counts) {
            sum.shown += it.shown;
            sum.own += it.own;
            sum.hidden += it.hidden;
            sum.retracted += it.retracted;
        }
        let shown = settlement.addressed.iter().filter(|it| it.outcome == Outcome::Shown).count();
        sum.shown += i64::try_from(shown).unwrap_or(i64::MAX);
    }
    sum
}
