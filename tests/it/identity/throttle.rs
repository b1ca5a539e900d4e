//! How often one may guess, from where, and who is told of it.

use tonic::{Code, Status};
use workcenter::pb::{ChangePasswordRequest, SignInRequest};

use super::{PASSWORD, ada, as_told, at, count, mails, refused, run, sign_in, sign_in_at, told};
use crate::harness::{App, by};

const OWN: &str = "198.51.100.7";
const STRANGE: &str = "203.0.113.1";

async fn guess(app: &App, key: &str, source: &str, times: usize) {
    for _ in 0..times {
        let answer = sign_in_at(app, key, source, "a wrong password").await;
        assert_eq!(refused(answer), as_told(Code::Unauthenticated, "CREDENTIALS_INVALID"));
    }
}

#[tokio::test]
async fn strangers_cannot_keep_anybody_out_of_where_they_have_signed_in_before() {
    let app = App::start().await;
    ada(&app).await;
    let key = app.key(&[]).await;
    sign_in_at(&app, &key, OWN, PASSWORD).await.unwrap();

    guess(&app, &key, STRANGE, 6).await;
    // Whoever comes from anywhere else waits, the right password or not,
    for source in [STRANGE, "192.0.2.1"] {
        let waits = sign_in_at(&app, &key, source, PASSWORD).await;
        assert_eq!(refused(waits), as_told(Code::ResourceExhausted, "SIGN_IN_THROTTLED"), "{source}");
    }
    // and Ada does not, where she is known; nor does that let the others go on.
    sign_in_at(&app, &key, OWN, PASSWORD).await.unwrap();
    refused(sign_in_at(&app, &key, STRANGE, PASSWORD).await);

    // There, guesses have to wait as anywhere.
    guess(&app, &key, OWN, 6).await;
    assert_eq!(refused(sign_in_at(&app, &key, OWN, PASSWORD).await).1, "SIGN_IN_THROTTLED");
    // A month later it is a place like others.
    run(&app, "update session set created_at = now() - interval '31 days'").await;
    run(&app, "delete from throttle where kind = 'ADDRESS'").await;
    sign_in_at(&app, &key, OWN, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn an_ipv6_network_is_one_place() {
    let app = App::start().await;
    ada(&app).await;
    let key = app.key(&[]).await;
    sign_in_at(&app, &key, "2001:db8:1:2::7", PASSWORD).await.unwrap();
    guess(&app, &key, STRANGE, 6).await;
    sign_in_at(&app, &key, "2001:db8:1:2:aaaa::9", PASSWORD).await.unwrap();
    assert_eq!(refused(sign_in_at(&app, &key, "2001:db8:1:3::7", PASSWORD).await).1, "SIGN_IN_THROTTLED");
}

#[tokio::test]
async fn whoever_tries_many_addresses_from_one_place_waits_there_and_nobody_elsewhere_does() {
    let app = App::start().await;
    ada(&app).await;
    let key = app.key(&[]).await;
    guess(&app, &key, STRANGE, 1).await;
    run(&app, "update throttle set count = 50 where kind = 'NETWORK'").await;
    let anybody = |source: &str| {
        let message = SignInRequest { email: "bob@example.com".to_owned(), password: PASSWORD.to_owned() };
        let request = at(&key, source, message);
        let mut sessions = app.sessions();
        async move { sessions.sign_in(request).await.map(|_| ()) }
    };
    assert_eq!(refused(anybody(STRANGE).await), as_told(Code::Unauthenticated, "CREDENTIALS_INVALID"));
    assert_eq!(refused(anybody(STRANGE).await), as_told(Code::ResourceExhausted, "SIGN_IN_THROTTLED"));
    assert_eq!(refused(anybody(OWN).await), as_told(Code::Unauthenticated, "CREDENTIALS_INVALID"));
    let minute = "select count(*) from throttle where kind = 'NETWORK' and blocked_until > now() + interval '1 minute'";
    run(&app, "update throttle set count = 1000, blocked_until = now() where kind = 'NETWORK'").await;
    refused(anybody(STRANGE).await);
    assert_eq!(count(&app, minute).await, 0, "nobody waits for longer there");
    // What nobody has done for an hour is forgotten.
    run(&app, "update throttle set blocked_until = now() - interval '2 hours'").await;
    refused(anybody(STRANGE).await);
    assert_eq!(count(&app, "select count(*) from throttle where kind = 'NETWORK' and count = 1").await, 1);
}

#[tokio::test]
async fn what_is_no_key_of_ours_says_nothing_of_where_it_is() {
    let app = App::start().await;
    ada(&app).await;
    let message = SignInRequest { email: "ada@example.com".to_owned(), password: PASSWORD.to_owned() };
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("x-forwarded-for", OWN.parse().unwrap());
    app.sessions().sign_in(request).await.unwrap();
    assert_eq!(count(&app, "select count(*) from session where source = '127.0.0.1'").await, 1);
}

#[tokio::test]
async fn the_owner_is_told_of_guesses_once_a_day() {
    let app = App::start().await;
    let ada = ada(&app).await;
    let key = app.key(&[]).await;
    guess(&app, &key, STRANGE, 5).await;
    assert_eq!(mails(&app).await, []);
    for _ in 0..3 {
        guess(&app, &key, STRANGE, 1).await;
        run(&app, "update throttle set blocked_until = now()").await;
    }
    let mailed = mails(&app).await;
    assert_eq!(told(&mailed), [("GUESSING", "Ada@Example.com")]);
    assert!(mailed[0].2.contains(STRANGE), "{}", mailed[0].2);
    assert_eq!(count(&app, "select count(*) from security_event where kind = 'THROTTLED'").await, 3);

    run(&app, &format!("update person set guessing_told_at = now() - interval '25 hours' where id = '{ada}'")).await;
    guess(&app, &key, STRANGE, 1).await;
    assert_eq!(mails(&app).await.len(), 2);
}

#[tokio::test]
async fn whoever_holds_a_session_that_is_not_theirs_does_not_find_out_the_password_by_it() {
    let app = App::start().await;
    ada(&app).await;
    let token = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    let change = async |present: &str| -> Result<(), Status> {
        let message = ChangePasswordRequest {
            current_password: present.to_owned(),
            new_password: "seven kinds of seaweed".to_owned(),
        };
        app.sessions().change_password(by(&token, message)).await.map(|_| ())
    };
    for guess in 0..6 {
        let answer = change(&format!("guess number {guess}")).await;
        assert_eq!(refused(answer), as_told(Code::Unauthenticated, "CREDENTIALS_INVALID"));
    }
    assert_eq!(refused(change(PASSWORD).await), as_told(Code::ResourceExhausted, "SIGN_IN_THROTTLED"));
    let mailed = mails(&app).await;
    assert_eq!(told(&mailed), [("GUESSING", "Ada@Example.com")]);
    // It is another matter than signing in.
    sign_in(&app, "ada@example.com", PASSWORD).await.unwrap();
    run(&app, "update throttle set blocked_until = now()").await;
    change(PASSWORD).await.unwrap();
}
