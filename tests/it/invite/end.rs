//! Withdrawing and declining invites through the wire.

use workcenter::pb::{
    DeclineInviteRequest, GetInviteRequest, RevokeInviteRequest, decline_invite_request::By as Declined,
};

use super::*;

pub async fn revoke(app: &App, who: &Person, invite: &Invite) -> Result<Invite, Status> {
    let asked = RevokeInviteRequest { invite_id: invite.invite_id.clone() };
    Ok(app.invites().revoke_invite(by(&who.token, asked)).await?.into_inner().invite.unwrap())
}

/// Declines with a token, as somebody who is not signed in.
pub async fn turn_down(app: &App, token: &str, reason: &str) -> Result<Invite, Status> {
    let asked = DeclineInviteRequest { by: Some(Declined::Token(token.to_owned())), reason: reason.to_owned() };
    Ok(app.invites().decline_invite(asked).await?.into_inner().invite.unwrap())
}

async fn decline(app: &App, who: &Person, by_what: Declined) -> Result<Invite, Status> {
    let asked = DeclineInviteRequest { by: Some(by_what), reason: String::new() };
    Ok(app.invites().decline_invite(by(&who.token, asked)).await?.into_inner().invite.unwrap())
}

async fn get(app: &App, who: &Person, invite: &Invite) -> Result<Invite, Status> {
    let asked = GetInviteRequest { invite_id: invite.invite_id.clone() };
    Ok(app.invites().get_invite(by(&who.token, asked)).await?.into_inner().invite.unwrap())
}

#[tokio::test]
async fn an_invite_that_was_withdrawn_is_no_longer_good_and_sends_no_mail() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let invite = create(&app, &ada, offer(&account, "nora@example.com", AccountRole::Guest, &[])).await.unwrap();
    let invite = invite.invite.unwrap();
    let token = mailed(&app, &invite).await.unwrap();
    let revoked = revoke(&app, &ada, &invite).await.unwrap();
    assert_eq!(revoked.state(), InviteState::Revoked);
    assert!(revoked.end_time.is_some());
    assert_eq!(mailed(&app, &invite).await, None);
    assert_refused(come(&app, &token).await, Code::FailedPrecondition, "INVITE_NOT_PENDING");
    assert_refused(turn_down(&app, &token, "").await, Code::FailedPrecondition, "INVITE_NOT_PENDING");

    // Once more is once, whoever of those who may does it, and nothing is in the way of another invite.
    assert_eq!(revoke(&app, &account.admin, &invite).await.unwrap(), revoked);
    assert_eq!(get(&app, &ada, &invite).await.unwrap(), revoked);
    invited(&app, &account, "nora@example.com").await;
}

#[tokio::test]
async fn what_was_answered_or_has_run_out_is_not_withdrawn() {
    let app = App::start().await;
    app.clock_at("2027-11-02T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let [accepted, declined, late] = ["a@example.com", "d@example.com", "l@example.com"];
    let accepted = invited(&app, &account, accepted).await;
    come(&app, &mailed(&app, &accepted).await.unwrap()).await.unwrap();
    let declined = invited(&app, &account, declined).await;
    turn_down(&app, &mailed(&app, &declined).await.unwrap(), "").await.unwrap();
    let late = invited(&app, &account, late).await;
    app.clock_at("2027-11-16T08:00:00Z").await;
    let member = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    for invite in [&accepted, &declined, &late] {
        assert_refused(revoke(&app, &account.admin, invite).await, Code::FailedPrecondition, "INVITE_NOT_PENDING");
        // A member sees neither the invites of others nor how they ended.
        assert_refused(revoke(&app, &member, invite).await, Code::NotFound, "INVITE_NOT_FOUND");
    }
}

#[tokio::test]
async fn an_invite_is_declined_with_the_mail_or_out_of_ones_list_and_its_inviter_sees_why() {
    let app = App::start().await;
    let (account, quay) = (app.account("Pier Works").await, app.account("Quay Works").await);
    let max = app.person(&quay, "max@example.com", "Max", "Walker").await;
    // An invite to another person is theirs to answer; one to an address that is nobody's is that of who has the mail.
    let theirs = invited(&app, &account, &quay.admin.email).await;
    let theirs = Declined::Token(mailed(&app, &theirs).await.unwrap());
    assert_refused(decline(&app, &max, theirs).await, Code::PermissionDenied, "NOT_ALLOWED");
    let nobodys = invited(&app, &account, "max@home.example").await;
    decline(&app, &max, Declined::Token(mailed(&app, &nobodys).await.unwrap())).await.unwrap();

    let invite = invited(&app, &account, "nora@example.com").await;
    let token = mailed(&app, &invite).await.unwrap();
    let declined = turn_down(&app, &token, "  I have left the trade. ").await.unwrap();
    assert_eq!((declined.state(), declined.end_reason.as_str()), (InviteState::Declined, "I have left the trade."));
    assert_refused(turn_down(&app, &token, "").await, Code::FailedPrecondition, "INVITE_NOT_PENDING");
    assert_refused(come(&app, &token).await, Code::FailedPrecondition, "INVITE_NOT_PENDING");
    let sent = list(&app, &account.admin, InviteBox::Sent, &[InviteState::Declined]).await;
    assert_eq!(sent[0], declined);

    let invite = invited(&app, &account, &max.email).await;
    let listed = Declined::InviteId(invite.invite_id.clone());
    let others = decline(&app, &account.admin, listed.clone()).await;
    assert_refused(others, Code::NotFound, "INVITE_NOT_FOUND");
    assert_eq!(decline(&app, &max, listed).await.unwrap().state(), InviteState::Declined);
    assert_eq!(count(&app, &format!("member where user_id = '{}'", max.id)).await, 1);
    // Nothing is in the way of another one.
    invited(&app, &account, &max.email).await;
}

#[tokio::test]
async fn a_reason_that_cannot_be_shown_is_refused_and_nothing_is_declined() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let invite = invited(&app, &account, "nora@example.com").await;
    let token = mailed(&app, &invite).await.unwrap();
    for bad in ["bell\u{7}", &"x".repeat(301)] {
        assert_eq!(fields(&turn_down(&app, &token, bad).await.unwrap_err()), ["reason"]);
    }
    let neither = app.invites().decline_invite(DeclineInviteRequest::default()).await.unwrap_err();
    assert_eq!(fields(&neither), ["token"]);
    come(&app, &token).await.unwrap();
}

#[tokio::test]
async fn an_invite_is_seen_by_who_sent_it_who_got_it_and_who_runs_the_account() {
    let app = App::start().await;
    let (account, quay) = (app.account("Pier Works").await, app.account("Quay Works").await);
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let bob = app.person(&account, "bob@example.com", "Bob", "Stephenson").await;
    let max = app.person(&quay, "max@example.com", "Max", "Walker").await;
    let asked = offer(&account, &max.email, AccountRole::Guest, &[]);
    let invite = create(&app, &ada, asked).await.unwrap().invite.unwrap();
    for who in [&ada, &max, &account.admin] {
        assert_eq!(get(&app, who, &invite).await.unwrap(), invite);
    }
    for who in [&bob, &quay.admin] {
        assert_refused(get(&app, who, &invite).await, Code::NotFound, "INVITE_NOT_FOUND");
        assert_refused(revoke(&app, who, &invite).await, Code::NotFound, "INVITE_NOT_FOUND");
    }
    // Who got it may see it, and answers it otherwise.
    assert_refused(revoke(&app, &max, &invite).await, Code::PermissionDenied, "NOT_ALLOWED");
}
