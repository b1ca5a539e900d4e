//! The same by a call of the API, and by tokens that were made with a key of before.

use tonic::{Code, Request};
use workcenter::secret::TokenKey;

use super::*;
use crate::harness::reason;

fn token(path: &str) -> String {
    path.rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn whoever_has_the_token_of_a_link_can_do_by_a_call_what_the_link_does_and_undo_it() {
    let story = Story::begin().await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    let mut client = story.app.preferences();
    let off = pb::UnsubscribeRequest { token: token(&path(&story)) };
    let stopped = client.unsubscribe(Request::new(off.clone())).await.unwrap().into_inner();
    assert_eq!(stopped.scope(), pb::MailScope::Workcenter);
    assert_eq!(client.unsubscribe(Request::new(off.clone())).await.unwrap().into_inner(), stopped);
    assert_eq!(effective(&story).await, Delivery::Off);

    // Each does what it was made for.
    let crossed = pb::UnsubscribeRequest { token: stopped.resubscribe_token.clone() };
    let refused = client.unsubscribe(Request::new(crossed)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "TOKEN_NOT_VALID"));
    let crossed = pb::ResubscribeRequest { token: off.token };
    let refused = client.resubscribe(Request::new(crossed)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "TOKEN_NOT_VALID"));
    assert_eq!(effective(&story).await, Delivery::Off);

    let on = pb::ResubscribeRequest { token: stopped.resubscribe_token };
    for _ in 0..2 {
        let resumed = client.resubscribe(Request::new(on.clone())).await.unwrap().into_inner();
        assert_eq!((resumed.scope(), resumed.comes), (pb::MailScope::Workcenter, true));
    }
    assert_eq!(effective(&story).await, Delivery::Immediate);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn the_links_of_mails_work_when_the_key_is_another_as_long_as_the_one_before_is_known() {
    let story = Story::begin().await;
    let path = link(&story, Scope::WorkCenter(story.pier), Switch::Off);
    let mut parts = story.app.parts().clone();
    parts.settings.token_key = "0b".repeat(32).parse().unwrap();
    let forgotten = serve_with(&story.app, parts.clone()).await;
    parts.settings.token_keys_old = format!("{},{}", "0c".repeat(32), "0a".repeat(32)).parse().unwrap();
    let daemon = serve_with(&story.app, parts.clone()).await;

    assert_eq!(ask(forgotten.http, "POST", &path).await.0, 404);
    assert_eq!(effective(&story).await, Delivery::Immediate);
    let (_, page) = ask(daemon.http, "GET", &path).await;
    let (_, done) = press(daemon.http, &path, &page).await;
    assert_eq!(effective(&story).await, Delivery::Off);
    // What is made now is made with the new one alone.
    let undo = token(&button(&path, &done));
    let open = |key: &TokenKey| Link::open(key, Switch::On, &undo).is_some();
    assert!(open(&parts.settings.token_key) && !open(story.app.token_key()));
    press(daemon.http, &path, &done).await;
    assert_eq!(effective(&story).await, Delivery::Immediate);
}
