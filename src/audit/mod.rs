//! Conservation: nothing that was published is lost, told twice, or forgotten. The query that finds nothing.
//!
//! It walks in short slices, each of them one statement or one short transaction, because one long snapshot would keep
//! the dead rows of the busy tables. Chains that were followed once are not followed again: a mark says how far.

mod store;

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    db::{Db, GenericClient},
    error::{Error, Result},
};

/// People, subscriptions or rows in a slice: what takes tens of milliseconds.
const SLICE: i64 = 500;

/// What may take how long before it counts as forgotten, by the product's clock: digests, runs and logs that are due.
const DUE_MAX: Duration = Duration::from_secs(15 * 60);

/// How long a mail may wait for its next attempt to be begun, by the real clock.
const MAIL_MAX: Duration = Duration::from_secs(15 * 60);

/// How late work of one kind is.
#[derive(Clone, Debug, PartialEq)]
pub struct Late {
    /// DAILY, WEEKLY, CATCHUP, RETURN and IMMEDIATE for what is to be composed, MAIL for what is to be delivered, JOB for runs.
    pub work: String,
    /// For how many seconds that is due which waits for longest; 0 when nothing is.
    pub seconds: f64,
}

/// How late the work of each kind is at `now`, whether or not that is too late yet.
///
/// # Errors
///
/// What the database says.
pub async fn late(on: &impl GenericClient, now: Timestamp) -> Result<Vec<Late>> {
    store::late(on, now).await
}

/// Rows of a queue that are counted at most: whoever looks every few seconds must not read a million each time.
const COUNTED_MAX: i64 = 10_000;

/// What is not over yet of one kind and in one state.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// `MAIL_TRANSACTIONAL`, `MAIL_NOTIFICATION` or `JOB`.
    pub queue: String,
    /// As the tables have it.
    pub state: String,
    /// How many there are, of the 10000 of all mails, or jobs, that were looked at.
    pub depth: i64,
    /// For how many seconds that is there which came first, of those; 0 when there is nothing.
    pub seconds: f64,
}

/// What is not over yet, by what it is and how far it has come; what there is nothing of, too.
///
/// # Errors
///
/// What the database says.
pub async fn queues(on: &impl GenericClient) -> Result<Vec<Queue>> {
    store::queues(on, COUNTED_MAX).await
}

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which rule is broken, as a stable code.
    pub code: &'static str,
    /// What it is about: a subscription, settlement, mail, log or job, or the first half of a digest.
    pub subject: Uuid,
    /// What was found.
    pub text: String,
}

/// Looks at everything that has changed since the last audit, and at everything that should have happened by `now`.
///
/// # Errors
///
/// What the database says.
pub async fn run(db: &Db, now: Timestamp) -> Result<Vec<Finding>> {
    let due = now.checked_sub(DUE_MAX).map_err(Error::internal)?;
    let mut findings = Vec::new();
    for rule in store::RULES {
        findings.extend(store::broken(&db.client().await?, rule, due, MAIL_MAX, SLICE).await?);
    }
    // Last, because it marks settlements as seen.
    findings.extend(chains(db).await?);
    findings.extend(cursors(db).await?);
    findings.extend(logs(db).await?);
    Ok(findings)
}

/// Follows the settlements that no audit has seen, person by person: each range must begin where the one before ended.
async fn chains(db: &Db) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut after = Uuid::nil();
    loop {
        let mut client = db.client().await?;
        let tx = client.transaction().await?;
        let people = store::unaudited(&tx, after, SLICE).await?;
        let Some(&last) = people.last() else { return Ok(findings) };
        after = last;
        let links = store::links(&tx, &people).await?;
        let (sound, broken) = follow(links);
        store::mark(&tx, &sound).await?;
        store::seen(&tx, &people, &broken).await?;
        tx.commit().await?;
        findings.extend(broken.into_iter().map(|it| Finding {
            code: "CHAIN_BROKEN",
            subject: it.subscription,
            text: format!("settlement {} begins at {}, the one before ended at {}", it.settlement, it.from, it.before),
        }));
    }
}

/// A range of a subscription in a settlement that no audit has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link {
    subscription: Uuid,
    settlement: Uuid,
    from: i64,
    to: i64,
    /// How far the chain was followed before.
    mark: i64,
}

/// A range that does not begin where the one before ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Break {
    subscription: Uuid,
    settlement: Uuid,
    from: i64,
    before: i64,
}

/// Joins links, sorted by subscription and beginning: how far each subscription's chain is sound, and where it breaks.
fn follow(links: Vec<Link>) -> (Vec<(Uuid, i64)>, Vec<Break>) {
    let mut sound: Vec<(Uuid, i64)> = Vec::new();
    let mut broken = Vec::new();
    for link in links {
        if sound.last().is_none_or(|(subscription, _)| *subscription != link.subscription) {
            sound.push((link.subscription, link.mark));
        }
        let Some((_, end)) = sound.last_mut() else { continue };
        if *end == link.from {
            *end = link.to;
        } else {
            let Link { subscription, settlement, from, .. } = link;
            broken.push(Break { subscription, settlement, from, before: *end });
        }
    }
    (sound, broken)
}

/// Compares every cursor with the end of its chain.
async fn cursors(db: &Db) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut after = Uuid::nil();
    loop {
        let slice = store::ends(&db.client().await?, after, SLICE).await?;
        let Some(last) = slice.last() else { return Ok(findings) };
        after = last.subscription;
        for it in slice {
            let store::End { subscription: subject, cursor, settled, last_seq, forgotten } = it;
            if cursor != settled || cursor > last_seq {
                let text = format!("the cursor is at {cursor}, settled is up to {settled}, the log ends at {last_seq}");
                findings.push(Finding { code: "CURSOR_ADRIFT", subject, text });
            }
            if forgotten {
                let text = format!("the cursor is at {cursor}, the log ends at {last_seq}, and nothing is planned");
                findings.push(Finding { code: "SUBSCRIPTION_FORGOTTEN", subject, text });
            }
        }
    }
}

/// Looks whether the numbers of every log have no gap above those that were looked at before.
async fn logs(db: &Db) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut after = Uuid::nil();
    loop {
        let client = db.client().await?;
        let slice = store::logs(&client, after, SLICE).await?;
        let Some(last) = slice.last() else { return Ok(findings) };
        after = last.id;
        let is_sound = |it: &store::Log| it.newest == it.last_seq && it.events == it.last_seq - it.mark;
        let (sound, broken): (Vec<_>, Vec<_>) = slice.into_iter().partition(is_sound);
        store::mark(&client, &sound.iter().map(|it| (it.id, it.last_seq)).collect::<Vec<_>>()).await?;
        findings.extend(broken.into_iter().map(|it| {
            let store::Log { id: subject, last_seq, mark, events, newest } = it;
            let text = format!("above {mark} it has {events} events up to {newest}, its head says {last_seq}");
            Finding { code: "LOG_GAP", subject, text }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(subscription: u128, from: i64, to: i64, mark: i64) -> Link {
        let id = Uuid::from_u128;
        Link { subscription: id(subscription), settlement: id(100 + from.unsigned_abs() as u128), from, to, mark }
    }

    #[test]
    fn a_chain_goes_on_from_its_mark_and_breaks_where_a_range_is_missing_or_doubled() {
        let (sound, broken) = follow(vec![
            link(1, 5, 7, 5),
            link(1, 7, 9, 5),
            link(2, 0, 3, 0),
            link(2, 4, 6, 0), // (3, 4] is missing
            link(3, 2, 4, 4), // told before
        ]);
        let id = Uuid::from_u128;
        assert_eq!(sound, [(id(1), 9), (id(2), 3), (id(3), 4)]);
        let found: Vec<_> = broken.iter().map(|it| (it.subscription, it.from, it.before)).collect();
        assert_eq!(found, [(id(2), 4, 3), (id(3), 2, 4)]);
    }
}
