//! What becomes of who has chosen nothing when a WorkCenter has more collaborators than the deployment has for mail at once.

use std::{num::NonZeroU32, time::Duration};

use tokio::{join, net::TcpListener};
use uuid::Uuid;
use workcenter::{
    config,
    pb::{
        self, Delivery, DeliverySource, Preferences, RemoveCollaboratorRequest, UpdateAccountRequest,
        UpdateWorkCenterPreferenceRequest, work_center_service_client::WorkCenterServiceClient,
    },
    server,
};

use super::list;
use crate::{
    channel::Channel,
    harness::{App, Person, by},
    story::{Story, mentioning, uploaded},
};

/// People who are brought in by this server make a WorkCenter large when they are more than `most` with those there are.
async fn guarded(app: &App, most: u32) -> WorkCenterServiceClient<Channel> {
    let mut parts = app.parts().clone();
    parts.settings.large_workcenter = NonZeroU32::new(most).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let pictures = config::Pictures { upload_silence: Duration::from_millis(500) };
    tokio::spawn(server::serve(listener, parts, &pictures, Box::pin(std::future::pending())));
    WorkCenterServiceClient::new(Channel::to(&url))
}

/// Somebody comes into a WorkCenter of `owner`.
async fn come(server: &WorkCenterServiceClient<Channel>, owner: &Person, workcenter: Uuid, person: &Person) {
    let message = pb::AddCollaboratorRequest {
        workcenter_id: workcenter.to_string(),
        user_id: person.id.to_string(),
        role: pb::WorkCenterRole::Contributor.into(),
    };
    server.clone().add_collaborator(by(&owner.token, message)).await.unwrap();
}

/// How somebody hears of their first WorkCenter, and why.
async fn heard(story: &Story, person: &Person) -> (Delivery, DeliverySource) {
    let first = &list(story, person).await[0];
    (first.effective_delivery(), first.source())
}

/// The cadence of everybody who hears of a WorkCenter.
async fn cadences(app: &App, workcenter: Uuid) -> Vec<String> {
    let select = "select cadence from subscription where log_id = $1 and ended_at is null";
    app.client().await.query(select, &[&workcenter]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Those who have got a mail that tells of `title`, by address.
fn told(story: &Story, title: &str) -> Vec<String> {
    let mails = story.mails();
    let mut told: Vec<String> = mails.into_iter().filter(|it| it.text().contains(title)).map(|it| it.to).collect();
    told.sort();
    told
}

const LARGE: (Delivery, DeliverySource) = (Delivery::Daily, DeliverySource::LargeWorkcenter);

#[tokio::test]
async fn whoever_has_chosen_nothing_hears_daily_of_what_has_become_large_and_of_what_waited() {
    let story = Story::begin().await;
    let Story { app, account, ada, bob, pier, .. } = &story;
    let person = async |name: &str| app.person(account, &format!("{name}@example.com"), name, "").await;
    let (eve, ida, nora) = (person("eve").await, person("ida").await, person("nora").await);
    let server = guarded(app, 4).await;
    for person in [&eve, &ida] {
        come(&server, bob, *pier, person).await;
    }
    story.deliver(&eve, Delivery::Immediate).await;
    let at_once = Preferences { default_delivery: Delivery::Immediate.into(), ..Preferences::default() };
    story.prefer(&ida, at_once, &["default_delivery"]).await;
    assert_eq!(heard(&story, ada).await, (Delivery::Immediate, DeliverySource::Account));

    // It waits for mail at once when the fifth comes.
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    come(&server, bob, *pier, &nora).await;
    for person in [ada, bob, &nora] {
        assert_eq!(heard(&story, person).await, LARGE, "{}", person.email);
    }
    assert_eq!(heard(&story, &eve).await, (Delivery::Immediate, DeliverySource::Workcenter));
    assert_eq!(heard(&story, &ida).await, (Delivery::Immediate, DeliverySource::Default));
    story.at("2026-11-20T13:01:00Z").await;
    assert_eq!(told(&story, "Plan.pdf"), ["eve@example.com", "ida@example.com"]);

    // What concerns somebody comes at once, as ever.
    let mention = mentioning(story.uploaded("Offer.pdf"), &[ada]);
    story.publish(vec![mention]).await;
    story.at("2026-11-20T13:02:00Z").await;
    assert_eq!(told(&story, "Offer.pdf"), ["ada@example.com", "eve@example.com", "ida@example.com"]);

    story.at("2026-11-21T07:00:00Z").await;
    assert_eq!(told(&story, "Plan.pdf"), ["ada@example.com", "eve@example.com", "ida@example.com"]);
    assert_eq!(story.findings().await, []);
}

/// Sets how people of the story's account hear who have chosen nothing.
async fn set(story: &Story, delivery: Delivery) {
    let account_id = story.account.id.to_string();
    let sent = pb::Account { account_id, default_delivery: delivery.into(), ..Default::default() };
    let message = UpdateAccountRequest { account: Some(sent), ..Default::default() };
    story.app.accounts().update_account(by(&story.account.admin.token, message)).await.unwrap();
}

#[tokio::test]
async fn what_is_large_stays_large_whoever_leaves_and_whatever_the_account_has() {
    let story = Story::begin().await;
    let Story { app, account, ada, bob, pier, .. } = &story;
    let nora = app.person(account, "nora@example.com", "Nora", "").await;
    let server = guarded(app, 2).await;
    come(&server, bob, *pier, &nora).await;
    assert_eq!(heard(&story, ada).await, LARGE);
    let leave = RemoveCollaboratorRequest { workcenter_id: pier.to_string(), user_id: nora.id.to_string() };
    app.workcenters().remove_collaborator(by(&bob.token, leave)).await.unwrap();
    assert_eq!(heard(&story, ada).await, LARGE);

    // Whoever comes, or comes back, to the few there are finds it so, and by whichever server.
    app.collaborator(bob, *pier, &nora).await;
    let ida = app.person(account, "ida@example.com", "Ida", "").await;
    app.collaborator(bob, *pier, &ida).await;
    assert_eq!((heard(&story, &nora).await, heard(&story, &ida).await), (LARGE, LARGE));
    assert_eq!(cadences(app, *pier).await, ["DAILY"; 4]);

    // Another default than to hear at once is as it says.
    for (delivery, cadence, heard_so) in [
        (Delivery::Weekly, "WEEKLY", (Delivery::Weekly, DeliverySource::Account)),
        (Delivery::Off, "OFF", (Delivery::Off, DeliverySource::Account)),
        (Delivery::Daily, "DAILY", (Delivery::Daily, DeliverySource::Account)),
        (Delivery::Immediate, "DAILY", LARGE),
    ] {
        set(&story, delivery).await;
        assert_eq!(heard(&story, ada).await, heard_so);
        assert_eq!(cadences(app, *pier).await, [cadence; 4]);
    }

    // To choose to hear at once is to hear at once, until it is given up.
    let chosen = story.deliver(ada, Delivery::Immediate).await;
    assert_eq!((chosen.effective_delivery(), chosen.source()), (Delivery::Immediate, DeliverySource::Workcenter));
    let given_up = story.deliver(ada, Delivery::Inherit).await;
    assert_eq!((given_up.effective_delivery(), given_up.source()), LARGE);
    assert_eq!(cadences(app, *pier).await, ["DAILY"; 4]);

    // Other WorkCenters of the account are what they are.
    let shed = app.workcenter(bob, account.id, "Shed").await;
    assert_eq!(cadences(app, shed).await, ["IMMEDIATE"]);
    assert_eq!(story.findings().await, []);
}

/// Races are run as often as this: a lost one shows in the first few.
const ROUNDS: usize = 6;

#[tokio::test]
async fn of_two_who_come_at_once_one_makes_it_large_whatever_others_choose_meanwhile() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let owner = &account.admin;
    let person = async |name: &str| app.person(&account, &format!("{name}@example.com"), name, "").await;
    let (ada, eve, ida, nora) = (person("ada").await, person("eve").await, person("ida").await, person("nora").await);
    let server = guarded(&app, 4).await;
    for round in 0..ROUNDS {
        let pier = app.workcenter(owner, account.id, &format!("Pier {round}")).await;
        app.collaborator(owner, pier, &ada).await;
        app.collaborator(owner, pier, &eve).await;
        let mut preferences = app.preferences();
        let choice = |delivery: Delivery| {
            let message =
                UpdateWorkCenterPreferenceRequest { workcenter_id: pier.to_string(), delivery: delivery.into() };
            by(&ada.token, message)
        };
        preferences.update_work_center_preference(choice(Delivery::Weekly)).await.unwrap();
        let (.., given_up) = join!(
            come(&server, owner, pier, &ida),
            come(&server, owner, pier, &nora),
            preferences.update_work_center_preference(choice(Delivery::Inherit)),
        );
        given_up.unwrap();
        assert_eq!(cadences(&app, pier).await, ["DAILY"; 5], "in round {round}");
    }
}

#[tokio::test]
async fn fifty_people_who_follow_take_as_many_statements_as_two() {
    let (app, tap) = App::tapped().await;
    let account = app.account("Pier Works").await;
    let (owner, key) = (&account.admin, app.key(&["activity.publish"]).await);
    let nora = app.person(&account, "nora@example.com", "Nora", "").await;
    let server = guarded(&app, 2).await;
    let mut trips = Vec::new();
    // The first ones are what a connection takes to get to know the statements.
    for (round, size) in [2, 2, 50].into_iter().enumerate() {
        let pier = app.workcenter(owner, account.id, "Pier").await;
        for number in 0..size {
            // Somebody new, whose digest is not planned yet.
            let person = app.person(&account, &format!("ada{round}-{number}@example.com"), "Ada", "").await;
            app.collaborator(owner, pier, &person).await;
        }
        let events = vec![uploaded(pier, owner, "Plan.pdf")];
        app.activity().publish_activity(by(&key, pb::PublishActivityRequest { events })).await.unwrap();
        app.using(owner).await;
        let before = tap.round_trips();
        come(&server, owner, pier, &nora).await;
        trips.push(tap.round_trips() - before);
        assert_eq!(cadences(&app, pier).await, vec!["DAILY"; size + 2]);
    }
    assert_eq!(trips[2], trips[1]);
}
