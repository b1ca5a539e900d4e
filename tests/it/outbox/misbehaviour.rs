//! Every point of a dialogue with a relay and everything that a relay can do there: what becomes of the mail, and that the
//! other mail of the same turn goes.

use std::time::Duration;

use uuid::Uuid;
use workcenter::{
    config::Encryption,
    ids,
    mail::{Letter, Mailbox, Post, SmtpSettings, Timeouts},
    outbox, secret,
};

use super::terms;
use crate::{
    harness::{Account, App},
    letter::letter,
    sink::{Manner, Point, Rule, Sink, at, paper::Paper},
};

/// How long the relay may be silent where it is. Everything else has all its time, so that a slow machine is no relay that
/// misbehaves.
const SILENCE: Duration = Duration::from_millis(400);

/// What a relay does, in the order of the columns of the table.
const ACTS: [&str; 5] = ["drop", "4xx", "5xx", "silence", "421"];

/// The points in the order of a dialogue, and the state after each of the acts. What would have gone over a connection that
/// does not come about goes over another, and a mail that the relay has heard nothing of but its sender is begun anew on one.
const TABLE: [(Point, [&str; 5]); 12] = [
    (Point::Greeting, ["SENT", "SENT", "SENT", "SENT", "SENT"]),
    (Point::Ehlo, ["SENT", "SENT", "SENT", "SENT", "SENT"]),
    (Point::StartTls, ["SENT", "SENT", "SENT", "SENT", "SENT"]),
    (Point::Tls, ["SENT", "SENT", "SENT", "SENT", "SENT"]),
    (Point::Auth, ["SENT", "SENT", "SENT", "SENT", "SENT"]),
    (Point::Mail, ["SENT", "RETRY", "FAILED", "SENT", "SENT"]),
    (Point::Rcpt, ["RETRY", "RETRY", "FAILED", "RETRY", "RETRY"]),
    (Point::Data, ["RETRY", "RETRY", "FAILED", "RETRY", "RETRY"]),
    (Point::Body, ["UNKNOWN", "RETRY", "FAILED", "UNKNOWN", "RETRY"]),
    (Point::Dot, ["UNKNOWN", "RETRY", "FAILED", "UNKNOWN", "RETRY"]),
    (Point::After, ["SENT", "SENT", "SENT", "SENT", "SENT"]),
    (Point::Quit, ["SENT", "SENT", "SENT", "SENT", "SENT"]),
];

fn rule(point: Point, act: &str) -> Rule {
    let rule = at(point).nth(1);
    match act {
        "drop" => rule,
        "4xx" => rule.reply("451 4.3.0 not now"),
        "5xx" => rule.reply("554 5.7.1 never"),
        "silence" => rule.hold(),
        _ => rule.reply("421 4.3.2 going down"),
    }
}

fn timeouts(point: Point, act: &str) -> Timeouts {
    let usual = Timeouts::default();
    match (point, act) {
        // That it says goodbye is seen when connections are not kept.
        (Point::Quit, _) => Timeouts { idle: Duration::ZERO, ..usual },
        (Point::Mail | Point::Rcpt | Point::Data, "silence") => Timeouts { command: SILENCE, ..usual },
        (Point::Body | Point::Dot, "silence") => Timeouts { body: SILENCE, ..usual },
        (Point::After, _) | (_, "drop" | "4xx" | "5xx" | "421") => usual,
        _ => Timeouts { hello: SILENCE, ..usual },
    }
}

/// Where mails are put and delivered.
struct Stage {
    app: App,
    account: Account,
}

impl Stage {
    /// Puts mails to `count` people.
    async fn put(&self, count: usize) -> Vec<Uuid> {
        let now = self.app.now().await;
        let new = |_| outbox::New {
            id: ids::new(),
            account: self.account.id,
            user: None,
            kind: outbox::Kind::Digest,
            subject: ids::new(),
            key: secret::digest(&[ids::new().as_bytes()]),
            dated_at: now,
        };
        let mails: Vec<_> = (0..count).map(new).collect();
        outbox::put(&self.app.client().await, &mails).await.unwrap();
        mails.iter().map(|it| it.id).collect()
    }

    /// One turn, once all pauses are over, and what another relay has asked for is forgotten.
    async fn deliver(&self, post: &Post) {
        let pass = "update mail set try_at = now() where ended_at is null; delete from mail_pace";
        self.app.client().await.batch_execute(pass).await.unwrap();
        let letter = |it: &outbox::Mail| Letter {
            to: Mailbox { name: String::new(), address: format!("{}@example.com", it.id.simple()) },
            message_id: format!("{}@work.example", it.message_id),
            ..letter()
        };
        let write = |mails: Vec<outbox::Mail>| async move {
            let letters = mails.iter().map(|it| (it.id, letter(it))).collect();
            Ok(outbox::Written { letters, ..Default::default() })
        };
        outbox::deliver(self.app.pool(), post, &terms(), write).await.unwrap();
    }

    async fn states(&self, mails: &[Uuid]) -> Vec<String> {
        let states = "select state from mail where id = any($1) order by state";
        let rows = self.app.client().await.query(states, &[&mails]).await.unwrap();
        rows.iter().map(|it| it.get("state")).collect()
    }

    async fn row(&self, paper: &Paper, point: Point, act: &str, expected: &str) {
        let manner = Manner::secure(Encryption::StartTls, paper).asking("PLAIN LOGIN");
        let sink = Sink::with(manner, vec![rule(point, act)]).await;
        let settings = SmtpSettings { tls: paper.trust(), timeouts: timeouts(point, act), ..sink.settings() };
        let post = Post::relay(settings);

        let mails = self.put(2).await;
        self.deliver(&post).await;
        let mut states = [expected, "SENT"];
        states.sort_unstable();
        assert_eq!(self.states(&mails).await, states, "{point:?}, {act}");

        // It misbehaves once. What comes later goes, and so does what may go again.
        sink.release(1);
        let later = self.put(1).await;
        self.deliver(&post).await;
        let in_the_end = if expected == "FAILED" { "FAILED" } else { "SENT" };
        assert_eq!(self.states(&mails).await, [in_the_end, "SENT"], "{point:?}, {act}");
        assert_eq!(self.states(&later).await, ["SENT"], "{point:?}, {act}");

        let (mut taken, mut people) = (sink.mails(), Vec::new());
        taken.sort_by(|one, other| one.to.cmp(&other.to));
        for pair in taken.windows(2).filter(|pair| pair[0].to == pair[1].to) {
            assert_eq!(expected, "UNKNOWN", "{point:?}, {act}: a mail came twice");
            assert_eq!(pair[0].data, pair[1].data, "{point:?}, {act}");
        }
        people.extend(taken.iter().map(|it| &it.to));
        people.dedup();
        assert_eq!(people.len(), if expected == "FAILED" { 2 } else { 3 }, "{point:?}, {act}");
    }
}

#[tokio::test]
async fn whatever_a_relay_does_and_wherever_it_does_it_has_its_state_and_the_mail_beside_it_goes() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let (stage, paper) = (Stage { app, account }, Paper::sound());
    for (point, states) in TABLE {
        for (act, expected) in ACTS.iter().zip(states) {
            stage.row(&paper, point, act, expected).await;
        }
    }
}

#[tokio::test]
async fn with_a_wrong_certificate_nothing_begins_and_with_the_right_one_all_goes() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let stage = Stage { app, account };
    let mails = stage.put(3).await;
    let sound = Paper::sound();
    for paper in [Paper::of_another(), Paper::expired()] {
        let sink = Sink::with(Manner::secure(Encryption::Implicit, &paper), vec![]).await;
        stage.deliver(&Post::relay(SmtpSettings { tls: paper.trust(), ..sink.settings() })).await;
        assert_eq!(stage.states(&mails).await, ["RETRY"; 3]);
    }
    let begun = "select coalesce(sum(attempts), 0)::bigint from mail";
    let begun: i64 = stage.app.client().await.query_one(begun, &[]).await.unwrap().get(0);
    assert_eq!(begun, 0, "it costs no attempt");

    let sink = Sink::with(Manner::secure(Encryption::Implicit, &sound), vec![]).await;
    stage.deliver(&Post::relay(SmtpSettings { tls: sound.trust(), ..sink.settings() })).await;
    assert_eq!(stage.states(&mails).await, ["SENT"; 3]);
}

#[tokio::test]
async fn mails_that_no_session_is_left_for_go_back_untried_and_go_with_the_next_ones() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let stage = Stage { app, account };
    // Each of the three sessions ends with its first mail.
    let sink = Sink::start((1..=3).map(|it| at(Point::Rcpt).nth(it)).collect()).await;
    let mails = stage.put(5).await;
    stage.deliver(&Post::relay(sink.settings())).await;
    assert_eq!(stage.states(&mails).await, ["RETRY", "RETRY", "RETRY", "SENT", "SENT"]);
    let attempts = "select distinct attempts from mail where id = any($1)";
    let attempts = stage.app.client().await.query(attempts, &[&mails]).await.unwrap();
    assert_eq!(attempts.iter().map(|it| it.get(0)).collect::<Vec<i64>>(), [1], "going back is no attempt");
}
