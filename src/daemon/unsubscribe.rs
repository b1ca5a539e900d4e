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

const ASK: &str = include_str!("ask.html");
const DONE: &str = include_str!("done.html");
const REFUSED: &str = include_str!("refused.html");
const SORRY: &str = include_str!("sorry.html");

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
        Some(_) => (HEADERS, Html(ASK)).into_response(),
        None => (StatusCode::NOT_FOUND, HEADERS, Html(REFUSED)).into_response(),
    }
}

async fn act(State(pages): State<Pages>, Path(token): Path<String>) -> Response {
    let Some(told) = Scope::open(&pages.key, &token) else {
        return (StatusCode::NOT_FOUND, HEADERS, Html(REFUSED)).into_response();
    };
    match pages.silence(told).await {
        Ok(()) => (HEADERS, Html(DONE)).into_response(),
        Err(error) => {
            error!(error = chain(&error), "failed to unsubscribe");
            (StatusCode::SERVICE_UNAVAILABLE, HEADERS, Html(SORRY)).into_response()
        }
    }
}

impl Pages {
    async fn silence(&self, (user, account, scope): (uuid::Uuid, uuid::Uuid, Scope)) -> Result<()> {
        let when = When { now: self.clock.now().await?, spread: self.spread };
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        subscription::silence(&tx, user, account, scope, &when).await?;
        outbox::hold(&tx, user).await?;
        Ok(tx.commit().await?)
    }
}
