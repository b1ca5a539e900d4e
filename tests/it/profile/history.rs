//! The history of a profile.

use futures_util::stream;
use jiff::ToSpan;
use tonic::{Code, Request, Status};
use workcenter::{
    pb::{
        Address, DeletePictureRequest, ListProfileChangesRequest, ListProfileChangesResponse, Profile,
        ProfileVisibility, Visibility,
    },
    profile,
};

use super::{first_name, write};
use crate::{
    harness::{App, Person, by, fields, reason},
    picture,
};

async fn list(app: &App, who: &Person, size: i32, token: &str) -> Result<ListProfileChangesResponse, Status> {
    let message = ListProfileChangesRequest { page_size: size, page_token: token.to_owned() };
    app.profiles().list_profile_changes(by(&who.token, message)).await.map(tonic::Response::into_inner)
}

/// What the history of `who` says, newest first: field, old and new value.
async fn told(app: &App, who: &Person) -> Vec<(String, String, String)> {
    let changes = list(app, who, 0, "").await.unwrap().changes;
    changes.into_iter().map(|it| (it.field, it.old_value, it.new_value)).collect()
}

fn line(field: &str, old: &str, new: &str) -> (String, String, String) {
    (field.to_owned(), old.to_owned(), new.to_owned())
}

#[tokio::test]
async fn each_field_that_changes_is_a_line_in_ones_own_history() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    assert_eq!(told(&app, &ada).await, []);

    let sent = Profile {
        address: Some(Address { city: "Zürich".to_owned(), ..Address::default() }),
        visibility: Some(ProfileVisibility { email: Visibility::OnlyMe.into(), ..ProfileVisibility::default() }),
        ..first_name("Ada")
    };
    let written = write(&app, &ada, sent, &[]).await.unwrap();
    write(&app, &ada, first_name(""), &["first_name", "address.city"]).await.unwrap();
    let expected = [
        line("address.city", "Zürich", ""),
        line("first_name", "Ada", ""),
        line("visibility.email", "EVERYONE_SHARING_A_WORKCENTER", "ONLY_ME"),
        line("address.city", "", "Zürich"),
    ];
    assert_eq!(told(&app, &ada).await, expected, "what stayed as it was is no change");

    // What was refused has not changed anything, and nobody else has done anything.
    write(&app, &ada, first_name(&"x".repeat(101)), &[]).await.unwrap_err();
    assert_eq!(told(&app, &ada).await.len(), 4);
    assert_eq!(told(&app, &account.admin).await, []);
    let first = list(&app, &ada, 0, "").await.unwrap().changes.pop().unwrap();
    assert_eq!((first.actor_user_id, first.change_time), (ada.id.to_string(), written.update_time));
    let nobody = Request::new(ListProfileChangesRequest::default());
    let status = app.profiles().list_profile_changes(nobody).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "CALLER_UNKNOWN"));
}

#[tokio::test]
async fn pictures_are_in_it_with_who_took_them_away() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let messages = picture::messages(&picture::jpeg(40, 40), 1 << 20);
    let uploaded = app.profiles().upload_picture(by(&ada.token, stream::iter(messages))).await.unwrap();
    let etag = uploaded.into_inner().picture.unwrap().etag;
    let message = DeletePictureRequest { user_id: ada.id.to_string() };
    for _ in 0..2 {
        app.profiles().delete_picture(by(&account.admin.token, message.clone())).await.unwrap();
    }

    assert_eq!(told(&app, &ada).await, [line("picture", &etag, ""), line("picture", "", &etag)]);
    let changes = list(&app, &ada, 0, "").await.unwrap().changes;
    let by: Vec<_> = changes.into_iter().map(|it| it.actor_user_id).collect();
    assert_eq!(by, [account.admin.id.to_string(), ada.id.to_string()]);
}

#[tokio::test]
async fn it_is_read_in_pages_of_ones_own() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    for number in 0..5 {
        write(&app, &ada, first_name(&number.to_string()), &[]).await.unwrap();
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = list(&app, &ada, 2, &token).await.unwrap();
        seen.extend(page.changes.into_iter().map(|it| it.new_value));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        // What comes in between is not on a later page.
        write(&app, &ada, first_name(&format!("later {}", seen.len())), &[]).await.unwrap();
    }
    assert_eq!(seen, ["4", "3", "2", "1", "0"]);

    let token = list(&app, &ada, 2, "").await.unwrap().next_page_token;
    for (who, size, token, field, why) in [
        (&account.admin, 0, token.as_str(), "page_token", "PAGE_TOKEN_INVALID"),
        (&ada, 0, "nonsense", "page_token", "PAGE_TOKEN_INVALID"),
        (&ada, -1, "", "page_size", "FIELD_INVALID"),
    ] {
        let status = list(&app, who, size, token).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, why));
        assert_eq!(fields(&status), [field]);
    }
}

#[tokio::test]
async fn what_is_older_than_two_years_is_removed() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    write(&app, &ada, first_name("old"), &[]).await.unwrap();
    app.clock_at("2026-11-21T12:00:00Z").await;
    write(&app, &ada, first_name("new"), &[]).await.unwrap();

    let sweep = async |hours: i64| {
        let at = app.now().await + (2 * 365 * 24 - 24 + hours).hours();
        profile::sweep(&app.client().await, at).await.unwrap()
    };
    assert_eq!((sweep(0).await, sweep(1).await, sweep(2).await), (0, 1, 0));
    assert_eq!(told(&app, &ada).await, [line("first_name", "old", "new")]);
}
