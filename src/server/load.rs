//! How much is done at a time. What is too much is refused at once: a caller who is told so early can go elsewhere,
//! and nobody waits in a line without end.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, header::AUTHORIZATION};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{connections::Busy, method::Method};
use crate::{
    config,
    error::{Error, Reason, Result},
};

/// When to come back: calls take milliseconds, so that the next moment is as good as any.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Streams of open services at a time: they are for anybody, and must not take the places of others.
const OPEN_STREAMS_MAX: usize = 1000;

/// How many places of all those for calls are there for callers who do not say who they are, such as newcomers: one
/// part of so many. They must not be able to take all of them.
const STRANGERS_PART: usize = 4;

/// The places for calls at work, and for streams that are open.
pub(super) struct Load {
    calls: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    open_streams: Arc<Semaphore>,
}

/// A call's place at work, until its answer is ready, and its place among the streams, until its answer is over.
pub(super) struct Places {
    /// Given back when the answer begins.
    pub work: [Option<OwnedSemaphorePermit>; 2],
    /// Given back when the answer ends.
    pub stream: Option<OwnedSemaphorePermit>,
}

impl Load {
    /// As many places as `settings` say.
    pub fn new(settings: &config::Calls) -> Self {
        let places = |it: usize| Arc::new(Semaphore::new(it));
        let (calls, streams) = (settings.calls_max.get() as usize, settings.streams_max.get() as usize);
        Self {
            calls: places(calls),
            strangers: places((calls / STRANGERS_PART).max(1)),
            streams: places(streams),
            open_streams: places(OPEN_STREAMS_MAX),
        }
    }

    /// Finds the places that a call of `method` takes. Health is asked most when there is most to do, so that a single
    /// question of an open service takes none.
    ///
    /// # Errors
    ///
    /// [`Error::Exhausted`] when there is none left, and for a call on a connection that is one too many.
    pub fn places(&self, method: &Method, headers: &HeaderMap, on: &Busy) -> Result<Places> {
        // A stream would keep a connection that is one too many.
        if on.is_spare() && (!method.is_open || method.gives_stream) {
            return Err(overloaded());
        }
        let says_who = headers.contains_key(AUTHORIZATION) || !on.names().0.is_empty();
        let is_stranger = !method.is_open && !says_who;
        let stranger = if is_stranger { Some(place(&self.strangers)?) } else { None };
        let work = if method.is_open { None } else { Some(place(&self.calls)?) };
        let streams = if method.is_open { &self.open_streams } else { &self.streams };
        let stream = if method.gives_stream { Some(place(streams)?) } else { None };
        Ok(Places { work: [work, stranger], stream })
    }
}

fn place(among: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    let place = Arc::clone(among).try_acquire_owned();
    place.map_err(|_full| overloaded())
}

fn overloaded() -> Error {
    Error::Exhausted(Reason::Overloaded, RETRY_AFTER)
}
