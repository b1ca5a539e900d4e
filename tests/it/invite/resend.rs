//! Sending invites again, and what becomes of those whose mail reaches nobody.

use std::fs;

use workcenter::{daemon::Sweep, error::Reason, pb::ResendInviteRequest};

use super::{end::revoke, *};
use crate::sink::{Point, Sink, at};

pub async fn resend(app: &App, who: &Person, invite: &Invite) -> Result<Invite, Status> {
    let asked = ResendInviteRequest { invite_id: invite.invite_id.clone() };
    Ok(app.invites().resend_invite(by(&who.token, asked)).await?.into_inner().invite.unwrap())
}

/// Seconds after which the caller is told to come back.
fn left(refused: Result<Invite, Status>) -> i64 {
    use tonic_types::StatusExt;

    let status = refused.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "INVITE_RESEND_THROTTLED"));
    let left = status.get_details_retry_info().unwrap().retry_delay.unwrap();
    i64::try_from(left.as_secs()).unwrap()
}

#[tokio::test]
async fn an_invite_that_is_sent_again_has_a_new_token_and_the_old_one_is_dead() {
    let app = App::start().await;
    app.clock_at("2027-11-02T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let invite = invited(&app, &account, "nora@example.com").await;
    let old = mailed(&app, &invite).await.unwrap();
    app.clock_at("2027-11-03T08:00:00Z").await;
    let again = resend(&app, &account.admin, &invite).await.unwrap();
    let day = |it: &Invite| it.expire_time.unwrap().seconds - it.send_time.unwrap().seconds;
    assert_eq!(
        (again.state(), again.create_time, day(&again)),
        (InviteState::Pending, invite.create_time, day(&invite))
    );
    assert_eq!(again.send_time.unwrap().seconds - invite.send_time.unwrap().seconds, 24 * 3_600);

    let new = mailed(&app, &again).await.unwrap();
    assert_ne!(new, old);
    assert_refused(come(&app, &old).await, Code::FailedPrecondition, "INVITE_NOT_PENDING");
    let stored = "select count(*) from invite where token_hash = sha256(convert_to($1, 'UTF8'))";
    assert_eq!(app.client().await.query_one(stored, &[&new]).await.unwrap().get::<_, i64>(0), 1);
    come(&app, &new).await.unwrap();
    assert_refused(resend(&app, &account.admin, &invite).await, Code::FailedPrecondition, "INVITE_NOT_PENDING");
}

#[tokio::test]
async fn only_the_last_mail_of_an_invite_is_sent() {
    let app = App::start().await;
    app.clock_at("2027-11-02T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let invite = invited(&app, &account, "nora@example.com").await;
    app.clock_at("2027-11-02T09:00:00Z").await;
    let again = resend(&app, &account.admin, &invite).await.unwrap();
    let sink = Sink::start(Vec::new()).await;
    app.daemon(Some(sink.address())).step(Sweep::Outbox, app.now().await).await.unwrap();
    assert_eq!(sink.mails().len(), 1);
    let token = mailed(&app, &again).await.unwrap();
    assert!(sink.mails()[0].text().contains(&token));
    assert_eq!(count(&app, "mail where state = 'SUPPRESSED'").await, 1);
    assert_eq!(list(&app, &account.admin, InviteBox::Sent, &[]).await[0].state(), InviteState::Pending);
}

#[tokio::test]
async fn an_invite_rests_five_minutes_and_is_sent_again_five_times_a_day() {
    let app = App::start().await;
    app.clock_at("2027-11-02T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let invite = invited(&app, &account, "nora@example.com").await;
    app.clock_at("2027-11-02T08:04:00Z").await;
    assert_eq!(left(resend(&app, &account.admin, &invite).await), 60);
    for minute in ["05", "10", "15", "20", "25"] {
        app.clock_at(&format!("2027-11-02T08:{minute}:00Z")).await;
        resend(&app, &account.admin, &invite).await.unwrap();
    }
    app.clock_at("2027-11-02T08:30:00Z").await;
    assert_eq!(left(resend(&app, &account.admin, &invite).await), (24 * 60 - 25) * 60);
    app.clock_at("2027-11-03T08:05:00Z").await;
    resend(&app, &account.admin, &invite).await.unwrap();
    // Now the second of the five is in the way.
    app.clock_at("2027-11-03T08:10:00Z").await;
    resend(&app, &account.admin, &invite).await.unwrap();
    app.clock_at("2027-11-03T08:14:00Z").await;
    assert_eq!(left(resend(&app, &account.admin, &invite).await), 60);
}

#[tokio::test]
async fn what_has_run_out_is_sent_again_unless_the_address_was_invited_anew() {
    let app = App::start().await;
    app.clock_at("2027-11-02T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let late = invited(&app, &account, "nora@example.com").await;
    app.clock_at("2027-11-16T08:00:00Z").await;
    let again = resend(&app, &account.admin, &late).await.unwrap();
    assert_eq!((again.state(), again.end_time), (InviteState::Pending, None));
    assert_eq!(again.expire_time.unwrap().seconds, late.expire_time.unwrap().seconds + 14 * 24 * 3_600);
    app.clock_at("2027-11-30T08:00:00Z").await;
    let other = invited(&app, &account, "nora@example.com").await;
    assert_refused(resend(&app, &account.admin, &late).await, Code::AlreadyExists, "INVITE_PENDING");
    // When that has run out, too, the first may be sent once more.
    app.clock_at("2027-12-14T08:00:00Z").await;
    resend(&app, &account.admin, &late).await.unwrap();
    assert_refused(resend(&app, &account.admin, &other).await, Code::AlreadyExists, "INVITE_PENDING");
}

#[tokio::test]
async fn nobody_sends_again_what_was_withdrawn_or_may_no_longer_be_offered() {
    let app = App::start().await;
    app.clock_at("2027-11-02T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let withdrawn = invited(&app, &account, "nora@example.com").await;
    revoke(&app, &account.admin, &withdrawn).await.unwrap();
    let asked = offer(&account, "olga@example.com", AccountRole::Member, &[]);
    let lost = create(&app, &ada, asked).await.unwrap().invite.unwrap();
    let demote = "update member set role = 'GUEST' where user_id = $1";
    db::text(&app.pool().client().await.unwrap(), demote, &[&ada.id]).await.unwrap();
    app.clock_at("2027-11-02T09:00:00Z").await;
    let refused = resend(&app, &account.admin, &withdrawn).await;
    assert_refused(refused, Code::FailedPrecondition, "INVITE_NOT_PENDING");
    for who in [&ada, &account.admin] {
        assert_refused(resend(&app, who, &lost).await, Code::FailedPrecondition, "INVITER_LOST_RIGHT");
    }
}

#[tokio::test]
async fn an_invite_whose_mail_reaches_nobody_says_so_and_may_be_sent_again() {
    let app = App::start().await;
    app.clock_at("2027-11-02T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let nobody = invited(&app, &account, "nora@example.com").await;
    let olga = invited(&app, &account, "olga@example.com").await;
    let token = mailed(&app, &nobody).await.unwrap();
    let sink = Sink::start(vec![at(Point::Dot).to("nora@example.com").reply("554 5.6.0 no such person")]).await;
    let daemon = app.daemon(Some(sink.address()));
    daemon.step(Sweep::Outbox, app.now().await).await.unwrap();

    let failed = list(&app, &account.admin, InviteBox::Sent, &[InviteState::DeliveryFailed]).await;
    assert_eq!(addresses(&failed), ["nora@example.com"]);
    assert!(failed[0].end_reason.contains("no such person"), "{failed:?}");
    assert!(failed[0].end_time.is_some());
    assert_refused(come(&app, &token).await, Code::FailedPrecondition, "INVITE_NOT_PENDING");

    sink.behave(Vec::new());
    app.clock_at("2027-11-02T09:00:00Z").await;
    let again = resend(&app, &account.admin, &nobody).await.unwrap();
    assert_eq!((again.state(), again.end_reason.as_str()), (InviteState::Pending, ""));
    daemon.step(Sweep::Outbox, app.now().await).await.unwrap();
    let pending = list(&app, &account.admin, InviteBox::Sent, &[InviteState::Pending]).await;
    assert_eq!(addresses(&pending), addresses(&[olga, again.clone()]));
    come(&app, &mailed(&app, &again).await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_daemon_that_is_killed_between_a_mail_and_its_invite_leaves_nothing_behind() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    invited(&app, &account, "nora@example.com").await;
    let failed = "update mail set state = 'FAILED', ended_at = now(), reply = '554 5.6.0 no such person'";
    app.client().await.batch_execute(failed).await.unwrap();
    app.daemon(None).step(Sweep::Housekeeping, app.now().await).await.unwrap();
    let sent = list(&app, &account.admin, InviteBox::Sent, &[]).await;
    assert_eq!(
        (sent[0].state(), sent[0].end_reason.as_str()),
        (InviteState::DeliveryFailed, "554 5.6.0 no such person")
    );
}

#[tokio::test]
async fn a_store_of_bytes_that_is_away_keeps_no_invite_waiting() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    invited(&app, &account, "nora@example.com").await;
    let left = "update mail set state = 'FAILED', ended_at = now(), reply = '554 5.6.0 no such person';
        insert into blob (digest, loose_at) values (decode(repeat('ab', 32), 'hex'), now() - interval '2 days')";
    app.client().await.batch_execute(left).await.unwrap();
    let folder = &app.parts().settings.blobs.blob_dir;
    fs::remove_dir_all(folder).unwrap();
    fs::write(folder, "no folder").unwrap();
    let kept = app.daemon(None).step(Sweep::Housekeeping, app.now().await).await;
    assert_eq!(kept.unwrap_err().reason(), Reason::StoreUnavailable);
    assert_eq!(list(&app, &account.admin, InviteBox::Sent, &[]).await[0].state(), InviteState::DeliveryFailed);
}
