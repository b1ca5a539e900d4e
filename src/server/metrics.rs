//! What Prometheus is told: how many calls there were, how they ended and how long they took, and what is waited for.
//!
//! Calls are counted under the names that the middlewares of other servers of gRPC use, so that dashboards fit.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
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
use tonic::Code;
use tracing::warn;

use super::{Parts, method::Method};
use crate::{
    audit::{self, Late},
    clock::Clock,
    db::Db,
    error::{Result, chain},
    outbox::{self, Pace},
    secret::Hasher,
    tally::Tally,
    tls::Acceptor,
};

/// The media type of the exposition format. Source: `OpenMetrics` 1.0, section "Overall structure".
const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

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

/// Everything that is counted.
pub(super) struct Metrics {
    registry: Registry,
    ended: Family<Ended, Counter>,
    took: Family<Called, Histogram, fn() -> Histogram>,
    database: Family<Held, Gauge>,
    passwords: Gauge,
    late: Family<Due, Gauge<f64, AtomicU64>>,
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
    tls: Option<Acceptor>,
    db: Db,
    clock: Clock,
    hasher: Hasher,
    tally: Tally,
}

impl Metrics {
    /// Counts from zero.
    pub fn new(parts: &Parts) -> Self {
        let Parts { db, clock, hasher, tally, tls, .. } = parts.clone();
        let buckets: fn() -> Histogram = || Histogram::new(exponential_buckets(SHORTEST, 2.0, BUCKETS));
        let mut metrics = Self {
            registry: Registry::default(),
            ended: Family::default(),
            took: Family::new_with_constructor(buckets),
            database: Family::default(),
            passwords: Gauge::default(),
            late: Family::default(),
            mails: Family::default(),
            digests: Family::default(),
            paces: Family::default(),
            open: Gauge::default(),
            connections: Gauge::default(),
            evicted: Counter::<u64, AtomicU64>::default(),
            refused: Counter::<u64, AtomicU64>::default(),
            unsecured: Counter::<u64, AtomicU64>::default(),
            certificate: Gauge::default(),
            tls,
            db,
            clock,
            hasher,
            tally,
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let it = &mut self.registry;
        it.register("grpc_server_handled", "Calls that have ended, by their code", self.ended.clone());
        let help = "How long calls took until their answer had ended";
        it.register_with_unit("grpc_server_handling", help, Unit::Seconds, self.took.clone());
        it.register("workcenter_calls_open", "Calls that have begun and not ended", self.open.clone());
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
        let help = "Connections to the database that are open, of these idle, and calls that wait for one";
        it.register("workcenter_database", help, self.database.clone());
        let help = "Passwords that are being hashed or wait for it";
        it.register("workcenter_passwords_waiting", help, self.passwords.clone());
        let help = "For how long that work is due which waits for longest, of any process; 0 when nothing is due";
        it.register_with_unit("workcenter_late", help, Unit::Seconds, self.late.clone());
        let help = "Attempts at mails that this process has ended, by what became of them and what they tell";
        it.register("workcenter_mails", help, self.mails.clone());
        let help = "People for whom this process has composed mail, by what became of it and what it is";
        it.register("workcenter_digests", help, self.digests.clone());
        let help = "Mails a second that go to a domain, or to all where it is empty, since a relay asked for less";
        it.register("workcenter_mail_pace", help, self.paces.clone());
    }

    /// Counts a call that has ended.
    pub fn end(&self, method: &'static Method, code: Code, seconds: f64) {
        let (grpc_service, grpc_method) = match method.name.as_str() {
            "" => ("unknown", "unknown"),
            name => (method.service.as_str(), name),
        };
        self.ended.get_or_create(&Ended { grpc_service, grpc_method, grpc_code: name(code) }).inc();
        self.took.get_or_create(&Called { grpc_service, grpc_method }).observe(seconds);
    }

    /// Asks how late work is. When the database does not answer nothing is said of it, lest an old answer calm anybody.
    async fn look(&self) {
        let late = async { audit::late(&self.db, self.clock.now().await?).await };
        let late: Result<Vec<Late>> = late.await;
        self.late.clear();
        match late {
            Ok(late) => late.into_iter().for_each(|Late { work, seconds }| {
                self.late.get_or_create(&Due { work }).set(seconds);
            }),
            Err(error) => warn!(error = chain(&error), "failed to ask how late work is"),
        }
        let paces = async { outbox::paces(&self.db.client().await?).await };
        let paces: Result<Vec<Pace>> = paces.await;
        self.paces.clear();
        match paces {
            Ok(paces) => paces.into_iter().for_each(|Pace { domain, rate }| {
                self.paces.get_or_create(&Paced { domain }).set(rate);
            }),
            Err(error) => warn!(error = chain(&error), "failed to ask how fast mails go"),
        }
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
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// The code as it is called in the protocol. Source: gRPC core, "Status codes and their use in gRPC".
fn name(code: Code) -> &'static str {
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
