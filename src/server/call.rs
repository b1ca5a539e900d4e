//! A call from its first byte to its last: the ids it goes by, the line in the log when it is over, and its count.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use tonic::Code;
use tracing::{Span, field::display, info, info_span};

use super::{
    connections::Busy,
    dress::{End, dress},
    method::{self, Method},
    metrics::{self, Metrics},
};
use crate::{
    auth::Caller,
    error::{Reason, reason},
    ids,
    trace::{self, Tracer},
    trail::{self, Trail},
};

/// The header with the id of a call: made when absent, sent back in any case.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The header with the version of the program that answers.
const SERVER_VERSION: HeaderName = HeaderName::from_static("x-server-version");

/// The header by which a call belongs to a trace. Source: W3C Trace Context, section 3.2.
const TRACE_PARENT: &str = "traceparent";

/// Characters of an id that a caller may bring: room for two UUIDs.
const REQUEST_ID_MAX: usize = 80;

/// Characters of a path in the log: ours are shorter, and a caller may ask for anything.
const PATH_MAX: usize = 100;

/// A call that is under way. When it is dropped before it was ended, its caller has gone.
pub(super) struct Call {
    /// What is called.
    pub method: &'static Method,
    /// What every line of the log stands in.
    pub span: Span,
    /// What of it matters to security.
    pub trail: Trail,
    caller: OnceLock<Caller>,
    id: HeaderValue,
    /// The trace that it is in; empty for none.
    trace: String,
    /// What is told of it, if anything is.
    told: Option<trace::Span>,
    began: Instant,
    metrics: Arc<Metrics>,
    ended: bool,
    /// Its connection is busy for as long as it lasts.
    pub busy: Busy,
}

impl Call {
    /// Begins the call that `request` makes on a connection that is `busy` with it.
    pub fn begin<B>(request: &Request<B>, busy: Busy, metrics: &Arc<Metrics>, tracer: &Tracer) -> Self {
        let path = request.uri().path();
        let shown: String = path.chars().take(PATH_MAX).collect();
        let id = request_id(request.headers());
        let method = method::at(path);
        let from = caller(request.headers());
        let told = if method.is_open { None } else { tracer.call(&method.service, &method.name, from.as_ref()) };
        let trace = from.map(|it| it.trace).or_else(|| told.as_ref().map(trace::Span::trace)).unwrap_or_default();
        let span = info_span!("call", method = shown, request.id = text(&id), trace.id = tracing::field::Empty);
        if !trace.is_empty() {
            span.record("trace.id", trace.as_str());
        }
        metrics.calls.begin(method);
        let metrics = Arc::clone(metrics);
        let (trail, caller) = (Trail::default(), OnceLock::new());
        Self { method, span, trail, caller, id, trace, told, began: Instant::now(), metrics, ended: false, busy }
    }

    /// It is `caller` who calls.
    pub fn made_by(&self, caller: &Caller) {
        // They are found out once.
        let _ = self.caller.set(caller.clone());
    }

    /// What is told of it, if anything is.
    pub fn told(&self) -> Option<&trace::Span> {
        self.told.as_ref()
    }

    /// Says in the headers of an answer whose it is.
    pub fn sign(&self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, self.id.clone());
        headers.insert(SERVER_VERSION, HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
    }

    /// Ends the call with the status in `headers`, and dresses it if it is an error.
    pub fn end_with(&mut self, headers: &mut HeaderMap) {
        let end = dress(headers, text(&self.id), &self.trace);
        self.end(end.unwrap_or(End { code: Code::Unknown, reason: String::new() }));
    }

    /// Ends the call.
    fn end(&mut self, End { code, reason }: End) {
        self.ended = true;
        let took = self.began.elapsed();
        self.metrics.calls.end(self.method, code, took.as_secs_f64());
        if self.method.is_open {
            return;
        }
        let (kind, id, acts_for) = match self.caller.get() {
            None => ("UNKNOWN", None, None),
            Some(Caller::Anonymous) => ("NOBODY", None, None),
            Some(Caller::Person { user_id, .. }) => ("PERSON", Some(*user_id), None),
            Some(Caller::Service { key_id, acts_for, .. }) => ("SERVICE", Some(*key_id), *acts_for),
        };
        if let Some(told) = self.told.take() {
            told.tell("rpc.grpc.status_code", i64::from(code as i32));
            told.tell("workcenter.request.id", text(&self.id).to_owned());
            told.tell("workcenter.caller.kind", kind);
            if is_fault(code) {
                told.fail(&reason);
            }
        }
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let outcome = metrics::name(code);
        self.span.in_scope(|| {
            let (caller, for_whom) = (id.map(display), acts_for.map(display));
            info!(
                grpc.code = code as i32,
                outcome,
                reason,
                took_us,
                caller.kind = kind,
                caller.id = caller,
                caller.acts_for = for_whom,
                "called"
            );
            let told = self.trail.end(id, outcome);
            if !told && is_refusal(code, &reason) {
                trail::refused(id, &reason, outcome);
            }
        });
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.ended {
            self.end(End { code: Code::Cancelled, reason: String::new() });
        }
    }
}

/// Whether somebody was kept from what they wanted for who they are.
fn is_refusal(code: Code, told: &str) -> bool {
    let is_throttled = || told == reason(Reason::SignInThrottled);
    matches!(code, Code::Unauthenticated | Code::PermissionDenied) || is_throttled()
}

/// Whether a call that ends so is a fault of ours. Source: OpenTelemetry's semantic conventions of gRPC.
fn is_fault(code: Code) -> bool {
    use Code::{DataLoss, DeadlineExceeded, Internal, Unavailable, Unimplemented, Unknown};
    matches!(code, Unknown | DeadlineExceeded | Unimplemented | Internal | Unavailable | DataLoss)
}

/// The id that the caller brought, if it can stand in a log; else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let sound =
        |it: &&HeaderValue| (1..=REQUEST_ID_MAX).contains(&it.len()) && it.as_bytes().iter().all(u8::is_ascii_graphic);
    match headers.get(REQUEST_ID).filter(sound) {
        Some(id) => id.clone(),
        None => HeaderValue::from_str(&ids::new().to_string()).expect("a UUID is ASCII"),
    }
}

fn text(id: &HeaderValue) -> &str {
    id.to_str().unwrap_or_default()
}

/// The span that the call is made in, of a trace with 32 hexadecimal digits that are not all 0.
fn caller(headers: &HeaderMap) -> Option<trace::Caller> {
    let value = headers.get(TRACE_PARENT)?.to_str().ok()?;
    let mut fields = value.split('-');
    let (version, trace, span) = (fields.next()?, fields.next()?, fields.next()?);
    let hexadecimal = |it: &str, digits| {
        it.len() == digits
            && it.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it))
            && it.bytes().any(|it| it != b'0')
    };
    let sound = version.len() == 2 && version != "ff" && hexadecimal(trace, 32) && hexadecimal(span, 16);
    // The last bit of the flags.
    let is_told = fields.next().and_then(|it| u8::from_str_radix(it, 16).ok()).is_some_and(|it| it & 1 == 1);
    sound.then(|| trace::Caller { trace: trace.to_owned(), span: span.to_owned(), is_told })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_joined_when_its_parent_is_well_formed() {
        let caller = |text: &str| {
            caller(&HeaderMap::from_iter([(HeaderName::from_static(TRACE_PARENT), text.parse().unwrap())]))
        };
        let (id, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let from = |is_told| Some(trace::Caller { trace: id.to_owned(), span: span.to_owned(), is_told });
        assert_eq!(caller(&format!("00-{id}-{span}-01")), from(true));
        assert_eq!(caller(&format!("00-{id}-{span}-00")), from(false));
        assert_eq!(caller(&format!("01-{id}-{span}-03-more")), from(true));
        for bad in [
            format!("ff-{id}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{}-00f067aa0ba902b7-01", id.to_uppercase()),
            format!("00-{id}-0000000000000000-01"),
            format!("00-{id}"),
            "nonsense".to_owned(),
        ] {
            assert_eq!(caller(&bad), None, "{bad}");
        }
    }
}
