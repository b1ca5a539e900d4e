//! A new password for who has forgotten theirs.

use tonic::{Code, Status};
use workcenter::pb::{RequestPasswordResetRequest, ResetPasswordRequest};

use super::{PASSWORD, ada, as_told, at, count, mailed_token, mails, me, refused, run, sign_in, told};
use crate::harness::App;

const NEW: &str = "seven kinds of seaweed";
const ASKED: &str = "PASSWORD_RESET_ASKED";

async fn ask(app: &App) -> Result<(), Status> {
    let message = RequestPasswordResetRequest { email: "ADA@example.com".to_owned() };
    app.sessions().request_password_reset(message).await.map(|_| ())
}

async fn reset(app: &App, token: &str, password: &str) -> Result<(), Status> {
    let message = ResetPasswordRequest { token: token.to_owned(), new_password: password.to_owned() };
    app.sessions().reset_password(message).await.map(|_| ())
}

fn not_valid() -> (Code, String) {
    as_told(Code::FailedPrecondition, "TOKEN_NOT_VALID")
}

#[tokio::test]
async fn the_link_in_the_mail_sets_a_new_password_once_and_ends_every_session_and_every_wait() {
    let app = App::start().await;
    ada(&app).await;
    let session = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    me(&app, &session).await.unwrap();
    for _ in 0..6 {
        refused(sign_in(&app, "ada@example.com", "wrong").await);
    }
    assert_eq!(refused(sign_in(&app, "ada@example.com", PASSWORD).await).1, "SIGN_IN_THROTTLED");

    ask(&app).await.unwrap();
    let mailed = mails(&app).await;
    assert_eq!(told(&mailed).last(), Some(&(ASKED, "Ada@Example.com")));
    let token = mailed_token(&app, ASKED).await.unwrap();
    assert_eq!(token.len(), 43, "256 bits");
    reset(&app, &token, NEW).await.unwrap();

    assert_eq!(refused(me(&app, &session).await), as_told(Code::Unauthenticated, "SESSION_INVALID"));
    assert_eq!(refused(reset(&app, &token, "tea under the old bridge").await), not_valid());
    sign_in(&app, "ada@example.com", NEW).await.unwrap();
    // The mail with the link has nothing to say any more.
    assert_eq!(told(&mails(&app).await).last(), Some(&("PASSWORD_RESET", "Ada@Example.com")));
    assert_eq!(mailed_token(&app, ASKED).await, None);
}

#[tokio::test]
async fn a_link_that_was_replaced_or_has_run_out_or_never_was_sets_nothing() {
    let app = App::start().await;
    let ada = ada(&app).await;
    ask(&app).await.unwrap();
    let first = mailed_token(&app, ASKED).await.unwrap();
    ask(&app).await.unwrap();
    let second = mailed_token(&app, ASKED).await.unwrap();
    assert_ne!(first, second);
    for token in [first.as_str(), "nonsense", &"A".repeat(43), &"A".repeat(10_000)] {
        assert_eq!(refused(reset(&app, token, NEW).await), not_valid());
    }
    let half_an_hour = "select count(*) from password_reset where expires_at <= now() + interval '30 minutes'
        and now() + interval '29 minutes' < expires_at";
    assert_eq!(count(&app, half_an_hour).await, 1);
    run(&app, &format!("update person set disabled_at = now() where id = '{ada}'")).await;
    assert_eq!(refused(reset(&app, &second, NEW).await), not_valid());
    run(&app, "update person set disabled_at = null").await;
    run(&app, "update password_reset set expires_at = now()").await;
    assert_eq!(refused(reset(&app, &second, NEW).await), not_valid());
    assert_eq!(mailed_token(&app, ASKED).await, None, "and no mail is sent with it");
    sign_in(&app, "ada@example.com", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn of_two_who_have_the_link_one_sets_the_password() {
    let app = App::start().await;
    ada(&app).await;
    ask(&app).await.unwrap();
    let token = mailed_token(&app, ASKED).await.unwrap();
    let (first, second) = tokio::join!(reset(&app, &token, NEW), reset(&app, &token, "tea under the old bridge"));
    assert_eq!([&first, &second].iter().filter(|it| it.is_ok()).count(), 1);
    assert_eq!(refused(if first.is_ok() { second } else { first }), not_valid());
}

#[tokio::test]
async fn a_password_that_breaks_rules_leaves_the_link_as_good_as_it_was() {
    let app = App::start().await;
    ada(&app).await;
    ask(&app).await.unwrap();
    let token = mailed_token(&app, ASKED).await.unwrap();
    for (password, reason) in
        [("short", "PASSWORD_UNACCEPTABLE"), (PASSWORD, "PASSWORD_UNACCEPTABLE"), ("", "FIELD_INVALID")]
    {
        assert_eq!(refused(reset(&app, &token, password).await), as_told(Code::InvalidArgument, reason), "{password}");
    }
    assert_eq!(refused(reset(&app, "", NEW).await), as_told(Code::InvalidArgument, "FIELD_INVALID"));
    reset(&app, &token, NEW).await.unwrap();
}

#[tokio::test]
async fn mails_are_asked_for_three_times_an_hour_and_not_by_one_place_for_everybody() {
    let app = App::start().await;
    ada(&app).await;
    for _ in 0..4 {
        ask(&app).await.unwrap();
    }
    let throttled = as_told(Code::ResourceExhausted, "SIGN_IN_THROTTLED");
    assert_eq!(refused(ask(&app).await), throttled);
    let bad = RequestPasswordResetRequest { email: "ada".to_owned() };
    let bad = app.sessions().request_password_reset(bad).await;
    assert_eq!(refused(bad), as_told(Code::InvalidArgument, "FIELD_INVALID"));

    let key = app.key(&[]).await;
    let from = async |source: &str, email: &str| {
        let message = RequestPasswordResetRequest { email: email.to_owned() };
        app.sessions().request_password_reset(at(&key, source, message)).await.map(|_| ())
    };
    from("203.0.113.1", "bob@example.com").await.unwrap();
    run(&app, "update throttle set count = 20 where kind = 'RESET_NETWORK'").await;
    from("203.0.113.1", "eve@example.com").await.unwrap();
    assert_eq!(refused(from("203.0.113.1", "max@example.com").await), throttled);
    from("198.51.100.7", "max@example.com").await.unwrap();
    // What was refused is not counted.
    assert_eq!(count(&app, "select count(*) from throttle where kind = 'RESET_ADDRESS'").await, 4);
}
