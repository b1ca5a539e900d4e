//! How the programs come and go: what health says meanwhile, and what becomes of calls.

use std::time::{Duration, Instant};

use tokio::time::timeout;
use tonic::{Code, Streaming, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_client::HealthClient,
};
use workcenter::pb::{JobScope, WatchJobsRequest, WatchJobsResponse, job_service_client::JobServiceClient};

use super::program::{CTL, DAEMON, SERVER, Serving, ctl, ended};
use crate::{
    harness::{Account, App, by, reason},
    migrations,
};

/// How long anything may take before the test says that it hangs. Longer than any drain below.
const HANGS_AFTER: Duration = Duration::from_secs(30);

/// What the health of the whole is, and becomes.
async fn health(channel: &Channel) -> Streaming<HealthCheckResponse> {
    HealthClient::new(channel.clone()).watch(HealthCheckRequest::default()).await.unwrap().into_inner()
}

/// Waits until health says `status`.
async fn becomes(health: &mut Streaming<HealthCheckResponse>, status: ServingStatus) {
    let said = async { while health.message().await.unwrap().unwrap().status() != status {} };
    timeout(HANGS_AFTER, said).await.unwrap_or_else(|_| panic!("health never says {status:?}"));
}

async fn watch(channel: &Channel, account: &Account) -> Streaming<WatchJobsResponse> {
    let request = WatchJobsRequest { scope: JobScope::Account.into(), account_id: account.id.to_string() };
    JobServiceClient::new(channel.clone()).watch_jobs(by(&account.admin.token, request)).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_program_told_to_stop_says_so_ends_its_streams_and_exits_well() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    for program in [SERVER, DAEMON] {
        let serving = Serving::start(program, &app, &[("DRAIN_SECONDS", "20")]).await;
        let channel = serving.channel();
        let mut health = health(&channel).await;
        becomes(&mut health, ServingStatus::Serving).await;
        let mut jobs = watch(&channel, &account).await;

        let told = Instant::now();
        serving.terminate().await;
        becomes(&mut health, ServingStatus::NotServing).await;
        drop(health);
        let status = loop {
            match timeout(HANGS_AFTER, jobs.message()).await.expect("the stream ends") {
                Ok(message) => assert!(message.is_some(), "the stream ends as if all had been said"),
                Err(status) => break status,
            }
        };
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "DRAINING"));
        let (code, said) = timeout(HANGS_AFTER, serving.end()).await.expect("it ends");
        assert_eq!(code, Some(0), "{said:#?}");
        assert!(told.elapsed() < Duration::from_secs(20), "it waited for nothing");
        assert!(
            said.iter().any(|it| it.contains("draining")) && !said.iter().any(|it| it.contains("cut off")),
            "{said:#?}"
        );
    }
}

#[tokio::test]
async fn who_does_not_let_go_is_cut_off_when_the_drain_is_over() {
    let app = App::start().await;
    for program in [SERVER, DAEMON] {
        let serving = Serving::start(program, &app, &[("DRAIN_SECONDS", "1")]).await;
        let mut health = health(&serving.channel()).await;
        becomes(&mut health, ServingStatus::Serving).await;
        serving.terminate().await;
        becomes(&mut health, ServingStatus::NotServing).await;
        // Nobody ends this stream.
        let (code, said) = timeout(HANGS_AFTER, serving.end()).await.expect("it ends");
        assert_eq!(code, Some(0), "{said:#?}");
        assert!(said.iter().any(|it| it.contains("cut off")), "{said:#?}");
    }
}

#[tokio::test]
async fn a_program_waits_for_the_schema_and_serves_when_it_is_there() {
    let app = migrations::emptied().await;
    let mut both = Vec::new();
    for program in [SERVER, DAEMON] {
        let mut serving = Serving::start(program, &app, &[]).await;
        serving.says("run workcenterctl migrate").await;
        let asked = ended(CTL, &[], &["healthcheck", "--target", &serving.url]).await;
        assert_eq!(asked.code, Some(1), "{asked:?}");
        both.push(serving);
    }

    let migrated = ctl(&app, &["migrate"]).await;
    assert_eq!(migrated.code, Some(0), "{migrated:?}");

    for serving in both {
        let asked = ended(CTL, &[], &["healthcheck", "--target", &serving.url, "--wait", "30"]).await;
        assert_eq!(asked.code, Some(0), "{asked:?}");
        serving.terminate().await;
        assert_eq!(timeout(HANGS_AFTER, serving.end()).await.expect("it ends").0, Some(0));
    }
}

#[tokio::test]
async fn a_program_that_cannot_have_its_port_says_so_and_exits() {
    let app = App::start().await;
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let key = super::TOKEN_KEY;
    let settings = [("DATABASE_URL", app.database().url.expose()), ("TOKEN_KEY", key), ("SERVER_LISTEN", &address)];
    let refused = ended(SERVER, &settings, &[]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("in use"), "{}", refused.err);
}
