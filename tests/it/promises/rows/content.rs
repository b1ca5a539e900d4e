//! What calls about folders and documents refuse.

use workcenter::pb::WorkCenterState::{Archived, Deleted};

super::rows! {
    "ContentService/CreateFolder" {
        InvalidArgument FIELD_INVALID make_a_folder("..");
        AlreadyExists NAME_TAKEN make_a_folder_twice();
        AlreadyExists REQUEST_ID_REUSED make_two_folders_by_one_request();
        FailedPrecondition TOO_DEEP make_a_folder_too_deep();
        NotFound FOLDER_NOT_FOUND make_a_folder_in_one_that_is_deleted();
        NotFound WORKCENTER_NOT_FOUND make_a_folder_as_a_stranger();
        PermissionDenied NOT_ALLOWED make_a_folder_as_a_contributor();
        FailedPrecondition WORKCENTER_ARCHIVED make_a_folder_where_it_is_archived();
        FailedPrecondition ACCOUNT_DEACTIVATED make_a_folder_in_a_deactivated_account();
    }
    "ContentService/GetFolder" {
        InvalidArgument FIELD_INVALID folder("made up");
        NotFound FOLDER_NOT_FOUND folder_that_is_deleted();
    }
    "ContentService/UpdateFolder" {
        InvalidArgument MASK_PATH_UNKNOWN rename_a_folder("Plans", "workcenter_id", "");
        AlreadyExists NAME_TAKEN rename_a_folder("beside", "name", "");
        Aborted ETAG_MISMATCH rename_a_folder("Plans", "name", "\"0\"");
        FailedPrecondition WORKCENTER_ARCHIVED rename_a_folder_where_it_is_archived();
    }
    "ContentService/DeleteFolder" {
        FailedPrecondition NOT_EMPTY delete_a_folder_with_something_in_it();
        Aborted ETAG_MISMATCH delete_a_folder_of_another_state();
    }
    "ContentService/RestoreFolder" {
        AlreadyExists NAME_TAKEN restore_a_folder_whose_name_is_taken();
        FailedPrecondition PARENT_GONE restore_a_folder_in_one_that_is_deleted();
    }
    "ContentService/ListContents" {
        InvalidArgument FIELD_INVALID contents(-1, "");
        InvalidArgument PAGE_TOKEN_INVALID contents(0, "made up");
    }
    "ContentService/UploadDocument" {
        InvalidArgument DOCUMENT_MISMATCH upload_another_document();
        InvalidArgument DOCUMENT_TOO_LARGE upload_a_byte_too_much();
        AlreadyExists NAME_TAKEN upload_a_document_twice();
        Aborted ETAG_MISMATCH upload_to_another_state();
        DeadlineExceeded DEADLINE upload_a_document_silently();
        ResourceExhausted OVERLOADED upload_a_third_document();
        FailedPrecondition WORKCENTER_ARCHIVED upload_where_it_is(Archived);
        NotFound WORKCENTER_NOT_FOUND upload_where_it_is(Deleted);
    }
    "ContentService/DownloadDocument" {
        NotFound DOCUMENT_NOT_FOUND download(2, 0);
        OutOfRange RANGE_NOT_SATISFIABLE download(0, 5);
        ResourceExhausted OVERLOADED download_a_seventeenth_time();
    }
    "ContentService/GetDocument" {
        InvalidArgument FIELD_INVALID document("made up");
        NotFound DOCUMENT_NOT_FOUND document_as_a_stranger();
    }
    "ContentService/UpdateDocument" {
        AlreadyExists NAME_TAKEN rename_a_document("beside", "");
        Aborted ETAG_MISMATCH rename_a_document("Plan.pdf", "\"0\"");
    }
    "ContentService/DeleteDocument" {
        Aborted ETAG_MISMATCH delete_a_document_of_another_state();
    }
    "ContentService/RestoreDocument" {
        FailedPrecondition PARENT_GONE restore_a_document_in_a_folder_that_is_deleted();
    }
    "ContentService/ListDocumentVersions" {
        InvalidArgument PAGE_TOKEN_INVALID document_versions("made up");
    }
}
