//! What calls about preferences refuse.

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
    "PreferenceService/BatchUpdateWorkCenterPreferences" {
        InvalidArgument FIELD_INVALID prefer_of_many(&[], 99);
        InvalidArgument WORKCENTER_NOT_FOUND prefer_of_another();
    }
}
