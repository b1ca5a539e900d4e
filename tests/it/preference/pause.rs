//! Being away: nothing is told meanwhile, nothing is lost, and one mail for each account tells it afterwards.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use uuid::Uuid;
use workcenter::{
    daemon::Sweep,
    digest,
    pb::{self, Delivery, GetPreferencesRequest, Pause, Preferences, UpdatePreferencesRequest},
};

use super::{list, read};
use crate::{
    harness::{by, fields},
    received::Received,
    story::{Story, mask, mentioning, uploaded},
};

fn time(at: &str) -> Option<prost_types::Timestamp> {
    Some(pb::time(at.parse().unwrap()))
}

/// From one instant, or from now on when it is empty, to another.
pub fn pause(from: &str, to: &str) -> Option<Pause> {
    Some(Pause { from: if from.is_empty() { None } else { time(from) }, to: time(to) })
}

async fn try_away(story: &Story, pause: Option<Pause>) -> Result<Preferences, Status> {
    let preferences = Some(Preferences { pause, ..Preferences::default() });
    let message = UpdatePreferencesRequest { preferences, update_mask: Some(mask(&["pause"])), ..Default::default() };
    let updated = story.app.preferences().update_preferences(by(&story.ada.token, message)).await?;
    Ok(updated.into_inner().preferences.unwrap())
}

/// Ada is away from now to `to`.
async fn away(story: &Story, to: &str) -> Preferences {
    try_away(story, pause("", to)).await.unwrap()
}

/// Ada is back.
async fn back(story: &Story) -> Preferences {
    try_away(story, None).await.unwrap()
}

/// Two more WorkCenters of Ada, which come to her daily and weekly, and what the relay has got once that is told.
async fn daily_and_weekly(story: &Story) -> ([Uuid; 2], usize) {
    let mut both = [Uuid::nil(); 2];
    for (at, (name, delivery)) in [("Tender", Delivery::Daily), ("Quay", Delivery::Weekly)].into_iter().enumerate() {
        both[at] = story.app.workcenter(&story.bob, story.account.id, name).await;
        story.app.collaborator(&story.bob, both[at], &story.ada).await;
        let (workcenter_id, delivery) = (both[at].to_string(), delivery.into());
        let message = pb::UpdateWorkCenterPreferenceRequest { workcenter_id, delivery };
        let mut client = story.app.preferences();
        client.update_work_center_preference(by(&story.ada.token, message)).await.unwrap();
    }
    story.at("2026-11-20T13:30:00Z").await;
    (both, story.mails().len())
}

fn tells(mail: &Received, titles: &[&str]) {
    let text = mail.text();
    assert!(titles.iter().all(|it| text.contains(it)), "{text}");
}

#[tokio::test]
async fn what_waited_for_any_cadence_is_told_in_one_mail_when_it_is_over() {
    let story = Story::begin().await;
    let ([tender, quay], before) = daily_and_weekly(&story).await;
    // What waited before waits on.
    story.publish(vec![uploaded(tender, &story.bob, "Offer.pdf")]).await;
    let preferences = away(&story, "2026-11-23T07:00:00Z").await;
    assert_eq!(preferences.pause, pause("2026-11-20T13:30:00Z", "2026-11-23T07:00:00Z"));
    let next: Vec<_> = preferences.next_digests.iter().map(|it| it.next_digest_local.as_str()).collect();
    assert_eq!(next, ["2026-11-24T07:00:00+00:00[UTC]", "2026-11-30T07:00:00+00:00[UTC]"]);

    let comment = mentioning(uploaded(tender, &story.bob, "Notes.pdf"), &[&story.ada]);
    story.publish(vec![story.uploaded("Plan.pdf"), comment, uploaded(quay, &story.bob, "Wall.pdf")]).await;
    for at in ["2026-11-20T14:00:00Z", "2026-11-21T07:00:00Z", "2026-11-22T07:00:00Z", "2026-11-23T06:59:59Z"] {
        story.at(at).await;
        assert_eq!(story.mails().len(), before, "{at}");
        assert_eq!(story.findings().await, []);
    }
    // The digests of that very instant are in it.
    story.at("2026-11-23T07:00:00Z").await;
    let mails = story.mails().split_off(before);
    assert_eq!(mails.len(), 1);
    assert!(mails[0].header("Subject").unwrap().starts_with("While you were away: "));
    tells(&mails[0], &["Offer.pdf", "Plan.pdf", "Notes.pdf", "mentioned you", "Wall.pdf", "were paused"]);
    assert_eq!(story.findings().await, []);
    assert_eq!(read(&story, &story.ada).await.pause, None);

    // From here on it is as it was, and nothing is told again.
    story.publish(vec![story.uploaded("Section.pdf"), uploaded(tender, &story.bob, "Bid.pdf")]).await;
    for at in ["2026-11-23T07:01:00Z", "2026-11-24T07:00:00Z", "2026-11-30T07:00:00Z"] {
        story.at(at).await;
        assert_eq!(story.findings().await, []);
    }
    let mails = story.mails().split_off(before + 1);
    assert_eq!(mails.len(), 2);
    tells(&mails[0], &["Section.pdf", "are immediate"]);
    tells(&mails[1], &["Bid.pdf", "daily digest"]);
}

#[tokio::test]
async fn after_an_outage_over_its_end_it_is_still_one_mail() {
    let story = Story::begin().await;
    let ([tender, _], before) = daily_and_weekly(&story).await;
    away(&story, "2026-11-22T12:00:00Z").await;
    story.publish(vec![story.uploaded("Plan.pdf"), uploaded(tender, &story.bob, "Offer.pdf")]).await;
    // Nobody was at work when it was over, and the next digests are due too.
    story.app.clock_at("2026-11-24T08:00:00Z").await;
    story.publish(vec![story.uploaded("Section.pdf")]).await;
    for at in ["2026-11-24T08:01:00Z", "2026-11-24T08:02:00Z", "2026-11-25T07:00:00Z"] {
        story.at(at).await;
    }
    assert_eq!(story.findings().await, []);
    let mails = story.mails().split_off(before);
    assert_eq!(mails.len(), 1);
    tells(&mails[0], &["While you were away", "2 files", "Offer.pdf"]);
}

#[tokio::test]
async fn who_is_back_early_is_told_at_once() {
    let story = Story::begin().await;
    let ([tender, _], before) = daily_and_weekly(&story).await;
    away(&story, "2026-11-30T09:00:00Z").await;
    story.publish(vec![story.uploaded("Plan.pdf"), uploaded(tender, &story.bob, "Offer.pdf")]).await;
    // Hearing at once from now on is no reason to be told before.
    let (workcenter_id, delivery) = (tender.to_string(), Delivery::Immediate.into());
    let message = pb::UpdateWorkCenterPreferenceRequest { workcenter_id, delivery };
    story.app.preferences().update_work_center_preference(by(&story.ada.token, message)).await.unwrap();
    story.at("2026-11-21T09:00:00Z").await;
    assert_eq!(story.mails().len(), before);
    assert_eq!(story.findings().await, []);

    let preferences = back(&story).await;
    assert_eq!(preferences.pause, None);
    let next: Vec<_> = preferences.next_digests.iter().map(|it| it.next_digest_local.as_str()).collect();
    assert_eq!(next, ["2026-11-23T07:00:00+00:00[UTC]"]);
    story.step(&Sweep::ALL).await;
    story.at("2026-11-22T07:00:00Z").await;
    let mails = story.mails().split_off(before);
    assert_eq!(mails.len(), 1);
    tells(&mails[0], &["Plan.pdf", "Offer.pdf", "were paused"]);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn a_pause_to_come_changes_nothing_until_it_comes_and_can_be_taken_back() {
    let story = Story::begin().await;
    let ([tender, _], before) = daily_and_weekly(&story).await;
    try_away(&story, pause("2026-11-21T12:00:00Z", "2026-11-23T12:00:00Z")).await.unwrap();
    story.publish(vec![story.uploaded("Plan.pdf"), uploaded(tender, &story.bob, "Offer.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    story.at("2026-11-21T07:00:00Z").await;
    let mails = story.mails().split_off(before);
    assert_eq!(mails.len(), 2);
    tells(&mails[0], &["Plan.pdf", "are immediate"]);
    tells(&mails[1], &["Offer.pdf", "daily digest"]);

    // It begins within the window of immediate mail.
    story.app.clock_at("2026-11-21T11:59:50Z").await;
    story.publish(vec![story.uploaded("Section.pdf")]).await;
    story.at("2026-11-21T12:01:00Z").await;
    assert_eq!(story.mails().len(), before + 2);
    story.at("2026-11-23T12:00:00Z").await;
    tells(&story.mails()[before + 2], &["Section.pdf", "were paused"]);

    // One that is taken back before it begins has nobody told of anything.
    story.publish(vec![uploaded(tender, &story.bob, "Bid.pdf")]).await;
    try_away(&story, pause("2026-11-24T05:00:00Z", "2026-11-24T12:00:00Z")).await.unwrap();
    let next = back(&story).await.next_digests;
    assert_eq!(next[0].next_digest_local, "2026-11-24T07:00:00+00:00[UTC]");
    story.step(&Sweep::ALL).await;
    assert_eq!(story.mails().len(), before + 3);
    story.at("2026-11-24T07:00:00Z").await;
    tells(&story.mails()[before + 3], &["Bid.pdf", "daily digest"]);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn a_digest_that_was_due_before_it_began_and_had_not_gone_waits_too() {
    let story = Story::begin().await;
    let ([tender, quay], before) = daily_and_weekly(&story).await;
    story.publish(vec![uploaded(tender, &story.bob, "Offer.pdf"), uploaded(quay, &story.bob, "Wall.pdf")]).await;
    // Said when it begins, and said before.
    story.app.clock_at("2026-11-21T07:00:01Z").await;
    away(&story, "2026-11-22T12:00:00Z").await;
    story.step(&Sweep::ALL).await;
    assert_eq!(story.mails().len(), before);
    story.at("2026-11-22T12:00:00Z").await;
    tells(&story.mails()[before], &["Offer.pdf", "Wall.pdf", "were paused"]);

    story.publish(vec![uploaded(tender, &story.bob, "Bid.pdf"), uploaded(quay, &story.bob, "Gate.pdf")]).await;
    try_away(&story, pause("2026-11-23T07:00:01Z", "2026-11-23T12:00:00Z")).await.unwrap();
    for at in ["2026-11-23T07:00:02Z", "2026-11-23T11:59:59Z"] {
        story.at(at).await;
        assert_eq!(story.mails().len(), before + 1);
        assert_eq!(story.findings().await, []);
    }
    for at in ["2026-11-23T12:00:00Z", "2026-11-24T07:00:00Z", "2026-11-30T07:00:00Z"] {
        story.at(at).await;
        assert_eq!(story.mails().len(), before + 2);
    }
    tells(&story.mails()[before + 1], &["Bid.pdf", "Gate.pdf", "were paused"]);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn switching_off_while_away_gives_up_what_waits() {
    let story = Story::begin().await;
    away(&story, "2026-11-23T12:00:00Z").await;
    story.publish(vec![story.uploaded("Plan.pdf"), mentioning(story.uploaded("Notes.pdf"), &[&story.ada])]).await;
    story.at("2026-11-21T12:00:00Z").await;
    story.deliver(&story.ada, Delivery::Off).await;
    story.publish(vec![mentioning(story.uploaded("Also.pdf"), &[&story.ada])]).await;
    story.at("2026-11-22T12:00:00Z").await;
    assert_eq!(story.findings().await, []);
    // What comes once it is on again waits like the rest.
    story.deliver(&story.ada, Delivery::Immediate).await;
    story.publish(vec![story.uploaded("Section.pdf")]).await;
    story.at("2026-11-22T13:00:00Z").await;
    assert_eq!(story.mails().len(), 0);
    assert_eq!(list(&story, &story.ada).await[0].effective_delivery(), Delivery::Immediate);
    story.at("2026-11-23T12:00:00Z").await;
    let mails = story.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].header("X-WorkCenter-Tells").unwrap(), format!("{0}:5-5", story.pier));
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn what_was_composed_before_and_had_not_gone_goes_afterwards_once() {
    let story = Story::begin().await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.app.clock_at("2026-11-20T13:01:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    away(&story, "2026-11-23T12:00:00Z").await;
    for _ in 0..3 {
        story.step(&Sweep::ALL).await;
        story.meddle("update mail set try_at = now() where ended_at is null").await;
    }
    assert_eq!(story.states().await, ["RETRY"]);
    let attempts = "select attempts from mail where ended_at is null";
    assert_eq!(story.app.client().await.query_one(attempts, &[]).await.unwrap().get::<_, i64>(0), 0);
    // It waits for as long as she is away, by the clock of all waiting mail.
    story.step(&[Sweep::Outbox]).await;
    let waits = "select count(*) from mail
        where ended_at is null and try_at between now() + interval '70 hours' and now() + interval '71 hours'";
    assert_eq!(story.app.client().await.query_one(waits, &[]).await.unwrap().get::<_, i64>(0), 1);
    assert_eq!(story.findings().await, []);

    // An invite and its like are sent all the same.
    story.publish(vec![story.uploaded("Section.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    let change = pb::RequestPasswordResetRequest { email: story.ada.email.clone() };
    story.app.sessions().request_password_reset(tonic::Request::new(change)).await.unwrap();
    story.step(&[Sweep::Outbox]).await;
    assert_eq!(story.mails().len(), 1);

    back(&story).await;
    story.step(&Sweep::ALL).await;
    let mails = story.mails().split_off(1);
    assert_eq!(mails.len(), 2);
    tells(mails.iter().find(|it| it.text().contains("were paused")).unwrap(), &["Section.pdf"]);
    tells(mails.iter().find(|it| it.text().contains("are immediate")).unwrap(), &["Plan.pdf"]);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn each_account_has_its_own_mail_also_one_that_somebody_comes_into_meanwhile() {
    let story = Story::begin().await;
    away(&story, "2026-11-23T12:00:00Z").await;
    let other = story.app.account("Harbour Board").await;
    let mut client = story.app.client().await;
    let tx = client.transaction().await.unwrap();
    let (role, now) = (workcenter::access::AccountRole::Member, story.app.now().await);
    workcenter::account::add_member(&tx, other.id, story.ada.id, role, now).await.unwrap();
    tx.commit().await.unwrap();
    let tender = story.app.workcenter(&other.admin, other.id, "Tender").await;
    story.app.collaborator(&other.admin, tender, &story.ada).await;
    story.publish(vec![story.uploaded("Plan.pdf"), uploaded(tender, &other.admin, "Offer.pdf")]).await;
    story.at("2026-11-22T12:00:00Z").await;
    assert_eq!(story.mails().len(), 0);
    story.at("2026-11-23T12:00:00Z").await;
    let mails = story.mails();
    assert_eq!(mails.len(), 2);
    for mail in mails {
        assert_ne!(mail.text().contains("Plan.pdf"), mail.text().contains("Offer.pdf"), "{}", mail.text());
    }
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn what_is_passed_over_until_the_mail_is_composed_is_looked_at_again() {
    let story = Story::begin().await;
    away(&story, "2026-11-23T12:00:00Z").await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    // Somebody else is at work on it when it is over, and does not get done.
    story.app.clock_at("2026-11-23T12:00:00Z").await;
    story.meddle("update digest_schedule set lease_until = now() + interval '1 minute', fence = fence + 1").await;
    story.publish(vec![story.uploaded("Section.pdf")]).await;
    story.at("2026-11-23T12:01:00Z").await;
    assert_eq!(story.mails().len(), 0);
    let due = "select due_at::text from activity_head";
    let due_at = async || story.app.client().await.query_one(due, &[]).await.unwrap().get::<_, Option<String>>(0);
    assert_eq!(due_at().await, None);

    story.meddle("update digest_schedule set lease_until = null").await;
    let draining = CancellationToken::new();
    let (lease, spread) = (std::time::Duration::from_secs(60), std::time::Duration::ZERO);
    let terms = digest::Terms { batch: 10, lease, spread, draining, composed: Arc::default() };
    let told = digest::catch_up(story.app.pool(), &terms, story.app.now().await).await.unwrap();
    assert_eq!(told.mailed, 1);
    assert_eq!(due_at().await.as_deref(), Some("2026-11-23 12:01:00+00"));
    story.step(&Sweep::ALL).await;
    assert_eq!(story.mails().len(), 1);
    tells(&story.mails()[0], &["2 files"]);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn who_goes_away_while_a_daemon_composes_takes_their_digest_back() {
    let story = Story::begin().await;
    story.deliver(&story.ada, Delivery::Daily).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.app.clock_at("2026-11-21T07:00:00Z").await;
    story.meddle("update digest_schedule set lease_until = now() + interval '1 minute', fence = fence + 1").await;
    away(&story, "2026-11-22T12:00:00Z").await;
    let left = "select count(*) from digest_schedule where lease_until is not null or next_at < '2026-11-22T12:00:00Z'";
    assert_eq!(story.app.client().await.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_pause_that_cannot_be_is_refused_and_one_that_was_read_can_be_written_back() {
    let story = Story::begin().await;
    let before = read(&story, &story.ada).await;
    assert_eq!(before.pause, None);
    let no_instant = Pause { from: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }), to: None };
    for (bad, field) in [
        (Some(Pause::default()), "to"),
        (pause("", "2026-11-20T13:00:00Z"), "to"),
        (pause("2026-11-21T00:00:00Z", "2026-11-21T00:00:00Z"), "to"),
        (pause("", "2027-11-22T13:00:00Z"), "to"),
        (Some(no_instant), "from"),
    ] {
        let status = try_away(&story, bad).await.unwrap_err();
        assert_eq!(
            (status.code(), fields(&status)),
            (Code::InvalidArgument, vec![format!("preferences.pause.{field}")])
        );
    }
    assert_eq!(read(&story, &story.ada).await, before);

    let said = away(&story, "2027-11-21T13:00:00Z").await;
    assert_ne!(said.etag, before.etag);
    story.app.clock_at("2026-11-20T15:00:00Z").await;
    let got = story.app.preferences().get_preferences(by(&story.ada.token, GetPreferencesRequest {})).await.unwrap();
    let got = got.into_inner().preferences.unwrap();
    assert_eq!(got, said);
    assert_eq!(story.prefer(&story.ada, got.clone(), &["*"]).await, got);
}
