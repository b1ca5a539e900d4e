//! What a batch of people writes, and how their ranges are counted. Pure.

use std::{borrow::Borrow, collections::HashMap};

use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

use super::{
    compose::{Log, Whom, tells},
    store::{Concern, Read},
};
use crate::{
    ids, outbox,
    secret::digest,
    subscription::{Addressed, Cause, Finished, Range, Settlement},
};

/// What a batch writes.
#[derive(Default)]
pub(super) struct Batch {
    pub settlements: Vec<Settlement>,
    pub mails: Vec<outbox::New>,
    pub slots: Vec<Finished>,
    /// Logs to be looked at again.
    pub woken: Vec<Uuid>,
}

/// What a settlement is about, before it is known whether it tells anything.
pub(super) struct Draft {
    pub account: Uuid,
    pub user: Uuid,
    pub cause: Cause,
    pub date: Option<Date>,
    pub dated_at: Timestamp,
    pub kind: outbox::Kind,
}

impl Batch {
    /// Adds what is settled for one person, with a mail when there is something to tell. `key` is what makes it the only one.
    pub fn add(&mut self, draft: Draft, ranges: Vec<Range>, addressed: Vec<Addressed>, key: &[Vec<u8>]) {
        let Draft { account, user, cause, date, dated_at, kind } = draft;
        let id = ids::new();
        let mail = tells(ranges.iter().map(|it| it.counts), &addressed).then(ids::new);
        if let Some(mail) = mail {
            let mut parts: Vec<&[u8]> = vec![cause.name().as_bytes(), account.as_bytes()];
            parts.extend(key.iter().map(Vec::as_slice));
            let key = digest(&parts);
            self.mails.push(outbox::New { id: mail, account, user: Some(user), kind, subject: id, key, dated_at });
        }
        self.settlements.push(Settlement { id, account, user, cause, date, mail, ranges, addressed });
    }
}

/// The ranges whose marks it takes to count `reads` and to judge what waits from before them.
pub(super) fn needed(reads: &[Read], concerns: &[Concern]) -> Vec<(Uuid, i64, i64)> {
    let mut needed: HashMap<Uuid, (i64, i64)> = HashMap::new();
    for it in reads {
        let range = needed.entry(it.log).or_insert((it.cursor, it.upto));
        *range = (range.0.min(it.cursor), range.1.max(it.upto));
    }
    for it in concerns {
        if let Some(range) = needed.get_mut(&it.log) {
            range.0 = range.0.min(it.seq - 1);
        }
    }
    needed.into_iter().filter(|(_, (from, to))| from < to).map(|(log, (from, to))| (log, from, to)).collect()
}

/// What concerns people, by who they are and where it is.
pub(super) fn by_place(concerns: Vec<Concern>) -> HashMap<(Uuid, Uuid), Vec<Concern>> {
    let mut places: HashMap<(Uuid, Uuid), Vec<Concern>> = HashMap::new();
    for it in concerns {
        places.entry((it.user, it.log)).or_default().push(it);
    }
    places
}

/// What is settled for `whom`: the ranges that are not empty, and what concerns them and waits, if it is taken.
pub(super) fn ranges(
    whom: Whom,
    reads: &[Read],
    concerns: &HashMap<(Uuid, Uuid), Vec<Concern>>,
    logs: &HashMap<Uuid, impl Borrow<Log>>,
    takes: bool,
) -> (Vec<Range>, Vec<Addressed>) {
    let nothing = Log::default();
    let (mut ranges, mut addressed) = (Vec::new(), Vec::new());
    for read in reads {
        let log = logs.get(&read.log).map_or(&nothing, |it| it.borrow());
        let concerning = concerns.get(&(whom.user, read.log)).map_or(&[][..], Vec::as_slice);
        if read.cursor < read.upto {
            let seqs: Vec<i64> = concerning.iter().map(|it| it.seq).collect();
            ranges.push(Range {
                subscription: read.id,
                log: read.log,
                from: read.cursor,
                to: read.upto,
                counts: log.counts(whom, read.cursor, read.upto, &seqs),
            });
        }
        if takes {
            let waiting = concerning.iter().filter(|it| it.waiting);
            addressed.extend(waiting.map(|it| Addressed {
                log: it.log,
                seq: it.seq,
                outcome: log.outcome(whom, it.seq),
            }));
        }
    }
    (ranges, addressed)
}

/// What makes a mail about ranges the only one: the conservation of cursors allows no second.
pub(super) fn told_parts(user: Uuid, ranges: &[Range], addressed: &[Addressed]) -> Vec<Vec<u8>> {
    let mut parts = vec![user.as_bytes().to_vec()];
    for it in ranges {
        parts.push([it.subscription.as_bytes().as_slice(), &it.from.to_be_bytes(), &it.to.to_be_bytes()].concat());
    }
    for it in addressed {
        parts.push([it.log.as_bytes().as_slice(), &it.seq.to_be_bytes()].concat());
    }
    parts
}
