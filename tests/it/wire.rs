//! What every client relies on, whatever it calls: reflection, health, ids of calls, and errors with their details.

use std::{collections::BTreeSet, error::Error as _, time::Duration};

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Code, Request, Status, metadata::MetadataMap};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_types::StatusExt;
use uuid::Uuid;
use workcenter::{
    daemon::{self, Ticks},
    error::{DOMAIN, Error, Kind, Reason, VIOLATIONS_MAX, Violation},
    pb,
};

use crate::{
    channel::Channel,
    harness::{App, by, fields, reason},
};

const SERVICES: [&str; 10] = [
    "workcenter.v1.AccountService",
    "workcenter.v1.ActivityService",
    "workcenter.v1.ContentService",
    "workcenter.v1.InviteService",
    "workcenter.v1.JobService",
    "workcenter.v1.PreferenceService",
    "workcenter.v1.ProfileService",
    "workcenter.v1.SessionService",
    "workcenter.v1.TemplateService",
    "workcenter.v1.WorkCenterService",
];

/// Symbols that clients look up: what they call, and what the details of errors are.
const SYMBOLS: [&str; 6] = [
    "workcenter.v1.JobService",
    "workcenter.v1.Reason",
    "google.rpc.BadRequest",
    "google.rpc.ErrorInfo",
    "google.rpc.RetryInfo",
    "grpc.health.v1.Health",
];

/// How calls begin that change nothing.
const READS: [&str; 8] = ["Get", "List", "BatchGet", "Preview", "Explain", "Watch", "Download", "Export"];

#[test]
fn what_clients_may_try_again_by_themselves_is_all_that_changes_nothing_and_nothing_else() {
    let config: serde_json::Value = serde_json::from_str(include_str!("../../proto/service_config.json")).unwrap();
    let [policy] = config["methodConfig"].as_array().unwrap().as_slice() else { panic!("one policy is enough") };
    let text = |it: &serde_json::Value| it.as_str().unwrap().to_owned();
    let named = policy["name"].as_array().unwrap().iter();
    let named: BTreeSet<_> = named.map(|it| (text(&it["service"]), text(&it["method"]))).collect();
    let methods = pb::methods(pb::DESCRIPTORS).unwrap().into_iter();
    let reads = methods.filter(|it| READS.iter().any(|verb| it.name.starts_with(verb)));
    assert_eq!(named, reads.map(|it| (it.service, it.name)).collect());
    let retry = &policy["retryPolicy"];
    assert_eq!(retry["retryableStatusCodes"], serde_json::json!(["UNAVAILABLE"]));
    assert!((2..=4).contains(&retry["maxAttempts"].as_u64().unwrap()));
    assert!(config["loadBalancingConfig"][0]["round_robin"].is_object());
}

/// The daemon's side of an application, for as long as the guard lives.
async fn daemon(app: &App) -> (Channel, DropGuard) {
    let grpc = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = grpc.local_addr().unwrap();
    let ticks = Ticks::new(&app.daemon_settings(None).ticks).await.unwrap();
    let stop = CancellationToken::new();
    tokio::spawn(daemon::serve(grpc, http, app.daemon(None), ticks, Box::pin(stop.clone().cancelled_owned())));
    (Channel::to(&format!("http://{address}")), stop.drop_guard())
}

/// Declares how a version of reflection is asked.
macro_rules! reflection {
    ($version:ident) => {
        mod $version {
            use crate::channel::Channel;
            use tonic_reflection::pb::$version::{
                ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
                server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
            };

            async fn ask(channel: &Channel, question: MessageRequest) -> MessageResponse {
                let request = ServerReflectionRequest { message_request: Some(question), ..Default::default() };
                let requests = futures_util::stream::iter([request]);
                let mut client = ServerReflectionClient::new(channel.clone());
                let mut answers = client.server_reflection_info(requests).await.unwrap().into_inner();
                answers.message().await.unwrap().unwrap().message_response.unwrap()
            }

            pub async fn services(channel: &Channel) -> Vec<String> {
                let MessageResponse::ListServicesResponse(list) =
                    ask(channel, MessageRequest::ListServices(String::new())).await
                else {
                    panic!("no list of services")
                };
                let mut names: Vec<_> = list.service.into_iter().map(|it| it.name).collect();
                names.sort();
                names
            }

            /// How many files of descriptors it takes to know `symbol`.
            pub async fn files(channel: &Channel, symbol: &str) -> usize {
                match ask(channel, MessageRequest::FileContainingSymbol(symbol.to_owned())).await {
                    MessageResponse::FileDescriptorResponse(files) => files.file_descriptor_proto.len(),
                    _ => 0,
                }
            }
        }
    };
}

reflection!(v1);
reflection!(v1alpha);

#[tokio::test]
async fn both_versions_of_reflection_show_what_is_served_and_what_errors_are_made_of() {
    let app = App::start().await;
    let (daemon, _guard) = daemon(&app).await;
    let all: Vec<&str> = [&["grpc.health.v1.Health"], SERVICES.as_slice()].concat();
    for (channel, served) in [(app.channel(), all), (daemon, vec!["grpc.health.v1.Health", "workcenter.v1.JobService"])]
    {
        assert_eq!(v1::services(&channel).await, served);
        assert_eq!(v1alpha::services(&channel).await, served);
        for symbol in SYMBOLS {
            assert!(0 < v1::files(&channel, symbol).await, "{symbol}");
            assert!(0 < v1alpha::files(&channel, symbol).await, "{symbol}");
        }
    }
}

/// Waits until `service` serves.
async fn serving(channel: &Channel, service: &str) {
    let request = HealthCheckRequest { service: service.to_owned() };
    let mut states = HealthClient::new(channel.clone()).watch(request).await.unwrap().into_inner();
    while states.message().await.unwrap().expect("health is watched").status() != ServingStatus::Serving {}
}

#[tokio::test]
async fn health_answers_for_the_whole_for_each_service_and_for_the_process() {
    let app = App::start().await;
    let (daemon, _guard) = daemon(&app).await;
    for (channel, services) in [(app.channel(), SERVICES.as_slice()), (daemon, &["workcenter.v1.JobService"])] {
        for service in services.iter().chain(&["", "liveness"]) {
            serving(&channel, service).await;
        }
        let unknown = HealthCheckRequest { service: "workcenter.v1.Nothing".to_owned() };
        let status = HealthClient::new(channel).check(unknown).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
    }
}

/// The id in the metadata of an answer.
fn call_id(metadata: &MetadataMap) -> String {
    metadata.get("x-request-id").unwrap().to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_call_has_the_id_it_came_with_or_gets_one_and_errors_have_it_too() {
    let app = App::start().await;
    let ada = app.account("Pier Works").await.admin;
    let me = pb::GetProfileRequest { user_id: "me".to_owned() };

    let mut request = by(&ada.token, me.clone());
    request.metadata_mut().insert("x-request-id", "from-afar-1".parse().unwrap());
    let answer = app.profiles().get_profile(request).await.unwrap();
    assert_eq!(call_id(answer.metadata()), "from-afar-1");

    let mut request = Request::new(me.clone());
    request.metadata_mut().insert("x-request-id", "from-afar-2".parse().unwrap());
    let status = app.profiles().get_profile(request).await.unwrap_err();
    assert_eq!(call_id(status.metadata()), "from-afar-2");

    let mut made = BTreeSet::new();
    for unfit in ["", "with a space", &"x".repeat(81)] {
        let mut request = by(&ada.token, me.clone());
        request.metadata_mut().insert("x-request-id", unfit.parse().unwrap());
        let id = call_id(app.profiles().get_profile(request).await.unwrap().metadata());
        assert!(Uuid::try_parse(&id).is_ok(), "{id}");
        made.insert(id);
    }
    assert_eq!(made.len(), 3);
}

/// The code, the reason and the fields of a refusal.
fn told(status: &Status) -> (Code, String, Vec<String>) {
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().domain, DOMAIN);
    (status.code(), reason(status), fields(status))
}

fn tells(code: Code, reason: &str, fields: &[&str]) -> (Code, String, Vec<String>) {
    (code, reason.to_owned(), fields.iter().map(|it| (*it).to_owned()).collect())
}

#[tokio::test]
async fn a_profile_is_updated_and_read_back_and_every_refusal_says_why() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let stranger = app.account("Sea Works").await.admin;
    let update = |paths: &[&str]| {
        let profile =
            pb::Profile { job_title: "Foreman".to_owned(), email: "x@example.com".to_owned(), ..Default::default() };
        let paths = paths.iter().map(|it| (*it).to_owned()).collect();
        let update_mask = Some(prost_types::FieldMask { paths });
        pb::UpdateProfileRequest { profile: Some(profile), update_mask, etag: String::new() }
    };
    let me = pb::GetProfileRequest { user_id: "me".to_owned() };

    app.profiles().update_profile(by(&ada.token, update(&["job_title"]))).await.unwrap();
    let read = app.profiles().get_profile(by(&ada.token, me.clone())).await.unwrap().into_inner().profile.unwrap();
    assert_eq!((read.job_title.as_str(), read.email.as_str()), ("Foreman", "ada@example.com"));

    for path in ["job_titel", "email", "profile.job_title"] {
        let status = app.profiles().update_profile(by(&ada.token, update(&[path]))).await.unwrap_err();
        assert_eq!(told(&status), tells(Code::InvalidArgument, "MASK_PATH_UNKNOWN", &["update_mask"]));
        let details = status.get_error_details();
        let [violation] = details.bad_request().unwrap().field_violations.as_slice() else { panic!("one violation") };
        assert!(violation.description.contains(path), "{}", violation.description);
        assert_eq!(violation.reason, "MASK_PATH_UNKNOWN");
    }

    let status = app.profiles().get_profile(Request::new(me)).await.unwrap_err();
    assert_eq!(told(&status), tells(Code::Unauthenticated, "CALLER_UNKNOWN", &[]));

    let workcenter = app.workcenter(&ada, account.id, "Plans").await;
    let theirs = pb::GetWorkCenterRequest { workcenter_id: workcenter.to_string() };
    let status = app.workcenters().get_work_center(by(&stranger.token, theirs)).await.unwrap_err();
    assert_eq!(told(&status), tells(Code::NotFound, "WORKCENTER_NOT_FOUND", &[]));
    let details = status.get_error_details();
    let missing = details.resource_info().unwrap();
    assert_eq!(
        (missing.resource_type.as_str(), missing.resource_name.as_str()),
        ("workcenter", &*workcenter.to_string())
    );
}

#[tokio::test]
async fn of_many_violations_as_many_are_told_as_fit_an_answer() {
    let app = App::start().await;
    let key = app.key(&["activity.publish"]).await;
    let publish = async |events: usize| {
        let events = vec![pb::Activity { kind: "!".repeat(61), ..Default::default() }; events];
        let status =
            app.activity().publish_activity(by(&key, pb::PublishActivityRequest { events })).await.unwrap_err();
        assert_eq!((status.code(), reason(&status)), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
        fields(&status)
    };
    let of_one = publish(1).await;
    assert!(of_one.iter().all(|it| it.starts_with("events[0].")), "{of_one:?}");
    let of_many = publish(1_000).await;
    assert_eq!(of_many.len(), VIOLATIONS_MAX);
    assert_eq!(of_many[..of_one.len()], of_one);
}

#[test]
fn every_way_to_fail_has_its_code_and_its_details() {
    let after = Duration::from_secs(7);
    let ways = [
        (Error::Invalid(vec![Violation::new("name", "is required")]), Code::InvalidArgument, "FIELD_INVALID"),
        (Error::Unauthenticated(Reason::CallerUnknown), Code::Unauthenticated, "CALLER_UNKNOWN"),
        (Error::Forbidden, Code::PermissionDenied, "NOT_ALLOWED"),
        (Error::NotFound(Kind::Job, "7".to_owned()), Code::NotFound, "JOB_NOT_FOUND"),
        (Error::Taken(Reason::InvitePending), Code::AlreadyExists, "INVITE_PENDING"),
        (Error::Refused(Reason::LastOwner), Code::FailedPrecondition, "LAST_OWNER"),
        (Error::Refused(Reason::LastAdministrator), Code::FailedPrecondition, "LAST_ADMINISTRATOR"),
        (Error::Conflict(Reason::EtagMismatch), Code::Aborted, "ETAG_MISMATCH"),
        (Error::Exhausted(Reason::SignInThrottled, after), Code::ResourceExhausted, "SIGN_IN_THROTTLED"),
        (Error::Unavailable(Reason::Draining, None), Code::Unavailable, "DRAINING"),
        (Error::internal("the pier has a hole"), Code::Internal, "INTERNAL"),
    ];
    for (error, code, why) in ways {
        let cause = error.source().map(ToString::to_string);
        let status = Status::from(error);
        let details = status.get_error_details();
        assert_eq!(told(&status).0, code);
        assert_eq!(reason(&status), why);
        assert_eq!(details.bad_request().is_some(), code == Code::InvalidArgument);
        assert_eq!(details.resource_info().is_some(), [Code::NotFound, Code::AlreadyExists].contains(&code));
        assert_eq!(details.precondition_failure().is_some(), code == Code::FailedPrecondition);
        assert_eq!(details.retry_info().is_some(), [Code::ResourceExhausted, Code::Unavailable].contains(&code));
        assert!(cause.is_none_or(|it| !status.to_string().contains(&it)), "what is behind it stays with us: {status}");
    }
}

#[tokio::test]
async fn while_no_connection_is_free_calls_are_told_to_come_back() {
    let app = App::start().await;
    let ada = app.account("Pier Works").await.admin;
    let read = async || {
        let me = pb::GetProfileRequest { user_id: "me".to_owned() };
        app.profiles().get_profile(by(&ada.token, me)).await
    };
    let mut all = Vec::new();
    while let Ok(client) = app.pool().client().await {
        all.push(client);
    }
    let status = read().await.unwrap_err();
    assert_eq!(told(&status), tells(Code::Unavailable, "STORE_UNAVAILABLE", &[]));
    assert!(status.get_error_details().retry_info().is_some());
    drop(all);
    read().await.unwrap();
}
