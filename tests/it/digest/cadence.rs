//! Changing one's mind: what becomes of what waits.

use std::time::Duration;

use workcenter::{
    daemon::Sweep,
    error::Error,
    pb::{self, AddressedItems, Delivery, Preferences},
    subscription::{self, Turn, When},
};

use super::by_digest;
use crate::{
    harness::by,
    story::{Story, mentioning},
};

#[tokio::test]
async fn who_turns_from_digests_to_hearing_at_once_gets_one_mail_with_what_waited() {
    let story = Story::begin().await;
    let tender = story.app.workcenter(&story.bob, story.account.id, "Tender").await;
    story.app.collaborator(&story.bob, tender, &story.ada).await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    story.at("2026-11-20T13:30:00Z").await;
    let before = story.mails().len();

    story.publish(vec![story.uploaded("Plan.pdf"), crate::story::uploaded(tender, &story.bob, "Offer.pdf")]).await;
    let immediate = Preferences { default_delivery: Delivery::Immediate.into(), ..Preferences::default() };
    let preferences = story.prefer(&story.ada, immediate, &["default_delivery"]).await;
    assert_eq!(preferences.next_digests, []);
    story.step(&Sweep::ALL).await;
    let mails = story.mails().split_off(before);
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text().contains("Plan.pdf") && mails[0].text().contains("Offer.pdf"), "{}", mails[0].text());

    // Neither the old digest nor the immediate mail of the same events comes on top.
    story.at("2026-11-21T07:00:00Z").await;
    assert_eq!(story.mails().len(), before + 1);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn what_waited_for_a_daily_digest_goes_with_the_weekly_one() {
    let story = Story::begin().await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.deliver(&story.ada, Delivery::Weekly).await;
    story.at("2026-11-22T07:00:00Z").await;
    assert_eq!(story.mails().len(), 0);
    story.at("2026-11-23T07:00:00Z").await;
    assert_eq!(story.mails().len(), 1);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn switching_off_gives_up_what_waits_and_switching_on_does_not_flood() {
    let story = Story::begin().await;
    story.publish(vec![story.uploaded("Given up.pdf"), mentioning(story.uploaded("Too.pdf"), &[&story.ada])]).await;
    story.deliver(&story.ada, Delivery::Off).await;
    story.publish(vec![story.uploaded("Meanwhile.pdf"), mentioning(story.uploaded("Also.pdf"), &[&story.ada])]).await;
    story.at("2026-11-20T14:00:00Z").await;
    assert_eq!(story.findings().await, []);
    story.deliver(&story.ada, Delivery::Inherit).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2026-11-20T15:00:00Z").await;
    let mails = story.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].header("X-WorkCenter-Tells").unwrap(), format!("{0}:6-6", story.pier));
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn what_is_composed_is_not_sent_to_who_has_switched_off_since() {
    let story = Story::begin().await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.app.clock_at("2026-11-20T13:01:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    let off = Preferences { notifications_enabled: false, ..Preferences::default() };
    story.prefer(&story.ada, off, &["notifications_enabled"]).await;
    story.step(&[Sweep::Outbox]).await;
    assert_eq!(story.mails().len(), 0);
    assert_eq!(story.states().await, ["SUPPRESSED"]);
}

#[tokio::test]
async fn a_slot_that_is_due_survives_a_change_of_its_hour() {
    let story = Story::begin().await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.app.clock_at("2026-11-21T07:00:01Z").await;
    let later = Preferences { digest_time: "09:00".to_owned(), ..Preferences::default() };
    story.prefer(&story.ada, later, &["digest_time"]).await;
    for at in ["2026-11-21T07:00:02Z", "2026-11-21T09:00:00Z", "2026-11-21T10:00:00Z"] {
        story.at(at).await;
    }
    assert_eq!(story.mails().len(), 1);
    let read = story.app.preferences().get_preferences(by(&story.ada.token, pb::GetPreferencesRequest {})).await;
    let next = read.unwrap().into_inner().preferences.unwrap().next_digests;
    assert_eq!(next[0].next_digest_local, "2026-11-22T09:00:00+00:00[UTC]");
}

#[tokio::test]
async fn moving_to_another_zone_makes_neither_two_digests_of_one_date_nor_none() {
    let story = Story::begin().await;
    story.live_in(&story.ada, "Pacific/Kiritimati").await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    // 07:00 of the 21st in Kiritimati, which is fourteen hours ahead.
    story.at("2026-11-20T17:00:00Z").await;
    assert_eq!(story.mails().len(), 1);
    story.live_in(&story.ada, "America/New_York").await;
    story.publish(vec![story.uploaded("Section.pdf")]).await;
    // 07:00 of the 21st in New York: that date has had its digest.
    story.at("2026-11-21T12:00:00Z").await;
    assert_eq!(story.mails().len(), 1);
    story.at("2026-11-22T12:00:00Z").await;
    assert_eq!(story.mails().len(), 2);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn a_mention_that_waited_for_the_digest_is_told_when_asked_for_at_once() {
    let story = Story::begin().await;
    let with = Preferences { addressed_items: AddressedItems::WithDigest.into(), ..by_digest() };
    story.prefer(&story.ada, with, &["default_delivery", "addressed_items"]).await;
    story.publish(vec![mentioning(story.uploaded("Notes.pdf"), &[&story.ada])]).await;
    story.at("2026-11-20T14:00:00Z").await;
    let at_once = Preferences { addressed_items: AddressedItems::Immediate.into(), ..Preferences::default() };
    story.prefer(&story.ada, at_once, &["addressed_items"]).await;
    story.step(&Sweep::ALL).await;
    assert_eq!(story.mails().len(), 1);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn switching_on_has_the_log_looked_at_for_what_came_while_it_was_decided() {
    let story = Story::begin().await;
    story.deliver(&story.ada, Delivery::Off).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    story.deliver(&story.ada, Delivery::Immediate).await;
    let due = "select due_at = '2026-11-20T14:00:00Z' from activity_head";
    let due: Option<bool> = story.app.client().await.query_one(due, &[]).await.unwrap().get(0);
    assert_eq!(due, Some(true));
    // As if an event had come, and been swept, after the cursor was read and before it was written.
    story.meddle("update subscription set cursor = 1").await;
    story.step(&Sweep::ALL).await;
    assert_eq!(story.mails().len(), 1);
}

#[tokio::test]
async fn a_catch_up_that_is_asked_for_while_another_is_at_work_is_not_lost() {
    let story = Story::begin().await;
    let tender = story.app.workcenter(&story.bob, story.account.id, "Tender").await;
    story.app.collaborator(&story.bob, tender, &story.ada).await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    story.at("2026-11-20T13:30:00Z").await;
    let before = story.mails().len();
    story.publish(vec![story.uploaded("Plan.pdf"), crate::story::uploaded(tender, &story.bob, "Offer.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;

    story.deliver(&story.ada, Delivery::Immediate).await;
    let (now, lease) = (story.app.now().await, Duration::from_secs(60));
    let mut client = story.app.client().await;
    let due = subscription::claim(&client, Turn::CatchUp, now, 10, lease).await.unwrap();
    let immediate = pb::UpdateWorkCenterPreferenceRequest {
        workcenter_id: tender.to_string(),
        delivery: Delivery::Immediate.into(),
    };
    let mut preferences = story.app.preferences();
    preferences.update_work_center_preference(by(&story.ada.token, immediate)).await.unwrap();
    let when = When { now, spread: Duration::ZERO };
    let tx = client.transaction().await.unwrap();
    let finished =
        subscription::finish(&tx, story.account.id, Turn::CatchUp, &[due[0].finished(Turn::CatchUp, true, &when)])
            .await;
    assert!(matches!(finished, Err(Error::Conflict(_))));
    drop(tx);

    story.step(&Sweep::ALL).await;
    let mails = story.mails().split_off(before);
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text().contains("Plan.pdf") && mails[0].text().contains("Offer.pdf"));
    assert_eq!(story.findings().await, []);
}
