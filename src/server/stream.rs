//! The task of a stream of HTTP/2, in which a call is handled and its answer written; and when it ends at the latest.
//!
//! hyper does not look at an answer while its reader lets nothing through. So the task as a whole is dropped when its
//! time is over: that resets the stream, and frees all that it held.

use std::{
    cell::Cell,
    future::poll_fn,
    task::{Context, Poll},
};

use hyper::rt::Executor;
use tokio::{
    task_local,
    time::{Instant, sleep_until},
};

task_local! {
    /// When this stream ends.
    static END: Cell<Option<Instant>>;
}

/// Ends the stream on whose task this is called at `end`, once and for all. Elsewhere it does nothing.
pub(super) fn end_at(end: Instant) {
    let _ = END.try_with(|it| it.set(Some(end)));
}

/// Gives every stream a task.
#[derive(Clone)]
pub(super) struct Streams;

impl<F> Executor<F> for Streams
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        // Where it stands, lest the task has room for it twice: once where it came from, and once where it is run.
        let mut stream = Box::pin(stream);
        let mut over = None;
        let until_it_ends = poll_fn(move |context: &mut Context<'_>| {
            if stream.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            // What was polled may have said so: there is nobody else who does.
            let Some(end) = END.with(Cell::get) else { return Poll::Pending };
            over.get_or_insert_with(|| Box::pin(sleep_until(end))).as_mut().poll(context)
        });
        tokio::spawn(END.scope(Cell::new(None), until_it_ends));
    }
}
