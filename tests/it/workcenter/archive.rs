//! Archiving, deleting and reactivating WorkCenters: who may, who sees them then, and that nobody is told of anything.

use workcenter::{
    daemon::Sweep,
    pb::{
        ArchiveWorkCenterRequest, CreateInviteRequest, DeleteWorkCenterRequest, Delivery, GetProfileRequest,
        InvitedWorkCenter, Preferences, ReactivateWorkCenterRequest, Reason, UpdateWorkCenterRequest, WorkCenterState,
    },
};

use super::*;
use crate::story::{Story, mentioning};

pub async fn archive(app: &App, who: &Person, id: Uuid) -> Result<WorkCenter, Status> {
    let asked = ArchiveWorkCenterRequest { workcenter_id: id.to_string() };
    Ok(app.workcenters().archive_work_center(by(&who.token, asked)).await?.into_inner().workcenter.unwrap())
}

pub async fn reactivate(app: &App, who: &Person, id: Uuid) -> Result<WorkCenter, Status> {
    let asked = ReactivateWorkCenterRequest { workcenter_id: id.to_string() };
    Ok(app.workcenters().reactivate_work_center(by(&who.token, asked)).await?.into_inner().workcenter.unwrap())
}

pub async fn delete(app: &App, who: &Person, id: Uuid) -> Result<WorkCenter, Status> {
    let asked = DeleteWorkCenterRequest { workcenter_id: id.to_string() };
    Ok(app.workcenters().delete_work_center(by(&who.token, asked)).await?.into_inner().workcenter.unwrap())
}

/// The names of those in `states` that `who` is shown.
async fn listed(app: &App, who: &Person, states: &[WorkCenterState]) -> Vec<String> {
    let states = states.iter().map(|it| i32::from(*it)).collect();
    let asked = ListWorkCentersRequest { states, ..Default::default() };
    let listed = app.workcenters().list_work_centers(by(&who.token, asked)).await.unwrap().into_inner().workcenters;
    listed.into_iter().map(|it| it.name).collect()
}

fn by_digest() -> Preferences {
    Preferences { default_delivery: Delivery::Digest.into(), ..Preferences::default() }
}

#[tokio::test]
async fn what_waits_in_an_archived_workcenter_is_in_no_digest_and_later_events_are() {
    let story = Story::begin().await;
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    story.publish(vec![story.uploaded("Before.pdf")]).await;
    archive(&story.app, &story.bob, story.pier).await.unwrap();
    story.at("2026-11-21T07:00:00Z").await;
    assert_eq!(story.mails().len(), 0);
    assert_eq!(story.findings().await, []);

    reactivate(&story.app, &story.bob, story.pier).await.unwrap();
    story.at("2026-11-22T07:00:00Z").await;
    assert_eq!(story.mails().len(), 0);

    story.publish(vec![story.uploaded("After.pdf")]).await;
    story.at("2026-11-23T07:00:00Z").await;
    let mails = story.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text().contains("After.pdf") && !mails[0].text().contains("Before.pdf"), "{}", mails[0].text());
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn what_would_have_been_told_at_once_is_not_told_when_the_workcenter_is_back_before_its_window_has_passed() {
    let story = Story::begin().await;
    story.publish(vec![mentioning(story.uploaded("Before.pdf"), &[&story.ada])]).await;
    archive(&story.app, &story.bob, story.pier).await.unwrap();
    reactivate(&story.app, &story.bob, story.pier).await.unwrap();
    story.at("2026-11-20T13:01:00Z").await;
    assert_eq!(story.mails().len(), 0);

    story.publish(vec![mentioning(story.uploaded("After.pdf"), &[&story.ada])]).await;
    story.at("2026-11-20T13:02:00Z").await;
    let mails = story.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text().contains("After.pdf") && !mails[0].text().contains("Before.pdf"), "{}", mails[0].text());
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn what_concerns_somebody_and_waits_for_their_digest_is_given_up_too() {
    let story = Story::begin().await;
    let preferences = Preferences { addressed_items: workcenter::pb::AddressedItems::WithDigest.into(), ..by_digest() };
    story.prefer(&story.ada, preferences, &["default_delivery", "addressed_items"]).await;
    story.publish(vec![mentioning(story.uploaded("Before.pdf"), &[&story.ada])]).await;
    archive(&story.app, &story.bob, story.pier).await.unwrap();
    reactivate(&story.app, &story.bob, story.pier).await.unwrap();
    story.at("2026-11-21T07:00:00Z").await;
    assert_eq!(story.mails().len(), 0);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn a_mail_in_the_outbox_is_not_sent_whether_the_workcenter_comes_back_or_not() {
    for comes_back in [false, true] {
        let story = Story::begin().await;
        let mentioned = mentioning(story.uploaded("Mentioned.pdf"), &[&story.ada]);
        story.publish(vec![story.uploaded("Before.pdf"), mentioned]).await;
        story.app.clock_at("2026-11-20T13:01:00Z").await;
        story.step(&[Sweep::Immediate]).await;
        assert_eq!(story.states().await, ["PENDING"]);

        archive(&story.app, &story.bob, story.pier).await.unwrap();
        if comes_back {
            reactivate(&story.app, &story.bob, story.pier).await.unwrap();
        }
        story.step(&[Sweep::Outbox]).await;
        assert_eq!(story.states().await, ["SUPPRESSED"], "comes back: {comes_back}");
        assert_eq!(story.mails().len(), 0);
        assert_eq!(story.findings().await, []);
    }
}

#[tokio::test]
async fn a_mail_about_two_workcenters_tells_of_the_one_that_is_left() {
    let story = Story::begin().await;
    let quay = story.app.workcenter(&story.bob, story.account.id, "Quay 2").await;
    story.app.collaborator(&story.bob, quay, &story.ada).await;
    story.at("2026-11-20T13:30:00Z").await;
    let told = story.mails().len();
    story.prefer(&story.ada, by_digest(), &["default_delivery"]).await;
    story.publish(vec![story.uploaded("Pier.pdf"), crate::story::uploaded(quay, &story.bob, "Quay.pdf")]).await;
    story.app.clock_at("2026-11-21T07:00:00Z").await;
    story.step(&[Sweep::Daily]).await;
    delete(&story.app, &story.account.admin, story.pier).await.unwrap();
    story.step(&[Sweep::Immediate, Sweep::Outbox]).await;
    let mails = story.mails().split_off(told);
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text().contains("Quay.pdf") && !mails[0].text().contains("Pier.pdf"), "{}", mails[0].text());
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn nothing_is_published_to_a_workcenter_that_is_archived_or_deleted() {
    let story = Story::begin().await;
    let quay = story.app.workcenter(&story.bob, story.account.id, "Quay 2").await;
    let both = || vec![story.uploaded("Pier.pdf"), crate::story::uploaded(quay, &story.bob, "Quay.pdf")];
    archive(&story.app, &story.bob, story.pier).await.unwrap();
    let results = story.publish(both()).await;
    assert_eq!((results[0].seq, results[0].reason()), (0, Reason::WorkcenterArchived));
    assert_eq!((results[1].seq, results[1].reason()), (1, Reason::Unspecified));

    delete(&story.app, &story.account.admin, story.pier).await.unwrap();
    let results = story.publish(both()).await;
    assert_eq!((results[0].seq, results[0].reason()), (0, Reason::WorkcenterNotFound));
    assert_eq!((results[1].seq, results[1].reason()), (2, Reason::Unspecified));

    reactivate(&story.app, &story.account.admin, story.pier).await.unwrap();
    let results = story.publish(both()).await;
    assert_eq!((results[0].seq, results[0].reason()), (2, Reason::Unspecified));
}

#[tokio::test]
async fn events_that_are_published_while_it_is_archived_are_refused_or_not_told() {
    let story = Story::begin().await;
    for round in 1..=5 {
        let events = |part: i32| (0..20).map(|it| story.uploaded(&format!("{round}-{part}-{it}.pdf"))).collect();
        let (one, archived, two) =
            join!(story.publish(events(1)), archive(&story.app, &story.bob, story.pier), story.publish(events(2)),);
        archived.unwrap();
        for part in [one, two] {
            let refused = part.iter().filter(|it| it.reason() == Reason::WorkcenterArchived).count();
            assert!(refused == 0 || refused == part.len());
        }
        reactivate(&story.app, &story.bob, story.pier).await.unwrap();
        story.at(&format!("2026-11-20T14:0{round}:00Z")).await;
    }
    assert_eq!(story.mails().len(), 0);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn who_is_added_while_it_is_archived_came_before_or_does_not_come() {
    let story = Story::begin().await;
    for round in 0..5 {
        let email = format!("eve{round}@example.com");
        let eve = story.app.person(&story.account, &email, "Eve", "Evans").await;
        let (added, archived) = join!(
            add(&story.app, &story.bob, story.pier, eve.id, WorkCenterRole::Reader),
            archive(&story.app, &story.bob, story.pier),
        );
        archived.unwrap();
        let is_there = people(&story.app, &story.bob, story.pier).await.unwrap().len();
        match added {
            Ok(_) => assert!(get(&story.app, &eve, story.pier).await.is_ok()),
            Err(status) => assert_eq!(reason(&status), "WORKCENTER_ARCHIVED"),
        }
        story.at(&format!("2026-11-20T14:0{round}:00Z")).await;
        assert_eq!(people(&story.app, &story.bob, story.pier).await.unwrap().len(), is_there);
        reactivate(&story.app, &story.bob, story.pier).await.unwrap();
    }
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn an_archived_workcenter_can_be_read_and_left_and_nothing_else() {
    let app = App::start().await;
    app.clock_at("2026-11-23T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let bob = app.person(&account, "bob@example.com", "Bob", "Builder").await;
    let eve = app.person(&account, "eve@example.com", "Eve", "Evans").await;
    let id = app.workcenter(&bob, account.id, "Plans").await;
    app.collaborator(&bob, id, &ada).await;
    assert_eq!(reason(&archive(&app, &ada, id).await.unwrap_err()), "NOT_ALLOWED");
    assert_eq!(reason(&archive(&app, &eve, id).await.unwrap_err()), "WORKCENTER_NOT_FOUND");

    let before = get(&app, &bob, id).await.unwrap();
    assert_eq!((before.state(), before.archive_time), (WorkCenterState::Active, None));
    let archived = archive(&app, &bob, id).await.unwrap();
    assert_eq!((archived.state(), archived.role()), (WorkCenterState::Archived, WorkCenterRole::Owner));
    assert_eq!(archived.archive_time.unwrap().seconds, 1_795_420_800);
    assert_ne!(archived.etag, before.etag);
    app.clock_at("2026-11-23T09:00:00Z").await;
    assert_eq!(archive(&app, &bob, id).await.unwrap(), archived);

    assert_eq!(get(&app, &ada, id).await.unwrap().state(), WorkCenterState::Archived);
    assert_eq!(people(&app, &ada, id).await.unwrap().len(), 2);
    assert_eq!(happened(&app, &ada, id).await.len(), 1);
    assert!(listed(&app, &ada, &[]).await.is_empty());
    assert_eq!(listed(&app, &ada, &[WorkCenterState::Archived]).await, ["Plans"]);

    let named = WorkCenter { workcenter_id: id.to_string(), name: "Roof".to_owned(), ..Default::default() };
    let asked = UpdateWorkCenterRequest { workcenter: Some(named), ..Default::default() };
    let invited = InvitedWorkCenter { workcenter_id: id.to_string(), role: WorkCenterRole::Reader.into() };
    let invite = CreateInviteRequest {
        account_id: account.id.to_string(),
        email: "new@example.com".to_owned(),
        workcenters: vec![invited],
        ..Default::default()
    };
    let refused = [
        add(&app, &bob, id, eve.id, WorkCenterRole::Reader).await.unwrap_err(),
        app.workcenters().update_work_center(by(&bob.token, asked)).await.unwrap_err(),
        app.invites().create_invite(by(&bob.token, invite)).await.unwrap_err(),
    ];
    for status in refused {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "WORKCENTER_ARCHIVED"));
    }
    remove(&app, &ada, id, "me").await.unwrap();
    assert_eq!(reason(&get(&app, &ada, id).await.unwrap_err()), "WORKCENTER_NOT_FOUND");
    assert_eq!(happened(&app, &bob, id).await.len(), 1);

    let active = reactivate(&app, &bob, id).await.unwrap();
    assert_eq!((active.state(), active.archive_time), (WorkCenterState::Active, None));
    assert_eq!(reactivate(&app, &bob, id).await.unwrap(), active);
    add(&app, &bob, id, eve.id, WorkCenterRole::Reader).await.unwrap();
}

#[tokio::test]
async fn a_deleted_workcenter_is_there_for_administrators_alone_and_can_be_had_back_for_thirty_days() {
    let app = App::start().await;
    app.clock_at("2026-11-23T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let admin = &account.admin;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let id = app.workcenter(&ada, account.id, "Plans").await;
    let status = delete(&app, &ada, id).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "NOT_ALLOWED"));

    let deleted = delete(&app, admin, id).await.unwrap();
    assert_eq!(deleted.state(), WorkCenterState::Deleted);
    assert_eq!(deleted.purge_time.unwrap().seconds, 1_795_420_800 + 30 * 24 * 3_600);
    app.clock_at("2026-11-24T08:00:00Z").await;
    assert_eq!(delete(&app, admin, id).await.unwrap(), deleted);
    assert_eq!(get(&app, admin, id).await.unwrap(), deleted);

    let all = [WorkCenterState::Active, WorkCenterState::Archived, WorkCenterState::Deleted];
    assert!(listed(&app, &ada, &all).await.is_empty());
    assert!(listed(&app, admin, &[]).await.is_empty());
    assert_eq!(listed(&app, admin, &all).await, ["Plans"]);
    let refused = [
        get(&app, &ada, id).await.unwrap_err(),
        people(&app, &ada, id).await.unwrap_err(),
        remove(&app, &ada, id, "me").await.unwrap_err(),
        archive(&app, &ada, id).await.unwrap_err(),
        reactivate(&app, &ada, id).await.unwrap_err(),
        delete(&app, &ada, id).await.unwrap_err(),
    ];
    for status in refused {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "WORKCENTER_NOT_FOUND"));
    }
    let invited = InvitedWorkCenter { workcenter_id: id.to_string(), role: WorkCenterRole::Reader.into() };
    let invite = CreateInviteRequest {
        account_id: account.id.to_string(),
        email: "new@example.com".to_owned(),
        workcenters: vec![invited],
        ..Default::default()
    };
    let status = app.invites().create_invite(by(&ada.token, invite)).await.unwrap_err();
    assert_eq!(reason(&status), "WORKCENTER_NOT_FOUND");
    let refused = [
        archive(&app, admin, id).await.unwrap_err(),
        add(&app, admin, id, admin.id, WorkCenterRole::Reader).await.unwrap_err(),
    ];
    for status in refused {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "WORKCENTER_DELETED"));
    }

    assert_eq!(reactivate(&app, admin, id).await.unwrap().state(), WorkCenterState::Active);
    let back = get(&app, &ada, id).await.unwrap();
    assert_eq!((back.role(), back.purge_time), (WorkCenterRole::Owner, None));
    delete(&app, admin, id).await.unwrap();
    app.clock_at("2026-12-24T08:00:00Z").await;
    assert_eq!(reason(&reactivate(&app, admin, id).await.unwrap_err()), "WORKCENTER_NOT_FOUND");
}

#[tokio::test]
async fn guests_who_shared_nothing_but_a_deleted_workcenter_do_not_know_each_other() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let (gil, gus) = (app.guest(&account, "gil@example.com").await, app.guest(&account, "gus@example.com").await);
    let id = app.workcenter(&account.admin, account.id, "Plans").await;
    app.collaborator(&account.admin, id, &gil).await;
    app.collaborator(&account.admin, id, &gus).await;
    let knows = async || {
        let asked = GetProfileRequest { user_id: gus.id.to_string() };
        app.profiles().get_profile(by(&gil.token, asked)).await.map(|_| ())
    };
    knows().await.unwrap();
    delete(&app, &account.admin, id).await.unwrap();
    assert_eq!(reason(&knows().await.unwrap_err()), "USER_NOT_FOUND");
    reactivate(&app, &account.admin, id).await.unwrap();
    knows().await.unwrap();
}

#[tokio::test]
async fn states_that_there_are_not_are_named_and_a_page_is_of_its_own_states() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    for name in ["Plans", "Roof"] {
        app.workcenter(&account.admin, account.id, name).await;
    }
    let page = async |states: Vec<i32>, page_token: String| {
        let asked = ListWorkCentersRequest { states, page_size: 1, page_token, ..Default::default() };
        app.workcenters().list_work_centers(by(&account.admin.token, asked)).await.map(tonic::Response::into_inner)
    };
    let status = page(vec![WorkCenterState::Active.into(), 0, 9], String::new()).await.unwrap_err();
    assert_eq!(fields(&status), ["states[1]", "states[2]"]);
    let token = page(Vec::new(), String::new()).await.unwrap().next_page_token;
    assert_eq!(page(vec![WorkCenterState::Active.into()], token.clone()).await.unwrap().workcenters[0].name, "Roof");
    let status = page(vec![WorkCenterState::Archived.into()], token).await.unwrap_err();
    assert_eq!(reason(&status), "PAGE_TOKEN_INVALID");
}
