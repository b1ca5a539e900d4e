//! The digest of an administrator: of what it tells, when it begins and ends, and that it is told once.

mod extent;

use tonic::{Code, Status};
use uuid::Uuid;
use workcenter::{
    daemon::Sweep,
    ids,
    pb::{
        self, AccountRole, AdministratorDigest, Delivery, DeliverySource, ListAdministratorDigestsRequest,
        NotificationOutcome, Preferences, UpdateAdministratorDigestRequest,
    },
    subscription::{Link, Scope, Switch},
};

use super::{list, pause};
use crate::{
    harness::{Account, App, Person, by, fields, reason},
    received::Received,
    story::{Story, mask, mentioning, named, uploaded},
};

async fn try_choose(
    app: &App,
    who: &Person,
    account: Uuid,
    digest: AdministratorDigest,
    paths: &[&str],
    etag: &str,
) -> Result<AdministratorDigest, Status> {
    let digest = Some(AdministratorDigest { account_id: account.to_string(), ..digest });
    let message = UpdateAdministratorDigestRequest { digest, update_mask: Some(mask(paths)), etag: etag.to_owned() };
    let answer = app.preferences().update_administrator_digest(by(&who.token, message)).await?;
    Ok(answer.into_inner().digest.unwrap())
}

/// The administrator chooses what `digest` has in these fields.
async fn choose(app: &App, account: &Account, digest: AdministratorDigest, paths: &[&str]) -> AdministratorDigest {
    try_choose(app, &account.admin, account.id, digest, paths, "").await.unwrap()
}

/// The administrator chooses this delivery.
pub async fn deliver(app: &App, account: &Account, delivery: Delivery) -> AdministratorDigest {
    let digest = AdministratorDigest { delivery: delivery.into(), ..Default::default() };
    choose(app, account, digest, &["delivery"]).await
}

async fn seen(app: &App, who: &Person) -> Vec<AdministratorDigest> {
    let message = ListAdministratorDigestsRequest::default();
    app.preferences().list_administrator_digests(by(&who.token, message)).await.unwrap().into_inner().digests
}

/// What the relay has got for the administrator.
pub fn told(story: &Story) -> Vec<Received> {
    story.mails().into_iter().filter(|it| it.to == story.account.admin.email).collect()
}

/// What is told to the administrator at that instant, in one mail at most; empty when it is nothing.
async fn told_at(story: &Story, instant: &str) -> String {
    let before = told(story).len();
    story.at(instant).await;
    let mails = told(story).split_off(before);
    assert!(mails.len() <= 1, "{mails:?}");
    mails.first().map(Received::text).unwrap_or_default()
}

/// On a Monday morning the administrator chooses a daily digest.
async fn monday() -> Story {
    let story = Story::begin().await;
    story.at("2027-01-04T10:00:00Z").await;
    story.publish(vec![story.uploaded("Before.pdf")]).await;
    deliver(&story.app, &story.account, Delivery::Daily).await;
    story
}

async fn set_role(app: &App, account: &Account, by_whom: &Person, whom: &Person, role: AccountRole) {
    let (account_id, user_id) = (account.id.to_string(), whom.id.to_string());
    let message = pb::UpdateMemberRequest { account_id, user_id, role: role.into() };
    app.accounts().update_member(by(&by_whom.token, message)).await.unwrap();
}

async fn file_under(story: &Story, workcenter: Uuid, category: &str) {
    let workcenter_id = workcenter.to_string();
    let sent = pb::WorkCenter { workcenter_id, category: category.to_owned(), ..Default::default() };
    let update_mask = Some(mask(&["category"]));
    let message = pb::UpdateWorkCenterRequest { workcenter: Some(sent), update_mask, ..Default::default() };
    story.app.workcenters().update_work_center(by(&story.bob.token, message)).await.unwrap();
}

async fn remove(story: &Story, workcenter: Uuid, person: &Person) {
    let (workcenter_id, user_id) = (workcenter.to_string(), person.id.to_string());
    let message = pb::RemoveCollaboratorRequest { workcenter_id, user_id };
    story.app.workcenters().remove_collaborator(by(&story.bob.token, message)).await.unwrap();
}

#[tokio::test]
async fn it_stands_after_their_own_workcenters_tells_what_is_for_everybody_and_says_why() {
    let story = Story::begin().await;
    let Story { app, account, ada, bob, .. } = &story;
    story.at("2027-01-04T10:00:00Z").await;
    let own = app.workcenter(&account.admin, account.id, "Quay").await;
    let daily = Preferences { default_delivery: Delivery::Daily.into(), ..Default::default() };
    story.prefer(&account.admin, daily, &["default_delivery"]).await;
    story.publish(vec![story.uploaded("Before.pdf")]).await;
    let chosen = deliver(app, account, Delivery::Digest).await;
    assert_eq!((chosen.workcenter_count, chosen.effective_delivery()), (1, Delivery::Daily));
    assert_eq!(chosen.next_digest.unwrap().next_digest_local, "2027-01-05T07:00:00+00:00[UTC]");

    story
        .publish(vec![
            story.uploaded("Plan.pdf"),
            uploaded(story.pier, &account.admin, "Mine.pdf"),
            named(mentioning(story.uploaded("Secret.pdf"), &[ada, &account.admin])),
            mentioning(story.uploaded("Notes.pdf"), &[&account.admin]),
            uploaded(own, bob, "Wall.pdf"),
        ])
        .await;
    assert_eq!(told_at(&story, "2027-01-04T10:05:00Z").await, "", "nothing comes at once");
    let text = told_at(&story, "2027-01-05T07:00:00Z").await;
    let place = |it: &str| text.find(it).unwrap_or_else(|| panic!("{it} in {text}"));
    assert!(["Wall.pdf", "Pier 4", "(as administrator)", "Plan.pdf"].map(place).is_sorted(), "{text}");
    assert!(place("(as administrator)") < place("Notes.pdf"), "{text}");
    for absent in ["Before.pdf", "Mine.pdf", "Secret.pdf", "NEEDS YOU"] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
    assert!(text.contains("as its administrator"), "{text}");
    assert_eq!(told_at(&story, "2027-01-06T07:00:00Z").await, "");
    // Of one line it is said below.
    story.publish(vec![story.uploaded("Alone.pdf")]).await;
    assert!(told_at(&story, "2027-01-07T07:00:00Z").await.contains("whose WorkCenters you administer"));
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn it_is_a_digest_of_an_administrator_and_what_is_wrong_is_said_at_once() {
    let story = Story::begin().await;
    let Story { app, account, ada, .. } = &story;
    let admin = &account.admin;
    let off = seen(app, admin).await.remove(0);
    assert_eq!((off.account_id.clone(), off.account_name.as_str()), (account.id.to_string(), "Pier Works"));
    assert_eq!((off.delivery(), off.effective_delivery(), off.workcenter_count), (Delivery::Off, Delivery::Off, 0));
    assert_eq!(seen(app, ada).await, []);

    let bad = |delivery: Delivery| AdministratorDigest { delivery: delivery.into(), ..Default::default() };
    for delivery in [Delivery::Immediate, Delivery::Inherit, Delivery::Unspecified] {
        let status = try_choose(app, admin, account.id, bad(delivery), &["delivery"], "").await.unwrap_err();
        assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, vec!["digest.delivery".to_owned()]));
    }
    let many = AdministratorDigest {
        categories: vec!["two\nlines".to_owned()],
        excluded_workcenter_ids: vec!["pier".to_owned()],
        ..bad(Delivery::Immediate)
    };
    let status = try_choose(app, admin, account.id, many, &["*"], "").await.unwrap_err();
    let named = ["digest.delivery", "digest.categories[0]", "digest.excluded_workcenter_ids[0]"];
    assert_eq!(fields(&status), named);
    let elsewhere = app.account("Elsewhere").await;
    let strange = app.workcenter(&elsewhere.admin, elsewhere.id, "Strange").await;
    let excluded_workcenter_ids = [story.pier, strange, ids::new()].iter().map(ToString::to_string).collect();
    let sent = AdministratorDigest { excluded_workcenter_ids, ..Default::default() };
    let status = try_choose(app, admin, account.id, sent, &[], "").await.unwrap_err();
    let named = ["digest.excluded_workcenter_ids[1]", "digest.excluded_workcenter_ids[2]"].map(ToOwned::to_owned);
    assert_eq!((reason(&status), fields(&status)), ("WORKCENTER_NOT_FOUND".to_owned(), named.to_vec()));

    for (who, of, code, why) in [
        (ada, account, Code::PermissionDenied, "NOT_ALLOWED"),
        (admin, &elsewhere, Code::NotFound, "ACCOUNT_NOT_FOUND"),
    ] {
        let status = try_choose(app, who, of.id, bad(Delivery::Daily), &["delivery"], "").await.unwrap_err();
        assert_eq!((status.code(), reason(&status)), (code, why.to_owned()));
    }
    assert_eq!(seen(app, admin).await, std::slice::from_ref(&off));

    // What the mask names is changed, and the etag guards it.
    let quay = AdministratorDigest { categories: vec!["Quay".to_owned()], ..bad(Delivery::Weekly) };
    let set = try_choose(app, admin, account.id, quay.clone(), &["categories"], &off.etag).await.unwrap();
    assert_eq!((set.delivery(), set.categories.clone()), (Delivery::Off, vec!["Quay".to_owned()]));
    assert_eq!(seen(app, admin).await, [set]);
    let status = try_choose(app, admin, account.id, quay, &["delivery"], &off.etag).await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
}

#[tokio::test]
async fn it_ends_with_the_role_at_once_also_for_a_mail_that_waits() {
    let story = monday().await;
    let Story { app, account, ada, bob, .. } = &story;
    let admin = &account.admin;
    set_role(app, account, admin, ada, AccountRole::Administrator).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    app.clock_at("2027-01-05T07:00:00Z").await;
    story.step(&[Sweep::Daily]).await;
    story.publish(vec![story.uploaded("Later.pdf")]).await;
    set_role(app, account, ada, admin, AccountRole::Member).await;
    story.step(&Sweep::ALL).await;
    assert_eq!(told(&story).len(), 0);
    assert_eq!((seen(app, admin).await, read_next(&story).await), (vec![], 0));

    // Who has the role again has to choose again, and nothing is told of the time between.
    set_role(app, account, ada, admin, AccountRole::Administrator).await;
    assert_eq!(seen(app, admin).await[0].delivery(), Delivery::Off);
    story.publish(vec![story.uploaded("Between.pdf")]).await;
    let text = told_at(&story, "2027-01-06T07:00:00Z").await;
    assert!(text.contains("changed your role") && !text.contains(".pdf"), "{text}");
    deliver(app, account, Delivery::Daily).await;
    story.publish(vec![story.uploaded("After.pdf")]).await;
    let text = told_at(&story, "2027-01-07T07:00:00Z").await;
    assert!(text.contains("After.pdf") && !text.contains("Between.pdf") && !text.contains("Later.pdf"), "{text}");

    // So it is for who leaves the account.
    story.publish(vec![story.uploaded("Last.pdf")]).await;
    let (account_id, user_id) = (account.id.to_string(), admin.id.to_string());
    let message = pb::RemoveMemberRequest { account_id, user_id };
    app.accounts().remove_member(by(&ada.token, message)).await.unwrap();
    story.publish(vec![uploaded(story.pier, bob, "Never.pdf")]).await;
    assert_eq!(told_at(&story, "2027-01-08T07:00:00Z").await, "");
    let live = "select from subscription where ended_at is null and administrator_from is not null";
    assert_eq!(app.client().await.query(live, &[]).await.unwrap().len(), 0);
    assert_eq!(story.findings().await, []);
}

/// How many digests are announced to the administrator.
async fn read_next(story: &Story) -> usize {
    super::read(story, &story.account.admin).await.next_digests.len()
}

#[tokio::test]
async fn who_comes_to_collaborate_hears_by_that_and_when_they_leave_the_digest_goes_on() {
    let story = monday().await;
    let Story { app, account, bob, .. } = &story;
    let admin = &account.admin;
    story.publish(vec![story.uploaded("Waits.pdf"), mentioning(story.uploaded("Concerns.pdf"), &[admin])]).await;
    app.collaborator(bob, story.pier, admin).await;
    assert_eq!(list(&story, admin).await[0].effective_delivery(), Delivery::Immediate);
    assert_eq!(seen(app, admin).await[0].workcenter_count, 0);
    // What waited for the digest is not lost, and what comes now comes at once.
    let text = told_at(&story, "2027-01-04T10:05:00Z").await;
    assert!(text.contains("Waits.pdf") && !text.contains("as administrator"), "{text}");
    story.publish(vec![story.uploaded("Own.pdf")]).await;
    assert!(told_at(&story, "2027-01-04T10:10:00Z").await.contains("Own.pdf"));
    assert_eq!(told_at(&story, "2027-01-05T07:00:00Z").await, "");

    story.publish(vec![story.uploaded("Given up.pdf")]).await;
    remove(&story, story.pier, admin).await;
    assert_eq!(list(&story, admin).await, []);
    story.publish(vec![story.uploaded("Goes on.pdf")]).await;
    let text = told_at(&story, "2027-01-05T07:05:00Z").await;
    assert!(text.contains("removed you from Pier 4") && !text.contains(".pdf"), "{text}");
    let text = told_at(&story, "2027-01-06T07:00:00Z").await;
    assert!(text.contains("Goes on.pdf") && text.contains("as administrator"), "{text}");
    for absent in ["Waits.pdf", "Own.pdf", "Given up.pdf"] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }

    // A mail of theirs as a collaborator that waits when they leave is not sent; as one who is off they hear nothing.
    app.collaborator(bob, story.pier, admin).await;
    story.deliver(admin, Delivery::Daily).await;
    story.publish(vec![story.uploaded("Composed.pdf")]).await;
    app.clock_at("2027-01-07T07:00:00Z").await;
    story.step(&[Sweep::Daily]).await;
    remove(&story, story.pier, admin).await;
    let text = told_at(&story, "2027-01-07T07:05:00Z").await;
    assert!(text.contains("removed you from Pier 4") && !text.contains(".pdf"), "{text}");
    app.collaborator(bob, story.pier, admin).await;
    story.deliver(admin, Delivery::Off).await;
    story.publish(vec![story.uploaded("Silent.pdf")]).await;
    assert_eq!(told_at(&story, "2027-01-08T07:00:00Z").await, "");
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn it_is_switched_off_by_the_link_of_its_mail_and_undone_and_by_the_switch_for_all() {
    let story = monday().await;
    let Story { app, account, bob, .. } = &story;
    let admin = &account.admin;
    let state = async || {
        let it = seen(app, admin).await.remove(0);
        (it.delivery(), it.effective_delivery(), it.workcenter_count)
    };
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.at("2027-01-05T07:00:00Z").await;
    let link = told(&story)[0].header("List-Unsubscribe").unwrap();
    let token = link.trim_end_matches('>').rsplit('/').next().unwrap().to_owned();
    let scope = Link::open(app.token_key(), Switch::Off, &token).unwrap().scope;
    assert_eq!(scope, Scope::Digests);

    story.publish(vec![story.uploaded("Given up.pdf")]).await;
    let stopped =
        app.preferences().unsubscribe(by(&admin.token, pb::UnsubscribeRequest { token: token.clone() })).await;
    let token_back = stopped.unwrap().into_inner().resubscribe_token;
    assert_eq!(state().await, (Delivery::Off, Delivery::Off, 0));
    story.publish(vec![story.uploaded("Off.pdf")]).await;
    let tender = app.workcenter(bob, account.id, "Tender").await;
    assert_eq!(told_at(&story, "2027-01-06T07:00:00Z").await, "");
    let undo = async || {
        let message = pb::ResubscribeRequest { token: token_back.clone() };
        app.preferences().resubscribe(by(&admin.token, message)).await.unwrap().into_inner().comes
    };
    assert!(undo().await);
    assert!(undo().await, "twice is once");
    assert_eq!(state().await, (Delivery::Daily, Delivery::Daily, 2));
    story.publish(vec![story.uploaded("Again.pdf"), uploaded(tender, bob, "Offer.pdf")]).await;
    let text = told_at(&story, "2027-01-07T07:00:00Z").await;
    assert!(text.contains("Again.pdf") && text.contains("Offer.pdf"), "{text}");
    assert!(!text.contains("Given up.pdf") && !text.contains("Off.pdf"), "{text}");

    // The switch for all: what waits is given up, and it begins anew.
    story.publish(vec![story.uploaded("Waits.pdf")]).await;
    for (notifications_enabled, told) in
        [(false, (Delivery::Daily, Delivery::Off, 0)), (true, (Delivery::Daily, Delivery::Daily, 2))]
    {
        let switch = Preferences { notifications_enabled, ..Default::default() };
        story.prefer(admin, switch, &["notifications_enabled"]).await;
        assert_eq!(state().await, told);
    }
    assert_eq!(told_at(&story, "2027-01-08T07:00:00Z").await, "");

    // Off by their own choice is not undone by a link.
    let stop = pb::UnsubscribeRequest { token };
    app.preferences().unsubscribe(by(&admin.token, stop)).await.unwrap();
    deliver(app, account, Delivery::Off).await;
    assert!(!undo().await);
    assert_eq!(state().await, (Delivery::Off, Delivery::Off, 0));
    assert_eq!(read_next(&story).await, 0);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn it_follows_the_frequency_and_waits_while_its_reader_is_away_and_is_no_preference_of_a_workcenter() {
    let story = monday().await;
    let Story { app, account, .. } = &story;
    let admin = &account.admin;
    // A daily one is daily whatever the frequency; one of their own frequency follows it.
    let weekly = Preferences { digest_frequency: pb::DigestFrequency::Weekly.into(), ..Default::default() };
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.prefer(admin, weekly, &["digest_frequency"]).await;
    assert_eq!(seen(app, admin).await[0].effective_delivery(), Delivery::Daily);
    assert_eq!(deliver(app, account, Delivery::Digest).await.effective_delivery(), Delivery::Weekly);
    assert_eq!(told_at(&story, "2027-01-05T07:00:00Z").await, "");
    assert!(told_at(&story, "2027-01-11T07:00:00Z").await.contains("Plan.pdf"), "what waited is kept");

    deliver(app, account, Delivery::Daily).await;
    story.publish(vec![story.uploaded("Away.pdf")]).await;
    let away = Preferences { pause: pause::pause("", "2027-01-13T12:00:00Z"), ..Default::default() };
    story.prefer(admin, away, &["pause"]).await;
    assert_eq!(told_at(&story, "2027-01-12T07:00:00Z").await, "");
    assert!(told_at(&story, "2027-01-13T12:00:00Z").await.contains("Away.pdf"));

    // All of the person's WorkCenters are set, of which this is none.
    let all = pb::BatchUpdateWorkCenterPreferencesRequest { rows: vec![], all: Delivery::Immediate.into() };
    app.preferences().batch_update_work_center_preferences(by(&admin.token, all)).await.unwrap();
    let refused = super::batch::each(app, admin, &[(story.pier, Delivery::Immediate)]).await.unwrap_err();
    assert_eq!(reason(&refused), "WORKCENTER_NOT_FOUND");
    assert_eq!(list(&story, admin).await, []);
    story.publish(vec![story.uploaded("Digest.pdf")]).await;
    assert_eq!(told_at(&story, "2027-01-13T12:05:00Z").await, "");

    // While the account is deactivated it says nothing and is not changed.
    let account_id = account.id.to_string();
    let deactivate = pb::DeactivateAccountRequest { account_id: account_id.clone() };
    app.accounts().deactivate_account(by(&admin.token, deactivate)).await.unwrap();
    assert_eq!(told_at(&story, "2027-01-14T07:00:00Z").await, "");
    let off = AdministratorDigest { delivery: Delivery::Off.into(), ..Default::default() };
    let refused = try_choose(app, admin, account.id, off, &["delivery"], "").await.unwrap_err();
    assert_eq!(reason(&refused), "ACCOUNT_DEACTIVATED");
    let reactivate = pb::ReactivateAccountRequest { account_id };
    app.accounts().reactivate_account(by(&admin.token, reactivate)).await.unwrap();
    story.publish(vec![story.uploaded("Back.pdf")]).await;
    let text = told_at(&story, "2027-01-15T07:00:00Z").await;
    assert!(text.contains("Back.pdf") && !text.contains("Digest.pdf"), "{text}");
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn what_became_of_an_event_is_explained_and_a_preview_is_the_mail_to_the_letter() {
    let story = monday().await;
    let Story { app, account, ada, .. } = &story;
    let admin = &account.admin;
    let published = story
        .publish(vec![
            story.uploaded("Plan.pdf"),
            mentioning(story.uploaded("Notes.pdf"), &[admin]),
            named(mentioning(story.uploaded("Secret.pdf"), &[ada, admin])),
        ])
        .await;
    let [plan, notes, secret] = [0, 1, 2].map(|it| published[it].seq);
    let why = async |seq| {
        let message = pb::ExplainNotificationRequest {
            user_id: "me".to_owned(),
            workcenter_id: story.pier.to_string(),
            seq,
            ..Default::default()
        };
        app.preferences().explain_notification(by(&admin.token, message)).await.unwrap().into_inner()
    };
    story.at("2027-01-04T10:05:00Z").await;
    let waits = why(plan).await;
    assert_eq!((waits.outcome(), waits.source()), (NotificationOutcome::WaitsForDigest, DeliverySource::Administrator));
    assert_eq!(waits.expect_time, Some(pb::time("2027-01-05T07:00:00Z".parse().unwrap())));
    assert_eq!(why(notes).await.outcome(), NotificationOutcome::WaitsForDigest);
    assert_eq!(why(secret).await.outcome(), NotificationOutcome::Hidden);
    assert_eq!(why(plan - 1).await.outcome(), NotificationOutcome::BeforeJoining);

    let (account_id, cadence) = (account.id.to_string(), Delivery::Daily.into());
    let message = pb::PreviewDigestRequest { account_id, cadence, at: None };
    let shown = app.preferences().preview_digest(by(&admin.token, message)).await.unwrap().into_inner();
    story.at("2027-01-05T07:00:00Z").await;
    let mail = told(&story).remove(0);
    assert_eq!([shown.subject, shown.html, shown.text], [mail.header("Subject").unwrap(), mail.html(), mail.text()]);
    for (seq, outcome) in
        [(plan, NotificationOutcome::Sent), (notes, NotificationOutcome::Sent), (secret, NotificationOutcome::Hidden)]
    {
        assert_eq!(why(seq).await.outcome(), outcome, "{seq}");
    }

    let later = story.publish(vec![story.uploaded("Later.pdf")]).await[0].seq;
    deliver(app, account, Delivery::Off).await;
    assert_eq!(why(later).await.outcome(), NotificationOutcome::Suppressed);
    let off = story.publish(vec![story.uploaded("Off.pdf")]).await[0].seq;
    assert_eq!(why(off).await.outcome(), NotificationOutcome::NotificationsOff);
    set_role(app, account, admin, ada, AccountRole::Administrator).await;
    set_role(app, account, ada, admin, AccountRole::Member).await;
    let told = why(off).await;
    assert_eq!(told.outcome(), NotificationOutcome::AfterLeaving, "{told:?}");
    assert_eq!(story.findings().await, []);
}
