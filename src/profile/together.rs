//! What many want at the same time, each of one profile, is done together: for thirty people it costs PostgreSQL, and the
//! connection, little more than for a single one.
//!
//! Nobody waits for company. Who finds fewer turns under way than there may be has one of their own and begins at once; all
//! who come meanwhile are served together as soon as one of these is over. What is done begins after it was asked for.

use std::{
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, sync::oneshot, time::timeout};
use tracing::debug;

use crate::{
    error::{Result, chain},
    trace,
};

/// How many are served together: what PostgreSQL does in a few milliseconds, so that it holds up nobody behind it.
const TOGETHER_MAX: usize = 100;

/// How long a turn may hold up others, and those who wait for it wait: many times as long as it takes. A connection on which
/// nothing comes any more, and nobody says so, would hold them up until all have gone.
const TURN_TIME_MAX: Duration = Duration::from_secs(2);

/// Serves who want something of the kind `W`, each with an answer `A`. Clones do it together.
pub(super) struct Together<W, A>(Arc<Inner<W, A>>);

struct Inner<W, A> {
    /// What it is called in a trace.
    name: &'static str,
    turns_max: usize,
    serve: Box<Serve<W, A>>,
    queue: Mutex<Queue<W, A>>,
}

/// Serves several, and tells each what came of it.
type Serve<W, A> = dyn Fn(Vec<Waiting<W, A>>) -> Serving + Send + Sync;

/// What it does, until all of them are served.
type Serving = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// What somebody wants who waits, and where they wait.
pub(super) type Waiting<W, A> = (W, oneshot::Sender<A>);

struct Queue<W, A> {
    turns: usize,
    waiting: Vec<Waiting<W, A>>,
}

/// How somebody was served.
pub(super) enum Served<T, A> {
    /// In a turn of their own.
    Alone(T),
    /// With others.
    Together(A),
    /// It took too long, or went wrong, which is said to nobody: whoever still wants it does it for themselves.
    Not,
}

/// A turn that is under way. When it is over, those who wait have theirs.
struct Turn<'a, W: Send + 'static, A: Send + 'static>(&'a Together<W, A>);

impl<W: Send + 'static, A: Send + 'static> Together<W, A> {
    /// Has so many turns at a time, in which several are served by `serve`.
    pub fn new(
        name: &'static str,
        turns_max: usize,
        serve: impl Fn(Vec<Waiting<W, A>>) -> Serving + Send + Sync + 'static,
    ) -> Self {
        let queue = Mutex::new(Queue { turns: 0, waiting: Vec::new() });
        Self(Arc::new(Inner { name, turns_max, serve: Box::new(serve), queue }))
    }

    /// Serves somebody who wants `what`: with others, or by `alone`, which takes its time when that takes long.
    pub async fn serve<T>(&self, what: W, alone: impl Future<Output = T>) -> Served<T, A> {
        let Some(answer) = self.queued(what) else {
            let turn = Turn(self);
            let mut alone = pin!(alone);
            return Served::Alone(match timeout(TURN_TIME_MAX, &mut alone).await {
                Ok(served) => served,
                Err(_elapsed) => {
                    drop(turn);
                    alone.await
                }
            });
        };
        match trace::part(self.0.name, |_| {}, timeout(TURN_TIME_MAX, answer)).await {
            Ok(Ok(answer)) => Served::Together(answer),
            Ok(Err(_)) | Err(_) => Served::Not,
        }
    }

    /// A place among those who wait, unless there is a turn to be had: then that has begun.
    fn queued(&self, what: W) -> Option<oneshot::Receiver<A>> {
        let mut queue = self.queue();
        if queue.turns < self.0.turns_max {
            queue.turns += 1;
            return None;
        }
        let (tell, answer) = oneshot::channel();
        queue.waiting.push((what, tell));
        Some(answer)
    }

    /// Serves those who wait, until nobody does.
    async fn together(self) {
        let _turn = Turn(&self);
        loop {
            let some: Vec<_> = {
                let mut queue = self.queue();
                // Who has gone does not want it any more.
                queue.waiting.retain(|(_, tell)| !tell.is_closed());
                let count = queue.waiting.len().min(TOGETHER_MAX);
                queue.waiting.drain(..count).collect()
            };
            if some.is_empty() {
                return;
            }
            match timeout(TURN_TIME_MAX, (self.0.serve)(some)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => debug!(error = chain(&error), turn = self.0.name, "failed to serve several"),
                Err(_elapsed) => debug!(turn = self.0.name, "what is done for several takes too long"),
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue<W, A>> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W, A> Clone for Together<W, A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: Send + 'static, A: Send + 'static> Drop for Turn<'_, W, A> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        match Handle::try_current() {
            Ok(runtime) if !queue.waiting.is_empty() => drop(runtime.spawn(self.0.clone().together())),
            _ => {
                queue.turns -= 1;
                // Without a runtime nobody is left to serve them.
                queue.waiting.clear();
            }
        }
    }
}
