//! Callers of the daemon's pages who never come to the end of what they say.

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{Siege, full};
use crate::{
    front::HANGS_AFTER,
    harness::App,
    process::program::{DAEMON, Serving},
};

/// By how much all of them may make memory grow, in mebibytes: a head for each that there may be at a time, as long as one
/// may be, and as much again.
const GROWTH_MIB: u64 = 32;

/// How many come at a time and say next to nothing, and how many that do not end what they say: together more than there may be. Each
/// takes a descriptor of this process, which `make abuse` lets have as many as it may.
fn crowd() -> usize {
    if full() { 5_000 } else { 200 }
}

/// What the page says at `path` to somebody who asks as one should.
async fn page(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: mail.example\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Says `head`, and then `more` byte by byte for as long as the daemon hears it; returns what it said in the end.
async fn dawdle(address: &str, head: &str, more: &str) -> String {
    let mut said = Vec::new();
    let Ok(mut stream) = TcpStream::connect(address).await else { return String::new() };
    let _ = stream.write_all(head.as_bytes()).await;
    for byte in more.bytes() {
        if stream.write_all(&[byte]).await.is_err() {
            break;
        }
    }
    // By an end or by a reset: either is an end.
    let _ = timeout(HANGS_AFTER, stream.read_to_end(&mut said)).await.expect("it is given up");
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn heads_and_bodies_that_do_not_end_are_given_up_and_others_get_their_pages() {
    let app = App::start().await;
    let daemon = Serving::start(DAEMON, &app, &[]).await;
    let address = daemon.pages.clone().unwrap();
    let siege = Siege::of(daemon);
    let honest = || async {
        let answer = page(&address, "/unsubscribe/x").await;
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.ends_with("</html>\n"), "{answer}");
    };
    let harm = async {
        // One byte, for of a connection with none the kernel of a busy machine may have told its caller alone.
        let silent = join_all((0..crowd()).map(|_| dawdle(&address, "G", "")));
        let head = "GET /unsubscribe/x HTTP/1.1\r\nHost: mail.example\r\nX-Never: ";
        let slow = join_all((0..crowd()).map(|_| dawdle(&address, head, "ending")));
        let head = "POST /unsubscribe/x HTTP/1.1\r\nHost: mail.example\r\nContent-Length: 1000\r\n\r\n";
        let bodies = join_all((0..10).map(|_| dawdle(&address, head, "List-Unsubscribe=")));
        tokio::join!(silent, slow, bodies)
    };
    let ((silent, slow, bodies), grown) = siege.grown(harm, honest).await;
    assert!(silent.iter().all(String::is_empty), "{silent:?}");
    // Some are told that they were too slow, and some had to make room.
    assert!(
        slow.iter().chain(&bodies).all(|it| it.is_empty() || it.starts_with("HTTP/1.1 408 ")),
        "{slow:?} {bodies:?}"
    );
    assert!(grown <= GROWTH_MIB, "{grown} MiB");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused_and_one_connection_has_one_request() {
    let app = App::start().await;
    let daemon = Serving::start(DAEMON, &app, &[]).await;
    let address = daemon.pages.clone().unwrap();
    let _siege = Siege::of(daemon);
    let long =
        format!("GET /unsubscribe/x HTTP/1.1\r\nHost: mail.example\r\nX-Much: {}\r\n\r\n", "x".repeat(200 << 10));
    let answer = dawdle(&address, &long, "").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let many = format!("GET /unsubscribe/x HTTP/1.1\r\nHost: mail.example\r\n{}\r\n", "X-Much: x\r\n".repeat(1_000));
    let answer = dawdle(&address, &many, "").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let twice = "GET /unsubscribe/x HTTP/1.1\r\nHost: mail.example\r\n\r\n".repeat(2);
    assert_eq!(dawdle(&address, &twice, "").await.matches("HTTP/1.1 404 ").count(), 1);
}
