//! Every refusal that the calls promise, produced once over the wire. What the protos say and what is tried
//! here are held together.

mod acts;

use std::{collections::BTreeSet, fs, future::Future, pin::Pin};

use tonic::{Code, Status};
use workcenter::{
    access::Action,
    error::{self, Reason},
    pb::{AccountRole, JobScope, WorkCenterRole, WorkCenterState},
};

use self::acts::Stage;
use crate::{architecture::source::root, harness::reason};

type Refused<'a> = Pin<Box<dyn Future<Output = Status> + Send + 'a>>;

/// A call, the refusal that it is made to give, and how.
struct Row {
    call: &'static str,
    code: Code,
    reason: &'static str,
    act: for<'a> fn(&'a Stage) -> Refused<'a>,
}

/// Declares rows by call: a code, a reason, and what is awaited on a stage to be refused so.
macro_rules! rows {
    ($($call:literal { $($code:ident $reason:ident $act:ident($($argument:expr),*);)+ })*) => {
        const ROWS: &[Row] = &[$($(Row {
            call: $call,
            code: Code::$code,
            reason: stringify!($reason),
            act: |stage| Box::pin(async move { stage.$act($($argument),*).await.expect_err($call) }),
        },)+)*];
    };
}

// The last one ends every stream there is, and the calls after it.
rows! {
    "SessionService/SignIn" {
        InvalidArgument FIELD_INVALID sign_in("ada");
        Unauthenticated CREDENTIALS_INVALID sign_in("nobody@example.com");
        ResourceExhausted SIGN_IN_THROTTLED sign_in_too_often();
    }
    "SessionService/SignOut" {
        PermissionDenied NOT_ALLOWED sign_out_as_a_service();
    }
    "SessionService/ListSessions" {
        InvalidArgument FIELD_INVALID list_sessions(-1, "");
        InvalidArgument PAGE_TOKEN_INVALID list_sessions(0, "made up");
    }
    "SessionService/RevokeSession" {
        InvalidArgument FIELD_INVALID revoke("made up");
        NotFound SESSION_NOT_FOUND revoke_one_of_bobs();
    }
    "SessionService/RequestPasswordReset" {
        InvalidArgument FIELD_INVALID ask_for_a_reset("ada");
        ResourceExhausted SIGN_IN_THROTTLED ask_for_a_reset_too_often();
    }
    "SessionService/ResetPassword" {
        InvalidArgument FIELD_INVALID reset("", "a long walk off the pier");
        FailedPrecondition TOKEN_NOT_VALID reset("made up", "a long walk off the pier");
        InvalidArgument PASSWORD_UNACCEPTABLE reset_to_something_short();
    }
    "SessionService/ChangePassword" {
        InvalidArgument FIELD_INVALID change_password("", "a long walk off the pier");
        Unauthenticated CREDENTIALS_INVALID change_password("not the password", "a long walk off the pier");
        InvalidArgument PASSWORD_UNACCEPTABLE change_password(crate::harness::PASSWORD, "short");
        ResourceExhausted SIGN_IN_THROTTLED change_password_too_often();
    }
    "SessionService/GetPasswordPolicy" {
        Unauthenticated SESSION_INVALID policy_with("made up");
    }
    "SessionService/CheckPassword" {
        InvalidArgument FIELD_INVALID check_password("");
    }
    "ProfileService/GetProfile" {
        InvalidArgument FIELD_INVALID profile("ada");
        NotFound USER_NOT_FOUND profile_of_a_stranger();
    }
    "ProfileService/BatchGetProfiles" {
        InvalidArgument FIELD_INVALID profiles(1_001);
    }
    "ProfileService/GetProfileConstraints" {
        Unauthenticated SESSION_INVALID constraints_with("made up");
    }
    "ProfileService/UpdateProfile" {
        InvalidArgument FIELD_INVALID update("extension", "12 34", "");
        InvalidArgument MASK_PATH_UNKNOWN update("extent", "", "");
        Aborted ETAG_MISMATCH update("extension", "12", "\"0\"");
        PermissionDenied NOT_ALLOWED update_bob();
    }
    "ProfileService/RequestEmailChange" {
        InvalidArgument FIELD_INVALID ask_for_address("new", crate::harness::PASSWORD);
        Unauthenticated CREDENTIALS_INVALID ask_for_address("new@example.com", "not the password");
        ResourceExhausted SIGN_IN_THROTTLED ask_for_address_too_often();
    }
    "ProfileService/ConfirmEmailChange" {
        InvalidArgument FIELD_INVALID confirm_address("");
        FailedPrecondition TOKEN_NOT_VALID confirm_address("made up");
    }
    "ProfileService/UploadPicture" {
        InvalidArgument FIELD_INVALID upload_crop_outside();
        InvalidArgument PICTURE_SIZE_MISMATCH upload_shortened();
        InvalidArgument PICTURE_CHECKSUM upload_other_bytes();
        InvalidArgument PICTURE_TOO_LARGE upload_huge();
        InvalidArgument PICTURE_UNSUPPORTED upload_of("<svg/>");
        InvalidArgument PICTURE_CORRUPT upload_cut();
        DeadlineExceeded DEADLINE upload_silently();
        ResourceExhausted OVERLOADED upload_a_third_time();
    }
    "ProfileService/GetPicture" {
        InvalidArgument FIELD_INVALID picture("me", 47);
        NotFound USER_NOT_FOUND picture_of_a_stranger();
    }
    "ProfileService/DeletePicture" {
        NotFound USER_NOT_FOUND delete_picture_of_a_stranger();
        PermissionDenied NOT_ALLOWED delete_picture_of_bob();
    }
    "ProfileService/ListProfileChanges" {
        InvalidArgument FIELD_INVALID changes(-1, "");
        InvalidArgument PAGE_TOKEN_INVALID changes(0, "made up");
    }
    "AccountService/CreateAccount" {
        InvalidArgument FIELD_INVALID create_account("made up");
        PermissionDenied NOT_ALLOWED create_account_as_somebody();
        NotFound USER_NOT_FOUND create_account_for_nobody();
        AlreadyExists REQUEST_ID_REUSED create_two_accounts_by_one_request();
    }
    "AccountService/GetAccount" {
        InvalidArgument FIELD_INVALID account("made up");
        NotFound ACCOUNT_NOT_FOUND account_of_nobody();
        PermissionDenied NOT_ALLOWED rename_account_as_a_member();
    }
    "AccountService/UpdateAccount" {
        InvalidArgument FIELD_INVALID rename_account("", "name", "");
        InvalidArgument MASK_PATH_UNKNOWN rename_account("", "role", "");
        Aborted ETAG_MISMATCH rename_account("Pier Works", "name", "\"0\"");
        FailedPrecondition ACCOUNT_DEACTIVATED rename_account_that_is_deactivated();
        NotFound ACCOUNT_NOT_FOUND rename_account_as_a_stranger();
        PermissionDenied NOT_ALLOWED rename_account_as_a_member();
    }
    "AccountService/DeactivateAccount" {
        FailedPrecondition ACCOUNT_DEACTIVATED rename_account_that_is_deactivated();
        NotFound ACCOUNT_NOT_FOUND deactivate_as_a_stranger();
        PermissionDenied NOT_ALLOWED deactivate_as_a_member();
    }
    "AccountService/ReactivateAccount" {
        NotFound ACCOUNT_NOT_FOUND reactivate_account_as_a_stranger();
        PermissionDenied NOT_ALLOWED reactivate_account_as_a_member();
    }
    "AccountService/ListMembers" {
        InvalidArgument FIELD_INVALID members(-1, "");
        InvalidArgument PAGE_TOKEN_INVALID members(0, "made up");
        NotFound ACCOUNT_NOT_FOUND members_as_a_stranger();
        PermissionDenied NOT_ALLOWED members_as_a_guest();
    }
    "AccountService/UpdateMember" {
        InvalidArgument FIELD_INVALID make_oneself(AccountRole::Unspecified);
        NotFound USER_NOT_FOUND make_a_stranger_a_member();
        FailedPrecondition LAST_ADMINISTRATOR make_oneself(AccountRole::Member);
        FailedPrecondition ACCOUNT_DEACTIVATED make_bob_a_guest_of_a_deactivated_account();
        NotFound ACCOUNT_NOT_FOUND become_a_member_as_a_stranger();
        PermissionDenied NOT_ALLOWED become_an_administrator_as_a_member();
    }
    "AccountService/RemoveMember" {
        InvalidArgument FIELD_INVALID remove_member("made up");
        NotFound USER_NOT_FOUND remove_a_stranger();
        FailedPrecondition LAST_ADMINISTRATOR remove_member("me");
        NotFound ACCOUNT_NOT_FOUND leave_as_a_stranger();
        PermissionDenied NOT_ALLOWED remove_bob_as_a_member();
    }
    "WorkCenterService/CreateWorkCenter" {
        InvalidArgument FIELD_INVALID create_workcenter("");
        NotFound ACCOUNT_NOT_FOUND create_workcenter_as_a_stranger();
        PermissionDenied NOT_ALLOWED create_workcenter_as_a_guest();
        AlreadyExists REQUEST_ID_REUSED create_two_workcenters_by_one_request();
        FailedPrecondition NOT_A_MEMBER create_workcenter_while_one_is_taken_out();
        FailedPrecondition ACCOUNT_DEACTIVATED create_workcenter_in_a_deactivated_account();
    }
    "WorkCenterService/GetWorkCenter" {
        InvalidArgument FIELD_INVALID workcenter("made up");
        NotFound WORKCENTER_NOT_FOUND deleted_workcenter_as_its_owner();
        PermissionDenied NOT_ALLOWED rename_workcenter_as_a_contributor();
    }
    "WorkCenterService/ListWorkCenters" {
        InvalidArgument FIELD_INVALID workcenters(-1, "");
        InvalidArgument PAGE_TOKEN_INVALID workcenters(0, "made up");
    }
    "WorkCenterService/UpdateWorkCenter" {
        InvalidArgument FIELD_INVALID rename_workcenter("", "name", "");
        InvalidArgument MASK_PATH_UNKNOWN rename_workcenter("", "state", "");
        Aborted ETAG_MISMATCH rename_workcenter("Pier 5", "name", "\"0\"");
        FailedPrecondition WORKCENTER_ARCHIVED rename_workcenter_that_is(WorkCenterState::Archived);
        FailedPrecondition WORKCENTER_DELETED rename_workcenter_that_is(WorkCenterState::Deleted);
        NotFound WORKCENTER_NOT_FOUND rename_workcenter_as_a_stranger();
        PermissionDenied NOT_ALLOWED rename_workcenter_as_a_contributor();
    }
    "WorkCenterService/ArchiveWorkCenter" {
        FailedPrecondition WORKCENTER_DELETED archive_what_is_deleted();
        NotFound WORKCENTER_NOT_FOUND archive_as_a_stranger();
        PermissionDenied NOT_ALLOWED archive_as_a_contributor();
    }
    "WorkCenterService/ReactivateWorkCenter" {
        NotFound WORKCENTER_NOT_FOUND reactivate_what_is_deleted_as_its_owner();
        PermissionDenied NOT_ALLOWED reactivate_as_a_contributor();
    }
    "WorkCenterService/DeleteWorkCenter" {
        NotFound WORKCENTER_NOT_FOUND delete_as_a_stranger();
        PermissionDenied NOT_ALLOWED delete_as_its_owner();
    }
    "WorkCenterService/AddCollaborator" {
        InvalidArgument FIELD_INVALID add("made up");
        AlreadyExists COLLABORATOR_EXISTS add_bob_again();
        FailedPrecondition NOT_A_MEMBER add_a_stranger();
        FailedPrecondition WORKCENTER_ARCHIVED add_to_one_that_is(WorkCenterState::Archived);
        FailedPrecondition WORKCENTER_DELETED add_to_one_that_is(WorkCenterState::Deleted);
        NotFound WORKCENTER_NOT_FOUND add_oneself_as_a_stranger();
        PermissionDenied NOT_ALLOWED add_as_a_contributor();
    }
    "WorkCenterService/UpdateCollaborator" {
        InvalidArgument FIELD_INVALID be_of_a_workcenter(WorkCenterRole::Unspecified);
        NotFound USER_NOT_FOUND make_the_guest_a_reader();
        FailedPrecondition LAST_OWNER be_of_a_workcenter(WorkCenterRole::Reader);
        FailedPrecondition WORKCENTER_ARCHIVED make_bob_a_reader_of_one_that_is(WorkCenterState::Archived);
        FailedPrecondition WORKCENTER_DELETED make_bob_a_reader_of_one_that_is(WorkCenterState::Deleted);
        NotFound WORKCENTER_NOT_FOUND become_its_owner_as_a_stranger();
        PermissionDenied NOT_ALLOWED become_its_owner_as_a_contributor();
    }
    "WorkCenterService/RemoveCollaborator" {
        InvalidArgument FIELD_INVALID remove_collaborator("made up");
        NotFound USER_NOT_FOUND remove_the_guest();
        FailedPrecondition LAST_OWNER remove_collaborator("me");
        NotFound WORKCENTER_NOT_FOUND remove_ada_as_a_stranger();
        PermissionDenied NOT_ALLOWED remove_ada_as_a_contributor();
    }
    "WorkCenterService/ListCollaborators" {
        InvalidArgument FIELD_INVALID collaborators(-1, "");
        InvalidArgument PAGE_TOKEN_INVALID collaborators(0, "made up");
        NotFound WORKCENTER_NOT_FOUND collaborators_as_a_stranger();
    }
    "InviteService/CreateInvite" {
        InvalidArgument FIELD_INVALID invite("made up");
        NotFound ACCOUNT_NOT_FOUND invite_as_a_stranger();
        NotFound WORKCENTER_NOT_FOUND invite_to_a_workcenter_of_nobody();
        NotFound WORKCENTER_NOT_FOUND invite_to_one_that_is(WorkCenterState::Deleted);
        PermissionDenied NOT_ALLOWED invite_an_administrator_as_a_member();
        FailedPrecondition WORKCENTER_ARCHIVED invite_to_one_that_is(WorkCenterState::Archived);
        FailedPrecondition ACCOUNT_DEACTIVATED invite_to_a_deactivated_account();
        AlreadyExists INVITE_PENDING invite_twice();
        AlreadyExists REQUEST_ID_REUSED invite_two_by_one_request();
        ResourceExhausted INVITE_LIMIT_REACHED invite_one_too_many();
    }
    "InviteService/BatchCreateInvites" {
        InvalidArgument FIELD_INVALID batch(0);
        NotFound ACCOUNT_NOT_FOUND batch_as_a_stranger();
        PermissionDenied NOT_ALLOWED batch_as_a_guest();
        AlreadyExists REQUEST_ID_REUSED batch_two_by_one_request();
    }
    "InviteService/GetInvite" {
        InvalidArgument FIELD_INVALID read_invite("made up");
        NotFound INVITE_NOT_FOUND read_somebodys_invite();
    }
    "InviteService/ListInvites" {
        InvalidArgument FIELD_INVALID invites(0, "");
        InvalidArgument PAGE_TOKEN_INVALID invites(1, "made up");
        NotFound ACCOUNT_NOT_FOUND invites_of_the_account_as_a_stranger();
        PermissionDenied NOT_ALLOWED invites_of_the_account();
    }
    "InviteService/UpdateInvite" {
        InvalidArgument FIELD_INVALID change_invite("message", "bell\u{7}", "");
        InvalidArgument MASK_PATH_UNKNOWN change_invite("email", "", "");
        Aborted ETAG_MISMATCH change_invite("message", "Hello", "\"0\"");
        FailedPrecondition INVITE_NOT_PENDING change_what_was_withdrawn();
        FailedPrecondition WORKCENTER_ARCHIVED change_to_an_archived_place();
        FailedPrecondition INVITER_LOST_RIGHT change_to_more_than_the_inviter_may_offer();
        NotFound INVITE_NOT_FOUND change_somebodys_invite();
        NotFound WORKCENTER_NOT_FOUND change_to_a_place_of_nobody();
        PermissionDenied NOT_ALLOWED change_as_the_invited();
    }
    "InviteService/RetryFailedInvites" {
        InvalidArgument PAGE_TOKEN_INVALID retry("made up");
        NotFound ACCOUNT_NOT_FOUND retry_as_a_stranger();
        PermissionDenied NOT_ALLOWED retry_as_a_guest();
    }
    "InviteService/AcceptInvite" {
        InvalidArgument FIELD_INVALID accept("");
        InvalidArgument PASSWORD_UNACCEPTABLE accept_with_something_short();
        FailedPrecondition INVITE_NOT_PENDING accept("made up");
        FailedPrecondition INVITER_LOST_RIGHT accept_what_a_guest_has_offered();
        FailedPrecondition ACCOUNT_DEACTIVATED accept_of_a_deactivated_account();
        AlreadyExists ADDRESS_IN_USE accept_as_a_newcomer_who_is_somebody();
        PermissionDenied NOT_ALLOWED accept_by_somebodys_token();
        NotFound INVITE_NOT_FOUND accept_by_somebodys_id();
    }
    "InviteService/DeclineInvite" {
        InvalidArgument FIELD_INVALID decline("");
        FailedPrecondition INVITE_NOT_PENDING decline("made up");
        PermissionDenied NOT_ALLOWED decline_by_somebodys_token();
        NotFound INVITE_NOT_FOUND decline_by_somebodys_id();
    }
    "InviteService/RevokeInvite" {
        FailedPrecondition INVITE_NOT_PENDING revoke_what_was_declined();
        NotFound INVITE_NOT_FOUND revoke_somebodys_invite();
        PermissionDenied NOT_ALLOWED revoke_as_the_invited();
    }
    "InviteService/ResendInvite" {
        ResourceExhausted INVITE_RESEND_THROTTLED resend_at_once();
        FailedPrecondition INVITE_NOT_PENDING resend_what_was_withdrawn();
        FailedPrecondition INVITER_LOST_RIGHT resend_what_a_guest_has_offered();
        AlreadyExists INVITE_PENDING resend_when_the_address_has_another();
        NotFound INVITE_NOT_FOUND resend_somebodys_invite();
        PermissionDenied NOT_ALLOWED resend_as_the_invited();
    }
    "PreferenceService/GetPreferences" {
        PermissionDenied NOT_ALLOWED preferences_of_a_service();
    }
    "PreferenceService/UpdatePreferences" {
        InvalidArgument FIELD_INVALID prefer("25:00", "digest_time", "");
        InvalidArgument MASK_PATH_UNKNOWN prefer("", "next_digests", "");
        Aborted ETAG_MISMATCH prefer("08:00", "digest_time", "\"0\"");
    }
    "PreferenceService/ListWorkCenterPreferences" {
        InvalidArgument FIELD_INVALID workcenter_preferences(-1, "");
        InvalidArgument PAGE_TOKEN_INVALID workcenter_preferences(0, "made up");
    }
    "PreferenceService/UpdateWorkCenterPreference" {
        InvalidArgument FIELD_INVALID prefer_nothing_there();
        NotFound WORKCENTER_NOT_FOUND prefer_as_a_stranger();
        PermissionDenied NOT_ALLOWED prefer_as_an_administrator();
    }
    "JobService/GetJob" {
        InvalidArgument FIELD_INVALID job("made up");
        NotFound JOB_NOT_FOUND job_as_a_member();
    }
    "JobService/ListJobs" {
        InvalidArgument FIELD_INVALID jobs(JobScope::Unspecified, "");
        InvalidArgument PAGE_TOKEN_INVALID jobs(JobScope::Mine, "made up");
        NotFound ACCOUNT_NOT_FOUND jobs_as_a_stranger();
        PermissionDenied NOT_ALLOWED jobs(JobScope::Account, "");
    }
    "JobService/WatchJob" {
        InvalidArgument FIELD_INVALID watch_job("made up");
        NotFound JOB_NOT_FOUND watch_job_as_a_member();
        Unavailable DRAINING watch_job_until_the_end();
    }
    "JobService/WatchJobs" {
        InvalidArgument FIELD_INVALID watch_jobs(JobScope::Unspecified);
        NotFound ACCOUNT_NOT_FOUND watch_jobs_as_a_stranger();
        PermissionDenied NOT_ALLOWED watch_jobs(JobScope::Account);
        Unavailable DRAINING watch_jobs_until_the_end();
    }
    "ProfileService/WatchProfiles" {
        InvalidArgument FIELD_INVALID watch_the_account("made up");
        NotFound ACCOUNT_NOT_FOUND watch_as_a_stranger();
        PermissionDenied NOT_ALLOWED watch_as_a_guest();
        InvalidArgument PAGE_TOKEN_INVALID watch_after("made up");
        Unavailable DRAINING watch_until_the_end();
    }
}

/// The files whose services are tried.
const DESCRIBED: [&str; 7] = ["sessions", "profile", "accounts", "workcenters", "invites", "preferences", "jobs"];

/// The calls of their services, with what is said of each in its proto.
fn described() -> Vec<(String, String)> {
    let mut described = Vec::new();
    for file in DESCRIBED {
        let text = fs::read_to_string(root().join(format!("proto/workcenter/v1/{file}.proto"))).unwrap();
        let (mut service, mut said) = ("", String::new());
        for line in text.lines().map(str::trim) {
            if let Some(comment) = line.strip_prefix("//") {
                said.push_str(comment);
            } else if let Some(rest) = line.strip_prefix("service ") {
                service = rest.split(' ').next().unwrap();
                said.clear();
            } else if let Some(rest) = line.strip_prefix("rpc ") {
                let name = rest.split('(').next().unwrap();
                described.push((format!("{service}/{name}"), std::mem::take(&mut said)));
            } else {
                said.clear();
            }
        }
    }
    described
}

/// The words of a text that are written in capitals.
fn capitals(text: &str) -> BTreeSet<String> {
    let words = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    words.filter(|it| it.len() > 3 && !it.bytes().any(|it| it.is_ascii_lowercase())).map(ToOwned::to_owned).collect()
}

/// A code as the protos write it: `INVALID_ARGUMENT`.
fn written(code: Code) -> String {
    let mut name = String::new();
    for char in format!("{code:?}").chars() {
        if char.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(char.to_uppercase());
    }
    name
}

#[test]
fn every_call_is_here_with_every_refusal_that_its_proto_names() {
    let reasons: BTreeSet<_> =
        (1..=i32::from(u8::MAX)).filter_map(|it| Reason::try_from(it).ok()).map(error::reason).collect();
    let codes: BTreeSet<_> = (1..=16).map(|it| written(Code::from_i32(it))).collect();
    let described = described();
    let calls: BTreeSet<_> = described.iter().map(|(call, _)| call.as_str()).collect();
    let services: BTreeSet<_> = calls.iter().filter_map(|it| it.split('/').next()).collect();
    assert_eq!(services.len(), DESCRIBED.len());
    let ours = Action::ALL.iter().map(|it| it.path());
    let ours: BTreeSet<_> = ours.filter(|it| services.iter().any(|service| it.starts_with(service))).collect();
    assert_eq!(calls, ours);
    for (call, said) in &described {
        let rows: Vec<_> = ROWS.iter().filter(|it| it.call == call).collect();
        assert!(!rows.is_empty(), "{call} is not tried");
        for word in capitals(said) {
            let is_tried = rows.iter().any(|it| it.reason == word || written(it.code) == word);
            let is_promise = reasons.contains(word.as_str()) || codes.contains(&word);
            assert!(is_tried || !is_promise, "{call} promises {word}, which is not tried");
        }
    }
    let unknown: Vec<_> = ROWS.iter().filter(|it| !calls.contains(it.call)).map(|it| it.call).collect();
    assert!(unknown.is_empty(), "there are no such calls: {unknown:?}");
}

#[tokio::test]
async fn every_refusal_that_is_promised_is_given_once() {
    let stage = Stage::set().await;
    let mut others = Vec::new();
    for row in ROWS {
        let status = (row.act)(&stage).await;
        if (status.code(), reason(&status).as_str()) != (row.code, row.reason) {
            others.push(format!("{} {} {}: {status:?}", row.call, written(row.code), row.reason));
        }
    }
    assert!(others.is_empty(), "{others:#?}");
}
