//! The calls about invites that are refused.

use futures_util::{
    future,
    stream::{self, StreamExt},
};
use jiff::ToSpan;
use tonic::Status;
use uuid::Uuid;
use workcenter::{
    ids,
    pb::{
        AcceptInviteRequest, AccountRole, BatchCreateInvitesRequest, CreateInviteRequest, DeclineInviteRequest,
        GetInviteRequest, ImportInvitesMetadata, Invite, InviteRow, InvitedWorkCenter, ListInvitesRequest, Newcomer,
        ResendInviteRequest, RetryFailedInvitesRequest, RevokeInviteRequest, UpdateInviteRequest, WorkCenterRole,
        WorkCenterState, accept_invite_request::By as Accepted, decline_invite_request::By as Declined,
    },
};

use super::{Answer, Person, Stage, by, nothing, text};
use crate::{
    invite::{import::file_of, mailed},
    member::set_role,
    story::mask,
};

/// An address that nobody has.
fn nobody() -> String {
    format!("{}@example.com", ids::new().simple())
}

impl Stage {
    async fn offer(&self, who: &Person, offer: CreateInviteRequest) -> Result<Invite, Status> {
        let offer = CreateInviteRequest { account_id: self.account.to_string(), ..offer };
        Ok(self.app.invites().create_invite(by(&who.token, offer)).await?.into_inner().invite.unwrap())
    }

    /// An invite to `email`, by an administrator.
    async fn invited(&self, email: &str) -> Result<Invite, Status> {
        self.offer(&self.admin, CreateInviteRequest { email: text(email), ..Default::default() }).await
    }

    /// Somebody of another account, and an invite to them.
    async fn somebody_invited(&self) -> Result<(Person, Invite), Status> {
        let somebody = self.app.account("Dock Works").await.admin;
        let invite = self.invited(&somebody.email).await?;
        Ok((somebody, invite))
    }

    /// An invite that was withdrawn.
    async fn withdrawn(&self) -> Result<Invite, Status> {
        let invite = self.invited(&nobody()).await?;
        self.revoke_as(&self.admin, &invite).await?;
        Ok(invite)
    }

    /// An invite of a member who is a guest now.
    async fn offered_by_a_guest(&self) -> Result<Invite, Status> {
        let inviter = &self.rash[0];
        let id = inviter.id.to_string();
        let make = |role| set_role(&self.app, &self.admin, self.account, &id, role);
        make(AccountRole::Member).await?;
        let invite = self.offer(inviter, CreateInviteRequest { email: nobody(), ..Default::default() }).await?;
        make(AccountRole::Guest).await?;
        Ok(invite)
    }

    /// Lets it be later than an invite rests.
    async fn later(&self) {
        let then = self.app.now().await + 10.minutes();
        self.app.clock_at(&then.to_string()).await;
    }

    pub async fn invite(&self, email: &str) -> Answer {
        self.invited(email).await.map(|_| ())
    }

    pub async fn invite_twice(&self) -> Answer {
        let email = nobody();
        self.invite(&email).await?;
        self.invite(&email).await
    }

    pub async fn invite_two_by_one_request(&self) -> Answer {
        let request_id = ids::new().to_string();
        let offer = || CreateInviteRequest { email: nobody(), request_id: request_id.clone(), ..Default::default() };
        self.offer(&self.admin, offer()).await?;
        self.offer(&self.admin, offer()).await.map(|_| ())
    }

    pub async fn invite_to_a_deactivated_account(&self) -> Answer {
        self.while_deactivated(self.invite(&nobody())).await
    }

    pub async fn invite_as_a_stranger(&self) -> Answer {
        let offer = CreateInviteRequest { email: nobody(), ..Default::default() };
        self.offer(&self.stranger, offer).await.map(|_| ())
    }

    pub async fn invite_an_administrator_as_a_member(&self) -> Answer {
        let account_role = AccountRole::Administrator.into();
        let offer = CreateInviteRequest { email: nobody(), account_role, ..Default::default() };
        self.offer(&self.ada, offer).await.map(|_| ())
    }

    async fn invite_to(&self, workcenter: Uuid) -> Answer {
        let (workcenter_id, role) = (workcenter.to_string(), WorkCenterRole::Reader.into());
        let workcenters = vec![InvitedWorkCenter { workcenter_id, role }];
        let offer = CreateInviteRequest { email: nobody(), workcenters, ..Default::default() };
        self.offer(&self.admin, offer).await.map(|_| ())
    }

    pub async fn invite_to_a_workcenter_of_nobody(&self) -> Answer {
        self.invite_to(ids::new()).await
    }

    pub async fn invite_to_one_that_is(&self, state: WorkCenterState) -> Answer {
        self.invite_to(self.pier_that_is(state).await?).await
    }

    pub async fn read_invite(&self, invite_id: &str) -> Answer {
        let message = GetInviteRequest { invite_id: text(invite_id) };
        self.app.invites().get_invite(by(&self.bob.token, message)).await.map(nothing)
    }

    pub async fn read_somebodys_invite(&self) -> Answer {
        self.read_invite(&self.invited(&nobody()).await?.invite_id).await
    }

    pub async fn invites(&self, r#box: i32, page_token: &str) -> Answer {
        let message = ListInvitesRequest { r#box, page_token: text(page_token), ..Default::default() };
        self.app.invites().list_invites(by(&self.ada.token, message)).await.map(nothing)
    }

    async fn come(&self, token: &str, password: &str) -> Answer {
        let (first_name, last_name) = (text("Nora"), text("New"));
        let newcomer = Newcomer { first_name, last_name, password: text(password), ..Default::default() };
        let message = AcceptInviteRequest {
            by: Some(Accepted::Token(text(token))),
            newcomer: Some(newcomer),
            ..Default::default()
        };
        self.app.invites().accept_invite(message).await.map(nothing)
    }

    pub async fn accept(&self, token: &str) -> Answer {
        self.come(token, "a bridge over the Tees").await
    }

    pub async fn accept_with_something_short(&self) -> Answer {
        let invite = self.invited(&nobody()).await?;
        self.come(&mailed(&self.app, &invite).await.unwrap(), "short").await
    }

    pub async fn accept_what_a_guest_has_offered(&self) -> Answer {
        let invite = self.offered_by_a_guest().await?;
        self.accept(&mailed(&self.app, &invite).await.unwrap()).await
    }

    pub async fn accept_as_a_newcomer_who_is_somebody(&self) -> Answer {
        let (_, invite) = self.somebody_invited().await?;
        self.accept(&mailed(&self.app, &invite).await.unwrap()).await
    }

    async fn accept_as(&self, who: &Person, by_what: Accepted) -> Answer {
        let message = AcceptInviteRequest { by: Some(by_what), newcomer: None, ..Default::default() };
        self.app.invites().accept_invite(by(&who.token, message)).await.map(nothing)
    }

    pub async fn accept_of_a_deactivated_account(&self) -> Answer {
        let (somebody, invite) = self.somebody_invited().await?;
        self.while_deactivated(self.accept_as(&somebody, Accepted::InviteId(invite.invite_id))).await
    }

    pub async fn accept_at_another_address(&self) -> Answer {
        let invite = self.invited(&nobody()).await?;
        self.accept_as(&self.stranger, Accepted::Token(mailed(&self.app, &invite).await.unwrap())).await
    }

    pub async fn accept_by_somebodys_token(&self) -> Answer {
        let (_, invite) = self.somebody_invited().await?;
        self.accept_as(&self.stranger, Accepted::Token(mailed(&self.app, &invite).await.unwrap())).await
    }

    pub async fn accept_by_somebodys_id(&self) -> Answer {
        let (_, invite) = self.somebody_invited().await?;
        self.accept_as(&self.stranger, Accepted::InviteId(invite.invite_id)).await
    }

    async fn decline_as(&self, who: &Person, by_what: Declined) -> Answer {
        let message = DeclineInviteRequest { by: Some(by_what), reason: String::new() };
        self.app.invites().decline_invite(by(&who.token, message)).await.map(nothing)
    }

    pub async fn decline(&self, token: &str) -> Answer {
        self.decline_as(&self.stranger, Declined::Token(text(token))).await
    }

    pub async fn decline_by_somebodys_token(&self) -> Answer {
        let (_, invite) = self.somebody_invited().await?;
        self.decline(&mailed(&self.app, &invite).await.unwrap()).await
    }

    pub async fn decline_by_somebodys_id(&self) -> Answer {
        let (_, invite) = self.somebody_invited().await?;
        self.decline_as(&self.stranger, Declined::InviteId(invite.invite_id)).await
    }

    async fn revoke_as(&self, who: &Person, invite: &Invite) -> Answer {
        let message = RevokeInviteRequest { invite_id: invite.invite_id.clone() };
        self.app.invites().revoke_invite(by(&who.token, message)).await.map(nothing)
    }

    pub async fn revoke_what_was_declined(&self) -> Answer {
        let (somebody, invite) = self.somebody_invited().await?;
        self.decline_as(&somebody, Declined::InviteId(invite.invite_id.clone())).await?;
        self.revoke_as(&self.admin, &invite).await
    }

    pub async fn revoke_somebodys_invite(&self) -> Answer {
        self.revoke_as(&self.bob, &self.invited(&nobody()).await?).await
    }

    pub async fn revoke_as_the_invited(&self) -> Answer {
        let (somebody, invite) = self.somebody_invited().await?;
        self.revoke_as(&somebody, &invite).await
    }

    async fn resend_as(&self, who: &Person, invite: &Invite) -> Answer {
        let message = ResendInviteRequest { invite_id: invite.invite_id.clone() };
        self.app.invites().resend_invite(by(&who.token, message)).await.map(nothing)
    }

    pub async fn resend_at_once(&self) -> Answer {
        self.resend_as(&self.admin, &self.invited(&nobody()).await?).await
    }

    pub async fn resend_what_was_withdrawn(&self) -> Answer {
        self.resend_as(&self.admin, &self.withdrawn().await?).await
    }

    pub async fn resend_what_a_guest_has_offered(&self) -> Answer {
        let invite = self.offered_by_a_guest().await?;
        self.later().await;
        self.resend_as(&self.admin, &invite).await
    }

    pub async fn resend_when_the_address_has_another(&self) -> Answer {
        let email = nobody();
        let invite = self.invited(&email).await?;
        let failed = "update invite set state = 'DELIVERY_FAILED', ended_at = created_at where id = $1";
        let id: Uuid = invite.invite_id.parse().unwrap();
        self.app.client().await.execute(failed, &[&id]).await.unwrap();
        self.invited(&email).await?;
        self.later().await;
        self.resend_as(&self.admin, &invite).await
    }

    pub async fn resend_somebodys_invite(&self) -> Answer {
        self.resend_as(&self.bob, &self.invited(&nobody()).await?).await
    }

    pub async fn resend_as_the_invited(&self) -> Answer {
        let (somebody, invite) = self.somebody_invited().await?;
        self.resend_as(&somebody, &invite).await
    }

    /// As many pending invites of a new account as there may be, and one more.
    pub async fn invite_one_too_many(&self) -> Answer {
        let account = self.app.account("Flood Works").await;
        let fill = "insert into invite (id, account_id, email, email_key, account_role, inviter_id, state, token_hash,
                created_at, expires_at)
            select gen_random_uuid(), $1, it, it, 'GUEST', $2, 'PENDING', sha256(it::bytea), $3::timestamptz,
                $3::timestamptz + interval '9 days'
            from (select number || '@flood.example.com' as it from generate_series(1, 5000) as number) addresses";
        let now = self.app.now().await;
        self.app.client().await.execute(fill, &[&account.id, &account.admin.id, &now]).await.unwrap();
        let account_id = account.id.to_string();
        let offer = CreateInviteRequest { account_id, email: nobody(), ..Default::default() };
        self.app.invites().create_invite(by(&account.admin.token, offer)).await.map(nothing)
    }

    async fn batch_as(&self, who: &Person, rows: usize, request_id: &str) -> Answer {
        let rows = (0..rows).map(|_| InviteRow { email: nobody(), ..Default::default() }).collect();
        let (account_id, request_id) = (self.account.to_string(), text(request_id));
        let message = BatchCreateInvitesRequest { account_id, rows, request_id, ..Default::default() };
        self.app.invites().batch_create_invites(by(&who.token, message)).await.map(nothing)
    }

    pub async fn batch(&self, rows: usize) -> Answer {
        self.batch_as(&self.ada, rows, "").await
    }

    pub async fn batch_as_a_stranger(&self) -> Answer {
        self.batch_as(&self.stranger, 1, "").await
    }

    pub async fn batch_as_a_guest(&self) -> Answer {
        self.batch_as(&self.guest, 1, "").await
    }

    pub async fn batch_two_by_one_request(&self) -> Answer {
        let request_id = ids::new().to_string();
        self.batch_as(&self.ada, 1, &request_id).await?;
        self.batch_as(&self.ada, 1, &request_id).await
    }

    async fn import_as(&self, who: &Person, file: &str, request_id: &str) -> Answer {
        let (account_id, request_id) = (self.account.to_string(), text(request_id));
        let metadata = ImportInvitesMetadata { account_id, request_id, ..Default::default() };
        self.app.invites().import_invites(by(&who.token, stream::iter(file_of(metadata, file)))).await.map(nothing)
    }

    pub async fn import(&self, file: &str) -> Answer {
        self.import_as(&self.ada, file, "").await
    }

    pub async fn import_as_a_stranger(&self) -> Answer {
        self.import_as(&self.stranger, "email\n", "").await
    }

    pub async fn import_as_a_guest(&self) -> Answer {
        self.import_as(&self.guest, "email\n", "").await
    }

    pub async fn import_two_by_one_request(&self) -> Answer {
        let request_id = ids::new().to_string();
        self.import_as(&self.ada, "email\none@example.com\n", &request_id).await?;
        self.import_as(&self.ada, "email\ntwo@example.com\n", &request_id).await
    }

    /// The metadata and no more.
    pub async fn import_silently(&self) -> Answer {
        let metadata = ImportInvitesMetadata { account_id: self.account.to_string(), ..Default::default() };
        let messages = stream::iter(file_of(metadata, "").into_iter().take(1)).chain(stream::pending());
        self.app.invites().import_invites(by(&self.bob.token, messages)).await.map(nothing)
    }

    pub async fn import_a_third_file(&self) -> Answer {
        let files = [(); 3].map(|()| Box::pin(self.import_silently()));
        // Those that have a place wait until they are late; the one that has none is told at once.
        future::select_all(files).await.0
    }

    async fn invites_of_the_account_as(&self, who: &Person) -> Answer {
        let message = ListInvitesRequest { account_id: self.account.to_string(), ..Default::default() };
        self.app.invites().list_invites(by(&who.token, message)).await.map(nothing)
    }

    pub async fn invites_of_the_account(&self) -> Answer {
        self.invites_of_the_account_as(&self.ada).await
    }

    pub async fn invites_of_the_account_as_a_stranger(&self) -> Answer {
        self.invites_of_the_account_as(&self.stranger).await
    }

    async fn amend_as(&self, who: &Person, invite: Invite, path: &str, etag: &str) -> Answer {
        let (update_mask, etag) = (Some(mask(&[path])), text(etag));
        let message = UpdateInviteRequest { invite: Some(invite), update_mask, etag };
        self.app.invites().update_invite(by(&who.token, message)).await.map(nothing)
    }

    pub async fn change_invite(&self, path: &str, message: &str, etag: &str) -> Answer {
        let invite = Invite { message: text(message), ..self.invited(&nobody()).await? };
        self.amend_as(&self.admin, invite, path, etag).await
    }

    pub async fn change_what_was_withdrawn(&self) -> Answer {
        self.amend_as(&self.admin, self.withdrawn().await?, "message", "").await
    }

    async fn change_to_a_place(&self, workcenter: Uuid) -> Answer {
        let (workcenter_id, role) = (workcenter.to_string(), WorkCenterRole::Reader.into());
        let workcenters = vec![InvitedWorkCenter { workcenter_id, role }];
        let invite = Invite { workcenters, ..self.invited(&nobody()).await? };
        self.amend_as(&self.admin, invite, "workcenters", "").await
    }

    pub async fn change_to_an_archived_place(&self) -> Answer {
        self.change_to_a_place(self.pier_that_is(WorkCenterState::Archived).await?).await
    }

    pub async fn change_to_a_place_of_nobody(&self) -> Answer {
        self.change_to_a_place(ids::new()).await
    }

    pub async fn change_to_more_than_the_inviter_may_offer(&self) -> Answer {
        let invite = self.offer(&self.ada, CreateInviteRequest { email: nobody(), ..Default::default() }).await?;
        let invite = Invite { account_role: AccountRole::Administrator.into(), ..invite };
        self.amend_as(&self.admin, invite, "account_role", "").await
    }

    pub async fn change_somebodys_invite(&self) -> Answer {
        self.amend_as(&self.bob, self.invited(&nobody()).await?, "message", "").await
    }

    pub async fn change_as_the_invited(&self) -> Answer {
        let (somebody, invite) = self.somebody_invited().await?;
        self.amend_as(&somebody, invite, "message", "").await
    }

    async fn retry_as(&self, who: &Person, page_token: &str) -> Answer {
        let (account_id, page_token) = (self.account.to_string(), text(page_token));
        let message = RetryFailedInvitesRequest { account_id, page_token, ..Default::default() };
        self.app.invites().retry_failed_invites(by(&who.token, message)).await.map(nothing)
    }

    pub async fn retry(&self, page_token: &str) -> Answer {
        self.retry_as(&self.ada, page_token).await
    }

    pub async fn retry_as_a_stranger(&self) -> Answer {
        self.retry_as(&self.stranger, "").await
    }

    pub async fn retry_as_a_guest(&self) -> Answer {
        self.retry_as(&self.guest, "").await
    }
}
