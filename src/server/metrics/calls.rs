//! How many calls there were, how they ended and how long they took; and the connections that they came on.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use tonic::Code;

use super::super::method::Method;
use crate::tls::Acceptor;

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

/// What is counted of calls and connections.
pub struct Calls {
    ended: Family<Ended, Counter>,
    took: Family<Called, Histogram, fn() -> Histogram>,
    streams: Family<Called, Gauge>,
    /// Calls that have begun and not ended.
    open: Gauge,
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
}

impl Calls {
    /// Counts from zero; under TLS where there is `tls`.
    pub fn new(tls: Option<Acceptor>) -> Self {
        let buckets: fn() -> Histogram = || Histogram::new(exponential_buckets(SHORTEST, 2.0, BUCKETS));
        Self {
            ended: Family::default(),
            took: Family::new_with_constructor(buckets),
            streams: Family::default(),
            open: Gauge::default(),
            connections: Gauge::default(),
            evicted: Counter::<u64, AtomicU64>::default(),
            refused: Counter::<u64, AtomicU64>::default(),
            unsecured: Counter::<u64, AtomicU64>::default(),
            certificate: Gauge::default(),
            tls,
        }
    }

    /// Has all of it told by `it`.
    pub fn register(&self, it: &mut Registry) {
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

    /// Looks at what nobody tells of.
    pub fn read(&self) {
        if let Some(tls) = &self.tls {
            self.certificate.set(tls.expires_at());
        }
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
}

/// The labels of a method. What is not there has one name, lest callers fill the metrics with names of their own.
fn called(method: &'static Method) -> Called {
    match method.name.as_str() {
        "" => Called { grpc_service: "unknown", grpc_method: "unknown" },
        name => Called { grpc_service: method.service.as_str(), grpc_method: name },
    }
}

/// The code as it is called in the protocol. Source: gRPC core, "Status codes and their use in gRPC".
pub fn name(code: Code) -> &'static str {
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
