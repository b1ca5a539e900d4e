//! What fuzzing begins with, and what a fixed number of changes make of it. `make fuzz` goes on from there.

#[path = "../../../fuzz/check/picture.rs"]
mod picture;
#[path = "../../../fuzz/check/upload.rs"]
mod upload;

use std::path::Path;

use super::{corpus::with_each, refused::Random};

/// How many changed copies of each are tried.
const PICTURES: usize = 4;
const UPLOADS: usize = 500;

/// The files of `fuzz/corpus/{name}`, in the order of their names.
fn seeds(name: &str) -> Vec<(usize, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|it| std::fs::read(it).unwrap()).enumerate().collect()
}

#[test]
fn any_bytes_are_cut_to_four_squares_or_refused() {
    let seeds = seeds("picture");
    assert!(40 < seeds.len());
    with_each(&seeds, |(at, seed)| {
        picture::check(seed);
        let mut random = Random(1 + *at as u64);
        for _ in 0..PICTURES {
            picture::check(&random.changed(seed));
        }
    });
}

#[test]
fn an_upload_of_any_messages_ends_as_a_plain_model_says() {
    let seeds = seeds("upload");
    let wholes = with_each(&seeds, |(at, seed)| {
        let mut random = Random(1 + *at as u64);
        let changed = (0..UPLOADS).filter(|_| upload::check(&random.changed(seed))).count();
        (usize::from(upload::check(seed)), changed)
    });
    let (seeds, changed) = wholes.into_iter().fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    println!("of the seeds {seeds} make a file, of what they were changed to {changed}");
    assert!(4 <= seeds && 0 < changed);
}
