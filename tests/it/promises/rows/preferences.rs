//! What calls about preferences refuse.

use workcenter::pb::Delivery;

super::rows! {
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
    "PreferenceService/Unsubscribe" {
        FailedPrecondition TOKEN_NOT_VALID unsubscribe("made up");
    }
    "PreferenceService/Resubscribe" {
        FailedPrecondition TOKEN_NOT_VALID resubscribe("made up");
    }
    "PreferenceService/ListSuppressedAddresses" {
        InvalidArgument FIELD_INVALID suppressed_as_an_administrator(-1, "");
        InvalidArgument PAGE_TOKEN_INVALID suppressed_as_an_administrator(0, "made up");
        NotFound ACCOUNT_NOT_FOUND suppressed_as_a_stranger();
        PermissionDenied NOT_ALLOWED suppressed_as_a_member();
    }
    "PreferenceService/ClearSuppressedAddress" {
        InvalidArgument FIELD_INVALID clear_suppressed("no address");
        NotFound USER_NOT_FOUND clear_suppressed("nobody@example.com");
        NotFound ACCOUNT_NOT_FOUND clear_suppressed_as_a_stranger();
        PermissionDenied NOT_ALLOWED clear_suppressed_as_a_member();
        FailedPrecondition ACCOUNT_DEACTIVATED clear_suppressed_while_deactivated();
    }
    "PreferenceService/PreviewDigest" {
        InvalidArgument FIELD_INVALID preview_at_once();
        NotFound ACCOUNT_NOT_FOUND preview_as_a_stranger();
    }
    "PreferenceService/SendTestDigest" {
        InvalidArgument FIELD_INVALID test_at_once();
        NotFound ACCOUNT_NOT_FOUND test_as_a_stranger();
        FailedPrecondition ACCOUNT_DEACTIVATED test_in_a_deactivated_account();
        ResourceExhausted TEST_DIGEST_THROTTLED tests_without_end();
    }
    "PreferenceService/ExplainNotification" {
        InvalidArgument FIELD_INVALID explain_nothing();
        NotFound WORKCENTER_NOT_FOUND explain_to_a_colleague();
        NotFound ACCOUNT_NOT_FOUND explain_the_own_log_of_a_colleague();
        NotFound EVENT_NOT_FOUND explain_what_never_happened();
    }
    "PreferenceService/RequestNotificationAddress" {
        InvalidArgument FIELD_INVALID ask_for_second_address("bob@example.com");
        ResourceExhausted SIGN_IN_THROTTLED second_addresses_without_end();
    }
    "PreferenceService/ConfirmNotificationAddress" {
        InvalidArgument FIELD_INVALID confirm_second_address("");
        FailedPrecondition TOKEN_NOT_VALID confirm_second_address("made up");
    }
    "PreferenceService/RemoveNotificationAddress" {
        PermissionDenied NOT_ALLOWED remove_address_of_a_service();
    }
    "PreferenceService/BatchUpdateWorkCenterPreferences" {
        InvalidArgument FIELD_INVALID prefer_of_many(&[], 99);
        InvalidArgument WORKCENTER_NOT_FOUND prefer_of_another();
    }
    "PreferenceService/ListAdministratorDigests" {
        InvalidArgument FIELD_INVALID administrator_digests(-1, "");
        InvalidArgument PAGE_TOKEN_INVALID administrator_digests(0, "made up");
    }
    "PreferenceService/UpdateAdministratorDigest" {
        InvalidArgument FIELD_INVALID administer(Delivery::Immediate, "delivery", "");
        InvalidArgument WORKCENTER_NOT_FOUND administer(Delivery::Off, "excluded_workcenter_ids", "");
        InvalidArgument MASK_PATH_UNKNOWN administer(Delivery::Off, "workcenter_count", "");
        NotFound ACCOUNT_NOT_FOUND administer_as_a_stranger();
        PermissionDenied NOT_ALLOWED administer_as_a_member();
        FailedPrecondition ACCOUNT_DEACTIVATED administer_while_deactivated();
        Aborted ETAG_MISMATCH administer(Delivery::Off, "delivery", "\"0\"");
    }
}
