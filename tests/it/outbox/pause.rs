//! A relay that asks for a pause.

use workcenter::daemon::Sweep;

use crate::{
    digest::scale::{MORNING, Size, seed},
    harness::App,
    sink::{Point, Sink, at},
};

/// Readers whose digests are composed in twenty batches.
const PEOPLE: i64 = 200;

#[tokio::test]
async fn a_relay_that_asks_for_a_pause_is_left_alone_while_more_is_composed() {
    let app = App::start().await;
    app.clock_at(MORNING).await;
    seed(&app, Size { people: PEOPLE, account: PEOPLE, workcenters: 2, events: 2 }).await;
    let sink = Sink::start(vec![at(Point::Greeting).reply("421 4.3.2 not now")]).await;
    let daemon = app.daemon(Some(sink.address()));
    let now = app.now().await;
    daemon.step(Sweep::Outbox, now).await.unwrap();
    assert_eq!(sink.sessions(), 0, "nothing waits yet");
    let (composed, delivered) = tokio::join!(daemon.step(Sweep::Daily, now), daemon.step(Sweep::Outbox, now));
    composed.unwrap();
    delivered.unwrap();
    let waiting = "select count(*) from mail where ended_at is null";
    let waiting: i64 = app.client().await.query_one(waiting, &[]).await.unwrap().get(0);
    assert_eq!(waiting, PEOPLE);
    eprintln!("SESSIONS {}", sink.sessions());
}
