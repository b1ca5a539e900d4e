//! How long signing in takes whatever comes of it, and what others notice of a crowd that signs in. It is told, and
//! nothing is asked of it: no test here fails for being slow.
//!
//! `SIGNIN_ROUNDS` sets how often each is measured (1), `SIGNIN_SERVER` with which server: an optimised one, as
//! `make signin` has it.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tonic::{Code, Request};
use workcenter::pb::{
    GetProfileRequest, SignInRequest, profile_service_client::ProfileServiceClient,
    session_service_client::SessionServiceClient,
};

use super::{PASSWORD, QUIET, ada, run};
use crate::{
    channel::Channel,
    harness::{App, by},
    process::program::{SERVER, Serving},
};

/// How many sign in at once.
const CROWD: usize = 200;

fn setting(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "how long a measurement runs is not a setting of a program")]
    std::env::var(name).ok()
}

fn message(email: &str, password: &str) -> SignInRequest {
    SignInRequest { email: email.to_owned(), password: password.to_owned() }
}

/// The one of `times` that a share of them does not exceed.
fn share(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let at = (times.len() as f64 * share).ceil() as usize;
    times[at.clamp(1, times.len()) - 1]
}

/// How long reading a profile takes for as long as somebody of `crowd` is at it, and a hundred times at least: how many
/// there were, the median and the 99th of a hundred.
async fn reading(channel: Channel, token: &str, crowd: &mut JoinSet<Code>) -> (Vec<Code>, String) {
    let mut profiles = ProfileServiceClient::new(channel);
    let (mut times, mut answers) = (Vec::new(), Vec::new());
    while times.len() < 100 || !crowd.is_empty() {
        let began = Instant::now();
        profiles.get_profile(by(token, GetProfileRequest { user_id: "me".to_owned() })).await.unwrap();
        times.push(began.elapsed());
        while let Some(ended) = crowd.try_join_next() {
            answers.push(ended.unwrap());
        }
    }
    let (median, most) = (share(&mut times, 0.5), share(&mut times, 0.99));
    (answers, format!("median {median:?}, p99 {most:?} of {}", times.len()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_long_signing_in_takes_is_told() {
    let rounds = setting("SIGNIN_ROUNDS").and_then(|it| it.parse().ok()).unwrap_or(1);
    let server = setting("SIGNIN_SERVER").unwrap_or_else(|| SERVER.to_owned());
    let app = App::start().await;
    ada(&app).await;
    let account = app.account("Pier Works").await;
    let bob = app.person(&account, "bob@example.com", "Bob", "Byron").await;
    run(&app, &format!("update person set disabled_at = now() where id = '{}'", bob.id)).await;
    let serving = Serving::start(&server, &app, &[QUIET]).await;
    let mut sessions = SessionServiceClient::new(serving.channel());

    let cases = [
        ("right", message("ada@example.com", PASSWORD), Code::Ok),
        ("wrong", message("ada@example.com", "correct horse cavalry"), Code::Unauthenticated),
        ("unknown", message("nobody@example.com", PASSWORD), Code::Unauthenticated),
        ("disabled", message("bob@example.com", crate::harness::PASSWORD), Code::Unauthenticated),
    ];
    let mut times = vec![Vec::new(); cases.len()];
    for _ in 0..rounds {
        for (at, (case, message, code)) in cases.iter().enumerate() {
            run(&app, "delete from throttle").await;
            let began = Instant::now();
            let answer = sessions.sign_in(Request::new(message.clone())).await;
            times[at].push(began.elapsed());
            assert_eq!(answer.map_or_else(|status| status.code(), |_| Code::Ok), *code, "{case}");
        }
    }
    for ((case, ..), times) in cases.iter().zip(&mut times) {
        println!("{case}: median {:?} of {rounds}", share(times, 0.5));
    }

    let token = &account.admin.token;
    let mut crowd = JoinSet::new();
    let (_, alone) = reading(serving.channel(), token, &mut crowd).await;
    println!("GetProfile alone: {alone}");
    let channel = serving.channel();
    for number in 0..CROWD {
        let mut sessions = SessionServiceClient::new(channel.clone());
        let message = message(&format!("nobody-{number}@example.com"), PASSWORD);
        crowd.spawn(async move { sessions.sign_in(message).await.map_or_else(|it| it.code(), |_| Code::Ok) });
    }
    let (answers, among) = reading(serving.channel(), token, &mut crowd).await;
    println!("GetProfile while {CROWD} sign in: {among}");
    let heard = answers.iter().filter(|it| **it == Code::Unauthenticated).count();
    println!("of {CROWD} at once {heard} were heard, the others told to come back");
    assert!(answers.iter().all(|it| [Code::Unauthenticated, Code::ResourceExhausted].contains(it)), "{answers:?}");
}
