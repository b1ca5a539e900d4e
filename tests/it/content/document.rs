//! Documents: versions that all stay, and what is said of them.

use tonic::{Code, Status};
use workcenter::pb::{Document, DocumentVersion, ListDocumentVersionsRequest, UpdateDocumentRequest};

use super::{Site, announced, refusal, refused};
use crate::{
    harness::{by, fields},
    story::mask,
};

impl Site {
    async fn describe(&self, document: Document, paths: &[&str], etag: &str) -> Result<Document, Status> {
        let (document, update_mask) = (Some(document), Some(mask(paths)));
        let request = UpdateDocumentRequest { document, update_mask, etag: etag.to_owned() };
        let updated = self.app.contents().update_document(by(&self.contributor.token, request)).await?;
        Ok(updated.into_inner().document.unwrap())
    }

    async fn versions(&self, document_id: &str, page_size: i32, token: &str) -> (Vec<DocumentVersion>, String) {
        let (document_id, page_token) = (document_id.to_owned(), token.to_owned());
        let request = ListDocumentVersionsRequest { document_id, page_size, page_token };
        let listed = self.app.contents().list_document_versions(by(&self.owner.token, request)).await.unwrap();
        let listed = listed.into_inner();
        (listed.versions, listed.next_page_token)
    }
}

#[tokio::test]
async fn every_version_of_a_document_stays_and_the_newest_is_what_it_is() {
    let site = Site::open().await;
    let folder = site.folder("", "Plans").await.unwrap().folder_id;
    let made = site.upload(&folder, "Plan.pdf", b"one").await.unwrap();
    let id = &made.document_id;
    let second = site.add(id, b"two", &made.etag).await.unwrap();
    assert_eq!(refusal(site.add(id, b"three", &made.etag).await), refused(Code::Aborted, "ETAG_MISMATCH"));
    // The same again is a version of its own.
    let third = site.add(id, b"one", "").await.unwrap();
    assert_eq!((third.document_id.as_str(), third.name.as_str()), (id.as_str(), "Plan.pdf"));

    let newest = third.version.clone().unwrap();
    assert_eq!((newest.number, newest.size_bytes, newest.sha256), (3, 3, announced(b"one").sha256));
    assert_eq!(newest.content_type, "application/pdf");
    assert_eq!(newest.created_by_user_id, site.contributor.id.to_string());
    let (read, path) = site.read(id).await.unwrap();
    assert_eq!((read, path), (third, vec!["Plans".to_owned()]));
    for (version, bytes) in [(1, b"one"), (2, b"two"), (3, b"one")] {
        assert_eq!(site.download(id, version, 0, 0).await.unwrap(), (version, bytes.to_vec()));
    }
    assert_eq!(refusal(site.download(id, 4, 0, 0).await), refused(Code::NotFound, "DOCUMENT_NOT_FOUND"));

    let (first, token) = site.versions(id, 2, "").await;
    let (rest, end) = site.versions(id, 2, &token).await;
    let numbers: Vec<_> = first.iter().chain(&rest).map(|it| it.number).collect();
    assert_eq!((numbers, end.as_str()), (vec![3, 2, 1], ""));
    assert_eq!(first[1], second.version.unwrap());
}

#[tokio::test]
async fn a_document_is_renamed_and_described_field_by_field() {
    let site = Site::open().await;
    let made = site.upload("", "Plan.pdf", b"plan").await.unwrap();
    site.folder("", "Plans").await.unwrap();
    let document = Document { document_id: made.document_id.clone(), ..Default::default() };

    let described = Document { description: " Of the pier.\nFinal. ".to_owned(), ..document.clone() };
    let described = site.describe(described, &[], &made.etag).await.unwrap();
    assert_eq!((described.name.as_str(), described.description.as_str()), ("Plan.pdf", "Of the pier.\nFinal."));
    let renamed = Document { name: "Section.pdf".to_owned(), ..document.clone() };
    let renamed = site.describe(renamed, &["name"], &described.etag).await.unwrap();
    assert_eq!((renamed.name.as_str(), renamed.description.as_str()), ("Section.pdf", "Of the pier.\nFinal."));
    // A change of nothing is a read.
    assert_eq!(site.describe(renamed.clone(), &["*"], &renamed.etag).await.unwrap(), renamed);
    assert_eq!(site.describe(document.clone(), &["description"], "").await.unwrap().description, "");

    let taken = Document { name: "plans".to_owned(), ..document.clone() };
    assert_eq!(refusal(site.describe(taken, &[], "").await), refused(Code::AlreadyExists, "NAME_TAKEN"));
    let bad = Document { description: "d".repeat(2_001), ..document };
    let status = site.describe(bad, &["name", "description"], "").await.unwrap_err();
    assert_eq!(fields(&status), ["document.name", "document.description"]);
}

#[tokio::test]
async fn a_document_that_was_deleted_comes_back_as_it_was_within_thirty_days() {
    let site = Site::open().await;
    let plan = site.upload("", "Plan.pdf", b"plan").await.unwrap();
    let id = &plan.document_id;
    site.delete(id).await.unwrap();
    assert_eq!(
        (site.names("", false).await.unwrap().len(), site.names("", true).await.unwrap()),
        (0, vec!["Plan.pdf".into()])
    );
    assert_eq!(refusal(site.delete(id).await), refused(Code::NotFound, "DOCUMENT_NOT_FOUND"));

    site.upload("", "plan.pdf", b"another").await.unwrap();
    assert_eq!(refusal(site.restore(id).await), refused(Code::AlreadyExists, "NAME_TAKEN"));
    let other = site.upload("", "Other.pdf", b"other").await.unwrap();
    site.delete(&other.document_id).await.unwrap();
    assert_eq!(site.restore(&other.document_id).await.unwrap().version, other.version);

    site.app.clock_at("2027-01-20T12:00:00Z").await;
    // It is not purged yet, and it is time to.
    assert_eq!(refusal(site.restore(id).await), refused(Code::NotFound, "DOCUMENT_NOT_FOUND"));
}
