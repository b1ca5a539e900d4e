//! The settings of the operator's tool: its commands, and what each is told.

use std::{fs, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;

use super::{
    Database,
    form::{authorities, minutes, seconds, speed, url},
};
use crate::{
    auth::SCOPES,
    error::Violation,
    secret::Secret,
    tls::{Authorities, HTTP_2, Pair, Trust},
};

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
        /// What it may be used for: act, activity.publish, jobs.read, profiles.read, accounts.create; may be given more than once
        #[arg(long = "scope", required = true, value_parser = clap::builder::PossibleValuesParser::new(SCOPES))]
        scopes: Vec<String>,
    },
    /// Let whoever calls with a certificate for a name be the service of a key, without the key
    Bind {
        #[command(flatten)]
        #[allow(missing_docs, reason = "as above")]
        database: Database,
        /// Name that the certificate has, as in DNS:reports.internal or URI:spiffe://cluster/reports
        san: String,
        /// Key of the service
        #[arg(long = "key", env = "SERVICE_KEY", hide_env_values = true)]
        key: Secret,
    },
    /// Take back what a name is bound to; the key stays
    Unbind {
        #[command(flatten)]
        #[allow(missing_docs, reason = "as above")]
        database: Database,
        /// Name that the certificate has
        san: String,
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
        #[command(flatten)]
        #[allow(missing_docs, reason = "as above")]
        target: Target,
        /// Seconds to wait for it to serve
        #[arg(long, default_value = "0", value_parser = seconds)]
        wait: Duration,
    },
    /// Look at background processes
    Job {
        #[command(subcommand)]
        #[allow(missing_docs, reason = "as above")]
        command: JobCommand,
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
        /// Instant to compose for, as in 2026-11-23T07:00:00Z; now unless given, and not later than that unless nothing is done
        #[arg(long)]
        at: Option<Timestamp>,
        /// Show whose digests are due and how much they would tell, and do nothing
        #[arg(long)]
        dry_run: bool,
        /// Read the development clock
        #[arg(long, env = "DEV")]
        dev: bool,
        /// As the daemon has it
        #[arg(long = "digest-spread-minutes", env = "DIGEST_SPREAD_MINUTES", default_value = "10", value_name = "MINUTES", value_parser = minutes)]
        spread: Duration,
    },
}

/// What is seen of background processes.
#[derive(Subcommand, Clone, Debug)]
pub enum JobCommand {
    /// Draw how far a job has come until it is over; exits with 1 when it did not succeed
    Watch {
        #[command(flatten)]
        #[allow(missing_docs, reason = "as above")]
        target: Target,
        /// Token of who started it or administers its account, or key of a service that may see jobs
        #[arg(long, env = "TOKEN", hide_env_values = true)]
        token: Secret,
        /// The job
        job_id: String,
    },
}

// Who is asked, and how it is made sure that it is they.
#[derive(Args, Clone, Debug)]
#[allow(missing_docs, reason = "as below")]
pub struct Target {
    /// Where to ask: a server or a daemon; with https:// under TLS
    #[arg(long, default_value = "http://127.0.0.1:50051", value_parser = url)]
    pub target: String,
    /// File with the authorities that its certificate is vouched for by, in PEM; those that the machine trusts unless set
    #[arg(long, value_name = "PATH", value_parser = authorities)]
    pub ca_file: Option<Authorities>,
    /// File with a certificate to show where one is asked for, in PEM
    #[arg(long, value_name = "PATH", requires = "key_file")]
    pub cert_file: Option<PathBuf>,
    /// File with its key, in PEM
    #[arg(long, value_name = "PATH", requires = "cert_file")]
    pub key_file: Option<PathBuf>,
}

impl Target {
    /// Whom to trust, and what to show.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Invalid`] for files that are of no use.
    pub fn trust(&self) -> Result<Trust, Violation> {
        let read =
            |path: &PathBuf| fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()));
        let pair = |(certificate, key)| Ok(Pair::from_pem(&read(certificate)?, &read(key)?)?);
        let own = self.cert_file.as_ref().zip(self.key_file.as_ref()).map(pair).transpose();
        let own = own.map_err(|rule: String| Violation::new("cert-file", rule))?;
        Ok(Trust::new(self.ca_file.as_ref(), HTTP_2).showing(own))
    }
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
