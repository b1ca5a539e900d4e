//! Clients that share no code with the server: gRPC of Python and of Node.js, and bare HTTP/2 that means harm.
//!
//! They are the scripts in `tests/peers`, which `bin/dev/setup peers` lets run. With the other tests they do enough to
//! show that all of it works; `PEERS_FULL=1` has them do as much as is promised, which takes minutes.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use image::{ImageFormat, RgbImage, codecs::jpeg::JpegEncoder};
use prost::Message;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{
    process::Command,
    task::{JoinHandle, JoinSet},
};
use tonic::{Request, Response, Status, codec::CompressionEncoding, metadata::MetadataMap};
use tonic_types::StatusExt;
use workcenter::pb::{
    Address, GetProfileRequest, JobScope, Profile, UpdateProfileRequest, WatchJobsRequest,
    job_service_client::JobServiceClient, profile_service_client::ProfileServiceClient,
};

use crate::{
    access::raw,
    channel::Channel,
    harness::{App, Person, by, fields, reason},
    process::program::{DAEMON, SERVER, Serving},
};

/// How long the server of these tests lets an upload be silent, in seconds.
const SILENCE_SECONDS: &str = "1";

/// By how much abuse may make the server's memory grow, in mebibytes.
const GROWTH_MIB: &str = "50";

fn full() -> bool {
    #[expect(clippy::disallowed_methods, reason = "how long these tests run is not a setting of a program")]
    std::env::var("PEERS_FULL").is_ok()
}

/// A language that a peer is written in.
#[derive(Clone, Copy, Debug)]
enum Language {
    Python,
    Node,
}

impl Language {
    const ALL: [Self; 2] = [Self::Python, Self::Node];

    /// The program that runs the script `name`.
    fn script(self, name: &str) -> Command {
        let (program, ending) = match self {
            Self::Python => (".dev/tools/venv/bin/python", "py"),
            Self::Node => (".dev/tools/bin/node", "js"),
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let program = root.join(program);
        assert!(program.exists(), "{} is missing: run bin/dev/setup peers", program.display());
        let mut command = Command::new(program);
        command.arg(root.join("tests/peers").join(name).with_extension(ending));
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

/// Runs a script that prints one line of JSON.
async fn told(mut script: Command) -> Value {
    let output = script.output().await.unwrap();
    assert!(output.status.success(), "{script:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A folder that is gone in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("peers-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// The server as a process, and somebody who may call it.
struct Host {
    ada: Person,
    /// As peers want it: a host and a port.
    target: String,
    pid: String,
    channel: Channel,
    folder: Folder,
    /// Reads the log to its end, for nobody may make the server wait until it is read. Has the server with it.
    log: JoinHandle<(Option<i32>, Vec<String>)>,
    // The database goes last.
    _app: App,
}

impl Host {
    async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts with these settings besides.
    async fn with(settings: &[(&str, &str)]) -> Self {
        let app = App::start().await;
        let ada = app.account("Pier Works").await.admin;
        let folder = Folder::new();
        let blobs = folder.0.join("blobs");
        let usual = [("BLOB_DIR", blobs.to_str().unwrap()), ("UPLOAD_SILENCE_SECONDS", SILENCE_SECONDS)];
        let settings = [&usual, settings].concat();
        let serving = Serving::start(SERVER, &app, &settings).await;
        Self {
            ada,
            target: serving.url.trim_start_matches("http://").to_owned(),
            pid: serving.pid().to_string(),
            channel: serving.channel(),
            folder,
            log: tokio::spawn(serving.end()),
            _app: app,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    /// Uploads `file` as `arguments` say, and reads into `back` what is there then.
    async fn upload(&self, language: Language, file: &Path, back: &Path, arguments: &[&str]) -> Value {
        let mut script = language.script("upload");
        script.arg(&self.target).args([file, back]).args(arguments);
        told(script).await
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.log.abort();
    }
}

/// A JPEG of more than three mebibytes: nothing packs as badly as noise.
///
/// Source: D. Knuth, "The Art of Computer Programming", volume 2, section 3.3.4, for the numbers of line 26.
fn noise() -> Vec<u8> {
    let mut state = 1_u64;
    let mut roll = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    let picture = RgbImage::from_fn(1_500, 1_500, |_, _| image::Rgb([roll(), roll(), roll()]));
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 82).encode_image(&picture).unwrap();
    assert!((3 << 20..4 << 20).contains(&bytes.len()), "{} bytes", bytes.len());
    bytes
}

#[tokio::test]
async fn a_picture_that_others_upload_in_pieces_of_any_size_is_read_back_the_same_by_all() {
    let host = Host::start().await;
    let file = host.path("noise.jpg");
    std::fs::write(&file, noise()).unwrap();
    let token = ["--token", &host.ada.token];
    let chunks: &[&str] = if full() { &["1048576", "65536", "1"] } else { &["65536"] };
    let mut read = Vec::new();
    for chunk in chunks {
        for language in Language::ALL {
            let back = host.path("back.jpg");
            let it = host.upload(language, &file, &back, &[&token, ["--chunk", chunk].as_slice()].concat()).await;
            println!("{language:?}, {chunk} bytes a message: {it}");
            assert_eq!((&it["upload"]["code"], &it["get"]["code"]), (&json!("OK"), &json!("OK")), "{it}");
            let header = &it["get"]["header"];
            assert_eq!(header["size_bytes"], it["get"]["bytes"], "{it}");
            assert_eq!((&header["drawn"], &header["etag"]), (&json!(false), &it["upload"]["etag"]), "{it}");
            let bytes = std::fs::read(&back).unwrap();
            let picture = image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg).unwrap();
            assert_eq!((picture.width(), picture.height()), (300, 300));
            read.push(it["get"]["sha256"].clone());
        }
    }
    assert!(read.iter().all(|it| *it == read[0]), "{read:?}");
}

/// What an upload of four kilobytes that goes wrong is told: the arguments, the code, the reason.
const WRONG: [(&[&str], &str, &str); 7] = [
    (&["--stop-after", "2000"], "INVALID_ARGUMENT", "PICTURE_SIZE_MISMATCH"),
    (&["--claim", "2000"], "INVALID_ARGUMENT", "PICTURE_SIZE_MISMATCH"),
    (&["--wrong-hash"], "INVALID_ARGUMENT", "PICTURE_CHECKSUM"),
    (&["--claim", "10485761"], "INVALID_ARGUMENT", "PICTURE_TOO_LARGE"),
    (&[], "INVALID_ARGUMENT", "PICTURE_UNSUPPORTED"),
    (&["--silent-after", "2000"], "DEADLINE_EXCEEDED", "DEADLINE"),
    (&["--token", "wrong"], "UNAUTHENTICATED", "SESSION_INVALID"),
];

#[tokio::test]
async fn an_upload_that_goes_wrong_tells_others_why_and_leaves_no_picture() {
    let host = Host::start().await;
    let file = host.path("no-picture.jpg");
    std::fs::write(&file, [7; 4_000]).unwrap();
    let back = host.path("back.png");
    for (arguments, code, reason) in WRONG {
        for language in Language::ALL {
            let arguments = [["--token", &host.ada.token].as_slice(), arguments].concat();
            let it = host.upload(language, &file, &back, &arguments).await;
            assert_eq!((&it["upload"]["code"], &it["upload"]["reason"]), (&json!(code), &json!(reason)), "{it}");
            if code != "UNAUTHENTICATED" {
                assert_eq!(it["get"]["header"]["drawn"], json!(true), "{it}");
            }
        }
    }
}

/// How a call ended, in the form that all peers print; of an answer, with the SHA-256 of its message.
fn ended(outcome: Result<(MetadataMap, Vec<u8>), Status>) -> Value {
    let id = |metadata: &MetadataMap| metadata.get("x-request-id").map(|it| it.to_str().unwrap().to_owned());
    match outcome {
        Ok((metadata, message)) => {
            let hash: String = Sha256::digest(message).iter().map(|it| format!("{it:02x}")).collect();
            json!({"code": "OK", "sha256": hash, "id": id(&metadata)})
        }
        Err(status) => {
            let code = screaming(&format!("{:?}", status.code()));
            let id = id(status.metadata());
            if status.get_error_details().error_info().is_none() {
                return json!({"code": code, "id": id});
            }
            let (reason, fields) = (reason(&status), fields(&status));
            json!({"code": code, "reason": reason, "fields": fields, "message": status.message(), "id": id})
        }
    }
}

/// `NotFound` as `NOT_FOUND`.
fn screaming(name: &str) -> String {
    let mut screamed = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !screamed.is_empty() {
            screamed.push('_');
        }
        screamed.push(letter.to_ascii_uppercase());
    }
    screamed
}

/// A request by whoever has `token`, or by a stranger, with the id that peers give it.
fn golden<T>(token: Option<&str>, message: T) -> Request<T> {
    let mut request = match token {
        Some(token) => by(token, message),
        None => Request::new(message),
    };
    request.metadata_mut().insert("x-request-id", "golden".parse().unwrap());
    request
}

/// The calls of `golden.py` and `golden.js` that have an answer, by tonic.
async fn by_tonic(host: &Host) -> BTreeMap<&'static str, Value> {
    let token = Some(host.ada.token.as_str());
    let me = || GetProfileRequest { user_id: "me".to_owned() };
    let profile = |gzip: bool, token: Option<&str>| {
        let client = ProfileServiceClient::new(host.channel.clone());
        let mut client = if gzip { client.send_compressed(CompressionEncoding::Gzip) } else { client };
        let request = golden(token, me());
        async move {
            let answer = client.get_profile(request).await.map(Response::into_parts);
            ended(answer.map(|(metadata, message, _)| (metadata, message.encode_to_vec())))
        }
    };
    let update = async |message: UpdateProfileRequest| {
        let mut client = ProfileServiceClient::new(host.channel.clone());
        ended(Err(client.update_profile(golden(token, message)).await.unwrap_err()))
    };
    let raw = async |path: &str, bytes: &[u8]| {
        ended(Err(raw::call(host.channel.clone(), path, golden(token, bytes.to_vec())).await.unwrap_err()))
    };
    let paths = ["address.country", "time_zone"].map(str::to_owned).to_vec();
    let address = Some(Address { country: "Atlantis".to_owned(), ..Default::default() });
    let bad = UpdateProfileRequest {
        profile: Some(Profile { address, time_zone: "Nowhere/Never".to_owned(), ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths }),
        etag: String::new(),
    };
    let large = UpdateProfileRequest { etag: "x".repeat(2 << 20), ..Default::default() };
    BTreeMap::from([
        ("profile", profile(false, token).await),
        ("gzip", profile(true, token).await),
        ("stranger", profile(false, None).await),
        ("fields", update(bad).await),
        ("large", update(large).await),
        ("malformed", raw("/workcenter.v1.ProfileService/GetProfile", &[0xff]).await),
        ("unknown_method", raw("/workcenter.v1.ProfileService/Nothing", &[]).await),
        ("unknown_service", raw("/workcenter.v1.Nothing/Nothing", &[]).await),
    ])
}

/// What each golden call ends with.
const GOLDEN: [(&str, &str, Option<&str>); 10] = [
    ("profile", "OK", None),
    ("gzip", "OK", None),
    ("stranger", "UNAUTHENTICATED", Some("CALLER_UNKNOWN")),
    ("fields", "INVALID_ARGUMENT", Some("FIELD_INVALID")),
    ("large", "RESOURCE_EXHAUSTED", Some("REQUEST_TOO_LARGE")),
    ("malformed", "INVALID_ARGUMENT", Some("REQUEST_MALFORMED")),
    ("unknown_method", "UNIMPLEMENTED", Some("METHOD_UNKNOWN")),
    ("unknown_service", "UNIMPLEMENTED", Some("METHOD_UNKNOWN")),
    ("deadline", "DEADLINE_EXCEEDED", None),
    ("cancel", "CANCELLED", None),
];

#[tokio::test]
async fn clients_of_three_languages_agree_on_how_a_call_ends_and_on_what_it_brings() {
    let host = Host::start().await;
    let ours = by_tonic(&host).await;
    for language in Language::ALL {
        let mut script = language.script("golden");
        let theirs = told({
            script.args([&host.target, &host.ada.token]);
            script
        })
        .await;
        for (call, code, reason) in GOLDEN {
            let it = &theirs[call];
            assert_eq!((&it["code"], it["reason"].as_str()), (&json!(code), reason), "{language:?}, {call}: {it}");
        }
        for (call, ours) in &ours {
            assert_eq!(&theirs[call], ours, "{language:?}, {call}");
        }
        assert_eq!(theirs["gzip"], theirs["profile"]);
    }

    // The server, too, knows when it is too late: this client does not look at the clock once a stream has begun.
    let mut request = by(&host.ada.token, WatchJobsRequest { scope: JobScope::Mine.into(), ..Default::default() });
    request.set_timeout(std::time::Duration::from_millis(300));
    let mut jobs = JobServiceClient::new(host.channel.clone()).watch_jobs(request).await.unwrap().into_inner();
    let status = jobs.message().await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (tonic::Code::DeadlineExceeded, "DEADLINE"));
}

/// What a process has in memory, in kibibytes.
fn memory(pid: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn of_ten_times_as_many_streams_as_there_are_places_for_those_too_many_are_refused() {
    const PLACES: usize = 5;
    let host = Host::with(&[("STREAMS_MAX", &PLACES.to_string())]).await;
    let open = || {
        let mut client = JobServiceClient::new(host.channel.clone());
        let mine = WatchJobsRequest { scope: JobScope::Mine.into(), ..Default::default() };
        let request = by(&host.ada.token, mine);
        async move {
            let began = Instant::now();
            (client.watch_jobs(request).await, began.elapsed())
        }
    };
    // The caller is known and the connection is there.
    drop(open().await.0.unwrap());
    let before = memory(&host.pid);
    let streams: JoinSet<_> = (0..10 * PLACES).map(|_| open()).collect();
    let (taken, refused): (Vec<_>, Vec<_>) = streams.join_all().await.into_iter().partition(|(it, _)| it.is_ok());
    let told = refused.iter().map(|(it, _)| reason(it.as_ref().unwrap_err())).filter(|it| it == "OVERLOADED");
    assert_eq!(told.count(), refused.len());
    assert!((1..=PLACES).contains(&taken.len()), "{} of {PLACES} places", taken.len());
    let mut times: Vec<_> = refused.into_iter().map(|(_, took)| took).collect();
    times.sort();
    let (median, last) = (times[times.len() / 2], times[times.len() - 1]);
    println!("refused in {median:?}, the last in {last:?}; memory {before} KiB, then {} KiB", memory(&host.pid));
}

/// How often which abuse is committed where minutes do not matter; elsewhere the script's own counts hold.
const FULL: [&str; 14] = [
    "resets=100000",
    "idle=10000",
    "slow-headers=200",
    "large-headers=200",
    "continuations=100000",
    "pings=1000000",
    "settings=1000000",
    "empty-data=100000",
    "tiny-data=100000",
    "tiny-window=2000",
    "gzip-small=1000",
    "gzip-large=100",
    "uploads=200",
    "garbage=1000",
];

#[tokio::test]
async fn who_abuses_the_server_does_not_fill_its_memory_nor_stops_the_work_of_others() {
    let host = Host::start().await;
    let mut script = Language::Python.script("abuse");
    script.args([&host.target, &host.pid, "--token", &host.ada.token, "--growth", GROWTH_MIB]);
    if full() {
        script.args(FULL);
    } else {
        script.args(["--hold", "1"]);
    }
    let output = script.output().await.unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!host.log.is_finished(), "the server has ended");
}

/// What is done to the daemon, whose connections are kept in order by the same code.
const OF_DAEMON: [&str; 5] = ["resets", "slow-headers", "large-headers", "continuations", "garbage"];

#[tokio::test]
async fn who_abuses_the_daemon_does_not_fill_its_memory_nor_stops_the_work_of_others() {
    let app = App::start().await;
    let serving = Serving::start(DAEMON, &app, &[]).await;
    let mut script = Language::Python.script("abuse");
    let target = serving.url.trim_start_matches("http://").to_owned();
    script.args([&target, &serving.pid().to_string(), "--growth", GROWTH_MIB, "--hold", "1"]).args(OF_DAEMON);
    let log = tokio::spawn(serving.end());
    let output = script.output().await.unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!log.is_finished(), "the daemon has ended");
    log.abort();
}
