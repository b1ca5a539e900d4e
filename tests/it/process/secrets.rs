//! That secrets are found in what programs say: `bin/dev/secrets.py` is run on what nobody should say, and on what they may.

use std::path::{Path, PathBuf};

use clap::Parser;
use tokio::process::Command;
use workcenter::{
    config,
    secret::{self, Secret, TokenKey},
};

use super::{Ended, TOKEN_KEY};
use crate::{
    architecture::source::{root, sources},
    harness::PASSWORD,
};

/// A folder with what somebody said on some way; it is gone in the end.
struct Heard(PathBuf);

impl Heard {
    fn of(name: &str, said: &[(&str, &str)]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("heard-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (file, text) in said {
            std::fs::write(folder.join(file), text).unwrap();
        }
        Self(folder)
    }

    /// What is found in it.
    async fn looked_through(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(root().join(".dev/tools/venv/bin/python"));
        let script = root().join("bin/dev/secrets.py");
        let output = command.arg("-B").arg(script).args(arguments).arg(&self.0).output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Something secret of each kind, drawn and made as the programs do it.
async fn secrets() -> Vec<(&'static str, String)> {
    let key: TokenKey = TOKEN_KEY.parse().unwrap();
    let hash = secret::Hasher::default().hash(&Secret::from(PASSWORD.to_owned())).await.unwrap();
    let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
    vec![
        ("session", secret::token("wcs_").unwrap().expose().to_owned()),
        ("service key", secret::token("wck_").unwrap().expose().to_owned()),
        ("token", key.derive("invite", b"1").expose().to_owned()),
        ("token", key.seal("unsubscribe", b"all mails of somebody")),
        ("password hash", hash),
        ("private key", pem.lines().next().unwrap().to_owned()),
        ("password in a URL", "postgres://ada:swordfish@db.example/workcenter".to_owned()),
        ("password in a setting", "host=db.example password=swordfish".to_owned()),
        ("key of tokens", TOKEN_KEY.to_owned()),
        ("password", PASSWORD.to_owned()),
        ("address", "ada@example.com".to_owned()),
    ]
}

#[tokio::test]
async fn a_secret_of_each_kind_is_found_wherever_it_is_said_and_is_not_said_again() {
    for (number, (kind, text)) in secrets().await.into_iter().enumerate() {
        let line = format!("{{\"level\":\"INFO\",\"message\":\"called\",\"by\":\"{text}\"}}\n");
        for file in
            ["workcenter-server-1-1.err", "page-1-2.metrics", "calls-1-3.statuses", "workcenterctl_audit-1-4.out"]
        {
            let heard = Heard::of(&format!("{number}-{file}"), &[(file, &line), ("page-1-1.metrics", "up 1\n")]);
            let Ended { code, out, err } = heard.looked_through(&[]).await;
            assert_eq!((code, err.as_str()), (Some(1), ""), "{kind} on {file}: {out}");
            assert!(out.starts_with(&format!("{file}:1: {kind}: ")), "{out}");
            assert!(!out.contains(&text), "{out}");
        }
    }
}

#[tokio::test]
async fn what_is_no_secret_is_let_through_and_so_is_what_a_command_is_for() {
    let key = secret::token("wck_").unwrap().expose().to_owned();
    let said = format!(
        "called request.id=0198c2f1-7a51-7cc0-8e0c-0a3b5c7d9e1f sha256={}\n/workcenter.v1.JobService/GetJob \
         a_program_whose_schema_is_too_old_says_once_what_it_has_and_what_it_needs password=*** smtp://127.0.0.1:25 \
         an address such as ada@example.com\n",
        secret::hex(&secret::hash("a"))
    );
    let heard = Heard::of("sound", &[("workcenter-server-1-1.err", &said), ("workcenterctl_key-1-2.out", &key)]);
    let Ended { code, out, .. } = heard.looked_through(&[]).await;
    assert_eq!(code, Some(0), "{out}");
    let elsewhere = Heard::of("elsewhere", &[("workcenterctl_key-1-2.err", &key)]);
    assert_eq!(elsewhere.looked_through(&[]).await.code, Some(1));
}

#[tokio::test]
async fn nothing_is_sound_of_a_run_in_which_somebody_said_nothing() {
    let heard = Heard::of("silent", &[("workcenter-server-1-1.err", ""), ("page-1-2.metrics", "up 1\n")]);
    let Ended { code, out, .. } = heard.looked_through(&["--all"]).await;
    assert_eq!(code, Some(1), "{out}");
    for silent in ["workcenter-server on err", "workcenter-digestd on err", "calls on statuses"] {
        assert!(out.contains(&format!("nothing was heard of {silent}")), "{out}");
    }
    assert!(!out.contains("page"), "{out}");
}

/// Every setting that is secret, of all programs and commands.
const SETTINGS: [(&str, &str); 10] = [
    ("--database-url", "postgres://ada:swordfish@127.0.0.1/workcenter"),
    ("--token-key", TOKEN_KEY),
    ("--token-keys-old", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"),
    ("--smtp-url", "smtps://ada:swordfish@relay.example"),
    ("--smtp-password", "swordfish"),
    ("--aws-access-key-id", "swordfish"),
    ("--aws-secret-access-key", "swordfish"),
    ("--aws-session-token", "swordfish"),
    ("--key", "wck_swordfish"),
    ("--token", "wcs_swordfish"),
];

/// The settings of a program as they are shown for debugging: of the command that `words` name, followed by `places`.
fn shown<T: Parser + std::fmt::Debug>(words: &[&str], places: &[&str]) -> String {
    let known = T::command();
    let command = words[1..].iter().fold(&known, |it, name| it.find_subcommand(name).expect("there is such a command"));
    let has = |flag: &str| command.get_arguments().any(|it| it.get_long() == flag.strip_prefix("--"));
    let given = SETTINGS.iter().filter(|(flag, _)| has(flag)).flat_map(|(flag, value)| [*flag, *value]);
    let all = words.iter().copied().chain(given).chain(places.iter().copied());
    format!("{:?}", T::try_parse_from(all).unwrap())
}

#[test]
fn settings_that_are_shown_for_debugging_keep_their_secrets() {
    let all = [
        shown::<config::Server>(&["server"], &[]),
        shown::<config::Daemon>(&["daemon"], &[]),
        shown::<config::Ctl>(&["ctl", "migrate"], &[]),
        shown::<config::Ctl>(&["ctl", "bind"], &["reports.internal"]),
        shown::<config::Ctl>(&["ctl", "job", "watch"], &["0198c2f1-7a51-7cc0-8e0c-0a3b5c7d9e1f"]),
    ];
    for it in all {
        assert!(it.contains("***"), "{it}");
        for secret in SETTINGS.iter().map(|it| it.1).chain(["swordfish"]) {
            assert!(!it.contains(secret), "{it}");
        }
    }
}

/// How a field is called that is secret. What it is must keep that, or the type that has it cannot be shown.
const SECRET_NAMES: [&str; 5] = ["password", "password_hash", "phc", "secret", "token"];

#[test]
fn a_type_that_can_be_shown_has_no_secret_as_plain_text() {
    let mut open = Vec::new();
    for source in sources(&["src", "bin"]) {
        let mut is_shown = false;
        for line in source.text.lines().map(str::trim) {
            if line.starts_with("#[derive(") {
                is_shown = line.contains("Debug");
            }
            let field = line.trim_start_matches("pub ").trim_start_matches("pub(super) ").trim_end_matches(',');
            let secret = field.split_once(": ").is_some_and(|(name, kind)| {
                SECRET_NAMES.contains(&name) && ["String", "Option<String>", "Vec<u8>"].contains(&kind)
            });
            if is_shown && secret {
                open.push(format!("{}: {line}", source.path));
            }
            // A type ends, or a function begins.
            is_shown &= line != "}" && !line.contains("fn ");
        }
    }
    assert!(open.is_empty(), "{open:#?}");
}
