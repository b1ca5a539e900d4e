//! The calls about tasks, of `ContentService`.

use std::time::Duration;

use jiff::Timestamp;
use prost::Message;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    Task,
    change::{self, Wanted},
    deed::Deed,
    store::{self, Listed},
    wire::{self, FIELDS, Sent},
};
use crate::{
    access::{self, Action, Leave, Resource},
    account,
    auth::{self, Caller},
    clock::Clock,
    content::{tell::Word, text},
    db::Db,
    error::{Error, Result, Violations},
    ids, mask,
    page::Page,
    pb,
    request::{self, Recall},
    secret::TokenKey,
    workcenter,
};

/// Keeps tasks.
pub(in crate::content) struct Tasks {
    db: Db,
    clock: Clock,
    key: TokenKey,
    window: Duration,
}

/// What somebody asks to be done to a task.
struct Asked<'a> {
    action: Action,
    deed: Deed,
    id: &'a str,
    etag: &'a str,
    /// What is said about it.
    said: &'a str,
}

impl Tasks {
    /// Page tokens are sealed with `key`, and what happens becomes immediate mail `window` later.
    pub(in crate::content) fn new(db: Db, clock: Clock, key: TokenKey, window: Duration) -> Self {
        Self { db, clock, key, window }
    }

    fn word(&self, leave: &Leave, now: Timestamp) -> Word {
        Word { by: leave.person, now, window: self.window }
    }

    /// Serves `CreateTask`.
    pub(in crate::content) async fn create(
        &self,
        request: Request<pb::CreateTaskRequest>,
    ) -> Result<Response<pb::CreateTaskResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let sent = asked.task.clone().unwrap_or_default();
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("workcenter_id", &asked.workcenter_id)).unwrap_or_default();
        let document = some("task.document_id", &sent.document_id, &mut violations);
        let read = Sent::read(&sent, FIELDS.to_vec(), &mut violations);
        violations.extend(request::fault(&asked.request_id));
        violations.none()?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let leave = access::may(&tx, &caller, Action::CreateTask, Resource::WorkCenter(id)).await?;
        let path = Action::CreateTask.path();
        let ticket = match request::recall(&tx, leave.person, path, &asked.request_id, &asked.encode_to_vec()).await? {
            Recall::New(ticket) => ticket,
            Recall::Known(answer) => {
                let answer = pb::CreateTaskResponse::decode(answer.as_slice()).map_err(Error::internal)?;
                return Ok(Response::new(answer));
            }
        };
        account::enter(&tx, leave.standing.account.unwrap_or_default()).await?;
        let space = workcenter::rearrange(&tx, id).await?;
        let word = self.word(&leave, now);
        let details = read.onto(&super::Details::default());
        let (task, news) = change::create(&tx, &space, document, details, &word).await?;
        let answer = pb::CreateTaskResponse { task: Some(task.clone().into()) };
        request::remember(&tx, ticket, &answer.encode_to_vec()).await?;
        news.tell(&tx, &task, &word).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(answer))
    }

    /// Serves `GetTask`.
    pub(in crate::content) async fn get(
        &self,
        request: Request<pb::GetTaskRequest>,
    ) -> Result<Response<pb::GetTaskResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("task_id", &request.into_inner().task_id).map_err(Error::from)?;

        let client = self.db.client().await?;
        let (_, found) = Wanted::new(Action::GetTask, id).find(&client, &caller).await?;

        Ok(Response::new(pb::GetTaskResponse { task: Some(found.task.into()) }))
    }

    /// Serves `ListTasks`.
    pub(in crate::content) async fn list(
        &self,
        request: Request<pb::ListTasksRequest>,
    ) -> Result<Response<pb::ListTasksResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let now = self.clock.now().await?;
        let mut violations = Violations::default();
        let workcenter = violations.take(ids::parse("workcenter_id", &asked.workcenter_id)).unwrap_or_default();
        let group = violations.take(text::line("group", &asked.group)).unwrap_or_default();
        let statuses = wire::statuses("statuses", &asked.statuses, &mut violations);
        let me = caller.person().unwrap_or_default();
        let assignee = match asked.assignee_user_id.as_str() {
            "" => None,
            id => violations.take(ids::person("assignee_user_id", id, me)),
        };
        let document = some("document_id", &asked.document_id, &mut violations);
        // The same list, whatever is asked of it to come on one page.
        let of = pb::ListTasksRequest { page_size: 0, page_token: String::new(), ..asked.clone() }.encode_to_vec();
        let list: &[&[u8]] = &[b"ListTasks", me.as_bytes(), &of];
        let page = violations.take(Page::read(&self.key, asked.page_size, &asked.page_token, list, now));
        violations.none()?;
        let page = page.ok_or_else(|| Error::internal("a page was neither read nor refused"))?;

        let client = self.db.client().await?;
        access::may(&client, &caller, Action::ListTasks, Resource::WorkCenter(workcenter)).await?;
        let after = page.after.as_deref().and_then(|it| it.parse().ok());
        let (deleted, fetch) = (asked.deleted, page.fetch);
        let listed =
            Listed { workcenter, deleted, group: &group, statuses: &statuses, assignee, document, after, fetch };
        let mut tasks = store::list(&client, &listed).await?;
        let next_page_token = page.cut(&self.key, &mut tasks, |last| last.id.to_string(), now);

        let tasks = tasks.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListTasksResponse { tasks, next_page_token }))
    }

    /// Serves `UpdateTask`.
    pub(in crate::content) async fn update(
        &self,
        request: Request<pb::UpdateTaskRequest>,
    ) -> Result<Response<pb::UpdateTaskResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let sent = asked.task.unwrap_or_default();
        let paths = asked.update_mask.unwrap_or_default().paths;
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("task.task_id", &sent.task_id)).unwrap_or_default();
        let fields = mask::fields(&paths, &FIELDS, |it| wire::is_set(&sent, it), &mut violations);
        let read = Sent::read(&sent, fields, &mut violations);
        violations.none()?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let held = Wanted::new(Action::UpdateTask, id).hold(&tx, &caller).await?.at(&asked.etag)?;
        let word = self.word(&held.leave, now);
        let details = read.onto(&held.found.task.details);
        let task = held.change(&tx, details, &word).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::UpdateTaskResponse { task: Some(task.into()) }))
    }

    /// Does something to a task.
    async fn act(&self, caller: &Caller, asked: Asked<'_>) -> Result<Task> {
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("task_id", asked.id)).unwrap_or_default();
        let said = violations.take(text::line("reason", asked.said)).unwrap_or_default();
        violations.none()?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        let held = Wanted::new(asked.action, id).hold(&tx, caller).await?.at(asked.etag)?;
        let word = self.word(&held.leave, now);
        let task = held.act(&tx, asked.deed, said, &word).await?;
        tx.commit().await?;
        Ok(task)
    }

    /// Serves `StartTask`.
    pub(in crate::content) async fn start(
        &self,
        request: Request<pb::StartTaskRequest>,
    ) -> Result<Response<pb::StartTaskResponse>, Status> {
        let caller = auth::caller(&request)?;
        let pb::StartTaskRequest { task_id: id, etag } = &request.into_inner();
        let asked = Asked { action: Action::StartTask, deed: Deed::Start, id, etag, said: "" };
        let task = Some(self.act(&caller, asked).await?.into());
        Ok(Response::new(pb::StartTaskResponse { task }))
    }

    /// Serves `FinishTask`.
    pub(in crate::content) async fn finish(
        &self,
        request: Request<pb::FinishTaskRequest>,
    ) -> Result<Response<pb::FinishTaskResponse>, Status> {
        let caller = auth::caller(&request)?;
        let pb::FinishTaskRequest { task_id: id, etag } = &request.into_inner();
        let asked = Asked { action: Action::FinishTask, deed: Deed::Finish, id, etag, said: "" };
        let task = Some(self.act(&caller, asked).await?.into());
        Ok(Response::new(pb::FinishTaskResponse { task }))
    }

    /// Serves `ApproveTask`.
    pub(in crate::content) async fn approve(
        &self,
        request: Request<pb::ApproveTaskRequest>,
    ) -> Result<Response<pb::ApproveTaskResponse>, Status> {
        let caller = auth::caller(&request)?;
        let pb::ApproveTaskRequest { task_id: id, etag } = &request.into_inner();
        let asked = Asked { action: Action::ApproveTask, deed: Deed::Approve, id, etag, said: "" };
        let task = Some(self.act(&caller, asked).await?.into());
        Ok(Response::new(pb::ApproveTaskResponse { task }))
    }

    /// Serves `DeclineTask`.
    pub(in crate::content) async fn decline(
        &self,
        request: Request<pb::DeclineTaskRequest>,
    ) -> Result<Response<pb::DeclineTaskResponse>, Status> {
        let caller = auth::caller(&request)?;
        let pb::DeclineTaskRequest { task_id: id, etag, reason: said } = &request.into_inner();
        let asked = Asked { action: Action::DeclineTask, deed: Deed::Decline, id, etag, said };
        let task = Some(self.act(&caller, asked).await?.into());
        Ok(Response::new(pb::DeclineTaskResponse { task }))
    }

    /// Serves `ReopenTask`.
    pub(in crate::content) async fn reopen(
        &self,
        request: Request<pb::ReopenTaskRequest>,
    ) -> Result<Response<pb::ReopenTaskResponse>, Status> {
        let caller = auth::caller(&request)?;
        let pb::ReopenTaskRequest { task_id: id, etag } = &request.into_inner();
        let asked = Asked { action: Action::ReopenTask, deed: Deed::Reopen, id, etag, said: "" };
        let task = Some(self.act(&caller, asked).await?.into());
        Ok(Response::new(pb::ReopenTaskResponse { task }))
    }

    /// Serves `DeleteTask`.
    pub(in crate::content) async fn delete(
        &self,
        request: Request<pb::DeleteTaskRequest>,
    ) -> Result<Response<pb::DeleteTaskResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let id = ids::parse("task_id", &asked.task_id).map_err(Error::from)?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let held = Wanted::new(Action::DeleteTask, id).hold(&tx, &caller).await?.at(&asked.etag)?;
        let word = self.word(&held.leave, now);
        let task = held.delete(&tx, &word).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::DeleteTaskResponse { task: Some(task.into()) }))
    }

    /// Serves `RestoreTask`.
    pub(in crate::content) async fn restore(
        &self,
        request: Request<pb::RestoreTaskRequest>,
    ) -> Result<Response<pb::RestoreTaskResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("task_id", &request.into_inner().task_id).map_err(Error::from)?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let wanted = Wanted { deleted: true, ..Wanted::new(Action::RestoreTask, id) };
        let held = wanted.hold(&tx, &caller).await?;
        let word = self.word(&held.leave, now);
        let task = held.restore(&tx, &word).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::RestoreTaskResponse { task: Some(task.into()) }))
    }
}

/// Reads an id in `field` that need not be there.
fn some(field: &str, id: &str, violations: &mut Violations) -> Option<Uuid> {
    if id.is_empty() { None } else { violations.take(ids::parse(field, id)) }
}
