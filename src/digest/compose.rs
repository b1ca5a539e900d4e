//! Counting what a range of a log is to a person. Pure, and cheap: a log is read once, whoever hears of it.
//!
//! An event is one thing to a person, the first of these that holds: retracted, their own doing (unless they hear of that
//! like of others'), addressed to them (and settled by itself), hidden from them, shown.

use std::collections::HashMap;

use uuid::Uuid;

use crate::{
    activity::Mark,
    subscription::{Addressed, Counts, Outcome},
};

/// Whom events are counted for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whom {
    /// The person.
    pub user: Uuid,
    /// Whether they hear of what they do themselves.
    pub own_activity: bool,
}

/// The events of one log, from some number up to the newest, ready to be counted for anybody.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The numbers of retracted events, ascending.
    retracted: Vec<i64>,
    /// The numbers of the others that only addressees may hear of, ascending.
    named: Vec<i64>,
    /// The numbers of the others by who did it, ascending.
    own: HashMap<Uuid, Vec<i64>>,
}

/// Sorts the marks of many logs into their logs.
pub(super) fn logs(marks: Vec<Mark>) -> HashMap<Uuid, Log> {
    let mut logs: HashMap<Uuid, Log> = HashMap::new();
    let mut marks = marks;
    marks.sort_unstable_by_key(|it| (it.log, it.seq));
    for mark in marks {
        let log = logs.entry(mark.log).or_default();
        if mark.retracted {
            log.retracted.push(mark.seq);
            continue;
        }
        if mark.named {
            log.named.push(mark.seq);
        }
        if let Some(actor) = mark.actor {
            log.own.entry(actor).or_default().push(mark.seq);
        }
    }
    logs
}

impl Log {
    /// What counts as the own doing of `whom`, ascending.
    fn own(&self, whom: Whom) -> &[i64] {
        self.own.get(&whom.user).filter(|_| !whom.own_activity).map_or(&[], Vec::as_slice)
    }

    /// What the events in (from, to] are to `whom`; `addressed` are the numbers that concern them, in any order.
    pub(super) fn counts(&self, whom: Whom, from: i64, to: i64, addressed: &[i64]) -> Counts {
        let own = within(self.own(whom), from, to);
        let named = within(&self.named, from, to);
        // What concerns them, once each, minus what counts as something else first.
        let mut addressed: Vec<i64> = addressed.iter().copied().filter(|it| from < *it && *it <= to).collect();
        addressed.sort_unstable();
        addressed.dedup();
        addressed.retain(|it| own.binary_search(it).is_err() && self.retracted.binary_search(it).is_err());

        let retracted = length(within(&self.retracted, from, to));
        let hidden = length(named)
            - count(own, named)
            - length(&addressed.iter().filter(|it| named.binary_search(it).is_ok()).collect::<Vec<_>>());
        let (own, addressed) = (length(own), length(&addressed));
        let shown = (to - from) - retracted - own - addressed - hidden;
        Counts { shown, own, addressed, hidden, retracted, suppressed: 0 }
    }

    /// What becomes of the event `seq`, which concerns `whom`, who still collaborates.
    pub(super) fn outcome(&self, whom: Whom, seq: i64) -> Outcome {
        let own = self.own(whom).binary_search(&seq).is_ok();
        match (self.retracted.binary_search(&seq).is_ok(), own) {
            (true, _) => Outcome::Retracted,
            (false, true) => Outcome::Own,
            (false, false) => Outcome::Shown,
        }
    }
}

/// The part of ascending numbers that lies in (from, to].
fn within(seqs: &[i64], from: i64, to: i64) -> &[i64] {
    let begin = seqs.partition_point(|it| *it <= from);
    let end = seqs.partition_point(|it| *it <= to);
    &seqs[begin..end.max(begin)]
}

/// How many of ascending `these` are among ascending `those`.
fn count(these: &[i64], those: &[i64]) -> i64 {
    let (few, many) = if these.len() < those.len() { (these, those) } else { (those, these) };
    length(&few.iter().filter(|it| many.binary_search(it).is_ok()).collect::<Vec<_>>())
}

fn length<T>(of: &[T]) -> i64 {
    i64::try_from(of.len()).unwrap_or(i64::MAX)
}

/// Whether a mail has anything to tell.
pub(super) fn tells(counts: impl IntoIterator<Item = Counts>, addressed: &[Addressed]) -> bool {
    addressed.iter().any(|it| it.outcome == Outcome::Shown) || counts.into_iter().any(|it| it.shown > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: Uuid = Uuid::from_u128(1);
    const BOB: Uuid = Uuid::from_u128(2);
    const PLANS: Uuid = Uuid::from_u128(9);
    const TO_ADA: Whom = Whom { user: ADA, own_activity: false };

    fn mark(seq: i64, actor: Uuid) -> Mark {
        Mark { log: PLANS, seq, actor: Some(actor), named: false, retracted: false }
    }

    fn log(marks: Vec<Mark>) -> Log {
        logs(marks).remove(&PLANS).unwrap_or_default()
    }

    /// One event of each sort, between two that are not asked for.
    fn each() -> Log {
        log(vec![
            mark(1, BOB),                                          // before the range
            mark(2, BOB),                                          // shown
            mark(3, ADA),                                          // own
            Mark { named: true, ..mark(4, BOB) },                  // hidden
            Mark { named: true, ..mark(5, BOB) },                  // addressed
            Mark { named: true, ..mark(6, ADA) },                  // own, though named
            Mark { retracted: true, ..mark(7, ADA) },              // retracted, though own
            mark(8, BOB),                                          // addressed, though everyone's
            Mark { named: true, retracted: true, ..mark(9, BOB) }, // retracted, though addressed
            mark(10, ADA),                                         // own, though addressed
            mark(11, BOB),                                         // after the range
        ])
    }

    #[test]
    fn every_event_is_one_thing_and_they_add_up() {
        let counts = each().counts(TO_ADA, 1, 10, &[5, 8, 8, 9, 10, 11]);
        let expected = Counts { shown: 1, own: 3, addressed: 2, hidden: 1, retracted: 2, suppressed: 0 };
        assert_eq!(counts, expected);
    }

    #[test]
    fn who_hears_of_their_own_doing_hears_of_it_like_of_others() {
        let whom = Whom { own_activity: true, ..TO_ADA };
        // Their own doing is shown; what names others is hidden, and what names themselves is addressed.
        let expected = Counts { shown: 2, own: 0, addressed: 3, hidden: 2, retracted: 2, suppressed: 0 };
        assert_eq!(each().counts(whom, 1, 10, &[5, 8, 8, 9, 10, 11]), expected);
        assert_eq!(
            [2, 7, 10].map(|seq| each().outcome(whom, seq)),
            [Outcome::Shown, Outcome::Retracted, Outcome::Shown]
        );
    }

    #[test]
    fn an_empty_range_and_an_unknown_log_are_nothing() {
        assert_eq!(log(vec![mark(1, BOB)]).counts(TO_ADA, 1, 1, &[]), Counts::default());
        assert_eq!(log(vec![]).counts(TO_ADA, 0, 0, &[]), Counts::default());
    }

    #[test]
    fn in_a_log_of_their_own_a_person_is_told_of_what_they_have_started() {
        let log = log(vec![Mark { actor: None, ..mark(1, ADA) }, Mark { actor: None, ..mark(2, ADA) }]);
        let counts = log.counts(TO_ADA, 0, 2, &[2]);
        assert_eq!((counts.shown, counts.addressed, counts.own), (1, 1, 0));
        assert_eq!(log.outcome(TO_ADA, 2), Outcome::Shown);
    }

    #[test]
    fn what_concerns_a_person_is_shown_unless_taken_back_or_their_own() {
        let log = log(vec![mark(1, BOB), mark(2, ADA), Mark { retracted: true, ..mark(3, BOB) }]);
        let outcomes = [1, 2, 3].map(|seq| log.outcome(TO_ADA, seq));
        assert_eq!(outcomes, [Outcome::Shown, Outcome::Own, Outcome::Retracted]);
    }
}
