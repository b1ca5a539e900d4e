//! Files that would take far more memory than they have bytes, and as many large pictures as anybody can send at once:
//! the server's memory stays below what is promised.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use futures_util::{future::join_all, stream};
use squares::{Fault, cut};
use tokio::task::JoinHandle;
use tonic::{Code, Status};
use workcenter::pb::profile_service_client::ProfileServiceClient;

use super::{corpus::full, messages};
use crate::{
    channel::Channel,
    harness::{App, Person, by, reason},
    process::program::{SERVER, Serving},
};

/// By how much bombs may make the server's memory grow, in kibibytes: that of an upload, and of a small picture. The
/// smallest of them would take three times as much.
const BOMBS_GROWTH_KIB: u64 = 64 << 10;

/// What cutting the largest picture may take, in kibibytes. As many are cut as there are cores.
const CUT_KIB: u64 = 256 << 10;

/// What all uploads that are under way may take, in kibibytes: 16, each of 10 MiB.
const UPLOADS_KIB: u64 = 160 << 10;

/// Clients that upload at once: twice as many as there are places for uploads.
const CLIENTS: usize = 32;

/// Runs a script that writes files into a folder, which is gone when what is returned is dropped.
fn written(script: &str, arguments: &[&str]) -> Folder {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{script}-{}", uuid::Uuid::now_v7()));
    let folder = Folder(folder);
    std::fs::create_dir_all(&folder.0).unwrap();
    let python = root.join(".dev/tools/venv/bin/python");
    assert!(python.exists(), "{} is missing: run bin/dev/setup corpus", python.display());
    let script = root.join("tests/pictures").join(script).with_extension("py");
    let output = Command::new(python).arg("-B").arg(script).arg(&folder.0).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
}

/// A folder that is gone in the end.
struct Folder(PathBuf);

impl Folder {
    /// The files in the folder `name` of it, each with its name.
    fn files(&self, name: &str) -> Vec<(String, Vec<u8>)> {
        let paths = std::fs::read_dir(self.0.join(name)).unwrap().map(|it| it.unwrap().path());
        let mut files: Vec<_> = paths
            .map(|it| (it.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&it).unwrap()))
            .collect();
        files.sort();
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// The server as a process.
struct Host {
    pid: u32,
    channel: Channel,
    /// Reads the log to its end, for nobody may make the server wait until it is read. Has the server with it.
    log: JoinHandle<(Option<i32>, Vec<String>)>,
}

impl Host {
    /// Starts it with its blobs below `folder`.
    async fn start(app: &App, folder: &Folder) -> Self {
        let blobs = folder.0.join("blobs");
        let serving = Serving::start(SERVER, app, &[("BLOB_DIR", blobs.to_str().unwrap())]).await;
        Self { pid: serving.pid(), channel: serving.channel(), log: tokio::spawn(serving.end()) }
    }

    async fn upload(&self, person: &Person, file: &[u8]) -> Result<(), Status> {
        let parts = by(&person.token, stream::iter(messages(file, 256 << 10)));
        ProfileServiceClient::new(self.channel.clone()).upload_picture(parts).await.map(drop)
    }

    /// The most that it has had in memory, in kibibytes.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.log.abort();
    }
}

#[tokio::test]
async fn no_bomb_makes_the_server_grow() {
    let folder = written("bombs", &[]);
    let app = App::start().await;
    let ada = app.account("Pier Works").await.admin;
    let host = Host::start(&app, &folder).await;
    // What the first picture and its way there take stays taken.
    host.upload(&ada, &super::jpeg(300, 200)).await.unwrap();
    let before = host.peak();
    let mut grew = Vec::new();
    for (name, file) in folder.files("sides") {
        let status = host.upload(&ada, &file).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "PICTURE_TOO_LARGE"), "{name}");
        grew.push((name, host.peak() - before));
    }
    for (name, file) in folder.files("beside") {
        if let Err(status) = host.upload(&ada, &file).await {
            let why = reason(&status);
            assert!(status.code() == Code::InvalidArgument && why.starts_with("PICTURE_"), "{name}: {status:?}");
        }
        grew.push((name, host.peak() - before));
    }
    assert!(grew.iter().all(|(_, it)| *it < BOMBS_GROWTH_KIB), "grew from {before} KiB by {grew:?}");
}

#[test]
fn a_picture_of_too_many_pixels_is_refused_by_its_header() {
    let folder = written("bombs", &[]);
    for (name, file) in folder.files("sides") {
        assert_eq!(cut(&file, None).unwrap_err(), Fault::TooLarge, "{name}");
        // What is refused by the header needs no more of the file than that.
        let header = &file[..file.len().min(2_000)];
        if name != "runs.bmp" && !name.ends_with(".tif") {
            assert_eq!(cut(header, None).unwrap_err(), Fault::TooLarge, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_pictures_of_all_at_once_take_no_more_memory_than_is_promised() {
    let (size, clients) = if full() { (["8000", "5000"], CLIENTS) } else { (["1500", "1000"], CLIENTS / 4) };
    let folder = written("large", &size);
    let files = folder.files(".");
    assert!(10 < files.len());
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let mut people = Vec::new();
    for at in 0..clients {
        people.push(app.person(&account, &format!("{at}@example.com"), "Ada", "Lovelace").await);
    }
    let host = Host::start(&app, &folder).await;
    host.upload(&people[0], &super::jpeg(300, 200)).await.unwrap();
    let before = host.peak();

    // Each begins with another file, so that all kinds are cut beside each other.
    let turns = people.iter().enumerate().map(|(at, person)| {
        let (host, files) = (&host, &files);
        let turns = if full() { files.len() } else { 2 };
        async move {
            let mut ended = Vec::new();
            for (name, file) in files.iter().cycle().skip(at * if full() { 1 } else { 2 }).take(turns) {
                ended.push((name, host.upload(person, file).await));
            }
            ended
        }
    });
    let ended = join_all(turns).await.concat();
    let (taken, others): (Vec<_>, Vec<_>) = ended.into_iter().partition(|(_, it)| it.is_ok());
    for (name, it) in &others {
        // Who comes when all places are taken, or waits too long for a core, is told to come back.
        let status = it.as_ref().unwrap_err();
        assert_eq!(
            (status.code(), reason(status).as_str()),
            (Code::ResourceExhausted, "OVERLOADED"),
            "{name}: {status:?}"
        );
    }
    let grown = host.peak() - before;
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    println!("{} taken, {} told to come back; from {before} KiB by {grown} KiB", taken.len(), others.len());
    assert!(clients <= taken.len() + others.len() && !taken.is_empty());
    assert!(grown < cores * CUT_KIB + UPLOADS_KIB, "grew from {before} KiB by {grown} KiB");
}
