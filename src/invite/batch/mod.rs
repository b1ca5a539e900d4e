//! Many invites in one call: what each row asks for, and what came of it.

pub(super) mod service;

use std::collections::HashMap;

use super::offer::Offer;
use crate::error::{Error, Result};

/// Rows of one call at most: a company's people, and less than a second's work.
const ROWS_MAX: usize = 1_000;

/// A row, before anything is made of it.
enum Row {
    /// Goes to be made.
    Good(Offer),
    /// Has the address of the good row with this number.
    Duplicate(usize),
    /// Cannot be read.
    Bad(Error),
}

/// The rows; of those with the same address the first counts that can be read.
fn rows(read: Vec<Result<Offer>>) -> Vec<Row> {
    let mut first: HashMap<String, usize> = HashMap::with_capacity(read.len());
    let row = |(number, offer): (usize, Result<Offer>)| match offer {
        Err(error) => Row::Bad(error),
        Ok(offer) => match *first.entry(offer.email.key.clone()).or_insert(number) {
            first if first < number => Row::Duplicate(first),
            _ => Row::Good(offer),
        },
    };
    read.into_iter().enumerate().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access::AccountRole, error::Violation, identity::Email};

    fn offer(email: &str) -> Result<Offer> {
        let email = Email::parse("email", email)?;
        let account_role = AccountRole::Guest;
        Ok(Offer {
            email,
            account_role,
            places: Vec::new(),
            message: String::new(),
            good_for: None,
            no_reminders: false,
            notify_on_accept: false,
        })
    }

    #[test]
    fn of_rows_with_one_address_the_first_good_one_counts() {
        let bad = || Err(Violation::new("message", "must be shorter").into());
        let read = vec![bad(), offer("ada@example.com"), offer("bob@example.com"), offer("ADA@Example.COM")];
        let short = |it: &Row| match it {
            Row::Good(offer) => offer.email.address.clone(),
            Row::Duplicate(of) => format!("as {of}"),
            Row::Bad(error) => error.to_string(),
        };
        let told: Vec<_> = rows(read).iter().map(short).collect();
        assert_eq!(told, ["the request is not valid", "ada@example.com", "bob@example.com", "as 1"]);
    }
}
