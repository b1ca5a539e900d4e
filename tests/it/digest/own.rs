//! What is about one person alone: how their background processes have ended, and what became of their roles. It is told once,
//! last in the mail, and to nobody else.

use std::collections::HashSet;

use futures_util::future::join_all;
use tonic::{Code, Request};
use workcenter::{
    daemon::Sweep,
    ids,
    pb::{
        AccountRole, Activity, AddressedItems, BatchUpdateWorkCenterPreferencesRequest, Delivery,
        ExplainNotificationRequest, ListWorkCenterPreferencesRequest, MailScope, NotificationOutcome, Pause,
        Preferences, PreviewDigestRequest, Reason, RemoveCollaboratorRequest, RemoveMemberRequest, ResubscribeRequest,
        Subject, UnsubscribeRequest, UpdateCollaboratorRequest, UpdateMemberRequest, WorkCenterRole,
    },
};

use super::by_digest;
use crate::{
    harness::{Person, by, fields},
    received::Received,
    story::{Story, mentioning},
};

/// A background process of `person` that has ended.
fn ended(story: &Story, person: &Person, kind: &str, title: &str) -> Activity {
    Activity {
        event_id: ids::new().to_string(),
        kind: kind.to_owned(),
        actor_user_id: person.id.to_string(),
        account_id: story.account.id.to_string(),
        user_id: person.id.to_string(),
        subject: Some(Subject {
            r#type: "process".to_owned(),
            id: title.to_owned(),
            title: title.to_owned(),
            url: "https://app.example/processes/1".to_owned(),
        }),
        ..Activity::default()
    }
}

async fn change_role(story: &Story, by_whom: &Person, of: &Person, role: WorkCenterRole) {
    let (workcenter_id, user_id) = (story.pier.to_string(), of.id.to_string());
    let message = UpdateCollaboratorRequest { workcenter_id, user_id, role: role.into() };
    story.app.workcenters().update_collaborator(by(&by_whom.token, message)).await.unwrap();
}

async fn outcome(story: &Story, who: &Person, seq: i64) -> (NotificationOutcome, String) {
    let (user_id, account_id) = (who.id.to_string(), story.account.id.to_string());
    let message = ExplainNotificationRequest { user_id, account_id, seq, ..Default::default() };
    let told = story.app.preferences().explain_notification(by(&who.token, message)).await.unwrap().into_inner();
    (told.outcome(), told.explanation)
}

fn to(mails: &[Received], person: &Person) -> Vec<String> {
    mails.iter().filter(|it| it.to == person.email).map(|it| it.header("Subject").unwrap()).collect()
}

/// Whether these stand in `text` in this order.
fn in_order(text: &str, parts: &[&str]) -> bool {
    let places: Vec<_> = parts.iter().map(|it| text.find(it)).collect();
    places.iter().all(Option::is_some) && places.is_sorted()
}

#[tokio::test]
async fn a_process_that_failed_is_told_at_once_and_the_others_last_in_the_digest() {
    let story = Story::begin().await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    let published = story
        .publish(vec![
            ended(&story, &story.ada, "process.succeeded", "Copy of Plans"),
            ended(&story, &story.ada, "process.failed", "Move of Photos"),
            ended(&story, &story.ada, "process.succeeded", "Import of tasks"),
            story.uploaded("Plan.pdf"),
            mentioning(story.uploaded("Notes.pdf"), &[&story.ada]),
        ])
        .await;
    assert_eq!(published[..3].iter().map(|it| it.seq).collect::<Vec<_>>(), [1, 2, 3]);
    let waits = outcome(&story, &story.ada, 1).await;
    assert_eq!(waits.0, NotificationOutcome::WaitsForDigest);
    story.at("2026-11-20T13:01:00Z").await;
    let mails = story.mails();
    let mut subjects = to(&mails, &story.ada);
    subjects.sort();
    let failed = "[Your background processes] Move of Photos failed";
    assert_eq!(subjects, ["[Pier 4] Bob Stephenson mentioned you in a comment on Notes.pdf", failed]);
    let mail = mails.iter().find(|it| it.header("Subject").unwrap() == failed).unwrap();
    assert!(mail.text().contains("what you have started in Pier Works"), "{}", mail.text());
    let list = format!("\"Pier Works\" <{}.digest.workcenter.example>", story.account.id.simple());
    assert_eq!(mail.header("List-Id").unwrap(), list);

    let asked =
        PreviewDigestRequest { account_id: story.account.id.to_string(), cadence: Delivery::Daily.into(), at: None };
    let shown = story.app.preferences().preview_digest(by(&story.ada.token, asked)).await.unwrap().into_inner();
    story.at("2026-11-21T07:00:00Z").await;
    let mails = story.mails().split_off(2);
    assert_eq!(to(&mails, &story.ada), ["Your daily digest: 3 updates in Pier 4"]);
    let (text, html) = (mails[0].text(), mails[0].html());
    let parts = ["Plan.pdf", "Your background processes", "2 background processes succeeded", "Copy of Plans"];
    assert!(in_order(&text, &parts) && in_order(&html, &parts), "{text}");
    assert!(!text.contains("Move of Photos"), "it was told before");
    assert_eq!((shown.text.trim(), shown.empty), (text.replace("\r\n", "\n").trim(), false));
    assert_eq!(outcome(&story, &story.ada, 1).await.0, NotificationOutcome::Sent);
    assert_eq!(outcome(&story, &story.ada, 2).await.0, NotificationOutcome::Sent);
    assert_eq!(to(&story.mails(), &story.bob), [""; 0]);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn whoever_is_removed_is_told_the_name_of_the_workcenter_and_whoever_has_another_role_at_once() {
    let story = Story::begin().await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    change_role(&story, &story.bob, &story.ada, WorkCenterRole::Owner).await;
    // Neither what is no change nor one's own doing is news.
    change_role(&story, &story.bob, &story.ada, WorkCenterRole::Owner).await;
    change_role(&story, &story.ada, &story.ada, WorkCenterRole::Reader).await;
    story.at("2026-11-20T13:01:00Z").await;
    assert_eq!(to(&story.mails(), &story.ada), ["[About you] Bob Stephenson changed your role in Pier 4"]);
    assert!(story.mails()[0].text().contains("You are an owner now."));
    assert_eq!(to(&story.mails(), &story.bob), [""; 0]);

    let carl = story.app.person(&story.account, "carl@example.com", "Carl", "Benz").await;
    story.app.collaborator(&story.bob, story.pier, &carl).await;
    story.at("2026-11-20T14:00:00Z").await;
    let before = story.mails().len();
    let (workcenter_id, user_id) = (story.pier.to_string(), story.ada.id.to_string());
    let removed = RemoveCollaboratorRequest { workcenter_id, user_id };
    story.app.workcenters().remove_collaborator(by(&story.bob.token, removed)).await.unwrap();
    let (account_id, user_id) = (story.account.id.to_string(), story.ada.id.to_string());
    let guest = UpdateMemberRequest { account_id, user_id, role: AccountRole::Guest.into() };
    story.app.accounts().update_member(by(&story.account.admin.token, guest)).await.unwrap();
    story.at("2026-11-21T07:00:00Z").await;
    let mails = story.mails().split_off(before);
    assert_eq!(to(&mails, &carl), ["[Pier 4] Bob Stephenson removed Ada Lovelace"]);
    assert_eq!(to(&mails, &story.ada), ["Your daily digest: 2 updates"]);
    let text = mails.iter().find(|it| it.to == story.ada.email).unwrap().text();
    let parts =
        ["About you", "Bob Stephenson removed you from Pier 4", "Admin Istrator changed your role in the account"];
    assert!(in_order(&text, &parts), "{text}");
    assert!(!text.contains(&story.pier.to_string()), "no way leads there: {text}");
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn it_goes_by_the_default_alone_and_a_link_in_its_mail_stops_it_until_that_is_undone() {
    let story = Story::begin().await;
    let mut told = 0;
    let mut is_told = async |instant: &str| {
        story.publish(vec![ended(&story, &story.ada, "process.succeeded", "Copy of Plans")]).await;
        story.at(instant).await;
        let before = std::mem::replace(&mut told, story.mails().len());
        told > before
    };
    assert!(is_told("2027-01-04T10:00:00Z").await);
    // It is none of the WorkCenters.
    let listed = by(&story.ada.token, ListWorkCenterPreferencesRequest::default());
    let listed = story.app.preferences().list_work_center_preferences(listed).await.unwrap().into_inner();
    let listed: Vec<String> = listed.preferences.into_iter().map(|it| it.workcenter_id).collect();
    assert_eq!(listed, [story.pier.to_string()]);
    let off = BatchUpdateWorkCenterPreferencesRequest { rows: Vec::new(), all: Delivery::Off.into() };
    story.app.preferences().batch_update_work_center_preferences(by(&story.ada.token, off)).await.unwrap();
    assert!(is_told("2027-01-04T11:00:00Z").await);

    let link = story.mails().last().unwrap().header("List-Unsubscribe").unwrap();
    let token = link.trim_matches(['<', '>']).rsplit_once('/').unwrap().1.to_owned();
    let stopped = story.app.preferences().unsubscribe(Request::new(UnsubscribeRequest { token })).await.unwrap();
    let stopped = stopped.into_inner();
    assert_eq!(stopped.scope(), MailScope::Own);
    assert!(!is_told("2027-01-04T12:00:00Z").await);
    assert_eq!(outcome(&story, &story.ada, 3).await.1, "Notifications about the person themselves are off.");
    let token = stopped.resubscribe_token;
    story.app.preferences().resubscribe(Request::new(ResubscribeRequest { token })).await.unwrap();
    assert!(is_told("2027-01-04T13:00:00Z").await);

    let off = Preferences { default_delivery: Delivery::Off.into(), ..Preferences::default() };
    story.prefer(&story.ada, off, &["default_delivery"]).await;
    assert!(!is_told("2027-01-04T14:00:00Z").await);
    let at_once = Preferences { default_delivery: Delivery::Immediate.into(), ..Preferences::default() };
    story.prefer(&story.ada, at_once, &["default_delivery"]).await;
    assert!(is_told("2027-01-04T15:00:00Z").await);
    let pause = Pause {
        from: Some(workcenter::pb::time("2027-01-04T15:00:01Z".parse().unwrap())),
        to: Some(workcenter::pb::time("2027-01-04T18:00:00Z".parse().unwrap())),
    };
    story.prefer(&story.ada, Preferences { pause: Some(pause), ..Preferences::default() }, &["pause"]).await;
    assert!(!is_told("2027-01-04T16:00:00Z").await);
    assert!(is_told("2027-01-04T18:00:00Z").await);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn whoever_leaves_the_account_hears_of_nothing_more_and_who_comes_back_of_what_is_new() {
    let story = Story::begin().await;
    let with_digest = Preferences { addressed_items: AddressedItems::WithDigest.into(), ..by_digest() };
    story.prefer(&story.ada, with_digest, &["default_delivery", "addressed_items"]).await;
    let failed = |title: &str| ended(&story, &story.ada, "process.failed", title);
    story.publish(vec![failed("Copy of Plans")]).await;
    story.at("2026-11-20T13:01:00Z").await;
    assert_eq!(story.mails().len(), 0, "it comes with the digest");
    let (account_id, user_id) = (story.account.id.to_string(), story.ada.id.to_string());
    let leave = RemoveMemberRequest { account_id, user_id };
    story.app.accounts().remove_member(by(&story.account.admin.token, leave)).await.unwrap();
    let lost = story.publish(vec![failed("Move of Photos")]).await;
    assert_eq!((lost[0].seq, lost[0].reason()), (0, Reason::UserNotFound));
    story.at("2026-11-21T07:00:00Z").await;
    assert_eq!(to(&story.mails(), &story.ada), [""; 0]);
    assert_eq!(story.findings().await, []);

    let mut client = story.app.client().await;
    let tx = client.transaction().await.unwrap();
    let (role, now) = (workcenter::access::AccountRole::Member, story.app.now().await);
    workcenter::account::add_member(&tx, story.account.id, story.ada.id, role, now).await.unwrap();
    tx.commit_with(&[workcenter::account::announce(story.ada.id)]).await.unwrap();
    story.publish(vec![failed("Import of tasks")]).await;
    story.at("2026-11-22T07:00:00Z").await;
    let mails: Vec<Received> = story.mails().into_iter().filter(|it| it.to == story.ada.email).collect();
    assert_eq!(to(&mails, &story.ada), ["[Your background processes] Import of tasks failed"]);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn what_is_taken_back_or_of_a_deactivated_account_is_not_told() {
    let story = Story::begin().await;
    let (copy, photos) = (
        ended(&story, &story.ada, "process.succeeded", "Copy of Plans"),
        ended(&story, &story.ada, "process.failed", "Move of Photos"),
    );
    story.publish(vec![copy.clone(), photos.clone()]).await;
    story.app.clock_at("2027-01-04T10:00:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    let never = ended(&story, &story.bob, "process.failed", "Move of Photos");
    let taken = story.retract(&[&copy, &never, &photos]).await;
    assert_eq!((taken.retracted_count, taken.results[1].reason()), (2, Reason::EventNotFound));
    assert_eq!(taken.results[0].user_id, story.ada.id.to_string());
    story.step(&[Sweep::Outbox]).await;
    assert_eq!(story.states().await, ["SUPPRESSED"]);

    story.publish(vec![ended(&story, &story.ada, "process.failed", "Import of tasks")]).await;
    let account_id = story.account.id.to_string();
    let off = workcenter::pb::DeactivateAccountRequest { account_id: account_id.clone() };
    story.app.accounts().deactivate_account(by(&story.account.admin.token, off)).await.unwrap();
    let refused = story
        .publish(vec![
            ended(&story, &story.ada, "process.failed", "Copy of Plans"),
            ended(&story, &story.bob, "process.failed", "Copy of Plans"),
        ])
        .await;
    assert!(refused.iter().all(|it| it.reason() == Reason::AccountDeactivated), "{refused:?}");
    story.at("2027-01-04T11:00:00Z").await;
    let on = workcenter::pb::ReactivateAccountRequest { account_id };
    story.app.accounts().reactivate_account(by(&story.account.admin.token, on)).await.unwrap();
    story.publish(vec![ended(&story, &story.bob, "process.failed", "Plans again")]).await;
    story.at("2027-01-04T12:00:00Z").await;
    assert_eq!(to(&story.mails(), &story.ada), [""; 0]);
    assert_eq!(to(&story.mails(), &story.bob), ["[Your background processes] Plans again failed"]);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn a_person_has_one_log_in_an_account_however_many_publish_to_it_first() {
    let story = Story::begin().await;
    let first = (0..8).map(|it| story.publish(vec![ended(&story, &story.ada, "process.succeeded", &it.to_string())]));
    let seqs: HashSet<i64> = join_all(first).await.iter().map(|it| it[0].seq).collect();
    assert_eq!(seqs, (1..=8).collect());

    let both =
        Activity { workcenter_id: story.pier.to_string(), ..ended(&story, &story.ada, "process.failed", "Copy") };
    let half = Activity { user_id: String::new(), ..ended(&story, &story.ada, "process.failed", "Copy") };
    let loud = mentioning(ended(&story, &story.ada, "process.failed", "Copy"), &[&story.bob]);
    let public = Activity { audience: 1, ..ended(&story, &story.ada, "process.failed", "Copy") };
    let status = story.try_publish(vec![both, half, loud, public]).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let wrong: HashSet<String> = fields(&status).into_iter().collect();
    let expected = ["[0].workcenter_id", "[1].user_id", "[2].addressees", "[3].audience"];
    assert_eq!(wrong, expected.map(|it| format!("events{it}")).into());

    let nobody = Activity { user_id: ids::new().to_string(), ..ended(&story, &story.ada, "process.failed", "Copy") };
    assert_eq!(story.publish(vec![nobody]).await[0].reason(), Reason::UserNotFound);
    story.at("2027-01-04T10:00:00Z").await;
    assert_eq!(to(&story.mails(), &story.ada), ["[Your background processes] 8 background processes succeeded"]);
    // Nobody asks about another's but administrators.
    let (user_id, account_id) = (story.ada.id.to_string(), story.account.id.to_string());
    let asked = || ExplainNotificationRequest {
        user_id: user_id.clone(),
        account_id: account_id.clone(),
        seq: 1,
        ..Default::default()
    };
    let status = story.app.preferences().explain_notification(by(&story.bob.token, asked())).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let told = story.app.preferences().explain_notification(by(&story.account.admin.token, asked())).await.unwrap();
    assert_eq!(told.into_inner().outcome(), NotificationOutcome::Sent);
    assert_eq!(story.findings().await, []);
}
