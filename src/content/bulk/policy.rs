//! What happens where a name is taken.

use crate::{content::Kind, job};

/// What happens where a name is taken, letter case aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// The item fails.
    Fail,
    /// The item is left where it is.
    Skip,
    /// It takes the next free name.
    Rename,
    /// A document becomes the newest version of what is there.
    NewVersion,
    /// The document that is there is deleted.
    Replace,
    /// What is in a folder goes into the one that is there.
    Merge,
}

impl Policy {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Fail, Self::Skip, Self::Rename, Self::NewVersion, Self::Replace, Self::Merge];

    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fail => "FAIL",
            Self::Skip => "SKIP",
            Self::Rename => "RENAME",
            Self::NewVersion => "NEW_VERSION",
            Self::Replace => "REPLACE",
            Self::Merge => "MERGE",
        }
    }

    /// Reads what [`Self::name`] wrote; nothing stands for [`Self::Fail`].
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|it| it.name() == name).unwrap_or(Self::Fail)
    }

    /// Whether it is one for what is of this `kind`, in a job that does `what`.
    pub fn suits(self, kind: Kind, what: job::Kind) -> bool {
        let restores = what == job::Kind::BulkRestore;
        match self {
            Self::Fail | Self::Skip | Self::Rename => true,
            Self::NewVersion => kind == Kind::Document && !restores,
            Self::Replace => kind == Kind::Document,
            Self::Merge => kind == Kind::Folder && !restores,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        assert!(Policy::ALL.into_iter().all(|it| Policy::named(it.name()) == it));
        assert_eq!(Policy::named(""), Policy::Fail);
    }

    #[test]
    fn nothing_replaces_a_folder_and_nothing_is_merged_into_a_document() {
        let suits = |kind, what| Policy::ALL.into_iter().filter(|it| it.suits(kind, what)).collect::<Vec<_>>();
        use Policy::{Fail, Merge, NewVersion, Rename, Replace, Skip};
        assert_eq!(suits(Kind::Folder, job::Kind::BulkMove), [Fail, Skip, Rename, Merge]);
        assert_eq!(suits(Kind::Document, job::Kind::BulkCopy), [Fail, Skip, Rename, NewVersion, Replace]);
        assert_eq!(suits(Kind::Folder, job::Kind::BulkRestore), [Fail, Skip, Rename]);
        assert_eq!(suits(Kind::Document, job::Kind::BulkRestore), [Fail, Skip, Rename, Replace]);
    }
}
