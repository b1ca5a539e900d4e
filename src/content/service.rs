//! `ContentService` on the wire: which calls are served where.

use std::time::Duration;

use tonic::{Request, Response, Status, Streaming};

use super::{
    bulk::{Bulk, Import},
    bytes::{DocumentStream, Streams},
    comment::Comments,
    document::Documents,
    folder::Folders,
    post::Posts,
    task::Tasks,
};
use crate::{
    blob::Blobs,
    clock::Clock,
    db::Db,
    pb::{self, content_service_server::ContentService},
    secret::TokenKey,
};

/// The service.
pub struct Service {
    folders: Folders,
    documents: Documents,
    streams: Streams,
    bulk: Bulk,
    import: Import,
    tasks: Tasks,
    posts: Posts,
    comments: Comments,
}

impl Service {
    /// Makes the service: page tokens are sealed with `key`, bytes are in `blobs`, an upload may be silent for `silence`, and
    /// what happens becomes immediate mail `window` later.
    pub fn new(db: Db, clock: Clock, key: TokenKey, blobs: Blobs, silence: Duration, window: Duration) -> Self {
        let folders = Folders::new(db.clone(), clock.clone(), key.clone(), window);
        let documents = Documents::new(db.clone(), clock.clone(), key.clone(), window);
        let streams = Streams::new(db.clone(), clock.clone(), blobs.clone(), silence, window);
        let bulk = Bulk::new(db.clone(), clock.clone());
        let tasks = Tasks::new(db.clone(), clock.clone(), key.clone(), window);
        let posts = Posts::new(db.clone(), clock.clone(), key.clone(), window);
        let import = Import::new(db.clone(), blobs, silence);
        let comments = Comments::new(db, clock, key, window);
        Self { folders, documents, streams, bulk, import, tasks, posts, comments }
    }
}

#[tonic::async_trait]
impl ContentService for Service {
    async fn create_folder(
        &self,
        request: Request<pb::CreateFolderRequest>,
    ) -> Result<Response<pb::CreateFolderResponse>, Status> {
        self.folders.create(request).await
    }

    async fn get_folder(
        &self,
        request: Request<pb::GetFolderRequest>,
    ) -> Result<Response<pb::GetFolderResponse>, Status> {
        self.folders.get(request).await
    }

    async fn update_folder(
        &self,
        request: Request<pb::UpdateFolderRequest>,
    ) -> Result<Response<pb::UpdateFolderResponse>, Status> {
        self.folders.update(request).await
    }

    async fn delete_folder(
        &self,
        request: Request<pb::DeleteFolderRequest>,
    ) -> Result<Response<pb::DeleteFolderResponse>, Status> {
        self.folders.delete(request).await
    }

    async fn restore_folder(
        &self,
        request: Request<pb::RestoreFolderRequest>,
    ) -> Result<Response<pb::RestoreFolderResponse>, Status> {
        self.folders.restore(request).await
    }

    async fn list_contents(
        &self,
        request: Request<pb::ListContentsRequest>,
    ) -> Result<Response<pb::ListContentsResponse>, Status> {
        self.folders.list(request).await
    }

    async fn upload_document(
        &self,
        request: Request<Streaming<pb::UploadDocumentRequest>>,
    ) -> Result<Response<pb::UploadDocumentResponse>, Status> {
        self.streams.upload(request).await
    }

    type DownloadDocumentStream = DocumentStream;

    async fn download_document(
        &self,
        request: Request<pb::DownloadDocumentRequest>,
    ) -> Result<Response<DocumentStream>, Status> {
        self.streams.download(request).await
    }

    async fn get_document(
        &self,
        request: Request<pb::GetDocumentRequest>,
    ) -> Result<Response<pb::GetDocumentResponse>, Status> {
        self.documents.get(request).await
    }

    async fn update_document(
        &self,
        request: Request<pb::UpdateDocumentRequest>,
    ) -> Result<Response<pb::UpdateDocumentResponse>, Status> {
        self.documents.update(request).await
    }

    async fn delete_document(
        &self,
        request: Request<pb::DeleteDocumentRequest>,
    ) -> Result<Response<pb::DeleteDocumentResponse>, Status> {
        self.documents.delete(request).await
    }

    async fn restore_document(
        &self,
        request: Request<pb::RestoreDocumentRequest>,
    ) -> Result<Response<pb::RestoreDocumentResponse>, Status> {
        self.documents.restore(request).await
    }

    async fn list_document_versions(
        &self,
        request: Request<pb::ListDocumentVersionsRequest>,
    ) -> Result<Response<pb::ListDocumentVersionsResponse>, Status> {
        self.documents.versions(request).await
    }

    async fn bulk_copy(&self, request: Request<pb::BulkCopyRequest>) -> Result<Response<pb::BulkCopyResponse>, Status> {
        self.bulk.copy(request).await
    }

    async fn bulk_move(&self, request: Request<pb::BulkMoveRequest>) -> Result<Response<pb::BulkMoveResponse>, Status> {
        self.bulk.transfer(request).await
    }

    async fn bulk_delete(
        &self,
        request: Request<pb::BulkDeleteRequest>,
    ) -> Result<Response<pb::BulkDeleteResponse>, Status> {
        self.bulk.delete(request).await
    }

    async fn bulk_restore(
        &self,
        request: Request<pb::BulkRestoreRequest>,
    ) -> Result<Response<pb::BulkRestoreResponse>, Status> {
        self.bulk.restore(request).await
    }

    async fn import_documents(
        &self,
        request: Request<Streaming<pb::ImportDocumentsRequest>>,
    ) -> Result<Response<pb::ImportDocumentsResponse>, Status> {
        self.import.documents(request).await
    }

    async fn create_task(
        &self,
        request: Request<pb::CreateTaskRequest>,
    ) -> Result<Response<pb::CreateTaskResponse>, Status> {
        self.tasks.create(request).await
    }

    async fn get_task(&self, request: Request<pb::GetTaskRequest>) -> Result<Response<pb::GetTaskResponse>, Status> {
        self.tasks.get(request).await
    }

    async fn list_tasks(
        &self,
        request: Request<pb::ListTasksRequest>,
    ) -> Result<Response<pb::ListTasksResponse>, Status> {
        self.tasks.list(request).await
    }

    async fn update_task(
        &self,
        request: Request<pb::UpdateTaskRequest>,
    ) -> Result<Response<pb::UpdateTaskResponse>, Status> {
        self.tasks.update(request).await
    }

    async fn start_task(
        &self,
        request: Request<pb::StartTaskRequest>,
    ) -> Result<Response<pb::StartTaskResponse>, Status> {
        self.tasks.start(request).await
    }

    async fn finish_task(
        &self,
        request: Request<pb::FinishTaskRequest>,
    ) -> Result<Response<pb::FinishTaskResponse>, Status> {
        self.tasks.finish(request).await
    }

    async fn approve_task(
        &self,
        request: Request<pb::ApproveTaskRequest>,
    ) -> Result<Response<pb::ApproveTaskResponse>, Status> {
        self.tasks.approve(request).await
    }

    async fn decline_task(
        &self,
        request: Request<pb::DeclineTaskRequest>,
    ) -> Result<Response<pb::DeclineTaskResponse>, Status> {
        self.tasks.decline(request).await
    }

    async fn reopen_task(
        &self,
        request: Request<pb::ReopenTaskRequest>,
    ) -> Result<Response<pb::ReopenTaskResponse>, Status> {
        self.tasks.reopen(request).await
    }

    async fn delete_task(
        &self,
        request: Request<pb::DeleteTaskRequest>,
    ) -> Result<Response<pb::DeleteTaskResponse>, Status> {
        self.tasks.delete(request).await
    }

    async fn restore_task(
        &self,
        request: Request<pb::RestoreTaskRequest>,
    ) -> Result<Response<pb::RestoreTaskResponse>, Status> {
        self.tasks.restore(request).await
    }

    async fn create_post(
        &self,
        request: Request<pb::CreatePostRequest>,
    ) -> Result<Response<pb::CreatePostResponse>, Status> {
        self.posts.create(request).await
    }

    async fn get_post(&self, request: Request<pb::GetPostRequest>) -> Result<Response<pb::GetPostResponse>, Status> {
        self.posts.get(request).await
    }

    async fn list_posts(
        &self,
        request: Request<pb::ListPostsRequest>,
    ) -> Result<Response<pb::ListPostsResponse>, Status> {
        self.posts.list(request).await
    }

    async fn update_post(
        &self,
        request: Request<pb::UpdatePostRequest>,
    ) -> Result<Response<pb::UpdatePostResponse>, Status> {
        self.posts.update(request).await
    }

    async fn delete_post(
        &self,
        request: Request<pb::DeletePostRequest>,
    ) -> Result<Response<pb::DeletePostResponse>, Status> {
        self.posts.delete(request).await
    }

    async fn create_comment(
        &self,
        request: Request<pb::CreateCommentRequest>,
    ) -> Result<Response<pb::CreateCommentResponse>, Status> {
        self.comments.create(request).await
    }

    async fn list_comments(
        &self,
        request: Request<pb::ListCommentsRequest>,
    ) -> Result<Response<pb::ListCommentsResponse>, Status> {
        self.comments.list(request).await
    }

    async fn update_comment(
        &self,
        request: Request<pb::UpdateCommentRequest>,
    ) -> Result<Response<pb::UpdateCommentResponse>, Status> {
        self.comments.update(request).await
    }

    async fn delete_comment(
        &self,
        request: Request<pb::DeleteCommentRequest>,
    ) -> Result<Response<pb::DeleteCommentResponse>, Status> {
        self.comments.delete(request).await
    }
}
