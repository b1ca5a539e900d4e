//! Callers who hang up, who do not read, who send nothing, and who send too much: it is at their own cost.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use http::Request;
use tokio::{
    net::TcpStream,
    task::{JoinHandle, JoinSet, yield_now},
    time::timeout,
};
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use workcenter::{
    config,
    db::{self, Db},
    pb,
};

use super::{
    HANGS_AFTER,
    odd::{Stand, profile},
    tells, told,
};
use crate::{
    harness::{App, by},
    picture as file,
};

/// A connection whose streams may bring `window` bytes before they are read.
async fn connection(address: SocketAddr, window: u32) -> (SendRequest<Bytes>, JoinHandle<Result<(), h2::Error>>) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = Builder::new().initial_window_size(window).handshake(stream).await.unwrap();
    (sender.ready().await.unwrap(), tokio::spawn(connection))
}

fn call(method: &str, token: &str) -> http::request::Builder {
    let call = Request::post(format!("http://x/workcenter.v1.ProfileService/{method}"));
    let call = call.header("content-type", "application/grpc").header("te", "trailers");
    if token.is_empty() { call } else { call.header("authorization", format!("Bearer {token}")) }
}

/// The message with nothing in it.
const NOTHING: Bytes = Bytes::from_static(b"\0\0\0\0\0");

/// A pool with one connection, so that each user has what the one before left.
fn one(app: &App) -> Db {
    Db::new(&config::Database { url: app.database().url.clone(), authorities: None, pool: 1 }).unwrap()
}

/// Begins `work`, and gives it up after so many turns.
async fn given_up<T>(work: impl Future<Output = T>, turns: usize) {
    let mut work = Box::pin(work);
    for _ in 0..turns {
        if futures_util::poll!(work.as_mut()).is_ready() {
            return;
        }
        yield_now().await;
    }
}

#[tokio::test]
async fn who_gives_up_a_statement_does_not_stop_that_of_the_next() {
    let app = App::start().await;
    let db = one(&app);
    for round in 0..100 {
        let client = db.client().await.unwrap();
        given_up(db::text(&client, "select 1", &[]), 1 + round % 3).await;
        drop(client);
        let next = db.client().await.unwrap();
        db::text(&next, "select 1 from pg_sleep(0.005)", &[]).await.unwrap();
    }
}

#[tokio::test]
async fn who_gives_up_a_transaction_leaves_nothing_of_it_to_the_next() {
    let app = App::start().await;
    let db = one(&app);
    for round in 0..100 {
        let mut client = db.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        db::text(&tx, "select 1", &[]).await.unwrap();
        // Ends by itself at about the moment at which it is stopped.
        let statement = format!("select 1 from pg_sleep({})", 0.0002 + 0.00002 * f64::from(round));
        given_up(db::text(&tx, &statement, &[]), 3).await;
        drop(tx);
        drop(client);
        let next = db.client().await.unwrap();
        db::text(&next, "select 1 from pg_sleep(0.003)", &[]).await.unwrap();
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_deadline_though_nobody_reads() {
    let stand = Stand::with(|_| {}).await;
    let (mut sender, _connection) = connection(stand.address, 0).await;
    let request = call("GetPicture", &stand.token).header("grpc-timeout", "300m").body(()).unwrap();
    let (answer, mut body) = sender.send_request(request, false).unwrap();
    body.send_data(NOTHING, true).unwrap();
    let mut answer = timeout(HANGS_AFTER, answer).await.unwrap().unwrap().into_body();
    let ended = timeout(HANGS_AFTER, answer.data()).await.expect("it ends");
    assert!(ended.is_none_or(|it| it.is_err()), "nothing could be sent");
}

#[tokio::test]
async fn an_old_connection_ends_though_an_answer_on_it_is_never_read() {
    let stand = Stand::with(|it| {
        it.connection_age = std::time::Duration::from_secs(1);
        it.call_limit = std::time::Duration::from_secs(1);
    })
    .await;
    let (mut sender, connection) = connection(stand.address, 0).await;
    let request = call("GetProfile", &stand.token).body(()).unwrap();
    let (answer, mut body) = sender.send_request(request, false).unwrap();
    body.send_data(NOTHING, true).unwrap();
    let _answer = timeout(HANGS_AFTER, answer).await.unwrap().unwrap();
    let _ = timeout(HANGS_AFTER, connection).await.expect("it ends").unwrap();
}

#[tokio::test]
async fn strangers_who_send_nothing_take_their_own_places_alone() {
    let stand = Stand::with(|it| it.calls_max = 8.try_into().unwrap()).await;
    let (mut sender, _connection) = connection(stand.address, 65_535).await;
    let mut begun = Vec::new();
    for _ in 0..8 {
        // A head, and no body ever.
        let request = Request::post("http://x/workcenter.v1.SessionService/SignIn");
        let request = request.header("content-type", "application/grpc").body(()).unwrap();
        begun.push(sender.send_request(request, false).unwrap());
        sender = sender.ready().await.unwrap();
    }
    // The last is refused when the others have what there is for them.
    let (answer, _body) = begun.pop().unwrap();
    let answer = timeout(HANGS_AFTER, answer).await.expect("it is refused").unwrap();
    assert_eq!(answer.headers()["grpc-status"], (Code::ResourceExhausted as i32).to_string().as_str());
    stand.client().get_profile(by(&stand.token, profile("somebody"))).await.unwrap();
}

#[tokio::test]
async fn health_takes_no_large_messages_and_repeats_no_long_names() {
    let stand = Stand::with(|_| {}).await;
    let mut health = HealthClient::new(stand.channel());
    for (size, code, reason) in
        [(3 << 10, Code::NotFound, "SERVICE_UNKNOWN"), (5 << 10, Code::ResourceExhausted, "REQUEST_TOO_LARGE")]
    {
        let status = health.check(HealthCheckRequest { service: "x".repeat(size) }).await.unwrap_err();
        assert_eq!(told(&status), tells(code, reason));
    }
}

#[tokio::test]
async fn a_path_of_a_mask_may_be_long_and_is_refused_with_its_reason() {
    let app = App::start().await;
    let token = app.account("Pier Works").await.admin.token;
    let update_mask = Some(prost_types::FieldMask { paths: vec!["x".repeat(20 << 10); 3] });
    let update = pb::UpdatePreferencesRequest { update_mask, ..Default::default() };
    let status = app.preferences().update_preferences(by(&token, update)).await.unwrap_err();
    assert_eq!(told(&status), tells(Code::InvalidArgument, "MASK_PATH_UNKNOWN"));
}

#[tokio::test]
async fn one_person_has_two_uploads_at_a_time_and_the_others_have_theirs() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let mut uploads = JoinSet::new();
    for _ in 0..3 {
        let (mut client, token) = (app.profiles(), ada.token.clone());
        let silent = futures_util::stream::pending::<pb::UploadPictureRequest>();
        uploads.spawn(async move { told(&client.upload_picture(by(&token, silent)).await.unwrap_err()) });
    }
    assert_eq!(uploads.join_next().await.unwrap().unwrap(), tells(Code::ResourceExhausted, "OVERLOADED"));
    let messages = file::messages(&file::jpeg(64, 64), 1000);
    let theirs = by(&account.admin.token, futures_util::stream::iter(messages));
    app.profiles().upload_picture(theirs).await.unwrap();
    while let Some(ended) = uploads.join_next().await {
        assert_eq!(ended.unwrap(), tells(Code::DeadlineExceeded, "DEADLINE"));
    }
}
