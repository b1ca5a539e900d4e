//! The audit finds what it is for: each kind of damage, once it is done.

use std::collections::HashSet;

use futures_util::future::join_all;
use workcenter::{audit, daemon::Sweep};

use crate::story::{Story, mentioning};

/// Does `damage` to a story in which something was told, and asks what the audit finds.
async fn found(damage: &str) -> Vec<&'static str> {
    let story = Story::begin().await;
    let mention = mentioning(story.uploaded("Notes.pdf"), &[&story.ada]);
    story.publish(vec![story.uploaded("Plan.pdf"), mention]).await;
    story.at("2026-11-20T14:00:00Z").await;
    assert_eq!(story.findings().await, []);
    assert_ne!(story.meddle(damage).await, 0);
    // Two days are enough for everything that has a limit.
    story.app.clock_at("2026-11-22T12:00:00Z").await;
    let mut codes: Vec<_> = story.findings().await.into_iter().map(|it| it.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[tokio::test]
async fn each_kind_of_damage_is_found() {
    for (damage, codes) in [
        (
            "update subscription set cursor = cursor - 1, start_seq = 0 where cursor > 1",
            vec!["CURSOR_ADRIFT", "SUBSCRIPTION_FORGOTTEN"],
        ),
        (
            "with looked as (delete from audit_mark where subject_id in (select log_id from activity_head))
             delete from activity where seq = 2",
            vec!["LOG_GAP"],
        ),
        ("update activity_head set due_at = '2026-11-20T14:00:00Z'", vec!["LOG_OVERDUE"]),
        (
            "insert into digest_schedule (account_id, user_id, cadence, next_at)
             select account_id, user_id, 'DAILY', '2026-11-20T14:00:00Z' from subscription",
            vec!["DIGEST_OVERDUE"],
        ),
        ("update addressee set settlement_id = null, outcome = null", vec!["ADDRESSEE_FORGOTTEN"]),
        ("update activity_head set last_seq = last_seq + 1", vec!["LOG_GAP", "SUBSCRIPTION_FORGOTTEN"]),
        ("update mail set state = 'PENDING', ended_at = null, try_at = now() - interval '1 hour'", vec!["MAIL_STUCK"]),
        (
            "insert into job (id, account_id, kind, state, total, due_at)
             select gen_random_uuid(), id, 'DIGEST_RUN', 'RUNNING', 1, '2026-11-20T14:00:00Z' from account",
            vec!["JOB_STUCK"],
        ),
    ] {
        assert_eq!(found(damage).await, codes, "{damage}");
    }
}

#[tokio::test]
async fn how_late_work_is_is_known_before_it_is_too_late() {
    let story = Story::begin().await;
    let late = async || {
        let late = audit::late(&story.app.client().await, "2026-11-20T14:05:00Z".parse().unwrap()).await.unwrap();
        let late = late.into_iter().filter(|it| it.seconds > 0.0);
        late.map(|it| (it.work, it.seconds)).collect::<Vec<_>>()
    };
    assert_eq!(late().await, []);
    story.meddle("update activity_head set due_at = '2026-11-20T14:00:00Z'").await;
    story
        .meddle(
            "insert into digest_schedule (account_id, user_id, cadence, next_at)
            select account_id, user_id, it.* from subscription,
                (values ('DAILY', timestamptz '2026-11-20T14:04:00Z'), ('WEEKLY', '2026-11-20T15:00:00Z')) as it",
        )
        .await;
    assert_eq!(late().await, [("DAILY".to_owned(), 60.0), ("IMMEDIATE".to_owned(), 300.0)]);
    story.meddle("update mail set state = 'RETRY', ended_at = null, try_at = now() - interval '1 hour'").await;
    let mail = late().await.pop().unwrap();
    assert!(mail.0 == "MAIL" && 3_600.0 <= mail.1, "{mail:?}");
}

#[tokio::test]
async fn a_range_that_is_missing_is_found_by_the_next_audit_and_again_by_the_one_after() {
    let story = Story::begin().await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    let range = "update settlement set from_seq = array[from_seq[1] + 1], to_seq = array[to_seq[1] + 1]
                 where audited_at is null and cause = 'IMMEDIATE' and cardinality(from_seq) = 1";
    assert_ne!(story.meddle(range).await, 0);
    for _ in 0..2 {
        let codes: Vec<_> = story.findings().await.into_iter().map(|it| it.code).collect();
        assert!(codes.contains(&"CHAIN_BROKEN"), "{codes:?}");
    }
}

#[tokio::test]
async fn what_was_followed_once_is_not_followed_again() {
    let story = Story::begin().await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    story.findings().await;
    let open = "select count(*) from settlement where audited_at is null";
    let rows = story.app.client().await.query(open, &[]).await.unwrap();
    assert_eq!(rows[0].get::<_, i64>(0), 0);
    story.step(&[Sweep::Housekeeping]).await;
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn a_mail_that_a_settlement_speaks_of_and_that_does_not_exist_is_found() {
    let story = Story::begin().await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    assert_ne!(story.meddle("delete from mail where kind = 'IMMEDIATE'").await, 0);
    let codes: HashSet<_> = story.findings().await.into_iter().map(|it| it.code).collect();
    assert_eq!(codes, HashSet::from(["MAIL_MISSING"]));
}

#[tokio::test]
async fn audits_at_the_same_moment_leave_no_false_alarm() {
    let story = Story::begin().await;
    for hour in 14..18 {
        story.publish(vec![story.uploaded("Plan.pdf")]).await;
        story.at(&format!("2026-11-20T{hour}:00:00Z")).await;
        for found in join_all((0..4).map(|_| story.findings())).await {
            assert_eq!(found, []);
        }
    }
}
