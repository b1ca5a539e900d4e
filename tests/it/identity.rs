//! Signing in and out, the keys of services, and whom the gate lets through.

mod address;
mod alike;
mod crowd;
mod pace;
mod password;
mod reset;
mod second;
mod session;
mod throttle;

use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use tokio::task::{JoinSet, yield_now};
use tonic::{Code, Request, Status};
use tonic_types::{ErrorDetail, StatusExt};
use uuid::Uuid;
use workcenter::{
    auth::Names,
    error::{Error, Reason},
    identity::{self, Email, Gate},
    ids,
    notice::{self, Notice, Notices},
    pb::{GetProfileRequest, GetProfileResponse, SignInRequest, SignInResponse, SignOutRequest},
    profile,
    secret::{Hasher, Secret},
};

use crate::harness::{App, by, fields, reason};

const PASSWORD: &str = "correct horse battery";

/// The log of a server that tells where it listens, and nothing of calls: nobody reads on while they come by thousands.
const QUIET: (&str, &str) = ("LOG", "off,workcenter::server=info,workcenter::server::call=off");

/// Where links in mails lead.
const APP_URL: &str = "https://app.example";

/// Ada, who has a password and is not signed in.
async fn ada(app: &App) -> Uuid {
    let phc = Hasher::default().hash(&Secret::from(PASSWORD.to_owned())).await.unwrap();
    let mut client = app.pool().client().await.unwrap();
    let tx = client.transaction().await.unwrap();
    let email = Email::parse("email", "Ada@Example.com").unwrap();
    let id = identity::insert(&tx, &email, &phc, Timestamp::UNIX_EPOCH).await.unwrap();
    profile::insert(&tx, id, "Ada", "Lovelace", "", Timestamp::UNIX_EPOCH).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn sign_in(app: &App, email: &str, password: &str) -> Result<SignInResponse, Status> {
    let message = SignInRequest { email: email.to_owned(), password: password.to_owned() };
    app.sessions().sign_in(Request::new(message)).await.map(tonic::Response::into_inner)
}

/// Who the profile service says the holder of `token` is.
async fn me(app: &App, token: &str) -> Result<String, Status> {
    let request = by(token, GetProfileRequest { user_id: "me".to_owned() });
    app.profiles().get_profile(request).await.map(user)
}

fn user(response: tonic::Response<GetProfileResponse>) -> String {
    response.into_inner().profile.unwrap().user_id
}

/// A request that a gateway with the key `key` makes for somebody at `source`.
fn at<T>(key: &str, source: &str, message: T) -> Request<T> {
    let mut request = by(key, message);
    request.metadata_mut().insert("x-forwarded-for", source.parse().unwrap());
    request
}

/// Signs somebody in who is at `source`.
async fn sign_in_at(app: &App, key: &str, source: &str, password: &str) -> Result<SignInResponse, Status> {
    let message = SignInRequest { email: "ada@example.com".to_owned(), password: password.to_owned() };
    app.sessions().sign_in(at(key, source, message)).await.map(tonic::Response::into_inner)
}

/// The code and the reason of a refusal.
fn refused<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String) {
    let status = answer.unwrap_err();
    (status.code(), reason(&status))
}

/// A refusal as it should be.
fn as_told(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}

/// The mails about somebody's safety that are in the outbox and have something to say: kind, address and text.
pub async fn mails(app: &App) -> Vec<(String, String, String)> {
    let client = app.client().await;
    let put = "select event.id, event.kind from mail join security_event event on event.id = mail.subject_id
        where mail.kind = 'SECURITY' order by event.id";
    let mut mails = Vec::new();
    for row in client.query(put, &[]).await.unwrap() {
        let letters = identity::letters(&client, app.token_key(), APP_URL, &[row.get(0)]).await.unwrap();
        mails.extend(letters.into_iter().map(|(_, to, letter)| (row.get(1), to, letter.text)));
    }
    mails
}

/// The kinds and addresses of these mails.
fn told(mails: &[(String, String, String)]) -> Vec<(&str, &str)> {
    mails.iter().map(|(kind, to, _)| (kind.as_str(), to.as_str())).collect()
}

/// The token in the last mail of a kind.
pub async fn mailed_token(app: &App, kind: &str) -> Option<String> {
    let mails = mails(app).await;
    let (_, _, text) = mails.iter().rev().find(|(it, _, _)| it == kind)?;
    let (_, token) = text.split_once("?token=").unwrap();
    Some(token.split_whitespace().next().unwrap().to_owned())
}

async fn run(app: &App, statement: &str) {
    app.pool().client().await.unwrap().batch_execute(statement).await.unwrap();
}

async fn count(app: &App, statement: &str) -> i64 {
    app.pool().client().await.unwrap().query_one(statement, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_person_signs_in_by_their_address_in_any_case_and_is_known_by_the_token() {
    let app = App::start().await;
    let ada = ada(&app).await.to_string();

    let first = sign_in(&app, " ada@EXAMPLE.com", PASSWORD).await.unwrap();
    let second = sign_in(&app, "Ada@Example.com", PASSWORD).await.unwrap();

    assert_eq!(first.user_id, ada);
    assert!(first.token.starts_with("wcs_"));
    assert_ne!(first.token, second.token);
    assert_eq!(me(&app, &first.token).await.unwrap(), ada);
    assert_eq!(me(&app, &second.token).await.unwrap(), ada);
    let lasts = "select count(*) from session where ends_at = created_at + interval '30 days'
        and idle_until = created_at + interval '8 hours'";
    assert_eq!(count(&app, lasts).await, 2);
}

#[tokio::test]
async fn of_a_token_only_the_hash_is_kept() {
    let app = App::start().await;
    ada(&app).await;
    let token = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;

    let client = app.pool().client().await.unwrap();
    let row = client.query_one("select token_hash = sha256($1) from session", &[&token.as_bytes()]).await.unwrap();
    assert!(row.get::<_, bool>(0));
    let rows = client.query_one("select session::text from session", &[]).await.unwrap();
    assert!(!rows.get::<_, String>(0).contains(&token));
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_are_answered_alike() {
    let app = App::start().await;
    ada(&app).await;

    let wrong = sign_in(&app, "ada@example.com", "correct horse cavalry").await.unwrap_err();
    let unknown = sign_in(&app, "bob@example.com", PASSWORD).await.unwrap_err();

    assert_eq!((wrong.code(), reason(&wrong)), (Code::Unauthenticated, "CREDENTIALS_INVALID".to_owned()));
    // All but the id of the call.
    let details = |status: &Status| {
        let mut details = status.get_error_details_vec();
        details.retain(|it| !matches!(it, ErrorDetail::RequestInfo(_)));
        format!("{details:?}")
    };
    assert_eq!(
        (wrong.code(), wrong.message(), details(&wrong)),
        (unknown.code(), unknown.message(), details(&unknown))
    );
    assert_eq!(count(&app, "select count(*) from throttle where kind = 'ADDRESS' and count = 1").await, 2);
}

#[tokio::test]
async fn a_sign_in_that_cannot_be_one_names_every_field_and_costs_no_attempt() {
    let app = App::start().await;
    for (email, password) in [("", ""), ("ada@localhost", &"x".repeat(129))] {
        let status = sign_in(&app, email, password).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(fields(&status), ["email", "password"]);
    }
    assert_eq!(count(&app, "select count(*) from throttle").await, 0);
}

#[tokio::test]
async fn five_wrong_passwords_are_free_and_from_the_sixth_on_one_waits() {
    let app = App::start().await;
    ada(&app).await;
    for _ in 0..6 {
        let status = sign_in(&app, "ada@example.com", "wrong").await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
    }

    let waits = sign_in(&app, "ADA@example.com", PASSWORD).await.unwrap_err();
    assert_eq!((waits.code(), reason(&waits)), (Code::ResourceExhausted, "SIGN_IN_THROTTLED".to_owned()));
    let after = waits.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert!(Duration::ZERO < after && after <= Duration::from_secs(2), "{after:?}");

    run(&app, "update throttle set count = 100, blocked_until = now() where kind = 'ADDRESS'").await;
    sign_in(&app, "ada@example.com", "wrong").await.unwrap_err();
    let long = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap_err();
    let after = long.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert!(Duration::from_secs(800) < after && after <= Duration::from_secs(900), "{after:?}");

    run(&app, "update throttle set blocked_until = now()").await;
    sign_in(&app, "ada@example.com", PASSWORD).await.unwrap();
    assert_eq!(count(&app, "select count(*) from throttle where kind = 'ADDRESS'").await, 0);
}

#[tokio::test]
async fn guesses_at_once_are_no_more_guesses_than_one_after_the_other() {
    let app = App::start().await;
    ada(&app).await;
    let mut guesses = JoinSet::new();
    for guess in 0..12 {
        let mut sessions = app.sessions();
        let message = SignInRequest { email: "ada@example.com".to_owned(), password: format!("guess number {guess}") };
        guesses.spawn(async move { sessions.sign_in(Request::new(message)).await.unwrap_err().code() });
    }
    let codes = guesses.join_all().await;
    assert!(codes.iter().all(|it| matches!(it, Code::Unauthenticated | Code::ResourceExhausted)), "{codes:?}");
    assert!(codes.iter().filter(|it| **it == Code::Unauthenticated).count() <= 6, "{codes:?}");
}

#[tokio::test]
async fn signing_out_ends_the_session_of_the_call_and_no_other() {
    let app = App::start().await;
    ada(&app).await;
    let (first, second) =
        (sign_in(&app, "ada@example.com", PASSWORD).await.unwrap(), sign_in(&app, "ada@example.com", PASSWORD).await);
    me(&app, &first.token).await.unwrap();

    app.sessions().sign_out(by(&first.token, SignOutRequest {})).await.unwrap();

    let status = me(&app, &first.token).await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::Unauthenticated, "SESSION_INVALID".to_owned()));
    me(&app, &second.unwrap().token).await.unwrap();
    let nobody = app.sessions().sign_out(Request::new(SignOutRequest {})).await.unwrap_err();
    assert_eq!((nobody.code(), reason(&nobody)), (Code::Unauthenticated, "CALLER_UNKNOWN".to_owned()));
}

#[tokio::test]
async fn a_session_that_ends_on_another_server_is_forgotten_here() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let notices = Notices::listen(app.database()).await.unwrap();
    let mut ear = notices.ear();
    let gate = Gate::new(app.pool().clone(), &notices);
    let headers = by(&account.admin.token, ()).into_parts().0.into_headers();
    gate.admit(&headers, &Names::default()).await.unwrap();

    let client = app.pool().client().await.unwrap();
    let row = client.query_one("update session set ended_at = now() returning id", &[]).await.unwrap();
    let id: Uuid = row.get("id");
    notice::tell(&client, notice::SESSION, id).await.unwrap();
    while ear.hear().await != Notice::Session(id) {}
    // The gate has heard it too, and now has its turn.
    yield_now().await;

    let refused = gate.admit(&headers, &Names::default()).await;
    assert!(matches!(refused, Err(Error::Unauthenticated(Reason::SessionInvalid))));
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_when_its_time_is_up() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    for over in ["idle_until = now()", "ends_at = now()", "ended_at = now()"] {
        let person = app.person(&account, &format!("{}@example.com", ids::new()), "Ada", "Lovelace").await;
        run(&app, &format!("update session set {over} where user_id = '{}'", person.id)).await;
        let status = me(&app, &person.token).await.unwrap_err();
        assert_eq!((status.code(), reason(&status)), (Code::Unauthenticated, "SESSION_INVALID".to_owned()), "{over}");
    }
}

#[tokio::test]
async fn a_session_that_is_used_lasts_longer_but_never_beyond_its_end() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let idle_until = async |user: Uuid| -> Timestamp {
        let client = app.pool().client().await.unwrap();
        client.query_one("select idle_until from session where user_id = $1", &[&user]).await.unwrap().get(0)
    };

    let fresh = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let before = idle_until(fresh.id).await;
    me(&app, &fresh.token).await.unwrap();
    assert_eq!(idle_until(fresh.id).await, before, "a session that is a minute old at most is left alone");

    let worn = app.person(&account, "bob@example.com", "Bob", "Byron").await;
    run(&app, &format!("update session set idle_until = now() + interval '1 hour' where user_id = '{}'", worn.id))
        .await;
    me(&app, &worn.token).await.unwrap();
    assert!(before - 1.minute() < idle_until(worn.id).await);

    let old = app.person(&account, "eve@example.com", "Eve", "Moss").await;
    let last = "idle_until = now() + interval '1 hour', ends_at = now() + interval '2 hours'";
    run(&app, &format!("update session set {last} where user_id = '{}'", old.id)).await;
    me(&app, &old.token).await.unwrap();
    let ends = format!("select count(*) from session where idle_until = ends_at and user_id = '{}'", old.id);
    assert_eq!(count(&app, &ends).await, 1);
}

#[tokio::test]
async fn only_a_service_that_may_act_acts_for_people() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let (actor, publisher) = (app.key(&["act"]).await, app.key(&["activity.publish"]).await);
    assert!(actor.starts_with("wck_"));
    let acting = async |token: Option<&str>, whom: &str| {
        let message = GetProfileRequest { user_id: "me".to_owned() };
        let mut request = token.map_or_else(|| Request::new(message.clone()), |it| by(it, message.clone()));
        request.metadata_mut().insert("x-on-behalf-of", whom.parse().unwrap());
        app.profiles().get_profile(request).await.map(user)
    };

    assert_eq!(acting(Some(&actor), &ada.id.to_string()).await.unwrap(), ada.id.to_string());
    for (token, whom, code, why) in [
        (Some(&publisher), ada.id.to_string(), Code::PermissionDenied, "NOT_ALLOWED"),
        (Some(&ada.token), account.admin.id.to_string(), Code::PermissionDenied, "NOT_ALLOWED"),
        (Some(&actor), ids::new().to_string(), Code::NotFound, "USER_NOT_FOUND"),
        (Some(&actor), "ada".to_owned(), Code::InvalidArgument, "FIELD_INVALID"),
        (None, ada.id.to_string(), Code::Unauthenticated, "CALLER_UNKNOWN"),
    ] {
        let status = acting(token.map(String::as_str), &whom).await.unwrap_err();
        assert_eq!((status.code(), reason(&status)), (code, why.to_owned()), "{whom}");
    }

    let mut request = by(&actor, SignOutRequest {});
    request.metadata_mut().insert("x-on-behalf-of", ada.id.to_string().parse().unwrap());
    let status = app.sessions().sign_out(request).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied, "a service has no session to end");

    run(&app, "update service_key set ended_at = now()").await;
    let status = acting(Some(&actor), &account.admin.id.to_string()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated, "a key that has ended");
}

#[tokio::test]
async fn two_people_cannot_have_one_address() {
    let app = App::start().await;
    let ada = ada(&app).await;
    let mut client = app.pool().client().await.unwrap();
    let tx = client.transaction().await.unwrap();
    let email = Email::parse("email", "ADA@example.com").unwrap();
    let taken = identity::insert(&tx, &email, "x", Timestamp::UNIX_EPOCH).await;
    assert!(matches!(taken, Err(Error::Taken(Reason::AddressInUse))));
    drop(tx);

    let found = identity::find(&client, &email.key).await.unwrap().unwrap();
    assert_eq!((found.id, found.email.as_str()), (ada, "Ada@Example.com"));
    let address = identity::address(&client, ada).await.unwrap().unwrap();
    assert_eq!(address, Email { address: "Ada@Example.com".to_owned(), key: email.key });
    assert!(identity::address(&client, ids::new()).await.unwrap().is_none());
}

#[tokio::test]
async fn housekeeping_removes_what_is_long_over_and_nothing_else() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let old =
        format!("update session set ended_at = now() - interval '31 days' where user_id = '{}'", account.admin.id);
    run(&app, &old).await;
    run(
        &app,
        "insert into throttle values ('ADDRESS', 'a', '', 9, now() - interval '25 hours'),
        ('ADDRESS', 'b', '', 9, now())",
    )
    .await;
    run(&app, "insert into sign_in_throttle values ('a', 9, now() - interval '25 hours')").await;
    run(
        &app,
        "insert into security_event (id, kind, source, created_at)
        values (gen_random_uuid(), 'SIGNED_IN', '', now() - interval '181 days'),
        (gen_random_uuid(), 'SIGNED_IN', '', now())",
    )
    .await;

    let client = app.pool().client().await.unwrap();
    assert_eq!(identity::sweep(&client).await.unwrap(), 4);
    assert_eq!(identity::sweep(&client).await.unwrap(), 0);
    assert_eq!(count(&app, "select count(*) from session").await, 1);
    assert_eq!(count(&app, "select count(*) from throttle where subject = 'b'").await, 1);
    assert_eq!(count(&app, "select count(*) from security_event").await, 1);
}
