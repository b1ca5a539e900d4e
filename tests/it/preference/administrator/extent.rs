//! Of which WorkCenters the digest of an administrator tells, whatever happens to them, and what that costs.

use tokio::join;
use uuid::Uuid;
use workcenter::{
    daemon::Sweep,
    pb::{self, AccountRole, AdministratorDigest, Delivery},
    subscription::{Link, Scope, Switch},
};

use super::{choose, deliver, file_under, monday, seen, set_role, told_at};
use crate::{
    harness::{App, by},
    story::{Story, uploaded},
};

#[tokio::test]
async fn it_tells_of_new_workcenters_and_of_active_ones_of_its_categories_that_are_not_excluded() {
    let story = monday().await;
    let Story { app, account, bob, .. } = &story;
    let count = async || seen(app, &account.admin).await[0].workcenter_count;
    let tender = app.workcenter(bob, account.id, "Tender").await;
    assert_eq!(count().await, 2);
    story.publish(vec![uploaded(tender, bob, "Offer.pdf"), story.uploaded("Plan.pdf")]).await;
    let text = told_at(&story, "2027-01-05T07:00:00Z").await;
    assert!(text.contains("Offer.pdf") && text.contains("Plan.pdf") && !text.contains("Before.pdf"), "{text}");

    // Of one category; what waited elsewhere is not told any more.
    file_under(&story, story.pier, "Harbour").await;
    story.publish(vec![uploaded(tender, bob, "Lost.pdf"), story.uploaded("Kept.pdf")]).await;
    let harbour = AdministratorDigest { categories: vec!["Harbour".to_owned()], ..Default::default() };
    assert_eq!(choose(app, account, harbour, &["categories"]).await.workcenter_count, 1);
    let third = app.workcenter(bob, account.id, "Third").await;
    assert_eq!(count().await, 1);
    file_under(&story, tender, "Harbour").await;
    file_under(&story, story.pier, "Office").await;
    story.publish(vec![uploaded(tender, bob, "Filed.pdf"), uploaded(third, bob, "Other.pdf")]).await;
    let text = told_at(&story, "2027-01-06T07:00:00Z").await;
    assert!(text.contains("Filed.pdf"), "{text}");
    for absent in ["Lost.pdf", "Kept.pdf", "Other.pdf"] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }

    // Of all again, but of one; also of one that is excluded when its mail is composed already.
    let ids = |of: &[Uuid]| of.iter().map(ToString::to_string).collect::<Vec<_>>();
    let but = AdministratorDigest { excluded_workcenter_ids: ids(&[third]), ..Default::default() };
    assert_eq!(choose(app, account, but, &["categories", "excluded_workcenter_ids"]).await.workcenter_count, 2);
    story
        .publish(vec![uploaded(third, bob, "Third.pdf"), uploaded(tender, bob, "T.pdf"), story.uploaded("P.pdf")])
        .await;
    app.clock_at("2027-01-07T07:00:00Z").await;
    story.step(&[Sweep::Daily]).await;
    let but = AdministratorDigest { excluded_workcenter_ids: ids(&[third, tender, third]), ..Default::default() };
    assert_eq!(choose(app, account, but, &["excluded_workcenter_ids"]).await.excluded_workcenter_ids.len(), 2);
    let text = told_at(&story, "2027-01-07T07:00:01Z").await;
    assert!(text.contains("P.pdf") && !text.contains("T.pdf") && !text.contains("Third.pdf"), "{text}");

    // An archived one is not told of until it is active again, whenever the digest was chosen.
    let workcenter_id = tender.to_string();
    let archive = pb::ArchiveWorkCenterRequest { workcenter_id: workcenter_id.clone() };
    app.workcenters().archive_work_center(by(&bob.token, archive)).await.unwrap();
    let all = choose(app, account, AdministratorDigest::default(), &["excluded_workcenter_ids"]).await;
    assert_eq!(all.workcenter_count, 2);
    let reactivate = pb::ReactivateWorkCenterRequest { workcenter_id: workcenter_id.clone() };
    app.workcenters().reactivate_work_center(by(&bob.token, reactivate)).await.unwrap();
    assert_eq!(count().await, 3);
    story.publish(vec![uploaded(tender, bob, "Again.pdf")]).await;
    assert!(told_at(&story, "2027-01-08T07:00:00Z").await.contains("Again.pdf"));
    app.workcenters()
        .delete_work_center(by(&account.admin.token, pb::DeleteWorkCenterRequest { workcenter_id }))
        .await
        .unwrap();
    assert_eq!(count().await, 2);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn of_a_workcenter_that_is_made_while_it_is_chosen_it_tells_once() {
    let story = Story::begin().await;
    let Story { app, account, bob, .. } = &story;
    for round in 1..=8 {
        let names = [1, 2, 3].map(|it| format!("Pier {round}.{it}"));
        let make = async |name: &str| app.workcenter(bob, account.id, name).await;
        let delivery = if round % 2 == 0 { Delivery::Weekly } else { Delivery::Daily };
        join!(make(&names[0]), deliver(app, account, delivery), make(&names[1]), make(&names[2]));
        assert_eq!(seen(app, &account.admin).await[0].workcenter_count, 1 + 3 * round);
        // A link asks for no account.
        let link = Link { user: account.admin.id, account: account.id, scope: Scope::Account };
        let token = link.seal(app.token_key(), Switch::Off);
        app.preferences().unsubscribe(by(bob.token.as_str(), pb::UnsubscribeRequest { token })).await.unwrap();
        let token = link.seal(app.token_key(), Switch::On);
        let mut client = app.preferences();
        let undone = client.resubscribe(by(bob.token.as_str(), pb::ResubscribeRequest { token }));
        let (made, undone) = join!(make("Another"), undone);
        assert!(undone.unwrap().into_inner().comes);
        assert_eq!(seen(app, &account.admin).await[0].workcenter_count, 2 + 3 * round);
        let workcenter_id = made.to_string();
        let delete = pb::DeleteWorkCenterRequest { workcenter_id };
        app.workcenters().delete_work_center(by(&account.admin.token, delete)).await.unwrap();
    }
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn thirty_workcenters_take_as_many_statements_as_four() {
    let (app, tap) = App::tapped().await;
    let account = app.account("Pier Works").await;
    let bob = app.person(&account, "bob@example.com", "Bob", "").await;
    let key = app.key(&["activity.publish"]).await;
    set_role(&app, &account, &account.admin, &bob, AccountRole::Administrator).await;
    let mut workcenters: Vec<Uuid> = Vec::new();
    let mut trips = Vec::new();
    let of = |delivery: Delivery, category: &str, excluded: &[Uuid]| AdministratorDigest {
        delivery: delivery.into(),
        categories: if category.is_empty() { vec![] } else { vec![category.to_owned()] },
        excluded_workcenter_ids: excluded.iter().map(ToString::to_string).collect(),
        ..Default::default()
    };
    // The first ones are what a connection takes to get to know the statements.
    for size in [2, 4, 30] {
        while workcenters.len() < size {
            workcenters.push(app.workcenter(&bob, account.id, &format!("Pier {}", workcenters.len())).await);
        }
        let mut takes = Vec::new();
        for digest in [
            of(Delivery::Daily, "", &[]),
            of(Delivery::Weekly, "", &[]),
            of(Delivery::Off, "", &[]),
            of(Delivery::Digest, "", &[]),
            of(Delivery::Digest, "Quay", &[]),
            of(Delivery::Digest, "", &[]),
            of(Delivery::Digest, "", &workcenters),
            of(Delivery::Daily, "", &[]),
        ] {
            let events = workcenters.iter().map(|it| uploaded(*it, &bob, "Plan.pdf")).collect();
            app.activity().publish_activity(by(&key, pb::PublishActivityRequest { events })).await.unwrap();
            app.using(&account.admin).await;
            let before = tap.round_trips();
            choose(&app, &account, digest, &["*"]).await;
            takes.push(tap.round_trips() - before);
        }
        app.using(&bob).await;
        let before = tap.round_trips();
        set_role(&app, &account, &bob, &account.admin, AccountRole::Member).await;
        takes.push(tap.round_trips() - before);
        set_role(&app, &account, &bob, &account.admin, AccountRole::Administrator).await;
        trips.push(takes);
    }
    assert_eq!(trips[2], trips[1]);
}
