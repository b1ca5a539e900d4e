//! The task of a stream of HTTP/2, in which a call is handled and its answer written; and when it ends at the latest.
//!
//! hyper does not look at an answer while its reader lets nothing through. So the task as a whole is dropped when its
//! time is over: that resets the stream, and frees all that it held.

use hyper::rt::Executor;
use tokio::{
    sync::watch,
    task_local,
    time::{Instant, sleep_until},
};

task_local! {
    /// When this stream ends.
    static END: watch::Sender<Option<Instant>>;
}

/// Ends the stream on whose task this is called at `end`. Elsewhere it does nothing.
pub(super) fn end_at(end: Instant) {
    let _ = END.try_with(|it| it.send_replace(Some(end)));
}

/// Gives every stream a task.
#[derive(Clone)]
pub(super) struct Streams;

impl<F> Executor<F> for Streams
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let end = watch::Sender::new(None);
        let mut told = end.subscribe();
        // Where it stands, lest the task has room for it twice: once where it came from, and once where it is run.
        let stream = Box::pin(stream);
        tokio::spawn(async move {
            let over = async {
                // Its sender lives for as long as the stream.
                let end = told.wait_for(Option::is_some).await.ok().and_then(|it| *it);
                match end {
                    Some(end) => sleep_until(end).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = END.scope(end, stream) => {}
                () = over => {}
            }
        });
    }
}
