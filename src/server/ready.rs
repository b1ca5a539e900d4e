//! Health: not serving until the database is there with a sufficient schema, then steady until the process drains.
//!
//! A database that goes away later does not change it: taking every replica out at once would help nobody, and calls
//! say UNAVAILABLE by themselves. The service name `liveness` says only that the process runs.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tonic_health::{
    ServingStatus,
    pb::health_server::{Health, HealthServer},
    server::HealthReporter,
};
use tracing::{info, warn};

use crate::db::{self, Db};

/// How often the database is looked for at the start.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Tells health what to say.
#[derive(Clone)]
pub(super) struct Readiness {
    reporter: HealthReporter,
    names: Vec<&'static str>,
}

impl Readiness {
    /// Health for the services of these `names` and for the whole, all of them not serving yet.
    pub async fn new(names: Vec<&'static str>) -> (Self, HealthServer<impl Health + use<>>) {
        let (reporter, service) = tonic_health::server::health_reporter();
        let readiness = Self { reporter, names };
        readiness.say(ServingStatus::NotServing).await;
        readiness.reporter.set_service_status("liveness", ServingStatus::Serving).await;
        (readiness, service)
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
        self.say(ServingStatus::Serving).await;
        info!("serving");
    }

    /// Says that nothing serves any more.
    pub async fn drain(&self) {
        self.say(ServingStatus::NotServing).await;
        info!("draining");
    }

    async fn say(&self, status: ServingStatus) {
        for name in self.names.iter().copied().chain([""]) {
            self.reporter.set_service_status(name, status).await;
        }
    }
}
