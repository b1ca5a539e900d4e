//! Invites through the wire: who offers what to whom, and what the lists say of it.

mod accept;
mod batch;
mod change;
mod end;
pub mod import;
mod limits;
mod notice;
mod pages;
mod races;
mod remind;
mod resend;
mod token;

use tokio::join;
use tonic::{Code, Status};
use uuid::Uuid;
use workcenter::{
    clock::Clock,
    db, invite,
    pb::{
        AcceptInviteRequest, AcceptInviteResponse, AccountRole, CreateInviteRequest, CreateInviteResponse,
        GetWorkCenterRequest, Invite, InviteBox, InviteOutcome, InviteState, InvitedWorkCenter, ListActivityRequest,
        ListCollaboratorsRequest, ListInvitesRequest, Newcomer, RemoveCollaboratorRequest, SignInRequest,
        WorkCenterRole, accept_invite_request::By,
    },
};

use crate::harness::{Account, App, Person, by, fields, reason};

const PASSWORD: &str = "a bridge over the Tees";

fn offer(account: &Account, email: &str, role: AccountRole, places: &[(Uuid, WorkCenterRole)]) -> CreateInviteRequest {
    let place =
        |(id, role): &(Uuid, WorkCenterRole)| InvitedWorkCenter { workcenter_id: id.to_string(), role: (*role).into() };
    CreateInviteRequest {
        email: email.to_owned(),
        account_id: account.id.to_string(),
        account_role: role.into(),
        workcenters: places.iter().map(place).collect(),
        ..Default::default()
    }
}

async fn create(app: &App, who: &Person, offer: CreateInviteRequest) -> Result<CreateInviteResponse, Status> {
    Ok(app.invites().create_invite(by(&who.token, offer)).await?.into_inner())
}

/// Invites an address as a guest, by the administrator.
async fn invited(app: &App, account: &Account, email: &str) -> Invite {
    let offer = offer(account, email, AccountRole::Guest, &[]);
    create(app, &account.admin, offer).await.unwrap().invite.unwrap()
}

/// The token, as the invite's mail has it; `None` when there is no mail to write.
pub async fn mailed(app: &App, invite: &Invite) -> Option<String> {
    let now = Clock::new(app.pool().clone(), true).now().await.unwrap();
    let id: Uuid = invite.invite_id.parse().unwrap();
    let client = app.pool().client().await.unwrap();
    let letters = invite::letters(&client, app.token_key(), "https://app.example.com/", &[id], now).await.unwrap();
    let letter = letters.into_iter().next()?;
    assert_eq!((letter.invite, letter.email.as_str()), (id, invite.email.as_str()));
    let (_, link) = letter.written.text.split_once("https://app.example.com/invites/accept?token=").unwrap();
    Some(link.split_whitespace().next().unwrap().to_owned())
}

fn newcomer() -> Newcomer {
    Newcomer {
        first_name: "Nora".to_owned(),
        last_name: "New".to_owned(),
        password: PASSWORD.to_owned(),
        time_zone: "europe/paris".to_owned(),
    }
}

/// Accepts with a token, as somebody who is not signed in.
async fn come(app: &App, token: &str) -> Result<AcceptInviteResponse, Status> {
    let asked =
        AcceptInviteRequest { by: Some(By::Token(token.to_owned())), newcomer: Some(newcomer()), ..Default::default() };
    Ok(app.invites().accept_invite(asked).await?.into_inner())
}

async fn accept(app: &App, who: &Person, by_what: By) -> Result<AcceptInviteResponse, Status> {
    let asked = AcceptInviteRequest { by: Some(by_what), newcomer: None, ..Default::default() };
    Ok(app.invites().accept_invite(by(&who.token, asked)).await?.into_inner())
}

async fn list(app: &App, who: &Person, r#box: InviteBox, states: &[InviteState]) -> Vec<Invite> {
    let states = states.iter().map(|it| i32::from(*it)).collect();
    let asked = ListInvitesRequest { r#box: r#box.into(), states, ..Default::default() };
    app.invites().list_invites(by(&who.token, asked)).await.unwrap().into_inner().invites
}

fn addresses(invites: &[Invite]) -> Vec<&str> {
    invites.iter().map(|it| it.email.as_str()).collect()
}

async fn count(app: &App, table: &str) -> i64 {
    let count = format!("select count(*) as count from {table}");
    db::text(&app.pool().client().await.unwrap(), &count, &[]).await.unwrap()[0].get("count")
}

#[track_caller]
fn assert_refused<T>(answer: Result<T, Status>, code: Code, why: &str) {
    let status = answer.err().expect("it is refused");
    assert_eq!((status.code(), reason(&status).as_str()), (code, why), "{status:?}");
}

#[tokio::test]
async fn an_offer_that_cannot_be_made_names_every_field_at_once() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let asked = CreateInviteRequest {
        email: "ada@localhost".to_owned(),
        account_id: "pier".to_owned(),
        workcenters: vec![InvitedWorkCenter::default()],
        message: "bell\u{7}".to_owned(),
        expires_in: Some(prost_types::Duration { seconds: 91 * 86_400, nanos: 0 }),
        request_id: "once".to_owned(),
        ..Default::default()
    };
    let status = create(&app, &account.admin, asked).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(
        fields(&status),
        [
            "account_id",
            "request_id",
            "email",
            "workcenters[0].workcenter_id",
            "workcenters[0].role",
            "message",
            "expires_in",
        ]
    );
}

#[tokio::test]
async fn nobody_offers_what_they_have_not() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let quay = app.account("Quay Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let own = app.workcenter(&ada, account.id, "Own").await;
    let shared = app.workcenter(&account.admin, account.id, "Shared").await;
    app.collaborator(&account.admin, shared, &ada).await;
    let hidden = app.workcenter(&account.admin, account.id, "Hidden").await;
    let theirs = app.workcenter(&quay.admin, quay.id, "Theirs").await;

    let to = |role, places: &[Uuid]| {
        let places: Vec<_> = places.iter().map(|id| (*id, WorkCenterRole::Reader)).collect();
        offer(&account, "nora@example.com", role, &places)
    };
    let above = create(&app, &ada, to(AccountRole::Administrator, &[])).await;
    assert_refused(above, Code::PermissionDenied, "NOT_ALLOWED");
    let shared_only = create(&app, &ada, to(AccountRole::Guest, &[own, shared])).await;
    assert_refused(shared_only, Code::PermissionDenied, "NOT_ALLOWED");
    for id in [hidden, theirs, Uuid::now_v7()] {
        let unknown = create(&app, &ada, to(AccountRole::Guest, &[id])).await;
        assert_refused(unknown, Code::NotFound, "WORKCENTER_NOT_FOUND");
    }
    let foreign = create(&app, &account.admin, to(AccountRole::Guest, &[theirs])).await;
    assert_refused(foreign, Code::NotFound, "WORKCENTER_NOT_FOUND");
    let stranger = create(&app, &quay.admin, to(AccountRole::Guest, &[])).await;
    assert_refused(stranger, Code::NotFound, "ACCOUNT_NOT_FOUND");
    assert_eq!(count(&app, "invite").await, 0);

    create(&app, &ada, to(AccountRole::Member, &[own])).await.unwrap();
    let all = offer(&account, "max@example.com", AccountRole::Administrator, &[(hidden, WorkCenterRole::Owner)]);
    create(&app, &account.admin, all).await.unwrap();
}

#[tokio::test]
async fn an_address_has_one_live_invite_to_an_account() {
    let app = App::start().await;
    let (account, quay) = (app.account("Pier Works").await, app.account("Quay Works").await);
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    invited(&app, &account, "nora@example.com").await;
    let again = create(&app, &ada, offer(&account, "NORA@example.com", AccountRole::Guest, &[])).await;
    assert_refused(again, Code::AlreadyExists, "INVITE_PENDING");
    invited(&app, &quay, "nora@example.com").await;

    let at_once =
        async |who: &Person| create(&app, who, offer(&account, "max@example.com", AccountRole::Guest, &[])).await;
    let (one, two) = join!(at_once(&ada), at_once(&account.admin));
    let refused: Vec<_> = [one, two].into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!((refused[0].code(), reason(&refused[0]).as_str()), (Code::AlreadyExists, "INVITE_PENDING"));
    assert_eq!(count(&app, "mail").await, 3, "a refused invite has no mail");
}

#[tokio::test]
async fn a_request_that_is_sent_again_invites_nobody_again() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let asked = CreateInviteRequest {
        request_id: Uuid::now_v7().to_string(),
        ..offer(&account, "nora@example.com", AccountRole::Guest, &[])
    };
    let (one, two) = join!(create(&app, &account.admin, asked.clone()), create(&app, &account.admin, asked.clone()));
    assert_eq!(one.unwrap(), two.unwrap());
    assert_eq!((count(&app, "invite").await, count(&app, "mail").await), (1, 1));
    let other = CreateInviteRequest { email: "max@example.com".to_owned(), ..asked };
    assert_refused(create(&app, &account.admin, other).await, Code::AlreadyExists, "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn a_member_needs_no_invite_and_is_added_at_once() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let plans = app.workcenter(&account.admin, account.id, "Plans").await;
    let roof = app.workcenter(&account.admin, account.id, "Roof").await;
    app.collaborator(&account.admin, plans, &ada).await;

    let places = [(plans, WorkCenterRole::Owner), (roof, WorkCenterRole::Reader)];
    let asked = CreateInviteRequest {
        request_id: Uuid::now_v7().to_string(),
        ..offer(&account, "ADA@example.com", AccountRole::Guest, &places)
    };
    let answer = create(&app, &account.admin, asked.clone()).await.unwrap();
    assert_eq!((answer.outcome(), answer.invite.as_ref()), (InviteOutcome::AddedExisting, None));
    assert_eq!(create(&app, &account.admin, asked).await.unwrap(), answer);
    assert_eq!((count(&app, "invite").await, count(&app, "mail").await), (0, 0));

    // Who is there already stays what they are.
    for (id, role) in [(plans, WorkCenterRole::Contributor), (roof, WorkCenterRole::Reader)] {
        let asked = GetWorkCenterRequest { workcenter_id: id.to_string() };
        let seen = app.workcenters().get_work_center(by(&ada.token, asked)).await.unwrap().into_inner();
        assert_eq!(seen.workcenter.unwrap().role(), role);
    }
    assert_eq!(count(&app, "activity where kind = 'collaborator.added'").await, 2);
}

#[tokio::test]
async fn an_invite_runs_out_by_itself_and_its_address_may_be_invited_again() {
    let app = App::start().await;
    app.clock_at("2026-11-23T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let asked = CreateInviteRequest {
        expires_in: Some(prost_types::Duration { seconds: 86_400, nanos: 0 }),
        ..offer(&account, "nora@example.com", AccountRole::Guest, &[])
    };
    let invite = create(&app, &account.admin, asked.clone()).await.unwrap().invite.unwrap();
    let token = mailed(&app, &invite).await.unwrap();

    app.clock_at("2026-11-24T08:00:00Z").await;
    let sent = list(&app, &account.admin, InviteBox::Sent, &[]).await;
    assert_eq!((sent[0].state(), sent[0].end_time), (InviteState::Expired, invite.expire_time));
    assert!(list(&app, &account.admin, InviteBox::Sent, &[InviteState::Pending]).await.is_empty());
    assert_eq!(list(&app, &account.admin, InviteBox::Sent, &[InviteState::Expired]).await.len(), 1);
    assert!(list(&app, &account.admin, InviteBox::Pending, &[]).await.is_empty());
    assert_refused(come(&app, &token).await, Code::FailedPrecondition, "INVITE_NOT_PENDING");
    assert_eq!(mailed(&app, &invite).await, None);

    let again = create(&app, &account.admin, asked).await.unwrap().invite.unwrap();
    let sent = list(&app, &account.admin, InviteBox::Sent, &[]).await;
    let states: Vec<_> = sent.iter().map(|it| (it.invite_id.as_str(), it.state())).collect();
    let expected =
        [(again.invite_id.as_str(), InviteState::Pending), (invite.invite_id.as_str(), InviteState::Expired)];
    assert_eq!(states, expected);
    assert_eq!(sent[1].end_time, invite.expire_time);
    come(&app, &mailed(&app, &again).await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn each_box_has_its_own_invites_the_newest_first() {
    let app = App::start().await;
    let (account, quay) = (app.account("Pier Works").await, app.account("Quay Works").await);
    let max = app.person(&quay, "max@example.com", "Max", "Walker").await;
    let first = invited(&app, &account, "max@example.com").await;
    create(&app, &max, offer(&quay, "nora@example.com", AccountRole::Guest, &[])).await.unwrap();
    create(&app, &max, offer(&quay, "olga@example.com", AccountRole::Guest, &[])).await.unwrap();
    invited(&app, &account, "others@example.com").await;

    let received = list(&app, &max, InviteBox::Received, &[]).await;
    assert_eq!(addresses(&received), ["max@example.com"]);
    assert_eq!(received[0], first);
    assert_eq!(addresses(&list(&app, &max, InviteBox::Sent, &[]).await), ["olga@example.com", "nora@example.com"]);
    let pending = list(&app, &max, InviteBox::Pending, &[]).await;
    assert_eq!(addresses(&pending), ["olga@example.com", "nora@example.com", "max@example.com"]);

    accept(&app, &max, By::InviteId(first.invite_id)).await.unwrap();
    assert_eq!(list(&app, &max, InviteBox::Received, &[]).await[0].state(), InviteState::Accepted);
    assert_eq!(list(&app, &max, InviteBox::Pending, &[]).await.len(), 2);
    assert!(list(&app, &max, InviteBox::Pending, &[InviteState::Accepted]).await.is_empty());
}

#[tokio::test]
async fn invites_are_listed_page_by_page() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    for number in 0..5 {
        invited(&app, &account, &format!("nora{number}@example.com")).await;
    }
    let page = async |r#box: InviteBox, page_token: &str| {
        let asked = ListInvitesRequest {
            r#box: r#box.into(),
            page_size: 2,
            page_token: page_token.to_owned(),
            ..Default::default()
        };
        app.invites().list_invites(by(&account.admin.token, asked)).await.map(tonic::Response::into_inner)
    };
    let mut emails = Vec::new();
    let mut token = String::new();
    loop {
        let answer = page(InviteBox::Sent, &token).await.unwrap();
        emails.extend(answer.invites.into_iter().map(|it| it.email));
        if answer.next_page_token.is_empty() {
            break;
        }
        token = answer.next_page_token;
        assert_refused(page(InviteBox::Received, &token).await, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
    }
    let expected: Vec<_> = (0..5).rev().map(|number| format!("nora{number}@example.com")).collect();
    assert_eq!(emails, expected);

    let asked = ListInvitesRequest { states: vec![99], page_size: -1, ..Default::default() };
    let status = app.invites().list_invites(by(&account.admin.token, asked)).await.unwrap_err();
    assert_eq!(fields(&status), ["box", "states[0]", "page_size"]);
}
