//! WorkCenters through the wire: who makes, sees and leaves them.

pub mod archive;
pub mod provisioning;
mod purge;
mod template;
mod update;

use tokio::join;
use tonic::{Code, Status};
use uuid::Uuid;
use workcenter::{
    db,
    pb::{
        AddCollaboratorRequest, Collaborator, CreateWorkCenterRequest, GetWorkCenterRequest, ListActivityRequest,
        ListCollaboratorsRequest, ListWorkCentersRequest, RemoveCollaboratorRequest, WorkCenter, WorkCenterRole,
    },
};

use crate::harness::{App, Person, by, fields, reason};

async fn create(app: &App, who: &Person, account: Uuid, name: &str, request_id: &str) -> Result<WorkCenter, Status> {
    let asked = CreateWorkCenterRequest {
        account_id: account.to_string(),
        name: name.to_owned(),
        request_id: request_id.to_owned(),
        ..Default::default()
    };
    let answer = app.workcenters().create_work_center(by(&who.token, asked)).await?;
    Ok(answer.into_inner().workcenter.unwrap())
}

async fn get(app: &App, who: &Person, id: Uuid) -> Result<WorkCenter, Status> {
    let asked = GetWorkCenterRequest { workcenter_id: id.to_string() };
    Ok(app.workcenters().get_work_center(by(&who.token, asked)).await?.into_inner().workcenter.unwrap())
}

async fn add(app: &App, who: &Person, id: Uuid, user: Uuid, role: WorkCenterRole) -> Result<Collaborator, Status> {
    let asked = AddCollaboratorRequest { workcenter_id: id.to_string(), user_id: user.to_string(), role: role.into() };
    Ok(app.workcenters().add_collaborator(by(&who.token, asked)).await?.into_inner().collaborator.unwrap())
}

async fn remove(app: &App, who: &Person, id: Uuid, user: &str) -> Result<(), Status> {
    let asked = RemoveCollaboratorRequest { workcenter_id: id.to_string(), user_id: user.to_owned() };
    app.workcenters().remove_collaborator(by(&who.token, asked)).await.map(|_| ())
}

async fn people(app: &App, who: &Person, id: Uuid) -> Result<Vec<Collaborator>, Status> {
    let asked = ListCollaboratorsRequest { workcenter_id: id.to_string(), ..Default::default() };
    Ok(app.workcenters().list_collaborators(by(&who.token, asked)).await?.into_inner().collaborators)
}

/// The kinds and summaries of what happened, the oldest first.
async fn happened(app: &App, who: &Person, id: Uuid) -> Vec<(String, String)> {
    let asked = ListActivityRequest { workcenter_id: id.to_string(), ..Default::default() };
    let events = app.activity().list_activity(by(&who.token, asked)).await.unwrap().into_inner().events;
    events.into_iter().rev().map(|it| (it.kind, it.summary)).collect()
}

#[tokio::test]
async fn who_makes_a_workcenter_owns_it() {
    let app = App::start().await;
    app.clock_at("2026-11-23T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;

    let made = create(&app, &ada, account.id, " Plans ", "").await.unwrap();
    assert_eq!((made.name.as_str(), made.role()), ("Plans", WorkCenterRole::Owner));
    assert_eq!(made.account_id, account.id.to_string());
    assert_eq!(made.create_time.unwrap().seconds, 1_795_420_800);

    let id = made.workcenter_id.parse().unwrap();
    assert_eq!(get(&app, &ada, id).await.unwrap(), made);
    let there = people(&app, &ada, id).await.unwrap();
    assert_eq!(there.iter().map(|it| it.user_id.as_str()).collect::<Vec<_>>(), [ada.id.to_string()]);
    assert_eq!((there[0].first_name.as_str(), there[0].last_name.as_str()), ("Ada", "Lovelace"));
    assert!(happened(&app, &ada, id).await.is_empty());
}

#[tokio::test]
async fn a_workcenter_that_cannot_be_made_names_every_field_at_once() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let asked = CreateWorkCenterRequest {
        account_id: "pier".to_owned(),
        name: "two\nlines".to_owned(),
        request_id: "once".to_owned(),
        time_zone: "Europe/Zuerich".to_owned(),
    };
    let status = app.workcenters().create_work_center(by(&account.admin.token, asked)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(fields(&status), ["account_id", "name", "time_zone", "request_id"]);
}

#[tokio::test]
async fn an_administrator_sees_a_workcenter_without_a_role_in_it() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let id = app.workcenter(&ada, account.id, "Plans").await;

    assert_eq!(get(&app, &account.admin, id).await.unwrap().role(), WorkCenterRole::Unspecified);
    let asked = by(&account.admin.token, ListWorkCentersRequest::default());
    let listed = app.workcenters().list_work_centers(asked).await.unwrap().into_inner();
    assert!(listed.workcenters.is_empty());
    add(&app, &account.admin, id, account.admin.id, WorkCenterRole::Reader).await.unwrap();
    assert_eq!(get(&app, &account.admin, id).await.unwrap().role(), WorkCenterRole::Reader);
}

#[tokio::test]
async fn a_request_that_is_sent_again_makes_nothing_again() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let once = Uuid::now_v7().to_string();
    let made = create(&app, &account.admin, account.id, "Plans", &once).await.unwrap();
    assert_eq!(create(&app, &account.admin, account.id, "Plans", &once).await.unwrap(), made);

    let status = create(&app, &account.admin, account.id, "Other plans", &once).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
    let other = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    assert_ne!(create(&app, &other, account.id, "Plans", &once).await.unwrap(), made);
}

#[tokio::test]
async fn a_request_that_is_sent_twice_at_once_makes_one_workcenter() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let once = Uuid::now_v7().to_string();
    let (one, two) = join!(
        create(&app, &account.admin, account.id, "Plans", &once),
        create(&app, &account.admin, account.id, "Plans", &once),
    );
    assert_eq!(one.unwrap(), two.unwrap());
    let rows = db::text(&app.pool().client().await.unwrap(), "select id from workcenter", &[]).await.unwrap();
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn workcenters_are_listed_by_name_page_by_page() {
    let app = App::start().await;
    let (account, other) = (app.account("Pier Works").await, app.account("Quay Works").await);
    let ada = account.admin;
    for name in ["roof", "Plans", "walls", "plans"] {
        app.workcenter(&ada, account.id, name).await;
    }
    let theirs = app.workcenter(&other.admin, other.id, "Bridge").await;
    let member = "insert into member (account_id, user_id, role, created_at) values ($1, $2, 'MEMBER', now())";
    db::text(&app.pool().client().await.unwrap(), member, &[&other.id, &ada.id]).await.unwrap();
    app.collaborator(&other.admin, theirs, &ada).await;

    let page = async |account_id: &str, page_token: String| {
        let asked = ListWorkCentersRequest {
            account_id: account_id.to_owned(),
            page_size: 2,
            page_token,
            ..Default::default()
        };
        app.workcenters().list_work_centers(by(&ada.token, asked)).await.map(tonic::Response::into_inner)
    };
    let mut names = Vec::new();
    let mut token = String::new();
    loop {
        let answer = page("", token).await.unwrap();
        assert!(answer.workcenters.len() <= 2);
        names.extend(answer.workcenters.into_iter().map(|it| it.name));
        token = answer.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    // Two of one name come in the order in which they were made.
    assert_eq!(names, ["Bridge", "Plans", "plans", "roof", "walls"]);

    let theirs = page(&other.id.to_string(), String::new()).await.unwrap();
    assert_eq!(theirs.workcenters.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["Bridge"]);
    let of_all = page("", String::new()).await.unwrap().next_page_token;
    let status = page(&other.id.to_string(), of_all).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "PAGE_TOKEN_INVALID"));
    let status = page("quay", "nonsense".to_owned()).await.unwrap_err();
    assert_eq!(fields(&status), ["account_id", "page_token"]);
}

#[tokio::test]
async fn collaborators_are_listed_as_they_came_page_by_page() {
    let app = App::start().await;
    app.clock_at("2026-11-23T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let id = app.workcenter(&account.admin, account.id, "Plans").await;
    let mut came = vec![account.admin.id.to_string()];
    for (minute, name) in ["Zoe", "Ada", "Max"].into_iter().enumerate() {
        let person = app.person(&account, &format!("{name}@example.com"), name, "Walker").await;
        app.clock_at(&format!("2026-11-23T08:0{}:00Z", minute + 1)).await;
        let added = add(&app, &account.admin, id, person.id, WorkCenterRole::Reader).await.unwrap();
        assert_eq!((added.first_name.as_str(), added.role()), (name, WorkCenterRole::Reader));
        came.push(person.id.to_string());
    }

    let mut listed = Vec::new();
    let mut page_token = String::new();
    loop {
        let asked = ListCollaboratorsRequest { workcenter_id: id.to_string(), page_size: 3, page_token };
        let answer = app.workcenters().list_collaborators(by(&account.admin.token, asked)).await.unwrap().into_inner();
        listed.extend(answer.collaborators.into_iter().map(|it| it.user_id));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, came);
}

#[tokio::test]
async fn who_comes_and_who_goes_is_told_in_the_log() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let bob = app.person(&account, "bob@example.com", "Bob", "Builder").await;
    let id = app.workcenter(&account.admin, account.id, "Plans").await;
    app.collaborator(&account.admin, id, &ada).await;
    app.collaborator(&account.admin, id, &bob).await;
    remove(&app, &account.admin, id, &ada.id.to_string()).await.unwrap();
    remove(&app, &bob, id, "me").await.unwrap();

    let told = happened(&app, &account.admin, id).await;
    let told: Vec<_> = told.iter().map(|(kind, summary)| (kind.as_str(), summary.as_str())).collect();
    assert_eq!(
        told,
        [
            ("collaborator.added", "Ada Lovelace now collaborates in Plans."),
            ("collaborator.added", "Bob Builder now collaborates in Plans."),
            ("collaborator.removed", "Ada Lovelace no longer collaborates in Plans."),
            ("collaborator.left", "Bob Builder no longer collaborates in Plans."),
        ]
    );
    assert_eq!(reason(&get(&app, &ada, id).await.unwrap_err()), "WORKCENTER_NOT_FOUND");
}

#[tokio::test]
async fn who_leaves_hears_no_more_until_they_come_back() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let id = app.workcenter(&account.admin, account.id, "Plans").await;
    let hears = async || {
        let live = "select id from subscription where user_id = $1 and log_id = $2 and ended_at is null";
        !db::text(&app.pool().client().await.unwrap(), live, &[&ada.id, &id]).await.unwrap().is_empty()
    };
    assert!(!hears().await);
    app.collaborator(&account.admin, id, &ada).await;
    assert!(hears().await);
    remove(&app, &ada, id, "me").await.unwrap();
    assert!(!hears().await);
    app.collaborator(&account.admin, id, &ada).await;
    assert!(hears().await);
}

#[tokio::test]
async fn only_people_of_the_account_are_added_and_each_once() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let outsider = app.account("Quay Works").await.admin;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let id = app.workcenter(&account.admin, account.id, "Plans").await;

    for user in [outsider.id, Uuid::now_v7()] {
        let status = add(&app, &account.admin, id, user, WorkCenterRole::Reader).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "NOT_A_MEMBER"));
    }
    let (one, two) = join!(
        add(&app, &account.admin, id, ada.id, WorkCenterRole::Reader),
        add(&app, &account.admin, id, ada.id, WorkCenterRole::Contributor),
    );
    let refused: Vec<_> = [one, two].into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!((refused[0].code(), reason(&refused[0]).as_str()), (Code::AlreadyExists, "COLLABORATOR_EXISTS"));
    assert_eq!(happened(&app, &account.admin, id).await.len(), 1);

    let asked = AddCollaboratorRequest { workcenter_id: "plans".to_owned(), ..Default::default() };
    let status = app.workcenters().add_collaborator(by(&account.admin.token, asked)).await.unwrap_err();
    assert_eq!(fields(&status), ["workcenter_id", "user_id", "role"]);
}

#[tokio::test]
async fn the_last_owner_stays() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let id = app.workcenter(&ada, account.id, "Plans").await;
    for (who, user) in [(&ada, "me".to_owned()), (&account.admin, ada.id.to_string())] {
        let status = remove(&app, who, id, &user).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "LAST_OWNER"));
    }
    add(&app, &ada, id, account.admin.id, WorkCenterRole::Owner).await.unwrap();
    remove(&app, &ada, id, "me").await.unwrap();
}

#[tokio::test]
async fn of_two_owners_who_leave_at_once_one_stays() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    for round in 0..5 {
        let id = app.workcenter(&ada, account.id, &format!("Plans {round}")).await;
        add(&app, &ada, id, account.admin.id, WorkCenterRole::Owner).await.unwrap();
        let (one, two) = join!(remove(&app, &ada, id, "me"), remove(&app, &account.admin, id, "me"));
        let refused: Vec<_> = [one, two].into_iter().filter_map(Result::err).collect();
        assert_eq!(refused.len(), 1);
        assert_eq!(reason(&refused[0]), "LAST_OWNER");
        assert_eq!(people(&app, &account.admin, id).await.unwrap().len(), 1);
    }
}
