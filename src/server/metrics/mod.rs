//! What Prometheus is told. The page is here; what is on it is counted in a file for each of its parts:
//!
//! - `calls`: calls, by the names that the middlewares of other servers of gRPC use, so that dashboards fit; connections;
//! - `work`: what is waited for, and what is late, of this process and of all;
//! - `process`: what the process is, and what it takes of its machine, which `usage` reads.

mod calls;
mod process;
mod usage;
mod work;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::{Router, extract::State, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};
use prometheus_client::{encoding::text::encode, metrics::counter::Counter, registry::Registry};

pub(super) use self::calls::name;
use self::{calls::Calls, process::Process, work::Work};
use super::Parts;

/// The media type of the exposition format. Source: `OpenMetrics` 1.0, section "Overall structure".
const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is counted.
pub(super) struct Metrics {
    registry: Registry,
    /// Calls and connections.
    pub calls: Calls,
    work: Work,
    process: Process,
}

impl Metrics {
    /// Counts from zero.
    pub fn new(parts: &Parts) -> Self {
        let (mut registry, calls) = (Registry::default(), Calls::new(parts.tls.clone()));
        let (work, process) = (Work::new(parts), Process::default());
        calls.register(&mut registry);
        work.register(&mut registry);
        process.register(&mut registry);
        Self { registry, calls, work, process }
    }

    /// Everything as it now stands, in the exposition format.
    fn text(&self) -> Result<String, std::fmt::Error> {
        self.calls.read();
        self.work.read();
        self.process.read();
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Sets what is counted elsewhere.
fn store(counter: &Counter<f64, AtomicU64>, total: f64) {
    counter.inner().store(total.to_bits(), Ordering::Relaxed);
}

/// What answers to Prometheus.
pub(super) fn page(metrics: Arc<Metrics>) -> Router {
    async fn answer(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
        metrics.work.look().await;
        ([(CONTENT_TYPE, TYPE)], metrics.text().expect("nothing fails to be written to a string"))
    }
    Router::new().route("/metrics", get(answer)).with_state(metrics)
}
