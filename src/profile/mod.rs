//! What people tell of themselves: names, address, phones, zone and locale. All of it may be left empty.

mod country;
mod email;
mod locale;
mod picture;
mod service;
mod store;
mod text;
mod zone;

use std::{
    collections::BTreeSet,
    ops::{Index, IndexMut},
};

use jiff::Timestamp;
use unicode_segmentation::UnicodeSegmentation;
use uuid::Uuid;

pub use email::Addresses;
pub use picture::{MESSAGE_BYTES_MAX, Pictures};
pub use service::Service;
pub use store::{insert, name};
pub use zone::time_zone;

use self::picture::Picture;
use crate::error::{Reason, Violation, Violations};

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

/// The zone of those for whom nobody has set one.
const ZONE_DEFAULT: &str = "UTC";

/// Paths that a profile has and that nobody writes here.
const READ_ONLY: [&str; 7] =
    ["user_id", "initials_derived", "email", "time_zone_source", "etag", "update_time", "picture"];

/// Bytes of an unknown path that are repeated to the caller: details of errors travel in a header.
const PATH_SHOWN_MAX: usize = 60;

/// A field that people write.
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
}

impl Field {
    /// How many there are.
    const COUNT: usize = 14;

    /// All of them.
    pub const ALL: [Self; Self::COUNT] = [
        Self::FirstName,
        Self::LastName,
        Self::Initials,
        Self::JobTitle,
        Self::Street,
        Self::City,
        Self::PostCode,
        Self::StateProvince,
        Self::Country,
        Self::BusinessPhone,
        Self::Extension,
        Self::MobilePhone,
        Self::TimeZone,
        Self::Locale,
    ];

    /// Its path in a profile, as in `address.city`.
    pub fn path(self) -> &'static str {
        match self {
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Initials => "initials",
            Self::JobTitle => "job_title",
            Self::Street => "address.street",
            Self::City => "address.city",
            Self::PostCode => "address.post_code",
            Self::StateProvince => "address.state_province",
            Self::Country => "address.country",
            Self::BusinessPhone => "business_phone",
            Self::Extension => "extension",
            Self::MobilePhone => "mobile_phone",
            Self::TimeZone => "time_zone",
            Self::Locale => "locale",
        }
    }

    /// Reads what was typed into it. `at` is where it stands in the request; empty text is always good.
    ///
    /// # Errors
    ///
    /// The violation to report.
    pub fn checked(self, at: &str, typed: &str) -> Result<String, Violation> {
        match self {
            Self::FirstName | Self::LastName | Self::JobTitle => text::line(at, typed, NAME_MAX),
            Self::Street | Self::City | Self::StateProvince => text::line(at, typed, ADDRESS_LINE_MAX),
            Self::PostCode => text::line(at, typed, POST_CODE_MAX),
            Self::BusinessPhone | Self::MobilePhone => text::line(at, typed, PHONE_MAX),
            Self::Initials => initials(at, typed),
            Self::Extension => extension(at, typed),
            Self::Country => country::country(at, typed),
            Self::TimeZone => zone::time_zone(at, typed),
            Self::Locale => locale::locale(at, typed),
        }
    }
}

/// The text of every field; empty where nothing is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Texts([String; Field::COUNT]);

impl Index<Field> for Texts {
    type Output = String;

    fn index(&self, field: Field) -> &String {
        &self.0[field as usize]
    }
}

impl IndexMut<Field> for Texts {
    fn index_mut(&mut self, field: Field) -> &mut String {
        &mut self.0[field as usize]
    }
}

/// Where a zone in force comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ZoneSource {
    Profile,
    Account,
    Default,
}

/// A person, as the others see them.
struct Profile {
    user: Uuid,
    texts: Texts,
    email: String,
    /// The zone of the account that they joined first, of those that have one.
    account_zone: Option<String>,
    picture: Option<Picture>,
    revision: i64,
    updated_at: Timestamp,
}

impl Profile {
    fn etag(&self) -> String {
        etag(self.revision)
    }

    /// The zone in force: their own, else an account's, else UTC.
    fn zone(&self) -> (&str, ZoneSource) {
        match (&self.texts[Field::TimeZone], self.account_zone.as_deref()) {
            (own, _) if !own.is_empty() => (own, ZoneSource::Profile),
            (_, Some(zone)) => (zone, ZoneSource::Account),
            (_, None) => (ZONE_DEFAULT, ZoneSource::Default),
        }
    }

    /// The initials, and whether they were derived.
    fn initials(&self) -> (String, bool) {
        match &self.texts[Field::Initials] {
            own if !own.is_empty() => (own.clone(), false),
            _ => (derived_initials(&self.texts[Field::FirstName], &self.texts[Field::LastName]), true),
        }
    }
}

/// The etag of a profile's revision.
fn etag(revision: i64) -> String {
    format!("\"{revision}\"")
}

/// A line of the history of a profile.
struct Told<'a> {
    /// Who did it.
    by: Uuid,
    /// What was changed: the path of a field.
    field: &'a str,
    /// What it was; empty for nothing.
    old: &'a str,
    /// What it has become.
    new: &'a str,
}

/// What somebody wants to change: fields, and the text that each gets.
#[derive(Debug, Default, PartialEq, Eq)]
struct Change(Vec<(Field, String)>);

impl Change {
    /// Reads the change from what was sent and the paths of its mask; notes all that is wrong with both.
    ///
    /// No path stands for every field that is not empty, `*` for every field, `address` for all of its parts.
    fn checked(sent: &Texts, paths: &[String], violations: &mut Violations) -> Self {
        let mut fields = BTreeSet::new();
        if paths.is_empty() {
            fields.extend(Field::ALL.into_iter().filter(|it| !sent[*it].is_empty()));
        }
        let paths: BTreeSet<&str> = paths.iter().map(String::as_str).collect();
        for path in paths {
            match named(path) {
                Ok(named) => fields.extend(named),
                Err(violation) => {
                    violations.take::<()>(Err(violation));
                }
            }
        }
        let checked = fields.into_iter().filter_map(|field| {
            let text = field.checked(&format!("profile.{}", field.path()), &sent[field]);
            Some((field, violations.take(text)?))
        });
        Self(checked.collect())
    }

    /// What of it differs from the texts as they are.
    fn beyond(self, now: &Texts) -> Self {
        Self(self.0.into_iter().filter(|(field, text)| now[*field] != *text).collect())
    }

    /// Whether it touches `field`.
    fn touches(&self, field: Field) -> bool {
        self.0.iter().any(|(it, _)| *it == field)
    }
}

/// The fields that a path of a mask names.
fn named(path: &str) -> Result<Vec<Field>, Violation> {
    let is_named = |it: &Field| {
        path == "*" || it.path() == path || it.path().strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))
    };
    let fields: Vec<Field> = Field::ALL.into_iter().filter(is_named).collect();
    if !fields.is_empty() {
        return Ok(fields);
    }
    let rule = if READ_ONLY.contains(&path) {
        format!("names {path}, which is read-only")
    } else {
        let shown = &path[..path.floor_char_boundary(PATH_SHOWN_MAX)];
        format!("names {shown:?}, which is no field of a profile")
    };
    Err(Violation::new("update_mask", rule).because(Reason::MaskPathUnknown))
}

fn initials(at: &str, typed: &str) -> Result<String, Violation> {
    let initials = text::line(at, typed, usize::MAX)?;
    if INITIALS_MAX < initials.graphemes(true).count() || INITIALS_POINTS_MAX < initials.chars().count() {
        return Err(Violation::new(at, format!("must have at most {INITIALS_MAX} characters")));
    }
    Ok(initials)
}

/// The first letter of either name, in upper case where that is still one letter.
fn derived_initials(first_name: &str, last_name: &str) -> String {
    let letters = [first_name, last_name].into_iter().filter_map(|it| it.graphemes(true).next());
    let upper = letters.map(|it| match it.to_uppercase() {
        upper if upper.graphemes(true).count() == 1 => upper,
        _ => it.to_owned(),
    });
    upper.collect()
}

fn extension(at: &str, typed: &str) -> Result<String, Violation> {
    let extension = typed.trim();
    if EXTENSION_MAX < extension.len() || !extension.bytes().all(|it| it.is_ascii_digit()) {
        return Err(Violation::new(at, format!("must be at most {EXTENSION_MAX} digits")));
    }
    Ok(extension.to_owned())
}

/// What others call a person: their names, or what stands before the @ of their address.
fn called(first_name: &str, last_name: &str, email: &str) -> String {
    let name = format!("{first_name} {last_name}");
    match name.trim() {
        "" => email.split('@').next().unwrap_or(email).to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests;
