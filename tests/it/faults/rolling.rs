//! Servers that are replaced one after the other while they are used: nobody who tries again as documented sees a failure.
//!
//! `ROLLING_RESTARTS` sets how often each is replaced: once, unless it is set.
//! And what becomes of those who are not done when a server has to end.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{
    Stream,
    future::{BoxFuture, FutureExt, join_all},
};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use uuid::Uuid;
use workcenter::{
    audit,
    job::{Crier, Done, Run},
    pb::{
        CreateFolderRequest, JobState, WatchJobRequest, content_service_client::ContentServiceClient,
        job_service_client::JobServiceClient, profile_service_client::ProfileServiceClient,
    },
};

use super::{
    LOG,
    balanced::{Balanced, Policy},
    load,
};
use crate::{
    bulk::model::setting,
    channel::Channel,
    content::{self, Site},
    harness::{by, reason},
    job, picture,
    process::{
        program::{SERVER, Serving},
        running::{HANGS_AFTER, becomes, health},
    },
};

/// Servers at a time.
const SERVERS: usize = 3;

/// Who makes calls, one after the other, all the time.
const CALLERS: usize = 4;

/// Who watches the job.
const WATCHERS: usize = 3;

/// Calls that are answered while a server's place is empty: each caller comes to it several times.
const MEANWHILE: usize = 8 * CALLERS;

/// Bytes of a document of which some is stored before all has come.
const LARGE: usize = 12 << 20;

/// Starts a server on the site that drains for so many seconds, which is there when it says that it serves.
async fn server(site: &Site, drain: &str) -> Serving {
    let bytes = &site.app.parts().settings.blobs.blob_dir;
    let settings =
        [LOG, ("BLOB_DIR", bytes.to_str().unwrap()), ("DRAIN_SECONDS", drain), ("UPLOAD_SILENCE_SECONDS", "60")];
    let serving = Serving::start(SERVER, &site.app, &settings).await;
    becomes(&mut health(&serving.channel()).await, ServingStatus::Serving).await;
    serving
}

/// Messages that come one by one.
struct Messages<M>(mpsc::Receiver<M>);

impl<M> Stream for Messages<M> {
    type Item = M;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<M>> {
        self.0.poll_recv(context)
    }
}

/// An upload of which the first half has gone.
struct Halfway {
    /// Sends the rest, unless it stays as it is, and says what came of it.
    rest: BoxFuture<'static, Result<(), Status>>,
}

/// How an upload goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goes {
    On,
    Nowhere,
}

impl Halfway {
    async fn begin<M: Send + 'static>(
        messages: Vec<M>,
        goes: Goes,
        call: impl FnOnce(Messages<M>) -> BoxFuture<'static, Result<(), Status>>,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(1);
        let answer = tokio::spawn(call(Messages(receiver)));
        let half = messages.len() / 2;
        let mut messages = messages.into_iter();
        for message in messages.by_ref().take(half) {
            sender.send(message).await.unwrap();
        }
        // There is room again when the transport has taken them.
        drop(sender.reserve().await.unwrap());
        let rest = async move {
            if goes == Goes::Nowhere {
                let answered = timeout(HANGS_AFTER, answer).await.expect("it is answered").unwrap();
                drop(sender);
                return answered;
            }
            for message in messages {
                sender.send(message).await.unwrap();
            }
            drop(sender);
            timeout(HANGS_AFTER, answer).await.expect("it is answered").unwrap()
        };
        Self { rest: rest.boxed() }
    }
}

/// Begins to upload a picture and a document of `size` bytes to one server.
async fn uploads(site: &Site, channel: Channel, size: usize, goes: Goes) -> [Halfway; 2] {
    let file = picture::jpeg(600, 400);
    let token = site.contributor.token.clone();
    let mut client = ProfileServiceClient::new(channel.clone());
    let messages = picture::messages(&file, file.len() / 3);
    let call = move |it| {
        let request = by(&token, it);
        async move { client.upload_picture(request).await.map(drop) }.boxed()
    };
    let picture = Halfway::begin(messages, goes, call);

    let bytes = content::noise(size);
    let token = site.contributor.token.clone();
    let mut client = ContentServiceClient::new(channel);
    let messages = content::messages(site.document("", &format!("{}.pdf", Uuid::now_v7()), &bytes), &bytes, size / 16);
    let call = move |it| {
        let request = by(&token, it);
        async move { client.upload_document(request).await.map(drop) }.boxed()
    };
    let document = Halfway::begin(messages, goes, call);
    [picture.await, document.await]
}

/// Follows a job to its end, and comes back with what it has whenever a server drains; returns how often it did.
async fn follow(site: &Site, client: &Balanced, job_id: Uuid) -> usize {
    let (mut seen, mut comings) = (0, 0);
    loop {
        let request = WatchJobRequest { job_id: job_id.to_string(), after_revision: seen };
        let open = client.call(async |channel| {
            JobServiceClient::new(channel).watch_job(by(&site.account.admin.token, request.clone())).await
        });
        let mut stream = open.await.unwrap();
        let status = loop {
            match stream.message().await {
                Ok(Some(word)) => {
                    let Some(job) = word.job else { continue };
                    assert!(job.revision > seen, "{} was seen after {seen}", job.revision);
                    seen = job.revision;
                    if job.state() == JobState::Succeeded {
                        return comings;
                    }
                }
                Ok(None) => panic!("the stream ended as if all had been said"),
                Err(status) => break status,
            }
        };
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        comings += 1;
    }
}

/// Replaces every server `rounds` times; the job goes one step with each.
async fn roll(site: &Site, fleet: &mut VecDeque<Serving>, client: &Balanced, rounds: usize, job_id: Uuid) {
    let crier = Crier::new(site.app.pool().clone());
    for number in 0..rounds * SERVERS {
        let mut old = fleet.pop_front().expect("as many come as go");
        client.more(CALLERS).await;
        let uploads = uploads(site, old.channel(), 200_000, Goes::On).await;
        old.terminate().await;
        old.says("draining").await;
        for answer in join_all(uploads.map(|it| it.rest)).await {
            answer.expect("what was under way is finished");
        }
        let (code, said) = timeout(HANGS_AFTER, old.end()).await.expect("it ends");
        assert_eq!(code, Some(0), "{said:#?}");
        assert!(!said.iter().any(|it| it.contains("cut off")), "{said:#?}");
        client.more(MEANWHILE).await;

        let new = server(site, "20").await;
        client.replace(number % SERVERS, new.channel());
        fleet.push_back(new);
        let moved = job::advance(&site.app, job_id, &Done { done: 1, ..Done::default() }).await;
        crier.moved(job_id, moved.is_final).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_are_replaced_in_turn_and_no_call_fails_that_is_tried_again() {
    let rounds = setting("ROLLING_RESTARTS").map_or(1, |it| usize::try_from(it).unwrap());
    let site = Site::open().await;
    let mut fleet = VecDeque::from(join_all((0..SERVERS).map(|_| server(&site, "20"))).await);
    let client = Balanced::new(fleet.iter().map(Serving::channel).collect(), Policy::documented());
    let run = Run { account: site.account.id, cadence: "DAILY", due_at: site.app.now().await };
    let job_id = job::begin(&site.app, &run, i64::try_from(rounds * SERVERS).unwrap()).await;

    let done = CancellationToken::new();
    let calling = join_all((0..CALLERS).map(|_| load(&client, &site.owner, site.pier, &done)));
    let following = join_all((0..WATCHERS).map(|_| follow(&site, &client, job_id)));
    let rolling = async {
        roll(&site, &mut fleet, &client, rounds, job_id).await;
        done.cancel();
    };
    let (made, comings, ()) = tokio::join!(calling, following, rolling);

    // Whoever watched a server that went came back: each was replaced.
    let comings: usize = comings.into_iter().sum();
    assert!(comings > 0, "nobody had to come back");
    let made: Vec<Uuid> = made.into_iter().flatten().map(|it| it.parse().unwrap()).collect();
    let there = "select count(*) from entry where id = any($1) and deleted_at is null";
    let there: i64 = site.app.client().await.query_one(there, &[&made]).await.unwrap().get(0);
    assert_eq!(usize::try_from(there).unwrap(), made.len());
    let all = "select count(*) from entry where kind = 'FOLDER'";
    let all: i64 = site.app.client().await.query_one(all, &[]).await.unwrap().get(0);
    assert_eq!(all, there, "what was tried again was made once");
    println!(
        "{} restarts: {} folders made, 0 calls failed, {} tried again, watchers came back {comings} times",
        rounds * SERVERS,
        made.len(),
        client.failures().len()
    );
}

/// The files below `folder` that are no whole bytes yet.
fn begun(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(begun(&path)),
            false if path.to_str().unwrap().contains('#') => found.push(path),
            false => {}
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_done_at_the_end_of_a_drain_is_told_so_and_leaves_nothing() {
    let site = Site::open().await;
    let bytes = site.app.parts().settings.blobs.blob_dir.clone();
    let mut serving = server(&site, "2").await;
    let uploads = uploads(&site, serving.channel(), LARGE, Goes::Nowhere).await;
    let client = site.app.client().await;
    while begun(&bytes).is_empty() {
        tokio::task::yield_now().await;
    }
    // A call that waits for somebody else.
    client.batch_execute("begin; lock table entry in access exclusive mode").await.unwrap();
    let request =
        CreateFolderRequest { workcenter_id: site.pier.to_string(), name: "Late".to_owned(), ..Default::default() };
    let (mut caller, request) = (ContentServiceClient::new(serving.channel()), by(&site.owner.token, request));
    let waiting = tokio::spawn(async move { caller.create_folder(request).await.map(drop) });
    let waits = "select count(*) from pg_locks where not granted and relation = 'entry'::regclass";
    while client.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {}

    serving.terminate().await;
    serving.says("draining").await;
    let mut answers = join_all(uploads.map(|it| it.rest)).await;
    answers.push(timeout(HANGS_AFTER, waiting).await.expect("it is answered").unwrap());
    for answer in answers {
        let status = answer.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "DRAINING"), "{status:?}");
    }
    let (code, said) = timeout(HANGS_AFTER, serving.end()).await.expect("it ends");
    assert_eq!(code, Some(0), "{said:#?}");
    assert!(said.iter().any(|it| it.contains("cut off")), "{said:#?}");

    client.batch_execute("rollback").await.unwrap();
    assert_eq!(begun(&bytes), Vec::<PathBuf>::new());
    let there =
        "select (select count(*) from entry where name = 'Late' or name like '%.pdf') + (select count(*) from picture)";
    assert_eq!(client.query_one(there, &[]).await.unwrap().get::<_, i64>(0), 0);
    let findings = audit::run(site.app.pool(), site.app.now().await).await.unwrap();
    assert!(findings.is_empty(), "{findings:?}");
}
