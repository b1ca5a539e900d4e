//! Pictures in a bucket, of a server that speaks S3 and that is none of ours; `bin/dev/setup s3` brings it.

use std::{net::SocketAddr, path::PathBuf, process::Stdio};

use futures_util::stream;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    task::{JoinHandle, JoinSet},
};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use workcenter::{config, error::Reason, pb::GetPictureRequest, secret, server::Parts};

use super::{blobs, collect, delete, is_stored, pass, rows, set};
use crate::{
    architecture::source::root,
    content::{self, Site, noise},
    harness::{self, App, reason, shared},
    picture::{etags, jpeg, messages, of, shown, upload},
    process::program::{DAEMON, SERVER, TOKEN_KEY, ended},
};

const BUCKET: &str = "pictures";

/// Who asks past the programs. The server looks for a name only.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 \
    Credential=key/20261120/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";

/// A server of S3 with one bucket; it ends with the test.
struct S3 {
    at: SocketAddr,
    _child: Child,
    _log: JoinHandle<()>,
}

impl S3 {
    async fn start() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[(&str, &str)]) -> Self {
        let python = root().join(".dev/tools/venv/bin/python");
        let mut command = Command::new(&python);
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]).envs(settings.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|_| panic!("run bin/dev/setup s3, for {}", python.display()));
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let at = loop {
            let line = log.next_line().await.unwrap().expect("it says where it is");
            if let Some((_, at)) = line.split_once("Running on http://") {
                break at.trim().parse().unwrap();
            }
        };
        // Nobody may make it wait until its log is read.
        let log = tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        let s3 = Self { at, _child: child, _log: log };
        assert!(s3.ask("PUT", "").await.contains(" 200 "));
        s3
    }

    /// Asks for something below the bucket, past the programs; returns the whole answer.
    async fn ask(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        let request = format!(
            "{method} /{BUCKET}{path} HTTP/1.1\r\nHost: {}\r\nAuthorization: {AUTHORIZATION}\r\n\
             Content-Length: 0\r\nConnection: close\r\n\r\n",
            self.at
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// The names of all objects in the bucket.
    async fn names(&self) -> Vec<String> {
        let listed = self.ask("GET", "?list-type=2").await;
        let keys = listed.split("<Key>").skip(1).filter_map(|it| it.split("</Key>").next());
        keys.map(ToOwned::to_owned).collect()
    }

    fn blobs(&self) -> config::Blobs {
        bucket(BUCKET, self.at)
    }
}

/// The settings of a bucket that is served at `at`.
fn bucket(name: &str, at: SocketAddr) -> config::Blobs {
    let key = |it: &str| Some(secret::Secret::from(it.to_owned()));
    config::Blobs {
        blob_url: Some(format!("s3://{name}/people/pictures/").parse().unwrap()),
        aws_endpoint_url: Some(format!("http://{at}")),
        aws_access_key_id: key("key"),
        aws_secret_access_key: key("secret"),
        ..harness::blobs(&PathBuf::new())
    }
}

/// A line to a server, which can be cut.
struct Line {
    at: SocketAddr,
    to: SocketAddr,
    task: JoinHandle<()>,
}

impl Line {
    async fn to(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { at: listener.local_addr().unwrap(), to, task: tokio::spawn(carry(listener, to)) }
    }

    /// Ends all connections, and refuses new ones.
    async fn cut(&mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    async fn mend(&mut self) {
        self.task = tokio::spawn(carry(TcpListener::bind(self.at).await.unwrap(), self.to));
    }
}

async fn carry(listener: TcpListener, to: SocketAddr) {
    let mut calls = JoinSet::new();
    while let Ok((mut from, _)) = listener.accept().await {
        calls.spawn(async move {
            if let Ok(mut to) = TcpStream::connect(to).await {
                let _ = copy_bidirectional(&mut from, &mut to).await;
            }
        });
    }
}

fn unavailable(status: &Status) {
    assert_eq!((status.code(), reason(status).as_str()), (Code::Unavailable, "STORE_UNAVAILABLE"), "{status}");
    assert!(status.get_error_details().retry_info().is_some_and(|it| it.retry_delay.is_some()));
}

#[tokio::test]
async fn a_bucket_takes_pictures_gives_them_out_and_is_cleared() {
    let s3 = S3::start().await;
    let app = App::keeping(|_| s3.blobs()).await;
    let ada = app.account("Pier Works").await.admin;
    let old = set(&app, &ada, 60).await;
    for side in [512, 300, 128, 48] {
        let (header, bytes) = shown(&app, &ada, of("me", side)).await.unwrap();
        assert_eq!((header.etag.as_str(), header.drawn), (old.as_str(), false));
        assert_eq!(image::load_from_memory(&bytes).unwrap().width(), u32::try_from(side).unwrap());
    }
    let old = s3.names().await;
    let plain = |it: &String| it.strip_prefix("people/pictures/").expect("it lies below the prefix").replace('/', "");
    assert_eq!(old.iter().map(plain).collect::<std::collections::BTreeSet<_>>(), rows(&app).await);

    set(&app, &ada, 61).await;
    assert_eq!((collect(&app).await, s3.names().await.len()), (0, 8));
    pass(&app, 24).await;
    assert_eq!((collect(&app).await, s3.names().await.len()), (4, 4));
    assert!(s3.names().await.iter().all(|it| !old.contains(it)));
    assert!(is_stored(&app, &ada).await);

    // What was left behind there is found, and what is not ours is left alone.
    for name in [format!("people/pictures/ab/{}", "cd".repeat(31)), "people/other".to_owned()] {
        assert!(s3.ask("PUT", &format!("/{name}")).await.contains(" 200 "));
    }
    assert_eq!((blobs(&app).adopt(0xab).await.unwrap(), blobs(&app).adopt(0xab).await.unwrap()), (1, 0));
    delete(&app, &ada).await;
    pass(&app, 24).await;
    assert_eq!(collect(&app).await, 5);
    assert_eq!(s3.names().await, ["people/other"]);
    // What somebody else has removed is removed.
    set(&app, &ada, 60).await;
    for name in s3.names().await {
        assert!(s3.ask("DELETE", &format!("/{name}")).await.contains(" 204 "), "{name}");
    }
    assert!(!is_stored(&app, &ada).await);
    delete(&app, &ada).await;
    pass(&app, 24).await;
    assert_eq!(collect(&app).await, 4);
}

#[tokio::test]
async fn a_bucket_takes_documents_in_parts_and_keeps_none_of_what_was_given_up() {
    let s3 = S3::start().await;
    let site = Site::of(App::keeping(|_| s3.blobs()).await).await;
    let bytes = noise(6 << 20);
    let id = site.upload("", "Scan.tiff", &bytes).await.unwrap().document_id;
    assert!(site.download(&id, 0, (5 << 20) - 1, 3).await.unwrap().1 == bytes[(5 << 20) - 1..(5 << 20) + 2]);
    let small = site.upload("", "Note.txt", b"note").await.unwrap().document_id;
    let empty = site.upload("", "Empty.txt", b"").await.unwrap().document_id;
    assert_eq!(site.download(&small, 0, 1, 2).await.unwrap().1, b"ot");
    assert_eq!(site.download(&empty, 0, 0, 0).await.unwrap().1, b"");
    assert_eq!(s3.names().await.len(), 3);

    let mut other = content::messages(site.document("", "Other.tiff", &bytes[1..]), &bytes[1..], 1 << 20);
    other.pop();
    let refused = site.send(stream::iter(other)).await.unwrap_err();
    assert_eq!(reason(&refused), "DOCUMENT_MISMATCH");
    let under_way = s3.ask("GET", "?uploads").await;
    assert!(under_way.contains(" 200 ") && !under_way.contains("<UploadId>"), "{under_way}");
    assert_eq!(s3.names().await.len(), 3);
}

#[tokio::test]
async fn while_the_bucket_is_away_callers_are_told_to_come_back_and_then_all_is_as_before() {
    let s3 = S3::start().await;
    let mut line = Line::to(s3.at).await;
    let at = line.at;
    let app = App::keeping(|_| bucket(BUCKET, at)).await;
    let account = app.account("Pier Works").await;
    let (ada, bob) = (&account.admin, app.person(&account, "bob@example.com", "Bob", "Bricker").await);
    let etag = set(&app, ada, 60).await;
    delete(&app, ada).await;
    set(&app, ada, 61).await;
    let before = etags(&app, ada).await;
    pass(&app, 24).await;

    line.cut().await;
    unavailable(&shown(&app, ada, of("me", 48)).await.unwrap_err());
    unavailable(&upload(&app, &ada.token, messages(&jpeg(62, 62), 1000)).await.unwrap_err());
    assert_eq!(etags(&app, ada).await, before);
    assert_eq!(blobs(&app).collect().await.unwrap_err().reason(), Reason::StoreUnavailable);
    assert_eq!(blobs(&app).adopt(0).await.unwrap_err().reason(), Reason::StoreUnavailable);
    // Whatever takes no bytes is served.
    let known = GetPictureRequest { if_none_match: before.1.clone().unwrap(), ..of("me", 48) };
    assert!(shown(&app, ada, known).await.unwrap().0.not_modified);
    assert!(!is_stored(&app, &bob).await);
    delete(&app, &bob).await;

    line.mend().await;
    assert!(is_stored(&app, ada).await);
    set(&app, &bob, 62).await;
    // What was doomed before is doomed again when its time is up.
    pass(&app, 1).await;
    assert_eq!(collect(&app).await, 4);
    assert_ne!(set(&app, ada, 60).await, before.1.unwrap());
    assert_eq!(etags(&app, ada).await.1, Some(etag));
}

#[tokio::test]
async fn a_bucket_that_never_answers_is_given_up() {
    // It takes connections, for the kernel does, and reads nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = silent.local_addr().unwrap();
    let app = App::keeping(|_| bucket(BUCKET, at)).await;
    let ada = app.account("Pier Works").await.admin;
    unavailable(&upload(&app, &ada.token, messages(&jpeg(60, 60), 1000)).await.unwrap_err());
}

#[tokio::test]
async fn a_program_says_which_bucket_is_not_there_or_closed_and_starts_without_one_that_is_away() {
    let s3 = S3::start().await;
    let app = App::start().await;
    let open = async |blobs| {
        let settings = config::Shared { blobs, ..shared() };
        Parts::open(app.database(), &settings).await.map(|_| ()).map_err(|error| workcenter::error::chain(&error))
    };
    let missing = open(bucket("elsewhere", s3.at)).await.unwrap_err();
    assert!(missing.contains("BLOB_URL (--blob-url): s3://elsewhere/people/pictures does not exist"), "{missing}");
    // After the bucket was made, who has no good key is refused.
    let strict = S3::with(&[("INITIAL_NO_AUTH_ACTION_COUNT", "1")]).await;
    let closed = open(strict.blobs()).await.unwrap_err();
    assert!(closed.contains("s3://pictures/people/pictures is closed to us"), "{closed}");
    assert!(!closed.contains("secret"), "{closed}");
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    open(bucket(BUCKET, nobody)).await.unwrap();

    let endpoint = format!("http://{}", s3.at);
    for program in [SERVER, DAEMON] {
        let settings = [
            ("DATABASE_URL", app.database().url.expose()),
            ("TOKEN_KEY", TOKEN_KEY),
            ("BLOB_URL", "s3://elsewhere"),
            ("AWS_ENDPOINT_URL", &endpoint),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ];
        let ended = ended(program, &settings, &[]).await;
        assert_eq!(ended.code, Some(1), "{}", ended.err);
        assert!(ended.err.contains("s3://elsewhere/ does not exist"), "{}", ended.err);
    }
}

#[tokio::test]
async fn settings_that_cannot_name_a_bucket_are_refused_by_name() {
    let app = App::start().await;

    let usual = [("DATABASE_URL", app.database().url.expose()), ("TOKEN_KEY", TOKEN_KEY)];
    for (setting, says) in [
        (("BLOB_URL", "https://bucket"), "BLOB_URL (--blob-url): must look like s3://bucket/prefix"),
        (("BLOB_URL", "s3://bucket//x"), "BLOB_URL (--blob-url): must look like s3://bucket/prefix"),
        (("BLOB_URL", "s3://bucket/../x"), "BLOB_URL (--blob-url): must look like s3://bucket/prefix"),
        (
            ("AWS_ENDPOINT_URL", "minio:9000"),
            "AWS_ENDPOINT_URL (--aws-endpoint-url): must start with https:// or http://",
        ),
        (("AWS_ACCESS_KEY_ID", "key"), "AWS_SECRET_ACCESS_KEY (--aws-secret-access-key): is required"),
    ] {
        let ended = ended(SERVER, &[&usual[..], &[setting]].concat(), &[]).await;
        assert_eq!(ended.code, Some(2), "{}", ended.err);
        assert!(ended.err.contains(says), "{}", ended.err);
    }
    let secrets =
        [("AWS_ACCESS_KEY_ID", "hidden-id"), ("AWS_SECRET_ACCESS_KEY", "hidden"), ("AWS_SESSION_TOKEN", "hidden")];
    let help = ended(SERVER, &[&usual[..], &secrets].concat(), &["--help"]).await.out;
    assert!(help.contains("AWS_SESSION_TOKEN") && !help.contains("hidden"), "{help}");
}
