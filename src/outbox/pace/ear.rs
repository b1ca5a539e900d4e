//! What relays let know while mails go: how much they take, and that they want less.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Instant,
};

use super::{Heard, OVERALL};

/// Hears for a turn of delivery.
pub(in crate::outbox) struct Ear {
    since: Instant,
    /// How many mails have been taken, by domain and overall.
    taken: HashMap<String, u32>,
    /// Of which domains, or overall, less was asked for: what is taken of these is worth knowing.
    slowed: HashSet<String>,
    heard: BTreeMap<String, Heard>,
}

impl Ear {
    pub fn new() -> Self {
        Self { since: Instant::now(), taken: HashMap::new(), slowed: HashSet::new(), heard: BTreeMap::new() }
    }

    /// Less has been asked for of `domain`, by this daemon or another.
    pub fn slowed(&mut self, domain: &str) {
        if !self.slowed.contains(domain) {
            self.slowed.insert(domain.to_owned());
        }
    }

    /// A mail to `domain` was taken.
    pub fn taken(&mut self, domain: &str) {
        for domain in [domain, OVERALL] {
            *self.taken.entry(domain.to_owned()).or_default() += 1;
            if self.slowed.contains(domain) {
                self.heard.entry(domain.to_owned()).or_default().taken += 1;
            }
        }
    }

    /// Less was asked for of `domain`.
    pub fn less(&mut self, domain: &str) {
        self.slowed(domain);
        let taken = self.taken.get(domain).copied().unwrap_or_default();
        // What began this second is not yet a pace.
        let pace = f64::from(taken) / self.since.elapsed().as_secs_f64().max(1.0);
        let heard = self.heard.entry(domain.to_owned()).or_default();
        *heard = Heard { less: true, pace, ..*heard };
    }

    /// What was heard since it was last asked.
    pub fn heard(&mut self) -> BTreeMap<String, Heard> {
        std::mem::take(&mut self.heard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_told_of_those_only_that_wanted_less() {
        let mut ear = Ear::new();
        ear.taken("fast.example");
        ear.less("slow.example");
        ear.taken("slow.example");
        let heard = ear.heard();
        assert_eq!(heard.keys().collect::<Vec<_>>(), ["slow.example"]);
        assert_eq!((heard["slow.example"].less, heard["slow.example"].taken), (true, 1));
        assert!(ear.heard().is_empty(), "it is told once");
        ear.taken("slow.example");
        assert_eq!(ear.heard()["slow.example"], Heard { taken: 1, ..Heard::default() });
    }
}
