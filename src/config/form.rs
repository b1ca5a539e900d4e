//! The forms that the values of settings have. A rule says what a value must be, and never the value.

use std::{fs, str::FromStr, time::Duration};

use tokio_cron_scheduler::Job;
use tracing_subscriber::EnvFilter;

use crate::tls::Authorities;

/// A bucket of an S3 store, and what the names of all that we keep there begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Folders in it, without slashes at the ends; empty for none.
    pub prefix: String,
}

impl FromStr for Bucket {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "must look like s3://bucket/prefix".to_owned();
        let rest = text.strip_prefix("s3://").ok_or_else(form)?;
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_end_matches('/');
        let plain = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
        let folder = |it: &str| !it.is_empty() && it.chars().all(plain) && !it.chars().all(|it| it == '.');
        if !folder(name) || !(prefix.is_empty() || prefix.split('/').all(folder)) {
            return Err(form());
        }
        Ok(Self { name: name.to_owned(), prefix: prefix.to_owned() })
    }
}

/// Reads the authorities in the file at `path`.
pub(super) fn authorities(path: &str) -> Result<Authorities, String> {
    let pem = fs::read(path).map_err(|error| format!("must be a file that can be read: {error}"))?;
    Ok(Authorities::from_pem(&pem)?)
}

pub(super) fn filter(text: &str) -> Result<String, String> {
    match EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("must be a filter such as info,workcenter::outbox=debug".to_owned()),
    }
}

pub(super) fn cron(text: &str) -> Result<String, String> {
    // In the eyes of the scheduler that will go by it.
    match Job::new(text, |_, _| {}) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("must be a cron expression of six fields, seconds first".to_owned()),
    }
}

pub(super) fn pool(text: &str) -> Result<usize, String> {
    // PostgreSQL's own default allows 100 connections in all. Sending mail takes two, and the daemon lets two people at a
    // time wait for that who opt out.
    match text.parse() {
        Ok(size @ 4..=100) => Ok(size),
        _ => Err("must be a number from 4 to 100".to_owned()),
    }
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 0..=3600) => Ok(Duration::from_secs(seconds)),
        _ => Err("must be a number of seconds from 0 to 3600".to_owned()),
    }
}

/// As [`seconds`], for what must take some time.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 1..=3600) => Ok(Duration::from_secs(seconds)),
        _ => Err("must be a number of seconds from 1 to 3600".to_owned()),
    }
}

pub(super) fn lease(text: &str) -> Result<Duration, String> {
    // Shorter ones run out while a relay thinks; longer ones leave a dead daemon's mail lying about.
    match text.parse() {
        Ok(seconds @ 2..=600) => Ok(Duration::from_secs(seconds)),
        _ => Err("must be a number of seconds from 2 to 600".to_owned()),
    }
}

pub(super) fn minutes(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(minutes @ 0..=60) => Ok(Duration::from_secs(minutes * 60)),
        _ => Err("must be a number of minutes from 0 to 60".to_owned()),
    }
}

pub(super) fn address(text: &str) -> Result<String, String> {
    match text.split_once('@') {
        Some((local, domain))
            if !local.is_empty()
                && domain.contains('.')
                && text.chars().all(|it| it.is_ascii_graphic() && !"<>\"()[]\\,;:".contains(it)) =>
        {
            Ok(text.to_owned())
        }
        _ => Err("must be an address such as notifications@workcenter.example".to_owned()),
    }
}

pub(super) fn host_name(text: &str) -> Result<String, String> {
    let is_label = |it: &str| {
        let inside = it.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it));
        inside && !it.is_empty() && !it.starts_with('-') && !it.ends_with('-')
    };
    // Source: RFC 1035, section 2.3.4.
    if text.len() <= 253 && text.split('.').all(|it| it.len() <= 63 && is_label(it)) {
        Ok(text.to_owned())
    } else {
        Err("must be a name in the DNS, such as mail.example".to_owned())
    }
}

pub(super) fn url(text: &str) -> Result<String, String> {
    let web = text.starts_with("https://") || text.starts_with("http://");
    if web && text.chars().all(|it| it.is_ascii_graphic() && !"<>\"".contains(it)) {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err("must start with https:// or http://".to_owned())
    }
}

/// As [`url`], for what is spoken to without TLS.
pub(super) fn collector(text: &str) -> Result<String, String> {
    match url(text) {
        // Who signs in there would be shown in the log.
        Ok(url) if url.starts_with("http://") && !url.contains('@') => Ok(url),
        _ => Err("must be http:// with a host and a port, as in http://127.0.0.1:4317".to_owned()),
    }
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("must be a number from 0 to 1".to_owned()),
    }
}

pub(super) fn speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if (0.0..=1_000_000.0).contains(&speed) => Ok(speed),
        _ => Err("must be a number from 0 to 1000000".to_owned()),
    }
}
