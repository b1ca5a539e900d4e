//! What people write of their own: a line, or many; and whom they mention.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use crate::{
    error::{Violation, Violations},
    ids,
    workcenter::controls,
};

/// Characters of a line at most: what a title may have in a mail, and what the tables check.
pub const LINE_MAX: usize = 255;

/// Characters of a text at most: five pages, and what the tables check.
pub const TEXT_MAX: usize = 10_000;

/// People whom one text mentions at most: as many as an event concerns.
pub const MENTIONED_MAX: usize = crate::activity::ADDRESSEES_MAX;

/// Characters that a mail shows of a text: a sentence or two.
const EXCERPT_MAX: usize = 300;

/// Characters that stand for what has no title.
const LABEL_MAX: usize = 60;

/// Reads a line in `field` of a request: trimmed, and composed as Unicode's NFC has it; it may be empty.
///
/// # Errors
///
/// The violation to report: more than [`LINE_MAX`] characters, or any that control the text.
pub(super) fn line(field: &str, text: &str) -> Result<String, Violation> {
    let line: String = text.trim().nfc().collect();
    if LINE_MAX < line.chars().count() {
        return Err(Violation::new(field, format!("must have at most {LINE_MAX} characters")));
    }
    if line.chars().any(controls) {
        return Err(Violation::new(field, "must not have control characters"));
    }
    Ok(line)
}

/// The same of a line that has to be there.
///
/// # Errors
///
/// As [`line()`], and when nothing is left.
pub(super) fn title(field: &str, text: &str) -> Result<String, Violation> {
    let line = line(field, text)?;
    if line.is_empty() { Err(Violation::new(field, "is required")) } else { Ok(line) }
}

/// Reads a text of many lines in `field` of a request, trimmed and composed; it may be empty.
///
/// # Errors
///
/// The violation to report: more than [`TEXT_MAX`] characters, or any that control the text and are no ends of lines.
pub(super) fn lines(field: &str, text: &str) -> Result<String, Violation> {
    let text: String = text.trim().nfc().collect();
    if TEXT_MAX < text.chars().count() {
        return Err(Violation::new(field, format!("must have at most {TEXT_MAX} characters")));
    }
    if text.chars().any(|it| controls(it) && !matches!(it, '\n' | '\t')) {
        return Err(Violation::new(field, "must not have control characters but ends of lines"));
    }
    Ok(text)
}

/// The same of a text that has to be there.
///
/// # Errors
///
/// As [`lines`], and when nothing is left.
pub(super) fn said(field: &str, text: &str) -> Result<String, Violation> {
    let text = lines(field, text)?;
    if text.is_empty() { Err(Violation::new(field, "is required")) } else { Ok(text) }
}

/// Reads ids in `field` of a request: at most `most`, each once.
pub(super) fn ids(field: &str, sent: &[String], most: usize, violations: &mut Violations) -> Vec<Uuid> {
    if most < sent.len() {
        violations.add(field, format!("must be at most {most}"));
    }
    let read = sent.iter().take(most).enumerate();
    let ids: Vec<Uuid> =
        read.filter_map(|(place, id)| violations.take(ids::parse(&format!("{field}[{place}]"), id))).collect();
    let mut seen = HashSet::new();
    ids.into_iter().filter(|it| seen.insert(*it)).collect()
}

/// Reads whom a text mentions.
pub(super) fn mentioned(field: &str, sent: &[String], violations: &mut Violations) -> Vec<Uuid> {
    ids(field, sent, MENTIONED_MAX, violations)
}

/// As much of a text as a mail shows, in one line.
pub(super) fn excerpt(text: &str) -> String {
    cut(text, EXCERPT_MAX)
}

/// What something is called that has no title but this text.
pub(super) fn label(text: &str) -> String {
    cut(text.lines().next().unwrap_or_default(), LABEL_MAX)
}

fn cut(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let kept: String = line.chars().take(most - 1).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_and_a_text_has_many() {
        assert_eq!(line("title", "  Cafe\u{301} ").as_deref(), Ok("Caf\u{e9}"));
        assert_eq!(line("group", " ").as_deref(), Ok(""));
        assert!(line("title", &"é".repeat(LINE_MAX)).is_ok());
        for refused in ["a\nb", "a\0", "a\u{202e}b", &"l".repeat(LINE_MAX + 1)] {
            assert!(line("title", refused).is_err(), "{refused:?}");
        }
        assert_eq!(lines("text", " One.\n\tTwo. ").as_deref(), Ok("One.\n\tTwo."));
        assert!(lines("text", &"t".repeat(TEXT_MAX)).is_ok());
        for refused in ["a\0", "a\u{202e}b", &"t".repeat(TEXT_MAX + 1)] {
            assert!(lines("text", refused).is_err(), "{refused:?}");
        }
        assert!(title("title", " ").is_err() && said("text", "\n").is_err());
    }

    #[test]
    fn whoever_is_mentioned_twice_is_mentioned_once_and_fifty_are_the_most() {
        let id = |_| uuid::Uuid::now_v7().to_string();
        let mut violations = Violations::default();
        let fifty: Vec<String> = (0..MENTIONED_MAX).map(id).collect();
        assert_eq!(mentioned("of", &fifty, &mut violations).len(), MENTIONED_MAX);
        assert_eq!(mentioned("of", &[fifty[0].clone(), fifty[0].clone()], &mut violations).len(), 1);
        assert!(violations.none().is_ok());
        let mut violations = Violations::default();
        mentioned("of", &[fifty, vec![id(0)]].concat(), &mut violations);
        mentioned("of", &["Ada".to_owned()], &mut violations);
        assert!(violations.none().is_err());
    }

    #[test]
    fn a_mail_shows_the_beginning_of_a_text_in_one_line() {
        assert_eq!(excerpt("One.\n\nTwo."), "One. Two.");
        assert_eq!(label("First\nsecond"), "First");
        let long = excerpt(&"word ".repeat(100));
        assert!(long.ends_with("word…") || long.ends_with('…'));
        assert!(long.chars().count() <= EXCERPT_MAX);
    }
}
