//! WorkCenters that others are made like, and the zones that their dates are meant in.

use workcenter::{
    error::{Error, Reason},
    pb::{UpdateWorkCenterRequest, WorkCenterState},
    workcenter as spaces,
};

use super::{archive::archive, *};
use crate::{harness::Account, story::mask};

/// Makes a WorkCenter a template, or none any more; the version that it is then.
async fn mark(app: &App, id: Uuid, is_template: bool) -> Result<i64, Error> {
    let mut client = app.client().await;
    let tx = client.transaction().await.unwrap();
    let space = spaces::mark_as_template(&tx, id, is_template).await?;
    tx.commit().await.unwrap();
    assert_eq!(space.is_template, is_template);
    Ok(space.template_version)
}

/// The names of the templates that `who` is shown.
async fn templates(app: &App, who: &Person, states: &[WorkCenterState]) -> Vec<String> {
    let states = states.iter().map(|it| i32::from(*it)).collect();
    let asked = ListWorkCentersRequest { states, templates_only: true, ..Default::default() };
    let listed = app.workcenters().list_work_centers(by(&who.token, asked)).await.unwrap().into_inner().workcenters;
    assert!(listed.iter().all(|it| it.is_template));
    listed.into_iter().map(|it| it.name).collect()
}

/// Sets the zone of a WorkCenter.
async fn set_zone(app: &App, who: &Person, id: Uuid, zone: &str) -> Result<String, Status> {
    let named = WorkCenter { workcenter_id: id.to_string(), time_zone: zone.to_owned(), ..Default::default() };
    let update_mask = Some(mask(&["time_zone"]));
    let asked = UpdateWorkCenterRequest { workcenter: Some(named), update_mask, etag: String::new() };
    let updated = app.workcenters().update_work_center(by(&who.token, asked)).await?.into_inner();
    Ok(updated.workcenter.unwrap().time_zone)
}

async fn zone_of(app: &App, account: &Account, zone: &str) {
    let set = "update account set time_zone = nullif($2, '') where id = $1";
    db::text(&app.client().await, set, &[&account.id, &zone]).await.unwrap();
}

#[tokio::test]
async fn a_template_says_so_and_has_a_version_for_each_time_that_it_was_made_one() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let id = app.workcenter(&ada, account.id, "Plans").await;
    let before = get(&app, &ada, id).await.unwrap();
    assert_eq!((before.is_template, before.template_version), (false, 0));

    assert_eq!(mark(&app, id, true).await.unwrap(), 1);
    let first = get(&app, &ada, id).await.unwrap();
    assert_eq!((first.is_template, first.template_version), (true, 1));
    assert_ne!(first.etag, before.etag);
    assert_eq!(mark(&app, id, true).await.unwrap(), 2);
    assert_eq!(mark(&app, id, false).await.unwrap(), 2);
    let etag = get(&app, &ada, id).await.unwrap().etag;
    assert_eq!(mark(&app, id, false).await.unwrap(), 2);
    assert_eq!(get(&app, &ada, id).await.unwrap().etag, etag);
    assert_eq!(mark(&app, id, true).await.unwrap(), 3);

    archive(&app, &ada, id).await.unwrap();
    assert!(matches!(mark(&app, id, true).await, Err(Error::Refused(Reason::WorkcenterArchived))));
    assert!(matches!(mark(&app, Uuid::now_v7(), true).await, Err(Error::NotFound(..))));
}

#[tokio::test]
async fn templates_are_listed_to_whoever_sees_them_and_to_administrators() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let other = app.account("Sea Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let bob = app.person(&account, "bob@example.com", "Bob", "Builder").await;
    for name in ["Roof", "Pier", "Quay"] {
        let id = app.workcenter(&ada, account.id, name).await;
        if name == "Roof" {
            app.collaborator(&ada, id, &account.admin).await;
        }
        if name != "Quay" {
            mark(&app, id, true).await.unwrap();
        }
    }
    let archived = app.workcenter(&ada, account.id, "Archive").await;
    mark(&app, archived, true).await.unwrap();
    archive(&app, &ada, archived).await.unwrap();

    for who in [&ada, &account.admin] {
        assert_eq!(templates(&app, who, &[]).await, ["Pier", "Roof"], "{}", who.email);
        assert_eq!(templates(&app, who, &[WorkCenterState::Archived]).await, ["Archive"], "{}", who.email);
    }
    for who in [&bob, &other.admin] {
        assert!(templates(&app, who, &[]).await.is_empty(), "{}", who.email);
    }

    // A page goes on in the list that it is of.
    let page = async |templates_only, page_token| {
        let asked = ListWorkCentersRequest { templates_only, page_size: 1, page_token, ..Default::default() };
        app.workcenters().list_work_centers(by(&account.admin.token, asked)).await.map(tonic::Response::into_inner)
    };
    let first = page(true, String::new()).await.unwrap();
    assert_eq!(reason(&page(false, first.next_page_token.clone()).await.unwrap_err()), "PAGE_TOKEN_INVALID");
    let second = page(true, first.next_page_token).await.unwrap();
    assert_eq!((second.workcenters[0].name.as_str(), second.next_page_token.as_str()), ("Roof", ""));
}

#[tokio::test]
async fn dates_in_a_workcenter_are_meant_in_its_zone_or_in_that_of_the_account() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let admin = &account.admin;
    let zone = async |id| spaces::zone(&app.client().await, id).await;
    let asked = CreateWorkCenterRequest {
        account_id: account.id.to_string(),
        name: "Plans".to_owned(),
        time_zone: "america/new_york".to_owned(),
        ..Default::default()
    };
    let made = app.workcenters().create_work_center(by(&admin.token, asked)).await.unwrap().into_inner();
    let made = made.workcenter.unwrap();
    assert_eq!(made.time_zone, "America/New_York");
    let id: Uuid = made.workcenter_id.parse().unwrap();
    assert_eq!(get(&app, admin, id).await.unwrap().time_zone, "America/New_York");

    zone_of(&app, &account, "Europe/Zurich").await;
    assert_eq!(zone(id).await.unwrap(), "America/New_York");
    assert_eq!(set_zone(&app, admin, id, "").await.unwrap(), "");
    assert_eq!(zone(id).await.unwrap(), "Europe/Zurich");
    zone_of(&app, &account, "").await;
    assert_eq!(zone(id).await.unwrap(), "UTC");
    assert_eq!(set_zone(&app, admin, id, "asia/tokyo").await.unwrap(), "Asia/Tokyo");
    assert_eq!(zone(id).await.unwrap(), "Asia/Tokyo");

    let status = set_zone(&app, admin, id, "Europe/Zuerich").await.unwrap_err();
    assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, vec!["workcenter.time_zone".to_owned()]));
    assert!(matches!(zone(Uuid::now_v7()).await, Err(Error::NotFound(..))));
}
