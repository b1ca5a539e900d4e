//! The body of an answer, which ends in time: when the caller's time is over, when the process drains, when it panics.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::{Body as _, Frame, SizeHint};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep, sleep_until},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Status, body::Body};

use super::{call::Call, deadline, front::panicked};
use crate::{
    error::{Error, Reason},
    trace,
};

/// The body of an answer.
pub(super) struct Answer {
    /// Gone when the answer is over.
    body: Option<Body>,
    call: Call,
    late: Option<Pin<Box<Sleep>>>,
    draining: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    _place: Option<OwnedSemaphorePermit>,
}

/// What may end an answer before it is complete.
pub(super) struct Terms {
    /// When it is late.
    pub deadline: Option<Instant>,
    /// Its place among the streams, which is given back when it ends.
    pub place: Option<OwnedSemaphorePermit>,
    /// Cancelled when the process drains. Streams of ours end by themselves then, when they have said what they had to.
    pub draining: CancellationToken,
    /// Cancelled when the time for that is over.
    pub cutting: CancellationToken,
}

impl Answer {
    /// Answers `call` with `response`.
    pub fn new(response: Response<Body>, mut call: Call, terms: Terms) -> Response<Self> {
        let (mut head, body) = response.into_parts();
        call.sign(&mut head.headers);
        // An answer without a body has its status in the head.
        let body = if body.is_end_stream() {
            call.end_with(&mut head.headers);
            None
        } else {
            Some(body)
        };
        let streams = call.method.gives_stream && body.is_some();
        let late = terms.deadline.filter(|_| streams).map(|it| Box::pin(sleep_until(it)));
        let until = if call.method.is_open { terms.draining } else { terms.cutting };
        let draining = streams.then(|| Box::pin(until.cancelled_owned()));
        let place = terms.place.filter(|_| streams);
        Response::from_parts(head, Self { body, call, late, draining, _place: place })
    }

    /// Ends the answer here.
    fn cut(&mut self, why: Status) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.body = None;
        let mut trailers = HeaderMap::new();
        if let Err(status) = why.add_header(&mut trailers) {
            return Poll::Ready(Some(Err(status)));
        }
        self.call.end_with(&mut trailers);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let span = this.call.span.clone();
        let _entered = span.enter();
        let poll = || trace::enter(this.call.told(), || Pin::new(body).poll_frame(context));
        match catch_unwind(AssertUnwindSafe(poll)) {
            Err(panic) => this.cut(panicked(panic.as_ref()).into()),
            Ok(Poll::Ready(Some(Err(status)))) => this.cut(status),
            Ok(Poll::Ready(Some(Ok(frame)))) => match frame.into_trailers() {
                Ok(mut trailers) => {
                    this.body = None;
                    this.call.end_with(&mut trailers);
                    Poll::Ready(Some(Ok(Frame::trailers(trailers))))
                }
                Err(frame) => Poll::Ready(Some(Ok(frame))),
            },
            Ok(Poll::Ready(None)) => {
                this.body = None;
                Poll::Ready(None)
            }
            // What was ready has been said first.
            Ok(Poll::Pending) if over(&mut this.late, context) => this.cut(deadline::late().into()),
            Ok(Poll::Pending) if over(&mut this.draining, context) => this.cut(draining().into()),
            Ok(Poll::Pending) => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), http_body::Body::size_hint)
    }
}

/// That the process is on its way out.
pub(super) fn draining() -> Error {
    Error::Unavailable(Reason::Draining, None)
}

fn over<F: Future<Output = ()>>(end: &mut Option<Pin<Box<F>>>, context: &mut Context<'_>) -> bool {
    end.as_mut().is_some_and(|it| it.as_mut().poll(context).is_ready())
}
