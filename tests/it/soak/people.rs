//! What is done about people: their profiles, pictures and preferences, their sessions, and invites.

use futures_util::stream;
use tonic::Status;
use workcenter::pb::{
    AcceptInviteRequest, AccountRole, BatchGetProfilesRequest, CreateInviteRequest, DeclineInviteRequest, Delivery,
    GetPreferencesRequest, GetProfileRequest, InviteBox, ListInvitesRequest, ListMembersRequest, ListSessionsRequest,
    Preferences, PreviewDigestRequest, Profile, RemoveMemberRequest, RevokeInviteRequest, SignInRequest,
    SignOutRequest, UpdatePreferencesRequest, UpdateProfileRequest, UpdateWorkCenterPreferenceRequest,
    accept_invite_request, account_service_client::AccountServiceClient, decline_invite_request, get_picture_response,
    invite_service_client::InviteServiceClient, preference_service_client::PreferenceServiceClient,
    profile_service_client::ProfileServiceClient, session_service_client::SessionServiceClient,
};

use super::deeds::{Caller, of};
use crate::{
    harness::{PASSWORD, Person, by},
    picture,
    story::mask,
};

/// How people hear of things, as they choose. Whoever hears by the week goes on so: were they to choose the day
/// instead, their next digest would tell of all days until then, and what is done would grow as time goes by.
const BY_DAY: [Delivery; 2] = [Delivery::Immediate, Delivery::Daily];
const BY_WEEK: [Delivery; 1] = [Delivery::Weekly];

impl Caller {
    fn profiles(&self) -> ProfileServiceClient<crate::channel::Channel> {
        ProfileServiceClient::new(self.server.clone())
    }

    pub async fn look_at_people(&mut self, who: &Person) -> Result<(), Status> {
        let me = GetProfileRequest { user_id: "me".to_owned() };
        self.answer(self.profiles().get_profile(of(who, me))).await?;
        let from = self.roll(self.world.people.len() - 10);
        let user_ids = self.world.people[from..from + 10].iter().map(|it| it.id.to_string()).collect();
        self.answer(self.profiles().batch_get_profiles(of(who, BatchGetProfilesRequest { user_ids }))).await?;
        let account_id = self.world.account.id.to_string();
        let listed = ListMembersRequest { account_id, page_size: 20, ..Default::default() };
        let mut accounts = AccountServiceClient::new(self.server.clone());
        self.answer(accounts.list_members(of(who, listed))).await.map(drop)
    }

    pub async fn update_profile(&mut self, who: &Person) -> Result<(), Status> {
        let job_title = format!("Engineer {}", self.roll(1_000));
        let profile = Some(Profile { job_title, ..Profile::default() });
        let update_mask = Some(mask(&["job_title"]));
        let request = UpdateProfileRequest { profile, update_mask, ..Default::default() };
        self.answer(self.profiles().update_profile(of(who, request))).await.map(drop)
    }

    pub async fn change_picture(&mut self, who: &Person) -> Result<(), Status> {
        let side = u32::try_from(100 + self.roll(200)).unwrap();
        let messages = stream::iter(picture::messages(&picture::jpeg(side, side), 1 << 14));
        self.answer(self.profiles().upload_picture(of(who, messages))).await?;
        let mut read = self.answer(self.profiles().get_picture(of(who, picture::of("me", 128)))).await?;
        while let Some(message) = read.message().await? {
            assert!(matches!(
                message.part,
                Some(get_picture_response::Part::Header(_) | get_picture_response::Part::Chunk(_))
            ));
        }
        Ok(())
    }

    pub async fn prefer(&mut self, who: &Person) -> Result<(), Status> {
        let mut preferences = PreferenceServiceClient::new(self.server.clone());
        let ways: &[_] = if self.world.hears_by_week(who) { &BY_WEEK } else { &BY_DAY };
        let way = ways[self.roll(ways.len())];
        let chosen = Preferences { default_delivery: way.into(), ..Default::default() };
        let update_mask = Some(mask(&["default_delivery"]));
        let request = UpdatePreferencesRequest { preferences: Some(chosen), update_mask, ..Default::default() };
        self.answer(preferences.update_preferences(of(who, request))).await?;
        let workcenter_id = self.place().to_string();
        let delivery = [Delivery::Inherit, *ways.last().expect("there is one")][self.roll(2)].into();
        let request = UpdateWorkCenterPreferenceRequest { workcenter_id, delivery };
        self.answer(preferences.update_work_center_preference(of(who, request))).await?;
        self.answer(preferences.get_preferences(of(who, GetPreferencesRequest {}))).await.map(drop)
    }

    pub async fn preview(&mut self, who: &Person) -> Result<(), Status> {
        let (account_id, cadence) = (self.world.account.id.to_string(), Delivery::Daily.into());
        let request = PreviewDigestRequest { account_id, cadence, at: None };
        let mut preferences = PreferenceServiceClient::new(self.server.clone());
        self.answer(preferences.preview_digest(of(who, request))).await.map(drop)
    }

    pub async fn sign_in(&mut self, who: &Person) -> Result<(), Status> {
        let mut sessions = SessionServiceClient::new(self.server.clone());
        let message = SignInRequest { email: who.email.clone(), password: PASSWORD.to_owned() };
        let token = self.answer(sessions.sign_in(message)).await?.token;
        self.answer(sessions.list_sessions(by(&token, ListSessionsRequest::default()))).await?;
        self.answer(sessions.sign_out(by(&token, SignOutRequest {}))).await.map(drop)
    }

    /// Invites somebody, who comes and is let go, or declines; or changes their mind.
    pub async fn invite(&mut self) -> Result<(), Status> {
        let (host, guest, world) = (self.world.account.admin.clone(), self.guest.clone(), self.world.clone());
        let mut invites = InviteServiceClient::new(self.server.clone());
        let account_id = world.account.id.to_string();
        let account_role = AccountRole::Guest.into();
        let (email, of_account) = (guest.email.clone(), account_id.clone());
        let offer = CreateInviteRequest { email, account_id: of_account, account_role, ..Default::default() };
        let made = self.answer(invites.create_invite(of(&host, offer))).await?;
        let invite_id = made.invite.expect("it was made").invite_id;
        let listed = ListInvitesRequest { r#box: InviteBox::Received.into(), page_size: 20, ..Default::default() };
        self.answer(invites.list_invites(of(&guest, listed))).await?;
        match self.roll(3) {
            0 => {
                let request = AcceptInviteRequest {
                    by: Some(accept_invite_request::By::InviteId(invite_id)),
                    ..Default::default()
                };
                self.answer(invites.accept_invite(of(&guest, request))).await?;
                let user_id = guest.id.to_string();
                let mut accounts = AccountServiceClient::new(self.server.clone());
                self.answer(accounts.remove_member(of(&host, RemoveMemberRequest { account_id, user_id })))
                    .await
                    .map(drop)
            }
            1 => {
                let by_id = Some(decline_invite_request::By::InviteId(invite_id));
                let request = DeclineInviteRequest { by: by_id, reason: "Another time.".to_owned() };
                self.answer(invites.decline_invite(of(&guest, request))).await.map(drop)
            }
            _ => self.answer(invites.revoke_invite(of(&host, RevokeInviteRequest { invite_id }))).await.map(drop),
        }
    }
}
