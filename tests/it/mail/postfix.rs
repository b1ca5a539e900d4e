//! Digests on their way through the daemon to a mail server that is not ours: Postfix's smtp-sink, which can also misbehave.
//! `bin/dev/setup sink` brings it.

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::Stdio,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};
use workcenter::daemon::Sweep;

use crate::{
    architecture::source::root,
    digest::scale::{MORNING, Size, seed},
    harness::App,
    sink::Sink,
};

/// How many digests there are on a morning without trouble.
const MANY: i64 = 200;

/// How many there are for each misbehaviour: as many as the daemon has sessions.
const FEW: i64 = 4;

/// What smtp-sink does and what its mails are afterwards. `WAITING` are those that may go later: tried or not, for a daemon
/// that is asked for less mail leaves the others alone.
const TABLE: [(&[&str], &str); 36] = [
    (&["-q", "CONNECT"], "WAITING"),
    (&["-Q", "CONNECT"], "WAITING"),
    (&["-r", "CONNECT"], "WAITING"),
    (&["-f", "CONNECT"], "WAITING"),
    (&["-q", "EHLO"], "WAITING"),
    (&["-Q", "EHLO"], "WAITING"),
    (&["-r", "EHLO"], "WAITING"),
    (&["-f", "EHLO"], "WAITING"),
    (&["-q", "MAIL"], "WAITING"),
    (&["-Q", "MAIL"], "WAITING"),
    (&["-r", "MAIL"], "WAITING"),
    (&["-f", "MAIL"], "FAILED"),
    (&["-q", "RCPT"], "WAITING"),
    (&["-Q", "RCPT"], "WAITING"),
    (&["-r", "RCPT"], "WAITING"),
    (&["-f", "RCPT"], "FAILED"),
    (&["-B", "550 5.1.1 nobody of that name", "-f", "RCPT"], "FAILED"),
    (&["-q", "DATA"], "WAITING"),
    (&["-Q", "DATA"], "WAITING"),
    (&["-r", "DATA"], "WAITING"),
    (&["-f", "DATA"], "FAILED"),
    (&["-q", "."], "UNKNOWN"),
    (&["-Q", "."], "WAITING"),
    (&["-r", "."], "WAITING"),
    (&["-b", "452 4.3.1 disk full", "-r", "."], "WAITING"),
    (&["-f", "."], "FAILED"),
    // What we do not say, or do not wait for.
    (&["-q", "NOOP,HELO,VRFY"], "SENT"),
    (&["-f", "RSET"], "SENT"),
    (&["-q", "QUIT"], "SENT"),
    (&["-Q", "QUIT"], "SENT"),
    // What it does not announce.
    (&["-8"], "SENT"),
    (&["-p"], "SENT"),
    (&["-E", "-N"], "SENT"),
    (&["-a", "-C", "-F"], "SENT"),
    // It does not know EHLO, and greets like a firewall that is known for that. We say nothing older.
    (&["-e"], "WAITING"),
    (&["-P"], "WAITING"),
];

/// The server, which ends with the test, and the folder with what it was sent.
struct Postfix {
    address: SocketAddr,
    folder: PathBuf,
    _child: Child,
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // It stands in a folder for what is temporary.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Postfix {
    async fn start(options: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("workcenter-postfix-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&folder).unwrap();
        // Where we are root, it is somebody else.
        fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        let mut command = Command::new(root().join("bin/dev/sink"));
        command.args(options).arg("-d").arg(folder.join("mail."));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next_line().await.unwrap().expect("run bin/dev/setup sink");
        Self { address: SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap())), folder, _child: child }
    }

    /// What it has kept: the recipient of each mail and its bytes, with the line breaks of a file.
    fn mails(&self) -> Vec<(String, String)> {
        let kept = |it: std::io::Result<fs::DirEntry>| {
            let text = fs::read_to_string(it.unwrap().path()).unwrap();
            let to = text.lines().find_map(|it| it.strip_prefix("X-Rcpt-Args: <")).unwrap().trim_end_matches('>');
            // Its own headers end with one that has three lines; a line after the mail is its own too.
            let (_, mail) = text.split_once("\nReceived: ").unwrap();
            let mail = mail.splitn(4, '\n').nth(3).unwrap().strip_suffix('\n').unwrap();
            (to.to_owned(), mail.to_owned())
        };
        fs::read_dir(&self.folder).unwrap().map(kept).collect()
    }
}

/// An application with so many digests in its outbox.
async fn composed(people: i64) -> App {
    let app = App::start().await;
    app.clock_at(MORNING).await;
    seed(&app, Size { people, account: people.min(100), workcenters: 2, events: 3 }).await;
    app.daemon(None).step(Sweep::Daily, app.now().await).await.unwrap();
    assert_eq!(states(&app).await, [("WAITING".to_owned(), people)]);
    app
}

/// Has what waits tried by this relay, which nobody has asked for less.
async fn deliver(app: &App, relay: SocketAddr) {
    let now = "update mail set try_at = now() where ended_at is null; delete from mail_pace";
    app.client().await.batch_execute(now).await.unwrap();
    app.daemon(Some(relay)).step(Sweep::Outbox, app.now().await).await.unwrap();
}

/// How many mails there are in each state.
async fn states(app: &App) -> Vec<(String, i64)> {
    let states = "select case when state in ('PENDING', 'RETRY') then 'WAITING' else state end as state, count(*)
        from mail group by 1 order by 1";
    let rows = app.client().await.query(states, &[]).await.unwrap();
    rows.iter().map(|it| (it.get(0), it.get(1))).collect()
}

/// Makes all mails as if nobody had tried to send them.
async fn again(app: &App) {
    let again = "update mail set state = 'PENDING', attempts = 0, unknowns = 0, reply = '', ended_at = null;
        delete from suppressed_address";
    app.client().await.batch_execute(again).await.unwrap();
}

#[tokio::test]
async fn hundreds_of_digests_come_to_postfix_once_each_and_as_they_are_written() {
    let app = composed(MANY).await;
    let postfix = Postfix::start(&[]).await;
    deliver(&app, postfix.address).await;
    assert_eq!(states(&app).await, [("SENT".to_owned(), MANY)]);
    let kept = postfix.mails();
    let by_reader: BTreeMap<_, _> = kept.iter().cloned().collect();
    assert_eq!((kept.len(), by_reader.len()), (200, 200));

    again(&app).await;
    let sink = Sink::start(Vec::new()).await;
    deliver(&app, sink.address()).await;
    let ours = sink.mails().into_iter();
    let ours: BTreeMap<_, _> =
        ours.map(|it| (it.to, String::from_utf8(it.data).unwrap().replace("\r\n", "\n"))).collect();
    assert!(ours == by_reader, "both were sent the same mails");
}

#[tokio::test]
async fn whatever_postfix_does_no_mail_is_lost_or_said_to_be_where_it_is_not() {
    let app = composed(FEW).await;
    let sound = Postfix::start(&[]).await;
    for (options, expected) in TABLE {
        again(&app).await;
        let postfix = Postfix::start(options).await;
        deliver(&app, postfix.address).await;
        assert_eq!(states(&app).await, [(expected.to_owned(), FEW)], "{options:?}");
        match expected {
            "SENT" => assert_eq!(postfix.mails().len(), 4, "{options:?}"),
            "FAILED" | "WAITING" | "UNKNOWN" => {}
            other => panic!("nothing is {other} in the end"),
        }
        let gone = "select count(*) from suppressed_address";
        let gone: i64 = app.client().await.query_one(gone, &[]).await.unwrap().get(0);
        assert_eq!(gone, if options.contains(&"-B") { FEW } else { 0 }, "{options:?}");

        // What did not go for good goes by the next relay, once.
        let before = sound.mails().len();
        deliver(&app, sound.address).await;
        let (in_the_end, more) = match expected {
            "WAITING" | "UNKNOWN" => ("SENT", 4),
            ended => (ended, 0),
        };
        assert_eq!(states(&app).await, [(in_the_end.to_owned(), FEW)], "{options:?}");
        assert_eq!(sound.mails().len() - before, more, "{options:?}");
    }
}
