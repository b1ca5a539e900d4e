//! What is left of a WorkCenter whose time is over: nothing, and of the others everything.

use workcenter::daemon::Sweep;

use super::{
    archive::{delete, reactivate},
    *,
};
use crate::story::{Story, mentioning};

/// How many rows of everything there are that have to do with a WorkCenter.
pub async fn rows(app: &App, id: Uuid) -> i64 {
    let count = "select (select count(*) from workcenter where id = $1)
        + (select count(*) from collaborator where workcenter_id = $1)
        + (select count(*) from invite_workcenter where workcenter_id = $1)
        + (select count(*) from subscription where log_id = $1)
        + (select count(*) from activity_head where log_id = $1)
        + (select count(*) from activity where log_id = $1)
        + (select count(*) from addressee where log_id = $1) as count";
    app.client().await.query_one(count, &[&id]).await.unwrap().get("count")
}

#[tokio::test]
async fn a_deleted_workcenter_is_purged_when_its_thirty_days_are_over_and_the_others_stay() {
    let story = Story::begin().await;
    let admin = &story.account.admin;
    let quay = story.app.workcenter(&story.bob, story.account.id, "Quay 2").await;
    let roof = story.app.workcenter(&story.bob, story.account.id, "Roof").await;
    story.publish(vec![mentioning(story.uploaded("Plan.pdf"), &[&story.ada]), story.uploaded("Section.pdf")]).await;
    remove(&story.app, &story.ada, story.pier, "me").await.unwrap();
    let invite = workcenter::pb::CreateInviteRequest {
        account_id: story.account.id.to_string(),
        email: "new@example.com".to_owned(),
        workcenters: [story.pier, quay]
            .map(|id| workcenter::pb::InvitedWorkCenter {
                workcenter_id: id.to_string(),
                role: WorkCenterRole::Reader.into(),
            })
            .to_vec(),
        ..Default::default()
    };
    story.app.invites().create_invite(by(&story.bob.token, invite)).await.unwrap();
    let others = (rows(&story.app, quay).await, rows(&story.app, roof).await);
    delete(&story.app, admin, story.pier).await.unwrap();
    delete(&story.app, admin, roof).await.unwrap();
    reactivate(&story.app, admin, roof).await.unwrap();

    story.at("2026-12-20T12:59:59Z").await;
    assert!(rows(&story.app, story.pier).await > 10);
    story.at("2026-12-20T13:00:00Z").await;
    assert_eq!(rows(&story.app, story.pier).await, 0);
    assert_eq!((rows(&story.app, quay).await, rows(&story.app, roof).await), others);
    assert_eq!(reason(&get(&story.app, admin, story.pier).await.unwrap_err()), "WORKCENTER_NOT_FOUND");
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn two_daemons_and_one_that_was_stopped_purge_what_is_left() {
    let story = Story::begin().await;
    for part in 0..6 {
        story.publish((0..1_000).map(|it| story.uploaded(&format!("{part}-{it}.pdf"))).collect()).await;
    }
    delete(&story.app, &story.account.admin, story.pier).await.unwrap();
    story.app.clock_at("2026-12-20T13:00:00Z").await;
    let now = story.app.now().await;
    assert!(workcenter::workcenter::purge(&mut story.app.client().await, now).await.unwrap());
    // More than one batch is left, of a log that the audit does not miss anything in.
    assert!(rows(&story.app, story.pier).await > 1_000);
    assert_eq!(story.findings().await, []);

    let step = || story.step(&[Sweep::Housekeeping]);
    join!(step(), step());
    assert_eq!(rows(&story.app, story.pier).await, 0);
    assert_eq!(story.findings().await, []);
}
