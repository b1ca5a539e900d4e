//! What a new password must be: rules as data, one verdict for each.
//!
//! Source: NIST SP 800-63B-4 by way of the OWASP Authentication Cheat Sheet, 2025: length counts, and what is guessed
//! first; composition does not. An account may ask for the older kind of rules in its place.

mod blocklist;
mod change;
mod judge;
mod similar;
mod store;

pub(super) use change::{change, reset};
pub use judge::{Candidate, judge};
pub use store::policy_of_account;
pub(super) use store::{candidate, policy, rehash};

use crate::error::{Reason, Violation};

/// Characters of a password at most: a long sentence. Longer ones are refused before they cost anything.
pub const PASSWORD_MAX: usize = 128;
/// Bytes of a password at most: four for each character.
pub const PASSWORD_BYTES_MAX: usize = 4 * PASSWORD_MAX;

/// Characters of a new password at least, where it is the only factor. Source: NIST SP 800-63B-4, section 3.1.1.2.
const MIN_NIST: usize = 15;
/// Characters of a new password at least where composition is asked for.
const MIN_STRICT: usize = 8;

/// How many of their last passwords somebody may not have again, the present one included: enough that going round in a
/// circle is no convenience.
const NOT_AGAIN: usize = 4;

/// Of these one is asked for where composition is.
const SPECIAL: &str = "!@#$%^&*";

/// What an account asks of passwords.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Preset {
    /// Length, and what is easily guessed.
    #[default]
    Nist2025,
    /// Eight characters of every sort.
    ProcoreStrict,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Nist2025, Self::ProcoreStrict];

    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nist2025 => "NIST_2025",
            Self::ProcoreStrict => "PROCORE_STRICT",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// What is asked of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// So many characters at least.
    MinLength(usize),
    /// So many at most.
    MaxLength(usize),
    /// An upper case letter.
    UpperCase,
    /// A lower case letter.
    LowerCase,
    /// A digit.
    Digit,
    /// A sign.
    Special,
    /// Not among those that are guessed first.
    NotCommon,
    /// Not made of what others know of its owner.
    NotPersonal,
    /// None of the last so many.
    NotUsedBefore(usize),
    /// Not the present one with a little changed.
    NotSimilar,
}

impl Ask {
    /// What it asks, in words, as what a password does.
    pub fn words(self) -> String {
        match self {
            Self::MinLength(least) => format!("must have at least {least} characters"),
            Self::MaxLength(most) => format!("must have at most {most} characters"),
            Self::UpperCase => "must have an upper case letter".to_owned(),
            Self::LowerCase => "must have a lower case letter".to_owned(),
            Self::Digit => "must have a digit".to_owned(),
            Self::Special => format!("must have one of {SPECIAL}"),
            Self::NotCommon => "must not be easy to guess".to_owned(),
            Self::NotPersonal => "must not be made of your name, address, account or the product's name".to_owned(),
            Self::NotUsedBefore(last) => format!("must not be one of your last {last} passwords"),
            Self::NotSimilar => "must not be the present one with a little changed".to_owned(),
        }
    }
}

/// All that is asked of somebody's passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    presets: Vec<Preset>,
}

impl Default for Policy {
    /// What is asked where no account asks anything.
    fn default() -> Self {
        Self { presets: vec![Preset::default()] }
    }
}

impl Policy {
    /// The rules of all of `presets` together; of none at all, the usual ones.
    fn of(mut presets: Vec<Preset>) -> Self {
        presets.sort_unstable();
        presets.dedup();
        if presets.is_empty() { Self::default() } else { Self { presets } }
    }

    /// The presets that make it up.
    pub fn presets(&self) -> &[Preset] {
        &self.presets
    }

    /// The rules, in the order in which they are judged.
    pub fn asks(&self) -> Vec<Ask> {
        let least = self.presets.iter().map(|it| match it {
            Preset::Nist2025 => MIN_NIST,
            Preset::ProcoreStrict => MIN_STRICT,
        });
        let mut asks = vec![Ask::MinLength(least.max().unwrap_or(MIN_NIST)), Ask::MaxLength(PASSWORD_MAX)];
        if self.presets.contains(&Preset::ProcoreStrict) {
            asks.extend([Ask::UpperCase, Ask::LowerCase, Ask::Digit, Ask::Special]);
        }
        asks.extend([Ask::NotCommon, Ask::NotPersonal, Ask::NotUsedBefore(NOT_AGAIN), Ask::NotSimilar]);
        asks
    }
}

/// How a rule was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is kept.
    Kept,
    /// It is broken.
    Broken,
    /// It takes more than is known to judge it.
    NotJudged,
}

/// A rule, and how it was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The rule.
    pub ask: Ask,
    /// How it was judged.
    pub outcome: Outcome,
}

/// What to report in `field` of a request: one violation for every rule that is broken.
pub fn violations(field: &str, verdicts: &[Verdict]) -> Vec<Violation> {
    let broken = verdicts.iter().filter(|it| it.outcome == Outcome::Broken);
    broken.map(|it| Violation::new(field, it.ask.words()).because(Reason::PasswordUnacceptable)).collect()
}

/// Whether a password was compared with those that its owner had.
pub(super) fn was_compared(verdicts: &[Verdict]) -> bool {
    let compared = |it: &Verdict| matches!(it.ask, Ask::NotUsedBefore(_)) && it.outcome != Outcome::NotJudged;
    verdicts.iter().any(compared)
}

/// Whether a password is longer than any that was ever accepted.
pub(super) fn is_too_long(password: &str) -> bool {
    PASSWORD_BYTES_MAX < password.len() || PASSWORD_MAX < password.chars().count()
}

/// Reads a password in `field` that is to be compared. One that cannot be right is refused before it costs anything.
pub fn typed(field: &str, password: String) -> Result<crate::secret::Secret, Violation> {
    if password.is_empty() {
        return Err(Violation::new(field, "is required"));
    }
    if is_too_long(&password) {
        return Err(Violation::new(field, Ask::MaxLength(PASSWORD_MAX).words()));
    }
    Ok(password.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_in_several_accounts_keeps_the_rules_of_all() {
        let asks = |presets: &[Preset]| Policy::of(presets.to_vec()).asks();
        let (nist, strict) = (asks(&[Preset::Nist2025]), asks(&[Preset::ProcoreStrict]));
        let both = asks(&[Preset::ProcoreStrict, Preset::Nist2025, Preset::Nist2025]);
        assert_eq!(nist[0], Ask::MinLength(15));
        assert_eq!(strict[0], Ask::MinLength(8));
        assert_eq!(both[0], Ask::MinLength(15));
        assert!(nist.iter().chain(&strict).filter(|it| **it != strict[0]).all(|it| both.contains(it)));
        assert!(!nist.contains(&Ask::Digit) && both.contains(&Ask::Digit));
        assert_eq!(asks(&[]), nist);
    }

    #[test]
    fn a_preset_is_read_as_it_was_written() {
        for preset in Preset::ALL {
            assert_eq!(Preset::named(preset.name()), Some(preset));
        }
        assert_eq!(Preset::named("LAX"), None);
    }
}
