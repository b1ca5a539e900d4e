//! Many WorkCenters set at once, and all of them: the other door to what the WorkCenter's own sets.

use tonic::{Code, Status};
use uuid::Uuid;
use workcenter::{
    daemon::Sweep,
    ids,
    pb::{
        BatchUpdateWorkCenterPreferencesRequest, Delivery, DeliverySource, PublishActivityRequest, WorkCenterDelivery,
        WorkCenterPreference,
    },
};

use super::list;
use crate::{
    harness::{App, Person, by, fields, reason},
    story::{Story, uploaded},
};

fn row(workcenter: Uuid, delivery: Delivery) -> WorkCenterDelivery {
    WorkCenterDelivery { workcenter_id: workcenter.to_string(), delivery: delivery.into() }
}

async fn send(
    app: &App,
    person: &Person,
    rows: Vec<WorkCenterDelivery>,
    all: Delivery,
) -> Result<Vec<WorkCenterPreference>, Status> {
    let message = BatchUpdateWorkCenterPreferencesRequest { rows, all: all.into() };
    let sent = app.preferences().batch_update_work_center_preferences(by(&person.token, message)).await;
    sent.map(|it| it.into_inner().preferences)
}

/// Sets each of these; no two rows are of one WorkCenter.
pub async fn each(app: &App, person: &Person, rows: &[(Uuid, Delivery)]) -> Result<Vec<WorkCenterPreference>, Status> {
    send(app, person, rows.iter().map(|(id, delivery)| row(*id, *delivery)).collect(), Delivery::Unspecified).await
}

/// What is set, and where what is in force comes from.
fn set(preferences: &[WorkCenterPreference]) -> Vec<(&str, Delivery, DeliverySource)> {
    preferences.iter().map(|it| (it.workcenter_name.as_str(), it.delivery(), it.source())).collect()
}

/// Ada's WorkCenters besides Pier 4.
async fn more(story: &Story, names: &[&str]) -> Vec<Uuid> {
    let mut more = Vec::new();
    for name in names {
        let workcenter = story.app.workcenter(&story.bob, story.account.id, name).await;
        story.app.collaborator(&story.bob, workcenter, &story.ada).await;
        more.push(workcenter);
    }
    more
}

#[tokio::test]
async fn both_doors_open_on_one_value() {
    let story = Story::begin().await;
    let tender = more(&story, &["Tender"]).await[0];
    let rows = [(tender, Delivery::Weekly), (story.pier, Delivery::Off)];
    let answer = each(&story.app, &story.ada, &rows).await.unwrap();
    let workcenter = DeliverySource::Workcenter;
    assert_eq!(set(&answer), [("Tender", Delivery::Weekly, workcenter), ("Pier 4", Delivery::Off, workcenter)]);

    let mut listed = list(&story, &story.ada).await;
    listed.reverse();
    assert_eq!(listed, answer);
    // The WorkCenter's own door overwrites it, and is overwritten.
    story.deliver(&story.ada, Delivery::Daily).await;
    assert_eq!(list(&story, &story.ada).await[0].delivery(), Delivery::Daily);
    let back = each(&story.app, &story.ada, &[(story.pier, Delivery::Inherit)]).await.unwrap();
    assert_eq!(set(&back), [("Pier 4", Delivery::Inherit, DeliverySource::Account)]);
    assert_eq!(list(&story, &story.ada).await[0], back[0]);
}

#[tokio::test]
async fn every_bad_row_is_named_at_once_and_nothing_is_set() {
    let story = Story::begin().await;
    let (app, ada, pier) = (&story.app, &story.ada, story.pier);
    let bobs = app.workcenter(&story.bob, story.account.id, "Bob's own").await;
    let refused = |sent: Result<_, Status>| {
        let status = sent.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        (reason(&status), fields(&status))
    };
    let invalid = "FIELD_INVALID".to_owned();

    let bad = WorkCenterDelivery { workcenter_id: "pier".to_owned(), delivery: 99 };
    let rows = vec![row(pier, Delivery::Off), bad, row(pier, Delivery::Daily)];
    let found = refused(send(app, ada, rows, Delivery::Unspecified).await);
    let named = ["rows[1].workcenter_id", "rows[1].delivery", "rows[2].workcenter_id"];
    assert_eq!(found, (invalid.clone(), named.map(ToOwned::to_owned).to_vec()));

    // Whether somebody else's, or nobody's.
    let rows = [(bobs, Delivery::Off), (pier, Delivery::Off), (ids::new(), Delivery::Off)];
    let found = refused(each(app, ada, &rows).await);
    let named = ["rows[0].workcenter_id", "rows[2].workcenter_id"];
    assert_eq!(found, ("WORKCENTER_NOT_FOUND".to_owned(), named.map(ToOwned::to_owned).to_vec()));

    let many: Vec<_> = (0..1_001).map(|_| row(ids::new(), Delivery::Off)).collect();
    for rows in [Vec::new(), many] {
        let found = refused(send(app, ada, rows, Delivery::Unspecified).await);
        assert_eq!(found, (invalid.clone(), vec!["rows".to_owned()]));
    }
    let found = refused(send(app, ada, vec![row(pier, Delivery::Off)], Delivery::Daily).await);
    assert_eq!(found, (invalid, vec!["rows".to_owned()]));
    assert_eq!(list(&story, ada).await[0].delivery(), Delivery::Inherit);
}

#[tokio::test]
async fn all_are_set_in_one_call_and_what_waits_follows_each() {
    let story = Story::begin().await;
    let more = more(&story, &["Tender", "Quay"]).await;
    let deleted = more[1];
    let gone = workcenter::pb::DeleteWorkCenterRequest { workcenter_id: deleted.to_string() };
    story.app.workcenters().delete_work_center(by(&story.account.admin.token, gone)).await.unwrap();
    story.at("2026-11-20T13:30:00Z").await;
    let before = story.mails().len();

    assert_eq!(send(&story.app, &story.ada, Vec::new(), Delivery::Weekly).await.unwrap(), []);
    story.publish(vec![story.uploaded("Plan.pdf"), uploaded(more[0], &story.bob, "Offer.pdf")]).await;
    story.at("2026-11-20T14:00:00Z").await;
    assert_eq!(story.mails().len(), before);
    // What waited in both is told in one mail.
    send(&story.app, &story.ada, Vec::new(), Delivery::Immediate).await.unwrap();
    story.step(&Sweep::ALL).await;
    let mails = story.mails().split_off(before);
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text().contains("Plan.pdf") && mails[0].text().contains("Offer.pdf"), "{}", mails[0].text());

    send(&story.app, &story.ada, Vec::new(), Delivery::Inherit).await.unwrap();
    let listed = list(&story, &story.ada).await;
    let account = DeliverySource::Account;
    assert_eq!(set(&listed), [("Pier 4", Delivery::Inherit, account), ("Tender", Delivery::Inherit, account)]);
    // A deleted one is nobody's any more.
    let refused = each(&story.app, &story.ada, &[(deleted, Delivery::Off)]).await.unwrap_err();
    assert_eq!(reason(&refused), "WORKCENTER_NOT_FOUND");
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn thirty_workcenters_take_as_many_statements_as_two() {
    let (app, tap) = App::tapped().await;
    let account = app.account("Pier Works").await;
    let (admin, ada) = (&account.admin, app.person(&account, "ada@example.com", "Ada", "").await);
    let key = app.key(&["activity.publish"]).await;
    let mut workcenters = Vec::new();
    let mut trips = Vec::new();
    // The first ones are what a connection takes to get to know the statements.
    for size in [2, 2, 30] {
        while workcenters.len() < size {
            let workcenter = app.workcenter(admin, account.id, &format!("Pier {}", workcenters.len())).await;
            app.collaborator(admin, workcenter, &ada).await;
            workcenters.push(workcenter);
        }
        let mut each_takes = Vec::new();
        for delivery in [Delivery::Daily, Delivery::Immediate, Delivery::Off, Delivery::Immediate, Delivery::Weekly] {
            let events = workcenters.iter().map(|it| uploaded(*it, admin, "Plan.pdf")).collect();
            app.activity().publish_activity(by(&key, PublishActivityRequest { events })).await.unwrap();
            app.using(&ada).await;
            let before = tap.round_trips();
            let rows: Vec<_> = workcenters.iter().map(|it| (*it, delivery)).collect();
            each(&app, &ada, &rows).await.unwrap();
            let took = tap.round_trips() - before;
            // Who calls is looked up again when the first call has taken some seconds.
            app.using(&ada).await;
            let before = tap.round_trips();
            send(&app, &ada, Vec::new(), delivery).await.unwrap();
            each_takes.push((took, tap.round_trips() - before));
        }
        trips.push(each_takes);
    }
    assert_eq!(trips[2], trips[1]);
}
