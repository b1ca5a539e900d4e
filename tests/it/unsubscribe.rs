//! One-click unsubscribe as mail programs and people do it, over HTTP, with the daemon as it runs in production.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use workcenter::{
    config,
    daemon::{self, Daemon, Ticks},
    pb::{self, Delivery},
};

use crate::{
    harness::by,
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
    let never = || "0 0 0 29 2 *".to_owned();
    let mut settings = story.app.daemon_settings(None);
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
    let daemon = Daemon::new(story.app.parts().clone(), &settings);
    tokio::spawn(daemon::serve(grpc, pages, daemon, ticks, stop.clone().cancelled_owned()));
    Serving { http, stop }
}

/// Says `method path`, and reads the whole answer: its status and its text.
async fn ask(http: SocketAddr, method: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(http).await.unwrap();
    let body = if method == "POST" { "List-Unsubscribe=One-Click" } else { "" };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: mail.example\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    (answer[9..12].parse().unwrap(), answer)
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
    let tender = story.app.workcenter(&story.bob, story.account.id, "Tender").await;
    story.app.collaborator(&story.bob, tender, &story.ada).await;
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

#[tokio::test]
async fn a_link_that_was_not_made_here_is_answered_alike_whatever_is_wrong_with_it() {
    let story = Story::begin().await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    let (daemon, path) = (serve(&story).await, path(&story));
    let mut answers = Vec::new();
    for bad in ["/unsubscribe/x".to_owned(), path[..path.len() - 2].to_owned(), format!("{path}AA")] {
        for method in ["GET", "POST"] {
            let (status, answer) = ask(daemon.http, method, &bad).await;
            assert_eq!(status, 404, "{method} {bad}");
            answers.push(answer.split_once("\r\n\r\n").unwrap().1.to_owned());
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert_eq!(effective(&story).await, Delivery::Immediate);
}
