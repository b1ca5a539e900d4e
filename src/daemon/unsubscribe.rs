//! One-click unsubscribe over HTTP. GET shows a page and changes nothing: link scanners follow every link. POST acts, on
//! exactly what the signed token is about, needs no session, and doing it twice is doing it once. The page that says so has
//! a button that undoes it, with a token of its own.
//!
//! Pages say what kind of mails a link is about and name nothing: links get into logs and forwarded mails, and whoever
//! finds one there must not learn what a WorkCenter is called today, nor whether its reader is still in it.
//!
//! Source: RFC 8058.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderName, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use tokio::{sync::Semaphore, time::timeout};
use tracing::error;

use crate::{
    error::{Error, chain},
    preference::Links,
    subscription::{Scope, Switch},
};

/// The bytes of a body that are read. What mail programs and browsers send has less than 300, and says nothing that the
/// token does not.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// How long a body may take to come.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// How many links are followed at a time. Each may wait, with a connection to the database, until the relay hears a mail:
/// the mail needs one, too. More wait for their switch.
const AT_ONCE: usize = 2;

/// What every page is sent with: nothing is loaded, nothing is kept, and no link elsewhere is told where it came from.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    ),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

const REFUSED: (&str, &str) = (
    "This link does not work",
    "<p>It may have been cut off on its way. The link in the mail itself, or your preferences, will help.</p>",
);
const SORRY: (&str, &str) = (
    "That did not work just now",
    "<p>Nothing has changed. Please try again in a minute.</p>\
     <form method=\"post\"><button type=\"submit\">Try again</button></form>",
);
const ODD: (&str, &str) =
    ("That was not understood", "<p>Nothing has changed. Please open the link in your mail again.</p>");

#[derive(Clone)]
struct Pages {
    links: Links,
    turns: Arc<Semaphore>,
}

/// A token as it stands in a path, unless it is no text at all.
type Token = Result<Path<String>, PathRejection>;

/// The pages.
pub(super) fn pages(links: Links) -> Router {
    Router::new()
        .route("/unsubscribe/{token}", get(ask_off).post(act_off))
        .route("/resubscribe/{token}", get(ask_on).post(act_on))
        // Whoever's token has a slash in it, or is none at all, is told the same as with any other that is not good.
        .fallback(|| async { page(StatusCode::NOT_FOUND, REFUSED) })
        .with_state(Pages { links, turns: Arc::new(Semaphore::new(AT_ONCE)) })
}

async fn ask_off(State(Pages { links, .. }): State<Pages>, token: Token) -> Response {
    let ask = |scope| {
        let body = format!(
            "<p>{}</p><form method=\"post\"><button type=\"submit\">Stop these mails</button></form>",
            off(scope)
        );
        page(StatusCode::OK, ("Stop these mails?", &body))
    };
    known(&links, Switch::Off, token).map_or_else(refused, |(_, scope)| ask(scope))
}

async fn ask_on(State(Pages { links, .. }): State<Pages>, token: Token) -> Response {
    let ask = |scope| {
        let body = format!(
            "<p>{}</p><form method=\"post\"><button type=\"submit\">Get these mails again</button></form>",
            on(scope)
        );
        page(StatusCode::OK, ("Get these mails again?", &body))
    };
    known(&links, Switch::On, token).map_or_else(refused, |(_, scope)| ask(scope))
}

async fn act_off(State(Pages { links, turns }): State<Pages>, token: Token, body: Body) -> Response {
    if let Some(odd) = odd(body).await {
        return odd;
    }
    let Some((token, _)) = known(&links, Switch::Off, token) else { return refused() };
    // Nobody closes it.
    let _turn = turns.acquire().await;
    match links.unsubscribe(&token).await {
        Ok(done) => {
            // Both addresses have one folder above them, wherever these pages are reached from outside.
            let body = format!(
                "<p>{} What is already on its way may still arrive.</p>\
                 <form method=\"post\" action=\"../resubscribe/{}\"><button type=\"submit\" class=\"quiet\">Undo</button></form>",
                off(done.scope),
                done.undo
            );
            page(StatusCode::OK, ("It is done", &body))
        }
        Err(error) => failed(&error),
    }
}

async fn act_on(State(Pages { links, turns }): State<Pages>, token: Token, body: Body) -> Response {
    if let Some(odd) = odd(body).await {
        return odd;
    }
    let Some((token, _)) = known(&links, Switch::On, token) else { return refused() };
    let _turn = turns.acquire().await;
    match links.resubscribe(&token).await {
        Ok(done) if done.comes => {
            let body = format!(
                "<p>{} It begins with what happens from now on. What you have changed in your preferences since \
                 stays as you set it.</p>",
                on(done.scope)
            );
            page(StatusCode::OK, ("It is undone", &body))
        }
        Ok(_) => {
            let body = "<p>You get none of these mails at present: your preferences have been changed since, or what \
                        the mail told of is not there for you any more. Your preferences stay as you set them.</p>";
            page(StatusCode::OK, ("Your preferences say otherwise", body))
        }
        Err(error) => failed(&error),
    }
}

/// What is switched off, to the one whom it concerns.
fn off(scope: Scope) -> &'static str {
    match scope {
        Scope::WorkCenter(_) => "You will get no more mails about the WorkCenter that your mail told of.",
        Scope::Own(_) => {
            "You will get no more mails of their own about yourself and your background processes in the account that your \
             mail was about."
        }
        Scope::Digests => {
            "You will get no more daily or weekly digests of the account that your mail was about. \
             What comes at once still does."
        }
        Scope::Account => "You will get no more mails about any WorkCenter of the account that your mail was about.",
        Scope::Addressed => {
            "What concerns you in person, such as mentions, will come with your digest and no more in a mail of its own."
        }
    }
}

/// What is switched on again.
fn on(scope: Scope) -> &'static str {
    match scope {
        Scope::WorkCenter(_) => "You will get mails about this WorkCenter as before.",
        Scope::Own(_) => "You will get mails about yourself and your background processes as before.",
        Scope::Digests => "You will get digests of this account as before.",
        Scope::Account => "You will get mails about the WorkCenters of this account as before.",
        Scope::Addressed => "What concerns you in person, such as mentions, will come in a mail of its own as before.",
    }
}

/// The token, and what it is about, when it is one of ours.
fn known(links: &Links, switch: Switch, token: Token) -> Option<(String, Scope)> {
    let Path(token) = token.ok()?;
    let scope = links.scope(switch, &token)?;
    Some((token, scope))
}

/// Reads a body to its end, as its sender waits for that; what is told when that does not come, or not within bounds.
async fn odd(body: Body) -> Option<Response> {
    match timeout(BODY_PATIENCE, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(_)) => None,
        Ok(Err(_)) => Some(page(StatusCode::PAYLOAD_TOO_LARGE, ODD)),
        Err(_) => Some(page(StatusCode::REQUEST_TIMEOUT, ODD)),
    }
}

fn refused() -> Response {
    page(StatusCode::NOT_FOUND, REFUSED)
}

fn failed(error: &Error) -> Response {
    error!(error = chain(error), "failed to follow a link");
    page(StatusCode::SERVICE_UNAVAILABLE, SORRY)
}

fn page(status: StatusCode, (title, body): (&str, &str)) -> Response {
    let html = include_str!("page.html").replace("{title}", title).replace("{body}", body);
    (status, HEADERS, Html(html)).into_response()
}
