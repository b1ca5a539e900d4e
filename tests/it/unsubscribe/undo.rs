//! Undoing it: what was before comes back, what happened meanwhile does not, and what the person has chosen goes before.

use super::*;
use crate::story::uploaded;

/// Follows the link for `scope`, and returns where it led and the page that says that it is done.
async fn stop(story: &Story, daemon: &Serving, scope: Scope) -> (String, String) {
    let path = link(story, scope, Switch::Off);
    let (_, page) = ask(daemon.http, "GET", &path).await;
    press(daemon.http, &path, &page).await
}

#[tokio::test]
async fn the_page_has_a_button_that_brings_back_what_was_set_and_replays_nothing() {
    use Delivery::{Inherit, Off, Weekly};
    let story = Story::begin().await;
    let tender = tender(&story).await;
    deliver(&story, &story.ada, tender, Weekly).await;
    let daemon = serve(&story).await;
    story.publish(vec![story.uploaded("Before.pdf")]).await;

    // Each of them twice, as who presses a button twice does.
    let (path, first) = stop(&story, &daemon, Scope::Account).await;
    let (_, second) = ask(daemon.http, "POST", &path).await;
    assert_eq!(set(&story).await, [Off, Off]);
    story.publish(vec![story.uploaded("Meanwhile.pdf"), uploaded(tender, &story.bob, "Offer.pdf")]).await;
    for page in [&first, &second] {
        let (_, undone) = press(daemon.http, &path, page).await;
        assert!(undone.contains("It is undone"), "{undone}");
        assert_eq!(set(&story).await, [Inherit, Weekly]);
    }
    story.publish(vec![story.uploaded("After.pdf")]).await;
    story.at("2027-11-22T14:00:00Z").await;
    let texts: Vec<String> = story.mails().iter().map(|it| it.text()).collect();
    assert!(texts.len() == 1 && texts[0].contains("After.pdf"), "{texts:?}");
    for name in ["Before.pdf", "Meanwhile.pdf", "Offer.pdf"] {
        assert!(!texts[0].contains(name), "{name}");
    }
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn what_the_person_has_chosen_since_is_not_undone() {
    use Delivery::{Immediate, Inherit, Off};
    let story = Story::begin().await;
    let tender = tender(&story).await;
    let daemon = serve(&story).await;
    let (path, page) = stop(&story, &daemon, Scope::Account).await;
    deliver(&story, &story.ada, tender, Immediate).await;
    deliver(&story, &story.ada, tender, Off).await;
    let (_, undone) = press(daemon.http, &path, &page).await;
    assert!(undone.contains("It is undone"));
    assert_eq!(set(&story).await, [Inherit, Off]);

    // Nothing is left to undo, and the page says so.
    let (path, page) = stop(&story, &daemon, Scope::WorkCenter(story.pier)).await;
    story.deliver(&story.ada, Off).await;
    let (_, undone) = press(daemon.http, &path, &page).await;
    assert!(undone.contains("Your preferences say otherwise"), "{undone}");
    assert_eq!(set(&story).await, [Off, Off]);

    // It is undone, and comes to nothing, for all is off.
    story.deliver(&story.ada, Inherit).await;
    let (path, page) = stop(&story, &daemon, Scope::WorkCenter(story.pier)).await;
    let off = pb::Preferences { notifications_enabled: false, ..Default::default() };
    story.prefer(&story.ada, off, &["notifications_enabled"]).await;
    let (_, undone) = press(daemon.http, &path, &page).await;
    assert!(undone.contains("Your preferences say otherwise"), "{undone}");
    assert_eq!(set(&story).await, [Inherit, Off]);
    assert_eq!(effective(&story).await, Off);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn each_link_undoes_what_it_has_done_itself() {
    use Delivery::{Daily, Immediate, Off};
    let story = Story::begin().await;
    let tender = tender(&story).await;
    let daemon = serve(&story).await;
    story.deliver(&story.ada, Daily).await;
    deliver(&story, &story.ada, tender, Immediate).await;
    let (pier, of_pier) = stop(&story, &daemon, Scope::WorkCenter(story.pier)).await;
    let (account, of_account) = stop(&story, &daemon, Scope::Account).await;
    assert_eq!(set(&story).await, [Off, Off]);
    press(daemon.http, &account, &of_account).await;
    assert_eq!(set(&story).await, [Off, Immediate]);
    press(daemon.http, &pier, &of_pier).await;
    assert_eq!(set(&story).await, [Daily, Immediate]);

    let (digests, of_digests) = stop(&story, &daemon, Scope::Digests).await;
    assert_eq!(set(&story).await, [Off, Immediate]);
    // What is undone of one scope is nothing to another.
    press(daemon.http, &account, &of_account).await;
    assert_eq!(set(&story).await, [Off, Immediate]);
    press(daemon.http, &digests, &of_digests).await;
    assert_eq!(set(&story).await, [Daily, Immediate]);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn what_concerns_a_person_comes_at_once_again_unless_they_have_said_when_it_comes() {
    use pb::AddressedItems::{Immediate, WithDigest};
    let story = Story::begin().await;
    story.deliver(&story.ada, Delivery::Daily).await;
    let daemon = serve(&story).await;
    let read = async || {
        let asked = by(&story.ada.token, pb::GetPreferencesRequest {});
        let answer = story.app.preferences().get_preferences(asked).await.unwrap().into_inner().preferences.unwrap();
        (answer.addressed_items(), answer.etag)
    };
    let (path, page) = stop(&story, &daemon, Scope::Addressed).await;
    let (items, etag) = read().await;
    assert_eq!(items, WithDigest);
    ask(daemon.http, "POST", &path).await;
    assert_eq!(read().await, (WithDigest, etag), "twice is once");

    // What waited for the digest is told at once.
    story.publish(vec![mentioning(story.uploaded("Plan.pdf"), &[&story.ada])]).await;
    let (_, undone) = press(daemon.http, &path, &page).await;
    assert!(undone.contains("It is undone"));
    assert_eq!(read().await.0, Immediate);
    story.at("2026-11-20T14:00:00Z").await;
    assert_eq!(story.mails().len(), 1);

    let (path, page) = stop(&story, &daemon, Scope::Addressed).await;
    let chosen = pb::Preferences { addressed_items: WithDigest.into(), ..Default::default() };
    story.prefer(&story.ada, chosen, &["addressed_items"]).await;
    let (_, undone) = press(daemon.http, &path, &page).await;
    assert!(undone.contains("Your preferences say otherwise"));
    assert_eq!(read().await.0, WithDigest);
    assert_eq!(story.findings().await, []);
}
