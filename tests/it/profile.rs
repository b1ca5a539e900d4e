//! Profiles: what people read of each other, and what they change of their own.

mod at_once;
mod batch;
mod constraints;
mod directory;
mod history;
mod proof;
mod together;
mod visibility;
mod written;

use tonic::{Code, Response, Status};
use uuid::Uuid;
use workcenter::{
    access::AccountRole,
    account,
    error::VIOLATIONS_MAX,
    ids,
    pb::{
        Address, Delivery, GetPreferencesRequest, GetProfileRequest, Preferences, Profile, ProfileVisibility,
        TimeFormat, TimeZoneSource, UpdatePreferencesRequest, UpdateProfileRequest, Visibility,
    },
    profile,
};

use crate::harness::{Account, App, Person, by, fields, reason};

fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
    Some(prost_types::FieldMask { paths: paths.iter().map(|it| (*it).to_owned()).collect() })
}

async fn read(app: &App, who: &Person, whom: &str) -> Result<Profile, Status> {
    let request = by(&who.token, GetProfileRequest { user_id: whom.to_owned() });
    app.profiles().get_profile(request).await.map(|it| it.into_inner().profile.unwrap())
}

async fn write(app: &App, who: &Person, profile: Profile, paths: &[&str]) -> Result<Profile, Status> {
    let update_mask = if paths.is_empty() { None } else { mask(paths) };
    let message = UpdateProfileRequest { profile: Some(profile), update_mask, etag: String::new() };
    app.profiles().update_profile(by(&who.token, message)).await.map(Response::into_inner).map(|it| it.profile.unwrap())
}

/// Brings a person into an account.
async fn join(app: &App, account: Uuid, user: Uuid, role: AccountRole, at: &str) {
    let mut client = app.client().await;
    let tx = client.transaction().await.unwrap();
    account::add_member(&tx, account, user, role, at.parse().unwrap()).await.unwrap();
    tx.commit_with(&[account::announce(user)]).await.unwrap();
}

/// Somebody who is in `account` as a guest, and in an account of their own.
async fn guest(app: &App, account: &Account, email: &str) -> Person {
    let own = app.account("Guest Works").await;
    let guest = app.person(&own, email, "Gus", "Guest").await;
    join(app, account.id, guest.id, AccountRole::Guest, crate::harness::START).await;
    guest
}

/// The same visibility for every field.
fn all(visibility: Visibility) -> ProfileVisibility {
    let it = visibility.into();
    ProfileVisibility {
        job_title: it,
        address: it,
        email: it,
        business_phone: it,
        mobile_phone: it,
        time_zone: it,
        locale: it,
    }
}

fn first_name(name: &str) -> Profile {
    Profile { first_name: name.to_owned(), ..Profile::default() }
}

fn full() -> Profile {
    Profile {
        first_name: " Ange\u{301}le ".to_owned(),
        last_name: "Öberg".to_owned(),
        initials: "ÅÖ".to_owned(),
        job_title: "Foreman".to_owned(),
        address: Some(Address {
            street: "1 Pier Road".to_owned(),
            city: "Auckland".to_owned(),
            post_code: "1010".to_owned(),
            state_province: "Auckland".to_owned(),
            country: "nz".to_owned(),
        }),
        business_phone: "+64 (9) 555-0100".to_owned(),
        extension: "0042".to_owned(),
        mobile_phone: "021 555 0101".to_owned(),
        time_zone: "pacific/auckland".to_owned(),
        locale: "EN-nz".to_owned(),
        time_format: TimeFormat::TimeFormat24Hours.into(),
        first_week_day: 7,
        visibility: Some(all(Visibility::EveryoneSharingAWorkcenter)),
        ..Profile::default()
    }
}

#[tokio::test]
async fn what_is_written_is_read_back_in_its_usual_form() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;

    let written = write(&app, &ada, full(), &["*"]).await.unwrap();

    assert_eq!(written, read(&app, &ada, "me").await.unwrap());
    assert_eq!(written, read(&app, &ada, &ada.id.to_string()).await.unwrap());
    let expected = Profile {
        user_id: ada.id.to_string(),
        first_name: "Ang\u{e9}le".to_owned(),
        address: Some(Address { country: "NZ".to_owned(), ..full().address.unwrap() }),
        email: "ada@example.com".to_owned(),
        time_zone: "Pacific/Auckland".to_owned(),
        time_zone_source: TimeZoneSource::Profile.into(),
        locale: "en-NZ".to_owned(),
        business_phone_e164: "+6495550100".to_owned(),
        mobile_phone_e164: "+64215550101".to_owned(),
        etag: written.etag.clone(),
        update_time: written.update_time,
        ..full()
    };
    assert_eq!(written, expected);
}

#[tokio::test]
async fn only_what_the_mask_names_is_changed() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let before = write(&app, &ada, full(), &["*"]).await.unwrap();

    let sent = Profile { job_title: "Engineer".to_owned(), ..first_name("Nobody") };
    let after = write(&app, &ada, sent, &["job_title", "extension", "address.city"]).await.unwrap();
    assert_eq!((after.job_title.as_str(), after.extension.as_str()), ("Engineer", ""));
    let address = after.address.clone().unwrap();
    assert_eq!((address.city.as_str(), address.street.as_str()), ("", "1 Pier Road"));
    assert_eq!(after.first_name, before.first_name);

    let cleared = write(&app, &ada, Profile::default(), &["address"]).await.unwrap();
    assert_eq!(cleared.address, Some(Address::default()));

    let populated = write(&app, &ada, first_name("Ada"), &[]).await.unwrap();
    assert_eq!((populated.first_name.as_str(), populated.job_title.as_str()), ("Ada", "Engineer"));

    let nothing = write(&app, &ada, Profile::default(), &["*"]).await.unwrap();
    assert_eq!((nothing.first_name.as_str(), nothing.locale.as_str()), ("", ""));
    assert_eq!((nothing.time_format(), nothing.first_week_day), (TimeFormat::Unspecified, 0));
    assert_eq!(nothing.visibility, Some(all(Visibility::EveryoneSharingAWorkcenter)));
    assert_eq!(nothing.email, "ada@example.com");
}

#[tokio::test]
async fn an_etag_that_is_not_the_current_one_is_refused() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let write = async |name: &str, etag: &str| {
        let update_mask = mask(&["first_name"]);
        let message = UpdateProfileRequest { profile: Some(first_name(name)), update_mask, etag: etag.to_owned() };
        app.profiles().update_profile(by(&ada.token, message)).await.map(|it| it.into_inner().profile.unwrap())
    };

    let first = read(&app, &ada, "me").await.unwrap();
    let second = write("Augusta", &first.etag).await.unwrap();
    assert_ne!(first.etag, second.etag);
    assert_eq!(write("Augusta", &second.etag).await.unwrap(), second, "a change of nothing leaves it as it is");

    for etag in [first.etag.as_str(), "1", "nonsense"] {
        let status = write("Ada", etag).await.unwrap_err();
        assert_eq!((status.code(), reason(&status)), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
    }
    assert_eq!(read(&app, &ada, "me").await.unwrap().first_name, "Augusta");
    assert_eq!(write("Ada", "").await.unwrap().first_name, "Ada");
}

#[tokio::test]
async fn an_invalid_update_names_every_field_at_once_and_writes_none() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let sent = Profile {
        user_id: "somebody".to_owned(),
        first_name: "x".repeat(101),
        initials: "ABCD".to_owned(),
        job_title: "Engineer".to_owned(),
        address: Some(Address { country: "Atlantis".to_owned(), ..Address::default() }),
        extension: "12a".to_owned(),
        time_zone: "Mars/Olympus_Mons".to_owned(),
        locale: "english".to_owned(),
        time_format: 3,
        first_week_day: 8,
        visibility: Some(ProfileVisibility { email: 9, address: -1, ..ProfileVisibility::default() }),
        ..Profile::default()
    };

    let status = write(&app, &ada, sent, &[]).await.unwrap_err();

    assert_eq!((status.code(), reason(&status)), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
    let expected = [
        "profile.user_id",
        "profile.first_name",
        "profile.initials",
        "profile.address.country",
        "profile.extension",
        "profile.time_zone",
        "profile.locale",
        "profile.time_format",
        "profile.first_week_day",
        "profile.visibility.address",
        "profile.visibility.email",
    ];
    assert_eq!(fields(&status), expected);
    assert_eq!(read(&app, &ada, "me").await.unwrap().job_title, "");

    let message = UpdateProfileRequest { update_mask: mask(&["*"]), ..UpdateProfileRequest::default() };
    let status = app.profiles().update_profile(by(&ada.token, message)).await.unwrap_err();
    assert_eq!(fields(&status), ["profile"], "a forgotten profile does not clear everything");
}

#[tokio::test]
async fn a_mask_with_paths_that_nobody_writes_is_refused() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let read_only = [
        "email",
        "user_id",
        "initials_derived",
        "time_zone_source",
        "etag",
        "update_time",
        "picture",
        "business_phone_e164",
        "mobile_phone_e164",
        "pending_email",
    ];
    for path in ["nickname", "visibility.initials"].into_iter().chain(read_only) {
        let status = write(&app, &ada, first_name("Augusta"), &["first_name", path]).await.unwrap_err();
        assert_eq!((status.code(), reason(&status)), (Code::InvalidArgument, "MASK_PATH_UNKNOWN".to_owned()), "{path}");
        assert_eq!(fields(&status), ["update_mask"]);
    }
    let many: Vec<String> = (0..200).map(|it| format!("{it}{}", "é".repeat(100))).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let status = write(&app, &ada, first_name("Augusta"), &many).await.unwrap_err();
    assert_eq!((status.code(), fields(&status).len()), (Code::InvalidArgument, VIOLATIONS_MAX));
    assert_eq!(read(&app, &ada, "me").await.unwrap().first_name, "Ada");
}

#[tokio::test]
async fn derived_initials_follow_the_names_until_they_are_set() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let initials = |it: Profile| (it.initials, it.initials_derived);

    assert_eq!(initials(read(&app, &ada, "me").await.unwrap()), ("AL".to_owned(), true));
    let renamed = write(&app, &ada, first_name("🦀"), &["first_name"]).await.unwrap();
    assert_eq!(initials(renamed), ("🦀L".to_owned(), true));

    let set = Profile { initials: "QX1".to_owned(), ..Profile::default() };
    assert_eq!(initials(write(&app, &ada, set, &["initials"]).await.unwrap()), ("QX1".to_owned(), false));
    let renamed = write(&app, &ada, first_name("Bea"), &["first_name"]).await.unwrap();
    assert_eq!(initials(renamed), ("QX1".to_owned(), false));
    let unset = write(&app, &ada, Profile::default(), &["initials"]).await.unwrap();
    assert_eq!(initials(unset), ("BL".to_owned(), true));
}

#[tokio::test]
async fn the_zone_in_force_is_ones_own_then_that_of_the_oldest_account_then_utc() {
    let app = App::start().await;
    let none = app.account("No Zone").await;
    let ada = app.person(&none, "ada@example.com", "Ada", "Lovelace").await;
    let join = async |name: &str, zone: &str, at: &str| {
        let id = account::insert(&app.client().await, name, Some(zone), at.parse().unwrap()).await.unwrap();
        join(&app, id, ada.id, AccountRole::Guest, at).await;
    };
    let zone = async || {
        let profile = read(&app, &ada, "me").await.unwrap();
        let source = profile.time_zone_source();
        (profile.time_zone, source)
    };

    assert_eq!(zone().await, ("UTC".to_owned(), TimeZoneSource::Default));
    join("Younger", "Asia/Tokyo", "2026-02-01T00:00:00Z").await;
    assert_eq!(zone().await, ("Asia/Tokyo".to_owned(), TimeZoneSource::Account));
    join("Older", "America/New_York", "2026-01-01T00:00:00Z").await;
    assert_eq!(zone().await, ("America/New_York".to_owned(), TimeZoneSource::Account));
    let own = Profile { time_zone: "Europe/Zurich".to_owned(), ..Profile::default() };
    write(&app, &ada, own, &[]).await.unwrap();
    assert_eq!(zone().await, ("Europe/Zurich".to_owned(), TimeZoneSource::Profile));
    write(&app, &ada, Profile::default(), &["time_zone"]).await.unwrap();
    assert_eq!(zone().await, ("America/New_York".to_owned(), TimeZoneSource::Account));
}

#[tokio::test]
async fn the_next_digest_moves_with_the_zone() {
    let app = App::start().await;
    app.clock_at("2026-11-23T12:00:00Z").await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    app.workcenter(&ada, account.id, "Plans").await;
    let preferences = Preferences { default_delivery: Delivery::Daily.into(), ..Preferences::default() };
    let message = UpdatePreferencesRequest {
        preferences: Some(preferences),
        update_mask: mask(&["default_delivery"]),
        ..UpdatePreferencesRequest::default()
    };
    app.preferences().update_preferences(by(&ada.token, message)).await.unwrap();
    let next = async || {
        let request = by(&ada.token, GetPreferencesRequest {});
        let preferences = app.preferences().get_preferences(request).await.unwrap().into_inner().preferences.unwrap();
        preferences.next_digests[0].next_digest_local.clone()
    };

    assert!(next().await.starts_with("2026-11-24T07:"), "{}", next().await);
    let zone = Profile { time_zone: "America/New_York".to_owned(), ..Profile::default() };
    write(&app, &ada, zone, &[]).await.unwrap();
    assert!(next().await.ends_with("[America/New_York]"), "{}", next().await);
    assert!(next().await.contains("T07:"), "{}", next().await);
}

#[tokio::test]
async fn a_stranger_is_not_found_and_a_colleague_is_seen() {
    let app = App::start().await;
    let (ours, theirs) = (app.account("Pier Works").await, app.account("Dock Works").await);
    let ada = app.person(&ours, "ada@example.com", "Ada", "Lovelace").await;

    let colleague = read(&app, &ada, &ours.admin.id.to_string()).await.unwrap();
    assert_eq!(colleague.user_id, ours.admin.id.to_string());
    for id in [theirs.admin.id, ids::new(), Uuid::nil()] {
        let status = read(&app, &ada, &id.to_string()).await.unwrap_err();
        assert_eq!((status.code(), reason(&status)), (Code::NotFound, "USER_NOT_FOUND".to_owned()));
    }
    for id in ["", "ada", "ME"] {
        let status = read(&app, &ada, id).await.unwrap_err();
        assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, vec!["user_id".to_owned()]), "{id:?}");
    }
}

#[tokio::test]
async fn nobody_writes_for_another() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;

    for other in [account.admin.id, ids::new()] {
        let sent = Profile { user_id: other.to_string(), ..first_name("Mallory") };
        let status = write(&app, &ada, sent, &["first_name"]).await.unwrap_err();
        assert_eq!((status.code(), reason(&status)), (Code::PermissionDenied, "NOT_ALLOWED".to_owned()));
    }
    for own in ["me", &ada.id.to_string()] {
        let sent = Profile { user_id: own.to_owned(), ..first_name("Ada") };
        write(&app, &ada, sent, &["first_name"]).await.unwrap();
    }
}

#[tokio::test]
async fn people_are_called_by_their_names_or_the_start_of_their_address() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let nameless = app.person(&account, "bob.b@example.com", "", "").await;
    let client = app.pool().client().await.unwrap();
    let name = async |user| profile::names(&client, &[user]).await.map(|mut it| it.remove(&user).unwrap());
    assert_eq!(name(ada.id).await.unwrap(), "Ada Lovelace");
    assert_eq!(name(nameless.id).await.unwrap(), "bob.b");
    for hidden in [Visibility::AccountMembers, Visibility::OnlyMe] {
        let sent = Profile { visibility: Some(all(hidden)), ..Profile::default() };
        write(&app, &nameless, sent, &["visibility.email"]).await.unwrap();
        assert_eq!(name(nameless.id).await.unwrap(), "Somebody");
    }
    assert!(name(ids::new()).await.is_err());
}

#[tokio::test]
async fn who_joins_an_account_again_keeps_the_higher_role() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let client = app.pool().client().await.unwrap();
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    for (role, expected) in [
        (AccountRole::Guest, AccountRole::Member),
        (AccountRole::Administrator, AccountRole::Administrator),
        (AccountRole::Member, AccountRole::Administrator),
    ] {
        join(&app, account.id, ada.id, role, "2026-01-01T00:00:00Z").await;
        assert_eq!(account::role(&client, account.id, ada.id).await.unwrap(), Some(expected));
    }
    assert_eq!(account::role(&client, account.id, ids::new()).await.unwrap(), None);
    assert_eq!(account::find(&client, account.id).await.unwrap().unwrap().name, "Pier Works");
    assert_eq!(account::find(&client, ids::new()).await.unwrap(), None);
    assert!(account::insert(&client, " ", None, now).await.is_err());
}

#[tokio::test]
async fn phones_are_read_again_when_they_or_the_country_change() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let numbers = |it: Profile| (it.business_phone, it.business_phone_e164, it.mobile_phone_e164);
    let text = ToOwned::to_owned;

    let sent = Profile {
        business_phone: text("044 668 18 00"),
        mobile_phone: text("+64 21 555 0101"),
        extension: text("12"),
        ..Profile::default()
    };
    let written = write(&app, &ada, sent, &[]).await.unwrap();
    assert_eq!(numbers(written), (text("044 668 18 00"), text(""), text("+64215550101")), "there is no country yet");

    let sent = Profile {
        address: Some(Address { country: text("Swiss Confederation"), ..Address::default() }),
        ..Profile::default()
    };
    let written = write(&app, &ada, sent, &["address.country"]).await.unwrap();
    assert_eq!(written.address.clone().unwrap().country, "CH");
    assert_eq!(numbers(written), (text("044 668 18 00"), text("+41446681800"), text("+64215550101")));

    let sent = Profile { mobile_phone: text("ask Bob"), ..Profile::default() };
    let written = write(&app, &ada, sent, &["mobile_phone"]).await.unwrap();
    assert_eq!(written.mobile_phone, "ask Bob", "what is no number stays as it was typed");
    assert_eq!(numbers(written), (text("044 668 18 00"), text("+41446681800"), text("")));
    let unmoved = write(&app, &ada, first_name("Augusta"), &[]).await.unwrap();
    assert_eq!(unmoved.business_phone_e164, "+41446681800");
    assert_eq!(unmoved, read(&app, &ada, "me").await.unwrap());
}
