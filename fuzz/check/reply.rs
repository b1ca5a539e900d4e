//! What must hold of anything that a relay says: it is replies, the same however they come, or no SMTP.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::FutureExt;
use tokio::io::{AsyncRead, ReadBuf, join, sink};
use workcenter::mail::wire::Wire;

/// Lines of a reply, and bytes of a line at most; what is no UTF-8 may become three times as long.
const LINES_MAX: usize = 128;
const LINE_BYTES_MAX: usize = 3 * 4_096;

/// Bytes that come so many at a time.
struct Slow(Vec<u8>, usize);

impl AsyncRead for Slow {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let many = self.1.min(self.0.len()).min(into.remaining());
        into.put_slice(&self.0[..many]);
        self.0.drain(..many);
        Poll::Ready(Ok(()))
    }
}

/// The replies that `bytes` are, which come `size` at a time, up to what is none.
fn replies(bytes: &[u8], size: usize) -> Vec<(u16, Vec<String>)> {
    let mut wire = Wire::new(Box::new(join(Slow(bytes.to_vec(), size), sink())));
    let mut replies = Vec::new();
    while let Ok(reply) = wire.reply().now_or_never().expect("all of it is there") {
        assert!((200..600).contains(&reply.code) && (2..=5).contains(&reply.class()));
        assert!((1..=LINES_MAX).contains(&reply.lines.len()));
        assert!(reply.lines.iter().all(|it| it.len() <= LINE_BYTES_MAX && !it.contains('\n')));
        assert!(reply.text().starts_with(&reply.code.to_string()));
        replies.push((reply.code, reply.lines));
    }
    replies
}

/// Tries `bytes` as what a relay says; returns how many replies they are.
pub fn check(bytes: &[u8]) -> usize {
    let told = replies(bytes, bytes.len().max(1));
    assert_eq!(replies(bytes, 3), told);
    told.len()
}
