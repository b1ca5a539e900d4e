//! The log: numbers without gaps, repeats, and who may read it.

mod retract;

use std::collections::HashSet;

use futures_util::future::join_all;
use tonic::Code;
use workcenter::pb::{self, Activity, Reason};

use crate::{
    harness::{by, fields},
    story::{Story, mentioning, named},
};

#[tokio::test]
async fn numbers_have_no_gaps_however_many_publish_at_once() {
    let story = Story::begin().await;
    let batches = (0..8).map(|batch| {
        let events = (0..25).map(|it| story.uploaded(&format!("{batch}-{it}.pdf"))).collect();
        story.publish(events)
    });
    let results = join_all(batches).await;

    // The first number is Ada's coming.
    let mut numbers: Vec<i64> = results.iter().flatten().map(|it| it.seq).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (2..=201).collect::<Vec<_>>());
    for batch in results {
        let numbers: Vec<i64> = batch.iter().map(|it| it.seq).collect();
        assert_eq!(numbers, (numbers[0]..numbers[0] + 25).collect::<Vec<_>>());
    }
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn an_event_that_is_published_again_keeps_its_number_and_is_counted() {
    let story = Story::begin().await;
    let event = story.uploaded("Plan.pdf");
    let first = story.publish(vec![event.clone()]).await;
    let again = pb::PublishActivityRequest { events: vec![event.clone(), story.uploaded("Other.pdf"), event] };
    let again = story.app.activity().publish_activity(by(&story.key, again)).await.unwrap().into_inner();

    assert_eq!((again.published_count, again.repeated_count), (1, 2));
    let seen: Vec<(i64, bool)> = again.results.iter().map(|it| (it.seq, it.known)).collect();
    let seq = first[0].seq;
    assert_eq!(seen, [(seq, true), (seq + 1, false), (seq, true)]);
}

#[tokio::test]
async fn many_publishers_of_one_event_publish_it_once() {
    let story = Story::begin().await;
    let event = story.uploaded("Plan.pdf");
    let results = join_all((0..8).map(|_| story.publish(vec![event.clone()]))).await;
    let numbers: HashSet<i64> = results.iter().map(|it| it[0].seq).collect();
    assert_eq!(numbers.len(), 1);
    assert_eq!(results.iter().filter(|it| !it[0].known).count(), 1);
}

#[tokio::test]
async fn one_unknown_workcenter_does_not_keep_the_others_from_publishing() {
    let story = Story::begin().await;
    let lost = Activity { workcenter_id: story.ada.id.to_string(), ..story.uploaded("Lost.pdf") };
    let results = story.publish(vec![lost, story.uploaded("Plan.pdf")]).await;
    assert_eq!((results[0].seq, results[0].reason()), (0, Reason::WorkcenterNotFound));
    assert_eq!((results[1].seq, results[1].reason()), (2, Reason::Unspecified));
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_batch_is_said_and_nothing_is_published() {
    let story = Story::begin().await;
    let bad = Activity {
        event_id: String::new(),
        kind: "Uploaded".to_owned(),
        actor_user_id: "bob".to_owned(),
        audience: 0,
        summary: "line\nbreak".to_owned(),
        ..story.uploaded("Plan.pdf")
    };
    let status = story.try_publish(vec![story.uploaded("Plan.pdf"), bad]).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let mut named = fields(&status);
    named.sort();
    let expected = ["actor_user_id", "audience", "event_id", "kind", "summary"];
    assert_eq!(named, expected.map(|it| format!("events[1].{it}")));

    let status = story.try_publish(Vec::new()).await.unwrap_err();
    assert_eq!(fields(&status), ["events"]);
    let many = (0..1_001).map(|it| story.uploaded(&it.to_string())).collect();
    assert_eq!(fields(&story.try_publish(many).await.unwrap_err()), ["events"]);
    let read = story.app.activity().list_activity(by(&story.bob.token, list(&story))).await.unwrap().into_inner();
    assert_eq!(read.events.len(), 1);
}

fn list(story: &Story) -> pb::ListActivityRequest {
    pb::ListActivityRequest { workcenter_id: story.pier.to_string(), ..Default::default() }
}

#[tokio::test]
async fn the_log_is_listed_newest_first_page_by_page_to_those_who_may_see_it() {
    let story = Story::begin().await;
    let secret = named(mentioning(story.uploaded("Secret.pdf"), &[&story.ada]));
    story.publish(vec![story.uploaded("One.pdf"), secret, story.uploaded("Three.pdf")]).await;
    let titles = async |token: &str, size: i32| {
        let (mut titles, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListActivityRequest { page_size: size, page_token, ..list(&story) };
            let page = story.app.activity().list_activity(by(token, request)).await.unwrap().into_inner();
            titles.extend(page.events.into_iter().map(|it| it.subject.unwrap().title));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return titles;
            }
        }
    };
    let came = "Ada Lovelace";
    assert_eq!(titles(&story.ada.token, 1).await, ["Three.pdf", "Secret.pdf", "One.pdf", came]);
    assert_eq!(titles(&story.bob.token, 0).await, ["Three.pdf", "Secret.pdf", "One.pdf", came]);
    assert_eq!(titles(&story.account.admin.token, 0).await, ["Three.pdf", "One.pdf", came]);
}
