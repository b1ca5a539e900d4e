//! `workcenter-server`: serves the gRPC API.

use std::process::ExitCode;

use tokio::net::TcpListener;
use workcenter::{
    config,
    error::{Error, Result},
    process, server,
};

#[tokio::main]
async fn main() -> ExitCode {
    process::ended(run(config::server()).await)
}

async fn run(settings: config::Server) -> Result<()> {
    process::log(&settings.shared)?;
    let stop = process::stop()?;
    let parts = server::Parts::open(&settings.database, &settings.shared).await?;
    let listener = TcpListener::bind(settings.listen).await.map_err(Error::internal)?;
    server::serve(listener, parts, &settings.pictures, stop).await
}
