//! What accounts are: making them, reading them, and what their administrators set.

use tonic::{Code, Status};
use uuid::Uuid;
use workcenter::pb::{
    self, AccountRole, CreateAccountRequest, CreateInviteRequest, GetAccountRequest, PasswordPreset,
    UpdateAccountRequest,
};

use super::{members, told};
use crate::{
    harness::{App, Person, by, fields},
    story::mask,
};

const DAY: i64 = 86_400;

async fn get(app: &App, who: &Person, account: Uuid) -> pb::Account {
    let message = GetAccountRequest { account_id: account.to_string() };
    app.accounts().get_account(by(&who.token, message)).await.unwrap().into_inner().account.unwrap()
}

async fn update(
    app: &App,
    who: &Person,
    account: pb::Account,
    paths: &[&str],
    etag: &str,
) -> Result<pb::Account, Status> {
    let update_mask = (!paths.is_empty()).then(|| mask(paths));
    let message = UpdateAccountRequest { account: Some(account), update_mask, etag: etag.to_owned() };
    Ok(app.accounts().update_account(by(&who.token, message)).await?.into_inner().account.unwrap())
}

fn days(count: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds: count * DAY, nanos: 0 })
}

#[tokio::test]
async fn a_service_makes_an_account_for_somebody_once() {
    let app = App::start().await;
    let ada = app.account("Pier Works").await.admin;
    let key = app.key(&["accounts.create"]).await;
    let asked = CreateAccountRequest {
        name: " Quay Works ".to_owned(),
        time_zone: "europe/zurich".to_owned(),
        administrator_user_id: ada.id.to_string(),
        request_id: Uuid::now_v7().to_string(),
    };
    let create = async |asked: CreateAccountRequest| app.accounts().create_account(by(&key, asked)).await;
    let made = create(asked.clone()).await.unwrap().into_inner().account.unwrap();
    assert_eq!((made.name.as_str(), made.time_zone.as_str()), ("Quay Works", "Europe/Zurich"));
    assert_eq!(create(asked.clone()).await.unwrap().into_inner().account.unwrap(), made);
    let refused = create(CreateAccountRequest { name: "Other".to_owned(), ..asked.clone() }).await.unwrap_err();
    assert_eq!(told(&refused), (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned()));

    let id = made.account_id.parse().unwrap();
    let read = get(&app, &ada, id).await;
    assert_eq!(read, pb::Account { role: AccountRole::Administrator.into(), ..made });
    assert_eq!(members(&app, &ada, id).await.len(), 1);

    let (administrator_user_id, request_id) = (Uuid::now_v7().to_string(), String::new());
    let nobody = CreateAccountRequest { administrator_user_id, request_id, ..asked };
    assert_eq!(told(&create(nobody).await.unwrap_err()), (Code::NotFound, "USER_NOT_FOUND".to_owned()));
    let bad = CreateAccountRequest { time_zone: "Mars".to_owned(), request_id: "1".to_owned(), ..Default::default() };
    assert_eq!(fields(&create(bad).await.unwrap_err()), ["name", "time_zone", "administrator_user_id", "request_id"]);
}

#[tokio::test]
async fn administrators_change_what_the_mask_names() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let (admin, account_id) = (&account.admin, account.id.to_string());
    let new = get(&app, admin, account.id).await;
    assert_eq!((new.invite_expiry, new.password_preset()), (days(14), PasswordPreset::Nist2025));

    let sent = pb::Account {
        account_id: account_id.clone(),
        name: "Pier and Quay".to_owned(),
        time_zone: "asia/tokyo".to_owned(),
        invite_expiry: days(3),
        password_preset: PasswordPreset::ProcoreStrict.into(),
        ..Default::default()
    };
    let named = update(&app, admin, sent.clone(), &["time_zone"], &new.etag).await.unwrap();
    assert_eq!((named.name.as_str(), named.time_zone.as_str()), ("Pier Works", "Asia/Tokyo"));
    assert_eq!(get(&app, admin, account.id).await, named);
    let stale = update(&app, admin, sent.clone(), &["name"], &new.etag).await.unwrap_err();
    assert_eq!(told(&stale), (Code::Aborted, "ETAG_MISMATCH".to_owned()));

    let set = update(&app, admin, sent, &[], &named.etag).await.unwrap();
    assert_eq!((set.name.as_str(), set.invite_expiry), ("Pier and Quay", days(3)));
    assert_eq!(set.password_preset(), PasswordPreset::ProcoreStrict);
    let same = update(&app, admin, set.clone(), &["name"], "").await.unwrap();
    assert_eq!(same.etag, set.etag);

    let bad = pb::Account { account_id, invite_expiry: days(91), password_preset: 9, ..Default::default() };
    let refused = update(&app, admin, bad.clone(), &["*"], "").await.unwrap_err();
    assert_eq!(fields(&refused), ["account.name", "account.invite_expiry", "account.password_preset"]);
    let refused = update(&app, admin, bad, &["etag"], "").await.unwrap_err();
    assert_eq!(told(&refused), (Code::InvalidArgument, "MASK_PATH_UNKNOWN".to_owned()));
}

#[tokio::test]
async fn invites_are_good_for_as_long_as_the_account_has_it() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let account_id = account.id.to_string();
    let sent = pb::Account { account_id: account_id.clone(), invite_expiry: days(3), ..Default::default() };
    update(&app, &account.admin, sent, &[], "").await.unwrap();

    let good_for = async |email: &str, expires_in| {
        let (account_id, email) = (account_id.clone(), email.to_owned());
        let message = CreateInviteRequest { account_id, email, expires_in, ..Default::default() };
        let answer = app.invites().create_invite(by(&account.admin.token, message)).await.unwrap();
        let invite = answer.into_inner().invite.unwrap();
        invite.expire_time.unwrap().seconds - invite.create_time.unwrap().seconds
    };
    assert_eq!(good_for("ada@example.com", None).await, 3 * DAY);
    assert_eq!(good_for("bob@example.com", days(5)).await, 5 * DAY);
}

#[tokio::test]
async fn the_zone_of_an_account_is_at_once_that_of_those_who_have_set_none() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let (admin, account_id) = (&account.admin, account.id.to_string());
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let plans = app.workcenter(admin, account.id, "Plans").await;
    app.collaborator(admin, plans, &ada).await;
    let daily = pb::Preferences { default_delivery: pb::Delivery::Daily.into(), ..Default::default() };
    let message = pb::UpdatePreferencesRequest { preferences: Some(daily), ..Default::default() };
    app.preferences().update_preferences(by(&ada.token, message)).await.unwrap();
    let next = async || {
        let asked = by(&ada.token, pb::GetPreferencesRequest {});
        let preferences = app.preferences().get_preferences(asked).await.unwrap().into_inner().preferences.unwrap();
        preferences.next_digests[0].next_digest_local.clone()
    };
    assert_eq!(next().await, "2026-11-21T07:00:00+00:00[UTC]");

    let sent = pb::Account { account_id, time_zone: "Asia/Tokyo".to_owned(), ..Default::default() };
    update(&app, admin, sent, &[], "").await.unwrap();
    assert_eq!(next().await, "2026-11-21T07:00:00+09:00[Asia/Tokyo]");
}
