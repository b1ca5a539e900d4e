//! What calls that start bulk jobs refuse.

super::rows! {
    "ContentService/BulkCopy" {
        InvalidArgument FIELD_INVALID copy_a_folder_into_itself();
        NotFound WORKCENTER_NOT_FOUND copy_as_a_stranger();
        NotFound FOLDER_NOT_FOUND copy_to_where_nothing_is();
        PermissionDenied NOT_ALLOWED copy_as_a_reader();
        FailedPrecondition WORKCENTER_ARCHIVED copy_to_where_it_is_archived();
        FailedPrecondition TOO_MANY_ITEMS copy_too_much();
        AlreadyExists REQUEST_ID_REUSED copy_two_folders_by_one_request();
        ResourceExhausted JOB_LIMIT_REACHED copy_while_too_many_wait();
    }
    "ContentService/BulkMove" {
        InvalidArgument FIELD_INVALID move_a_folder_into_itself();
    }
    "ContentService/BulkDelete" {
        NotFound FOLDER_NOT_FOUND delete_a_folder_that_is_not_there();
        NotFound DOCUMENT_NOT_FOUND delete_a_document_that_is_not_there();
    }
    "ContentService/BulkRestore" {
        NotFound FOLDER_NOT_FOUND restore_a_folder_that_is_not_there();
    }
    "ContentService/ImportDocuments" {
        InvalidArgument FIELD_INVALID import_to_nowhere();
        InvalidArgument DOCUMENT_MISMATCH import_another_archive();
        InvalidArgument DOCUMENT_TOO_LARGE import_a_byte_too_much();
        InvalidArgument ARCHIVE_UNREADABLE import_no_archive();
        InvalidArgument TOO_MANY_ITEMS import_too_much();
        InvalidArgument ARCHIVE_RATIO import_a_bomb();
        NotFound WORKCENTER_NOT_FOUND import_an_archive_as_a_stranger();
        NotFound FOLDER_NOT_FOUND import_to_where_nothing_is();
        PermissionDenied NOT_ALLOWED import_as_a_reader();
        FailedPrecondition WORKCENTER_ARCHIVED import_to_where_it_is_archived();
        AlreadyExists REQUEST_ID_REUSED import_two_archives_by_one_request();
        DeadlineExceeded DEADLINE import_an_archive_silently();
        ResourceExhausted OVERLOADED import_a_third_archive();
        ResourceExhausted JOB_LIMIT_REACHED import_while_too_many_wait();
    }
}
