//! Whether a new password is the present one with a little changed. Pure.

/// Characters that may be put in, left out or exchanged so that it still is the same: a year, or a sign and a capital.
const EDITS_MAX: usize = 3;

/// Whether `new` is `old` in other case, with the usual substitutions, backwards, with something before or after it, or
/// with up to three characters changed.
pub(super) fn is_similar(new: &str, old: &str) -> bool {
    let (new, old) = (plain(new), plain(old));
    let backwards: Vec<char> = old.iter().rev().copied().collect();
    let holds = |long: &[char], short: &[char]| !short.is_empty() && long.windows(short.len()).any(|it| it == short);
    holds(&new, &old) || holds(&old, &new) || new == backwards || distance(&new, &old) <= EDITS_MAX
}

/// The text in lower case, with letters for the signs that stand for them.
fn plain(text: &str) -> Vec<char> {
    let letter = |it| match it {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        other => other,
    };
    text.chars().flat_map(char::to_lowercase).map(letter).collect()
}

/// How many characters it takes to make one of the other. Source: Wagner and Fischer, 1974.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, it) in one.iter().enumerate() {
        let mut before = row[0];
        row[0] = at + 1;
        for (to, that) in other.iter().enumerate() {
            let changed = before + usize::from(it != that);
            before = row[to + 1];
            row[to + 1] = changed.min(before + 1).min(row[to] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "a long walk on the pier";

    #[test]
    fn a_little_changed_is_the_same() {
        for new in [
            OLD,
            "A Long Walk On The Pier",
            "a l0ng w@lk 0n the p1er",
            "a long walk on the pier 2026",
            "a long walk on a pier",
            "reip eht no klaw gnol a",
            "long walk on the",
        ] {
            assert!(is_similar(new, OLD), "{new}");
        }
    }

    #[test]
    fn another_sentence_is_another() {
        assert!(!is_similar("a short swim to the boat", OLD));
        assert!(!is_similar("xK7$mq2R", "pW9!zt4L"));
    }

    #[test]
    fn the_distance_is_that_of_the_textbook() {
        let distance = |one: &str, other: &str| {
            super::distance(&one.chars().collect::<Vec<_>>(), &other.chars().collect::<Vec<_>>())
        };
        assert_eq!([distance("kitten", "sitting"), distance("", "abc"), distance("abc", "")], [3, 3, 3]);
    }
}
