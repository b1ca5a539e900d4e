//! Many profiles at once.

use tonic::{Code, Request, Status};
use uuid::Uuid;
use workcenter::{
    ids,
    pb::{BatchGetProfilesRequest, BatchGetProfilesResponse, Profile, Visibility},
};

use super::{all, full, guest, read, write};
use crate::harness::{App, Person, by, fields, reason};

pub async fn batch(app: &App, who: &Person, ids: &[String]) -> Result<BatchGetProfilesResponse, Status> {
    let message = BatchGetProfilesRequest { user_ids: ids.to_vec() };
    app.profiles().batch_get_profiles(by(&who.token, message)).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn a_batch_answers_in_the_order_of_the_request_each_once_and_names_who_is_missing() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let stranger = app.account("Dock Works").await.admin;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let [a, admin, s, nobody] = [ada.id, account.admin.id, stranger.id, ids::new()].map(|it| it.to_string());

    let asked = [&admin, "me", &s, &a.to_uppercase(), &nobody, &admin, &nobody].map(ToOwned::to_owned);
    let answer = batch(&app, &ada, &asked).await.unwrap();
    let found: Vec<_> = answer.profiles.iter().map(|it| it.user_id.clone()).collect();
    assert_eq!((found, answer.missing), (vec![admin.clone(), a], vec![s, nobody]));

    let none = batch(&app, &ada, &[]).await.unwrap();
    assert_eq!(none, BatchGetProfilesResponse::default());
    // A service that acts for nobody is nobody.
    let service = Person { token: app.key(&["profiles.read"]).await, ..ada };
    let answer = batch(&app, &service, &["me".to_owned(), admin]).await.unwrap();
    assert_eq!((answer.profiles.len(), answer.missing), (1, vec!["me".to_owned()]));
}

#[tokio::test]
async fn a_batch_says_of_each_what_they_are_told_who_ask_for_one() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let bob = app.person(&account, "bob@example.com", "Bob", "").await;
    let mate = guest(&app, &account, "gus@example.com").await;
    let stranger = app.account("Dock Works").await.admin;
    let plans = app.workcenter(&ada, account.id, "Plans").await;
    app.collaborator(&ada, plans, &mate).await;
    for (person, visibility) in [(&ada, Visibility::AccountMembers), (&bob, Visibility::OnlyMe)] {
        write(&app, person, Profile { visibility: Some(all(visibility)), ..full() }, &["*"]).await.unwrap();
    }
    let service = Person { token: app.key(&["profiles.read"]).await, ..ada.clone() };

    let everybody: Vec<String> =
        [ada.id, bob.id, mate.id, account.admin.id, stranger.id, ids::new()].map(|it| it.to_string()).into();
    for viewer in [&ada, &bob, &mate, &account.admin, &stranger, &service] {
        let answer = batch(&app, viewer, &everybody).await.unwrap();
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for id in &everybody {
            match read(&app, viewer, id).await {
                Ok(profile) => found.push(profile),
                Err(status) => {
                    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "USER_NOT_FOUND"));
                    missing.push(id.clone());
                }
            }
        }
        assert_eq!((answer.profiles, answer.missing), (found, missing), "for {}", viewer.email);
    }
}

#[tokio::test]
async fn a_batch_that_is_too_long_or_has_what_are_no_ids_is_refused() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = &account.admin;
    let many = |count: usize| -> Vec<String> { (0..count).map(|_| ids::new().to_string()).collect() };

    assert_eq!(batch(&app, ada, &many(1_000)).await.unwrap().missing.len(), 1_000);
    let repeated = vec![ada.id.to_string(); 2_000];
    assert_eq!(batch(&app, ada, &repeated).await.unwrap().profiles.len(), 1);
    let status = batch(&app, ada, &many(1_001)).await.unwrap_err();
    assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, vec!["user_ids".to_owned()]));
    let asked = ["", "me", "ada", &Uuid::nil().to_string()].map(ToOwned::to_owned);
    let status = batch(&app, ada, &asked).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "FIELD_INVALID"));
    assert_eq!(fields(&status), ["user_ids[0]", "user_ids[2]"]);

    let nobody = Request::new(BatchGetProfilesRequest { user_ids: many(1) });
    let status = app.profiles().batch_get_profiles(nobody).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "CALLER_UNKNOWN"));
}
