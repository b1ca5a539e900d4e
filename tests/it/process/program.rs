//! A program of ours as a child process, which ends with the test at the latest. What it says is kept.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    process::Stdio,
    thread::JoinHandle,
};

use tokio::{
    process::{Child, ChildStderr, Command},
    sync::mpsc,
};

use crate::{
    channel::Channel,
    harness::App,
    kept::{self, Keeper},
};

pub const SERVER: &str = env!("CARGO_BIN_EXE_workcenter-server");
pub const DAEMON: &str = env!("CARGO_BIN_EXE_workcenter-digestd");
pub const CTL: &str = env!("CARGO_BIN_EXE_workcenterctl");

/// As the applications of tests have it.
pub const TOKEN_KEY: &str = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

/// A program with these settings and no others; it is killed when nobody waits for it any more.
fn command(program: &str, settings: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(settings.iter().copied()).args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs a program to its end.
pub async fn ended(program: &str, settings: &[(&str, &str)], arguments: &[&str]) -> Ended {
    let output = command(program, settings, arguments).output().await.unwrap();
    let name = kept::name(program, arguments);
    kept::whole(&name, "out", &output.stdout);
    kept::whole(&name, "err", &output.stderr);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs the operator's tool on the database of `app`.
pub async fn ctl(app: &App, arguments: &[&str]) -> Ended {
    ended(CTL, &[("DATABASE_URL", app.database().url.expose())], arguments).await
}

/// Starts a program to which nobody listens.
pub fn unheard(program: &str, settings: &[(&str, &str)], arguments: &[&str]) -> Child {
    let name = kept::name(program, arguments);
    let mut command = command(program, settings, arguments);
    command.stdout(kept::unread(&name, "out")).stderr(kept::unread(&name, "err")).spawn().unwrap()
}

/// Reads what a program says to its end, on a thread of its own, so that it never has to wait for a reader: line by line.
fn listen(program: &str, said: ChildStderr) -> (mpsc::UnboundedReceiver<String>, JoinHandle<()>) {
    let mut keeper = Keeper::of(&kept::name(program, &[]), "err");
    let mut said = BufReader::new(File::from(said.into_owned_fd().unwrap()));
    let (lines, log) = mpsc::unbounded_channel();
    let reads = move || {
        let mut line = Vec::new();
        while said.read_until(b'\n', &mut line).unwrap() > 0 {
            keeper.keep(&line);
            // Who has heard enough has gone.
            let _ = lines.send(String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned());
            line.clear();
        }
    };
    (log, std::thread::spawn(reads))
}

/// A program that serves, on a port of its own.
pub struct Serving {
    child: Child,
    log: mpsc::UnboundedReceiver<String>,
    listening: Option<JoinHandle<()>>,
    /// Where it serves gRPC.
    pub url: String,
    /// Where it serves metrics, if it does.
    pub metrics: Option<String>,
    /// Where it serves health without TLS, if it does.
    pub health: Option<String>,
    /// Where it serves the pages of unsubscribe links, if it is a daemon.
    pub pages: Option<String>,
}

impl Serving {
    /// Starts `program` on the database of `app`, and waits until it listens.
    pub async fn start(program: &str, app: &App, settings: &[(&str, &str)]) -> Self {
        Self::on(program, app.database().url.expose(), settings).await
    }

    /// Starts `program` on the database at `url`, and waits until it listens.
    pub async fn on(program: &str, url: &str, settings: &[(&str, &str)]) -> Self {
        let mail = std::env::temp_dir().join("workcenter-test-mail");
        let usual = [
            ("DATABASE_URL", url),
            ("TOKEN_KEY", TOKEN_KEY),
            ("SERVER_LISTEN", "127.0.0.1:0"),
            ("DAEMON_LISTEN", "127.0.0.1:0"),
            ("DAEMON_HTTP_LISTEN", "127.0.0.1:0"),
            ("MAIL_DIR", mail.to_str().unwrap()),
            ("BLOB_DIR", mail.to_str().unwrap()),
            ("DRAIN_DELAY_SECONDS", "0"),
            ("DEV", "true"),
        ];
        let settings = [&usual, settings].concat();
        let mut command = command(program, &settings, &[]);
        command.stdout(kept::unread(&kept::name(program, &[]), "out")).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (log, listening) = listen(program, child.stderr.take().unwrap());
        let (url, listening) = (String::new(), Some(listening));
        let mut serving = Self { child, log, listening, url, metrics: None, health: None, pages: None };
        let address = |line: &str| {
            let address = line.split("Some(").nth(1).and_then(|it| it.split(')').next());
            address.expect("the log says where").to_owned()
        };
        let is_set = |it: &str| settings.iter().any(|(name, _)| *name == it);
        if program == DAEMON {
            serving.pages = Some(address(&serving.says("pages are here").await));
        }
        if is_set("METRICS_LISTEN") {
            serving.metrics = Some(address(&serving.says("metrics are here").await));
        }
        if is_set("HEALTH_LISTEN") {
            serving.health = Some(address(&serving.says("health is here").await));
        }
        let scheme = if is_set("TLS_CERT_FILE") { "https" } else { "http" };
        serving.url = format!("{scheme}://{}", address(&serving.says("listening").await));
        serving
    }

    /// Reads the log up to the line that has `text`.
    pub async fn says(&mut self, text: &str) -> String {
        let mut said = Vec::new();
        while let Some(line) = self.log.recv().await {
            if line.contains(text) {
                return line;
            }
            said.push(line);
        }
        panic!("the program ended without saying {text:?}; it said {said:#?}");
    }

    pub fn channel(&self) -> Channel {
        Channel::to(&self.url)
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Sends SIGTERM.
    pub async fn terminate(&self) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    }

    /// Sends SIGKILL, and waits until it is gone.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits for the end, and returns the exit code with the rest of the log.
    pub async fn end(mut self) -> (Option<i32>, Vec<String>) {
        let mut said = Vec::new();
        while let Some(line) = self.log.recv().await {
            said.push(line);
        }
        (self.child.wait().await.unwrap().code(), said)
    }
}

impl Drop for Serving {
    /// Ends the program, and hears it out.
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.start_kill();
        let heard = self.listening.take().map(JoinHandle::join);
        assert!(heard.is_none_or(|it| it.is_ok()) || std::thread::panicking(), "what a program says cannot be kept");
    }
}
