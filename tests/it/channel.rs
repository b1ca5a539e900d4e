//! The connections of the tests' clients, which keep what calls end with when they fail: it is looked through like all
//! that programs say.

use std::{
    error::Error,
    pin::Pin,
    sync::Mutex,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tonic::{
    Code, Status,
    body::Body,
    codegen::{Service, http},
    transport,
};

use crate::kept::Keeper;

/// A connection to a server.
#[derive(Clone, Debug)]
pub struct Channel(transport::Channel);

impl Channel {
    /// The server at `url`, to which it connects when it is first called.
    pub fn to(url: &str) -> Self {
        transport::Channel::from_shared(url.to_owned()).unwrap().connect_lazy().into()
    }
}

impl From<transport::Channel> for Channel {
    fn from(channel: transport::Channel) -> Self {
        Self(channel)
    }
}

impl Service<http::Request<Body>> for Channel {
    type Response = http::Response<Heard>;
    type Error = transport::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::poll_ready(&mut self.0, context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let path = request.uri().path().to_owned();
        let answer = self.0.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            hear(&path, answer.headers());
            Ok(answer.map(|body| Heard { body, path }))
        })
    }
}

/// Whether no server has begun with a call: its connection made way before it left, or the server had said by then that it
/// takes no more. gRPC's own clients then make it on another by themselves, and tonic's says so.
pub fn is_unsent(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled) {
            return status.code() == Code::Cancelled;
        }
        // Who is told so of a call has one that is above the last that the server has begun with.
        let goes = |it: &h2::Error| it.is_go_away() && it.is_remote() && it.reason() == Some(h2::Reason::NO_ERROR);
        if error.downcast_ref::<h2::Error>().is_some_and(goes) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The body of an answer, at the end of which may be why the call failed.
pub struct Heard {
    body: Body,
    path: String,
}

impl http_body::Body for Heard {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(trailers) = frame.trailers_ref()
        {
            hear(&self.path, trailers);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Keeps how a call ended, if it failed: its message, and all that is written in its details.
fn hear(path: &str, metadata: &http::HeaderMap) {
    static KEEPER: Mutex<Option<Keeper>> = Mutex::new(None);
    let Some(status) = Status::from_header_map(metadata).filter(|it| it.code() != tonic::Code::Ok) else { return };
    // Of the details their text is of interest, and all of it stands in the bytes as it is.
    let details = String::from_utf8_lossy(status.details()).escape_debug().to_string();
    let line = format!("{path} {:?} {} {details}\n", status.code(), status.message().escape_debug());
    let mut keeper = KEEPER.lock().unwrap();
    keeper.get_or_insert_with(|| Keeper::of("calls", "statuses")).keep(line.as_bytes());
}
