//! A client that does as the service config says: all servers in turn, and what ended `UNAVAILABLE` again.

use std::{
    sync::{
        Mutex, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

use crate::{
    channel::{Channel, is_unsent},
    process::running::HANGS_AFTER,
};

/// Servers, and how calls to them are tried again.
pub struct Balanced {
    places: RwLock<Vec<Channel>>,
    turn: AtomicUsize,
    policy: Policy,
    /// How many calls were answered well.
    answered: watch::Sender<usize>,
    /// What calls ended with that were tried again.
    failures: Mutex<Vec<Status>>,
}

/// How often a call is tried, and how long is waited before: `first` at first, each time `times` as long, `last` at most.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    attempts: usize,
    first: Duration,
    last: Duration,
    times: u32,
}

impl Policy {
    /// What clients are told to do.
    pub fn documented() -> Self {
        let config: serde_json::Value =
            serde_json::from_str(include_str!("../../../proto/service_config.json")).unwrap();
        let policy = &config["methodConfig"][0]["retryPolicy"];
        assert_eq!(policy["retryableStatusCodes"], serde_json::json!(["UNAVAILABLE"]));
        let number = |it: &str| usize::try_from(policy[it].as_u64().unwrap()).unwrap();
        let span = |it: &str| {
            let seconds = policy[it].as_str().unwrap().trim_end_matches('s').parse().unwrap();
            Duration::from_secs_f64(seconds)
        };
        Self {
            attempts: number("maxAttempts"),
            first: span("initialBackoff"),
            last: span("maxBackoff"),
            times: u32::try_from(number("backoffMultiplier")).unwrap(),
        }
    }

    /// The same of somebody who does not give up.
    pub fn forever(self) -> Self {
        Self { attempts: usize::MAX, ..self }
    }

    fn backoff(&self, failed: usize) -> Duration {
        let times = self.times.saturating_pow(u32::try_from(failed - 1).unwrap_or(u32::MAX));
        self.first.saturating_mul(times).min(self.last)
    }
}

impl Balanced {
    pub fn new(places: Vec<Channel>, policy: Policy) -> Self {
        Self {
            places: RwLock::new(places),
            turn: AtomicUsize::new(0),
            policy,
            answered: watch::Sender::new(0),
            failures: Mutex::default(),
        }
    }

    /// Another server takes the place of one.
    pub fn replace(&self, place: usize, channel: Channel) {
        self.places.write().unwrap()[place] = channel;
    }

    fn at(&self, turn: usize) -> Channel {
        let places = self.places.read().unwrap();
        places[turn % places.len()].clone()
    }

    /// Calls the next server, and the one after it when it is unavailable, whatever turn others have taken meanwhile; when
    /// a server says after how long, then after that.
    pub async fn call<T>(&self, call: impl AsyncFn(Channel) -> Result<Response<T>, Status>) -> Result<T, Status> {
        let mut failed = 0;
        let mut turn = self.turn.fetch_add(1, Ordering::Relaxed);
        loop {
            let called = call(self.at(turn)).await;
            turn += 1;
            let status = match called {
                Ok(answer) => {
                    self.answered.send_modify(|it| *it += 1);
                    return Ok(answer.into_inner());
                }
                Err(status) => status,
            };
            if is_unsent(&status) {
                continue;
            }
            failed += 1;
            if status.code() != Code::Unavailable || failed >= self.policy.attempts {
                return Err(status);
            }
            let told = status.get_error_details().retry_info().and_then(|it| it.retry_delay);
            self.failures.lock().unwrap().push(status);
            sleep(told.unwrap_or_else(|| self.policy.backoff(failed))).await;
        }
    }

    /// What calls ended with that were tried again, since this was asked last.
    pub fn failures(&self) -> Vec<Status> {
        std::mem::take(&mut self.failures.lock().unwrap())
    }

    /// Waits until so many more calls are answered well.
    pub async fn more(&self, calls: usize) {
        let mut answered = self.answered.subscribe();
        let enough = *answered.borrow_and_update() + calls;
        let becomes = answered.wait_for(|it| *it >= enough);
        timeout(HANGS_AFTER, becomes).await.expect("calls are answered").unwrap();
    }
}
