//! WorkCenters that a job is making: who knows of them, and what becomes of them.

use std::{num::NonZeroU32, time::Duration};

use workcenter::{
    daemon::Sweep,
    error::{Error, Reason},
    pb::{
        self, AdministratorDigest, CreateInviteRequest, Delivery, InvitedWorkCenter, ListWorkCenterPreferencesRequest,
        UpdateAdministratorDigestRequest, WorkCenterState,
    },
    subscription::When,
    workcenter::{self as spaces, Arrival, New},
};

use super::{
    archive::{archive, reactivate},
    purge::rows,
    *,
};
use crate::story::{Story, mask, uploaded};

/// What `job` is to make for `by`.
pub fn new(account: Uuid, by: Uuid, job: Uuid) -> New {
    let (name, category) = ("Quay 2".to_owned(), "Harbour".to_owned());
    New { account, by, name, category, time_zone: "Europe/Zurich".to_owned(), job }
}

/// A WorkCenter that a job is making.
#[derive(Clone, Copy)]
struct Made {
    id: Uuid,
    job: Uuid,
}

impl Story {
    /// A job of Bob that is not over, and that nobody works at.
    async fn job(&self) -> Uuid {
        let (id, client) = (Uuid::now_v7(), self.app.client().await);
        let begin = "insert into job (id, account_id, kind, state, initiator_id, total)
            values ($1, $2, 'BULK_COPY', 'QUEUED', $3, 1)";
        client.execute(begin, &[&id, &self.account.id, &self.bob.id]).await.unwrap();
        id
    }

    /// Bob has a WorkCenter made, in which Ada is to be a contributor.
    async fn provision(&self, job: Uuid) -> Made {
        let now = self.app.now().await;
        let mut client = self.app.client().await;
        let tx = client.transaction().await.unwrap();
        let id = spaces::provision(&tx, new(self.account.id, self.bob.id, job), now).await.unwrap().id;
        let people = [(self.ada.id, workcenter::access::WorkCenterRole::Contributor)];
        assert_eq!(spaces::seat(&tx, id, job, &people, now).await.unwrap(), [self.ada.id]);
        assert!(spaces::seat(&tx, id, job, &people, now).await.unwrap().is_empty());
        tx.commit().await.unwrap();
        Made { id, job }
    }

    async fn open(&self, made: Made) -> Result<(), Error> {
        let when = When { now: self.app.now().await, spread: Duration::ZERO };
        let arrival = Arrival { when, most: NonZeroU32::new(1_000).unwrap() };
        let mut client = self.app.client().await;
        let tx = client.transaction().await.unwrap();
        spaces::open(&tx, made.id, made.job, &arrival, Duration::from_secs(30)).await?;
        tx.commit().await.unwrap();
        Ok(())
    }

    async fn abandon(&self, made: Made) {
        let now = self.app.now().await;
        let mut client = self.app.client().await;
        let tx = client.transaction().await.unwrap();
        spaces::abandon(&tx, made.id, made.job, now).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Whether `job` may put something into a WorkCenter.
    async fn fills(&self, id: Uuid, job: Uuid) -> Result<(), Error> {
        let mut client = self.app.client().await;
        let tx = client.transaction().await.unwrap();
        spaces::fill_by(&tx, id, job).await.map(drop)
    }

    /// The names of all WorkCenters that `who` is shown, whatever they are.
    async fn shown(&self, who: &Person) -> Vec<String> {
        let mut names = Vec::new();
        for templates_only in [false, true] {
            let states = [
                WorkCenterState::Active,
                WorkCenterState::Archived,
                WorkCenterState::Deleted,
                WorkCenterState::Provisioning,
            ];
            let states = states.map(i32::from).to_vec();
            let asked = ListWorkCentersRequest { states, templates_only, ..Default::default() };
            let listed = self.app.workcenters().list_work_centers(by(&who.token, asked)).await.unwrap().into_inner();
            names.extend(listed.workcenters.into_iter().map(|it| it.name));
        }
        let asked = by(&who.token, ListWorkCenterPreferencesRequest::default());
        let listed = self.app.preferences().list_work_center_preferences(asked).await.unwrap().into_inner();
        names.extend(listed.preferences.into_iter().map(|it| format!("hears of {}", it.workcenter_name)));
        names
    }

    async fn invite_to(&self, who: &Person, id: Uuid) -> Status {
        let role = WorkCenterRole::Reader.into();
        let asked = CreateInviteRequest {
            account_id: self.account.id.to_string(),
            email: "new@example.com".to_owned(),
            workcenters: vec![InvitedWorkCenter { workcenter_id: id.to_string(), role }],
            ..Default::default()
        };
        self.app.invites().create_invite(by(&who.token, asked)).await.unwrap_err()
    }

    /// The administrator has a daily digest of all WorkCenters but one.
    async fn administer(&self, excluded: Option<Uuid>) -> Result<(), Status> {
        let digest = Some(AdministratorDigest {
            account_id: self.account.id.to_string(),
            delivery: Delivery::Daily.into(),
            excluded_workcenter_ids: excluded.iter().map(ToString::to_string).collect(),
            ..Default::default()
        });
        let update_mask = Some(mask(&["delivery", "excluded_workcenter_ids"]));
        let asked = UpdateAdministratorDigestRequest { digest, update_mask, etag: String::new() };
        let admin = &self.account.admin.token;
        self.app.preferences().update_administrator_digest(by(admin, asked)).await.map(|_| ())
    }

    /// How many hear of a WorkCenter.
    async fn hearers(&self, id: Uuid) -> i64 {
        let count = "select count(*) as count from subscription where log_id = $1 and ended_at is null";
        self.app.client().await.query_one(count, &[&id]).await.unwrap().get("count")
    }
}

#[tokio::test]
async fn who_has_a_workcenter_made_sees_it_being_made_and_nobody_else_knows_of_it() {
    let story = Story::begin().await;
    let admin = &story.account.admin;
    let made = story.provision(story.job().await).await;

    let seen = get(&story.app, &story.bob, made.id).await.unwrap();
    assert_eq!((seen.state(), seen.role()), (WorkCenterState::Provisioning, WorkCenterRole::Owner));
    assert_eq!(
        (seen.name.as_str(), seen.category.as_str(), seen.time_zone.as_str()),
        ("Quay 2", "Harbour", "Europe/Zurich")
    );
    assert_eq!(seen.provisioning_job_id, made.job.to_string());
    assert_eq!(people(&story.app, &story.bob, made.id).await.unwrap().len(), 2);
    assert!(happened(&story.app, &story.bob, made.id).await.is_empty());
    assert_eq!(story.shown(&story.bob).await, ["Pier 4", "Quay 2", "hears of Pier 4"]);
    let usual = by(&story.bob.token, ListWorkCentersRequest::default());
    let usual = story.app.workcenters().list_work_centers(usual).await.unwrap().into_inner().workcenters;
    assert_eq!(usual.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["Pier 4"]);

    assert_eq!(story.shown(&story.ada).await, ["Pier 4", "hears of Pier 4"]);
    assert!(story.shown(admin).await.is_empty());
    for who in [&story.ada, admin] {
        assert_eq!(reason(&get(&story.app, who, made.id).await.unwrap_err()), "WORKCENTER_NOT_FOUND", "{}", who.email);
        assert_eq!(reason(&story.invite_to(who, made.id).await), "WORKCENTER_NOT_FOUND", "{}", who.email);
    }
    assert_eq!(reason(&story.invite_to(&story.bob, made.id).await), "WORKCENTER_PROVISIONING");
    let unknown = story.try_publish(vec![uploaded(Uuid::now_v7(), &story.bob, "Plan.pdf")]).await;
    let unseen = story.try_publish(vec![uploaded(made.id, &story.bob, "Plan.pdf")]).await;
    assert_eq!(format!("{:?}", results(&unseen)), format!("{:?}", results(&unknown)));
    assert_eq!(fields(&story.administer(Some(made.id)).await.unwrap_err()), ["digest.excluded_workcenter_ids[0]"]);
    assert_eq!(story.findings().await, []);
}

/// What a publisher is told, but for what is new each time.
fn results(published: &Result<Vec<pb::PublishResult>, Status>) -> Result<Vec<pb::PublishResult>, (Code, String)> {
    let plain = |it: &pb::PublishResult| pb::PublishResult {
        event_id: String::new(),
        workcenter_id: String::new(),
        ..it.clone()
    };
    published.as_ref().map(|it| it.iter().map(plain).collect()).map_err(|it| (it.code(), reason(it)))
}

#[tokio::test]
async fn nobody_hears_of_it_until_it_is_open_and_then_each_once_that_they_came() {
    let story = Story::begin().await;
    let made = story.provision(story.job().await).await;
    // Also a digest that is chosen meanwhile does not tell of it.
    story.administer(None).await.unwrap();
    assert_eq!(story.hearers(made.id).await, 0);
    story.at("2026-11-21T07:00:00Z").await;
    assert_eq!((story.mails().len(), story.findings().await.len()), (0, 0));
    story.fills(made.id, made.job).await.unwrap();
    assert!(matches!(story.fills(made.id, story.pier).await, Err(Error::Refused(Reason::WorkcenterProvisioning))));

    assert!(matches!(story.open(Made { job: story.pier, ..made }).await, Err(Error::NotFound(..))));
    story.open(made).await.unwrap();
    let opened = get(&story.app, &story.ada, made.id).await.unwrap();
    assert_eq!((opened.state(), opened.provisioning_job_id.as_str()), (WorkCenterState::Active, ""));
    // Ada, Bob, and the administrator's digest.
    assert_eq!(story.hearers(made.id).await, 3);
    story.open(made).await.unwrap();
    story.abandon(made).await;
    assert_eq!(get(&story.app, &story.ada, made.id).await.unwrap(), opened);

    let told = ("collaborator.added".to_owned(), "Ada Lovelace now collaborates in Quay 2.".to_owned());
    assert_eq!(happened(&story.app, &story.ada, made.id).await, [told]);
    story.at("2026-11-21T07:01:00Z").await;
    let mails = story.mails();
    assert_eq!(mails.len(), 1);
    let text = mails[0].text();
    assert!(text.contains("Bob Stephenson added Ada Lovelace") && text.contains("Quay 2"), "{text}");
    story.publish(vec![uploaded(made.id, &story.bob, "Plan.pdf")]).await;
    story.at("2026-11-22T07:00:00Z").await;
    let later: Vec<_> = story.mails().iter().skip(1).map(crate::received::Received::text).collect();
    assert!(later.len() == 2 && later.iter().all(|it| it.contains("Plan.pdf")), "{later:#?}");
    story.fills(made.id, story.pier).await.unwrap();
    archive(&story.app, &story.bob, made.id).await.unwrap();
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn what_is_given_up_is_there_for_nobody_at_once_and_nothing_is_left_of_it() {
    let story = Story::begin().await;
    let admin = &story.account.admin;
    let made = story.provision(story.job().await).await;
    let client = story.app.client().await;
    for put in [
        "insert into entry (id, account_id, workcenter_id, kind, name, name_key, created_by, created_at, updated_at)
            values (gen_random_uuid(), $1, $2, 'FOLDER', 'Plans', 'plans', $3, now(), now())",
        "insert into post (id, account_id, workcenter_id, text, author_id, created_at)
            values (gen_random_uuid(), $1, $2, 'Hello', $3, now())",
    ] {
        client.execute(put, &[&story.account.id, &made.id, &story.bob.id]).await.unwrap();
    }
    let others = rows(&story.app, story.pier).await;

    story.abandon(Made { job: story.pier, ..made }).await;
    assert_eq!(get(&story.app, &story.bob, made.id).await.unwrap().state(), WorkCenterState::Provisioning);
    story.abandon(made).await;
    for who in [&story.bob, &story.ada, admin] {
        assert_eq!(reason(&get(&story.app, who, made.id).await.unwrap_err()), "WORKCENTER_NOT_FOUND", "{}", who.email);
        let back = reactivate(&story.app, who, made.id).await.unwrap_err();
        assert_eq!(reason(&back), "WORKCENTER_NOT_FOUND", "{}", who.email);
        assert_eq!(reason(&story.invite_to(who, made.id).await), "WORKCENTER_NOT_FOUND", "{}", who.email);
        assert!(!story.shown(who).await.contains(&"Quay 2".to_owned()), "{}", who.email);
    }
    assert!(matches!(story.open(made).await, Err(Error::Refused(Reason::WorkcenterDeleted))));
    assert!(matches!(story.fills(made.id, made.job).await, Err(Error::Refused(Reason::WorkcenterDeleted))));
    assert_eq!(rows(&story.app, made.id).await, 3);

    story.step(&[Sweep::Housekeeping]).await;
    assert_eq!(rows(&story.app, made.id).await, 0);
    let left = "select (select count(*) from entry) + (select count(*) from post) as count";
    assert_eq!(client.query_one(left, &[]).await.unwrap().get::<_, i64>("count"), 0);
    assert_eq!(rows(&story.app, story.pier).await, others);
    story.abandon(made).await;
    assert!(matches!(story.open(made).await, Err(Error::NotFound(..))));
    assert_eq!((story.mails().len(), story.findings().await), (0, Vec::new()));
}

#[tokio::test]
async fn housekeeping_gives_up_what_no_job_makes_any_more() {
    let story = Story::begin().await;
    let [going, over, gone] = [story.job().await, story.job().await, Uuid::now_v7()];
    let mut made = Vec::new();
    for job in [going, over, gone] {
        made.push(story.provision(job).await);
    }
    let end = format!("update job set state = 'FAILED', failed = 1, finished_at = now() where id = '{over}'");
    assert_eq!(story.meddle(&end).await, 1);
    story.step(&[Sweep::Housekeeping]).await;
    let mut left = Vec::new();
    for it in &made {
        left.push(rows(&story.app, it.id).await);
    }
    assert_eq!(left, [3, 0, 0]);
    story.open(made[0]).await.unwrap();
    let end = format!("update job set state = 'SUCCEEDED', done = 1, finished_at = now() where id = '{going}'");
    assert_eq!(story.meddle(&end).await, 1);
    story.step(&[Sweep::Housekeeping]).await;
    assert_eq!(get(&story.app, &story.ada, made[0].id).await.unwrap().state(), WorkCenterState::Active);
    assert_eq!(story.findings().await, []);
}

#[tokio::test]
async fn who_leaves_the_account_meanwhile_has_no_place_in_it() {
    let story = Story::begin().await;
    let made = story.provision(story.job().await).await;
    let (account_id, user_id) = (story.account.id.to_string(), story.ada.id.to_string());
    let gone = pb::RemoveMemberRequest { account_id, user_id };
    story.app.accounts().remove_member(by(&story.account.admin.token, gone)).await.unwrap();
    story.open(made).await.unwrap();
    let there = people(&story.app, &story.bob, made.id).await.unwrap();
    assert_eq!(there.iter().map(|it| it.user_id.as_str()).collect::<Vec<_>>(), [story.bob.id.to_string()]);
    assert!(happened(&story.app, &story.bob, made.id).await.is_empty());
    assert_eq!((story.hearers(made.id).await, story.findings().await), (1, Vec::new()));
}

#[tokio::test]
async fn of_opening_it_and_giving_it_up_at_once_one_is_done() {
    let story = Story::begin().await;
    for _ in 0..5 {
        let made = story.provision(story.job().await).await;
        let (opened, ()) = join!(story.open(made), story.abandon(made));
        let seen = get(&story.app, &story.ada, made.id).await;
        assert_eq!(seen.is_ok(), opened.is_ok(), "{opened:?}");
        story.step(&[Sweep::Housekeeping]).await;
        assert_eq!(rows(&story.app, made.id).await > 0, opened.is_ok());
    }
    assert_eq!(story.findings().await, []);
}
