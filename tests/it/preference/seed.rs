//! What the product that this one replaces says of notifications, rule by rule: what holds before anything is better.

use workcenter::pb::{Delivery, DeliverySource, DigestFrequency, Preferences, UpdateWorkCenterPreferenceRequest};

use super::{administrator, list, read};
use crate::{
    harness::by,
    story::{Story, uploaded},
};

/// The two that a WorkCenter can be set to by these rules.
const CHOICES: [Delivery; 2] = [Delivery::Immediate, Delivery::Digest];

/// Ada's digest is daily or weekly.
async fn frequency(story: &Story, frequency: DigestFrequency) {
    let preferences = Preferences { digest_frequency: frequency.into(), ..Preferences::default() };
    story.prefer(&story.ada, preferences, &["digest_frequency"]).await;
}

/// Ada's notifications are on or off.
async fn switched(story: &Story, notifications_enabled: bool) {
    let preferences = Preferences { notifications_enabled, ..Preferences::default() };
    story.prefer(&story.ada, preferences, &["notifications_enabled"]).await;
}

#[tokio::test]
async fn r7_there_is_a_switch_for_all_a_digest_frequency_for_all_and_a_choice_for_each_workcenter() {
    let story = Story::begin().await;
    let tender = story.app.workcenter(&story.bob, story.account.id, "Tender").await;
    story.app.collaborator(&story.bob, tender, &story.ada).await;
    story.at("2026-11-20T13:30:00Z").await;
    let before = story.mails().len();
    let happens = async || {
        story.publish(vec![story.uploaded("Plan.pdf"), uploaded(tender, &story.bob, "Offer.pdf")]).await;
    };

    // Tender is immediate, Pier 4 comes with the digest, which is daily.
    story.deliver(&story.ada, Delivery::Digest).await;
    frequency(&story, DigestFrequency::Daily).await;
    happens().await;
    story.at("2026-11-20T14:00:00Z").await;
    story.at("2026-11-21T07:00:00Z").await;
    let mails = story.mails().split_off(before);
    assert_eq!(mails.len(), 2);
    assert!(mails[0].text().contains("Offer.pdf") && mails[1].text().contains("Plan.pdf"));

    // The same with a weekly one, which is Monday's.
    frequency(&story, DigestFrequency::Weekly).await;
    happens().await;
    story.at("2026-11-21T08:00:00Z").await;
    story.at("2026-11-22T07:00:00Z").await;
    assert_eq!(story.mails().len(), before + 3);
    story.at("2026-11-23T07:00:00Z").await;
    let mails = story.mails().split_off(before + 2);
    assert_eq!(mails.len(), 2);
    assert!(mails[0].text().contains("Offer.pdf") && mails[1].text().contains("Plan.pdf"));

    // Switched off, neither comes; switched on again, each is as it was chosen.
    switched(&story, false).await;
    happens().await;
    story.at("2026-11-30T07:00:00Z").await;
    assert_eq!(story.mails().len(), before + 4);
    switched(&story, true).await;
    happens().await;
    story.at("2026-11-30T08:00:00Z").await;
    story.at("2026-12-07T07:00:00Z").await;
    let mails = story.mails().split_off(before + 4);
    assert_eq!(mails.len(), 2);
    assert!(mails[0].text().contains("Offer.pdf") && mails[1].text().contains("Plan.pdf"));
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn r8_each_workcenter_is_immediate_until_changed_and_one_of_both_ever_after() {
    let story = Story::begin().await;
    let in_force = async || list(&story, &story.ada).await[0].effective_delivery();
    assert!(read(&story, &story.ada).await.notifications_enabled);
    assert_eq!(in_force().await, Delivery::Immediate);
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2026-11-20T13:00:30Z").await;
    assert_eq!(story.mails().len(), 1);

    for choice in CHOICES.into_iter().rev() {
        story.deliver(&story.ada, choice).await;
        let set = list(&story, &story.ada).await;
        assert_eq!((set.len(), set[0].delivery()), (1, choice));
        let digest = [Delivery::Daily, Delivery::Weekly].contains(&in_force().await);
        assert_eq!(
            (in_force().await == Delivery::Immediate, digest),
            (choice == Delivery::Immediate, choice == Delivery::Digest)
        );
    }
}

#[tokio::test]
async fn r9_no_notifications_at_all_is_possible() {
    let story = Story::begin().await;
    switched(&story, false).await;
    for choice in CHOICES {
        story.deliver(&story.ada, choice).await;
        let set = &list(&story, &story.ada).await[0];
        assert_eq!((set.effective_delivery(), set.source()), (Delivery::Off, DeliverySource::SwitchedOff));
        story.publish(vec![story.uploaded("Plan.pdf")]).await;
    }
    for at in ["2026-11-20T14:00:00Z", "2026-11-21T07:00:00Z", "2026-11-23T07:00:00Z"] {
        story.at(at).await;
    }
    assert_eq!(story.mails().len(), 0);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn r10_it_is_set_at_the_workcenter_and_in_the_preferences_tab_alike() {
    let story = Story::begin().await;
    for choice in CHOICES {
        for at_the_workcenter in [true, false] {
            let other = CHOICES.into_iter().find(|it| *it != choice).unwrap();
            story.deliver(&story.ada, other).await;
            if at_the_workcenter {
                let (workcenter_id, delivery) = (story.pier.to_string(), choice.into());
                let message = UpdateWorkCenterPreferenceRequest { workcenter_id, delivery };
                let mut client = story.app.preferences();
                client.update_work_center_preference(by(&story.ada.token, message)).await.unwrap();
            } else {
                super::batch::each(&story.app, &story.ada, &[(story.pier, choice)]).await.unwrap();
            }
            assert_eq!(list(&story, &story.ada).await[0].delivery(), choice);
        }
    }
}

#[tokio::test]
async fn r11_an_administrator_may_choose_a_digest_of_workcenters_that_they_do_not_collaborate_in() {
    let story = Story::begin().await;
    story.at("2027-01-04T10:00:00Z").await;
    let upload = async |title| {
        story.publish(vec![story.uploaded(title)]).await;
        story.at(if title == "Plan.pdf" { "2027-01-05T07:00:00Z" } else { "2027-01-06T07:00:00Z" }).await;
    };
    upload("Plan.pdf").await;
    assert_eq!(administrator::told(&story).len(), 0);
    let chosen = administrator::deliver(&story.app, &story.account, Delivery::Digest).await;
    assert_eq!((chosen.delivery(), chosen.workcenter_count), (Delivery::Digest, 1));
    upload("Offer.pdf").await;
    let mails = administrator::told(&story);
    assert!(mails.len() == 1 && mails[0].text().contains("Offer.pdf"), "{mails:?}");
    assert_eq!(story.findings().await, []);
}
