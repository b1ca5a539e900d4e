//! Whom each call refuses, and how: every call there is, by nobody, by the wrong service, and by a stranger.

pub mod raw;
mod reasons;

use std::collections::BTreeSet;

use jiff::Timestamp;
use prost::Message;
use prost_types::FileDescriptorSet;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;
use uuid::Uuid;
use workcenter::{
    access::Action,
    auth::{ON_BEHALF_OF, SCOPE_ACT, SCOPES},
    error::DOMAIN,
    ids, job, pb,
};

use crate::harness::{App, Person, by};

/// Something of everything, in one account.
struct Things {
    account: Uuid,
    workcenter: Uuid,
    person: Uuid,
    job: Uuid,
    invite: Uuid,
}

impl Things {
    /// Things that there are not.
    fn nowhere() -> Self {
        let [account, workcenter, person, job, invite] = [(); 5].map(|()| ids::new());
        Self { account, workcenter, person, job, invite }
    }

    async fn of_pier_works(app: &App) -> Self {
        let account = app.account("Pier Works").await;
        let admin = &account.admin;
        let workcenter = app.workcenter(admin, account.id, "Plans").await;
        let run = job::Run { account: account.id, cadence: "DAILY", due_at: Timestamp::UNIX_EPOCH };
        let job = job::digest_run(&app.client().await, &run, 3).await.unwrap();
        let message = pb::CreateInviteRequest {
            email: "newcomer@example.com".to_owned(),
            account_id: account.id.to_string(),
            ..Default::default()
        };
        let invited = app.invites().create_invite(by(&admin.token, message)).await.unwrap().into_inner();
        let invite = invited.invite.unwrap().invite_id.parse().unwrap();
        Self { account: account.id, workcenter, person: admin.id, job, invite }
    }

    /// A sound request for `action` on these.
    #[expect(clippy::too_many_lines, reason = "it has one for every call there is")]
    fn request(&self, action: Action) -> Vec<u8> {
        let workcenter_id = self.workcenter.to_string();
        let user_id = self.person.to_string();
        let job_id = self.job.to_string();
        let account_id = self.account.to_string();
        let text = ToOwned::to_owned;
        let (mine, all) = (pb::JobScope::Mine.into(), pb::JobScope::Account.into());
        match action {
            Action::SignIn => {
                pb::SignInRequest { email: text("nobody@example.com"), password: text("not the password") }
                    .encode_to_vec()
            }
            Action::CreateAccount => {
                let administrator_user_id = user_id;
                pb::CreateAccountRequest { name: text("Quay Works"), administrator_user_id, ..Default::default() }
                    .encode_to_vec()
            }
            Action::GetAccount => pb::GetAccountRequest { account_id }.encode_to_vec(),
            Action::UpdateAccount => {
                let account = Some(pb::Account { account_id, name: text("Mine"), ..Default::default() });
                pb::UpdateAccountRequest { account, ..Default::default() }.encode_to_vec()
            }
            Action::ListMembers => pb::ListMembersRequest { account_id, ..Default::default() }.encode_to_vec(),
            Action::UpdateMember => {
                let role = pb::AccountRole::Guest.into();
                pb::UpdateMemberRequest { account_id, user_id, role }.encode_to_vec()
            }
            Action::RemoveMember => pb::RemoveMemberRequest { account_id, user_id }.encode_to_vec(),
            Action::CreateWorkCenter => {
                pb::CreateWorkCenterRequest { account_id, name: text("Mine"), ..Default::default() }.encode_to_vec()
            }
            Action::GetWorkCenter => pb::GetWorkCenterRequest { workcenter_id }.encode_to_vec(),
            Action::AddCollaborator => {
                let role = pb::WorkCenterRole::Owner.into();
                pb::AddCollaboratorRequest { workcenter_id, user_id, role }.encode_to_vec()
            }
            Action::UpdateWorkCenter => {
                let workcenter = Some(pb::WorkCenter { workcenter_id, name: text("Roof"), ..Default::default() });
                pb::UpdateWorkCenterRequest { workcenter, ..Default::default() }.encode_to_vec()
            }
            Action::ArchiveWorkCenter => pb::ArchiveWorkCenterRequest { workcenter_id }.encode_to_vec(),
            Action::ReactivateWorkCenter => pb::ReactivateWorkCenterRequest { workcenter_id }.encode_to_vec(),
            Action::DeleteWorkCenter => pb::DeleteWorkCenterRequest { workcenter_id }.encode_to_vec(),
            Action::UpdateCollaborator => {
                let role = pb::WorkCenterRole::Owner.into();
                pb::UpdateCollaboratorRequest { workcenter_id, user_id, role }.encode_to_vec()
            }
            Action::RemoveCollaborator => pb::RemoveCollaboratorRequest { workcenter_id, user_id }.encode_to_vec(),
            Action::ListCollaborators => {
                pb::ListCollaboratorsRequest { workcenter_id, ..Default::default() }.encode_to_vec()
            }
            Action::PublishActivity => pb::PublishActivityRequest { events: vec![self.event()] }.encode_to_vec(),
            Action::ListActivity => pb::ListActivityRequest { workcenter_id, ..Default::default() }.encode_to_vec(),
            Action::UpdateWorkCenterPreference => {
                let delivery = pb::Delivery::Off.into();
                pb::UpdateWorkCenterPreferenceRequest { workcenter_id, delivery }.encode_to_vec()
            }
            Action::GetProfile => pb::GetProfileRequest { user_id }.encode_to_vec(),
            Action::UpdateProfile => {
                let profile = Some(pb::Profile { job_title: text("Foreman"), ..Default::default() });
                pb::UpdateProfileRequest { profile, ..Default::default() }.encode_to_vec()
            }
            Action::RequestPasswordReset => {
                pb::RequestPasswordResetRequest { email: text("nobody@example.com") }.encode_to_vec()
            }
            Action::ResetPassword => {
                let (token, new_password) = (text("no such token"), text("a pier that is long enough"));
                pb::ResetPasswordRequest { token, new_password }.encode_to_vec()
            }
            Action::ChangePassword => {
                let (current_password, new_password) = (text("not the password"), text("a pier that is long enough"));
                pb::ChangePasswordRequest { current_password, new_password }.encode_to_vec()
            }
            Action::CheckPassword => pb::CheckPasswordRequest { password: text("a long pier") }.encode_to_vec(),
            Action::RevokeSession => pb::RevokeSessionRequest { session_id: Uuid::nil().to_string() }.encode_to_vec(),
            Action::BatchGetProfiles => pb::BatchGetProfilesRequest { user_ids: vec![user_id] }.encode_to_vec(),
            Action::RequestEmailChange => {
                let (new_email, password) = (text("new@example.com"), text("not the password"));
                pb::RequestEmailChangeRequest { new_email, password }.encode_to_vec()
            }
            Action::ConfirmEmailChange => {
                pb::ConfirmEmailChangeRequest { token: text("no such token") }.encode_to_vec()
            }
            Action::WatchProfiles => pb::WatchProfilesRequest { account_id, ..Default::default() }.encode_to_vec(),
            Action::UploadPicture => {
                let metadata = pb::PictureMetadata { size_bytes: 1, sha256: vec![0; 32].into(), ..Default::default() };
                let part = Some(pb::upload_picture_request::Part::Metadata(metadata));
                pb::UploadPictureRequest { part }.encode_to_vec()
            }
            Action::GetPicture => pb::GetPictureRequest { user_id, ..Default::default() }.encode_to_vec(),
            Action::DeletePicture => pb::DeletePictureRequest { user_id }.encode_to_vec(),
            Action::UpdatePreferences => {
                let preferences = Some(pb::Preferences { digest_time: text("08:00"), ..Default::default() });
                pb::UpdatePreferencesRequest { preferences, ..Default::default() }.encode_to_vec()
            }
            Action::CreateInvite => {
                let email = text("another@example.com");
                pb::CreateInviteRequest { email, account_id, ..Default::default() }.encode_to_vec()
            }
            Action::BatchCreateInvites => {
                let rows = vec![pb::InviteRow { email: text("another@example.com"), ..Default::default() }];
                pb::BatchCreateInvitesRequest { account_id, rows, ..Default::default() }.encode_to_vec()
            }
            Action::UpdateInvite => {
                let invite_id = self.invite.to_string();
                let invite = Some(pb::Invite { invite_id, message: text("Hello"), ..Default::default() });
                pb::UpdateInviteRequest { invite, ..Default::default() }.encode_to_vec()
            }
            Action::RetryFailedInvites => {
                pb::RetryFailedInvitesRequest { account_id, ..Default::default() }.encode_to_vec()
            }
            Action::ListAccountInvites => pb::ListInvitesRequest { account_id, ..Default::default() }.encode_to_vec(),
            Action::GetInvite => pb::GetInviteRequest { invite_id: self.invite.to_string() }.encode_to_vec(),
            Action::RevokeInvite => pb::RevokeInviteRequest { invite_id: self.invite.to_string() }.encode_to_vec(),
            Action::ResendInvite => pb::ResendInviteRequest { invite_id: self.invite.to_string() }.encode_to_vec(),
            Action::DeclineInviteByToken => decline(pb::decline_invite_request::By::Token(text("no such token"))),
            Action::DeclineInviteById => decline(pb::decline_invite_request::By::InviteId(self.invite.to_string())),
            Action::ListInvites => {
                pb::ListInvitesRequest { r#box: pb::InviteBox::Sent.into(), ..Default::default() }.encode_to_vec()
            }
            Action::AcceptInviteByToken => accept(pb::accept_invite_request::By::Token(text("no such token"))),
            Action::AcceptInviteById => accept(pb::accept_invite_request::By::InviteId(self.invite.to_string())),
            Action::GetJob => pb::GetJobRequest { job_id }.encode_to_vec(),
            Action::WatchJob => pb::WatchJobRequest { job_id, after_revision: 0 }.encode_to_vec(),
            Action::ListOwnJobs => pb::ListJobsRequest { scope: mine, ..Default::default() }.encode_to_vec(),
            Action::ListAccountJobs => {
                pb::ListJobsRequest { scope: all, account_id, ..Default::default() }.encode_to_vec()
            }
            Action::WatchOwnJobs => pb::WatchJobsRequest { scope: mine, ..Default::default() }.encode_to_vec(),
            Action::WatchAccountJobs => pb::WatchJobsRequest { scope: all, account_id }.encode_to_vec(),
            Action::SignOut
            | Action::ListSessions
            | Action::GetPasswordPolicy
            | Action::GetProfileConstraints
            | Action::ListProfileChanges
            | Action::ListWorkCenters
            | Action::GetPreferences
            | Action::ListWorkCenterPreferences => Vec::new(),
        }
    }

    fn event(&self) -> pb::Activity {
        let text = ToOwned::to_owned;
        pb::Activity {
            event_id: text("1"),
            workcenter_id: self.workcenter.to_string(),
            kind: text("file.uploaded"),
            actor_user_id: self.person.to_string(),
            subject: Some(pb::Subject { r#type: text("file"), id: text("1"), title: text("Plan.pdf"), url: text("") }),
            audience: pb::Audience::Everyone.into(),
            ..Default::default()
        }
    }
}

fn accept(by: pb::accept_invite_request::By) -> Vec<u8> {
    pb::AcceptInviteRequest { by: Some(by), newcomer: None }.encode_to_vec()
}

fn decline(by: pb::decline_invite_request::By) -> Vec<u8> {
    pb::DeclineInviteRequest { by: Some(by), reason: String::new() }.encode_to_vec()
}

/// What a stranger is told who asks for somebody else's things; `None` where a call is about one's own alone.
fn to_a_stranger(action: Action) -> Option<(Code, &'static str)> {
    match action {
        Action::GetAccount
        | Action::UpdateAccount
        | Action::ListMembers
        | Action::UpdateMember
        | Action::RemoveMember
        | Action::CreateWorkCenter
        | Action::CreateInvite
        | Action::BatchCreateInvites
        | Action::ListAccountInvites
        | Action::RetryFailedInvites
        | Action::ListAccountJobs
        | Action::WatchAccountJobs
        | Action::WatchProfiles => Some((Code::NotFound, "ACCOUNT_NOT_FOUND")),
        Action::GetWorkCenter
        | Action::UpdateWorkCenter
        | Action::ArchiveWorkCenter
        | Action::ReactivateWorkCenter
        | Action::DeleteWorkCenter
        | Action::AddCollaborator
        | Action::UpdateCollaborator
        | Action::RemoveCollaborator
        | Action::ListCollaborators
        | Action::ListActivity
        | Action::UpdateWorkCenterPreference => Some((Code::NotFound, "WORKCENTER_NOT_FOUND")),
        Action::GetProfile | Action::GetPicture | Action::DeletePicture => Some((Code::NotFound, "USER_NOT_FOUND")),
        Action::GetJob | Action::WatchJob => Some((Code::NotFound, "JOB_NOT_FOUND")),
        Action::GetInvite
        | Action::UpdateInvite
        | Action::RevokeInvite
        | Action::ResendInvite
        | Action::DeclineInviteById
        | Action::AcceptInviteById => Some((Code::NotFound, "INVITE_NOT_FOUND")),
        // No person may at all.
        Action::CreateAccount | Action::PublishActivity => Some((Code::PermissionDenied, "NOT_ALLOWED")),
        Action::RevokeSession => Some((Code::NotFound, "SESSION_NOT_FOUND")),
        Action::SignIn
        | Action::SignOut
        | Action::ListSessions
        | Action::RequestPasswordReset
        | Action::ResetPassword
        | Action::ChangePassword
        | Action::GetPasswordPolicy
        | Action::CheckPassword
        | Action::BatchGetProfiles
        | Action::GetProfileConstraints
        | Action::RequestEmailChange
        | Action::ConfirmEmailChange
        | Action::ListProfileChanges
        | Action::UpdateProfile
        | Action::UploadPicture
        | Action::ListWorkCenters
        | Action::GetPreferences
        | Action::UpdatePreferences
        | Action::ListWorkCenterPreferences
        | Action::ListInvites
        | Action::AcceptInviteByToken
        | Action::DeclineInviteByToken
        | Action::ListOwnJobs
        | Action::WatchOwnJobs => None,
    }
}

/// The call of `action`, as whoever the metadata says.
async fn call(app: &App, action: Action, message: Vec<u8>, metadata: &[(&'static str, &str)]) -> Result<(), Status> {
    let mut request = Request::new(message);
    for (name, value) in metadata {
        request.metadata_mut().insert(*name, value.parse().unwrap());
    }
    raw::call(app.channel(), &format!("/workcenter.v1.{}", action.path()), request).await
}

async fn bearing(app: &App, action: Action, message: Vec<u8>, token: &str) -> Result<(), Status> {
    call(app, action, message, &[("authorization", &format!("Bearer {token}"))]).await
}

/// The code and the reason of a refusal, which carries exactly one reason, in our domain.
fn refusal(answer: &Result<(), Status>) -> (Code, String) {
    let status = answer.as_ref().expect_err("is refused");
    let details = status.get_error_details_vec();
    let info = |it| match it {
        tonic_types::ErrorDetail::ErrorInfo(info) => Some(info),
        _ => None,
    };
    let infos: Vec<_> = details.into_iter().filter_map(info).collect();
    let [info] = infos.as_slice() else { panic!("{} reasons in {status:?}", infos.len()) };
    assert_eq!(info.domain, DOMAIN);
    (status.code(), info.reason.clone())
}

fn refused(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}

#[test]
fn every_call_has_a_rule_and_every_rule_a_call() {
    let files = FileDescriptorSet::decode(pb::DESCRIPTORS).unwrap().file;
    let ours = files.iter().filter(|it| it.package() == "workcenter.v1");
    let services = ours.flat_map(|it| &it.service);
    let calls: BTreeSet<_> = services
        .flat_map(|service| service.method.iter().map(|method| format!("{}/{}", service.name(), method.name())))
        .collect();
    let ruled: BTreeSet<_> = Action::ALL.iter().map(|it| it.path().to_owned()).collect();
    assert_eq!(calls, ruled);
    assert!(20 < calls.len());
}

#[tokio::test]
async fn who_does_not_say_who_they_are_is_asked_to_sign_in_whatever_they_send() {
    let app = App::start().await;
    let things = Things::of_pier_works(&app).await;
    let asked = refused(Code::Unauthenticated, "CALLER_UNKNOWN");
    let is_let_in = |answer: &Result<(), Status>| answer.is_ok() || refusal(answer) != asked;
    for &action in Action::ALL {
        let open = Action::ALL.iter().any(|it| it.path() == action.path() && it.rule().anyone);
        let empty = call(&app, action, Vec::new(), &[]).await;
        assert_eq!(is_let_in(&empty), open, "{action:?} of nothing");
        let sound = call(&app, action, things.request(action), &[]).await;
        assert_eq!(is_let_in(&sound), action.rule().anyone, "{action:?}");
    }
}

#[tokio::test]
async fn a_token_that_was_made_up_is_told_so_wherever_it_is_shown() {
    let app = App::start().await;
    let things = Things::of_pier_works(&app).await;
    let unknown = format!("wcs_{}", "A".repeat(43));
    let key = format!("wck_{}", "A".repeat(43));
    for &action in Action::ALL {
        for authorization in
            [format!("Bearer {unknown}"), format!("Bearer {key}"), "Bearer x".into(), "Basic eDp5".into()]
        {
            let answer = call(&app, action, things.request(action), &[("authorization", &authorization)]).await;
            let want = refused(Code::Unauthenticated, "SESSION_INVALID");
            assert_eq!(refusal(&answer), want, "{action:?} with {authorization}");
        }
    }
}

#[tokio::test]
async fn a_service_may_do_what_its_key_is_for_and_nothing_else() {
    let app = App::start().await;
    let things = Things::of_pier_works(&app).await;
    let mut keys = vec![("nothing", app.key(&[]).await)];
    for scope in SCOPES {
        keys.push((scope, app.key(&[scope]).await));
    }
    for &action in Action::ALL.iter().filter(|it| !it.rule().anyone) {
        for (scope, key) in &keys {
            let answer = bearing(&app, action, things.request(action), key).await;
            if action.rule().scope == Some(*scope) {
                assert!(answer.is_ok(), "{action:?} with {scope}: {answer:?}");
            } else {
                let want = refused(Code::PermissionDenied, "NOT_ALLOWED");
                assert_eq!(refusal(&answer), want, "{action:?} with {scope}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_somebody_elses_is_not_there_for_a_stranger() {
    let app = App::start().await;
    let theirs = Things::of_pier_works(&app).await;
    let stranger: Person = app.account("Sea Works").await.admin;
    let service = app.key(&[SCOPE_ACT]).await;
    for &action in Action::ALL {
        let Some((code, reason)) = to_a_stranger(action) else { continue };
        let told = bearing(&app, action, theirs.request(action), &stranger.token).await;
        assert_eq!(refusal(&told), refused(code, reason), "{action:?}");

        // A service that acts for the stranger is told the same,
        let authorization = format!("Bearer {service}");
        let acting = [("authorization", authorization.as_str()), (ON_BEHALF_OF, &stranger.id.to_string())];
        let acted = call(&app, action, theirs.request(action), &acting).await;
        assert_eq!(refusal(&acted), refused(code, reason), "{action:?} on behalf of a stranger");

        // and so is whoever asks for what nobody has.
        let nowhere = bearing(&app, action, Things::nowhere().request(action), &stranger.token).await;
        assert_eq!(refusal(&nowhere), refused(code, reason), "{action:?} on nothing");
        assert_eq!(nowhere.unwrap_err().message(), told.unwrap_err().message());
    }
}
