//! What calls about posts and comments refuse.

super::rows! {
    "ContentService/CreatePost" {
        InvalidArgument FIELD_INVALID post_for_a_stranger();
        AlreadyExists REQUEST_ID_REUSED make_two_posts_by_one_request();
        FailedPrecondition LIMIT_REACHED make_too_many_posts();
    }
    "ContentService/GetPost" {
        NotFound POST_NOT_FOUND post_as_a_stranger();
    }
    "ContentService/ListPosts" {
        InvalidArgument PAGE_TOKEN_INVALID posts("made up");
    }
    "ContentService/UpdatePost" {
        PermissionDenied NOT_ALLOWED change_the_post_of_another();
        InvalidArgument MASK_PATH_UNKNOWN change_a_post("author_user_id", "");
        Aborted ETAG_MISMATCH change_a_post("text", "\"0\"");
    }
    "ContentService/DeletePost" {
        PermissionDenied NOT_ALLOWED delete_the_post_of_another();
        Aborted ETAG_MISMATCH delete_a_post_of_another_state();
    }
    "ContentService/CreateComment" {
        InvalidArgument FIELD_INVALID comment_for_a_stranger();
        AlreadyExists REQUEST_ID_REUSED make_two_comments_by_one_request();
        FailedPrecondition LIMIT_REACHED make_too_many_comments();
    }
    "ContentService/ListComments" {
        InvalidArgument PAGE_TOKEN_INVALID comments("made up");
    }
    "ContentService/UpdateComment" {
        PermissionDenied NOT_ALLOWED change_the_comment_of_another();
        NotFound COMMENT_NOT_FOUND change_a_comment_that_is_not_there();
        InvalidArgument MASK_PATH_UNKNOWN change_a_comment("author_user_id", "");
        Aborted ETAG_MISMATCH change_a_comment("text", "\"0\"");
    }
    "ContentService/DeleteComment" {
        PermissionDenied NOT_ALLOWED delete_the_comment_of_another();
        Aborted ETAG_MISMATCH delete_a_comment_of_another_state();
    }
}
