//! HTTP/1 for what is no gRPC, metrics and the pages of unsubscribe links: how many connections, and how long.
//!
//! Anybody may reach the pages. So a connection has one request and little time, and where there are too many the one
//! makes room that has not even asked for something for longest.

use std::{
    collections::HashMap,
    future::pending,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::Router;
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{Id, JoinSet},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::{debug, warn};

/// Connections at a time: many times what people press at once, and few enough of the descriptors that a process has.
const CONNECTIONS_MAX: usize = 256;

/// How long the head of a request may take to come, from the moment of the connection on.
const HEAD_WITHIN: Duration = Duration::from_secs(8);

/// Bytes of a head: ours have less than a thousand, and proxies take no more. They are read in pieces that double, so that
/// up to twice as many may be there before it is seen that they are too many.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// How long a connection may last: as long as proxies wait, and longer than a body that is slow and a relay that is.
const WITHIN: Duration = Duration::from_secs(60);

/// How long to wait when no connection can be accepted, for want of descriptors most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What is known of a connection.
struct Line {
    since: Instant,
    /// Whether the head of a request has come.
    has_asked: AtomicBool,
    /// Cancelled when it has to make room.
    evicted: CancellationToken,
}

/// Serves `pages` at `listener` until `draining`; then until those have their answer who have asked.
pub(crate) async fn serve(listener: TcpListener, pages: Router, draining: CancellationToken) {
    let mut lines: HashMap<Id, Arc<Line>> = HashMap::new();
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = draining.cancelled() => break,
            Some(ended) = tasks.join_next_with_id() => {
                lines.remove(&ended.map_or_else(|error| error.id(), |(id, ())| id));
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!(%error, "no connection for pages can be accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if lines.len() >= CONNECTIONS_MAX
            && let Some(line) = slowest(&lines).and_then(|id| lines.remove(&id))
        {
            line.evicted.cancel();
        }
        let line = Arc::new(Line {
            since: Instant::now(),
            has_asked: AtomicBool::new(false),
            evicted: CancellationToken::new(),
        });
        let task = tasks.spawn(converse(stream, Arc::clone(&line), pages.clone(), draining.clone()));
        lines.insert(task.id(), line);
    }
    // Nobody gets in any more.
    drop(listener);
    while tasks.join_next().await.is_some() {}
}

/// The connection that is there for longest; rather one that has not asked for anything.
fn slowest(lines: &HashMap<Id, Arc<Line>>) -> Option<Id> {
    let of = |line: &Line| (line.has_asked.load(Ordering::Relaxed), line.since);
    lines.iter().min_by_key(|(_, line)| of(line)).map(|(id, _)| *id)
}

/// Serves one connection until it ends.
async fn converse(stream: TcpStream, line: Arc<Line>, pages: Router, draining: CancellationToken) {
    let service = service_fn(|request: Request<Incoming>| {
        line.has_asked.store(true, Ordering::Relaxed);
        pages.clone().oneshot(request)
    });
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).max_buf_size(HEAD_BYTES_MAX).keep_alive(false);
    let drained = async {
        draining.cancelled().await;
        if line.has_asked.load(Ordering::Relaxed) {
            pending().await
        }
    };
    tokio::select! {
        ended = pin!(protocol.serve_connection(TokioIo::new(stream), service)) => {
            if let Err(error) = ended {
                debug!(%error, "a connection for pages failed");
            }
        }
        () = line.evicted.cancelled() => {}
        () = sleep(WITHIN) => {}
        () = drained => {}
    }
}
