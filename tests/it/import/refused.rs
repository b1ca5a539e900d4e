//! What is refused as a whole, and leaves nothing behind.

use futures_util::stream::{self, StreamExt};
use tonic::{Code, Status};
use uuid::Uuid;
use workcenter::{
    content::ITEMS_MAX,
    ids,
    pb::content_service_client::ContentServiceClient,
    pb::{ImportDocumentsMetadata, ImportDocumentsRequest},
    secret::{self, Digester},
};

use super::{
    announced, chunk, first, messages,
    pack::{Entry, archive, deflated, end, large_end, stored},
};
use crate::{
    blob::collect,
    bulk::{Stage, to},
    content::{noise, refusal, refused},
    harness::{by, fields},
    process::program::{SERVER, Serving},
};

/// How much memory a server may take for what it refuses, in kibibytes: the parts in which it comes, and no more.
const GROWTH_KIB: u64 = 48 << 10;

impl Stage {
    /// Sends these messages, and asserts that nothing comes of it.
    async fn refuse(&self, messages: Vec<ImportDocumentsRequest>) -> Status {
        let status = self.send(&self.owner, stream::iter(messages)).await.unwrap_err();
        assert!(crate::blob::files(&self.app).len() <= 1);
        self.keeps(0).await;
        let jobs = self.app.client().await.query_one("select count(*) from job", &[]).await.unwrap();
        assert_eq!(jobs.get::<_, i64>(0), 0);
        status
    }

    async fn refuse_archive(&self, space: Uuid, archive: &[u8]) -> (Code, String) {
        refusal::<()>(Err(self.refuse(messages(announced(space, archive), archive)).await))
    }
}

/// A directory of so many entries that are empty, as short as it can be.
fn empty_entries(of: u64) -> Vec<u8> {
    let header = [&b"PK\x01\x02"[..], &[0; 42]].concat();
    header.repeat(usize::try_from(of).unwrap())
}

#[tokio::test]
async fn what_is_no_archive_is_refused_and_leaves_nothing() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let sound = archive(&[deflated("a", &noise(9_000)), stored("b/c", b"1")]);
    let directory = sound.len() - 22;
    let unreadable = refused(Code::InvalidArgument, "ARCHIVE_UNREADABLE");
    let with_end = |end: Vec<u8>| [&sound[..directory], &end].concat();
    let start = sound.windows(4).position(|it| it == b"PK\x01\x02").unwrap() as u64;
    let length = directory as u64 - start;
    let mut bent = sound.clone();
    bent[usize::try_from(start).unwrap()] = b'Q';
    for (what, archive) in [
        ("noise", noise(70_000)),
        ("a byte", b"P".to_vec()),
        ("cut at the end", sound[..sound.len() - 1].to_vec()),
        ("cut in the directory", sound[..directory - 3].to_vec()),
        ("its first part", sound[..4_000].to_vec()),
        ("more entries than there are", with_end(end(3, length, start))),
        ("more entries than fit", with_end(end(9_000, length, start))),
        ("a directory elsewhere", with_end(end(2, length, start + 1))),
        ("a directory beyond the end", with_end(end(2, u64::MAX, start))),
        ("a large end beyond the end", with_end(large_end(2, length, u64::MAX >> 1))),
        ("no header", bent),
    ] {
        assert_eq!(stage.refuse_archive(space, &archive).await, unreadable, "{what}");
    }
}

#[tokio::test]
async fn what_would_fill_a_store_is_refused_by_what_it_says() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let too_many = refused(Code::InvalidArgument, "TOO_MANY_ITEMS");
    let million = empty_entries(1_000_000);
    let with_end = |end: Vec<u8>| [&million[..], &end].concat();
    let all = million.len() as u64;
    assert_eq!(stage.refuse_archive(space, &with_end(large_end(1_000_000, all, 0))).await, too_many);
    // It lies about how many there are, and has as many bytes.
    assert_eq!(stage.refuse_archive(space, &with_end(end(1, all, 0))).await, too_many);

    // Folders that only paths tell of are items, too.
    let deep = |at: usize| stored(format!("{at}/{}x", "d/".repeat(98)), b"");
    let deep: Vec<Entry> = (0..=ITEMS_MAX / 100).map(deep).collect();
    assert_eq!(stage.refuse_archive(space, &archive(&deep)).await, too_many);

    let bomb = vec![0; 10 << 20];
    let bomb = archive(&[deflated("a", &bomb), deflated("b", &bomb)]);
    assert_eq!(stage.refuse_archive(space, &bomb).await, refused(Code::InvalidArgument, "ARCHIVE_RATIO"));
    let said = archive(&[Entry { said: (None, u64::MAX, None), is_large: true, ..stored("a", b"1") }]);
    assert_eq!(stage.refuse_archive(space, &said).await, refused(Code::InvalidArgument, "ARCHIVE_RATIO"));
}

#[tokio::test]
async fn a_server_does_not_grow_by_what_it_refuses() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let folder = stage.app.parts().settings.blobs.blob_dir.join("apart");
    let serving = Serving::start(SERVER, &stage.app, &[("BLOB_DIR", folder.to_str().unwrap())]).await;
    let peak = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", serving.pid())).unwrap();
        let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    };
    let refuse = async |archive: &[u8]| {
        let messages = stream::iter(messages(announced(space, archive), archive));
        let sent =
            ContentServiceClient::new(serving.channel()).import_documents(by(&stage.owner.token, messages)).await;
        refusal(sent).1
    };
    // What comes in parts takes as much, whatever it is.
    assert_eq!(refuse(&noise(12 << 20)).await, "ARCHIVE_UNREADABLE");
    let before = peak();
    let million = empty_entries(1_000_000);
    let all = million.len() as u64;
    let long = stored(vec![b'n'; usize::from(u16::MAX)], b"");
    for (archive, reason) in [
        ([&million[..], &large_end(1_000_000, all, 0)].concat(), "TOO_MANY_ITEMS"),
        ([&million[..], &end(1, all, 0)].concat(), "TOO_MANY_ITEMS"),
        ([&million[..], &end(65_534, 65_534 * 46, 0)].concat(), "ARCHIVE_UNREADABLE"),
        // Every place of it looks like the end of one.
        ([&b"PK\x05\x06".repeat(10 << 20)[..], &b"PK\x06\x06".repeat(1 << 20)].concat(), "ARCHIVE_UNREADABLE"),
        (archive(&vec![long; 700]), "TOO_MANY_ITEMS"),
    ] {
        assert_eq!(refuse(&archive).await, reason);
    }
    let grown = peak() - before;
    assert!(grown < GROWTH_KIB, "grew from {before} KiB by {grown} KiB");
}

#[tokio::test]
async fn what_is_not_what_was_announced_is_refused_and_leaves_nothing() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let sound = archive(&[stored("a", &noise(6 << 20))]);
    let mismatch = refused(Code::InvalidArgument, "DOCUMENT_MISMATCH");
    let refusal = async |messages| refusal::<()>(Err(stage.refuse(messages).await));
    let mut cut = messages(announced(space, &sound), &sound);
    cut.pop();
    assert_eq!(refusal(cut).await, mismatch);
    let mut longer = messages(announced(space, &sound), &sound);
    longer.push(chunk(b"more"));
    assert_eq!(refusal(longer).await, mismatch);
    let sha256 = secret::hex(&Digester::default().finish());
    let other = ImportDocumentsMetadata { sha256, ..announced(space, &sound) };
    assert_eq!(refusal(messages(other, &sound)).await, mismatch);

    for (messages, field) in [
        (vec![], "metadata"),
        (vec![chunk(b"PK")], "metadata"),
        (vec![ImportDocumentsRequest { part: None }], "part"),
        (vec![first(announced(space, b"PK")), first(announced(space, b"PK"))], "metadata"),
        (vec![first(announced(space, &sound)), chunk(&noise((1 << 20) + 1))], "chunk"),
    ] {
        let status = stage.refuse(messages).await;
        assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, vec![field.to_owned()]), "{status}");
    }
    let silent = stream::iter(messages(announced(space, &sound), &sound[..3 << 20])).chain(stream::pending());
    let silent = crate::content::refusal(stage.send(&stage.owner, silent).await);
    assert_eq!(silent, refused(Code::DeadlineExceeded, "DEADLINE"));
    stage.keeps(0).await;
    let all = ImportDocumentsMetadata {
        target: to(Uuid::nil(), None).map(|it| workcenter::pb::BulkTarget { workcenter_id: "pier".to_owned(), ..it }),
        on_conflict: 6,
        on_folder_conflict: 5,
        on_error: 9,
        size_bytes: 0,
        sha256: "none".to_owned(),
        request_id: "again".to_owned(),
    };
    let status = stage.refuse(vec![first(all)]).await;
    assert_eq!(
        fields(&status),
        ["on_conflict", "on_folder_conflict", "on_error", "target.workcenter_id", "size_bytes", "sha256", "request_id"]
            .map(|it| format!("metadata.{it}"))
    );
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_answered_alike_and_does_nothing() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let sound = archive(&[stored("a", b"1")]);
    let metadata = ImportDocumentsMetadata { request_id: ids::new().to_string(), ..announced(space, &sound) };
    let job = stage.import(metadata.clone(), &sound).await.unwrap();
    assert_eq!(stage.import(metadata.clone(), &sound).await.unwrap(), job);
    // Two at once are one, too.
    let twins = ImportDocumentsMetadata { request_id: ids::new().to_string(), ..metadata.clone() };
    let (one, other) = tokio::join!(stage.import(twins.clone(), &sound), stage.import(twins, &sound));
    assert_eq!(one.unwrap(), other.unwrap());
    assert_eq!(stage.archives().await, (2, 2));
    stage.finished(&job).await;
    // Answered before the bytes come.
    assert_eq!(stage.send(&stage.owner, stream::iter([first(metadata)])).await.unwrap(), job);
    stage.keeps(1).await;
    assert_eq!(collect(&stage.app).await, 0);
}
