//! What calls about accounts refuse.

use workcenter::pb::AccountRole;

super::rows! {
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
}
