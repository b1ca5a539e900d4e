//! `AccountService` on the wire.

use std::time::Duration;

use prost::Message;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    change::{Change, Sent},
    deactivate::{deactivate, reactivate},
    follow, remove, set_role,
};
use crate::{
    access::{self, AccountRole, Action, Resource},
    account::{self, Account, Member},
    auth,
    clock::Clock,
    db::{Db, Transaction},
    error::{Error, Kind, Reason, Result, Violation, Violations},
    identity::Preset,
    ids,
    page::{self, Page},
    pb::{self, account_service_server::AccountService},
    profile,
    request::{self, Recall},
    secret::TokenKey,
    subscription::When,
};

/// Serves `AccountService`.
pub struct Service {
    db: Db,
    clock: Clock,
    key: TokenKey,
    spread: Duration,
    window: Duration,
}

impl Service {
    /// Makes the service: page tokens are sealed with `key`, digests spread over `spread`, and what happens becomes
    /// immediate mail `window` later.
    pub fn new(db: Db, clock: Clock, key: TokenKey, spread: Duration, window: Duration) -> Self {
        Self { db, clock, key, spread, window }
    }

    async fn when(&self) -> Result<When> {
        Ok(When { now: self.clock.now().await?, spread: self.spread })
    }
}

#[tonic::async_trait]
impl AccountService for Service {
    async fn create_account(
        &self,
        request: Request<pb::CreateAccountRequest>,
    ) -> Result<Response<pb::CreateAccountResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let now = self.clock.now().await?;

        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        access::may(&tx, &caller, Action::CreateAccount, Resource::Own).await?;
        let new = New::read(&asked)?;
        let (path, body) = (Action::CreateAccount.path(), asked.encode_to_vec());
        let by = caller.id().unwrap_or_default();
        let ticket = match request::recall(&tx, by, path, &asked.request_id, &body).await? {
            Recall::New(ticket) => ticket,
            Recall::Known(answer) => {
                let answer = pb::CreateAccountResponse::decode(answer.as_slice()).map_err(Error::internal)?;
                return Ok(Response::new(answer));
            }
        };

        // There is such a person, for they have a name.
        profile::names(&tx, &[new.administrator]).await?;
        let zone = Some(new.time_zone.as_str()).filter(|it| !it.is_empty());
        let id = account::insert(&tx, &new.name, zone, now).await?;
        account::add_member(&tx, id, new.administrator, AccountRole::Administrator, now).await?;
        let answer = pb::CreateAccountResponse { account: Some(shown(found(&tx, id).await?, None)) };
        request::remember(&tx, ticket, &answer.encode_to_vec()).await?;
        tx.commit_with(&[account::announce(new.administrator)]).await.map_err(Error::from)?;

        Ok(Response::new(answer))
    }

    async fn get_account(
        &self,
        request: Request<pb::GetAccountRequest>,
    ) -> Result<Response<pb::GetAccountResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("account_id", &request.into_inner().account_id).map_err(Error::from)?;

        let client = self.db.client().await?;
        let leave = access::may(&client, &caller, Action::GetAccount, Resource::Account(id)).await?;
        let account = account::find(&client, id).await?.ok_or_else(|| missing(id))?;

        Ok(Response::new(pb::GetAccountResponse { account: Some(shown(account, leave.standing.account_role)) }))
    }

    async fn update_account(
        &self,
        request: Request<pb::UpdateAccountRequest>,
    ) -> Result<Response<pb::UpdateAccountResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let sent = asked.account.unwrap_or_default();
        let id = ids::parse("account.account_id", &sent.account_id).map_err(Error::from)?;
        let when = self.when().await?;

        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        account::hold(&tx, id).await?;
        let leave = access::may(&tx, &caller, Action::UpdateAccount, Resource::Account(id)).await?;
        let before = found(&tx, id).await?;
        let (paths, service) = (asked.update_mask.unwrap_or_default().paths, leave.standing.account_role.is_none());
        let change = Change::checked(read(sent), &paths, &before, service)?;
        account::enter(&tx, id).await?;
        if !asked.etag.is_empty() && asked.etag != etag(&before) {
            return Err(Error::Conflict(Reason::EtagMismatch).into());
        }
        let account = change.onto(&before);
        if account != before {
            account::update(&tx, &account).await?;
        }
        follow(&tx, &before, &account, &when).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::UpdateAccountResponse { account: Some(shown(account, leave.standing.account_role)) }))
    }

    async fn deactivate_account(
        &self,
        request: Request<pb::DeactivateAccountRequest>,
    ) -> Result<Response<pb::DeactivateAccountResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("account_id", &request.into_inner().account_id).map_err(Error::from)?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        account::hold(&tx, id).await?;
        let leave = access::may(&tx, &caller, Action::DeactivateAccount, Resource::Account(id)).await?;
        let account = deactivate(&tx, found(&tx, id).await?, now).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::DeactivateAccountResponse { account: Some(shown(account, leave.standing.account_role)) }))
    }

    async fn reactivate_account(
        &self,
        request: Request<pb::ReactivateAccountRequest>,
    ) -> Result<Response<pb::ReactivateAccountResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("account_id", &request.into_inner().account_id).map_err(Error::from)?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        account::hold(&tx, id).await?;
        let leave = access::may(&tx, &caller, Action::ReactivateAccount, Resource::Account(id)).await?;
        let account = reactivate(&tx, found(&tx, id).await?, now).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::ReactivateAccountResponse { account: Some(shown(account, leave.standing.account_role)) }))
    }

    async fn list_members(
        &self,
        request: Request<pb::ListMembersRequest>,
    ) -> Result<Response<pb::ListMembersResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let now = self.clock.now().await?;
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("account_id", &asked.account_id)).unwrap_or_default();
        let role = match asked.role {
            0 => None,
            role => violations.take(read_role("role", role)),
        };
        let list: &[&[u8]] = &[b"ListMembers", id.as_bytes(), &asked.role.to_be_bytes()];
        let page = violations.take(Page::read(&self.key, asked.page_size, &asked.page_token, list, now));
        violations.none()?;
        let page = page.ok_or_else(|| Error::internal("a page was neither read nor refused"))?;

        let client = self.db.client().await?;
        access::may(&client, &caller, Action::ListMembers, Resource::Account(id)).await?;
        let after = page.after.as_deref().and_then(page::came);
        let mut people = account::members(&client, id, role, after, page.fetch).await?;
        let came = |last: &Member| page::coming(last.created_at, last.user);
        let next_page_token = page.cut(&self.key, &mut people, came, now);

        let members = people.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListMembersResponse { members, next_page_token }))
    }

    async fn update_member(
        &self,
        request: Request<pb::UpdateMemberRequest>,
    ) -> Result<Response<pb::UpdateMemberResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("account_id", &asked.account_id)).unwrap_or_default();
        let user = violations
            .take(ids::person("user_id", &asked.user_id, caller.person().unwrap_or_default()))
            .unwrap_or_default();
        let role = violations.take(read_role("role", asked.role));
        violations.none()?;
        let role = role.ok_or_else(|| Error::internal("a role was neither read nor refused"))?;

        let when = self.when().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        account::hold(&tx, id).await?;
        let leave = access::may(&tx, &caller, Action::UpdateMember, Resource::Account(id)).await?;
        account::enter(&tx, id).await?;
        set_role(&tx, id, user, role, leave.person, &when, self.window).await?;
        let member = account::member(&tx, id, user).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::UpdateMemberResponse { member: member.map(Into::into) }))
    }

    async fn remove_member(
        &self,
        request: Request<pb::RemoveMemberRequest>,
    ) -> Result<Response<pb::RemoveMemberResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let mut violations = Violations::default();
        let account = violations.take(ids::parse("account_id", &asked.account_id)).unwrap_or_default();
        let user = violations
            .take(ids::person("user_id", &asked.user_id, caller.person().unwrap_or_default()))
            .unwrap_or_default();
        violations.none()?;

        let when = self.when().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        // First, so that nobody acts who was removed while they waited.
        account::hold(&tx, account).await?;
        let membership = Resource::Member { account, of: user };
        let leave = access::may(&tx, &caller, Action::RemoveMember, membership).await?;
        remove(&tx, account, user, leave.person, &when, self.window).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::RemoveMemberResponse {}))
    }
}

/// What a new account begins with.
struct New {
    name: String,
    time_zone: String,
    administrator: Uuid,
}

impl New {
    fn read(asked: &pb::CreateAccountRequest) -> Result<Self> {
        let mut violations = Violations::default();
        let name = violations.take(account::checked_name("name", &asked.name)).unwrap_or_default();
        let time_zone = violations.take(profile::time_zone("time_zone", &asked.time_zone)).unwrap_or_default();
        let administrator = violations.take(ids::parse("administrator_user_id", &asked.administrator_user_id));
        violations.extend(request::fault(&asked.request_id));
        violations.none()?;
        Ok(Self { name, time_zone, administrator: administrator.unwrap_or_default() })
    }
}

/// The account `id`, which the caller knows.
async fn found(tx: &Transaction<'_>, id: Uuid) -> Result<Account> {
    account::find(tx, id).await?.ok_or_else(|| missing(id))
}

fn missing(account: Uuid) -> Error {
    Error::NotFound(Kind::Account, account.to_string())
}

/// Reads a role in `field` of a request.
fn read_role(field: &str, role: i32) -> Result<AccountRole, Violation> {
    match pb::AccountRole::try_from(role) {
        Ok(pb::AccountRole::Administrator) => Ok(AccountRole::Administrator),
        Ok(pb::AccountRole::Member) => Ok(AccountRole::Member),
        Ok(pb::AccountRole::Guest) => Ok(AccountRole::Guest),
        Ok(pb::AccountRole::Unspecified) | Err(_) => {
            Err(Violation::new(field, "must be ADMINISTRATOR, MEMBER or GUEST"))
        }
    }
}

fn read(sent: pb::Account) -> Sent {
    let preset = match pb::PasswordPreset::try_from(sent.password_preset) {
        Ok(pb::PasswordPreset::Unspecified) => None,
        Ok(pb::PasswordPreset::Nist2025) => Some(Ok(Preset::Nist2025)),
        Ok(pb::PasswordPreset::ProcoreStrict) => Some(Ok(Preset::ProcoreStrict)),
        Err(_) => Some(Err(Violation::new("account.password_preset", "must be one of the presets"))),
    };
    let delivery = match pb::Delivery::try_from(sent.default_delivery) {
        Ok(pb::Delivery::Unspecified) => None,
        known => {
            let known = known.ok().and_then(|it| it.try_into().ok());
            Some(account::default_delivery("account.default_delivery", known))
        }
    };
    Sent {
        name: sent.name,
        time_zone: sent.time_zone,
        invite_expiry: sent.invite_expiry.map(|it| (it.seconds, it.nanos)),
        preset,
        delivery,
        pending_invites_max: sent.pending_invites_max,
        daily_invites_max: sent.daily_invites_max,
        redact_content: sent.redact_content,
    }
}

fn etag(account: &Account) -> String {
    format!("\"{}\"", account.revision)
}

fn wire(role: AccountRole) -> pb::AccountRole {
    match role {
        AccountRole::Administrator => pb::AccountRole::Administrator,
        AccountRole::Member => pb::AccountRole::Member,
        AccountRole::Guest => pb::AccountRole::Guest,
    }
}

/// An account as one with `role` in it is shown it.
fn shown(account: Account, role: Option<AccountRole>) -> pb::Account {
    let preset = match account.preset {
        Preset::Nist2025 => pb::PasswordPreset::Nist2025,
        Preset::ProcoreStrict => pb::PasswordPreset::ProcoreStrict,
    };
    pb::Account {
        account_id: account.id.to_string(),
        etag: etag(&account),
        name: account.name,
        time_zone: account.time_zone,
        invite_expiry: Some(pb::span(account.invite_expiry)),
        password_preset: preset.into(),
        default_delivery: pb::Delivery::from(account.default_delivery).into(),
        pending_invites_max: i32::try_from(account.pending_invites_max).unwrap_or(i32::MAX),
        daily_invites_max: i32::try_from(account.daily_invites_max).unwrap_or(i32::MAX),
        redact_content: account.redact_content,
        role: role.map_or(pb::AccountRole::Unspecified, wire).into(),
        create_time: Some(pb::time(account.created_at)),
        deactivate_time: account.deactivated_at.map(pb::time),
    }
}

impl From<Member> for pb::Member {
    fn from(member: Member) -> Self {
        Self {
            user_id: member.user.to_string(),
            first_name: member.first_name,
            last_name: member.last_name,
            role: wire(member.role).into(),
            create_time: Some(pb::time(member.created_at)),
        }
    }
}
