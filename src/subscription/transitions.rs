//! What becomes of what waits for a person when the cadence of a subscription changes. Pure, and complete by its types.

use super::Cadence;

/// What to do with the events that are not settled yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: they are read at the next turn of the new cadence.
    Keep,
    /// They are settled as suppressed, and so is what concerns the person.
    Suppress,
    /// The person begins anew with what happens from now on.
    Resume,
    /// They go out now, in one mail.
    CatchUp,
}

/// The step from one cadence to another.
///
/// | from \ to | immediate | daily | weekly | off |
/// |---|---|---|---|---|
/// | immediate | keep | keep | keep | suppress |
/// | daily | catch up | keep | keep | suppress |
/// | weekly | catch up | keep | keep | suppress |
/// | off | resume | resume | resume | keep |
pub fn step(from: Cadence, to: Cadence) -> Step {
    match (from, to) {
        (Cadence::Off, Cadence::Off) => Step::Keep,
        (Cadence::Off, _) => Step::Resume,
        (_, Cadence::Off) => Step::Suppress,
        (Cadence::Digest(_), Cadence::Immediate) => Step::CatchUp,
        (Cadence::Immediate | Cadence::Digest(_), _) => Step::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::{Cadence, Step, step};

    #[test]
    fn each_of_the_sixteen_changes_has_its_step() {
        use Step::{CatchUp, Keep, Resume, Suppress};
        // Immediate, daily, weekly, off.
        let table = [
            [Keep, Keep, Keep, Suppress],
            [CatchUp, Keep, Keep, Suppress],
            [CatchUp, Keep, Keep, Suppress],
            [Resume, Resume, Resume, Keep],
        ];
        for (from, row) in Cadence::ALL.into_iter().zip(table) {
            for (to, expected) in Cadence::ALL.into_iter().zip(row) {
                assert_eq!(step(from, to), expected, "{from:?} to {to:?}");
            }
        }
    }
}
