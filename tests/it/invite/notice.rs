//! What inviters are told of their invites by mail.

use workcenter::{
    daemon::{Daemon, Sweep},
    pb::{Preferences, UpdatePreferencesRequest},
};

use super::{end::turn_down, resend::resend, *};
use crate::{
    received::Received,
    sink::{Point, Sink, at},
};

/// What all of these tests have: Ada, who invites, a daemon and a relay.
struct Stage {
    app: App,
    account: Account,
    ada: Person,
    sink: Sink,
    daemon: Daemon,
}

impl Stage {
    async fn begin() -> Self {
        let app = App::start().await;
        app.clock_at("2027-11-02T08:00:00Z").await;
        let account = app.account("Pier Works").await;
        let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
        let sink = Sink::start(Vec::new()).await;
        let daemon = app.daemon(Some(sink.address()));
        Self { app, account, ada, sink, daemon }
    }

    /// Ada invites an address as a member.
    async fn invited(&self, email: &str, notify_me_on_accept: bool) -> Invite {
        let offer = offer(&self.account, email, AccountRole::Member, &[]);
        let asked = CreateInviteRequest { notify_me_on_accept, ..offer };
        create(&self.app, &self.ada, asked).await.unwrap().invite.unwrap()
    }

    /// Invites three addresses of which Ada is to be told: the one accepts, the other declines, the third does not exist.
    async fn three_ends(&self) {
        let accepted = self.invited("grace@example.com", true).await;
        let declined = self.invited("olga@example.com", false).await;
        self.invited("nora@example.com", false).await;
        come(&self.app, &mailed(&self.app, &accepted).await.unwrap()).await.unwrap();
        turn_down(&self.app, &mailed(&self.app, &declined).await.unwrap(), "No time, sorry.").await.unwrap();
        let failed = "update mail set state = 'FAILED', ended_at = now(), reply = '550 5.1.1 unknown' from invite
            where mail.id = invite.mail_id and invite.email = 'nora@example.com'";
        self.app.client().await.batch_execute(failed).await.unwrap();
        let now = self.app.now().await;
        // However many find it, one tells it.
        let (one, two) = join!(self.daemon.step(Sweep::Housekeeping, now), self.daemon.step(Sweep::Housekeeping, now));
        assert!(one.is_ok() && two.is_ok());
    }

    async fn deliver(&self) {
        self.daemon.step(Sweep::Outbox, self.app.now().await).await.unwrap();
    }

    /// What Ada has got.
    fn told(&self) -> Vec<Received> {
        self.sink.mails().into_iter().filter(|it| it.to == self.ada.email).collect()
    }

    fn subjects(&self) -> Vec<String> {
        let mut subjects: Vec<_> = self.told().iter().map(|it| it.header("Subject").unwrap()).collect();
        subjects.sort();
        subjects
    }
}

#[tokio::test]
async fn an_inviter_is_told_how_their_invites_ended() {
    let stage = Stage::begin().await;
    stage.three_ends().await;
    stage.deliver().await;
    let subjects = [
        "Nora New accepted your invite to Pier Works",
        "Your invite to nora@example.com could not be delivered",
        "olga@example.com declined your invite to Pier Works",
    ];
    assert_eq!(stage.subjects(), subjects);
    for (number, says) in [
        "Nora New (grace@example.com) has joined Pier Works as a member.",
        "Its mail server says that there is no such address.\n\nWhat came back:\n\n> 550 5.1.1 unknown\n",
        "They write:\n\n> No time, sorry.\n",
    ]
    .into_iter()
    .enumerate()
    {
        let mails = stage.told();
        let mail = mails.iter().find(|it| it.header("Subject").unwrap() == subjects[number]).unwrap();
        let text = mail.text();
        assert!(text.contains(says), "{text}");
        assert!(text.contains("\n\nTuesday, 2 November 2027, 08:00 UTC\n"), "{text}");
        assert!(text.contains("Open the invite: https://app.example/invites/") && mail.html().contains("<h1>"));
    }
    // Nothing is told twice.
    for _ in 0..2 {
        stage.daemon.step(Sweep::Housekeeping, stage.app.now().await).await.unwrap();
        stage.deliver().await;
    }
    assert_eq!(stage.told().len(), 3);
    assert_eq!(count(&stage.app, "mail where kind = 'INVITE_NOTICE' and lane = 0 and state = 'SENT'").await, 3);
}

#[tokio::test]
async fn that_one_was_accepted_is_told_to_those_alone_who_asked_for_it() {
    let stage = Stage::begin().await;
    let invite = stage.invited("grace@example.com", false).await;
    come(&stage.app, &mailed(&stage.app, &invite).await.unwrap()).await.unwrap();
    stage.deliver().await;
    assert_eq!(count(&stage.app, "mail where kind = 'INVITE_NOTICE'").await, 0);
    assert!(stage.told().is_empty());
}

#[tokio::test]
async fn who_turned_everything_off_has_left_or_is_disabled_is_told_nothing() {
    for case in ["off", "left", "disabled"] {
        let stage = Stage::begin().await;
        stage.three_ends().await;
        let client = stage.app.client().await;
        match case {
            "off" => {
                let asked = UpdatePreferencesRequest {
                    preferences: Some(Preferences { notifications_enabled: false, ..Preferences::default() }),
                    update_mask: Some(prost_types::FieldMask { paths: vec!["notifications_enabled".to_owned()] }),
                    etag: String::new(),
                };
                stage.app.preferences().update_preferences(by(&stage.ada.token, asked)).await.unwrap();
            }
            "left" => {
                client.execute("delete from member where user_id = $1", &[&stage.ada.id]).await.unwrap();
            }
            _ => {
                client.execute("update person set disabled_at = now() where id = $1", &[&stage.ada.id]).await.unwrap();
            }
        }
        stage.deliver().await;
        assert_eq!(stage.subjects(), [""; 0], "{case}");
        assert_eq!(count(&stage.app, "mail where kind = 'INVITE_NOTICE' and state = 'SUPPRESSED'").await, 3, "{case}");
    }
}

#[tokio::test]
async fn of_an_invite_that_was_sent_again_only_its_last_end_is_told() {
    let stage = Stage::begin().await;
    let rule = || at(Point::Dot).to("grace@example.com").reply("554 5.7.1 not from you");
    stage.sink.behave(vec![rule()]);
    let invite = stage.invited("grace@example.com", true).await;
    stage.deliver().await;
    assert_eq!(count(&stage.app, "mail where kind = 'INVITE_NOTICE' and state = 'PENDING'").await, 1);
    stage.sink.behave(Vec::new());
    stage.app.clock_at("2027-11-02T09:00:00Z").await;
    let invite = resend(&stage.app, &stage.account.admin, &invite).await.unwrap();
    stage.deliver().await;
    assert!(stage.told().is_empty(), "that it could not be delivered is not so any more");

    come(&stage.app, &mailed(&stage.app, &invite).await.unwrap()).await.unwrap();
    stage.deliver().await;
    assert_eq!(stage.subjects(), ["Nora New accepted your invite to Pier Works"]);
}

#[tokio::test]
async fn that_a_reminder_reaches_nobody_is_told_too() {
    let stage = Stage::begin().await;
    stage.invited("grace@example.com", false).await;
    stage.deliver().await;
    stage.sink.behave(vec![at(Point::Dot).to("grace@example.com").reply("552 5.2.2 over quota")]);
    stage.app.clock_at("2027-11-05T08:00:00Z").await;
    stage.daemon.step(Sweep::Immediate, stage.app.now().await).await.unwrap();
    stage.deliver().await;
    stage.deliver().await;
    assert_eq!(stage.subjects(), ["Your invite to grace@example.com could not be delivered"]);
    assert!(stage.told()[0].text().contains("Its mail server says that the mailbox is full."));
}
