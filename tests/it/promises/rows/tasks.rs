//! What calls about tasks refuse.

use workcenter::pb::WorkCenterState::Archived;

super::rows! {
    "ContentService/CreateTask" {
        InvalidArgument FIELD_INVALID make_a_task_of_a_stranger();
        AlreadyExists REQUEST_ID_REUSED make_two_tasks_by_one_request();
        FailedPrecondition LIMIT_REACHED make_too_many_tasks();
        FailedPrecondition WORKCENTER_ARCHIVED make_a_task_where_it_is(Archived);
    }
    "ContentService/GetTask" {
        NotFound TASK_NOT_FOUND task_as_a_stranger();
    }
    "ContentService/ListTasks" {
        InvalidArgument PAGE_TOKEN_INVALID tasks("made up");
    }
    "ContentService/UpdateTask" {
        InvalidArgument MASK_PATH_UNKNOWN change_a_task("status", "");
        FailedPrecondition CYCLE make_a_task_wait_for_itself();
        Aborted ETAG_MISMATCH change_a_task("title", "\"0\"");
    }
    "ContentService/StartTask" {
        PermissionDenied NOT_ALLOWED start_the_task_of_another();
        FailedPrecondition TASK_STATUS start_a_task_twice();
    }
    "ContentService/FinishTask" {
        PermissionDenied NOT_ALLOWED finish_the_task_of_another();
        FailedPrecondition TASK_STATUS finish_a_task_twice();
    }
    "ContentService/ApproveTask" {
        PermissionDenied NOT_ALLOWED approve_as_nobody();
        FailedPrecondition TASK_STATUS approve_before_its_time();
    }
    "ContentService/DeclineTask" {
        FailedPrecondition TASK_STATUS decline_before_its_time();
    }
    "ContentService/ReopenTask" {
        FailedPrecondition TASK_STATUS reopen_what_is_new();
    }
    "ContentService/DeleteTask" {
        Aborted ETAG_MISMATCH delete_a_task_of_another_state();
    }
    "ContentService/RestoreTask" {
        FailedPrecondition PARENT_GONE restore_a_task_whose_document_is_deleted();
    }
}
