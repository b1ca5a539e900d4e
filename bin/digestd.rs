//! `workcenter-digestd`: sends mail on schedule, serves `JobService` and one-click unsubscribe.

use std::process::ExitCode;

use tokio::net::TcpListener;
use workcenter::{
    config,
    daemon::{self, Daemon, Ticks},
    error::{Error, Result},
    process, server,
    trace::Tracer,
};

#[tokio::main]
async fn main() -> ExitCode {
    process::ended(run(config::daemon()).await)
}

async fn run(settings: config::Daemon) -> Result<()> {
    process::log(&settings.shared)?;
    let stop = process::stop()?;
    let ticks = Ticks::new(&settings.ticks).await?;
    let tracer = Tracer::open(&settings.shared.traces, env!("CARGO_BIN_NAME"))?;
    let parts = server::Parts::open(&settings.database, &settings.shared).await?;
    let parts = server::Parts { tracer: tracer.clone(), ..parts };
    let grpc = TcpListener::bind(settings.listen).await.map_err(Error::internal)?;
    let http = TcpListener::bind(settings.http_listen).await.map_err(Error::internal)?;
    let served = daemon::serve(grpc, http, Daemon::new(parts, &settings), ticks, stop).await;
    tracer.close().await;
    served
}
