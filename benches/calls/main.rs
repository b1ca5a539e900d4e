//! Makes calls of gRPC, or answers them with no more than a statement each, and prints what the calls took.
//!
//! ```text
//! calls stage URL FILE     makes a database, writes its people into FILE; prints its URL
//! calls server             prints where our server is
//! calls floor URL          answers with one statement a call; prints its address
//! calls load ADDRESS CALL AT_ONCE MILLISECONDS FILE PID PID
//!                          calls without a pause; prints how many ended and what they took
//! ```
//!
//! `URL` is that of a PostgreSQL on which databases may be made, or of the database that was. `CALL` is `get`, `update`,
//! `batch` or `list`. The first `PID` is that of who answers, the second that of PostgreSQL.

mod cpu;
mod floor;
mod load;
mod raw;
mod stage;

use std::{env, error::Error, time::Duration};

/// What may go wrong: anything, and then there is no figure.
type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// A profile by its id.
    Get,
    /// Another job title for oneself.
    Update,
    /// A hundred profiles.
    Batch,
    /// How somebody hears of twenty WorkCenters.
    List,
}

impl Call {
    fn named(name: &str) -> Result<Self> {
        match name {
            "get" => Ok(Self::Get),
            "update" => Ok(Self::Update),
            "batch" => Ok(Self::Batch),
            "list" => Ok(Self::List),
            other => Err(format!("there is no call {other}").into()),
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Get => "/workcenter.v1.ProfileService/GetProfile",
            Self::Update => "/workcenter.v1.ProfileService/UpdateProfile",
            Self::Batch => "/workcenter.v1.ProfileService/BatchGetProfiles",
            Self::List => "/workcenter.v1.PreferenceService/ListWorkCenterPreferences",
        }
    }
}

fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // Who answers has two threads, as the server has on two cores; who calls must not take both cores.
    let several = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let one = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    match words[..] {
        ["stage", url, file] => one()?.block_on(stage::set(url, file)),
        ["server"] => {
            println!("{}", env!("CARGO_BIN_EXE_workcenter-server"));
            Ok(())
        }
        ["floor", url] => several()?.block_on(floor::serve(url)),
        ["load", address, call, at_once, milliseconds, file, server, postgres] => {
            let turn = load::Turn {
                call: Call::named(call)?,
                at_once: at_once.parse()?,
                time: Duration::from_millis(milliseconds.parse()?),
                pids: [server.parse()?, postgres.parse()?],
            };
            one()?.block_on(load::turn(address, turn, file))
        }
        _ => Err("what there is to do stands at the top of benches/calls/main.rs".into()),
    }
}
