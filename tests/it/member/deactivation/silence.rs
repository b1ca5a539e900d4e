//! That nobody is told anything of a deactivated account, nor later of what happened before it was back.

use tokio::join;
use workcenter::{
    daemon::Sweep,
    pb::{self, Delivery, InviteState, Preferences, WorkCenterState},
};

use super::{deactivate, decline, invite, reactivate, read_invite, workcenter};
use crate::{
    invite::mailed,
    sink::{Point, at},
    story::{Story, mentioning},
    workcenter::archive,
};

impl Story {
    async fn deactivate(&self) {
        deactivate(&self.app, &self.account.admin.token, self.account.id).await.unwrap();
    }

    async fn reactivate(&self) {
        reactivate(&self.app, &self.account.admin.token, self.account.id).await.unwrap();
    }

    /// How many mails an address has got.
    fn to(&self, email: &str) -> usize {
        self.mails().iter().filter(|it| it.to == email).count()
    }
}

fn by_digest() -> Preferences {
    Preferences { default_delivery: Delivery::Digest.into(), ..Preferences::default() }
}

#[tokio::test]
async fn what_waits_is_in_no_digest_and_what_happens_after_it_is_back_is() {
    let story = Story::begin().await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    story.publish(vec![mentioning(story.uploaded("Mentioned.pdf"), &[&story.ada]), story.uploaded("Before.pdf")]).await;
    story.deactivate().await;
    story.at("2026-11-21T07:00:00Z").await;
    // Who wants to hear at once what waited for a digest hears nothing either.
    let immediate = Preferences { default_delivery: Delivery::Immediate.into(), ..Preferences::default() };
    story.prefer(&story.ada, immediate, &["default_delivery"]).await;
    story.at("2026-11-21T08:00:00Z").await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    assert_eq!((story.mails().len(), story.findings().await), (0, vec![]));

    story.reactivate().await;
    story.at("2026-11-22T07:00:00Z").await;
    assert_eq!(story.mails().len(), 0);
    story.publish(vec![story.uploaded("After.pdf")]).await;
    story.at("2026-11-23T07:00:00Z").await;
    let mails = story.mails();
    assert_eq!(mails.len(), 1);
    let text = mails[0].text();
    assert!(text.contains("After.pdf") && !text.contains("Before.pdf") && !text.contains("Mentioned.pdf"), "{text}");
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn a_mail_in_the_outbox_is_not_sent_whether_the_account_comes_back_or_not() {
    for comes_back in [false, true] {
        let story = Story::begin().await;
        let mentioned = mentioning(story.uploaded("Mentioned.pdf"), &[&story.ada]);
        story.publish(vec![story.uploaded("Before.pdf"), mentioned]).await;
        story.app.clock_at("2026-11-20T13:01:00Z").await;
        story.step(&[Sweep::Immediate]).await;
        assert_eq!(story.states().await, ["PENDING"]);
        story.deactivate().await;
        if comes_back {
            story.reactivate().await;
        }
        story.step(&[Sweep::Outbox]).await;
        assert_eq!(story.states().await, ["SUPPRESSED"], "comes back: {comes_back}");
        assert_eq!((story.mails().len(), story.findings().await), (0, vec![]));
    }
}

#[tokio::test]
async fn what_would_have_been_told_at_once_is_not_told_when_the_account_is_back_before_its_window_has_passed() {
    let story = Story::begin().await;
    story.publish(vec![mentioning(story.uploaded("Before.pdf"), &[&story.ada])]).await;
    story.deactivate().await;
    story.reactivate().await;
    story.at("2026-11-20T13:01:00Z").await;
    assert_eq!((story.mails().len(), story.findings().await), (0, vec![]));
}

#[tokio::test]
async fn a_mail_that_the_relay_has_put_off_when_the_account_is_deactivated_is_not_tried_again() {
    let story = Story::begin_with(vec![at(Point::Rcpt).nth(1).hold(), at(Point::Dot).nth(1).reply("451 later")]).await;
    story.publish(vec![story.uploaded("Before.pdf")]).await;
    story.app.clock_at("2026-11-20T13:01:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    let outbox = [Sweep::Outbox];
    join!(story.step(&outbox), async {
        story.sink.wait_for_held(1).await;
        story.deactivate().await;
        story.sink.release(1);
    });
    assert_eq!(story.states().await, ["SUPPRESSED"]);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn a_mail_whose_daemon_has_died_meanwhile_is_not_tried_again() {
    let story = Story::begin().await;
    story.publish(vec![story.uploaded("Before.pdf")]).await;
    story.app.clock_at("2026-11-20T13:01:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    let died = "update mail set state = 'SENDING', lease_until = now() where state = 'PENDING'";
    story.meddle(died).await;
    story.deactivate().await;
    story.reactivate().await;
    story.step(&[Sweep::Outbox]).await;
    assert_eq!((story.states().await, story.mails().len()), (vec!["SUPPRESSED".to_owned()], 0));
}

#[tokio::test]
async fn invites_are_not_mailed_and_their_inviters_not_told_and_what_was_pending_still_is() {
    let story = Story::begin().await;
    let (app, bob, id) = (&story.app, &story.bob, story.account.id);
    app.clock_at("2027-11-02T08:00:00Z").await;
    let to_nora = invite(app, bob, id, "nora@example.com").await;
    let to_olga = invite(app, bob, id, "olga@example.com").await;
    let link = mailed(app, &to_olga).await.unwrap();
    let before = story.mails().len();
    story.deactivate().await;
    assert_eq!(mailed(app, &to_nora).await, None);
    decline(app, link).await;
    story.at("2027-11-02T09:00:00Z").await;
    story.reactivate().await;
    story.at("2027-11-02T10:00:00Z").await;
    assert_eq!(story.mails().len(), before);
    assert_eq!(read_invite(app, bob, &to_nora.invite_id).await.state(), InviteState::Pending);

    let again = pb::ResendInviteRequest { invite_id: to_nora.invite_id.clone() };
    app.invites().resend_invite(crate::harness::by(&bob.token, again)).await.unwrap();
    story.at("2027-11-02T11:00:00Z").await;
    assert_eq!((story.to("nora@example.com"), story.to(&bob.email)), (1, 0));
}

#[tokio::test]
async fn an_inviter_is_not_told_of_what_was_declined_while_no_daemon_was_there() {
    let story = Story::begin().await;
    let (app, bob, id) = (&story.app, &story.bob, story.account.id);
    app.clock_at("2027-11-02T08:00:00Z").await;
    let link = mailed(app, &invite(app, bob, id, "olga@example.com").await).await.unwrap();
    story.deactivate().await;
    decline(app, link).await;
    story.reactivate().await;
    story.at("2027-11-02T10:00:00Z").await;
    assert_eq!((story.to("olga@example.com"), story.to(&bob.email)), (0, 0));
}

#[tokio::test]
async fn nobody_is_reminded_of_an_invite_until_the_account_is_back() {
    let story = Story::begin().await;
    let (app, bob, id) = (&story.app, &story.bob, story.account.id);
    app.clock_at("2027-11-02T08:00:00Z").await;
    invite(app, bob, id, "nora@example.com").await;
    story.at("2027-11-02T08:00:00Z").await;
    assert_eq!(story.to("nora@example.com"), 1);
    story.deactivate().await;
    for day in 3..=8 {
        story.at(&format!("2027-11-0{day}T08:00:00Z")).await;
    }
    story.reactivate().await;
    story.at("2027-11-08T09:00:00Z").await;
    assert_eq!(story.to("nora@example.com"), 1);
    // Of the reminders after three and seven days the first is left out.
    story.at("2027-11-09T08:00:00Z").await;
    assert_eq!(story.to("nora@example.com"), 2);
}

#[tokio::test]
async fn a_reminder_that_is_composed_when_the_account_is_deactivated_does_not_end_its_invite() {
    let story = Story::begin().await;
    let (app, bob, id) = (&story.app, &story.bob, story.account.id);
    app.clock_at("2027-11-02T08:00:00Z").await;
    let pending = invite(app, bob, id, "nora@example.com").await;
    story.at("2027-11-02T08:00:00Z").await;
    app.clock_at("2027-11-05T08:00:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    story.deactivate().await;
    story.at("2027-11-05T09:00:00Z").await;
    story.reactivate().await;
    story.at("2027-11-06T08:00:00Z").await;
    assert_eq!(story.to("nora@example.com"), 1);
    assert_eq!(read_invite(app, bob, &pending.invite_id).await.state(), InviteState::Pending);
    story.at("2027-11-09T08:00:00Z").await;
    assert_eq!(story.to("nora@example.com"), 2);
}

#[tokio::test]
async fn workcenters_that_were_archived_or_deleted_by_themselves_still_are_and_others_account_is_told() {
    let story = Story::begin().await;
    let (app, bob, admin) = (&story.app, &story.bob, &story.account.admin);
    let quay = app.workcenter(bob, story.account.id, "Quay 2").await;
    let dock = app.workcenter(bob, story.account.id, "Dock 1").await;
    let other = app.account("Sea Works").await;
    let theirs = app.workcenter(&other.admin, other.id, "Bridge").await;
    let eve = app.person(&other, "eve@example.com", "Eve", "Evans").await;
    app.collaborator(&other.admin, theirs, &eve).await;
    let archived = archive::archive(app, bob, quay).await.unwrap();
    let deleted = archive::delete(app, admin, dock).await.unwrap();
    story.deactivate().await;
    story.publish(vec![crate::story::uploaded(theirs, &other.admin, "Arch.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    let told = story.mails();
    assert!(!told.is_empty() && told.iter().all(|it| it.to == eve.email), "{told:?}");

    story.reactivate().await;
    assert_eq!(workcenter(app, bob, quay).await, archived);
    assert_eq!(workcenter(app, admin, dock).await, deleted);
    assert_eq!(workcenter(app, bob, story.pier).await.state(), WorkCenterState::Active);
    let reasons = [story.pier, quay, dock].map(|it| crate::story::uploaded(it, bob, "After.pdf"));
    let reasons: Vec<_> = story.publish(reasons.to_vec()).await.iter().map(pb::PublishResult::reason).collect();
    let expected = [pb::Reason::Unspecified, pb::Reason::WorkcenterArchived, pb::Reason::WorkcenterNotFound];
    assert_eq!(reasons, expected);
    assert_eq!(story.findings().await, []);
}
