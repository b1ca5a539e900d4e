//! How the people of an account hear who have chosen nothing: as the account has it, from the moment it is changed.

use jiff::{Timestamp, ToSpan};
use tokio::join;
use uuid::Uuid;
use workcenter::{
    daemon::Sweep,
    pb::{
        self, AcceptInviteRequest, CreateInviteRequest, Delivery, DeliverySource, DigestFrequency, InvitedWorkCenter,
        ListWorkCenterPreferencesRequest, Newcomer, Preferences, PublishActivityRequest, UpdateAccountRequest,
        UpdatePreferencesRequest, UpdateWorkCenterPreferenceRequest, WorkCenterPreference, WorkCenterRole,
        accept_invite_request::By,
    },
};

use super::ROUNDS;
use crate::{
    harness::{Account, App, Person, by, fields},
    invite::mailed,
    migrations,
    story::{Story, mentioning, uploaded},
};

async fn set(app: &App, account: &Account, delivery: Delivery) {
    let account_id = account.id.to_string();
    let sent = pb::Account { account_id, default_delivery: delivery.into(), ..Default::default() };
    let message = UpdateAccountRequest { account: Some(sent), ..Default::default() };
    let set = app.accounts().update_account(by(&account.admin.token, message)).await.unwrap().into_inner();
    assert_eq!(set.account.unwrap().default_delivery(), delivery);
}

async fn choose(app: &App, person: &Person, delivery: Delivery) {
    let preferences = Preferences { default_delivery: delivery.into(), ..Default::default() };
    let message = UpdatePreferencesRequest { preferences: Some(preferences), ..Default::default() };
    app.preferences().update_preferences(by(&person.token, message)).await.unwrap();
}

async fn list(app: &App, person: &Person) -> Vec<WorkCenterPreference> {
    let message = ListWorkCenterPreferencesRequest::default();
    app.preferences().list_work_center_preferences(by(&person.token, message)).await.unwrap().into_inner().preferences
}

/// How somebody hears of their first WorkCenter, and why.
async fn heard(app: &App, person: &Person) -> (Delivery, DeliverySource) {
    let first = &list(app, person).await[0];
    (first.effective_delivery(), first.source())
}

/// The cadences that somebody is told with, by WorkCenter.
async fn cadences(app: &App, user: Uuid) -> Vec<String> {
    let select = "select cadence from subscription where user_id = $1 and ended_at is null order by log_id";
    app.client().await.query(select, &[&user]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn who_has_chosen_nothing_hears_as_the_account_has_it_and_who_has_does_not() {
    let story = Story::begin().await;
    let Story { app, account, ada, bob, .. } = &story;
    choose(app, bob, Delivery::Weekly).await;
    assert_eq!(heard(app, ada).await, (Delivery::Immediate, DeliverySource::Account));
    set(app, account, Delivery::Daily).await;
    assert_eq!(heard(app, ada).await, (Delivery::Daily, DeliverySource::Account));
    assert_eq!(heard(app, bob).await, (Delivery::Weekly, DeliverySource::Default));
    assert_eq!(
        (cadences(app, ada.id).await, cadences(app, bob.id).await),
        (vec!["DAILY".into()], vec!["WEEKLY".into()])
    );

    // What the person sets is in force, step by step; given up, it is as the account has it again.
    choose(app, ada, Delivery::Immediate).await;
    assert_eq!(heard(app, ada).await, (Delivery::Immediate, DeliverySource::Default));
    story.deliver(ada, Delivery::Weekly).await;
    assert_eq!(heard(app, ada).await, (Delivery::Weekly, DeliverySource::Workcenter));
    choose(app, ada, Delivery::Inherit).await;
    let answer = story.deliver(ada, Delivery::Inherit).await;
    assert_eq!((answer.effective_delivery(), answer.source()), (Delivery::Daily, DeliverySource::Account));
    let weekly = Preferences { digest_frequency: DigestFrequency::Weekly.into(), ..Default::default() };
    let next = story.prefer(ada, weekly, &["digest_frequency"]).await.next_digests;
    assert_eq!((next.len(), next[0].cadence()), (1, Delivery::Daily));

    // The digest of an account is that of each one's own frequency.
    set(app, account, Delivery::Digest).await;
    assert_eq!(heard(app, ada).await, (Delivery::Weekly, DeliverySource::Account));
    assert_eq!(cadences(app, ada.id).await, ["WEEKLY"]);
    story.prefer(ada, Preferences::default(), &["notifications_enabled"]).await;
    assert_eq!(heard(app, ada).await, (Delivery::Off, DeliverySource::SwitchedOff));
    set(app, account, Delivery::Immediate).await;
    assert_eq!(cadences(app, ada.id).await, ["OFF"]);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn each_account_has_its_own() {
    let story = Story::begin().await;
    let Story { app, account, ada, .. } = &story;
    let quay = app.account("Quay Works").await;
    let now = app.now().await;
    let mut client = app.client().await;
    let tx = client.transaction().await.unwrap();
    workcenter::account::add_member(&tx, quay.id, ada.id, workcenter::access::AccountRole::Guest, now).await.unwrap();
    tx.commit_with(&[workcenter::account::announce(ada.id)]).await.unwrap();
    let plans = app.workcenter(&quay.admin, quay.id, "Plans").await;
    set(app, &quay, Delivery::Weekly).await;
    app.collaborator(&quay.admin, plans, ada).await;

    let both = async || list(app, ada).await.iter().map(WorkCenterPreference::effective_delivery).collect::<Vec<_>>();
    assert_eq!(both().await, [Delivery::Immediate, Delivery::Weekly]);
    set(app, account, Delivery::Off).await;
    assert_eq!(both().await, [Delivery::Off, Delivery::Weekly]);
    assert_eq!(cadences(app, ada.id).await, ["OFF", "WEEKLY"]);
    choose(app, ada, Delivery::Daily).await;
    assert_eq!(both().await, [Delivery::Daily, Delivery::Daily]);
    assert_eq!(story.findings().await, []);
}

/// Everything that is kept of how `user` was told of what happened since, and will be.
async fn kept(app: &App, user: Uuid, since: Timestamp) -> Vec<String> {
    let select = "
        select 'cursor ' || cursor || ' ' || cadence as it, 1 as part, null::uuid as id
        from subscription where user_id = $1
        union all
        select concat_ws(' ', 'settled', cause, local_date, from_seq, to_seq, shown, own, addressed, hidden, retracted,
            suppressed, mail.kind, mail.state), 2, settlement.id
        from settlement left join mail on mail.id = settlement.mail_id
        where settlement.user_id = $1 and settled_at > $2
        union all
        select concat_ws(' ', 'addressed', seq, outcome), 3, null from addressee where user_id = $1
        union all
        select concat_ws(' ', 'digest', cadence, next_at, next_date, last_date), 4, null
        from digest_schedule where user_id = $1
        order by part, id, it";
    app.client().await.query(select, &[&user, &since]).await.unwrap().iter().map(|row| row.get("it")).collect()
}

#[tokio::test]
async fn what_waits_does_the_same_as_if_each_had_changed_their_own() {
    use Delivery::{Daily, Immediate, Off, Weekly};
    let story = Story::begin().await;
    let Story { app, account, ada, bob, pier, .. } = &story;
    let eve = app.person(account, "eve@example.com", "Eve", "").await;
    app.collaborator(bob, *pier, &eve).await;
    choose(app, &eve, Immediate).await;
    choose(app, bob, Off).await;
    story.at("2026-11-21T06:00:00Z").await;
    let mut now: Timestamp = "2026-11-21T06:00:00Z".parse().unwrap();
    let since = now;

    // Each of the twelve changes once, one after the other, with something waiting every time.
    for to in [Daily, Immediate, Weekly, Immediate, Off, Daily, Weekly, Daily, Off, Weekly, Off, Immediate] {
        now += 6.hours();
        app.clock_at(&now.to_string()).await;
        let comment = mentioning(story.uploaded("Notes.pdf"), &[ada, &eve]);
        story.publish(vec![story.uploaded("Plan.pdf"), comment]).await;
        set(app, account, to).await;
        choose(app, &eve, to).await;
        // Soon, and the next morning.
        for hours in [1, 17] {
            now += hours.hours();
            story.at(&now.to_string()).await;
            assert_eq!(kept(app, ada.id, since).await, kept(app, eve.id, since).await, "at {now}, {to:?}");
            assert_eq!(story.findings().await, [], "at {now}, {to:?}");
        }
    }
    let all = kept(app, ada.id, since).await;
    let settled = |cause: &str| all.iter().filter(|it| it.starts_with(&format!("settled {cause} "))).count();
    assert_eq!(["CATCHUP", "SUPPRESSED", "RESUMED"].map(settled), [2, 3, 3], "{all:#?}");
    let mails = |to: &Person| story.mails().iter().filter(|it| it.to == to.email).count();
    assert_eq!(mails(ada), mails(&eve));
}

#[tokio::test]
async fn what_is_composed_is_not_sent_when_the_account_says_off_since() {
    let story = Story::begin().await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.app.clock_at("2026-11-20T13:01:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    set(&story.app, &story.account, Delivery::Off).await;
    story.step(&[Sweep::Outbox]).await;
    assert_eq!(story.states().await, ["SUPPRESSED"]);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn the_zone_and_the_default_of_an_account_are_changed_in_one() {
    let story = Story::begin().await;
    let Story { app, account, ada, bob, .. } = &story;
    choose(app, bob, Delivery::Weekly).await;
    let sent = pb::Account {
        account_id: account.id.to_string(),
        time_zone: "Asia/Tokyo".to_owned(),
        default_delivery: Delivery::Daily.into(),
        ..Default::default()
    };
    let message = UpdateAccountRequest { account: Some(sent), ..Default::default() };
    app.accounts().update_account(by(&account.admin.token, message)).await.unwrap();
    for (person, expected) in
        [(ada, "2026-11-21T07:00:00+09:00[Asia/Tokyo]"), (bob, "2026-11-23T07:00:00+09:00[Asia/Tokyo]")]
    {
        let read = app.preferences().get_preferences(by(&person.token, pb::GetPreferencesRequest {})).await.unwrap();
        assert_eq!(read.into_inner().preferences.unwrap().next_digests[0].next_digest_local, expected);
    }
}

#[tokio::test]
async fn a_newcomer_by_invite_hears_as_the_account_has_it() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let plans = app.workcenter(&account.admin, account.id, "Plans").await;
    set(&app, &account, Delivery::Daily).await;
    let place = InvitedWorkCenter { workcenter_id: plans.to_string(), role: WorkCenterRole::Reader.into() };
    let offer = CreateInviteRequest {
        email: "nora@example.com".to_owned(),
        account_id: account.id.to_string(),
        account_role: pb::AccountRole::Guest.into(),
        workcenters: vec![place],
        ..Default::default()
    };
    let made = app.invites().create_invite(by(&account.admin.token, offer)).await.unwrap().into_inner();
    let token = mailed(&app, &made.invite.unwrap()).await.unwrap();
    let newcomer = Newcomer {
        first_name: "Nora".to_owned(),
        last_name: "New".to_owned(),
        password: "a bridge over the Tees".to_owned(),
        ..Default::default()
    };
    let message = AcceptInviteRequest { by: Some(By::Token(token)), newcomer: Some(newcomer), ..Default::default() };
    let came = app.invites().accept_invite(message).await.unwrap().into_inner();
    let nora = Person { id: came.user_id.parse().unwrap(), token: came.token, email: "nora@example.com".to_owned() };
    assert_eq!(heard(&app, &nora).await, (Delivery::Daily, DeliverySource::Account));
    assert_eq!(cadences(&app, nora.id).await, ["DAILY"]);
}

#[tokio::test]
async fn an_account_inherits_of_nobody() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    for delivery in [Delivery::Inherit.into(), 99] {
        let account_id = account.id.to_string();
        let sent = pb::Account { account_id, default_delivery: delivery, ..Default::default() };
        let message = UpdateAccountRequest { account: Some(sent), ..Default::default() };
        let refused = app.accounts().update_account(by(&account.admin.token, message)).await.unwrap_err();
        assert_eq!(fields(&refused), ["account.default_delivery"]);
    }
}

#[tokio::test]
async fn fifty_people_take_as_many_statements_as_two() {
    let (app, tap) = App::tapped().await;
    let account = app.account("Pier Works").await;
    let plans = app.workcenter(&account.admin, account.id, "Plans").await;
    let key = app.key(&["activity.publish"]).await;
    let mut people = 0;
    let mut trips = Vec::new();
    // The first ones are what a connection takes to get to know the statements.
    for size in [2, 2, 50] {
        while people < size {
            people += 1;
            let person = app.person(&account, &format!("ada{people}@example.com"), "Ada", "").await;
            app.collaborator(&account.admin, plans, &person).await;
        }
        let mut each = Vec::new();
        for delivery in [Delivery::Daily, Delivery::Immediate, Delivery::Off, Delivery::Immediate, Delivery::Weekly] {
            let events = vec![uploaded(plans, &account.admin, "Plan.pdf")];
            app.activity().publish_activity(by(&key, PublishActivityRequest { events })).await.unwrap();
            app.using(&account.admin).await;
            let before = tap.round_trips();
            set(&app, &account, delivery).await;
            each.push(tap.round_trips() - before);
        }
        trips.push(each);
        let slow = "select count(*) from subscription where cadence = 'WEEKLY'";
        assert_eq!(app.client().await.query_one(slow, &[]).await.unwrap().get::<_, i64>(0), people + 1);
    }
    assert_eq!(trips[2], trips[1]);
}

/// Subscriptions whose cadence is not what is set.
const ASTRAY: &str = "
    select count(*) from subscription
    join recipient using (user_id) join account on account.id = subscription.account_id
    where cadence <> coalesce(nullif(delivery, 'INHERIT'), nullif(recipient.default_delivery, 'INHERIT'),
        account.default_delivery)";

#[tokio::test]
async fn whoever_comes_or_chooses_meanwhile_is_in_step_with_the_account() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let admin = &account.admin;
    let [bob, eve] = [
        app.person(&account, "bob@example.com", "Bob", "").await,
        app.person(&account, "eve@example.com", "Eve", "").await,
    ];
    let plans = app.workcenter(admin, account.id, "Plans").await;
    for person in [&bob, &eve] {
        app.collaborator(admin, plans, person).await;
    }
    let ways = [Delivery::Daily, Delivery::Off, Delivery::Weekly, Delivery::Immediate];
    for round in 0..ROUNDS {
        let ada = app.person(&account, &format!("ada{round}@example.com"), "Ada", "").await;
        let (way, own) = (ways[round % 4], if round % 2 == 0 { Delivery::Inherit } else { Delivery::Daily });
        let message = UpdateWorkCenterPreferenceRequest { workcenter_id: plans.to_string(), delivery: own.into() };
        let mut preferences = app.preferences();
        let (.., placed) = join!(
            set(&app, &account, way),
            app.collaborator(admin, plans, &ada),
            choose(&app, &bob, own),
            preferences.update_work_center_preference(by(&eve.token, message)),
        );
        placed.unwrap();
        let astray: i64 = app.client().await.query_one(ASTRAY, &[]).await.unwrap().get(0);
        assert_eq!(astray, 0, "in round {round}");
    }
}

#[tokio::test]
async fn who_never_changed_anything_before_there_were_defaults_of_accounts_has_chosen_nothing() {
    let story = Story::begin().await;
    story
        .prefer(&story.bob, Preferences { digest_time: "08:00".to_owned(), ..Default::default() }, &["digest_time"])
        .await;
    // As it was before that migration.
    story.meddle("update recipient set default_delivery = 'IMMEDIATE'").await;
    let (_, migration) = migrations::files().into_iter().find(|(version, _)| *version == 17).unwrap();
    let at = migration.find("update recipient").unwrap();
    story.meddle(migration[at..].trim().trim_end_matches(';')).await;
    assert_eq!(heard(&story.app, &story.ada).await, (Delivery::Immediate, DeliverySource::Account));
    assert_eq!(heard(&story.app, &story.bob).await, (Delivery::Immediate, DeliverySource::Default));
}
