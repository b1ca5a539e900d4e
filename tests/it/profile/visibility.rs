//! Who sees what of whom.

use tonic::Code;
use workcenter::{
    access::AccountRole,
    invite,
    pb::{Address, CreateInviteRequest, GetProfileRequest, Profile, ProfileVisibility, TimeZoneSource, Visibility},
};

use super::{all, full, guest, join, read, write};
use crate::harness::{App, Person, START, by, fields, reason};

/// What of a profile is there to be seen, besides what all see.
fn seen(profile: &Profile) -> Vec<&'static str> {
    let address = profile.address.clone().unwrap();
    let Address { street, city, post_code, state_province, country } = address;
    [
        ("job_title", profile.job_title.clone()),
        ("address", street + &city + &post_code + &state_province + &country),
        ("email", profile.email.clone()),
        ("business_phone", [&*profile.business_phone, &profile.business_phone_e164, &profile.extension].concat()),
        ("mobile_phone", [&*profile.mobile_phone, &profile.mobile_phone_e164].concat()),
        ("time_zone", profile.time_zone.clone()),
        ("locale", format!("{}{:?}{}", profile.locale, profile.time_format(), profile.first_week_day)),
    ]
    .into_iter()
    .filter(|(_, text)| !["", "Unspecified0"].contains(&text.as_str()))
    .map(|(name, _)| name)
    .collect()
}

const EVERYTHING: [&str; 7] =
    ["job_title", "address", "email", "business_phone", "mobile_phone", "time_zone", "locale"];

/// One of the fields has this visibility, the others are for everyone.
fn one(name: &str, visibility: Visibility) -> ProfileVisibility {
    let mut it = all(Visibility::EveryoneSharingAWorkcenter);
    let field = match name {
        "job_title" => &mut it.job_title,
        "address" => &mut it.address,
        "email" => &mut it.email,
        "business_phone" => &mut it.business_phone,
        "mobile_phone" => &mut it.mobile_phone,
        "time_zone" => &mut it.time_zone,
        "locale" => &mut it.locale,
        other => panic!("{other}"),
    };
    *field = visibility.into();
    it
}

#[tokio::test]
async fn each_sees_what_it_is_for_them_to_see() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let colleague = app.person(&account, "cy@example.com", "Cy", "Young").await;
    let mate = guest(&app, &account, "gus@example.com").await;
    let plans = app.workcenter(&ada, account.id, "Plans").await;
    app.collaborator(&ada, plans, &mate).await;
    // Ada is a guest of an account that Dot is a member of.
    let dock = app.account("Dock Works").await;
    let dot = app.person(&dock, "dot@example.com", "Dot", "Dockhand").await;
    join(&app, dock.id, ada.id, AccountRole::Guest, START).await;
    let service = Person { token: app.key(&["profiles.read"]).await, ..ada.clone() };

    write(&app, &ada, full(), &["*"]).await.unwrap();
    for (visibility, to_members, to_mates) in [
        (Visibility::EveryoneSharingAWorkcenter, true, true),
        (Visibility::AccountMembers, true, false),
        (Visibility::OnlyMe, false, false),
    ] {
        for name in EVERYTHING {
            let sent = Profile { visibility: Some(one(name, visibility)), ..Profile::default() };
            let own = write(&app, &ada, sent, &["visibility"]).await.unwrap();
            assert_eq!(seen(&own), EVERYTHING);
            assert_eq!(own.visibility, Some(one(name, visibility)));

            for (viewer, sees) in [
                (&account.admin, to_members),
                (&colleague, to_members),
                (&dot, to_members),
                (&service, to_members),
                (&mate, to_mates),
            ] {
                let profile = read(&app, viewer, &ada.id.to_string()).await.unwrap();
                let expected: Vec<_> = EVERYTHING.into_iter().filter(|it| sees || *it != name).collect();
                assert_eq!(seen(&profile), expected, "{name} for {visibility:?} seen by {}", viewer.email);
                assert_eq!(profile.visibility, None);
                assert_eq!((&profile.first_name, &profile.initials), (&own.first_name, &own.initials));
                assert_eq!((profile.etag, profile.update_time), (own.etag.clone(), own.update_time));
                let has_zone = profile.time_zone_source != i32::from(TimeZoneSource::Unspecified);
                assert_eq!(has_zone, !profile.time_zone.is_empty());
            }
        }
    }
}

#[tokio::test]
async fn a_service_that_acts_for_somebody_sees_what_they_see() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    write(&app, &ada, full(), &["*"]).await.unwrap();
    let hidden = Profile { visibility: Some(all(Visibility::OnlyMe)), ..Profile::default() };
    write(&app, &ada, hidden, &["visibility"]).await.unwrap();

    let key = app.key(&["act", "profiles.read"]).await;
    let read_for = async |person: &Person| {
        let message = GetProfileRequest { user_id: ada.id.to_string() };
        let mut request = by(&key, message);
        request.metadata_mut().insert("x-on-behalf-of", person.id.to_string().parse().unwrap());
        app.profiles().get_profile(request).await.unwrap().into_inner().profile.unwrap()
    };
    assert_eq!(seen(&read_for(&ada).await), EVERYTHING);
    assert_eq!(seen(&read_for(&account.admin).await), Vec::<&str>::new());
}

#[tokio::test]
async fn visibility_is_changed_field_by_field_and_what_is_not_said_is_for_everyone() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let everyone = all(Visibility::EveryoneSharingAWorkcenter);
    assert_eq!(read(&app, &ada, "me").await.unwrap().visibility, Some(everyone));

    let only_me = Profile { visibility: Some(all(Visibility::OnlyMe)), ..Profile::default() };
    let written = write(&app, &ada, only_me.clone(), &["visibility.email"]).await.unwrap();
    assert_eq!(written.visibility, Some(one("email", Visibility::OnlyMe)));

    // Without a mask, what is unspecified stays as it is.
    let some = ProfileVisibility { locale: Visibility::AccountMembers.into(), ..ProfileVisibility::default() };
    let sent = Profile { visibility: Some(some), ..Profile::default() };
    let written = write(&app, &ada, sent.clone(), &[]).await.unwrap();
    let both = ProfileVisibility { email: Visibility::OnlyMe.into(), ..one("locale", Visibility::AccountMembers) };
    assert_eq!(written.visibility, Some(both));

    // With one it is for everyone.
    let written = write(&app, &ada, sent, &["visibility"]).await.unwrap();
    assert_eq!(written.visibility, Some(one("locale", Visibility::AccountMembers)));
    let written = write(&app, &ada, Profile::default(), &["visibility"]).await.unwrap();
    assert_eq!(written.visibility, Some(everyone));

    let bad = ProfileVisibility { email: 4, locale: -1, ..ProfileVisibility::default() };
    let sent = Profile { visibility: Some(bad), ..Profile::default() };
    let status = write(&app, &ada, sent, &["visibility.email", "visibility.locale"]).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "FIELD_INVALID"));
    assert_eq!(fields(&status), ["profile.visibility.email", "profile.visibility.locale"]);
}

#[tokio::test]
async fn a_mail_calls_nobody_by_an_address_that_they_hide() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let nameless = app.person(&account, "bob.b@example.com", "", "").await;
    let message = CreateInviteRequest {
        email: "newcomer@example.com".to_owned(),
        account_id: account.id.to_string(),
        ..CreateInviteRequest::default()
    };
    let invited = app.invites().create_invite(by(&nameless.token, message)).await.unwrap().into_inner();
    let id = invited.invite.unwrap().invite_id.parse().unwrap();
    let written = async || {
        let (client, now) = (app.client().await, app.now().await);
        let letters = invite::letters(&client, app.token_key(), "https://app.example", &[id], now).await.unwrap();
        let letter = &letters[0].written;
        format!("{} {} {}", letter.subject, letter.text, letter.html)
    };

    assert!(written().await.contains("bob.b"));
    for visibility in [Visibility::AccountMembers, Visibility::OnlyMe] {
        let sent = Profile { visibility: Some(all(visibility)), ..Profile::default() };
        write(&app, &nameless, sent, &["visibility.email"]).await.unwrap();
        let written = written().await;
        assert!(!written.contains("bob.b") && written.contains("Somebody"), "{written}");
    }
}
