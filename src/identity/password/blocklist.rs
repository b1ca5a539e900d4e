//! Passwords that are guessed first, and passwords made of what others know of their owner.
//!
//! A list by itself is blind to `Password12345678!!`, and at fifteen characters few passwords of any list are long enough
//! to be met. So the question is how many guesses an attacker needs who knows the lists: `zxcvbn` has 30,000 leaked
//! passwords, 60,000 words and names, rows of keyboards, sequences, repeats, dates and the usual substitutions in it, and
//! needs no network and no file. What it finds within a million guesses is refused: at the hundred a day that throttling
//! leaves for an address, the rest takes decades. It looks at no more than the first [`LOOKED_AT`] characters.

/// Guesses that a password must withstand.
const GUESSES_MIN: u64 = 1_000_000;

/// Characters that are looked at: what the search takes grows with the square of them, and one that withstands so many is
/// not weakened by what follows.
const LOOKED_AT: usize = 64;

/// Characters of a word that is looked for in a password: shorter ones are in any.
const WORD_MIN: usize = 3;

/// Words that are looked for at most, and characters of each: somebody may be in many accounts.
const WORDS_MAX: usize = 100;
const WORD_MAX: usize = 64;

/// Letters and digits that must be left of a password when the words are taken out of it.
const LEFT_MIN: usize = 5;

/// What others know of somebody, in words.
#[derive(Clone, Default)]
pub(super) struct Words(Vec<String>);

impl Words {
    /// The words of `texts`, and each text as one.
    pub fn of(texts: &[String]) -> Self {
        let mut words = Vec::new();
        for text in texts {
            let parts = text.split(|it: char| !it.is_alphanumeric()).chain([text.as_str()]);
            let parts = parts.map(|it| letters(it).chars().take(WORD_MAX).collect::<String>());
            words.extend(parts.filter(|it| WORD_MIN <= it.chars().count()));
        }
        // The longest first: a word may be part of another.
        words.sort_by_key(|it| (std::cmp::Reverse(it.len()), it.clone()));
        words.dedup();
        words.truncate(WORDS_MAX);
        Self(words)
    }
}

/// Whether anybody would guess `password` soon.
pub(super) fn is_common(password: &str) -> bool {
    !withstands(password, &[])
}

/// Whether somebody who knows `words` would guess `password` soon, or hardly anything is left of it without them.
pub(super) fn is_personal(password: &str, Words(words): &Words) -> bool {
    if words.is_empty() {
        return false;
    }
    let all = letters(password);
    let left = words.iter().fold(all.clone(), |left, word| left.replace(word, " "));
    let left = left.chars().filter(|it| *it != ' ').count();
    if left < LEFT_MIN && left < all.chars().count() {
        return true;
    }
    let known: Vec<&str> = words.iter().map(String::as_str).collect();
    !withstands(password, &known) && withstands(password, &[])
}

fn withstands(password: &str, known: &[&str]) -> bool {
    let looked_at: String = password.chars().take(LOOKED_AT).collect();
    GUESSES_MIN <= zxcvbn::zxcvbn(&looked_at, known).guesses()
}

/// The letters and digits of a text, in lower case.
fn letters(text: &str) -> String {
    text.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> Words {
        Words::of(&["ada@pier-works.example", "Ada", "Lovelace", "Harbour Office", "WorkCenter"].map(str::to_owned))
    }

    #[test]
    fn what_is_guessed_first_is_refused_however_it_is_dressed() {
        for bad in [
            "123456789012345",
            "passwordpassword",
            "Passw0rd!",
            "aaaaaaaaaaaaaaaaaa",
            "abcdefghijklmnop",
            "qwertyuiopasdfgh",
            "letmeinletmeinletmein",
            "drowssapdrowssap",
        ] {
            assert!(is_common(bad), "{bad}");
        }
    }

    #[test]
    fn a_sentence_of_ones_own_is_not() {
        for good in [
            "correct horse battery staple",
            "a long walk on the pier",
            "ёжик в тумане плывёт",
            "xK7$mq2R",
            "ada and lovelace are two",
        ] {
            assert!(!is_common(good) && !is_personal(good, &ada()), "{good}");
        }
    }

    #[test]
    fn a_name_an_address_an_account_or_the_product_is_no_password_however_it_is_joined() {
        for bad in [
            "Ada-Lovelace-Ada",
            "ADA@pier-works.EXAMPLE",
            "ada.lovelace.1815!",
            "HarbourOffice!2026",
            "workcenterworkcenter",
            "lovelacelovelace",
        ] {
            assert!(is_personal(bad, &ada()), "{bad}");
        }
        assert!(!is_personal("!!!!!!!!!!!!!!!", &Words::default()));
    }

    #[test]
    fn what_is_long_is_looked_at_as_far_as_it_matters() {
        let long = "ab1!".repeat(32);
        assert_eq!(is_common(&long), is_common(&long[..LOOKED_AT]));
    }
}
