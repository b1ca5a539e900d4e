//! What stands before every service, in order. Each step is a file of its own:
//!
//! 1. `call`: ids of the call, its span in the log, its count; every error is dressed on its way out (`dress`).
//! 2. `deadline`: the caller's time or the server's, for the handler, for the answer's body (`answer`), and for a reader
//!    who does not read (`stream`).
//! 3. `load`: a place among the calls at work, or a refusal at once.
//! 4. a panic is an error like others.
//! 5. `admit`: who is calling.
//!
//! Then comes the service. Connections themselves are kept in order by `connections`.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body, service::Routes};
use tower::ServiceExt;
use tracing::{Instrument, error};

use super::{
    admit::admit,
    answer::{Answer, Terms, draining},
    call::Call,
    connections::Busy,
    deadline::{self, UNREAD_MAX},
    load::Load,
    metrics::Metrics,
    stream,
};
use crate::{
    error::{Error, Result},
    identity::Gate,
    trace::{self, Tracer},
};

/// Everything that stands before the services, and the services.
pub(super) struct Front {
    /// The services.
    pub routes: Routes,
    /// Who knows callers. There is none where all that is served is open to anybody.
    pub gate: Option<Gate>,
    /// The places for calls.
    pub load: Load,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What tells of calls.
    pub tracer: Tracer,
    /// How long a call that is no stream may take.
    pub call_limit: Duration,
    /// Cancelled when the process drains.
    pub draining: CancellationToken,
    /// Cancelled when calls that are still under way have to end.
    pub cutting: CancellationToken,
}

impl Front {
    /// Answers a request that came on a connection which is `busy` with it.
    pub async fn answer(self: Arc<Self>, request: Request<Incoming>, busy: Busy) -> Response<Answer> {
        let call = Call::begin(&request, busy, &self.metrics, &self.tracer);
        let (draining, cutting) = (self.draining.clone(), self.cutting.clone());
        let mut terms = Terms { deadline: None, place: None, draining, cutting };
        let work = call.trail.along(trace::within(call.told(), self.work(request, &call, &mut terms)));
        let answered = work.instrument(call.span.clone()).await;
        let unread = || (!call.method.lasts).then(|| Instant::now() + self.call_limit);
        if let Some(end) = terms.deadline.or_else(unread) {
            stream::end_at(end + UNREAD_MAX);
        }
        let response = answered.unwrap_or_else(|error| Status::from(error).into_http());
        Answer::new(response, call, terms)
    }

    async fn work(&self, request: Request<Incoming>, call: &Call, terms: &mut Terms) -> Result<Response<Body>> {
        let deadlines = deadline::of(request.headers(), call.method, self.call_limit, Instant::now())?;
        terms.deadline = deadlines.answer;
        let places = self.load.places(call.method, request.headers(), &call.busy)?;
        terms.place = places.stream;
        // In a box, for each of those around it would copy all of it when it takes it in.
        let handled = AssertUnwindSafe(self.handle(request, call).boxed()).catch_unwind();
        let handled = async {
            tokio::select! {
                ended = handled => ended,
                // Uploads have it in what they read, and clear away what they have stored.
                () = self.cutting.cancelled(), if !call.method.takes_stream => Ok(Err(draining())),
            }
        };
        let ended = match deadlines.handler {
            None => handled.await,
            Some(deadline) => timeout_at(deadline, handled).await.map_err(|_elapsed| deadline::late())?,
        };
        drop(places.work);
        ended.unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
    }

    async fn handle(&self, request: Request<Incoming>, call: &Call) -> Result<Response<Body>> {
        let request = match &self.gate {
            Some(gate) => admit(request, call.method, &call.busy, gate, &self.cutting).await?,
            None => request.map(Body::new),
        };
        if let Some(caller) = request.extensions().get() {
            call.made_by(caller);
        }
        let response = self.routes.clone().oneshot(request).await;
        Ok(response.unwrap_or_else(|never| match never {}))
    }
}

/// The error that a panic is.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let said = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("nothing");
    error!(said, "a call panicked");
    Error::internal("it panicked")
}
