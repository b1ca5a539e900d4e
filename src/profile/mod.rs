//! What people tell of themselves: names, address, phones, zone and locale, and to whom. All of it may be left empty.

mod country;
mod directory;
mod field;
mod history;
mod email;
mod locale;
mod phone;
mod picture;
mod reads;
mod service;
mod store;
mod text;
mod together;
mod update;
mod visibility;
mod writes;
mod zone;

use std::{
    collections::BTreeSet,
    ops::{Index, IndexMut},
};

use jiff::Timestamp;
use unicode_segmentation::UnicodeSegmentation;
use uuid::Uuid;

pub use directory::{LOOK_EVERY, Watch};
pub use email::Addresses;
pub use field::Field;
pub use history::store::sweep;
pub use picture::{MESSAGE_BYTES_MAX, Pictures, Upload, UploadedFile};
pub use service::Service;
pub use store::{insert, names};
pub use zone::time_zone;

use self::{history::Told, picture::Picture, visibility::Visibility};
use crate::error::{Reason, Violation, Violations};

/// The zone of those for whom nobody has set one.
const ZONE_DEFAULT: &str = "UTC";

/// What those are called who have told no name, and hide their address.
const NAMELESS: &str = "Somebody";

/// Paths that a profile has and that nobody writes here.
const READ_ONLY: [&str; 10] = [
    "user_id",
    "initials_derived",
    "email",
    "time_zone_source",
    "etag",
    "update_time",
    "picture",
    "business_phone_e164",
    "mobile_phone_e164",
    "pending_email",
];

/// Bytes of an unknown path that are repeated to the caller: details of errors travel in a header.
const PATH_SHOWN_MAX: usize = 60;

/// The text of every field; empty where nothing is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Texts([String; field::COUNT]);

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
#[derive(Clone)]
struct Profile {
    user: Uuid,
    texts: Texts,
    /// The business phone and the mobile one in E.164.
    e164: [String; 2],
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

    /// Whether it is the same step of the same profile.
    fn is_as(&self, other: &Self) -> bool {
        (self.revision, self.updated_at, &self.texts) == (other.revision, other.updated_at, &other.texts)
    }

    /// The zone in force: their own, else an account's, else UTC.
    fn zone(&self) -> (&str, ZoneSource) {
        match (&self.texts[Field::TimeZone], self.account_zone.as_deref()) {
            (own, _) if !own.is_empty() => (own, ZoneSource::Profile),
            (_, Some(zone)) => (zone, ZoneSource::Account),
            (_, None) => (ZONE_DEFAULT, ZoneSource::Default),
        }
    }

    /// Who sees what `guard` says, a field or the address.
    fn visibility(&self, guard: Field) -> Visibility {
        // What cannot be read is shown to nobody.
        Visibility::named(&self.texts[guard]).unwrap_or(Visibility::OnlyMe)
    }

    /// The text of a field, as far as `sight` reaches; empty where it does not.
    fn seen(&self, field: Field, sight: Visibility) -> &str {
        match field.guard() {
            Some(guard) if sight < self.visibility(guard) => "",
            _ => &self.texts[field],
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
            fields.extend(Field::all().filter(|it| !sent[*it].is_empty()));
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
    fn beyond(&self, now: &Texts) -> Self {
        Self(self.0.iter().filter(|(field, text)| now[*field] != *text).cloned().collect())
    }

    /// The texts as it makes them.
    fn after(&self, before: &Texts) -> Texts {
        let mut texts = before.clone();
        for (field, text) in &self.0 {
            texts[*field].clone_from(text);
        }
        texts
    }

    /// Whether it touches one of `fields`.
    fn touches(&self, fields: &[Field]) -> bool {
        self.0.iter().any(|(it, _)| fields.contains(it))
    }
}

/// The fields that a path of a mask names.
fn named(path: &str) -> Result<Vec<Field>, Violation> {
    let is_named = |it: &Field| {
        path == "*" || it.path() == path || it.path().strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))
    };
    let fields: Vec<Field> = Field::all().filter(is_named).collect();
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

/// The first letter of either name, in upper case where that is still one letter.
fn derived_initials(first_name: &str, last_name: &str) -> String {
    let letters = [first_name, last_name].into_iter().filter_map(|it| it.graphemes(true).next());
    let upper = letters.map(|it| match it.to_uppercase() {
        upper if upper.graphemes(true).count() == 1 => upper,
        _ => it.to_owned(),
    });
    upper.collect()
}

/// What others call a person: their names, or what stands before the @ of the address that they may see.
fn called(first_name: &str, last_name: &str, email: &str) -> String {
    let name = format!("{first_name} {last_name}");
    match name.trim() {
        "" if email.is_empty() => NAMELESS.to_owned(),
        "" => email.split('@').next().unwrap_or(email).to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests;
