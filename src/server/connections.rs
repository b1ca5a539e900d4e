//! Connections: how many, how long, and how they end.
//!
//! A connection that says nothing is closed, and so is one that is idle for longest when there are too many. Where there is
//! TLS, agreeing on it is part of what a connection has to say in time, and nobody else waits for that. A connection of
//! some age is told to make way, so that clients find new replicas. Draining tells all of them, and waits for calls to
//! end, but not for peers that do not answer.

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    net::IpAddr,
    pin::{Pin, pin},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http::Request;
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{Id, JoinSet},
    time::{Instant, Sleep, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{front::Front, stream::Streams};
use crate::{
    auth::Names,
    config,
    tls::{Acceptor, Secured},
};

/// Streams of one connection at a time. Source: RFC 9113, section 6.5.2, recommends no fewer than 100; hyper's own
/// default is 200.
const STREAMS_MAX: u32 = 200;

/// Streams that a peer may make us reset before the connection ends. Source: hyper's own default, after RUSTSEC-2024-0003.
const RESETS_MAX: usize = 1024;

/// Bytes of all headers of a request: room for a token and ids many times over.
const HEADERS_MAX: u32 = 16 << 10;

/// Bytes that a peer may send ahead of a handler that does not read, in one stream and in all of a connection.
///
/// h2 ends a connection on which too many small frames lie unread: each costs what it lacks of 256 bytes, and half the
/// window of the connection is there to pay with. So one stream that is full of frames of five bytes, the least that a
/// message has, must cost less: 64 Ki / 5 * 251 < 8 Mi / 2. Source: h2 0.4.20, `proto/streams/counts.rs`.
const WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 8 << 20;

/// How often a silent connection is asked whether it is still there, and how long it may take to say so.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(30);
const KEEPALIVE_MAX: Duration = Duration::from_secs(10);

/// How long a connection may take to begin to speak HTTP/2, TLS before it included, and the bytes that it takes: the
/// preface, and the head of the first frame. Source: RFC 9113, sections 3.4 and 4.1.
const HELLO_WITHIN: Duration = Duration::from_secs(8);
const HELLO_BYTES: usize = 24 + 9;

/// How long a connection that was told to go may stay without a call and without taking anything: time for what is on
/// its way in either direction.
const LINGER: Duration = Duration::from_secs(5);

/// Connections beyond the most that there may be, and how long each lasts. Health is told there, because a process that
/// has much to do is alive, and everybody else that there is too much.
const SPARE_MAX: usize = 16;
const SPARE_AGE: Duration = Duration::from_secs(10);

/// By how much of its length the age of connections differs, so that those of one moment do not all go together.
const AGE_SPREAD: f64 = 0.2;

/// How long to wait when no connection can be accepted, for want of descriptors most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What is known of a connection.
struct Line {
    /// Who is at the other end.
    peer: IpAddr,
    /// For whom the certificate is that it was opened with; unset where there was none.
    names: OnceLock<Names>,
    /// Bytes that were read from it, under TLS where there is TLS.
    heard: AtomicUsize,
    /// Calls that are under way, and since when the number is this.
    calls: watch::Sender<(usize, Instant)>,
    /// Bytes that were written to it.
    written: AtomicUsize,
    /// Whether it ever had a call.
    was_used: AtomicBool,
    /// Cancelled when it has to make room.
    evicted: CancellationToken,
    /// Whether it is one too many.
    is_spare: bool,
}

/// That a connection is busy with a call.
pub(super) struct Busy(Arc<Line>);

impl Busy {
    /// Whether the connection is one too many.
    pub fn is_spare(&self) -> bool {
        self.0.is_spare
    }

    /// Who is at the other end of the connection.
    pub fn peer(&self) -> IpAddr {
        self.0.peer
    }

    /// For whom the certificate is that the connection was opened with; empty where there was none.
    pub fn names(&self) -> Names {
        self.0.names.get().cloned().unwrap_or_default()
    }
}

impl Line {
    fn new(peer: IpAddr, is_spare: bool) -> Self {
        let calls = watch::Sender::new((0, Instant::now()));
        Self {
            peer,
            names: OnceLock::new(),
            heard: AtomicUsize::new(0),
            written: AtomicUsize::new(0),
            was_used: AtomicBool::new(false),
            calls,
            evicted: CancellationToken::new(),
            is_spare,
        }
    }

    fn begin(self: &Arc<Self>) -> Busy {
        self.was_used.store(true, Ordering::Relaxed);
        self.count(|calls| calls + 1);
        Busy(Arc::clone(self))
    }

    /// Counts calls. Who waits for their end is told, and mostly nobody does: telling nobody takes eight locks.
    fn count(&self, more: impl FnOnce(usize) -> usize) {
        self.calls.send_if_modified(|(calls, since)| {
            (*calls, *since) = (more(*calls), Instant::now());
            // Whoever comes meanwhile looks at the number when this is done.
            self.calls.receiver_count() > 0
        });
    }

    fn has_said_hello(&self) -> bool {
        self.heard.load(Ordering::Relaxed) >= HELLO_BYTES
    }

    /// Notes what was written.
    fn note(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            self.written.fetch_add(*bytes, Ordering::Relaxed);
        }
    }

    /// Since when there is no call, if there is none.
    fn idle_since(&self) -> Option<Instant> {
        let (calls, since) = *self.calls.borrow();
        (calls == 0).then_some(since)
    }

    /// Completes when there was no call for some time, and nothing was written.
    async fn is_quiet(&self) {
        let mut calls = self.calls.subscribe();
        loop {
            // Its sender is this line's own.
            let _ = calls.wait_for(|(calls, _)| *calls == 0).await;
            let written = self.written.load(Ordering::Relaxed);
            tokio::select! {
                () = sleep(LINGER) => {}
                _ = calls.changed() => continue,
            }
            if self.written.load(Ordering::Relaxed) == written {
                return;
            }
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.count(|calls| calls - 1);
    }
}

/// Accepts connections at `listener`, under TLS where there is `tls`, and serves `front` on them until the process drains;
/// then until all have ended.
pub(super) async fn serve(listener: TcpListener, tls: Option<Acceptor>, front: Arc<Front>, settings: config::Calls) {
    let most = settings.connections_max.get() as usize;
    let metrics = Arc::clone(&front.metrics);
    let mut lines: HashMap<Id, Arc<Line>> = HashMap::new();
    let mut tasks = JoinSet::new();
    let draining = front.draining.clone();
    loop {
        let accepted = tokio::select! {
            () = draining.cancelled() => break,
            Some(ended) = tasks.join_next_with_id() => {
                let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                lines.remove(&id);
                metrics.calls.connections.set(tasks.len().try_into().unwrap_or(i64::MAX));
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "no connection can be accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if lines.len() >= most
            && let Some(line) = idlest(&lines).and_then(|id| lines.remove(&id))
        {
            line.evicted.cancel();
            metrics.calls.evicted.inc();
        }
        if lines.len() >= most + SPARE_MAX {
            metrics.calls.refused.inc();
            continue;
        }
        let line = Arc::new(Line::new(peer.ip(), lines.len() >= most));
        let usual = if line.is_spare { SPARE_AGE } else { settings.connection_age };
        let age = usual.mul_f64(1.0 - AGE_SPREAD * spread());
        let task = tasks.spawn(begin(stream, tls.clone(), Arc::clone(&line), Arc::clone(&front), age));
        lines.insert(task.id(), line);
        metrics.calls.connections.set(tasks.len().try_into().unwrap_or(i64::MAX));
    }
    // Nobody gets in any more.
    drop(listener);
    while tasks.join_next().await.is_some() {}
}

/// The connection that has no call for longest; rather one that never had any.
fn idlest(lines: &HashMap<Id, Arc<Line>>) -> Option<Id> {
    let idle =
        lines.iter().filter_map(|(id, line)| Some((line.was_used.load(Ordering::Relaxed), line.idle_since()?, *id)));
    idle.min_by_key(|(was_used, since, _)| (*was_used, *since)).map(|(_, _, id)| id)
}

/// A number from 0 to 1 that differs from connection to connection.
fn spread() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    // Each state has keys of its own.
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}

/// Serves one connection until it ends, under TLS where there is `tls`.
async fn begin(stream: TcpStream, tls: Option<Acceptor>, line: Arc<Line>, front: Arc<Front>, age: Duration) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "a connection is gone already");
        return;
    }
    let mut hello = pin!(sleep(HELLO_WITHIN));
    let Some(tls) = tls else { return converse(stream, &line, front, age, hello).await };
    let secured = tokio::select! {
        secured = tls.accept(stream) => secured,
        () = hello.as_mut() => return,
        () = line.evicted.cancelled() => return,
        () = front.draining.cancelled() => return,
    };
    match secured {
        Ok(Secured { stream, names }) => {
            // Nothing was asked for on it yet.
            let _ = line.names.set(Names(names.into()));
            converse(stream, &line, front, age, hello).await;
        }
        Err(error) => {
            front.metrics.calls.unsecured.inc();
            debug!(%error, "a connection could not be put under TLS");
        }
    }
}

/// Speaks HTTP/2 until the connection ends. It has to begin before `hello` is over.
async fn converse<S>(stream: S, line: &Arc<Line>, front: Arc<Front>, age: Duration, mut hello: Pin<&mut Sleep>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let draining = front.draining.clone();
    let service = service_fn(|request: Request<Incoming>| {
        let (front, busy) = (Arc::clone(&front), line.begin());
        // In a box of its own, which is gone when the answer begins: what is watched for hours would keep its room.
        Box::pin(async move { Ok::<_, Infallible>(front.answer(request, busy).await) })
    });
    let heard = Heard { stream, line: Arc::clone(line) };
    let mut connection = pin!(protocol().serve_connection(TokioIo::new(heard), service));
    let mut old = pin!(sleep(age));
    let mut quiet = pin!(line.is_quiet());
    let (mut greeted, mut told) = (false, false);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    debug!(%error, "a connection failed");
                }
                return;
            }
            () = hello.as_mut(), if !greeted => {
                if !line.has_said_hello() {
                    return;
                }
                greeted = true;
            }
            () = line.evicted.cancelled(), if !told => {
                if !line.was_used.load(Ordering::Relaxed) {
                    return;
                }
                // A call may be on its way.
                told = true;
                connection.as_mut().graceful_shutdown();
            }
            () = old.as_mut(), if !told => {
                if line.is_spare {
                    return;
                }
                told = true;
                connection.as_mut().graceful_shutdown();
            }
            () = draining.cancelled(), if !told => {
                if !line.has_said_hello() {
                    return;
                }
                told = true;
                connection.as_mut().graceful_shutdown();
            }
            // Who was told to go and does not answer is not waited for.
            () = quiet.as_mut(), if told => return,
        }
    }
}

/// HTTP/2 with the guards that it needs.
fn protocol() -> http2::Builder<Streams> {
    let mut protocol = http2::Builder::new(Streams);
    protocol
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_local_error_reset_streams(RESETS_MAX)
        .max_header_list_size(HEADERS_MAX)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(KEEPALIVE_EVERY)
        .keep_alive_timeout(KEEPALIVE_MAX);
    protocol
}

/// A connection of which it is known how much was heard and said.
struct Heard<S> {
    stream: S,
    line: Arc<Line>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        // Only the first bytes matter.
        if !self.line.has_said_hello() {
            self.line.heard.fetch_add(into.filled().len() - before, Ordering::Relaxed);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.line.note(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.line.note(&written);
        written
    }

    /// Not before something was written. h2 asks this once when it begins, and where the answer is yes, it writes all that
    /// it has at each message of 256 bytes and more, so that most answers take two writes; else at those of 1 KiB. A call
    /// for a profile was a seventh dearer. Source: h2 0.4.20, `codec/framed_write.rs`.
    fn is_write_vectored(&self) -> bool {
        self.line.written.load(Ordering::Relaxed) > 0 && self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
