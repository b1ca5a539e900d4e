//! What `helm/OPERATING.md` tells operators: it is so, and what it shows can be done.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use clap::CommandFactory;
use tonic_health::pb::health_check_response::ServingStatus;
use workcenter::{config, pb};

use crate::{
    architecture::source::root,
    process::{
        metrics::promised,
        program::{CTL, DAEMON, Serving, ended},
        running::{becomes, health},
    },
    story::Story,
};

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn page() -> String {
    read("helm/OPERATING.md")
}

/// What stands under the heading `title`, up to the next one of its kind.
fn section<'a>(page: &'a str, title: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("\n## {title}\n")).unwrap_or_else(|| panic!("there is no {title}"));
    rest.split("\n## ").next().unwrap()
}

/// The rows of the tables in `text`, each by its cells.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().filter(|it| it.starts_with('|') && !it.starts_with("|---"));
    // The first is the head.
    lines.skip(1).map(|it| it.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// What `text` has between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The blocks of code of `language`, line by line.
fn lines<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let blocks = page.split("```").skip(1).step_by(2);
    blocks.filter_map(|it| it.strip_prefix(language)?.strip_prefix('\n')).flat_map(str::lines).collect()
}

/// The word that follows each `mark` in `text`.
fn named(text: &str, mark: &str) -> BTreeSet<String> {
    let word = |it: &str| it.chars().take_while(|it| it.is_ascii_alphanumeric() || *it == '_').collect();
    text.split(mark).skip(1).map(word).collect()
}

#[test]
fn every_alert_has_its_paragraph_and_its_test_and_nothing_else_has() {
    let (page, alerts) = (page(), read("helm/templates/alerts.yaml"));
    let alerts = named(&alerts, "- alert: ");
    assert!(alerts.len() > 10, "{alerts:?}");
    let told = section(&page, "Alerts");
    assert_eq!(named(told, "\n### "), alerts);
    for paragraph in told.split("\n### ").skip(1) {
        let says: Vec<_> = paragraph.lines().filter_map(|it| it.strip_prefix("- **")?.split_once("**: ")).collect();
        let parts: Vec<_> = says.iter().map(|it| it.0).collect();
        assert_eq!(parts, ["Means", "Look", "Do"], "{paragraph}");
    }
    assert_eq!(named(&read("helm/ci/alerts-test.yaml"), "alertname=\""), alerts);
}

/// What a number and its unit are in seconds or bytes; what has no unit is as it is.
fn amount(text: &str) -> f64 {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let times = match unit {
        "" | "seconds" => 1,
        "hours" => 3600,
        "days" => 24 * 3600,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        other => panic!("{other:?} is no unit"),
    };
    number.parse::<f64>().unwrap_or_else(|error| panic!("{text:?}: {error}")) * f64::from(times)
}

/// What `name` is set to in the file at `path`, in seconds or bytes or as it is.
fn constant(name: &str, path: &str) -> Vec<f64> {
    let text = read(path);
    let (_, rest) = text.split_once(&format!("const {name}: ")).unwrap_or_else(|| panic!("{path} has no {name}"));
    let (_, value) = rest.split(';').next().unwrap().split_once(" = ").unwrap();
    let (inside, times) = match value.strip_suffix(')').and_then(|it| it.split_once('(')) {
        Some(("Duration::from_hours", inside)) => (inside, 3600.0),
        Some(("Duration::from_secs" | "", inside)) => (inside, 1.0),
        None if name.ends_with("DAYS") => (value, 24.0 * 3600.0),
        None => (value, 1.0),
        Some((what, _)) => panic!("{what} is not understood"),
    };
    let number = |it: &str| it.trim().replace('_', "").parse::<f64>().unwrap();
    let product = |it: &str| match it.split_once("<<") {
        Some((it, by)) => number(it) * number(by).exp2(),
        None => it.split('*').map(number).product(),
    };
    inside.split(',').map(|it| product(it) * times).collect()
}

/// The defaults of the settings of both programs.
fn defaults() -> BTreeMap<String, String> {
    let programs = [config::Server::command(), config::Daemon::command()];
    let settings = programs.iter().flat_map(|it| it.get_arguments());
    let default = |it: &clap::Arg| {
        let value = it.get_default_values().first()?.to_str()?.to_owned();
        Some((it.get_env()?.to_str()?.to_owned(), value))
    };
    settings.filter_map(default).collect()
}

#[test]
fn limits_and_times_are_those_of_the_programs() {
    let page = page();
    let defaults = defaults();
    for title in ["How much", "What is kept how long"] {
        let rows = rows(section(&page, title));
        assert!(rows.len() > 10, "{title}: {rows:?}");
        for row in rows {
            let told: Vec<f64> = row[1].split(", ").map(amount).collect();
            let names: Vec<_> = quoted(row[2]).collect();
            let is = match names[..] {
                [setting] => vec![amount(&defaults[setting])],
                [name, path] => constant(name, path),
                _ => panic!("{row:?}"),
            };
            let same = told.len() == is.len() && told.iter().zip(&is).all(|(told, is)| (told - is).abs() < 0.5);
            assert!(same, "{}: it says {told:?}, and it is {is:?}", row[0]);
        }
    }
}

#[test]
fn every_finding_of_the_audit_is_told_and_every_metric_and_call_that_is_named_exists() {
    let page = page();
    let codes = |text: &str| -> BTreeSet<String> {
        let quoted = text.split('"').skip(1).step_by(2);
        let code = |it: &&str| it.contains('_') && it.chars().all(|it| it.is_ascii_uppercase() || it == '_');
        quoted.filter(code).map(ToOwned::to_owned).collect()
    };
    let store = read("src/audit/store.rs");
    let rules = store.split_once("RULES").unwrap().1.split("\n];").next().unwrap().to_owned();
    let found: BTreeSet<_> = codes(&rules).into_iter().chain(codes(&read("src/audit/mod.rs"))).collect();
    let rows = rows(section(&page, "Digests that do not come"));
    let told: BTreeSet<_> = rows.iter().flat_map(|it| quoted(it[0])).map(ToOwned::to_owned).collect();
    assert_eq!(told, found);

    let metrics = promised();
    for name in named(&page, "`workcenter_") {
        assert!(metrics.contains_key(&format!("workcenter_{name}")), "{name}");
    }
    let methods: BTreeSet<_> =
        pb::methods(pb::DESCRIPTORS).unwrap().into_iter().map(|it| format!("{}/{}", it.service, it.name)).collect();
    let called = page.split_whitespace().filter(|it| it.starts_with("workcenter.v1."));
    let called: Vec<_> = called.collect();
    assert!(!called.is_empty() && called.iter().all(|it| methods.contains(*it)), "{called:?}");
}

#[tokio::test]
async fn the_lines_for_the_operators_tool_and_for_sql_can_be_pasted() {
    let page = page();
    let story = Story::begin().await;
    let daemon = Serving::start(DAEMON, &story.app, &[]).await;
    becomes(&mut health(&daemon.channel()).await, ServingStatus::Serving).await;
    let ours: Vec<_> = lines(&page, "sh").into_iter().filter_map(|it| it.strip_prefix("workcenterctl ")).collect();
    assert!(ours.len() > 5, "{ours:?}");
    let settings = [("DATABASE_URL", story.app.database().url.expose()), ("DEV", "true")];
    for line in ours {
        let line = line.replace("\"$DAEMON\"", &daemon.url);
        let arguments: Vec<_> = line.split(' ').collect();
        let done = ended(CTL, &settings, &arguments).await;
        assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "workcenterctl {line}: {done:?}");
    }
    let client = story.app.client().await;
    let statements = lines(&page, "sql");
    assert!(!statements.is_empty());
    for statement in statements {
        client.query(statement, &[]).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    }
}

#[tokio::test]
async fn no_table_is_in_parts_that_somebody_has_to_make() {
    let app = crate::harness::App::start().await;
    let parted = "select count(*) from pg_partitioned_table";
    let parted: i64 = app.client().await.query_one(parted, &[]).await.unwrap().get(0);
    assert_eq!(parted, 0);
}
