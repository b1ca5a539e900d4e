//! A service that does what services should not: it waits, asks the database for ever, and panics. It stands behind
//! the front of production.

use std::{net::SocketAddr, pin::Pin, sync::Arc};

use futures_util::{Stream, StreamExt, stream};
use tokio::{net::TcpListener, sync::Semaphore, task::yield_now};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status, Streaming, codec::CompressionEncoding, service::Routes};
use workcenter::{
    config,
    db::{self, Db},
    identity::{self, Gate},
    pb::{
        self, profile_service_client::ProfileServiceClient, profile_service_server as generated,
        session_service_server::SessionServiceServer,
    },
    server::{self, Parts},
};

use crate::{channel::Channel, harness::App};

/// What it does, by whose profile is asked for.
#[derive(Clone)]
struct Odd {
    db: Db,
    /// What those wait for who ask for `wait`.
    open: Arc<Semaphore>,
    /// Where they say that they do.
    waits: Arc<Semaphore>,
}

/// The statement that those run who ask for `query`.
pub const QUERY: &str = "select 1 from pg_sleep(600)";

#[tonic::async_trait]
impl generated::ProfileService for Odd {
    async fn get_profile(
        &self,
        request: Request<pb::GetProfileRequest>,
    ) -> Result<Response<pb::GetProfileResponse>, Status> {
        match request.into_inner().user_id.as_str() {
            "panic" => panic!("the pier has a hole"),
            "wait" => {
                self.waits.add_permits(1);
                drop(self.open.acquire().await.unwrap());
            }
            "query" => {
                drop(db::text(&self.db.client().await?, QUERY, &[]).await.map_err(workcenter::error::Error::from)?)
            }
            "query in a transaction" => {
                let mut client = self.db.client().await?;
                let tx = client.transaction().await.map_err(workcenter::error::Error::from)?;
                db::text(&tx, QUERY, &[]).await.map_err(workcenter::error::Error::from)?;
            }
            _ => {}
        }
        Ok(Response::new(pb::GetProfileResponse::default()))
    }

    async fn update_profile(
        &self,
        _: Request<pb::UpdateProfileRequest>,
    ) -> Result<Response<pb::UpdateProfileResponse>, Status> {
        Ok(Response::new(pb::UpdateProfileResponse::default()))
    }

    async fn upload_picture(
        &self,
        request: Request<Streaming<pb::UploadPictureRequest>>,
    ) -> Result<Response<pb::UploadPictureResponse>, Status> {
        let mut messages = request.into_inner();
        while messages.message().await?.is_some() {}
        Ok(Response::new(pb::UploadPictureResponse::default()))
    }

    type GetPictureStream = Pin<Box<dyn Stream<Item = Result<pb::GetPictureResponse, Status>> + Send>>;

    async fn get_picture(
        &self,
        request: Request<pb::GetPictureRequest>,
    ) -> Result<Response<Self::GetPictureStream>, Status> {
        let first = stream::iter([Ok(pb::GetPictureResponse::default())]);
        Ok(Response::new(match request.into_inner().user_id.as_str() {
            "panic" => Box::pin(first.chain(stream::once(async {
                // What was said before is on its way.
                yield_now().await;
                panic!("the stream has a hole")
            }))),
            _ => Box::pin(first.chain(stream::pending())),
        }))
    }

    async fn batch_get_profiles(
        &self,
        _: Request<pb::BatchGetProfilesRequest>,
    ) -> Result<Response<pb::BatchGetProfilesResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn get_profile_constraints(
        &self,
        _: Request<pb::GetProfileConstraintsRequest>,
    ) -> Result<Response<pb::GetProfileConstraintsResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn request_email_change(
        &self,
        _: Request<pb::RequestEmailChangeRequest>,
    ) -> Result<Response<pb::RequestEmailChangeResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn confirm_email_change(
        &self,
        _: Request<pb::ConfirmEmailChangeRequest>,
    ) -> Result<Response<pb::ConfirmEmailChangeResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn list_profile_changes(
        &self,
        _: Request<pb::ListProfileChangesRequest>,
    ) -> Result<Response<pb::ListProfileChangesResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    type WatchProfilesStream = Pin<Box<dyn Stream<Item = Result<pb::WatchProfilesResponse, Status>> + Send>>;

    async fn watch_profiles(
        &self,
        _: Request<pb::WatchProfilesRequest>,
    ) -> Result<Response<Self::WatchProfilesStream>, Status> {
        Ok(Response::new(Box::pin(stream::pending())))
    }

    async fn delete_picture(
        &self,
        _: Request<pb::DeletePictureRequest>,
    ) -> Result<Response<pb::DeletePictureResponse>, Status> {
        Ok(Response::new(pb::DeletePictureResponse::default()))
    }
}

/// The service on a port, with an application behind it.
pub struct Stand {
    pub app: App,
    pub address: SocketAddr,
    /// Somebody who may call.
    pub token: String,
    /// Lets so many go on who wait.
    pub open: Arc<Semaphore>,
    /// Has a permit for each who has begun to wait.
    pub waits: Arc<Semaphore>,
    /// The front begins to drain when this is cancelled.
    pub stop: CancellationToken,
    _stop: DropGuard,
}

impl Stand {
    /// Stands with these settings for calls.
    pub async fn with(change: impl FnOnce(&mut config::Calls)) -> Self {
        let app = App::start().await;
        let token = app.account("Pier Works").await.admin.token;
        let mut parts: Parts = app.parts().clone();
        parts.draining = CancellationToken::new();
        change(&mut parts.settings.calls);
        let open = Arc::new(Semaphore::new(0));
        let waits = Arc::new(Semaphore::new(0));
        let odd = Odd { db: parts.db.clone(), open: Arc::clone(&open), waits: Arc::clone(&waits) };
        let service = generated::ProfileServiceServer::new(odd).accept_compressed(CompressionEncoding::Gzip);
        let gate = Gate::new(parts.db.clone(), &parts.notices);
        // Strangers have something to call, too.
        let (db, hasher) = (parts.db.clone(), parts.hasher.clone());
        let challenge = identity::Challenge::new(db.clone(), hasher.clone());
        let key = parts.settings.token_key.clone();
        let sessions = identity::Service::new(db, parts.clock.clone(), key, hasher, gate.clone(), challenge);
        let routes =
            Routes::new(service.max_decoding_message_size(64 << 10)).add_service(SessionServiceServer::new(sessions));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let names = vec!["workcenter.v1.ProfileService"];
        tokio::spawn(server::face(listener, parts, gate, routes, names, Box::pin(stop.clone().cancelled_owned())));
        Self { app, address, token, open, waits, _stop: stop.clone().drop_guard(), stop }
    }

    /// A connection of its own.
    pub fn channel(&self) -> Channel {
        Channel::to(&format!("http://{}", self.address))
    }

    /// A client with a connection of its own.
    pub fn client(&self) -> ProfileServiceClient<Channel> {
        ProfileServiceClient::new(self.channel())
    }
}

/// Asks for the profile of `whom`.
pub fn profile(whom: &str) -> pb::GetProfileRequest {
    pb::GetProfileRequest { user_id: whom.to_owned() }
}

/// Asks for the picture of `whom`.
pub fn picture(whom: &str) -> pb::GetPictureRequest {
    pb::GetPictureRequest { user_id: whom.to_owned(), ..Default::default() }
}
