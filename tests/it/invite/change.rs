//! Changing an invite that waits for its answer.

use workcenter::pb::UpdateInviteRequest;

use super::{end::revoke, *};

async fn update(app: &App, who: &Person, invite: Invite, paths: &[&str], etag: &str) -> Result<Invite, Status> {
    let paths = paths.iter().map(ToString::to_string).collect();
    let update_mask = Some(prost_types::FieldMask { paths });
    let asked = UpdateInviteRequest { invite: Some(invite), update_mask, etag: etag.to_owned() };
    Ok(app.invites().update_invite(by(&who.token, asked)).await?.into_inner().invite.unwrap())
}

/// An invite with this id and nothing else.
fn only(invite: &Invite) -> Invite {
    Invite { invite_id: invite.invite_id.clone(), ..Default::default() }
}

fn places(ids: &[(Uuid, WorkCenterRole)]) -> Vec<InvitedWorkCenter> {
    let place =
        |(id, role): &(Uuid, WorkCenterRole)| InvitedWorkCenter { workcenter_id: id.to_string(), role: (*role).into() };
    ids.iter().map(place).collect()
}

#[tokio::test]
async fn what_is_changed_is_what_the_same_link_leads_to() {
    let app = App::start().await;
    app.clock_at("2027-11-02T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let plans = app.workcenter(&account.admin, account.id, "Plans").await;
    let office = app.workcenter(&account.admin, account.id, "Office").await;
    let archive = app.workcenter(&account.admin, account.id, "Archive").await;
    let first = [(plans, WorkCenterRole::Reader), (archive, WorkCenterRole::Reader)];
    let offered = offer(&account, "nora@example.com", AccountRole::Guest, &first);
    let invite = create(&app, &account.admin, offered).await.unwrap().invite.unwrap();
    let token = mailed(&app, &invite).await.unwrap();

    let then = prost_types::Timestamp { seconds: invite.create_time.unwrap().seconds + 40 * 86_400, nanos: 0 };
    let sent = Invite {
        account_role: AccountRole::Member.into(),
        workcenters: places(&[(plans, WorkCenterRole::Owner), (office, WorkCenterRole::Contributor)]),
        message: "  Welcome  ".to_owned(),
        expire_time: Some(then),
        ..only(&invite)
    };
    let changed = update(&app, &account.admin, sent.clone(), &[], &invite.etag).await.unwrap();
    let mut expected = sent.workcenters.clone();
    expected.sort_by(|a, b| a.workcenter_id.cmp(&b.workcenter_id));
    assert_eq!((changed.account_role(), &changed.workcenters), (AccountRole::Member, &expected));
    assert_eq!((changed.message.as_str(), changed.expire_time), ("Welcome", Some(then)));
    assert_ne!(changed.etag, invite.etag);
    assert_eq!(list(&app, &account.admin, InviteBox::Sent, &[]).await, std::slice::from_ref(&changed));

    // The etag that was read first is not the current one any more, and nothing changes by what is the same.
    let stale = update(&app, &account.admin, sent.clone(), &["message"], &invite.etag).await;
    assert_refused(stale, Code::Aborted, "ETAG_MISMATCH");
    assert_eq!(update(&app, &account.admin, sent, &[], "").await.unwrap().etag, changed.etag);

    let came = come(&app, &token).await.unwrap();
    let nora = Person { id: came.user_id.parse().unwrap(), token: came.token, email: invite.email };
    for (workcenter, seen) in [(plans, true), (office, true), (archive, false)] {
        let asked = GetWorkCenterRequest { workcenter_id: workcenter.to_string() };
        assert_eq!(app.workcenters().get_work_center(by(&nora.token, asked)).await.is_ok(), seen);
    }
}

#[tokio::test]
async fn a_named_field_that_is_not_set_is_emptied_and_others_stay() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let plans = app.workcenter(&account.admin, account.id, "Plans").await;
    let offered = CreateInviteRequest {
        message: "Hello".to_owned(),
        ..offer(&account, "nora@example.com", AccountRole::Member, &[(plans, WorkCenterRole::Reader)])
    };
    let invite = create(&app, &account.admin, offered).await.unwrap().invite.unwrap();
    let bare = update(&app, &account.admin, only(&invite), &["account_role", "workcenters"], "").await.unwrap();
    assert_eq!((bare.account_role(), bare.workcenters.len()), (AccountRole::Guest, 0));
    assert_eq!((bare.message.as_str(), bare.expire_time), ("Hello", invite.expire_time));
    assert_eq!(count(&app, "invite_workcenter").await, 0);
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_change_is_said_at_once() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let invite = invited(&app, &account, "nora@example.com").await;
    let sent = Invite {
        workcenters: vec![InvitedWorkCenter::default()],
        message: "bell\u{7}".to_owned(),
        expire_time: Some(prost_types::Timestamp::default()),
        ..only(&invite)
    };
    let paths = ["email", "state", "workcenters", "message", "expire_time"];
    let status = update(&app, &account.admin, sent, &paths, "").await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let place = ["invite.workcenters[0].workcenter_id", "invite.workcenters[0].role"];
    let wrong = ["update_mask", "update_mask", place[0], place[1], "invite.message", "invite.expire_time"];
    assert_eq!(fields(&status), wrong);
}

#[tokio::test]
async fn an_invite_is_changed_by_its_inviter_within_their_right_and_by_administrators_within_the_inviters() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let max = app.person(&account, "max@example.com", "Max", "Walker").await;
    let plans = app.workcenter(&account.admin, account.id, "Plans").await;
    let offered = offer(&account, "nora@example.com", AccountRole::Guest, &[]);
    let invite = create(&app, &ada, offered).await.unwrap().invite.unwrap();

    let above = Invite { account_role: AccountRole::Administrator.into(), ..only(&invite) };
    let there = Invite { workcenters: places(&[(plans, WorkCenterRole::Reader)]), ..only(&invite) };
    assert_refused(update(&app, &ada, above.clone(), &[], "").await, Code::PermissionDenied, "NOT_ALLOWED");
    assert_refused(update(&app, &ada, there.clone(), &[], "").await, Code::NotFound, "WORKCENTER_NOT_FOUND");
    // It would be withdrawn when it is accepted.
    for sent in [above, there] {
        let refused = update(&app, &account.admin, sent, &[], "").await;
        assert_refused(refused, Code::FailedPrecondition, "INVITER_LOST_RIGHT");
    }
    let said = Invite { message: "Hello".to_owned(), ..only(&invite) };
    assert_refused(update(&app, &max, said.clone(), &[], "").await, Code::NotFound, "INVITE_NOT_FOUND");
    assert_eq!(update(&app, &account.admin, said.clone(), &[], "").await.unwrap().message, "Hello");

    revoke(&app, &ada, &invite).await.unwrap();
    assert_refused(update(&app, &ada, said, &[], "").await, Code::FailedPrecondition, "INVITE_NOT_PENDING");
}

#[tokio::test]
async fn nobody_is_placed_anew_in_an_archived_workcenter() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let invite = invited(&app, &account, "nora@example.com").await;
    let archive = app.workcenter(&account.admin, account.id, "Archive").await;
    let archived = workcenter::pb::ArchiveWorkCenterRequest { workcenter_id: archive.to_string() };
    app.workcenters().archive_work_center(by(&account.admin.token, archived)).await.unwrap();
    let there = Invite { workcenters: places(&[(archive, WorkCenterRole::Reader)]), ..only(&invite) };
    let refused = update(&app, &account.admin, there, &[], "").await;
    assert_refused(refused, Code::FailedPrecondition, "WORKCENTER_ARCHIVED");
}
