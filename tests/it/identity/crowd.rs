//! Many who sign in at once: as many as there is memory for, and the others are told to come back.

use tokio::task::JoinSet;
use tonic::{Code, Request};
use tonic_types::StatusExt;
use workcenter::{
    identity::Email,
    pb::{GetPasswordPolicyRequest, SignInRequest, session_service_client::SessionServiceClient},
};

use super::{PASSWORD, QUIET, ada, reason};
use crate::{
    harness::App,
    process::program::{SERVER, Serving},
};

/// What a server has before anybody signs in, in KiB, with room for what differs from run to run.
const BASE_KIB: u64 = 160 << 10;

/// What one hash takes, in KiB.
const HASH_KIB: u64 = 19 << 10;

/// The most memory that a process ever had, in KiB.
fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn two_hundred_at_once_are_let_in_or_told_to_come_back_and_nothing_else_waits() {
    let app = App::start().await;
    ada(&app).await;
    let server = Serving::start(SERVER, &app, &[QUIET]).await;
    let before = peak_kib(server.pid());
    let channel = server.channel();
    let mut crowd = JoinSet::new();
    for number in 0..200 {
        let mut sessions = SessionServiceClient::new(channel.clone());
        let email = if number % 2 == 0 { "ada@example.com".to_owned() } else { format!("nobody-{number}@example.com") };
        assert!(Email::parse("email", &email).is_ok());
        let message = SignInRequest { email, password: PASSWORD.to_owned() };
        crowd.spawn(async move { sessions.sign_in(Request::new(message)).await.map(|_| ()) });
    }
    let mut others = SessionServiceClient::new(channel);
    for _ in 0..20 {
        others.get_password_policy(GetPasswordPolicyRequest {}).await.unwrap();
    }
    let answers = crowd.join_all().await;

    let sent_away: Vec<_> =
        answers.iter().filter_map(|it| it.as_ref().err()).filter(|it| it.code() != Code::Unauthenticated).collect();
    assert!(!sent_away.is_empty(), "there were more than can wait");
    for status in &sent_away {
        assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
        assert!(["OVERLOADED", "SIGN_IN_THROTTLED"].contains(&reason(status).as_str()), "{status:?}");
        assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
    }
    assert!(answers.iter().any(Result::is_ok), "somebody was let in");
    let permits = std::thread::available_parallelism().map_or(1, |it| it.get() as u64 - 1).max(1);
    let peak = peak_kib(server.pid());
    assert!(peak < BASE_KIB + permits * HASH_KIB, "{before} KiB before, {peak} KiB at most");
}
