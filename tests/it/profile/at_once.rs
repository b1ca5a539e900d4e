//! Changes of profiles that happen at once: none is lost, and they wait for nothing but the row of their own profile.

use std::pin::pin;

use futures_util::future::{Either, select};
use tonic::{Code, Status};
use workcenter::{
    daemon::Sweep,
    pb::{DeletePictureRequest, ListProfileChangesRequest, Profile, UpdateProfileRequest},
};

use super::{directory, first_name, read, write};
use crate::{
    harness::{Account, App, Person, by, reason},
    request::waits,
};

/// Ada, in an account of hers and its administrator's.
async fn ada() -> (App, Account, Person) {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    (app, account, ada)
}

/// What `change` comes to, of somebody who is given the job of a countess once it waits for them.
async fn overtaken<T>(app: &App, whom: &Person, change: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    let mut client = app.client().await;
    let tx = client.transaction().await.unwrap();
    let other = "update profile set job_title = 'Countess', revision = revision + 1 where user_id = $1";
    tx.execute(other, &[&whom.id]).await.unwrap();
    let change = pin!(change);
    let Either::Right(((), change)) = select(change, pin!(waits(app.pool()))).await else {
        panic!("the change did not wait");
    };
    tx.commit().await.unwrap();
    change.await
}

#[tokio::test]
async fn a_change_that_is_overtaken_by_another_leaves_both_and_is_noted_once() {
    let (app, _, ada) = ada().await;
    let before = read(&app, &ada, "me").await.unwrap();

    let answer = overtaken(&app, &ada, write(&app, &ada, first_name("Augusta"), &[])).await.unwrap();
    let after = read(&app, &ada, "me").await.unwrap();
    assert_eq!(answer, after);
    let [etag, twice_on] = [&before, &after].map(|it| it.etag.trim_matches('"').parse::<i64>().unwrap());
    assert_eq!((after.first_name.as_str(), after.job_title.as_str(), twice_on - etag), ("Augusta", "Countess", 2));
    let changes = by(&ada.token, ListProfileChangesRequest::default());
    let changes = app.profiles().list_profile_changes(changes).await.unwrap().into_inner().changes;
    let changes: Vec<_> = changes.iter().map(|it| (it.field.as_str(), it.old_value.as_str())).collect();
    assert_eq!(changes, [("first_name", "Ada")]);
}

#[tokio::test]
async fn a_change_that_is_overtaken_is_refused_when_it_said_of_what() {
    let (app, _, ada) = ada().await;
    let before = read(&app, &ada, "me").await.unwrap();
    for sent in [first_name("Augusta"), Profile { time_zone: "Asia/Tokyo".to_owned(), ..Profile::default() }] {
        let etag = read(&app, &ada, "me").await.unwrap().etag;
        let message = UpdateProfileRequest { profile: Some(sent), update_mask: None, etag };
        let mut profiles = app.profiles();
        let change = profiles.update_profile(by(&ada.token, message));
        let status = overtaken(&app, &ada, change).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    }
    let after = read(&app, &ada, "me").await.unwrap();
    assert_eq!((after.first_name, after.time_zone), (before.first_name, before.time_zone));
}

#[tokio::test]
async fn a_change_does_not_wait_for_others_of_the_account_to_be_told_of() {
    let (app, account, ada) = ada().await;
    app.daemon(None).step(Sweep::Housekeeping, app.now().await).await.unwrap();
    let mut client = app.client().await;
    let tx = client.transaction().await.unwrap();
    let head = tx.execute("select from directory_head where account_id = $1 for update", &[&account.id]).await.unwrap();
    assert_eq!(head, 1);
    assert_eq!(write(&app, &ada, first_name("Augusta"), &[]).await.unwrap().first_name, "Augusta");
}

#[tokio::test]
async fn what_directories_are_due_is_gone_when_somebody_follows_and_after_housekeeping() {
    let (app, account, ada) = ada().await;
    let due = async || -> i64 {
        app.client().await.query_one("select count(*) from directory_due", &[]).await.unwrap().get(0)
    };
    // More than get their numbers at once.
    let many = async || {
        let change = "insert into directory_due (user_id) select $1 from generate_series(1, 2500)";
        app.client().await.execute(change, &[&ada.id]).await.unwrap()
    };
    many().await;
    assert!(due().await > 2_500);
    app.daemon(None).step(Sweep::Housekeeping, app.now().await).await.unwrap();
    assert_eq!(due().await, 0);
    many().await;
    write(&app, &ada, first_name("Augusta"), &[]).await.unwrap();
    assert_eq!(due().await, 2_501);
    let mut stream = directory::follow(&app, &ada.token, account.id, "").await.unwrap();
    let (people, _) = directory::caught_up(&mut stream).await.unwrap();
    let people: Vec<_> = people.iter().map(|it| it.first_name.as_str()).collect();
    assert_eq!((people, due().await), (vec!["Admin", "Augusta"], 0));
}

#[tokio::test]
async fn a_picture_that_is_set_while_it_is_to_be_deleted_is_deleted() {
    let (app, _, ada) = ada().await;
    let mut client = app.client().await;
    let tx = client.transaction().await.unwrap();
    tx.execute("update profile set revision = revision + 1 where user_id = $1", &[&ada.id]).await.unwrap();
    let set = "insert into picture (user_id, etag, content_type, sides, digests, created_at)
        values ($1, 'first', 'image/jpeg', array[48], array[sha256('first')], now())";
    tx.execute(set, &[&ada.id]).await.unwrap();
    let mut profiles = app.profiles();
    let deleted = pin!(profiles.delete_picture(by(&ada.token, DeletePictureRequest { user_id: ada.id.to_string() })));
    let Either::Right(((), deleted)) = select(deleted, pin!(waits(app.pool()))).await else {
        panic!("it did not wait");
    };
    tx.commit().await.unwrap();
    deleted.await.unwrap();
    assert!(read(&app, &ada, "me").await.unwrap().picture.is_none());
}
