//! Files that end early or were changed on the way: what is no whole picture is refused with a reason, and not stored.

use std::path::Path;

use futures_util::stream;
use squares::{Fault, cut};
use tonic::{Code, Status};

use super::{ada, corpus, corpus::Sample, messages};
use crate::harness::{App, Person, by, fields, reason};

/// At how many places the data of each picture is cut off.
const ENDS: usize = 50;

/// How many changed copies of each picture are tried, and how many where minutes do not matter.
const CHANGED: [usize; 2] = [3, 100];

/// Why a file is refused. An error of the server's is none of these.
const REASONS: [&str; 3] = ["PICTURE_CORRUPT", "PICTURE_UNSUPPORTED", "PICTURE_TOO_LARGE"];

/// Marsaglia's xorshift, whose numbers follow from the seed.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 as usize % limit
    }

    /// A copy in which a few bytes are others, or some are missing or there twice.
    pub fn changed(&mut self, file: &[u8]) -> Vec<u8> {
        let mut copy = file.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(copy.len());
            let end = (at + 1 + self.below(40)).min(copy.len());
            match self.below(6) {
                0 => copy[at] ^= 1 << self.below(8),
                1 => copy[at] = [0, 0x7f, 0x80, 0xff][self.below(4)],
                2 if 100 < copy.len() => drop(copy.drain(at..end)),
                3 => copy.splice(at..at, file[at.min(file.len())..end.min(file.len())].to_vec()).for_each(drop),
                _ => copy[at] = self.below(256) as u8,
            }
        }
        copy
    }
}

/// Those that were made here and have one picture.
fn made() -> Vec<&'static Sample> {
    corpus::tried().into_iter().filter(|it| it.is_made() && it.data.is_some()).collect()
}

/// The file up to each of the places where its data is cut off.
fn ends(sample: &Sample) -> impl Iterator<Item = &[u8]> {
    let [begin, end] = sample.data.unwrap();
    (1..=ENDS).map(move |it| &sample.bytes[..begin + (end - begin) * it / (ENDS + 1)])
}

#[test]
fn a_file_that_ends_within_its_picture_is_refused_wherever_it_ends() {
    let taken = corpus::with_each(&made(), |it| {
        // What is not taken whole shows nothing.
        if cut(&it.bytes, None).is_err() {
            return Vec::new();
        }
        let taken = ends(it).filter(|part| !matches!(cut(part, None), Err(Fault::Corrupt | Fault::Unsupported)));
        taken.map(|part| format!("{} up to {} of {}", it.name, part.len(), it.bytes.len())).collect()
    });
    let taken = taken.concat();
    assert!(taken.is_empty(), "{} are taken: {taken:#?}", taken.len());
}

#[test]
fn a_file_that_was_changed_is_a_picture_or_none_and_nothing_worse() {
    let tries = CHANGED[usize::from(corpus::full())];
    let made: Vec<_> = made().into_iter().enumerate().collect();
    let outcomes = corpus::with_each(&made, |(at, it)| {
        let mut random = Random(88_172_645_463_325_252 + *at as u64);
        let mut taken = 0;
        for _ in 0..tries {
            match cut(&random.changed(&it.bytes), None) {
                Ok(cut) => {
                    super::bare::assert_bare(&it.name, &cut);
                    taken += 1;
                }
                Err(fault) => assert_ne!(fault, Fault::CropOutside, "{}", it.name),
            }
        }
        taken
    });
    println!("{} of {} changed files are still pictures", outcomes.iter().sum::<usize>(), tries * outcomes.len());
}

async fn upload(app: &App, person: &Person, file: &[u8]) -> Result<(), Status> {
    let parts = by(&person.token, stream::iter(messages(file, 64 << 10)));
    app.profiles().upload_picture(parts).await.map(drop)
}

/// The names of all that is below `folder`.
fn below(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        names.push(path.display().to_string());
        names.extend(below(&path));
    }
    names.sort();
    names
}

/// Everything that a picture leaves: the blobs, and the rows with what they say.
async fn kept(app: &App) -> (Vec<String>, Vec<String>) {
    let rows = "select picture::text from picture union all select profile::text from profile order by 1";
    let rows = app.client().await.query(rows, &[]).await.unwrap();
    let blobs = &app.parts().settings.blobs.blob_dir;
    (below(blobs), rows.iter().map(|it| it.get(0)).collect())
}

#[tokio::test]
async fn of_a_file_that_is_refused_nothing_is_stored_and_its_sender_is_told_why() {
    let (app, ada) = ada().await;
    let made = made();
    upload(&app, &ada, &super::jpeg(64, 64)).await.unwrap();
    let before = kept(&app).await;
    assert!(!before.0.is_empty());

    let mut random = Random(1);
    let mut refused = 0;
    for it in made.iter().step_by(if corpus::full() { 4 } else { 2 }) {
        let part = ends(it).nth(random.below(ENDS)).unwrap();
        let files = [part.to_vec(), random.changed(&it.bytes), random.changed(&it.bytes)];
        for file in files.into_iter().filter(|it| cut(it, None).is_err()) {
            let status = upload(&app, &ada, &file).await.unwrap_err();
            let told = (status.code(), fields(&status), REASONS.contains(&reason(&status).as_str()));
            assert_eq!(told, (Code::InvalidArgument, vec!["chunk".to_owned()], true), "{}: {status:?}", it.name);
            refused += 1;
        }
    }
    assert!(20 < refused, "{refused} were refused");
    assert_eq!(kept(&app).await, before);
}
