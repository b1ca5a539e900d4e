//! `InviteService` on the wire.

use std::{num::NonZeroU32, time::Duration};

use jiff::Timestamp;
use prost::Message;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    Invite, State,
    accept::{Claim, Outcome, accept, look},
    batch::service::{read, read_change, read_offer, refused, result, row},
    change::{Change, change},
    end::{self, Which, decline, revoke},
    import::service::Imports,
    list,
    make::{Existing, Made, make, take_turn},
    missing,
    newcomer::Newcomer,
    resend::resend,
    store,
};
use crate::{
    access::{self, AccountRole, Action, Leave, Resource},
    account,
    auth::{self, Caller},
    clock::Clock,
    config,
    db::{Db, GenericClient},
    error::{Error, Reason, Result, Violation, Violations},
    identity, ids,
    page::Page,
    pb::{self, accept_invite_request::By, decline_invite_request, invite_service_server::InviteService},
    request::{self, Recall},
    secret::{Hash, Hasher, Secret, TokenKey, hash},
    subscription::When,
    workcenter::{self, ADDED, Arrival, Place},
};

/// The service.
pub struct Service {
    db: Db,
    clock: Clock,
    key: TokenKey,
    hasher: Hasher,
    spread: Duration,
    window: Duration,
    most: NonZeroU32,
    imports: Imports,
}

impl Service {
    /// Makes the service: tokens are made and page tokens sealed with `key`, passwords hashed by `hasher`; how digests are
    /// spread, when immediate mail goes and which WorkCenters are large is as `settings` say. A file may be silent for `silence`.
    pub fn new(
        db: Db,
        clock: Clock,
        key: TokenKey,
        hasher: Hasher,
        settings: &config::Shared,
        silence: Duration,
    ) -> Self {
        let imports = Imports::new(db.clone(), clock.clone(), key.clone(), settings, silence);
        let (spread, window, most) = (settings.digest_spread, settings.immediate_window, settings.large_workcenter);
        Self { db, clock, key, hasher, spread, window, most, imports }
    }

    async fn arrival(&self) -> Result<Arrival> {
        let when = When { now: self.clock.now().await?, spread: self.spread };
        Ok(Arrival { when, most: self.most })
    }

    /// The claim of somebody who has `token` and is not signed in. No connection is held while the password is hashed.
    async fn newcomer(&self, token: Hash, newcomer: Option<Newcomer>, now: Timestamp) -> Result<Claim> {
        let invite = look(&self.db.client().await?, &token, now).await?;
        let newcomer = newcomer.ok_or_else(|| Violation::new("newcomer", "is required"))?;
        let policy = identity::policy_of_account(&self.db.client().await?, invite.account).await?;
        let candidate = newcomer.candidate(&invite.email, &invite.account_name);
        let verdicts = identity::judge(&self.hasher, &policy, candidate).await?;
        let newcomer = newcomer.checked(identity::password_violations("newcomer.password", &verdicts))?;
        let password_hash = self.hasher.hash(&newcomer.password).await?;
        Ok(Claim::Newcomer { token, newcomer, password_hash })
    }
}

#[tonic::async_trait]
impl InviteService for Service {
    async fn create_invite(
        &self,
        request: Request<pb::CreateInviteRequest>,
    ) -> Result<Response<pb::CreateInviteResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let mut violations = Violations::default();
        let account = violations.take(ids::parse("account_id", &asked.account_id)).unwrap_or_default();
        violations.extend(request::fault(&asked.request_id));
        let offer = violations.all(read_offer(&row(asked.clone())))?;
        violations.none()?;
        let offer = offer.ok_or_else(|| Error::internal("an offer was neither read nor refused"))?;

        let arrival = self.arrival().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let leave = access::may(&tx, &caller, Action::CreateInvite, Resource::Account(account)).await?;
        let path = Action::CreateInvite.path();
        let ticket = match request::recall(&tx, leave.person, path, &asked.request_id, &asked.encode_to_vec()).await? {
            Recall::New(ticket) => ticket,
            Recall::Known(answer) => {
                let answer = pb::CreateInviteResponse::decode(answer.as_slice()).map_err(Error::internal)?;
                return Ok(Response::new(answer));
            }
        };

        let made = make(&tx, &self.key, account, vec![offer], Existing::Fail, leave.person, &arrival).await?;
        let made = made.into_iter().next().ok_or_else(|| Error::internal("nothing came of an offer"))??;
        let (outcome, invite, came) = match made {
            Made::Invited(it) => (pb::InviteOutcome::Created, Some(it), Vec::new()),
            Made::Resent(it) => (pb::InviteOutcome::Resent, Some(it), Vec::new()),
            Made::Skipped(it) => (pb::InviteOutcome::Skipped, Some(it), Vec::new()),
            Made::Added(came) => (pb::InviteOutcome::AddedExisting, None, came),
        };
        let invite = invite.map(|it| (*it).into());
        let answer = pb::CreateInviteResponse { outcome: outcome.into(), invite };
        request::remember(&tx, ticket, &answer.encode_to_vec()).await?;
        workcenter::announce(&tx, ADDED, &came, leave.person, arrival.when.now, self.window).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(answer))
    }

    async fn batch_create_invites(
        &self,
        request: Request<pb::BatchCreateInvitesRequest>,
    ) -> Result<Response<pb::BatchCreateInvitesResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let mut violations = Violations::default();
        let account = violations.take(ids::parse("account_id", &asked.account_id)).unwrap_or_default();
        violations.extend(request::fault(&asked.request_id));
        let (mut results, offers, existing) = read(&asked, &mut violations);
        violations.none()?;

        let arrival = self.arrival().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let leave = access::may(&tx, &caller, Action::BatchCreateInvites, Resource::Account(account)).await?;
        let path = Action::BatchCreateInvites.path();
        let ticket = match request::recall(&tx, leave.person, path, &asked.request_id, &asked.encode_to_vec()).await? {
            Recall::New(ticket) => ticket,
            Recall::Known(answer) => {
                let answer = pb::BatchCreateInvitesResponse::decode(answer.as_slice()).map_err(Error::internal)?;
                return Ok(Response::new(answer));
            }
        };

        let (numbers, offers): (Vec<usize>, Vec<_>) = offers.into_iter().unzip();
        let made = make(&tx, &self.key, account, offers, existing, leave.person, &arrival).await?;
        let administers = leave.standing.account_role == Some(AccountRole::Administrator);
        let mut came = Vec::new();
        for (number, made) in numbers.into_iter().zip(made) {
            results[number] = result(&made, |it| administers || it.inviter == leave.person);
            if let Ok(Made::Added(ties)) = made {
                came.extend(ties);
            }
        }
        if asked.validate_only {
            // Without a commit nothing of it stays.
            drop(tx);
            let created = results.iter_mut().filter(|it| it.outcome() == pb::InviteOutcome::Created);
            created.for_each(|it| it.invite_id.clear());
            return Ok(Response::new(pb::BatchCreateInvitesResponse { results }));
        }
        let answer = pb::BatchCreateInvitesResponse { results };
        request::remember(&tx, ticket, &answer.encode_to_vec()).await?;
        workcenter::announce(&tx, ADDED, &came, leave.person, arrival.when.now, self.window).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(answer))
    }

    async fn import_invites(
        &self,
        request: Request<tonic::Streaming<pb::ImportInvitesRequest>>,
    ) -> Result<Response<pb::ImportInvitesResponse>, Status> {
        self.imports.import(request).await
    }

    async fn get_invite(
        &self,
        request: Request<pb::GetInviteRequest>,
    ) -> Result<Response<pb::GetInviteResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("invite_id", &request.into_inner().invite_id).map_err(Error::from)?;
        let now = self.clock.now().await?;
        let (invite, _) = visible(&self.db.client().await?, &caller, Action::GetInvite, id).await?;
        Ok(Response::new(pb::GetInviteResponse { invite: Some(invite.at(now).into()) }))
    }

    async fn list_invites(
        &self,
        request: Request<pb::ListInvitesRequest>,
    ) -> Result<Response<pb::ListInvitesResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let now = self.clock.now().await?;
        Ok(Response::new(list::service::list(&self.db, &self.key, &caller, &asked, now).await?))
    }

    async fn update_invite(
        &self,
        request: Request<pb::UpdateInviteRequest>,
    ) -> Result<Response<pb::UpdateInviteResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let sent = asked.invite.unwrap_or_default();
        let id = ids::parse("invite.invite_id", &sent.invite_id).map_err(Error::from)?;
        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let (Invite { account, .. }, leave) = visible(&client, &caller, Action::UpdateInvite, id).await?;
        let changed = Change::checked(read_change(&sent), &asked.update_mask.unwrap_or_default().paths, now)?;
        let tx = client.transaction().await.map_err(Error::from)?;
        account::enter(&tx, account).await?;
        let invite = change(&tx, id, changed, &asked.etag, leave.person, now).await?;
        tx.commit().await.map_err(Error::from)?;
        Ok(Response::new(pb::UpdateInviteResponse { invite: Some(invite.into()) }))
    }

    async fn accept_invite(
        &self,
        request: Request<pb::AcceptInviteRequest>,
    ) -> Result<Response<pb::AcceptInviteResponse>, Status> {
        let (caller, origin) = (auth::caller(&request)?, auth::origin(&request)?);
        let asked = request.into_inner();
        let (token, id) = match &asked.by {
            Some(By::Token(token)) => (Some(token.as_str()), None),
            Some(By::InviteId(id)) => (None, Some(id.as_str())),
            None => (None, None),
        };
        let (action, by) = read_which(token, id, [Action::AcceptInviteByToken, Action::AcceptInviteById])?;
        let newcomer = asked.newcomer.map(Newcomer::from);

        let arrival = self.arrival().await?;
        let leave = access::may(&self.db.client().await?, &caller, action, Resource::Own).await?;
        let claim = match (by, signed_in(&leave)) {
            (_, Some(_)) if newcomer.is_some() => {
                return Err(Error::from(Violation::new("newcomer", "must be absent when signed in")).into());
            }
            (Which::Id(id), user) => Claim::Listed { id, user: user.unwrap_or_default() },
            (Which::Token(token), Some(user)) => Claim::Mailed { token, user, is_sure: asked.accept_at_other_address },
            (Which::Token(token), None) => self.newcomer(token, newcomer, arrival.when.now).await?,
        };

        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let outcome = accept(&tx, claim, &origin, &arrival, self.window).await?;
        let announced = match &outcome {
            Outcome::Accepted { user, .. } => Some(account::announce(*user)),
            Outcome::Revoked => None,
        };
        tx.commit_with(announced.as_slice()).await.map_err(Error::from)?;

        match outcome {
            Outcome::Accepted { invite, user, session } => Ok(Response::new(pb::AcceptInviteResponse {
                invite: Some((*invite).into()),
                user_id: user.to_string(),
                session_expire_time: session.as_ref().map(|it| pb::time(it.ends_at)),
                token: session.map(|it| it.token.expose().to_owned()).unwrap_or_default(),
            })),
            Outcome::Revoked => Err(Error::Refused(Reason::InviterLostRight).into()),
        }
    }

    async fn decline_invite(
        &self,
        request: Request<pb::DeclineInviteRequest>,
    ) -> Result<Response<pb::DeclineInviteResponse>, Status> {
        use decline_invite_request::By;

        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let (token, id) = match &asked.by {
            Some(By::Token(token)) => (Some(token.as_str()), None),
            Some(By::InviteId(id)) => (None, Some(id.as_str())),
            None => (None, None),
        };
        let (action, which) = read_which(token, id, [Action::DeclineInviteByToken, Action::DeclineInviteById])?;
        let reason = end::reason("reason", &asked.reason).map_err(Error::from)?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let leave = access::may(&client, &caller, action, Resource::Own).await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let invite = decline(&tx, which, signed_in(&leave), &reason, now).await?;
        tx.commit().await.map_err(Error::from)?;
        Ok(Response::new(pb::DeclineInviteResponse { invite: Some(invite.into()) }))
    }

    async fn revoke_invite(
        &self,
        request: Request<pb::RevokeInviteRequest>,
    ) -> Result<Response<pb::RevokeInviteResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("invite_id", &request.into_inner().invite_id).map_err(Error::from)?;
        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        visible(&client, &caller, Action::RevokeInvite, id).await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let invite = revoke(&tx, id, now).await?;
        tx.commit().await.map_err(Error::from)?;
        Ok(Response::new(pb::RevokeInviteResponse { invite: Some(invite.into()) }))
    }

    async fn resend_invite(
        &self,
        request: Request<pb::ResendInviteRequest>,
    ) -> Result<Response<pb::ResendInviteResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("invite_id", &request.into_inner().invite_id).map_err(Error::from)?;
        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let (Invite { account, .. }, _) = visible(&client, &caller, Action::ResendInvite, id).await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        take_turn(&tx, account).await?;
        let invite = store::lock_by_id(&tx, id).await?.ok_or_else(|| missing(id))?;
        let resent = resend(&tx, &self.key, account, vec![invite], now).await?;
        let invite = resent.into_iter().next().ok_or_else(|| Error::internal("nothing came of an invite"))??;
        tx.commit().await.map_err(Error::from)?;
        Ok(Response::new(pb::ResendInviteResponse { invite: Some(invite.into()) }))
    }

    async fn retry_failed_invites(
        &self,
        request: Request<pb::RetryFailedInvitesRequest>,
    ) -> Result<Response<pb::RetryFailedInvitesResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let now = self.clock.now().await?;
        let mut violations = Violations::default();
        let account = violations.take(ids::parse("account_id", &asked.account_id)).unwrap_or_default();
        let list: &[&[u8]] = &[b"RetryFailedInvites", account.as_bytes()];
        let page = violations.take(Page::read(&self.key, asked.page_size, &asked.page_token, list, now));
        violations.none()?;
        let page = page.ok_or_else(|| Error::internal("a page was neither read nor refused"))?;

        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let leave = access::may(&tx, &caller, Action::RetryFailedInvites, Resource::Account(account)).await?;
        let administers = leave.standing.account_role == Some(AccountRole::Administrator);
        take_turn(&tx, account).await?;
        let after = page.after.as_deref().and_then(|it| it.parse().ok());
        let whose = (!administers).then_some(leave.person);
        let mut failed = store::lock_failed(&tx, account, whose, after, page.fetch).await?;
        let next_page_token = page.cut(&self.key, &mut failed, |it| it.id.to_string(), now);
        let ids: Vec<Uuid> = failed.iter().map(|it| it.id).collect();
        let resent = resend(&tx, &self.key, account, failed, now).await?;
        tx.commit().await.map_err(Error::from)?;

        let result = |(id, resent): (Uuid, Result<Invite>)| {
            let outcome = pb::InviteOutcome::Resent.into();
            let sent = pb::InviteResult { outcome, ..Default::default() };
            pb::InviteResult { invite_id: id.to_string(), ..resent.map_or_else(|it| refused(&it), |_| sent) }
        };
        let results = ids.into_iter().zip(resent).map(result).collect();
        Ok(Response::new(pb::RetryFailedInvitesResponse { results, next_page_token }))
    }
}

/// The invite `id`, if the caller may take `action` on it. An unknown invite is asked about too, so that those who may see
/// no invite at all learn nothing of which there are.
async fn visible(on: &impl GenericClient, caller: &Caller, action: Action, id: Uuid) -> Result<(Invite, Leave)> {
    let invite = store::find_by_id(on, id).await?;
    let nowhere = Resource::Invite { id, account: Uuid::nil(), inviter: None, invited: None };
    let leave = access::may(on, caller, action, invite.as_ref().map_or(nowhere, Invite::resource)).await?;
    Ok((invite.ok_or_else(|| missing(id))?, leave))
}

/// Reads what an invite is named by, and which of two actions that is.
fn read_which(token: Option<&str>, id: Option<&str>, actions: [Action; 2]) -> Result<(Action, Which)> {
    match (token, id) {
        (Some(token), _) if !token.is_empty() => Ok((actions[0], Which::Token(hash(token)))),
        (_, Some(id)) => Ok((actions[1], Which::Id(ids::parse("invite_id", id)?))),
        _ => Err(Violation::new("token", "is required").into()),
    }
}

/// The person who is signed in, or for whom a service acts.
fn signed_in(leave: &Leave) -> Option<Uuid> {
    (!leave.person.is_nil()).then_some(leave.person)
}

impl From<pb::Newcomer> for Newcomer {
    fn from(sent: pb::Newcomer) -> Self {
        Self {
            first_name: sent.first_name,
            last_name: sent.last_name,
            password: Secret::from(sent.password),
            time_zone: sent.time_zone,
        }
    }
}

impl From<State> for pb::InviteState {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Pending,
            State::Accepted => Self::Accepted,
            State::Revoked => Self::Revoked,
            State::Expired => Self::Expired,
            State::Declined => Self::Declined,
            State::DeliveryFailed => Self::DeliveryFailed,
        }
    }
}

impl From<Place> for pb::InvitedWorkCenter {
    fn from(place: Place) -> Self {
        Self { workcenter_id: place.workcenter.to_string(), role: pb::WorkCenterRole::from(place.role).into() }
    }
}

impl From<Invite> for pb::Invite {
    fn from(invite: Invite) -> Self {
        let account_role = match invite.account_role {
            AccountRole::Administrator => pb::AccountRole::Administrator,
            AccountRole::Member => pb::AccountRole::Member,
            AccountRole::Guest => pb::AccountRole::Guest,
        };
        Self {
            send_time: Some(pb::time(invite.sent_at())),
            etag: invite.etag(),
            invite_id: invite.id.to_string(),
            account_id: invite.account.to_string(),
            account_name: invite.account_name,
            email: invite.email,
            account_role: account_role.into(),
            workcenters: invite.places.into_iter().map(Into::into).collect(),
            message: invite.message,
            state: pb::InviteState::from(invite.state).into(),
            inviter_user_id: invite.inviter.to_string(),
            create_time: Some(pb::time(invite.created_at)),
            expire_time: Some(pb::time(invite.expires_at)),
            end_time: invite.ended_at.map(pb::time),
            end_reason: invite.end_reason,
            no_reminders: invite.no_reminders,
            accepted_user_id: invite.accepted_by.map(|it| it.to_string()).unwrap_or_default(),
        }
    }
}
