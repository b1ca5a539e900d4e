//! What strangers cannot tell apart, and what nobody gets to see.

use tonic::Status;
use tonic_types::{ErrorDetail, StatusExt};
use workcenter::{
    auth::Names,
    error::{Error, Kind, Reason},
    identity::{self, Gate},
    notice::Notices,
    pb::{
        CheckPasswordRequest, RequestPasswordResetRequest, ResetPasswordRequest, SignInRequest,
        session_service_client::SessionServiceClient,
    },
};

use super::{PASSWORD, ada, count, mails, me, refused, run, sign_in};
use crate::{
    harness::{App, by},
    process::program::{SERVER, Serving},
};

/// All that a refusal says, but the id of its call.
fn said(status: &Status) -> String {
    let mut details = status.get_error_details_vec();
    details.retain(|it| !matches!(it, ErrorDetail::RequestInfo(_)));
    format!("{:?} {} {details:?}", status.code(), status.message())
}

#[tokio::test]
async fn a_wrong_password_an_unknown_address_and_a_disabled_person_are_answered_alike_after_the_same_work() {
    let app = App::start().await;
    let ada = ada(&app).await;
    let refusal = async |email: &str, password: &str| {
        let before = app.parts().hasher.made();
        let status = sign_in(&app, email, password).await.unwrap_err();
        (said(&status), app.parts().hasher.made() - before)
    };

    let wrong = refusal("ada@example.com", "correct horse cavalry").await;
    let unknown = refusal("bob@example.com", PASSWORD).await;
    run(&app, &format!("update person set disabled_at = now() where id = '{ada}'")).await;
    let disabled = refusal("ada@example.com", PASSWORD).await;

    assert_eq!(wrong.1, 1);
    assert_eq!((&wrong, &wrong), (&unknown, &disabled));
    assert_eq!(count(&app, "select count(*) from security_event where kind = 'SIGN_IN_FAILED'").await, 3);
    assert_eq!(count(&app, "select count(*) from security_event where user_id is null").await, 1);
}

#[tokio::test]
async fn whoever_is_disabled_is_out_at_once_and_comes_back_when_they_are_enabled() {
    let app = App::start().await;
    let ada = ada(&app).await;
    let token = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    me(&app, &token).await.unwrap();
    let disable = async |is_disabled| {
        let mut client = app.client().await;
        let tx = client.transaction().await.unwrap();
        let changed = identity::set_disabled(&tx, ada, is_disabled, app.now().await).await.unwrap();
        tx.commit().await.unwrap();
        changed
    };

    assert!(disable(true).await);
    assert!(!disable(true).await);
    // The row alone keeps them out, whoever ends the session.
    run(&app, "update session set ended_at = null").await;
    let gate = Gate::new(app.pool().clone(), &Notices::listen(app.database()).await.unwrap());
    let headers = by(&token, ()).into_parts().0.into_headers();
    assert!(matches!(
        gate.admit(&headers, &Names::default()).await,
        Err(Error::Unauthenticated(Reason::SessionInvalid))
    ));
    let acting =
        [("authorization", format!("Bearer {}", app.key(&["act"]).await)), ("x-on-behalf-of", ada.to_string())];
    let headers = acting.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    assert!(matches!(gate.admit(&headers, &Names::default()).await, Err(Error::NotFound(Kind::User, _))));
    refused(sign_in(&app, "ada@example.com", PASSWORD).await);
    app.sessions()
        .request_password_reset(RequestPasswordResetRequest { email: "ada@example.com".to_owned() })
        .await
        .unwrap();
    assert_eq!(mails(&app).await, []);

    assert!(disable(false).await);
    sign_in(&app, "ada@example.com", PASSWORD).await.unwrap();
    let kinds = "select count(*) from security_event where kind in ('DISABLED', 'ENABLED')";
    assert_eq!(count(&app, kinds).await, 2);
}

#[tokio::test]
async fn a_new_password_is_asked_for_alike_for_those_who_are_and_those_who_are_not() {
    let app = App::start().await;
    ada(&app).await;
    let ask = async |email: &str| {
        let message = RequestPasswordResetRequest { email: email.to_owned() };
        let mut answers = Vec::new();
        for _ in 0..4 {
            let answer = app.sessions().request_password_reset(message.clone()).await;
            answers.push(answer.map(|_| ()).map_err(|status| (status.code(), status.message().to_owned())));
        }
        answers
    };
    let (known, unknown) = (ask("ada@example.com").await, ask("bob@example.com").await);
    assert_eq!(known, unknown);
    // Of a person who is not nothing is left, not even what was done to take as long.
    for (statement, left) in [
        ("select count(*) from password_reset", 1),
        ("select count(*) from security_event where kind = 'PASSWORD_RESET_ASKED'", 4),
        ("select count(*) from mail where kind = 'SECURITY'", 4),
    ] {
        assert_eq!(count(&app, statement).await, left, "{statement}");
    }
}

#[tokio::test]
async fn no_log_has_a_password_a_token_or_an_address_in_it() {
    let app = App::start().await;
    ada(&app).await;
    let server = Serving::start(SERVER, &app, &[("LOG", "info,workcenter=trace")]).await;
    let mut sessions = SessionServiceClient::new(server.channel());
    let wrong = "a wrong password that nobody has";
    for password in [PASSWORD, wrong] {
        let message = SignInRequest { email: "ada@example.com".to_owned(), password: password.to_owned() };
        let answer = sessions.sign_in(message).await;
        assert_eq!(answer.is_ok(), password == PASSWORD);
    }
    let token = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    let new = "seven kinds of seaweed";
    sessions.check_password(by(&token, CheckPasswordRequest { password: new.to_owned() })).await.unwrap();
    let message = RequestPasswordResetRequest { email: "ada@example.com".to_owned() };
    sessions.request_password_reset(message).await.unwrap();
    let reset = super::mailed_token(&app, "PASSWORD_RESET_ASKED").await.unwrap();
    let message = ResetPasswordRequest { token: reset.clone(), new_password: new.to_owned() };
    sessions.reset_password(message).await.unwrap();
    server.terminate().await;
    let (_, log) = server.end().await;
    assert!(log.iter().any(|it| it.contains("ResetPassword")), "{log:?}");
    for secret in [PASSWORD, wrong, new, &token, &reset, "ada@example.com"] {
        assert!(!log.iter().any(|it| it.to_lowercase().contains(&secret.to_lowercase())), "{secret}");
    }
}

#[tokio::test]
async fn no_password_and_no_token_stands_in_the_database_as_it_is() {
    let app = App::start().await;
    ada(&app).await;
    let token = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    app.sessions()
        .request_password_reset(RequestPasswordResetRequest { email: "ada@example.com".to_owned() })
        .await
        .unwrap();
    let reset = super::mailed_token(&app, "PASSWORD_RESET_ASKED").await.unwrap();
    for table in ["person", "session", "throttle", "password_reset", "security_event", "mail"] {
        let rows = app.client().await.query(&format!("select {table}::text from {table}"), &[]).await.unwrap();
        for row in rows {
            let row: String = row.get(0);
            assert!([PASSWORD, &token, &reset].iter().all(|it| !row.contains(*it)), "{table}: {row}");
        }
    }
}
