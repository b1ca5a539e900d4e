//! How the programs come and go: what health says meanwhile, and what becomes of calls.

use std::time::{Duration, Instant};

use futures_util::stream;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};
use tonic::{Code, Response, Status, Streaming};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_types::StatusExt;
use workcenter::pb::{
    GetJobRequest, JobScope, ListJobsRequest, UploadPictureRequest, UploadPictureResponse, WatchJobsRequest,
    WatchJobsResponse, job_service_client::JobServiceClient, profile_service_client::ProfileServiceClient,
};

use super::program::{CTL, DAEMON, SERVER, Serving, ctl, ended};
use crate::{
    channel::Channel,
    harness::{Account, App, by, reason},
    kept, migrations, picture,
};

/// How long anything may take before the test says that it hangs. Longer than any drain below.
pub const HANGS_AFTER: Duration = Duration::from_secs(30);

/// What the health of the whole is, and becomes.
pub async fn health(channel: &Channel) -> Streaming<HealthCheckResponse> {
    HealthClient::new(channel.clone()).watch(HealthCheckRequest::default()).await.unwrap().into_inner()
}

/// Waits until health says `status`.
pub async fn becomes(health: &mut Streaming<HealthCheckResponse>, status: ServingStatus) {
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
        let settings = [("DRAIN_SECONDS", "20"), ("DRAIN_DELAY_SECONDS", "3")];
        let serving = Serving::start(program, &app, &settings).await;
        let channel = serving.channel();
        let mut health = health(&channel).await;
        becomes(&mut health, ServingStatus::Serving).await;
        let mut jobs = watch(&channel, &account).await;
        let _silent = TcpStream::connect(serving.url.trim_start_matches("http://")).await.unwrap();

        let told = Instant::now();
        serving.terminate().await;
        becomes(&mut health, ServingStatus::NotServing).await;
        // Who has not heard of it yet is still served.
        let mine = by(&account.admin.token, ListJobsRequest { scope: JobScope::Mine.into(), ..Default::default() });
        JobServiceClient::new(serving.channel()).list_jobs(mine).await.unwrap();
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

/// The answer to an upload whose messages come one by one.
type Uploading = JoinHandle<Result<UploadPictureResponse, Status>>;

/// Begins an upload by `account`'s administrator, and sends the first of `messages`.
async fn uploading(channel: &Channel, account: &Account, first: UploadPictureRequest) -> (Uploading, Sender) {
    let (sender, mut receiver) = mpsc::channel(1);
    let messages = stream::poll_fn(move |context| receiver.poll_recv(context));
    let mut client = ProfileServiceClient::new(channel.clone());
    let request = by(&account.admin.token, messages);
    let answer = tokio::spawn(async move { client.upload_picture(request).await.map(Response::into_inner) });
    sender.send(first).await.unwrap();
    // There is room again when the transport has taken it.
    drop(sender.reserve().await.unwrap());
    (answer, sender)
}

type Sender = mpsc::Sender<UploadPictureRequest>;

#[tokio::test]
async fn an_upload_that_is_under_way_is_finished_before_the_server_ends() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let serving = Serving::start(SERVER, &app, &[("DRAIN_SECONDS", "20")]).await;
    let channel = serving.channel();
    let mut health = health(&channel).await;
    becomes(&mut health, ServingStatus::Serving).await;
    let mut jobs = watch(&channel, &account).await;
    let _silent = TcpStream::connect(serving.url.trim_start_matches("http://")).await.unwrap();
    let file = picture::jpeg(600, 400);
    let mut messages = picture::messages(&file, file.len() / 3).into_iter();
    let (answer, sender) = uploading(&channel, &account, messages.next().unwrap()).await;
    sender.send(messages.next().unwrap()).await.unwrap();

    serving.terminate().await;
    becomes(&mut health, ServingStatus::NotServing).await;
    while jobs.message().await.is_ok() {}
    // The server drains, and has not ended.
    for message in messages {
        sender.send(message).await.unwrap();
    }
    drop(sender);
    let set = timeout(HANGS_AFTER, answer).await.expect("it is answered").unwrap().unwrap();
    assert_eq!(set.picture.unwrap().sizes_px, [512, 300, 128, 48]);
    let (code, said) = timeout(HANGS_AFTER, serving.end()).await.expect("it ends");
    assert_eq!(code, Some(0), "{said:#?}");
    assert!(!said.iter().any(|it| it.contains("cut off")), "{said:#?}");
}

#[tokio::test]
async fn who_does_not_let_go_is_cut_off_when_the_drain_is_over() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let settings = [("DRAIN_SECONDS", "1"), ("UPLOAD_SILENCE_SECONDS", "60")];
    let serving = Serving::start(SERVER, &app, &settings).await;
    let channel = serving.channel();
    becomes(&mut health(&channel).await, ServingStatus::Serving).await;
    // Nobody goes on with this upload, and nobody ends it.
    let first = picture::messages(&[0; 10], 10).swap_remove(0);
    let (answer, _sender) = uploading(&channel, &account, first).await;
    serving.terminate().await;
    let (code, said) = timeout(HANGS_AFTER, serving.end()).await.expect("it ends");
    assert_eq!(code, Some(0), "{said:#?}");
    assert!(said.iter().any(|it| it.contains("cut off")), "{said:#?}");
    answer.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn the_log_and_the_metrics_know_a_call_by_its_ids_and_its_name() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let slowed = "insert into mail_pace (domain, used_until, learned) values ('slow.example', now(), 2.5)";
    app.client().await.execute(slowed, &[]).await.unwrap();
    for program in [SERVER, DAEMON] {
        let settings = [("METRICS_LISTEN", "127.0.0.1:0"), ("LOG_JSON", "true")];
        let mut serving = Serving::start(program, &app, &settings).await;
        let metrics = serving.metrics.clone().expect("the log says where");
        becomes(&mut health(&serving.channel()).await, ServingStatus::Serving).await;
        let mut request = by(&account.admin.token, GetJobRequest { job_id: "nothing".to_owned() });
        request.metadata_mut().insert("x-request-id", "call-7".parse().unwrap());
        request.metadata_mut().insert("traceparent", format!("00-{trace}-00f067aa0ba902b7-01").parse().unwrap());
        let status = JobServiceClient::new(serving.channel()).get_job(request).await.unwrap_err();
        let details = status.get_error_details();
        let told = details.request_info().unwrap();
        assert_eq!((told.request_id.as_str(), told.serving_data.as_str()), ("call-7", trace));
        assert_eq!(status.metadata().get("x-server-version").unwrap(), env!("CARGO_PKG_VERSION"));

        let line = serving.says("called").await;
        assert!(line.contains("call-7") && line.contains(trace), "{line}");
        let page = page(&metrics).await;
        let counted = "grpc_server_handled_total{grpc_service=\"workcenter.v1.JobService\",grpc_method=\"GetJob\",grpc_code=\"INVALID_ARGUMENT\"} 1";
        assert!(page.lines().any(|it| it == counted), "{page}");
        for name in ["grpc_server_handling_seconds_bucket", "workcenter_database", "workcenter_connections", LATE, PACE]
        {
            assert!(page.contains(name), "{name} is missing in {page}");
        }
    }
}

/// That no mail waits, as the page says it.
const LATE: &str = "workcenter_late_seconds{work=\"MAIL\"} 0.0\n";

/// What a relay takes that asked for less, as the page says it.
const PACE: &str = "workcenter_mail_pace{domain=\"slow.example\"} 2.5\n";

/// The page with the metrics at `address`.
pub async fn page(address: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    assert!(page.starts_with("HTTP/1.0 200 OK"), "{page}");
    kept::whole("page", "metrics", page.as_bytes());
    page
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
