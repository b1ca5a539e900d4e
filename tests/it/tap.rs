//! A wire between a program and its PostgreSQL that counts what goes over it: how often the program waits for an answer.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use workcenter::{config, secret::Secret};

/// The messages after which a client waits: the end of an extended query, and a simple one.
const WAITS: [u8; 2] = *b"SQ";

/// The wire.
#[derive(Clone)]
pub struct Tap {
    port: u16,
    waits: Arc<AtomicUsize>,
}

impl Tap {
    /// A wire to the PostgreSQL at `port` of this machine.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tap = Self { port: listener.local_addr().unwrap().port(), waits: Arc::default() };
        let waits = Arc::clone(&tap.waits);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                // Messages are short, and each is waited for.
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let (from_client, mut to_client) = client.into_split();
                let (mut from_server, to_server) = server.into_split();
                let waits = Arc::clone(&waits);
                tokio::spawn(async move { copy(&mut from_server, &mut to_client).await });
                // A client that is gone ends the wire.
                tokio::spawn(async move { pass(from_client, to_server, &waits).await });
            }
        });
        tap
    }

    /// Where to connect instead.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How often a client has waited for an answer.
    pub fn round_trips(&self) -> usize {
        self.waits.load(Ordering::SeqCst)
    }
}

/// A wire to the server at `url`, and what leads one connection over it.
pub async fn lead(url: &str) -> (Tap, impl FnOnce(config::Database) -> config::Database + use<>) {
    let port = url.rsplit_once('/').unwrap().0.rsplit_once(':').unwrap().1.to_owned();
    let tap = Tap::to(port.parse().unwrap()).await;
    let tapped = tap.port();
    let through = move |it: config::Database| {
        let url = it.url.expose().replacen(&format!(":{port}/"), &format!(":{tapped}/"), 1);
        config::Database { url: Secret::from(url), pool: 1, ..it }
    };
    (tap, through)
}

/// Passes on what the client says, message by message; the first has no kind.
async fn pass(mut client: OwnedReadHalf, mut server: OwnedWriteHalf, waits: &AtomicUsize) -> std::io::Result<()> {
    let first = client.read_u32().await?;
    server.write_u32(first).await?;
    let mut body = vec![0; first as usize - 4];
    client.read_exact(&mut body).await?;
    server.write_all(&body).await?;
    loop {
        let kind = client.read_u8().await?;
        let length = client.read_u32().await?;
        body.resize(length as usize - 4, 0);
        client.read_exact(&mut body).await?;
        if WAITS.contains(&kind) {
            waits.fetch_add(1, Ordering::SeqCst);
        }
        let message = [&[kind], length.to_be_bytes().as_slice(), &body].concat();
        server.write_all(&message).await?;
    }
}
