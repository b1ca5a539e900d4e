//! What a stream of profiles refuses; the last one ends every stream there is, and the calls after it.

super::rows! {
    "ProfileService/WatchProfiles" {
        InvalidArgument FIELD_INVALID watch_the_account("made up");
        NotFound ACCOUNT_NOT_FOUND watch_as_a_stranger();
        PermissionDenied NOT_ALLOWED watch_as_a_guest();
        InvalidArgument PAGE_TOKEN_INVALID watch_after("made up");
        Unavailable DRAINING watch_until_the_end();
    }
}
