//! Health: not serving until the database is there with a sufficient schema, then steady until the process drains.
//!
//! A database that goes away later does not change it: taking every replica out at once would help nobody, and calls
//! say UNAVAILABLE by themselves. The service name `liveness` says only that the process runs.

use std::{pin::Pin, sync::Arc, time::Duration};

use async_stream::stream;
use futures_util::Stream;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tonic::{Request, Response, Status};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_check_response::ServingStatus,
    health_server::{Health, HealthServer},
};
use tracing::{info, warn};

use super::OPEN_BYTES_MAX;
use crate::{
    db::{self, Db},
    error::{Error, Kind},
};

/// How often the database is looked for at the start.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The name that stands for the process alone.
const LIVENESS: &str = "liveness";

/// What health says. Cheap to clone.
#[derive(Clone)]
pub(super) struct Readiness {
    /// Of the whole and of each service, which come and go together.
    status: Arc<watch::Sender<ServingStatus>>,
    names: Arc<[&'static str]>,
}

impl Readiness {
    /// Health for the services of these `names` and for the whole, all of them not serving yet.
    pub fn new(names: &[&'static str]) -> Self {
        Self { status: Arc::new(watch::Sender::new(ServingStatus::NotServing)), names: names.into() }
    }

    /// What answers on the wire.
    pub fn service(&self) -> HealthServer<impl Health + use<>> {
        HealthServer::new(self.clone()).max_decoding_message_size(OPEN_BYTES_MAX)
    }

    /// Waits for the database, then says that everything serves.
    pub async fn watch(self, db: Db) {
        let mut pace = interval(LOOK_EVERY);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut warned = false;
        loop {
            pace.tick().await;
            if db.ready().await {
                break;
            }
            if !warned {
                let have = db.schema().await.ok();
                warn!(
                    schema.have = have,
                    schema.need = db::needed(),
                    "the database is not ready; run workcenterctl migrate"
                );
                warned = true;
            }
        }
        self.status.send_replace(ServingStatus::Serving);
        info!("serving");
    }

    /// Says that nothing serves any more.
    pub fn drain(&self) {
        self.status.send_replace(ServingStatus::NotServing);
        info!("draining");
    }

    /// The status of `name`, which may change; `None` for a service that is not here.
    fn of(&self, name: &str) -> Option<watch::Receiver<ServingStatus>> {
        match name {
            LIVENESS => Some(watch::Sender::new(ServingStatus::Serving).subscribe()),
            _ if name.is_empty() || self.names.contains(&name) => Some(self.status.subscribe()),
            _ => None,
        }
    }
}

#[tonic::async_trait]
impl Health for Readiness {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        let name = request.into_inner().service;
        match self.of(&name) {
            Some(status) => Ok(Response::new(says(*status.borrow()))),
            None => Err(Error::NotFound(Kind::Service, name).into()),
        }
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    /// Says the status at once and whenever it changes. A service that is not here may come one day, says the
    /// protocol, so the stream goes on.
    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let status = self.of(&request.into_inner().service);
        let mut status = status.unwrap_or_else(|| watch::Sender::new(ServingStatus::ServiceUnknown).subscribe());
        Ok(Response::new(Box::pin(stream! {
            loop {
                let now = *status.borrow_and_update();
                yield Ok(says(now));
                if status.changed().await.is_err() {
                    // Nobody is left who could change it.
                    std::future::pending::<()>().await;
                }
            }
        })))
    }
}

fn says(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}
