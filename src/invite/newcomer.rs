//! What a newcomer says of themselves. Pure.

use crate::{
    error::{Result, Violation, Violations},
    identity::Candidate,
    mail::template::PRODUCT,
    profile::Field,
    secret::Secret,
};

/// A person who comes with a token and without an account.
#[derive(Clone, Debug)]
pub(super) struct Newcomer {
    /// Their first name, or the only one.
    pub first_name: String,
    /// Their last name; may be empty.
    pub last_name: String,
    /// What they will sign in with.
    pub password: Secret,
    /// IANA name; may be empty.
    pub time_zone: String,
}

impl Newcomer {
    /// Their password, to be judged as that of somebody who comes to `address` into the account called `account`.
    pub(super) fn candidate(&self, address: &str, account: &str) -> Candidate {
        let known = [address, account, &self.first_name, &self.last_name, PRODUCT].map(str::to_owned);
        Candidate::new(self.password.clone()).knowing(&known)
    }

    /// The same, as it is kept, once all of it is good; `unfit` is what is wrong with the password.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Invalid`] with everything that is wrong, in the fields of `newcomer`.
    pub(super) fn checked(self, unfit: Vec<Violation>) -> Result<Self> {
        let mut violations = Violations::default();
        let mut read = |field: Field, typed: &str| {
            let at = format!("newcomer.{}", field.path());
            violations.take(field.checked(&at, typed)).unwrap_or_default()
        };
        let first_name = read(Field::FirstName, &self.first_name);
        let last_name = read(Field::LastName, &self.last_name);
        let time_zone = read(Field::TimeZone, &self.time_zone);
        if self.first_name.trim().is_empty() {
            violations.add("newcomer.first_name", "is required");
        }
        if self.password.expose().is_empty() {
            violations.add("newcomer.password", "is required");
        } else {
            violations.extend(unfit);
        }
        violations.none()?;
        Ok(Self { first_name, last_name, password: self.password, time_zone })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn newcomer(first_name: &str, last_name: &str, password: &str, time_zone: &str) -> Newcomer {
        Newcomer {
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            password: Secret::from(password.to_owned()),
            time_zone: time_zone.to_owned(),
        }
    }

    #[test]
    fn a_newcomer_hears_everything_that_is_wrong_at_once() {
        let unfit = vec![Violation::new("newcomer.password", "must have at least 15 characters")];
        let refused = newcomer(" ", "Love\nlace", "short", "Mars/Phobos").checked(unfit).unwrap_err();
        let Error::Invalid(violations) = refused else { panic!("{refused:?}") };
        let mut fields: Vec<_> = violations.iter().map(|it| it.field.as_str()).collect();
        fields.sort_unstable();
        let all = ["newcomer.first_name", "newcomer.last_name", "newcomer.password", "newcomer.time_zone"];
        assert_eq!(fields, all);
    }

    #[test]
    fn one_name_is_enough_and_a_zone_is_not_needed() {
        let kept = newcomer(" Zoe\u{308} ", "", "a bridge over the Tees", "").checked(Vec::new()).unwrap();
        assert_eq!((kept.first_name.as_str(), kept.last_name.as_str()), ("Zo\u{eb}", ""));
    }
}
