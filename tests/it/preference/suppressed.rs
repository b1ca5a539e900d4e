//! Addresses that the relay says do not exist: who sees them, and how mail goes there again.

use tonic::Status;
use workcenter::daemon::Sweep;

use super::*;
use crate::{
    harness::Account,
    sink::{Point, at},
};

async fn page(story: &Story, account: &Account, page_size: i32, page_token: &str) -> (Vec<String>, String) {
    let (account_id, page_token) = (account.id.to_string(), page_token.to_owned());
    let message = pb::ListSuppressedAddressesRequest { account_id, page_size, page_token };
    let mut client = story.app.preferences();
    let answer = client.list_suppressed_addresses(by(&account.admin.token, message)).await.unwrap().into_inner();
    assert!(
        answer.addresses.iter().all(|it| it.create_time.is_some() && it.reason == "550 5.1.1 unknown"),
        "{answer:?}"
    );
    (answer.addresses.into_iter().map(|it| it.email).collect(), answer.next_page_token)
}

async fn clear(story: &Story, account: &Account, email: &str) -> Result<(), Status> {
    let message = pb::ClearSuppressedAddressRequest { account_id: account.id.to_string(), email: email.to_owned() };
    story.app.preferences().clear_suppressed_address(by(&account.admin.token, message)).await.map(drop)
}

#[tokio::test]
async fn administrators_see_what_the_relay_says_does_not_exist_and_let_mail_go_there_again() {
    let story = Story::begin_with(vec![at(Point::Rcpt).reply("550 5.1.1 unknown")]).await;
    let account = &story.account;
    let elsewhere = story.app.account("Sea Works").await;
    let eve = story.app.person(account, "Eve@example.com", "Eve", "").await;
    story.app.collaborator(&story.bob, story.pier, &eve).await;
    for (account, email) in [(account, "nora@example.com"), (&elsewhere, "olga@example.com")] {
        let account_id = account.id.to_string();
        let offer = pb::CreateInviteRequest { email: email.to_owned(), account_id, ..Default::default() };
        story.app.invites().create_invite(by(&account.admin.token, offer)).await.unwrap();
    }
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;

    // Those of the account, a page at a time; those of another are its own.
    let (first, next) = page(&story, account, 2, "").await;
    assert_eq!(first, ["ada@example.com", "eve@example.com"]);
    assert_eq!(page(&story, account, 2, &next).await, (vec!["nora@example.com".to_owned()], String::new()));
    assert_eq!(page(&story, &elsewhere, 0, "").await.0, ["olga@example.com"]);
    let refused = clear(&story, account, "olga@example.com").await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "USER_NOT_FOUND"));
    assert_eq!(page(&story, &elsewhere, 0, "").await.0, ["olga@example.com"]);

    // What they missed is not sent, and what comes is.
    story.sink.behave(Vec::new());
    for _ in 0..2 {
        clear(&story, account, "ADA@example.com").await.unwrap();
    }
    assert_eq!(page(&story, account, 0, "").await.0, ["eve@example.com", "nora@example.com"]);
    story.publish(vec![story.uploaded("Section.pdf")]).await;
    story.at("2026-11-20T15:00:00Z").await;
    story.step(&[Sweep::Outbox]).await;
    let mails = story.mails();
    let told: Vec<_> = mails.iter().filter(|it| it.text().contains(".pdf")).collect();
    assert_eq!(told.iter().map(|it| it.to.as_str()).collect::<Vec<_>>(), ["ada@example.com"]);
    assert!(told[0].text().contains("Section.pdf") && !told[0].text().contains("Plan.pdf"));
}

#[tokio::test]
async fn an_account_sees_the_addresses_of_its_own_people_for_as_long_as_they_are_in_it() {
    let story = Story::begin_with(vec![at(Point::Rcpt).reply("550 5.1.1 unknown")]).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    assert_eq!(page(&story, &story.account, 0, "").await.0, ["ada@example.com"]);
    let (account_id, user_id) = (story.account.id.to_string(), "me".to_owned());
    let leave = pb::RemoveMemberRequest { account_id, user_id };
    story.app.accounts().remove_member(by(&story.ada.token, leave)).await.unwrap();
    assert_eq!(page(&story, &story.account, 0, "").await.0, Vec::<String>::new());
    let refused = clear(&story, &story.account, "ada@example.com").await.unwrap_err();
    assert_eq!(reason(&refused), "USER_NOT_FOUND");
}
