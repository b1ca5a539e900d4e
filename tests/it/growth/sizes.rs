//! What grows, how it is filled, and what is asked of it.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::net::TcpListener;
use tonic::transport::Channel;
use workcenter::{
    config,
    daemon::{Daemon, Sweep},
    job::{Crier, Run},
    pb::{self, job_service_client::JobServiceClient},
    server::{self, Parts},
};

use super::{Curve, Scale, cost, full};
use crate::{
    digest::scale::{MORNING, Size, seed},
    harness::{App, by},
    job::{advance, begin},
};

/// How often what costs little is asked for at each size.
const ASKED: i64 = 200;

/// Streams of one connection: fewer than a server allows.
const STREAMS: i64 = 100;

/// The sizes of a run: as they are promised, or small ones.
fn sizes(promised: &[i64], short: [i64; 2]) -> Vec<i64> {
    if full().is_some() { promised.to_vec() } else { short.to_vec() }
}

/// An id of the person, or whatever it is, of a number.
const ID: &str = "create function id_of(kind int, number bigint) returns uuid language sql immutable as $$
    select (lpad(to_hex(kind), 8, '0') || lpad(to_hex(number), 24, '0'))::uuid $$";

/// People of the account :account, from number :from to :to.
const PEOPLE: &str = "
    set session_replication_role = replica;
    insert into person (id, email, email_key, password_hash, created_at)
    select id_of(2, it), 'one' || lpad(it::text, 9, '0') || '@example.org', 'one' || lpad(it::text, 9, '0') || '@example.org', '', now()
    from generate_series(:from::bigint, :to) as it;
    insert into profile (user_id, first_name, last_name, updated_at)
    select id_of(2, it), 'Person', it::text, now() from generate_series(:from::bigint, :to) as it;
    insert into member (account_id, user_id, role, created_at)
    select ':account', id_of(2, it), 'MEMBER', now() from generate_series(:from::bigint, :to) as it;
    analyze person, profile, member";

/// Reading one of many profiles, all of one account.
pub async fn profiles(scale: &Scale) -> Curve {
    let (app, client) = scale.app("profiles").await;
    let account = app.account("Pier Works").await;
    client.batch_execute(ID).await.unwrap();
    let (mut points, mut from) = (Vec::new(), 1);
    for size in sizes(&[10_000, 100_000, 1_000_000, 10_000_000], [100, 1_000]) {
        let began = Instant::now();
        let statement = PEOPLE.replace(":account", &account.id.to_string());
        let statement = statement.replace(":from", &from.to_string()).replace(":to", &size.to_string());
        client.batch_execute(&statement).await.unwrap();
        from = size + 1;
        let ask = async {
            for number in 0..ASKED {
                // Spread over all of them.
                let number = 1 + number * 7_919 % ASKED * (size / ASKED).max(1) % size;
                let user_id = format!("00000002-{:04x}-{:04x}-{:04x}-{:012x}", 0, 0, 0, number);
                let message = pb::GetProfileRequest { user_id };
                app.profiles().get_profile(by(&account.admin.token, message)).await.unwrap();
            }
        };
        points.push(cost(&client, size, ASKED, began, ask).await);
    }
    drop(client);
    drop(app);
    scale.drop("profiles").await;
    Curve { name: "profiles", unit: "a GetProfile", points }
}

/// What lies in logs of before: :each of each log, which everybody has been told.
const HISTORY: &str = "
    set session_replication_role = replica;
    update activity set seq = seq + :each, event_id = 'n' || event_id;
    update activity_head set last_seq = last_seq + :each;
    update subscription set start_seq = :each, cursor = :each;
    insert into activity (log_id, seq, account_id, event_id, kind, actor_id, subject_kind, subject_ref, subject_title,
        subject_url, parent_kind, parent_ref, parent_title, parent_url, summary, audience, occurred_at)
    select log_id, seq, account_id, seq::text, 'file.uploaded', uuid_of(2, seq), 'file', seq::text, 'Sheet', 'https://app.example/1',
        'folder', '1', 'Drawings', 'https://app.example/2', '', 'EVERYONE', timestamptz '2027-01-01T12:00:00Z'
    from activity_head, generate_series(1, :each) as seq;
    analyze";

/// A morning of digests: so many people, of whose WorkCenters so much is known.
async fn morning(scale: &Scale, name: &'static str, size: i64, people: i64, events: Option<i64>) -> super::Point {
    let began = Instant::now();
    let (app, client) = scale.app(name).await;
    app.clock_at(MORNING).await;
    seed(&app, Size { people, account: people.min(1_000), workcenters: 2, events: 2 }).await;
    if let Some(events) = events {
        let logs: i64 = client.query_one("select count(*) from activity_head", &[]).await.unwrap().get(0);
        let statement = HISTORY.replace(":each", &(events / logs).max(1).to_string());
        client.batch_execute(&statement).await.unwrap();
    }
    let batch = NonZeroU32::new(100).unwrap();
    let daemon = Daemon::new(app.parts().clone(), &config::Daemon { digest_batch: batch, ..app.daemon_settings(None) });
    let now = app.now().await;
    let point = cost(&client, size, people, began, async { daemon.step(Sweep::Daily, now).await.unwrap() }).await;
    let told = client.query_one("select count(*) from mail where kind = 'DIGEST'", &[]).await.unwrap();
    assert_eq!(told.get::<_, i64>(0), people);
    drop((client, daemon, app));
    scale.drop(name).await;
    point
}

/// Composing a digest where much has happened before.
pub async fn activity(scale: &Scale) -> Curve {
    let mut points = Vec::new();
    let people = if full().is_some() { 1_000 } else { 20 };
    for size in sizes(&[100_000, 1_000_000, 10_000_000], [1_000, 4_000]) {
        points.push(morning(scale, "activity", size, people, Some(size)).await);
    }
    Curve { name: "activity", unit: "composing a digest", points }
}

/// Composing a digest where many get one.
pub async fn recipients(scale: &Scale) -> Curve {
    let mut points = Vec::new();
    for size in sizes(&[1_000, 10_000, 100_000], [20, 60]) {
        points.push(morning(scale, "recipients", size, size, None).await);
    }
    Curve { name: "recipients", unit: "composing a digest", points }
}

/// Invites of the account :account by :inviter, from number :from to :to, of which one in :each waits, the last one among them.
const INVITES: &str = "
    set session_replication_role = replica;
    insert into invite (id, account_id, email, email_key, account_role, inviter_id, state, token_hash, created_at, expires_at, ended_at)
    select id_of(20, it), ':account', 'new' || it || '@example.org', 'new' || it || '@example.org', 'GUEST', ':inviter', state,
        sha256(it::text::bytea), timestamptz '2026-11-01', timestamptz '2027-12-01', case when state = 'ACCEPTED' then now() end
    from generate_series(:from::bigint, :to) as it,
        lateral (select case when (:to - it) % :each = 0 then 'PENDING' else 'ACCEPTED' end as state) of;
    analyze invite";

/// Listing a page of invites and accepting one, where there are many.
pub async fn invites(scale: &Scale) -> Curve {
    let (app, client) = scale.app("invites").await;
    let account = app.account("Pier Works").await;
    client.batch_execute(ID).await.unwrap();
    let (mut points, mut from) = (Vec::new(), 1);
    for size in sizes(&[10_000, 100_000, 1_000_000], [400, 1_600]) {
        let began = Instant::now();
        let statement = INVITES.replace(":account", &account.id.to_string());
        let statement = statement.replace(":inviter", &account.admin.id.to_string());
        let statement = statement.replace(":from", &from.to_string()).replace(":to", &size.to_string());
        // However many there are, the same wait: an account may not have more.
        let each = if points.is_empty() { 10 } else { (size - from) / (ASKED / 8) };
        client.batch_execute(&statement.replace(":each", &each.to_string())).await.unwrap();
        from = size + 1;
        // Whoever accepts is there before: that somebody comes is not what is looked at.
        let mut guests = Vec::new();
        for number in 0..ASKED / 10 {
            let other = app.account("Sea Works").await;
            let email = format!("{number}-{size}@example.net");
            guests.push(app.person(&other, &email, "Nora", "New").await);
            let taken = "update invite set email = $2, email_key = $2 where id = id_of(20, $1)";
            client.execute(taken, &[&(size - each * number), &email]).await.unwrap();
        }
        let ask = async {
            for guest in guests {
                let list = pb::ListInvitesRequest { r#box: pb::InviteBox::Sent.into(), ..Default::default() };
                app.invites().list_invites(by(&account.admin.token, list)).await.unwrap();
                let list = pb::ListInvitesRequest { account_id: account.id.to_string(), ..Default::default() };
                app.invites().list_invites(by(&account.admin.token, list)).await.unwrap();
                let list = pb::ListInvitesRequest { r#box: pb::InviteBox::Received.into(), ..Default::default() };
                let received = app.invites().list_invites(by(&guest.token, list)).await.unwrap().into_inner();
                let invite_id = received.invites[0].invite_id.clone();
                let accepted = Some(pb::accept_invite_request::By::InviteId(invite_id));
                let accept = pb::AcceptInviteRequest { by: accepted, ..Default::default() };
                app.invites().accept_invite(by(&guest.token, accept)).await.unwrap();
            }
        };
        points.push(cost(&client, size, ASKED / 10, began, ask).await);
    }
    drop((client, app));
    scale.drop("invites").await;
    Curve { name: "invites", unit: "three lists and an acceptance", points }
}

/// A server that many may watch at.
async fn crowded(app: &App) -> (Parts, String) {
    let many = NonZeroU32::new(20_000).unwrap();
    let settings = app.parts().settings.clone();
    let calls = config::Calls { calls_max: many, streams_max: many, connections_max: many, ..settings.calls.clone() };
    let parts = Parts::open(app.database(), &config::Shared { calls, ..settings }).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let pictures = config::Pictures { upload_silence: Duration::from_secs(5) };
    tokio::spawn(server::serve(listener, parts.clone(), &pictures, Box::pin(std::future::pending())));
    (parts, url)
}

/// Telling everybody who watches a job that it has ended.
pub async fn watchers(scale: &Scale) -> Curve {
    let (app, client) = scale.app("watchers").await;
    let account = app.account("Pier Works").await;
    let (parts, url) = crowded(&app).await;
    let crier = Crier::new(parts.db.clone());
    let mut points = Vec::new();
    for size in sizes(&[100, 1_000, 10_000], [10, 40]) {
        let began = Instant::now();
        let due_at = app.now().await + Duration::from_secs(size.unsigned_abs());
        let job = begin(&app, &Run { account: account.id, cadence: "DAILY", due_at }, 1).await;
        let mut streams = Vec::new();
        for first in (0..size).step_by(STREAMS as usize) {
            let mut jobs = JobServiceClient::new(Channel::from_shared(url.clone()).unwrap().connect().await.unwrap());
            for _ in first..size.min(first + STREAMS) {
                let request = pb::WatchJobRequest { job_id: job.to_string(), after_revision: 0 };
                let mut stream = jobs.watch_job(by(&account.admin.token, request)).await.unwrap().into_inner();
                stream.message().await.unwrap();
                streams.push(stream);
            }
        }
        let tell = async {
            let moved = advance(&app, job, &workcenter::job::Done { done: 1, ..Default::default() }).await;
            crier.moved(job, moved.is_final).await;
            let ends = streams.iter_mut().map(|it| async move { while it.message().await.unwrap().is_some() {} });
            join_all(ends).await;
        };
        points.push(cost(&client, size, size, began, tell).await);
    }
    drop((client, parts));
    Curve { name: "watchers", unit: "a word to a watcher", points }
}
