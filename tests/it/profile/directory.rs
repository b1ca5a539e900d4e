//! The directory of an account as a feed: who may follow it, what they hear, and when they are cut off.

use std::{pin::pin, time::Duration};

use futures_util::{
    FutureExt, Stream, StreamExt,
    future::{Either, select},
    stream,
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status, Streaming};
use uuid::Uuid;
use workcenter::{
    access::AccountRole,
    account,
    auth::Caller,
    clock::Clock,
    identity::{Challenge, Gate},
    ids,
    notice::Notices,
    pb::{
        self, DeletePictureRequest, Profile, SignOutRequest, Visibility, WatchProfilesRequest, WatchProfilesResponse,
        profile_service_server::ProfileService, watch_profiles_response::Event,
    },
    profile::{self, Watch},
};

use super::{all, first_name, full, guest, join, read, write};
use crate::{
    harness::{Account, App, Person, START, by, fields, reason},
    member::{remove, set_role},
    picture,
    request::waits,
};

/// How often the watchers of tests look when nobody tells them.
const SOON: Duration = Duration::from_millis(20);

fn request(account: Uuid, after: &str) -> WatchProfilesRequest {
    WatchProfilesRequest { account_id: account.to_string(), after: after.to_owned() }
}

pub(super) async fn follow(
    app: &App,
    token: &str,
    account: Uuid,
    after: &str,
) -> Result<Streaming<WatchProfilesResponse>, Status> {
    Ok(app.profiles().watch_profiles(by(token, request(account, after))).await?.into_inner())
}

/// The profiles that come before the stream has caught up, and the position there.
pub async fn caught_up<S>(stream: &mut S) -> Result<(Vec<Profile>, String), Status>
where
    S: Stream<Item = Result<WatchProfilesResponse, Status>> + Unpin,
{
    let mut profiles = Vec::new();
    loop {
        let WatchProfilesResponse { position, event } = stream.next().await.expect("it goes on for ever")?;
        match event.unwrap() {
            Event::Profile(profile) => profiles.push(profile),
            Event::CaughtUp(_) => return Ok((profiles, position)),
            // Told of elsewhere, in `member::leaving`.
            Event::Removed(_) => {}
        }
    }
}

fn names(profiles: &[Profile]) -> Vec<&str> {
    profiles.iter().map(|it| it.first_name.as_str()).collect()
}

#[tokio::test]
async fn it_begins_with_everybody_and_goes_on_with_each_who_changes() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    app.account("Dock Works").await;
    let token = &account.admin.token;
    let mut stream = follow(&app, token, account.id, "").await.unwrap();
    let (everybody, first) = caught_up(&mut stream).await.unwrap();
    assert_eq!(names(&everybody), ["Admin", "Ada"]);

    // Each of these is one change of what others see.
    write(&app, &ada, first_name("Augusta"), &[]).await.unwrap();
    assert_eq!(names(&caught_up(&mut stream).await.unwrap().0), ["Augusta"]);
    let messages = picture::messages(&picture::jpeg(40, 40), 1 << 20);
    app.profiles().upload_picture(by(&ada.token, stream::iter(messages))).await.unwrap();
    assert!(caught_up(&mut stream).await.unwrap().0[0].picture.is_some());
    app.profiles().delete_picture(by(token, DeletePictureRequest { user_id: ada.id.to_string() })).await.unwrap();
    assert!(caught_up(&mut stream).await.unwrap().0[0].picture.is_none());
    let hidden = Profile { visibility: Some(all(Visibility::OnlyMe)), ..Profile::default() };
    write(&app, &ada, hidden, &["visibility"]).await.unwrap();
    assert_eq!(caught_up(&mut stream).await.unwrap().0[0].email, "");
    app.person(&account, "bob@example.com", "Bob", "Builder").await;
    assert_eq!(names(&caught_up(&mut stream).await.unwrap().0), ["Bob"]);
    // The zone of an account is that of its members who have set none.
    let client = app.client().await;
    let zoned = account::insert(&client, "Zoned", Some("Asia/Tokyo"), START.parse().unwrap()).await.unwrap();
    join(&app, zoned, account.admin.id, AccountRole::Guest, START).await;
    let (admin, last) = caught_up(&mut stream).await.unwrap();
    assert_eq!((names(&admin), admin[0].time_zone.as_str()), (vec!["Admin"], "Asia/Tokyo"));

    // Who comes back is told of each who changed once, as they are now.
    let (missed, position) = caught_up(&mut follow(&app, token, account.id, &first).await.unwrap()).await.unwrap();
    assert_eq!((names(&missed), &position), (vec!["Augusta", "Bob", "Admin"], &last));
    for profile in &missed {
        assert_eq!(*profile, read(&app, &account.admin, &profile.user_id).await.unwrap());
    }
    let (missed, position) = caught_up(&mut follow(&app, token, account.id, &last).await.unwrap()).await.unwrap();
    assert_eq!((missed, position), (Vec::new(), last));
}

#[tokio::test]
async fn more_than_a_page_is_told_whole_and_from_any_place_in_it() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let insert = "
        with person as (
            insert into person select gen_random_uuid(), number || '@example.org', number || '@example.org', '', now()
            from generate_series(1, 450) as number returning id
        ), told as (
            insert into profile (user_id, first_name, updated_at) select id, 'Many', now() from person
        ), come as (
            insert into member select $1, id, 'MEMBER', now() from person
        ), placed as (
            insert into directory_entry select $1, id, 1 + row_number() over () from person
        )
        update directory_head set last_seq = 451 where account_id = $1";
    app.client().await.execute(insert, &[&account.id]).await.unwrap();

    let token = &account.admin.token;
    let mut stream = follow(&app, token, account.id, "").await.unwrap();
    let mut positions = Vec::new();
    while let Some(Event::Profile(_)) = {
        let message = stream.message().await.unwrap().unwrap();
        positions.push(message.position);
        message.event
    } {}
    assert_eq!(positions.len(), 452);
    for seen in [1, 200, 201, 400, 450] {
        let mut rest = follow(&app, token, account.id, &positions[seen - 1]).await.unwrap();
        assert_eq!(caught_up(&mut rest).await.unwrap().0.len(), 451 - seen);
    }
}

#[tokio::test]
async fn each_hears_what_it_is_for_them_to_see() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let service = Person { token: app.key(&["profiles.read"]).await, ..account.admin.clone() };
    for visibility in [Visibility::EveryoneSharingAWorkcenter, Visibility::AccountMembers, Visibility::OnlyMe] {
        write(&app, &ada, Profile { visibility: Some(all(visibility)), ..full() }, &["*"]).await.unwrap();
        for viewer in [&ada, &account.admin, &service] {
            let mut stream = follow(&app, &viewer.token, account.id, "").await.unwrap();
            let (profiles, _) = caught_up(&mut stream).await.unwrap();
            assert_eq!(profiles.len(), 2);
            for profile in profiles {
                assert_eq!(profile, read(&app, viewer, &profile.user_id).await.unwrap());
            }
        }
    }
}

#[tokio::test]
async fn only_members_and_services_follow_and_a_position_is_good_for_its_own_account() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let other = app.account("Dock Works").await;
    let guest = guest(&app, &account, "gus@example.com").await;
    let (_, position) = caught_up(&mut follow(&app, &other.admin.token, other.id, "").await.unwrap()).await.unwrap();
    let token = &account.admin.token;

    let told = async |token: &str, account: Uuid, after: &str| {
        let status = follow(&app, token, account, after).await.err().unwrap();
        (status.code(), reason(&status), fields(&status))
    };
    let text = ToOwned::to_owned;
    let place = || (Code::InvalidArgument, text("PAGE_TOKEN_INVALID"), vec![text("after")]);
    assert_eq!(told(token, account.id, &position).await, place());
    assert_eq!(told(token, account.id, "nonsense").await, place());
    let gone = || (Code::NotFound, text("ACCOUNT_NOT_FOUND"), vec![]);
    assert_eq!(told(token, other.id, &position).await, gone());
    assert_eq!(told(token, ids::new(), "").await, gone());
    let refused = || (Code::PermissionDenied, text("NOT_ALLOWED"), vec![]);
    assert_eq!(told(&guest.token, account.id, "").await, refused());
    assert_eq!(told(&app.key(&["jobs.read"]).await, account.id, "").await, refused());
    let message = WatchProfilesRequest { account_id: text("pier"), after: String::new() };
    let status = app.profiles().watch_profiles(by(token, message)).await.err().unwrap();
    assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, vec![text("account_id")]));
    let status = app.profiles().watch_profiles(Request::new(request(account.id, ""))).await.err().unwrap();
    assert_eq!((status.code(), reason(&status)), (Code::Unauthenticated, text("CALLER_UNKNOWN")));
}

/// The stream of a service that looks every moment, below the wire, as `who` follows `account`.
async fn follow_closely(
    app: &App,
    who: &Person,
    account: &Account,
    stop: &CancellationToken,
) -> impl Stream<Item = Result<WatchProfilesResponse, Status>> + Unpin + use<> {
    let notices = Notices::listen(app.database()).await.unwrap();
    let db = || app.pool().clone();
    let watch = Watch::new(db(), Gate::new(db(), &notices), notices, stop.clone(), SOON);
    let clock = || Clock::new(db(), true);
    let key = || app.token_key().clone();
    let pictures = profile::Pictures::new(db(), clock(), app.parts().blobs.clone(), SOON);
    let challenge = Challenge::new(db(), app.parts().hasher.clone());
    let addresses = profile::Addresses::new(db(), clock(), key(), challenge);
    let service = profile::Service::new(db(), clock(), key(), Duration::ZERO, pictures, watch, addresses);
    let mut request = by(&who.token, request(account.id, ""));
    request.extensions_mut().insert(Caller::Person { user_id: who.id, session_id: Uuid::nil() });
    service.watch_profiles(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn silence_is_not_trusted_and_the_reader_hears_a_heartbeat() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let mut stream = follow_closely(&app, &account.admin, &account, &CancellationToken::new()).await;
    let (everybody, position) = caught_up(&mut stream).await.unwrap();
    assert_eq!(everybody.len(), 2);
    for _ in 0..2 {
        assert_eq!(caught_up(&mut stream).await.unwrap(), (Vec::new(), position.clone()));
    }

    // Nobody is told of this.
    let quiet =
        "with head as (update directory_head set last_seq = last_seq + 1 where account_id = $1 returning last_seq)
        update directory_entry set seq = last_seq from head where account_id = $1 and user_id = $2";
    app.client().await.execute(quiet, &[&account.id, &ada.id]).await.unwrap();
    let heard = loop {
        let (heard, _) = caught_up(&mut stream).await.unwrap();
        if !heard.is_empty() {
            break heard;
        }
    };
    assert_eq!(names(&heard), ["Ada"]);
    assert_eq!(caught_up(&mut stream).await.unwrap().0, []);
}

/// How the stream of `who` ends, who was let in and then had `done` to them.
async fn cut_off(app: &App, who: &Person, account: &Account, done: impl Future<Output = ()>) -> (Code, String) {
    let mut stream = follow_closely(app, who, account, &CancellationToken::new()).await;
    caught_up(&mut stream).await.unwrap();
    done.await;
    let status = loop {
        if let Err(status) = caught_up(&mut stream).await {
            break status;
        }
    };
    assert!(stream.next().await.is_none());
    (status.code(), reason(&status))
}

#[tokio::test]
async fn who_may_no_longer_follow_is_told_what_who_comes_in_is_told() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let text = ToOwned::to_owned;
    let of = ada.id.to_string();
    let make = async |role| {
        set_role(&app, &account.admin, account.id, &of, role).await.unwrap();
    };

    let less = make(pb::AccountRole::Guest);
    assert_eq!(cut_off(&app, &ada, &account, less).await, (Code::PermissionDenied, text("NOT_ALLOWED")));
    make(pb::AccountRole::Member).await;
    let out = async { remove(&app, &account.admin, account.id, &of).await.unwrap() };
    assert_eq!(cut_off(&app, &ada, &account, out).await, (Code::NotFound, text("ACCOUNT_NOT_FOUND")));

    let bob = app.person(&account, "bob@example.com", "Bob", "Builder").await;
    let signed_out = async {
        app.sessions().sign_out(by(&bob.token, SignOutRequest {})).await.unwrap();
    };
    assert_eq!(cut_off(&app, &bob, &account, signed_out).await, (Code::Unauthenticated, text("SESSION_INVALID")));
    let status = follow(&app, &bob.token, account.id, "").await.err().unwrap();
    assert_eq!((status.code(), reason(&status)), (Code::Unauthenticated, text("SESSION_INVALID")));
}

#[tokio::test]
async fn it_ends_when_the_process_drains() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let stop = CancellationToken::new();
    let mut stream = follow_closely(&app, &account.admin, &account, &stop).await;
    caught_up(&mut stream).await.unwrap();
    stop.cancel();
    let mut late = follow_closely(&app, &account.admin, &account, &stop).await;
    for stream in [&mut stream as &mut (dyn Stream<Item = _> + Unpin), &mut late] {
        let status = loop {
            if let Err(status) = stream.next().await.unwrap() {
                break status;
            }
        };
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "DRAINING"));
        assert!(stream.next().now_or_never().unwrap().is_none());
    }
}

#[tokio::test]
async fn a_coming_in_and_a_change_that_happen_at_once_are_both_told() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let dock = app.account("Dock Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let mut stream = follow(&app, &dock.admin.token, dock.id, "").await.unwrap();
    caught_up(&mut stream).await.unwrap();

    let mut client = app.client().await;
    let tx = client.transaction().await.unwrap();
    account::add_member(&tx, dock.id, ada.id, AccountRole::Member, START.parse().unwrap()).await.unwrap();
    // The change waits for who comes in, and so knows of the account that they are in then.
    let change = pin!(write(&app, &ada, first_name("Augusta"), &[]));
    let Either::Right(((), change)) = select(change, pin!(waits(app.pool()))).await else {
        panic!("the change did not wait");
    };
    tx.commit_with(&[account::announce(ada.id)]).await.unwrap();
    change.await.unwrap();
    let mut last = Vec::new();
    while names(&last) != ["Augusta"] {
        last = caught_up(&mut stream).await.unwrap().0;
        assert!(!last.is_empty());
    }
}
