//! Accepting invites through the wire: who comes in, who does not, and what becomes of the invite.

use workcenter::{
    daemon::Sweep,
    pb::{GetInviteRequest, ListWorkCenterPreferencesRequest},
};

use super::*;
use crate::{
    sink::Sink,
    workcenter::archive::{archive, delete, reactivate},
};

#[tokio::test]
async fn a_newcomer_comes_in_with_all_that_was_offered_and_is_signed_in() {
    let app = App::start().await;
    app.clock_at("2026-11-23T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let plans = app.workcenter(&account.admin, account.id, "Plans").await;
    let roof = app.workcenter(&account.admin, account.id, "Roof").await;
    let places = [(roof, WorkCenterRole::Contributor), (plans, WorkCenterRole::Reader)];
    let asked = CreateInviteRequest {
        message: "Welcome,\nNora".to_owned(),
        ..offer(&account, "Nora@Example.com", AccountRole::Member, &places)
    };
    let answer = create(&app, &account.admin, asked).await.unwrap();
    assert_eq!(answer.outcome(), InviteOutcome::Created);
    let invite = answer.invite.unwrap();
    assert_eq!((invite.state(), invite.account_role()), (InviteState::Pending, AccountRole::Member));
    assert_eq!((invite.email.as_str(), invite.account_name.as_str()), ("Nora@Example.com", "Pier Works"));
    let fortnight = invite.expire_time.unwrap().seconds - invite.create_time.unwrap().seconds;
    assert_eq!(fortnight, 14 * 24 * 3_600);
    assert_eq!(count(&app, "mail where kind = 'INVITE' and state = 'PENDING' and user_id is null").await, 1);

    let token = mailed(&app, &invite).await.unwrap();
    let came = come(&app, &token).await.unwrap();
    let accepted = came.invite.unwrap();
    assert_eq!((accepted.state(), accepted.workcenters.len()), (InviteState::Accepted, 2));
    assert_eq!(accepted.end_time.unwrap().seconds, 1_795_420_800);
    assert!(came.session_expire_time.is_some());

    // The session is good, and so is the password.
    let asked = GetWorkCenterRequest { workcenter_id: roof.to_string() };
    let seen = app.workcenters().get_work_center(by(&came.token, asked)).await.unwrap().into_inner();
    assert_eq!(seen.workcenter.unwrap().role(), WorkCenterRole::Contributor);
    let asked = SignInRequest { email: "nora@example.com".to_owned(), password: PASSWORD.to_owned() };
    app.sessions().sign_in(asked).await.unwrap();

    for (id, name) in [(plans, "Plans"), (roof, "Roof")] {
        let asked = ListActivityRequest { workcenter_id: id.to_string(), ..Default::default() };
        let events = app.activity().list_activity(by(&came.token, asked)).await.unwrap().into_inner().events;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].kind, "collaborator.added");
        assert_eq!(events[0].summary, format!("Nora New now collaborates in {name}."));
        assert_eq!(events[0].subject.as_ref().unwrap().id, came.user_id);
    }
    assert_eq!(mailed(&app, &accepted).await, None, "an invite that was accepted has no mail any more");
}

#[tokio::test]
async fn of_two_who_accept_one_token_at_once_one_comes_in() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let plans = app.workcenter(&account.admin, account.id, "Plans").await;
    for round in 0..3 {
        let email = format!("nora{round}@example.com");
        let asked = offer(&account, &email, AccountRole::Guest, &[(plans, WorkCenterRole::Reader)]);
        let invite = create(&app, &account.admin, asked).await.unwrap().invite.unwrap();
        let token = mailed(&app, &invite).await.unwrap();
        let (one, two) = join!(come(&app, &token), come(&app, &token));
        let refused: Vec<_> = [one, two].into_iter().filter_map(Result::err).collect();
        assert_eq!(refused.len(), 1);
        // Whoever came later saw it accepted, or the person that it made: it depends on when they looked.
        assert!(["INVITE_NOT_PENDING", "ADDRESS_IN_USE"].contains(&reason(&refused[0]).as_str()), "{refused:?}");
        assert_refused(come(&app, &token).await, Code::FailedPrecondition, "INVITE_NOT_PENDING");
        assert_eq!(count(&app, &format!("person where email = '{email}'")).await, 1);
    }
    assert_eq!(count(&app, "activity where kind = 'collaborator.added'").await, 3);
}

#[tokio::test]
async fn of_two_calls_of_one_person_who_accepts_one_counts() {
    let app = App::start().await;
    let (account, quay) = (app.account("Pier Works").await, app.account("Quay Works").await);
    let plans = app.workcenter(&account.admin, account.id, "Plans").await;
    let max = app.person(&quay, "max@example.com", "Max", "Walker").await;
    let asked = offer(&account, &max.email, AccountRole::Member, &[(plans, WorkCenterRole::Owner)]);
    let invite = create(&app, &account.admin, asked).await.unwrap().invite.unwrap();
    assert_eq!(count(&app, "mail where user_id is not null").await, 1);

    let token = mailed(&app, &invite).await.unwrap();
    let (one, two) =
        join!(accept(&app, &max, By::Token(token)), accept(&app, &max, By::InviteId(invite.invite_id.clone())));
    let (accepted, refused): (Vec<_>, Vec<_>) = [one, two].into_iter().partition(Result::is_ok);
    let answer = accepted.into_iter().next().unwrap().unwrap();
    assert_eq!((answer.user_id.as_str(), answer.token.as_str()), (max.id.to_string().as_str(), ""));
    assert_eq!(answer.session_expire_time, None);
    assert_eq!(refused.len(), 1);
    assert_refused(refused.into_iter().next().unwrap(), Code::FailedPrecondition, "INVITE_NOT_PENDING");
}

#[tokio::test]
async fn an_address_that_is_a_persons_signs_in_first() {
    let app = App::start().await;
    let (account, quay) = (app.account("Pier Works").await, app.account("Quay Works").await);
    let max = app.person(&quay, "max@example.com", "Max", "Walker").await;
    let invite = invited(&app, &account, "max@example.com").await;
    let token = mailed(&app, &invite).await.unwrap();
    assert_refused(come(&app, &token).await, Code::AlreadyExists, "ADDRESS_IN_USE");

    let other = accept(&app, &quay.admin, By::Token(token.clone())).await;
    assert_refused(other, Code::PermissionDenied, "NOT_ALLOWED");
    let other = accept(&app, &quay.admin, By::InviteId(invite.invite_id.clone())).await;
    assert_refused(other, Code::NotFound, "INVITE_NOT_FOUND");
    let nobody = AcceptInviteRequest { by: Some(By::InviteId(invite.invite_id)), newcomer: None, ..Default::default() };
    assert_refused(app.invites().accept_invite(nobody).await, Code::Unauthenticated, "CALLER_UNKNOWN");

    let both =
        AcceptInviteRequest { by: Some(By::Token(token.clone())), newcomer: Some(newcomer()), ..Default::default() };
    let status = app.invites().accept_invite(by(&max.token, both)).await.unwrap_err();
    assert_eq!(fields(&status), ["newcomer"]);
    accept(&app, &max, By::Token(token)).await.unwrap();
}

#[tokio::test]
async fn who_is_signed_in_under_another_address_is_asked_first() {
    let app = App::start().await;
    app.clock_at("2027-11-02T08:00:00Z").await;
    let (account, quay) = (app.account("Pier Works").await, app.account("Quay Works").await);
    let max = app.person(&quay, "max@example.com", "Max", "Walker").await;
    let plans = app.workcenter(&account.admin, account.id, "Plans").await;
    let asked = CreateInviteRequest {
        notify_me_on_accept: true,
        ..offer(&account, "max@home.example", AccountRole::Member, &[(plans, WorkCenterRole::Reader)])
    };
    let invite = create(&app, &account.admin, asked).await.unwrap().invite.unwrap();
    let token = mailed(&app, &invite).await.unwrap();

    assert_refused(
        accept(&app, &max, By::Token(token.clone())).await,
        Code::FailedPrecondition,
        "INVITE_OTHER_ADDRESS",
    );
    assert_eq!(count(&app, "invite where state = 'PENDING' and accepted_by is null").await, 1);
    let sure = AcceptInviteRequest { by: Some(By::Token(token)), accept_at_other_address: true, ..Default::default() };
    let answer = app.invites().accept_invite(by(&max.token, sure)).await.unwrap().into_inner();
    let accepted = answer.invite.unwrap();
    assert_eq!((&accepted.accepted_user_id, &answer.user_id), (&max.id.to_string(), &max.id.to_string()));
    assert_eq!(accepted.email, "max@home.example");
    let read = GetInviteRequest { invite_id: invite.invite_id };
    let seen = app.invites().get_invite(by(&max.token, read)).await.unwrap().into_inner().invite.unwrap();
    assert_eq!(seen, accepted);
    let asked = GetWorkCenterRequest { workcenter_id: plans.to_string() };
    app.workcenters().get_work_center(by(&max.token, asked)).await.unwrap();

    // Their inviter is told who has come.
    let sink = Sink::start(Vec::new()).await;
    app.daemon(Some(sink.address())).step(Sweep::Outbox, app.now().await).await.unwrap();
    assert!(sink.mails().iter().any(|it| it.text().contains("Max Walker")));

    // Whose address is another person's cannot be taken, sure or not.
    let eve = app.person(&quay, "eve@example.com", "Eve", "Other").await;
    let invite = invited(&app, &account, &eve.email).await;
    let token = mailed(&app, &invite).await.unwrap();
    let sure = AcceptInviteRequest { by: Some(By::Token(token)), accept_at_other_address: true, ..Default::default() };
    let status = app.invites().accept_invite(by(&max.token, sure)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "NOT_ALLOWED"));
}

#[tokio::test]
async fn a_newcomer_hears_everything_that_is_wrong_at_once_and_may_try_again() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let invite = invited(&app, &account, "nora@example.com").await;
    let token = mailed(&app, &invite).await.unwrap();
    let with = async |newcomer: Option<Newcomer>| {
        let asked = AcceptInviteRequest { by: Some(By::Token(token.clone())), newcomer, ..Default::default() };
        app.invites().accept_invite(asked).await
    };
    let wrong = Newcomer {
        first_name: String::new(),
        last_name: "New\r\nBcc: all@example.com".to_owned(),
        password: "nora".to_owned(),
        time_zone: "Mars/Phobos".to_owned(),
    };
    let status = with(Some(wrong)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    for field in ["newcomer.first_name", "newcomer.last_name", "newcomer.password", "newcomer.time_zone"] {
        assert!(fields(&status).iter().any(|it| it == field), "{field} is missing in {status:?}");
    }
    assert_eq!(fields(&with(None).await.unwrap_err()), ["newcomer"]);
    let neither = app.invites().accept_invite(AcceptInviteRequest::default()).await.unwrap_err();
    assert_eq!(fields(&neither), ["token"]);
    with(Some(newcomer())).await.unwrap();
}

#[tokio::test]
async fn a_token_that_was_never_made_looks_like_one_that_was_used() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let invite = invited(&app, &account, "nora@example.com").await;
    let token = mailed(&app, &invite).await.unwrap();
    come(&app, &token).await.unwrap();
    for dead in [token.as_str(), "never-made", &"x".repeat(10_000)] {
        assert_refused(come(&app, dead).await, Code::FailedPrecondition, "INVITE_NOT_PENDING");
        let signed_in = accept(&app, &account.admin, By::Token(dead.to_owned())).await;
        assert_refused(signed_in, Code::FailedPrecondition, "INVITE_NOT_PENDING");
    }
}

#[tokio::test]
async fn an_invite_is_revoked_when_its_inviter_lost_the_right_to_it() {
    let app = App::start().await;
    let (account, quay) = (app.account("Pier Works").await, app.account("Quay Works").await);
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let max = app.person(&quay, "max@example.com", "Max", "Walker").await;
    let plans = app.workcenter(&account.admin, account.id, "Plans").await;
    let asked = workcenter::pb::AddCollaboratorRequest {
        workcenter_id: plans.to_string(),
        user_id: ada.id.to_string(),
        role: WorkCenterRole::Owner.into(),
    };
    app.workcenters().add_collaborator(by(&account.admin.token, asked)).await.unwrap();
    let places = [(plans, WorkCenterRole::Reader)];
    let mut invites = Vec::new();
    for email in ["max@example.com", "nora@example.com"] {
        let offer = offer(&account, email, AccountRole::Guest, &places);
        invites.push(create(&app, &ada, offer).await.unwrap().invite.unwrap());
    }
    let asked = RemoveCollaboratorRequest { workcenter_id: plans.to_string(), user_id: ada.id.to_string() };
    app.workcenters().remove_collaborator(by(&account.admin.token, asked)).await.unwrap();

    let token = mailed(&app, &invites[1]).await.unwrap();
    let by_id = By::InviteId(invites[0].invite_id.clone());
    assert_refused(accept(&app, &max, by_id.clone()).await, Code::FailedPrecondition, "INVITER_LOST_RIGHT");
    assert_refused(come(&app, &token).await, Code::FailedPrecondition, "INVITER_LOST_RIGHT");
    assert_refused(accept(&app, &max, by_id).await, Code::FailedPrecondition, "INVITE_NOT_PENDING");
    assert_refused(come(&app, &token).await, Code::FailedPrecondition, "INVITE_NOT_PENDING");

    let sent = list(&app, &ada, InviteBox::Sent, &[]).await;
    assert!(sent.iter().all(|it| it.state() == InviteState::Revoked && it.end_time.is_some()), "{sent:?}");
    assert!(sent.iter().all(|it| it.end_reason == "whoever sent it may not offer it any more"), "{sent:?}");
    assert_eq!(count(&app, "person where email = 'nora@example.com'").await, 0);
    let asked = ListCollaboratorsRequest { workcenter_id: plans.to_string(), ..Default::default() };
    let there = app.workcenters().list_collaborators(by(&account.admin.token, asked)).await.unwrap().into_inner();
    assert_eq!(there.collaborators.len(), 1);
    invited(&app, &account, "nora@example.com").await;
}

#[tokio::test]
async fn an_inviter_who_became_less_invites_nobody_to_more() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let offer = offer(&account, "nora@example.com", AccountRole::Member, &[]);
    let invite = create(&app, &ada, offer).await.unwrap().invite.unwrap();
    let demote = "update member set role = 'GUEST' where user_id = $1";
    db::text(&app.pool().client().await.unwrap(), demote, &[&ada.id]).await.unwrap();
    let token = mailed(&app, &invite).await.unwrap();
    assert_refused(come(&app, &token).await, Code::FailedPrecondition, "INVITER_LOST_RIGHT");
}

#[tokio::test]
async fn a_member_who_accepts_keeps_the_higher_role() {
    let app = App::start().await;
    let (account, quay) = (app.account("Pier Works").await, app.account("Quay Works").await);
    let max = app.person(&quay, "max@example.com", "Max", "Walker").await;
    let invite = invited(&app, &account, "max@example.com").await;
    let join = "insert into member (account_id, user_id, role, created_at) values ($1, $2, 'MEMBER', now())";
    db::text(&app.pool().client().await.unwrap(), join, &[&account.id, &max.id]).await.unwrap();
    accept(&app, &max, By::InviteId(invite.invite_id)).await.unwrap();
    assert_eq!(count(&app, &format!("member where user_id = '{}' and role = 'MEMBER'", max.id)).await, 2);
}

#[tokio::test]
async fn places_in_workcenters_that_are_archived_or_deleted_are_left_out() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let admin = &account.admin;
    let [plans, roof, walls] = ["Plans", "Roof", "Walls"].map(|name| app.workcenter(admin, account.id, name));
    let (plans, roof, walls) = (plans.await, roof.await, walls.await);
    let places = [plans, roof, walls].map(|it| (it, WorkCenterRole::Reader));
    let asked = offer(&account, "nora@example.com", AccountRole::Member, &places);
    let invite = create(&app, admin, asked).await.unwrap().invite.unwrap();
    archive(&app, admin, plans).await.unwrap();
    delete(&app, admin, roof).await.unwrap();

    let token = mailed(&app, &invite).await.unwrap();
    let came = come(&app, &token).await.unwrap();
    assert_eq!(came.invite.unwrap().state(), InviteState::Accepted);
    let asked = ListWorkCenterPreferencesRequest::default();
    let heard = app.preferences().list_work_center_preferences(by(&came.token, asked)).await.unwrap().into_inner();
    assert_eq!(heard.preferences.iter().map(|it| it.workcenter_name.as_str()).collect::<Vec<_>>(), ["Walls"]);
    // They do not come in when it is active again either.
    reactivate(&app, admin, plans).await.unwrap();
    let asked = GetWorkCenterRequest { workcenter_id: plans.to_string() };
    let status = app.workcenters().get_work_center(by(&came.token, asked)).await.unwrap_err();
    assert_eq!(reason(&status), "WORKCENTER_NOT_FOUND");
}
