//! What people type into a profile: cleaned, and refused where it would deceive.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::error::Violation;

/// What a line has to be, in words.
pub(super) const FORM: &str = "one line of characters that can be seen, without control characters";

/// Combining marks one after the other. The scripts that stack most, Hebrew with its accents and Tibetan, need five or
/// six; more of them smear over the lines around.
const MARKS_MAX: usize = 8;

/// Reads one line of at most `max` characters: trimmed, in Unicode's form C. Characters are code points.
///
/// # Errors
///
/// The violation to report: a line that is too long, or that has characters which are not to be seen.
pub(super) fn line(field: &str, text: &str, max: usize) -> Result<String, Violation> {
    let line: String = text.trim().nfc().collect();
    let hidden = !line.is_empty() && line.chars().all(|it| is_blank(it) || it.is_whitespace());
    if hidden || line.chars().any(is_refused) || marks(&line) {
        return Err(Violation::new(field, format!("must be {FORM}")));
    }
    if max < line.chars().count() {
        return Err(Violation::new(field, format!("must have at most {max} characters")));
    }
    Ok(line)
}

/// Control characters, ends of lines, what turns the direction of the text around it, and what nobody sees.
///
/// Turning the direction is the trick by which a name looks like another one. The plain marks of direction stay, for
/// Arabic and Hebrew names need them, and so do the joiners, of which emoji are made. Tags spell a text of their own
/// behind the one that is seen; three flags of Britain are made of them, which is the price. Noncharacters are no text.
/// Source: Unicode UAX #9, section 2, and chapter 23 of the standard.
fn is_refused(char: char) -> bool {
    let noncharacter = matches!(char, '\u{FDD0}'..='\u{FDEF}') || u32::from(char) & 0xFFFE == 0xFFFE;
    noncharacter
        || char.is_control()
        || matches!(
            char,
            '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{206F}' | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}'
        )
}

/// What has a place in a text, and looks like nothing by itself: joiners, marks of direction, selectors, fillers.
fn is_blank(char: char) -> bool {
    matches!(
        char,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2065}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{FFA0}' | '\u{E0100}'..='\u{E01EF}'
    )
}

/// Whether combining marks stand on nothing, or too many on one letter.
fn marks(line: &str) -> bool {
    let mut in_a_row = 0;
    line.starts_with(is_combining_mark)
        || line.chars().any(|it| {
            in_a_row = if is_combining_mark(it) { in_a_row + 1 } else { 0 };
            MARKS_MAX < in_a_row
        })
}

/// Names as they are compared: in lower case, without accents and punctuation, one space between words.
pub(super) fn plain(text: &str) -> String {
    let letters = text.nfkd().filter(|it| !is_combining_mark(*it)).flat_map(char::to_lowercase);
    let spaced: String = letters
        .filter(|it| !matches!(it, '\'' | '\u{2019}' | '.'))
        .map(|it| if it.is_alphanumeric() { it } else { ' ' })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How many letters have to be added, dropped or changed to make `a` of `b`.
///
/// Source: R. A. Wagner, M. J. Fischer, "The String-to-String Correction Problem", Journal of the ACM 21, 1974.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (above, from) in a.chars().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (place, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[place + 1];
            row[place + 1] = changed.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_trimmed_and_composed_and_counted_in_code_points() {
        assert_eq!(line("name", "  Ange\u{301}le\u{a0} ", 6).as_deref(), Ok("Ang\u{e9}le"));
        assert!(line("name", &"\u{1F980}".repeat(6), 6).is_ok());
        assert!(line("name", &"\u{1F980}".repeat(7), 6).is_err());
        // A Hebrew name with a mark of direction, a family, and a heart in colour.
        assert!(line("name", "\u{5D0}\u{5D3}\u{5D4}\u{200F}", 6).is_ok());
        assert!(line("name", "\u{1F469}\u{200D}\u{1F467}", 6).is_ok());
        assert!(line("name", "\u{2764}\u{FE0F}", 6).is_ok());
        // A Hindi name, whose vowels are marks, and one that is spelt with two accents on one letter.
        assert!(line("name", "\u{938}\u{941}\u{928}\u{940}\u{924}\u{93E}", 6).is_ok());
        assert!(line("name", "a\u{308}\u{301}nna", 6).is_ok());
        assert_eq!(line("name", " \u{a0} ", 6).as_deref(), Ok(""));
    }

    #[test]
    fn what_cannot_be_seen_or_turns_the_text_around_is_refused() {
        let smeared = format!("a{}", "\u{35C}".repeat(MARKS_MAX + 1));
        for bad in [
            "a\0b",
            "a\nb",
            "a\tb",
            "a\u{7f}b",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{202E}b",
            "a\u{2066}b",
            "a\u{206A}b",
            "a\u{FEFF}b",
            "a\u{FFFF}b",
            "a\u{1FFFE}b",
            "a\u{FDD0}b",
            "a\u{E0041}b",
            "\u{301}a",
            "\u{200B}",
            "\u{3164} \u{200F}",
            &smeared,
        ] {
            assert_eq!(line("name", bad, 60).map_err(|it| it.field), Err("name".to_owned()), "{bad:?}");
        }
        assert!(line("name", &smeared[..1 + 2 * MARKS_MAX], 60).is_ok());
    }

    #[test]
    fn names_are_compared_without_accents_case_and_punctuation() {
        for (typed, compared) in [
            ("Côte d’Ivoire", "cote divoire"),
            (" U.S.A. ", "usa"),
            ("Guinea-Bissau", "guinea bissau"),
            ("TÜRKİYE", "turkiye"),
            ("-", ""),
        ] {
            assert_eq!(plain(typed), compared);
        }
    }

    #[test]
    fn distances_are_counted_in_letters() {
        for (a, b, letters) in [("", "", 0), ("zurich", "zürich", 1), ("rome", "", 4), ("kitten", "sitting", 3)] {
            assert_eq!(distance(a, b), letters);
            assert_eq!(distance(b, a), letters);
        }
    }
}
