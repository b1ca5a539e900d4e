//! Bytes on their way in and out: they are there whole, as they came, or not at all.

use futures_util::stream::{self, StreamExt};
use tokio::sync::mpsc;
use tonic::{Code, Status};
use workcenter::pb::{Document, UploadDocumentMetadata, UploadDocumentRequest};

use super::{Site, announced, chunk, first, messages, noise, refusal, refused};
use crate::{blob::files, harness::fields};

impl Site {
    /// Uploads these messages, and asserts that nothing has come of it.
    async fn refuse(&self, messages: Vec<UploadDocumentRequest>) -> Status {
        let before = files(&self.app);
        let status = self.send(stream::iter(messages)).await.unwrap_err();
        assert_eq!((files(&self.app), self.names("", false).await.unwrap()), (before, Vec::<String>::new()));
        status
    }
}

#[tokio::test]
async fn ten_mebibytes_go_up_in_parts_and_every_range_of_them_comes_back() {
    let site = Site::open().await;
    let bytes = noise(10 << 20);
    let id = site.upload("", "Scan.tiff", &bytes).await.unwrap().document_id;
    assert_eq!(files(&site.app).len(), 1);
    assert!(site.download(&id, 0, 0, 0).await.unwrap() == (1, bytes.clone()));
    let whole = i64::try_from(bytes.len()).unwrap();
    for (offset, limit) in [
        (0, 1),
        (1, (256 << 10) - 1),
        ((256 << 10) - 1, 2),
        ((5 << 20) - 3, 7),
        (3, 4 << 20),
        (whole - 1, 0),
        (whole - 5, i64::MAX),
        (whole, 0),
        (i64::from(u16::MAX), i64::from(u16::MAX)),
    ] {
        let end = if limit == 0 { whole } else { whole.min(offset.saturating_add(limit)) };
        let range = usize::try_from(offset).unwrap()..usize::try_from(end).unwrap();
        assert!(site.download(&id, 1, offset, limit).await.unwrap().1 == bytes[range], "{limit} from {offset}");
    }
    let beyond = refusal(site.download(&id, 0, whole + 1, 1).await);
    assert_eq!(beyond, refused(Code::OutOfRange, "RANGE_NOT_SATISFIABLE"));
    let status = site.download(&id, -1, -1, -1).await.unwrap_err();
    assert_eq!(fields(&status), ["version", "offset", "limit"]);
}

#[tokio::test]
async fn documents_of_any_length_come_back_however_they_were_cut() {
    let site = Site::open().await;
    for (length, size) in [(0, 1), (1, 1), (700, 1), (65_536, 65_536), ((5 << 20) + 1, 1 << 20), (5 << 20, 999_983)] {
        let (bytes, name) = (noise(length), format!("{length}"));
        let metadata = site.document("", &name, &bytes);
        let made = site.send(stream::iter(messages(metadata, &bytes, size))).await.unwrap();
        assert!(site.download(&made.document_id, 0, 0, 0).await.unwrap().1 == bytes, "{length} by {size}");
    }
}

#[tokio::test]
async fn what_is_not_what_was_announced_leaves_nothing_behind() {
    let site = Site::open().await;
    let bytes = noise(6 << 20);
    let whole = |bytes: &[u8]| messages(site.document("", "Plan.pdf", bytes), bytes, 1 << 20);
    let mismatch = refused(Code::InvalidArgument, "DOCUMENT_MISMATCH");
    let mut cut = whole(&bytes);
    cut.pop();
    assert_eq!(refusal::<Document>(Err(site.refuse(cut).await)), mismatch);
    let mut longer = whole(&bytes);
    longer.push(chunk(b"more"));
    assert_eq!(refusal::<Document>(Err(site.refuse(longer).await)), mismatch);
    let mut other = whole(&bytes);
    other[2] = chunk(&noise(1 << 20));
    assert_eq!(refusal::<Document>(Err(site.refuse(other).await)), mismatch);

    for (messages, field) in [
        (vec![], "metadata"),
        (vec![chunk(b"plan")], "metadata"),
        (vec![UploadDocumentRequest { part: None }], "part"),
        (vec![first(site.document("", "a", b"a")), first(site.document("", "a", b"a"))], "metadata"),
        (vec![first(site.document("", "a", &bytes)), chunk(&noise((1 << 20) + 1))], "chunk"),
    ] {
        let status = site.refuse(messages).await;
        assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, vec![field.to_owned()]), "{status}");
    }
    let too_large = UploadDocumentMetadata { size_bytes: (1 << 30) + 1, ..site.document("", "a", b"a") };
    let too_large = refusal::<Document>(Err(site.refuse(vec![first(too_large)]).await));
    assert_eq!(too_large, refused(Code::InvalidArgument, "DOCUMENT_TOO_LARGE"));
    let all = UploadDocumentMetadata {
        workcenter_id: "pier".to_owned(),
        parent_folder_id: "plans".to_owned(),
        name: "..".to_owned(),
        description: "\0".to_owned(),
        content_type: "über".to_owned(),
        size_bytes: -1,
        sha256: "none".to_owned(),
        etag: "\"1\"".to_owned(),
        ..Default::default()
    };
    let fields_of = |it| fields(&it);
    assert_eq!(fields_of(site.refuse(vec![first(all.clone())]).await).len(), 8);
    let version = UploadDocumentMetadata { document_id: "plan".to_owned(), ..all };
    assert_eq!(fields_of(site.refuse(vec![first(version)]).await).len(), 8);
}

#[tokio::test]
async fn an_upload_that_falls_silent_half_way_leaves_nothing_behind() {
    let site = Site::open().await;
    let bytes = noise(12 << 20);
    let half = messages(site.document("", "Plan.pdf", &bytes), &bytes[..7 << 20], 1 << 20);
    let silent = site.send(stream::iter(half).chain(stream::pending())).await;
    assert_eq!(refusal(silent), refused(Code::DeadlineExceeded, "DEADLINE"));
    assert_eq!((files(&site.app).len(), site.names("", false).await.unwrap().len()), (0, 0));
    site.upload("", "Plan.pdf", &bytes).await.unwrap();
}

#[tokio::test]
async fn an_upload_into_a_folder_that_is_deleted_meanwhile_comes_to_nothing() {
    let site = Site::open().await;
    let folder = site.folder("", "Plans").await.unwrap().folder_id;
    let bytes = noise(6 << 20);
    let mut rest = messages(site.document(&folder, "Plan.pdf", &bytes), &bytes, 1 << 20);
    let last = rest.split_off(6);
    let (sender, receiver) = mpsc::channel(1);
    let messages = stream::unfold(receiver, async |mut it| it.recv().await.map(|message| (message, it)));
    let uploaded = site.send(messages);
    let deleted = async {
        for message in rest {
            sender.send(message).await.unwrap();
        }
        // It was let in when its bytes are announced.
        let client = site.app.client().await;
        while client.query("select from blob", &[]).await.unwrap().is_empty() {}
        site.delete_folder(&folder, true).await.unwrap();
        for message in last {
            sender.send(message).await.unwrap();
        }
        drop(sender);
    };
    let (uploaded, ()) = tokio::join!(uploaded, deleted);
    assert_eq!(refusal(uploaded), refused(Code::NotFound, "FOLDER_NOT_FOUND"));

    site.restore_folder(&folder).await.unwrap();
    assert_eq!(site.names(&folder, false).await.unwrap(), Vec::<String>::new());
    let rows = site.app.client().await.query_one("select count(*) from entry_version", &[]).await.unwrap();
    assert_eq!(rows.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn who_knows_the_digest_of_a_document_has_nothing_of_it_until_they_send_all_of_it() {
    let site = Site::open().await;
    site.upload("", "Secret.pdf", b"a secret").await.unwrap();
    let quay = site.app.workcenter(&site.contributor, site.account.id, "Quay 2").await;
    let metadata = UploadDocumentMetadata { workcenter_id: quay.to_string(), ..announced(b"a secret") };
    let metadata = UploadDocumentMetadata { name: "Mine.pdf".to_owned(), ..metadata };
    for sent in [&b""[..], b"a secre", b"A secret"] {
        let guessed = site.send(stream::iter(messages(metadata.clone(), sent, 8))).await;
        assert_eq!(refusal(guessed), refused(Code::InvalidArgument, "DOCUMENT_MISMATCH"));
    }
    site.send(stream::iter(messages(metadata, b"a secret", 3))).await.unwrap();
    assert_eq!(files(&site.app).len(), 1);
}
