//! One-click unsubscribe over HTTP. GET shows a page and changes nothing: link scanners follow every link. POST acts, on
//! exactly what the signed token is about, needs no session, and doing it twice is doing it once.
//!
//! Source: RFC 8058.

use std::time::Duration;

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderName, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use tracing::error;

use crate::{
    clock::Clock,
    config,
    db::Db,
    error::{Result, chain},
    outbox,
    secret::TokenKey,
    subscription::{self, Scope, When},
};

/// A page: its title and what it says.
type Page = (&'static str, &'static str);

const ASK: Page = (
    "Stop these mails?",
    "<p>You will get no more mails of the kind that brought you here. \
     You can switch them on again in your preferences.</p>\
     <form method=\"post\"><button type=\"submit\">Stop these mails</button></form>",
);
const DONE: Page = (
    "You will get no more of these mails",
    "<p>It is done. What is already on its way may still arrive. \
     You can switch these mails on again in your preferences.</p>",
);
const REFUSED: Page = (
    "This link does not work",
    "<p>It may have been cut off on its way. The link in the mail itself, or your preferences, will help.</p>",
);
const SORRY: Page = (
    "That did not work just now",
    "<p>Nothing has changed. Please try again in a minute.</p>\
     <form method=\"post\"><button type=\"submit\">Try again</button></form>",
);

/// What every page is sent with: nothing is loaded, nothing is kept, and no link elsewhere is told where it came from.
const HEADERS: [(HeaderName, &str); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    ),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
];

#[derive(Clone)]
struct Pages {
    db: Db,
    clock: Clock,
    key: TokenKey,
    spread: Duration,
}

/// The pages.
pub(super) fn pages(db: Db, clock: Clock, settings: &config::Shared) -> Router {
    let pages = Pages { db, clock, key: settings.token_key.clone(), spread: settings.digest_spread };
    Router::new().route("/unsubscribe/{token}", get(ask).post(act)).with_state(pages)
}

async fn ask(State(pages): State<Pages>, Path(token): Path<String>) -> Response {
    match Scope::open(&pages.key, &token) {
        Some(_) => page(StatusCode::OK, ASK),
        None => page(StatusCode::NOT_FOUND, REFUSED),
    }
}

async fn act(State(pages): State<Pages>, Path(token): Path<String>) -> Response {
    let Some(told) = Scope::open(&pages.key, &token) else {
        return page(StatusCode::NOT_FOUND, REFUSED);
    };
    match pages.silence(told).await {
        Ok(()) => page(StatusCode::OK, DONE),
        Err(error) => {
            error!(error = chain(&error), "failed to unsubscribe");
            page(StatusCode::SERVICE_UNAVAILABLE, SORRY)
        }
    }
}

fn page(status: StatusCode, (title, body): Page) -> Response {
    let html = include_str!("page.html").replace("{title}", title).replace("{body}", body);
    (status, HEADERS, Html(html)).into_response()
}

impl Pages {
    async fn silence(&self, (user, account, scope): (uuid::Uuid, uuid::Uuid, Scope)) -> Result<()> {
        let when = When { now: self.clock.now().await?, spread: self.spread };
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        subscription::silence(&tx, user, account, scope, &when).await?;
        outbox::hold(&tx, &[user]).await?;
        Ok(tx.commit().await?)
    }
}
