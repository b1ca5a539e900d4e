//! Decides how many lines each section of a digest shows, when there is not room for all.
//!
//! Sections are shortened together, so that a busy WorkCenter does not push a quiet one out of
//! the mail. Neither a section nor the mail is left with "and 1 more".

use crate::mail::phrase;

/// Lines of one section: enough for a day of a busy WorkCenter, and few enough to be read.
pub const SECTION_LINES_MAX: usize = 20;

/// Lines of one mail: ten full sections.
pub const MAIL_LINES_MAX: usize = 200;

/// How many lines each section shows.
///
/// A section with none is not shown at all; its lines are counted at the end of the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// For each section that needs the recipient.
    pub needs_you: Vec<usize>,
    /// For each other section.
    pub others: Vec<usize>,
}

impl Room {
    /// How many lines are shown in all.
    pub fn shown(&self) -> usize {
        self.needs_you.iter().chain(&self.others).sum()
    }
}

/// Lists the ways to make room for sections of so many lines, from the roomiest to the tightest.
///
/// First the other sections are shortened, a line at a time, and then left out from the end; only
/// then does the same befall those that need the recipient. Something is always shown: no section
/// may be empty, and there must be at least two lines in all.
pub fn ways(needs_you: &[usize], others: &[usize]) -> Vec<Room> {
    let (first, then) = (steps(others), steps(needs_you));
    let both = (0..=first).map(|it| (0, it)).chain((1..=then).map(|it| (it, first)));
    let rooms = both.map(|(needs_step, other_step)| Room {
        needs_you: shortened(needs_you, needs_step),
        others: shortened(others, other_step),
    });
    let fits = |room: &Room| {
        let is_some = (1..=MAIL_LINES_MAX).contains(&room.shown());
        let unseen = unseen(&room.needs_you, needs_you) + unseen(&room.others, others);
        is_some && unseen != 1
    };
    rooms.filter(fits).collect()
}

/// How many times `counts` can be shortened before nothing is left.
fn steps(counts: &[usize]) -> usize {
    if counts.is_empty() { 0 } else { SECTION_LINES_MAX - 1 + counts.len().min(MAIL_LINES_MAX) }
}

/// The lines that are shown after `step` steps: twenty a section, then fewer, then fewer sections.
fn shortened(counts: &[usize], step: usize) -> Vec<usize> {
    let cap = SECTION_LINES_MAX.saturating_sub(step).max(1);
    // A mail of one line a section cannot have more sections than lines.
    let left_out = (step + 1).saturating_sub(SECTION_LINES_MAX);
    let sections = counts.len().min(MAIL_LINES_MAX) - left_out;
    let shown = |(at, count): (usize, &usize)| match at < sections {
        true => phrase::shown(*count, cap),
        false => 0,
    };
    counts.iter().enumerate().map(shown).collect()
}

/// How many lines there are in the sections of which none is shown.
pub fn unseen(shown: &[usize], counts: &[usize]) -> usize {
    shown.iter().zip(counts).filter(|(shown, _)| **shown == 0).map(|(_, count)| count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_shows_twenty_or_else_all_of_twenty_one() {
        for (count, shown) in [(2, 2), (20, 20), (21, 21), (22, 20), (5_000, 20)] {
            assert_eq!(ways(&[], &[count])[0].others, [shown]);
            assert_eq!(ways(&[count], &[])[0].needs_you, [shown]);
        }
    }

    #[test]
    fn a_crowded_mail_shortens_all_sections_alike_and_what_needs_the_recipient_last() {
        assert_eq!(ways(&[], &[20; 10])[0].shown(), 200);
        let room = &ways(&[30], &[30; 10])[0];
        assert_eq!((&room.needs_you, &room.others), (&vec![20], &vec![18; 10]));
        assert_eq!(ways(&[], &[1; 201])[0].shown(), 199, "not 200, with 1 more at the end");
    }

    #[test]
    fn no_way_shows_too_much_or_nothing_or_leaves_one_line_over() {
        let counts: [&[usize]; 8] = [&[], &[1], &[2], &[1, 1, 1], &[21, 22, 1], &[5_000], &[3; 150], &[1; 500]];
        for needs_you in counts {
            for others in counts {
                let total: usize = needs_you.iter().chain(others).sum();
                if total < 2 {
                    continue;
                }
                let rooms = ways(needs_you, others);
                assert!(!rooms.is_empty(), "{needs_you:?} {others:?}");
                assert!(rooms.is_sorted_by_key(|it| MAIL_LINES_MAX - it.shown()));
                assert!(rooms.iter().all(|it| (1..=MAIL_LINES_MAX).contains(&it.shown())));
                for room in rooms {
                    let unseen = unseen(&room.needs_you, needs_you) + unseen(&room.others, others);
                    assert_ne!(unseen, 1);
                    let shown = room.needs_you.iter().chain(&room.others);
                    for (shown, count) in shown.zip(needs_you.iter().chain(others)) {
                        assert!(*shown == 0 || count - shown != 1);
                    }
                }
            }
        }
    }
}
