//! What calls about sessions and passwords refuse.

super::rows! {
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
}
