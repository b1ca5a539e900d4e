//! What stands before every service: how many calls, for how long, and how they end when something is wrong.

mod connections;
mod odd;
mod rude;

use std::time::Duration;

use tokio::{task::JoinSet, time::timeout};
use tonic::{Code, Request, Status, codec::CompressionEncoding};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_types::StatusExt;
use workcenter::pb;

use crate::harness::{by, reason};
use odd::{QUERY, Stand, picture, profile};

/// How long anything may take before the test says that it hangs.
pub const HANGS_AFTER: Duration = Duration::from_secs(30);

fn told(status: &Status) -> (Code, String) {
    (status.code(), reason(status))
}

fn tells(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}

#[tokio::test]
async fn calls_beyond_the_places_are_refused_while_the_others_are_still_at_work() {
    const PLACES: u32 = 8;
    let stand = Stand::with(|it| it.calls_max = PLACES.try_into().unwrap()).await;
    let mut calls = JoinSet::new();
    let mut client = stand.client();
    for _ in 0..10 * PLACES {
        let (mut client, request) = (client.clone(), by(&stand.token, profile("wait")));
        calls.spawn(async move { client.get_profile(request).await });
    }

    // Nobody is let go on before all that are too many have been refused.
    for _ in 0..9 * PLACES {
        let refused = timeout(HANGS_AFTER, calls.join_next()).await.expect("it is refused at once");
        let status = refused.unwrap().unwrap().unwrap_err();
        assert_eq!(told(&status), tells(Code::ResourceExhausted, "OVERLOADED"));
        let details = status.get_error_details();
        assert!(details.retry_info().unwrap().retry_delay.is_some());
        assert!(details.quota_failure().is_some());
    }
    // Health answers meanwhile.
    let liveness = HealthCheckRequest { service: "liveness".to_owned() };
    let health = HealthClient::new(stand.channel()).check(liveness).await.unwrap();
    assert_eq!(health.into_inner().status(), ServingStatus::Serving);

    stand.open.add_permits(PLACES as usize);
    while let Some(answered) = timeout(HANGS_AFTER, calls.join_next()).await.expect("it is answered") {
        answered.unwrap().unwrap();
    }
    client.get_profile(by(&stand.token, profile("somebody"))).await.unwrap();
}

#[tokio::test]
async fn streams_beyond_the_places_are_refused_until_one_ends() {
    let stand = Stand::with(|it| it.streams_max = 1.try_into().unwrap()).await;
    let mut client = stand.client();
    let first = client.get_picture(by(&stand.token, picture("somebody"))).await.unwrap();
    let status = client.get_picture(by(&stand.token, picture("somebody"))).await.unwrap_err();
    assert_eq!(told(&status), tells(Code::ResourceExhausted, "OVERLOADED"));
    // What is no stream is not hindered.
    client.get_profile(by(&stand.token, profile("somebody"))).await.unwrap();

    drop(first);
    let again = async { while client.get_picture(by(&stand.token, picture("somebody"))).await.is_err() {} };
    timeout(HANGS_AFTER, again).await.expect("its place is given back");
}

#[tokio::test]
async fn a_call_that_panics_is_an_internal_error_with_its_id_and_the_next_is_answered() {
    let stand = Stand::with(|_| {}).await;
    let mut client = stand.client();
    let mut request = by(&stand.token, profile("panic"));
    request.metadata_mut().insert("x-request-id", "the-one-that-fell".parse().unwrap());
    let status = client.get_profile(request).await.unwrap_err();
    assert_eq!(told(&status), tells(Code::Internal, "INTERNAL"));
    assert_eq!(status.get_error_details().request_info().unwrap().request_id, "the-one-that-fell");
    assert!(!format!("{status:?}").contains("hole"), "what it said stays with us");

    let mut stream = client.get_picture(by(&stand.token, picture("panic"))).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    let status = stream.message().await.unwrap_err();
    assert_eq!(told(&status), tells(Code::Internal, "INTERNAL"));
    assert!(status.get_error_details().request_info().is_some());

    client.get_profile(by(&stand.token, profile("somebody"))).await.unwrap();
}

#[tokio::test]
async fn a_call_that_takes_longer_than_the_server_allows_ends_with_its_deadline() {
    let stand = Stand::with(|it| it.call_limit = Duration::from_millis(100)).await;
    let status = stand.client().get_profile(by(&stand.token, profile("wait"))).await.unwrap_err();
    assert_eq!(told(&status), tells(Code::DeadlineExceeded, "DEADLINE"));
    assert!(status.get_error_details().request_info().is_some());
}

#[tokio::test]
async fn a_stream_ends_with_the_deadline_of_its_caller() {
    let stand = Stand::with(|_| {}).await;
    let mut request = by(&stand.token, picture("somebody"));
    request.set_timeout(Duration::from_millis(300));
    let mut stream = stand.client().get_picture(request).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    let ended = timeout(HANGS_AFTER, stream.message()).await.expect("it ends");
    assert_eq!(told(&ended.unwrap_err()), tells(Code::DeadlineExceeded, "DEADLINE"));
}

#[tokio::test]
async fn a_deadline_that_is_none_is_refused() {
    let stand = Stand::with(|_| {}).await;
    let mut request = by(&stand.token, profile("somebody"));
    request.metadata_mut().insert("grpc-timeout", "soon".parse().unwrap());
    let status = stand.client().get_profile(request).await.unwrap_err();
    assert_eq!(told(&status), tells(Code::InvalidArgument, "REQUEST_MALFORMED"));
}

/// Waits until so many of the connections of the application run [`QUERY`].
async fn asking(stand: &Stand, number: i64) {
    let client = stand.app.client().await;
    let count = "select count(*) from pg_stat_activity
        where query = $1 and state = 'active' and datname = current_database() and pid <> pg_backend_pid()";
    let becomes = async { while client.query_one(count, &[&QUERY]).await.unwrap().get::<_, i64>(0) != number {} };
    timeout(HANGS_AFTER, becomes).await.unwrap_or_else(|_| panic!("never {number} of them ask"));
}

#[tokio::test]
async fn the_query_of_a_caller_who_goes_away_is_stopped_and_its_connection_is_used_again() {
    let stand = Stand::with(|_| {}).await;
    let before = stand.app.pool().status().size;
    for whom in ["query", "query in a transaction"] {
        let (mut client, request) = (stand.client(), by(&stand.token, profile(whom)));
        let call = tokio::spawn(async move { client.get_profile(request).await });
        asking(&stand, 1).await;
        call.abort();
        asking(&stand, 0).await;
    }
    let mut client = stand.client();
    for _ in 0..20 {
        client.get_profile(by(&stand.token, profile("somebody"))).await.unwrap();
    }
    assert!(stand.app.pool().status().size <= before + 2, "connections are opened again and again");
}

#[tokio::test]
async fn the_query_of_a_call_whose_time_is_over_is_stopped() {
    let stand = Stand::with(|it| it.call_limit = Duration::from_secs(1)).await;
    let status = stand.client().get_profile(by(&stand.token, profile("query"))).await.unwrap_err();
    assert_eq!(told(&status), tells(Code::DeadlineExceeded, "DEADLINE"));
    asking(&stand, 0).await;
}

#[tokio::test]
async fn what_the_transport_refuses_has_a_reason_too() {
    let stand = Stand::with(|_| {}).await;
    let large = pb::GetProfileRequest { user_id: "x".repeat(65 << 10) };
    let status = stand.client().get_profile(by(&stand.token, large.clone())).await.unwrap_err();
    assert_eq!(told(&status), tells(Code::ResourceExhausted, "REQUEST_TOO_LARGE"));

    // Packed it is small; what it unpacks to is not.
    let mut packing = stand.client().send_compressed(CompressionEncoding::Gzip);
    let status = packing.get_profile(by(&stand.token, large)).await.unwrap_err();
    assert_eq!(told(&status), tells(Code::ResourceExhausted, "REQUEST_TOO_LARGE"));
    let answer = packing.get_profile(by(&stand.token, profile("somebody"))).await.unwrap();
    assert!(answer.metadata().get("grpc-encoding").is_none(), "answers are not packed");

    let mut another = pb::job_service_client::JobServiceClient::new(stand.channel());
    let status = another.get_job(by(&stand.token, pb::GetJobRequest::default())).await.unwrap_err();
    assert_eq!(told(&status), tells(Code::Unimplemented, "METHOD_UNKNOWN"));
}

#[tokio::test]
async fn health_knows_no_service_of_another_name_and_watches_for_it_all_the_same() {
    let stand = Stand::with(|_| {}).await;
    let mut health = HealthClient::new(stand.channel());
    let unknown = || HealthCheckRequest { service: "workcenter.v1.Nothing".to_owned() };
    let status = health.check(unknown()).await.unwrap_err();
    assert_eq!(told(&status), tells(Code::NotFound, "SERVICE_UNKNOWN"));
    let mut states = health.watch(unknown()).await.unwrap().into_inner();
    assert_eq!(states.message().await.unwrap().unwrap().status(), ServingStatus::ServiceUnknown);

    // It goes on until the process drains.
    stand.stop.cancel();
    let ended = timeout(HANGS_AFTER, states.message()).await.expect("it ends");
    assert_eq!(told(&ended.unwrap_err()), tells(Code::Unavailable, "DRAINING"));
}

#[tokio::test]
async fn reflection_is_there_unless_it_is_switched_off() {
    use tonic_reflection::pb::v1::{ServerReflectionRequest, server_reflection_client::ServerReflectionClient};
    for on in [true, false] {
        let stand = Stand::with(|it| it.reflection = on).await;
        let requests = futures_util::stream::iter([ServerReflectionRequest::default()]);
        let asked = ServerReflectionClient::new(stand.channel()).server_reflection_info(Request::new(requests)).await;
        assert_eq!(
            asked.map(|_| ()).map_err(|it| told(&it)),
            match on {
                true => Ok(()),
                false => Err(tells(Code::Unimplemented, "METHOD_UNKNOWN")),
            }
        );
    }
}
