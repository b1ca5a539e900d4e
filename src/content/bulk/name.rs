//! Free names: `plan (2).pdf` where `plan.pdf` is taken.

use crate::content::{Kind, NAME_MAX, Name};

/// Characters that the largest number takes with its space and brackets: of more things than there can be.
const NUMBER_MAX: usize = 12;

/// A name before and after the place of its number.
struct Parts<'a> {
    stem: &'a str,
    ending: &'a str,
}

impl<'a> Parts<'a> {
    /// The ending of a document is told apart, unless it leaves nothing before it or is a name by itself.
    fn of(name: &'a str, kind: Kind) -> Self {
        let whole = Self { stem: name, ending: "" };
        match name.rfind('.') {
            Some(at) if at > 0 && kind == Kind::Document => {
                let (stem, ending) = name.split_at(at);
                if ending.chars().count() + NUMBER_MAX < NAME_MAX { Self { stem, ending } } else { whole }
            }
            _ => whole,
        }
    }

    /// The name with a number, its stem cut so that the whole is not too long.
    fn numbered(&self, number: usize) -> String {
        let number = format!(" ({number})");
        let room = NAME_MAX - self.ending.chars().count() - number.len();
        let stem: String = self.stem.chars().take(room).collect();
        format!("{}{number}{}", stem.trim_end(), self.ending)
    }
}

/// What the keys of all numbered forms of a name begin with.
pub(super) fn prefix(name: &str, kind: Kind) -> String {
    let parts = Parts::of(name, kind);
    let room = NAME_MAX - parts.ending.chars().count() - NUMBER_MAX;
    let stem: String = parts.stem.chars().take(room).collect();
    // What follows could change the form of the last letter, and is left out with it when it may.
    let stem =
        if parts.stem.chars().count() > room { stem.trim_end().to_owned() } else { format!("{} (", stem.trim_end()) };
    Name::kept(stem).key()
}

/// The first numbered form of a name that is not `taken`; its key is told, too. None when there is none of a number that fits.
pub(super) fn free(name: &str, kind: Kind, taken: impl Fn(&str) -> bool) -> Option<(String, String)> {
    let parts = Parts::of(name, kind);
    (2..1_000_000).map(|it| parts.numbered(it)).find_map(|name| {
        let key = Name::kept(name.clone()).key();
        (!taken(&key)).then_some((name, key))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free_among(name: &str, kind: Kind, taken: &[&str]) -> String {
        free(name, kind, |key| taken.contains(&key)).unwrap().0
    }

    #[test]
    fn the_number_stands_before_the_ending_of_a_document() {
        assert_eq!(free_among("Plan.pdf", Kind::Document, &[]), "Plan (2).pdf");
        assert_eq!(free_among("Plan.pdf", Kind::Document, &["plan (2).pdf"]), "Plan (3).pdf");
        assert_eq!(free_among("a.tar.gz", Kind::Document, &[]), "a.tar (2).gz");
        assert_eq!(free_among(".hidden", Kind::Document, &[]), ".hidden (2)");
        assert_eq!(free_among("Level 1.5", Kind::Folder, &[]), "Level 1.5 (2)");
    }

    #[test]
    fn a_long_name_is_cut_and_an_ending_that_is_no_ending_is_not_kept() {
        let long = free_among(&format!("{}.pdf", "é".repeat(251)), Kind::Document, &[]);
        assert_eq!((long.chars().count(), long.ends_with("é (2).pdf")), (NAME_MAX, true));
        let odd = free_among(&format!("a.{}", "b".repeat(253)), Kind::Document, &[]);
        assert_eq!((odd.chars().count(), odd.ends_with("b (2)")), (NAME_MAX, true));
    }

    #[test]
    fn every_numbered_form_begins_with_the_prefix() {
        for name in ["Plan.pdf", "ΣΙΣΥΦΟΣ.txt", "Straße", &format!("{}.x", "K".repeat(253)), &"n ".repeat(127)]
        {
            for kind in [Kind::Folder, Kind::Document] {
                for number in [2, 10, 999_999] {
                    let key = Name::kept(Parts::of(name, kind).numbered(number)).key();
                    assert!(key.starts_with(&prefix(name, kind)), "{key} {}", prefix(name, kind));
                }
            }
        }
    }
}
