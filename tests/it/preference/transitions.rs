//! Every change from one cadence to another, wherever the slot is: what happened before it, just before it and after it is
//! told in the mail that the table says, and in no other.

use std::{collections::HashMap, time::Duration};

use uuid::Uuid;
use workcenter::{
    activity,
    daemon::Sweep,
    error::Error,
    pb::{self, Delivery, Preferences},
    subscription::{self, Turn, When, schedule::Beat},
};

use crate::{
    harness::{Person, by},
    story::{Story, uploaded},
};

/// Where a person's slot is at seven, when they change: ahead; due, and nobody has come; due, and a daemon is at work that
/// read what they had chosen before; done. Each has its hour.
const SLOTS: [&str; 4] = ["09:00", "07:00", "06:59", "06:00"];
const CLAIMED: usize = 2;

/// From, to, and for each of [`SLOTS`] what becomes of an event of the day before, of one a minute before the change, and of
/// one after it: `I`mmediate mail, `D`aily or `W`eekly digest, `C`atch-up, or `-` nobody is told.
const TABLE: [(Delivery, Delivery, &str); 16] = {
    use Delivery::{Daily, Immediate, Off, Weekly};
    [
        (Immediate, Immediate, "III III III III"),
        (Immediate, Daily, "IDD IDD IDD IDD"),
        (Immediate, Weekly, "IWW IWW IWW IWW"),
        (Immediate, Off, "I-- I-- I-- I--"),
        (Daily, Immediate, "CCI CCI CCI DCI"),
        (Daily, Daily, "DDD DDD DDD DDD"),
        (Daily, Weekly, "WWW WWW WWW DWW"),
        (Daily, Off, "--- --- --- D--"),
        (Weekly, Immediate, "CCI CCI CCI WCI"),
        (Weekly, Daily, "DDD DDD DDD WDD"),
        (Weekly, Weekly, "WWW WWW WWW WWW"),
        (Weekly, Off, "--- --- --- W--"),
        (Off, Immediate, "--I --I --I --I"),
        (Off, Daily, "--D --D --D --D"),
        (Off, Weekly, "--W --W --W --W"),
        (Off, Off, "--- --- --- ---"),
    ]
};

/// Somebody who changes their mind.
struct Case {
    person: Person,
    slot: usize,
    from: Delivery,
    to: Delivery,
    /// What becomes of each event.
    expected: String,
}

/// A stage with a WorkCenter for each place of the slot, and in each everybody who makes one of the changes.
struct Stage {
    story: Story,
    workcenters: Vec<Uuid>,
    cases: Vec<Case>,
    /// Of each WorkCenter the numbers of its events.
    events: Vec<Vec<i64>>,
}

impl Stage {
    async fn set() -> Self {
        let story = Story::begin().await;
        // The day before: of all who come the first digest is the one of Monday, be it the day's or the week's.
        story.app.clock_at("2026-11-22T12:00:00Z").await;
        let (mut workcenters, mut cases) = (Vec::new(), Vec::new());
        for (slot, hour) in SLOTS.into_iter().enumerate() {
            let workcenter = story.app.workcenter(&story.bob, story.account.id, hour).await;
            workcenters.push(workcenter);
            for (from, to, expected) in TABLE {
                let email = format!("{}-{}-{slot}@example.com", from.as_str_name(), to.as_str_name()).to_lowercase();
                let person = story.app.person(&story.account, &email, "P", "").await;
                story.app.collaborator(&story.bob, workcenter, &person).await;
                let at = Preferences { digest_time: hour.to_owned(), ..Preferences::default() };
                story.prefer(&person, at, &["digest_time"]).await;
                let expected = expected.split(' ').nth(slot).unwrap().to_owned();
                cases.push(Case { person, slot, from, to, expected });
            }
        }
        let stage = Self { story, workcenters, cases, events: vec![Vec::new(); SLOTS.len()] };
        for case in &stage.cases {
            stage.choose(case, case.from).await;
        }
        stage.sweep_at("2026-11-22T12:30:00Z").await;
        stage
    }

    /// Whoever it is sets how they hear of their WorkCenter.
    async fn choose(&self, case: &Case, delivery: Delivery) {
        let workcenter_id = self.workcenters[case.slot].to_string();
        let message = pb::UpdateWorkCenterPreferenceRequest { workcenter_id, delivery: delivery.into() };
        let mut client = self.story.app.preferences();
        client.update_work_center_preference(by(&case.person.token, message)).await.unwrap();
    }

    /// Something happens in the WorkCenter.
    async fn happen(&mut self, slot: usize) {
        let event = uploaded(self.workcenters[slot], &self.story.bob, "Plan.pdf");
        let published = self.story.publish(vec![event]).await;
        self.events[slot].push(published[0].seq);
    }

    /// Two turns of everything, after which nothing is lost or late.
    async fn sweep_at(&self, at: &str) {
        self.story.at(at).await;
        self.story.step(&Sweep::ALL).await;
        assert_eq!(self.story.findings().await, [], "{at}");
    }

    /// What became of each event of each case, by the address of whoever it is.
    fn told(&self) -> HashMap<String, String> {
        let mut told: HashMap<String, Vec<Vec<char>>> = HashMap::new();
        for case in &self.cases {
            told.insert(case.person.email.clone(), vec![Vec::new(); self.events[case.slot].len()]);
        }
        let slots: HashMap<&str, usize> = self.cases.iter().map(|it| (it.person.email.as_str(), it.slot)).collect();
        for mail in self.story.mails() {
            let Some(events) = told.get_mut(&mail.to) else { continue };
            let text = mail.text();
            let kinds = [(" are immediate.", 'I'), (" a daily digest of ", 'D'), (" a weekly digest of ", 'W')];
            let kind = kinds.into_iter().find(|(words, _)| text.contains(words)).map_or('C', |(_, kind)| kind);
            assert!(kind != 'C' || text.contains("changed from digests to immediate mail"), "{text}");
            let header = mail.header("X-WorkCenter-Tells").unwrap();
            let slot = slots[mail.to.as_str()];
            let range = header.strip_prefix(&format!("{}:", self.workcenters[slot])).unwrap();
            let (first, last) = range.split_once('-').unwrap();
            let range = first.parse::<i64>().unwrap()..=last.parse().unwrap();
            for (event, seq) in events.iter_mut().zip(&self.events[slot]) {
                if range.contains(seq) {
                    event.push(kind);
                }
            }
        }
        // Of what is told twice both are shown.
        let word = |it: Vec<char>| if it.is_empty() { "-".to_owned() } else { it.into_iter().collect() };
        told.into_iter().map(|(to, events)| (to, events.into_iter().map(word).collect())).collect()
    }
}

#[tokio::test]
async fn each_of_the_sixteen_changes_tells_everything_once_and_where_the_table_says() {
    let mut stage = Stage::set().await;
    stage.story.app.clock_at("2026-11-22T13:00:00Z").await;
    for slot in 0..SLOTS.len() {
        stage.happen(slot).await;
    }
    stage.sweep_at("2026-11-22T14:00:00Z").await;
    stage.sweep_at("2026-11-23T06:00:00Z").await;

    // A minute before the change. From here to it nobody sweeps: first of all is what a daemon will have claimed.
    stage.story.app.clock_at("2026-11-23T06:58:00Z").await;
    stage.happen(CLAIMED).await;
    stage.story.app.clock_at("2026-11-23T06:59:00Z").await;
    for slot in (0..SLOTS.len()).filter(|it| *it != CLAIMED) {
        stage.happen(slot).await;
    }
    stage.story.app.clock_at("2026-11-23T07:00:00Z").await;
    let (now, lease) = (stage.story.app.now().await, Duration::from_secs(600));
    let mut client = stage.story.app.client().await;
    let log = activity::claim_due(&client, now, lease).await.unwrap().unwrap();
    assert_eq!(log.log, stage.workcenters[CLAIMED]);
    let mut claimed = Vec::new();
    for beat in [Beat::Daily, Beat::Weekly] {
        let turn = Turn::Digest(beat);
        let due = subscription::claim(&client, turn, now, 100, lease).await.unwrap();
        assert_eq!(due.len(), 4);
        assert!(due.iter().all(|it| stage.cases.iter().any(|case| case.person.id == it.user && case.slot == CLAIMED)));
        claimed.extend(due.into_iter().map(|it| (turn, it)));
    }

    for case in &stage.cases {
        stage.choose(case, case.to).await;
    }
    // The daemon that had claimed them comes too late, with what they had chosen before.
    let when = When { now, spread: Duration::ZERO };
    for (turn, due) in claimed {
        let tx = client.transaction().await.unwrap();
        let finished = [due.finished(turn, true, &when)];
        let finished = subscription::finish(&tx, stage.story.account.id, turn, &finished).await;
        assert!(matches!(finished, Err(Error::Conflict(_))));
    }
    stage.story.meddle("update activity_head set lease_until = null where lease_until is not null").await;
    stage.sweep_at("2026-11-23T07:00:00Z").await;

    stage.story.app.clock_at("2026-11-23T07:10:00Z").await;
    for slot in 0..SLOTS.len() {
        stage.happen(slot).await;
    }
    for day in ["23", "24", "30"] {
        for hour in ["07:20", "09:00"] {
            stage.sweep_at(&format!("2026-11-{day}T{hour}:00Z")).await;
        }
    }
    let told = stage.told();
    let others = stage.cases.iter().filter(|it| told[&it.person.email] != it.expected);
    let others: Vec<_> = others
        .map(|it| {
            format!(
                "{:?} to {:?} at {}: {}, not {}",
                it.from, it.to, SLOTS[it.slot], told[&it.person.email], it.expected
            )
        })
        .collect();
    assert!(others.is_empty(), "{others:#?}");
}
