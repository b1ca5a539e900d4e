//! What is waited for: the database, the store of bytes, passwords; what the process has done; and what is late of any.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use tokio::time::timeout;
use tracing::warn;

use super::{super::Parts, store};
use crate::{
    audit::{self, Late, Queue},
    blob::Blobs,
    clock::Clock,
    db::{Db, Waited},
    error::{Error, Result, chain},
    notice::Notices,
    outbox::{self, Pace},
    secret::Hasher,
    tally::Tally,
};

/// How long the database is waited for in all: half of what Prometheus waits by default, so that what is known without
/// it is always told.
const LOOK_MAX: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Held {
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Due {
    work: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Mailed {
    outcome: &'static str,
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Paced {
    domain: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Waiting {
    queue: String,
    state: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Ticked {
    sweep: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Had {
    outcome: &'static str,
}

/// What was asked of the database for one scrape.
struct Seen {
    late: Vec<Late>,
    queues: Vec<Queue>,
    paces: Vec<Pace>,
}

/// What is counted of work, and whom it is asked of.
pub struct Work {
    database: Family<Held, Gauge>,
    asked: Family<Had, Counter>,
    asked_for: Counter<f64, AtomicU64>,
    answers: Gauge,
    listening: Gauge,
    blob_failures: Counter,
    passwords: Gauge,
    late: Family<Due, Gauge<f64, AtomicU64>>,
    depths: Family<Waiting, Gauge>,
    ages: Family<Waiting, Gauge<f64, AtomicU64>>,
    missed: Family<Ticked, Counter>,
    mails: Family<Mailed, Counter>,
    digests: Family<Mailed, Counter>,
    paces: Family<Paced, Gauge<f64, AtomicU64>>,
    blobs: Blobs,
    notices: Notices,
    db: Db,
    clock: Clock,
    hasher: Hasher,
    tally: Tally,
}

impl Work {
    /// Counts from zero.
    pub fn new(parts: &Parts) -> Self {
        let Parts { db, clock, hasher, tally, blobs, notices, .. } = parts.clone();
        Self {
            database: Family::default(),
            asked: Family::default(),
            asked_for: Counter::default(),
            answers: Gauge::default(),
            listening: Gauge::default(),
            blob_failures: Counter::default(),
            passwords: Gauge::default(),
            late: Family::default(),
            depths: Family::default(),
            ages: Family::default(),
            missed: Family::default(),
            mails: Family::default(),
            digests: Family::default(),
            paces: Family::default(),
            blobs,
            notices,
            db,
            clock,
            hasher,
            tally,
        }
    }

    /// Has all of it told by `it`.
    pub fn register(&self, it: &mut Registry) {
        let help = "Connections to the database that are open, of these idle, and calls that wait for one";
        it.register("workcenter_database", help, self.database.clone());
        let help = "Connections to the database that were asked for, by whether one was had in time";
        it.register("workcenter_database_asked", help, self.asked.clone());
        let help = "How long all of these were waited for";
        it.register_with_unit("workcenter_database_waited", help, Unit::Seconds, self.asked_for.clone());
        let help = "Whether the database answered this scrape: 1 or 0; if not, what is asked of it is missing here";
        it.register("workcenter_database_answers", help, self.answers.clone());
        let help = "Whether what other processes tell is heard: 1 or 0";
        it.register("workcenter_listening", help, self.listening.clone());
        let help = "What the store of bytes could not do, or not in time";
        it.register("workcenter_blob_failures", help, self.blob_failures.clone());
        let help = "Passwords that are being hashed or wait for it";
        it.register("workcenter_passwords_waiting", help, self.passwords.clone());
        let help = "For how long that work is due which waits for longest, of any process; 0 when nothing is due";
        it.register_with_unit("workcenter_late", help, Unit::Seconds, self.late.clone());
        let help = "Mails and jobs that are not over, of any process, by state; counted up to 10000 of each";
        it.register("workcenter_queue_depth", help, self.depths.clone());
        let help = "For how long that one is there which came first, of those that are counted; 0 where there is none";
        it.register_with_unit("workcenter_queue_oldest", help, Unit::Seconds, self.ages.clone());
        let help = "Ticks that did not come in time, so that the daemon swept without one";
        it.register("workcenter_ticks_missed", help, self.missed.clone());
        let help = "Attempts at mails that this process has ended, by what became of them and what they tell";
        it.register("workcenter_mails", help, self.mails.clone());
        let help = "People for whom this process has composed mail, by what became of it and what it is";
        it.register("workcenter_digests", help, self.digests.clone());
        let help = "Mails a second that go to a domain, or to all where it is empty, since a relay asked for less";
        it.register("workcenter_mail_pace", help, self.paces.clone());
    }

    /// Asks the database what only it knows. When it does not answer nothing is said of that, lest an old answer calm
    /// anybody.
    pub async fn look(&self) {
        let seen = timeout(LOOK_MAX, self.ask()).await;
        let seen = seen.unwrap_or_else(|late| Err(Error::internal(late)));
        self.late.clear();
        self.depths.clear();
        self.ages.clear();
        self.paces.clear();
        self.answers.set(i64::from(seen.is_ok()));
        let Seen { late, queues, paces } = match seen {
            Ok(seen) => seen,
            Err(error) => return warn!(error = chain(&error), "failed to ask how late work is"),
        };
        for Late { work, seconds } in late {
            self.late.get_or_create(&Due { work }).set(seconds);
        }
        for Queue { queue, state, depth, seconds } in queues {
            let waiting = Waiting { queue, state };
            self.depths.get_or_create(&waiting).set(depth);
            self.ages.get_or_create(&waiting).set(seconds);
        }
        for Pace { domain, rate } in paces {
            self.paces.get_or_create(&Paced { domain }).set(rate);
        }
    }

    /// One statement for each, and one for the time.
    async fn ask(&self) -> Result<Seen> {
        let now = self.clock.now().await?;
        let client = self.db.client().await?;
        let late = audit::late(&client, now).await?;
        let queues = audit::queues(&client).await?;
        Ok(Seen { late, queues, paces: outbox::paces(&client).await? })
    }

    /// Looks at what nobody tells of.
    pub fn read(&self) {
        let pool = self.db.status();
        let held = [("open", pool.size), ("idle", pool.available), ("awaited", pool.waiting)];
        for (state, count) in held {
            self.database.get_or_create(&Held { state }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let counts = self.tally.read();
        for (family, counts) in [(&self.mails, counts.mails), (&self.digests, counts.digests)] {
            for ((outcome, kind), count) in counts {
                family.get_or_create(&Mailed { outcome, kind }).inner().store(count, Ordering::Relaxed);
            }
        }
        for (sweep, count) in counts.missed {
            self.missed.get_or_create(&Ticked { sweep }).inner().store(count, Ordering::Relaxed);
        }
        let Waited { had, refused, time } = self.db.waited();
        for (outcome, count) in [("had", had), ("refused", refused)] {
            self.asked.get_or_create(&Had { outcome }).inner().store(count, Ordering::Relaxed);
        }
        store(&self.asked_for, time.as_secs_f64());
        self.passwords.set(i64::try_from(self.hasher.waiting()).unwrap_or(i64::MAX));
        self.blob_failures.inner().store(self.blobs.failures(), Ordering::Relaxed);
        self.listening.set(i64::from(self.notices.is_listening()));
    }
}
