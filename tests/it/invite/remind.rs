//! Reminders of invites: when they go, what they carry, and when none goes any more.

use workcenter::daemon::{Daemon, Sweep};

use super::{
    end::{revoke, turn_down},
    resend::resend,
    *,
};
use crate::sink::{Point, Sink, at};

/// What all of these tests have: an account, a daemon and a relay. They begin on day 0.
struct Stage {
    app: App,
    account: Account,
    sink: Sink,
    daemon: Daemon,
}

impl Stage {
    async fn begin() -> Self {
        let app = App::start().await;
        app.clock_at(&instant(0)).await;
        let account = app.account("Pier Works").await;
        let sink = Sink::start(Vec::new()).await;
        let daemon = app.daemon(Some(sink.address()));
        Self { app, account, sink, daemon }
    }

    /// Takes one turn of each sweep on a day.
    async fn day(&self, day: u32, sweeps: &[Sweep]) {
        self.app.clock_at(&instant(day)).await;
        for sweep in sweeps {
            self.daemon.step(*sweep, self.app.now().await).await.unwrap();
        }
    }

    /// Composes and delivers on each of these days, and returns those on which how many mails went to an address.
    async fn mails_to(&self, email: &str, days: std::ops::Range<u32>) -> Vec<(u32, usize)> {
        let mut all = Vec::new();
        for day in days {
            let before = self.mails(email);
            self.day(day, &[Sweep::Immediate, Sweep::Outbox]).await;
            all.push((day, self.mails(email) - before));
        }
        all.retain(|it| it.1 > 0);
        all
    }

    fn mails(&self, email: &str) -> usize {
        self.sink.mails().iter().filter(|it| it.to == email).count()
    }

    async fn state(&self, invite: &Invite) -> InviteState {
        let sent = list(&self.app, &self.account.admin, InviteBox::Sent, &[]).await;
        sent.into_iter().find(|it| it.invite_id == invite.invite_id).unwrap().state()
    }

    /// Counts the reminders that wait for delivery.
    async fn waiting(&self) -> i64 {
        count(&self.app, "mail join invite on invite.reminder_id = mail.id where mail.ended_at is null").await
    }
}

/// Eight o'clock on a day.
fn instant(day: u32) -> String {
    format!("2027-11-{:02}T08:00:00Z", day + 2)
}

const BOTH: [Sweep; 2] = [Sweep::Immediate, Sweep::Outbox];

#[tokio::test]
async fn whoever_does_not_answer_is_reminded_three_times_with_the_link_of_the_first_mail() {
    let stage = Stage::begin().await;
    let invite = invited(&stage.app, &stage.account, "nora@example.com").await;
    assert!(!invite.no_reminders);
    let mails = stage.mails_to("nora@example.com", 0..14).await;
    assert_eq!(mails, [(0, 1), (3, 1), (7, 1), (13, 1)]);

    let token = mailed(&stage.app, &invite).await.unwrap();
    for (number, mail) in stage.sink.mails().iter().enumerate() {
        let subject = "Admin Istrator invites you to join Pier Works";
        let subject = if number == 0 { subject.to_owned() } else { format!("Reminder: {subject}") };
        assert_eq!(mail.header("Subject").unwrap(), subject);
        let says = mail.text().contains("You have not answered this invite yet. It is good until Tuesday, 16 November");
        assert_eq!(says, number > 0);
        assert!(mail.text().contains(&token) && mail.html().contains(&token));
    }
    let mut ids: Vec<_> = stage.sink.mails().iter().map(|it| it.message_id()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4, "none is a repeat of another");
    come(&stage.app, &token).await.unwrap();
    stage.day(14, &BOTH).await;
    assert_eq!(stage.sink.mails().len(), 4);
}

#[tokio::test]
async fn an_invite_that_is_good_for_four_days_is_reminded_of_once_and_one_for_a_day_never() {
    let stage = Stage::begin().await;
    for (email, days) in [("four@example.com", 4), ("one@example.com", 1)] {
        let asked = CreateInviteRequest {
            expires_in: Some(prost_types::Duration { seconds: days * 86_400, nanos: 0 }),
            ..offer(&stage.account, email, AccountRole::Guest, &[])
        };
        create(&stage.app, &stage.account.admin, asked).await.unwrap();
    }
    let mut days = Vec::new();
    for day in 0..6 {
        stage.day(day, &BOTH).await;
        days.push((stage.mails("four@example.com"), stage.mails("one@example.com")));
    }
    assert_eq!(days, [(1, 1), (1, 1), (1, 1), (2, 1), (2, 1), (2, 1)]);
}

#[tokio::test]
async fn nobody_is_reminded_of_what_has_ended() {
    let stage = Stage::begin().await;
    let Stage { app, account, .. } = &stage;
    let rules = vec![at(Point::Dot).to("failed@example.com").reply("554 5.6.0 no such person")];
    stage.sink.behave(rules);
    let accepted = invited(app, account, "accepted@example.com").await;
    let declined = invited(app, account, "declined@example.com").await;
    let revoked = invited(app, account, "revoked@example.com").await;
    let failed = invited(app, account, "failed@example.com").await;
    stage.day(0, &BOTH).await;
    come(app, &mailed(app, &accepted).await.unwrap()).await.unwrap();
    turn_down(app, &mailed(app, &declined).await.unwrap(), "").await.unwrap();
    revoke(app, &account.admin, &revoked).await.unwrap();
    assert_eq!(stage.state(&failed).await, InviteState::DeliveryFailed);
    stage.sink.behave(Vec::new());

    stage.day(3, &[Sweep::Immediate]).await;
    assert_eq!(stage.waiting().await, 0);
    // Nor of what has run out while nobody was there to do it.
    invited(app, account, "late@example.com").await;
    stage.day(4, &[Sweep::Outbox]).await;
    stage.day(20, &BOTH).await;
    assert_eq!(stage.mails("late@example.com"), 1);
}

#[tokio::test]
async fn a_reminder_that_has_not_gone_does_not_go_once_its_invite_is_answered_or_withdrawn() {
    let stage = Stage::begin().await;
    let Stage { app, account, .. } = &stage;
    let [accepted, declined, revoked] = ["a@example.com", "d@example.com", "r@example.com"];
    let accepted = invited(app, account, accepted).await;
    let declined = invited(app, account, declined).await;
    let revoked = invited(app, account, revoked).await;
    stage.day(0, &BOTH).await;
    stage.day(3, &[Sweep::Immediate]).await;
    assert_eq!(stage.waiting().await, 3);
    let (a, d) = (mailed(app, &accepted).await.unwrap(), mailed(app, &declined).await.unwrap());
    let (come, decline, revoke) = join!(come(app, &a), turn_down(app, &d, ""), revoke(app, &account.admin, &revoked));
    assert!(come.is_ok() && decline.is_ok() && revoke.is_ok());
    stage.day(3, &BOTH).await;
    assert_eq!((stage.waiting().await, stage.sink.mails().iter().filter(|it| it.to.len() == 13).count()), (0, 3));
}

#[tokio::test]
async fn what_is_sent_again_is_reminded_of_anew() {
    let stage = Stage::begin().await;
    let Stage { app, account, .. } = &stage;
    let invite = invited(app, account, "nora@example.com").await;
    let old = mailed(app, &invite).await.unwrap();
    stage.day(0, &BOTH).await;
    // A reminder waits when it is sent again: it has a dead link, and is not sent any more.
    stage.day(3, &[Sweep::Immediate]).await;
    assert_eq!(stage.waiting().await, 1);
    resend(app, &account.admin, &invite).await.unwrap();
    let mails = stage.mails_to("nora@example.com", 3..17).await;
    assert_eq!(mails, [(3, 1), (6, 1), (10, 1), (16, 1)]);
    let reminders: Vec<bool> =
        stage.sink.mails().iter().map(|it| it.header("Subject").unwrap().starts_with("Reminder: ")).collect();
    assert_eq!(reminders, [false, false, true, true, true]);
    assert!(stage.sink.mails()[1..].iter().all(|it| !it.text().contains(&old)));
    assert_eq!(stage.state(&invite).await, InviteState::Pending);
}

#[tokio::test]
async fn after_a_long_absence_there_is_one_reminder_and_not_three() {
    let stage = Stage::begin().await;
    invited(&stage.app, &stage.account, "nora@example.com").await;
    stage.day(0, &BOTH).await;
    stage.app.clock_at("2027-11-15T20:00:00Z").await;
    for sweep in [Sweep::Immediate, Sweep::Outbox, Sweep::Immediate, Sweep::Outbox] {
        stage.daemon.step(sweep, stage.app.now().await).await.unwrap();
    }
    assert_eq!(stage.mails("nora@example.com"), 2);
    assert_eq!(stage.mails_to("nora@example.com", 14..18).await, []);
}

#[tokio::test]
async fn an_inviter_may_have_nobody_reminded() {
    let stage = Stage::begin().await;
    let Stage { app, account, .. } = &stage;
    let asked =
        CreateInviteRequest { no_reminders: true, ..offer(account, "nora@example.com", AccountRole::Guest, &[]) };
    let invite = create(app, &account.admin, asked).await.unwrap().invite.unwrap();
    assert!(invite.no_reminders);
    assert!(list(app, &account.admin, InviteBox::Sent, &[]).await[0].no_reminders);
    assert_eq!(stage.mails_to("nora@example.com", 0..8).await, [(0, 1)]);
    // It stays so when it is sent again.
    assert!(resend(app, &account.admin, &invite).await.unwrap().no_reminders);
    assert_eq!(stage.mails_to("nora@example.com", 8..12).await, [(8, 1)]);
}

#[tokio::test]
async fn a_reminder_that_reaches_nobody_ends_the_invite_as_the_first_mail_does() {
    let stage = Stage::begin().await;
    let Stage { app, account, .. } = &stage;
    let refused = invited(app, account, "nora@example.com").await;
    let suppressed = invited(app, account, "olga@example.com").await;
    stage.day(0, &BOTH).await;
    stage.sink.behave(vec![at(Point::Dot).to("nora@example.com").reply("554 5.6.0 no such person")]);
    let suppress =
        "insert into suppressed_address (email_key, reason) values ('olga@example.com', '550 5.1.1 unknown')";
    app.client().await.batch_execute(suppress).await.unwrap();
    stage.day(3, &BOTH).await;
    for invite in [&refused, &suppressed] {
        assert_eq!(stage.state(invite).await, InviteState::DeliveryFailed);
    }
    assert_eq!((stage.mails("nora@example.com"), stage.mails("olga@example.com")), (1, 1));
}

#[tokio::test]
async fn a_reminder_waits_for_the_mail_before_it() {
    let stage = Stage::begin().await;
    stage.sink.behave(vec![at(Point::Rcpt).reply("450 4.2.1 later")]);
    invited(&stage.app, &stage.account, "nora@example.com").await;
    stage.day(0, &BOTH).await;
    stage.day(3, &BOTH).await;
    assert_eq!((stage.waiting().await, count(&stage.app, "mail where state = 'RETRY'").await), (0, 1));
    stage.sink.behave(Vec::new());
    stage.app.client().await.batch_execute("update mail set try_at = now()").await.unwrap();
    stage.day(3, &BOTH).await;
    assert_eq!(stage.mails("nora@example.com"), 1, "it waits for an hour");
    stage.day(4, &BOTH).await;
    assert_eq!(stage.mails("nora@example.com"), 2);
    assert_eq!(stage.mails_to("nora@example.com", 5..14).await, [(7, 1), (13, 1)]);
}

#[tokio::test]
async fn nobody_is_reminded_in_the_name_of_somebody_who_has_left() {
    let stage = Stage::begin().await;
    let Stage { app, account, .. } = &stage;
    let mut emails = Vec::new();
    let loses = ["delete from collaborator where user_id = $1", "update person set disabled_at = now() where id = $1"];
    for (number, loss) in loses.into_iter().enumerate() {
        let ada = app.person(account, &format!("ada{number}@example.com"), "Ada", "Lovelace").await;
        let own = app.workcenter(&ada, account.id, "Own").await;
        for place in [None, Some((own, WorkCenterRole::Reader))] {
            let email = format!("nora{number}{}@example.com", place.is_some());
            let asked = offer(account, &email, AccountRole::Guest, place.as_slice());
            create(app, &ada, asked).await.unwrap();
            emails.push(email);
        }
        stage.day(0, &BOTH).await;
        db::text(&app.pool().client().await.unwrap(), loss, &[&ada.id]).await.unwrap();
    }
    stage.day(3, &BOTH).await;
    let mails: Vec<_> = emails.iter().map(|it| stage.mails(it)).collect();
    assert_eq!(mails, [2, 1, 1, 1], "but for the one without a place that is theirs no more");
}

#[tokio::test]
async fn any_number_of_daemons_remind_of_each_invite_once() {
    let stage = Stage::begin().await;
    invited(&stage.app, &stage.account, "nora@example.com").await;
    stage.day(0, &BOTH).await;
    // More than one batch has.
    let many = "insert into invite (id, account_id, email, email_key, account_role, inviter_id, state, token_hash,
            created_at, expires_at, remind_at)
        select gen_random_uuid(), account_id, 'n' || number || '@example.com', 'n' || number || '@example.com',
            account_role, inviter_id, state, sha256(number::text::bytea), created_at, expires_at, remind_at
        from invite cross join generate_series(1, 249) as number";
    stage.app.client().await.batch_execute(many).await.unwrap();
    stage.app.clock_at(&instant(3)).await;
    let now = stage.app.now().await;
    let daemons = [(); 4].map(|()| stage.app.daemon(Some(stage.sink.address())));
    let turns = daemons.iter().map(|it| it.step(Sweep::Immediate, now));
    for turn in futures_util::future::join_all(turns).await {
        turn.unwrap();
    }
    let each = "(select subject_id from mail where dated_at = '2027-11-05T08:00:00Z' group by subject_id
        having count(*) = 1) as it";
    assert_eq!((stage.waiting().await, count(&stage.app, each).await), (250, 250));
}
