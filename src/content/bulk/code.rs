//! What is said of items: stable codes, and the same for readers.

/// Why an item was not done, or what there is to say about one that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// Something in its new place is called the same.
    NameConflict,
    /// That is a folder and it is a document, or the other way round.
    TypeConflict,
    /// No free name is short enough.
    NameTooLong,
    /// There is no such thing, as far as the initiator may know.
    NotFound,
    /// The initiator may not do this to it, or not any more.
    PermissionDenied,
    /// A folder cannot be put into itself.
    Cycle,
    /// It is not where it was, or not as it was, any more.
    Changed,
    /// It would be too far down.
    Depth,
    /// The place is gone.
    TargetGone,
    /// The WorkCenter is archived, or its account deactivated.
    TargetArchived,
    /// The folder has something in it.
    NotEmpty,
    /// It is there already.
    Identical,
    /// It has another name now.
    Renamed,
}

impl Code {
    const ALL: [Self; 13] = [
        Self::NameConflict,
        Self::TypeConflict,
        Self::NameTooLong,
        Self::NotFound,
        Self::PermissionDenied,
        Self::Cycle,
        Self::Changed,
        Self::Depth,
        Self::TargetGone,
        Self::TargetArchived,
        Self::NotEmpty,
        Self::Identical,
        Self::Renamed,
    ];

    /// As the wire has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NameConflict => "NAME_CONFLICT",
            Self::TypeConflict => "TYPE_CONFLICT",
            Self::NameTooLong => "NAME_TOO_LONG",
            Self::NotFound => "NOT_FOUND",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::Cycle => "CYCLE",
            Self::Changed => "CHANGED",
            Self::Depth => "DEPTH",
            Self::TargetGone => "TARGET_GONE",
            Self::TargetArchived => "TARGET_ARCHIVED",
            Self::NotEmpty => "NOT_EMPTY",
            Self::Identical => "IDENTICAL",
            Self::Renamed => "RENAMED",
        }
    }

    /// Reads what [`Self::name`] wrote. What somebody else wrote of the folder that an item is in is no more to that item than
    /// that the folder is not there.
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|it| it.name() == name).unwrap_or(Self::TargetGone)
    }

    /// For readers.
    pub fn text(self) -> &'static str {
        match self {
            Self::NameConflict => "Something in its new place is called the same.",
            Self::TypeConflict => "A folder cannot take the place of a document, nor a document that of a folder.",
            Self::NameTooLong => "No free name is short enough.",
            Self::NotFound => "There is no such thing.",
            Self::PermissionDenied => "You may not do this to it, or not in this place.",
            Self::Cycle => "A folder cannot be put into itself.",
            Self::Changed => "It was moved or changed in the meantime.",
            Self::Depth => "There would be more than a hundred folders in each other.",
            Self::TargetGone => "The place it was to go to is not there.",
            Self::TargetArchived => "The WorkCenter is archived.",
            Self::NotEmpty => "The folder has something in it.",
            Self::Identical => "It is there already.",
            Self::Renamed => "Its name was taken: it has another one now.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_back() {
        assert!(Code::ALL.into_iter().all(|it| Code::named(it.name()) == it));
        assert_eq!(Code::named("INTERNAL"), Code::TargetGone);
    }
}
