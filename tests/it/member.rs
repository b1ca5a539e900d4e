//! Accounts through the wire: who belongs to them, what they are in them, and how they leave.

mod deactivation;
mod hearing;
mod leaving;
mod settings;

use tokio::join;
use tonic::{Code, Status};
use uuid::Uuid;
use workcenter::pb::{
    AccountRole, AddCollaboratorRequest, ListMembersRequest, ListMembersResponse, Member, RemoveMemberRequest,
    UpdateMemberRequest, WorkCenterRole,
};

use crate::harness::{Account, App, Person, by, fields, reason};

/// How often those who do something at once are set against each other.
const ROUNDS: usize = 20;

pub async fn set_role(app: &App, who: &Person, account: Uuid, user: &str, role: AccountRole) -> Result<Member, Status> {
    let message = UpdateMemberRequest { account_id: account.to_string(), user_id: user.to_owned(), role: role.into() };
    Ok(app.accounts().update_member(by(&who.token, message)).await?.into_inner().member.unwrap())
}

pub async fn remove(app: &App, who: &Person, account: Uuid, user: &str) -> Result<(), Status> {
    let message = RemoveMemberRequest { account_id: account.to_string(), user_id: user.to_owned() };
    app.accounts().remove_member(by(&who.token, message)).await.map(|_| ())
}

async fn page(
    app: &App,
    who: &Person,
    account: Uuid,
    role: AccountRole,
    page_size: i32,
    page_token: &str,
) -> Result<ListMembersResponse, Status> {
    let (account_id, page_token) = (account.to_string(), page_token.to_owned());
    let message = ListMembersRequest { account_id, role: role.into(), page_size, page_token };
    Ok(app.accounts().list_members(by(&who.token, message)).await?.into_inner())
}

/// Everybody in an account, as they came.
pub async fn members(app: &App, who: &Person, account: Uuid) -> Vec<Member> {
    let mut members = Vec::new();
    let mut token = String::new();
    loop {
        let page = page(app, who, account, AccountRole::Unspecified, 200, &token).await.unwrap();
        members.extend(page.members);
        token = page.next_page_token;
        if token.is_empty() {
            return members;
        }
    }
}

async fn another_administrator(app: &App, account: &Account, email: &str) -> Person {
    let person = app.person(account, email, "Second", "").await;
    set_role(app, &account.admin, account.id, &person.id.to_string(), AccountRole::Administrator).await.unwrap();
    person
}

fn told(status: &Status) -> (Code, String) {
    (status.code(), reason(status))
}

#[tokio::test]
async fn members_are_listed_as_they_came_page_by_page_whoever_goes_meanwhile() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let admin = &account.admin;
    let mut came = vec![admin.clone()];
    for minute in 1..=4 {
        app.clock_at(&format!("2026-11-23T08:0{minute}:00Z")).await;
        // The later, the earlier by address.
        came.push(app.person(&account, &format!("{}@example.com", 9 - minute), "Person", "Of the Pier").await);
    }
    let guest = app.guest(&account, "guest@example.com").await;
    let ids = |members: &[Member]| members.iter().map(|it| it.user_id.parse().unwrap()).collect::<Vec<Uuid>>();

    let first = page(&app, admin, account.id, AccountRole::Unspecified, 3, "").await.unwrap();
    assert_eq!(ids(&first.members), [came[0].id, came[1].id, came[2].id]);
    assert_eq!((first.members[1].last_name.as_str(), first.members[1].role()), ("Of the Pier", AccountRole::Member));
    for gone in [&came[1], &came[2]] {
        remove(&app, admin, account.id, &gone.id.to_string()).await.unwrap();
    }
    let token = first.next_page_token;
    let rest = page(&app, admin, account.id, AccountRole::Unspecified, 3, &token).await.unwrap();
    assert_eq!(ids(&rest.members), [came[3].id, came[4].id, guest.id]);
    assert_eq!(rest.next_page_token, "");

    let guests = page(&app, &came[3], account.id, AccountRole::Guest, 0, "").await.unwrap();
    assert_eq!(ids(&guests.members), [guest.id]);
    let refused = page(&app, admin, account.id, AccountRole::Member, 3, &token).await.unwrap_err();
    assert_eq!(told(&refused), (Code::InvalidArgument, "PAGE_TOKEN_INVALID".to_owned()));
    let message = ListMembersRequest { account_id: "pier".to_owned(), role: 9, page_size: -1, ..Default::default() };
    let refused = app.accounts().list_members(by(&admin.token, message)).await.unwrap_err();
    assert_eq!(fields(&refused), ["account_id", "role", "page_size"]);
}

#[tokio::test]
async fn people_leave_by_themselves_whatever_they_are_and_are_strangers_then() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let member = app.person(&account, "member@example.com", "Member", "").await;
    let guest = app.guest(&account, "guest@example.com").await;
    remove(&app, &guest, account.id, "me").await.unwrap();
    remove(&app, &member, account.id, &member.id.to_string()).await.unwrap();
    assert_eq!(members(&app, &account.admin, account.id).await.len(), 1);
    for gone in [&guest, &member] {
        let refused = remove(&app, gone, account.id, "me").await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "ACCOUNT_NOT_FOUND"));
    }
}

#[tokio::test]
async fn administrators_say_what_somebody_is_as_long_as_one_of_them_is_left() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let admin = &account.admin;
    let second = another_administrator(&app, &account, "second@example.com").await;
    let made = set_role(&app, &second, account.id, &admin.id.to_string(), AccountRole::Guest).await.unwrap();
    assert_eq!((made.user_id, made.role, made.first_name.as_str()), (admin.id.to_string(), 3, "Admin"));

    for role in [AccountRole::Member, AccountRole::Guest] {
        let refused = set_role(&app, &second, account.id, "me", role).await.unwrap_err();
        assert_eq!(told(&refused), (Code::FailedPrecondition, "LAST_ADMINISTRATOR".to_owned()));
    }
    let refused = remove(&app, &second, account.id, "me").await.unwrap_err();
    assert_eq!(told(&refused), (Code::FailedPrecondition, "LAST_ADMINISTRATOR".to_owned()));
    set_role(&app, &second, account.id, "me", AccountRole::Administrator).await.unwrap();

    let stranger = app.account("Quay Works").await.admin;
    for refused in [
        set_role(&app, &second, account.id, &stranger.id.to_string(), AccountRole::Guest).await.unwrap_err(),
        remove(&app, &second, account.id, &stranger.id.to_string()).await.unwrap_err(),
    ] {
        assert_eq!(told(&refused), (Code::NotFound, "USER_NOT_FOUND".to_owned()));
    }
    let refused = app.accounts().update_member(by(&second.token, UpdateMemberRequest::default())).await.unwrap_err();
    assert_eq!(fields(&refused), ["account_id", "user_id", "role"]);
}

#[tokio::test]
async fn of_two_administrators_who_act_at_once_one_is_left() {
    let app = App::start().await;
    for round in 0..ROUNDS {
        let account = app.account("Pier Works").await;
        let (one, id) = (&account.admin, account.id);
        let two = &another_administrator(&app, &account, &format!("second{round}@example.com")).await;
        let (of_one, of_two) = (one.id.to_string(), two.id.to_string());
        let (first, second, why) = match round % 3 {
            0 => {
                let (first, second) = join!(remove(&app, one, id, &of_two), remove(&app, two, id, &of_one));
                (first, second, "ACCOUNT_NOT_FOUND")
            }
            1 => {
                let (first, second) = join!(remove(&app, one, id, "me"), remove(&app, two, id, "me"));
                (first, second, "LAST_ADMINISTRATOR")
            }
            _ => {
                let demote = async |who, of| set_role(&app, who, id, of, AccountRole::Guest).await.map(|_| ());
                let (first, second) = join!(demote(one, &of_two), demote(two, &of_one));
                (first, second, "NOT_ALLOWED")
            }
        };
        let refused: Vec<_> = [first, second].into_iter().filter_map(Result::err).collect();
        assert_eq!(refused.iter().map(reason).collect::<Vec<_>>(), [why], "in round {round}");
        let count = "select from member where account_id = $1 and role = 'ADMINISTRATOR'";
        assert_eq!(app.client().await.query(count, &[&id]).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn who_is_added_to_a_workcenter_while_they_are_removed_is_not_in_it() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let (admin, id) = (&account.admin, account.id);
    let plans = app.workcenter(admin, id, "Plans").await;
    for round in 0..ROUNDS {
        let ada = app.person(&account, &format!("ada{round}@example.com"), "Ada", "Lovelace").await;
        let message = AddCollaboratorRequest {
            workcenter_id: plans.to_string(),
            user_id: ada.id.to_string(),
            role: WorkCenterRole::Reader.into(),
        };
        let (mut workcenters, of) = (app.workcenters(), ada.id.to_string());
        let (added, removed) =
            join!(workcenters.add_collaborator(by(&admin.token, message)), remove(&app, admin, id, &of));
        removed.unwrap();
        if let Err(refused) = added {
            assert_eq!(told(&refused), (Code::FailedPrecondition, "NOT_A_MEMBER".to_owned()));
        }
        let there = "select from collaborator where user_id = $1";
        assert!(app.client().await.query(there, &[&ada.id]).await.unwrap().is_empty(), "in round {round}");
    }
}
