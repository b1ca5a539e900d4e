//! A second address for mail of what happens: confirmed by a mail to it, and never for anything else.

use tonic::{Code, Status};
use workcenter::{
    daemon::Sweep,
    pb::{
        ChangePasswordRequest, ConfirmNotificationAddressRequest, ConfirmNotificationAddressResponse,
        GetPreferencesRequest, ListSuppressedAddressesRequest, Preferences, RemoveNotificationAddressRequest,
        RequestNotificationAddressRequest, RequestPasswordResetRequest, SendTestDigestRequest,
    },
};

use super::{as_told, count, mailed_token, mails, refused, run, told};
use crate::{
    harness::{App, PASSWORD, Person, by, fields},
    sink::{Point, at},
    story::Story,
};

const CONFIRM: &str = "SECOND_ADDRESS_TO_CONFIRM";

async fn ask(app: &App, person: &Person, email: &str) -> Result<(), Status> {
    let message = RequestNotificationAddressRequest { email: email.to_owned() };
    app.preferences().request_notification_address(by(&person.token, message)).await.map(drop)
}

async fn confirm(app: &App, token: &str) -> Result<ConfirmNotificationAddressResponse, Status> {
    let message = ConfirmNotificationAddressRequest { token: token.to_owned() };
    app.preferences().confirm_notification_address(message).await.map(tonic::Response::into_inner)
}

async fn remove(app: &App, person: &Person) {
    let message = RemoveNotificationAddressRequest {};
    app.preferences().remove_notification_address(by(&person.token, message)).await.unwrap();
}

async fn preferences(app: &App, person: &Person) -> Preferences {
    let answer = app.preferences().get_preferences(by(&person.token, GetPreferencesRequest {})).await.unwrap();
    answer.into_inner().preferences.unwrap()
}

fn not_valid() -> (Code, String) {
    as_told(Code::FailedPrecondition, "TOKEN_NOT_VALID")
}

/// Whom the relay has had mail for since the story began.
fn to(story: &Story) -> Vec<String> {
    story.mails().into_iter().map(|it| it.to).collect()
}

#[tokio::test]
async fn mail_of_what_happens_goes_to_the_second_address_once_it_is_confirmed_and_all_other_to_the_first() {
    let story = Story::begin().await;
    let (app, ada) = (&story.app, &story.ada);
    story.app.clock_at("2027-01-04T10:00:00Z").await;
    ask(app, ada, "Ada.News@Example.org").await.unwrap();
    let asked = preferences(app, ada).await;
    assert_eq!(
        (asked.notification_email.as_str(), asked.pending_notification_email.as_str()),
        ("", "Ada.News@Example.org")
    );
    assert_eq!(told(&mails(app).await), [(CONFIRM, "Ada.News@Example.org")]);
    let day = "select count(*) from second_address where expires_at > now() + interval '23 hours'
        and expires_at <= now() + interval '24 hours'";
    assert_eq!(count(app, day).await, 1);
    // Not yet.
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2027-01-04T10:01:00Z").await;
    let mut there = to(&story);
    there.sort();
    assert_eq!(there, ["Ada.News@Example.org", "ada@example.com"]);

    let token = mailed_token(app, CONFIRM).await.unwrap();
    // 256 bits, in an alphabet of 64, of which the hash alone is kept.
    assert!(token.len() >= 43, "{token}");
    assert!(!app.everything().await.iter().any(|it| it.contains(&token)));
    // What is composed and has not gone follows.
    story.publish(vec![story.uploaded("Section.pdf")]).await;
    app.clock_at("2027-01-04T10:05:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    let confirmed = confirm(app, &token).await.unwrap();
    assert_eq!((confirmed.user_id, confirmed.email.as_str()), (ada.id.to_string(), "Ada.News@Example.org"));
    let set = preferences(app, ada).await;
    assert_eq!(
        (set.notification_email.as_str(), set.pending_notification_email.as_str()),
        ("Ada.News@Example.org", "")
    );
    assert_eq!(refused(confirm(app, &token).await), not_valid());
    let account_id = story.account.id.to_string();
    let message = SendTestDigestRequest { account_id, cadence: workcenter::pb::Delivery::Daily.into(), at: None };
    app.preferences().send_test_digest(by(&ada.token, message)).await.unwrap();
    app.sessions().request_password_reset(RequestPasswordResetRequest { email: ada.email.clone() }).await.unwrap();
    story.step(&[Sweep::Outbox]).await;
    let mails = story.mails().split_off(2);
    let mut sent: Vec<_> = mails.iter().map(|it| (it.to.as_str(), it.header("Subject").unwrap())).collect();
    sent.sort();
    let sent: Vec<_> = sent.iter().map(|(to, subject)| (*to, subject.as_str())).collect();
    assert_eq!(
        sent,
        [
            ("Ada.News@Example.org", "Test: Your daily digest: nothing new"),
            ("Ada.News@Example.org", "[Pier 4] Bob Stephenson uploaded Section.pdf to Drawings"),
            ("ada@example.com", "Set a new password"),
            ("ada@example.com", "Your notifications go to another address"),
        ]
    );

    for _ in 0..2 {
        remove(app, ada).await;
    }
    assert_eq!(preferences(app, ada).await.notification_email, "");
    story.publish(vec![story.uploaded("Roof.pdf")]).await;
    story.at("2027-01-04T10:10:00Z").await;
    assert_eq!(to(&story).last().map(String::as_str), Some("ada@example.com"));
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn a_link_that_was_replaced_or_taken_back_or_has_run_out_or_never_was_confirms_nothing() {
    let story = Story::begin().await;
    let (app, ada) = (&story.app, &story.ada);
    let link = async |email: &str| {
        ask(app, ada, email).await.unwrap();
        mailed_token(app, CONFIRM).await.unwrap()
    };
    let first = link("first@example.org").await;
    let second = link("second@example.org").await;
    for token in [first.as_str(), "nonsense"] {
        assert_eq!(refused(confirm(app, token).await), not_valid());
    }
    assert_eq!(refused(confirm(app, "").await), as_told(Code::InvalidArgument, "FIELD_INVALID"));
    let disabled = |it: &str| format!("update person set disabled_at = {it} where id = '{}'", ada.id);
    run(app, &disabled("now()")).await;
    assert_eq!(refused(confirm(app, &second).await), not_valid());
    run(app, &disabled("null")).await;
    run(app, "update second_address set expires_at = now()").await;
    assert_eq!(refused(confirm(app, &second).await), not_valid());
    assert_eq!(preferences(app, ada).await.pending_notification_email, "");

    let third = link("third@example.org").await;
    remove(app, ada).await;
    assert_eq!(refused(confirm(app, &third).await), not_valid());
    // Whoever takes an account back with a new password takes this back too.
    let fourth = link("fourth@example.org").await;
    let message =
        ChangePasswordRequest { current_password: PASSWORD.into(), new_password: "seven kinds of seaweed".into() };
    app.sessions().change_password(by(&ada.token, message)).await.unwrap();
    assert_eq!(refused(confirm(app, &fourth).await), not_valid());

    // One that was confirmed stays until another one is.
    run(app, "update throttle set blocked_until = now()").await;
    confirm(app, &link("fifth@example.org").await).await.unwrap();
    run(app, "update throttle set blocked_until = now()").await;
    ask(app, ada, "sixth@example.org").await.unwrap();
    let now = preferences(app, ada).await;
    assert_eq!(
        (now.notification_email.as_str(), now.pending_notification_email.as_str()),
        ("fifth@example.org", "sixth@example.org")
    );
}

#[tokio::test]
async fn an_address_that_somebody_signs_in_with_is_answered_alike_and_nothing_goes_there() {
    let story = Story::begin().await;
    let (app, ada) = (&story.app, &story.ada);
    ask(app, ada, "BOB@example.com").await.unwrap();
    assert_eq!(mails(app).await, []);
    assert_eq!(preferences(app, ada).await.pending_notification_email, "BOB@example.com");
    // Somebody comes to sign in with it before it is confirmed.
    ask(app, ada, "free@example.org").await.unwrap();
    let token = mailed_token(app, CONFIRM).await.unwrap();
    let taken = "update person set email = 'free@example.org', email_key = 'free@example.org' where id =";
    run(app, &format!("{taken} '{}'", story.bob.id)).await;
    assert_eq!(refused(confirm(app, &token).await), not_valid());

    for email in ["ADA@example.com", "ada@localhost"] {
        let status = ask(app, ada, email).await.unwrap_err();
        assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, vec!["email".to_owned()]), "{email}");
    }
}

#[tokio::test]
async fn nobody_fills_the_mailbox_of_another_with_mails_to_confirm_it_for_this_either() {
    let story = Story::begin().await;
    let (app, ada) = (&story.app, &story.ada);
    for number in 0..4 {
        ask(app, ada, &format!("bob+{number}@example.org")).await.unwrap();
    }
    let answer = ask(app, ada, "bob@example.org").await;
    assert_eq!(refused(answer), as_told(Code::ResourceExhausted, "SIGN_IN_THROTTLED"));
    assert_eq!(preferences(app, ada).await.pending_notification_email, "bob+3@example.org");
    assert_eq!(count(app, "select count(*) from mail where kind = 'SECURITY'").await, 4);
}

#[tokio::test]
async fn a_second_address_that_does_not_exist_is_not_written_to_and_says_so() {
    let story = Story::begin_with(vec![at(Point::Rcpt).to("gone@example.org").reply("550 5.1.1 unknown")]).await;
    let (app, ada) = (&story.app, &story.ada);
    ask(app, ada, "gone@example.org").await.unwrap();
    confirm(app, &mailed_token(app, CONFIRM).await.unwrap()).await.unwrap();
    run(app, "update mail set state = 'SUPPRESSED', ended_at = now() where kind = 'SECURITY'").await;
    for (number, instant) in ["2027-01-04T10:01:00Z", "2027-01-04T10:05:00Z"].into_iter().enumerate() {
        story.publish(vec![story.uploaded(&format!("{number}.pdf"))]).await;
        story.at(instant).await;
    }
    assert_eq!(to(&story), Vec::<String>::new());
    assert!(preferences(app, ada).await.notification_email_suppressed);
    let message = ListSuppressedAddressesRequest { account_id: story.account.id.to_string(), ..Default::default() };
    let listed = app.preferences().list_suppressed_addresses(by(&story.account.admin.token, message)).await.unwrap();
    let listed: Vec<_> = listed.into_inner().addresses.into_iter().map(|it| it.email).collect();
    assert_eq!(listed, ["gone@example.org"]);

    remove(app, ada).await;
    story.publish(vec![story.uploaded("Roof.pdf")]).await;
    story.at("2027-01-04T10:10:00Z").await;
    assert_eq!(to(&story), ["ada@example.com"]);
}
