//! The list of one's sessions, and ending one of them.

use tonic::{Code, Request};
use workcenter::pb::{ListSessionsRequest, ListSessionsResponse, RevokeSessionRequest};

use super::{PASSWORD, ada, as_told, at, count, me, refused, run, sign_in, sign_in_at};
use crate::harness::{App, by};

async fn list(app: &App, token: &str, page_size: i32, page_token: &str) -> ListSessionsResponse {
    let message = ListSessionsRequest { page_size, page_token: page_token.to_owned() };
    app.sessions().list_sessions(by(token, message)).await.unwrap().into_inner()
}

fn revoke(session_id: &str) -> RevokeSessionRequest {
    RevokeSessionRequest { session_id: session_id.to_owned() }
}

#[tokio::test]
async fn people_see_where_they_are_signed_in_the_session_used_last_first() {
    let app = App::start().await;
    ada(&app).await;
    let key = app.key(&[]).await;
    let here = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    sign_in_at(&app, &key, "198.51.100.7", PASSWORD).await.unwrap();
    sign_in_at(&app, &key, "2001:db8::1", PASSWORD).await.unwrap();
    let over = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    run(&app, "update session set last_used_at = now() - interval '2 hours' where source like '198%'").await;
    run(&app, "update session set last_used_at = now() - interval '1 hour' where source like '2001%'").await;
    app.sessions().sign_out(by(&over, workcenter::pb::SignOutRequest {})).await.unwrap();

    let all = list(&app, &here, 0, "").await;
    let shown: Vec<_> = all.sessions.iter().map(|it| (it.source.as_str(), it.current)).collect();
    assert_eq!(shown, [("127.0.0.1", true), ("2001:db8::1", false), ("198.51.100.7", false)]);
    assert!(all.sessions.iter().all(|it| it.user_agent.starts_with("tonic/")), "{:?}", all.sessions);
    let first = &all.sessions[0];
    let seconds = |it: &Option<prost_types::Timestamp>| it.as_ref().unwrap().seconds;
    assert_eq!(seconds(&first.expire_time) - seconds(&first.create_time), 30 * 24 * 3600);
    assert!(seconds(&first.create_time) <= seconds(&first.last_use_time));

    let (mut paged, mut next) = (Vec::new(), String::new());
    loop {
        let page = list(&app, &here, 1, &next).await;
        assert_eq!(page.sessions.len(), 1);
        paged.extend(page.sessions);
        next = page.next_page_token;
        if next.is_empty() {
            break;
        }
    }
    assert_eq!(paged, all.sessions);

    let refusal = |page_size, page_token: &str| {
        let message = ListSessionsRequest { page_size, page_token: page_token.to_owned() };
        let (app, here) = (&app, &here);
        async move { refused(app.sessions().list_sessions(by(here, message)).await) }
    };
    assert_eq!(refusal(-1, "").await, as_told(Code::InvalidArgument, "FIELD_INVALID"));
    assert_eq!(refusal(0, "nonsense").await, as_told(Code::InvalidArgument, "PAGE_TOKEN_INVALID"));
}

#[tokio::test]
async fn what_a_program_calls_itself_is_kept_as_far_as_it_is_reasonable() {
    let app = App::start().await;
    ada(&app).await;
    let key = app.key(&[]).await;
    let message = workcenter::pb::SignInRequest { email: "ada@example.com".into(), password: PASSWORD.into() };
    let channel = tonic::transport::Channel::builder(app.url().parse().unwrap())
        .user_agent("x".repeat(300))
        .unwrap()
        .connect_lazy();
    let mut sessions = workcenter::pb::session_service_client::SessionServiceClient::new(channel);
    sessions.sign_in(at(&key, "198.51.100.7", message)).await.unwrap();
    assert_eq!(count(&app, "select count(*) from session where agent = repeat('x', 200)").await, 1);
}

#[tokio::test]
async fn one_of_ones_own_sessions_is_ended_from_another_and_nobody_elses() {
    let app = App::start().await;
    ada(&app).await;
    let here = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    let there = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    me(&app, &there).await.unwrap();
    let sessions = list(&app, &here, 0, "").await.sessions;
    let id = &sessions.iter().find(|it| !it.current).unwrap().session_id;

    // Once more is no error, and nothing that is written down.
    for _ in 0..2 {
        app.sessions().revoke_session(by(&here, revoke(id))).await.unwrap();
    }
    assert_eq!(refused(me(&app, &there).await), as_told(Code::Unauthenticated, "SESSION_INVALID"));
    me(&app, &here).await.unwrap();
    assert_eq!(list(&app, &here, 0, "").await.sessions.len(), 1);
    assert_eq!(count(&app, "select count(*) from security_event where kind = 'SESSION_REVOKED'").await, 1);

    let stranger = app.account("Sea Works").await.admin;
    let nothing = workcenter::ids::new().to_string();
    for (id, code, reason) in [
        (sessions[0].session_id.as_str(), Code::NotFound, "SESSION_NOT_FOUND"),
        (nothing.as_str(), Code::NotFound, "SESSION_NOT_FOUND"),
        ("nonsense", Code::InvalidArgument, "FIELD_INVALID"),
    ] {
        let answer = app.sessions().revoke_session(by(&stranger.token, revoke(id))).await;
        assert_eq!(refused(answer), as_told(code, reason), "{id}");
    }
    me(&app, &here).await.unwrap();
    let nobody = app.sessions().list_sessions(Request::new(ListSessionsRequest::default())).await;
    assert_eq!(refused(nobody), as_told(Code::Unauthenticated, "CALLER_UNKNOWN"));
}
