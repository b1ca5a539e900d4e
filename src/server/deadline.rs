//! When a call has to be over: as early as its caller says, and as the server says of what is no stream.
//!
//! The handler and the answer's body are both held to it; what is late is dropped wherever it stands.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

use super::method::Method;
use crate::error::{Error, Reason, Result, Violation};

/// The header with the time that the caller gives. Source: gRPC over HTTP/2, section "Requests".
const HEADER: &str = "grpc-timeout";

/// Digits that its value may have. Source: as above.
const DIGITS_MAX: usize = 8;

/// When a call is late, if ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deadlines {
    /// When its handler is.
    pub handler: Option<Instant>,
    /// When the last of its answer is.
    pub answer: Option<Instant>,
}

/// How long an answer may lie unread after it was late: time for the error to be read in its place. Then it is dropped.
pub(super) const UNREAD_MAX: Duration = Duration::from_secs(1);

/// When a call that begins `now` is late.
///
/// # Errors
///
/// [`Error::Invalid`] for a header that is no time.
pub(super) fn of(headers: &HeaderMap, method: &Method, limit: Duration, now: Instant) -> Result<Deadlines> {
    let asked = match headers.get(HEADER) {
        None => None,
        Some(value) => {
            let time = value.to_str().ok().and_then(timeout);
            let rule = "must be digits and a unit, as in 300m";
            Some(time.ok_or_else(|| Violation::new(HEADER, rule).because(Reason::RequestMalformed))?)
        }
    };
    // Uploads watch over themselves, and what watches something lasts for as long as its reader wants.
    let handler = (!method.takes_stream).then_some(limit);
    let answer = handler.filter(|_| !method.lasts);
    // What lies beyond the clock never comes.
    let at = |ours: Option<Duration>| asked.into_iter().chain(ours).min().and_then(|it| now.checked_add(it));
    Ok(Deadlines { handler: at(handler), answer: at(answer) })
}

/// Reads a time such as `300m`: milliseconds.
fn timeout(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let digits = &text[..text.len() - unit.len_utf8()];
    if digits.is_empty() || digits.len() > DIGITS_MAX || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let number = digits.parse().ok()?;
    match unit {
        'H' => Some(Duration::from_secs(number * 3600)),
        'M' => Some(Duration::from_secs(number * 60)),
        'S' => Some(Duration::from_secs(number)),
        'm' => Some(Duration::from_millis(number)),
        'u' => Some(Duration::from_micros(number)),
        'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// That the time is over.
pub(super) fn late() -> Error {
    Error::Late(Reason::Deadline)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_and_what_is_no_time_is_not() {
        for (text, time) in [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("3S", Some(Duration::from_secs(3))),
            ("300m", Some(Duration::from_millis(300))),
            ("4u", Some(Duration::from_micros(4))),
            ("99999999n", Some(Duration::from_nanos(99_999_999))),
            ("0m", Some(Duration::ZERO)),
            ("123456789S", None),
            ("S", None),
            ("", None),
            ("-1S", None),
            ("1x", None),
            ("1é", None),
        ] {
            assert_eq!(timeout(text), time, "{text:?}");
        }
    }

    #[test]
    fn the_earlier_of_the_callers_and_our_time_holds_and_what_lasts_and_uploads_have_only_the_callers() {
        let now = Instant::now();
        let limit = Duration::from_secs(30);
        let method = |takes_stream, lasts| Method {
            service: String::new(),
            name: String::new(),
            takes_stream,
            gives_stream: lasts,
            lasts,
            is_open: false,
        };
        let within = |text: &str, takes_stream, lasts| {
            let headers = HeaderMap::from_iter([(http::HeaderName::from_static(HEADER), text.parse().unwrap())]);
            let deadlines = of(&headers, &method(takes_stream, lasts), limit, now).unwrap();
            [deadlines.handler, deadlines.answer].map(|it| it.map(|it| (it - now).as_secs()))
        };
        assert_eq!(within("1S", false, false), [Some(1), Some(1)]);
        assert_eq!(within("1H", false, false), [Some(30), Some(30)]);
        assert_eq!(within("1H", false, true), [Some(30), Some(3600)]);
        assert_eq!(within("1H", true, false), [Some(3600), Some(3600)]);
        let without = of(&HeaderMap::new(), &method(true, false), limit, now).unwrap();
        assert_eq!(without, Deadlines { handler: None, answer: None });
    }
}
