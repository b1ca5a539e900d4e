//! Connections as their peers see them: those that say nothing, those that are too many, and those that grow old.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use workcenter::{
    config,
    pb::{self, profile_service_client::ProfileServiceClient},
};

use super::{
    HANGS_AFTER,
    odd::{Stand, picture, profile},
    tells, told,
};
use crate::harness::by;

/// A connection that speaks HTTP/2 and nothing more, and what becomes of it.
async fn connection(address: SocketAddr) -> (SendRequest<Bytes>, JoinHandle<Result<(), h2::Error>>) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    (sender.ready().await.unwrap(), tokio::spawn(connection))
}

/// Waits until the peer of `stream` has closed it.
async fn closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let read = timeout(HANGS_AFTER, stream.read_to_end(&mut rest)).await.expect("it is closed");
    // By an end or by a reset: either is an end.
    drop(read);
}

fn at_most(number: u32) -> impl FnOnce(&mut config::Calls) {
    move |it| it.connections_max = number.try_into().unwrap()
}

#[tokio::test]
async fn a_connection_that_does_not_begin_to_speak_is_closed() {
    let stand = Stand::with(|_| {}).await;
    let mut silent = TcpStream::connect(stand.address).await.unwrap();
    let mut stuck = TcpStream::connect(stand.address).await.unwrap();
    stuck.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    tokio::join!(closed(&mut silent), closed(&mut stuck));
}

#[tokio::test]
async fn a_connection_may_have_two_hundred_streams_at_a_time() {
    let stand = Stand::with(|_| {}).await;
    let (sender, _connection) = connection(stand.address).await;
    let told = async {
        // Before the settings have come there is no limit.
        while sender.current_max_send_streams() > 1_000 {
            tokio::task::yield_now().await;
        }
    };
    timeout(HANGS_AFTER, told).await.expect("the settings come");
    assert_eq!(sender.current_max_send_streams(), 200);
}

#[tokio::test]
async fn the_connection_that_is_idle_for_longest_makes_room_and_busy_ones_do_not() {
    let stand = Stand::with(at_most(3)).await;
    let mut busy = stand.client();
    let mut watched = busy.get_picture(by(&stand.token, picture("somebody"))).await.unwrap().into_inner();
    assert!(watched.message().await.unwrap().is_some());
    let (_first, first_ends) = connection(stand.address).await;
    let (_second, second_ends) = connection(stand.address).await;

    let (_third, _) = connection(stand.address).await;
    // It was cut off, which is no error where nothing was under way.
    let _ = timeout(HANGS_AFTER, first_ends).await.expect("the first makes room").unwrap();
    assert!(!second_ends.is_finished());
    busy.get_profile(by(&stand.token, profile("somebody"))).await.unwrap();
}

#[tokio::test]
async fn where_all_connections_are_busy_another_hears_that_the_process_lives_and_has_too_much_to_do() {
    let stand = Stand::with(at_most(1)).await;
    let mut client = stand.client();
    let _watched = client.get_picture(by(&stand.token, picture("somebody"))).await.unwrap();

    let spare = stand.channel();
    let liveness = HealthCheckRequest { service: "liveness".to_owned() };
    let health = HealthClient::new(spare.clone()).check(liveness).await.unwrap().into_inner();
    assert_eq!(health.status(), ServingStatus::Serving);
    let refused = ProfileServiceClient::new(spare).get_profile(by(&stand.token, profile("somebody"))).await;
    assert_eq!(told(&refused.unwrap_err()), tells(Code::ResourceExhausted, "OVERLOADED"));
    client.get_profile(by(&stand.token, profile("somebody"))).await.unwrap();
}

#[tokio::test]
async fn connections_that_are_one_too_many_do_not_keep_others_from_hearing_that_the_process_lives() {
    let stand = Stand::with(at_most(1)).await;
    let _watched = stand.client().get_picture(by(&stand.token, picture("somebody"))).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..40 {
        held.push(connection(stand.address).await);
        // Nobody settles there for good.
        let mut health = HealthClient::new(stand.channel());
        let settled = health.watch(HealthCheckRequest::default()).await;
        assert_eq!(told(&settled.unwrap_err()), tells(Code::ResourceExhausted, "OVERLOADED"));
        let liveness = HealthCheckRequest { service: "liveness".to_owned() };
        assert_eq!(health.check(liveness).await.unwrap().into_inner().status(), ServingStatus::Serving);
    }
}

#[tokio::test]
async fn an_old_connection_takes_no_new_calls_and_ends_those_that_it_has() {
    let stand = Stand::with(|it| it.connection_age = Duration::from_secs(1)).await;
    let (mut sender, mut connection) = connection(stand.address).await;
    let request = || {
        let call = Request::post("http://x/workcenter.v1.ProfileService/GetProfile");
        let call = call.header("content-type", "application/grpc").header("te", "trailers");
        call.header("authorization", format!("Bearer {}", stand.token)).body(()).unwrap()
    };
    let (answer, mut body) = sender.send_request(request(), false).unwrap();
    // Ask for the profile of "wait".
    body.send_data(Bytes::from_static(b"\0\0\0\0\x06\x0a\x04wait"), true).unwrap();

    // The peer says that it takes no more, and keeps what it has.
    let goes = async {
        while sender.clone().ready().await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(HANGS_AFTER, goes).await.expect("it is told to go");
    assert!(!connection.is_finished());
    stand.open.add_permits(1);
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    while let Some(data) = body.data().await {
        let length = data.unwrap().len();
        body.flow_control().release_capacity(length).unwrap();
    }
    assert_eq!(body.trailers().await.unwrap().unwrap()["grpc-status"], "0");
    drop((sender, body));
    timeout(HANGS_AFTER, &mut connection).await.expect("it ends").unwrap().unwrap();
}

#[tokio::test]
async fn more_headers_than_anybody_needs_are_refused_and_the_server_lives() {
    let stand = Stand::with(|_| {}).await;
    let mut request = by(&stand.token, profile("somebody"));
    request.metadata_mut().insert("x-much", "x".repeat(20 << 10).parse().unwrap());
    stand.client().get_profile(request).await.unwrap_err();
    stand.client().get_profile(by(&stand.token, profile("somebody"))).await.unwrap();
}

#[tokio::test]
async fn draining_ends_streams_refuses_newcomers_and_waits_for_no_silent_peer() {
    let stand = Stand::with(|it| it.drain = Duration::from_secs(600)).await;
    let mut silent = TcpStream::connect(stand.address).await.unwrap();
    let (mut client, token) = (stand.client(), stand.token.clone());
    client.get_profile(by(&token, profile("somebody"))).await.unwrap();
    let call = tokio::spawn(async move { client.get_profile(by(&token, profile("wait"))).await });
    let mut health = HealthClient::new(stand.channel());
    let mut states = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    states.message().await.unwrap().unwrap();
    timeout(HANGS_AFTER, stand.waits.acquire()).await.expect("the call is at work").unwrap().forget();

    stand.stop.cancel();
    while states.message().await.is_ok() {}
    closed(&mut silent).await;
    let late = TcpStream::connect(stand.address).await;
    assert!(late.is_err(), "nobody listens any more");
    assert!(!call.is_finished());
    stand.open.add_permits(1);
    assert_eq!(call.await.unwrap().unwrap().into_inner(), pb::GetProfileResponse::default());
}
