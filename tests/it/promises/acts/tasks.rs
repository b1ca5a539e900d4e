//! The calls about tasks that are refused.

use futures_util::stream;
use tonic::Status;
use uuid::Uuid;
use workcenter::{
    ids,
    pb::{
        ApproveTaskRequest, CreateTaskRequest, DeclineTaskRequest, DeleteDocumentRequest, DeleteTaskRequest,
        FinishTaskRequest, GetTaskRequest, ListTasksRequest, ReopenTaskRequest, RestoreTaskRequest, StartTaskRequest,
        Task, TaskPerson, UpdateTaskRequest, UploadDocumentMetadata, WorkCenterState, task_person::Person as Named,
    },
};

use super::{Answer, Person, Stage, by, nothing, text};
use crate::{
    content::{announced, messages},
    story::mask,
};

/// As many tasks as a WorkCenter may have.
const TASKS: &str = "
    insert into task (id, account_id, workcenter_id, title, status, assignee_rule, approver_rule, created_by, created_at,
        updated_at)
    select gen_random_uuid(), account_id, id, 'Paint', 'NEW', 'ALL', 'ALL', created_by, created_at, created_at
    from workcenter cross join generate_series(1, 10000) where id = $1";

impl Stage {
    async fn make_task(&self, pier: Uuid, task: Task, request_id: &str) -> Result<Task, Status> {
        let (workcenter_id, request_id) = (pier.to_string(), text(request_id));
        let message = CreateTaskRequest { workcenter_id, task: Some(task), request_id };
        Ok(self.app.contents().create_task(by(&self.ada.token, message)).await?.into_inner().task.unwrap())
    }

    /// A task of Ada's, which is Ada's to do and to approve.
    async fn paint(&self) -> Result<Task, Status> {
        self.make_task(self.pier().await, painted_by(&self.ada), "").await
    }

    pub async fn make_a_task_of_a_stranger(&self) -> Answer {
        self.make_task(self.pier().await, painted_by(&self.stranger), "").await.map(drop)
    }

    pub async fn make_two_tasks_by_one_request(&self) -> Answer {
        let (pier, id) = (self.pier().await, ids::new().to_string());
        self.make_task(pier, painted_by(&self.ada), &id).await?;
        self.make_task(pier, painted_by(&self.bob), &id).await.map(drop)
    }

    pub async fn make_too_many_tasks(&self) -> Answer {
        let pier = self.pier().await;
        self.app.client().await.execute(TASKS, &[&pier]).await.unwrap();
        self.make_task(pier, painted_by(&self.ada), "").await.map(drop)
    }

    pub async fn make_a_task_where_it_is(&self, state: WorkCenterState) -> Answer {
        self.make_task(self.pier_that_is(state).await?, painted_by(&self.ada), "").await.map(drop)
    }

    pub async fn task_as_a_stranger(&self) -> Answer {
        let message = GetTaskRequest { task_id: self.paint().await?.task_id };
        self.app.contents().get_task(by(&self.stranger.token, message)).await.map(nothing)
    }

    pub async fn tasks(&self, page_token: &str) -> Answer {
        let (workcenter_id, page_token) = (self.pier().await.to_string(), text(page_token));
        let message = ListTasksRequest { workcenter_id, page_token, ..Default::default() };
        self.app.contents().list_tasks(by(&self.ada.token, message)).await.map(nothing)
    }

    async fn update_task(&self, task: Task, path: &str, etag: &str) -> Answer {
        let message = UpdateTaskRequest { task: Some(task), update_mask: Some(mask(&[path])), etag: text(etag) };
        self.app.contents().update_task(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn change_a_task(&self, path: &str, etag: &str) -> Answer {
        self.update_task(self.paint().await?, path, etag).await
    }

    pub async fn make_a_task_wait_for_itself(&self) -> Answer {
        let task = self.paint().await?;
        let prior_task_ids = vec![task.task_id.clone()];
        self.update_task(Task { prior_task_ids, ..task }, "prior_task_ids", "").await
    }

    async fn start(&self, who: &Person, task_id: &str) -> Answer {
        let message = StartTaskRequest { task_id: text(task_id), etag: text("") };
        self.app.contents().start_task(by(&who.token, message)).await.map(nothing)
    }

    pub async fn start_the_task_of_another(&self) -> Answer {
        self.start(&self.bob, &self.paint().await?.task_id).await
    }

    pub async fn start_a_task_twice(&self) -> Answer {
        let task_id = self.paint().await?.task_id;
        self.start(&self.ada, &task_id).await?;
        self.start(&self.ada, &task_id).await
    }

    async fn finish(&self, who: &Person, task_id: &str) -> Answer {
        let message = FinishTaskRequest { task_id: text(task_id), etag: text("") };
        self.app.contents().finish_task(by(&who.token, message)).await.map(nothing)
    }

    pub async fn finish_the_task_of_another(&self) -> Answer {
        self.finish(&self.bob, &self.paint().await?.task_id).await
    }

    pub async fn finish_a_task_twice(&self) -> Answer {
        let task_id = self.paint().await?.task_id;
        self.finish(&self.ada, &task_id).await?;
        self.finish(&self.ada, &task_id).await
    }

    async fn approve(&self, who: &Person) -> Answer {
        let message = ApproveTaskRequest { task_id: self.paint().await?.task_id, etag: text("") };
        self.app.contents().approve_task(by(&who.token, message)).await.map(nothing)
    }

    pub async fn approve_as_nobody(&self) -> Answer {
        self.approve(&self.bob).await
    }

    pub async fn approve_before_its_time(&self) -> Answer {
        self.approve(&self.ada).await
    }

    pub async fn decline_before_its_time(&self) -> Answer {
        let message = DeclineTaskRequest { task_id: self.paint().await?.task_id, ..Default::default() };
        self.app.contents().decline_task(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn reopen_what_is_new(&self) -> Answer {
        let message = ReopenTaskRequest { task_id: self.paint().await?.task_id, etag: text("") };
        self.app.contents().reopen_task(by(&self.ada.token, message)).await.map(nothing)
    }

    async fn delete_task(&self, task_id: &str, etag: &str) -> Answer {
        let message = DeleteTaskRequest { task_id: text(task_id), etag: text(etag) };
        self.app.contents().delete_task(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn delete_a_task_of_another_state(&self) -> Answer {
        self.delete_task(&self.paint().await?.task_id, "\"0\"").await
    }

    pub async fn restore_a_task_whose_document_is_deleted(&self) -> Answer {
        let pier = self.pier().await;
        let (workcenter_id, name) = (pier.to_string(), text("Plan.pdf"));
        let metadata = UploadDocumentMetadata { workcenter_id, name, ..announced(b"plan") };
        let sent = by(&self.ada.token, stream::iter(messages(metadata, b"plan", 4)));
        let document_id = self.app.contents().upload_document(sent).await?.into_inner().document.unwrap().document_id;
        let task = Task { document_id: document_id.clone(), ..painted_by(&self.ada) };
        let task_id = self.make_task(pier, task, "").await?.task_id;
        self.delete_task(&task_id, "").await?;
        let delete = DeleteDocumentRequest { document_id, etag: text("") };
        self.app.contents().delete_document(by(&self.ada.token, delete)).await?;
        let message = RestoreTaskRequest { task_id };
        self.app.contents().restore_task(by(&self.ada.token, message)).await.map(nothing)
    }
}

/// A task that is somebody's to do and to approve.
fn painted_by(who: &Person) -> Task {
    let named = vec![TaskPerson { person: Some(Named::UserId(who.id.to_string())), ..Default::default() }];
    Task { title: text("Paint"), assignees: named.clone(), approvers: named, ..Default::default() }
}
