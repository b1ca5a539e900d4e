//! The instant that is announced is the instant at which it goes, in every zone, when its clocks change, by another daemon
//! each time.
//!
//! `make calendar` looks at all zones and all changes of a year; what `make test` runs looks at some zones and one change.

use std::collections::BTreeSet;

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, date},
    tz::{TimeZone, TimeZoneDatabase},
};
use tonic::Request;
use uuid::Uuid;
use workcenter::{
    daemon::Sweep,
    pb,
    subscription::{self, When, schedule},
};

use super::is_full;
use crate::{
    harness::by,
    story::{Story, uploaded},
};

/// The year whose changes are looked at, and the one of them that `make test` looks at.
const YEAR: (Date, Date) = (date(2027, 1, 1), date(2027, 12, 31));
const ONE_CHANGE: Date = date(2027, 3, 14);

/// One of so many zones is looked at by `make test`.
const SAMPLE: usize = 15;

/// How long the next digests are read ahead: less than from one to the next, also where a clock goes forward.
const ROUND: SignedDuration = SignedDuration::from_hours(20);

/// People who live in $1, one in each, have a digest by the day of $2 and one by the week of $3, at half past two, which is when
/// clocks are changed. $4 the account, $5 now.
const PEOPLE: &str = "
    with one as (
        select gen_random_uuid() as id, zone from unnest($1::text[]) as zone
    ), person as (
        insert into person (id, email, email_key, password_hash, created_at)
        select id, id || '@example.com', id || '@example.com', '', $5 from one
    ), profile as (
        insert into profile (user_id, first_name, last_name, time_zone, updated_at) select id, 'P', '', zone, $5 from one
    ), member as (
        insert into member (account_id, user_id, role, created_at) select $4, id, 'MEMBER', $5 from one
    ), recipient as (
        insert into recipient (user_id, digest_minute, weekly_day) select id, 150, 7 from one
    ), tie as (
        select one.id as person, place, cadence from one, (values ($2::uuid, 'DAILY'), ($3, 'WEEKLY')) as it(place, cadence)
    ), collaborator as (
        insert into collaborator (workcenter_id, user_id, role, created_at) select place, person, 'READER', $5 from tie
    )
    insert into subscription (id, account_id, user_id, log_id, delivery, cadence, start_seq, cursor)
    select gen_random_uuid(), $4, person, place, cadence, cadence, last_seq, last_seq
    from tie join activity_head on log_id = place returning user_id";

/// Whose digest, which, and when.
type Slot = (Uuid, &'static str, Timestamp);

/// What is announced to everybody, by the answer that they get.
async fn announced(story: &Story, key: &str, people: &BTreeSet<Uuid>) -> BTreeSet<Slot> {
    let mut slots = BTreeSet::new();
    let mut client = story.app.preferences();
    for person in people {
        let mut request: Request<_> = by(key, pb::GetPreferencesRequest::default());
        request.metadata_mut().insert("x-on-behalf-of", person.to_string().parse().unwrap());
        let answer = client.get_preferences(request).await.unwrap().into_inner();
        for next in answer.preferences.unwrap().next_digests {
            let at = next.next_digest_at.unwrap();
            let at = Timestamp::new(at.seconds, at.nanos).unwrap();
            let cadence = if next.cadence() == pb::Delivery::Daily { "DAILY" } else { "WEEKLY" };
            let zone = schedule::zone(next.next_digest_local.split(['[', ']']).nth(1).unwrap()).unwrap();
            assert_eq!(at.to_zoned(zone).to_string(), next.next_digest_local);
            slots.insert((*person, cadence, at));
        }
    }
    slots
}

/// The dates near the changes of clocks in the year, parted where they are not next to each other.
fn windows(zones: &[String]) -> Vec<(Timestamp, Timestamp)> {
    let at = |it: Date| it.to_zoned(TimeZone::UTC).unwrap().timestamp();
    let mut dates = BTreeSet::from([ONE_CHANGE]);
    if is_full() {
        for name in zones {
            let zone = schedule::zone(name).unwrap();
            let changes = zone.following(at(YEAR.0)).take_while(|it| it.timestamp() < at(YEAR.1));
            dates.extend(changes.map(|it| it.timestamp().to_zoned(TimeZone::UTC).date()));
        }
    }
    let near: BTreeSet<Date> = dates.iter().flat_map(|it| (-1..=1).map(|days| *it + days.days())).collect();
    let mut windows: Vec<(Timestamp, Timestamp)> = Vec::new();
    for day in near {
        match windows.last_mut().filter(|(_, end)| *end == at(day)) {
            Some((_, end)) => *end = at(day + 1.day()),
            None => windows.push((at(day), at(day + 1.day()))),
        }
    }
    windows
}

/// What has gone since `since`: whose, which, when, and the instant in its Date header.
async fn gone(story: &Story, since: Timestamp) -> Vec<(Uuid, String, Timestamp, Timestamp)> {
    let gone = "select settlement.user_id, cause, settled_at, dated_at from settlement join mail on mail.id = mail_id
        where settled_at > $1";
    let rows = story.app.client().await.query(gone, &[&since]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}

#[tokio::test]
async fn a_digest_goes_when_it_was_announced_in_every_zone_though_clocks_change_and_daemons_too() {
    let story = Story::begin().await;
    let other = story.app.workcenter(&story.bob, story.account.id, "Plans").await;
    let key = story.app.key(&["act"]).await;
    let every = if is_full() { 1 } else { SAMPLE };
    let known = TimeZoneDatabase::bundled();
    let named: Vec<String> = known.available().map(|it| it.as_str().to_owned()).collect();
    let zones: Vec<String> = named.into_iter().filter(|it| schedule::zone(it).is_some()).step_by(every).collect();

    let now = story.app.now().await;
    let mut client = story.app.client().await;
    let made = client.query(PEOPLE, &[&zones, &story.pier, &other, &story.account.id, &now]).await.unwrap();
    let people: BTreeSet<Uuid> = made.iter().map(|row| row.get(0)).collect();
    let tx = client.transaction().await.unwrap();
    let when = When { now, spread: story.app.parts().settings.digest_spread };
    subscription::reschedule(&tx, &Vec::from_iter(people.iter().copied()), &when).await.unwrap();
    tx.commit().await.unwrap();

    let mut seen = 0;
    for (begin, end) in windows(&zones) {
        // What waited since the last window goes late, in one.
        story.app.clock_at(&begin.to_string()).await;
        story.step(&[Sweep::Daily, Sweep::Weekly]).await;
        let mut since = begin;
        while since < end {
            story.publish([story.pier, other].map(|it| uploaded(it, &story.bob, "Plan.pdf")).to_vec()).await;
            let round = since + ROUND;
            let expected: BTreeSet<Slot> =
                announced(&story, &key, &people).await.into_iter().filter(|(.., at)| *at <= round).collect();
            let instants: BTreeSet<Timestamp> = expected.iter().map(|(.., at)| *at).collect();
            for instant in instants {
                story.app.clock_at(&instant.to_string()).await;
                let daemon = story.app.daemon(Some(story.sink.address()));
                for sweep in [Sweep::Daily, Sweep::Weekly] {
                    daemon.step(sweep, instant).await.unwrap();
                }
            }
            let gone = gone(&story, since).await;
            for (user, cause, settled_at, dated_at) in &gone {
                assert_eq!(settled_at, dated_at);
                let slot = expected.iter().find(|it| (it.0, it.1, it.2) == (*user, cause.as_str(), *dated_at));
                assert!(slot.is_some(), "{cause} to {user} at {dated_at} was announced for another instant");
            }
            assert_eq!(gone.len(), expected.len());
            seen += gone.len();
            since = round;
            story.app.clock_at(&round.to_string()).await;
            story.step(&[Sweep::Immediate]).await;
        }
    }
    assert!(seen > 2 * people.len(), "{seen} digests to {} people", people.len());
    assert_eq!(story.findings().await, []);
}
