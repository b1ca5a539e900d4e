//! Why somebody was, will be or was not told: every answer there is, in one story.

use tonic::{Code, Status};
use workcenter::{
    daemon::Sweep,
    pb::{
        AddresseeReason, Delivery, DeliverySource, ExplainNotificationRequest, ExplainNotificationResponse, MailState,
        NotificationOutcome::{self, *},
        Pause, Preferences, SettlementCause,
    },
};

use crate::{
    harness::{App, Person, by, reason},
    sink::{Point, at},
    story::{Story, mentioning, named},
};

/// What `asks` is told of `about` and an event.
async fn ask(story: &Story, asks: &Person, about: &Person, seq: i64) -> Result<ExplainNotificationResponse, Status> {
    let (user_id, workcenter_id) = (about.id.to_string(), story.pier.to_string());
    let message = ExplainNotificationRequest { user_id, workcenter_id, seq, ..Default::default() };
    Ok(story.app.preferences().explain_notification(by(&asks.token, message)).await?.into_inner())
}

/// What a person is told of themselves.
async fn why(story: &Story, person: &Person, seq: i64) -> ExplainNotificationResponse {
    ask(story, person, person, seq).await.unwrap()
}

/// Asks for each of them, and compares.
async fn compare(story: &Story, expected: &[(&str, &Person, i64, NotificationOutcome)]) {
    for (name, person, seq, outcome) in expected {
        let told = why(story, person, *seq).await;
        assert_eq!(told.outcome(), *outcome, "{name}, {seq}: {told:?}");
        assert!(told.explanation.ends_with('.'), "{name}, {seq}: {told:?}");
    }
}

fn seconds(at: &str) -> Option<i64> {
    Some(at.parse::<jiff::Timestamp>().unwrap().as_second())
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story has an event for each answer")]
async fn everybody_is_told_what_became_of_each_event_and_of_nothing_that_is_not_for_them() {
    let story = Story::begin().await;
    let mut people = Vec::new();
    for name in ["dan", "mia", "olive", "ida", "gus", "fay", "uma", "late", "max"] {
        people.push(story.app.person(&story.account, &format!("{name}@example.com"), name, "").await);
    }
    let [dan, mia, olive, ida, gus, fay, uma, late, max] = people.as_slice() else { panic!("there are nine") };
    for person in [dan, mia, olive, ida, gus, fay, uma] {
        story.app.collaborator(&story.bob, story.pier, person).await;
    }
    let admin = &story.account.admin;
    story.at("2027-01-04T10:00:00Z").await;
    for person in [dan, mia, olive] {
        story.deliver(person, Delivery::Daily).await;
    }
    let published = story
        .publish(vec![
            story.uploaded("Plan.pdf"),
            crate::story::uploaded(story.pier, dan, "Own.pdf"),
            named(mentioning(story.uploaded("Secret.pdf"), &[&story.ada])),
            mentioning(story.uploaded("Notes.pdf"), &[mia]),
            story.uploaded("Mistake.pdf"),
            named(mentioning(story.uploaded("Board.pdf"), &[&story.ada, admin])),
        ])
        .await;
    let [plan, own, secret, notes, mistake, board] =
        published.iter().map(|it| it.seq).collect::<Vec<_>>().try_into().unwrap();
    story.meddle("update activity set retracted_at = '2027-01-04T10:00:01Z' where subject_title = 'Mistake.pdf'").await;

    // Before anything is composed.
    let ada = &story.ada;
    let soon = why(&story, ada, plan).await;
    assert_eq!((soon.outcome(), soon.kind.as_str(), soon.subscribed), (WillBeSent, "file.uploaded", true));
    assert_eq!(soon.occur_time.map(|it| it.seconds), seconds("2027-01-04T10:00:00Z"));
    assert_eq!(soon.expect_time.map(|it| it.seconds), seconds("2027-01-04T10:00:30Z"));
    assert_eq!((soon.effective_delivery(), soon.source()), (Delivery::Immediate, DeliverySource::Account));
    assert_eq!(soon.subscribe_time.map(|it| it.seconds), seconds("2026-11-20T12:00:00Z"));
    assert_eq!((soon.settlement, soon.mail, soon.end_time), (None, None, None));
    let tomorrow = why(&story, dan, plan).await;
    assert_eq!((tomorrow.outcome(), tomorrow.source()), (WaitsForDigest, DeliverySource::Workcenter));
    assert_eq!(tomorrow.expect_time.map(|it| it.seconds), seconds("2027-01-05T07:00:00Z"));
    assert_eq!(tomorrow.explanation, "It waits for the daily digest, expected at 2027-01-05T07:00:00Z.");
    compare(
        &story,
        &[
            ("mia", mia, notes, WillBeSent),
            ("mia", mia, plan, WaitsForDigest),
            ("dan", dan, own, Own),
            ("dan", dan, mistake, Retracted),
            ("olive", olive, plan, WaitsForDigest),
        ],
    )
    .await;

    // Composed, and not sent yet: some change their minds, one leaves, one comes.
    story.deliver(olive, Delivery::Off).await;
    let leave = workcenter::pb::RemoveCollaboratorRequest {
        workcenter_id: story.pier.to_string(),
        user_id: gus.id.to_string(),
    };
    story.app.workcenters().remove_collaborator(by(&story.bob.token, leave)).await.unwrap();
    story.app.clock_at("2027-01-04T10:00:30Z").await;
    story.step(&[Sweep::Immediate]).await;
    story.app.collaborator(&story.bob, story.pier, late).await;
    let composed = why(&story, ada, plan).await;
    assert_eq!((composed.outcome(), composed.mail.unwrap().state()), (InOutbox, MailState::Pending));
    story.deliver(ida, Delivery::Off).await;

    story.sink.behave(vec![
        at(Point::Rcpt).to("fay@example.com").reply("550 5.1.1 no such mailbox"),
        at(Point::Dot).to("uma@example.com"),
    ]);
    story.step(&[Sweep::Outbox]).await;
    let later = story.publish(vec![story.uploaded("Later.pdf")]).await[0].seq;
    compare(
        &story,
        &[
            ("ada", ada, plan, Sent),
            ("ada", ada, secret, Sent),
            ("ada", ada, mistake, Retracted),
            ("mia", mia, notes, Sent),
            ("dan", dan, plan, WaitsForDigest),
            ("dan", dan, secret, Hidden),
            ("bob", &story.bob, plan, Own),
            ("olive", olive, plan, Suppressed),
            ("olive", olive, later, NotificationsOff),
            ("ida", ida, plan, LeftOutAtSend),
            ("gus", gus, plan, AfterLeaving),
            ("gus", gus, later, AfterLeaving),
            ("late", late, plan, BeforeJoining),
            ("late", late, later, WillBeSent),
            ("fay", fay, plan, DeliveryFailed),
            ("uma", uma, plan, DeliveryUnknown),
        ],
    )
    .await;

    let sent = why(&story, ada, plan).await;
    let settled = sent.settlement.unwrap();
    assert_eq!(
        (settled.cause(), settled.settle_time.unwrap().seconds),
        (SettlementCause::Immediate, seconds("2027-01-04T10:00:30Z").unwrap())
    );
    assert!((settled.first_seq..=settled.last_seq).contains(&plan), "{settled:?}");
    let mail = sent.mail.unwrap();
    let received = story.mails().into_iter().find(|it| it.message_id() == mail.message_id).unwrap();
    assert!(received.text().contains("Plan.pdf"));
    assert_eq!((mail.state(), mail.attempts, mail.retry_time), (MailState::Sent, 1, None));
    assert!(mail.sent_time.is_some() && mail.reply.starts_with("250"), "{mail:?}");
    let failed = why(&story, fay, plan).await;
    assert!(failed.explanation.contains("550 5.1.1 no such mailbox"), "{failed:?}");
    assert_eq!(failed.mail.unwrap().reply, "550 5.1.1 no such mailbox");
    let mentioned = why(&story, mia, notes).await;
    assert_eq!((mentioned.reason(), mentioned.settlement.unwrap().first_seq), (AddresseeReason::Mention, 0));

    // What is not for them they are told nothing of, and who has left not even whether there is something.
    let hidden = why(&story, dan, secret).await;
    assert_eq!((hidden.kind.as_str(), hidden.occur_time, hidden.settlement, hidden.mail), ("", None, None, None));
    let gone = why(&story, gus, later).await;
    assert_eq!((gone.kind.as_str(), gone.occur_time, gone.subscribed), ("", None, false));
    assert_eq!(gone.end_time.map(|it| it.seconds), seconds("2027-01-04T10:00:00Z"));
    assert_eq!(why(&story, gus, later + 1_000).await, gone);
    assert!(why(&story, gus, plan).await.subscribed);

    // An administrator is told the same of others, but for what is confidential.
    for (about, seq, outcome) in [
        (ada, plan, Sent),
        (gus, later, AfterLeaving),
        (max, plan, NotSubscribed),
        (dan, board, Hidden),
        (ada, secret, Confidential),
        (dan, secret, Confidential),
    ] {
        let told = ask(&story, admin, about, seq).await.unwrap();
        assert_eq!(told.outcome(), outcome, "{told:?}");
        assert_eq!(told.mail.is_some(), outcome == Sent);
        assert_eq!(told.kind.is_empty(), outcome == Confidential);
        assert_eq!(told.reason(), AddresseeReason::Unspecified);
    }
    let shared = ask(&story, admin, ada, board).await.unwrap();
    assert_eq!((shared.outcome(), shared.reason()), (Sent, AddresseeReason::Mention));
    for (asks, about) in [(&story.bob, ada), (dan, ada), (max, max), (max, ada)] {
        let status = ask(&story, asks, about, plan).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "WORKCENTER_NOT_FOUND"));
    }
    let status = ask(&story, ada, ada, later + 1_000).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "EVENT_NOT_FOUND"));

    // The digest, an archive, and somebody who comes back.
    story.at("2027-01-05T07:00:00Z").await;
    let digest = why(&story, dan, plan).await;
    assert_eq!((digest.outcome(), digest.settlement.unwrap().cause()), (Sent, SettlementCause::Daily));
    story.app.collaborator(&story.bob, story.pier, gus).await;
    story.deliver(olive, Delivery::Immediate).await;
    compare(&story, &[("gus", gus, later, AfterLeaving), ("olive", olive, later, Suppressed)]).await;
    let unread = story.publish(vec![story.uploaded("Unread.pdf")]).await[0].seq;
    let archive = workcenter::pb::ArchiveWorkCenterRequest { workcenter_id: story.pier.to_string() };
    story.app.workcenters().archive_work_center(by(&story.bob.token, archive)).await.unwrap();
    compare(&story, &[("ada", ada, unread, Suppressed)]).await;
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn an_answer_takes_two_round_trips() {
    let (app, tap) = App::tapped().await;
    let account = app.account("Pier Works").await;
    let pier = app.workcenter(&account.admin, account.id, "Pier 4").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "").await;
    app.collaborator(&account.admin, pier, &ada).await;
    let message = || {
        let (user_id, workcenter_id) = ("me".to_owned(), pier.to_string());
        ExplainNotificationRequest { user_id, workcenter_id, seq: 1, ..Default::default() }
    };
    app.preferences().explain_notification(by(&ada.token, message())).await.unwrap();
    app.using(&ada).await;
    let before = tap.round_trips();
    app.preferences().explain_notification(by(&ada.token, message())).await.unwrap();
    assert_eq!(tap.round_trips() - before, 2);
}

#[tokio::test]
async fn what_waits_for_somebody_who_is_away_is_expected_when_they_are_back() {
    let story = Story::begin().await;
    story.at("2027-01-04T10:00:00Z").await;
    let to = Some(prost_types::Timestamp { seconds: seconds("2027-01-08T10:00:00Z").unwrap(), nanos: 0 });
    let away = Preferences { pause: Some(Pause { from: None, to }), ..Preferences::default() };
    story.prefer(&story.ada, away, &["pause"]).await;
    let seq = story.publish(vec![story.uploaded("Plan.pdf")]).await[0].seq;
    for delivery in [Delivery::Immediate, Delivery::Daily] {
        story.deliver(&story.ada, delivery).await;
        let told = why(&story, &story.ada, seq).await;
        assert_eq!((told.outcome(), told.expect_time), (WaitsForReturn, to), "{told:?}");
    }

    story.at("2027-01-08T10:00:00Z").await;
    let told = why(&story, &story.ada, seq).await;
    assert_eq!((told.outcome(), told.settlement.unwrap().cause()), (Sent, SettlementCause::Returned));
}
