//! Countries, by the two letters that ISO gives them.

use crate::error::Violation;

/// Every code that is assigned, in order. Source: ISO 3166-1:2020, alpha-2.
const CODES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ \
    BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ \
    DE DJ DK DM DO DZ \
    EC EE EG EH ER ES ET \
    FI FJ FK FM FO FR \
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY \
    HK HM HN HR HT HU \
    ID IE IL IM IN IO IQ IR IS IT \
    JE JM JO JP \
    KE KG KH KI KM KN KP KR KW KY KZ \
    LA LB LC LI LK LR LS LT LU LV LY \
    MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ \
    NA NC NE NF NG NI NL NO NP NR NU NZ \
    OM \
    PA PE PF PG PH PK PL PM PN PR PS PT PW PY \
    QA \
    RE RO RS RU RW \
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ \
    TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ \
    UA UG UM US UY UZ \
    VA VC VE VG VI VN VU \
    WF WS \
    YE YT \
    ZA ZM ZW";

/// Reads a country code of any case; empty text is no country.
///
/// # Errors
///
/// The violation to report, when no country has the code.
pub(super) fn country(field: &str, text: &str) -> Result<String, Violation> {
    let code = text.trim().to_ascii_uppercase();
    if code.is_empty() || (code.len() == 2 && CODES.split(' ').any(|it| it == code)) {
        return Ok(code);
    }
    Err(Violation::new(field, "must be a country code of ISO 3166-1 alpha-2, such as NZ"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_every_code_once_and_in_order() {
        let codes: Vec<_> = CODES.split(' ').collect();
        assert_eq!(codes.len(), 249);
        assert!(codes.is_sorted_by(|a, b| a < b));
        assert!(codes.iter().all(|it| it.len() == 2));
    }

    #[test]
    fn a_code_is_taken_in_any_case_and_given_back_in_upper_case() {
        for (typed, code) in [("nz", "NZ"), (" Ch ", "CH"), ("ZW", "ZW"), ("", "")] {
            assert_eq!(country("country", typed).as_deref(), Ok(code));
        }
        for bad in ["UK", "XX", "NZL", "New Zealand", "N", "D E", "D ", "é"] {
            assert_eq!(country("country", bad).map_err(|it| it.field), Err("country".to_owned()), "{bad:?}");
        }
    }
}
