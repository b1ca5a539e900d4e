//! The calls that start bulk jobs and are refused.

use futures_util::stream;
use uuid::Uuid;
use workcenter::{
    content::ITEMS_MAX,
    ids,
    pb::{
        AddCollaboratorRequest, ArchiveWorkCenterRequest, BulkCopyRequest, BulkDeleteRequest, BulkMoveRequest,
        BulkRestoreRequest, CreateFolderRequest, ImportInvitesMetadata, RetryFailedItemsRequest, WorkCenterRole,
    },
};

use super::{Answer, Person, Stage, by, nothing, text};
use crate::{
    bulk::{document, folder, to},
    harness::reason,
    invite::import::file_of,
};

/// More documents in a folder than a job may have items.
const TOO_MANY: &str = "
    insert into entry (id, account_id, workcenter_id, parent_id, kind, name, name_key, version, created_by, created_at,
        updated_at)
    select gen_random_uuid(), account_id, workcenter_id, id, 'DOCUMENT', number::text, number::text, 1, created_by,
        created_at, created_at
    from entry cross join generate_series(1, $2::bigint) as number where id = $1";

/// As many jobs as may wait.
const WAITING: &str = "
    insert into job (id, account_id, kind, state, total)
    select gen_random_uuid(), $1, 'BULK_COPY', 'QUEUED', 1 from generate_series(1, 10000)";

/// A job of which an item may be tried again.
const FAILED: &str = "
    with job as (
        insert into job (id, account_id, kind, state, total, failed, finished_at)
        values (gen_random_uuid(), $1, 'BULK_COPY', 'FAILED', 1, 1, now()) returning id
    ), item as (
        insert into job_item (job_id, item_id, seq, kind, code) select id, id, 1, 'DOCUMENT', 'INTERNAL' from job
    )
    select id::text from job";

impl Stage {
    /// A WorkCenter of Ada's, and a folder in it.
    pub async fn filed(&self) -> (Uuid, Uuid) {
        let space = self.app.workcenter(&self.ada, self.account, "Files").await;
        let message =
            CreateFolderRequest { workcenter_id: space.to_string(), name: text("Plans"), ..Default::default() };
        let made = self.app.contents().create_folder(by(&self.ada.token, message)).await.unwrap().into_inner();
        (space, made.folder.unwrap().folder_id.parse().unwrap())
    }

    async fn copy_by(&self, who: &Person, what: Uuid, space: Uuid, into: Option<Uuid>, request_id: &str) -> Answer {
        let (items, target) = (vec![folder(what)], to(space, into));
        let message = BulkCopyRequest { items, target, request_id: text(request_id), ..Default::default() };
        self.app.contents().bulk_copy(by(&who.token, message)).await.map(nothing)
    }

    pub async fn copy_a_folder_into_itself(&self) -> Answer {
        let (space, plans) = self.filed().await;
        self.copy_by(&self.ada, plans, space, Some(plans), "").await
    }

    pub async fn copy_as_a_stranger(&self) -> Answer {
        let (space, plans) = self.filed().await;
        self.copy_by(&self.stranger, plans, space, None, "").await
    }

    pub async fn copy_to_where_nothing_is(&self) -> Answer {
        let (space, plans) = self.filed().await;
        self.copy_by(&self.ada, plans, space, Some(ids::new()), "").await
    }

    pub async fn copy_as_a_reader(&self) -> Answer {
        let (space, plans) = self.filed().await;
        let (workcenter_id, user_id) = (space.to_string(), self.bob.id.to_string());
        let message = AddCollaboratorRequest { workcenter_id, user_id, role: WorkCenterRole::Reader.into() };
        self.app.workcenters().add_collaborator(by(&self.ada.token, message)).await?;
        self.copy_by(&self.bob, plans, space, None, "").await
    }

    pub async fn copy_to_where_it_is_archived(&self) -> Answer {
        let (space, plans) = self.filed().await;
        let message = ArchiveWorkCenterRequest { workcenter_id: space.to_string() };
        self.app.workcenters().archive_work_center(by(&self.ada.token, message)).await?;
        self.copy_by(&self.ada, plans, space, None, "").await
    }

    pub async fn copy_too_much(&self) -> Answer {
        let (space, plans) = self.filed().await;
        let items = i64::try_from(ITEMS_MAX).unwrap();
        self.app.client().await.execute(TOO_MANY, &[&plans, &items]).await.unwrap();
        let answer = self.copy_by(&self.ada, plans, space, None, "").await;
        assert!(answer.as_ref().is_err_and(|it| reason(it) == "TOO_MANY_ITEMS"));
        answer
    }

    pub async fn copy_two_folders_by_one_request(&self) -> Answer {
        let ((space, plans), id) = (self.filed().await, ids::new().to_string());
        self.copy_by(&self.ada, plans, space, None, &id).await?;
        self.copy_by(&self.ada, ids::new(), space, None, &id).await
    }

    pub async fn move_a_folder_into_itself(&self) -> Answer {
        let (space, plans) = self.filed().await;
        let message =
            BulkMoveRequest { items: vec![folder(plans)], target: to(space, Some(plans)), ..Default::default() };
        self.app.contents().bulk_move(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn delete_a_folder_that_is_not_there(&self) -> Answer {
        let message = BulkDeleteRequest { items: vec![folder(ids::new())], ..Default::default() };
        self.app.contents().bulk_delete(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn delete_a_document_that_is_not_there(&self) -> Answer {
        let message = BulkDeleteRequest { items: vec![document(ids::new())], ..Default::default() };
        self.app.contents().bulk_delete(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn restore_a_folder_that_is_not_there(&self) -> Answer {
        let message = BulkRestoreRequest { items: vec![folder(ids::new())], ..Default::default() };
        self.app.contents().bulk_restore(by(&self.ada.token, message)).await.map(nothing)
    }

    /// Somebody who administers an account with as many jobs as may wait, and owns a WorkCenter with a folder in it.
    pub async fn crowded(&self) -> (Person, Uuid, Uuid, Uuid) {
        let account = self.app.account("Busy Works").await;
        let space = self.app.workcenter(&account.admin, account.id, "Pier").await;
        let message =
            CreateFolderRequest { workcenter_id: space.to_string(), name: text("Plans"), ..Default::default() };
        let made = self.app.contents().create_folder(by(&account.admin.token, message)).await.unwrap().into_inner();
        self.app.client().await.execute(WAITING, &[&account.id]).await.unwrap();
        (account.admin, account.id, space, made.folder.unwrap().folder_id.parse().unwrap())
    }

    pub async fn copy_while_too_many_wait(&self) -> Answer {
        let (admin, _, space, plans) = self.crowded().await;
        self.copy_by(&admin, plans, space, None, "").await
    }

    pub async fn invite_a_file_while_too_many_wait(&self) -> Answer {
        let (admin, account, ..) = self.crowded().await;
        let metadata = ImportInvitesMetadata { account_id: account.to_string(), ..Default::default() };
        let messages = file_of(metadata, "email\none@example.com\n");
        self.app.invites().import_invites(by(&admin.token, stream::iter(messages))).await.map(nothing)
    }

    pub async fn retry_while_too_many_wait(&self) -> Answer {
        let (admin, account, ..) = self.crowded().await;
        let failed = self.app.client().await.query_one(FAILED, &[&account]).await.unwrap();
        let message = RetryFailedItemsRequest { job_id: failed.get(0), ..Default::default() };
        self.app.jobs().retry_failed_items(by(&admin.token, message)).await.map(nothing)
    }
}
