//! TLS and signing in: what is said to a relay is said to that relay alone, or not at all.

use workcenter::config::Encryption;
use workcenter::mail::{Post, SmtpSettings};
use workcenter::tls::Trust;

use super::sent;
use crate::letter::{ADA, letter};
use crate::sink::paper::Paper;
use crate::sink::{Manner, PASSWORD, Point, Sink, at};

const ENCRYPTIONS: [Encryption; 2] = [Encryption::StartTls, Encryption::Implicit];

/// The sink as a relay whose authority is trusted.
fn trusting(sink: &Sink, paper: &Paper) -> SmtpSettings {
    SmtpSettings { tls: paper.trust(), ..sink.settings() }
}

#[tokio::test]
async fn mail_arrives_under_tls_as_it_was_made() {
    let (paper, mime) = (Paper::sound(), letter().mime().unwrap());
    for encryption in ENCRYPTIONS {
        let sink = Sink::with(Manner::secure(encryption, &paper), vec![]).await;
        let post = Post::relay(trusting(&sink, &paper));
        for _ in 0..2 {
            assert_eq!(sent(&post, ADA, &mime).await, "sent", "{encryption:?}");
        }
        assert!(sink.mails().iter().all(|it| it.data == mime));
        let hello = match encryption {
            Encryption::StartTls => vec!["EHLO localhost", "STARTTLS", "EHLO localhost"],
            _ => vec!["EHLO localhost"],
        };
        assert_eq!(sink.commands()[..hello.len()], hello);
        assert_eq!((sink.mails().len(), sink.sessions()), (2, 1));
    }
}

#[tokio::test]
async fn a_relay_that_is_not_who_it_should_be_hears_nothing() {
    let (sound, another, expired) = (Paper::sound(), Paper::of_another(), Paper::expired());
    // Another authority vouches for the first than is trusted.
    let table = [
        (&sound, Paper::sound().trust()),
        (&sound, Trust::default()),
        (&another, another.trust()),
        (&expired, expired.trust()),
    ];
    for encryption in ENCRYPTIONS {
        for (paper, tls) in &table {
            let sink = Sink::with(Manner::secure(encryption, paper).asking("PLAIN"), vec![]).await;
            let post = Post::relay(SmtpSettings { tls: tls.clone(), ..sink.settings() });
            let unreachable = post.session().await.err().unwrap();
            assert!(unreachable.why.contains(": TLS: invalid peer certificate"), "{unreachable}");
            let before: &[&str] =
                if encryption == Encryption::StartTls { &["EHLO localhost", "STARTTLS"] } else { &[] };
            assert_eq!(sink.commands(), before);
        }
    }
}

#[tokio::test]
async fn nothing_is_said_without_tls_where_tls_is_asked_for() {
    let paper = Paper::sound();
    let manner = Manner::secure(Encryption::StartTls, &paper).asking("PLAIN LOGIN");
    for rule in [
        // Somebody between us strikes out the offer, and refuses in the relay's name.
        at(Point::StartTls).reply("502 5.5.1 what?"),
        at(Point::StartTls).reply("250 2.0.0 never mind\r\n250 2.0.0 go on in the open"),
        // What is said along with the agreement was said by nobody knows whom.
        at(Point::StartTls).reply("220 2.0.0 go on\r\n250-sink\r\n250 AUTH PLAIN"),
        at(Point::Tls).reply("220 2.0.0 no"),
        at(Point::Tls),
    ] {
        let sink = Sink::with(manner.clone(), vec![rule.clone()]).await;
        assert_eq!(
            sent(&Post::relay(trusting(&sink, &paper)), ADA, &letter().mime().unwrap()).await,
            "retry",
            "{rule:?}"
        );
        assert!(sink.commands().iter().all(|it| !it.starts_with("AUTH") && !it.starts_with("MAIL")), "{rule:?}");
    }

    let plain = Sink::start(vec![]).await;
    for encryption in ENCRYPTIONS {
        let relay = workcenter::config::Relay { encryption, ..plain.relay() };
        let post = Post::relay(SmtpSettings { relays: vec![relay], tls: paper.trust(), ..SmtpSettings::default() });
        assert_eq!(sent(&post, ADA, &letter().mime().unwrap()).await, "retry", "{encryption:?}");
    }
    assert!(plain.commands().iter().all(|it| !it.starts_with("MAIL")));
}

#[tokio::test]
async fn who_must_sign_in_does_so_by_the_first_way_that_both_know() {
    let paper = Paper::sound();
    let table = [
        ("PLAIN LOGIN", "AUTH PLAIN AG", "sent"),
        ("CRAM-MD5 LOGIN plain", "AUTH PLAIN AG", "sent"),
        ("LOGIN", "AUTH LOGIN", "sent"),
        ("CRAM-MD5", "", "retry"),
    ];
    for (ways, command, outcome) in table {
        let sink = Sink::with(Manner::secure(Encryption::Implicit, &paper).asking(ways), vec![]).await;
        let post = Post::relay(trusting(&sink, &paper));
        assert_eq!(sent(&post, ADA, &letter().mime().unwrap()).await, outcome, "{ways}");
        let said = sink.commands().into_iter().find(|it| it.starts_with("AUTH")).unwrap_or_default();
        assert!(said.starts_with(command) && said.is_empty() == command.is_empty(), "{said}");
    }
}

#[tokio::test]
async fn a_password_of_any_length_is_said_and_never_repeated() {
    let paper = Paper::sound();
    let manner = Manner::secure(Encryption::StartTls, &paper).asking("PLAIN");
    let sink =
        Sink::with(manner, vec![at(Point::Auth).nth(1).reply("535 5.7.8 cGFzc3dvcmQ= is not your password")]).await;
    let with = |password: &str| {
        let relay = workcenter::config::Relay { password: Some(password.to_owned().into()), ..sink.relay() };
        SmtpSettings { relays: vec![relay], ..trusting(&sink, &paper) }
    };

    let refused = Post::relay(with("password")).session().await.err().unwrap();
    assert!(refused.why.ends_with(": AUTH: 535 5.7.8"), "{refused}");
    assert!(!format!("{:?}", with(PASSWORD)).contains(PASSWORD));

    let long = "long".repeat(200);
    assert_eq!(
        sent(&Post::relay(with(&long)), ADA, &letter().mime().unwrap()).await,
        "retry",
        "it is not the password"
    );
    assert_eq!(sink.commands().last().unwrap(), "AUTH PLAIN", "a longer command would be too long for some");
    assert_eq!(sent(&Post::relay(with(PASSWORD)), ADA, &letter().mime().unwrap()).await, "sent");
}
