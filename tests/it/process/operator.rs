//! What the operator's tool prints, and how it exits.

use std::collections::BTreeMap;

use tonic::Request;
use workcenter::{
    daemon::Sweep,
    pb::{Delivery, JobScope, ListJobsRequest, Preferences, SignInRequest},
};

use super::program::{Ended, ctl};
use crate::{
    harness::{App, PASSWORD, START, by},
    migrations,
    story::{Story, mentioning, named, uploaded},
};

/// What a command prints that ends well.
async fn printed(app: &App, arguments: &[&str]) -> String {
    let Ended { code, out, err } = ctl(app, arguments).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{arguments:?}: {out}");
    out
}

#[tokio::test]
async fn migrating_says_what_was_applied_and_where_the_schema_is() {
    let app = migrations::emptied().await;
    let first = printed(&app, &["migrate"]).await;
    assert!(first.contains("applied V1__account\n"), "{first}");
    let again = printed(&app, &["migrate"]).await;
    assert_eq!(first.lines().last(), again.lines().next());
    assert_eq!(again.lines().count(), 1);
}

#[tokio::test]
async fn bootstrap_prints_what_one_signs_in_with() {
    let app = App::start().await;
    let out = printed(&app, &["bootstrap", "--email", "grace@example.com"]).await;
    let lines: BTreeMap<_, _> = out.lines().map(|it| it.split_once('=').unwrap()).collect();
    let names: Vec<_> = out.lines().map(|it| it.split('=').next().unwrap()).collect();
    assert_eq!(names, ["ACCOUNT_ID", "USER_ID", "EMAIL", "PASSWORD", "SERVICE_KEY"]);

    let message = SignInRequest { email: lines["EMAIL"].to_owned(), password: lines["PASSWORD"].to_owned() };
    let session = app.sessions().sign_in(Request::new(message)).await.unwrap().into_inner();
    assert_eq!((session.user_id.as_str(), lines["EMAIL"]), (lines["USER_ID"], "grace@example.com"));
    for token in [session.token.as_str(), lines["SERVICE_KEY"]] {
        let scope = JobScope::Account.into();
        let message = ListJobsRequest { scope, account_id: lines["ACCOUNT_ID"].to_owned(), ..Default::default() };
        app.jobs().list_jobs(by(token, message)).await.unwrap();
    }

    let again = ctl(&app, &["bootstrap", "--email", "grace@example.com"]).await;
    assert_eq!((again.code, again.out.as_str(), again.err.lines().count()), (Some(1), "", 1), "{again:?}");
    let unfit = ctl(&app, &["bootstrap", "--email", "grace"]).await;
    assert_eq!((unfit.code, unfit.out.as_str(), unfit.err.lines().count()), (Some(1), "", 1), "{unfit:?}");
}

#[tokio::test]
async fn an_account_is_made_with_what_it_asks_of_passwords() {
    let app = App::start().await;
    printed(&app, &["bootstrap", "--password-preset", "PROCORE_STRICT"]).await;
    let preset: String = app.client().await.query_one("select password_preset from account", &[]).await.unwrap().get(0);
    assert_eq!(preset, "PROCORE_STRICT");
    let unfit = ctl(&app, &["bootstrap", "--email", "b@example.com", "--password-preset", "LAX"]).await;
    assert_eq!((unfit.code, unfit.out.as_str(), unfit.err.lines().count()), (Some(1), "", 1), "{unfit:?}");
}

#[tokio::test]
async fn a_person_is_disabled_and_enabled_by_their_address() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let message = ListJobsRequest { scope: JobScope::Mine.into(), ..Default::default() };
    app.jobs().list_jobs(by(&ada.token, message.clone())).await.unwrap();
    for (command, says) in [("disable", "now disabled"), ("disable", "already disabled"), ("enable", "now enabled")] {
        let out = printed(&app, &[command, "ADA@example.com"]).await;
        assert_eq!(out, format!("{} is {says}\n", ada.id));
    }
    let sign_in = SignInRequest { email: ada.email, password: PASSWORD.to_owned() };
    app.sessions().sign_in(Request::new(sign_in)).await.unwrap();
    let nobody = ctl(&app, &["disable", "nobody@example.com"]).await;
    assert_eq!((nobody.code, nobody.out.as_str(), nobody.err.lines().count()), (Some(1), "", 1), "{nobody:?}");
}

#[tokio::test]
async fn a_key_is_printed_and_opens_what_it_is_for() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let key = printed(&app, &["key", "--name", "reports", "--scope", "jobs.read"]).await;
    let message =
        ListJobsRequest { scope: JobScope::Account.into(), account_id: account.id.to_string(), ..Default::default() };
    app.jobs().list_jobs(by(key.trim(), message)).await.unwrap();
}

#[tokio::test]
async fn the_clock_moves_forward_and_never_back() {
    let app = App::start().await;
    assert_eq!(printed(&app, &["clock"]).await.trim(), START);
    let to = async |instant: &str| printed(&app, &["clock", "--to", instant, "--speed", "0"]).await;
    assert_eq!(to("2026-11-23T07:00:00Z").await.trim(), "2026-11-23T07:00:00Z");
    assert_eq!(to("2026-11-22T07:00:00Z").await.trim(), "2026-11-23T07:00:00Z");
    assert_eq!(printed(&app, &["clock"]).await.trim(), "2026-11-23T07:00:00Z");
}

#[tokio::test]
async fn the_audit_says_that_all_is_well_or_what_is_not() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    app.workcenter(&account.admin, account.id, "Plans").await;
    let well = printed(&app, &["audit"]).await;
    assert_eq!(well, "audit: nothing was lost, told twice or forgotten\n");

    app.client().await.batch_execute("update subscription set cursor = cursor + 1").await.unwrap();
    let Ended { code, out, err } = ctl(&app, &["audit"]).await;
    assert_eq!((code, err.as_str()), (Some(1), ""));
    assert!(out.starts_with("CURSOR_ADRIFT "), "{out}");
}

#[tokio::test]
async fn digests_are_rehearsed_for_any_instant_and_run_for_none_that_is_still_to_come() {
    let story = Story::begin().await;
    let daily = Preferences { default_delivery: Delivery::Daily.into(), ..Default::default() };
    for person in [&story.ada, &story.bob] {
        story.prefer(person, daily.clone(), &["default_delivery"]).await;
    }
    story.app.clock_at("2027-01-04T10:00:00Z").await;
    story.step(&[Sweep::Daily]).await;
    story
        .publish(vec![
            story.uploaded("Plan.pdf"),
            story.uploaded("Section.pdf"),
            uploaded(story.pier, &story.ada, "Own.pdf"),
            named(mentioning(story.uploaded("Secret.pdf"), &[&story.bob])),
            story.uploaded("Mistake.pdf"),
        ])
        .await;
    story.meddle("update activity set retracted_at = now() where subject_title = 'Mistake.pdf'").await;
    let run = ["digest", "run", "--dev", "--digest-spread-minutes", "0"];
    let digest = async |more: &[&str]| ctl(&story.app, &[&run, more].concat()).await;
    let due = "2027-01-05T07:00:00Z";

    // Seven in the morning, as nobody has said otherwise.
    let before = story.app.everything().await;
    assert_eq!(digest(&["--at", "2027-01-05T06:59:59Z", "--dry-run"]).await.out, "");
    let rehearsed = digest(&["--at", due, "--dry-run"]).await;
    assert_eq!((rehearsed.code, rehearsed.err.as_str()), (Some(0), ""));
    let mut lines: Vec<_> = rehearsed.out.lines().map(ToOwned::to_owned).collect();
    lines.sort();
    let line = |user, told| format!("{due} DAILY account {} user {user}: {told}", story.account.id);
    let mut expected = vec![
        line(story.ada.id, "2 to tell, 1 of their own, 1 for others, 1 taken back"),
        line(story.bob.id, "1 to tell, 3 of their own, 0 for others, 1 taken back"),
    ];
    expected.sort();
    assert_eq!(lines, expected);
    // What is not due yet would come too early, and not again.
    let early = digest(&["--at", due]).await;
    assert_eq!((early.code, early.out.as_str(), early.err.lines().count()), (Some(1), "", 1), "{early:?}");
    assert_eq!(early.err, "at: must not be later than now, 2027-01-04T10:00:00Z; --dry-run takes any\n");
    assert_eq!(story.app.everything().await, before);

    story.app.clock_at(due).await;
    let rehearsed = digest(&["--dry-run"]).await;
    assert_eq!(rehearsed.out.lines().count(), 2, "without an instant it is for now");
    let done = digest(&[]).await;
    assert!(done.out.starts_with("DAILY: 2 to be mailed, 0 with nothing to tell, 0 failed\n"), "{done:?}");
    assert_eq!(digest(&["--dry-run"]).await.out, "");
    assert!(digest(&["--at", due]).await.out.starts_with("DAILY: 0 to be mailed, 0 with nothing to tell, 0 failed\n"));
    story.step(&[Sweep::Immediate, Sweep::Outbox]).await;
    let mut to: Vec<_> = story.mails().into_iter().map(|it| it.to).collect();
    to.sort();
    assert_eq!(to, ["ada@example.com", "bob@example.com"]);
    assert_eq!(story.findings().await, []);
}
