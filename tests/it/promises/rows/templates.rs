//! What calls about templates refuse.

super::rows! {
    "TemplateService/MarkAsTemplate" {
        InvalidArgument FIELD_INVALID mark("made up");
        NotFound WORKCENTER_NOT_FOUND mark_what_is_not_there();
        FailedPrecondition WORKCENTER_ARCHIVED mark_what_is_archived();
    }
    "TemplateService/CreateFromTemplate" {
        InvalidArgument FIELD_INVALID create_without_a_name();
        NotFound WORKCENTER_NOT_FOUND create_from_what_is_not_there();
        FailedPrecondition TEMPLATE_NOT_MARKED create_from_what_is_none();
        AlreadyExists REQUEST_ID_REUSED create_two_by_one_request();
    }
    "TemplateService/ListTemplateContents" {
        InvalidArgument PAGE_TOKEN_INVALID contents_of_a_template("made up");
        NotFound WORKCENTER_NOT_FOUND contents_of_what_is_not_there();
    }
    "TemplateService/ApplyTemplate" {
        InvalidArgument FIELD_INVALID apply_to_itself();
        NotFound WORKCENTER_NOT_FOUND apply_what_is_not_there();
        FailedPrecondition TEMPLATE_NOT_MARKED apply_what_is_none();
        FailedPrecondition WORKCENTER_ARCHIVED apply_where_it_is_archived();
        FailedPrecondition TOO_MANY_ITEMS apply_too_much();
        FailedPrecondition LIMIT_REACHED apply_too_many_posts();
        FailedPrecondition DATES_IMPOSSIBLE apply_where_dates_would_be_lost();
        AlreadyExists REQUEST_ID_REUSED apply_twice_by_one_request();
    }
    "TemplateService/PublishTemplate" {
        InvalidArgument FIELD_INVALID publish_to_nobody();
        NotFound WORKCENTER_NOT_FOUND publish_what_is_not_there();
        FailedPrecondition TEMPLATE_NOT_MARKED publish_what_is_none();
        FailedPrecondition TOO_MANY_ITEMS publish_to_too_many();
        AlreadyExists REQUEST_ID_REUSED publish_twice_by_one_request();
    }
}
