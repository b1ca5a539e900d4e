//! Identifiers: version 7 UUIDs, so that rows made one after the other stand beside each other.

use uuid::Uuid;

use crate::error::Violation;

/// Makes a new identifier.
pub fn new() -> Uuid {
    Uuid::now_v7()
}

/// Reads the identifier in `field` of a request.
///
/// # Errors
///
/// The violation to report, when `text` is not a UUID.
pub fn parse(field: &str, text: &str) -> Result<Uuid, Violation> {
    match Uuid::try_parse(text) {
        Ok(id) => Ok(id),
        Err(_) if text.is_empty() => Err(Violation::new(field, "is required")),
        Err(_) => Err(Violation::new(field, "must be a UUID")),
    }
}

/// What people call themselves in place of their id.
const ME: &str = "me";

/// Reads whom `field` of a request means: `me`, or somebody by their id.
///
/// # Errors
///
/// The violation to report, when `text` is neither.
pub fn person(field: &str, text: &str, me: Uuid) -> Result<Uuid, Violation> {
    if text == ME { Ok(me) } else { parse(field, text) }
}
