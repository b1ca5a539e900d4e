//! Folders and documents: what people put into a WorkCenter is there as they left it, and nothing else is.

mod bytes;
mod document;
mod folder;
mod list;
mod purge;
mod race;
mod told;

use futures_util::{Stream, stream};
use tonic::{Code, Status};
use uuid::Uuid;
use workcenter::{
    pb::{
        CreateFolderRequest, DeleteDocumentRequest, DeleteFolderRequest, Document, DownloadDocumentRequest, Folder,
        GetDocumentRequest, GetFolderRequest, ListContentsRequest, RestoreDocumentRequest, RestoreFolderRequest,
        UpdateFolderRequest, UploadDocumentMetadata, UploadDocumentRequest, content::Content,
        download_document_response, upload_document_request::Part,
    },
    secret::{self, Digester},
};

use crate::{
    harness::{Account, App, Person, by, reason},
    story::mask,
};

/// A WorkCenter with an owner and a contributor.
pub struct Site {
    pub app: App,
    pub account: Account,
    pub owner: Person,
    pub contributor: Person,
    pub pier: Uuid,
}

impl Site {
    pub async fn open() -> Self {
        Self::of(App::start().await).await
    }

    pub async fn of(app: App) -> Self {
        let account = app.account("Pier Works").await;
        let owner = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
        let contributor = app.person(&account, "bob@example.com", "Bob", "Stephenson").await;
        let pier = app.workcenter(&owner, account.id, "Pier 4").await;
        app.collaborator(&owner, pier, &contributor).await;
        Self { app, account, owner, contributor, pier }
    }

    /// Makes a folder in `parent`, which is empty for the top.
    pub async fn folder(&self, parent: &str, name: &str) -> Result<Folder, Status> {
        let request = CreateFolderRequest {
            workcenter_id: self.pier.to_string(),
            parent_folder_id: parent.to_owned(),
            name: name.to_owned(),
            request_id: String::new(),
        };
        let made = self.app.contents().create_folder(by(&self.owner.token, request)).await?;
        Ok(made.into_inner().folder.unwrap())
    }

    pub async fn path(&self, folder_id: &str) -> Result<Vec<String>, Status> {
        let request = GetFolderRequest { folder_id: folder_id.to_owned() };
        Ok(self.app.contents().get_folder(by(&self.owner.token, request)).await?.into_inner().path)
    }

    pub async fn rename(&self, folder_id: &str, name: &str, etag: &str) -> Result<Folder, Status> {
        let folder = Folder { folder_id: folder_id.to_owned(), name: name.to_owned(), ..Default::default() };
        let etag = etag.to_owned();
        let request = UpdateFolderRequest { folder: Some(folder), update_mask: Some(mask(&["name"])), etag };
        let renamed = self.app.contents().update_folder(by(&self.owner.token, request)).await?;
        Ok(renamed.into_inner().folder.unwrap())
    }

    pub async fn delete_folder(&self, folder_id: &str, recursive: bool) -> Result<Folder, Status> {
        let request = DeleteFolderRequest { folder_id: folder_id.to_owned(), recursive, etag: String::new() };
        let deleted = self.app.contents().delete_folder(by(&self.owner.token, request)).await?;
        Ok(deleted.into_inner().folder.unwrap())
    }

    pub async fn restore_folder(&self, folder_id: &str) -> Result<Folder, Status> {
        let request = RestoreFolderRequest { folder_id: folder_id.to_owned() };
        let restored = self.app.contents().restore_folder(by(&self.owner.token, request)).await?;
        Ok(restored.into_inner().folder.unwrap())
    }

    /// What is announced of a document called `name` that is to be in `parent`.
    pub fn document(&self, parent: &str, name: &str, bytes: &[u8]) -> UploadDocumentMetadata {
        UploadDocumentMetadata {
            workcenter_id: self.pier.to_string(),
            parent_folder_id: parent.to_owned(),
            name: name.to_owned(),
            ..announced(bytes)
        }
    }

    /// The contributor uploads these messages.
    pub async fn send(
        &self,
        messages: impl Stream<Item = UploadDocumentRequest> + Send + 'static,
    ) -> Result<Document, Status> {
        let uploaded = self.app.contents().upload_document(by(&self.contributor.token, messages)).await?;
        Ok(uploaded.into_inner().document.unwrap())
    }

    /// The contributor uploads a document.
    pub async fn upload(&self, parent: &str, name: &str, bytes: &[u8]) -> Result<Document, Status> {
        self.send(stream::iter(messages(self.document(parent, name, bytes), bytes, 1 << 20))).await
    }

    /// The contributor uploads another version of a document.
    pub async fn add(&self, document_id: &str, bytes: &[u8], etag: &str) -> Result<Document, Status> {
        let (document_id, etag) = (document_id.to_owned(), etag.to_owned());
        let metadata = UploadDocumentMetadata { document_id, etag, ..announced(bytes) };
        self.send(stream::iter(messages(metadata, bytes, 1 << 20))).await
    }

    pub async fn read(&self, document_id: &str) -> Result<(Document, Vec<String>), Status> {
        let request = GetDocumentRequest { document_id: document_id.to_owned() };
        let read = self.app.contents().get_document(by(&self.owner.token, request)).await?.into_inner();
        Ok((read.document.unwrap(), read.path))
    }

    pub async fn delete(&self, document_id: &str) -> Result<Document, Status> {
        let request = DeleteDocumentRequest { document_id: document_id.to_owned(), etag: String::new() };
        let deleted = self.app.contents().delete_document(by(&self.contributor.token, request)).await?;
        Ok(deleted.into_inner().document.unwrap())
    }

    pub async fn restore(&self, document_id: &str) -> Result<Document, Status> {
        let request = RestoreDocumentRequest { document_id: document_id.to_owned() };
        let restored = self.app.contents().restore_document(by(&self.contributor.token, request)).await?;
        Ok(restored.into_inner().document.unwrap())
    }

    /// The bytes of a version, from an offset, as many as asked for.
    pub async fn download(
        &self,
        document_id: &str,
        version: i64,
        offset: i64,
        limit: i64,
    ) -> Result<(i64, Vec<u8>), Status> {
        let request = DownloadDocumentRequest { document_id: document_id.to_owned(), version, offset, limit };
        let mut stream = self.app.contents().download_document(by(&self.owner.token, request)).await?.into_inner();
        let first = stream.message().await?.unwrap().part;
        let Some(download_document_response::Part::Version(version)) = first else { panic!("the version comes first") };
        let mut bytes = Vec::new();
        while let Some(message) = stream.message().await? {
            let Some(download_document_response::Part::Chunk(chunk)) = message.part else { panic!("then come chunks") };
            bytes.extend_from_slice(&chunk);
        }
        Ok((version.number, bytes))
    }

    /// The names of what is in a folder, or was deleted there.
    pub async fn names(&self, folder_id: &str, deleted: bool) -> Result<Vec<String>, Status> {
        let (workcenter_id, folder_id) = (self.pier.to_string(), folder_id.to_owned());
        let request = ListContentsRequest { workcenter_id, folder_id, deleted, page_size: 200, ..Default::default() };
        let listed = self.app.contents().list_contents(by(&self.owner.token, request)).await?.into_inner();
        Ok(listed.contents.into_iter().map(|it| name(it.content.unwrap())).collect())
    }
}

pub fn name(content: Content) -> String {
    match content {
        Content::Folder(folder) => folder.name,
        Content::Document(document) => document.name,
    }
}

/// What is announced of `bytes`, wherever they are to be.
pub fn announced(bytes: &[u8]) -> UploadDocumentMetadata {
    let mut digester = Digester::default();
    digester.update(bytes);
    UploadDocumentMetadata {
        content_type: "application/pdf".to_owned(),
        size_bytes: i64::try_from(bytes.len()).unwrap(),
        sha256: secret::hex(&digester.finish()),
        ..Default::default()
    }
}

pub fn first(metadata: UploadDocumentMetadata) -> UploadDocumentRequest {
    UploadDocumentRequest { part: Some(Part::Metadata(metadata)) }
}

pub fn chunk(bytes: &[u8]) -> UploadDocumentRequest {
    UploadDocumentRequest { part: Some(Part::Chunk(bytes.to_vec().into())) }
}

/// Every message of an upload of `bytes` in chunks of `size`.
pub fn messages(metadata: UploadDocumentMetadata, bytes: &[u8], size: usize) -> Vec<UploadDocumentRequest> {
    let mut messages = vec![first(metadata)];
    messages.extend(bytes.chunks(size).map(chunk));
    messages
}

/// As many bytes, which do not repeat themselves.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56).to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// The code and the reason of a refusal.
pub fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String) {
    let status = answer.expect_err("is refused");
    (status.code(), reason(&status))
}

pub fn refused(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}
