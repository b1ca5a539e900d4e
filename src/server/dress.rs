//! What every error leaves with: one `ErrorInfo` with a reason, and the ids by which the log knows the call.
//!
//! Errors of ours have their reason already. Those that the transport makes get theirs here, and with it the code that
//! other servers of gRPC give: tonic says `OUT_OF_RANGE` for what is too large, and INTERNAL for what it cannot read.

use http::HeaderMap;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::error::{DOMAIN, Reason, reason};

/// The headers that make a status.
const HEADERS: [&str; 3] = ["grpc-status", "grpc-message", "grpc-status-details-bin"];

/// How a call ended, as its caller is told.
pub(super) struct End {
    pub code: Code,
    /// Why; empty when all is well.
    pub reason: String,
}

/// Dresses the error that stands in `headers`, if one does; returns what stands there in the end.
pub(super) fn dress(headers: &mut HeaderMap, request: &str, trace: &str) -> Option<End> {
    let status = Status::from_header_map(headers)?;
    if status.code() == Code::Ok {
        return Some(End { code: Code::Ok, reason: String::new() });
    }
    let mut details = status.get_error_details();
    let mut code = status.code();
    if details.error_info().is_none() {
        let told;
        (code, told) = undressed(code);
        details.set_error_info(reason(told), DOMAIN, []);
    }
    let reason = details.error_info().map(|it| it.reason.clone()).unwrap_or_default();
    details.set_request_info(request, trace);
    let dressed = Status::with_error_details(code, text(&status, code), details);
    for name in HEADERS {
        headers.remove(name);
    }
    if dressed.add_header(headers).is_err() {
        // What cannot stand in a header is left out; the code says the most of it.
        headers.insert(HEADERS[0], (code as i32).into());
    }
    Some(End { code, reason })
}

/// The code and reason of an error that did not come from a service of ours.
fn undressed(code: Code) -> (Code, Reason) {
    match code {
        Code::Unimplemented => (code, Reason::MethodUnknown),
        Code::OutOfRange | Code::ResourceExhausted => (Code::ResourceExhausted, Reason::RequestTooLarge),
        // What comes off the wire and cannot be read.
        Code::Internal | Code::InvalidArgument | Code::Unknown | Code::DataLoss => {
            (Code::InvalidArgument, Reason::RequestMalformed)
        }
        _ => (code, Reason::Internal),
    }
}

fn text(status: &Status, code: Code) -> &str {
    match (status.message(), code) {
        ("", Code::Unimplemented) => "there is no such method",
        (text, _) => text,
    }
}
