//! Something of everything, and a sound request for every call there is.

use prost::Message;
use uuid::Uuid;
use workcenter::{access::Action, ids, pb};

use crate::{content, import};

/// Something of everything, in one account.
#[derive(Clone, Copy)]
pub struct Things {
    pub account: Uuid,
    pub workcenter: Uuid,
    /// A contributor of the WorkCenter.
    pub person: Uuid,
    /// Somebody of the account who is not in the WorkCenter.
    pub other: Uuid,
    /// A session of the person.
    pub session: Uuid,
    pub job: Uuid,
    /// To an address that nobody has.
    pub invite: Uuid,
    /// A folder of the WorkCenter, with nothing in it.
    pub folder: Uuid,
    /// A document beside it.
    pub document: Uuid,
    /// A task and a post of the WorkCenter, and a comment of the document.
    pub task: Uuid,
    pub post: Uuid,
    pub comment: Uuid,
}

impl Things {
    /// Things that there are not.
    pub fn nowhere() -> Self {
        let [account, workcenter, person, other, session] = [(); 5].map(|()| ids::new());
        let [job, invite, folder, document, task, post, comment] = [(); 7].map(|()| ids::new());
        Self { account, workcenter, person, other, session, job, invite, folder, document, task, post, comment }
    }

    /// A sound request for `action` on these.
    #[expect(clippy::too_many_lines, reason = "it has one for every call there is")]
    pub fn request(&self, action: Action) -> Vec<u8> {
        let workcenter_id = self.workcenter.to_string();
        let user_id = self.person.to_string();
        let job_id = self.job.to_string();
        let account_id = self.account.to_string();
        let text = ToOwned::to_owned;
        let daily = pb::Delivery::Daily.into();
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
            Action::DeactivateAccount => pb::DeactivateAccountRequest { account_id }.encode_to_vec(),
            Action::ReactivateAccount => pb::ReactivateAccountRequest { account_id }.encode_to_vec(),
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
                let (user_id, role) = (self.other.to_string(), pb::WorkCenterRole::Owner.into());
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
            Action::RetractActivity => {
                let event = pb::ActivityRef { workcenter_id, event_id: user_id, ..Default::default() };
                pb::RetractActivityRequest { events: vec![event] }.encode_to_vec()
            }
            Action::ListActivity => pb::ListActivityRequest { workcenter_id, ..Default::default() }.encode_to_vec(),
            Action::UpdateWorkCenterPreference => {
                let delivery = pb::Delivery::Off.into();
                pb::UpdateWorkCenterPreferenceRequest { workcenter_id, delivery }.encode_to_vec()
            }
            Action::Unsubscribe => pb::UnsubscribeRequest { token: text("no such token") }.encode_to_vec(),
            Action::Resubscribe => pb::ResubscribeRequest { token: text("no such token") }.encode_to_vec(),
            Action::ListSuppressedAddresses => {
                pb::ListSuppressedAddressesRequest { account_id, ..Default::default() }.encode_to_vec()
            }
            Action::ClearSuppressedAddress => {
                pb::ClearSuppressedAddressRequest { account_id, email: text("member@example.com") }.encode_to_vec()
            }
            Action::BatchUpdateWorkCenterPreferences => {
                pb::BatchUpdateWorkCenterPreferencesRequest { rows: Vec::new(), all: pb::Delivery::Off.into() }
                    .encode_to_vec()
            }
            Action::UpdateAdministratorDigest => {
                let delivery = pb::Delivery::Off.into();
                let digest = Some(pb::AdministratorDigest { account_id, delivery, ..Default::default() });
                pb::UpdateAdministratorDigestRequest { digest, ..Default::default() }.encode_to_vec()
            }
            Action::GetProfile => pb::GetProfileRequest { user_id }.encode_to_vec(),
            Action::UpdateProfile => {
                let profile = Some(pb::Profile { job_title: text("Foreman"), ..Default::default() });
                pb::UpdateProfileRequest { profile, ..Default::default() }.encode_to_vec()
            }
            Action::RequestPasswordReset => {
                // Who asks about a real one as often as the tests do is asked to wait.
                pb::RequestPasswordResetRequest { email: text("nobody") }.encode_to_vec()
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
            Action::RevokeSession => pb::RevokeSessionRequest { session_id: self.session.to_string() }.encode_to_vec(),
            Action::BatchGetProfiles => pb::BatchGetProfilesRequest { user_ids: vec![user_id] }.encode_to_vec(),
            Action::RequestEmailChange => {
                let (new_email, password) = (text("new@example.com"), text("not the password"));
                pb::RequestEmailChangeRequest { new_email, password }.encode_to_vec()
            }
            Action::RequestNotificationAddress => {
                // Who asks for a real one as often as the tests do is asked to wait.
                pb::RequestNotificationAddressRequest { email: text("nobody") }.encode_to_vec()
            }
            Action::ConfirmNotificationAddress => {
                pb::ConfirmNotificationAddressRequest { token: text("no such token") }.encode_to_vec()
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
            Action::PreviewDigest => {
                pb::PreviewDigestRequest { account_id, cadence: daily, ..Default::default() }.encode_to_vec()
            }
            Action::SendTestDigest => {
                pb::SendTestDigestRequest { account_id, cadence: daily, ..Default::default() }.encode_to_vec()
            }
            Action::ExplainNotification => {
                pb::ExplainNotificationRequest { user_id, workcenter_id, seq: 1, ..Default::default() }.encode_to_vec()
            }
            Action::CreateInvite => {
                let email = format!("{}@example.com", ids::new().simple());
                pb::CreateInviteRequest { email, account_id, ..Default::default() }.encode_to_vec()
            }
            Action::BatchCreateInvites => {
                let rows = vec![pb::InviteRow { email: text("another@example.com"), ..Default::default() }];
                pb::BatchCreateInvitesRequest { account_id, rows, ..Default::default() }.encode_to_vec()
            }
            Action::ImportInvites => {
                let metadata = pb::ImportInvitesMetadata { account_id, ..Default::default() };
                let part = Some(pb::import_invites_request::Part::Metadata(metadata));
                pb::ImportInvitesRequest { part }.encode_to_vec()
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
            | Action::RemoveNotificationAddress
            | Action::ListWorkCenterPreferences
            | Action::ListAdministratorDigests => Vec::new(),
            Action::CreateFolder
            | Action::GetFolder
            | Action::UpdateFolder
            | Action::DeleteFolder
            | Action::RestoreFolder
            | Action::ListContents
            | Action::UploadDocument
            | Action::DownloadDocument
            | Action::GetDocument
            | Action::UpdateDocument
            | Action::DeleteDocument
            | Action::RestoreDocument
            | Action::ListDocumentVersions => self.content_request(action),
            Action::CreateTask
            | Action::GetTask
            | Action::ListTasks
            | Action::UpdateTask
            | Action::StartTask
            | Action::FinishTask
            | Action::ApproveTask
            | Action::DeclineTask
            | Action::ReopenTask
            | Action::DeleteTask
            | Action::RestoreTask => self.task_request(action),
            Action::CreatePost
            | Action::GetPost
            | Action::ListPosts
            | Action::UpdatePost
            | Action::DeletePost
            | Action::CreateComment
            | Action::ListComments
            | Action::UpdateComment
            | Action::DeleteComment => self.said_request(action),
            Action::BulkCopy | Action::BulkMove | Action::BulkDelete | Action::BulkRestore => self.bulk_request(action),
            Action::ImportDocuments => {
                let metadata = import::announced(self.workcenter, b"PK");
                import::first(metadata).encode_to_vec()
            }
            Action::MarkAsTemplate
            | Action::CreateFromTemplate
            | Action::ListTemplateContents
            | Action::ApplyTemplate
            | Action::PublishTemplate => self.template_request(action),
            Action::ListJobItems => pb::ListJobItemsRequest { job_id, ..Default::default() }.encode_to_vec(),
            Action::ExportJobItems => pb::ExportJobItemsRequest { job_id, states: Vec::new() }.encode_to_vec(),
            Action::CancelJob => pb::CancelJobRequest { job_id }.encode_to_vec(),
            Action::RetryFailedItems => {
                pb::RetryFailedItemsRequest { job_id, request_id: String::new() }.encode_to_vec()
            }
        }
    }

    /// A sound request about the WorkCenter as a template, which it is not.
    fn template_request(&self, action: Action) -> Vec<u8> {
        let workcenter_id = self.workcenter.to_string();
        match action {
            // It is none before, and none after.
            Action::MarkAsTemplate => pb::MarkAsTemplateRequest { workcenter_id, unmark: true }.encode_to_vec(),
            Action::CreateFromTemplate => {
                let (template_id, name) = (workcenter_id, "New".to_owned());
                pb::CreateFromTemplateRequest { template_id, name, ..Default::default() }.encode_to_vec()
            }
            Action::ListTemplateContents => {
                pb::ListTemplateContentsRequest { template_id: workcenter_id, ..Default::default() }.encode_to_vec()
            }
            Action::ApplyTemplate => {
                let (template_id, target_workcenter_id) = (workcenter_id.clone(), workcenter_id);
                pb::ApplyTemplateRequest { template_id, target_workcenter_id, ..Default::default() }.encode_to_vec()
            }
            _ => {
                let (template_id, target_category) = (workcenter_id, "Piers".to_owned());
                pb::PublishTemplateRequest { template_id, target_category, ..Default::default() }.encode_to_vec()
            }
        }
    }

    /// The same for what is about what a WorkCenter holds.
    /// A sound request for a job over the document.
    fn bulk_request(&self, action: Action) -> Vec<u8> {
        let item = Some(pb::bulk_item::Item::DocumentId(self.document.to_string()));
        let items = vec![pb::BulkItem { item, ..Default::default() }];
        let target = Some(pb::BulkTarget { workcenter_id: self.workcenter.to_string(), folder_id: String::new() });
        match action {
            Action::BulkCopy => pb::BulkCopyRequest { items, target, ..Default::default() }.encode_to_vec(),
            Action::BulkMove => pb::BulkMoveRequest { items, target, ..Default::default() }.encode_to_vec(),
            Action::BulkDelete => pb::BulkDeleteRequest { items, ..Default::default() }.encode_to_vec(),
            _ => pb::BulkRestoreRequest { items, ..Default::default() }.encode_to_vec(),
        }
    }

    fn content_request(&self, action: Action) -> Vec<u8> {
        let workcenter_id = self.workcenter.to_string();
        let (folder_id, document_id) = (self.folder.to_string(), self.document.to_string());
        let name = format!("New of {user}", user = self.person);
        match action {
            Action::CreateFolder => {
                pb::CreateFolderRequest { workcenter_id, name, ..Default::default() }.encode_to_vec()
            }
            Action::GetFolder => pb::GetFolderRequest { folder_id }.encode_to_vec(),
            Action::UpdateFolder => {
                let folder = Some(pb::Folder { folder_id, name, ..Default::default() });
                pb::UpdateFolderRequest { folder, ..Default::default() }.encode_to_vec()
            }
            Action::DeleteFolder => pb::DeleteFolderRequest { folder_id, ..Default::default() }.encode_to_vec(),
            Action::RestoreFolder => pb::RestoreFolderRequest { folder_id }.encode_to_vec(),
            Action::ListContents => pb::ListContentsRequest { workcenter_id, ..Default::default() }.encode_to_vec(),
            Action::UploadDocument => {
                let metadata = pb::UploadDocumentMetadata { workcenter_id, name, ..content::announced(b"plan") };
                let part = Some(pb::upload_document_request::Part::Metadata(metadata));
                pb::UploadDocumentRequest { part }.encode_to_vec()
            }
            Action::DownloadDocument => {
                pb::DownloadDocumentRequest { document_id, ..Default::default() }.encode_to_vec()
            }
            Action::GetDocument => pb::GetDocumentRequest { document_id }.encode_to_vec(),
            Action::UpdateDocument => {
                let document = Some(pb::Document { document_id, name, ..Default::default() });
                pb::UpdateDocumentRequest { document, ..Default::default() }.encode_to_vec()
            }
            Action::DeleteDocument => pb::DeleteDocumentRequest { document_id, ..Default::default() }.encode_to_vec(),
            Action::RestoreDocument => pb::RestoreDocumentRequest { document_id }.encode_to_vec(),
            Action::ListDocumentVersions => {
                pb::ListDocumentVersionsRequest { document_id, ..Default::default() }.encode_to_vec()
            }
            _ => unreachable!("{action:?} is about something else"),
        }
    }

    fn event(&self) -> pb::Activity {
        let text = ToOwned::to_owned;
        pb::Activity {
            event_id: self.person.to_string(),
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
    pb::AcceptInviteRequest { by: Some(by), newcomer: None, ..Default::default() }.encode_to_vec()
}

fn decline(by: pb::decline_invite_request::By) -> Vec<u8> {
    pb::DeclineInviteRequest { by: Some(by), reason: String::new() }.encode_to_vec()
}
