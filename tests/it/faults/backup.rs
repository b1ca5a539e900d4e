//! A backup that is made while the programs are at work, and what there is when it is restored.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use tonic_health::pb::health_check_response::ServingStatus;
use uuid::Uuid;

use super::{
    LOG,
    balanced::{Balanced, Policy},
    load,
};
use crate::{
    cluster::Cluster,
    content::{Site, noise},
    harness::App,
    process::{
        program::{DAEMON, Ended, SERVER, Serving, ctl},
        running::{becomes, health},
    },
};

/// Who makes calls, one after the other, all the time.
const CALLERS: usize = 3;

/// Documents that are there before the backup begins.
const DOCUMENTS: usize = 3;

/// Runs a program to its end, which is a good one.
async fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Uploads documents, each as long as it is called, until told to stop.
async fn upload(site: &Site, done: &CancellationToken) {
    let mut length = 10_000;
    while !done.is_cancelled() {
        length += 1;
        site.upload("", &length.to_string(), &noise(length)).await.unwrap();
    }
}

/// The ids of all entries, and those of documents with their names.
async fn entries(app: &App) -> (BTreeSet<Uuid>, Vec<(Uuid, String)>) {
    let all = "select id, kind, name from entry where deleted_at is null order by name";
    let rows = app.client().await.query(all, &[]).await.unwrap();
    let documents = rows.iter().filter(|it| it.get::<_, &str>("kind") == "DOCUMENT");
    let documents = documents.map(|it| (it.get("id"), it.get("name"))).collect();
    (rows.iter().map(|it| it.get("id")).collect(), documents)
}

/// Backs up the database of `site` first, and then its bytes, while more is stored, and restores both into another place.
async fn restored(site: &Site, cluster: &Cluster, client: &Balanced) -> App {
    let programs = cluster.script("programs").await;
    let url = cluster.script("url").await;
    let file = site.app.parts().settings.blobs.blob_dir.with_file_name("backup");
    let file = file.to_str().unwrap();
    run(&format!("{programs}/pg_dump"), &["--format=custom", "--file", file, &url]).await;
    client.more(4 * CALLERS).await;

    let other = url.replace("/postgres", "/restored");
    run(&format!("{programs}/createdb"), &["--maintenance-db", &url, "restored"]).await;
    run(&format!("{programs}/pg_restore"), &["--exit-on-error", "--dbname", &other, file]).await;
    let app = App::on("restored", other).await;
    let [from, into] = [&site.app, &app].map(|it| it.parts().settings.blobs.blob_dir.to_str().unwrap().to_owned());
    run("cp", &["-a", &format!("{from}/."), &into]).await;
    app
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_made_under_load_has_all_that_was_there_before_and_is_sound() {
    let cluster = Cluster::start("backup").await;
    let url = cluster.script("url").await;
    let mut site = Site::of(App::on("lived", url.clone()).await).await;
    let bytes = site.app.parts().settings.blobs.blob_dir.clone();
    let settings = [LOG, ("BLOB_DIR", bytes.to_str().unwrap())];
    let (server, daemon) = tokio::join!(Serving::on(SERVER, &url, &settings), Serving::on(DAEMON, &url, &settings));
    for serving in [&server, &daemon] {
        becomes(&mut health(&serving.channel()).await, ServingStatus::Serving).await;
    }
    for length in 0..DOCUMENTS {
        site.upload("", &length.to_string(), &noise(length)).await.unwrap();
    }

    let done = CancellationToken::new();
    let client = Balanced::new(vec![server.channel()], Policy::documented());
    let calling = join_all((0..CALLERS).map(|_| load(&client, &site.owner, site.pier, &done)));
    let backing_up = async {
        client.more(4 * CALLERS).await;
        let (before, _) = entries(&site.app).await;
        let restored = restored(&site, &cluster, &client).await;
        done.cancel();
        (before, restored)
    };
    let (_, (), (before, restored)) = tokio::join!(calling, upload(&site, &done), backing_up);

    let (after, _) = entries(&site.app).await;
    // What was there goes: nothing below is read from it.
    let lived = std::mem::replace(&mut site.app, restored);
    drop((server, daemon, lived));
    let (there, documents) = entries(&site.app).await;
    assert!(before.is_subset(&there), "all that was there when it began is in the backup");
    assert!(there.is_subset(&after) && there.len() < after.len(), "the backup is of a moment, and the work went on");
    assert!(documents.len() >= DOCUMENTS);
    for (id, name) in documents {
        let (_, bytes) = site.download(&id.to_string(), 0, 0, 0).await.unwrap();
        assert!(bytes == noise(name.parse().unwrap()), "the bytes of {name} are in the backup");
    }
    let Ended { code, out, err } = ctl(&site.app, &["audit", "--dev"]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
}
