//! Opting out while mails are on their way: when it has been answered, none begins any more.
//!
//! What begins is what the relay reads. It counts all commands, and a mail is later than an answer if its DATA is.

use std::collections::HashMap;

use futures_util::future::{join, join_all};
use tonic::Request;
use workcenter::daemon::Sweep;

use super::*;
use crate::{
    dice::Dice,
    request::waits,
    sink::{Point, at},
    story::uploaded,
};

/// How often it is tried, and by how many people: a few times, and for some minutes with `RACES_FULL` set.
fn rounds() -> (usize, usize) {
    if std::env::var_os("RACES_FULL").is_some() { (120, 24) } else { (4, 12) }
}

/// Daemons that deliver at the same time, each with sessions of its own.
const DAEMONS: usize = 3;

#[tokio::test]
async fn who_opts_out_of_a_mail_that_is_about_to_begin_is_answered_when_the_relay_has_heard_it() {
    let story = Story::begin_with(vec![at(Point::Rcpt).nth(1).hold()]).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.app.clock_at("2026-11-20T14:00:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    let opt_out = async {
        story.sink.wait_for_held(1).await;
        let token = Link { user: story.ada.id, account: story.account.id, scope: Scope::Account }
            .seal(story.app.token_key(), Switch::Off);
        let mut client = story.app.preferences();
        let answer = client.unsubscribe(Request::new(pb::UnsubscribeRequest { token }));
        tokio::pin!(answer);
        tokio::select! {
            answer = &mut answer => panic!("it may still begin: {answer:?}"),
            () = waits(story.app.pool()) => {}
        }
        story.sink.release(1);
        answer.await.unwrap();
        story.sink.commands().len()
    };
    let ((), answered_at) = join(story.step(&[Sweep::Outbox]), opt_out).await;
    assert!(story.mails()[0].data_at <= answered_at);
    assert_eq!(story.states().await, ["SENT"]);
}

#[tokio::test]
async fn who_opts_out_does_not_wait_for_a_mail_that_the_relay_hears() {
    let story = Story::begin_with(vec![at(Point::Dot).nth(1).hold()]).await;
    story.publish(vec![story.uploaded("Plan.pdf")]).await;
    story.app.clock_at("2026-11-20T14:00:00Z").await;
    story.step(&[Sweep::Immediate]).await;
    let opt_out = async {
        story.sink.wait_for_held(1).await;
        story.deliver(&story.ada, Delivery::Off).await;
        story.sink.release(1);
    };
    join(story.step(&[Sweep::Outbox]), opt_out).await;
    assert_eq!(story.states().await, ["SENT"]);
    assert_eq!(story.findings().await, []);
}

/// How somebody opts out.
#[derive(Clone, Copy, Debug)]
enum Way {
    Page,
    Call,
    WorkCenter,
    Altogether,
}

/// Everybody who hears of both WorkCenters, with all that mails them and all that is asked to stop it.
struct Crowd {
    story: Story,
    daemons: Vec<Daemon>,
    pages: Serving,
    people: Vec<Person>,
    tender: Uuid,
}

impl Crowd {
    async fn gather(count: usize) -> Self {
        let story = Story::begin().await;
        let tender = story.app.workcenter(&story.bob, story.account.id, "Tender").await;
        let mut people = Vec::new();
        for number in 0..count {
            let person = story.app.person(&story.account, &format!("p{number}@example.com"), "P", "").await;
            story.app.collaborator(&story.bob, story.pier, &person).await;
            story.app.collaborator(&story.bob, tender, &person).await;
            people.push(person);
        }
        // Each with connections to the database of its own, as processes have them.
        let settings = story.app.daemon_settings(Some(story.sink.address()));
        let open = async || Parts::open(&settings.database, &settings.shared).await.unwrap();
        let mut daemons = Vec::new();
        for _ in 0..DAEMONS {
            daemons.push(Daemon::new(open().await, &settings));
        }
        let pages = serve_with(&story.app, open().await).await;
        let crowd = Self { story, daemons, pages, people, tender };
        crowd.story.at("2026-11-20T14:00:00Z").await;
        crowd
    }

    /// `person` opts out of Pier 4, or of all there is.
    async fn opt_out(&self, person: &Person, way: Way) {
        let scope = Scope::WorkCenter(self.story.pier);
        let token = Link { user: person.id, account: self.story.account.id, scope }
            .seal(self.story.app.token_key(), Switch::Off);
        match way {
            Way::Page => {
                let (status, page) = ask(self.pages.http, "POST", &format!("/unsubscribe/{token}")).await;
                assert_eq!(status, 200, "{page}");
            }
            Way::Call => {
                let call = pb::UnsubscribeRequest { token };
                self.story.app.preferences().unsubscribe(Request::new(call)).await.unwrap();
            }
            Way::WorkCenter => deliver(&self.story, person, self.story.pier, Delivery::Off).await,
            Way::Altogether => self.switch(person, false).await,
        }
    }

    async fn switch(&self, person: &Person, notifications_enabled: bool) {
        let preferences = pb::Preferences { notifications_enabled, ..Default::default() };
        self.story.prefer(person, preferences, &["notifications_enabled"]).await;
    }

    /// One mail of each WorkCenter to everybody is delivered, while some opt out: who, how, and how many commands the relay
    /// had read when they were told that it is done.
    async fn round(&self, dice: &mut Dice) -> HashMap<String, (Way, usize)> {
        let Self { story, people, .. } = self;
        let mut acts = Vec::new();
        for person in people {
            let way = [Way::Page, Way::Call, Way::WorkCenter, Way::Altogether][usize::try_from(dice.roll(4)).unwrap()];
            let after = usize::try_from(dice.roll(u64::try_from(2 * people.len()).unwrap())).unwrap();
            if dice.roll(3) > 0 {
                acts.push((person, way, after));
            }
        }
        let before = story.sink.mails().len();
        let all_sent = CancellationToken::new();
        let now = story.app.now().await;
        let deliver = async {
            join_all(self.daemons.iter().map(|it| async { it.step(Sweep::Outbox, now).await.unwrap() })).await;
            all_sent.cancel();
        };
        let opt_out = join_all(acts.into_iter().map(|(person, way, after)| {
            let all_sent = &all_sent;
            async move {
                // Some when it has begun, some in the middle, and some when all is over.
                tokio::select! {
                    _ = story.sink.wait_for(before + after) => {}
                    () = all_sent.cancelled() => {}
                }
                self.opt_out(person, way).await;
                (person.email.clone(), (way, story.sink.commands().len()))
            }
        }));
        join(deliver, opt_out).await.1.into_iter().collect()
    }

    /// Everybody hears of all again.
    async fn back(&self, out: &HashMap<String, (Way, usize)>) {
        for person in self.people.iter().filter(|it| out.contains_key(&it.email)) {
            self.switch(person, true).await;
            deliver(&self.story, person, self.story.pier, Delivery::Inherit).await;
        }
    }
}

#[tokio::test]
async fn when_opting_out_has_been_answered_no_mail_of_that_kind_begins() {
    let (rounds, count) = rounds();
    let crowd = Crowd::gather(count).await;
    let story = &crowd.story;
    let mut dice = Dice(0x5eed);
    let mut instant: jiff::Timestamp = "2027-01-04T08:00:00Z".parse().unwrap();
    for round in 0..rounds {
        story.app.clock_at(&instant.to_string()).await;
        story.publish(vec![story.uploaded("Plan.pdf"), uploaded(crowd.tender, &story.bob, "Offer.pdf")]).await;
        instant += std::time::Duration::from_secs(60);
        story.app.clock_at(&instant.to_string()).await;
        story.step(&[Sweep::Immediate]).await;
        let before = story.sink.mails().len();
        let out = crowd.round(&mut dice).await;
        // What was put off by a claim of somebody else, or by a lock.
        story.step(&[Sweep::Outbox]).await;

        let mails = story.sink.mails().split_off(before);
        for mail in &mails {
            let Some((way, answered_at)) = out.get(&mail.to) else { continue };
            let is_of_it = matches!(way, Way::Altogether) || mail.text().contains("Pier 4");
            assert!(
                !is_of_it || mail.data_at <= *answered_at,
                "round {round}: {} has opted out by {way:?} at {answered_at}, and is told at {}",
                mail.to,
                mail.data_at
            );
        }
        // Nobody else goes without, nor do they of the other WorkCenter.
        for person in &crowd.people {
            let has = |what: &str| mails.iter().any(|it| it.to == person.email && it.text().contains(what));
            let is_out = out.get(&person.email);
            assert!(is_out.is_some() || has("Plan.pdf"), "round {round}: {} of Pier 4", person.email);
            let altogether = matches!(is_out, Some((Way::Altogether, _)));
            assert!(altogether || has("Offer.pdf"), "round {round}: {} of Tender", person.email);
        }
        crowd.back(&out).await;
    }
    assert_eq!(story.findings().await, []);
}
