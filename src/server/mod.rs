//! The server: every service, and what stands before them all. The daemon stands behind the same front with one service.

mod admit;
mod ready;

use std::{future::Future, time::Duration};

use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic::{
    service::Routes,
    transport::{Server, server::TcpIncoming},
};
use tracing::{info, warn};

use self::{admit::Admit, ready::Readiness};
use crate::{
    activity,
    clock::Clock,
    config,
    db::Db,
    error::{Error, Result},
    identity, invite, job,
    notice::Notices,
    pb, preference, profile,
    secret::Hasher,
    workcenter,
};

/// Streams of one connection at a time. Source: RFC 9113, section 6.5.2, recommends no fewer than 100; hyper's own
/// default is 200, which tonic takes away.
const STREAMS_MAX: u32 = 200;

/// How often a silent connection is asked whether it is still there, and how long it may take to say so.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(30);
const KEEPALIVE_MAX: Duration = Duration::from_secs(10);

/// Bytes of the largest publish: a thousand events of four kilobytes.
const PUBLISH_BYTES_MAX: usize = 4 << 20;

/// Bytes of any other request.
const REQUEST_BYTES_MAX: usize = 256 << 10;

/// What every service is made of.
#[derive(Clone)]
pub struct Parts {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// What other processes tell.
    pub notices: Notices,
    /// What all programs that serve have set.
    pub settings: config::Shared,
    /// Cancelled when the process begins to drain.
    pub draining: CancellationToken,
}

impl Parts {
    /// Opens what is needed: the pool and the connection that listens.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] for a database URL that is none.
    pub async fn open(database: &config::Database, settings: &config::Shared) -> Result<Self> {
        let db = Db::new(database)?;
        let clock = Clock::new(db.clone(), settings.dev);
        let notices = Notices::listen(database).await?;
        Ok(Self { db, clock, notices, settings: settings.clone(), draining: CancellationToken::new() })
    }

    /// `JobService`, which both programs serve.
    pub fn jobs(&self) -> pb::job_service_server::JobServiceServer<job::Service> {
        let Self { db, clock, notices, settings, draining } = self.clone();
        let service = job::Service::new(db, clock, settings.token_key, notices, draining);
        pb::job_service_server::JobServiceServer::new(service).max_decoding_message_size(REQUEST_BYTES_MAX)
    }
}

/// Serves every service at `listener` until `stop`, then ends what is under way.
///
/// # Errors
///
/// [`Error::Internal`] when the transport fails.
pub async fn serve(listener: TcpListener, parts: Parts, stop: impl Future<Output = ()>) -> Result<()> {
    let gate = identity::Gate::new(parts.db.clone(), &parts.notices);
    let (routes, names) = services(&parts, &gate);
    front(listener, parts, gate, routes, names, stop).await
}

/// Every service of the server, and their names for health and reflection.
fn services(parts: &Parts, gate: &identity::Gate) -> (Routes, Vec<&'static str>) {
    use pb::{
        activity_service_server::ActivityServiceServer, invite_service_server::InviteServiceServer,
        preference_service_server::PreferenceServiceServer, profile_service_server::ProfileServiceServer,
        session_service_server::SessionServiceServer, work_center_service_server::WorkCenterServiceServer,
    };
    let Parts { db, clock, settings, .. } = parts.clone();
    let config::Shared { token_key: key, digest_spread: spread, immediate_window: window, .. } = settings;
    let hasher = Hasher::default();
    let (db, clock, key) = (|| db.clone(), || clock.clone(), || key.clone());

    let mut names = Vec::new();
    let mut routes = Routes::default();
    /// Adds one service and its name.
    macro_rules! add {
        ($service:expr, $bytes:expr) => {{
            fn name<S: tonic::server::NamedService>(_: &S) -> &'static str {
                S::NAME
            }
            let service = $service.max_decoding_message_size($bytes);
            names.push(name(&service));
            routes = std::mem::take(&mut routes).add_service(service);
        }};
    }
    let sessions = identity::Service::new(db(), hasher.clone(), gate.clone());
    add!(SessionServiceServer::new(sessions), REQUEST_BYTES_MAX);
    add!(ProfileServiceServer::new(profile::Service::new(db(), clock(), spread)), REQUEST_BYTES_MAX);
    let workcenters = workcenter::Service::new(db(), clock(), key(), spread, window);
    add!(WorkCenterServiceServer::new(workcenters), REQUEST_BYTES_MAX);
    let activity = activity::Service::new(db(), clock(), key(), window);
    add!(ActivityServiceServer::new(activity), PUBLISH_BYTES_MAX);
    add!(PreferenceServiceServer::new(preference::Service::new(db(), clock(), key(), spread)), REQUEST_BYTES_MAX);
    let invites = invite::Service::new(db(), clock(), key(), hasher.clone(), spread, window);
    add!(InviteServiceServer::new(invites), REQUEST_BYTES_MAX);
    add!(parts.jobs(), REQUEST_BYTES_MAX);
    (routes, names)
}

/// Puts health, reflection and the layers before `routes`, and serves them until `stop`.
///
/// Draining is in this order: health says so, streams end, no new connection is taken, calls finish; after the drain
/// limit the rest is cut off.
///
/// # Errors
///
/// [`Error::Internal`] when the transport fails.
pub async fn front(
    listener: TcpListener,
    parts: Parts,
    gate: identity::Gate,
    routes: Routes,
    names: Vec<&'static str>,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let (readiness, health) = Readiness::new(names.clone()).await;
    let (v1, v1alpha) = reflection(&names)?;
    let routes = routes.add_service(health).add_service(v1).add_service(v1alpha);

    info!(address = ?listener.local_addr().ok(), "listening");
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let draining = parts.draining.clone();
    let mut served = tokio::spawn({
        let draining = draining.clone();
        Server::builder()
            .max_concurrent_streams(STREAMS_MAX)
            .http2_keepalive_interval(Some(KEEPALIVE_EVERY))
            .http2_keepalive_timeout(Some(KEEPALIVE_MAX))
            .layer(Admit::layer(gate))
            .add_routes(routes)
            .serve_with_incoming_shutdown(incoming, async move { draining.cancelled().await })
    });
    let watching = tokio::spawn(readiness.clone().watch(parts.db.clone()));

    tokio::select! {
        () = stop => {}
        // It ends by itself only when it cannot go on.
        ended = &mut served => return ended.map_err(Error::internal)?.map_err(Error::internal),
    }
    watching.abort();
    readiness.drain().await;
    draining.cancel();
    let Ok(ended) = timeout(parts.settings.drain, &mut served).await else {
        warn!("cut off what did not end in time");
        served.abort();
        return Ok(());
    };
    ended.map_err(Error::internal)?.map_err(Error::internal)
}

type Reflection<T> = tonic_reflection::server::v1::ServerReflectionServer<T>;
type ReflectionAlpha<T> = tonic_reflection::server::v1alpha::ServerReflectionServer<T>;

/// Reflection in both of its versions, with what it takes to show the details of errors decoded.
fn reflection(
    names: &[&'static str],
) -> Result<(
    Reflection<impl tonic_reflection::server::v1::ServerReflection + use<>>,
    ReflectionAlpha<impl tonic_reflection::server::v1alpha::ServerReflection + use<>>,
)> {
    let builder = || {
        let builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(pb::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name("grpc.health.v1.Health");
        names.iter().fold(builder, |builder, name| builder.with_service_name(*name))
    };
    Ok((builder().build_v1().map_err(Error::internal)?, builder().build_v1alpha().map_err(Error::internal)?))
}
