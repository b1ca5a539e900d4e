//! Another address: asked for with the password, confirmed by a mail to it.

use std::pin::pin;

use futures_util::future::{Either, select};
use tonic::{Code, Request, Status};
use workcenter::{
    daemon::Sweep,
    identity,
    pb::{
        ChangePasswordRequest, ConfirmEmailChangeRequest, ConfirmEmailChangeResponse, GetProfileRequest,
        RequestEmailChangeRequest,
    },
};

use super::{PASSWORD, ada, as_told, count, mailed_token, mails, refused, run, sign_in, told};
use crate::{
    harness::{App, by, fields},
    request::waits,
    sink::Sink,
};

const CONFIRM: &str = "ADDRESS_TO_CONFIRM";

async fn ask(app: &App, token: &str, email: &str, password: &str) -> Result<(), Status> {
    let message = RequestEmailChangeRequest { new_email: email.to_owned(), password: password.to_owned() };
    app.profiles().request_email_change(by(token, message)).await.map(|_| ())
}

async fn confirm(app: &App, token: &str) -> Result<ConfirmEmailChangeResponse, Status> {
    let message = ConfirmEmailChangeRequest { token: token.to_owned() };
    app.profiles().confirm_email_change(message).await.map(tonic::Response::into_inner)
}

fn not_valid() -> (Code, String) {
    as_told(Code::FailedPrecondition, "TOKEN_NOT_VALID")
}

#[tokio::test]
async fn an_address_changes_when_the_new_one_is_confirmed_and_both_are_told() {
    let app = App::start().await;
    let ada = ada(&app).await;
    let session = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    let profile = async || {
        let request = by(&session, GetProfileRequest { user_id: "me".to_owned() });
        app.profiles().get_profile(request).await.unwrap().into_inner().profile.unwrap()
    };
    let before = profile().await;

    ask(&app, &session, "Countess@Example.org", PASSWORD).await.unwrap();

    assert_eq!((profile().await.email.as_str(), profile().await.etag), ("Ada@Example.com", before.etag.clone()));
    assert_eq!(profile().await.pending_email, "Countess@Example.org");
    let mailed = mails(&app).await;
    assert_eq!(told(&mailed), [("ADDRESS_CHANGE_ASKED", "Ada@Example.com"), (CONFIRM, "Countess@Example.org")]);
    assert!(mailed[0].2.contains("Countess@Example.org") && !mailed[0].2.contains("token="), "{}", mailed[0].2);
    let day = "select count(*) from address_change where expires_at = created_at + interval '24 hours'";
    assert_eq!(count(&app, day).await, 1);

    let token = mailed_token(&app, CONFIRM).await.unwrap();
    let moved = confirm(&app, &token).await.unwrap();
    assert_eq!((moved.user_id, moved.email.as_str()), (ada.to_string(), "Countess@Example.org"));
    let after = profile().await;
    assert_eq!(after.email, "Countess@Example.org");
    assert_ne!(after.etag, before.etag);
    assert_eq!(after.pending_email, "");
    assert_eq!(told(&mails(&app).await).last(), Some(&("ADDRESS_CHANGED", "Ada@Example.com")));
    sign_in(&app, "countess@example.org", PASSWORD).await.unwrap();
    assert_eq!(refused(sign_in(&app, "ada@example.com", PASSWORD).await).1, "CREDENTIALS_INVALID");
    assert_eq!(refused(confirm(&app, &token).await), not_valid());
}

#[tokio::test]
async fn a_link_that_was_replaced_or_has_run_out_or_never_was_changes_nothing() {
    let app = App::start().await;
    let ada = ada(&app).await;
    let session = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    ask(&app, &session, "first@example.org", PASSWORD).await.unwrap();
    let first = mailed_token(&app, CONFIRM).await.unwrap();
    ask(&app, &session, "second@example.org", PASSWORD).await.unwrap();
    let second = mailed_token(&app, CONFIRM).await.unwrap();
    for token in [first.as_str(), "nonsense"] {
        assert_eq!(refused(confirm(&app, token).await), not_valid());
    }
    assert_eq!(refused(confirm(&app, "").await), as_told(Code::InvalidArgument, "FIELD_INVALID"));
    run(&app, &format!("update person set disabled_at = now() where id = '{ada}'")).await;
    assert_eq!(refused(confirm(&app, &second).await), not_valid());
    run(&app, "update person set disabled_at = null").await;
    run(&app, "update address_change set expires_at = now()").await;
    assert_eq!(refused(confirm(&app, &second).await), not_valid());
    assert_eq!(identity::pending_address(&app.client().await, ada).await.unwrap(), None);

    // Whoever has asked with the password loses it when the password changes.
    ask(&app, &session, "third@example.org", PASSWORD).await.unwrap();
    let third = mailed_token(&app, CONFIRM).await.unwrap();
    let message =
        ChangePasswordRequest { current_password: PASSWORD.into(), new_password: "seven kinds of seaweed".into() };
    app.sessions().change_password(by(&session, message)).await.unwrap();
    assert_eq!(refused(confirm(&app, &third).await), not_valid());
}

#[tokio::test]
async fn an_address_that_is_somebodys_is_answered_alike_and_nothing_goes_there() {
    let app = App::start().await;
    ada(&app).await;
    let account = app.account("Pier Works").await;
    let bob = app.person(&account, "bob@example.com", "Bob", "Byron").await;
    let session = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;

    ask(&app, &session, "BOB@example.com", PASSWORD).await.unwrap();
    assert_eq!(told(&mails(&app).await), [("ADDRESS_CHANGE_ASKED", "Ada@Example.com")]);

    // Of two who want the same, the first to confirm has it.
    ask(&app, &session, "free@example.org", PASSWORD).await.unwrap();
    let token = mailed_token(&app, CONFIRM).await.unwrap();
    run(
        &app,
        &format!(
            "update person set email = 'free@example.org', email_key = 'free@example.org' where id = '{}'",
            bob.id
        ),
    )
    .await;
    assert_eq!(refused(confirm(&app, &token).await), not_valid());
    sign_in(&app, "ada@example.com", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn another_address_takes_the_password_and_is_an_address() {
    let app = App::start().await;
    ada(&app).await;
    let session = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    let status = ask(&app, &session, "ada@localhost", "").await.unwrap_err();
    assert_eq!(
        (status.code(), fields(&status)),
        (Code::InvalidArgument, vec!["new_email".to_owned(), "password".to_owned()])
    );
    for _ in 0..6 {
        let answer = ask(&app, &session, "a@example.org", "wrong").await;
        assert_eq!(refused(answer), as_told(Code::Unauthenticated, "CREDENTIALS_INVALID"));
    }
    let answer = ask(&app, &session, "a@example.org", PASSWORD).await;
    assert_eq!(refused(answer), as_told(Code::ResourceExhausted, "SIGN_IN_THROTTLED"));
    let message = RequestEmailChangeRequest { new_email: "a@example.org".into(), password: PASSWORD.into() };
    let nobody = app.profiles().request_email_change(Request::new(message)).await;
    assert_eq!(refused(nobody), as_told(Code::Unauthenticated, "CALLER_UNKNOWN"));
    assert_eq!(told(&mails(&app).await), [("GUESSING", "Ada@Example.com")]);
}

#[tokio::test]
async fn a_password_that_is_replaced_while_it_is_looked_at_asks_for_nothing() {
    let app = App::start().await;
    ada(&app).await;
    let session = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    refused(ask(&app, &session, "new@example.org", "wrong").await);
    let mut client = app.client().await;
    let tx = client.transaction().await.unwrap();
    // The right password forgets the wrong ones, and waits for whoever does already.
    tx.batch_execute("select from throttle for update").await.unwrap();
    let asking = pin!(ask(&app, &session, "new@example.org", PASSWORD));
    let Either::Right(((), asking)) = select(asking, pin!(waits(app.pool()))).await else {
        panic!("it did not wait");
    };
    tx.batch_execute("update person set password_hash = 'that of another one'").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(refused(asking.await), as_told(Code::Aborted, "WRITE_CONFLICT"));
    assert_eq!((count(&app, "select count(*) from address_change").await, mails(&app).await), (0, vec![]));
}

#[tokio::test]
async fn the_address_before_is_told_what_was_asked_however_late_its_mail_goes() {
    let app = App::start().await;
    ada(&app).await;
    let session = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    ask(&app, &session, "new@example.org", PASSWORD).await.unwrap();
    confirm(&app, &mailed_token(&app, CONFIRM).await.unwrap()).await.unwrap();
    let old = "Ada@Example.com";
    assert_eq!(told(&mails(&app).await), [("ADDRESS_CHANGE_ASKED", old), ("ADDRESS_CHANGED", old)]);
}

#[tokio::test]
async fn nobody_fills_the_mailbox_of_another_with_mails_to_confirm_it() {
    let app = App::start().await;
    let ada = ada(&app).await;
    let session = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    for number in 0..4 {
        ask(&app, &session, &format!("bob+{number}@example.org"), PASSWORD).await.unwrap();
    }
    let answer = ask(&app, &session, "bob@example.org", PASSWORD).await;
    assert_eq!(refused(answer), as_told(Code::ResourceExhausted, "SIGN_IN_THROTTLED"));
    // What was refused is neither mailed nor in place of the one before.
    let pending = identity::pending_address(&app.client().await, ada).await.unwrap();
    assert_eq!(pending.as_deref(), Some("bob+3@example.org"));
    assert_eq!(count(&app, "select count(*) from mail where kind = 'SECURITY'").await, 8);
    run(&app, "update throttle set blocked_until = now()").await;
    ask(&app, &session, "bob@example.org", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn mail_about_safety_goes_out_whatever_is_turned_off_and_before_all_other() {
    let app = App::start().await;
    let ada = ada(&app).await;
    let session = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    ask(&app, &session, "new@example.org", PASSWORD).await.unwrap();
    run(&app, "insert into suppressed_address (email_key, reason) values ('ada@example.com', '550 5.1.1')").await;
    run(
        &app,
        &format!(
            "insert into profile (user_id, time_zone, updated_at) values ('{ada}', 'Asia/Tokyo', now())
        on conflict (user_id) do update set time_zone = excluded.time_zone"
        ),
    )
    .await;
    let sink = Sink::start(Vec::new()).await;
    app.daemon(Some(sink.address())).step(Sweep::Outbox, app.now().await).await.unwrap();

    let mut mails = sink.mails();
    mails.sort_by_key(|it| it.to.clone());
    let to: Vec<_> = mails.iter().map(|it| it.to.as_str()).collect();
    assert_eq!(to, ["Ada@Example.com", "new@example.org"]);
    for mail in &mails {
        assert_eq!(mail.header("List-Unsubscribe"), None);
        assert_eq!(mail.header("Auto-Submitted").as_deref(), Some("auto-generated"));
        assert!(mail.text().contains("21:00 JST"), "{}", mail.text());
        assert_eq!(mail.html().matches("href=").count(), 1);
    }
    assert_eq!(mails[0].header("Subject").as_deref(), Some("Somebody wants to change your address"));
    assert_eq!(count(&app, "select count(*) from mail where state = 'SENT' and lane = 0").await, 2);
}

#[tokio::test]
async fn who_confirms_has_nothing_that_a_change_of_the_profile_needs_while_they_wait_for_one() {
    let app = App::start().await;
    let ada = ada(&app).await;
    let session = sign_in(&app, "ada@example.com", PASSWORD).await.unwrap().token;
    ask(&app, &session, "countess@example.org", PASSWORD).await.unwrap();
    let token = mailed_token(&app, CONFIRM).await.unwrap();

    let mut client = app.client().await;
    let change = client.transaction().await.unwrap();
    change.execute("select from profile where user_id = $1 for update", &[&ada]).await.unwrap();
    let confirmed = pin!(confirm(&app, &token));
    let Either::Right(((), confirmed)) = select(confirmed, pin!(waits(app.pool()))).await else {
        panic!("it did not wait");
    };
    // As a line of the history does, which names the person.
    change.execute("select from person where id = $1 for key share", &[&ada]).await.unwrap();
    change.commit().await.unwrap();
    assert_eq!(confirmed.await.unwrap().email, "countess@example.org");
}
