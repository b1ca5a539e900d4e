//! How often a connection is written to, and who hears of its calls.

use std::net::Ipv4Addr;

use http::Response;
use tokio::{
    io::{DuplexStream, duplex},
    join,
};

use super::*;

/// A pipe that can take several pieces in one write, and counts writes.
struct Counted(DuplexStream, Arc<AtomicUsize>);

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.0).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// Asks twice at once, over a connection on which each answer has so many bytes: how often it is written to.
async fn writes_of_two(bytes: usize) -> usize {
    let (near, far) = duplex(1 << 20);
    let writes = Arc::default();
    let line = Arc::new(Line::new(Ipv4Addr::LOCALHOST.into(), false));
    let stream = TokioIo::new(Heard { stream: Counted(far, Arc::clone(&writes)), line });
    let answer =
        service_fn(move |_: Request<Incoming>| async move { Ok::<_, Infallible>(Response::new("x".repeat(bytes))) });
    tokio::spawn(protocol().serve_connection(stream, answer));
    let (mut peer, connection) = h2::client::handshake(near).await.unwrap();
    tokio::spawn(connection);
    let mut ask = || peer.send_request(Request::new(()), true).unwrap().0;
    // The first words of both are said.
    ask().await.unwrap().into_body().data().await.unwrap().unwrap();
    let before = writes.load(Ordering::Relaxed);
    let (one, other) = (ask(), ask());
    for answer in <[_; 2]>::from(join!(one, other)) {
        assert_eq!(answer.unwrap().into_body().data().await.unwrap().unwrap().len(), bytes);
    }
    writes.load(Ordering::Relaxed) - before
}

#[tokio::test]
async fn answers_of_less_than_a_kib_that_are_ready_together_are_one_write() {
    assert_eq!(writes_of_two(1000).await, 1);
}

#[tokio::test]
async fn what_is_longer_is_written_with_its_head() {
    assert_eq!(writes_of_two(4000).await, 2);
}

#[tokio::test]
async fn who_waits_for_the_end_of_calls_hears_of_it_whenever_they_came() {
    let line = Arc::new(Line::new(Ipv4Addr::LOCALHOST.into(), false));
    let busy = line.begin();
    let mut calls = line.calls.subscribe();
    assert_eq!(calls.borrow_and_update().0, 1);
    drop(busy);
    assert!(calls.has_changed().unwrap());
    assert_eq!(calls.borrow_and_update().0, 0);
    assert!(line.idle_since().is_some());
}
