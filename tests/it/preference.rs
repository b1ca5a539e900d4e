//! What people set, through both doors, and what the answers say about it.

mod administrator;
mod batch;
mod large;
mod own;
mod pause;
mod preview;
mod redaction;
mod seed;
mod suppressed;
mod transitions;
mod why;

use tonic::Code;
use workcenter::pb::{
    self, AddressedItems, Delivery, DeliverySource, DigestFrequency, GetPreferencesRequest, Preferences, Weekday,
    WorkCenterPreference,
};

use crate::{
    harness::{Person, by, fields, reason},
    story::{Story, mask},
};

async fn read(story: &Story, person: &Person) -> Preferences {
    let answer = story.app.preferences().get_preferences(by(&person.token, GetPreferencesRequest {})).await.unwrap();
    answer.into_inner().preferences.unwrap()
}

async fn list(story: &Story, person: &Person) -> Vec<WorkCenterPreference> {
    let message = pb::ListWorkCenterPreferencesRequest::default();
    let answer = story.app.preferences().list_work_center_preferences(by(&person.token, message)).await.unwrap();
    answer.into_inner().preferences
}

#[tokio::test]
async fn who_has_chosen_nothing_hears_of_everything_at_once() {
    let story = Story::begin().await;
    let preferences = read(&story, &story.ada).await;
    assert!(preferences.notifications_enabled);
    assert_eq!(preferences.digest_frequency(), DigestFrequency::Daily);
    assert_eq!(preferences.digest_time, "07:00");
    assert_eq!(preferences.weekly_day(), Weekday::Monday);
    assert_eq!(preferences.daily_days.len(), 7);
    assert_eq!(preferences.default_delivery(), Delivery::Inherit);
    assert_eq!(preferences.addressed_items(), AddressedItems::Immediate);
    assert_eq!(preferences.next_digests, []);

    let placed = &list(&story, &story.ada).await[0];
    assert_eq!((placed.workcenter_name.as_str(), placed.delivery()), ("Pier 4", Delivery::Inherit));
    assert_eq!((placed.effective_delivery(), placed.source()), (Delivery::Immediate, DeliverySource::Account));
}

#[tokio::test]
async fn each_workcenter_says_what_is_in_force_and_where_it_comes_from() {
    let story = Story::begin().await;
    let weekly = Preferences {
        digest_frequency: DigestFrequency::Weekly.into(),
        default_delivery: Delivery::Digest.into(),
        ..Preferences::default()
    };
    story.prefer(&story.ada, weekly, &["digest_frequency", "default_delivery"]).await;
    let placed = &list(&story, &story.ada).await[0];
    assert_eq!((placed.effective_delivery(), placed.source()), (Delivery::Weekly, DeliverySource::Default));

    for (set, effective) in [
        (Delivery::Digest, Delivery::Weekly),
        (Delivery::Daily, Delivery::Daily),
        (Delivery::Immediate, Delivery::Immediate),
        (Delivery::Off, Delivery::Off),
    ] {
        let answer = story.deliver(&story.ada, set).await;
        assert_eq!((answer.delivery(), answer.effective_delivery()), (set, effective));
        assert_eq!(answer.source(), DeliverySource::Workcenter);
        assert_eq!(list(&story, &story.ada).await, [answer]);
    }

    let off = Preferences::default();
    story.prefer(&story.ada, off, &["notifications_enabled"]).await;
    let placed = &list(&story, &story.ada).await[0];
    assert_eq!((placed.effective_delivery(), placed.source()), (Delivery::Off, DeliverySource::SwitchedOff));
}

#[tokio::test]
async fn the_next_digests_are_announced_in_utc_and_where_the_person_is() {
    let story = Story::begin().await;
    story.live_in(&story.ada, "Asia/Kathmandu").await;
    let chosen = Preferences {
        default_delivery: Delivery::Daily.into(),
        digest_time: "08:30".to_owned(),
        daily_days: vec![Weekday::Tuesday.into(), Weekday::Friday.into()],
        ..Preferences::default()
    };
    let answer = story.prefer(&story.ada, chosen, &["default_delivery", "digest_time", "daily_days"]).await;
    let next = &answer.next_digests[0];
    assert_eq!((next.account_id.clone(), next.cadence()), (story.account.id.to_string(), Delivery::Daily));
    assert_eq!(next.next_digest_local, "2026-11-24T08:30:00+05:45[Asia/Kathmandu]");
    assert_eq!(next.next_digest_at, Some(pb::time("2026-11-24T02:45:00Z".parse().unwrap())));
}

#[tokio::test]
async fn only_what_the_mask_names_is_changed_and_the_etag_guards_it() {
    let story = Story::begin().await;
    let before = read(&story, &story.ada).await;
    let update = async |etag: &str, paths: &[&str]| {
        let preferences = Preferences { digest_time: "06:15".to_owned(), ..Preferences::default() };
        let message = pb::UpdatePreferencesRequest {
            preferences: Some(preferences),
            update_mask: Some(mask(paths)),
            etag: etag.to_owned(),
        };
        story.app.preferences().update_preferences(by(&story.ada.token, message)).await
    };
    let after = update(&before.etag, &["digest_time"]).await.unwrap().into_inner().preferences.unwrap();
    assert_ne!(after.etag, before.etag);
    assert_eq!(after, Preferences { digest_time: "06:15".to_owned(), etag: after.etag.clone(), ..before.clone() });
    assert_eq!(read(&story, &story.ada).await, after);

    let status = update(&before.etag, &["digest_time"]).await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
    let status = update("", &["etag", "digest_time", "nonsense"]).await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::InvalidArgument, "MASK_PATH_UNKNOWN".to_owned()));
    assert_eq!(fields(&status), ["update_mask", "update_mask"]);
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once_and_nothing_is_changed() {
    let story = Story::begin().await;
    let before = read(&story, &story.ada).await;
    let bad =
        Preferences { digest_time: "24:00".to_owned(), default_delivery: 99, weekly_day: 99, ..Preferences::default() };
    let message =
        pb::UpdatePreferencesRequest { preferences: Some(bad), update_mask: Some(mask(&["*"])), etag: String::new() };
    let status = story.app.preferences().update_preferences(by(&story.ada.token, message)).await.unwrap_err();
    let mut named = fields(&status);
    named.sort();
    let expected =
        ["addressed_items", "daily_days", "default_delivery", "digest_frequency", "digest_time", "weekly_day"];
    assert_eq!(named, expected.map(|it| format!("preferences.{it}")));
    assert_eq!(read(&story, &story.ada).await, before);
}

#[tokio::test]
async fn only_a_collaborator_has_a_preference_for_a_workcenter() {
    let story = Story::begin().await;
    let eve = story.app.person(&story.account, "eve@example.com", "Eve", "").await;
    for (person, code) in [(&eve, Code::NotFound), (&story.account.admin, Code::PermissionDenied)] {
        let message = pb::UpdateWorkCenterPreferenceRequest {
            workcenter_id: story.pier.to_string(),
            delivery: Delivery::Off.into(),
        };
        let mut client = story.app.preferences();
        let status = client.update_work_center_preference(by(&person.token, message)).await.unwrap_err();
        assert_eq!(status.code(), code);
    }
}
