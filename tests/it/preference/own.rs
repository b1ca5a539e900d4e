//! What people did themselves: not told them, unless they have chosen that, and then as what others do.

use workcenter::{
    daemon::Sweep,
    pb::{
        Activity, Delivery, ExplainNotificationRequest,
        NotificationOutcome::{self, *},
        Preferences, PreviewDigestRequest,
    },
};

use super::read;
use crate::{
    harness::{Person, by},
    story::{Story, mentioning, named, uploaded},
};

async fn outcome(story: &Story, person: &Person, seq: i64) -> NotificationOutcome {
    let (user_id, workcenter_id) = (person.id.to_string(), story.pier.to_string());
    let message = ExplainNotificationRequest { user_id, workcenter_id, seq, ..Default::default() };
    story.app.preferences().explain_notification(by(&person.token, message)).await.unwrap().into_inner().outcome()
}

async fn choose(story: &Story, own_activity: bool) {
    let chosen = Preferences { own_activity, ..Preferences::default() };
    let answer = story.prefer(&story.ada, chosen, &["own_activity"]).await;
    assert_eq!((answer.own_activity, &read(story, &story.ada).await), (own_activity, &answer));
}

/// Publishes one event, and tells of it at once at `instant`; returns its number.
async fn at_once(story: &Story, event: Activity, instant: &str) -> i64 {
    let seq = story.publish(vec![event]).await[0].seq;
    story.at(instant).await;
    seq
}

#[tokio::test]
async fn own_doings_are_told_at_once_to_who_has_chosen_that_as_their_own() {
    let story = Story::begin().await;
    let ada = &story.ada;
    story.app.clock_at("2027-01-04T10:00:00Z").await;
    let before = at_once(&story, uploaded(story.pier, ada, "Before.pdf"), "2027-01-04T10:01:00Z").await;
    let subjects = |to: &str| {
        let mails = story.mails().into_iter().filter(|it| it.to == to);
        mails.map(|it| it.header("Subject").unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(subjects("ada@example.com"), Vec::<String>::new());
    assert_eq!(outcome(&story, ada, before).await, Own);

    choose(&story, true).await;
    let after = story.publish(vec![uploaded(story.pier, ada, "After.pdf")]).await[0].seq;
    assert_eq!(outcome(&story, ada, after).await, WillBeSent);
    story.at("2027-01-04T10:02:00Z").await;
    assert_eq!(subjects("ada@example.com"), ["[Pier 4] You uploaded After.pdf to Drawings"]);
    assert_eq!(subjects("bob@example.com").last().unwrap(), "[Pier 4] Ada Lovelace uploaded After.pdf to Drawings");
    let mail = story.mails().into_iter().rfind(|it| it.to == "ada@example.com").unwrap();
    assert!(mail.html().contains("<h1>You uploaded After.pdf to Drawings</h1>"), "{}", mail.html());
    assert!(mail.text().contains("You uploaded After.pdf") && !mail.text().contains("Ada Lovelace uploaded"));
    assert_eq!((outcome(&story, ada, before).await, outcome(&story, ada, after).await), (Own, Sent));

    // What is composed and has not gone is left out when they change their mind.
    let late = story.publish(vec![uploaded(story.pier, ada, "Late.pdf")]).await[0].seq;
    story.app.clock_at("2027-01-04T10:04:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    assert_eq!(outcome(&story, ada, late).await, InOutbox);
    choose(&story, false).await;
    story.step(&[Sweep::Outbox]).await;
    assert_eq!(subjects("ada@example.com").len(), 1);
    assert_eq!(outcome(&story, ada, late).await, LeftOutAtSend);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn own_doings_are_in_the_digest_of_who_has_chosen_that_with_what_others_did() {
    let story = Story::begin().await;
    let ada = &story.ada;
    story.app.clock_at("2027-01-04T10:00:00Z").await;
    story.deliver(ada, Delivery::Daily).await;
    choose(&story, true).await;
    let commented =
        |who: &Person| Activity { kind: "file.commented".to_owned(), ..uploaded(story.pier, who, "Plan.pdf") };
    let published = story
        .publish(vec![
            commented(&story.bob),
            commented(ada),
            named(mentioning(uploaded(story.pier, ada, "For Bob.pdf"), &[&story.bob])),
            uploaded(story.pier, ada, "Mine.pdf"),
        ])
        .await;
    let seqs: Vec<i64> = published.iter().map(|it| it.seq).collect();
    let message =
        PreviewDigestRequest { account_id: story.account.id.to_string(), cadence: Delivery::Daily.into(), at: None };
    let preview = story.app.preferences().preview_digest(by(&ada.token, message)).await.unwrap().into_inner();
    assert_eq!(preview.subject, "Your daily digest: 3 updates in Pier 4");
    assert!(preview.text.contains("You and Bob Stephenson made 2 comments on Plan.pdf"), "{}", preview.text);
    assert!(preview.text.contains("You uploaded Mine.pdf") && !preview.text.contains("For Bob"), "{}", preview.text);
    for (seq, expected) in seqs.iter().zip([WaitsForDigest, WaitsForDigest, Hidden, WaitsForDigest]) {
        assert_eq!(outcome(&story, ada, *seq).await, expected, "{seq}");
    }

    story.at("2027-01-05T07:00:00Z").await;
    let mail = story.mails().into_iter().rfind(|it| it.to == "ada@example.com").unwrap();
    assert_eq!(mail.header("Subject").unwrap(), preview.subject);
    assert_eq!(mail.text().trim(), preview.text.trim());
    for (seq, expected) in seqs.iter().zip([Sent, Sent, Hidden, Sent]) {
        assert_eq!(outcome(&story, ada, *seq).await, expected, "{seq}");
    }
    assert_eq!(story.findings().await, []);
}
