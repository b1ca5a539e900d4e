//! One-click unsubscribe as mail programs and people do it, over HTTP, with the daemon as it runs in production.

mod browser;
mod call;
mod odd;
mod races;
mod undo;

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workcenter::{
    config,
    daemon::{self, Daemon, Ticks},
    pb::{self, Delivery},
    server::Parts,
    subscription::{Link, Scope, Switch},
};

use crate::{
    harness::{App, Person, by},
    story::{Story, mentioning},
};

/// A daemon that serves, and whose sweeps never tick. It stops when dropped.
struct Serving {
    http: SocketAddr,
    stop: CancellationToken,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn serve(story: &Story) -> Serving {
    serve_with(&story.app, story.app.parts().clone()).await
}

/// The same with other settings than the rest.
async fn serve_with(app: &App, parts: Parts) -> Serving {
    let never = || "0 0 0 29 2 *".to_owned();
    let mut settings = app.daemon_settings(None);
    settings.shared = parts.settings.clone();
    settings.ticks = config::Ticks {
        daily_cron: never(),
        weekly_cron: never(),
        immediate_cron: never(),
        outbox_cron: never(),
        housekeeping_cron: never(),
    };
    let grpc = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pages = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (http, stop) = (pages.local_addr().unwrap(), CancellationToken::new());
    let ticks = Ticks::new(&settings.ticks).await.unwrap();
    let daemon = Daemon::new(parts, &settings);
    tokio::spawn(daemon::serve(grpc, pages, daemon, ticks, Box::pin(stop.clone().cancelled_owned())));
    Serving { http, stop }
}

/// Says `method path`, and reads the whole answer: its status and its text.
async fn ask(http: SocketAddr, method: &str, path: &str) -> (u16, String) {
    let body = if method == "POST" { "List-Unsubscribe=One-Click" } else { "" };
    let head = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n", body.len());
    say(http, method, path, &head, body.as_bytes()).await
}

/// The same with a head and a body as they stand.
async fn say(http: SocketAddr, method: &str, path: &str, head: &str, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(http).await.unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: mail.example\r\nConnection: close\r\n{head}\r\n");
    // What is too much is not read to its end, and may be cut off before it has been written.
    let _ = stream.write_all(&[head.as_bytes(), body].concat()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    (answer[9..12].parse().unwrap(), answer)
}

/// The path of a link that switches off, or on again, what `scope` is about.
fn link(story: &Story, scope: Scope, switch: Switch) -> String {
    let link = Link { user: story.ada.id, account: story.account.id, scope };
    let token = link.seal(story.app.token_key(), switch);
    format!("/{}/{token}", if switch == Switch::Off { "unsubscribe" } else { "resubscribe" })
}

/// Where the button of a page leads that was shown at `path`.
fn button(path: &str, answer: &str) -> String {
    assert_eq!(answer.matches("<form method=\"post\"").count(), 1, "{answer}");
    let Some((_, action)) = answer.split_once("action=\"") else { return path.to_owned() };
    let up = action.split('"').next().unwrap().strip_prefix("../").unwrap();
    format!("/{up}")
}

/// Presses the button of the page at `path`, and returns where that led and the page that came.
async fn press(http: SocketAddr, path: &str, answer: &str) -> (String, String) {
    let to = button(path, answer);
    let (status, page) = ask(http, "POST", &to).await;
    assert_eq!(status, 200, "{page}");
    (to, page)
}

/// A WorkCenter of Bob's besides Pier 4, with Ada in it.
async fn tender(story: &Story) -> Uuid {
    let tender = story.app.workcenter(&story.bob, story.account.id, "Tender").await;
    story.app.collaborator(&story.bob, tender, &story.ada).await;
    tender
}

/// Sets how `person` hears of a WorkCenter.
async fn deliver(story: &Story, person: &Person, workcenter: Uuid, delivery: Delivery) {
    let message =
        pb::UpdateWorkCenterPreferenceRequest { workcenter_id: workcenter.to_string(), delivery: delivery.into() };
    story.app.preferences().update_work_center_preference(by(&person.token, message)).await.unwrap();
}

/// What is set for Pier 4 and for the Tender, if there is one.
async fn set(story: &Story) -> Vec<Delivery> {
    let message = pb::ListWorkCenterPreferencesRequest::default();
    let mut client = story.app.preferences();
    let answer = client.list_work_center_preferences(by(&story.ada.token, message)).await.unwrap();
    answer.into_inner().preferences.iter().map(pb::WorkCenterPreference::delivery).collect()
}

/// The path of the unsubscribe link of the mail that tells of `Plan.pdf`.
fn path(story: &Story) -> String {
    let mail = story.mails().into_iter().find(|it| it.text().contains("Plan.pdf")).unwrap();
    let header = mail.header("List-Unsubscribe").unwrap();
    header.trim_matches(['<', '>']).strip_prefix("https://mail.example").unwrap().to_owned()
}

async fn effective(story: &Story) -> Delivery {
    let message = pb::ListWorkCenterPreferencesRequest::default();
    let mut client = story.app.preferences();
    let answer = client.list_work_center_preferences(by(&story.ada.token, message)).await.unwrap();
    answer.into_inner().preferences[0].effective_delivery()
}

#[tokio::test]
async fn looking_changes_nothing_and_posting_stops_the_workcenter_once_and_for_all() {
    let story = Story::begin().await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    let (daemon, path) = (serve(&story).await, path(&story));

    for method in ["GET", "HEAD"] {
        let (status, answer) = ask(daemon.http, method, &path).await;
        assert_eq!(status, 200);
        assert!(answer.contains("cache-control: no-store"));
    }
    assert_eq!(effective(&story).await, Delivery::Immediate);

    for _ in 0..2 {
        let (status, _) = ask(daemon.http, "POST", &path).await;
        assert_eq!(status, 200);
        assert_eq!(effective(&story).await, Delivery::Off);
    }
    story.publish(vec![story.uploaded("Section.pdf")]).await;
    story.at("2026-11-20T15:00:00Z").await;
    assert_eq!(story.mails().len(), 1);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn the_link_of_a_digest_stops_digests_and_leaves_what_comes_at_once() {
    let story = Story::begin().await;
    tender(&story).await;
    story.deliver(&story.ada, Delivery::Daily).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2026-11-21T07:00:00Z").await;
    let daemon = serve(&story).await;
    ask(daemon.http, "POST", &path(&story)).await;

    let message = pb::ListWorkCenterPreferencesRequest::default();
    let mut client = story.app.preferences();
    let listed = client.list_work_center_preferences(by(&story.ada.token, message)).await.unwrap().into_inner();
    let of = |name: &str| listed.preferences.iter().find(|it| it.workcenter_name == name).unwrap().effective_delivery();
    assert_eq!((of("Pier 4"), of("Tender")), (Delivery::Off, Delivery::Immediate));
}

#[tokio::test]
async fn the_link_of_a_catch_up_stops_what_has_come_at_once_since() {
    let story = Story::begin().await;
    story.deliver(&story.ada, Delivery::Daily).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.deliver(&story.ada, Delivery::Immediate).await;
    story.at("2026-11-20T14:00:00Z").await;
    let daemon = serve(&story).await;
    ask(daemon.http, "POST", &path(&story)).await;
    assert_eq!(effective(&story).await, Delivery::Off);
}

#[tokio::test]
async fn the_link_of_a_mention_leaves_the_digest_and_puts_mentions_into_it() {
    let story = Story::begin().await;
    story.deliver(&story.ada, Delivery::Daily).await;
    let mention = |title: &str| mentioning(story.uploaded(title), &[&story.ada]);
    story.publish(vec![mention("Plan.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    let daemon = serve(&story).await;
    ask(daemon.http, "POST", &path(&story)).await;
    assert_eq!(effective(&story).await, Delivery::Daily);

    story.publish(vec![mention("Notes.pdf")]).await;
    story.at("2026-11-20T15:00:00Z").await;
    assert_eq!(story.mails().len(), 1);
    story.at("2026-11-21T07:00:00Z").await;
    assert!(story.mails()[1].text().contains("Notes.pdf"));
    assert_eq!(story.findings().await, []);
}
