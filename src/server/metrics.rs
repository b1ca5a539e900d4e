//! What Prometheus is told: how many calls there were, how they ended and how long they took, and what is waited for.
//!
//! Calls are counted under the names that the middlewares of other servers of gRPC use, so that dashboards fit.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::State, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use tokio::time::timeout;
use tonic::Code;
use tracing::warn;

use super::{
    Parts,
    method::Method,
    usage::{self, Usage},
};
use crate::{
    audit::{self, Late, Queue},
    blob::Blobs,
    clock::Clock,
    db::{self, Db, Waited},
    error::{Error, Result, chain},
    notice::Notices,
    outbox::{self, Pace},
    secret::Hasher,
    tally::Tally,
    tls::Acceptor,
};

/// The media type of the exposition format. Source: `OpenMetrics` 1.0, section "Overall structure".
const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How long the database is waited for in all: half of what Prometheus waits by default, so that what is known without
/// it is always told.
const LOOK_MAX: Duration = Duration::from_secs(5);

/// The shortest time that is told apart, in seconds, and how many more there are, each twice the one before: from half
/// a millisecond to sixteen seconds.
const SHORTEST: f64 = 0.0005;
const BUCKETS: u16 = 16;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Ended {
    grpc_service: &'static str,
    grpc_method: &'static str,
    grpc_code: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Called {
    grpc_service: &'static str,
    grpc_method: &'static str,
}

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

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Built {
    version: &'static str,
    schema: u32,
}

/// What was asked of the database for one scrape.
struct Seen {
    late: Vec<Late>,
    queues: Vec<Queue>,
    paces: Vec<Pace>,
}

/// Everything that is counted.
pub(super) struct Metrics {
    registry: Registry,
    ended: Family<Ended, Counter>,
    took: Family<Called, Histogram, fn() -> Histogram>,
    streams: Family<Called, Gauge>,
    database: Family<Held, Gauge>,
    asked: Family<Had, Counter>,
    asked_for: Counter<f64, AtomicU64>,
    listening: Gauge,
    answers: Gauge,
    blob_failures: Counter,
    passwords: Gauge,
    late: Family<Due, Gauge<f64, AtomicU64>>,
    depths: Family<Waiting, Gauge>,
    ages: Family<Waiting, Gauge<f64, AtomicU64>>,
    missed: Family<Ticked, Counter>,
    mails: Family<Mailed, Counter>,
    digests: Family<Mailed, Counter>,
    paces: Family<Paced, Gauge<f64, AtomicU64>>,
    /// Calls that have begun and not ended.
    pub open: Gauge,
    /// Connections that are open.
    pub connections: Gauge,
    /// Connections that had to make room for others.
    pub evicted: Counter,
    /// Connections that found no room.
    pub refused: Counter,
    /// Connections on which there was no agreement on TLS.
    pub unsecured: Counter,
    /// When the certificate runs out, in seconds since the epoch.
    certificate: Gauge,
    built: Family<Built, Gauge>,
    cpu: Counter<f64, AtomicU64>,
    resident: Gauge<u64, AtomicU64>,
    addressed: Gauge<u64, AtomicU64>,
    fds: Gauge<u64, AtomicU64>,
    fds_max: Gauge<u64, AtomicU64>,
    began: Gauge<f64, AtomicU64>,
    tls: Option<Acceptor>,
    blobs: Blobs,
    notices: Notices,
    db: Db,
    clock: Clock,
    hasher: Hasher,
    tally: Tally,
}

impl Metrics {
    /// Counts from zero.
    pub fn new(parts: &Parts) -> Self {
        let Parts { db, clock, hasher, tally, tls, blobs, notices, .. } = parts.clone();
        let buckets: fn() -> Histogram = || Histogram::new(exponential_buckets(SHORTEST, 2.0, BUCKETS));
        let mut metrics = Self {
            registry: Registry::default(),
            ended: Family::default(),
            took: Family::new_with_constructor(buckets),
            streams: Family::default(),
            database: Family::default(),
            asked: Family::default(),
            asked_for: Counter::default(),
            listening: Gauge::default(),
            answers: Gauge::default(),
            blob_failures: Counter::default(),
            passwords: Gauge::default(),
            late: Family::default(),
            depths: Family::default(),
            ages: Family::default(),
            missed: Family::default(),
            mails: Family::default(),
            digests: Family::default(),
            paces: Family::default(),
            open: Gauge::default(),
            connections: Gauge::default(),
            evicted: Counter::<u64, AtomicU64>::default(),
            refused: Counter::<u64, AtomicU64>::default(),
            unsecured: Counter::<u64, AtomicU64>::default(),
            certificate: Gauge::default(),
            built: Family::default(),
            cpu: Counter::default(),
            resident: Gauge::default(),
            addressed: Gauge::default(),
            fds: Gauge::default(),
            fds_max: Gauge::default(),
            began: Gauge::default(),
            tls,
            blobs,
            notices,
            db,
            clock,
            hasher,
            tally,
        };
        metrics.register_calls();
        metrics.register_work();
        metrics.register_process();
        metrics
    }

    fn register_calls(&mut self) {
        let it = &mut self.registry;
        it.register("grpc_server_handled", "Calls that have ended, by their code", self.ended.clone());
        let help = "How long calls took until their answer had ended";
        it.register_with_unit("grpc_server_handling", help, Unit::Seconds, self.took.clone());
        it.register("workcenter_calls_open", "Calls that have begun and not ended", self.open.clone());
        let help = "Calls with a stream in either direction that are open: watchers, uploads and downloads";
        it.register("workcenter_streams_open", help, self.streams.clone());
        it.register("workcenter_connections", "Connections that are open", self.connections.clone());
        let help = "Idle connections that were closed to make room for others";
        it.register("workcenter_connections_evicted", help, self.evicted.clone());
        let help = "Connections that were closed at once, for all others were busy";
        it.register("workcenter_connections_refused", help, self.refused.clone());
        if self.tls.is_some() {
            let help = "Connections on which there was no agreement on TLS";
            it.register("workcenter_connections_unsecured", help, self.unsecured.clone());
            let help = "When the certificate in use runs out, since the epoch";
            it.register_with_unit("workcenter_certificate_expires", help, Unit::Seconds, self.certificate.clone());
        }
    }

    fn register_work(&mut self) {
        let it = &mut self.registry;
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

    /// What is the same of every program, by the names that Prometheus' own client libraries have for it.
    fn register_process(&mut self) {
        let it = &mut self.registry;
        let help = "1, labelled with the program's version and with the schema of the database that it needs";
        it.register("workcenter_build_info", help, self.built.clone());
        let help = "Time that processors have spent on this process";
        it.register_with_unit("process_cpu", help, Unit::Seconds, self.cpu.clone());
        let help = "Memory that this process has at hand";
        it.register_with_unit("process_resident_memory", help, Unit::Bytes, self.resident.clone());
        let help = "Addresses that this process has";
        it.register_with_unit("process_virtual_memory", help, Unit::Bytes, self.addressed.clone());
        it.register("process_open_fds", "Files and sockets that this process has open", self.fds.clone());
        it.register("process_max_fds", "How many of them it may have open", self.fds_max.clone());
        let help = "When this process began, since the epoch";
        it.register_with_unit("process_start_time", help, Unit::Seconds, self.began.clone());
    }

    /// Counts a call that begins.
    pub fn begin(&self, method: &'static Method) {
        self.open.inc();
        if method.is_stream() {
            self.streams.get_or_create(&called(method)).inc();
        }
    }

    /// Counts a call that has ended.
    pub fn end(&self, method: &'static Method, code: Code, seconds: f64) {
        self.open.dec();
        let of = called(method);
        if method.is_stream() {
            self.streams.get_or_create(&of).dec();
        }
        let Called { grpc_service, grpc_method } = of;
        self.ended.get_or_create(&Ended { grpc_service, grpc_method, grpc_code: name(code) }).inc();
        self.took.get_or_create(&of).observe(seconds);
    }

    /// Asks the database what only it knows. When it does not answer nothing is said of that, lest an old answer calm
    /// anybody.
    async fn look(&self) {
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

    /// Everything as it now stands, in the exposition format.
    fn text(&self) -> std::result::Result<String, std::fmt::Error> {
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
        if let Some(tls) = &self.tls {
            self.certificate.set(tls.expires_at());
        }
        self.passwords.set(i64::try_from(self.hasher.waiting()).unwrap_or(i64::MAX));
        for (sweep, count) in counts.missed {
            self.missed.get_or_create(&Ticked { sweep }).inner().store(count, Ordering::Relaxed);
        }
        let Waited { had, refused, time } = self.db.waited();
        for (outcome, count) in [("had", had), ("refused", refused)] {
            self.asked.get_or_create(&Had { outcome }).inner().store(count, Ordering::Relaxed);
        }
        store(&self.asked_for, time.as_secs_f64());
        self.blob_failures.inner().store(self.blobs.failures(), Ordering::Relaxed);
        self.listening.set(i64::from(self.notices.is_listening()));
        self.built.get_or_create(&Built { version: env!("CARGO_PKG_VERSION"), schema: db::needed() }).set(1);
        if let Some(usage) = usage::own() {
            self.take(usage);
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    fn take(&self, usage: Usage) {
        let Usage { cpu_seconds, resident_bytes, virtual_bytes, open_fds, max_fds, began_at } = usage;
        store(&self.cpu, cpu_seconds);
        self.resident.set(resident_bytes);
        self.addressed.set(virtual_bytes);
        self.fds.set(open_fds);
        self.fds_max.set(max_fds);
        self.began.set(began_at);
    }
}

/// Sets what is counted elsewhere.
fn store(counter: &Counter<f64, AtomicU64>, total: f64) {
    counter.inner().store(total.to_bits(), Ordering::Relaxed);
}

/// The labels of a method. What is not there has one name, lest callers fill the metrics with names of their own.
fn called(method: &'static Method) -> Called {
    match method.name.as_str() {
        "" => Called { grpc_service: "unknown", grpc_method: "unknown" },
        name => Called { grpc_service: method.service.as_str(), grpc_method: name },
    }
}

/// The code as it is called in the protocol. Source: gRPC core, "Status codes and their use in gRPC".
pub(super) fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// What answers to Prometheus.
pub(super) fn page(metrics: Arc<Metrics>) -> Router {
    async fn answer(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
        metrics.look().await;
        ([(CONTENT_TYPE, TYPE)], metrics.text().expect("nothing fails to be written to a string"))
    }
    Router::new().route("/metrics", get(answer)).with_state(metrics)
}
