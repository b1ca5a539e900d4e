//! Changing WorkCenters and what people are in them.

use workcenter::pb::{UpdateCollaboratorRequest, UpdateWorkCenterRequest};

use super::*;
use crate::story::mask;

async fn update(
    app: &App,
    who: &Person,
    id: Uuid,
    (name, category): (&str, &str),
    paths: &[&str],
    etag: &str,
) -> Result<WorkCenter, Status> {
    let workcenter = WorkCenter {
        workcenter_id: id.to_string(),
        name: name.to_owned(),
        category: category.to_owned(),
        ..Default::default()
    };
    let update_mask = (!paths.is_empty()).then(|| mask(paths));
    let asked = UpdateWorkCenterRequest { workcenter: Some(workcenter), update_mask, etag: etag.to_owned() };
    Ok(app.workcenters().update_work_center(by(&who.token, asked)).await?.into_inner().workcenter.unwrap())
}

async fn change(app: &App, who: &Person, id: Uuid, user: &str, role: WorkCenterRole) -> Result<Collaborator, Status> {
    let asked =
        UpdateCollaboratorRequest { workcenter_id: id.to_string(), user_id: user.to_owned(), role: role.into() };
    Ok(app.workcenters().update_collaborator(by(&who.token, asked)).await?.into_inner().collaborator.unwrap())
}

#[tokio::test]
async fn owners_and_administrators_change_what_the_mask_names() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let id = app.workcenter(&ada, account.id, "Plans").await;

    let changed = update(&app, &ada, id, (" Roof ", " Harbour "), &[], "").await.unwrap();
    assert_eq!((changed.name.as_str(), changed.category.as_str()), ("Roof", "Harbour"));
    assert_eq!(changed.role(), WorkCenterRole::Owner);
    assert_eq!(get(&app, &ada, id).await.unwrap(), changed);
    // What the mask does not name stays, what it names and is not set is cleared.
    let changed = update(&app, &account.admin, id, ("Walls", ""), &["category"], &changed.etag).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.category.as_str()), ("Roof", ""));
    let asked = by(&ada.token, ListWorkCentersRequest::default());
    let listed = app.workcenters().list_work_centers(asked).await.unwrap().into_inner().workcenters;
    assert_eq!(listed, [WorkCenter { role: WorkCenterRole::Owner.into(), ..changed }]);
}

#[tokio::test]
async fn a_stale_etag_is_refused_and_a_change_of_nothing_keeps_it() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = &account.admin;
    let id = app.workcenter(ada, account.id, "Plans").await;
    let read = get(&app, ada, id).await.unwrap();

    assert_eq!(update(&app, ada, id, ("Plans", ""), &["*"], &read.etag).await.unwrap(), read);
    let changed = update(&app, ada, id, ("Roof", ""), &["name"], &read.etag).await.unwrap();
    assert_ne!(changed.etag, read.etag);
    let status = update(&app, ada, id, ("Walls", ""), &["name"], &read.etag).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    assert_eq!(get(&app, ada, id).await.unwrap(), changed);
}

#[tokio::test]
async fn of_two_who_change_what_they_both_read_one_is_told_to_read_again() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = &account.admin;
    let id = app.workcenter(ada, account.id, "Plans").await;
    let etag = get(&app, ada, id).await.unwrap().etag;
    let (one, two) = join!(
        update(&app, ada, id, ("Roof", ""), &["name"], &etag),
        update(&app, ada, id, ("Walls", ""), &["name"], &etag),
    );
    let refused: Vec<_> = [one, two].into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(reason(&refused[0]), "ETAG_MISMATCH");
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_change_is_said_at_once() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let id = app.workcenter(&account.admin, account.id, "Plans").await;
    let category = "c".repeat(101);
    let status = update(&app, &account.admin, id, ("two\nlines", &category), &["*"], "").await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(fields(&status), ["workcenter.name", "workcenter.category"]);
    let status = update(&app, &account.admin, id, ("", ""), &["name"], "").await.unwrap_err();
    assert_eq!(fields(&status), ["workcenter.name"]);
    let status = update(&app, &account.admin, id, ("Roof", ""), &["name", "state"], "").await.unwrap_err();
    assert_eq!((fields(&status), reason(&status).as_str()), (vec!["update_mask".to_owned()], "MASK_PATH_UNKNOWN"));
    let asked = by(&account.admin.token, UpdateWorkCenterRequest::default());
    let status = app.workcenters().update_work_center(asked).await.unwrap_err();
    assert_eq!(fields(&status), ["workcenter.workcenter_id"]);
    assert_eq!(get(&app, &account.admin, id).await.unwrap().name, "Plans");
}

#[tokio::test]
async fn a_role_is_changed_and_counts_from_then_on() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let bob = app.person(&account, "bob@example.com", "Bob", "Builder").await;
    let id = app.workcenter(&bob, account.id, "Plans").await;
    app.collaborator(&bob, id, &ada).await;

    let changed = change(&app, &bob, id, &ada.id.to_string(), WorkCenterRole::Owner).await.unwrap();
    assert_eq!((changed.first_name.as_str(), changed.role()), ("Ada", WorkCenterRole::Owner));
    let changed = change(&app, &ada, id, &bob.id.to_string(), WorkCenterRole::Reader).await.unwrap();
    assert_eq!(changed.role(), WorkCenterRole::Reader);
    assert_eq!(get(&app, &bob, id).await.unwrap().role(), WorkCenterRole::Reader);
    assert_eq!(reason(&change(&app, &bob, id, "me", WorkCenterRole::Owner).await.unwrap_err()), "NOT_ALLOWED");

    let nobody = change(&app, &ada, id, &account.admin.id.to_string(), WorkCenterRole::Reader).await.unwrap_err();
    assert_eq!((nobody.code(), reason(&nobody).as_str()), (Code::NotFound, "USER_NOT_FOUND"));
    let asked = UpdateCollaboratorRequest::default();
    let status = app.workcenters().update_collaborator(by(&ada.token, asked)).await.unwrap_err();
    assert_eq!(fields(&status), ["workcenter_id", "user_id", "role"]);
}

#[tokio::test]
async fn the_last_owner_stays_an_owner() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let id = app.workcenter(&ada, account.id, "Plans").await;
    for (who, user) in [(&ada, "me".to_owned()), (&account.admin, ada.id.to_string())] {
        let status = change(&app, who, id, &user, WorkCenterRole::Contributor).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "LAST_OWNER"));
        assert_eq!(change(&app, who, id, &user, WorkCenterRole::Owner).await.unwrap().role(), WorkCenterRole::Owner);
    }
}

#[tokio::test]
async fn of_two_owners_of_whom_one_leaves_and_one_steps_down_at_once_one_stays() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    for round in 0..5 {
        let id = app.workcenter(&ada, account.id, &format!("Plans {round}")).await;
        add(&app, &ada, id, account.admin.id, WorkCenterRole::Owner).await.unwrap();
        let (one, two) = if round % 2 == 0 {
            let step_down = change(&app, &account.admin, id, "me", WorkCenterRole::Reader);
            let (one, two) = join!(remove(&app, &ada, id, "me"), step_down);
            (one, two.map(|_| ()))
        } else {
            let (one, two) = join!(
                change(&app, &ada, id, "me", WorkCenterRole::Reader),
                change(&app, &account.admin, id, "me", WorkCenterRole::Reader),
            );
            (one.map(|_| ()), two.map(|_| ()))
        };
        let refused: Vec<_> = [one, two].into_iter().filter_map(Result::err).collect();
        assert_eq!(refused.len(), 1);
        assert_eq!(reason(&refused[0]), "LAST_OWNER");
        let owners = people(&app, &account.admin, id).await.unwrap();
        assert_eq!(owners.iter().filter(|it| it.role() == WorkCenterRole::Owner).count(), 1);
    }
}
