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
    task::coop::unconstrained,
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
            // A stream that never waits uses up what a task may do at a time, and time goes on all the same.
            over.get_or_insert_with(|| Box::pin(unconstrained(sleep_until(end)))).as_mut().poll(context)
        });
        tokio::spawn(END.scope(Cell::new(None), until_it_ends));
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        sync::oneshot,
        task::coop::consume_budget,
        time::{Duration, timeout},
    };

    use super::*;

    #[tokio::test]
    async fn a_stream_that_never_waits_ends_in_time_as_well() {
        let (here, gone) = oneshot::channel::<()>();
        Streams.execute(async move {
            let _here = here;
            end_at(Instant::now());
            // All that a task may do at a time, each time.
            loop {
                consume_budget().await;
            }
        });
        let gone = timeout(Duration::from_secs(30), gone).await;
        gone.expect("it is dropped").expect_err("nothing is sent");
    }
}
