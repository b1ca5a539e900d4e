//! The settings of the database: where it is, and how what is said to it is kept from others.

use std::net::IpAddr;

use clap::Args;
use tokio_postgres::config::{Config, Host, SslMode};

use super::form::{authorities, pool};
use crate::{secret::Secret, tls::Authorities};

const FORM: &str = "must look like postgres://user:password@host:5432/name";

// Where the data is.
#[derive(Args, Clone, Debug)]
#[allow(missing_docs, reason = "a doc comment would replace the program's description in --help")]
pub struct Database {
    /// PostgreSQL, as in `postgres://user:password@host:5432/name?sslmode=require`
    ///
    /// `sslmode=require` is TLS with a server whose certificate is vouched for and has the host's name; `verify-full` and
    /// `verify-ca` are the same. `sslmode=disable` is no TLS, and so is a URL that does not say, of this machine alone:
    /// for any other it has to.
    #[arg(long = "database-url", env = "DATABASE_URL", hide_env_values = true, value_name = "URL", value_parser = url)]
    pub url: Secret,

    /// File with the authorities that PostgreSQL's certificate is vouched for by, in PEM; those that the machine trusts unless set
    #[arg(long = "database-ca-file", env = "DATABASE_CA_FILE", value_name = "PATH", value_parser = authorities)]
    pub authorities: Option<Authorities>,

    /// Connections kept open at most, besides two that reads share and one that listens
    #[arg(long = "database-pool", env = "DATABASE_POOL", default_value = "8", value_name = "N", value_parser = pool)]
    pub pool: usize,
}

impl Database {
    /// How a connection is opened. TLS is either required or not tried.
    ///
    /// # Errors
    ///
    /// The rule that the URL breaks.
    pub fn config(&self) -> Result<Config, &'static str> {
        parsed(self.url.expose())
    }
}

fn url(text: &str) -> Result<Secret, &'static str> {
    // What is wrong with it would tell parts of it.
    parsed(text).map(|_| Secret::from(text.to_owned()))
}

fn parsed(text: &str) -> Result<Config, &'static str> {
    let (place, query) = parted(text);
    // What others tell apart is the same here: nobody is let off who cannot say who they are.
    let mode = |it: &str| match it {
        "sslmode=verify-full" | "sslmode=verify-ca" => "sslmode=require".to_owned(),
        other => other.to_owned(),
    };
    let understood = match query {
        None => place.to_owned(),
        Some(query) => format!("{place}?{}", query.split('&').map(mode).collect::<Vec<_>>().join("&")),
    };
    let mut config: Config = understood.parse().map_err(|_unlike_one| FORM)?;
    // It is also what is assumed of who does not say.
    if config.get_ssl_mode() == SslMode::Prefer {
        if text.contains("sslmode") {
            return Err("must have sslmode=require or sslmode=disable: prefer goes on without TLS where there is none");
        }
        if !is_on_this_machine(&config) {
            return Err("must say sslmode=require, or sslmode=disable, for a host that is not this machine");
        }
        config.ssl_mode(SslMode::Disable);
    }
    Ok(config)
}

/// Parts what is asked for from what stands before it. A user or password may have a question mark in it.
fn parted(url: &str) -> (&str, Option<&str>) {
    let after_login = url.find('@').map_or(0, |at| at + 1);
    match url[after_login..].find('?') {
        Some(at) => (&url[..after_login + at], Some(&url[after_login + at + 1..])),
        None => (url, None),
    }
}

/// Whether nothing that is said leaves this machine.
fn is_on_this_machine(config: &Config) -> bool {
    let near = |it: &str| it.eq_ignore_ascii_case("localhost") || it.parse().is_ok_and(|it: IpAddr| it.is_loopback());
    // Where addresses are given, names are for certificates alone.
    if !config.get_hostaddrs().is_empty() {
        return config.get_hostaddrs().iter().all(IpAddr::is_loopback);
    }
    config.get_hosts().iter().all(|it| match it {
        Host::Tcp(name) => near(name),
        Host::Unix(_) => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tls_that_is_verified_or_none_at_all_can_be_asked_for() {
        for (url, mode) in [
            ("postgres://ada@db.example/name?sslmode=require", SslMode::Require),
            ("postgres://ada@db.example/name?sslmode=verify-full", SslMode::Require),
            (
                "postgresql://ada@db.example/name?application_name=x&sslmode=verify-ca&connect_timeout=3",
                SslMode::Require,
            ),
            ("postgres://ada:p?sslmode=prefer@db.example/name?sslmode=verify-full", SslMode::Require),
            ("host=db.example sslmode=require", SslMode::Require),
            ("postgres://ada@127.0.0.1/name?sslmode=require", SslMode::Require),
            ("postgres://ada@db.example/name?sslmode=disable", SslMode::Disable),
            ("postgres://ada@127.0.0.1:5432/name", SslMode::Disable),
            ("postgres://ada@LOCALHOST/name", SslMode::Disable),
            ("postgres://ada@[::1]/name", SslMode::Disable),
            ("postgres:///name?host=/run/postgresql", SslMode::Disable),
            ("host=db.example hostaddr=127.0.0.1", SslMode::Disable),
        ] {
            assert_eq!(parsed(url).unwrap().get_ssl_mode(), mode, "{url}");
        }
    }

    #[test]
    fn what_would_go_on_without_tls_is_refused() {
        for (url, says) in [
            ("postgres://ada@db.example/name?sslmode=prefer", "prefer goes on"),
            ("postgres://ada@127.0.0.1/name?sslmode=prefer", "prefer goes on"),
            ("host=127.0.0.1 sslmode=prefer", "prefer goes on"),
            ("postgres://ada@db.example/name", "must say sslmode"),
            ("postgres://ada@127.0.0.1,db.example/name", "must say sslmode"),
            ("host=localhost hostaddr=10.0.0.1", "must say sslmode"),
            ("postgres://ada@db.example/name?sslmode=allow", "must look like"),
            ("postgres://ada@db.example/name?sslmode=", "must look like"),
            ("db.example", "must look like"),
        ] {
            let rule = parsed(url).err().unwrap_or_else(|| panic!("{url} is taken"));
            assert!(rule.contains(says), "{url}: {rule}");
        }
    }
}
