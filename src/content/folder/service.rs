//! The calls about folders, of `ContentService`, and its lists of what is in a place.

use std::time::Duration;

use jiff::Timestamp;
use prost::Message;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::super::{
    Entry, Kind, Name, Place,
    change::{Change, Wanted},
    store::{self, Listed},
    tell::{Deed, Word},
};
use crate::{
    access::{self, Action, Leave, Resource},
    account, auth,
    clock::Clock,
    db::Db,
    error::{Error, Result, Violation, Violations},
    ids, mask,
    page::Page,
    pb,
    request::{self, Recall},
    secret::TokenKey,
};

/// Keeps folders.
pub(in crate::content) struct Folders {
    db: Db,
    clock: Clock,
    key: TokenKey,
    window: Duration,
}

impl Folders {
    /// Page tokens are sealed with `key`, and what happens becomes immediate mail `window` later.
    pub(in crate::content) fn new(db: Db, clock: Clock, key: TokenKey, window: Duration) -> Self {
        Self { db, clock, key, window }
    }

    fn word(&self, leave: &Leave, now: Timestamp) -> Word {
        Word { by: leave.person, now, window: self.window }
    }

    /// Serves `CreateFolder`.
    pub(in crate::content) async fn create(
        &self,
        request: Request<pb::CreateFolderRequest>,
    ) -> Result<Response<pb::CreateFolderResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let mut violations = Violations::default();
        let workcenter = violations.take(ids::parse("workcenter_id", &asked.workcenter_id)).unwrap_or_default();
        let parent = violations.take(folder("parent_folder_id", &asked.parent_folder_id)).flatten();
        let name = violations.take(Name::parse("name", &asked.name));
        violations.extend(request::fault(&asked.request_id));
        violations.none()?;
        let name = name.ok_or_else(|| Error::internal("a name was neither read nor refused"))?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let leave = access::may(&tx, &caller, Action::CreateFolder, Resource::WorkCenter(workcenter)).await?;
        let path = Action::CreateFolder.path();
        let known = request::recall(&tx, leave.person, path, &asked.request_id, &asked.encode_to_vec()).await?;
        let ticket = match known {
            Recall::New(ticket) => ticket,
            Recall::Known(answer) => {
                let answer = pb::CreateFolderResponse::decode(answer.as_slice()).map_err(Error::internal)?;
                return Ok(Response::new(answer));
            }
        };
        let account = leave.standing.account.unwrap_or_default();
        account::enter(&tx, account).await?;
        let place = Place::enter(&tx, workcenter, parent).await?;
        place.takes(1)?;
        let word = self.word(&leave, now);
        let folder = Entry::new(account, &place, name, word.by, word.now);
        store::insert(&tx, &folder).await?;
        let answer = pb::CreateFolderResponse { folder: Some(folder.clone().into()) };
        request::remember(&tx, ticket, &answer.encode_to_vec()).await?;
        word.tell(&tx, Deed::Made, &folder, &place, String::new()).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(answer))
    }

    /// Serves `GetFolder`.
    pub(in crate::content) async fn get(
        &self,
        request: Request<pb::GetFolderRequest>,
    ) -> Result<Response<pb::GetFolderResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("folder_id", &request.into_inner().folder_id).map_err(Error::from)?;

        let client = self.db.client().await?;
        let (_, found) = Wanted::new(Action::GetFolder, Kind::Folder, id).find(&client, &caller).await?;

        Ok(Response::new(pb::GetFolderResponse { folder: Some(found.entry.into()), path: found.path }))
    }

    /// Serves `UpdateFolder`.
    pub(in crate::content) async fn update(
        &self,
        request: Request<pb::UpdateFolderRequest>,
    ) -> Result<Response<pb::UpdateFolderResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let sent = asked.folder.unwrap_or_default();
        let paths = asked.update_mask.unwrap_or_default().paths;
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("folder.folder_id", &sent.folder_id)).unwrap_or_default();
        let fields = mask::fields(&paths, &["name"], |_| !sent.name.is_empty(), &mut violations);
        let is_named = fields.contains(&"name");
        let name = is_named.then(|| Name::parse("folder.name", &sent.name)).and_then(|it| violations.take(it));
        violations.none()?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let held = Wanted::new(Action::UpdateFolder, Kind::Folder, id).hold(&tx, &caller).await?.at(&asked.etag)?;
        let word = self.word(&held.leave, now);
        let folder = held.change(&tx, Change { name, description: None }, &word).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::UpdateFolderResponse { folder: Some(folder.into()) }))
    }

    /// Serves `DeleteFolder`.
    pub(in crate::content) async fn delete(
        &self,
        request: Request<pb::DeleteFolderRequest>,
    ) -> Result<Response<pb::DeleteFolderResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let id = ids::parse("folder_id", &asked.folder_id).map_err(Error::from)?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let held = Wanted::new(Action::DeleteFolder, Kind::Folder, id).hold(&tx, &caller).await?.at(&asked.etag)?;
        let word = self.word(&held.leave, now);
        let folder = held.delete(&tx, asked.recursive, &word).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::DeleteFolderResponse { folder: Some(folder.into()) }))
    }

    /// Serves `RestoreFolder`.
    pub(in crate::content) async fn restore(
        &self,
        request: Request<pb::RestoreFolderRequest>,
    ) -> Result<Response<pb::RestoreFolderResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("folder_id", &request.into_inner().folder_id).map_err(Error::from)?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let wanted = Wanted { deleted: true, ..Wanted::new(Action::RestoreFolder, Kind::Folder, id) };
        let held = wanted.hold(&tx, &caller).await?;
        let word = self.word(&held.leave, now);
        let folder = held.restore(&tx, &word).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::RestoreFolderResponse { folder: Some(folder.into()) }))
    }

    /// Serves `ListContents`.
    pub(in crate::content) async fn list(
        &self,
        request: Request<pb::ListContentsRequest>,
    ) -> Result<Response<pb::ListContentsResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let now = self.clock.now().await?;
        let mut violations = Violations::default();
        let workcenter = violations.take(ids::parse("workcenter_id", &asked.workcenter_id)).unwrap_or_default();
        let folder = violations.take(folder("folder_id", &asked.folder_id)).flatten();
        let of = folder.unwrap_or_default();
        let list: &[&[u8]] = &[b"ListContents", workcenter.as_bytes(), of.as_bytes(), &[u8::from(asked.deleted)]];
        let page = violations.take(Page::read(&self.key, asked.page_size, &asked.page_token, list, now));
        violations.none()?;
        let page = page.ok_or_else(|| Error::internal("a page was neither read nor refused"))?;

        let client = self.db.client().await?;
        access::may(&client, &caller, Action::ListContents, Resource::WorkCenter(workcenter)).await?;
        if let Some(id) = folder {
            let found = store::find(&client, id).await?.filter(|it| it.is_there() && it.entry.kind() == Kind::Folder);
            found.filter(|it| it.entry.workcenter == workcenter).ok_or_else(|| Kind::Folder.missing(id))?;
        }
        let after = page.after.as_deref().and_then(after);
        let listed = Listed { workcenter, folder, deleted: asked.deleted, after, fetch: page.fetch };
        let mut entries = store::list(&client, &listed).await?;
        let place = |last: &Entry| format!("{} {} {}", last.id, last.kind().name(), last.name.key());
        let next_page_token = page.cut(&self.key, &mut entries, place, now);

        let contents = entries.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListContentsResponse { contents, next_page_token }))
    }
}

/// Reads a folder in `field` of a request; none stands for the top of the WorkCenter.
///
/// # Errors
///
/// The violation to report, when it is no UUID.
pub fn folder(field: &str, id: &str) -> Result<Option<Uuid>, Violation> {
    if id.is_empty() { Ok(None) } else { ids::parse(field, id).map(Some) }
}

/// Where a page of contents ended.
fn after(place: &str) -> Option<(bool, &str, Uuid)> {
    let (id, rest) = place.split_once(' ')?;
    let (kind, key) = rest.split_once(' ')?;
    Some((Kind::named(kind)? == Kind::Document, key, id.parse().ok()?))
}

impl From<Entry> for pb::Folder {
    fn from(folder: Entry) -> Self {
        Self {
            folder_id: folder.id.to_string(),
            workcenter_id: folder.workcenter.to_string(),
            parent_folder_id: folder.parent.map(|it| it.to_string()).unwrap_or_default(),
            created_by_user_id: folder.created_by.to_string(),
            create_time: Some(pb::time(folder.created_at)),
            update_time: Some(pb::time(folder.updated_at)),
            etag: folder.etag(),
            purge_time: folder.deletion.map(|it| pb::time(it.purge_at)),
            name: folder.name.text().to_owned(),
        }
    }
}

impl From<Entry> for pb::Content {
    fn from(entry: Entry) -> Self {
        let content = match entry.kind() {
            Kind::Folder => pb::content::Content::Folder(entry.into()),
            Kind::Document => pb::content::Content::Document(entry.into()),
        };
        Self { content: Some(content) }
    }
}
