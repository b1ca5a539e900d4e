//! Every setting of the three programs: a flag, an environment variable, a default, a sentence.
//!
//! `--help` is the manual. Nothing else reads the environment. Secrets never show, neither in `--help` nor in `Debug`.

mod form;

use std::{fmt, net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, error::ContextKind, error::ErrorKind};
use jiff::Timestamp;

pub use form::Relay;
use form::{address, cron, database, filter, lease, minutes, pool, seconds, span, speed, url};

use crate::auth::SCOPES;
use crate::secret::{Secret, TokenKey};

/// The exit code for settings that cannot be used.
pub const EXIT_USAGE: i32 = 2;

// Comments of two slashes on purpose: a doc comment on a flattened group would replace the program's own description.

// Where the data is.
#[derive(Args, Clone, Debug)]
#[allow(missing_docs, reason = "a doc comment would replace the program's description in --help")]
pub struct Database {
    /// PostgreSQL, as in `postgres://user:password@host:5432/name`
    #[arg(long = "database-url", env = "DATABASE_URL", hide_env_values = true, value_name = "URL", value_parser = database)]
    pub url: Secret,

    /// Connections kept open at most
    #[arg(long = "database-pool", env = "DATABASE_POOL", default_value = "8", value_name = "N", value_parser = pool)]
    pub pool: usize,
}

// What every program that serves has.
#[derive(Args, Clone, Debug)]
#[allow(missing_docs, reason = "as above")]
pub struct Shared {
    /// Key that tokens in mails are made with: 32 bytes or more, in hexadecimal; the same for all programs
    #[arg(long, env = "TOKEN_KEY", hide_env_values = true, value_name = "HEX")]
    pub token_key: TokenKey,

    /// Read the development clock, which `workcenterctl clock` moves, in place of the database's
    #[arg(long, env = "DEV")]
    pub dev: bool,

    #[command(flatten)]
    pub calls: Calls,

    /// How long immediate mail waits for more to tell, in seconds from the first event
    #[arg(long = "immediate-window-seconds", env = "IMMEDIATE_WINDOW_SECONDS", default_value = "30", value_name = "SECONDS", value_parser = seconds)]
    pub immediate_window: Duration,

    /// Digests of different accounts go within this many minutes after their hour, to spread the load
    #[arg(long = "digest-spread-minutes", env = "DIGEST_SPREAD_MINUTES", default_value = "10", value_name = "MINUTES", value_parser = minutes)]
    pub digest_spread: Duration,

    /// What to log: error, warn, info, debug, or per module as in `info,workcenter::outbox=debug`
    #[arg(long = "log", env = "LOG", default_value = "info", value_name = "FILTER", value_parser = filter)]
    pub log: String,

    /// Write the log as JSON, one object a line
    #[arg(long, env = "LOG_JSON")]
    pub log_json: bool,
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
}

// Where pictures are, and how they come in.
#[derive(Args, Clone, Debug)]
#[allow(missing_docs, reason = "as above")]
pub struct Pictures {
    /// Folder for the bytes of pictures, shared by all servers; made when missing
    #[arg(long, env = "BLOB_DIR", default_value = "blobs", value_name = "PATH")]
    pub blob_dir: PathBuf,

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

// How mail leaves.
#[derive(Args, Clone, Debug)]
#[allow(missing_docs, reason = "as above")]
pub struct Mail {
    /// Relay, as in `smtp://relay.example:25`; without it mails become files in --mail-dir
    #[arg(long, env = "SMTP_URL", value_name = "URL")]
    pub smtp_url: Option<Relay>,

    /// Folder for mails as .eml files when there is no relay
    #[arg(long, env = "MAIL_DIR", default_value = "mail", value_name = "PATH")]
    pub mail_dir: PathBuf,

    /// Address that mail comes from; its domain names messages and lists
    #[arg(long, env = "MAIL_FROM", default_value = "notifications@workcenter.example", value_name = "ADDRESS", value_parser = address)]
    pub mail_from: String,

    /// Sessions to the relay at a time
    #[arg(long, env = "MAIL_SESSIONS", default_value = "4", value_name = "N")]
    pub mail_sessions: NonZeroU32,

    /// Where people use the product: base of the links to accept an invite and to change preferences
    #[arg(long, env = "APP_URL", default_value = "https://workcenter.example", value_name = "URL", value_parser = url)]
    pub app_url: String,

    /// Where the daemon's HTTP address is reached from outside: base of the unsubscribe links
    #[arg(long, env = "UNSUBSCRIBE_URL", default_value = "http://127.0.0.1:8081", value_name = "URL", value_parser = url)]
    pub unsubscribe_url: String,
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

/// Operates workcenter: migrations, the first account, the development clock, digest runs by hand, the audit.
#[derive(Parser, Clone, Debug)]
#[command(name = "workcenterctl", version)]
pub struct Ctl {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What the operator's tool does.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Bring the schema up to date; safe to run at any time, by any number at once
    Migrate {
        #[command(flatten)]
        #[allow(missing_docs, reason = "as above")]
        database: Database,
    },
    /// Make the first account with its administrator and a service key, and print them as NAME=value
    Bootstrap {
        #[command(flatten)]
        #[allow(missing_docs, reason = "as above")]
        database: Database,
        /// Name of the account
        #[arg(long, default_value = "Pier Works")]
        account: String,
        /// Address of the administrator
        #[arg(long, default_value = "ada@pier-works.example")]
        email: String,
        /// First name of the administrator
        #[arg(long, default_value = "Ada")]
        first_name: String,
        /// Last name of the administrator
        #[arg(long, default_value = "Lovelace")]
        last_name: String,
        /// Time zone of the account, an IANA name
        #[arg(long, default_value = "UTC")]
        time_zone: String,
        /// What the account asks of passwords
        #[arg(long, default_value = "NIST_2025", value_name = "NIST_2025|PROCORE_STRICT")]
        password_preset: String,
    },
    /// Keep a person from signing in, and end their sessions
    Disable {
        #[command(flatten)]
        #[allow(missing_docs, reason = "as above")]
        database: Database,
        /// Address of the person
        email: String,
    },
    /// Let a person sign in again
    Enable {
        #[command(flatten)]
        #[allow(missing_docs, reason = "as above")]
        database: Database,
        /// Address of the person
        email: String,
    },
    /// Make a key for another service and print it; it is shown this once
    Key {
        #[command(flatten)]
        #[allow(missing_docs, reason = "as above")]
        database: Database,
        /// What the key is for
        #[arg(long)]
        name: String,
        /// What it may be used for: act, activity.publish, jobs.read; may be given more than once
        #[arg(long = "scope", required = true, value_parser = clap::builder::PossibleValuesParser::new(SCOPES))]
        scopes: Vec<String>,
    },
    /// Show the development clock, or move it forward
    Clock {
        #[command(flatten)]
        #[allow(missing_docs, reason = "as above")]
        database: Database,
        /// Instant to move it to, as in 2026-11-23T07:00:00Z; it never goes backwards
        #[arg(long)]
        to: Option<Timestamp>,
        /// Seconds that pass on it in one real second
        #[arg(long, default_value = "1", value_parser = speed)]
        speed: f64,
    },
    /// Compose the digests that are due at an instant, once
    Digest {
        #[command(subcommand)]
        #[allow(missing_docs, reason = "as above")]
        command: DigestCommand,
    },
    /// Check that nothing was lost, told twice or forgotten; exits with 1 and a line for each finding when something was
    Audit {
        #[command(flatten)]
        #[allow(missing_docs, reason = "as above")]
        database: Database,
        /// Read the development clock
        #[arg(long, env = "DEV")]
        dev: bool,
    },
    /// Ask a server or daemon whether it serves; exits with 1 when it does not
    Healthcheck {
        /// Where to ask
        #[arg(long, default_value = "http://127.0.0.1:50051", value_parser = url)]
        target: String,
        /// Seconds to wait for it to serve
        #[arg(long, default_value = "0", value_parser = seconds)]
        wait: Duration,
    },
    /// Tell the story of a few days on a running server and daemon that use the development clock
    Demo(Demo),
}

/// What is done about digests by hand.
#[derive(Subcommand, Clone, Debug)]
pub enum DigestCommand {
    /// Compose what is due; a daemon delivers it
    Run {
        #[command(flatten)]
        #[allow(missing_docs, reason = "as above")]
        database: Database,
        /// Instant to compose for, as in 2026-11-23T07:00:00Z
        #[arg(long)]
        at: Timestamp,
        /// Show whose digests are due, and do nothing
        #[arg(long)]
        dry_run: bool,
        /// As the daemon has it
        #[arg(long = "digest-spread-minutes", env = "DIGEST_SPREAD_MINUTES", default_value = "10", value_name = "MINUTES", value_parser = minutes)]
        spread: Duration,
    },
}

// Where the story is told, and by whom.
#[derive(Args, Clone, Debug)]
#[allow(missing_docs, reason = "a doc comment would replace the command's description in --help")]
pub struct Demo {
    #[command(flatten)]
    pub database: Database,
    /// Where the server is
    #[arg(long, default_value = "http://127.0.0.1:50051", value_parser = url)]
    pub server: String,
    /// Where the daemon is
    #[arg(long, default_value = "http://127.0.0.1:50052", value_parser = url)]
    pub daemon: String,
    /// Where the daemon puts mails as files
    #[arg(long, env = "MAIL_DIR", default_value = "mail", value_name = "PATH")]
    pub mail_dir: PathBuf,
    /// Account to play in
    #[arg(long, env = "ACCOUNT_ID")]
    pub account_id: String,
    /// Address of its administrator
    #[arg(long, env = "EMAIL")]
    pub email: String,
    /// Password of its administrator
    #[arg(long, env = "PASSWORD", hide_env_values = true)]
    pub password: Secret,
    /// Key of a service that may publish and see jobs
    #[arg(long, env = "SERVICE_KEY", hide_env_values = true)]
    pub service_key: Secret,
}
