//! The calls about folders and documents that are refused.

use futures_util::{
    future,
    stream::{self, StreamExt},
};
use tonic::Status;
use uuid::Uuid;
use workcenter::{
    content::DEPTH_MAX,
    ids,
    pb::{
        CreateFolderRequest, DeleteDocumentRequest, DeleteFolderRequest, Document, DownloadDocumentRequest, Folder,
        GetDocumentRequest, GetFolderRequest, ListContentsRequest, ListDocumentVersionsRequest, RestoreDocumentRequest,
        RestoreFolderRequest, UpdateDocumentRequest, UpdateFolderRequest, UploadDocumentMetadata,
        UploadDocumentRequest, WorkCenterState,
    },
};

use super::{Answer, Person, Stage, by, nothing, text};
use crate::{
    content::{announced, first, messages},
    story::mask,
};

impl Stage {
    async fn make_in(
        &self,
        who: &Person,
        pier: Uuid,
        parent: &str,
        name: &str,
        request_id: &str,
    ) -> Result<Folder, Status> {
        let message = CreateFolderRequest {
            workcenter_id: pier.to_string(),
            parent_folder_id: text(parent),
            name: text(name),
            request_id: text(request_id),
        };
        Ok(self.app.contents().create_folder(by(&who.token, message)).await?.into_inner().folder.unwrap())
    }

    /// A folder that Ada has made, and the WorkCenter that it is in.
    async fn plans(&self) -> Result<(String, Uuid), Status> {
        let pier = self.pier().await;
        Ok((self.make_in(&self.ada, pier, "", "Plans", "").await?.folder_id, pier))
    }

    pub async fn make_a_folder(&self, name: &str) -> Answer {
        self.make_in(&self.ada, self.pier().await, "", name, "").await.map(drop)
    }

    pub async fn make_a_folder_twice(&self) -> Answer {
        let (_, pier) = self.plans().await?;
        self.make_in(&self.ada, pier, "", "PLANS", "").await.map(drop)
    }

    pub async fn make_two_folders_by_one_request(&self) -> Answer {
        let (pier, id) = (self.pier().await, ids::new().to_string());
        self.make_in(&self.ada, pier, "", "Plans", &id).await?;
        self.make_in(&self.ada, pier, "", "Works", &id).await.map(drop)
    }

    pub async fn make_a_folder_too_deep(&self) -> Answer {
        let (pier, mut parent) = (self.pier().await, String::new());
        for _ in 0..DEPTH_MAX {
            parent = self.make_in(&self.ada, pier, &parent, "Plans", "").await?.folder_id;
        }
        self.make_in(&self.ada, pier, &parent, "Plans", "").await.map(drop)
    }

    async fn delete_plans(&self, folder_id: &str, recursive: bool, etag: &str) -> Answer {
        let message = DeleteFolderRequest { folder_id: text(folder_id), recursive, etag: text(etag) };
        self.app.contents().delete_folder(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn make_a_folder_in_one_that_is_deleted(&self) -> Answer {
        let (plans, pier) = self.plans().await?;
        self.delete_plans(&plans, false, "").await?;
        self.make_in(&self.ada, pier, &plans, "New", "").await.map(drop)
    }

    pub async fn make_a_folder_as_a_stranger(&self) -> Answer {
        self.make_in(&self.stranger, self.pier().await, "", "Plans", "").await.map(drop)
    }

    pub async fn make_a_folder_as_a_contributor(&self) -> Answer {
        self.make_in(&self.bob, self.pier().await, "", "Plans", "").await.map(drop)
    }

    pub async fn make_a_folder_where_it_is_archived(&self) -> Answer {
        let pier = self.pier_that_is(WorkCenterState::Archived).await?;
        self.make_in(&self.ada, pier, "", "Plans", "").await.map(drop)
    }

    pub async fn make_a_folder_in_a_deactivated_account(&self) -> Answer {
        let pier = self.pier().await;
        self.while_deactivated(async { self.make_in(&self.ada, pier, "", "Plans", "").await.map(drop) }).await
    }

    pub async fn folder(&self, folder_id: &str) -> Answer {
        let message = GetFolderRequest { folder_id: text(folder_id) };
        self.app.contents().get_folder(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn folder_that_is_deleted(&self) -> Answer {
        let (plans, _) = self.plans().await?;
        self.delete_plans(&plans, false, "").await?;
        self.folder(&plans).await
    }

    async fn rename_plans(&self, folder_id: String, name: &str, path: &str, etag: &str) -> Answer {
        let folder = Some(Folder { folder_id, name: text(name), ..Default::default() });
        let message = UpdateFolderRequest { folder, update_mask: Some(mask(&[path])), etag: text(etag) };
        self.app.contents().update_folder(by(&self.ada.token, message)).await.map(nothing)
    }

    /// Beside it is another one.
    pub async fn rename_a_folder(&self, name: &str, path: &str, etag: &str) -> Answer {
        let (plans, pier) = self.plans().await?;
        self.make_in(&self.ada, pier, "", "Beside", "").await?;
        self.rename_plans(plans, name, path, etag).await
    }

    pub async fn rename_a_folder_where_it_is_archived(&self) -> Answer {
        let (plans, pier) = self.plans().await?;
        self.archive_as(&self.ada, pier).await?;
        self.rename_plans(plans, "Works", "name", "").await
    }

    pub async fn delete_a_folder_with_something_in_it(&self) -> Answer {
        let (plans, pier) = self.plans().await?;
        self.make_in(&self.ada, pier, &plans, "Inner", "").await?;
        self.delete_plans(&plans, false, "").await
    }

    pub async fn delete_a_folder_of_another_state(&self) -> Answer {
        self.delete_plans(&self.plans().await?.0, false, "\"0\"").await
    }

    async fn restore_plans(&self, folder_id: String) -> Answer {
        let message = RestoreFolderRequest { folder_id };
        self.app.contents().restore_folder(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn restore_a_folder_whose_name_is_taken(&self) -> Answer {
        let (plans, pier) = self.plans().await?;
        self.delete_plans(&plans, false, "").await?;
        self.make_in(&self.ada, pier, "", "plans", "").await?;
        self.restore_plans(plans).await
    }

    pub async fn restore_a_folder_in_one_that_is_deleted(&self) -> Answer {
        let (plans, pier) = self.plans().await?;
        let inner = self.make_in(&self.ada, pier, &plans, "Inner", "").await?.folder_id;
        self.delete_plans(&inner, false, "").await?;
        self.delete_plans(&plans, false, "").await?;
        self.restore_plans(inner).await
    }

    pub async fn contents(&self, page_size: i32, page_token: &str) -> Answer {
        let workcenter_id = self.pier().await.to_string();
        let message =
            ListContentsRequest { workcenter_id, page_size, page_token: text(page_token), ..Default::default() };
        self.app.contents().list_contents(by(&self.ada.token, message)).await.map(nothing)
    }

    async fn send(&self, messages: Vec<UploadDocumentRequest>) -> Result<Document, Status> {
        let sent = self.app.contents().upload_document(by(&self.bob.token, stream::iter(messages))).await?;
        Ok(sent.into_inner().document.unwrap())
    }

    /// Bob uploads the bytes `plan` as Plan.pdf.
    async fn plan(&self, pier: Uuid, parent: &str) -> Result<Document, Status> {
        self.send(messages(plan_in(pier, parent), b"plan", 4)).await
    }

    pub async fn upload_another_document(&self) -> Answer {
        self.send(messages(plan_in(self.pier().await, ""), b"Plan", 4)).await.map(drop)
    }

    pub async fn upload_a_byte_too_much(&self) -> Answer {
        let metadata = UploadDocumentMetadata { size_bytes: (1 << 30) + 1, ..plan_in(self.pier().await, "") };
        self.send(vec![first(metadata)]).await.map(drop)
    }

    pub async fn upload_a_document_twice(&self) -> Answer {
        let pier = self.pier().await;
        self.plan(pier, "").await?;
        self.plan(pier, "").await.map(drop)
    }

    pub async fn upload_to_another_state(&self) -> Answer {
        let document_id = self.plan(self.pier().await, "").await?.document_id;
        let metadata = UploadDocumentMetadata { document_id, etag: text("\"0\""), ..announced(b"plan") };
        self.send(messages(metadata, b"plan", 4)).await.map(drop)
    }

    /// The metadata and no more.
    async fn send_nothing(&self, pier: Uuid) -> Answer {
        let messages = stream::iter([first(plan_in(pier, ""))]).chain(stream::pending());
        self.app.contents().upload_document(by(&self.bob.token, messages)).await.map(nothing)
    }

    pub async fn upload_a_document_silently(&self) -> Answer {
        self.send_nothing(self.pier().await).await
    }

    pub async fn upload_a_third_document(&self) -> Answer {
        let pier = self.pier().await;
        let uploads = [(); 3].map(|()| Box::pin(self.send_nothing(pier)));
        // Those that have a place wait until they are late; the one that has none is told at once.
        future::select_all(uploads).await.0
    }

    pub async fn upload_where_it_is(&self, state: WorkCenterState) -> Answer {
        self.plan(self.pier_that_is(state).await?, "").await.map(drop)
    }

    pub async fn download(&self, version: i64, offset: i64) -> Answer {
        let document_id = self.plan(self.pier().await, "").await?.document_id;
        let message = DownloadDocumentRequest { document_id, version, offset, limit: 0 };
        self.app.contents().download_document(by(&self.ada.token, message)).await.map(nothing)
    }

    /// Nobody reads the others, which are more than fits into a window.
    pub async fn download_a_seventeenth_time(&self) -> Answer {
        let bytes = vec![0; 4 << 20];
        let metadata = UploadDocumentMetadata { name: text("Large"), ..announced(&bytes) };
        let metadata = UploadDocumentMetadata { workcenter_id: self.pier().await.to_string(), ..metadata };
        let document_id = self.send(messages(metadata, &bytes, 1 << 20)).await?.document_id;
        let message = DownloadDocumentRequest { document_id, ..Default::default() };
        let mut unread = Vec::new();
        for _ in 0..17 {
            unread.push(self.app.contents().download_document(by(&self.ada.token, message.clone())).await?);
        }
        Ok(())
    }

    async fn document_as(&self, who: &Person, document_id: &str) -> Answer {
        let message = GetDocumentRequest { document_id: text(document_id) };
        self.app.contents().get_document(by(&who.token, message)).await.map(nothing)
    }

    pub async fn document(&self, document_id: &str) -> Answer {
        self.document_as(&self.ada, document_id).await
    }

    pub async fn document_as_a_stranger(&self) -> Answer {
        let document = self.plan(self.pier().await, "").await?;
        self.document_as(&self.stranger, &document.document_id).await
    }

    /// Beside it is a folder.
    pub async fn rename_a_document(&self, name: &str, etag: &str) -> Answer {
        let pier = self.pier().await;
        self.make_in(&self.ada, pier, "", "Beside", "").await?;
        let document = Some(Document { name: text(name), ..self.plan(pier, "").await? });
        let message = UpdateDocumentRequest { document, update_mask: Some(mask(&["name"])), etag: text(etag) };
        self.app.contents().update_document(by(&self.bob.token, message)).await.map(nothing)
    }

    async fn delete_plan(&self, document_id: &str, etag: &str) -> Answer {
        let message = DeleteDocumentRequest { document_id: text(document_id), etag: text(etag) };
        self.app.contents().delete_document(by(&self.bob.token, message)).await.map(nothing)
    }

    pub async fn delete_a_document_of_another_state(&self) -> Answer {
        let document = self.plan(self.pier().await, "").await?;
        self.delete_plan(&document.document_id, "\"0\"").await
    }

    pub async fn restore_a_document_in_a_folder_that_is_deleted(&self) -> Answer {
        let (plans, pier) = self.plans().await?;
        let document_id = self.plan(pier, &plans).await?.document_id;
        self.delete_plan(&document_id, "").await?;
        self.delete_plans(&plans, false, "").await?;
        let message = RestoreDocumentRequest { document_id };
        self.app.contents().restore_document(by(&self.bob.token, message)).await.map(nothing)
    }

    pub async fn document_versions(&self, page_token: &str) -> Answer {
        let document_id = self.plan(self.pier().await, "").await?.document_id;
        let message = ListDocumentVersionsRequest { document_id, page_size: 0, page_token: text(page_token) };
        self.app.contents().list_document_versions(by(&self.ada.token, message)).await.map(nothing)
    }
}

/// What is announced of the bytes `plan` that are to be Plan.pdf.
fn plan_in(pier: Uuid, parent: &str) -> UploadDocumentMetadata {
    UploadDocumentMetadata {
        workcenter_id: pier.to_string(),
        parent_folder_id: text(parent),
        name: text("Plan.pdf"),
        ..announced(b"plan")
    }
}
