//! Accounts and who belongs to them.
//!
//! Accounts are made by the operator; people come in by invites. Each account has a directory: its members, in the order
//! in which what others see of them has last changed, so that whoever follows it asks for what is after a number.

mod store;

pub use store::{add_member, announce, ask_of_passwords, insert, name, role};

use crate::error::Violation;

/// Characters of an account's name: what a line of a mail can show. The table checks it too.
const NAME_MAX: usize = 200;

/// Reads the name of an account: trimmed, neither empty nor too long.
fn checked_name(field: &str, text: &str) -> Result<String, Violation> {
    let name = text.trim();
    if name.is_empty() || NAME_MAX < name.chars().count() || name.chars().any(char::is_control) {
        let rule = format!("must be 1 to {NAME_MAX} characters in one line");
        return Err(Violation::new(field, rule));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_one_to_two_hundred_characters() {
        assert_eq!(checked_name("name", "  Pier Works ").as_deref(), Ok("Pier Works"));
        assert!(checked_name("name", &"é".repeat(NAME_MAX)).is_ok());
        for bad in ["", "  ", "Pier\nWorks", &"é".repeat(NAME_MAX + 1)] {
            assert_eq!(checked_name("name", bad).map_err(|it| it.field), Err("name".to_owned()), "{bad:?}");
        }
    }
}
