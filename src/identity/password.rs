//! What a new password must be: long, and not one's own name. Nothing else is asked of it.
//!
//! Source: OWASP Authentication Cheat Sheet, 2025, after NIST SP 800-63B: length counts, composition does not.

use crate::error::Violation;

/// Characters of a new password at least, where it is the only factor.
pub const PASSWORD_MIN: usize = 15;
/// Characters of a password at most: a long sentence. Longer ones are refused before they cost anything.
pub const PASSWORD_MAX: usize = 128;
/// Bytes of a password at most: four for each character.
pub const PASSWORD_BYTES_MAX: usize = 4 * PASSWORD_MAX;

/// Everything that is wrong with a new `password`. `context` is what others know of its owner: names and address.
pub fn password_violations(field: &str, password: &str, context: &[&str]) -> Vec<Violation> {
    let mut violations = Vec::new();
    if password.is_empty() {
        return vec![Violation::new(field, "is required")];
    }
    if is_too_long(password) {
        return vec![Violation::new(field, format!("must have at most {PASSWORD_MAX} characters"))];
    }
    if password.chars().count() < PASSWORD_MIN {
        violations.push(Violation::new(field, format!("must have at least {PASSWORD_MIN} characters")));
    }
    if is_made_of(password, context) {
        violations.push(Violation::new(field, "must not be made of your name or address alone"));
    }
    violations
}

/// Whether a password is longer than any that was ever accepted.
pub(super) fn is_too_long(password: &str) -> bool {
    PASSWORD_BYTES_MAX < password.len() || PASSWORD_MAX < password.chars().count()
}

/// Whether nothing is left of `password` without the words of `context`, whatever their case and what joins them.
fn is_made_of(password: &str, context: &[&str]) -> bool {
    let mut words: Vec<String> = context.iter().map(|it| letters(it)).filter(|it| !it.is_empty()).collect();
    // The longest first: a word may be part of another.
    words.sort_by_key(|it| std::cmp::Reverse(it.len()));
    let all = letters(password);
    !all.is_empty() && words.iter().fold(all, |left, word| left.replace(word, " ")).trim().is_empty()
}

fn letters(text: &str) -> String {
    text.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: [&str; 4] = ["ada@example.com", "ada", "Ada", "Lovelace"];

    fn rules(password: &str) -> Vec<String> {
        password_violations("password", password, &ADA).into_iter().map(|it| it.rule).collect()
    }

    #[test]
    fn any_long_text_will_do() {
        for good in
            ["correct horse battery staple", "ada and lovelace are two", "123456789012345", "ёжик в тумане плывёт"]
        {
            assert_eq!(rules(good), [""; 0], "{good:?}");
        }
        assert_eq!(rules(&"𝄞".repeat(PASSWORD_MAX)), [""; 0]);
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert_eq!(rules(&"é".repeat(14)), ["must have at least 15 characters"]);
        assert_eq!(rules(&"é".repeat(129)), ["must have at most 128 characters"]);
        assert_eq!(rules(""), ["is required"]);
    }

    #[test]
    fn a_name_or_an_address_is_no_password_however_it_is_joined() {
        for bad in ["Ada-Lovelace-Ada", "ADA@EXAMPLE.COM", "lovelacelovelace", "ada.lovelace.ada.lovelace!"] {
            assert_eq!(rules(bad), ["must not be made of your name or address alone"], "{bad:?}");
        }
        assert_eq!(rules("ada").len(), 2);
    }

    #[test]
    fn without_a_context_there_is_nothing_to_be_made_of() {
        assert_eq!(password_violations("password", "!!!!!!!!!!!!!!!", &[""]), []);
    }
}
