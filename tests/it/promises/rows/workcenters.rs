//! What calls about WorkCenters refuse.

use workcenter::pb::{WorkCenterRole, WorkCenterState};

super::rows! {
    "WorkCenterService/CreateWorkCenter" {
        InvalidArgument FIELD_INVALID create_workcenter("");
        NotFound ACCOUNT_NOT_FOUND create_workcenter_as_a_stranger();
        PermissionDenied NOT_ALLOWED create_workcenter_as_a_guest();
        AlreadyExists REQUEST_ID_REUSED create_two_workcenters_by_one_request();
        FailedPrecondition NOT_A_MEMBER create_workcenter_while_one_is_taken_out();
        FailedPrecondition ACCOUNT_DEACTIVATED create_workcenter_in_a_deactivated_account();
    }
    "WorkCenterService/GetWorkCenter" {
        InvalidArgument FIELD_INVALID workcenter("made up");
        NotFound WORKCENTER_NOT_FOUND deleted_workcenter_as_its_owner();
        PermissionDenied NOT_ALLOWED rename_workcenter_as_a_contributor();
        FailedPrecondition WORKCENTER_PROVISIONING rename_what_is_being_made();
    }
    "WorkCenterService/ListWorkCenters" {
        InvalidArgument FIELD_INVALID workcenters(-1, "");
        InvalidArgument PAGE_TOKEN_INVALID workcenters(0, "made up");
    }
    "WorkCenterService/UpdateWorkCenter" {
        InvalidArgument FIELD_INVALID rename_workcenter("", "name", "");
        InvalidArgument MASK_PATH_UNKNOWN rename_workcenter("", "state", "");
        Aborted ETAG_MISMATCH rename_workcenter("Pier 5", "name", "\"0\"");
        FailedPrecondition WORKCENTER_ARCHIVED rename_workcenter_that_is(WorkCenterState::Archived);
        FailedPrecondition WORKCENTER_DELETED rename_workcenter_that_is(WorkCenterState::Deleted);
        NotFound WORKCENTER_NOT_FOUND rename_workcenter_as_a_stranger();
        PermissionDenied NOT_ALLOWED rename_workcenter_as_a_contributor();
        FailedPrecondition WORKCENTER_PROVISIONING rename_what_is_being_made();
    }
    "WorkCenterService/ArchiveWorkCenter" {
        FailedPrecondition WORKCENTER_DELETED archive_what_is_deleted();
        NotFound WORKCENTER_NOT_FOUND archive_as_a_stranger();
        PermissionDenied NOT_ALLOWED archive_as_a_contributor();
    }
    "WorkCenterService/ReactivateWorkCenter" {
        NotFound WORKCENTER_NOT_FOUND reactivate_what_is_deleted_as_its_owner();
        PermissionDenied NOT_ALLOWED reactivate_as_a_contributor();
    }
    "WorkCenterService/DeleteWorkCenter" {
        NotFound WORKCENTER_NOT_FOUND delete_as_a_stranger();
        PermissionDenied NOT_ALLOWED delete_as_its_owner();
    }
    "WorkCenterService/AddCollaborator" {
        InvalidArgument FIELD_INVALID add("made up");
        AlreadyExists COLLABORATOR_EXISTS add_bob_again();
        FailedPrecondition NOT_A_MEMBER add_a_stranger();
        FailedPrecondition WORKCENTER_ARCHIVED add_to_one_that_is(WorkCenterState::Archived);
        FailedPrecondition WORKCENTER_DELETED add_to_one_that_is(WorkCenterState::Deleted);
        NotFound WORKCENTER_NOT_FOUND add_oneself_as_a_stranger();
        PermissionDenied NOT_ALLOWED add_as_a_contributor();
    }
    "WorkCenterService/UpdateCollaborator" {
        InvalidArgument FIELD_INVALID be_of_a_workcenter(WorkCenterRole::Unspecified);
        NotFound USER_NOT_FOUND make_the_guest_a_reader();
        FailedPrecondition LAST_OWNER be_of_a_workcenter(WorkCenterRole::Reader);
        FailedPrecondition WORKCENTER_ARCHIVED make_bob_a_reader_of_one_that_is(WorkCenterState::Archived);
        FailedPrecondition WORKCENTER_DELETED make_bob_a_reader_of_one_that_is(WorkCenterState::Deleted);
        NotFound WORKCENTER_NOT_FOUND become_its_owner_as_a_stranger();
        PermissionDenied NOT_ALLOWED become_its_owner_as_a_contributor();
    }
    "WorkCenterService/RemoveCollaborator" {
        InvalidArgument FIELD_INVALID remove_collaborator("made up");
        NotFound USER_NOT_FOUND remove_the_guest();
        FailedPrecondition LAST_OWNER remove_collaborator("me");
        NotFound WORKCENTER_NOT_FOUND remove_ada_as_a_stranger();
        PermissionDenied NOT_ALLOWED remove_ada_as_a_contributor();
    }
    "WorkCenterService/ListCollaborators" {
        InvalidArgument FIELD_INVALID collaborators(-1, "");
        InvalidArgument PAGE_TOKEN_INVALID collaborators(0, "made up");
        NotFound WORKCENTER_NOT_FOUND collaborators_as_a_stranger();
    }
}
