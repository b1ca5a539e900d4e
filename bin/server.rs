//! `workcenter-server`: serves the gRPC API.

use std::process::ExitCode;

use tokio::net::TcpListener;
use workcenter::{
    config,
    error::{Error, Result},
    process, server,
    trace::Tracer,
};

#[tokio::main]
async fn main() -> ExitCode {
    process::ended(run(config::server()).await)
}

async fn run(settings: config::Server) -> Result<()> {
    process::log(&settings.shared)?;
    let stop = process::stop()?;
    let tracer = Tracer::open(&settings.shared.traces, env!("CARGO_BIN_NAME"))?;
    let parts = server::Parts::open(&settings.database, &settings.shared).await?;
    let parts = server::Parts { tracer: tracer.clone(), ..parts };
    let listener = TcpListener::bind(settings.listen).await.map_err(Error::internal)?;
    let served = server::serve(listener, parts, &settings.pictures, stop).await;
    tracer.close().await;
    served
}
