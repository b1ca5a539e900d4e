//! The calls about documents, of `ContentService`, that are no streams.

use std::time::Duration;

use jiff::Timestamp;
use tonic::{Request, Response, Status};

use super::super::{
    Entry, Kind, Name,
    change::{Change, Wanted},
    description, store,
    tell::Word,
};
use crate::{
    access::{Action, Leave},
    auth,
    clock::Clock,
    db::Db,
    error::{Error, Result, Violations},
    ids, mask,
    page::Page,
    pb,
    secret::TokenKey,
};

/// Keeps what is said of documents.
pub(in crate::content) struct Documents {
    db: Db,
    clock: Clock,
    key: TokenKey,
    window: Duration,
}

impl Documents {
    /// Page tokens are sealed with `key`, and what happens becomes immediate mail `window` later.
    pub(in crate::content) fn new(db: Db, clock: Clock, key: TokenKey, window: Duration) -> Self {
        Self { db, clock, key, window }
    }

    fn word(&self, leave: &Leave, now: Timestamp) -> Word {
        Word { by: leave.person, now, window: self.window }
    }

    /// Serves `GetDocument`.
    pub(in crate::content) async fn get(
        &self,
        request: Request<pb::GetDocumentRequest>,
    ) -> Result<Response<pb::GetDocumentResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("document_id", &request.into_inner().document_id).map_err(Error::from)?;

        let client = self.db.client().await?;
        let (_, found) = Wanted::new(Action::GetDocument, Kind::Document, id).find(&client, &caller).await?;

        Ok(Response::new(pb::GetDocumentResponse { document: Some(found.entry.into()), path: found.path }))
    }

    /// Serves `UpdateDocument`.
    pub(in crate::content) async fn update(
        &self,
        request: Request<pb::UpdateDocumentRequest>,
    ) -> Result<Response<pb::UpdateDocumentResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let sent = asked.document.unwrap_or_default();
        let paths = asked.update_mask.unwrap_or_default().paths;
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("document.document_id", &sent.document_id)).unwrap_or_default();
        let is_set = |field: &str| !if field == "name" { &sent.name } else { &sent.description }.is_empty();
        let fields = mask::fields(&paths, &["name", "description"], is_set, &mut violations);
        let mut change = Change::default();
        if fields.contains(&"name") {
            change.name = violations.take(Name::parse("document.name", &sent.name));
        }
        if fields.contains(&"description") {
            change.description = violations.take(description("document.description", &sent.description));
        }
        violations.none()?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let held = Wanted::new(Action::UpdateDocument, Kind::Document, id).hold(&tx, &caller).await?.at(&asked.etag)?;
        let word = self.word(&held.leave, now);
        let document = held.change(&tx, change, &word).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::UpdateDocumentResponse { document: Some(document.into()) }))
    }

    /// Serves `DeleteDocument`.
    pub(in crate::content) async fn delete(
        &self,
        request: Request<pb::DeleteDocumentRequest>,
    ) -> Result<Response<pb::DeleteDocumentResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let id = ids::parse("document_id", &asked.document_id).map_err(Error::from)?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let held = Wanted::new(Action::DeleteDocument, Kind::Document, id).hold(&tx, &caller).await?.at(&asked.etag)?;
        let word = self.word(&held.leave, now);
        let document = held.delete(&tx, false, &word).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::DeleteDocumentResponse { document: Some(document.into()) }))
    }

    /// Serves `RestoreDocument`.
    pub(in crate::content) async fn restore(
        &self,
        request: Request<pb::RestoreDocumentRequest>,
    ) -> Result<Response<pb::RestoreDocumentResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("document_id", &request.into_inner().document_id).map_err(Error::from)?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let wanted = Wanted { deleted: true, ..Wanted::new(Action::RestoreDocument, Kind::Document, id) };
        let held = wanted.hold(&tx, &caller).await?;
        let word = self.word(&held.leave, now);
        let document = held.restore(&tx, &word).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::RestoreDocumentResponse { document: Some(document.into()) }))
    }

    /// Serves `ListDocumentVersions`.
    pub(in crate::content) async fn versions(
        &self,
        request: Request<pb::ListDocumentVersionsRequest>,
    ) -> Result<Response<pb::ListDocumentVersionsResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let now = self.clock.now().await?;
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("document_id", &asked.document_id)).unwrap_or_default();
        let list: &[&[u8]] = &[b"ListDocumentVersions", id.as_bytes()];
        let page = violations.take(Page::read(&self.key, asked.page_size, &asked.page_token, list, now));
        violations.none()?;
        let page = page.ok_or_else(|| Error::internal("a page was neither read nor refused"))?;

        let client = self.db.client().await?;
        Wanted::new(Action::ListDocumentVersions, Kind::Document, id).find(&client, &caller).await?;
        let before = page.after.as_deref().and_then(|it| it.parse().ok());
        let mut versions = store::versions(&client, id, before, page.fetch).await?;
        let next_page_token = page.cut(&self.key, &mut versions, |last| last.number.to_string(), now);

        let versions = versions.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListDocumentVersionsResponse { versions, next_page_token }))
    }
}

impl From<Entry> for pb::Document {
    fn from(document: Entry) -> Self {
        Self {
            document_id: document.id.to_string(),
            workcenter_id: document.workcenter.to_string(),
            parent_folder_id: document.parent.map(|it| it.to_string()).unwrap_or_default(),
            created_by_user_id: document.created_by.to_string(),
            create_time: Some(pb::time(document.created_at)),
            update_time: Some(pb::time(document.updated_at)),
            etag: document.etag(),
            copied_from_id: document.copied_from.map(|it| it.to_string()).unwrap_or_default(),
            purge_time: document.deletion.map(|it| pb::time(it.purge_at)),
            name: document.name.text().to_owned(),
            description: document.description,
            version: document.version.map(Into::into),
        }
    }
}
