//! A wire between a program and its PostgreSQL that counts what goes over it: how often the program waits for an answer, how
//! many statements it says, and what PostgreSQL remarks on them.

use std::{
    collections::HashSet,
    mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use workcenter::{config, secret::Secret};

/// The messages after which a client waits: the end of an extended query, and a simple one.
const WAITS: [u8; 2] = *b"SQ";

/// The messages that have a statement run: the execution of one that was prepared, and a simple one.
const STATEMENTS: [u8; 2] = *b"EQ";

/// By what a statement is prepared, and given its values.
const PREPARES: u8 = b'P';
const BINDS: u8 = b'B';

/// What is said at once, without being prepared.
const SIMPLE: u8 = b'Q';

/// What is asked once in a while and by whichever call needs it then, which counts with none of them: the time, who is calling,
/// and that they still are.
const ASIDE: [&str; 4] = [
    "select clock_timestamp() as now",
    "from session join person on person.id = session.user_id",
    "update session set last_used_at = now()",
    "service_key",
];

/// What PostgreSQL says when an answer has ended, and when it remarks on something.
const READY: u8 = b'Z';
const NOTICE: u8 = b'N';

/// What it says when a statement is done, with what it has done.
const DONE: u8 = b'C';

/// The wire.
#[derive(Clone)]
pub struct Tap {
    port: u16,
    heard: Arc<Heard>,
}

/// What has gone over the wire.
#[derive(Default)]
struct Heard {
    waits: AtomicUsize,
    trips: AtomicUsize,
    statements: AtomicUsize,
    notices: Mutex<Vec<String>>,
    /// What is said of the statement whose answer is to be lost.
    to_lose: Mutex<Option<&'static str>>,
}

impl Tap {
    /// A wire to the PostgreSQL at `port` of this machine.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tap = Self { port: listener.local_addr().unwrap().port(), heard: Arc::default() };
        let heard = Arc::clone(&tap.heard);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                // Messages are short, and each is waited for.
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let (heard, also) = (Arc::clone(&heard), Arc::clone(&heard));
                let open = Arc::new(AtomicUsize::new(0));
                let closed = Arc::clone(&open);
                tokio::spawn(async move { answer(from_server, to_client, &also, &closed).await });
                // A client that is gone ends the wire.
                tokio::spawn(async move { pass(from_client, to_server, &heard, &open).await });
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
        self.heard.waits.load(Ordering::SeqCst)
    }

    /// The same where what is asked while another answer is still awaited counts with that: messages that are on their way at
    /// once are waited for once.
    pub fn journeys(&self) -> usize {
        self.heard.trips.load(Ordering::SeqCst)
    }

    /// How many statements were run.
    pub fn statements(&self) -> usize {
        self.heard.statements.load(Ordering::SeqCst)
    }

    /// Has the next answer be lost of a statement that has done this, as `SELECT 2`, and the connection with it.
    pub fn lose(&self, done: &'static str) {
        *self.heard.to_lose.lock().unwrap() = Some(done);
    }

    /// What PostgreSQL has remarked since this was asked last.
    pub fn notices(&self) -> Vec<String> {
        mem::take(&mut self.heard.notices.lock().unwrap())
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

/// Passes on what the client says, message by message; the first has no kind. `open` is how many answers are awaited.
async fn pass(
    client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    heard: &Heard,
    open: &AtomicUsize,
) -> std::io::Result<()> {
    let mut client = BufReader::new(client);
    let first = client.read_u32().await?;
    server.write_u32(first).await?;
    let mut body = vec![0; first as usize - 4];
    client.read_exact(&mut body).await?;
    server.write_all(&body).await?;
    open.fetch_add(1, Ordering::SeqCst);
    let (mut asides, mut is_aside) = (HashSet::new(), false);
    loop {
        let (kind, message) = next(&mut client).await?;
        // What is prepared begins with its name and its text, what is bound with another name and that of the statement.
        let mut names = message[5..].split(|it| *it == 0).map(String::from_utf8_lossy);
        match kind {
            PREPARES => {
                let (name, text) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
                is_aside = ASIDE.iter().any(|it| text.contains(it));
                if is_aside {
                    asides.insert(name.into_owned());
                }
            }
            BINDS => is_aside = names.nth(1).is_some_and(|it| asides.contains(it.as_ref())),
            // It is said at once, and nothing else.
            SIMPLE => is_aside = false,
            _ => {}
        }
        if WAITS.contains(&kind) {
            heard.waits.fetch_add(1, Ordering::SeqCst);
            if open.fetch_add(1, Ordering::SeqCst) == 0 && !is_aside {
                heard.trips.fetch_add(1, Ordering::SeqCst);
            }
        }
        if STATEMENTS.contains(&kind) && !is_aside {
            heard.statements.fetch_add(1, Ordering::SeqCst);
        }
        server.write_all(&message).await?;
    }
}

/// Passes on what the server says, message by message.
async fn answer(
    server: OwnedReadHalf,
    mut client: OwnedWriteHalf,
    heard: &Heard,
    open: &AtomicUsize,
) -> std::io::Result<()> {
    let mut server = BufReader::new(server);
    loop {
        let (kind, message) = next(&mut server).await?;
        if kind == READY {
            open.fetch_sub(1, Ordering::SeqCst);
        }
        if kind == NOTICE {
            // Fields of a letter and a text each, after the letter of the message and its length.
            let fields = message[5..].split(|it| *it == 0);
            let text = fields.filter_map(|it| it.split_first()).find(|(field, _)| **field == b'M');
            let text = text.map(|(_, text)| String::from_utf8_lossy(text).into_owned());
            heard.notices.lock().unwrap().extend(text);
        }
        if kind == DONE {
            let mut to_lose = heard.to_lose.lock().unwrap();
            if to_lose.is_some_and(|it| message[5..message.len() - 1] == *it.as_bytes()) {
                *to_lose = None;
                return Ok(());
            }
        }
        client.write_all(&message).await?;
    }
}

/// The next message: its kind, and all of it.
async fn next<R: AsyncRead + Unpin>(from: &mut R) -> std::io::Result<(u8, Vec<u8>)> {
    let kind = from.read_u8().await?;
    let length = from.read_u32().await?;
    let mut message = vec![0; length as usize + 1];
    message[0] = kind;
    message[1..5].copy_from_slice(&length.to_be_bytes());
    from.read_exact(&mut message[5..]).await?;
    Ok((kind, message))
}
