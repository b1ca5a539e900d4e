//! The outbox: at least once, the same mail when again, and one bad recipient delays nobody. What relays do, below.

mod misbehaviour;
mod pace;

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use workcenter::{daemon::Sweep, error::Error, ids, mail::Post, outbox, tally::Tally};

use crate::{
    sink::{Point, at},
    story::Story,
};

/// A story with one immediate mail for Ada that has not gone.
async fn composed(rules: Vec<crate::sink::Rule>) -> Story {
    let story = Story::begin_with(rules).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.app.clock_at("2026-11-20T13:01:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    story
}

/// What the pauses of the outbox wait for has passed.
async fn pauses_pass(story: &Story) {
    story.meddle("update mail set try_at = now() where ended_at is null").await;
}

#[tokio::test]
async fn a_mail_that_may_have_arrived_is_sent_again_as_the_same_mail() {
    let story = composed(vec![at(Point::Dot).nth(1)]).await;
    story.step(&[Sweep::Outbox]).await;
    assert_eq!(story.states().await, ["UNKNOWN"]);
    pauses_pass(&story).await;
    story.step(&[Sweep::Outbox]).await;
    assert_eq!(story.states().await, ["SENT"]);
    let mails = story.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].message_id(), mails[1].message_id());
    assert_eq!(mails[0].data, mails[1].data);
}

#[tokio::test]
async fn a_mail_that_never_arrives_for_sure_is_sent_six_times_and_given_up() {
    let story = composed(vec![at(Point::Dot)]).await;
    for _ in 0..8 {
        pauses_pass(&story).await;
        story.step(&[Sweep::Outbox]).await;
    }
    assert_eq!(story.states().await, ["FAILED"]);
    assert_eq!(i64::try_from(story.mails().len()).unwrap(), 1 + outbox::UNKNOWNS_MAX);
}

#[tokio::test]
async fn not_now_is_tried_again_later_and_never_is_not() {
    let story = composed(vec![at(Point::Rcpt).nth(1).reply("450 4.2.1 later")]).await;
    story.step(&[Sweep::Outbox]).await;
    assert_eq!(story.states().await, ["RETRY"]);
    story.step(&[Sweep::Outbox]).await;
    assert_eq!(story.states().await, ["RETRY"], "before its pause is over");
    pauses_pass(&story).await;
    story.step(&[Sweep::Outbox]).await;
    assert_eq!(story.states().await, ["SENT"]);

    let story = composed(vec![at(Point::Dot).reply("554 5.6.0 no")]).await;
    story.step(&[Sweep::Outbox]).await;
    assert_eq!(story.states().await, ["FAILED"]);
}

#[tokio::test]
async fn an_address_that_does_not_exist_is_not_written_to_again() {
    let story = composed(vec![at(Point::Rcpt).reply("550 5.1.1 unknown")]).await;
    story.step(&[Sweep::Outbox]).await;
    story.sink.behave(Vec::new());
    story.publish(vec![story.uploaded("Section.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    assert_eq!(story.states().await, ["FAILED", "SUPPRESSED"]);
    assert_eq!(story.mails().len(), 0);
}

#[tokio::test]
async fn a_relay_that_is_away_costs_no_attempt() {
    let story = composed(Vec::new()).await;
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let lost = story.app.daemon(Some(nobody));
    lost.step(Sweep::Outbox, story.app.now().await).await.unwrap();
    let rows = story.app.client().await.query("select state, attempts from mail where ended_at is null", &[]).await;
    let rows = rows.unwrap();
    assert_eq!((rows[0].get("state"), rows[0].get("attempts")), ("RETRY", 0_i64));
    pauses_pass(&story).await;
    story.step(&[Sweep::Outbox]).await;
    assert_eq!(story.states().await, ["SENT"]);
}

#[tokio::test]
async fn one_bad_recipient_delays_nobody_else() {
    let story = Story::begin_with(vec![at(Point::Rcpt).to("ada@example.com").reply("550 5.7.1 not you")]).await;
    for number in 0..9 {
        let person = story.app.person(&story.account, &format!("p{number}@example.com"), "P", "").await;
        story.app.collaborator(&story.bob, story.pier, &person).await;
    }
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    let mut states = story.states().await;
    states.sort();
    assert_eq!(states.iter().filter(|it| *it == "SENT").count(), 9);
    assert_eq!(states.iter().filter(|it| *it == "FAILED").count(), 1);
}

#[tokio::test]
async fn a_claim_of_a_daemon_that_died_before_the_relay_heard_is_as_if_it_never_was() {
    let story = composed(Vec::new()).await;
    let dead = "update mail set state = 'CLAIMED', fence = fence + 1, lease_until = now() - interval '1 second'
                where ended_at is null";
    assert_eq!(story.meddle(dead).await, 1);
    story.step(&[Sweep::Outbox]).await;
    let rows = story.app.client().await.query("select unknowns, attempts from mail order by id offset 1", &[]).await;
    let rows = rows.unwrap();
    assert_eq!((rows[0].get("unknowns"), rows[0].get("attempts")), (0_i64, 1_i64));
    assert_eq!(story.states().await, ["SENT"]);
}

#[tokio::test]
async fn a_mail_of_a_daemon_that_died_while_sending_is_unknown_and_sent_again() {
    let story = composed(Vec::new()).await;
    let dead = "update mail set state = 'SENDING', attempts = 1, fence = fence + 1,
                lease_until = now() - interval '1 second' where ended_at is null";
    assert_eq!(story.meddle(dead).await, 1);
    story.step(&[Sweep::Outbox]).await;
    let rows = story.app.client().await.query("select unknowns, attempts from mail order by id offset 1", &[]).await;
    let rows = rows.unwrap();
    assert_eq!((rows[0].get("unknowns"), rows[0].get("attempts")), (1_i64, 2_i64));
    assert_eq!(story.states().await, ["SENT"]);
}

#[tokio::test]
async fn invites_go_before_digests_and_accounts_take_turns() {
    let story = Story::begin().await;
    let mut client = story.app.client().await;
    let other = story.app.account("Small").await;
    let now = story.app.now().await;
    let new = |account, kind| outbox::New {
        id: ids::new(),
        account,
        user: None,
        kind,
        subject: ids::new(),
        key: workcenter::secret::digest(&[ids::new().as_bytes()]),
        dated_at: now,
    };
    let large: Vec<_> = (0..10).map(|_| new(story.account.id, outbox::Kind::Digest)).collect();
    let small = new(other.id, outbox::Kind::Digest);
    let invite = new(story.account.id, outbox::Kind::Invite);
    let tx = client.transaction().await.unwrap();
    outbox::put(&tx, &large).await.unwrap();
    outbox::put(&tx, &[small.clone(), invite.clone()]).await.unwrap();
    tx.commit().await.unwrap();

    let seen = std::sync::Mutex::new(Vec::new());
    let write = |mails: Vec<outbox::Mail>| {
        seen.lock().unwrap().extend(mails.iter().map(|it| it.id));
        async { Ok(outbox::Written::default()) }
    };
    outbox::deliver(story.app.pool(), &nowhere(), &terms(), write).await.unwrap();
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len(), 12);
    assert_eq!(seen[0], invite.id);
    assert!(seen[1..3].contains(&small.id), "the small account has its turn");
}

pub fn terms() -> outbox::Terms {
    outbox::Terms {
        sessions: 3,
        lease: Duration::from_secs(60),
        last_leg: Duration::from_secs(20),
        seal: None,
        limits: outbox::Limits::default(),
        place: outbox::Place::default(),
        tally: Tally::default(),
        draining: CancellationToken::new(),
    }
}

/// A folder for what has nothing to say.
fn nowhere() -> Post {
    Post::folder(std::env::temp_dir())
}

#[tokio::test]
async fn a_mail_that_cannot_be_written_keeps_none_beside_it_from_going() {
    let story = Story::begin().await;
    let eve = story.app.person(&story.account, "eve@example.com", "Eve", "").await;
    story.app.collaborator(&story.bob, story.pier, &eve).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.app.clock_at("2026-11-20T14:00:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    let poison = eve.id;
    let write = |mails: Vec<outbox::Mail>| async move {
        if mails.iter().any(|it| it.user == Some(poison)) {
            return Err(Error::internal("it takes too long"));
        }
        Ok(outbox::Written::default())
    };
    for _ in 0..=outbox::ATTEMPTS_MAX {
        outbox::deliver(story.app.pool(), &nowhere(), &terms(), write).await.unwrap();
        pauses_pass(&story).await;
    }
    let rows = "select state, unknowns, user_id from mail order by id offset 1";
    let rows = story.app.client().await.query(rows, &[]).await.unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let expected = if row.get::<_, uuid::Uuid>("user_id") == poison { "FAILED" } else { "SUPPRESSED" };
        assert_eq!((row.get("state"), row.get("unknowns")), (expected, 0_i64));
    }
}

#[tokio::test]
async fn a_turn_ends_when_the_relay_is_away_or_the_process_drains_and_leaves_the_rest() {
    let story = Story::begin().await;
    let backlog = "insert into mail (id, account_id, kind, subject_id, lane, state, message_id, dated_at, try_at)
        select gen_random_uuid(), gen_random_uuid(), 'DIGEST', gen_random_uuid(), 1, 'PENDING', n::text, now(), now()
        from generate_series(1, 100) n";
    story.meddle(backlog).await;
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    story.app.daemon(Some(nobody)).step(Sweep::Outbox, story.app.now().await).await.unwrap();
    let tried = "select count(*) from mail where reply <> '' and ended_at is null";
    let tried: i64 = story.app.client().await.query_one(tried, &[]).await.unwrap().get(0);
    assert!((12..=48).contains(&tried), "a dozen for each session at most, and not {tried}");

    pauses_pass(&story).await;
    let draining = CancellationToken::new();
    let terms = outbox::Terms { draining: draining.clone(), ..terms() };
    let write = |_| {
        draining.cancel();
        async { Ok(outbox::Written::default()) }
    };
    let delivered = outbox::deliver(story.app.pool(), &nowhere(), &terms, write).await.unwrap();
    assert_eq!(delivered.suppressed, 36, "a dozen for each of three sessions");
    let held = "select count(*) from mail where state in ('CLAIMED', 'SENDING')";
    let held: i64 = story.app.client().await.query_one(held, &[]).await.unwrap().get(0);
    assert_eq!(held, 0);
}

#[tokio::test]
async fn what_became_of_a_mail_is_recorded_while_the_relay_is_silent_on_another() {
    let story = Story::begin_with(vec![at(Point::Dot).to("ada@example.com").hold()]).await;
    for number in 0..3 {
        let person = story.app.person(&story.account, &format!("p{number}@example.com"), "P", "").await;
        story.app.collaborator(&story.bob, story.pier, &person).await;
    }
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.app.clock_at("2026-11-20T14:00:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    let look = async {
        story.sink.wait_for_held(1).await;
        // It ends when they are recorded, for the relay says nothing before.
        while story.states().await.iter().filter(|it| *it == "SENT").count() < 3 {
            tokio::task::yield_now().await;
        }
        assert!(story.states().await.contains(&"SENDING".to_owned()));
        story.sink.release(1);
    };
    futures_util::future::join(story.step(&[Sweep::Outbox]), look).await;
    assert_eq!(story.states().await, ["SENT"; 4]);
}
