//! Many invites in one call: what came of each row, at what cost, and that nothing is half done.

use workcenter::pb::{
    ArchiveWorkCenterRequest, BatchCreateInvitesRequest, InviteResult, InviteRow, OnExisting, Reason,
    UpdateMemberRequest,
};

use super::*;

pub fn row(email: &str) -> InviteRow {
    InviteRow { email: email.to_owned(), ..Default::default() }
}

fn placed(email: &str, workcenter: &str, role: WorkCenterRole) -> InviteRow {
    let place = InvitedWorkCenter { workcenter_id: workcenter.to_owned(), role: role.into() };
    InviteRow { workcenters: vec![place], ..row(email) }
}

fn request(account: &Account, rows: Vec<InviteRow>) -> BatchCreateInvitesRequest {
    BatchCreateInvitesRequest { account_id: account.id.to_string(), rows, ..Default::default() }
}

pub async fn batch(app: &App, who: &Person, asked: BatchCreateInvitesRequest) -> Result<Vec<InviteResult>, Status> {
    Ok(app.invites().batch_create_invites(by(&who.token, asked)).await?.into_inner().results)
}

/// What came of each row, in a word: the outcome, or why it was refused.
pub fn words(results: &[InviteResult]) -> Vec<String> {
    let word = |it: &InviteResult| match &it.refusal {
        Some(refusal) => refusal.reason().as_str_name().trim_start_matches("REASON_").to_owned(),
        None => it.outcome().as_str_name().trim_start_matches("INVITE_OUTCOME_").to_owned(),
    };
    results.iter().map(word).collect()
}

/// Somebody who owns one WorkCenter, contributes to another and owns an archived one.
struct Stage {
    app: App,
    account: Account,
    ada: Person,
    plans: String,
    office: String,
    archive: String,
}

impl Stage {
    async fn of(app: App) -> Self {
        let account = app.account("Pier Works").await;
        let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
        let plans = app.workcenter(&ada, account.id, "Plans").await.to_string();
        let office = app.workcenter(&account.admin, account.id, "Office").await;
        app.collaborator(&account.admin, office, &ada).await;
        let archive = app.workcenter(&ada, account.id, "Archive").await.to_string();
        let archived = ArchiveWorkCenterRequest { workcenter_id: archive.clone() };
        app.workcenters().archive_work_center(by(&ada.token, archived)).await.unwrap();
        Self { app, account, ada, plans, office: office.to_string(), archive }
    }

    /// A row that is bad in the way with this number, and why it is refused.
    fn bad(&self, way: usize, email: &str) -> (InviteRow, Reason) {
        let role = WorkCenterRole::Reader;
        match way {
            0 => (row(""), Reason::FieldInvalid),
            1 => (row("no address"), Reason::FieldInvalid),
            2 => (InviteRow { account_role: AccountRole::Administrator.into(), ..row(email) }, Reason::NotAllowed),
            3 => (placed(email, &Uuid::nil().to_string(), role), Reason::WorkcenterNotFound),
            4 => (placed(email, &self.office, role), Reason::NotAllowed),
            5 => (placed(email, &self.archive, role), Reason::WorkcenterArchived),
            6 => (placed(email, "plans", role), Reason::FieldInvalid),
            7 => (placed(email, &self.plans, WorkCenterRole::Unspecified), Reason::FieldInvalid),
            8 => (InviteRow { message: "bell\u{7}".to_owned(), ..row(email) }, Reason::FieldInvalid),
            _ => {
                let expires_in = Some(prost_types::Duration { seconds: 91 * 86_400, nanos: 0 });
                (InviteRow { expires_in, ..row(email) }, Reason::FieldInvalid)
            }
        }
    }
}

#[tokio::test]
async fn of_a_thousand_rows_the_good_ones_go_out_and_each_bad_one_says_why() {
    let stage = Stage::of(App::start().await).await;
    let Stage { app, account, ada, plans, .. } = &stage;
    let (mut rows, mut expected) = (Vec::new(), Vec::new());
    for number in 0..1_000 {
        let email = format!("nora{number}@example.com");
        if number % 10 == 0 {
            let (row, why) = stage.bad(number / 10 % 10, &email);
            rows.push(row);
            expected.push(why.as_str_name().trim_start_matches("REASON_").to_owned());
        } else {
            rows.push(placed(&email, plans, WorkCenterRole::Reader));
            expected.push("CREATED".to_owned());
        }
    }
    let results = batch(app, ada, request(account, rows)).await.unwrap();
    assert_eq!(words(&results), expected);
    assert!(results.iter().all(|it| it.invite_id.is_empty() == it.refusal.is_some()));
    for table in ["invite", "invite_workcenter", "mail where kind = 'INVITE'"] {
        assert_eq!(count(app, table).await, 900, "{table}");
    }
    // The row as a whole is refused: what was good about it is not there either.
    assert_eq!(count(app, "invite where substring(email from '[0-9]+')::int % 10 = 0").await, 0);
    let said = results[0].refusal.as_ref().unwrap();
    assert_eq!((said.message.as_str(), said.violations[0].field.as_str()), ("the request is not valid", "email"));
    assert_eq!(results[70].refusal.as_ref().unwrap().violations[0].field, "workcenters[0].role");
}

#[tokio::test]
async fn a_thousand_rows_take_as_many_statements_as_ten() {
    let (app, tap) = App::tapped().await;
    let stage = Stage::of(app).await;
    let Stage { app, account, ada, plans, .. } = &stage;
    let mut number = 0;
    let mut trips = Vec::new();
    // The first ones are what a connection takes to get to know the statements.
    for size in [10, 10, 10, 1_000] {
        let mut rows = Vec::new();
        for _ in 0..size {
            number += 1;
            let email = format!("nora{number}@example.com");
            let good = || placed(&email, plans, WorkCenterRole::Reader);
            rows.push(if number % 10 == 0 { stage.bad(number / 10 % 10, &email).0 } else { good() });
        }
        app.using(ada).await;
        let before = tap.round_trips();
        let results = batch(app, ada, request(account, rows)).await.unwrap();
        assert_eq!(words(&results).iter().filter(|it| *it == "CREATED").count(), size / 10 * 9);
        trips.push(tap.round_trips() - before);
    }
    // Who calls, the clock, begin, the rule, and commit; and twelve statements about accounts, people, invites and mails.
    assert_eq!(trips[2..], [17, 17]);
}

#[tokio::test]
async fn a_batch_that_is_only_validated_says_the_same_and_leaves_nothing() {
    let stage = Stage::of(App::start().await).await;
    let Stage { app, account, ada, plans, .. } = &stage;
    let max = app.person(account, "max@example.com", "Max", "Walker").await;
    let rows: Vec<InviteRow> = (0..10)
        .map(|way| stage.bad(way, &format!("bad{way}@example.com")).0)
        .chain([row("nora@example.com"), row("NORA@example.com"), placed(&max.email, plans, WorkCenterRole::Owner)])
        .collect();
    let before = count(app, "activity").await;
    let only = BatchCreateInvitesRequest { validate_only: true, ..request(account, rows.clone()) };
    let told = words(&batch(app, ada, only).await.unwrap());
    assert_eq!(told[10..], ["CREATED", "DUPLICATE", "ADDED_EXISTING"]);
    for (table, rows) in [("invite", 0), ("mail", 0), ("activity", before), ("request", 0)] {
        assert_eq!(count(app, table).await, rows, "{table}");
    }
    assert_eq!(words(&batch(app, ada, request(account, rows)).await.unwrap()), told);
    assert_eq!(count(app, "invite").await, 1);
}

#[tokio::test]
async fn what_has_a_live_invite_is_refused_skipped_or_sent_again_as_is_asked() {
    let app = App::start().await;
    app.clock_at("2027-11-02T08:00:00Z").await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let own = create(&app, &ada, offer(&account, "own@example.com", AccountRole::Guest, &[])).await.unwrap();
    let own = own.invite.unwrap();
    let others = invited(&app, &account, "others@example.com").await;
    let old = mailed(&app, &own).await.unwrap();
    app.clock_at("2027-11-02T09:00:00Z").await;

    let rows = || vec![row("OWN@example.com"), row("others@example.com"), row("new@example.com")];
    let asked = |on_existing: OnExisting| BatchCreateInvitesRequest {
        on_existing: on_existing.into(),
        validate_only: true,
        ..request(&account, rows())
    };
    let told = async |who: &Person, it| words(&batch(&app, who, asked(it)).await.unwrap());
    assert_eq!(told(&ada, OnExisting::Unspecified).await, ["INVITE_PENDING", "INVITE_PENDING", "CREATED"]);
    assert_eq!(told(&ada, OnExisting::Fail).await, ["INVITE_PENDING", "INVITE_PENDING", "CREATED"]);
    assert_eq!(told(&ada, OnExisting::Resend).await, ["RESENT", "INVITE_PENDING", "CREATED"]);
    assert_eq!(told(&account.admin, OnExisting::Resend).await, ["RESENT", "RESENT", "CREATED"]);
    // Whose invite somebody else has is not told to those who may not read it.
    let skipped = batch(&app, &ada, asked(OnExisting::Skip)).await.unwrap();
    assert_eq!(words(&skipped), ["SKIPPED", "SKIPPED", "CREATED"]);
    assert_eq!((&skipped[0].invite_id, skipped[1].invite_id.as_str()), (&own.invite_id, ""));
    let skipped = batch(&app, &account.admin, asked(OnExisting::Skip)).await.unwrap();
    assert_eq!(skipped[1].invite_id, others.invite_id);

    let resend = BatchCreateInvitesRequest { validate_only: false, ..asked(OnExisting::Resend) };
    let resent = batch(&app, &ada, resend.clone()).await.unwrap();
    assert_eq!((resent[0].outcome(), &resent[0].invite_id), (InviteOutcome::Resent, &own.invite_id));
    assert_refused(come(&app, &old).await, Code::FailedPrecondition, "INVITE_NOT_PENDING");
    // Too soon for one more.
    let again = batch(&app, &ada, resend).await.unwrap();
    assert_eq!(words(&again)[0], "INVITE_RESEND_THROTTLED");
    assert_eq!(again[0].refusal.as_ref().unwrap().retry_delay.unwrap().seconds, 300);
    come(&app, &mailed(&app, &own).await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn members_in_a_batch_are_added_at_once_and_everybody_hears_of_it_once() {
    let stage = Stage::of(App::start().await).await;
    let Stage { app, account, ada, plans, .. } = &stage;
    let admin = &account.admin;
    let mut rows = Vec::new();
    let mut people = Vec::new();
    for number in 0..5 {
        let person = app.person(account, &format!("max{number}@example.com"), "Max", &format!("{number}")).await;
        let both = [placed("", plans, WorkCenterRole::Reader), placed("", &stage.office, WorkCenterRole::Reader)];
        let workcenters = both.into_iter().flat_map(|it| it.workcenters).collect();
        rows.push(InviteRow { workcenters, ..row(&person.email.to_uppercase()) });
        people.push(person);
    }
    let told = words(&batch(app, admin, request(account, rows)).await.unwrap());
    assert_eq!(told, ["ADDED_EXISTING"; 5]);
    assert_eq!(count(app, "invite").await, 0);
    for workcenter in [plans, &stage.office] {
        let asked = ListActivityRequest { workcenter_id: workcenter.clone(), page_size: 5, ..Default::default() };
        let heard = app.activity().list_activity(by(&ada.token, asked)).await.unwrap().into_inner().events;
        let mut whose: Vec<String> = heard.iter().map(|it| it.subject.as_ref().unwrap().id.clone()).collect();
        whose.sort();
        let mut expected: Vec<String> = people.iter().map(|it| it.id.to_string()).collect();
        expected.sort();
        assert_eq!(whose, expected);
        assert!(heard.iter().all(|it| it.kind == "collaborator.added"));
    }
    // Each hears of both, from here on.
    assert_eq!(count(app, "subscription where ended_at is null").await, 2 * 5 + 4);
}

#[tokio::test]
async fn a_batch_has_one_to_a_thousand_rows_and_is_done_once_for_one_request_id() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    for rows in [0, 1_001] {
        let rows = (0..rows).map(|number| row(&format!("nora{number}@example.com"))).collect();
        let asked =
            BatchCreateInvitesRequest { on_existing: 99, request_id: "once".to_owned(), ..request(&account, rows) };
        let status = batch(&app, &account.admin, asked).await.unwrap_err();
        assert_eq!(
            (status.code(), fields(&status)),
            (Code::InvalidArgument, vec!["request_id".to_owned(), "rows".to_owned(), "on_existing".to_owned(),])
        );
    }
    let request_id = Uuid::from_u128(7).to_string();
    let asked = BatchCreateInvitesRequest { request_id, ..request(&account, vec![row("nora@example.com")]) };
    let first = batch(&app, &account.admin, asked.clone()).await.unwrap();
    assert_eq!(batch(&app, &account.admin, asked.clone()).await.unwrap(), first);
    let other = BatchCreateInvitesRequest { rows: vec![row("max@example.com")], ..asked };
    assert_refused(batch(&app, &account.admin, other).await, Code::AlreadyExists, "REQUEST_ID_REUSED");
    assert_eq!(count(&app, "invite").await, 1);
}

#[tokio::test]
async fn batches_that_meet_make_one_invite_for_each_address() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let rows: Vec<InviteRow> = (0..50).map(|number| row(&format!("nora{number}@example.com"))).collect();
    let backwards: Vec<InviteRow> = rows.iter().rev().cloned().collect();
    let send = async |rows: Vec<InviteRow>| {
        let skip = BatchCreateInvitesRequest { on_existing: OnExisting::Skip.into(), ..request(&account, rows) };
        words(&batch(&app, &account.admin, skip).await.unwrap())
    };
    let (one, two, three, four) =
        join!(send(rows.clone()), send(backwards.clone()), send(rows.clone()), send(backwards.clone()));
    let all = [one, two, three, four].concat();
    assert_eq!(all.iter().filter(|it| *it == "CREATED").count(), 50);
    assert_eq!(all.iter().filter(|it| *it == "SKIPPED").count(), 150);
    assert_eq!((count(&app, "invite").await, count(&app, "mail").await), (50, 50));
}

#[tokio::test]
async fn a_role_that_is_lost_is_lost_to_every_row() {
    let stage = Stage::of(App::start().await).await;
    let Stage { app, account, ada, .. } = &stage;
    let role = AccountRole::Guest.into();
    let asked = UpdateMemberRequest { account_id: account.id.to_string(), user_id: ada.id.to_string(), role };
    app.accounts().update_member(by(&account.admin.token, asked)).await.unwrap();
    let answer = batch(app, ada, request(account, vec![row("nora@example.com")])).await;
    assert_refused(answer, Code::PermissionDenied, "NOT_ALLOWED");
}

#[tokio::test]
async fn a_thousand_rows_may_each_have_the_longest_message() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let message = "m".repeat(1_000);
    let long = |number| InviteRow { message: message.clone(), ..row(&format!("nora{number}@example.com")) };
    let rows = (0..1_000).map(long).collect();
    assert_eq!(words(&batch(&app, &account.admin, request(&account, rows)).await.unwrap()), ["CREATED"; 1_000]);
}
