//! Who may do what, a line for every call there is: the contract, written by hand and not taken from the rules that it
//! is held against.

use workcenter::{
    access::Action,
    auth::{SCOPE_ACCOUNTS, SCOPE_ACT, SCOPE_JOBS, SCOPE_PROFILES, SCOPE_PUBLISH, SCOPES},
};

use self::Answer::{Done, LetIn, NoCaller, NoSession, NotAllowed, NotFound};

/// What one kind of caller is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `+`: it is done.
    Done,
    /// `~`: they are let in, and what they ask for cannot be had by anybody.
    LetIn,
    /// `-`: `PERMISSION_DENIED` with `NOT_ALLOWED`.
    NotAllowed,
    /// `?`: `NOT_FOUND` with this reason, the one at the end of the line.
    NotFound(String),
    /// `!`: `UNAUTHENTICATED` with `CALLER_UNKNOWN`.
    NoCaller,
    /// `x`: `UNAUTHENTICATED` with `SESSION_INVALID`.
    NoSession,
}

/// The people who call, in the order of the columns. All but the first are in one account; the WorkCenter is one of it,
/// the person asked about contributes to it, its owner has sent the invite and written the post and the comment and is to
/// approve the task, which is nobody's to do, and nobody of them has started the job.
pub const PEOPLE: [&str; 7] = [
    "an administrator of another account",
    "a guest of the account",
    "a member of the account",
    "a reader of the WorkCenter",
    "a contributor to it",
    "its owner",
    "an administrator of the account",
];

/// Declares the lines.
macro_rules! table {
    ($($action:ident $line:literal)*) => {
        fn line(action: Action) -> &'static str {
            match action { $(Action::$action => $line,)* }
        }
    };
}

table! {
    // + done   ~ let in   - not allowed   ? not found   ! who are you?   x your session is over
    //
    //                          nobody, a session that has expired
    //                          |  people: stranger, guest, member, reader, contributor, owner, administrator
    //                          |  |       keys with one scope: act, activity, jobs, profiles, accounts
    //                          |  |       |     a key with all of them, acting for the stranger
    SignIn                     "~x ~~~~~~~ ~~~~~ ~"
    SignOut                    "!x +++++++ ----- -"
    ListSessions               "!x +++++++ ----- +"
    RevokeSession              "!x ??????? ----- ? SESSION_NOT_FOUND"
    RequestPasswordReset       "~x ~~~~~~~ ~~~~~ ~"
    ResetPassword              "~x ~~~~~~~ ~~~~~ ~"
    ChangePassword             "!x ~~~~~~~ ----- ~"
    GetPasswordPolicy          "+x +++++++ +++++ +"
    CheckPassword              "+x +++++++ +++++ +"
    GetProfile                 "!x ??+++++ ---+- ? USER_NOT_FOUND"
    BatchGetProfiles           "!x +++++++ ---+- +"
    GetProfileConstraints      "+x +++++++ +++++ +"
    UpdateProfile              "!x +++++++ ----- +"
    RequestEmailChange         "!x ~~~~~~~ ----- ~"
    ConfirmEmailChange         "~x ~~~~~~~ ~~~~~ ~"
    ListProfileChanges         "!x +++++++ ----- +"
    WatchProfiles              "!x ?-+++++ ---+- ? ACCOUNT_NOT_FOUND"
    UploadPicture              "!x ~~~~~~~ ----- ~"
    GetPicture                 "!x ??+++++ ----- ? USER_NOT_FOUND"
    DeletePicture              "!x ??----+ ----- ? USER_NOT_FOUND"
    CreateAccount              "!x ------- ----+ +"
    GetAccount                 "!x ?++++++ ----- ? ACCOUNT_NOT_FOUND"
    UpdateAccount              "!x ?-----+ ----+ ? ACCOUNT_NOT_FOUND"
    DeactivateAccount          "!x ?-----+ ----+ ? ACCOUNT_NOT_FOUND"
    ReactivateAccount          "!x ?-----+ ----+ ? ACCOUNT_NOT_FOUND"
    ListMembers                "!x ?-+++++ ----- ? ACCOUNT_NOT_FOUND"
    UpdateMember               "!x ?-----+ ----- ? ACCOUNT_NOT_FOUND"
    RemoveMember               "!x ?-----+ ----- ? ACCOUNT_NOT_FOUND"
    CreateWorkCenter           "!x ?-+++++ ----- ? ACCOUNT_NOT_FOUND"
    GetWorkCenter              "!x ???++++ ----- ? WORKCENTER_NOT_FOUND"
    ListWorkCenters            "!x +++++++ ----- +"
    UpdateWorkCenter           "!x ???--++ ----- ? WORKCENTER_NOT_FOUND"
    ArchiveWorkCenter          "!x ???--++ ----- ? WORKCENTER_NOT_FOUND"
    ReactivateWorkCenter       "!x ???--++ ----- ? WORKCENTER_NOT_FOUND"
    DeleteWorkCenter           "!x ???---+ ----- ? WORKCENTER_NOT_FOUND"
    AddCollaborator            "!x ???--++ ----- ? WORKCENTER_NOT_FOUND"
    UpdateCollaborator         "!x ???--++ ----- ? WORKCENTER_NOT_FOUND"
    RemoveCollaborator         "!x ???--++ ----- ? WORKCENTER_NOT_FOUND"
    ListCollaborators          "!x ???++++ ----- ? WORKCENTER_NOT_FOUND"
    CreateFolder               "!x ???--+- ----- ? WORKCENTER_NOT_FOUND"
    GetFolder                  "!x ???++++ ----- ? FOLDER_NOT_FOUND"
    UpdateFolder               "!x ???--+- ----- ? FOLDER_NOT_FOUND"
    DeleteFolder               "!x ???--+- ----- ? FOLDER_NOT_FOUND"
    RestoreFolder              "!x ???--+- ----- ? FOLDER_NOT_FOUND"
    ListContents               "!x ???++++ ----- ? WORKCENTER_NOT_FOUND"
    UploadDocument             "!x ???-~~- ----- ? WORKCENTER_NOT_FOUND"
    DownloadDocument           "!x ???++++ ----- ? DOCUMENT_NOT_FOUND"
    GetDocument                "!x ???++++ ----- ? DOCUMENT_NOT_FOUND"
    UpdateDocument             "!x ???-++- ----- ? DOCUMENT_NOT_FOUND"
    DeleteDocument             "!x ???-++- ----- ? DOCUMENT_NOT_FOUND"
    RestoreDocument            "!x ???-++- ----- ? DOCUMENT_NOT_FOUND"
    ListDocumentVersions       "!x ???++++ ----- ? DOCUMENT_NOT_FOUND"
    CreateTask                 "!x ???-++- ----- ? WORKCENTER_NOT_FOUND"
    GetTask                    "!x ???++++ ----- ? TASK_NOT_FOUND"
    ListTasks                  "!x ???++++ ----- ? WORKCENTER_NOT_FOUND"
    UpdateTask                 "!x ???-++- ----- ? TASK_NOT_FOUND"
    StartTask                  "!x ???-++- ----- ? TASK_NOT_FOUND"
    FinishTask                 "!x ???-++- ----- ? TASK_NOT_FOUND"
    ApproveTask                "!x ???--~- ----- ? TASK_NOT_FOUND"
    DeclineTask                "!x ???--~- ----- ? TASK_NOT_FOUND"
    ReopenTask                 "!x ???-~~- ----- ? TASK_NOT_FOUND"
    DeleteTask                 "!x ???-++- ----- ? TASK_NOT_FOUND"
    RestoreTask                "!x ???-++- ----- ? TASK_NOT_FOUND"
    CreatePost                 "!x ???-++- ----- ? WORKCENTER_NOT_FOUND"
    GetPost                    "!x ???++++ ----- ? POST_NOT_FOUND"
    ListPosts                  "!x ???++++ ----- ? WORKCENTER_NOT_FOUND"
    UpdatePost                 "!x ???--+- ----- ? POST_NOT_FOUND"
    DeletePost                 "!x ???--++ ----- ? POST_NOT_FOUND"
    CreateComment              "!x ???-++- ----- ? DOCUMENT_NOT_FOUND"
    ListComments               "!x ???++++ ----- ? DOCUMENT_NOT_FOUND"
    UpdateComment              "!x ???--+- ----- ? COMMENT_NOT_FOUND"
    DeleteComment              "!x ???--++ ----- ? COMMENT_NOT_FOUND"
    PublishActivity            "!x ------- -+--- +"
    RetractActivity            "!x ------- -+--- +"
    ListActivity               "!x ???++++ ----- ? WORKCENTER_NOT_FOUND"
    GetPreferences             "!x +++++++ ----- +"
    UpdatePreferences          "!x +++++++ ----- +"
    ListWorkCenterPreferences  "!x +++++++ ----- +"
    UpdateWorkCenterPreference "!x ???+++- ----- ? WORKCENTER_NOT_FOUND"
    Unsubscribe                "~x ~~~~~~~ ~~~~~ ~"
    Resubscribe                "~x ~~~~~~~ ~~~~~ ~"
    ListSuppressedAddresses    "!x ?-----+ ----- ? ACCOUNT_NOT_FOUND"
    ClearSuppressedAddress     "!x ?-----+ ----- ? ACCOUNT_NOT_FOUND"
    PreviewDigest              "!x ?++++++ ----- ? ACCOUNT_NOT_FOUND"
    SendTestDigest             "!x ?++++++ ----- ? ACCOUNT_NOT_FOUND"
    ExplainNotification        "!x ??????+ ----- ? WORKCENTER_NOT_FOUND"
    RequestNotificationAddress "!x ~~~~~~~ ----- ~"
    ConfirmNotificationAddress "~x ~~~~~~~ ~~~~~ ~"
    RemoveNotificationAddress  "!x +++++++ ----- +"
    BatchUpdateWorkCenterPreferences "!x +++++++ ----- +"
    ListAdministratorDigests   "!x +++++++ ----- +"
    UpdateAdministratorDigest  "!x ?-----+ ----- ? ACCOUNT_NOT_FOUND"
    CreateInvite               "!x ?-+++++ ----- ? ACCOUNT_NOT_FOUND"
    BatchCreateInvites         "!x ?-+++++ ----- ? ACCOUNT_NOT_FOUND"
    ImportInvites              "!x ?-~~~~~ ----- ? ACCOUNT_NOT_FOUND"
    GetInvite                  "!x ?????++ ----- ? INVITE_NOT_FOUND"
    ListInvites                "!x +++++++ ----- +"
    ListAccountInvites         "!x ?-----+ ----- ? ACCOUNT_NOT_FOUND"
    UpdateInvite               "!x ?????++ ----- ? INVITE_NOT_FOUND"
    AcceptInviteByToken        "~x ~~~~~~~ ~~~~~ ~"
    AcceptInviteById           "!x ??????? ----- ? INVITE_NOT_FOUND"
    DeclineInviteByToken       "~x ~~~~~~~ ~~~~~ ~"
    DeclineInviteById          "!x ??????? ----- ? INVITE_NOT_FOUND"
    RevokeInvite               "!x ?????++ ----- ? INVITE_NOT_FOUND"
    ResendInvite               "!x ?????~~ ----- ? INVITE_NOT_FOUND"
    RetryFailedInvites         "!x ?-+++++ ----- ? ACCOUNT_NOT_FOUND"
    BulkCopy                   "!x ???-++- ----- ? WORKCENTER_NOT_FOUND"
    BulkMove                   "!x ???-++- ----- ? WORKCENTER_NOT_FOUND"
    BulkDelete                 "!x ???++++ ----- ? DOCUMENT_NOT_FOUND"
    BulkRestore                "!x ???++++ ----- ? DOCUMENT_NOT_FOUND"
    ImportDocuments            "!x ???-~~- ----- ? WORKCENTER_NOT_FOUND"
    MarkAsTemplate             "!x ???--++ ----- ? WORKCENTER_NOT_FOUND"
    CreateFromTemplate         "!x ???~~~~ ----- ? WORKCENTER_NOT_FOUND"
    ListTemplateContents       "!x ???++++ ----- ? WORKCENTER_NOT_FOUND"
    ApplyTemplate              "!x ???--~~ ----- ? WORKCENTER_NOT_FOUND"
    PublishTemplate            "!x ???---~ ----- ? WORKCENTER_NOT_FOUND"
    GetJob                     "!x ??????+ --+-- ? JOB_NOT_FOUND"
    ListOwnJobs                "!x +++++++ ----- +"
    ListAccountJobs            "!x ?-----+ --+-- ? ACCOUNT_NOT_FOUND"
    WatchJob                   "!x ??????+ --+-- ? JOB_NOT_FOUND"
    WatchOwnJobs               "!x +++++++ ----- +"
    WatchAccountJobs           "!x ?-----+ --+-- ? ACCOUNT_NOT_FOUND"
    ListJobItems               "!x ??????+ --+-- ? JOB_NOT_FOUND"
    ExportJobItems             "!x ??????+ --+-- ? JOB_NOT_FOUND"
    CancelJob                  "!x ??????~ ----- ? JOB_NOT_FOUND"
    RetryFailedItems           "!x ??????~ ----- ? JOB_NOT_FOUND"
}

/// What each kind of caller is told of a call.
pub struct Told {
    pub nobody: Answer,
    pub expired: Answer,
    /// As [`PEOPLE`] has them.
    pub people: Vec<Answer>,
    /// A service that acts for each of them.
    pub acting: Vec<Answer>,
    /// A key with each of these scopes.
    pub keys: Vec<(&'static str, Answer)>,
    /// A key with all of them, that acts for the first of the people.
    pub all: Answer,
}

impl Told {
    /// The line of `action`.
    pub fn of(action: Action) -> Self {
        let parts: Vec<_> = line(action).split(' ').collect();
        let (reason, columns) = if parts.len() == 5 { (parts[4], &parts[..4]) } else { ("", parts.as_slice()) };
        let [others, people, keys, all] = columns else { panic!("{action:?} has {} columns", columns.len()) };
        let answers = |text: &str| text.chars().map(|it| answer(it, reason)).collect::<Vec<_>>();
        let [nobody, expired] = answers(others).try_into().unwrap();
        let [all] = answers(all).try_into().unwrap();
        let scopes = [SCOPE_ACT, SCOPE_PUBLISH, SCOPE_JOBS, SCOPE_PROFILES, SCOPE_ACCOUNTS];
        assert_eq!(scopes, SCOPES);
        let (people, keys) = (answers(people), answers(keys));
        assert_eq!((people.len(), keys.len()), (PEOPLE.len(), scopes.len()), "{action:?}");
        let acting = match action {
            // A service has no session, not even when it acts for somebody who has.
            Action::SignOut => vec![NotAllowed; people.len()],
            // It is told what the person is told.
            _ => people.clone(),
        };
        Self { nobody, expired, people, acting, keys: scopes.into_iter().zip(keys).collect(), all }
    }
}

fn answer(letter: char, reason: &str) -> Answer {
    match letter {
        '+' => Done,
        '~' => LetIn,
        '-' => NotAllowed,
        '?' if !reason.is_empty() => NotFound(reason.to_owned()),
        '!' => NoCaller,
        'x' => NoSession,
        _ => panic!("{letter} means nothing"),
    }
}
