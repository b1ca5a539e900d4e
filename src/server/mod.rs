//! The server: every service, and what stands before them all. The daemon stands behind the same front with one service.

mod admit;
mod answer;
mod call;
mod connections;
mod deadline;
mod dress;
mod front;
mod health;
mod load;
mod method;
mod metrics;
mod stream;
mod web;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::{
    net::TcpListener,
    task::{AbortHandle, spawn_blocking},
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::{codec::CompressionEncoding, service::Routes};
use tracing::{info, warn};

pub(crate) use self::web::serve as pages;
use self::{front::Front, health::Readiness, load::Load, metrics::Metrics};
use crate::{
    blob::Blobs,
    clock::Clock,
    config, content,
    db::Db,
    digest::Letterhead,
    error::{Error, Result},
    identity, invite, job, member,
    notice::Notices,
    pb, preference, profile, publication,
    secret::Hasher,
    tally::Tally,
    template,
    tls::Acceptor,
    trace::Tracer,
    workcenter,
};

/// Bytes of the largest request: a thousand events, or rows of invites, of four kilobytes.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// Bytes of any other request.
const REQUEST_BYTES_MAX: usize = 256 << 10;

/// Bytes of a request that is open to anybody: the name of a service or of a symbol.
const OPEN_BYTES_MAX: usize = 4 << 10;

/// How often it is looked whether there is another certificate. It is put there days before the old one runs out, and one
/// that is of no use is found twice before it is said.
const RENEWED_EVERY: Duration = Duration::from_secs(2);

/// What is left of a drain for calls that have to be told that it is over: time for an answer to be read. Half of a drain
/// that is shorter.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What every service is made of.
#[derive(Clone)]
pub struct Parts {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// The bytes of pictures.
    pub blobs: Blobs,
    /// What other processes tell.
    pub notices: Notices,
    /// What hashes passwords.
    pub hasher: Hasher,
    /// What this process has done.
    pub tally: Tally,
    /// What tells of traces.
    pub tracer: Tracer,
    /// What lets callers in under TLS, where there is TLS.
    pub tls: Option<Acceptor>,
    /// What all programs that serve have set.
    pub settings: config::Shared,
    /// Cancelled when the process begins to drain.
    pub draining: CancellationToken,
}

impl Parts {
    /// Opens what is needed: the pool, the connection that listens and the store of bytes. Nobody is
    /// told of traces.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] for a database URL that is none, for a certificate that cannot be used, and for a store that
    /// there is not or that is closed to us.
    pub fn open<'a>(database: &'a config::Database, settings: &'a config::Shared) -> BoxFuture<'a, Result<Self>> {
        async {
            let db = Db::new(database)?;
            let tls = settings.calls.tls.acceptor().map_err(Error::internal)?;
            let clock = Clock::new(db.clone(), settings.dev);
            let blobs = Blobs::open(&settings.blobs, db.clone())?;
            blobs.check().await?;
            let notices = Notices::listen(database).await?;
            let (settings, draining) = (settings.clone(), CancellationToken::new());
            let (hasher, tally, tracer) = (Hasher::default(), Tally::default(), Tracer::default());
            Ok(Self { db, clock, blobs, notices, hasher, tally, tracer, tls, settings, draining })
        }
        .boxed()
    }

    /// `JobService`, which both programs serve.
    pub fn jobs(&self) -> pb::job_service_server::JobServiceServer<job::Service> {
        let Self { db, clock, notices, settings, draining, .. } = self.clone();
        let service = job::Service::new(db, clock, settings.key(), notices, draining);
        pb::job_service_server::JobServiceServer::new(service)
            .max_decoding_message_size(REQUEST_BYTES_MAX)
            .accept_compressed(CompressionEncoding::Gzip)
    }
}

/// Serves every service at `listener` until `stop`, then ends what is under way.
///
/// # Errors
///
/// As [`face`].
pub fn serve(
    listener: TcpListener,
    parts: Parts,
    settings: &config::Pictures,
    stop: BoxFuture<'static, ()>,
) -> BoxFuture<'static, Result<()>> {
    let gate = identity::Gate::new(parts.db.clone(), &parts.notices);
    let Parts { db, clock, blobs, .. } = parts.clone();
    let silence = settings.upload_silence;
    let pictures = profile::Pictures::new(db, clock, blobs, silence);
    let (routes, names) = services(&parts, &gate, pictures, silence);
    face(listener, parts, gate, routes, names, stop)
}

/// Every service of the server, and their names for health and reflection.
fn services(
    parts: &Parts,
    gate: &identity::Gate,
    pictures: profile::Pictures,
    silence: Duration,
) -> (Routes, Vec<&'static str>) {
    use pb::{
        account_service_server::AccountServiceServer, activity_service_server::ActivityServiceServer,
        content_service_server::ContentServiceServer, invite_service_server::InviteServiceServer,
        preference_service_server::PreferenceServiceServer, profile_service_server::ProfileServiceServer,
        session_service_server::SessionServiceServer, template_service_server::TemplateServiceServer,
        work_center_service_server::WorkCenterServiceServer,
    };
    let Parts { db, clock, settings, hasher, .. } = parts.clone();
    let head = Letterhead::of(&settings);
    let key = settings.key();
    let config::Shared { digest_spread: spread, immediate_window: window, large_workcenter: most, .. } = settings;
    let (db, clock, key) = (|| db.clone(), || clock.clone(), || key.clone());

    let mut names = Vec::new();
    let mut routes = Routes::default();
    /// Adds one service and its name.
    macro_rules! add {
        ($service:expr, $bytes:expr) => {{
            fn name<S: tonic::server::NamedService>(_: &S) -> &'static str {
                S::NAME
            }
            let service = $service.max_decoding_message_size($bytes).accept_compressed(CompressionEncoding::Gzip);
            names.push(name(&service));
            routes = std::mem::take(&mut routes).add_service(service);
        }};
    }
    let challenge = identity::Challenge::new(db(), hasher.clone());
    let sessions = identity::Service::new(db(), clock(), key(), hasher.clone(), gate.clone(), challenge.clone());
    add!(SessionServiceServer::new(sessions), REQUEST_BYTES_MAX);
    let (notices, draining) = (parts.notices.clone(), parts.draining.clone());
    let directory = profile::Watch::new(db(), gate.clone(), notices, draining, profile::LOOK_EVERY);
    let addresses = profile::Addresses::new(db(), clock(), key(), challenge);
    let profiles = profile::Service::new(db(), clock(), key(), spread, pictures, directory, addresses);
    add!(ProfileServiceServer::new(profiles), profile::MESSAGE_BYTES_MAX);
    let accounts = member::Service::new(db(), clock(), key(), spread, window);
    add!(AccountServiceServer::new(accounts), REQUEST_BYTES_MAX);
    let workcenters = workcenter::Service::new(db(), clock(), key(), spread, window, most);
    add!(WorkCenterServiceServer::new(workcenters), REQUEST_BYTES_MAX);
    let contents = content::Service::new(db(), clock(), key(), parts.blobs.clone(), silence, window);
    add!(ContentServiceServer::new(contents), content::MESSAGE_BYTES_MAX);
    let activity = publication::Service::new(db(), clock(), key(), spread, window);
    add!(ActivityServiceServer::new(activity), BATCH_BYTES_MAX);
    add!(PreferenceServiceServer::new(preference::Service::new(db(), clock(), head, spread)), REQUEST_BYTES_MAX);
    let invites = invite::Service::new(db(), clock(), key(), hasher.clone(), &settings, silence);
    add!(InviteServiceServer::new(invites), BATCH_BYTES_MAX);
    add!(TemplateServiceServer::new(template::Service::new(db(), clock(), key())), REQUEST_BYTES_MAX);
    add!(parts.jobs(), REQUEST_BYTES_MAX);
    (routes, names)
}

/// Puts health, reflection and the front before `routes`, and serves them until `stop`.
///
/// It is boxed, and so is all that programs wait for: it is compiled with the library, once, and not with each of them.
///
/// Draining is in this order: health says so and calls are still taken for a while; then streams end, no connection is
/// taken any more, and calls finish; what has not when the drain limit is near ends too, and is cut off at it.
///
/// # Errors
///
/// [`Error::Internal`] when the metrics cannot be served where the settings say.
pub fn face(
    listener: TcpListener,
    parts: Parts,
    gate: identity::Gate,
    routes: Routes,
    names: Vec<&'static str>,
    stop: BoxFuture<'static, ()>,
) -> BoxFuture<'static, Result<()>> {
    async move {
        let calls = parts.settings.calls.clone();
        let readiness = Readiness::new(&names);
        let mut routes = routes.add_service(readiness.service());
        if calls.reflection {
            let (v1, v1alpha) = reflection(&names)?;
            routes = routes.add_service(v1.max_decoding_message_size(OPEN_BYTES_MAX));
            routes = routes.add_service(v1alpha.max_decoding_message_size(OPEN_BYTES_MAX));
        }
        let metrics = Arc::new(Metrics::new(&parts));
        let scraped = match calls.metrics_listen {
            None => None,
            Some(at) => Some(scraped(at, Arc::clone(&metrics)).await?),
        };
        let probed = match calls.health_listen {
            None => None,
            Some(at) => Some(probed(at, &readiness, &parts).await?),
        };
        let front = front(routes, Some(gate), metrics, &parts);
        let cutting = front.cutting.clone();
        let looking = parts.tls.clone().map(|it| tokio::spawn(renewed(it)).abort_handle());

        let is_secure = parts.tls.is_some();
        info!(address = ?listener.local_addr().ok(), tls = is_secure, "listening");
        let mut serving = tokio::spawn(connections::serve(listener, parts.tls.clone(), front, calls.clone()));
        let watching = tokio::spawn(readiness.clone().watch(parts.db.clone()));
        stop.await;
        watching.abort();
        // It has said its last when it has ended.
        let _ = watching.await;
        readiness.drain();
        sleep(calls.drain_delay).await;
        parts.draining.cancel();
        let words = LAST_WORDS.min(calls.drain / 2);
        if timeout(calls.drain - words, &mut serving).await.is_err() {
            warn!("cut off what did not end in time");
            cutting.cancel();
            if timeout(words, &mut serving).await.is_err() {
                serving.abort();
            }
        }
        for task in [scraped, probed, looking].into_iter().flatten() {
            task.abort();
        }
        Ok(())
    }
    .boxed()
}

/// What stands before `routes`.
fn front(routes: Routes, gate: Option<identity::Gate>, metrics: Arc<Metrics>, parts: &Parts) -> Arc<Front> {
    let calls = &parts.settings.calls;
    Arc::new(Front {
        routes: routes.prepare(),
        gate,
        load: Load::new(calls),
        metrics,
        tracer: parts.tracer.clone(),
        call_limit: calls.call_limit,
        draining: parts.draining.clone(),
        cutting: CancellationToken::new(),
    })
}

/// Serves health at `at`, without TLS and behind the same guards, and nothing else. What happens there is not counted
/// with the calls of others.
async fn probed(at: SocketAddr, readiness: &Readiness, parts: &Parts) -> Result<AbortHandle> {
    let listener = TcpListener::bind(at).await.map_err(Error::internal)?;
    info!(address = ?listener.local_addr().ok(), "health is here");
    let routes = Routes::default().add_service(readiness.service());
    let front = front(routes, None, Arc::new(Metrics::new(parts)), parts);
    let settings = parts.settings.calls.clone();
    Ok(tokio::spawn(connections::serve(listener, None, front, settings)).abort_handle())
}

/// Looks for another certificate, again and again.
async fn renewed(tls: Acceptor) {
    let mut pace = interval(RENEWED_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        let tls = tls.clone();
        // Files are read there.
        if spawn_blocking(move || tls.look()).await.is_err() {
            return;
        }
    }
}

/// Serves `metrics` over HTTP at `at`.
async fn scraped(at: SocketAddr, metrics: Arc<Metrics>) -> Result<AbortHandle> {
    let listener = TcpListener::bind(at).await.map_err(Error::internal)?;
    info!(address = ?listener.local_addr().ok(), "metrics are here");
    // It tells how the process drains, too, and ends with it.
    let never = CancellationToken::new();
    Ok(tokio::spawn(web::serve(listener, metrics::page(metrics), never)).abort_handle())
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
