//! What this process has done, counted for whoever watches it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What is counted. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Mutex<Counts>>);

/// What was counted since the process began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Mails by what became of an attempt and by what they tell.
    pub mails: BTreeMap<(&'static str, &'static str), u64>,
    /// What people were to be told, by what became of it and by what it is.
    pub digests: BTreeMap<(&'static str, &'static str), u64>,
    /// Ticks that did not come, by what waited for them.
    pub missed: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// An attempt at a mail of this kind has ended so.
    pub fn mail(&self, outcome: &'static str, kind: &'static str) {
        *self.counts().mails.entry((outcome, kind)).or_default() += 1;
    }

    /// For so many people `what` was composed and ended so.
    pub fn digests(&self, outcome: &'static str, what: &'static str, people: usize) {
        if 0 < people {
            *self.counts().digests.entry((outcome, what)).or_default() += u64::try_from(people).unwrap_or(u64::MAX);
        }
    }

    /// What is done at ticks was not told of one in time.
    pub fn missed(&self, sweep: &'static str) {
        *self.counts().missed.entry(sweep).or_default() += 1;
    }

    /// Everything that was counted.
    pub fn read(&self) -> Counts {
        self.counts().clone()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
