//! What folders and documents are called, and when two are called the same.

use unicode_normalization::UnicodeNormalization;

use crate::{error::Violation, workcenter::controls};

/// Characters of a name at most: what file systems take, and what the table checks.
pub const NAME_MAX: usize = 255;

/// The name of a folder or a document, as Unicode's NFC has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Reads the name in `field` of a request.
    ///
    /// # Errors
    ///
    /// The violation to report: nothing, more than [`NAME_MAX`] characters, or what no file system would take back.
    pub fn parse(field: &str, text: &str) -> Result<Self, Violation> {
        let name: String = text.nfc().collect();
        let refused = |rule: &str| Err(Violation::new(field, rule));
        if name.is_empty() {
            return refused("is required");
        }
        if NAME_MAX < name.chars().count() {
            return Err(Violation::new(field, format!("must have at most {NAME_MAX} characters")));
        }
        if name.chars().any(|it| controls(it) || matches!(it, '/' | '\\')) {
            return refused("must have no slashes and no control characters");
        }
        if name.trim() != name {
            return refused("must not begin or end with a space");
        }
        if matches!(name.as_str(), "." | "..") {
            return refused("must be neither . nor ..");
        }
        Ok(Self(name))
    }

    /// A name that was read before, as the database has it.
    pub fn kept(text: String) -> Self {
        Self(text)
    }

    /// As people see it.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What names are compared by, letter case aside: of two that have the same, one place has one.
    ///
    /// Letters that have no capital of their own are taken for what they are written as in capitals, `ß` for `SS`. The
    /// `ı` without a dot stays itself: in Turkish another word is meant by it.
    ///
    /// Source: Unicode 16, section 5.18, whose full case folding this comes close to.
    pub fn key(&self) -> String {
        const DOTLESS: char = 'ı';
        let capital = |it: char| it.to_uppercase().flat_map(char::to_lowercase).collect::<String>();
        let folded = |it: char| if it == DOTLESS { it.to_string() } else { capital(it) };
        let folded: String = self.0.chars().map(folded).collect();
        folded.nfc().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> String {
        Name::parse("name", text).unwrap().key()
    }

    #[test]
    fn a_name_is_what_file_systems_take_back() {
        for taken in ["Plan.pdf", ".hidden", "...", "a b", "日本.txt", "👷 site", &"é".repeat(NAME_MAX)] {
            assert_eq!(Name::parse("name", taken).map(|it| it.0).as_deref(), Ok(taken));
        }
        assert_eq!(Name::parse("name", "Cafe\u{301}").unwrap().text(), "Caf\u{e9}");
        // Composed, these are no more than may be.
        assert!(Name::parse("name", &"e\u{301}".repeat(NAME_MAX)).is_ok());
        for refused in [
            "",
            " ",
            ".",
            "..",
            " a",
            "a ",
            "a\u{a0}",
            "a/b",
            "..\\b",
            "a\0",
            "a\nb",
            "a\u{7f}",
            "txt.\u{202e}exe",
            "a\u{2028}b",
            &"n".repeat(NAME_MAX + 1),
        ] {
            assert_eq!(Name::parse("name", refused).map_err(|it| it.field), Err("name".to_owned()), "{refused:?}");
        }
    }

    #[test]
    fn names_are_the_same_whatever_the_case_and_the_form_of_their_letters() {
        for (one, other) in [
            ("PLAN.pdf", "plan.PDF"),
            ("Caf\u{e9}", "CAFE\u{301}"),
            ("Straße", "STRASSE"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("Ǆ", "ǆ"),
            ("K", "\u{212a}"),
        ] {
            assert_eq!(key(one), key(other), "{one} {other}");
        }
        for (one, other) in [("plan", "plan "), ("a", "á"), ("kırık", "kirik"), ("1", "１")] {
            let key = |text: &str| Name::kept(text.to_owned()).key();
            assert_ne!(key(one), key(other), "{one} {other}");
        }
    }
}
