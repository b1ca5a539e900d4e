//! Archives that are imported: what is in them is there as it was packed, whatever else they say is refused, and nothing else is
//! left.

mod conflict;
mod engine;
mod hostile;
mod oracle;
pub mod pack;
mod refused;

use std::collections::BTreeMap;

use futures_util::{Stream, stream};
use tonic::Status;
use uuid::Uuid;
use workcenter::pb::{
    ImportDocumentsMetadata, ImportDocumentsRequest, Job, JobKind, JobState, ListActivityRequest,
    import_documents_request::Part,
};

use self::pack::{archive, deflated, folder, stored};
use crate::{
    blob::{collect, files},
    bulk::{Stage, to},
    content::noise,
    harness::{Person, by},
};

/// All that there is in a WorkCenter, with what the bytes of each version of a document are found by.
const LISTING: &str = "
    with recursive there as (
        select id, name as path from entry where workcenter_id = $1 and parent_id is null and deleted_at is null
        union all
        select entry.id, path || '/' || name
        from there join entry on entry.parent_id = there.id and deleted_at is null
    )
    select path, coalesce(array_agg(digest order by number) filter (where digest is not null), '{}') as digests
    from there left join entry_version on entry_id = there.id group by path";

/// What is announced of an archive that goes to the top of a WorkCenter.
pub fn announced(space: Uuid, archive: &[u8]) -> ImportDocumentsMetadata {
    let size_bytes = i64::try_from(archive.len()).unwrap();
    ImportDocumentsMetadata { target: to(space, None), size_bytes, ..Default::default() }
}

pub fn first(metadata: ImportDocumentsMetadata) -> ImportDocumentsRequest {
    ImportDocumentsRequest { part: Some(Part::Metadata(metadata)) }
}

pub fn chunk(bytes: &[u8]) -> ImportDocumentsRequest {
    ImportDocumentsRequest { part: Some(Part::Chunk(bytes.to_vec().into())) }
}

/// Every message of an import.
pub fn messages(metadata: ImportDocumentsMetadata, archive: &[u8]) -> Vec<ImportDocumentsRequest> {
    let mut messages = vec![first(metadata)];
    messages.extend(archive.chunks(1 << 20).map(chunk));
    messages
}

impl Stage {
    /// Sends these messages as `who`.
    pub async fn send(
        &self,
        who: &Person,
        messages: impl Stream<Item = ImportDocumentsRequest> + Send + 'static,
    ) -> Result<Job, Status> {
        let answer = self.contents().import_documents(by(&who.token, messages)).await?;
        Ok(answer.into_inner().job.unwrap())
    }

    pub async fn import(&self, metadata: ImportDocumentsMetadata, archive: &[u8]) -> Result<Job, Status> {
        self.send(&self.owner, stream::iter(messages(metadata, archive))).await
    }

    /// Imports an archive to the top of a WorkCenter, until that is over.
    pub async fn imported(&self, space: Uuid, archive: &[u8]) -> Job {
        let job = self.import(announced(space, archive), archive).await.unwrap();
        self.finished(&job).await
    }

    /// All that there is in a WorkCenter: folders, and the bytes of all versions of documents.
    pub async fn held(&self, space: Uuid) -> BTreeMap<String, Vec<Vec<u8>>> {
        let mut held = BTreeMap::new();
        for row in self.app.client().await.query(LISTING, &[&space]).await.unwrap() {
            let mut versions = Vec::new();
            for digest in row.get::<_, Vec<Vec<u8>>>("digests") {
                let digest = digest.try_into().unwrap();
                versions.push(self.app.parts().blobs.get(&digest).await.unwrap().unwrap().into());
            }
            held.insert(row.get("path"), versions);
        }
        held
    }

    /// How many rows are kept of archives, and of what is in them.
    pub async fn archives(&self) -> (i64, i64) {
        let kept = "select (select count(*) from import), (select count(*) from import_entry)";
        let row = self.app.client().await.query_one(kept, &[]).await.unwrap();
        (row.get(0), row.get(1))
    }

    /// Asserts that nothing is kept but the bytes of so many documents, once all that is due was collected.
    pub async fn keeps(&self, documents: usize) {
        assert_eq!(self.archives().await, (0, 0));
        collect(&self.app).await;
        assert_eq!(files(&self.app).len(), documents);
    }
}

#[tokio::test]
async fn an_archive_becomes_folders_and_documents_as_they_were_packed() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let (scan, film, plan) = (noise((11 << 20) + 7), noise(6 << 20), b"plan ".repeat(200));
    let archive = archive(&[
        folder("empty/"),
        deflated("plans/2027/Scan.tiff", &scan),
        stored("plans/2027/Film.mp4", &film),
        deflated("plans/plan.txt", &plan),
        stored("nothing", b""),
        deflated("./plans//Straße", "Straße 1".as_bytes()),
    ]);
    let job = stage.import(announced(space, &archive), &archive).await.unwrap();
    let bulk = job.bulk.as_ref().unwrap();
    assert_eq!((job.kind(), job.total_items, bulk.named_items), (JobKind::ImportDocuments, 8, 3));
    assert_eq!(usize::try_from(bulk.total_bytes).unwrap(), scan.len() + film.len() + plan.len() + 9);
    assert_eq!(stage.archives().await, (1, 5));

    let over = stage.finished(&job).await;
    assert_eq!((over.state(), over.done_items, over.failed_items), (JobState::Succeeded, 8, 0));
    assert_eq!(over.bulk.as_ref().unwrap().done_bytes, bulk.total_bytes);
    let held = stage.held(space).await;
    let of = |path: &str| {
        held[path].as_slice()
            == [match path {
                "plans/2027/Scan.tiff" => scan.clone(),
                "plans/2027/Film.mp4" => film.clone(),
                "plans/plan.txt" => plan.clone(),
                "nothing" => Vec::new(),
                _ => "Straße 1".into(),
            }]
    };
    assert_eq!(
        held.keys().collect::<Vec<_>>(),
        [
            "empty",
            "nothing",
            "plans",
            "plans/2027",
            "plans/2027/Film.mp4",
            "plans/2027/Scan.tiff",
            "plans/Straße",
            "plans/plan.txt"
        ]
    );
    assert!(held.keys().filter(|it| !held[*it].is_empty()).all(|it| of(it)));
    assert!(["empty", "plans", "plans/2027"].iter().all(|it| held[*it].is_empty()));
    let actions: Vec<_> = stage.items(&job).await.into_iter().map(|it| (it.path, it.action, it.attempts)).collect();
    assert!(actions.iter().all(|(path, action, tries)| held.contains_key(path) && action == "CREATE" && *tries == 1));
    stage.keeps(5).await;
}

#[tokio::test]
async fn collaborators_are_told_once_and_who_imported_when_something_went_wrong() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    stage.imported(space, &archive(&[stored("a/x", b"1"), stored("a/y", b"2"), stored("b", b"3")])).await;
    let request = ListActivityRequest { workcenter_id: space.to_string(), ..Default::default() };
    let events = stage.app.activity().list_activity(by(&stage.owner.token, request)).await.unwrap().into_inner().events;
    let told: Vec<_> = events.iter().filter(|it| it.kind.starts_with("file")).collect();
    assert_eq!(told.len(), 1, "{events:?}");
    let title = told[0].subject.as_ref().unwrap().title.as_str();
    assert_eq!((told[0].kind.as_str(), title), ("files.bulk_imported", "2 items imported"));

    let failed = stage.imported(space, &archive(&[stored("b", b"3"), stored("c", b"4")])).await;
    assert_eq!(failed.state(), JobState::PartiallyFailed);
    let own = "select kind, subject_title from activity join person_log using (log_id) where user_id = $1";
    let told = stage.app.client().await.query(own, &[&stage.owner.id]).await.unwrap();
    let told: Vec<(String, String)> = told.iter().map(|it| (it.get(0), it.get(1))).collect();
    assert_eq!(told, [("process.partially_failed".to_owned(), "Importing 2 items".to_owned())]);
}
