//! The programs as processes: their settings here, how they come and go, and what the operator's tool says, below.

pub mod metrics;
mod operator;
mod outage;
pub mod program;
pub mod running;
mod secrets;
mod traces;
mod trail;
mod watch;

use clap::CommandFactory;
use workcenter::config;

use program::{CTL, DAEMON, Ended, SERVER, TOKEN_KEY, ended};

/// Settings with which every program would start, if there were such a database.
const SOUND: [(&str, &str); 2] = [("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing"), ("TOKEN_KEY", TOKEN_KEY)];

/// Runs `program` with sound settings but for these.
async fn with(program: &str, settings: &[(&str, &str)], arguments: &[&str]) -> Ended {
    ended(program, &[&SOUND, settings].concat(), arguments).await
}

/// Asserts that a program did not start, and said why in one line that has all of `says`.
fn refused(ended: &Ended, says: &[&str]) {
    let Ended { code, out, err } = ended;
    assert_eq!((*code, out.as_str()), (Some(config::EXIT_USAGE), ""), "{err}");
    assert_eq!(err.lines().count(), 1, "{err}");
    for part in says {
        assert!(err.contains(part), "{err:?} does not say {part}");
    }
}

#[tokio::test]
async fn a_setting_that_is_missing_is_named_by_its_variable_and_its_flag() {
    for program in [SERVER, DAEMON] {
        let url = ended(program, &SOUND[1..], &[]).await;
        refused(&url, &["DATABASE_URL (--database-url): is required"]);
        let both = ended(program, &[], &[]).await;
        refused(&both, &["DATABASE_URL (--database-url)", "TOKEN_KEY (--token-key)", "required"]);
    }
    for command in [["migrate"].as_slice(), &["audit"], &["digest", "run", "--at", "2026-11-23T07:00:00Z"]] {
        refused(&ended(CTL, &[], command).await, &["DATABASE_URL (--database-url): is required"]);
    }
}

#[tokio::test]
async fn a_bad_setting_is_named_in_one_line_with_the_rule_it_breaks() {
    let bad: [(&str, &str, &str, &str); 23] = [
        (SERVER, "SERVER_LISTEN", "nowhere", "--listen"),
        (SERVER, "DATABASE_POOL", "0", "--database-pool"),
        (SERVER, "DATABASE_URL", "nonsense", "--database-url"),
        (SERVER, "DRAIN_SECONDS", "soon", "--drain-seconds"),
        (SERVER, "LOG", "workcenter=loud", "--log"),
        (SERVER, "OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector.example", "--otel-exporter-otlp-endpoint"),
        (SERVER, "OTEL_EXPORTER_OTLP_ENDPOINT", "http://ada:hunter2@collector", "--otel-exporter-otlp-endpoint"),
        (DAEMON, "OTEL_TRACES_SAMPLER_ARG", "1.1", "--otel-traces-sampler-arg"),
        (DAEMON, "DAEMON_LISTEN", "nowhere", "--listen"),
        (DAEMON, "DAEMON_HTTP_LISTEN", "", "--http-listen"),
        (DAEMON, "MAIL_SESSIONS", "0", "--mail-sessions"),
        (DAEMON, "MAIL_FROM", "nobody", "--mail-from"),
        (DAEMON, "SMTP_URL", "http://relay.example", "--smtp-url"),
        (DAEMON, "SMTP_URL", "smtp://relay.example:port", "--smtp-url"),
        (DAEMON, "SMTP_URL", "smtps://relay.example,", "--smtp-url"),
        (DAEMON, "SMTP_CA_FILE", "Cargo.toml", "--smtp-ca-file"),
        (DAEMON, "SMTP_CA_FILE", "nowhere.pem", "--smtp-ca-file"),
        (DAEMON, "DKIM_KEY_FILE", "Cargo.toml", "--dkim-key-file"),
        (DAEMON, "DKIM_SELECTOR", "a..b", "--dkim-selector"),
        (DAEMON, "DKIM_DOMAIN", "work example", "--dkim-domain"),
        (DAEMON, "DAILY_CRON", "every day", "--daily-cron"),
        (DAEMON, "LEASE_SECONDS", "1", "--lease-seconds"),
        (DAEMON, "APP_URL", "app.example", "--app-url"),
    ];
    for (program, variable, value, flag) in bad {
        refused(&with(program, &[(variable, value)], &[]).await, &[variable, flag]);
        if flag != "--database-url" {
            refused(&with(program, &[], &[flag, value]).await, &[variable, flag]);
        }
    }
}

#[tokio::test]
async fn a_bad_secret_is_named_and_not_shown() {
    for (variable, flag) in [("TOKEN_KEY", "--token-key"), ("DATABASE_URL", "--database-url")] {
        let value = "postgres://ada:hunter2@[nowhere";
        for refusal in [with(SERVER, &[(variable, value)], &[]).await, with(SERVER, &[], &[flag, value]).await] {
            refused(&refusal, &[variable, flag]);
            assert!(!refusal.err.contains("hunter2"), "{}", refusal.err);
        }
    }
}

#[tokio::test]
async fn a_password_goes_to_no_relay_in_the_open_and_is_not_shown() {
    const OPEN: &str = "SMTP_URL (--smtp-url): must begin with smtps:// or smtp+starttls:// where a password goes";
    let table: [(&[(&str, &str)], &str); 7] = [
        (&[("SMTP_URL", "smtp://ada:hunter2@relay.example")], OPEN),
        (&[("SMTP_URL", "smtps://one.example,smtp://ada:hunter2@10.0.0.1")], OPEN),
        (&[("SMTP_URL", "smtp://relay.example"), ("SMTP_USER", "ada"), ("SMTP_PASSWORD", "hunter2")], OPEN),
        (&[("SMTP_URL", "smtps://ada:hunter2@[nowhere")], "SMTP_URL (--smtp-url): must look like smtps://"),
        (&[("SMTP_URL", "smtps://ada@relay.example")], "SMTP_PASSWORD (--smtp-password): is required"),
        (
            &[("SMTP_URL", "smtps://relay.example"), ("SMTP_PASSWORD", "hunter2")],
            "SMTP_USER (--smtp-user): is required",
        ),
        (&[("DKIM_KEY_FILE", "Cargo.toml")], "DKIM_KEY_FILE (--dkim-key-file)"),
    ];
    for (settings, says) in table {
        let refusal = with(DAEMON, settings, &[]).await;
        refused(&refusal, &[says]);
        assert!(!refusal.err.contains("hunter2"), "{}", refusal.err);
    }
    let secrets = [("SMTP_URL", "smtps://ada:hunter2@relay.example"), ("SMTP_PASSWORD", "hunter2")];
    let help = with(DAEMON, &secrets, &["--help"]).await;
    assert!(help.out.contains("SMTP_PASSWORD") && help.out.contains("smtp+starttls://"), "{}", help.out);
    assert!(!help.out.contains("hunter2"), "{}", help.out);
}

#[tokio::test]
async fn what_is_no_setting_is_refused() {
    for program in [SERVER, DAEMON] {
        refused(&with(program, &[], &["--nonsense"]).await, &["--nonsense"]);
        refused(&with(program, &[], &["nonsense"]).await, &["nonsense"]);
    }
    refused(&with(CTL, &[], &["nonsense"]).await, &["nonsense"]);
    refused(&with(CTL, &[], &["migrate", "--nonsense"]).await, &["--nonsense"]);
    refused(&with(CTL, &[], &["key", "--name", "x", "--scope", "everything"]).await, &["--scope"]);
    refused(&with(CTL, &[], &["clock", "--to", "tomorrow"]).await, &["--to"]);
}

/// What must not show, whatever is asked.
const SECRETS: [(&str, &str); 4] = [
    ("DATABASE_URL", "postgres://ada:hunter2@db.example/workcenter"),
    ("TOKEN_KEY", TOKEN_KEY),
    ("SERVICE_KEY", "wck_hunter2"),
    ("PASSWORD", "hunter2"),
];

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Asks for the help of a program, or of one of its commands, and of all below it.
async fn explains(program: &str, command: &clap::Command, path: &[&str]) {
    let Ended { code, out, err } = ended(program, &SECRETS, &[path, &["--help"]].concat()).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{program} {path:?}");
    for secret in ["hunter2", TOKEN_KEY] {
        assert!(!out.contains(secret), "{program} {path:?} shows a secret: {out}");
    }
    let said = squeezed(&out);
    for argument in command.get_arguments().filter(|it| !["help", "version"].contains(&it.get_id().as_str())) {
        let sentence = argument.get_help().map(|it| squeezed(&it.to_string())).unwrap_or_default();
        assert!(
            !sentence.is_empty() && said.contains(&sentence),
            "{path:?} {} has no sentence in {out}",
            argument.get_id()
        );
        let place = || format!("<{}>", argument.get_id().as_str().to_uppercase());
        let name = argument.get_long().map_or_else(place, |it| format!("--{it}"));
        assert!(said.contains(&name), "{path:?} {name}: {out}");
        if let Some(variable) = argument.get_env() {
            let variable = variable.to_str().unwrap();
            assert!(said.contains(&format!("[env: {variable}")), "{path:?} does not name {variable}: {out}");
        }
        let takes_value = argument.get_action().takes_values();
        for default in argument.get_default_values().iter().filter(|_| takes_value) {
            let default = default.to_str().unwrap();
            assert!(
                said.contains(&format!("[default: {default}]")) || said.contains(&format!("[default: \"{default}\"]")),
                "{path:?} {} has no default {default}: {out}",
                argument.get_id()
            );
        }
    }
    for below in command.get_subcommands().filter(|it| it.get_name() != "help") {
        assert!(said.contains(below.get_name()), "{program} {path:?} does not tell of {}", below.get_name());
        Box::pin(explains(program, below, &[path, &[below.get_name()]].concat())).await;
    }
}

#[tokio::test]
async fn help_is_the_manual_of_every_setting_and_keeps_secrets() {
    explains(SERVER, &config::Server::command(), &[]).await;
    explains(DAEMON, &config::Daemon::command(), &[]).await;
    explains(CTL, &config::Ctl::command(), &[]).await;
}

#[test]
fn every_setting_of_a_serving_program_can_be_set_by_a_variable() {
    for program in [config::Server::command(), config::Daemon::command()] {
        for argument in program.get_arguments().filter(|it| !["help", "version"].contains(&it.get_id().as_str())) {
            assert!(argument.get_env().is_some(), "{} of {}", argument.get_id(), program.get_name());
        }
    }
}

#[tokio::test]
async fn a_version_is_told_without_settings() {
    for (program, name) in [(SERVER, "workcenter-server"), (DAEMON, "workcenter-digestd"), (CTL, "workcenterctl")] {
        let Ended { code, out, .. } = ended(program, &[], &["--version"]).await;
        assert_eq!((code, out.trim()), (Some(0), &*format!("{name} {}", env!("CARGO_PKG_VERSION"))));
    }
}
