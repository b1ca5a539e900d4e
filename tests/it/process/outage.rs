//! A server whose database goes and comes: a PostgreSQL of its own, which nobody else loses.

use tokio::time::timeout;
use tonic::{Code, Status};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_types::StatusExt;
use workcenter::pb::{
    GetProfileRequest, SignInRequest, profile_service_client::ProfileServiceClient,
    session_service_client::SessionServiceClient,
};

use super::{
    program::{CTL, SERVER, Serving, ended},
    running::{HANGS_AFTER, becomes, health},
};
use crate::{
    channel::Channel,
    cluster::Cluster,
    harness::{by, reason},
};

async fn check(channel: &Channel, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.to_owned() };
    HealthClient::new(channel.clone()).check(request).await.unwrap().into_inner().status()
}

async fn me(channel: &Channel, token: &str) -> Result<String, Status> {
    let request = by(token, GetProfileRequest { user_id: "me".to_owned() });
    let answer = ProfileServiceClient::new(channel.clone()).get_profile(request).await?;
    Ok(answer.into_inner().profile.unwrap().email)
}

fn unavailable(status: &Status) {
    assert_eq!((status.code(), reason(status).as_str()), (Code::Unavailable, "STORE_UNAVAILABLE"));
    assert!(status.get_error_details().retry_info().is_some_and(|it| it.retry_delay.is_some()));
}

#[tokio::test]
async fn a_server_waits_for_its_database_and_does_without_it_for_a_while() {
    let cluster = Cluster::start("outage").await;
    let url = cluster.script("url").await;
    let database = [("DATABASE_URL", url.as_str())];
    assert_eq!(ended(CTL, &database, &["migrate"]).await.code, Some(0));
    let made = ended(CTL, &database, &["bootstrap"]).await.out;
    let value = |name: &str| made.lines().find_map(|it| it.strip_prefix(name)).expect("it is printed").to_owned();
    let (email, password) = (value("EMAIL="), value("PASSWORD="));

    // Without a database it starts, and says that it does not serve.
    cluster.script("stop").await;
    let serving = Serving::on(SERVER, &url, &[]).await;
    let channel = serving.channel();
    let mut states = health(&channel).await;
    becomes(&mut states, ServingStatus::NotServing).await;
    assert_eq!(check(&channel, "liveness").await, ServingStatus::Serving);

    cluster.script("start").await;
    assert_eq!(cluster.script("url").await, url, "it is where it was");
    becomes(&mut states, ServingStatus::Serving).await;
    let sign_in = SignInRequest { email: email.clone(), password };
    let token = SessionServiceClient::new(channel.clone()).sign_in(sign_in).await.unwrap().into_inner().token;
    assert_eq!(me(&channel, &token).await.unwrap(), email);

    // When it goes later, calls say so; health does not.
    cluster.script("stop").await;
    unavailable(&me(&channel, &token).await.unwrap_err());
    for service in ["", "workcenter.v1.ProfileService", "liveness"] {
        assert_eq!(check(&channel, service).await, ServingStatus::Serving, "{service:?}");
    }

    cluster.script("start").await;
    let again = async {
        loop {
            match me(&channel, &token).await {
                Ok(found) => break found,
                Err(status) => unavailable(&status),
            }
        }
    };
    assert_eq!(timeout(HANGS_AFTER, again).await.expect("it serves again"), email);
    serving.terminate().await;
    assert_eq!(timeout(HANGS_AFTER, serving.end()).await.expect("it ends").0, Some(0));
}
