//! What calls about profiles and pictures refuse.

super::rows! {
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
}
