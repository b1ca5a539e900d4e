//! Every refusal that the calls about people promise, produced once over the wire. What the protos say and what is tried
//! here are held together.

mod acts;

use std::{collections::BTreeSet, fs, future::Future, pin::Pin};

use tonic::{Code, Status};
use workcenter::{
    access::Action,
    error::{self, Reason},
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
    "ProfileService/WatchProfiles" {
        InvalidArgument FIELD_INVALID watch_the_account("made up");
        NotFound ACCOUNT_NOT_FOUND watch_as_a_stranger();
        PermissionDenied NOT_ALLOWED watch_as_a_guest();
        InvalidArgument PAGE_TOKEN_INVALID watch_after("made up");
        Unavailable DRAINING watch_until_the_end();
    }
}

/// The calls of these services, with what is said of each in its proto.
fn described() -> Vec<(String, String)> {
    let mut described = Vec::new();
    for file in ["sessions", "profile"] {
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
fn every_call_about_people_is_here_with_every_refusal_that_its_proto_names() {
    let reasons: BTreeSet<_> =
        (1..=i32::from(u8::MAX)).filter_map(|it| Reason::try_from(it).ok()).map(error::reason).collect();
    let codes: BTreeSet<_> = (1..=16).map(|it| written(Code::from_i32(it))).collect();
    let described = described();
    let calls: BTreeSet<_> = described.iter().map(|(call, _)| call.as_str()).collect();
    let ours = Action::ALL.iter().map(|it| it.path());
    let ours: BTreeSet<_> =
        ours.filter(|it| it.starts_with("SessionService/") || it.starts_with("ProfileService/")).collect();
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
