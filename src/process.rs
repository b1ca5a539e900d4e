//! What every program does as a process: writing the log, and hearing that it should stop.

use std::{future::Future, io::IsTerminal, pin::Pin, process::ExitCode};

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::{
    config,
    error::{Error, Result, chain},
};

/// Starts the log on standard error.
///
/// # Errors
///
/// [`Error::Internal`] when the filter is not one.
pub fn log(settings: &config::Shared) -> Result<()> {
    let filter = EnvFilter::builder().parse(&settings.log).map_err(Error::internal)?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if settings.log_json {
        // There is one span, and so no list of them.
        log.json().flatten_event(true).with_span_list(false).try_init()
    } else {
        log.with_ansi(std::io::stderr().is_terminal()).try_init()
    };
    started.map_err(Error::internal)
}

/// Completes at the first SIGTERM or SIGINT.
///
/// # Errors
///
/// [`Error::Internal`] when the process may not listen for signals.
pub fn stop() -> Result<Pin<Box<dyn Future<Output = ()> + Send>>> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::internal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::internal)?;
    Ok(Box::pin(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }))
}

/// How a program ends: well, or with one line on standard error that has all that is wrong with what it was told, or the whole
/// chain of causes.
pub fn ended(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Invalid(violations)) => {
            let each: Vec<String> = violations.iter().map(|it| format!("{}: {}", it.field, it.rule)).collect();
            eprintln!("{}", each.join("; "));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{}", chain(&error));
            ExitCode::FAILURE
        }
    }
}
