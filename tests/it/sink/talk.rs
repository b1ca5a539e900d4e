//! One conversation of a sink with a client, by the rules of the sink.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use workcenter::config::Encryption;

use super::{Act, Manner, PASSWORD, Point, Shared, USER};
use crate::received::Received;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// One connection. Its functions return `None` when it is over.
pub struct Talk {
    stream: BufReader<Box<dyn Stream>>,
    shared: Arc<Shared>,
    is_secret: bool,
    is_known: bool,
    from: String,
    to: String,
}

impl Talk {
    pub fn new(stream: TcpStream, shared: Arc<Shared>) -> Self {
        stream.set_nodelay(true).unwrap();
        let is_known = shared.manner.ways.is_empty();
        let stream = BufReader::new(Box::new(stream) as Box<dyn Stream>);
        Self { stream, shared, is_secret: false, is_known, from: String::new(), to: String::new() }
    }

    pub async fn run(mut self) -> Option<()> {
        if self.shared.manner.encryption == Encryption::Implicit {
            self = self.secret().await?;
        }
        self.answer(Point::Greeting, "220 sink").await?;
        loop {
            let command = String::from_utf8(self.line().await?).unwrap();
            let count = self.shared.see(|seen| {
                if !self.shared.manner.is_brief {
                    seen.commands.push(command.clone());
                }
                seen.commands.len()
            });
            self.shared.commands.send_replace(());
            let within = || command.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            match command.get(..4) {
                Some("EHLO") => self.answer(Point::Ehlo, &self.extensions()).await?,
                Some("STAR") => {
                    if self.answer(Point::StartTls, "220 2.0.0 go on").await?.starts_with("220") {
                        self = self.secret().await?;
                    }
                    continue;
                }
                Some("AUTH") => {
                    self.is_known = self.signed_in(&command).await?;
                    continue;
                }
                Some("MAIL") if !self.is_known => {
                    self.write("530 5.7.0 sign in first").await?;
                    continue;
                }
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
                    self.answer(Point::Quit, "221 2.0.0 bye").await;
                    return None;
                }
                _ => {
                    self.write("500 5.5.2 what?").await?;
                    continue;
                }
            };
        }
    }

    fn extensions(&self) -> String {
        let Manner { encryption, ways, .. } = self.shared.manner;
        let tls = if encryption == Encryption::StartTls && !self.is_secret { "250-STARTTLS\r\n" } else { "" };
        let auth = if ways.is_empty() { String::new() } else { format!("250-AUTH {ways}\r\n") };
        format!("250-sink\r\n{tls}{auth}250 8BITMIME")
    }

    /// Takes its end of TLS.
    async fn secret(mut self) -> Option<Self> {
        if let Some(reply) = self.act(Point::Tls).await? {
            self.write(&reply).await?;
            return None;
        }
        let acceptor = self.shared.manner.paper.as_ref().unwrap().acceptor();
        let stream = acceptor.accept(self.stream.into_inner()).await.ok()?;
        Some(Self { stream: BufReader::new(Box::new(stream)), is_secret: true, ..self })
    }

    /// Hears who signs in, and with what; says whether that is right.
    async fn signed_in(&mut self, command: &str) -> Option<bool> {
        let said = match command.split(' ').collect::<Vec<_>>()[..] {
            ["AUTH", "PLAIN", said] => said.to_owned(),
            ["AUTH", "PLAIN"] => self.asked("334 ").await?,
            ["AUTH", "LOGIN"] => {
                let user = decoded(&self.asked("334 VXNlcm5hbWU6").await?);
                let password = decoded(&self.asked("334 UGFzc3dvcmQ6").await?);
                STANDARD.encode(format!("\0{user}\0{password}"))
            }
            _ => panic!("{command}"),
        };
        let is_right = decoded(&said) == format!("\0{USER}\0{PASSWORD}");
        let usual = if is_right { "235 2.7.0 welcome" } else { "535 5.7.8 who?" };
        let reply = self.answer(Point::Auth, usual).await?;
        Some(reply.starts_with("235"))
    }

    async fn asked(&mut self, question: &str) -> Option<String> {
        self.write(question).await?;
        Some(String::from_utf8(self.line().await?).unwrap())
    }

    async fn body(&mut self, data_at: usize) -> Option<()> {
        let mut data = Vec::new();
        let (mut is_first, mut early) = (true, None);
        loop {
            let line = self.line().await?;
            if std::mem::take(&mut is_first) {
                early = self.act(Point::Body).await?;
                if let Some(reply) = &early {
                    self.write(reply).await?;
                }
            }
            if line == b"." {
                break;
            }
            data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            data.extend_from_slice(b"\r\n");
        }
        if early.is_some() {
            return None;
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
        match self.act(Point::After).await? {
            None => Some(()),
            Some(reply) => {
                self.write(&reply).await?;
                None
            }
        }
    }

    fn keep(&self, mut mail: Received) {
        if self.shared.manner.is_brief {
            let head = mail.data.windows(4).position(|it| it == b"\r\n\r\n");
            mail.data.truncate(head.map_or(0, |it| it + 4));
            mail.data.shrink_to_fit();
        }
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
        self.stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).await.ok()?;
        self.stream.get_mut().flush().await.ok()
    }

    /// Reads a line and drops its CRLF; a line that ends in anything else is a bug of ours.
    async fn line(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).await.ok()?;
        line.strip_suffix(b"\r\n").map(<[u8]>::to_vec)
    }
}

fn decoded(said: &str) -> String {
    String::from_utf8(STANDARD.decode(said).unwrap()).unwrap()
}
