//! An SMTP server that tests own: it keeps what it is sent, and misbehaves when told to.
//!
//! ```text
//! let sink = Sink::start(vec![at(Point::Rcpt).to("bo@example.com").reply("550 5.1.1 unknown")]).await;
//! … send …
//! let mails = sink.wait_for(1).await;
//! ```
//!
//! It speaks TLS with a [`Paper`], and asks for a password, where its [`Manner`] says so.
//!
//! Rules can be changed while it runs; the first one that fits is applied. What a client may wait
//! for is announced, so no test sleeps.

pub mod paper;
mod talk;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use workcenter::config::{Encryption, Relay};
use workcenter::mail::SmtpSettings;
use workcenter::secret::Secret;

use paper::Paper;
use talk::Talk;

use crate::received::Received;

/// A point of the dialogue at which a rule can act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// A client has connected and waits for the greeting.
    Greeting,
    Ehlo,
    StartTls,
    /// The client is about to begin TLS; a reply here is no TLS.
    Tls,
    /// The client has said all that it signs in with.
    Auth,
    Mail,
    Rcpt,
    Reset,
    /// The DATA command was read.
    Data,
    /// The first line of a body was read. A reply here comes early, and is the last.
    Body,
    /// The final dot was read. A mail whose reply is withheld or 2xx is kept.
    Dot,
    /// The reply to the final dot was written. A reply here comes unasked, and is the last.
    After,
    Quit,
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

/// Who may sign in, and with what.
pub const USER: &str = "ada@relay.example";
pub const PASSWORD: &str = "p:@, ss/é";

/// How the sink is to be spoken to.
#[derive(Clone)]
pub struct Manner {
    pub encryption: Encryption,
    /// What its end of TLS is made of.
    pub paper: Option<Paper>,
    /// The ways to sign in, parted by spaces; with any, mail is taken only from who has.
    pub ways: &'static str,
    /// Whether it keeps no more of a mail than its head, and no commands: for very many mails.
    pub is_brief: bool,
}

impl Manner {
    /// Plain, and from anybody.
    pub fn open() -> Self {
        Self { encryption: Encryption::None, paper: None, ways: "", is_brief: false }
    }

    /// As [`Self::open`], keeping heads alone.
    pub fn brief() -> Self {
        Self { is_brief: true, ..Self::open() }
    }

    pub fn secure(encryption: Encryption, paper: &Paper) -> Self {
        Self { encryption, paper: Some(paper.clone()), ..Self::open() }
    }

    /// Only from those who sign in, by one of these ways.
    pub fn asking(self, ways: &'static str) -> Self {
        Self { ways, ..self }
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
    manner: Manner,
    seen: Mutex<Seen>,
    commands: watch::Sender<()>,
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
        Self::with(Manner::open(), rules).await
    }

    /// As [`Self::start`], for clients that speak in another manner.
    pub async fn with(manner: Manner, rules: Vec<Rule>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            manner,
            seen: Mutex::new(Seen { rules, ..Seen::default() }),
            commands: watch::Sender::new(()),
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
        SmtpSettings { relays: vec![self.relay()], ..SmtpSettings::default() }
    }

    /// Returns the sink as a relay, with what it wants to hear.
    pub fn relay(&self) -> Relay {
        let Manner { encryption, ways, .. } = self.shared.manner;
        Relay {
            host: self.address.ip().to_string(),
            port: self.address.port(),
            encryption,
            user: (!ways.is_empty()).then(|| USER.to_owned()),
            password: (!ways.is_empty()).then(|| Secret::from(PASSWORD.to_owned())),
        }
    }

    /// Replaces the rules.
    pub fn behave(&self, rules: Vec<Rule>) {
        self.shared.see(|seen| seen.rules = rules);
    }

    pub fn mails(&self) -> Vec<Received> {
        self.shared.see(|seen| seen.mails.clone())
    }

    /// Returns how many mails have been taken.
    pub fn taken(&self) -> usize {
        *self.shared.mails.borrow()
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

    /// Waits until a client has said `command`.
    pub async fn wait_for_command(&self, command: &str) {
        let is_said = |_: &()| self.commands().iter().any(|it| it == command);
        self.shared.commands.subscribe().wait_for(is_said).await.unwrap();
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

    /// Returns how many connections are open.
    pub fn sessions_open(&self) -> usize {
        self.shared.see(|seen| seen.open)
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
