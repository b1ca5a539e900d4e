//! The rules of a profile, in small tables.

use super::*;
use crate::error::{Error, Result};

fn texts(fields: &[(Field, &str)]) -> Texts {
    let mut texts = Texts::default();
    for (field, text) in fields {
        texts[*field] = (*text).to_owned();
    }
    texts
}

fn change(sent: &[(Field, &str)], paths: &[&str]) -> Result<Vec<(Field, String)>> {
    let paths: Vec<_> = paths.iter().map(|it| (*it).to_owned()).collect();
    let mut violations = Violations::default();
    let change = Change::checked(&texts(sent), &paths, &mut violations);
    violations.none().map(|()| change.0)
}

fn refused(sent: &[(Field, &str)], paths: &[&str]) -> Vec<(String, Reason)> {
    match change(sent, paths) {
        Err(Error::Invalid(violations)) => violations.into_iter().map(|it| (it.field, it.reason)).collect(),
        other => panic!("not refused: {other:?}"),
    }
}

fn ada(fields: &[(Field, &str)], account_zone: Option<&str>) -> Profile {
    Profile {
        user: Uuid::nil(),
        texts: texts(fields),
        e164: Default::default(),
        email: "ada@example.com".to_owned(),
        account_zone: account_zone.map(str::to_owned),
        picture: None,
        revision: 7,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

#[test]
fn every_field_has_its_own_place_and_path() {
    for (place, field) in Field::all().enumerate() {
        assert_eq!(field as usize, place);
        assert_eq!(named(field.path()).unwrap(), [field]);
    }
}

#[test]
fn only_what_the_mask_names_is_changed_and_empty_text_clears() {
    let sent = [(Field::FirstName, " Ada "), (Field::City, "Zürich")];
    assert_eq!(change(&sent, &["first_name"]).unwrap(), [(Field::FirstName, "Ada".to_owned())]);
    assert_eq!(change(&sent, &["job_title"]).unwrap(), [(Field::JobTitle, String::new())]);
}

#[test]
fn without_a_mask_every_field_that_is_not_empty_is_changed() {
    let sent = [(Field::City, "Zürich"), (Field::FirstName, "Ada")];
    let expected = [(Field::FirstName, "Ada".to_owned()), (Field::City, "Zürich".to_owned())];
    assert_eq!(change(&sent, &[]).unwrap(), expected);
}

#[test]
fn an_address_is_all_of_its_parts_and_a_star_is_everything() {
    let paths = |paths: &[&str]| change(&[], paths).unwrap().into_iter().map(|(it, _)| it).collect::<Vec<_>>();
    let address = [Field::Street, Field::City, Field::PostCode, Field::StateProvince, Field::Country];
    assert_eq!(paths(&["address"]), address);
    assert_eq!(paths(&["address.city", "address"]), address);
    assert_eq!(paths(&["*"]), Field::all().collect::<Vec<_>>());
}

#[test]
fn paths_that_nobody_writes_are_refused_one_by_one() {
    let unknown = ("update_mask".to_owned(), Reason::MaskPathUnknown);
    for path in READ_ONLY.into_iter().chain(["", "nickname", "address.", "address.*", "addres", "FirstName", "picture"])
    {
        assert_eq!(refused(&[], &[path]), std::slice::from_ref(&unknown), "{path:?}");
    }
    assert_eq!(refused(&[], &["email", "nickname", "first_name"]), [unknown.clone(), unknown]);
    let long = "é".repeat(10_000);
    assert_eq!(refused(&[], &[&long]).len(), 1);
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let long = "x".repeat(101);
    let sent = [
        (Field::FirstName, long.as_str()),
        (Field::Initials, "ABCD"),
        (Field::Country, "Atlantis"),
        (Field::Extension, "12a"),
        (Field::TimeZone, "Mars/Olympus_Mons"),
        (Field::Locale, "english"),
        (Field::LastName, "Love\u{202E}lace"),
    ];
    let fields: Vec<_> = refused(&sent, &["*", "nickname"]).into_iter().map(|(it, _)| it).collect();
    let expected = [
        "update_mask",
        "profile.first_name",
        "profile.last_name",
        "profile.initials",
        "profile.address.country",
        "profile.extension",
        "profile.time_zone",
        "profile.locale",
    ];
    assert_eq!(fields, expected);
}

#[test]
fn the_limits_are_those_of_the_interface() {
    for (field, most) in [
        (Field::FirstName, 100),
        (Field::LastName, 100),
        (Field::JobTitle, 100),
        (Field::Street, 200),
        (Field::City, 200),
        (Field::StateProvince, 200),
        (Field::PostCode, 20),
        (Field::BusinessPhone, 40),
        (Field::MobilePhone, 40),
        (Field::Extension, 10),
        (Field::Initials, 3),
    ] {
        assert!(field.checked("it", &"1".repeat(most)).is_ok(), "{field:?}");
        assert!(field.checked("it", &"1".repeat(most + 1)).is_err(), "{field:?}");
    }
}

#[test]
fn initials_are_counted_as_the_reader_sees_them() {
    let family = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}";
    for good in ["", "A", "ÅÄÖ", "A\u{30A}A\u{30A}A\u{30A}", &family.repeat(3), "🇨🇭🇳🇿🇫🇷"] {
        assert!(Field::Initials.checked("it", good).is_ok(), "{good:?}");
    }
    for bad in ["ABCD", &family.repeat(4), &format!("a{}", "\u{301}".repeat(500)), "A\nB"] {
        assert!(Field::Initials.checked("it", bad).is_err(), "{bad:?}");
    }
}

#[test]
fn derived_initials_follow_the_names_and_set_ones_do_not() {
    for (first, last, initials) in [
        ("Ada", "Lovelace", "AL"),
        ("ada", "", "A"),
        ("", "öberg", "Ö"),
        ("", "", ""),
        ("ßigrid", "ng", "ßN"),
        ("🦀 crab", "x", "🦀X"),
        ("a\u{308}\u{301}nna", "b", "A\u{308}\u{301}B"),
    ] {
        let profile = ada(&[(Field::FirstName, first), (Field::LastName, last)], None);
        assert_eq!(profile.initials(), (initials.to_owned(), true));
    }
    let set = ada(&[(Field::FirstName, "Ada"), (Field::Initials, "QQ")], None);
    assert_eq!(set.initials(), ("QQ".to_owned(), false));
}

#[test]
fn the_zone_in_force_is_ones_own_or_the_accounts_or_utc() {
    let own = [(Field::TimeZone, "Europe/Zurich")];
    assert_eq!(ada(&own, Some("Asia/Tokyo")).zone(), ("Europe/Zurich", ZoneSource::Profile));
    assert_eq!(ada(&[], Some("Asia/Tokyo")).zone(), ("Asia/Tokyo", ZoneSource::Account));
    assert_eq!(ada(&[], None).zone(), ("UTC", ZoneSource::Default));
}

#[test]
fn what_is_as_it_was_is_no_change() {
    let now = texts(&[(Field::FirstName, "Ada")]);
    let sent = [(Field::FirstName, "Ada"), (Field::City, "Zürich")];
    let change = Change(change(&sent, &[]).unwrap()).beyond(&now);
    assert_eq!(change, Change(vec![(Field::City, "Zürich".to_owned())]));
    assert!(change.touches(&[Field::City]) && !change.touches(&[Field::FirstName]));
}

#[test]
fn people_are_called_by_their_names_or_the_start_of_their_address() {
    assert_eq!(called("Ada", "Lovelace", "ada@example.com"), "Ada Lovelace");
    assert_eq!(called("", "Lovelace", "ada@example.com"), "Lovelace");
    assert_eq!(called("", "", "ada@example.com"), "ada");
}
