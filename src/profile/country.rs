//! Countries: kept by the two letters that ISO gives them, and understood by their names.

mod names;

use std::{collections::HashMap, sync::LazyLock};

use super::text::{distance, plain};
use crate::error::Violation;
use names::COUNTRIES;

/// What a country has to be, in words.
pub(super) const FORM: &str = "a country: its code of ISO 3166-1, such as NZ, or its name in English";

/// Names that are suggested at most.
const NEAR_MAX: usize = 3;
/// How many letters a suggestion may differ by: two typing errors.
const ERRORS_MAX: usize = 2;
/// Letters of the shortest text that is worth a suggestion: every code is near to every other.
const NEAR_FROM: usize = 4;
/// Bytes of a name that are looked at: the longest name has about sixty.
const NAME_MAX: usize = 100;

/// The codes by everything that a country is called, as it is compared.
static BY_NAME: LazyLock<HashMap<String, &str>> = LazyLock::new(|| {
    let called = |country: Country| {
        let names = [country.alpha_2, country.alpha_3].into_iter().chain(country.names.split('|'));
        names.map(move |it| (compared(it), country.alpha_2))
    };
    countries().flat_map(called).collect()
});

/// A row of the list.
#[derive(Clone, Copy)]
struct Country {
    alpha_2: &'static str,
    alpha_3: &'static str,
    /// The usual one first.
    names: &'static str,
}

fn countries() -> impl Iterator<Item = Country> {
    COUNTRIES.lines().filter_map(|line| {
        let (alpha_2, rest) = line.split_once(' ')?;
        let (alpha_3, names) = rest.split_once(' ')?;
        Some(Country { alpha_2, alpha_3, names })
    })
}

/// A name as it is compared: see [`plain`]; `saint` is `st`, `&` is `and`, and a leading `the` is nothing.
fn compared(name: &str) -> String {
    let plain = plain(&name.replace('&', " and "));
    let words = plain.split(' ').enumerate().filter(|(place, word)| (*place, *word) != (0, "the"));
    let words: Vec<&str> = words.map(|(_, word)| if word == "saint" { "st" } else { word }).collect();
    words.join(" ")
}

/// Reads a country by its code of two or three letters or by its name, and gives back the two letters; empty text is no
/// country.
///
/// # Errors
///
/// The violation to report, when no country is called so, with names that are near.
pub(super) fn country(field: &str, text: &str) -> Result<String, Violation> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    let typed = if text.len() <= NAME_MAX { compared(text) } else { String::new() };
    if let Some(code) = BY_NAME.get(&typed) {
        return Ok((*code).to_owned());
    }
    let rule = match near(&typed).join(", ") {
        none if none.is_empty() => format!("must be {FORM}"),
        near => format!("must be a country; near it are {near}"),
    };
    Err(Violation::new(field, rule))
}

/// The countries with a name that differs from `typed` by little; the nearest first, by their usual names.
fn near(typed: &str) -> Vec<&'static str> {
    if typed.chars().count() < NEAR_FROM {
        return Vec::new();
    }
    let errors = |country: &Country| country.names.split('|').map(|it| distance(typed, &compared(it))).min();
    let near = countries().filter_map(|it| Some((errors(&it)?, it.names.split('|').next()?)));
    let mut near: Vec<_> = near.filter(|(errors, _)| *errors <= ERRORS_MAX).collect();
    near.sort_unstable();
    near.truncate(NEAR_MAX);
    near.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn rule(text: &str) -> String {
        country("country", text).unwrap_err().rule
    }

    #[test]
    fn the_list_has_every_code_once_and_in_order_and_no_name_twice() {
        let codes: Vec<_> = countries().map(|it| it.alpha_2).collect();
        assert_eq!((codes.len(), COUNTRIES.lines().count()), (249, 249));
        assert!(codes.is_sorted_by(|a, b| a < b));
        assert_eq!(countries().map(|it| it.alpha_3).collect::<HashSet<_>>().len(), 249);
        let letters = |it: &str, count| it.len() == count && it.bytes().all(|it| it.is_ascii_uppercase());
        assert!(countries().all(|it| letters(it.alpha_2, 2) && letters(it.alpha_3, 3)));
        let mut names: HashMap<String, &str> = HashMap::new();
        for country in countries() {
            for name in [country.alpha_2, country.alpha_3].into_iter().chain(country.names.split('|')) {
                let other = names.insert(compared(name), country.alpha_2);
                assert!(other.is_none_or(|it| it == country.alpha_2), "{name} is also {other:?}");
                assert_eq!(super::country("country", name).as_deref(), Ok(country.alpha_2), "{name}");
            }
        }
    }

    #[test]
    fn a_country_is_taken_by_code_or_name_in_any_case_and_without_accents() {
        for (typed, code) in [
            ("", ""),
            ("nz", "NZ"),
            (" Ch ", "CH"),
            ("NZL", "NZ"),
            ("new zealand", "NZ"),
            ("Côte d'Ivoire", "CI"),
            ("cote d’ivoire", "CI"),
            ("COTE DIVOIRE", "CI"),
            ("United States", "US"),
            ("u.s.a.", "US"),
            ("the netherlands", "NL"),
            ("St. Lucia", "LC"),
            ("Trinidad & Tobago", "TT"),
            ("turkiye", "TR"),
            ("UK", "GB"),
            ("aland", "AX"),
        ] {
            assert_eq!(country("country", typed).as_deref(), Ok(code), "{typed:?}");
        }
    }

    #[test]
    fn what_is_no_country_is_refused_and_names_that_are_near_are_suggested() {
        assert_eq!(rule("New Zeeland"), "must be a country; near it are New Zealand");
        assert_eq!(rule("Swizerland"), "must be a country; near it are Switzerland");
        assert!(rule("Austrai").contains("Austria"), "{}", rule("Austrai"));
        for bad in ["XX", "Atlantis", "N", "é", "-", "D E", "The", &"x".repeat(5_000)] {
            assert_eq!(rule(bad), format!("must be {FORM}"), "{bad:?}");
        }
    }
}
