//! Mail on the wire: what is made of everything a relay can do. Under TLS, and of several relays, below.

mod dkim;
mod postfix;
mod relays;
mod tls;

use std::time::{Duration, Instant};

use workcenter::config::Relay;
use workcenter::mail::{Letter, Outcome, Post, SmtpSettings, Timeouts};

use crate::letter::{ADA, SENDER, letter};
use crate::sink::{Point, Rule, Sink, at};

/// The sink as a relay that may be spoken to in `sessions` sessions at once.
fn relay(sink: &Sink, sessions: usize) -> Post {
    Post::relay(SmtpSettings { sessions, ..sink.settings() })
}

fn later() -> Instant {
    Instant::now() + Duration::from_secs(600)
}

/// Sends one mail to `to` in a session of its own, and says in short what became of it.
async fn sent(post: &Post, to: &str, mime: &[u8]) -> String {
    match post.session().await {
        Ok(mut session) => short(&session.send(SENDER, to, mime, later()).await),
        Err(unreachable) => short(&unreachable.into()),
    }
}

fn short(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Sent { .. } => "sent",
        Outcome::Retry { slow_down: false, .. } => "retry",
        Outcome::Retry { slow_down: true, .. } => "retry, slower",
        Outcome::Refused { address: false, .. } => "refused",
        Outcome::Refused { address: true, .. } => "refused for ever",
        Outcome::Unknown { .. } => "unknown",
    }
    .to_owned()
}

#[tokio::test]
async fn every_misbehaviour_of_a_relay_has_its_outcome() {
    let rule = |point, reply: &str| at(point).reply(reply);
    let table: Vec<(Rule, &str)> = vec![
        (at(Point::Greeting), "retry"),
        (rule(Point::Greeting, "421 too many of you"), "retry, slower"),
        (rule(Point::Greeting, "554 no mail here"), "retry"),
        (rule(Point::Greeting, "hello there"), "retry"),
        (at(Point::Ehlo), "retry"),
        (rule(Point::Ehlo, "502 what is that"), "retry"),
        (at(Point::Mail), "retry"),
        (rule(Point::Mail, "421 4.7.0 too much"), "retry, slower"),
        (rule(Point::Mail, "452 4.3.1 disk full"), "retry, slower"),
        (rule(Point::Mail, "455 4.5.4 not now"), "retry"),
        (rule(Point::Mail, "530 5.7.0 log in first"), "retry, slower"),
        (rule(Point::Mail, "550 5.1.8 who are you"), "refused"),
        (rule(Point::Mail, "354 go on"), "retry"),
        (at(Point::Rcpt), "retry"),
        (rule(Point::Rcpt, "421 4.3.2 going down"), "retry, slower"),
        (rule(Point::Rcpt, "450 4.2.0 greylisted"), "retry, slower"),
        (rule(Point::Rcpt, "451 4.7.1 later"), "retry, slower"),
        (rule(Point::Rcpt, "454 4.7.0 key missing"), "retry, slower"),
        (rule(Point::Rcpt, "432 4.7.12 not yet"), "retry"),
        (rule(Point::Rcpt, "550 5.1.1 nobody"), "refused for ever"),
        (rule(Point::Rcpt, "556 5.1.10 no mail at all"), "refused for ever"),
        (rule(Point::Rcpt, "550-5.1.1 nobody\r\n550 5.1.1 of that name"), "refused for ever"),
        (rule(Point::Rcpt, "550 5.1.8 sender unknown"), "refused"),
        (rule(Point::Rcpt, "552 5.2.2 mailbox full"), "refused"),
        (rule(Point::Rcpt, "550 no"), "refused"),
        (rule(Point::Rcpt, "250"), "sent"),
        (rule(Point::Rcpt, "250-yes\r\n550 no"), "retry"),
        (rule(Point::Rcpt, "250+yes"), "retry"),
        (rule(Point::Rcpt, "150 perhaps"), "retry"),
        (at(Point::Data), "retry"),
        (rule(Point::Data, "451 4.3.0 queue"), "retry, slower"),
        (rule(Point::Data, "554 5.5.1 nobody to send to"), "refused"),
        (rule(Point::Data, "250 fine"), "retry"),
        // A small mail is off, dot and all, before the relay can hang up.
        (at(Point::Body), "unknown"),
        (at(Point::Dot), "unknown"),
        (rule(Point::Dot, "fine"), "unknown"),
        (rule(Point::Dot, "354 more"), "unknown"),
        (rule(Point::Dot, "421 4.3.2 going down"), "retry, slower"),
        (rule(Point::Dot, "452 4.3.1 disk full"), "retry, slower"),
        (rule(Point::Dot, "550 5.1.1 nobody after all"), "refused for ever"),
        (rule(Point::Dot, "554 5.7.1 spam"), "refused"),
        (at(Point::After), "sent"),
    ];
    let mime = letter().mime().unwrap();
    for (rule, expected) in table {
        let sink = Sink::start(vec![rule.clone()]).await;
        assert_eq!(sent(&relay(&sink, 1), ADA, &mime).await, expected, "{rule:?}");

        // Whatever is not known for certain to have arrived or not is unknown, and nothing else.
        match expected {
            "sent" => assert_eq!(sink.mails().len(), 1, "{rule:?}"),
            "unknown" => assert!(sink.mails().iter().all(|mail| !mail.is_acknowledged)),
            _ => assert_eq!(sink.mails().len(), 0, "{rule:?}"),
        }
    }
}

#[tokio::test]
async fn a_relay_that_falls_silent_is_waited_for_only_so_long() {
    let (long, short) = (Timeouts::default(), Duration::from_millis(100));
    let hello = Timeouts { hello: short, ..long };
    let command = Timeouts { command: short, ..long };
    let body = Timeouts { body: short, ..long };
    let table = [
        (Point::Greeting, hello, "retry"),
        (Point::Ehlo, hello, "retry"),
        // A connection that was made before this mail came is given one successor.
        (Point::Mail, command, "sent"),
        (Point::Rcpt, command, "retry"),
        (Point::Data, command, "retry"),
        (Point::Dot, body, "unknown"),
    ];
    for (point, timeouts, expected) in table {
        let sink = Sink::start(vec![at(point).nth(1).hold()]).await;
        let post = Post::relay(SmtpSettings { timeouts, ..sink.settings() });
        let mime = letter().mime().unwrap();
        assert_eq!(sent(&post, ADA, &mime).await, expected, "{point:?}");

        // What it says in the end is not taken for the answer to another mail.
        sink.release(1);
        assert_eq!(sent(&post, ADA, &mime).await, "sent", "{point:?}");
        assert_eq!(sink.sessions(), 2, "{point:?}");
    }
    assert_eq!(long.last_leg(), Duration::from_secs(150), "DATA and the body, no more");
}

#[tokio::test]
async fn a_body_that_could_not_be_written_to_its_end_is_retried() {
    let sink = Sink::start(vec![at(Point::Body)]).await;
    // More than the buffers of both ends hold, so that the dot is never reached.
    let mime = "seventeen letters\r\n".repeat(1_000_000).into_bytes();

    assert_eq!(sent(&relay(&sink, 3), ADA, &mime).await, "retry");
    assert_eq!(sink.mails().len(), 0);
}

#[tokio::test]
async fn a_mail_that_was_kept_without_a_word_is_recognised_when_it_comes_again() {
    let sink = Sink::start(vec![at(Point::Dot)]).await;
    let post = relay(&sink, 1);
    let mut session = post.session().await.unwrap();

    let first = session.send(SENDER, ADA, &letter().mime().unwrap(), later()).await;
    sink.behave(vec![]);
    let second = session.send(SENDER, ADA, &letter().mime().unwrap(), later()).await;

    assert_eq!((short(&first), short(&second)), ("unknown".into(), "sent".into()));
    let mails = sink.wait_for(2).await;
    assert_eq!([mails[0].is_acknowledged, mails[1].is_acknowledged], [false, true]);
    assert_eq!(mails[0].data, mails[1].data, "byte for byte, boundary and all");
    assert_eq!(mails[0].message_id(), mails[1].message_id());
    assert_eq!(sink.sessions(), 2, "the dead connection was not used again");
}

#[tokio::test]
async fn a_refusal_costs_neither_the_connection_nor_the_next_mail() {
    let sink = Sink::start(vec![
        at(Point::Rcpt).to("gone@example.com").reply("550 5.1.1 unknown"),
        at(Point::Rcpt).to("slow@example.com").reply("450 4.2.0 greylisted"),
        at(Point::Dot).to("full@example.com").reply("552 5.2.2 full"),
        at(Point::Data).to("data@example.com").reply("451 4.3.0 later"),
    ])
    .await;
    let post = relay(&sink, 1);
    let mime = letter().mime().unwrap();

    let table = [
        ("gone@example.com", "refused for ever"),
        ("slow@example.com", "retry, slower"),
        ("full@example.com", "refused"),
        ("data@example.com", "retry, slower"),
        (ADA, "sent"),
    ];
    for (to, expected) in table {
        assert_eq!(sent(&post, to, &mime).await, expected, "{to}");
    }

    assert_eq!(sink.sessions(), 1);
    let commands: String = sink.commands().iter().map(|it| &it[..1]).collect();
    assert_eq!(commands, "EMR".to_owned() + "RMR" + "RMRD" + "MRD" + "RMRD", "RSET where one was due");
    assert_eq!(sink.mails().len(), 1);
    assert_eq!(sink.mails()[0].to, ADA);
}

#[tokio::test]
async fn the_words_of_the_relay_are_kept() {
    let sink = Sink::start(vec![
        at(Point::Rcpt).to("gone@example.com").reply("550-5.1.1 unknown\r\n550 5.1.1 \u{7}here"),
        at(Point::Dot).nth(1).reply("250 2.0.0 queued as 4F"),
    ])
    .await;
    let post = relay(&sink, 1);
    let mime = letter().mime().unwrap();
    let mut session = post.session().await.unwrap();

    let refused = session.send(SENDER, "gone@example.com", &mime, later()).await;
    let taken = session.send(SENDER, ADA, &mime, later()).await;

    let reply = "550 5.1.1 unknown here".to_owned();
    assert_eq!(refused, Outcome::Refused { reply, address: true });
    assert_eq!(taken, Outcome::Sent { reply: "250 2.0.0 queued as 4F".to_owned() });
}

#[tokio::test]
async fn a_mail_whose_lease_ran_out_is_not_sent_and_the_next_one_is() {
    let sink = Sink::start(vec![]).await;
    let post = relay(&sink, 1);
    let mime = letter().mime().unwrap();
    let mut session = post.session().await.unwrap();

    let outcome = session.send(SENDER, ADA, &mime, Instant::now()).await;

    assert_eq!(short(&outcome), "retry");
    assert!(!sink.commands().contains(&"DATA".to_owned()));
    assert_eq!(short(&session.send(SENDER, ADA, &mime, later()).await), "sent");
    assert_eq!((sink.mails().len(), sink.sessions()), (1, 1));
}

#[tokio::test]
async fn a_relay_that_hung_up_between_two_mails_costs_none() {
    let sink = Sink::start(vec![at(Point::After).nth(1), at(Point::Mail).nth(3).reply("421 bye")]).await;
    let post = relay(&sink, 1);
    let mime = letter().mime().unwrap();

    for _ in 0..3 {
        assert_eq!(sent(&post, ADA, &mime).await, "sent");
    }
    assert_eq!((sink.mails().len(), sink.sessions()), (3, 3));
}

#[tokio::test]
async fn a_relay_that_does_not_know_rset_is_given_a_new_connection() {
    let sink = Sink::start(vec![
        at(Point::Rcpt).to("gone@example.com").reply("550 5.1.1 unknown"),
        at(Point::Reset).reply("502 what is that"),
    ])
    .await;
    let post = relay(&sink, 1);
    let mime = letter().mime().unwrap();

    assert_eq!(sent(&post, "gone@example.com", &mime).await, "refused for ever");
    assert_eq!(sent(&post, ADA, &mime).await, "sent");
    assert_eq!(sink.sessions(), 2);
}

#[tokio::test]
async fn connections_are_kept_and_never_more_than_allowed() {
    let sink = Sink::start(vec![at(Point::Dot).hold()]).await;
    let post = relay(&sink, 3);
    let mime = letter().mime().unwrap();

    let sending: Vec<_> = (0..12)
        .map(|_| {
            let (post, mime) = (post.clone(), mime.clone());
            tokio::spawn(async move { sent(&post, ADA, &mime).await })
        })
        .collect();
    sink.wait_for_held(3).await;
    assert_eq!(sink.mails().len(), 0, "three are under way, nine wait for their turn");
    sink.release(12);
    for it in sending {
        assert_eq!(it.await.unwrap(), "sent");
    }

    assert_eq!(sink.mails().len(), 12);
    assert_eq!((sink.sessions(), sink.sessions_max()), (3, 3));
}

#[tokio::test]
async fn a_connection_that_was_idle_for_too_long_is_replaced() {
    let sink = Sink::start(vec![]).await;
    let timeouts = Timeouts { idle: Duration::ZERO, ..Timeouts::default() };
    let post = Post::relay(SmtpSettings { timeouts, ..sink.settings() });
    let mime = letter().mime().unwrap();

    for _ in 0..2 {
        assert_eq!(sent(&post, ADA, &mime).await, "sent");
    }
    assert_eq!(sink.sessions(), 2);
}

#[tokio::test]
async fn a_mail_given_up_half_way_takes_its_connection_and_not_its_turn() {
    let sink = Sink::start(vec![at(Point::Rcpt).nth(1).hold()]).await;
    let post = relay(&sink, 1);
    let mime = letter().mime().unwrap();

    let mut session = post.session().await.unwrap();
    tokio::select! {
        _ = session.send(SENDER, ADA, &mime, later()) => panic!("the reply is held back"),
        () = sink.wait_for_held(1) => {}
    }
    drop(session);

    assert_eq!(sent(&post, ADA, &mime).await, "sent");
    assert_eq!((sink.mails().len(), sink.sessions()), (1, 2));
}

#[tokio::test]
async fn a_relay_that_is_not_there_is_named_as_unreachable() {
    let closed = {
        let sink = Sink::start(vec![]).await;
        sink.settings()
    };
    // Nothing listens on port 1 of this machine's loopback.
    let relays = vec![Relay { port: 1, ..closed.relays[0].clone() }];
    let nobody = Post::relay(SmtpSettings { relays, ..closed.clone() });
    let unreachable = nobody.session().await.err().unwrap();
    assert!(unreachable.to_string().starts_with("no relay can be reached: 127.0.0.1:1: connect: "));

    let injected = SmtpSettings { hello: "me\r\nMAIL FROM:<x@y.z>".into(), ..closed };
    let unreachable = Post::relay(injected).session().await.err().unwrap();
    assert!(unreachable.why.ends_with(": the name for EHLO is not a host name"));
}

#[tokio::test]
async fn what_no_relay_carries_is_refused_before_a_word_is_said() {
    let sink = Sink::start(vec![]).await;
    let post = relay(&sink, 1);
    let mime = letter().mime().unwrap();
    let with = |tail: &str| [&mime[..], tail.as_bytes(), b"\r\n"].concat();
    let bodies = ["lone\nfeed", "lone\rreturn", "\0", "é", &"x".repeat(999)];

    for body in bodies {
        assert_eq!(sent(&post, ADA, &with(body)).await, "refused", "{body:?}");
    }
    for to in ["ädä@example.com", "ada@exämple.com", "ada", "", "a@b.c>\r\nDATA"] {
        assert_eq!(sent(&post, to, &mime).await, "refused for ever", "{to:?}");
    }
    assert_eq!(sink.commands(), ["EHLO localhost"]);
    assert_eq!(sent(&post, ADA, &with(&"x".repeat(998))).await, "sent");
}

#[tokio::test]
async fn a_folder_holds_one_whole_mail_a_file() {
    let folder = std::env::temp_dir().join(format!("workcenter-mail-{}", std::process::id()));
    let post = Post::folder(folder.join("made"));
    let mime = letter().mime().unwrap();
    let odd = Letter { message_id: "../a/b{1}@work.example".into(), ..letter() }.mime().unwrap();

    for mime in [&mime, &mime, &odd] {
        assert_eq!(sent(&post, ADA, mime).await, "sent");
    }
    let mut session = post.session().await.unwrap();
    assert_eq!(short(&session.send(SENDER, ADA, &mime, Instant::now()).await), "retry");
    let nameless = session.send(SENDER, ADA, b"Subject: Hi\r\n\r\nMessage-ID: <a@b>\r\n", later()).await;
    assert_eq!(short(&nameless), "refused");

    let entries = std::fs::read_dir(folder.join("made")).unwrap();
    let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, [".._a_b_1_@work.example.eml", "day.2026-03-01.7@work.example.eml"]);
    assert_eq!(std::fs::read(folder.join("made").join(&names[1])).unwrap(), mime);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_tried_again_later() {
    let file = std::env::temp_dir().join(format!("workcenter-mail-file-{}", std::process::id()));
    std::fs::write(&file, "in the way").unwrap();

    assert_eq!(sent(&Post::folder(&file), ADA, &letter().mime().unwrap()).await, "retry");
    std::fs::remove_file(file).unwrap();
}
