//! Deactivating an account and making it active again: who may, what is refused and what is not, and what happens at once.

mod silence;

use tokio::join;
use tonic::{Code, Status};
use uuid::Uuid;
use workcenter::{
    auth::SCOPE_ACCOUNTS,
    pb::{
        self, AccountRole, DeactivateAccountRequest, InviteState, ReactivateAccountRequest, WorkCenterRole,
        WorkCenterState, accept_invite_request, decline_invite_request,
    },
};

use super::{ROUNDS, members, remove, set_role, told};
use crate::{
    harness::{Account, App, PASSWORD, Person, by, reason},
    invite::mailed,
    story::{Story, mask, uploaded},
    workcenter::archive,
};

/// As whoever has `token`.
async fn deactivate(app: &App, token: &str, account: Uuid) -> Result<pb::Account, Status> {
    let message = DeactivateAccountRequest { account_id: account.to_string() };
    Ok(app.accounts().deactivate_account(by(token, message)).await?.into_inner().account.unwrap())
}

async fn reactivate(app: &App, token: &str, account: Uuid) -> Result<pb::Account, Status> {
    let message = ReactivateAccountRequest { account_id: account.to_string() };
    Ok(app.accounts().reactivate_account(by(token, message)).await?.into_inner().account.unwrap())
}

async fn get(app: &App, who: &Person, account: Uuid) -> pb::Account {
    let message = pb::GetAccountRequest { account_id: account.to_string() };
    app.accounts().get_account(by(&who.token, message)).await.unwrap().into_inner().account.unwrap()
}

fn offer(account: Uuid, email: &str) -> pb::CreateInviteRequest {
    pb::CreateInviteRequest { account_id: account.to_string(), email: email.to_owned(), ..Default::default() }
}

async fn invite(app: &App, who: &Person, account: Uuid, email: &str) -> pb::Invite {
    let made = app.invites().create_invite(by(&who.token, offer(account, email))).await.unwrap();
    made.into_inner().invite.unwrap()
}

async fn read_invite(app: &App, who: &Person, invite_id: &str) -> pb::Invite {
    let message = pb::GetInviteRequest { invite_id: invite_id.to_owned() };
    app.invites().get_invite(by(&who.token, message)).await.unwrap().into_inner().invite.unwrap()
}

async fn accept(app: &App, who: &Person, invite: &pb::Invite) -> Result<(), Status> {
    let by_id = Some(accept_invite_request::By::InviteId(invite.invite_id.clone()));
    let message = pb::AcceptInviteRequest { by: by_id, newcomer: None, ..Default::default() };
    app.invites().accept_invite(by(&who.token, message)).await.map(drop)
}

async fn decline(app: &App, token: String) -> pb::Invite {
    let message =
        pb::DeclineInviteRequest { by: Some(decline_invite_request::By::Token(token)), reason: String::new() };
    app.invites().decline_invite(message).await.unwrap().into_inner().invite.unwrap()
}

async fn add(app: &App, who: &Person, workcenter: Uuid, user: &Person) -> Result<(), Status> {
    let (workcenter_id, user_id) = (workcenter.to_string(), user.id.to_string());
    let message = pb::AddCollaboratorRequest { workcenter_id, user_id, role: WorkCenterRole::Reader.into() };
    app.workcenters().add_collaborator(by(&who.token, message)).await.map(drop)
}

async fn workcenter(app: &App, who: &Person, id: Uuid) -> pb::WorkCenter {
    let message = pb::GetWorkCenterRequest { workcenter_id: id.to_string() };
    app.workcenters().get_work_center(by(&who.token, message)).await.unwrap().into_inner().workcenter.unwrap()
}

async fn count(app: &App, rows: &str) -> i64 {
    app.client().await.query_one(&format!("select count(*) from {rows}"), &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn an_account_is_deactivated_once_and_reactivated_once_by_its_administrators_and_by_services() {
    let app = App::start().await;
    app.clock_at("2027-11-02T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let (admin, id) = (&account.admin, account.id);
    let member = app.person(&account, "ada@example.com", "Ada", "").await;
    let before = get(&app, admin, id).await;
    assert_eq!(before.deactivate_time, None);
    assert_eq!(told(&deactivate(&app, &member.token, id).await.unwrap_err()).1, "NOT_ALLOWED");

    let deactivated = deactivate(&app, &admin.token, id).await.unwrap();
    let seconds = app.now().await.as_second();
    assert_eq!(deactivated.deactivate_time.unwrap().seconds, seconds);
    assert_ne!(deactivated.etag, before.etag);
    app.clock_at("2027-11-03T08:00:00Z").await;
    assert_eq!(deactivate(&app, &admin.token, id).await.unwrap(), deactivated);
    assert_eq!(get(&app, admin, id).await, deactivated);

    let key = app.key(&[SCOPE_ACCOUNTS]).await;
    let active = reactivate(&app, &key, id).await.unwrap();
    assert_eq!((active.deactivate_time, active.role()), (None, AccountRole::Unspecified));
    assert_eq!(reactivate(&app, &key, id).await.unwrap(), active);
    let again = deactivate(&app, &key, id).await.unwrap();
    assert_eq!(again.deactivate_time.unwrap().seconds, seconds + 86_400);
    let back = reactivate(&app, &admin.token, id).await.unwrap();
    assert_eq!((back.role(), back.deactivate_time), (AccountRole::Administrator, None));
}

/// What there is in the account of the tests of what is refused.
struct Things {
    app: App,
    account: Account,
    bob: Person,
    eve: Person,
    max: Person,
    /// Bob's and Eve's.
    plans: Uuid,
    archived: Uuid,
    /// To Max, who is of another account.
    invite: pb::Invite,
}

impl Things {
    async fn gather() -> Self {
        let app = App::start().await;
        app.clock_at("2027-11-02T08:00:00Z").await;
        let (account, other) = (app.account("Pier Works").await, app.account("Quay Works").await);
        let bob = app.person(&account, "bob@example.com", "Bob", "Builder").await;
        let eve = app.person(&account, "eve@example.com", "Eve", "Evans").await;
        let max = app.person(&other, "max@example.com", "Max", "Walker").await;
        let plans = app.workcenter(&bob, account.id, "Plans").await;
        app.collaborator(&bob, plans, &eve).await;
        let archived = app.workcenter(&bob, account.id, "Old plans").await;
        archive::archive(&app, &bob, archived).await.unwrap();
        let invite = invite(&app, &bob, account.id, &max.email).await;
        Self { app, account, bob, eve, max, plans, archived, invite }
    }

    /// Everything of invites that is refused.
    async fn of_invites(&self) -> Vec<Status> {
        let Self { app, account, bob, max, .. } = self;
        let (account_id, id) = (account.id.to_string(), self.invite.invite_id.clone());
        let changed = pb::Invite { invite_id: id.clone(), message: "Hello".to_owned(), ..Default::default() };
        let change = pb::UpdateInviteRequest { invite: Some(changed), ..Default::default() };
        let rows = vec![pb::InviteRow { email: "olga@example.com".to_owned(), ..Default::default() }];
        let batch = pb::BatchCreateInvitesRequest { account_id: account_id.clone(), rows, ..Default::default() };
        let retry = pb::RetryFailedInvitesRequest { account_id, ..Default::default() };
        let mut invites = app.invites();
        let token = &bob.token;
        vec![
            invites.create_invite(by(token, offer(account.id, "nora@example.com"))).await.unwrap_err(),
            // One that would bring a member into a WorkCenter at once, too.
            invites.create_invite(by(token, offer(account.id, &self.eve.email))).await.unwrap_err(),
            invites.batch_create_invites(by(token, batch)).await.unwrap_err(),
            invites.update_invite(by(token, change)).await.unwrap_err(),
            invites.resend_invite(by(token, pb::ResendInviteRequest { invite_id: id })).await.unwrap_err(),
            invites.retry_failed_invites(by(token, retry)).await.unwrap_err(),
            accept(app, max, &self.invite).await.unwrap_err(),
        ]
    }

    /// Everything of the account and its WorkCenters that is refused.
    async fn of_workcenters(&self) -> Vec<Status> {
        let Self { app, account, bob, eve, plans, archived, .. } = self;
        let (token, admin) = (&bob.token, &account.admin);
        let (account_id, workcenter_id) = (account.id.to_string(), plans.to_string());
        let renamed = pb::Account { account_id: account_id.clone(), name: "Quay".to_owned(), ..Default::default() };
        let rename = pb::UpdateAccountRequest { account: Some(renamed), ..Default::default() };
        let named = pb::WorkCenter {
            workcenter_id: workcenter_id.clone(),
            name: "Roof".to_owned(),
            ..pb::WorkCenter::default()
        };
        let update = pb::UpdateWorkCenterRequest { workcenter: Some(named), ..Default::default() };
        let create = pb::CreateWorkCenterRequest { account_id, name: "Roof".to_owned(), ..Default::default() };
        let (user_id, role) = (eve.id.to_string(), WorkCenterRole::Owner.into());
        let change = pb::UpdateCollaboratorRequest { workcenter_id, user_id: user_id.clone(), role };
        let mut workcenters = app.workcenters();
        vec![
            app.accounts().update_account(by(&admin.token, rename)).await.unwrap_err(),
            set_role(app, admin, account.id, &user_id, AccountRole::Guest).await.unwrap_err(),
            workcenters.create_work_center(by(token, create)).await.unwrap_err(),
            workcenters.update_work_center(by(token, update)).await.unwrap_err(),
            workcenters.update_collaborator(by(token, change)).await.unwrap_err(),
            add(app, bob, *plans, admin).await.unwrap_err(),
            archive::archive(app, bob, *plans).await.unwrap_err(),
            archive::reactivate(app, bob, *archived).await.unwrap_err(),
            archive::delete(app, admin, *plans).await.unwrap_err(),
        ]
    }
}

#[tokio::test]
async fn nothing_in_a_deactivated_account_is_changed_until_it_is_reactivated() {
    let things = Things::gather().await;
    let Things { app, account, bob, max, plans, archived, invite, .. } = &things;
    deactivate(app, &account.admin.token, account.id).await.unwrap();
    let mut refused = things.of_invites().await;
    refused.extend(things.of_workcenters().await);
    for (number, status) in refused.iter().enumerate() {
        assert_eq!(told(status), (Code::FailedPrecondition, "ACCOUNT_DEACTIVATED".to_owned()), "number {number}");
    }
    let key = app.key(&["activity.publish"]).await;
    let events = vec![uploaded(*plans, bob, "Plan.pdf"), uploaded(*archived, bob, "Old.pdf")];
    let published = app.activity().publish_activity(by(&key, pb::PublishActivityRequest { events })).await.unwrap();
    let reasons: Vec<_> = published.into_inner().results.iter().map(pb::PublishResult::reason).collect();
    assert_eq!(reasons, [pb::Reason::AccountDeactivated, pb::Reason::WorkcenterArchived]);
    // Whoever is not in the account learns nothing of it.
    let stranger = app.account("Dock Works").await.admin;
    assert_eq!(reason(&add(app, &stranger, *plans, &stranger).await.unwrap_err()), "WORKCENTER_NOT_FOUND");

    reactivate(app, &account.admin.token, account.id).await.unwrap();
    accept(app, max, invite).await.unwrap();
    add(app, bob, *plans, max).await.unwrap();
    assert_eq!(workcenter(app, bob, *archived).await.state(), WorkCenterState::Archived);
    archive::reactivate(app, bob, *archived).await.unwrap();
}

#[tokio::test]
async fn what_is_in_a_deactivated_account_can_be_read_and_left_and_people_keep_their_own() {
    let things = Things::gather().await;
    let Things { app, account, bob, eve, plans, archived, invite: to_max, .. } = &things;
    let to_nora = invite(app, bob, account.id, "nora@example.com").await;
    let link = mailed(app, &to_nora).await.unwrap();
    deactivate(app, &account.admin.token, account.id).await.unwrap();

    assert_eq!(members(app, eve, account.id).await.len(), 3);
    assert_eq!(workcenter(app, eve, *plans).await.state(), WorkCenterState::Active);
    assert_eq!(workcenter(app, bob, *archived).await.state(), WorkCenterState::Archived);
    let listed = pb::ListCollaboratorsRequest { workcenter_id: plans.to_string(), ..Default::default() };
    let listed = app.workcenters().list_collaborators(by(&eve.token, listed)).await.unwrap().into_inner();
    assert_eq!(listed.collaborators.len(), 2);
    let events = pb::ListActivityRequest { workcenter_id: plans.to_string(), ..Default::default() };
    let events = app.activity().list_activity(by(&eve.token, events)).await.unwrap().into_inner().events;
    assert_eq!(events.len(), 1);
    assert_eq!(read_invite(app, bob, &to_max.invite_id).await.state(), InviteState::Pending);

    let sign_in = pb::SignInRequest { email: eve.email.clone(), password: PASSWORD.to_owned() };
    app.sessions().sign_in(sign_in).await.unwrap();
    let profile = Some(pb::Profile { job_title: "Rigger".to_owned(), ..Default::default() });
    let titled = pb::UpdateProfileRequest { profile, update_mask: Some(mask(&["job_title"])), ..Default::default() };
    app.profiles().update_profile(by(&eve.token, titled)).await.unwrap();
    let delivery = pb::Delivery::Weekly.into();
    let weekly = pb::UpdateWorkCenterPreferenceRequest { workcenter_id: plans.to_string(), delivery };
    app.preferences().update_work_center_preference(by(&eve.token, weekly)).await.unwrap();

    assert_eq!(decline(app, link).await.state(), InviteState::Declined);
    let withdrawn = pb::RevokeInviteRequest { invite_id: to_max.invite_id.clone() };
    let withdrawn = app.invites().revoke_invite(by(&bob.token, withdrawn)).await.unwrap().into_inner();
    assert_eq!(withdrawn.invite.unwrap().state(), InviteState::Revoked);
    let leave = pb::RemoveCollaboratorRequest { workcenter_id: plans.to_string(), user_id: "me".to_owned() };
    app.workcenters().remove_collaborator(by(&eve.token, leave)).await.unwrap();
    remove(app, eve, account.id, "me").await.unwrap();
    remove(app, &account.admin, account.id, &bob.id.to_string()).await.unwrap();
    assert_eq!(members(app, &account.admin, account.id).await.len(), 1);
    assert_eq!(count(app, "activity").await, 1);
}

#[tokio::test]
async fn of_a_deactivation_and_whoever_comes_in_at_once_one_is_first() {
    let things = Things::gather().await;
    let Things { app, account, bob, plans, .. } = &things;
    let admin = &account.admin;
    for round in 0..ROUNDS {
        let other = app.account("Dock Works").await.admin;
        let offered = invite(app, bob, account.id, &other.email).await;
        let carl = app.person(account, &format!("carl{round}@example.com"), "Carl", "").await;
        let (accepted, added, deactivated, invited) = join!(
            accept(app, &other, &offered),
            add(app, bob, *plans, &carl),
            deactivate(app, &admin.token, account.id),
            async {
                let asked = offer(account.id, &format!("nora{round}@example.com"));
                app.invites().create_invite(by(&bob.token, asked)).await.map(drop)
            },
        );
        deactivated.unwrap();
        let is_member = format!("member where account_id = '{}' and user_id = '{}'", account.id, other.id);
        let is_there = format!("collaborator where user_id = '{}'", carl.id);
        let is_invited = format!("invite where email = 'nora{round}@example.com'");
        for (done, rows) in [(accepted, is_member), (added, is_there), (invited, is_invited)] {
            assert_eq!(count(app, &rows).await, i64::from(done.is_ok()), "{rows}: {done:?}");
            if let Err(status) = done {
                assert_eq!(reason(&status), "ACCOUNT_DEACTIVATED");
            }
        }
        // What came before is in the outbox, and nothing of it goes.
        assert_eq!(count(app, "mail where ended_at is null").await, 0, "in round {round}");
        reactivate(app, &admin.token, account.id).await.unwrap();
    }
}

#[tokio::test]
async fn deactivating_takes_as_many_statements_whatever_there_is() {
    let (app, tap) = App::tapped().await;
    let mut trips = Vec::new();
    // The first ones are what a connection takes to get to know the statements.
    for size in [2, 2, 2, 12] {
        let account = app.account("Pier Works").await;
        let admin = &account.admin;
        let key = app.key(&["activity.publish"]).await;
        for number in 0..size {
            let email = format!("{}@example.com", Uuid::now_v7().simple());
            let person = app.person(&account, &email, "Pat", "").await;
            let plans = app.workcenter(admin, account.id, &format!("Plans {number}")).await;
            app.collaborator(admin, plans, &person).await;
            let events = vec![uploaded(plans, admin, "Plan.pdf")];
            app.activity().publish_activity(by(&key, pb::PublishActivityRequest { events })).await.unwrap();
        }
        // Each with a key that the server has not seen: those that it has, it knows for some seconds.
        let keys = [app.key(&[SCOPE_ACCOUNTS]).await, app.key(&[SCOPE_ACCOUNTS]).await];
        let before = tap.round_trips();
        deactivate(&app, &keys[0], account.id).await.unwrap();
        let after = tap.round_trips();
        reactivate(&app, &keys[1], account.id).await.unwrap();
        trips.push((after - before, tap.round_trips() - after));
    }
    assert_eq!(trips[2], trips[3]);
}

#[tokio::test]
async fn events_that_are_published_while_it_is_deactivated_are_refused_or_not_told() {
    let story = Story::begin().await;
    let (app, token, id) = (&story.app, &story.account.admin.token, story.account.id);
    for round in 1..=5 {
        let events = |part: i32| (0..20).map(|it| story.uploaded(&format!("{round}-{part}-{it}.pdf"))).collect();
        let (one, deactivated, two) =
            join!(story.publish(events(1)), deactivate(app, token, id), story.publish(events(2)));
        deactivated.unwrap();
        for part in [one, two] {
            let refused = part.iter().filter(|it| it.reason() == pb::Reason::AccountDeactivated).count();
            assert!(refused == 0 || refused == part.len());
        }
        reactivate(app, token, id).await.unwrap();
        story.at(&format!("2026-11-20T14:0{round}:00Z")).await;
    }
    assert_eq!(story.mails().len(), 0);
    assert_eq!(story.findings().await, []);
}
