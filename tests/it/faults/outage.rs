//! A database that is away while both programs are at work: calls say so, health does not, and all that was acknowledged is
//! there when it is back, which nobody has to be restarted for.
//!
//! `OUTAGE_SECONDS` sets for how long it is away; unless it is set, it is started again at once, and nothing is timed.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_types::StatusExt;
use uuid::Uuid;
use workcenter::pb::{
    BulkCopyRequest, BulkItem, BulkTarget, Folder, JobScope, JobState, ListJobsRequest, WatchJobRequest,
    bulk_item::Item, content_service_client::ContentServiceClient, job_service_client::JobServiceClient,
};

use super::{
    LOG,
    balanced::{Balanced, Policy},
    load,
};
use crate::{
    bulk::model::setting,
    channel::Channel,
    cluster::Cluster,
    content::Site,
    harness::{App, by, reason},
    process::{
        program::{DAEMON, SERVER, Serving},
        running::{HANGS_AFTER, becomes, health},
    },
};

/// How soon calls are answered again after the database is back. The server says that it be asked again after a second.
const RECOVERY_MAX: Duration = Duration::from_secs(5);

/// Who makes calls, one after the other, all the time.
const CALLERS: usize = 4;

/// Health from now on: how it was whenever it changed, until told to stop.
async fn states(channel: Channel, done: &CancellationToken) -> Vec<ServingStatus> {
    let mut health = health(&channel).await;
    let mut states = Vec::new();
    loop {
        tokio::select! {
            said = health.message() => states.push(said.unwrap().expect("health goes on").status()),
            () = done.cancelled() => return states,
        }
    }
}

/// The daemon answers: somebody lists jobs.
async fn asked(site: &Site, channel: &Channel) -> Result<(), Status> {
    let mine = ListJobsRequest { scope: JobScope::Mine.into(), ..Default::default() };
    JobServiceClient::new(channel.clone()).list_jobs(by(&site.owner.token, mine)).await.map(drop)
}

/// Everything that a failure has to say while the database is away.
fn is_told(status: &Status) {
    assert_eq!((status.code(), reason(status).as_str()), (Code::Unavailable, "STORE_UNAVAILABLE"), "{status:?}");
    assert!(status.get_error_details().retry_info().is_some_and(|it| it.retry_delay.is_some()), "{status:?}");
}

/// The daemon does work that begins now.
async fn works(site: &Site, server: &Channel, what: &Folder) {
    let into = site.folder("", "Copies").await.unwrap();
    let item = BulkItem { item: Some(Item::FolderId(what.folder_id.clone())), ..Default::default() };
    let target = BulkTarget { workcenter_id: site.pier.to_string(), folder_id: into.folder_id };
    let request = BulkCopyRequest { items: vec![item], target: Some(target), ..Default::default() };
    let begun = ContentServiceClient::new(server.clone()).bulk_copy(by(&site.owner.token, request)).await;
    let job = begun.unwrap().into_inner().job.unwrap();
    let request = WatchJobRequest { job_id: job.job_id, after_revision: 0 };
    let watched = JobServiceClient::new(server.clone()).watch_job(by(&site.owner.token, request)).await;
    let mut stream = watched.unwrap().into_inner();
    let mut last = JobState::Unspecified;
    while let Some(word) = timeout(HANGS_AFTER, stream.message()).await.expect("it goes on").unwrap() {
        last = word.job.map_or(last, |it| it.state());
    }
    assert_eq!(last, JobState::Succeeded);
}

/// Has the database be away for a while; returns how long after its return the first call of each program was answered.
async fn away(site: &Site, cluster: &Cluster, client: &Balanced, daemon: &Channel, gone: Duration) -> [Duration; 2] {
    client.more(4 * CALLERS).await;
    asked(site, daemon).await.unwrap();
    assert!(client.failures().is_empty());
    cluster.script("stop").await;
    is_told(&asked(site, daemon).await.unwrap_err());
    sleep(gone).await;
    cluster.script("start").await;
    let back = Instant::now();
    let server = async {
        client.more(1).await;
        back.elapsed()
    };
    let daemon = async {
        while let Err(status) = asked(site, daemon).await {
            is_told(&status);
        }
        back.elapsed()
    };
    let (server, daemon) = tokio::join!(server, timeout(HANGS_AFTER, daemon));
    client.more(4 * CALLERS).await;
    [server, daemon.expect("it answers again")]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_outlives_the_database_s_absence_and_nobody_is_restarted() {
    let full = setting("OUTAGE_SECONDS").map(Duration::from_secs);
    let cluster = Cluster::start("away").await;
    let url = cluster.script("url").await;
    let site = Site::of(App::on("outlived", url.clone()).await).await;
    let what = site.folder("", "Plans").await.unwrap();
    let (server, daemon) = tokio::join!(Serving::on(SERVER, &url, &[LOG]), Serving::on(DAEMON, &url, &[LOG]));
    let channels = [server.channel(), daemon.channel()];
    for channel in &channels {
        becomes(&mut health(channel).await, ServingStatus::Serving).await;
    }

    let (done, over) = (CancellationToken::new(), CancellationToken::new());
    let client = Balanced::new(vec![channels[0].clone()], Policy::documented().forever());
    let calling = join_all((0..CALLERS).map(|_| load(&client, &site.owner, site.pier, &done)));
    let watching = join_all(channels.clone().map(|it| states(it, &over)));
    let outage = async {
        let recovery = away(&site, &cluster, &client, &channels[1], full.unwrap_or_default()).await;
        done.cancel();
        works(&site, &channels[0], &what).await;
        over.cancel();
        recovery
    };
    let (made, states, recovery) = tokio::join!(calling, watching, outage);

    let failures = client.failures();
    assert!(!failures.is_empty(), "nobody noticed");
    failures.iter().for_each(is_told);
    for states in states {
        assert_eq!(states, [ServingStatus::Serving], "health does not change");
    }
    let made: Vec<Uuid> = made.into_iter().flatten().map(|it| it.parse().unwrap()).collect();
    let there = "select count(*) from entry where id = any($1) and deleted_at is null";
    let there: i64 = site.app.client().await.query_one(there, &[&made]).await.unwrap().get(0);
    assert_eq!(usize::try_from(there).unwrap(), made.len(), "all that was acknowledged is there");
    if full.is_some() {
        println!(
            "{} folders made, {} calls tried again; server and daemon answered {recovery:?} after its return",
            made.len(),
            failures.len()
        );
        assert!(recovery.iter().all(|it| *it < RECOVERY_MAX), "{recovery:?}");
    }
}
