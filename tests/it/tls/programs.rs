//! The programs under TLS: health without it, what the operator's tool says, and settings that do not fit.

use std::time::Duration;

use tokio::time::timeout;
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use workcenter::pb::{JobScope, ListJobsRequest, job_service_client::JobServiceClient};

use super::HANGS_AFTER;
use crate::{
    authority::{Authority, Issued, Mounted},
    channel::Channel,
    harness::{App, by, reason},
    process::{
        program::{CTL, DAEMON, Ended, SERVER, Serving, TOKEN_KEY, ended},
        running::{becomes, health, page},
    },
};

/// The settings of a program that serves under TLS what is in `files`.
fn secure(files: &Mounted, asks: bool) -> Vec<(&'static str, String)> {
    let mut settings = vec![("TLS_CERT_FILE", files.text("tls.crt")), ("TLS_KEY_FILE", files.text("tls.key"))];
    if asks {
        settings.push(("TLS_CLIENT_CA_FILE", files.text("ca.crt")));
    }
    settings
}

fn borrowed<'a>(settings: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[tokio::test]
async fn health_is_told_without_tls_where_it_is_set_and_nothing_else_is() {
    let (app, authority) = (App::start().await, Authority::new());
    let token = app.account("Pier Works").await.admin.token;
    let files = Mounted::new(&authority.vouch(&["127.0.0.1"]), &authority.pem);
    let mut settings = secure(&files, true);
    settings.push(("HEALTH_LISTEN", "127.0.0.1:0".to_owned()));
    settings.push(("DRAIN_DELAY_SECONDS", "2".to_owned()));
    for program in [SERVER, DAEMON] {
        let serving = Serving::start(program, &app, &borrowed(&settings)).await;
        let open = Channel::to(&format!("http://{}", serving.health.as_ref().unwrap()));
        let mut states = health(&open).await;
        becomes(&mut states, ServingStatus::Serving).await;
        for name in ["", "liveness", "workcenter.v1.JobService"] {
            let asked = HealthCheckRequest { service: name.to_owned() };
            let status = HealthClient::new(open.clone()).check(asked).await.unwrap().into_inner().status();
            assert_eq!(status, ServingStatus::Serving, "{name}");
        }

        let mine = || by(&token, ListJobsRequest { scope: JobScope::Mine.into(), ..Default::default() });
        let refused = JobServiceClient::new(open.clone()).list_jobs(mine()).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unimplemented, "METHOD_UNKNOWN"));
        let requests = futures_util::stream::iter([tonic_reflection::pb::v1::ServerReflectionRequest::default()]);
        let mut reflection =
            tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient::new(open.clone());
        assert_eq!(reflection.server_reflection_info(requests).await.unwrap_err().code(), Code::Unimplemented);

        serving.terminate().await;
        becomes(&mut states, ServingStatus::NotServing).await;
        let (code, said) = timeout(HANGS_AFTER, serving.end()).await.expect("it ends");
        assert_eq!(code, Some(0), "{said:#?}");
    }
}

#[tokio::test]
async fn the_operators_tool_speaks_tls_and_says_why_it_cannot() {
    let (app, authority) = (App::start().await, Authority::new());
    let own = authority.vouch(&["127.0.0.1"]);
    let (files, other) = (Mounted::new(&own, &authority.pem), Mounted::new(&own, &Authority::new().pem));
    let serving = Serving::start(SERVER, &app, &borrowed(&secure(&files, true))).await;
    let (ca, certificate, key) = (files.text("ca.crt"), files.text("tls.crt"), files.text("tls.key"));
    let plain = serving.url.replace("https", "http");
    let show = ["--cert-file", certificate.as_str(), "--key-file", key.as_str()];
    let check = async |arguments: &[&str]| ended(CTL, &[], &[&["healthcheck"], arguments].concat()).await;

    let well = check(&[&["--target", &serving.url, "--wait", "30", "--ca-file", &ca], &show[..]].concat()).await;
    assert_eq!((well.code, well.err.as_str()), (Some(0), ""), "{}", well.out);
    let another = other.text("ca.crt");
    for (arguments, says) in [
        ([&["--target", serving.url.as_str(), "--ca-file", &another], &show[..]].concat(), "UnknownIssuer"),
        // It is told so after it has begun to speak, and may hear no more than that the connection has ended.
        (vec!["--target", &serving.url, "--ca-file", &ca], "Check: "),
        (vec!["--target", &serving.url], "UnknownIssuer"),
        (vec!["--target", &plain], "Check: "),
        (vec!["--target", "https://127.0.0.1:1", "--ca-file", &ca], "Connection refused"),
        ([&["--target", serving.url.as_str(), "--cert-file", &ca], &show[2..]].concat(), "the certificate's own"),
    ] {
        let Ended { code, err, .. } = check(&arguments).await;
        assert_eq!((code, err.lines().count()), (Some(1), 1), "{arguments:?}: {err}");
        assert!(err.contains(says), "{arguments:?}: {err}");
    }

    let nothing = uuid::Uuid::nil().to_string();
    let watch = [&["job", "watch", "--target", &serving.url, "--ca-file", &ca], &show[..], &[&nothing]].concat();
    let watched = ended(CTL, &[("TOKEN", "nonsense")], &watch).await;
    assert!(watched.err.contains("WatchJob: Unauthenticated SESSION_INVALID"), "{watched:?}");
}

#[tokio::test]
async fn a_program_takes_another_certificate_into_use_and_tells_until_when_it_is_good() {
    let (app, authority) = (App::start().await, Authority::new());
    let until = |year| authority.vouch_with(&["127.0.0.1"], |it| it.not_after = rcgen::date_time_ymd(year, 1, 1));
    let files = Mounted::new(&until(2030), &authority.pem);
    let mut settings = secure(&files, false);
    settings.push(("METRICS_LISTEN", "127.0.0.1:0".to_owned()));
    let mut serving = Serving::start(DAEMON, &app, &borrowed(&settings)).await;
    let at = serving.metrics.clone().unwrap();
    let tells = async |seconds: &str| {
        let page = page(&at).await;
        let line = format!("workcenter_certificate_expires_seconds {seconds}");
        assert!(page.lines().any(|it| it == line), "{line} is not in {page}");
    };
    tells("1893456000").await;
    let (good, bad) = (until(2031), Authority::new().vouch(&["127.0.0.1"]));
    files.put(&Issued { key: bad.key, ..good.clone() }, &authority.pem);
    timeout(HANGS_AFTER, serving.says("the new certificate is of no use")).await.expect("it says so");
    tells("1893456000").await;
    files.put(&good, &authority.pem);
    timeout(HANGS_AFTER, serving.says("the certificate was replaced")).await.expect("it says so");
    tells("1924992000").await;
}

#[tokio::test]
async fn certificates_that_are_of_no_use_and_databases_that_are_not_sure_end_a_program_at_its_start() {
    let authority = Authority::new();
    let (own, other) = (authority.vouch(&["127.0.0.1"]), authority.vouch(&["127.0.0.1"]));
    let files = Mounted::new(&own, "nothing");
    let others = Mounted::new(&other, &authority.pem);
    let [certificate, key, nothing, missing] = ["tls.crt", "tls.key", "ca.crt", "none"].map(|it| files.text(it));
    let wrong_key = others.text("tls.key");
    let table: [(&[(&str, &str)], &str); 8] = [
        (&[("TLS_CERT_FILE", &certificate)], "TLS_KEY_FILE (--tls-key-file): is required"),
        (&[("TLS_KEY_FILE", &key)], "TLS_CERT_FILE (--tls-cert-file): is required"),
        (&[("TLS_CERT_FILE", &certificate), ("TLS_KEY_FILE", &wrong_key)], "the key must be the certificate's own"),
        (&[("TLS_CERT_FILE", &missing), ("TLS_KEY_FILE", &key)], "cannot be read: No such file"),
        (
            &[("TLS_CERT_FILE", &certificate), ("TLS_KEY_FILE", &key), ("TLS_CLIENT_CA_FILE", &nothing)],
            "the authorities of callers must have at least one certificate",
        ),
        (&[("DATABASE_CA_FILE", &nothing)], "DATABASE_CA_FILE (--database-ca-file): must have at least one"),
        (
            &[("DATABASE_URL", "postgres://ada:hunter2@127.0.0.1/x?sslmode=prefer")],
            "DATABASE_URL (--database-url): must have sslmode=require or sslmode=disable",
        ),
        (
            &[("DATABASE_URL", "postgres://ada:hunter2@db.example/x")],
            "DATABASE_URL (--database-url): must say sslmode=require",
        ),
    ];
    for program in [SERVER, DAEMON] {
        for (settings, says) in &table {
            let usual = [("DATABASE_URL", "postgres://ada@127.0.0.1/x"), ("TOKEN_KEY", TOKEN_KEY)];
            let refused = timeout(Duration::from_secs(20), ended(program, &[&usual, *settings].concat(), &[])).await;
            let Ended { code, out, err } = refused.expect("it ends");
            assert_eq!((code, out.as_str(), err.lines().count()), (Some(2), "", 1), "{settings:?}: {err}");
            assert!(err.contains(says) && !err.contains("hunter2"), "{settings:?}: {err}");
        }
    }
}
