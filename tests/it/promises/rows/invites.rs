//! What calls about invites refuse.

use workcenter::pb::WorkCenterState;

super::rows! {
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
    "InviteService/ImportInvites" {
        InvalidArgument FIELD_INVALID import("name\nada\n");
        NotFound ACCOUNT_NOT_FOUND import_as_a_stranger();
        PermissionDenied NOT_ALLOWED import_as_a_guest();
        AlreadyExists REQUEST_ID_REUSED import_two_by_one_request();
        DeadlineExceeded DEADLINE import_silently();
        ResourceExhausted OVERLOADED import_a_third_file();
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
        FailedPrecondition INVITE_OTHER_ADDRESS accept_at_another_address();
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
}
