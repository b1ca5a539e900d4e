//! The fields of a profile that people write: one table of what each is called and of what it may be.
//!
//! What is published as a limit and what is checked come from the same row.

use unicode_segmentation::UnicodeSegmentation;

use super::{country, locale, text, visibility::Visibility, zone};
use crate::error::Violation;

/// Characters of a name and of a job title: what fits into one line of a list.
const NAME_MAX: usize = 100;
/// Characters of a line of an address.
const ADDRESS_LINE_MAX: usize = 200;
/// Characters of a post code; the longest in use have ten.
const POST_CODE_MAX: usize = 20;
/// Characters of a phone number as typed: 15 digits, and what people put between them.
const PHONE_MAX: usize = 40;
/// Digits of an extension.
const EXTENSION_MAX: usize = 10;
/// Initials as the reader sees them: grapheme clusters.
const INITIALS_MAX: usize = 3;
/// Code points of initials: a cluster has no end of its own, and the longest emoji have eleven.
const INITIALS_POINTS_MAX: usize = 12 * INITIALS_MAX;

/// What a time format may be, besides empty. The table checks it too.
const TIME_FORMATS: [&str; 2] = ["12_HOURS", "24_HOURS"];

/// A field that people write. The text of each is what the database has of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the field of the profile that it is named for")]
pub enum Field {
    FirstName,
    LastName,
    Initials,
    JobTitle,
    Street,
    City,
    PostCode,
    StateProvince,
    Country,
    BusinessPhone,
    Extension,
    MobilePhone,
    TimeZone,
    Locale,
    TimeFormat,
    FirstWeekDay,
    JobTitleVisibility,
    AddressVisibility,
    EmailVisibility,
    BusinessPhoneVisibility,
    MobilePhoneVisibility,
    TimeZoneVisibility,
    LocaleVisibility,
}

/// What the text of a field has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One line of at most so many code points.
    Line(usize),
    /// One line of at most so many grapheme clusters.
    Initials(usize),
    /// At most so many digits.
    Digits(usize),
    Country,
    TimeZone,
    Locale,
    TimeFormat,
    WeekDay,
    Visibility,
}

/// How many fields there are.
pub(super) const COUNT: usize = 23;

/// Each field with its path in a profile, its column, and its form; in the order of the fields.
const TABLE: [(Field, &str, &str, Form); COUNT] = [
    (Field::FirstName, "first_name", "first_name", Form::Line(NAME_MAX)),
    (Field::LastName, "last_name", "last_name", Form::Line(NAME_MAX)),
    (Field::Initials, "initials", "initials", Form::Initials(INITIALS_MAX)),
    (Field::JobTitle, "job_title", "job_title", Form::Line(NAME_MAX)),
    (Field::Street, "address.street", "street", Form::Line(ADDRESS_LINE_MAX)),
    (Field::City, "address.city", "city", Form::Line(ADDRESS_LINE_MAX)),
    (Field::PostCode, "address.post_code", "post_code", Form::Line(POST_CODE_MAX)),
    (Field::StateProvince, "address.state_province", "state_province", Form::Line(ADDRESS_LINE_MAX)),
    (Field::Country, "address.country", "country", Form::Country),
    (Field::BusinessPhone, "business_phone", "business_phone", Form::Line(PHONE_MAX)),
    (Field::Extension, "extension", "extension", Form::Digits(EXTENSION_MAX)),
    (Field::MobilePhone, "mobile_phone", "mobile_phone", Form::Line(PHONE_MAX)),
    (Field::TimeZone, "time_zone", "time_zone", Form::TimeZone),
    (Field::Locale, "locale", "locale", Form::Locale),
    (Field::TimeFormat, "time_format", "time_format", Form::TimeFormat),
    (Field::FirstWeekDay, "first_week_day", "first_week_day", Form::WeekDay),
    (Field::JobTitleVisibility, "visibility.job_title", "job_title_visibility", Form::Visibility),
    (Field::AddressVisibility, "visibility.address", "address_visibility", Form::Visibility),
    (Field::EmailVisibility, "visibility.email", "email_visibility", Form::Visibility),
    (Field::BusinessPhoneVisibility, "visibility.business_phone", "business_phone_visibility", Form::Visibility),
    (Field::MobilePhoneVisibility, "visibility.mobile_phone", "mobile_phone_visibility", Form::Visibility),
    (Field::TimeZoneVisibility, "visibility.time_zone", "time_zone_visibility", Form::Visibility),
    (Field::LocaleVisibility, "visibility.locale", "locale_visibility", Form::Visibility),
];

impl Field {
    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        TABLE.into_iter().map(|(field, ..)| field)
    }

    /// Its path in a profile, as in `address.city`.
    pub fn path(self) -> &'static str {
        TABLE[self as usize].1
    }

    /// Its column in the table.
    pub(super) fn column(self) -> &'static str {
        TABLE[self as usize].2
    }

    /// What its text has to be.
    pub(super) fn form(self) -> Form {
        TABLE[self as usize].3
    }

    /// The field that says who sees this one; none for what all see, and for what says who sees another.
    pub(super) fn guard(self) -> Option<Self> {
        match self {
            Self::JobTitle => Some(Self::JobTitleVisibility),
            Self::Street | Self::City | Self::PostCode | Self::StateProvince | Self::Country => {
                Some(Self::AddressVisibility)
            }
            Self::BusinessPhone | Self::Extension => Some(Self::BusinessPhoneVisibility),
            Self::MobilePhone => Some(Self::MobilePhoneVisibility),
            Self::TimeZone => Some(Self::TimeZoneVisibility),
            Self::Locale | Self::TimeFormat | Self::FirstWeekDay => Some(Self::LocaleVisibility),
            _ => None,
        }
    }

    /// Reads what was typed into it. `at` is where it stands in the request; empty text is always good.
    ///
    /// # Errors
    ///
    /// The violation to report.
    pub fn checked(self, at: &str, typed: &str) -> Result<String, Violation> {
        let one_of = |good: bool| {
            let wrong = || Violation::new(at, format!("must be {}", self.form().words()));
            if good { Ok(typed.to_owned()) } else { Err(wrong()) }
        };
        match self.form() {
            Form::Line(max) => text::line(at, typed, max),
            Form::Initials(max) => initials(at, typed, max),
            Form::Digits(max) => digits(at, typed, max),
            Form::Country => country::country(at, typed),
            Form::TimeZone => zone::time_zone(at, typed),
            Form::Locale => locale::locale(at, typed),
            Form::TimeFormat => one_of(typed.is_empty() || TIME_FORMATS.contains(&typed)),
            Form::WeekDay => one_of(matches!(typed.as_bytes(), [] | [b'1'..=b'7'])),
            // Nobody has said: as it is for those who never do.
            Form::Visibility if typed.is_empty() => Ok(Visibility::Everyone.name().to_owned()),
            Form::Visibility => one_of(Visibility::named(typed).is_some()),
        }
    }
}

impl Form {
    /// What it asks for, as in "must be ...".
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Line(_) | Self::Initials(_) => text::FORM,
            Self::Digits(_) => "digits",
            Self::Country => country::FORM,
            Self::TimeZone => zone::FORM,
            Self::Locale => locale::FORM,
            Self::TimeFormat => "a TimeFormat",
            Self::WeekDay => "1 (Monday) to 7 (Sunday), or 0",
            Self::Visibility => "a Visibility",
        }
    }
}

fn initials(at: &str, typed: &str, max: usize) -> Result<String, Violation> {
    let initials = text::line(at, typed, usize::MAX)?;
    if max < initials.graphemes(true).count() || INITIALS_POINTS_MAX < initials.chars().count() {
        return Err(Violation::new(at, format!("must have at most {max} characters")));
    }
    Ok(initials)
}

fn digits(at: &str, typed: &str, max: usize) -> Result<String, Violation> {
    let digits = typed.trim();
    if max < digits.len() || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return Err(Violation::new(at, format!("must be at most {max} digits")));
    }
    Ok(digits.to_owned())
}
