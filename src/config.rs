//! Every setting of the three programs: a flag, an environment variable, a default, a sentence.
//!
//! `--help` is the manual. Nothing else reads the environment. Secrets never show, neither in `--help` nor in `Debug`.

mod blobs;
mod ctl;
mod database;
mod form;
mod mail;
mod tls;

use std::{fmt, net::SocketAddr, num::NonZeroU32, time::Duration};

use clap::{Args, CommandFactory, Parser, error::ContextKind, error::ErrorKind};

pub use blobs::Blobs;
pub use ctl::{Command, Ctl, Demo, DigestCommand, JobCommand, Target};
pub use database::Database;
pub use form::Bucket;
use form::{address, collector, cron, filter, lease, minutes, seconds, share, span, url};
pub use mail::{Encryption, Mail, Relay};
pub use tls::Tls;

use crate::secret::{OldKeys, TokenKey};

/// The exit code for settings that cannot be used.
pub const EXIT_USAGE: i32 = 2;

// Comments of two slashes on purpose: a doc comment on a flattened group would replace the program's own description.

// What every program that serves has.
#[derive(Args, Clone, Debug)]
#[allow(missing_docs, reason = "a doc comment would replace the program's description in --help")]
pub struct Shared {
    /// Key that tokens in mails are made with: 32 bytes or more, in hexadecimal; the same for all programs
    #[arg(long, env = "TOKEN_KEY", hide_env_values = true, value_name = "HEX")]
    pub token_key: TokenKey,

    /// Keys that were --token-key before, with commas between them: they make nothing, and what they have made is still read
    #[arg(long, env = "TOKEN_KEYS_OLD", hide_env_values = true, default_value = "", value_name = "HEX,...")]
    pub token_keys_old: OldKeys,

    /// Read the development clock, which `workcenterctl clock` moves, in place of the database's
    #[arg(long, env = "DEV")]
    pub dev: bool,

    #[command(flatten)]
    pub calls: Calls,

    #[command(flatten)]
    pub blobs: Blobs,

    #[command(flatten)]
    pub letters: Letters,

    /// How long immediate mail waits for more to tell, in seconds from the first event
    #[arg(long = "immediate-window-seconds", env = "IMMEDIATE_WINDOW_SECONDS", default_value = "30", value_name = "SECONDS", value_parser = seconds)]
    pub immediate_window: Duration,

    /// Collaborators of a WorkCenter with more of whom it is large, and stays so: the default of its account is daily mail then
    /// where it is immediate mail
    #[arg(long, env = "LARGE_WORKCENTER", default_value = "1000", value_name = "N")]
    pub large_workcenter: NonZeroU32,

    /// Digests of different accounts go within this many minutes after their hour, to spread the load
    #[arg(long = "digest-spread-minutes", env = "DIGEST_SPREAD_MINUTES", default_value = "10", value_name = "MINUTES", value_parser = minutes)]
    pub digest_spread: Duration,

    /// What to log: error, warn, info, debug, or per module as in `info,workcenter::outbox=debug`
    #[arg(long = "log", env = "LOG", default_value = "info", value_name = "FILTER", value_parser = filter)]
    pub log: String,

    /// Write the log as JSON, one object a line
    #[arg(long, env = "LOG_JSON")]
    pub log_json: bool,

    #[command(flatten)]
    pub traces: Traces,
}

impl Shared {
    /// The key of tokens, with those that it was before.
    pub fn key(&self) -> TokenKey {
        self.token_key.clone().reading(&self.token_keys_old)
    }
}

// Whom to tell of calls and of batches as spans of traces.
#[derive(Args, Clone, Debug)]
#[allow(missing_docs, reason = "as above")]
pub struct Traces {
    /// Collector of OpenTelemetry that is told of traces, over OTLP with gRPC and without TLS; nobody unless set
    #[arg(long = "otel-exporter-otlp-endpoint", env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL", value_parser = collector)]
    pub endpoint: Option<String>,

    /// Share of traces to tell of that begin here, from 0 to 1; whoever calls from within a trace decides for themselves
    #[arg(long = "otel-traces-sampler-arg", env = "OTEL_TRACES_SAMPLER_ARG", default_value = "1", value_name = "SHARE", value_parser = share)]
    pub share: f64,
}

// What letters say of where they come from, for whoever writes them or shows what they would be.
#[derive(Args, Clone, Debug)]
#[allow(missing_docs, reason = "as above")]
pub struct Letters {
    /// Address that mail comes from; its domain names messages and lists
    #[arg(long, env = "MAIL_FROM", default_value = "notifications@workcenter.example", value_name = "ADDRESS", value_parser = address)]
    pub mail_from: String,

    /// Where people use the product: base of the links to accept an invite and to change preferences
    #[arg(long, env = "APP_URL", default_value = "https://workcenter.example", value_name = "URL", value_parser = url)]
    pub app_url: String,

    /// Where the daemon's HTTP address is reached from outside: base of the unsubscribe links
    #[arg(long, env = "UNSUBSCRIBE_URL", default_value = "http://127.0.0.1:8081", value_name = "URL", value_parser = url)]
    pub unsubscribe_url: String,
}

// How calls are taken, and when they are not any more.
#[derive(Args, Clone, Debug)]
#[allow(missing_docs, reason = "as above")]
pub struct Calls {
    /// Calls at work at a time; more are refused at once
    #[arg(long, env = "CALLS_MAX", default_value = "1000", value_name = "N")]
    pub calls_max: NonZeroU32,

    /// Streams open at a time, such as watchers of jobs; more are refused at once
    #[arg(long, env = "STREAMS_MAX", default_value = "10000", value_name = "N")]
    pub streams_max: NonZeroU32,

    /// Connections open at a time; when all are taken, the one that is idle for longest makes room
    #[arg(long, env = "CONNECTIONS_MAX", default_value = "1000", value_name = "N")]
    pub connections_max: NonZeroU32,

    /// Age at which a connection is told to make way for a new one, in seconds, so that clients find new replicas
    #[arg(long = "connection-age-seconds", env = "CONNECTION_AGE_SECONDS", default_value = "300", value_name = "SECONDS", value_parser = span)]
    pub connection_age: Duration,

    /// How long a call that is no stream may take, in seconds, whatever the caller allows
    #[arg(long = "call-seconds", env = "CALL_SECONDS", default_value = "30", value_name = "SECONDS", value_parser = span)]
    pub call_limit: Duration,

    /// How long calls are still taken after SIGTERM, in seconds, while callers learn from health that they should go elsewhere
    #[arg(long = "drain-delay-seconds", env = "DRAIN_DELAY_SECONDS", default_value = "5", value_name = "SECONDS", value_parser = seconds)]
    pub drain_delay: Duration,

    /// How long calls and streams may take to end after that, in seconds
    #[arg(long = "drain-seconds", env = "DRAIN_SECONDS", default_value = "10", value_name = "SECONDS", value_parser = seconds)]
    pub drain: Duration,

    /// Tell clients such as grpcurl what there is to call
    #[arg(long, env = "REFLECTION", default_value = "true", value_name = "BOOL", action = clap::ArgAction::Set)]
    pub reflection: bool,

    /// Where to serve metrics for Prometheus over HTTP, at /metrics; nowhere unless set
    #[arg(long, env = "METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,

    /// Where to serve health over gRPC without TLS, and nothing else, for probes that know no TLS; nowhere unless set
    #[arg(long, env = "HEALTH_LISTEN", value_name = "ADDRESS")]
    pub health_listen: Option<SocketAddr>,

    #[command(flatten)]
    pub tls: Tls,
}

// How pictures come in.
#[derive(Args, Clone, Debug)]
#[allow(missing_docs, reason = "as above")]
pub struct Pictures {
    /// How long an upload may be silent, in seconds
    #[arg(long = "upload-silence-seconds", env = "UPLOAD_SILENCE_SECONDS", default_value = "10", value_name = "SECONDS", value_parser = span)]
    pub upload_silence: Duration,
}

/// Serves the gRPC API of workcenter: profiles, invites, preferences, activity and jobs.
#[derive(Parser, Clone, Debug)]
#[command(name = "workcenter-server", version)]
pub struct Server {
    #[command(flatten)]
    #[allow(missing_docs, reason = "as above")]
    pub database: Database,
    #[command(flatten)]
    #[allow(missing_docs, reason = "as above")]
    pub shared: Shared,
    #[command(flatten)]
    #[allow(missing_docs, reason = "as above")]
    pub pictures: Pictures,

    /// Where to serve gRPC
    #[arg(long = "listen", env = "SERVER_LISTEN", default_value = "127.0.0.1:50051", value_name = "ADDRESS")]
    pub listen: SocketAddr,
}

/// Sends what workcenter has to say: immediate mail, digests and invites. Serves `JobService` and one-click unsubscribe.
#[derive(Parser, Clone, Debug)]
#[command(name = "workcenter-digestd", version)]
pub struct Daemon {
    #[command(flatten)]
    #[allow(missing_docs, reason = "as above")]
    pub database: Database,
    #[command(flatten)]
    #[allow(missing_docs, reason = "as above")]
    pub shared: Shared,
    #[command(flatten)]
    #[allow(missing_docs, reason = "as above")]
    pub mail: Mail,
    #[command(flatten)]
    #[allow(missing_docs, reason = "as above")]
    pub ticks: Ticks,

    /// Where to serve `JobService` over gRPC
    #[arg(long = "listen", env = "DAEMON_LISTEN", default_value = "127.0.0.1:50052", value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// Where to serve one-click unsubscribe over HTTP
    #[arg(long = "http-listen", env = "DAEMON_HTTP_LISTEN", default_value = "127.0.0.1:8081", value_name = "ADDRESS")]
    pub http_listen: SocketAddr,

    /// How long work stays with a daemon that is not heard of any more, in seconds
    #[arg(long = "lease-seconds", env = "LEASE_SECONDS", default_value = "120", value_name = "SECONDS", value_parser = lease)]
    pub lease: Duration,

    /// Recipients composed in one transaction
    #[arg(long, env = "DIGEST_BATCH", default_value = "100", value_name = "N")]
    pub digest_batch: NonZeroU32,
}

// When the daemon looks for work: six fields, seconds first, in UTC.
#[derive(Args, Clone, Debug)]
#[allow(missing_docs, reason = "as above")]
pub struct Ticks {
    /// When to look for daily digests that are due
    #[arg(long, env = "DAILY_CRON", default_value = "*/5 * * * * *", value_name = "CRON", value_parser = cron)]
    pub daily_cron: String,

    /// When to look for weekly digests that are due
    #[arg(long, env = "WEEKLY_CRON", default_value = "*/5 * * * * *", value_name = "CRON", value_parser = cron)]
    pub weekly_cron: String,

    /// When to look for activity that goes out at once
    #[arg(long, env = "IMMEDIATE_CRON", default_value = "*/2 * * * * *", value_name = "CRON", value_parser = cron)]
    pub immediate_cron: String,

    /// When to look for mails to deliver
    #[arg(long, env = "OUTBOX_CRON", default_value = "* * * * * *", value_name = "CRON", value_parser = cron)]
    pub outbox_cron: String,

    /// When to remove what has expired
    #[arg(long, env = "HOUSEKEEPING_CRON", default_value = "0 17 * * * *", value_name = "CRON", value_parser = cron)]
    pub housekeeping_cron: String,
}

/// Reads the settings of a program from its arguments and the environment.
///
/// Does not return when there is nothing to run: prints `--help` or the version and exits with 0, or says in one line
/// which setting is bad and why, without its value, and exits with 2.
pub fn parse<T: Parser>() -> T {
    match T::try_parse() {
        Ok(settings) => settings,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => error.exit(),
        Err(error) => refuse(T::command().get_name(), &problem::<T>(&error)),
    }
}

/// Reads the settings of the server as [`parse`] does. Its certificate and key must also fit each other.
pub fn server() -> Server {
    let settings: Server = parse();
    if let Err(problem) = settings.shared.calls.tls.check() {
        refuse(Server::command().get_name(), &problem);
    }
    settings
}

/// Reads the settings of the daemon as [`server`] does. Those of its mail must also fit each other.
pub fn daemon() -> Daemon {
    let settings: Daemon = parse();
    let checked = settings.mail.check().map_err(ToOwned::to_owned);
    if let Err(problem) = checked.and_then(|()| settings.shared.calls.tls.check()) {
        refuse(Daemon::command().get_name(), &problem);
    }
    settings
}

/// Says in one line why `program` does not start, and exits with 2.
fn refuse(program: &str, problem: &dyn fmt::Display) -> ! {
    eprintln!("{program}: {problem}");
    std::process::exit(EXIT_USAGE)
}

/// One line for what clap says in several: the setting by both of its names, and the rule it breaks.
fn problem<T: Parser>(error: &clap::Error) -> String {
    let context = |kind| error.get(kind).map(ToString::to_string);
    let Some(named) = context(ContextKind::InvalidArg).filter(|it| !it.is_empty()) else {
        let what = context(ContextKind::InvalidSubcommand).map(|it| format!(": {it}")).unwrap_or_default();
        return format!("{}{what}; see --help", error.kind().as_str().unwrap_or("cannot read the arguments"));
    };
    let rule = match (error.kind(), std::error::Error::source(error)) {
        (ErrorKind::MissingRequiredArgument, _) => "is required".to_owned(),
        (ErrorKind::UnknownArgument, _) => "is not a setting; see --help".to_owned(),
        (_, Some(source)) => source.to_string(),
        (kind, None) => kind.as_str().unwrap_or("cannot be used").to_owned(),
    };
    let command = T::command();
    let settings: Vec<String> = named
        .split(", ")
        .map(|named| {
            let flag = named.split(' ').next().unwrap_or(named);
            match variable(&command, flag) {
                Some(variable) => format!("{variable} ({flag})"),
                None => flag.to_owned(),
            }
        })
        .collect();
    format!("{}: {rule}", settings.join(", "))
}

/// The environment variable of `flag`, of the program or of one of its commands.
fn variable(command: &clap::Command, flag: &str) -> Option<String> {
    let long = flag.strip_prefix("--")?;
    let own = command.get_arguments().find(|it| it.get_long() == Some(long)).and_then(|it| it.get_env());
    match own {
        Some(variable) => Some(variable.display().to_string()),
        None => command.get_subcommands().find_map(|it| variable(it, flag)),
    }
}
