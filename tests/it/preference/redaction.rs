//! Mail that says how much there is and where, and nothing of what it is: chosen by a person, or by an account for everybody.

use workcenter::{
    daemon::Sweep,
    pb::{self, Delivery, Pause, Preferences, SendTestDigestRequest},
};

use crate::{
    harness::by,
    received::Received,
    story::{Story, mask, mentioning},
};

/// What such mail to Ada must not name.
const NAMES: [&str; 7] = ["Pier 4", "Bob", "Plan", "Drawings", "Please have", "app.example/file", "app.example/folder"];

fn to_ada(story: &Story) -> Vec<Received> {
    story.mails().into_iter().filter(|it| it.to == story.ada.email).collect()
}

/// Checks that nothing is named, and that the WorkCenter is linked to; returns the subject.
fn redacted(story: &Story, mail: &Received) -> String {
    let [subject, list] = ["Subject", "List-Id"].map(|it| mail.header(it).unwrap());
    for part in [&subject, &list, &mail.html(), &mail.text()] {
        for name in NAMES {
            assert!(!part.contains(name), "{name} in {part}");
        }
    }
    let url = format!("https://app.example/workcenters/{}", story.pier);
    assert!(mail.html().contains(&url) && mail.text().contains(&url), "{}", mail.text());
    subject
}

async fn redact(story: &Story, redact_content: bool) {
    let chosen = Preferences { redact_content, ..Preferences::default() };
    let answer = story.prefer(&story.ada, chosen, &["redact_content"]).await;
    assert_eq!(answer.redact_content, redact_content);
}

#[tokio::test]
async fn who_has_chosen_that_gets_counts_and_links_in_every_mail_of_what_happens() {
    let story = Story::begin().await;
    story.app.clock_at("2027-01-04T10:00:00Z").await;
    redact(&story, true).await;
    let two = || vec![story.uploaded("Plan.pdf"), mentioning(story.uploaded("Plan B.pdf"), &[&story.ada])];
    // At once, in the daily digest, in a test of it, when it is not wanted any more, and after having been away.
    story.publish(two()).await;
    story.at("2027-01-04T10:01:00Z").await;
    story.deliver(&story.ada, Delivery::Daily).await;
    let with_digest = Preferences { addressed_items: pb::AddressedItems::WithDigest.into(), ..Preferences::default() };
    story.prefer(&story.ada, with_digest, &["addressed_items"]).await;
    story.publish(two()).await;
    let account_id = story.account.id.to_string();
    let message = SendTestDigestRequest { account_id, cadence: Delivery::Daily.into(), at: None };
    story.app.preferences().send_test_digest(by(&story.ada.token, message)).await.unwrap();
    story.step(&[Sweep::Outbox]).await;
    story.at("2027-01-05T07:00:00Z").await;
    story.publish(two()).await;
    story.deliver(&story.ada, Delivery::Immediate).await;
    story.at("2027-01-05T07:05:00Z").await;
    let pause = Some(Pause { from: None, to: Some(pb::time("2027-01-05T12:00:00Z".parse().unwrap())) });
    story.prefer(&story.ada, Preferences { pause, ..Preferences::default() }, &["pause"]).await;
    story.publish(two()).await;
    story.at("2027-01-05T12:00:00Z").await;

    let subjects: Vec<_> = to_ada(&story).iter().map(|it| redacted(&story, it)).collect();
    assert_eq!(
        subjects,
        [
            "2 updates in a WorkCenter",
            "Test: Your daily digest: 2 updates in a WorkCenter",
            "Your daily digest: 2 updates in a WorkCenter",
            "Catching up: 2 updates in a WorkCenter",
            "While you were away: 2 updates in a WorkCenter",
        ]
    );
    assert!(to_ada(&story)[2].text().contains("Hello Ada Lovelace, here is what happened: 2 updates"));

    redact(&story, false).await;
    story.publish(two()).await;
    story.at("2027-01-05T12:05:00Z").await;
    assert!(to_ada(&story)[5].text().contains("Bob Stephenson uploaded Plan.pdf"));
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn an_account_has_it_for_everybody_also_for_what_is_composed_and_has_not_gone() {
    let story = Story::begin().await;
    let admin = &story.account.admin;
    let set = async |redact_content: bool| {
        let account_id = story.account.id.to_string();
        let account = Some(pb::Account { account_id, redact_content, ..pb::Account::default() });
        let update_mask = Some(mask(&["redact_content"]));
        let message = pb::UpdateAccountRequest { account, update_mask, etag: String::new() };
        let set = story.app.accounts().update_account(by(&admin.token, message)).await.unwrap().into_inner();
        assert_eq!(set.account.unwrap().redact_content, redact_content);
    };
    story.app.clock_at("2027-01-04T10:00:00Z").await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.app.clock_at("2027-01-04T10:01:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    set(true).await;
    story.step(&[Sweep::Outbox]).await;
    assert_eq!(redacted(&story, &to_ada(&story)[0]), "1 update in a WorkCenter");

    // Whoever has chosen it keeps it when the account does not have it any more.
    set(false).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2027-01-04T10:05:00Z").await;
    assert!(to_ada(&story)[1].text().contains("Plan.pdf"));
    redact(&story, true).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2027-01-04T10:10:00Z").await;
    redacted(&story, &to_ada(&story)[2]);
}
