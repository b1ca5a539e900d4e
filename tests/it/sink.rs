//! An SMTP server that tests own: it keeps what it is sent, and misbehaves when told to.
//!
//! ```text
//! let sink = Sink::start(vec![at(Point::Rcpt).to("bo@example.com").reply("550 5.1.1 unknown")]).await;
//! … send …
//! let mails = sink.wait_for(1).await;
//! ```
//!
//! Rules can be changed while it runs; the first one that fits is applied. What a client may wait
//! for is announced, so no test sleeps.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use workcenter::mail::SmtpSettings;

use crate::received::Received;

/// A point of the dialogue at which a rule can act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// A client has connected and waits for the greeting.
    Greeting,
    Ehlo,
    Mail,
    Rcpt,
    Reset,
    /// The DATA command was read.
    Data,
    /// The first line of a body was read.
    Body,
    /// The final dot was read. A mail whose reply is withheld or 2xx is kept.
    Dot,
    /// The reply to the final dot was written.
    After,
}

/// What a rule does.
#[derive(Clone, Debug)]
enum Act {
    /// Closes the connection.
    Drop,
    /// Says this in place of the usual reply; several lines are parted by CRLF.
    Reply(String),
    /// Waits for [`Sink::release`], then goes on as usual.
    Hold,
}

/// Misbehaviour at one point, of some mails or of all.
#[derive(Clone, Debug)]
pub struct Rule {
    at: Point,
    act: Act,
    nth: Option<usize>,
    to: Option<String>,
    met: usize,
}

/// Begins a rule for `at`; as it stands, it drops the connection there.
pub fn at(at: Point) -> Rule {
    Rule { at, act: Act::Drop, nth: None, to: None, met: 0 }
}

impl Rule {
    pub fn reply(mut self, reply: &str) -> Self {
        self.act = Act::Reply(reply.to_owned());
        self
    }

    pub fn hold(mut self) -> Self {
        self.act = Act::Hold;
        self
    }

    /// Lets the rule act only the `nth` time that it fits, counted from 1.
    pub fn nth(mut self, nth: usize) -> Self {
        self.nth = Some(nth);
        self
    }

    /// Restricts the rule to one recipient; it then fits from RCPT on.
    pub fn to(mut self, to: &str) -> Self {
        self.to = Some(to.to_owned());
        self
    }
}

/// What the sink has seen.
#[derive(Default)]
struct Seen {
    rules: Vec<Rule>,
    commands: Vec<String>,
    mails: Vec<Received>,
    sessions: usize,
    open: usize,
    open_max: usize,
}

struct Shared {
    seen: Mutex<Seen>,
    mails: watch::Sender<usize>,
    held: watch::Sender<usize>,
    released: Semaphore,
}

/// The server; it stops when dropped.
pub struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Sink {
    /// Serves on a free port of 127.0.0.1.
    pub async fn start(rules: Vec<Rule>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            seen: Mutex::new(Seen { rules, ..Seen::default() }),
            mails: watch::Sender::new(0),
            held: watch::Sender::new(0),
            released: Semaphore::new(0),
        });
        let of_all = shared.clone();
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let shared = of_all.clone();
                tokio::spawn(async move {
                    shared.see(|seen| {
                        seen.sessions += 1;
                        seen.open += 1;
                        seen.open_max = seen.open_max.max(seen.open);
                    });
                    // It ends by a rule, by QUIT, or because the client is gone: all alike here.
                    let _ = Talk::new(stream, shared.clone()).run().await;
                    shared.see(|seen| seen.open -= 1);
                });
            }
        });
        Self { address, shared, serving }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns how to reach the sink, everything else being as in production.
    pub fn settings(&self) -> SmtpSettings {
        let (host, port) = (self.address().ip().to_string(), self.address().port());
        SmtpSettings { host, port, ..SmtpSettings::default() }
    }

    /// Replaces the rules.
    pub fn behave(&self, rules: Vec<Rule>) {
        self.shared.see(|seen| seen.rules = rules);
    }

    pub fn mails(&self) -> Vec<Received> {
        self.shared.see(|seen| seen.mails.clone())
    }

    /// Waits until `n` mails have been taken, and returns all.
    pub async fn wait_for(&self, n: usize) -> Vec<Received> {
        self.shared.mails.subscribe().wait_for(|taken| n <= *taken).await.unwrap();
        self.mails()
    }

    /// Waits until `n` replies have been held back, those since released counted too.
    pub async fn wait_for_held(&self, n: usize) {
        self.shared.held.subscribe().wait_for(|held| n <= *held).await.unwrap();
    }

    /// Lets `n` held replies go, or as many that are yet to be held.
    pub fn release(&self, n: usize) {
        self.shared.released.add_permits(n);
    }

    /// Returns every command read so far, without the line breaks.
    pub fn commands(&self) -> Vec<String> {
        self.shared.see(|seen| seen.commands.clone())
    }

    /// Returns how many connections were made.
    pub fn sessions(&self) -> usize {
        self.shared.see(|seen| seen.sessions)
    }

    /// Returns the most connections that were open at once.
    pub fn sessions_max(&self) -> usize {
        self.shared.see(|seen| seen.open_max)
    }
}

impl Shared {
    fn see<T>(&self, what: impl FnOnce(&mut Seen) -> T) -> T {
        what(&mut self.seen.lock().unwrap())
    }

    /// Returns what the first fitting rule does, if one fits.
    fn act(&self, at: Point, to: &str) -> Option<Act> {
        self.see(|seen| {
            seen.rules.iter_mut().find_map(|rule| {
                if rule.at != at || rule.to.as_deref().is_some_and(|it| it != to) {
                    return None;
                }
                rule.met += 1;
                rule.nth.is_none_or(|nth| nth == rule.met).then(|| rule.act.clone())
            })
        })
    }
}

/// One connection. Its functions return `None` when it is over.
struct Talk {
    stream: BufReader<TcpStream>,
    shared: Arc<Shared>,
    from: String,
    to: String,
}

impl Talk {
    fn new(stream: TcpStream, shared: Arc<Shared>) -> Self {
        stream.set_nodelay(true).unwrap();
        let stream = BufReader::new(stream);
        Self { stream, shared, from: String::new(), to: String::new() }
    }

    async fn run(mut self) -> Option<()> {
        self.answer(Point::Greeting, "220 sink").await?;
        loop {
            let command = String::from_utf8(self.line().await?).unwrap();
            let count = self.shared.see(|seen| {
                seen.commands.push(command.clone());
                seen.commands.len()
            });
            let within = || command.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            match command.get(..4) {
                Some("EHLO") => self.answer(Point::Ehlo, "250-sink\r\n250 8BITMIME").await?,
                Some("MAIL") => {
                    (self.from, self.to) = (within(), String::new());
                    self.answer(Point::Mail, "250 2.1.0 sender ok").await?
                }
                Some("RCPT") => {
                    self.to = within();
                    self.answer(Point::Rcpt, "250 2.1.5 recipient ok").await?
                }
                Some("RSET") => self.answer(Point::Reset, "250 2.0.0 forgotten").await?,
                Some("DATA") => {
                    if self.answer(Point::Data, "354 go on").await?.starts_with("354") {
                        self.body(count).await?;
                    }
                    continue;
                }
                Some("QUIT") => {
                    self.write("221 2.0.0 bye").await;
                    return None;
                }
                _ => {
                    self.write("500 5.5.2 what?").await?;
                    continue;
                }
            };
        }
    }

    async fn body(&mut self, data_at: usize) -> Option<()> {
        let mut data = Vec::new();
        let mut is_first = true;
        loop {
            let line = self.line().await?;
            if std::mem::take(&mut is_first) && self.act(Point::Body).await?.is_some() {
                return None;
            }
            if line == b"." {
                break;
            }
            data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            data.extend_from_slice(b"\r\n");
        }
        let (from, to) = (std::mem::take(&mut self.from), self.to.clone());
        let mail = Received { from, to, data, data_at, is_acknowledged: true };
        let act = self.act(Point::Dot).await;
        let Some(act) = act else {
            self.keep(Received { is_acknowledged: false, ..mail });
            return None;
        };
        let reply = act.unwrap_or_else(|| "250 2.0.0 kept".to_owned());
        if reply.starts_with('2') {
            self.keep(mail);
        }
        self.write(&reply).await?;
        self.act(Point::After).await.map(drop)
    }

    fn keep(&self, mail: Received) {
        self.shared.see(|seen| seen.mails.push(mail));
        self.shared.mails.send_modify(|taken| *taken += 1);
    }

    /// Does what the rules say here: `Some(None)` is to go on as usual.
    async fn act(&mut self, at: Point) -> Option<Option<String>> {
        match self.shared.act(at, &self.to) {
            None => Some(None),
            Some(Act::Drop) => None,
            Some(Act::Reply(reply)) => Some(Some(reply)),
            Some(Act::Hold) => {
                self.shared.held.send_modify(|held| *held += 1);
                self.shared.released.acquire().await.unwrap().forget();
                Some(None)
            }
        }
    }

    async fn answer(&mut self, at: Point, usual: &str) -> Option<String> {
        let reply = self.act(at).await?.unwrap_or_else(|| usual.to_owned());
        self.write(&reply).await?;
        Some(reply)
    }

    async fn write(&mut self, reply: &str) -> Option<()> {
        self.stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).await.ok()
    }

    /// Reads a line and drops its CRLF; a line that ends in anything else is a bug of ours.
    async fn line(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).await.ok()?;
        line.strip_suffix(b"\r\n").map(<[u8]>::to_vec)
    }
}
