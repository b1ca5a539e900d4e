//! What must hold of any bytes that are said to be a table of invites: it is refused, or each row is, or asks for an invite.

use std::collections::HashSet;

use workcenter::{
    access::AccountRole,
    error::{Error, VIOLATIONS_MAX},
    invite::sheet::{self, Defaults},
};

/// Rows of a file, and characters of what its items are called, at most.
const ROWS_MAX: usize = 5_000;
const NAME_MAX: usize = 320;

/// Bytes at most of what is wrong with a row.
const FAULT_BYTES_MAX: usize = VIOLATIONS_MAX * 200;

/// Tries `bytes` as a table; returns how many invites it asks for.
pub fn check(bytes: &[u8]) -> usize {
    let defaults = Defaults {
        account_role: AccountRole::Guest,
        places: Vec::new(),
        message: "Welcome".to_owned(),
        good_for: None,
        no_reminders: false,
        notify_on_accept: false,
    };
    let rows = match sheet::read(bytes, &defaults) {
        Ok(rows) => rows,
        Err(Error::Invalid(violations)) => {
            assert!((1..=VIOLATIONS_MAX).contains(&violations.len()));
            return 0;
        }
        Err(other) => panic!("no caller's fault: {other:?}"),
    };
    assert!((1..=ROWS_MAX).contains(&rows.len()));
    let ends = bytes.iter().filter(|it| b"\r\n".contains(it)).count();
    let mut line = 1;
    let mut addresses = HashSet::new();
    for row in &rows {
        assert!(line <= row.line && row.line <= 1 + ends as i64, "line {} after {line}", row.line);
        line = row.line;
        assert!(row.name.chars().count() <= NAME_MAX && !row.name.contains(char::is_control));
        match &row.offer {
            Ok(offer) => assert!(addresses.insert(offer.email.key.clone()), "{} comes twice", offer.email.key),
            Err(fault) => {
                assert!(!fault.code.is_empty() && !fault.text.is_empty() && fault.text.len() <= FAULT_BYTES_MAX);
            }
        }
    }
    addresses.len()
}
