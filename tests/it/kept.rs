//! All that programs say while the tests run, kept in a folder that `bin/dev/said` looks through when they are over.
//!
//! `TEST_SAID_DIR` names the folder; unless it is set nothing is kept. A file is named for who says it and on which
//! way: `out` and `err` of a program, `metrics` of one, `statuses` with which calls ended.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU64, Ordering},
};

/// A file for what `who` says on `way`, if anything is kept.
fn file(who: &str, way: &str) -> Option<File> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let folder = PathBuf::from(std::env::var_os("TEST_SAID_DIR")?);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    Some(File::create(folder.join(format!("{who}-{}-{number}.{way}", std::process::id()))).unwrap())
}

/// Keeps the whole of what was said.
pub fn whole(who: &str, way: &str, said: &[u8]) {
    if let Some(mut file) = file(who, way) {
        file.write_all(said).unwrap();
    }
}

/// Keeps what is said piece by piece.
pub struct Keeper(Option<File>);

impl Keeper {
    pub fn of(who: &str, way: &str) -> Self {
        Self(file(who, way))
    }

    pub fn keep(&mut self, said: &[u8]) {
        if let Some(file) = &mut self.0 {
            file.write_all(said).unwrap();
        }
    }
}

/// Where a program may write that nobody reads meanwhile; the tests' own, if nothing is kept.
pub fn unread(who: &str, way: &str) -> Stdio {
    file(who, way).map_or_else(Stdio::inherit, Stdio::from)
}

/// How a program is called here: by its name, and by the command that it is given.
pub fn name(program: &str, arguments: &[&str]) -> String {
    let name = Path::new(program).file_name().unwrap().to_str().unwrap();
    let is_word = |it: &&&str| it.bytes().all(|byte| byte.is_ascii_lowercase());
    let words = arguments.iter().take_while(is_word).copied();
    std::iter::once(name).chain(words).collect::<Vec<_>>().join("_")
}
