//! Why an item of a template was not copied, or what there is to say of one that was.

/// A stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    NotFound,
    PermissionDenied,
    NotMarked,
    TargetArchived,
    TargetGone,
    NameConflict,
    TypeConflict,
    Depth,
    Cycle,
    Limit,
    NotAMember,
    Identical,
    LocallyChanged,
    LocallyDeleted,
    TemplateChanged,
    Missing,
    AssigneeDropped,
    AssigneeInvited,
    RoleUnmapped,
    RoleKept,
    Invited,
    InvitePending,
    InviteLimitReached,
    LinkUnresolved,
    DateAdjusted,
    DateImpossible,
    NothingToDo,
    PartiallyFailed,
    Failed,
    Cancelled,
    Warned,
}

impl Code {
    /// All of them, each as programs know it, and for readers.
    const ALL: [(Self, &'static str, &'static str); 31] = [
        (Self::NotFound, "NOT_FOUND", "It is not in the template any more."),
        (Self::PermissionDenied, "PERMISSION_DENIED", "Who started this may not do so any more."),
        (Self::NotMarked, "TEMPLATE_NOT_MARKED", "What is copied is no template."),
        (Self::TargetArchived, "TARGET_ARCHIVED", "The WorkCenter is archived."),
        (Self::TargetGone, "TARGET_GONE", "What it belongs into is not there."),
        (Self::NameConflict, "NAME_CONFLICT", "Something else has its name."),
        (Self::TypeConflict, "TYPE_CONFLICT", "Something of another kind has its name."),
        (Self::Depth, "DEPTH", "It would be in too many folders."),
        (Self::Cycle, "CYCLE", "It would be in itself."),
        (Self::Limit, "LIMIT", "There are as many as there may be."),
        (Self::NotAMember, "NOT_A_MEMBER", "They do not belong to the account any more."),
        (Self::Identical, "IDENTICAL", "It is there already."),
        (Self::LocallyChanged, "LOCALLY_CHANGED", "It was changed here, and stays as it is."),
        (Self::LocallyDeleted, "LOCALLY_DELETED", "It was deleted here, and stays so."),
        (Self::TemplateChanged, "TEMPLATE_CHANGED", "It has changed in the template, and stays as it is here."),
        (Self::Missing, "MISSING", "It is not here."),
        (Self::AssigneeDropped, "ASSIGNEE_DROPPED", "Somebody whom it names does not collaborate here."),
        (Self::AssigneeInvited, "ASSIGNEE_INVITED", "Somebody whom it names is invited, and has not come yet."),
        (
            Self::RoleUnmapped,
            "ROLE_UNMAPPED",
            "Somebody who is meant by a role that it names does not collaborate here.",
        ),
        (Self::RoleKept, "ROLE_KEPT", "They have another role here, and keep it."),
        (Self::Invited, "INVITED", "They were invited before, and are not asked again."),
        (Self::InvitePending, "INVITE_PENDING", "There is a pending one."),
        (Self::InviteLimitReached, "INVITE_LIMIT_REACHED", "The account has as many invites as it may have."),
        (Self::LinkUnresolved, "LINK_UNRESOLVED", "Something that belongs to it was not copied."),
        (Self::DateAdjusted, "DATE_ADJUSTED", "A date has moved to another day or time."),
        (
            Self::DateImpossible,
            "DATE_IMPOSSIBLE",
            "Its dates cannot be had: it is due before its start, or too far away.",
        ),
        (Self::NothingToDo, "NOTHING_TO_DO", "There was nothing to do."),
        (Self::PartiallyFailed, "PARTIALLY_FAILED", "Some of it was done."),
        (Self::Failed, "FAILED", "None of it was done."),
        (Self::Cancelled, "CANCELLED", "It was stopped."),
        (Self::Warned, "WARNED", "It was done, and there is something to say about it."),
    ];

    /// As programs know it.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|it| it.0 == self).map_or("", |it| it.1)
    }

    /// The same for readers.
    pub fn text(self) -> &'static str {
        Self::ALL.iter().find(|it| it.0 == self).map_or("", |it| it.2)
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|it| it.1 == name).map(|it| it.0)
    }
}
