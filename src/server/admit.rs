//! The layer before every service: gives the call an id, finds out who is calling, and notes how it ended.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use http::{HeaderName, HeaderValue, Request, Response};
use tonic::{Status, body::Body, metadata::MetadataMap};
use tower::{Layer, Service};
use tracing::{Instrument, info, info_span};

use crate::{
    access::Action,
    auth::Caller,
    error::{Error, Reason, Result},
    identity::Gate,
    ids,
};

/// The header with the id of a call: made when absent, sent back in any case.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Characters of an id that a caller may bring: room for two UUIDs.
const REQUEST_ID_MAX: usize = 80;

/// Services that answer before anybody has said who they are: health is asked by Kubernetes, reflection by grpcurl.
const OPEN: [&str; 2] = ["/grpc.health.v1.", "/grpc.reflection."];

/// Makes [`Admit`].
#[derive(Clone)]
pub(super) struct AdmitLayer(Gate);

/// The service behind the layer.
#[derive(Clone)]
pub(super) struct Admit<S> {
    gate: Gate,
    inner: S,
}

impl Admit<()> {
    /// The layer that asks `gate`.
    pub fn layer(gate: Gate) -> AdmitLayer {
        AdmitLayer(gate)
    }
}

impl<S> Layer<S> for AdmitLayer {
    type Service = Admit<S>;

    fn layer(&self, inner: S) -> Admit<S> {
        Admit { gate: self.0.clone(), inner }
    }
}

impl<S> Service<Request<Body>> for Admit<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The one that is ready is used; its clone takes its place.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let gate = self.gate.clone();
        Box::pin(async move {
            let id = request_id(&request);
            let path = request.uri().path().to_owned();
            let open = OPEN.iter().any(|it| path.starts_with(it));
            let span = info_span!("call", method = %path, request.id = id.to_str().unwrap_or_default());
            let began = Instant::now();
            let mut response = async {
                if !open {
                    let metadata = MetadataMap::from_headers(request.headers().clone());
                    match gate.admit(&metadata).await.and_then(|caller| known(caller, &path)) {
                        Ok(caller) => request.extensions_mut().insert(caller),
                        Err(error) => return Ok(Status::from(error).into_http()),
                    };
                }
                let response = inner.call(request).await;
                if !open {
                    // The status of a call that streams comes later, in its trailers.
                    let code = response.as_ref().ok().and_then(|it| it.headers().get("grpc-status"));
                    let code = code.and_then(|it| it.to_str().ok()).unwrap_or("0");
                    info!(grpc.code = code, took_us = u64::try_from(began.elapsed().as_micros()).ok(), "called");
                }
                response
            }
            .instrument(span)
            .await?;
            response.headers_mut().insert(REQUEST_ID, id);
            Ok(response)
        })
    }
}

/// Sends nobody in particular away from what is not open to anyone, before anything of what they sent is read.
fn known(caller: Caller, path: &str) -> Result<Caller> {
    let call = path.strip_prefix("/workcenter.v1.").unwrap_or(path);
    let open = || Action::ALL.iter().any(|it| it.path() == call && it.rule().anyone);
    if caller == Caller::Anonymous && !open() {
        return Err(Error::Unauthenticated(Reason::CallerUnknown));
    }
    Ok(caller)
}

/// The id that the caller brought, if it can stand in a log; else a new one.
fn request_id(request: &Request<Body>) -> HeaderValue {
    let sound =
        |it: &&HeaderValue| (1..=REQUEST_ID_MAX).contains(&it.len()) && it.as_bytes().iter().all(u8::is_ascii_graphic);
    match request.headers().get(REQUEST_ID).filter(sound) {
        Some(id) => id.clone(),
        None => HeaderValue::from_str(&ids::new().to_string()).expect("a UUID is ASCII"),
    }
}
