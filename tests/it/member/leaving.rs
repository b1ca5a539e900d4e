//! What somebody leaves when they leave an account: its WorkCenters, what waited for them, and its directory.

use futures_util::StreamExt;
use tonic::{Code, Streaming};
use uuid::Uuid;
use workcenter::{
    access::AccountRole,
    account,
    daemon::Sweep,
    pb::{
        self, Delivery, Preferences, WatchProfilesRequest, WatchProfilesResponse, WorkCenterRole,
        watch_profiles_response::Event,
    },
};

use super::{remove, told};
use crate::{
    harness::{App, Person, START, by},
    story::Story,
};

async fn get(app: &App, who: &Person, workcenter: Uuid) -> Result<pb::WorkCenter, (Code, String)> {
    let message = pb::GetWorkCenterRequest { workcenter_id: workcenter.to_string() };
    let answer = app.workcenters().get_work_center(by(&who.token, message)).await;
    answer.map(|it| it.into_inner().workcenter.unwrap()).map_err(|it| told(&it))
}

async fn enter(app: &App, account: Uuid, user: Uuid) {
    let mut client = app.client().await;
    let tx = client.transaction().await.unwrap();
    account::add_member(&tx, account, user, AccountRole::Member, START.parse().unwrap()).await.unwrap();
    tx.commit_with(&[account::announce(user)]).await.unwrap();
}

#[tokio::test]
async fn who_is_removed_after_composing_and_before_sending_is_told_nothing() {
    let story = Story::begin().await;
    let (app, admin) = (&story.app, &story.account.admin);
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.app.clock_at("2026-11-20T13:01:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    remove(app, admin, story.account.id, &story.ada.id.to_string()).await.unwrap();
    story.step(&[Sweep::Outbox]).await;
    assert_eq!((story.mails().len(), story.states().await), (0, vec!["SUPPRESSED".to_owned()]));

    story.publish(vec![story.uploaded("Section.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    assert_eq!(story.mails().iter().filter(|it| it.to == story.ada.email).count(), 0);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn no_digest_goes_to_who_has_left_and_those_of_other_accounts_do() {
    let story = Story::begin().await;
    let (app, ada) = (&story.app, &story.ada);
    let quay = app.account("Quay Works").await;
    enter(app, quay.id, ada.id).await;
    let theirs = app.workcenter(&quay.admin, quay.id, "Bridge").await;
    app.collaborator(&quay.admin, theirs, ada).await;
    let daily = Preferences { default_delivery: Delivery::Daily.into(), ..Preferences::default() };
    story.prefer(ada, daily, &["default_delivery"]).await;
    story.at("2026-11-20T14:00:00Z").await;
    let before = story.mails().len();

    let there = crate::story::uploaded(theirs, &quay.admin, "Arch.pdf");
    story.publish(vec![story.uploaded("Plan.pdf"), there]).await;
    remove(app, ada, story.account.id, "me").await.unwrap();
    story.at("2026-11-21T07:00:00Z").await;
    let mails = story.mails().split_off(before);
    let to_ada: Vec<_> = mails.iter().filter(|it| it.to == ada.email).map(crate::received::Received::text).collect();
    assert_eq!(to_ada.len(), 1);
    assert!(to_ada[0].contains("Arch.pdf") && !to_ada[0].contains("Plan.pdf"), "{}", to_ada[0]);
    assert_eq!(get(app, ada, theirs).await.unwrap().role(), WorkCenterRole::Contributor);
    assert_eq!(get(app, ada, story.pier).await, Err((Code::NotFound, "WORKCENTER_NOT_FOUND".to_owned())));
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn a_workcenter_whose_last_owner_has_left_is_the_administrators() {
    let story = Story::begin().await;
    let (app, admin) = (&story.app, &story.account.admin);
    remove(app, &story.bob, story.account.id, "me").await.unwrap();
    assert_eq!(get(app, &story.bob, story.pier).await, Err((Code::NotFound, "WORKCENTER_NOT_FOUND".to_owned())));

    let message = pb::ListActivityRequest { workcenter_id: story.pier.to_string(), ..Default::default() };
    let events = app.activity().list_activity(by(&admin.token, message)).await.unwrap().into_inner().events;
    assert_eq!(events[0].kind, "collaborator.left");
    let message = pb::AddCollaboratorRequest {
        workcenter_id: story.pier.to_string(),
        user_id: admin.id.to_string(),
        role: WorkCenterRole::Owner.into(),
    };
    app.workcenters().add_collaborator(by(&admin.token, message)).await.unwrap();
    assert_eq!(get(app, admin, story.pier).await.unwrap().role(), WorkCenterRole::Owner);
}

async fn follow(app: &App, who: &Person, account: Uuid, after: &str) -> Streaming<WatchProfilesResponse> {
    let message = WatchProfilesRequest { account_id: account.to_string(), after: after.to_owned() };
    app.profiles().watch_profiles(by(&who.token, message)).await.unwrap().into_inner()
}

/// What comes before the stream has caught up, in few words, and the position there.
async fn heard(stream: &mut Streaming<WatchProfilesResponse>) -> (Vec<String>, String) {
    let mut heard = Vec::new();
    loop {
        let WatchProfilesResponse { position, event } = stream.next().await.unwrap().unwrap();
        match event.unwrap() {
            Event::Profile(it) => heard.push(format!("{} {}", it.user_id, it.time_zone)),
            Event::Removed(it) => heard.push(format!("{} is gone", it.user_id)),
            Event::CaughtUp(_) => return (heard, position),
        }
    }
}

#[tokio::test]
async fn those_who_follow_a_directory_are_told_who_has_left_it() {
    let app = App::start().await;
    let (pier, quay) = (app.account("Pier Works").await, app.account("Quay Works").await);
    let zone = "update account set time_zone = 'Asia/Tokyo' where id = $1";
    app.client().await.execute(zone, &[&pier.id]).await.unwrap();
    let ada = app.person(&pier, "ada@example.com", "Ada", "Lovelace").await;
    enter(&app, quay.id, ada.id).await;
    let (mut here, mut there) =
        (follow(&app, &pier.admin, pier.id, "").await, follow(&app, &quay.admin, quay.id, "").await);
    let (everybody, first) = heard(&mut here).await;
    assert_eq!(everybody.len(), 2);
    assert!(heard(&mut there).await.0.contains(&format!("{} Asia/Tokyo", ada.id)));

    remove(&app, &pier.admin, pier.id, &ada.id.to_string()).await.unwrap();
    let (gone, last) = heard(&mut here).await;
    assert_eq!(gone, [format!("{} is gone", ada.id)]);
    // The zone that they had from that account is not theirs any more.
    assert_eq!(heard(&mut there).await.0, [format!("{} UTC", ada.id)]);
    assert_eq!(heard(&mut follow(&app, &pier.admin, pier.id, &first).await).await, (gone, last.clone()));

    enter(&app, pier.id, ada.id).await;
    assert_eq!(heard(&mut here).await.0, [format!("{} Asia/Tokyo", ada.id)]);
    let missed = heard(&mut follow(&app, &pier.admin, pier.id, &last).await).await.0;
    assert_eq!(missed, [format!("{} Asia/Tokyo", ada.id)]);
}
