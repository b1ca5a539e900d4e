//! What calls about logs refuse. What one WorkCenter refuses of many stands in the results.

super::rows! {
    "ActivityService/PublishActivity" {
        InvalidArgument FIELD_INVALID publish_nothing();
        PermissionDenied NOT_ALLOWED publish_as_a_person();
    }
    "ActivityService/RetractActivity" {
        InvalidArgument FIELD_INVALID retract_nothing();
        PermissionDenied NOT_ALLOWED retract_as_a_person();
    }
    "ActivityService/ListActivity" {
        InvalidArgument FIELD_INVALID activity(-1, "");
        InvalidArgument PAGE_TOKEN_INVALID activity(0, "made up");
        NotFound WORKCENTER_NOT_FOUND activity_as_a_stranger();
    }
}
