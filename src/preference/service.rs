//! `PreferenceService` on the wire.

use std::time::Duration;

use jiff::{Timestamp, civil::Weekday, tz::TimeZone};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Change, Links, PATHS, why};
use crate::{
    access::{self, Action, Resource},
    account, auth,
    clock::Clock,
    db::Db,
    digest::{self, Asked, Letterhead, Preview},
    error::{Error, Kind, Reason, Result, Violation, Violations},
    identity::Email,
    ids, mask,
    outbox::{self, Suppression},
    page::Page,
    pb::{self, preference_service_server::PreferenceService},
    subscription::{
        self, AddressedItems, Cadence, Delivery, Next, Placed, Recipient, Scope, Source, When, schedule, schedule::Beat,
    },
};

/// The days of a week as the wire has them, Monday first.
const WEEK: [(pb::Weekday, Weekday); 7] = [
    (pb::Weekday::Monday, Weekday::Monday),
    (pb::Weekday::Tuesday, Weekday::Tuesday),
    (pb::Weekday::Wednesday, Weekday::Wednesday),
    (pb::Weekday::Thursday, Weekday::Thursday),
    (pb::Weekday::Friday, Weekday::Friday),
    (pb::Weekday::Saturday, Weekday::Saturday),
    (pb::Weekday::Sunday, Weekday::Sunday),
];

/// How far from now a digest may be shown: nobody plans for longer, and the database keeps no instant of any year.
const SHOWN_WITHIN: Duration = Duration::from_hours(366 * 24);

/// Serves `PreferenceService`.
pub struct Service {
    db: Db,
    clock: Clock,
    head: Letterhead,
    spread: Duration,
    links: Links,
}

impl Service {
    /// A service on `db`; `head` is what letters carry, `spread` how far digests of different accounts are spread.
    pub fn new(db: Db, clock: Clock, head: Letterhead, spread: Duration) -> Self {
        let links = Links::new(db.clone(), clock.clone(), head.key.clone(), spread);
        Self { db, clock, head, spread, links }
    }
}

#[tonic::async_trait]
impl PreferenceService for Service {
    async fn get_preferences(
        &self,
        request: Request<pb::GetPreferencesRequest>,
    ) -> Result<Response<pb::GetPreferencesResponse>, Status> {
        let caller = auth::caller(&request)?;
        let client = self.db.client().await?;
        let leave = access::may(&client, &caller, Action::GetPreferences, Resource::Own).await?;

        let recipient = subscription::find(&client, leave.person).await?;
        let next = subscription::next_digests(&client, leave.person).await?;
        Ok(Response::new(pb::GetPreferencesResponse { preferences: Some(preferences(&recipient, &next)) }))
    }

    async fn update_preferences(
        &self,
        request: Request<pb::UpdatePreferencesRequest>,
    ) -> Result<Response<pb::UpdatePreferencesResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let change = change(&request)?;
        let when = When { now: self.clock.now().await?, spread: self.spread };

        let mut client = self.db.client().await?;
        let leave = access::may(&client, &caller, Action::UpdatePreferences, Resource::Own).await?;

        let tx = client.transaction().await.map_err(Error::from)?;
        let choose = |was: Recipient| {
            if !request.etag.is_empty() && request.etag != etag(&was) {
                return Err(Error::Conflict(Reason::EtagMismatch));
            }
            change.onto(was)
        };
        let recipient = subscription::change(&tx, leave.person, choose, &when).await?;
        outbox::hold(&tx, &[leave.person]).await?;
        let next = subscription::next_digests(&tx, leave.person).await?;
        tx.commit().await.map_err(Error::from)?;
        Ok(Response::new(pb::UpdatePreferencesResponse { preferences: Some(preferences(&recipient, &next)) }))
    }

    async fn list_work_center_preferences(
        &self,
        request: Request<pb::ListWorkCenterPreferencesRequest>,
    ) -> Result<Response<pb::ListWorkCenterPreferencesResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let now = self.clock.now().await?;
        let client = self.db.client().await?;
        let leave = access::may(&client, &caller, Action::ListWorkCenterPreferences, Resource::Own).await?;
        let list: &[&[u8]] = &[b"ListWorkCenterPreferences", leave.person.as_bytes()];
        let page =
            Page::read(&self.head.key, request.page_size, &request.page_token, list, now).map_err(Error::from)?;

        let after = page.after.as_deref().and_then(|it| Uuid::try_parse(it).ok());
        let recipient = subscription::find(&client, leave.person).await?;
        let mut placed = subscription::list(&client, leave.person, after, None, page.fetch).await?;
        let next_page_token = page.cut(&self.head.key, &mut placed, |it| it.workcenter.to_string(), now);

        let preferences = placed.into_iter().map(|it| preference(&recipient, it)).collect();
        Ok(Response::new(pb::ListWorkCenterPreferencesResponse { preferences, next_page_token }))
    }

    async fn update_work_center_preference(
        &self,
        request: Request<pb::UpdateWorkCenterPreferenceRequest>,
    ) -> Result<Response<pb::UpdateWorkCenterPreferenceResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let mut violations = Violations::default();
        let workcenter = violations.take(ids::parse("workcenter_id", &request.workcenter_id));
        let delivery = violations.take(delivery("delivery", request.delivery));
        violations.none()?;
        let (workcenter, delivery) = workcenter.zip(delivery).ok_or_else(|| Error::internal("both were checked"))?;
        let when = When { now: self.clock.now().await?, spread: self.spread };

        let mut client = self.db.client().await?;
        let resource = Resource::WorkCenter(workcenter);
        let leave = access::may(&client, &caller, Action::UpdateWorkCenterPreference, resource).await?;

        let tx = client.transaction().await.map_err(Error::from)?;
        let recipient = subscription::set_delivery(&tx, leave.person, workcenter, delivery, &when).await?;
        outbox::hold(&tx, &[leave.person]).await?;
        let placed = subscription::list(&tx, leave.person, None, Some(workcenter), 1).await?;
        tx.commit().await.map_err(Error::from)?;
        let preference = placed.into_iter().next().map(|it| preference(&recipient, it));
        Ok(Response::new(pb::UpdateWorkCenterPreferenceResponse { preference }))
    }

    async fn unsubscribe(
        &self,
        request: Request<pb::UnsubscribeRequest>,
    ) -> Result<Response<pb::UnsubscribeResponse>, Status> {
        let caller = auth::caller(&request)?;
        access::may(&self.db.client().await?, &caller, Action::Unsubscribe, Resource::Own).await?;
        let stopped = self.links.unsubscribe(&request.into_inner().token).await?;
        let scope = pb::MailScope::from(stopped.scope).into();
        Ok(Response::new(pb::UnsubscribeResponse { scope, resubscribe_token: stopped.undo }))
    }

    async fn resubscribe(
        &self,
        request: Request<pb::ResubscribeRequest>,
    ) -> Result<Response<pb::ResubscribeResponse>, Status> {
        let caller = auth::caller(&request)?;
        access::may(&self.db.client().await?, &caller, Action::Resubscribe, Resource::Own).await?;
        let resumed = self.links.resubscribe(&request.into_inner().token).await?;
        let scope = pb::MailScope::from(resumed.scope).into();
        Ok(Response::new(pb::ResubscribeResponse { scope, comes: resumed.comes }))
    }

    async fn list_suppressed_addresses(
        &self,
        request: Request<pb::ListSuppressedAddressesRequest>,
    ) -> Result<Response<pb::ListSuppressedAddressesResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let now = self.clock.now().await?;
        let mut violations = Violations::default();
        let account = violations.take(ids::parse("account_id", &asked.account_id)).unwrap_or_default();
        let list: &[&[u8]] = &[b"ListSuppressedAddresses", account.as_bytes()];
        let page = violations.take(Page::read(&self.head.key, asked.page_size, &asked.page_token, list, now));
        violations.none()?;
        let page = page.ok_or_else(|| Error::internal("a page was neither read nor refused"))?;

        let client = self.db.client().await?;
        access::may(&client, &caller, Action::ListSuppressedAddresses, Resource::Account(account)).await?;
        let mut found = outbox::suppressions(&client, account, page.after.as_deref(), page.fetch).await?;
        let next_page_token = page.cut(&self.head.key, &mut found, |it| it.email.clone(), now);
        let addresses = found.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListSuppressedAddressesResponse { addresses, next_page_token }))
    }

    async fn clear_suppressed_address(
        &self,
        request: Request<pb::ClearSuppressedAddressRequest>,
    ) -> Result<Response<pb::ClearSuppressedAddressResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let mut violations = Violations::default();
        let account = violations.take(ids::parse("account_id", &asked.account_id)).unwrap_or_default();
        let email = violations.take(Email::parse("email", &asked.email));
        violations.none()?;
        let email = email.ok_or_else(|| Error::internal("an address was neither read nor refused"))?;

        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        access::may(&tx, &caller, Action::ClearSuppressedAddress, Resource::Account(account)).await?;
        account::enter(&tx, account).await?;
        if !outbox::clear_suppression(&tx, account, &email.key).await? {
            return Err(Error::NotFound(Kind::User, email.address).into());
        }
        tx.commit().await.map_err(Error::from)?;
        Ok(Response::new(pb::ClearSuppressedAddressResponse {}))
    }

    async fn preview_digest(
        &self,
        request: Request<pb::PreviewDigestRequest>,
    ) -> Result<Response<pb::PreviewDigestResponse>, Status> {
        let caller = auth::caller(&request)?;
        let when = When { now: self.clock.now().await?, spread: self.spread };
        let wanted = wanted(request.into_inner(), when.now)?;
        let client = self.db.client().await?;
        let resource = Resource::Account(wanted.account);
        let leave = access::may(&client, &caller, Action::PreviewDigest, resource).await?;

        let shown = digest::preview(&client, &self.head, &Asked { user: leave.person, ..wanted }, &when).await?;
        Ok(Response::new(preview(shown)))
    }

    async fn send_test_digest(
        &self,
        request: Request<pb::SendTestDigestRequest>,
    ) -> Result<Response<pb::SendTestDigestResponse>, Status> {
        let caller = auth::caller(&request)?;
        let pb::SendTestDigestRequest { account_id, cadence, at } = request.into_inner();
        let when = When { now: self.clock.now().await?, spread: self.spread };
        let wanted = wanted(pb::PreviewDigestRequest { account_id, cadence, at }, when.now)?;
        let mut client = self.db.client().await?;
        let resource = Resource::Account(wanted.account);
        let leave = access::may(&client, &caller, Action::SendTestDigest, resource).await?;

        let asked = Asked { user: leave.person, ..wanted };
        let shown = digest::preview(&client, &self.head, &asked, &when).await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        account::enter(&tx, asked.account).await?;
        digest::send_test(&tx, &asked, shown.at, when.now).await?;
        tx.commit().await.map_err(Error::from)?;
        Ok(Response::new(pb::SendTestDigestResponse { at: Some(pb::time(shown.at)), empty: shown.is_empty }))
    }

    async fn explain_notification(
        &self,
        request: Request<pb::ExplainNotificationRequest>,
    ) -> Result<Response<pb::ExplainNotificationResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = why::asked(&caller, &request.into_inner())?;
        let client = self.db.client().await?;
        let resource = Resource::Place { workcenter: asked.workcenter, of: asked.user };
        let leave = access::may(&client, &caller, Action::ExplainNotification, resource).await?;

        let facts = why::find(&client, &asked, leave.person).await?;
        Ok(Response::new(why::answer(facts.explain(&leave)?, self.head.domain())))
    }
}

/// What a request sets; everything that is wrong with it is said at once, here or when it meets what was.
fn change(request: &pb::UpdatePreferencesRequest) -> Result<Change> {
    let sent = request.preferences.clone().unwrap_or_default();
    let mut violations = Violations::default();
    let is_set = |path: &str| match path {
        "notifications_enabled" => sent.notifications_enabled,
        "digest_frequency" => sent.digest_frequency != 0,
        "digest_time" => !sent.digest_time.is_empty(),
        "weekly_day" => sent.weekly_day != 0,
        "daily_days" => !sent.daily_days.is_empty(),
        "default_delivery" => sent.default_delivery != 0,
        _ => sent.addressed_items != 0,
    };
    let paths = request.update_mask.as_ref().map(|it| it.paths.as_slice()).unwrap_or_default();
    let mut change = Change::default();
    for path in mask::fields(paths, &PATHS, is_set, &mut violations) {
        match path {
            "notifications_enabled" => change.enabled = Some(sent.notifications_enabled),
            "digest_frequency" => change.frequency = violations.take(frequency(sent.digest_frequency)),
            "digest_time" => change.time = Some(sent.digest_time.clone()),
            "weekly_day" => change.weekday = violations.take(weekday("preferences.weekly_day", sent.weekly_day)),
            "daily_days" => {
                let days = sent.daily_days.iter().map(|it| weekday("preferences.daily_days", *it));
                change.days = violations.take(days.collect());
            }
            "default_delivery" => {
                change.default = violations.take(delivery("preferences.default_delivery", sent.default_delivery));
            }
            _ => change.addressed = violations.take(addressed(sent.addressed_items)),
        }
    }
    // What needs no past is checked with the rest, so that all of it is said at once.
    if let Err(Error::Invalid(more)) = change.clone().onto(Recipient::new(Uuid::nil())) {
        violations.extend(more);
    }
    violations.none()?;
    Ok(change)
}

fn frequency(sent: i32) -> Result<Beat, Violation> {
    match pb::DigestFrequency::try_from(sent) {
        Ok(pb::DigestFrequency::Daily) => Ok(Beat::Daily),
        Ok(pb::DigestFrequency::Weekly) => Ok(Beat::Weekly),
        _ => Err(Violation::new("preferences.digest_frequency", "must be daily or weekly")),
    }
}

fn weekday(field: &str, sent: i32) -> Result<Weekday, Violation> {
    let found = WEEK.into_iter().find(|(wire, _)| i32::from(*wire) == sent);
    found.map(|(_, day)| day).ok_or_else(|| Violation::new(field, "must be a day of the week"))
}

fn delivery(field: &str, sent: i32) -> Result<Delivery, Violation> {
    let known = pb::Delivery::try_from(sent).ok().and_then(|it| it.try_into().ok());
    known.ok_or_else(|| Violation::new(field, "must be one of the deliveries"))
}

fn addressed(sent: i32) -> Result<AddressedItems, Violation> {
    match pb::AddressedItems::try_from(sent) {
        Ok(pb::AddressedItems::Immediate) => Ok(AddressedItems::Immediate),
        Ok(pb::AddressedItems::WithDigest) => Ok(AddressedItems::WithDigest),
        _ => Err(Violation::new("preferences.addressed_items", "must be immediate or with the digest")),
    }
}

fn etag(recipient: &Recipient) -> String {
    format!("\"{}\"", recipient.revision)
}

fn preferences(it: &Recipient, next: &[Next]) -> pb::Preferences {
    let day = |day: Weekday| WEEK.into_iter().find(|(_, ours)| *ours == day).map(|(wire, _)| wire.into());
    let frequency = match it.frequency {
        Beat::Daily => pb::DigestFrequency::Daily,
        Beat::Weekly => pb::DigestFrequency::Weekly,
    };
    let addressed = match it.addressed {
        AddressedItems::Immediate => pb::AddressedItems::Immediate,
        AddressedItems::WithDigest => pb::AddressedItems::WithDigest,
    };
    pb::Preferences {
        notifications_enabled: it.enabled,
        digest_frequency: frequency.into(),
        digest_time: format!("{:02}:{:02}", it.minute / 60, it.minute % 60),
        weekly_day: day(it.weekday).unwrap_or_default(),
        daily_days: WEEK.into_iter().filter(|(_, day)| it.days.includes(*day)).map(|(wire, _)| wire.into()).collect(),
        default_delivery: pb::Delivery::from(it.default).into(),
        addressed_items: addressed.into(),
        etag: etag(it),
        next_digests: next.iter().map(next_digest).collect(),
    }
}

fn next_digest(next: &Next) -> pb::NextDigest {
    let zone = schedule::zone(&next.zone).unwrap_or(TimeZone::UTC);
    pb::NextDigest {
        account_id: next.account.to_string(),
        cadence: cadence(Cadence::Digest(next.beat)).into(),
        next_digest_at: Some(pb::time(next.at)),
        next_digest_local: next.at.to_zoned(zone).to_string(),
    }
}

fn preference(recipient: &Recipient, placed: Placed) -> pb::WorkCenterPreference {
    let (effective, source) = recipient.effective(placed.delivery, placed.of_account);
    pb::WorkCenterPreference {
        workcenter_id: placed.workcenter.to_string(),
        workcenter_name: placed.name,
        delivery: pb::Delivery::from(placed.delivery).into(),
        effective_delivery: cadence(effective).into(),
        source: pb::DeliverySource::from(source).into(),
    }
}

/// Which digest is to be shown, to nobody yet.
fn wanted(request: pb::PreviewDigestRequest, now: Timestamp) -> Result<Asked> {
    let mut violations = Violations::default();
    let account = violations.take(ids::parse("account_id", &request.account_id));
    let beat = violations.take(match request.cadence() {
        pb::Delivery::Daily => Ok(Beat::Daily),
        pb::Delivery::Weekly => Ok(Beat::Weekly),
        _ => Err(Violation::new("cadence", "must be daily or weekly")),
    });
    let is_near = |it: &Timestamp| it.duration_since(now).unsigned_abs() <= SHOWN_WITHIN;
    let refused = || Violation::new("at", "must be within a year of now");
    let at = request.at.as_ref().map(|it| pb::instant(it).filter(is_near).ok_or_else(refused));
    let at = violations.take(at.transpose()).flatten();
    violations.none()?;
    let (account, beat) = account.zip(beat).ok_or_else(|| Error::internal("both were checked"))?;
    Ok(Asked { account, user: Uuid::nil(), beat, at })
}

fn preview(shown: Preview) -> pb::PreviewDigestResponse {
    let Preview { at, is_empty, subject, html, text, covers_from } = shown;
    let at = Some(pb::time(at));
    if is_empty {
        return pb::PreviewDigestResponse { at, empty: true, ..Default::default() };
    }
    pb::PreviewDigestResponse { at, empty: false, subject, html, text, covers_from: covers_from.map(pb::time) }
}

impl From<Source> for pb::DeliverySource {
    fn from(source: Source) -> Self {
        match source {
            Source::WorkCenter => Self::Workcenter,
            Source::Default => Self::Default,
            Source::Account => Self::Account,
            Source::SwitchedOff => Self::SwitchedOff,
        }
    }
}

impl From<Suppression> for pb::SuppressedAddress {
    fn from(it: Suppression) -> Self {
        Self { email: it.email, reason: it.reason, create_time: Some(pb::time(it.since)) }
    }
}

impl From<Scope> for pb::MailScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::WorkCenter(_) => Self::Workcenter,
            Scope::Digests => Self::Digests,
            Scope::Account => Self::Account,
            Scope::Addressed => Self::AddressedItems,
        }
    }
}

impl From<Delivery> for pb::Delivery {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::Inherit => Self::Inherit,
            Delivery::Immediate => Self::Immediate,
            Delivery::Digest => Self::Digest,
            Delivery::Daily => Self::Daily,
            Delivery::Weekly => Self::Weekly,
            Delivery::Off => Self::Off,
        }
    }
}

/// Nothing is said by one that is not set.
impl TryFrom<pb::Delivery> for Delivery {
    type Error = ();

    fn try_from(delivery: pb::Delivery) -> Result<Self, ()> {
        match delivery {
            pb::Delivery::Unspecified => Err(()),
            pb::Delivery::Inherit => Ok(Self::Inherit),
            pb::Delivery::Immediate => Ok(Self::Immediate),
            pb::Delivery::Digest => Ok(Self::Digest),
            pb::Delivery::Daily => Ok(Self::Daily),
            pb::Delivery::Weekly => Ok(Self::Weekly),
            pb::Delivery::Off => Ok(Self::Off),
        }
    }
}

pub(super) fn cadence(cadence: Cadence) -> pb::Delivery {
    match cadence {
        Cadence::Immediate => pb::Delivery::Immediate,
        Cadence::Digest(Beat::Daily) => pb::Delivery::Daily,
        Cadence::Digest(Beat::Weekly) => pb::Delivery::Weekly,
        Cadence::Off => pb::Delivery::Off,
    }
}
