//! `workcenterctl`: the operator's tool.

use std::process::ExitCode;

use workcenter::{
    config,
    operator::{self, Ended},
    process,
};

#[tokio::main]
async fn main() -> ExitCode {
    let settings: config::Ctl = config::parse();
    match operator::run(settings.command).await {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::Badly) => ExitCode::FAILURE,
        Err(error) => process::ended(Err(error)),
    }
}
