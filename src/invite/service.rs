//! `InviteService` on the wire.

use std::time::Duration;

use jiff::Timestamp;
use prost::Message;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    Invite, State,
    accept::{Claim, Outcome, accept, look},
    end::{self, Which, decline, revoke},
    make::{Made, make},
    missing,
    newcomer::Newcomer,
    offer::{self, Offer},
    resend::resend,
    store,
};
use crate::{
    access::{self, AccountRole, Action, Leave, Resource},
    account,
    auth::{self, Caller},
    clock::Clock,
    db::{Db, GenericClient},
    error::{Error, Kind, Reason, Result, Violation, Violations},
    identity::{self, Email},
    ids,
    page::Page,
    pb::{self, accept_invite_request::By, decline_invite_request, invite_service_server::InviteService},
    request::{self, Recall},
    secret::{Hash, Hasher, Secret, TokenKey, hash},
    subscription::When,
    workcenter::{self, ADDED, Place, read_role},
};

/// The service.
pub struct Service {
    db: Db,
    clock: Clock,
    key: TokenKey,
    hasher: Hasher,
    spread: Duration,
    window: Duration,
}

impl Service {
    /// Makes the service: tokens are made and page tokens sealed with `key`, passwords hashed by `hasher`, digests
    /// spread over `spread`, and what happens becomes immediate mail `window` later.
    pub fn new(db: Db, clock: Clock, key: TokenKey, hasher: Hasher, spread: Duration, window: Duration) -> Self {
        Self { db, clock, key, hasher, spread, window }
    }

    async fn when(&self) -> Result<When> {
        Ok(When { now: self.clock.now().await?, spread: self.spread })
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
        let offer = read_offer(&asked)?;

        let when = self.when().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let account = Resource::Account(offer.account);
        let leave = access::may(&tx, &caller, Action::CreateInvite, account).await?;
        let path = Action::CreateInvite.path();
        let ticket = match request::recall(&tx, leave.person, path, &asked.request_id, &asked.encode_to_vec()).await? {
            Recall::New(ticket) => ticket,
            Recall::Known(answer) => {
                let answer = pb::CreateInviteResponse::decode(answer.as_slice()).map_err(Error::internal)?;
                return Ok(Response::new(answer));
            }
        };

        let mut answer = pb::CreateInviteResponse::default();
        let mut came = (Uuid::nil(), Vec::new());
        match make(&tx, &self.key, offer, &leave, &when).await? {
            Made::Invited(invite) => {
                answer.set_outcome(pb::InviteOutcome::Created);
                answer.invite = Some((*invite).into());
            }
            Made::Added { user, workcenters } => {
                answer.set_outcome(pb::InviteOutcome::AddedExisting);
                came = (user, workcenters);
            }
        }
        request::remember(&tx, ticket, &answer.encode_to_vec()).await?;
        let (user, workcenters) = came;
        for space in workcenters {
            workcenter::announce(&tx, space, ADDED, user, leave.person, when.now, self.window).await?;
        }
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(answer))
    }

    async fn get_invite(
        &self,
        request: Request<pb::GetInviteRequest>,
    ) -> Result<Response<pb::GetInviteResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("invite_id", &request.into_inner().invite_id).map_err(Error::from)?;
        let now = self.clock.now().await?;
        let invite = visible(&self.db.client().await?, &caller, Action::GetInvite, id).await?;
        Ok(Response::new(pb::GetInviteResponse { invite: Some(invite.at(now).into()) }))
    }

    async fn list_invites(
        &self,
        request: Request<pb::ListInvitesRequest>,
    ) -> Result<Response<pb::ListInvitesResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let now = self.clock.now().await?;
        let person = caller.person().unwrap_or_default();
        let mut violations = Violations::default();
        if asked.r#box() == pb::InviteBox::Unspecified {
            violations.add("box", "must be PENDING, RECEIVED or SENT");
        }
        let states = read_states(&asked, &mut violations);
        let names = states.iter().map(|it| it.name()).collect::<Vec<_>>().join(" ");
        let list: &[&[u8]] =
            &[b"ListInvites", person.as_bytes(), asked.r#box().as_str_name().as_bytes(), names.as_bytes()];
        let page = violations.take(Page::read(&self.key, asked.page_size, &asked.page_token, list, now));
        violations.none()?;
        let page = page.ok_or_else(|| Error::internal("a page was neither read nor refused"))?;

        let client = self.db.client().await?;
        let leave = access::may(&client, &caller, Action::ListInvites, Resource::Own).await?;
        let address = identity::address(&client, leave.person).await?;
        let address = address.ok_or_else(|| Error::NotFound(Kind::User, leave.person.to_string()))?;
        let whose = match asked.r#box() {
            pb::InviteBox::Received => (Some(address.key.as_str()), None),
            pb::InviteBox::Sent => (None, Some(leave.person)),
            pb::InviteBox::Pending | pb::InviteBox::Unspecified => (Some(address.key.as_str()), Some(leave.person)),
        };
        let after = page.after.as_deref().and_then(|it| it.parse().ok());
        let mut invites = store::list(&client, whose, &states, after, page.fetch, now).await?;
        let next_page_token = page.cut(&self.key, &mut invites, |it| it.id.to_string(), now);

        let invites = invites.into_iter().map(|it| it.at(now).into()).collect();
        Ok(Response::new(pb::ListInvitesResponse { invites, next_page_token }))
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

        let when = self.when().await?;
        let leave = access::may(&self.db.client().await?, &caller, action, Resource::Own).await?;
        let claim = match (by, signed_in(&leave)) {
            (_, Some(_)) if newcomer.is_some() => {
                return Err(Error::from(Violation::new("newcomer", "must be absent when signed in")).into());
            }
            (Which::Id(id), user) => Claim::Listed { id, user: user.unwrap_or_default() },
            (Which::Token(token), Some(user)) => Claim::Mailed { token, user },
            (Which::Token(token), None) => self.newcomer(token, newcomer, when.now).await?,
        };

        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let outcome = accept(&tx, claim, &origin, &when, self.window).await?;
        tx.commit().await.map_err(Error::from)?;

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
        visible(&client, &caller, Action::ResendInvite, id).await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let invite = resend(&tx, &self.key, id, now).await?;
        tx.commit().await.map_err(Error::from)?;
        Ok(Response::new(pb::ResendInviteResponse { invite: Some(invite.into()) }))
    }
}

/// The invite `id`, if the caller may take `action` on it. An unknown invite is asked about too, so that those who may see
/// no invite at all learn nothing of which there are.
async fn visible(on: &impl GenericClient, caller: &Caller, action: Action, id: Uuid) -> Result<Invite> {
    let invite = store::find_by_id(on, id).await?;
    let nowhere = Resource::Invite { id, account: Uuid::nil(), inviter: None, invited: None };
    access::may(on, caller, action, invite.as_ref().map_or(nowhere, Invite::resource)).await?;
    invite.ok_or_else(|| missing(id))
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

/// Reads what is offered; everything that is wrong with it is said at once.
fn read_offer(asked: &pb::CreateInviteRequest) -> Result<Offer> {
    let mut violations = Violations::default();
    let email = violations.take(Email::parse("email", &asked.email));
    let account = violations.take(ids::parse("account_id", &asked.account_id)).unwrap_or_default();
    let account_role = match asked.account_role() {
        pb::AccountRole::Administrator => AccountRole::Administrator,
        pb::AccountRole::Member => AccountRole::Member,
        pb::AccountRole::Guest | pb::AccountRole::Unspecified => AccountRole::Guest,
    };
    let mut places = Vec::with_capacity(asked.workcenters.len());
    for (number, it) in asked.workcenters.iter().enumerate() {
        let field = format!("workcenters[{number}]");
        let workcenter = violations.take(ids::parse(&format!("{field}.workcenter_id"), &it.workcenter_id));
        let role = violations.take(read_role(&format!("{field}.role"), it.role()));
        places.extend(workcenter.zip(role).map(|(workcenter, role)| Place { workcenter, role }));
    }
    let places = offer::places(places, &mut violations);
    let message = violations.take(offer::message("message", &asked.message)).unwrap_or_default();
    let span = asked.expires_in.as_ref().map(|it| (it.seconds, it.nanos));
    let good_for = span.and_then(|it| violations.take(account::invite_expiry("expires_in", it)));
    if !asked.request_id.is_empty() {
        violations.take(ids::parse("request_id", &asked.request_id));
    }
    violations.none()?;
    let email = email.ok_or_else(|| Error::internal("an address was neither read nor refused"))?;
    let (no_reminders, notify_on_accept) = (asked.no_reminders, asked.notify_me_on_accept);
    Ok(Offer { account, email, account_role, places, message, good_for, no_reminders, notify_on_accept })
}

/// The states that a list is to have: those asked for, or all, as far as the box has them.
fn read_states(asked: &pb::ListInvitesRequest, violations: &mut Violations) -> Vec<State> {
    let mut states = Vec::with_capacity(State::ALL.len());
    for (number, state) in asked.states.iter().enumerate() {
        match pb::InviteState::try_from(*state) {
            Ok(pb::InviteState::Pending) => states.push(State::Pending),
            Ok(pb::InviteState::Accepted) => states.push(State::Accepted),
            Ok(pb::InviteState::Revoked) => states.push(State::Revoked),
            Ok(pb::InviteState::Expired) => states.push(State::Expired),
            Ok(pb::InviteState::Declined) => states.push(State::Declined),
            Ok(pb::InviteState::DeliveryFailed) => states.push(State::DeliveryFailed),
            Ok(pb::InviteState::Unspecified) | Err(_) => {
                violations.add(format!("states[{number}]"), "must be one of the states that an invite has");
            }
        }
    }
    let is_in = |it: &State| match asked.r#box() {
        pb::InviteBox::Pending => *it == State::Pending,
        _ => true,
    };
    let asked_for = |it: &State| asked.states.is_empty() || states.contains(it);
    State::ALL.into_iter().filter(|it| is_in(it) && asked_for(it)).collect()
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
        }
    }
}
