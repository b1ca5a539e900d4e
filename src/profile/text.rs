//! What people type into a profile: cleaned, and refused where it would deceive.

use unicode_normalization::UnicodeNormalization;

use crate::error::Violation;

/// Reads one line of at most `max` characters: trimmed, in Unicode's form C. Characters are code points.
///
/// # Errors
///
/// The violation to report: a line that is too long, or that has characters which are not to be seen.
pub(super) fn line(field: &str, text: &str, max: usize) -> Result<String, Violation> {
    let line: String = text.trim().nfc().collect();
    if line.chars().any(is_refused) {
        return Err(Violation::new(field, "must be one line without control characters"));
    }
    if max < line.chars().count() {
        return Err(Violation::new(field, format!("must have at most {max} characters")));
    }
    Ok(line)
}

/// Control characters, ends of lines, and what turns the direction of the text around it.
///
/// The last is the trick by which a name looks like another one. The plain marks of direction stay, for Arabic and
/// Hebrew names need them, and so do the joiners, of which emoji are made. Source: Unicode UAX #9, section 2.
fn is_refused(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_trimmed_and_composed_and_counted_in_code_points() {
        assert_eq!(line("name", "  Ange\u{301}le\u{a0} ", 6).as_deref(), Ok("Ang\u{e9}le"));
        assert!(line("name", &"\u{1F980}".repeat(6), 6).is_ok());
        assert!(line("name", &"\u{1F980}".repeat(7), 6).is_err());
        // A Hebrew name with a mark of direction, and a family.
        assert!(line("name", "\u{5D0}\u{5D3}\u{5D4}\u{200F}", 6).is_ok());
        assert!(line("name", "\u{1F469}\u{200D}\u{1F467}", 6).is_ok());
    }

    #[test]
    fn what_cannot_be_seen_or_turns_the_text_around_is_refused() {
        for bad in ["a\0b", "a\nb", "a\tb", "a\u{7f}b", "a\u{85}b", "a\u{2028}b", "a\u{202E}b", "a\u{2066}b"] {
            assert_eq!(line("name", bad, 6).map_err(|it| it.field), Err("name".to_owned()), "{bad:?}");
        }
    }
}
