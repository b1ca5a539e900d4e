//! Locales, by the tags of BCP 47.

use crate::error::Violation;

/// What a locale has to be, in words.
pub(super) const FORM: &str = "a language tag of BCP 47, such as en-GB";

/// Characters of a tag at most. Source: RFC 5646, section 4.4.1.
const TAG_MAX: usize = 35;

/// Reads a locale of any case and writes it the usual way, as in `zh-Hant-TW`; empty text is no locale.
///
/// Looks at the shape alone: language, script, region, variants, extensions, private use, in this order. Whether
/// anybody speaks it is not asked. Source: RFC 5646, sections 2.1 and 2.1.1.
///
/// # Errors
///
/// The violation to report, when it has not the shape of a tag.
pub(super) fn locale(field: &str, text: &str) -> Result<String, Violation> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    let tag = if text.len() <= TAG_MAX { canonical(text) } else { None };
    tag.ok_or_else(|| Violation::new(field, format!("must be {FORM}")))
}

fn canonical(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let mut parts = lower.split('-').peekable();
    let language = parts.next().filter(|it| (2..=3).contains(&it.len()) && is_letters(it))?;
    let mut tag = language.to_owned();
    if let Some(script) = parts.next_if(|it| it.len() == 4 && is_letters(it)) {
        let (first, rest) = script.split_at(1);
        tag.extend(["-", &first.to_ascii_uppercase(), rest]);
    }
    if let Some(region) = parts.next_if(|it| is_region(it)) {
        tag.extend(["-", &region.to_ascii_uppercase()]);
    }
    while let Some(variant) = parts.next_if(|it| is_variant(it)) {
        tag.extend(["-", variant]);
    }
    while let Some(singleton) = parts.next_if(|it| it.len() == 1 && is_alphanumeric(it)) {
        let least = if singleton == "x" { 1 } else { 2 };
        tag.extend(["-", singleton]);
        // An extension has at least one part; those of private use go on to the end.
        let mut part = Some(parts.next_if(|it| is_part(it, least))?);
        while let Some(text) = part {
            tag.extend(["-", text]);
            part = parts.next_if(|it| is_part(it, least));
        }
    }
    parts.next().is_none().then_some(tag)
}

fn is_region(it: &str) -> bool {
    (it.len() == 2 && is_letters(it)) || (it.len() == 3 && it.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_variant(it: &str) -> bool {
    is_part(it, 5) || (is_part(it, 4) && it.starts_with(|char: char| char.is_ascii_digit()))
}

fn is_part(it: &str, least: usize) -> bool {
    (least..=8).contains(&it.len()) && is_alphanumeric(it)
}

fn is_letters(it: &str) -> bool {
    it.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_alphanumeric(it: &str) -> bool {
    it.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_taken_in_any_case_and_given_back_in_the_usual_one() {
        for (typed, tag) in [
            ("", ""),
            ("DE", "de"),
            (" en-gb ", "en-GB"),
            ("ZH-hant-tw", "zh-Hant-TW"),
            ("es-419", "es-419"),
            ("sl-Rozaj-Biske", "sl-rozaj-biske"),
            ("de-CH-1996", "de-CH-1996"),
            ("de-DE-u-CO-phonebk", "de-DE-u-co-phonebk"),
            ("en-x-a-b", "en-x-a-b"),
        ] {
            assert_eq!(locale("locale", typed).as_deref(), Ok(tag));
        }
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for bad in [
            "e",
            "english",
            "en_GB",
            "en-",
            "-en",
            "en--GB",
            "en-GB-US",
            "en-u",
            "en-x",
            "en-GB-Latn",
            "en-abcdefghi",
            "deutsch-CH",
            "fr-é",
            "en-aaaaa-bbbbb-ccccc-ddddd-eeeee-fffff",
        ] {
            assert_eq!(locale("locale", bad).map_err(|it| it.field), Err("locale".to_owned()), "{bad:?}");
        }
    }
}
