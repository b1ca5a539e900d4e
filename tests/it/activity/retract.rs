//! Taking events back: nobody is told of them any more, wherever they are on their way.

use std::collections::HashMap;

use futures_util::future::{join, join_all};
use tonic::Status;
use workcenter::{
    daemon::{Daemon, Sweep},
    pb::{
        Activity, ActivityRef, ArchiveWorkCenterRequest, Delivery, ExplainNotificationRequest, NotificationOutcome,
        Reason, RetractActivityRequest, RetractActivityResponse, RetractResult,
    },
    server::Parts,
};

use super::list;
use crate::{
    dice::Dice,
    harness::{by, fields},
    request::waits,
    sink::{Point, at},
    story::{Story, mentioning},
};

impl Story {
    /// Takes these events back.
    pub async fn retract(&self, events: &[&Activity]) -> RetractActivityResponse {
        self.try_retract(events.iter().copied().map(named).collect()).await.unwrap()
    }

    async fn try_retract(&self, events: Vec<ActivityRef>) -> Result<RetractActivityResponse, Status> {
        let message = RetractActivityRequest { events };
        Ok(self.app.activity().retract_activity(by(&self.key, message)).await?.into_inner())
    }

    /// What became of an event for Ada.
    async fn outcome(&self, seq: i64) -> NotificationOutcome {
        let (user_id, workcenter_id) = (self.ada.id.to_string(), self.pier.to_string());
        let message = ExplainNotificationRequest { user_id, workcenter_id, seq, ..Default::default() };
        let told = self.app.preferences().explain_notification(by(&self.ada.token, message)).await.unwrap();
        told.into_inner().outcome()
    }
}

fn named(event: &Activity) -> ActivityRef {
    let Activity { event_id, workcenter_id, account_id, user_id, .. } = event.clone();
    ActivityRef { event_id, workcenter_id, account_id, user_id }
}

#[tokio::test]
async fn what_is_taken_back_before_it_is_told_is_told_to_nobody_and_listed_to_nobody() {
    let story = Story::begin().await;
    story.deliver(&story.ada, Delivery::Daily).await;
    let (plan, notes) = (story.uploaded("Plan.pdf"), mentioning(story.uploaded("Notes.pdf"), &[&story.ada]));
    let published = story.publish(vec![plan.clone(), notes.clone(), story.uploaded("Section.pdf")]).await;
    let retracted = story.retract(&[&plan, &notes]).await;
    assert_eq!((retracted.retracted_count, retracted.repeated_count), (2, 0));

    let read = story.app.activity().list_activity(by(&story.ada.token, list(&story))).await.unwrap().into_inner();
    let seqs: Vec<i64> = read.events.iter().map(|it| it.seq).collect();
    assert_eq!(seqs, [published[2].seq, 1]);
    story.at("2027-01-05T07:00:00Z").await;
    let mails = story.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text().contains("Section.pdf") && !mails[0].text().contains("Plan.pdf"));
    assert!(mails.iter().all(|it| !it.text().contains("Notes.pdf")));
    for seq in [published[0].seq, published[1].seq] {
        assert_eq!(story.outcome(seq).await, NotificationOutcome::Retracted);
    }
    let counted = "select count(*) from settlement where 2 = any(retracted) and cause = 'DAILY'";
    assert_eq!(story.app.client().await.query_one(counted, &[]).await.unwrap().get::<_, i64>(0), 1);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn what_is_taken_back_after_it_was_composed_is_left_out_and_an_emptied_mail_is_not_sent() {
    let story = Story::begin().await;
    let (plan, section) = (story.uploaded("Plan.pdf"), story.uploaded("Section.pdf"));
    let published = story.publish(vec![plan.clone(), section.clone()]).await;
    story.app.clock_at("2027-01-04T10:00:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    story.app.clock_at("2027-01-04T10:00:01Z").await;
    story.retract(&[&plan]).await;
    assert_eq!(story.outcome(published[0].seq).await, NotificationOutcome::Retracted);
    story.step(&[Sweep::Outbox]).await;
    let text = story.mails()[0].text();
    assert!(text.contains("Section.pdf") && !text.contains("Plan.pdf"), "{text}");

    let offer = story.uploaded("Offer.pdf");
    let published = story.publish(vec![offer.clone()]).await;
    story.app.clock_at("2027-01-04T11:00:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    story.app.clock_at("2027-01-04T11:00:01Z").await;
    story.retract(&[&offer]).await;
    story.step(&[Sweep::Outbox]).await;
    assert_eq!(story.states().await, ["SENT", "SUPPRESSED"]);
    assert_eq!(story.outcome(published[0].seq).await, NotificationOutcome::LeftOutAtSend);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn each_event_says_what_became_of_it_and_repeats_are_harmless() {
    let story = Story::begin().await;
    let plan = story.uploaded("Plan.pdf");
    let seq = story.publish(vec![plan.clone()]).await[0].seq;
    let unknown = ActivityRef { event_id: "never".to_owned(), ..named(&plan) };
    let nowhere = ActivityRef { workcenter_id: story.ada.id.to_string(), ..named(&plan) };
    let all = vec![unknown, named(&plan), nowhere, named(&plan)];
    let became = |results: Vec<RetractResult>| -> Vec<(i64, bool, Reason)> {
        results.iter().map(|it| (it.seq, it.known, it.reason())).collect()
    };
    let (lost, there) = ((0, false, Reason::EventNotFound), (0, false, Reason::WorkcenterNotFound));
    let first = story.try_retract(all.clone()).await.unwrap();
    assert_eq!((first.retracted_count, first.repeated_count), (1, 1));
    let done = Reason::Unspecified;
    assert_eq!(became(first.results), [lost, (seq, false, done), there, (seq, true, done)]);
    let again = story.try_retract(all).await.unwrap();
    assert_eq!((again.retracted_count, again.repeated_count), (0, 2));
    assert_eq!(became(again.results), [lost, (seq, true, done), there, (seq, true, done)]);

    // What is taken back keeps its name: published again it is the same event, and told to nobody.
    assert!(story.publish(vec![plan]).await[0].known);
    story.at("2027-01-04T10:00:00Z").await;
    assert_eq!(story.mails().len(), 0);

    let bad = ActivityRef { workcenter_id: "pier".to_owned(), ..ActivityRef::default() };
    let mut wrong = fields(&story.try_retract(vec![bad]).await.unwrap_err());
    wrong.sort();
    assert_eq!(wrong, ["events[0].event_id", "events[0].workcenter_id"]);
    assert_eq!(fields(&story.try_retract(Vec::new()).await.unwrap_err()), ["events"]);
}

#[tokio::test]
async fn what_an_archived_workcenter_has_is_taken_back_too() {
    let story = Story::begin().await;
    let plan = story.uploaded("Plan.pdf");
    story.publish(vec![plan.clone()]).await;
    let message = ArchiveWorkCenterRequest { workcenter_id: story.pier.to_string() };
    story.app.workcenters().archive_work_center(by(&story.bob.token, message)).await.unwrap();
    assert_eq!(story.retract(&[&plan]).await.retracted_count, 1);
    let read = story.app.activity().list_activity(by(&story.ada.token, list(&story))).await.unwrap().into_inner();
    assert!(read.events.iter().all(|it| it.event_id != plan.event_id));
}

#[tokio::test]
async fn whoever_takes_back_what_is_about_to_be_told_is_answered_when_the_relay_has_heard_it() {
    let story = Story::begin_with(vec![at(Point::Rcpt).nth(1).hold()]).await;
    let plan = story.uploaded("Plan.pdf");
    story.publish(vec![plan.clone()]).await;
    story.app.clock_at("2027-01-04T10:00:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    let take_back = async {
        story.sink.wait_for_held(1).await;
        let taken = [&plan];
        let answer = story.retract(&taken);
        tokio::pin!(answer);
        tokio::select! {
            answer = &mut answer => panic!("it may still begin: {answer:?}"),
            () = waits(story.app.pool()) => {}
        }
        story.sink.release(1);
        answer.await;
        story.sink.commands().len()
    };
    let ((), answered_at) = join(story.step(&[Sweep::Outbox]), take_back).await;
    assert!(story.mails()[0].data_at <= answered_at);
    assert_eq!(story.states().await, ["SENT"]);
}

/// How often it is tried, and how many hear of it.
const ROUNDS: usize = 4;
const PEOPLE: u64 = 12;

#[tokio::test]
async fn when_taking_back_has_been_answered_no_mail_that_tells_of_it_begins() {
    let story = Story::begin().await;
    for number in 0..PEOPLE {
        let person = story.app.person(&story.account, &format!("p{number}@example.com"), "P", "").await;
        story.app.collaborator(&story.bob, story.pier, &person).await;
    }
    // Each with connections to the database of its own, as processes have them.
    let settings = story.app.daemon_settings(Some(story.sink.address()));
    let mut daemons = Vec::new();
    for _ in 0..3 {
        daemons.push(Daemon::new(Parts::open(&settings.database, &settings.shared).await.unwrap(), &settings));
    }
    story.at("2027-01-04T08:00:00Z").await;
    let mut dice = Dice(0x5eed);
    let mut told = HashMap::new();
    for round in 0..ROUNDS {
        let (plan, section) = (story.uploaded("Plan.pdf"), story.uploaded("Section.pdf"));
        story.publish(vec![plan.clone(), section]).await;
        story.app.clock_at(&format!("2027-01-04T1{round}:00:00Z")).await;
        story.step(&[Sweep::Immediate]).await;
        let before = story.sink.mails().len();
        let now = story.app.now().await;
        let deliver = join_all(daemons.iter().map(|it| async { it.step(Sweep::Outbox, now).await.unwrap() }));
        let after = before + usize::try_from(dice.roll(PEOPLE)).unwrap();
        let take_back = async {
            story.sink.wait_for(after).await;
            story.retract(&[&plan]).await;
            story.sink.commands().len()
        };
        let (_, answered_at) = join(deliver, take_back).await;
        // What was put off by the lock.
        story.step(&[Sweep::Outbox]).await;
        let mails = story.sink.mails().split_off(before);
        assert_eq!(mails.len(), usize::try_from(PEOPLE).unwrap() + 1, "everybody is told of the rest");
        for mail in mails {
            let tells = mail.text().contains("Plan.pdf");
            assert!(!tells || mail.data_at <= answered_at, "round {round}: {} is told at {}", mail.to, mail.data_at);
            *told.entry(tells).or_insert(0) += 1;
        }
    }
    assert!(told.contains_key(&false), "some were written later: {told:?}");
    assert_eq!(story.findings().await, []);
}
