//! The rules, one for every call: default deny, and a test holds that no call of the API is without one.

use uuid::Uuid;

use super::{AccountRole, Resource, Standing, WorkCenterRole};
use crate::auth::{SCOPE_ACCOUNTS, SCOPE_JOBS, SCOPE_PROFILES, SCOPE_PUBLISH};

/// What a person has to be to the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Anybody who is signed in: the call is about their own.
    Oneself,
    /// The person, or somebody who shares an account or a WorkCenter with them.
    Acquaintance,
    /// The person, or an administrator of an account that they are in.
    OneselfOrAdministrator,
    /// Anybody of the account, guests too.
    Insider,
    /// A member or administrator of the account.
    Member,
    /// An administrator of the account.
    Administrator,
    /// As [`Self::Administrator`], or the one whose membership it is.
    AdministratorOrOneself,
    /// A collaborator of the WorkCenter, or an administrator of its account.
    Reader,
    /// As [`Self::Reader`], and a member or administrator of its account.
    Founder,
    /// A collaborator of the WorkCenter.
    Collaborator,
    /// A contributor to the WorkCenter, or an owner of it; an administrator of its account only where they are one, too.
    Contributor,
    /// A collaborator of the WorkCenter whom the task names for this, be it as a reader.
    Tasked,
    /// A collaborator of the WorkCenter who wrote it.
    Author,
    /// As [`Self::Author`], or an owner of the WorkCenter, or an administrator of its account.
    AuthorOrOwner,
    /// An owner of the WorkCenter; an administrator of its account only where they are one, too.
    Proprietor,
    /// An owner of the WorkCenter, or an administrator of its account.
    Owner,
    /// As [`Self::Owner`], or the one whose place it is.
    OwnerOrOneself,
    /// An administrator of the WorkCenter's account.
    Keeper,
    /// An administrator of the account, or the one it is about. Nobody else may know of it.
    KeeperOrOneself,
    /// Who started the job, or an administrator of its account.
    Initiator,
    /// Who sent the invite, or an administrator of its account.
    Inviter,
    /// As [`Self::Inviter`], or the one whose address it is.
    InviterOrInvited,
}

impl Relation {
    /// Whether the caller may know that the resource exists.
    pub(super) fn sees(self, standing: &Standing, person: Uuid, resource: Resource) -> bool {
        match self {
            Self::Oneself => true,
            Self::Acquaintance | Self::OneselfOrAdministrator => standing.acquainted,
            Self::Insider | Self::Member | Self::Administrator | Self::AdministratorOrOneself => {
                standing.account_role.is_some()
            }
            Self::Reader
            | Self::Founder
            | Self::Collaborator
            | Self::Contributor
            | Self::Tasked
            | Self::Author
            | Self::AuthorOrOwner
            | Self::Proprietor
            | Self::Owner
            | Self::OwnerOrOneself
            | Self::Keeper => standing.workcenter_role.is_some() || standing.administers(),
            Self::Initiator | Self::InviterOrInvited | Self::KeeperOrOneself => {
                self.suffices(standing, person, resource)
            }
            Self::Inviter => Self::InviterOrInvited.suffices(standing, person, resource),
        }
    }

    /// Whether what it is asked for in a WorkCenter changes nothing there.
    pub(super) fn reads(self) -> bool {
        matches!(self, Self::Reader | Self::KeeperOrOneself)
    }

    /// Whether that is enough for the call.
    pub(super) fn suffices(self, standing: &Standing, person: Uuid, resource: Resource) -> bool {
        match self {
            Self::Oneself | Self::Acquaintance | Self::Insider | Self::Reader => true,
            Self::OneselfOrAdministrator => resource == Resource::Person(person) || standing.administers(),
            Self::Member | Self::Founder => standing.account_role >= Some(AccountRole::Member),
            Self::Administrator | Self::Keeper => standing.administers(),
            Self::AdministratorOrOneself => {
                standing.administers() || matches!(resource, Resource::Member { of, .. } if of == person)
            }
            Self::Collaborator => standing.workcenter_role.is_some(),
            Self::Contributor => standing.workcenter_role >= Some(WorkCenterRole::Contributor),
            Self::Tasked => {
                standing.workcenter_role.is_some() && matches!(resource, Resource::Task { is_theirs: true, .. })
            }
            Self::Author => {
                standing.workcenter_role.is_some()
                    && matches!(resource, Resource::Post { author: Some(by), .. }
                        | Resource::Comment { author: Some(by), .. } if by == person)
            }
            Self::AuthorOrOwner => {
                Self::Author.suffices(standing, person, resource) || Self::Owner.suffices(standing, person, resource)
            }
            Self::Proprietor => standing.workcenter_role == Some(WorkCenterRole::Owner),
            Self::Owner => standing.administers() || standing.workcenter_role == Some(WorkCenterRole::Owner),
            Self::KeeperOrOneself => {
                let is_oneself =
                    matches!(resource, Resource::Place { of, .. } | Resource::Member { of, .. } if of == person);
                standing.administers() || is_oneself
            }
            Self::OwnerOrOneself => {
                matches!(resource, Resource::Place { of, .. } if of == person)
                    || Self::Owner.suffices(standing, person, resource)
            }
            Self::Initiator => {
                standing.administers() || matches!(resource, Resource::Job { initiator: Some(by), .. } if by == person)
            }
            Self::Inviter => {
                standing.administers() || matches!(resource, Resource::Invite { inviter: Some(by), .. } if by == person)
            }
            Self::InviterOrInvited => {
                matches!(resource, Resource::Invite { invited: Some(of), .. } if of == person)
                    || Self::Inviter.suffices(standing, person, resource)
            }
        }
    }
}

/// Who may take an action.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Whether nobody in particular may.
    pub anyone: bool,
    /// What a person, or the one a service acts for, has to be.
    pub person: Option<Relation>,
    /// The scope with which a service may by itself.
    pub scope: Option<&'static str>,
}

const fn people(relation: Relation) -> Rule {
    Rule { anyone: false, person: Some(relation), scope: None }
}

const fn services(scope: &'static str) -> Rule {
    Rule { anyone: false, person: None, scope: Some(scope) }
}

const fn people_and(relation: Relation, scope: &'static str) -> Rule {
    Rule { anyone: false, person: Some(relation), scope: Some(scope) }
}

const ANYONE: Rule = Rule { anyone: true, person: Some(Relation::Oneself), scope: None };

/// Declares the actions with the call each belongs to and its rule.
macro_rules! actions {
    ($($action:ident $path:literal $rule:expr;)*) => {
        /// Everything that a caller can ask for. A call whose scopes differ in their rules has one for each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each is the call that it is named for")]
        pub enum Action { $($action,)* }

        impl Action {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$action,)*];

            /// The call it belongs to, as `Service/Method`.
            pub fn path(self) -> &'static str {
                match self { $(Self::$action => $path,)* }
            }

            /// Who may.
            pub fn rule(self) -> Rule {
                match self { $(Self::$action => $rule,)* }
            }
        }
    };
}

actions! {
    SignIn "SessionService/SignIn" ANYONE;
    SignOut "SessionService/SignOut" people(Relation::Oneself);
    ListSessions "SessionService/ListSessions" people(Relation::Oneself);
    RevokeSession "SessionService/RevokeSession" people(Relation::Oneself);
    RequestPasswordReset "SessionService/RequestPasswordReset" ANYONE;
    ResetPassword "SessionService/ResetPassword" ANYONE;
    ChangePassword "SessionService/ChangePassword" people(Relation::Oneself);
    GetPasswordPolicy "SessionService/GetPasswordPolicy" ANYONE;
    CheckPassword "SessionService/CheckPassword" ANYONE;
    GetProfile "ProfileService/GetProfile" people_and(Relation::Acquaintance, SCOPE_PROFILES);
    BatchGetProfiles "ProfileService/BatchGetProfiles" people_and(Relation::Oneself, SCOPE_PROFILES);
    GetProfileConstraints "ProfileService/GetProfileConstraints" ANYONE;
    UpdateProfile "ProfileService/UpdateProfile" people(Relation::Oneself);
    RequestEmailChange "ProfileService/RequestEmailChange" people(Relation::Oneself);
    ConfirmEmailChange "ProfileService/ConfirmEmailChange" ANYONE;
    ListProfileChanges "ProfileService/ListProfileChanges" people(Relation::Oneself);
    WatchProfiles "ProfileService/WatchProfiles" people_and(Relation::Member, SCOPE_PROFILES);
    UploadPicture "ProfileService/UploadPicture" people(Relation::Oneself);
    GetPicture "ProfileService/GetPicture" people(Relation::Acquaintance);
    DeletePicture "ProfileService/DeletePicture" people(Relation::OneselfOrAdministrator);
    CreateAccount "AccountService/CreateAccount" services(SCOPE_ACCOUNTS);
    GetAccount "AccountService/GetAccount" people(Relation::Insider);
    UpdateAccount "AccountService/UpdateAccount" people_and(Relation::Administrator, SCOPE_ACCOUNTS);
    DeactivateAccount "AccountService/DeactivateAccount" people_and(Relation::Administrator, SCOPE_ACCOUNTS);
    ReactivateAccount "AccountService/ReactivateAccount" people_and(Relation::Administrator, SCOPE_ACCOUNTS);
    ListMembers "AccountService/ListMembers" people(Relation::Member);
    UpdateMember "AccountService/UpdateMember" people(Relation::Administrator);
    RemoveMember "AccountService/RemoveMember" people(Relation::AdministratorOrOneself);
    CreateWorkCenter "WorkCenterService/CreateWorkCenter" people(Relation::Member);
    GetWorkCenter "WorkCenterService/GetWorkCenter" people(Relation::Reader);
    ListWorkCenters "WorkCenterService/ListWorkCenters" people(Relation::Oneself);
    UpdateWorkCenter "WorkCenterService/UpdateWorkCenter" people(Relation::Owner);
    ArchiveWorkCenter "WorkCenterService/ArchiveWorkCenter" people(Relation::Owner);
    ReactivateWorkCenter "WorkCenterService/ReactivateWorkCenter" people(Relation::Owner);
    DeleteWorkCenter "WorkCenterService/DeleteWorkCenter" people(Relation::Keeper);
    AddCollaborator "WorkCenterService/AddCollaborator" people(Relation::Owner);
    UpdateCollaborator "WorkCenterService/UpdateCollaborator" people(Relation::Owner);
    RemoveCollaborator "WorkCenterService/RemoveCollaborator" people(Relation::OwnerOrOneself);
    ListCollaborators "WorkCenterService/ListCollaborators" people(Relation::Reader);
    CreateFolder "ContentService/CreateFolder" people(Relation::Proprietor);
    GetFolder "ContentService/GetFolder" people(Relation::Reader);
    UpdateFolder "ContentService/UpdateFolder" people(Relation::Proprietor);
    DeleteFolder "ContentService/DeleteFolder" people(Relation::Proprietor);
    RestoreFolder "ContentService/RestoreFolder" people(Relation::Proprietor);
    ListContents "ContentService/ListContents" people(Relation::Reader);
    UploadDocument "ContentService/UploadDocument" people(Relation::Contributor);
    DownloadDocument "ContentService/DownloadDocument" people(Relation::Reader);
    GetDocument "ContentService/GetDocument" people(Relation::Reader);
    UpdateDocument "ContentService/UpdateDocument" people(Relation::Contributor);
    DeleteDocument "ContentService/DeleteDocument" people(Relation::Contributor);
    RestoreDocument "ContentService/RestoreDocument" people(Relation::Contributor);
    ListDocumentVersions "ContentService/ListDocumentVersions" people(Relation::Reader);
    CreateTask "ContentService/CreateTask" people(Relation::Contributor);
    GetTask "ContentService/GetTask" people(Relation::Reader);
    ListTasks "ContentService/ListTasks" people(Relation::Reader);
    UpdateTask "ContentService/UpdateTask" people(Relation::Contributor);
    StartTask "ContentService/StartTask" people(Relation::Tasked);
    FinishTask "ContentService/FinishTask" people(Relation::Tasked);
    ApproveTask "ContentService/ApproveTask" people(Relation::Tasked);
    DeclineTask "ContentService/DeclineTask" people(Relation::Tasked);
    ReopenTask "ContentService/ReopenTask" people(Relation::Contributor);
    DeleteTask "ContentService/DeleteTask" people(Relation::Contributor);
    RestoreTask "ContentService/RestoreTask" people(Relation::Contributor);
    CreatePost "ContentService/CreatePost" people(Relation::Contributor);
    GetPost "ContentService/GetPost" people(Relation::Reader);
    ListPosts "ContentService/ListPosts" people(Relation::Reader);
    UpdatePost "ContentService/UpdatePost" people(Relation::Author);
    DeletePost "ContentService/DeletePost" people(Relation::AuthorOrOwner);
    CreateComment "ContentService/CreateComment" people(Relation::Contributor);
    ListComments "ContentService/ListComments" people(Relation::Reader);
    UpdateComment "ContentService/UpdateComment" people(Relation::Author);
    DeleteComment "ContentService/DeleteComment" people(Relation::AuthorOrOwner);
    PublishActivity "ActivityService/PublishActivity" services(SCOPE_PUBLISH);
    RetractActivity "ActivityService/RetractActivity" services(SCOPE_PUBLISH);
    ListActivity "ActivityService/ListActivity" people(Relation::Reader);
    GetPreferences "PreferenceService/GetPreferences" people(Relation::Oneself);
    UpdatePreferences "PreferenceService/UpdatePreferences" people(Relation::Oneself);
    ListWorkCenterPreferences "PreferenceService/ListWorkCenterPreferences" people(Relation::Oneself);
    UpdateWorkCenterPreference "PreferenceService/UpdateWorkCenterPreference" people(Relation::Collaborator);
    Unsubscribe "PreferenceService/Unsubscribe" ANYONE;
    Resubscribe "PreferenceService/Resubscribe" ANYONE;
    ListSuppressedAddresses "PreferenceService/ListSuppressedAddresses" people(Relation::Administrator);
    ClearSuppressedAddress "PreferenceService/ClearSuppressedAddress" people(Relation::Administrator);
    PreviewDigest "PreferenceService/PreviewDigest" people(Relation::Insider);
    SendTestDigest "PreferenceService/SendTestDigest" people(Relation::Insider);
    ExplainNotification "PreferenceService/ExplainNotification" people(Relation::KeeperOrOneself);
    RequestNotificationAddress "PreferenceService/RequestNotificationAddress" people(Relation::Oneself);
    ConfirmNotificationAddress "PreferenceService/ConfirmNotificationAddress" ANYONE;
    RemoveNotificationAddress "PreferenceService/RemoveNotificationAddress" people(Relation::Oneself);
    BatchUpdateWorkCenterPreferences "PreferenceService/BatchUpdateWorkCenterPreferences" people(Relation::Oneself);
    ListAdministratorDigests "PreferenceService/ListAdministratorDigests" people(Relation::Oneself);
    UpdateAdministratorDigest "PreferenceService/UpdateAdministratorDigest" people(Relation::Administrator);
    CreateInvite "InviteService/CreateInvite" people(Relation::Member);
    BatchCreateInvites "InviteService/BatchCreateInvites" people(Relation::Member);
    ImportInvites "InviteService/ImportInvites" people(Relation::Member);
    GetInvite "InviteService/GetInvite" people(Relation::InviterOrInvited);
    ListInvites "InviteService/ListInvites" people(Relation::Oneself);
    ListAccountInvites "InviteService/ListInvites" people(Relation::Administrator);
    UpdateInvite "InviteService/UpdateInvite" people(Relation::Inviter);
    AcceptInviteByToken "InviteService/AcceptInvite" ANYONE;
    AcceptInviteById "InviteService/AcceptInvite" people(Relation::Oneself);
    DeclineInviteByToken "InviteService/DeclineInvite" ANYONE;
    DeclineInviteById "InviteService/DeclineInvite" people(Relation::Oneself);
    RevokeInvite "InviteService/RevokeInvite" people(Relation::Inviter);
    ResendInvite "InviteService/ResendInvite" people(Relation::Inviter);
    RetryFailedInvites "InviteService/RetryFailedInvites" people(Relation::Member);
    BulkCopy "ContentService/BulkCopy" people(Relation::Contributor);
    BulkMove "ContentService/BulkMove" people(Relation::Contributor);
    BulkDelete "ContentService/BulkDelete" people(Relation::Oneself);
    BulkRestore "ContentService/BulkRestore" people(Relation::Oneself);
    ImportDocuments "ContentService/ImportDocuments" people(Relation::Contributor);
    MarkAsTemplate "TemplateService/MarkAsTemplate" people(Relation::Owner);
    CreateFromTemplate "TemplateService/CreateFromTemplate" people(Relation::Founder);
    ListTemplateContents "TemplateService/ListTemplateContents" people(Relation::Reader);
    ApplyTemplate "TemplateService/ApplyTemplate" people(Relation::Owner);
    PublishTemplate "TemplateService/PublishTemplate" people(Relation::Keeper);
    GetJob "JobService/GetJob" people_and(Relation::Initiator, SCOPE_JOBS);
    ListOwnJobs "JobService/ListJobs" people(Relation::Oneself);
    ListAccountJobs "JobService/ListJobs" people_and(Relation::Administrator, SCOPE_JOBS);
    WatchJob "JobService/WatchJob" people_and(Relation::Initiator, SCOPE_JOBS);
    WatchOwnJobs "JobService/WatchJobs" people(Relation::Oneself);
    WatchAccountJobs "JobService/WatchJobs" people_and(Relation::Administrator, SCOPE_JOBS);
    ListJobItems "JobService/ListJobItems" people_and(Relation::Initiator, SCOPE_JOBS);
    ExportJobItems "JobService/ExportJobItems" people_and(Relation::Initiator, SCOPE_JOBS);
    CancelJob "JobService/CancelJob" people(Relation::Initiator);
    RetryFailedItems "JobService/RetryFailedItems" people(Relation::Initiator);
}
