//! Phone numbers: what was typed, read as one that can be called from anywhere.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};
use tokio::task::spawn_blocking;
use tracing::warn;

/// Reads phone numbers of `country` and writes each in E.164, empty for what is no number that is in use.
///
/// On a thread of its own: the first number of all takes 50 ms and the first of a country another 10, for what its
/// numbers look like is compiled then; all others take microseconds. So they are read when they are written, and never
/// when a profile is.
pub(super) async fn e164<const N: usize>(typed: [String; N], country: String) -> [String; N] {
    let read = spawn_blocking(move || typed.map(|it| number(&it, &country).unwrap_or_default()));
    read.await.unwrap_or_else(|_panic| {
        // What the library cannot cope with is no number, and its owner keeps what was typed. It is not shown here.
        warn!("could not read a phone number");
        [const { String::new() }; N]
    })
}

/// Reads one number. Without a country it has to begin with `+`.
fn number(typed: &str, country: &str) -> Option<String> {
    // What has no digit is not worth compiling anything for.
    if !typed.contains(char::is_numeric) {
        return None;
    }
    let region: Option<Region> = country.parse().ok();
    let number = PHONE_NUMBER_UTIL.parse(typed, region).ok()?;
    let valid = PHONE_NUMBER_UTIL.is_valid_number(&number);
    valid.then(|| PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_those_of_the_country_or_of_their_own() {
        for (typed, country, e164) in [
            ("+41 44 668 18 00", "", "+41446681800"),
            ("+41 44 668 18 00", "NZ", "+41446681800"),
            ("044 668 18 00", "CH", "+41446681800"),
            ("+64 (9) 555-0100", "", "+6495550100"),
            ("021 555 0101", "NZ", "+64215550101"),
            ("1-800-FLOWERS", "US", "+18003569377"),
            ("+٤١٤٤٦٦٨١٨٠٠", "", "+41446681800"),
        ] {
            assert_eq!(number(typed, country).as_deref(), Some(e164), "{typed:?} in {country:?}");
        }
    }

    #[test]
    fn what_is_no_number_that_can_be_called_is_none() {
        for (typed, country) in [
            ("", "CH"),
            ("044 668 18 00", ""),
            ("044 668 18 00", "AQ"),
            ("044 668 18 00", "XX"),
            ("ask Bob", "US"),
            ("911", "US"),
            ("+", ""),
            ("+3367a829916", ""),
            ("+999 123 456 789", ""),
            ("1111111111111111111111111111111111111111", "US"),
        ] {
            assert_eq!(number(typed, country), None, "{typed:?} in {country:?}");
        }
    }

    #[tokio::test]
    async fn several_are_read_at_once_and_stay_in_order() {
        let typed = ["044 668 18 00".to_owned(), "ask Bob".to_owned(), "+64 9 555 0100".to_owned()];
        assert_eq!(e164(typed, "CH".to_owned()).await, ["+41446681800", "", "+6495550100"]);
    }
}
