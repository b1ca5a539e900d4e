//! What is said of items: stable codes, and the same for readers.

/// Why an item was not done, or what there is to say about one that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// Something in its new place is called the same.
    NameConflict,
    /// That is a folder and it is a document, or the other way round.
    TypeConflict,
    /// Its name is too long, or no free one is short enough.
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
    /// No folder or document may be called so.
    NameInvalid,
    /// It is a link, or a device.
    SpecialFile,
    /// A system has put it there for itself.
    SystemFile,
    /// It needs a password.
    Encrypted,
    /// It is packed in a way that is not read here.
    Unsupported,
    /// It has too many bytes, or far more than it is packed into.
    TooLarge,
    /// Its bytes are not what the archive says of them.
    Corrupt,
    /// Its bytes are not in the store.
    ContentMissing,
}

impl Code {
    const ALL: [Self; 21] = [
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
        Self::NameInvalid,
        Self::SpecialFile,
        Self::SystemFile,
        Self::Encrypted,
        Self::Unsupported,
        Self::TooLarge,
        Self::Corrupt,
        Self::ContentMissing,
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
            Self::NameInvalid => "NAME_INVALID",
            Self::SpecialFile => "SPECIAL_FILE",
            Self::SystemFile => "SYSTEM_FILE",
            Self::Encrypted => "ENCRYPTED",
            Self::Unsupported => "UNSUPPORTED",
            Self::TooLarge => "TOO_LARGE",
            Self::Corrupt => "CORRUPT",
            Self::ContentMissing => "CONTENT_MISSING",
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
            Self::NameTooLong => "Its name is too long, or no free one is short enough.",
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
            Self::NameInvalid => "No folder or document may be called so, or it leads out of the archive.",
            Self::SpecialFile => "It is a link or a device, and no document.",
            Self::SystemFile => "A system has put it there for itself: nothing of it is kept.",
            Self::Encrypted => "It cannot be read without a password.",
            Self::Unsupported => "It is packed in a way that is not read here.",
            Self::TooLarge => "It has more bytes than a document may have, or far more than it is packed into.",
            Self::Corrupt => "Its bytes are not what the archive says of them.",
            Self::ContentMissing => "Its bytes are not in the store.",
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
