//! Once: two daemons at the same moment, claims that run out, work that fails.

use std::time::Duration;

use futures_util::future::{join, join_all};
use workcenter::{
    daemon::{Daemon, Sweep},
    error::Error,
    pb::{self, Preferences},
    server::Parts,
    subscription::{self, Turn, When, schedule::Beat},
};

use super::by_digest;
use crate::{
    request::waits,
    story::{Story, mentioning},
};

const DAILY: Turn = Turn::Digest(Beat::Daily);

#[tokio::test]
async fn any_number_of_daemons_at_the_same_moment_tell_everything_once() {
    let story = Story::begin().await;
    let mut people = Vec::new();
    for number in 0..25 {
        let person = story.app.person(&story.account, &format!("p{number}@example.com"), "P", "").await;
        story.app.collaborator(&story.bob, story.pier, &person).await;
        if number % 2 == 0 {
            story.prefer(&person, by_digest(), &["default_delivery"]).await;
        }
        people.push(person);
    }
    story.at("2026-11-20T14:00:00Z").await;
    let before = story.mails().len();
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.app.clock_at("2026-11-21T07:00:00Z").await;
    let now = story.app.now().await;
    let daemons: Vec<_> = (0..4).map(|_| story.app.daemon(Some(story.sink.address()))).collect();
    for sweep in [Sweep::Daily, Sweep::Immediate, Sweep::Outbox] {
        let turns = daemons.iter().map(|it| it.step(sweep, now));
        join_all(turns).await.into_iter().for_each(|it| it.unwrap());
    }
    let mut to: Vec<String> = story
        .mails()
        .split_off(before)
        .into_iter()
        .filter(|it| it.text().contains("Plan.pdf"))
        .map(|it| it.to)
        .collect();
    to.sort();
    let mut expected: Vec<String> =
        people.into_iter().map(|it| it.email).chain(["ada@example.com".to_owned()]).collect();
    expected.sort();
    assert_eq!(to, expected);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn what_a_dead_daemon_had_claimed_is_claimed_again_when_its_lease_has_run_out() {
    let story = Story::begin().await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    let claimed = "update digest_schedule set lease_until = now() + interval '1 minute', fence = fence + 1";
    assert_eq!(story.meddle(claimed).await, 1);
    story.at("2026-11-21T07:00:00Z").await;
    assert_eq!(story.mails().len(), 0);
    story.meddle("update digest_schedule set lease_until = now() - interval '1 second'").await;
    story.step(&[Sweep::Daily, Sweep::Outbox]).await;
    assert_eq!(story.mails().len(), 1);
}

#[tokio::test]
async fn a_log_that_a_dead_daemon_had_claimed_loses_nothing() {
    let story = Story::begin().await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.meddle("update activity_head set lease_until = now() + interval '1 minute', fence = fence + 1").await;
    story.publish(vec![story.uploaded("Section.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    assert_eq!(story.mails().len(), 0);
    story.meddle("update activity_head set lease_until = now() - interval '1 second'").await;
    story.step(&[Sweep::Immediate, Sweep::Outbox]).await;
    let mails = story.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text().contains("2 files"), "{}", mails[0].text());
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn what_comes_while_a_log_is_at_work_is_due_by_its_own_window() {
    let story = Story::begin().await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.meddle("update activity_head set lease_until = now() + interval '1 minute', fence = fence + 1").await;
    story.app.clock_at("2026-11-20T13:00:31Z").await;
    story.publish(vec![story.uploaded("Section.pdf")]).await;
    let rows = story.app.client().await.query("select again_at::text from activity_head", &[]).await.unwrap();
    assert_eq!(rows[0].get::<_, &str>(0), "2026-11-20 13:01:01+00");
}

#[tokio::test]
async fn one_person_who_cannot_be_composed_keeps_nobody_else_from_their_digest() {
    let story = Story::begin().await;
    let eve = story.app.person(&story.account, "eve@example.com", "Eve", "").await;
    story.app.collaborator(&story.bob, story.pier, &eve).await;
    for person in [&story.ada, &eve] {
        story.prefer(person, by_digest(), &["default_delivery"]).await;
    }
    story.at("2026-11-20T14:00:00Z").await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    // Nothing can be settled for Eve.
    story
        .meddle(&format!(
            "alter table settlement add constraint poison check (user_id <> '{}' or cause <> 'DAILY')",
            eve.id
        ))
        .await;
    story.at("2026-11-21T07:00:00Z").await;
    let to: Vec<String> = story.mails().into_iter().map(|it| it.to).collect();
    assert_eq!(to, ["ada@example.com"]);
    // Five rests later her slot is given up, and the run is over.
    for _ in 0..5 {
        story.meddle("update digest_schedule set lease_until = null where failures > 0").await;
        story.step(&[Sweep::Daily]).await;
    }
    let rows = story.app.client().await.query("select state, done, failed from job", &[]).await.unwrap();
    let job = (rows[0].get("state"), rows[0].get("done"), rows[0].get("failed"));
    assert_eq!(job, ("PARTIALLY_FAILED", 1_i64, 1_i64));
    // What she missed is in the next one.
    story.meddle("alter table settlement drop constraint poison").await;
    story.at("2026-11-22T07:00:00Z").await;
    assert!(story.mails().iter().any(|it| it.to == "eve@example.com" && it.text().contains("Plan.pdf")));
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn a_database_that_goes_away_counts_against_nobody() {
    let story = Story::begin().await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    for (sweep, at) in [(Sweep::Immediate, "2026-11-20T14:00:00Z"), (Sweep::Daily, "2026-11-21T07:00:00Z")] {
        let plan = story.uploaded("Plan.pdf");
        let is_daily = sweep == Sweep::Daily;
        story.publish(vec![if is_daily { plan } else { mentioning(plan, &[&story.ada]) }]).await;
        story.app.clock_at(at).await;
        let mut client = story.app.client().await;
        let lock = client.transaction().await.unwrap();
        lock.execute("lock table settlement in exclusive mode", &[]).await.unwrap();
        // With connections of its own: nobody else gets the one that is ended.
        let settings = story.app.daemon_settings(Some(story.sink.address()));
        let daemon = Daemon::new(Parts::open(&settings.database, &settings.shared).await.unwrap(), &settings);
        let now = story.app.now().await;
        let end = async {
            waits(story.app.pool()).await;
            let waiting = "select pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and wait_event_type = 'Lock'";
            assert_eq!(story.meddle(waiting).await, 1);
        };
        let (swept, ()) = join(daemon.step(sweep, now), end).await;
        assert!(matches!(swept, Err(Error::Unavailable(..))), "{swept:?}");
        drop(lock);
        let blamed = "select sum(failures)::bigint from digest_schedule";
        assert_eq!(client.query_one(blamed, &[]).await.unwrap().get::<_, i64>(0), 0);
        // It is not put off either, but for the lease of whoever lost it.
        for table in ["digest_schedule", "activity_head"] {
            story.meddle(&format!("update {table} set lease_until = now() where lease_until is not null")).await;
        }
        let before = story.mails().len();
        story.step(&[sweep, Sweep::Outbox]).await;
        assert_eq!(story.mails().len(), before + 1);
    }
}

#[tokio::test]
async fn who_changes_their_hour_while_a_daemon_is_at_work_is_told_once_and_announced_by_the_new_hour() {
    let story = Story::begin().await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.app.clock_at("2026-11-21T07:00:00Z").await;
    let (now, lease) = (story.app.now().await, Duration::from_secs(60));
    let mut client = story.app.client().await;
    let due = subscription::claim(&client, DAILY, now, 10, lease).await.unwrap();
    let later = Preferences { digest_time: "09:00".to_owned(), ..Preferences::default() };
    let preferences = story.prefer(&story.ada, later, &["digest_time"]).await;

    let when = When { now, spread: Duration::ZERO };
    let tx = client.transaction().await.unwrap();
    let finished = [due[0].finished(DAILY, true, &when)];
    let finished = subscription::finish(&tx, story.account.id, DAILY, &finished).await;
    assert!(matches!(finished, Err(Error::Conflict(_))));
    drop(tx);

    let nine = "2026-11-21T09:00:00Z";
    assert_eq!(preferences.next_digests[0].next_digest_at, Some(pb::time(nine.parse().unwrap())));
    story.at("2026-11-21T08:59:59Z").await;
    assert_eq!(story.mails().len(), 0);
    story.at(nine).await;
    assert_eq!(story.mails().len(), 1);
    let rows = client.query("select next_at::text from digest_schedule where cadence = 'DAILY'", &[]).await.unwrap();
    assert_eq!(rows[0].get::<_, &str>(0), "2026-11-22 09:00:00+00");
}

#[tokio::test]
async fn one_person_whose_preferences_are_being_changed_holds_up_no_other_account() {
    let story = Story::begin().await;
    let other = story.app.account("Harbour Board").await;
    let tender = story.app.workcenter(&other.admin, other.id, "Tender").await;
    let eve = story.app.person(&other, "eve@example.com", "Eve", "").await;
    story.app.collaborator(&other.admin, tender, &eve).await;
    for person in [&story.ada, &eve] {
        story.prefer(person, by_digest(), &["default_delivery"]).await;
    }
    story.app.clock_at("2026-11-21T07:00:00Z").await;
    // Theirs is the first to be claimed.
    let first = if story.account.id < other.id { &story.ada } else { &eve };
    let mut client = story.app.client().await;
    let tx = client.transaction().await.unwrap();
    tx.execute("select 1 from digest_schedule where user_id = $1 for update", &[&first.id]).await.unwrap();
    story.step(&[Sweep::Daily]).await;
    let done = "select count(*) from settlement where cause = 'DAILY'";
    let done: i64 = story.app.client().await.query_one(done, &[]).await.unwrap().get(0);
    assert_eq!(done, 1);
}

#[tokio::test]
async fn two_connections_are_enough_to_compose_and_to_send() {
    let story = Story::begin().await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    let eve = story.app.person(&story.account, "eve@example.com", "Eve", "").await;
    story.app.collaborator(&story.bob, story.pier, &eve).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.app.clock_at("2026-11-21T07:00:00Z").await;
    let mut settings = story.app.daemon_settings(Some(story.sink.address()));
    settings.database.pool = 2;
    let parts = Parts::open(&settings.database, &settings.shared).await.unwrap();
    let daemon = Daemon::new(parts, &settings);
    for sweep in Sweep::ALL {
        daemon.step(sweep, story.app.now().await).await.unwrap();
    }
    assert_eq!(story.mails().len(), 2);
}
