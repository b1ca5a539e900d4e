//! The least that answers these calls: tonic, and one prepared statement of each through a pool. It asks nobody who
//! they are.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_postgres::{NoTls, Row, types::ToSql};
use tonic::{
    Request, Response, Status,
    body::Body,
    server::{Grpc, NamedService},
    transport::{Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};
use uuid::Uuid;
use workcenter::pb;

use crate::{Call, Result};

/// Connections to the database, as the server has them unless it is told otherwise.
const CONNECTIONS: usize = 8;

/// What all that compare themselves here ask.
struct Statements {
    get: String,
    update: String,
    batch: String,
    list: String,
}

/// Where the rows are.
#[derive(Clone)]
struct Floor {
    pool: Pool,
    statements: Arc<Statements>,
}

/// Whom a call is about when its request does not say.
const WHO: &str = "x-user";

fn id(text: &str) -> Result<Uuid, Status> {
    text.parse().map_err(|_unlike_one| Status::invalid_argument("not an id"))
}

fn failed(error: impl std::fmt::Display) -> Status {
    Status::internal(error.to_string())
}

fn profile(row: &Row) -> pb::Profile {
    pb::Profile {
        user_id: row.get::<_, Uuid>(0).to_string(),
        first_name: row.get(1),
        last_name: row.get(2),
        job_title: row.get(3),
        address: Some(pb::Address {
            street: row.get(4),
            city: row.get(5),
            post_code: row.get(6),
            country: row.get(7),
            ..pb::Address::default()
        }),
        business_phone: row.get(8),
        extension: row.get(9),
        mobile_phone: row.get(10),
        time_zone: row.get(11),
        locale: row.get(12),
        etag: row.get::<_, i64>(13).to_string(),
        update_time: Some(pb::time(row.get::<_, Timestamp>(14))),
        ..pb::Profile::default()
    }
}

impl Floor {
    async fn rows(&self, statement: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Status> {
        let client = self.pool.get().await.map_err(failed)?;
        let prepared = client.prepare_cached(statement).await.map_err(failed)?;
        client.query(&prepared, values).await.map_err(failed)
    }

    async fn get(self, request: Request<pb::GetProfileRequest>) -> Result<Response<pb::GetProfileResponse>, Status> {
        let rows = self.rows(&self.statements.get, &[&id(&request.get_ref().user_id)?]).await?;
        let row = rows.first().ok_or_else(|| Status::not_found("no such person"))?;
        Ok(Response::new(pb::GetProfileResponse { profile: Some(profile(row)) }))
    }

    async fn update(
        self,
        request: Request<pb::UpdateProfileRequest>,
    ) -> Result<Response<pb::UpdateProfileResponse>, Status> {
        let wanted = request.into_inner().profile.unwrap_or_default();
        let rows = self.rows(&self.statements.update, &[&id(&wanted.user_id)?, &wanted.job_title]).await?;
        let row = rows.first().ok_or_else(|| Status::not_found("no such person"))?;
        Ok(Response::new(pb::UpdateProfileResponse { profile: Some(profile(row)) }))
    }

    async fn batch(
        self,
        request: Request<pb::BatchGetProfilesRequest>,
    ) -> Result<Response<pb::BatchGetProfilesResponse>, Status> {
        let ids = request.get_ref().user_ids.iter().map(|it| id(it)).collect::<Result<Vec<_>, _>>()?;
        let rows = self.rows(&self.statements.batch, &[&ids]).await?;
        let profiles = rows.iter().map(profile).collect();
        Ok(Response::new(pb::BatchGetProfilesResponse { profiles, missing: Vec::new() }))
    }

    async fn list(
        self,
        request: Request<pb::ListWorkCenterPreferencesRequest>,
    ) -> Result<Response<pb::ListWorkCenterPreferencesResponse>, Status> {
        let who = request.metadata().get(WHO).and_then(|it| it.to_str().ok()).unwrap_or_default();
        let limit = i64::from(request.get_ref().page_size);
        let rows = self.rows(&self.statements.list, &[&id(who)?, &limit]).await?;
        let preference = |row: &Row| {
            let delivery = pb::Delivery::from_str_name(&format!("DELIVERY_{}", row.get::<_, &str>(2)));
            pb::WorkCenterPreference {
                workcenter_id: row.get::<_, Uuid>(0).to_string(),
                workcenter_name: row.get(1),
                delivery: delivery.unwrap_or_default().into(),
                ..pb::WorkCenterPreference::default()
            }
        };
        let preferences = rows.iter().map(preference).collect();
        Ok(Response::new(pb::ListWorkCenterPreferencesResponse { preferences, next_page_token: String::new() }))
    }

    async fn answer(self, request: http::Request<Body>) -> http::Response<Body> {
        let path = request.uri().path().to_owned();
        /// Reads the request, has it answered, and writes the answer.
        macro_rules! unary {
            ($how:expr) => {
                Grpc::new(ProstCodec::default()).unary(service_fn(|request| $how(self.clone(), request)), request).await
            };
        }
        match path.as_str() {
            it if it == Call::Get.path() => unary!(Self::get),
            it if it == Call::Update.path() => unary!(Self::update),
            it if it == Call::Batch.path() => unary!(Self::batch),
            it if it == Call::List.path() => unary!(Self::list),
            _ => Status::unimplemented("no such call").into_http(),
        }
    }
}

/// One of the two services, which are told apart by the name alone.
#[derive(Clone)]
struct Profiles(Floor);

/// The other.
#[derive(Clone)]
struct Preferences(Floor);

/// Answers as a service of this name.
macro_rules! serves {
    ($service:ty, $name:literal) => {
        impl NamedService for $service {
            const NAME: &'static str = $name;
        }

        impl Service<http::Request<Body>> for $service {
            type Response = http::Response<Body>;
            type Error = Infallible;
            type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: http::Request<Body>) -> Self::Future {
                let floor = self.0.clone();
                Box::pin(async move { Ok(floor.answer(request).await) })
            }
        }
    };
}

serves!(Profiles, "workcenter.v1.ProfileService");
serves!(Preferences, "workcenter.v1.PreferenceService");

/// Answers until it is killed, from the database at `url`; prints where.
pub async fn serve(url: &str) -> Result<()> {
    let statements: Value = serde_json::from_str(include_str!("statements.json"))?;
    let text = |name: &str| Ok::<_, String>(statements[name].as_str().ok_or("no such statement")?.to_owned());
    let statements =
        Statements { get: text("get")?, update: text("update")?, batch: text("batch")?, list: text("list")? };
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(url.parse()?, NoTls, recycling);
    let pool = Pool::builder(manager).max_size(CONNECTIONS).build()?;
    let floor = Floor { pool, statements: Arc::new(statements) };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = Server::builder().add_service(Profiles(floor.clone())).add_service(Preferences(floor));
    Ok(server.serve_with_incoming(incoming).await?)
}
