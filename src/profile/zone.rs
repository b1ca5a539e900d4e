//! Time zones, by their IANA names, and the names that somebody may have meant.

use std::cmp::Reverse;

use super::text::distance;
use crate::{error::Violation, subscription::schedule};

/// What a zone has to be, in words.
pub(super) const FORM: &str = "an IANA name such as America/New_York";

/// Names that are suggested at most.
const NEAR_MAX: usize = 3;
/// How many letters a suggestion may differ by: two typing errors.
const ERRORS_MAX: usize = 2;
/// Bytes of a name that are looked at: the longest name has about thirty.
const NAME_MAX: usize = 64;

/// Reads a time zone of any case and gives it back as it is written; empty text is no zone.
///
/// An alias such as `US/Eastern` stays what it is: what it means is looked up when it is used.
///
/// # Errors
///
/// The violation to report, when there is no such zone, with names that are near.
pub fn time_zone(field: &str, text: &str) -> Result<String, Violation> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    if let Some(name) = schedule::zone(text).and_then(|it| it.iana_name().map(str::to_owned)) {
        return Ok(name);
    }
    let near = if text.len() <= NAME_MAX { near(text) } else { Vec::new() };
    let rule = match near.as_slice() {
        [] => format!("must be {FORM}"),
        near => format!("must be an IANA name; near it are {}", near.join(", ")),
    };
    Err(Violation::new(field, rule))
}

/// The zones whose name, or the city in it, differs from `text` by little; the nearest first.
fn near(text: &str) -> Vec<String> {
    let typed = plain(text);
    let mut near: Vec<(usize, Reverse<bool>, String)> = jiff::tz::db()
        .available()
        .map(|it| it.to_string())
        .filter_map(|zone| {
            let name = plain(&zone);
            let city = name.rsplit_once('/').map_or(name.as_str(), |(_, city)| city);
            let errors = distance(&typed, &name).min(distance(&typed, city));
            // Of several names of one place, the one with the continent is the usual one.
            (errors <= ERRORS_MAX).then(|| (errors, Reverse(name.contains('/')), zone))
        })
        .filter(|(.., zone)| schedule::zone(zone).is_some())
        .collect();
    near.sort();
    near.truncate(NEAR_MAX);
    near.into_iter().map(|(.., zone)| zone).collect()
}

/// Names as they are compared: in lower case, with `_` for spaces.
fn plain(text: &str) -> String {
    text.to_lowercase().replace(' ', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> String {
        time_zone("time_zone", text).unwrap_err().rule
    }

    #[test]
    fn a_zone_is_taken_in_any_case_and_given_back_as_it_is_written() {
        for (typed, name) in [
            ("", ""),
            ("europe/zurich", "Europe/Zurich"),
            (" UTC ", "UTC"),
            ("us/eastern", "US/Eastern"),
            ("AMERICA/ARGENTINA/BUENOS_AIRES", "America/Argentina/Buenos_Aires"),
        ] {
            assert_eq!(time_zone("time_zone", typed).as_deref(), Ok(name));
        }
    }

    #[test]
    fn what_is_no_zone_is_refused() {
        for bad in ["Mars/Olympus_Mons", "GMT+2", "../../etc/passwd", "Etc/Unknown", "posixrules", &"x".repeat(5_000)] {
            assert!(rule(bad).starts_with("must be an IANA name"), "{bad:?}");
        }
    }

    #[test]
    fn names_that_are_near_are_suggested() {
        assert_eq!(rule("Zurich"), "must be an IANA name; near it are Europe/Zurich");
        assert_eq!(rule("Europe/Zürich"), "must be an IANA name; near it are Europe/Zurich");
        assert!(rule("America/New York").contains("America/New_York"));
        assert_eq!(rule("Mars/Olympus_Mons"), "must be an IANA name such as America/New_York");
    }
}
