//! The turns in which what waits for a person is told, besides what is told at once.

use super::schedule::Beat;

/// What is composed in one mail for each person and account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The digest of this beat.
    Digest(Beat),
    /// What waited for a digest when the person chose to hear at once.
    CatchUp,
    /// What waited while the person was away.
    Return,
}

impl Turn {
    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Digest(beat) => beat.name(),
            Self::CatchUp => "CATCHUP",
            Self::Return => "RETURN",
        }
    }
}
