//! Several relays: mail goes to the first that can be reached, and no mail is tried at two of them at once.

use std::time::Duration;

use workcenter::config::{Encryption, Relay};
use workcenter::mail::{Post, SmtpSettings, Timeouts};

use super::{later, sent, short};
use crate::letter::{ADA, SENDER, letter};
use crate::sink::paper::Paper;
use crate::sink::{Manner, Point, Rule, Sink, at};

/// Both as relays, the first preferred.
fn both(paper: &Paper, first: &Sink, second: &Sink) -> SmtpSettings {
    SmtpSettings { relays: vec![first.relay(), second.relay()], tls: paper.trust(), ..SmtpSettings::default() }
}

#[tokio::test]
async fn a_relay_that_cannot_be_reached_leaves_its_mail_to_the_next_and_is_left_alone_for_a_while() {
    let (paper, stranger) = (Paper::sound(), Paper::sound());
    let mime = letter().mime().unwrap();
    let rule = |point, reply: &str| vec![at(point).reply(reply)];
    let table: Vec<(&Paper, Vec<Rule>)> = vec![
        (&paper, vec![at(Point::Greeting)]),
        (&paper, rule(Point::Greeting, "421 too many of you")),
        (&paper, rule(Point::Greeting, "554 no mail here")),
        (&paper, rule(Point::Greeting, &"220-and\r\n".repeat(200))),
        (&paper, rule(Point::Greeting, &"2".repeat(9_000))),
        (&paper, rule(Point::Ehlo, "502 what is that")),
        (&paper, rule(Point::StartTls, "454 4.7.0 not now")),
        (&paper, vec![at(Point::Tls)]),
        (&stranger, vec![]),
        (&paper, rule(Point::Auth, "535 5.7.8 who?")),
        (&paper, vec![at(Point::Auth)]),
    ];
    for (shown, rules) in table {
        let first = Sink::with(Manner::secure(Encryption::StartTls, shown).asking("PLAIN"), rules.clone()).await;
        let second = Sink::start(vec![]).await;
        let post = Post::relay(both(&paper, &first, &second));
        for _ in 0..2 {
            assert_eq!(sent(&post, ADA, &mime).await, "sent", "{rules:?}");
        }
        assert_eq!((first.mails().len(), second.mails().len()), (0, 2), "{rules:?}");
        assert_eq!((first.sessions(), second.sessions()), (1, 1), "{rules:?}");
    }
}

#[tokio::test]
async fn a_relay_where_nobody_listens_or_answers_leaves_its_mail_to_the_next() {
    let (silent, second) = (Sink::start(vec![at(Point::Greeting).hold()]).await, Sink::start(vec![]).await);
    let nobody = Relay { port: 1, ..second.relay() };
    let timeouts = Timeouts { hello: Duration::from_millis(200), ..Timeouts::default() };
    let relays = vec![nobody, silent.relay(), second.relay()];
    let post = Post::relay(SmtpSettings { relays, timeouts, ..SmtpSettings::default() });

    for _ in 0..2 {
        assert_eq!(sent(&post, ADA, &letter().mime().unwrap()).await, "sent");
    }
    assert_eq!((silent.sessions(), second.mails().len()), (1, 2), "its silence was waited for once");
}

#[tokio::test]
async fn a_relay_that_is_back_has_its_mail_again_and_when_all_are_away_each_is_tried() {
    let (first, second) = (Sink::start(vec![at(Point::Greeting)]).await, Sink::start(vec![]).await);
    let (paper, mime) = (Paper::sound(), letter().mime().unwrap());
    let usual = both(&paper, &first, &second);
    let timeouts = Timeouts { away: Duration::ZERO, ..usual.timeouts };
    let post = Post::relay(SmtpSettings { timeouts, ..usual.clone() });
    assert_eq!(sent(&post, ADA, &mime).await, "sent");
    first.behave(vec![]);
    assert_eq!(sent(&post, ADA, &mime).await, "sent");
    assert_eq!((first.mails().len(), second.mails().len()), (1, 1), "although the second had a connection to spare");

    first.behave(vec![at(Point::Greeting)]);
    second.behave(vec![at(Point::Greeting).reply("421 not now")]);
    let post = Post::relay(usual);
    let unreachable = post.session().await.err().unwrap();
    let (one, other) = (first.address().to_string(), second.address().to_string());
    assert!(unreachable.why.contains(&one) && unreachable.why.contains(&other), "{unreachable}");
    assert!(unreachable.slow_down, "one of them asks for it");
    first.behave(vec![]);
    assert_eq!(sent(&post, ADA, &mime).await, "sent", "there is no other to go to");
    assert_eq!(first.mails().len(), 2);
}

#[tokio::test]
async fn a_mail_that_has_begun_is_not_tried_at_another_relay() {
    let (paper, mime) = (Paper::sound(), letter().mime().unwrap());
    let rule = |point, reply: &str| at(point).reply(reply);
    for (rule, outcome) in [
        (at(Point::Mail), "retry"),
        (rule(Point::Mail, "421 bye"), "retry, slower"),
        (at(Point::Rcpt), "retry"),
        (rule(Point::Rcpt, "450 4.2.0 greylisted"), "retry, slower"),
        (at(Point::Data), "retry"),
        (at(Point::Dot), "unknown"),
    ] {
        let (first, second) = (Sink::start(vec![rule.clone()]).await, Sink::start(vec![]).await);
        let post = Post::relay(both(&paper, &first, &second));
        assert_eq!(sent(&post, ADA, &mime).await, outcome, "{rule:?}");
        assert_eq!(second.sessions(), 0, "{rule:?}");
    }

    // The relay hangs up between two mails and is gone: the second mail was said there, if only its sender.
    let (first, second) = (Sink::start(vec![at(Point::After)]).await, Sink::start(vec![]).await);
    let post = Post::relay(both(&paper, &first, &second));
    let mut session = post.session().await.unwrap();
    assert_eq!(short(&session.send(SENDER, ADA, &mime, later()).await), "sent");
    first.behave(vec![at(Point::Greeting)]);
    assert_eq!(short(&session.send(SENDER, ADA, &mime, later()).await), "retry");
    assert_eq!(second.sessions(), 0);
    assert_eq!(short(&session.send(SENDER, ADA, &mime, later()).await), "sent", "the next attempt is free to go");
    assert_eq!((first.mails().len(), second.mails().len()), (1, 1));
}

#[tokio::test]
async fn who_is_done_takes_leave() {
    let sink = Sink::start(vec![]).await;
    let post = Post::relay(sink.settings());
    assert_eq!(sent(&post, ADA, &letter().mime().unwrap()).await, "sent");
    post.close().await;
    assert_eq!(sent(&post, ADA, &letter().mime().unwrap()).await, "sent", "on a new connection");
    sink.wait_for_command("QUIT").await;
    assert_eq!(sink.sessions(), 2);
}
