//! What fuzzing of all but pictures begins with, and what a fixed number of changes make of it. `make fuzz` goes on from there.

#[path = "../../fuzz/check/archive.rs"]
mod archive;
#[path = "../../fuzz/check/date.rs"]
mod date;
#[path = "../../fuzz/check/field.rs"]
mod field;
#[path = "../../fuzz/check/reply.rs"]
mod reply;
#[path = "../../fuzz/check/sheet.rs"]
mod sheet;
#[path = "../../fuzz/check/token.rs"]
mod token;

use std::path::Path;

use crate::picture::refused::Random;

/// How many changed copies of each are tried; and of text, for which zones are looked for that are called nearly so.
const CHANGED: usize = 300;
const FIELDS_CHANGED: usize = 5;

/// Tries the files of `fuzz/corpus/{name}` and `many` changed ones of each; returns how many of both are good, as `check` says.
fn tried(name: &str, many: usize, check: impl Fn(&[u8]) -> bool) -> (usize, usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    paths.sort();
    let (mut seeds, mut changed) = (0, 0);
    for (at, path) in paths.iter().enumerate() {
        let seed = std::fs::read(path).unwrap();
        seeds += usize::from(check(&seed));
        let mut random = Random(1 + at as u64);
        changed += (0..many).filter(|_| check(&random.changed(&seed))).count();
    }
    println!("of {} seeds {seeds} are good, of their changes {changed}", paths.len());
    (seeds, changed)
}

#[test]
fn any_bytes_are_an_archive_whose_directory_lies_in_it_or_none() {
    let (seeds, changed) = tried("archive", CHANGED, archive::check);
    assert!(6 <= seeds && 0 < changed);
}

#[test]
fn any_tasks_have_an_answer_by_any_rule_and_no_copy_is_due_before_it_starts() {
    let (seeds, changed) = tried("date", CHANGED, date::check);
    assert!(4 <= seeds && 0 < changed);
}

#[test]
fn any_text_is_kept_in_a_field_as_what_it_takes_again_or_refused() {
    tried("field", FIELDS_CHANGED, |bytes| {
        field::check(bytes);
        true
    });
}

#[test]
fn whatever_a_relay_says_is_replies_however_they_come_or_no_smtp() {
    let (seeds, changed) = tried("reply", CHANGED, |bytes| 0 < reply::check(bytes));
    assert!(4 <= seeds && 0 < changed);
}

#[test]
fn any_bytes_are_a_table_each_of_whose_rows_is_an_invite_or_says_why_not_or_none() {
    let (seeds, changed) = tried("sheet", CHANGED, |bytes| 0 < sheet::check(bytes));
    assert!(5 <= seeds && 0 < changed);
}

#[test]
fn no_text_is_a_token_but_what_was_sealed_here_and_that_is_read_back() {
    tried("token", CHANGED, |bytes| {
        token::check(bytes);
        true
    });
}
