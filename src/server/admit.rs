//! Who is calling: found out before anything of what they sent is looked at.

use std::{
    error::Error as StdError,
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http::Request;
use http_body::{Body as _, Frame};
use hyper::body::Incoming;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Status, body::Body};

use super::{answer::draining, connections::Busy, method::Method};
use crate::{
    access::Action,
    auth::{Caller, Source},
    error::{Error, Reason, Result},
    identity::Gate,
};

/// Bytes of a stream that are read while its caller is being looked up.
///
/// They are better read: h2 ends a connection on which too many small frames lie unread, and its windows, as they are
/// set in `connections`, allow for one or two streams of them. A caller who sends more than this in the time of one
/// query has the rest wait.
const AHEAD_MAX: usize = 256 << 10;

/// Finds out who makes `request`, and from where, over the connection that is `busy` with it, and sends nobody in particular away from what is not open to anyone.
/// What a caller streams ends `UNAVAILABLE` when `cutting` is cancelled.
///
/// # Errors
///
/// As [`Gate::admit`], and [`Error::Unauthenticated`] for a caller who has to say who they are.
pub(super) async fn admit(
    request: Request<Incoming>,
    method: &Method,
    busy: &Busy,
    gate: &Gate,
    cutting: &CancellationToken,
) -> Result<Request<Body>> {
    if method.is_open {
        return Ok(request.map(Body::new));
    }
    let (mut head, body) = request.into_parts();
    let names = busy.names();
    let look = async { gate.admit(&head.headers, &names).await.and_then(|caller| known(caller, head.uri.path())) };
    let (caller, body) = if method.takes_stream {
        let (caller, body) = ahead(body, look, cutting.clone()).await;
        (caller?, Body::new(body))
    } else {
        (look.await?, Body::new(body))
    };
    head.extensions.insert(Source::of(&caller, &head.headers, busy.peer()));
    head.extensions.insert(caller);
    head.extensions.insert(names);
    Ok(Request::from_parts(head, body))
}

/// Sends nobody in particular away from what is not open to anyone.
fn known(caller: Caller, path: &str) -> Result<Caller> {
    let call = path.strip_prefix("/workcenter.v1.").unwrap_or(path);
    let open = || Action::ALL.iter().any(|it| it.path() == call && it.rule().anyone);
    if caller == Caller::Anonymous && !open() {
        return Err(Error::Unauthenticated(Reason::CallerUnknown));
    }
    Ok(caller)
}

/// Reads `body` until `until` has ended, and returns what came of it with the whole of the body, which lasts until `cutting`
/// is cancelled at most.
async fn ahead<T>(mut body: Incoming, until: impl Future<Output = T>, cutting: CancellationToken) -> (T, Ahead) {
    let mut until = pin!(until);
    let (mut read, mut then) = (BytesMut::new(), None);
    let ended = poll_fn(|context| {
        if let Poll::Ready(ended) = until.as_mut().poll(context) {
            return Poll::Ready(ended);
        }
        while then.is_none() && read.len() < AHEAD_MAX {
            match Pin::new(&mut body).poll_frame(context) {
                Poll::Pending => break,
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => read.extend_from_slice(&data),
                    Err(trailers) => then = Some(Some(Ok(trailers))),
                },
                Poll::Ready(Some(Err(error))) => then = Some(Some(Err(error))),
                Poll::Ready(None) => then = Some(None),
            }
        }
        Poll::Pending
    });
    let ended = ended.await;
    (ended, Ahead { read: read.freeze(), then, rest: body, cut: Box::pin(cutting.cancelled_owned()) })
}

/// The body of a request of which some was read already.
struct Ahead {
    read: Bytes,
    /// What came after it, if that is known: a frame that is no data, an error, or the end.
    then: Option<Option<Result<Frame<Bytes>, hyper::Error>>>,
    rest: Incoming,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl http_body::Body for Ahead {
    type Data = Bytes;
    type Error = Box<dyn StdError + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if !self.read.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.read)))));
        }
        let next = match self.then.take() {
            Some(then) => Poll::Ready(then),
            None => Pin::new(&mut self.rest).poll_frame(context),
        };
        // Who reads it hears of this as of anything else that is wrong with an upload, and leaves nothing behind.
        if next.is_pending() && self.cut.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(Status::from(draining()).into())));
        }
        next.map(|it| it.map(|it| it.map_err(Into::into)))
    }
}
