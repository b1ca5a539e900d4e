//! What a digest would say, before it goes and by mail to oneself: the very words, and nothing is marked.

use futures_util::future::join_all;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use workcenter::{
    daemon::Sweep,
    pb::{
        self, AddressedItems, Delivery, DigestFrequency, Preferences, PreviewDigestRequest, PreviewDigestResponse,
        SendTestDigestRequest, SendTestDigestResponse,
    },
};

use crate::{
    harness::{Person, by, fields, reason},
    received::Received,
    story::{Story, mentioning, named},
};

async fn preview(story: &Story, cadence: Delivery, at: Option<&str>) -> PreviewDigestResponse {
    let at = at.map(|it| pb::time(it.parse().unwrap()));
    let message = PreviewDigestRequest { account_id: story.account.id.to_string(), cadence: cadence.into(), at };
    story.app.preferences().preview_digest(by(&story.ada.token, message)).await.unwrap().into_inner()
}

async fn test(story: &Story, who: &Person) -> Result<SendTestDigestResponse, Status> {
    let (account_id, cadence) = (story.account.id.to_string(), Delivery::Daily.into());
    let message = SendTestDigestRequest { account_id, cadence, at: None };
    Ok(story.app.preferences().send_test_digest(by(&who.token, message)).await?.into_inner())
}

/// The words of what was shown, and of what came.
fn words(shown: &PreviewDigestResponse) -> [String; 3] {
    [shown.subject.clone(), shown.html.clone(), shown.text.clone()]
}

fn read(mail: &Received) -> [String; 3] {
    [mail.header("Subject").unwrap(), mail.html(), mail.text()]
}

fn to_ada(story: &Story) -> Vec<Received> {
    story.mails().into_iter().filter(|it| it.to == story.ada.email).collect()
}

/// On a Monday morning, with what concerns Ada in her daily digest.
async fn monday() -> Story {
    let story = Story::begin().await;
    story.at("2027-01-04T10:00:00Z").await;
    story.live_in(&story.ada, "America/New_York").await;
    let with_digest = Preferences {
        default_delivery: Delivery::Digest.into(),
        addressed_items: AddressedItems::WithDigest.into(),
        ..Preferences::default()
    };
    story.prefer(&story.ada, with_digest, &["default_delivery", "addressed_items"]).await;
    story
}

#[tokio::test]
async fn what_is_shown_is_what_goes_to_the_letter_and_nothing_is_marked_by_it() {
    let story = monday().await;
    story
        .publish(vec![
            story.uploaded("Plan.pdf"),
            mentioning(story.uploaded("Notes.pdf"), &[&story.ada]),
            named(mentioning(story.uploaded("Secret.pdf"), &[&story.bob])),
            crate::story::uploaded(story.pier, &story.ada, "Own.pdf"),
            story.uploaded("Section.pdf"),
        ])
        .await;
    story.meddle("update activity set retracted_at = now() where subject_title = 'Section.pdf'").await;
    let before = story.app.everything().await;
    let shown = preview(&story, Delivery::Daily, None).await;
    assert_eq!(shown.at, Some(pb::time("2027-01-04T12:00:00Z".parse().unwrap())));
    assert!(!shown.empty && shown.covers_from.is_none());
    assert!(shown.text.contains("Plan.pdf") && shown.text.contains("Notes.pdf"), "{}", shown.text);
    assert!(!shown.text.contains("Secret") && !shown.text.contains("Own") && !shown.text.contains("Section"));
    assert_eq!(preview(&story, Delivery::Daily, None).await, shown);
    // Before its hour it has the date of that day, and is the same here.
    let early = preview(&story, Delivery::Daily, Some("2027-01-04T11:00:00Z")).await;
    assert_eq!(words(&early), words(&shown));
    assert!(preview(&story, Delivery::Weekly, None).await.empty);
    assert_eq!(story.app.everything().await, before);
    story.at("2027-01-04T12:00:00Z").await;
    assert_eq!(to_ada(&story).iter().map(read).collect::<Vec<_>>(), [words(&shown)]);

    let message = PreviewDigestRequest {
        account_id: story.account.id.to_string(),
        cadence: Delivery::Daily.into(),
        at: Some(pb::time("2029-01-04T12:00:00Z".parse().unwrap())),
    };
    let status = story.app.preferences().preview_digest(by(&story.ada.token, message)).await.unwrap_err();
    assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, vec!["at".to_owned()]));
    let nothing = preview(&story, Delivery::Daily, None).await;
    let tomorrow = Some(pb::time("2027-01-05T12:00:00Z".parse().unwrap()));
    assert_eq!(nothing, PreviewDigestResponse { at: tomorrow, empty: true, ..Default::default() });

    // One that goes so late that it stands for several says so before, too.
    story.publish(vec![story.uploaded("Elevation.pdf")]).await;
    let late = preview(&story, Delivery::Daily, Some("2027-01-08T15:00:00Z")).await;
    assert_eq!(late.covers_from, Some(pb::time("2027-01-04T12:00:00Z".parse().unwrap())));
    story.at("2027-01-08T15:00:00Z").await;
    assert_eq!(read(&to_ada(&story)[1]), words(&late));

    // One that is overdue goes now.
    story.publish(vec![story.uploaded("Girder.pdf")]).await;
    story.app.clock_at("2027-01-09T12:30:00Z").await;
    let overdue = preview(&story, Delivery::Daily, None).await;
    assert_eq!(overdue.at, Some(pb::time("2027-01-09T12:30:00Z".parse().unwrap())));
    story.step(&Sweep::ALL).await;
    assert_eq!(read(&to_ada(&story)[2]), words(&overdue));

    let weekly = Preferences { digest_frequency: DigestFrequency::Weekly.into(), ..Preferences::default() };
    story.prefer(&story.ada, weekly, &["digest_frequency"]).await;
    story.publish(vec![story.uploaded("Beam.pdf"), story.uploaded("Column.pdf")]).await;
    let shown = preview(&story, Delivery::Weekly, None).await;
    assert_eq!(shown.at, Some(pb::time("2027-01-11T12:00:00Z".parse().unwrap())));
    story.at("2027-01-11T12:00:00Z").await;
    assert_eq!(read(&to_ada(&story)[3]), words(&shown));
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn a_test_digest_says_what_the_real_one_will_and_takes_nothing_from_it() {
    let story = monday().await;
    story.publish(vec![story.uploaded("Plan.pdf"), mentioning(story.uploaded("Notes.pdf"), &[&story.ada])]).await;
    let shown = preview(&story, Delivery::Daily, None).await;
    let unmarked = async || {
        let marks = story.app.everything().await.into_iter();
        marks.filter(|it| !it.starts_with("mail:") && !it.starts_with("test_digest:")).collect::<Vec<_>>()
    };
    let before = unmarked().await;
    let answer = test(&story, &story.ada).await.unwrap();
    assert_eq!(answer, SendTestDigestResponse { at: shown.at, empty: false });
    story.step(&[Sweep::Outbox]).await;
    assert_eq!(unmarked().await, before);

    let mails = story.mails();
    let [subject, html, text] = words(&shown);
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "ada@example.com"));
    assert_eq!(read(&mails[0]), [format!("Test: {subject}"), html, text]);
    assert_eq!(mails[0].header("X-WorkCenter-Tells"), None);
    assert_eq!(mails[0].header("List-Unsubscribe-Post").unwrap(), "List-Unsubscribe=One-Click");

    // What is switched off or taken away before it is written is not in it.
    story.deliver(&story.ada, Delivery::Off).await;
    assert!(test(&story, &story.ada).await.unwrap().empty);
    story.deliver(&story.ada, Delivery::Inherit).await;
    story.publish(vec![story.uploaded("Section.pdf")]).await;
    test(&story, &story.ada).await.unwrap();
    story.meddle("update activity set subject_title = 'Elevation.pdf' where subject_title = 'Section.pdf'").await;
    story.step(&[Sweep::Outbox]).await;
    let texts: Vec<String> = story.mails().iter().skip(1).map(Received::text).collect();
    assert_eq!(texts.len(), 2);
    assert!(texts.iter().all(|it| it.contains("Elevation.pdf") && !it.contains("Section.pdf")), "{texts:?}");
    story.at("2027-01-04T12:00:00Z").await;
    assert!(story.mails()[3].text().contains("Elevation.pdf"));
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn who_has_switched_everything_off_may_send_one_to_themselves_and_nobody_many() {
    let story = monday().await;
    story.prefer(&story.ada, Preferences::default(), &["notifications_enabled"]).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    let asked = join_all((0..8).map(|_| test(&story, &story.ada))).await;
    let (sent, refused): (Vec<_>, Vec<_>) = asked.into_iter().partition(Result::is_ok);
    assert!(sent.into_iter().all(|it| it.unwrap().empty));
    assert_eq!(refused.len(), 3);
    for status in refused.into_iter().map(Result::unwrap_err) {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "TEST_DIGEST_THROTTLED"));
        assert!(status.get_error_details().retry_info().is_some_and(|it| it.retry_delay.is_some()));
    }
    // Others are others, and an hour is an hour.
    test(&story, &story.bob).await.unwrap();
    story.meddle("update test_digest set asked_at = asked_at - interval '1 hour'").await;
    test(&story, &story.ada).await.unwrap();

    story.step(&[Sweep::Outbox]).await;
    let mails = story.mails();
    assert_eq!(mails.iter().filter(|it| it.to == "ada@example.com").count(), 6);
    assert!(mails.iter().all(|it| it.header("Subject").unwrap().starts_with("Test: Your daily digest: nothing new")));
    story.meddle("update test_digest set asked_at = asked_at - interval '8 days'").await;
    story.step(&[Sweep::Housekeeping]).await;
    let left: i64 = story.app.client().await.query_one("select count(*) from test_digest", &[]).await.unwrap().get(0);
    assert_eq!(left, 0);
}
