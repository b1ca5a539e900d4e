//! What mail programs, scanners and strangers send: every token that is not good is answered alike, and nothing but POST
//! changes anything.

use std::collections::BTreeSet;

use super::*;

/// An answer without the hour.
fn timeless(answer: &str) -> String {
    let lines = answer.split("\r\n").filter(|it| !it.to_ascii_lowercase().starts_with("date:"));
    lines.collect::<Vec<_>>().join("\r\n")
}

#[tokio::test]
async fn a_link_that_was_not_made_here_is_answered_alike_whatever_is_wrong_with_it() {
    let story = Story::begin().await;
    let daemon = serve(&story).await;
    let (off, on) = (link(&story, Scope::Account, Switch::Off), link(&story, Scope::Account, Switch::On));
    let bare = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let mut bad = vec![
        "/unsubscribe/x".to_owned(),
        "/unsubscribe/".to_owned(),
        "/unsubscribe".to_owned(),
        "/unsubscribe/%FF%FE".to_owned(),
        "/unsubscribe/%".to_owned(),
        "/unsubscribe/%00".to_owned(),
        "/unsubscribe/..%2F..%2Fetc".to_owned(),
        "/unsubscribe/a/b".to_owned(),
        format!("/unsubscribe/{}", "A".repeat(60_000)),
        format!("{off}AA"),
        off[..off.len() - 2].to_owned(),
        off.to_uppercase().replace("/UNSUBSCRIBE", "/unsubscribe"),
        // Each does what it was made for.
        format!("/unsubscribe/{}", bare(&on)),
        format!("/resubscribe/{}", bare(&off)),
    ];
    // One bit of the seal, and one of what is sealed.
    for at in [0, bare(&off).len() - 4] {
        let mut token = bare(&off).into_bytes();
        token[at] = if token[at] == b'A' { b'B' } else { b'A' };
        bad.push(format!("/unsubscribe/{}", String::from_utf8(token).unwrap()));
    }
    for method in ["GET", "POST", "HEAD"] {
        let mut answers = BTreeSet::new();
        for path in &bad {
            let (status, answer) = ask(daemon.http, method, path).await;
            assert_eq!(status, 404, "{method} {path}");
            answers.insert(timeless(&answer));
        }
        assert_eq!(answers.len(), 1, "{answers:#?}");
    }
    assert_eq!(effective(&story).await, Delivery::Immediate);
}

#[tokio::test]
async fn nothing_but_post_changes_anything_and_the_token_may_come_in_any_spelling_of_its_address() {
    let story = Story::begin().await;
    let daemon = serve(&story).await;
    let path = link(&story, Scope::Account, Switch::Off);
    for method in ["GET", "HEAD"] {
        assert_eq!(ask(daemon.http, method, &path).await.0, 200, "{method}");
    }
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"] {
        assert_eq!(ask(daemon.http, method, &path).await.0, 405, "{method}");
    }
    let encoded: String = path.rsplit('/').next().unwrap().bytes().map(|it| format!("%{it:02x}")).collect();
    let encoded = format!("/unsubscribe/{encoded}?utm_source=mail");
    let (_, plain) = ask(daemon.http, "GET", &path).await;
    let (_, other) = ask(daemon.http, "GET", &encoded).await;
    assert_eq!(timeless(&plain), timeless(&other));
    assert_eq!(effective(&story).await, Delivery::Immediate);
    let (_, page) = ask(daemon.http, "POST", &encoded).await;
    assert_eq!(effective(&story).await, Delivery::Off);

    // Nor does looking at what undoes it.
    let undo = button(&path, &page);
    for method in ["GET", "HEAD"] {
        assert_eq!(ask(daemon.http, method, &undo).await.0, 200, "{method}");
    }
    assert_eq!(effective(&story).await, Delivery::Off);
}

#[tokio::test]
async fn what_is_posted_does_not_matter_unless_it_is_too_much() {
    let story = Story::begin().await;
    let daemon = serve(&story).await;
    let path = link(&story, Scope::Account, Switch::Off);
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let parts = "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n";
    let multipart = "Content-Type: multipart/form-data; boundary=b\r\n";
    let chunks = "1a\r\nList-Unsubscribe=One-Click\r\n0\r\n\r\n";
    let full = "x".repeat(16 * 1024);
    let sized = |kind: &str, body: &str| format!("{kind}Content-Length: {}\r\n", body.len());
    for (head, body) in [
        (sized(form, "List-Unsubscribe=One-Click"), "List-Unsubscribe=One-Click"),
        (sized(multipart, parts), parts),
        (sized(form, ""), ""),
        (String::new(), ""),
        (format!("{form}Transfer-Encoding: chunked\r\n"), chunks),
        (sized("Content-Type: application/json\r\n", "{"), "{"),
        (sized("Content-Type: no type at all\r\n", "\0\u{1}"), "\0\u{1}"),
        (sized(form, &full), full.as_str()),
    ] {
        let (status, answer) = say(daemon.http, "POST", &path, &head, body.as_bytes()).await;
        assert_eq!(status, 200, "{head} {answer}");
        assert_eq!(effective(&story).await, Delivery::Off, "{head}");
        press(daemon.http, &path, &answer).await;
        assert_eq!(effective(&story).await, Delivery::Immediate);
    }

    // Whatever the token is, and whether it is said how much comes or not.
    let much = format!("{full}x");
    let chunked = format!("{:x}\r\n{much}\r\n0\r\n\r\n", much.len());
    for path in [path.as_str(), "/unsubscribe/x"] {
        for (head, body) in [(sized(form, &much), &much), (format!("{form}Transfer-Encoding: chunked\r\n"), &chunked)] {
            let (status, _) = say(daemon.http, "POST", path, &head, body.as_bytes()).await;
            assert_eq!(status, 413, "{head}");
        }
    }
    assert_eq!(effective(&story).await, Delivery::Immediate);
}
