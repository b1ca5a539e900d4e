//! `ActivityService` on the wire.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use tonic::{Request, Response, Status};

use super::{Whose, logs, retract};
use crate::{
    access::{self, Action, Resource},
    activity::{
        self, Audience, EVENTS_MAX, Event, New, Published, Reason, Retracted, Retraction, Thing, check_event_id,
        publish,
    },
    auth,
    clock::Clock,
    db::Db,
    error::{Error, Result, Violations},
    ids,
    page::Page,
    pb::{self, activity_service_server::ActivityService},
    secret::TokenKey,
    subscription::{self, When},
};

/// Serves `ActivityService`.
pub struct Service {
    db: Db,
    clock: Clock,
    key: TokenKey,
    spread: Duration,
    window: Duration,
}

impl Service {
    /// A service on `db`; digests go up to `spread` after their hour, and immediate mail waits `window` for more.
    pub fn new(db: Db, clock: Clock, key: TokenKey, spread: Duration, window: Duration) -> Self {
        Self { db, clock, key, spread, window }
    }

    /// Publishes the part of a batch that is in one log, alone in its transaction.
    async fn part(&self, whose: Whose, events: Vec<New>, now: Timestamp) -> Result<Vec<Published>> {
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        let log = match whose {
            Whose::WorkCenter(id) => id,
            Whose::Person { account, user } => {
                let log = subscription::own_log(&tx, account, user).await?;
                subscription::attend(&tx, account, user, log, &When { now, spread: self.spread }).await?;
                log
            }
        };
        let published = publish(&tx, log, events, now, self.window).await?;
        tx.commit().await?;
        Ok(published)
    }
}

#[tonic::async_trait]
impl ActivityService for Service {
    async fn publish_activity(
        &self,
        request: Request<pb::PublishActivityRequest>,
    ) -> Result<Response<pb::PublishActivityResponse>, Status> {
        let caller = auth::caller(&request)?;
        access::may(&self.db.client().await?, &caller, Action::PublishActivity, Resource::Own).await?;
        let now = self.clock.now().await?;
        let events = events(request.into_inner().events, now)?;

        // Each part alone, so in any order; the answers in the order of the request.
        let mut parts: BTreeMap<Whose, (Vec<usize>, Vec<New>)> = BTreeMap::new();
        let mut results: Vec<pb::PublishResult> = Vec::with_capacity(events.len());
        for (place, (whose, event)) in events.into_iter().enumerate() {
            let [workcenter_id, account_id, user_id] = named(whose);
            let event_id = event.event_id.clone();
            results.push(pb::PublishResult { event_id, workcenter_id, account_id, user_id, ..Default::default() });
            let (places, part) = parts.entry(whose).or_default();
            places.push(place);
            part.push(event);
        }
        for (whose, (places, part)) in parts {
            match self.part(whose, part, now).await {
                Ok(published) => {
                    for (place, Published { seq, known }) in places.into_iter().zip(published) {
                        (results[place].seq, results[place].known) = (seq, known);
                    }
                }
                Err(error @ (Error::NotFound(..) | Error::Refused(_))) => {
                    places.iter().for_each(|place| results[*place].set_reason(error.reason()));
                }
                Err(error) => return Err(error.into()),
            }
        }

        let count = |known| results.iter().filter(|it| it.seq != 0 && it.known == known).count();
        Ok(Response::new(pb::PublishActivityResponse {
            published_count: i32::try_from(count(false)).unwrap_or(i32::MAX),
            repeated_count: i32::try_from(count(true)).unwrap_or(i32::MAX),
            results,
        }))
    }

    async fn retract_activity(
        &self,
        request: Request<pb::RetractActivityRequest>,
    ) -> Result<Response<pb::RetractActivityResponse>, Status> {
        let caller = auth::caller(&request)?;
        access::may(&self.db.client().await?, &caller, Action::RetractActivity, Resource::Own).await?;
        let asked = retractions(request.into_inner().events)?;
        let now = self.clock.now().await?;

        let whose: Vec<Whose> = asked.iter().map(|(whose, _)| *whose).collect();
        let logs = logs(&self.db.client().await?, &whose).await?;
        let events: Vec<Retraction> =
            logs.into_iter().zip(asked).map(|(log, (_, event_id))| Retraction { log, event_id }).collect();
        let retracted = retract(&self.db, &events, now).await?;

        let count = |of: fn(&Retracted) -> bool| {
            i32::try_from(retracted.iter().filter(|it| of(it)).count()).unwrap_or(i32::MAX)
        };
        Ok(Response::new(pb::RetractActivityResponse {
            retracted_count: count(|it| matches!(it, Retracted::Now(_))),
            repeated_count: count(|it| matches!(it, Retracted::Before(_))),
            results: whose
                .into_iter()
                .zip(events)
                .zip(retracted)
                .map(|((whose, event), it)| retraction(whose, event, it))
                .collect(),
        }))
    }

    async fn list_activity(
        &self,
        request: Request<pb::ListActivityRequest>,
    ) -> Result<Response<pb::ListActivityResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let log = ids::parse("workcenter_id", &request.workcenter_id).map_err(Error::from)?;
        let now = self.clock.now().await?;
        let list: &[&[u8]] = &[b"ListActivity", log.as_bytes()];
        let page = Page::read(&self.key, request.page_size, &request.page_token, list, now).map_err(Error::from)?;

        let client = self.db.client().await?;
        let leave = access::may(&client, &caller, Action::ListActivity, Resource::WorkCenter(log)).await?;

        let before = page.after.as_deref().and_then(|it| it.parse().ok()).unwrap_or(i64::MAX);
        let mut events = activity::list(&client, log, leave.person, before, page.fetch).await?;
        let next_page_token = page.cut(&self.key, &mut events, |it| it.seq.to_string(), now);

        let events = events.into_iter().map(pb::Activity::from).collect();
        Ok(Response::new(pb::ListActivityResponse { events, next_page_token }))
    }
}

/// Reads the events of a request with the logs they belong to; everything that is wrong with any is said at once.
fn events(sent: Vec<pb::Activity>, now: Timestamp) -> Result<Vec<(Whose, New)>> {
    let mut violations = Violations::default();
    if sent.is_empty() || sent.len() > EVENTS_MAX {
        violations.add("events", format!("must be 1 to {EVENTS_MAX}"));
        violations.none()?;
        return Ok(Vec::new());
    }
    let mut events = Vec::with_capacity(sent.len());
    for (place, it) in sent.into_iter().enumerate() {
        let field = format!("events[{place}]");
        events.extend(event(&field, it, now, &mut violations));
    }
    violations.none()?;
    Ok(events)
}

fn event(field: &str, sent: pb::Activity, now: Timestamp, violations: &mut Violations) -> Option<(Whose, New)> {
    let whose = whose(field, [&sent.workcenter_id, &sent.account_id, &sent.user_id], violations);
    let is_own = !(sent.account_id.is_empty() && sent.user_id.is_empty());
    let actor = violations.take(ids::parse(&format!("{field}.actor_user_id"), &sent.actor_user_id));
    if is_own && !sent.addressees.is_empty() {
        violations.add(format!("{field}.addressees"), "must be empty for what is news to one person alone");
    }
    let audience = match sent.audience() {
        pb::Audience::Unspecified if is_own => None,
        _ if is_own => {
            violations.add(format!("{field}.audience"), "must be left out for what is news to one person alone");
            None
        }
        pb::Audience::Everyone => Some(Audience::Everyone),
        pb::Audience::Named => Some(Audience::Named),
        pb::Audience::Unspecified => {
            violations.add(format!("{field}.audience"), "must be AUDIENCE_EVERYONE or AUDIENCE_NAMED");
            None
        }
    };
    let occurred_at = match &sent.occur_time {
        None => Some(now),
        Some(time) => {
            let at = pb::instant(time);
            if at.is_none() {
                violations.add(format!("{field}.occur_time"), "must be an instant");
            }
            at
        }
    };
    let mut addressees = Vec::with_capacity(sent.addressees.len());
    for (place, it) in sent.addressees.iter().enumerate() {
        let user = violations.take(ids::parse(&format!("{field}.addressees[{place}].user_id"), &it.user_id));
        let reason = match it.reason() {
            pb::AddresseeReason::Mention => Reason::Mention,
            pb::AddresseeReason::Assignment => Reason::Assignment,
            pb::AddresseeReason::Approval => Reason::Approval,
            pb::AddresseeReason::Unspecified | pb::AddresseeReason::Notice => {
                violations.add(format!("{field}.addressees[{place}].reason"), "must be one of the reasons");
                continue;
            }
        };
        addressees.extend(user.map(|user| (user, reason)));
    }
    let event = New {
        event_id: sent.event_id,
        kind: sent.kind,
        actor: actor.unwrap_or_default(),
        subject: sent.subject.map(thing).unwrap_or_default(),
        parent: sent.parent.map(thing).unwrap_or_default(),
        summary: sent.summary,
        audience: audience.unwrap_or(Audience::Everyone),
        addressees,
        occurred_at: occurred_at.unwrap_or(now),
    };
    event.check(field, violations);
    let whose = whose?;
    let event = if let Whose::Person { user, .. } = whose { event.to_oneself(user) } else { event };
    Some((whose, event))
}

/// Reads which log is meant by the ids of a WorkCenter, or of an account and a person, in the event that stands in `field`.
fn whose(field: &str, [workcenter, account, user]: [&str; 3], violations: &mut Violations) -> Option<Whose> {
    let mut id = |name: &str, sent| violations.take(ids::parse(&format!("{field}.{name}"), sent));
    if account.is_empty() && user.is_empty() {
        return id("workcenter_id", workcenter).map(Whose::WorkCenter);
    }
    let (account, user) = (id("account_id", account), id("user_id", user));
    if !workcenter.is_empty() {
        violations.add(format!("{field}.workcenter_id"), "must be left out for what is news to one person alone");
    }
    let (account, user) = account.zip(user)?;
    Some(Whose::Person { account, user })
}

/// The ids of a WorkCenter, an account and a person by which a log is meant.
fn named(whose: Whose) -> [String; 3] {
    match whose {
        Whose::WorkCenter(id) => [id.to_string(), String::new(), String::new()],
        Whose::Person { account, user } => [String::new(), account.to_string(), user.to_string()],
    }
}

/// Reads what is to be taken back; everything that is wrong with any is said at once.
fn retractions(sent: Vec<pb::ActivityRef>) -> Result<Vec<(Whose, String)>> {
    let mut violations = Violations::default();
    if sent.is_empty() || sent.len() > EVENTS_MAX {
        violations.add("events", format!("must be 1 to {EVENTS_MAX}"));
        violations.none()?;
        return Ok(Vec::new());
    }
    let mut retractions = Vec::with_capacity(sent.len());
    for (place, it) in sent.into_iter().enumerate() {
        let field = format!("events[{place}]");
        check_event_id(&field, &it.event_id, &mut violations);
        let whose = whose(&field, [&it.workcenter_id, &it.account_id, &it.user_id], &mut violations);
        retractions.extend(whose.map(|whose| (whose, it.event_id)));
    }
    violations.none()?;
    Ok(retractions)
}

fn retraction(whose: Whose, event: Retraction, became: Retracted) -> pb::RetractResult {
    let reason = match (became, whose) {
        (Retracted::Now(_) | Retracted::Before(_), _) => pb::Reason::Unspecified,
        (Retracted::NoLog, Whose::WorkCenter(_)) => pb::Reason::WorkcenterNotFound,
        (Retracted::Unknown, _) | (Retracted::NoLog, Whose::Person { .. }) => pb::Reason::EventNotFound,
    };
    let [workcenter_id, account_id, user_id] = named(whose);
    pb::RetractResult {
        event_id: event.event_id,
        workcenter_id,
        account_id,
        user_id,
        seq: became.seq().unwrap_or_default(),
        known: matches!(became, Retracted::Before(_)),
        reason: reason.into(),
    }
}

fn thing(sent: pb::Subject) -> Thing {
    Thing { kind: sent.r#type, id: sent.id, title: sent.title, url: sent.url }
}

fn subject(thing: Thing) -> Option<pb::Subject> {
    let Thing { kind, id, title, url } = thing;
    (!id.is_empty()).then_some(pb::Subject { r#type: kind, id, title, url })
}

impl From<Event> for pb::Activity {
    fn from(event: Event) -> Self {
        let audience = match event.audience {
            Audience::Everyone => pb::Audience::Everyone,
            Audience::Named => pb::Audience::Named,
        };
        Self {
            event_id: event.event_id,
            workcenter_id: event.log.to_string(),
            seq: event.seq,
            kind: event.kind,
            actor_user_id: event.actor.to_string(),
            subject: subject(event.subject),
            parent: subject(event.parent),
            summary: event.summary,
            audience: audience.into(),
            // Whom else it concerns is between them and the publisher.
            addressees: Vec::new(),
            occur_time: Some(pb::time(event.occurred_at)),
            // Only logs of WorkCenters are listed.
            account_id: String::new(),
            user_id: String::new(),
        }
    }
}
