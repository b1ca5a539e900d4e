//! What Prometheus is told: every name of it stands in the README, and looking at it costs little.

use std::collections::{BTreeMap, BTreeSet};

use tonic_health::pb::health_check_response::ServingStatus;
use uuid::Uuid;
use workcenter::pb::{RequestPasswordResetRequest, session_service_client::SessionServiceClient};

use super::{
    program::{DAEMON, SERVER, Serving},
    running::{becomes, health, page},
};
use crate::{architecture::source::root, harness::App, tap};

/// What is there under TLS alone.
const UNDER_TLS: [&str; 2] = ["workcenter_connections_unsecured_total", "workcenter_certificate_expires_seconds"];

/// What is told only once there is any of it, and not met in this test: nothing is composed, and no tick fails to come.
const NOT_MET: [&str; 2] = ["workcenter_digests_total", "workcenter_ticks_missed_total"];

/// What is said of a metric: its type, the names of its labels, and what it means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    kind: String,
    labels: BTreeSet<String>,
    means: String,
}

/// What the README says of each metric.
pub fn promised() -> BTreeMap<String, Said> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, table) = readme.split_once("| metric | type | labels | what it tells |\n").unwrap();
    let rows = table.lines().take_while(|it| it.starts_with('|')).skip(1);
    let row = |row: &str| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(|it| it.trim().replace('`', "")).collect();
        let [name, kind, labels, means] = cells.try_into().unwrap();
        let labels = labels.split(", ").filter(|it| !it.is_empty()).map(ToOwned::to_owned).collect();
        (name, Said { kind, labels, means })
    };
    rows.map(row).collect()
}

/// What a page says of each metric, by the name that it is asked for by.
fn told(page: &str) -> BTreeMap<String, Said> {
    let mut told: BTreeMap<String, Said> = BTreeMap::new();
    let mut last = String::new();
    for line in page.split("\r\n\r\n").nth(1).unwrap().lines() {
        let words: Vec<_> = line.splitn(4, ' ').collect();
        match words[..] {
            ["#", "HELP", name, means] => {
                told.insert(name.to_owned(), Said { means: means.trim_end_matches('.').to_owned(), ..Said::default() });
                last = name.to_owned();
            }
            ["#", "TYPE", name, kind] => told.get_mut(name).unwrap().kind = kind.to_owned(),
            ["#", "UNIT", name, unit] => assert!(name.ends_with(unit), "{line}"),
            ["#", "EOF"] => {}
            _ => {
                let (name, rest) = line.split_once([' ', '{']).unwrap();
                assert!(name.starts_with(&last), "{line}");
                let labels = if line.contains('{') { rest.split_once('}').unwrap().0 } else { "" };
                let names = labels.split("\",").filter_map(|it| it.split_once('=')).map(|it| it.0.to_owned());
                told.get_mut(&last).unwrap().labels.extend(names.filter(|it| it != "le"));
            }
        }
    }
    let asked_for = |(name, said): (String, Said)| match said.kind.as_str() {
        "counter" => (format!("{name}_total"), said),
        _ => (name, said),
    };
    told.into_iter().map(asked_for).collect()
}

/// The value of a series.
fn value(page: &str, series: &str) -> Option<f64> {
    page.lines().find_map(|it| it.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test]
async fn every_metric_of_both_programs_stands_in_the_readme_with_what_it_means() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let slowed = "insert into mail_pace (domain, used_until, learned) values ('slow.example', now(), 2.5)";
    app.client().await.execute(slowed, &[]).await.unwrap();
    let settings = [("METRICS_LISTEN", "127.0.0.1:0")];
    let server = Serving::start(SERVER, &app, &settings).await;
    let mut watching = health(&server.channel()).await;
    becomes(&mut watching, ServingStatus::Serving).await;
    let message = RequestPasswordResetRequest { email: account.admin.email.clone() };
    SessionServiceClient::new(server.channel()).request_password_reset(message).await.unwrap();
    let mut daemon = Serving::start(DAEMON, &app, &settings).await;
    let mut watching_too = health(&daemon.channel()).await;
    becomes(&mut watching_too, ServingStatus::Serving).await;
    daemon.says("sent a mail").await;

    let mut told_by_both: BTreeMap<String, Said> = BTreeMap::new();
    for (serving, kind) in [(&server, SERVER), (&daemon, DAEMON)] {
        let page = page(serving.metrics.as_deref().unwrap()).await;
        let version = env!("CARGO_PKG_VERSION");
        let build = format!("workcenter_build_info{{version=\"{version}\",schema=\"{}\"}}", workcenter::db::needed());
        for series in [&build, "workcenter_listening", "workcenter_database_answers"] {
            assert_eq!(value(&page, series), Some(1.0), "{series} of {kind}: {page}");
        }
        let watch = "workcenter_streams_open{grpc_service=\"grpc.health.v1.Health\",grpc_method=\"Watch\"}";
        assert_eq!(value(&page, watch), Some(1.0), "{page}");
        for (name, Said { kind, labels, means }) in told(&page) {
            let said = told_by_both.entry(name).or_default();
            (said.kind, said.means) = (kind, means);
            said.labels.extend(labels);
        }
    }
    let mut promised = promised();
    for name in UNDER_TLS.into_iter().chain(NOT_MET) {
        assert!(promised.remove(name).is_some() && !told_by_both.contains_key(name), "{name}");
    }
    let rows = |it: &BTreeMap<String, Said>| {
        let row = |(name, Said { kind, labels, means }): (&String, &Said)| {
            let labels = labels.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
            format!("| `{name}` | {kind} | {labels} | {means} |\n")
        };
        it.iter().map(row).collect::<String>()
    };
    assert_eq!(promised, told_by_both, "the README should have\n{}", rows(&told_by_both));
}

#[tokio::test]
async fn what_waits_is_counted_by_state_with_its_age_and_no_further_than_ten_thousand() {
    let app = App::start().await;
    let serving = Serving::start(SERVER, &app, &[("METRICS_LISTEN", "127.0.0.1:0")]).await;
    let metrics = serving.metrics.as_deref().unwrap();
    let depth = |page: &str, of: &str| value(page, &format!("workcenter_queue_depth{{{of}}}"));
    let age = |page: &str, of: &str| value(page, &format!("workcenter_queue_oldest_seconds{{{of}}}")).unwrap();
    let urgent = "queue=\"MAIL_TRANSACTIONAL\",state=\"RETRY\"";
    let usual = "queue=\"MAIL_NOTIFICATION\",state=\"PENDING\"";
    let before = page(metrics).await;
    assert_eq!((depth(&before, urgent), depth(&before, usual)), (Some(0.0), Some(0.0)), "{before}");

    let mails = "insert into mail (id, account_id, kind, subject_id, lane, state, message_id, dated_at, try_at, created_at)
        select gen_random_uuid(), $1, 'DIGEST', gen_random_uuid(), $2, $3, $4 || it, now(), now(), now() - interval '1 hour'
        from generate_series(1, $5::bigint) as it";
    let client = app.client().await;
    client.execute(mails, &[&Uuid::nil(), &0_i64, &"RETRY", &"a", &3_i64]).await.unwrap();
    let some = page(metrics).await;
    assert_eq!(depth(&some, urgent), Some(3.0), "{some}");
    assert!((3600.0..7200.0).contains(&age(&some, urgent)) && age(&some, usual) < 1.0, "{some}");
    client.execute(mails, &[&Uuid::nil(), &1_i64, &"PENDING", &"b", &10_100_i64]).await.unwrap();
    let many = page(metrics).await;
    let all = depth(&many, urgent).unwrap() + depth(&many, usual).unwrap();
    assert!((all - 10_000.0).abs() < 0.5, "{all}");
}

#[tokio::test]
async fn a_scrape_waits_for_the_database_four_times() {
    let app = App::start().await;
    let (tap, through) = tap::lead(app.database().url.expose()).await;
    let url = through(app.database().clone()).url;
    let settings = [("METRICS_LISTEN", "127.0.0.1:0")];
    let serving = Serving::on(SERVER, url.expose(), &settings).await;
    let metrics = serving.metrics.clone().unwrap();
    // The statements are known to the connection from here on.
    page(&metrics).await;
    let before = tap.round_trips();
    let times = 40;
    for _ in 0..times {
        page(&metrics).await;
    }
    // The rest is the program's own look at the schema, now and then.
    let waited = tap.round_trips() - before;
    assert!((4 * times..5 * times).contains(&waited), "{waited}");
}

#[tokio::test]
async fn a_scrape_while_the_database_is_away_tells_what_is_known_without_it() {
    let serving =
        Serving::on(SERVER, "postgres://nobody@127.0.0.1:1/nothing", &[("METRICS_LISTEN", "127.0.0.1:0")]).await;
    let page = page(serving.metrics.as_deref().unwrap()).await;
    assert_eq!(value(&page, "workcenter_database_answers"), Some(0.0), "{page}");
    assert_eq!(value(&page, "workcenter_listening"), Some(0.0), "{page}");
    assert!(value(&page, "process_resident_memory_bytes").unwrap() > 1e6, "{page}");
    assert!(value(&page, "workcenter_database_asked_total{outcome=\"refused\"}").unwrap() > 0.0, "{page}");
    assert!(!page.contains("workcenter_late_seconds{") && !page.contains("workcenter_queue_depth{"), "{page}");
}
