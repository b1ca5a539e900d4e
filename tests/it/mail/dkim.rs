//! Signed mail, verified by a program that is not ours. `bin/dev/setup dkim` brings it.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{KeyPair, PKCS_ED25519, PKCS_RSA_SHA256};
use workcenter::daemon::Sweep;
use workcenter::mail::{Letter, Mailbox, Post, Seal};
use workcenter::secret::{Algorithm, SigningKey};

use super::sent;
use crate::letter::{ADA, HOSTILE, SENDER, letter};
use crate::sink::{Point, Sink, at};
use crate::story::Story;

const DOMAIN: &str = "work.example";
const SELECTOR: &str = "2027a";

/// A key, and what the DNS would have of it.
struct Key {
    private: SigningKey,
    record: String,
}

impl Key {
    fn new(algorithm: Algorithm) -> Self {
        let (pair, kind) = match algorithm {
            Algorithm::Ed25519 => (KeyPair::generate_for(&PKCS_ED25519).unwrap(), "ed25519"),
            Algorithm::RsaSha256 => (KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap(), "rsa"),
        };
        let private = SigningKey::from_pem(pair.serialize_pem().as_bytes()).unwrap();
        assert_eq!(private.algorithm(), algorithm);
        // Of Ed25519 the DNS has the bare key.
        let public = match algorithm {
            Algorithm::Ed25519 => STANDARD.encode(pair.public_key_raw()),
            Algorithm::RsaSha256 => pair.public_key_pem().lines().filter(|it| !it.starts_with('-')).collect(),
        };
        Self { private, record: format!("v=DKIM1; k={kind}; p={public}") }
    }

    fn seal(&self) -> Seal {
        Seal { key: self.private.clone(), domain: DOMAIN.to_owned(), selector: SELECTOR.to_owned() }
    }

    /// Says of each of `mails` whether it is valid.
    fn verdicts(&self, domain: &str, mails: &[Vec<u8>]) -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = root.join(".dev/tools/venv/bin/python");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("dkim-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&folder).unwrap();
        let files: Vec<_> = (0..mails.len()).map(|place| folder.join(format!("{place}.eml"))).collect();
        for (file, mail) in files.iter().zip(mails) {
            std::fs::write(file, mail).unwrap();
        }
        let mut command = Command::new(&python);
        command.arg("-B").arg(root.join("tests/mail/verify.py"));
        command.args([format!("{SELECTOR}._domainkey.{domain}"), self.record.clone()]).args(&files);
        let output = command.output().unwrap_or_else(|_| panic!("run bin/dev/setup dkim, for {}", python.display()));
        std::fs::remove_dir_all(folder).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(ToOwned::to_owned).collect()
    }
}

/// Letters with and without what they may have, and with what has been trouble to somebody.
fn letters() -> Vec<Letter> {
    let unsubscribe = vec![
        ("List-Id", "Plänë <plans.work.example>".to_owned()),
        ("List-Unsubscribe", format!("<https://work.example/u?t={}>", "token".repeat(60))),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()),
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("X-Unsigned", "this  is   not\t signed".replace('\t', " ")),
    ];
    let mut letters = vec![
        letter(),
        Letter { headers: unsubscribe.clone(), ..letter() },
        Letter { headers: Vec::new(), text: String::new(), html: String::new(), ..letter() },
    ];
    letters.extend(HOSTILE.map(|text| Letter {
        to: Mailbox { name: text.into(), address: ADA.into() },
        subject: text.into(),
        text: format!("  {text} \t\n \n\n{text}  two\n\n\n"),
        html: format!("<p>\u{e9}{}</p>\n\n", text.repeat(30)),
        headers: unsubscribe.clone(),
        ..letter()
    }));
    letters
}

#[tokio::test]
async fn signed_mail_is_valid_as_it_arrives_and_invalid_when_it_was_changed() {
    for algorithm in [Algorithm::Ed25519, Algorithm::RsaSha256] {
        let key = Key::new(algorithm);
        let sink = Sink::start(vec![]).await;
        let post = Post::relay(sink.settings());
        for letter in letters() {
            let sealed = key.seal().seal(&letter.mime().unwrap(), letter.date).unwrap();
            assert_eq!(sealed, key.seal().seal(&letter.mime().unwrap(), letter.date).unwrap(), "the same when again");
            assert_eq!(sent(&post, ADA, &sealed).await, "sent");
        }
        let mails: Vec<_> = sink.mails().into_iter().map(|it| it.data).collect();
        let verdicts = key.verdicts(DOMAIN, &mails);
        assert_eq!(verdicts, vec!["valid"; mails.len()], "{algorithm:?}");

        let whole = String::from_utf8(mails[1].clone()).unwrap();
        let head = whole.split("\r\nDate: ").next().unwrap();
        assert!(head.split("\r\n").all(|it| it.len() <= 76), "{head}");
        assert!(head.starts_with("DKIM-Signature: v=1;"));
        let changed = |from: &str, to: &str| {
            assert!(whole.contains(from), "{from}");
            whole.replacen(from, to, 1).into_bytes()
        };
        let added = |line: &str| changed("\r\nDate: ", &format!("\r\n{line}\r\nDate: "));
        // What a relay on the way may do to a head.
        let harmless = [
            changed("\r\nSubject: ", "\r\nSUBJECT:   "),
            changed("X-Unsigned: this", "X-Unsigned: that"),
            added("Received: from here by there"),
        ];
        assert_eq!(key.verdicts(DOMAIN, &harmless), vec!["valid"; harmless.len()], "{algorithm:?}");
        let harmful = [
            changed("u?t=token", "u?t=taken"),
            changed("List-Unsubscribe=One-Click", "List-Unsubscribe=Two-Click"),
            changed("\r\nList-Unsubscribe-Post: ", "\r\nX-Post: "),
            changed("\r\nList-Unsubscribe: ", "\r\nX-Unsubscribe: "),
            changed("3 news", "4 news"),
            changed("08:30:05", "08:30:06"),
            changed("Message-ID: <day", "Message-ID: <bay"),
            changed("<plans.work", "<flans.work"),
            changed("auto-generated", "auto-replied"),
            changed("MIME-Version: 1.0", "MIME-Version: 1.1"),
            changed("Hello Ada", "Hello Eve"),
            changed("t=17", "t=18"),
            added("From: \"Eve\" <eve@evil.example>"),
            added("Subject: act at once"),
        ];
        assert_eq!(key.verdicts(DOMAIN, &harmful), vec!["invalid"; harmful.len()], "{algorithm:?}");
    }
    assert!(SENDER.ends_with(DOMAIN));
}

#[test]
fn what_is_no_key_that_can_be_trusted_is_refused() {
    let elliptic = KeyPair::generate().unwrap().serialize_pem();
    let public = KeyPair::generate_for(&PKCS_ED25519).unwrap().public_key_pem();
    let torn = &elliptic[..elliptic.len() / 2];
    for pem in ["", "nonsense", &elliptic, &public, torn] {
        let why = SigningKey::from_pem(pem.as_bytes()).unwrap_err();
        assert!(why.starts_with("must have a private key in PEM"));
    }
}

#[tokio::test]
async fn the_daemon_signs_and_a_mail_that_comes_twice_has_one_signature() {
    let story = Story::begin_with(vec![at(Point::Dot).nth(1)]).await;
    let key = Key::new(Algorithm::Ed25519);
    let mut settings = story.app.daemon_settings(Some(story.sink.address()));
    settings.mail.dkim_key_file = Some(key.private.clone());
    settings.mail.dkim_selector = Some(SELECTOR.to_owned());
    let daemon = story.app.daemon_of(&settings);

    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.app.clock_at("2026-11-20T13:01:00Z").await;
    for sweep in [Sweep::Immediate, Sweep::Outbox, Sweep::Outbox] {
        daemon.step(sweep, story.app.now().await).await.unwrap();
        story.meddle("update mail set try_at = now() where ended_at is null").await;
    }

    let mails = story.mails();
    assert_eq!((mails.len(), &mails[0].data), (2, &mails[1].data));
    assert!(mails[0].header("List-Unsubscribe").is_some());
    let signature = mails[0].header("DKIM-Signature").unwrap().replace(' ', "");
    assert!(signature.contains("List-Unsubscribe:List-Unsubscribe-Post"), "{signature}");
    // The address that mail comes from says which domain signs.
    assert_eq!(key.verdicts("workcenter.example", &[mails[0].data.clone()]), ["valid"]);
}
