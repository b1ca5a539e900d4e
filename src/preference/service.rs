//! `PreferenceService` on the wire.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    Links, administrator,
    choice::{Batch, batch, change, delivery, etag, in_order, preference, preferences},
    why,
};
use crate::{
    access::{self, Action, Resource},
    account, auth,
    clock::Clock,
    db::Db,
    digest::{self, Asked, Letterhead, Preview},
    error::{Error, Kind, Reason, Result, Violation, Violations},
    identity::{self, Email},
    ids,
    outbox::{self, Suppression},
    page::Page,
    pb::{self, preference_service_server::PreferenceService},
    subscription::{self, Recipient, Scope, When, administrator::Choice, schedule::Beat},
    trail,
};

/// How far from now a digest may be shown: nobody plans for longer, and the database keeps no instant of any year.
const SHOWN_WITHIN: Duration = Duration::from_hours(366 * 24);

/// Serves `PreferenceService`.
pub struct Service {
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) head: Letterhead,
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
        let now = self.clock.now().await?;
        let client = self.db.client().await?;
        let leave = access::may(&client, &caller, Action::GetPreferences, Resource::Own).await?;

        let recipient = subscription::find(&client, leave.person).await?;
        let next = subscription::next_digests(&client, leave.person).await?;
        let second = identity::second_address(&client, leave.person).await?;
        let preferences = Some(preferences(&recipient, &next, second, now));
        Ok(Response::new(pb::GetPreferencesResponse { preferences }))
    }

    async fn update_preferences(
        &self,
        request: Request<pb::UpdatePreferencesRequest>,
    ) -> Result<Response<pb::UpdatePreferencesResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let when = When { now: self.clock.now().await?, spread: self.spread };
        let change = change(&request, when.now)?;

        let mut client = self.db.client().await?;
        let leave = access::may(&client, &caller, Action::UpdatePreferences, Resource::Own).await?;

        let tx = client.transaction().await.map_err(Error::from)?;
        let choose = |was: Recipient| {
            if !request.etag.is_empty() && request.etag != etag(&was) {
                return Err(Error::Conflict(Reason::EtagMismatch));
            }
            change.onto(was, when.now)
        };
        let recipient = subscription::change(&tx, leave.person, choose, &when).await?;
        let (next, second) = tokio::try_join!(
            subscription::next_digests(&tx, leave.person),
            identity::second_address(&tx, leave.person)
        )?;
        // What waits in the outbox until they are back is looked at again: they may be.
        tx.commit_with(&outbox::hasten(leave.person)).await.map_err(Error::from)?;
        let preferences = Some(preferences(&recipient, &next, second, when.now));
        Ok(Response::new(pb::UpdatePreferencesResponse { preferences }))
    }

    async fn list_work_center_preferences(
        &self,
        request: Request<pb::ListWorkCenterPreferencesRequest>,
    ) -> Result<Response<pb::ListWorkCenterPreferencesResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let now = self.clock.now().await?;
        let reader = self.db.reader().await?;
        let leave = access::may(&reader, &caller, Action::ListWorkCenterPreferences, Resource::Own).await?;
        let list: &[&[u8]] = &[b"ListWorkCenterPreferences", leave.person.as_bytes()];
        let page =
            Page::read(&self.head.key, request.page_size, &request.page_token, list, now).map_err(Error::from)?;

        let after = page.after.as_deref().and_then(|it| Uuid::try_parse(it).ok());
        let (recipient, mut placed) = tokio::try_join!(
            subscription::find(&reader, leave.person),
            subscription::list(&reader, leave.person, after, None, page.fetch)
        )?;
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
        let deliveries = HashMap::from([(workcenter, delivery)]);
        let (recipient, mut placed) = subscription::set_deliveries(&tx, leave.person, &deliveries, &when).await?;
        let placed = placed.pop().ok_or_else(|| Error::NotFound(Kind::WorkCenter, workcenter.to_string()))?;
        tx.commit_with(&[outbox::held(&[leave.person])]).await.map_err(Error::from)?;
        let preference = Some(preference(&recipient, placed));
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
            // An address stands in no refusal, for these are kept in logs.
            return Err(Error::NotFound(Kind::User, String::new()).into());
        }
        trail::note("SUPPRESSION_CLEARED", None, Some(account));
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
        let leave = access::may(&client, &caller, Action::ExplainNotification, asked.resource()).await?;

        let facts = why::find(&client, &asked, leave.person).await?;
        Ok(Response::new(why::answer(facts.explain(&leave)?, self.head.domain())))
    }

    async fn request_notification_address(
        &self,
        request: Request<pb::RequestNotificationAddressRequest>,
    ) -> Result<Response<pb::RequestNotificationAddressResponse>, Status> {
        self.ask_for_address(request).await
    }

    async fn confirm_notification_address(
        &self,
        request: Request<pb::ConfirmNotificationAddressRequest>,
    ) -> Result<Response<pb::ConfirmNotificationAddressResponse>, Status> {
        self.confirm_address(request).await
    }

    async fn remove_notification_address(
        &self,
        request: Request<pb::RemoveNotificationAddressRequest>,
    ) -> Result<Response<pb::RemoveNotificationAddressResponse>, Status> {
        self.remove_address(request).await
    }

    async fn batch_update_work_center_preferences(
        &self,
        request: Request<pb::BatchUpdateWorkCenterPreferencesRequest>,
    ) -> Result<Response<pb::BatchUpdateWorkCenterPreferencesResponse>, Status> {
        let caller = auth::caller(&request)?;
        let batch = batch(&request.into_inner())?;
        let when = When { now: self.clock.now().await?, spread: self.spread };

        let mut client = self.db.client().await?;
        let leave = access::may(&client, &caller, Action::BatchUpdateWorkCenterPreferences, Resource::Own).await?;

        let tx = client.transaction().await.map_err(Error::from)?;
        let preferences = match batch {
            Batch::All(delivery) => {
                subscription::set_all(&tx, leave.person, delivery, &when).await?;
                Vec::new()
            }
            Batch::Each(rows) => {
                let deliveries = rows.iter().copied().collect();
                let (recipient, placed) = subscription::set_deliveries(&tx, leave.person, &deliveries, &when).await?;
                in_order(&rows, placed)?.into_iter().map(|it| preference(&recipient, it)).collect()
            }
        };
        tx.commit_with(&[outbox::held(&[leave.person])]).await.map_err(Error::from)?;
        Ok(Response::new(pb::BatchUpdateWorkCenterPreferencesResponse { preferences }))
    }

    async fn list_administrator_digests(
        &self,
        request: Request<pb::ListAdministratorDigestsRequest>,
    ) -> Result<Response<pb::ListAdministratorDigestsResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let now = self.clock.now().await?;
        let client = self.db.client().await?;
        let leave = access::may(&client, &caller, Action::ListAdministratorDigests, Resource::Own).await?;
        let list: &[&[u8]] = &[b"ListAdministratorDigests", leave.person.as_bytes()];
        let page =
            Page::read(&self.head.key, request.page_size, &request.page_token, list, now).map_err(Error::from)?;

        let after = page.after.as_deref().and_then(|it| Uuid::try_parse(it).ok());
        let recipient = subscription::find(&client, leave.person).await?;
        let next = subscription::next_digests(&client, leave.person).await?;
        let mut found = subscription::administrator::list(&client, leave.person, after, None, page.fetch).await?;
        let next_page_token = page.cut(&self.head.key, &mut found, |it| it.account.to_string(), now);

        let digests = found.into_iter().map(|it| administrator::shown(it, &recipient, &next)).collect();
        Ok(Response::new(pb::ListAdministratorDigestsResponse { digests, next_page_token }))
    }

    async fn update_administrator_digest(
        &self,
        request: Request<pb::UpdateAdministratorDigestRequest>,
    ) -> Result<Response<pb::UpdateAdministratorDigestResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let etag = request.etag.clone();
        let (account, change) = administrator::asked(request)?;
        let when = When { now: self.clock.now().await?, spread: self.spread };

        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        // First, so that nobody chooses who was made something else while they waited.
        account::hold(&tx, account).await?;
        let resource = Resource::Account(account);
        let leave = access::may(&tx, &caller, Action::UpdateAdministratorDigest, resource).await?;
        account::enter(&tx, account).await?;

        let excluded = change.excluded.as_deref().unwrap_or_default();
        let strange = subscription::administrator::strange(&tx, account, excluded).await?;
        let choose = |was: Choice| {
            if !etag.is_empty() && etag != administrator::etag(&was) {
                return Err(Error::Conflict(Reason::EtagMismatch));
            }
            change.known(&strange, &was)?;
            Ok(change.onto(was))
        };
        subscription::administrator::choose(&tx, account, leave.person, choose, &when).await?;
        outbox::hold(&tx, &[leave.person]).await?;
        let recipient = subscription::find(&tx, leave.person).await?;
        let next = subscription::next_digests(&tx, leave.person).await?;
        let mut found = subscription::administrator::list(&tx, leave.person, None, Some(account), 1).await?;
        tx.commit().await.map_err(Error::from)?;

        let digest = found.pop().map(|it| administrator::shown(it, &recipient, &next));
        Ok(Response::new(pb::UpdateAdministratorDigestResponse { digest }))
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

impl From<Suppression> for pb::SuppressedAddress {
    fn from(it: Suppression) -> Self {
        Self { email: it.email, reason: it.reason, create_time: Some(pb::time(it.since)) }
    }
}

impl From<Scope> for pb::MailScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::WorkCenter(_) => Self::Workcenter,
            Scope::Own(_) => Self::Own,
            Scope::Digests => Self::Digests,
            Scope::Account => Self::Account,
            Scope::Addressed => Self::AddressedItems,
        }
    }
}
