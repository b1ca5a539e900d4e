//! What people are told, when, and that they are told once. Time is moved by hand, sweeps are stepped.

mod cadence;
mod once;
mod own;
pub mod scale;

use jiff::Timestamp;
use tonic::Code;
use workcenter::{
    daemon::Sweep,
    pb::{self, AddressedItems, Delivery, Preferences},
};

use crate::{
    harness::by,
    story::{Story, mentioning, named},
};

/// Everything by digest.
fn by_digest() -> Preferences {
    Preferences { default_delivery: Delivery::Digest.into(), ..Preferences::default() }
}

#[tokio::test]
async fn what_happens_together_is_told_in_one_mail_when_the_window_has_passed() {
    let story = Story::begin().await;
    story.publish((1..=7).map(|it| story.uploaded(&format!("Sheet {it}.pdf"))).collect()).await;
    story.at("2026-11-20T13:00:20Z").await;
    // Later events do not put the first ones off.
    story.publish(vec![story.uploaded("Sheet 8.pdf")]).await;
    story.at("2026-11-20T13:00:29Z").await;
    assert_eq!(story.mails().len(), 0);

    story.at("2026-11-20T13:00:30Z").await;
    let mails = story.mails();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(mail.to, "ada@example.com");
    assert_eq!(mail.header("Subject").unwrap(), "[Pier 4] Bob Stephenson uploaded 8 files to Drawings");
    assert!(mail.text().contains("Bob Stephenson uploaded 8 files to Drawings"), "{}", mail.text());
    assert!(mail.html().contains("8 files"));
    assert_eq!(mail.header("Date").unwrap(), "Fri, 20 Nov 2026 13:00:30 +0000");
    assert_eq!(mail.header("Auto-Submitted").unwrap(), "auto-generated");
    assert_eq!(mail.header("List-Unsubscribe-Post").unwrap(), "List-Unsubscribe=One-Click");
    let list = format!("\"Pier 4\" <{}.workcenter.workcenter.example>", story.pier.simple());
    assert_eq!(mail.header("List-Id").unwrap(), list);
    assert_eq!(mail.header("X-WorkCenter-Tells").unwrap(), format!("{}:2-9", story.pier));

    story.at("2026-11-20T14:00:00Z").await;
    assert_eq!(story.mails().len(), 1);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn nobody_is_told_of_their_own_doings() {
    let story = Story::begin().await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    let to: Vec<String> = story.mails().into_iter().map(|it| it.to).collect();
    assert_eq!(to, ["ada@example.com"]);
}

#[tokio::test]
async fn a_daily_digest_goes_at_seven_where_its_reader_is_and_once() {
    let story = Story::begin().await;
    story.live_in(&story.ada, "America/New_York").await;
    let preferences = story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    let next = &preferences.next_digests[0];
    assert_eq!(next.next_digest_local, "2026-11-21T07:00:00-05:00[America/New_York]");

    story.publish(vec![story.uploaded("Plan.pdf"), story.uploaded("Section.pdf")]).await;
    story.at("2026-11-21T11:59:59Z").await;
    assert_eq!(story.mails().len(), 0);
    story.at("2026-11-21T12:00:00Z").await;
    story.at("2026-11-21T12:00:05Z").await;
    let mails = story.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].header("Date").unwrap(), "Sat, 21 Nov 2026 12:00:00 +0000");
    assert_eq!(mails[0].header("X-WorkCenter-Tells").unwrap(), format!("{}:2-3", story.pier));

    let read = story.app.preferences().get_preferences(by(&story.ada.token, pb::GetPreferencesRequest {})).await;
    let next = read.unwrap().into_inner().preferences.unwrap().next_digests;
    assert_eq!(next[0].next_digest_local, "2026-11-22T07:00:00-05:00[America/New_York]");
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn an_empty_digest_is_not_sent_and_its_slot_is_done() {
    let story = Story::begin().await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    story.at("2026-11-21T07:00:00Z").await;
    assert_eq!(story.mails().len(), 0);
    let slots = "select mail_id from settlement where local_date is not null";
    let slots = story.app.client().await.query(slots, &[]).await.unwrap();
    assert_eq!(slots.len(), 1);

    // What happens afterwards is told the next day, not later on this one.
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2026-11-21T23:00:00Z").await;
    assert_eq!(story.mails().len(), 0);
    story.at("2026-11-22T07:00:00Z").await;
    assert_eq!(story.mails().len(), 1);
}

#[tokio::test]
async fn after_an_outage_there_is_one_digest_that_says_since_when() {
    let story = Story::begin().await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.app.clock_at("2026-11-22T12:00:00Z").await;
    story.publish(vec![story.uploaded("Section.pdf")]).await;
    story.at("2026-11-24T12:00:00Z").await;
    let mails = story.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text().contains("20 November 2026"), "{}", mails[0].text());
    story.at("2026-11-25T06:59:59Z").await;
    assert_eq!(story.mails().len(), 1);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn a_weekly_digest_tells_the_week_on_its_day() {
    let story = Story::begin().await;
    let weekly = Preferences {
        digest_frequency: pb::DigestFrequency::Weekly.into(),
        weekly_day: pb::Weekday::Wednesday.into(),
        ..by_digest()
    };
    story.prefer(&story.ada, weekly, &["default_delivery", "digest_frequency", "weekly_day"]).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2026-11-25T06:59:59Z").await;
    assert_eq!(story.mails().len(), 0);
    story.at("2026-11-25T07:00:00Z").await;
    assert_eq!(story.mails().len(), 1);
}

#[tokio::test]
async fn accounts_never_share_a_mail() {
    let story = Story::begin().await;
    let other = story.app.account("Harbour Board").await;
    let mut client = story.app.client().await;
    let tx = client.transaction().await.unwrap();
    let (role, now) = (workcenter::access::AccountRole::Member, story.app.now().await);
    for person in [&story.ada, &story.bob] {
        workcenter::account::add_member(&tx, other.id, person.id, role, now).await.unwrap();
    }
    tx.commit().await.unwrap();
    let tender = story.app.workcenter(&story.bob, other.id, "Tender").await;
    story.app.collaborator(&story.bob, tender, &story.ada).await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    story.at("2026-11-20T14:00:00Z").await;
    let before = story.mails().len();

    story.publish(vec![story.uploaded("A.pdf"), crate::story::uploaded(tender, &story.bob, "B.pdf")]).await;
    story.at("2026-11-21T07:00:00Z").await;
    let mails = story.mails().split_off(before);
    assert_eq!(mails.len(), 2);
    for mail in mails {
        assert_ne!(mail.text().contains("Pier 4"), mail.text().contains("Tender"), "{}", mail.text());
    }
}

#[tokio::test]
async fn a_mention_is_told_at_once_and_not_again_with_the_digest() {
    let story = Story::begin().await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    story.publish(vec![story.uploaded("Plan.pdf"), mentioning(story.uploaded("Notes.pdf"), &[&story.ada])]).await;
    story.at("2026-11-20T13:01:00Z").await;
    let mails = story.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].header("X-WorkCenter-Tells").unwrap(), format!("{}:3", story.pier));
    assert!(mails[0].text().contains("mentioned you"), "{}", mails[0].text());

    story.at("2026-11-21T07:00:00Z").await;
    let digest = &story.mails()[1];
    assert!(digest.text().contains("Plan.pdf") && !digest.text().contains("Notes.pdf"), "{}", digest.text());
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn a_mention_waits_for_the_digest_when_asked_to() {
    let story = Story::begin().await;
    let with_digest = Preferences { addressed_items: AddressedItems::WithDigest.into(), ..by_digest() };
    story.prefer(&story.ada, with_digest, &["default_delivery", "addressed_items"]).await;
    story.publish(vec![mentioning(story.uploaded("Notes.pdf"), &[&story.ada])]).await;
    story.at("2026-11-20T14:00:00Z").await;
    assert_eq!(story.mails().len(), 0);
    assert_eq!(story.findings().await, []);
    story.at("2026-11-21T07:00:00Z").await;
    assert!(story.mails()[0].text().contains("mentioned you"));
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn what_is_meant_for_some_is_hidden_from_the_others() {
    let story = Story::begin().await;
    let eve = story.app.person(&story.account, "eve@example.com", "Eve", "Online").await;
    story.app.collaborator(&story.bob, story.pier, &eve).await;
    let stranger = story.app.person(&story.account, "oscar@example.com", "Oscar", "").await;
    story.at("2026-11-20T13:30:00Z").await;
    let before = story.mails().len();

    let secret = named(mentioning(story.uploaded("Secret.pdf"), &[&story.ada, &stranger]));
    story.publish(vec![secret]).await;
    story.at("2026-11-20T14:00:00Z").await;
    let to: Vec<String> = story.mails().split_off(before).into_iter().map(|it| it.to).collect();
    assert_eq!(to, ["ada@example.com"]);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn who_is_removed_after_composing_and_before_sending_is_told_nothing() {
    let story = Story::begin().await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.app.clock_at("2026-11-20T13:01:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    let message =
        pb::RemoveCollaboratorRequest { workcenter_id: story.pier.to_string(), user_id: story.ada.id.to_string() };
    story.app.workcenters().remove_collaborator(by(&story.bob.token, message)).await.unwrap();
    story.step(&[Sweep::Outbox]).await;
    assert_eq!(story.mails().len(), 0);
    assert_eq!(story.states().await, ["SUPPRESSED"]);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn a_person_who_comes_back_is_not_told_of_what_happened_meanwhile() {
    let story = Story::begin().await;
    let (workcenter_id, user_id) = (story.pier.to_string(), story.ada.id.to_string());
    let remove = pb::RemoveCollaboratorRequest { workcenter_id, user_id };
    story.app.workcenters().remove_collaborator(by(&story.bob.token, remove)).await.unwrap();
    story.publish(vec![story.uploaded("Missed.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    story.app.collaborator(&story.bob, story.pier, &story.ada).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2026-11-20T15:00:00Z").await;
    let mails = story.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].header("Subject").unwrap(), "[About you] Bob Stephenson removed you from Pier 4");
    assert!(mails[1].text().contains("Plan.pdf") && !mails[1].text().contains("Missed.pdf"));
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn a_digest_run_is_a_job_that_its_administrators_see() {
    let story = Story::begin().await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    story.prefer(&story.bob, by_digest(), &["default_delivery"]).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2026-11-21T07:00:00Z").await;

    let message = pb::ListJobsRequest {
        scope: pb::JobScope::Account.into(),
        account_id: story.account.id.to_string(),
        ..Default::default()
    };
    let listed = story.app.jobs().list_jobs(by(&story.account.admin.token, message.clone())).await.unwrap();
    let jobs = listed.into_inner().jobs;
    assert_eq!(jobs.len(), 1);
    let job = &jobs[0];
    assert_eq!((job.state(), job.kind()), (pb::JobState::Succeeded, pb::JobKind::DigestRun));
    // Bob did it all himself: there is nothing to tell him.
    assert_eq!((job.total_items, job.done_items, job.skipped_items), (2, 1, 1));
    let due: Timestamp = "2026-11-21T07:00:00Z".parse().unwrap();
    assert_eq!(job.digest_run.as_ref().unwrap().due_time, Some(pb::time(due)));

    let status = story.app.jobs().list_jobs(by(&story.ada.token, message)).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_run_does_not_wait_for_who_switched_off_while_it_was_due() {
    let story = Story::begin().await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    story.prefer(&story.bob, by_digest(), &["default_delivery"]).await;
    story.app.clock_at("2026-11-21T07:00:00Z").await;
    // The run is begun for two, and one of them is claimed by a daemon that dies.
    story
        .meddle(&format!(
            "insert into job (id, account_id, kind, state, key, cadence, due_at, total)
         values (gen_random_uuid(), '{0}', 'DIGEST_RUN', 'RUNNING', 'digest:{0}:DAILY:2026-11-21T07:00:00Z', 'DAILY',
                 '2026-11-21T07:00:00Z', 2)",
            story.account.id
        ))
        .await;
    let off = Preferences { default_delivery: Delivery::Off.into(), ..Preferences::default() };
    story.prefer(&story.bob, off, &["default_delivery"]).await;
    story.step(&[Sweep::Daily]).await;
    let rows = story.app.client().await.query("select state, skipped from job", &[]).await.unwrap();
    assert_eq!((rows.len(), rows[0].get("state"), rows[0].get("skipped")), (1, "SUCCEEDED", 2_i64));
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn who_comes_is_not_told_what_concerned_them_before() {
    let story = Story::begin().await;
    let eve = story.app.person(&story.account, "eve@example.com", "Eve", "").await;
    story.publish(vec![mentioning(story.uploaded("Before.pdf"), &[&eve])]).await;
    story.app.collaborator(&story.bob, story.pier, &eve).await;
    story.at("2026-11-20T14:00:00Z").await;
    let told = story.mails().into_iter().filter(|it| it.to == "eve@example.com");
    assert!(told.map(|it| it.text()).all(|it| !it.contains("Before.pdf")));
    assert_eq!(story.findings().await, []);
}
