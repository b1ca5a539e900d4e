//! What must hold of any text that somebody writes into a field: it is refused, or kept as something that is not refused.

use workcenter::{
    content::{NAME_MAX, Name},
    error::{Violation, Violations},
    identity::Email,
    ids, mask,
    profile::Field,
};

/// The fields of each form that there is.
const FIELDS: [Field; 9] = [
    Field::FirstName,
    Field::Initials,
    Field::Extension,
    Field::Country,
    Field::TimeZone,
    Field::Locale,
    Field::TimeFormat,
    Field::FirstWeekDay,
    Field::EmailVisibility,
];

/// Bytes at most of what is said of a text that is refused, whatever it was.
const RULE_BYTES_MAX: usize = 400;

/// Tries `bytes` as the text of every kind of field.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let is_short = |it: &Violation| it.field == "field" && it.rule.len() <= RULE_BYTES_MAX;
    for field in FIELDS {
        match field.checked("field", &text) {
            Ok(kept) => assert_eq!(field.checked("field", &kept).as_ref(), Ok(&kept), "{field:?}"),
            Err(refused) => assert!(is_short(&refused), "{refused:?}"),
        }
    }
    match Email::parse("field", &text) {
        Ok(email) => {
            assert_eq!(Email::parse("field", &email.address).as_ref(), Ok(&email));
            assert_eq!(Email::parse("field", &email.key).map(|it| it.key).as_ref(), Ok(&email.key));
            assert!(email.address.bytes().all(|it| it.is_ascii_graphic()));
        }
        Err(refused) => assert!(is_short(&refused), "{refused:?}"),
    }
    match Name::parse("field", &text) {
        Ok(name) => {
            assert!(name.text().chars().count() <= NAME_MAX && !name.text().contains(['/', '\\', '\0', '\n']));
            assert_eq!(Name::parse("field", name.text()).as_ref(), Ok(&name));
            let key = name.key();
            assert_eq!(Name::kept(key.clone()).key(), key);
        }
        Err(refused) => assert!(is_short(&refused), "{refused:?}"),
    }
    if let Ok(id) = ids::parse("field", &text) {
        assert_eq!(ids::parse("field", &id.to_string()), Ok(id));
    }
    let paths: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    let mut violations = Violations::default();
    let named = mask::fields(&paths, &["name", "category", "zone"], |_| true, &mut violations);
    assert!(named.len() <= 3 && (violations.none().is_err() || !named.is_empty()));
}
