//! The jobs as the wire has them.

use std::pin::Pin;

use async_stream::try_stream;
use futures_util::{Stream, StreamExt};
use jiff::Timestamp;
use prost::Message;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    Bulk, Job, Kind, Scope, Slot, State, bulk, item,
    store::{self, Wanted},
    watch::{LOOK_EVERY, Watch},
};
use crate::{
    access::{self, Action, Resource},
    auth::{self, Caller},
    clock::Clock,
    db::{Db, GenericClient},
    error::{Error, Reason, Result, Violation, Violations},
    ids,
    notice::{self, Notices},
    page::Page,
    pb::{
        self, CancelJobRequest, CancelJobResponse, Delivery, DigestRun, ExportJobItemsRequest, ExportJobItemsResponse,
        GetJobRequest, GetJobResponse, JobError, JobKind, JobScope, JobState, ListJobItemsRequest,
        ListJobItemsResponse, ListJobsRequest, ListJobsResponse, RetryFailedItemsRequest, RetryFailedItemsResponse,
        WatchJobRequest, WatchJobResponse, WatchJobsRequest, WatchJobsResponse, job_service_server::JobService,
    },
    request::{self, Recall},
    secret::TokenKey,
};

type Streaming<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Serves `JobService`.
pub struct Service {
    db: Db,
    clock: Clock,
    key: TokenKey,
    watch: Watch,
}

impl Service {
    /// Makes the service. Once `stop` is cancelled its streams end as draining.
    pub fn new(db: Db, clock: Clock, key: TokenKey, notices: Notices, stop: CancellationToken) -> Self {
        let watch = Watch::new(db.clone(), notices, stop, LOOK_EVERY);
        Self { db, clock, key, watch }
    }
}

#[tonic::async_trait]
impl JobService for Service {
    async fn get_job(&self, request: Request<GetJobRequest>) -> Result<Response<GetJobResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("job_id", &request.get_ref().job_id).map_err(Error::from)?;

        let client = self.db.client().await?;
        let job = visible(&client, &caller, Action::GetJob, id).await?;

        Ok(Response::new(GetJobResponse { job: Some(job.into()) }))
    }

    async fn list_jobs(&self, request: Request<ListJobsRequest>) -> Result<Response<ListJobsResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let now = self.clock.now().await?;
        let mut violations = Violations::default();
        let account = violations.take(account(request.scope, &request.account_id));
        let kinds = kinds(&request.kinds, &mut violations);
        let states = states(&request.states, &mut violations);
        let page = violations.take(page(&self.key, &request, &caller, now));
        let initiator = match request.initiator_user_id.as_str() {
            "" => None,
            text => violations.take(ids::parse("initiator_user_id", text)),
        };
        let made = [("start_time", &request.start_time), ("end_time", &request.end_time)].map(|(field, time)| {
            let instant = pb::instant(time.as_ref()?).ok_or_else(|| Violation::new(field, "must be a time"));
            violations.take(instant)
        });
        violations.none()?;
        let (Some(account), Some(page)) = (account, page) else {
            return Err(Error::internal("a violation was not noted").into());
        };
        let before = page.after.as_deref().map(|it| ids::parse("page_token", it)).transpose().map_err(Error::from)?;

        let client = self.db.client().await?;
        let scope = scope(&client, &caller, [Action::ListOwnJobs, Action::ListAccountJobs], account).await?;
        let wanted = Wanted { scope, kinds, states, initiator, made, before, fetch: page.fetch };
        let mut jobs = store::list(&client, &wanted).await?;

        let next_page_token = page.cut(&self.key, &mut jobs, |it| it.id.to_string(), now);
        Ok(Response::new(ListJobsResponse { jobs: jobs.into_iter().map(Into::into).collect(), next_page_token }))
    }

    type WatchJobStream = Streaming<WatchJobResponse>;

    async fn watch_job(&self, request: Request<WatchJobRequest>) -> Result<Response<Self::WatchJobStream>, Status> {
        let caller = auth::caller(&request)?;
        let WatchJobRequest { job_id, after_revision } = request.into_inner();
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("job_id", &job_id));
        if after_revision < 0 {
            violations.add("after_revision", "must not be negative");
        }
        violations.none()?;
        let id = id.ok_or_else(|| Error::internal("a violation was not noted"))?;

        visible(&self.db.client().await?, &caller, Action::WatchJob, id).await?;

        let words = self.watch.clone().job(id, after_revision);
        let words = words.map(|word| Ok(WatchJobResponse { job: word?.map(Into::into) }));
        Ok(Response::new(Box::pin(words)))
    }

    type WatchJobsStream = Streaming<WatchJobsResponse>;

    async fn watch_jobs(&self, request: Request<WatchJobsRequest>) -> Result<Response<Self::WatchJobsStream>, Status> {
        let caller = auth::caller(&request)?;
        let WatchJobsRequest { scope: whose, account_id } = request.into_inner();
        let account = account(whose, &account_id).map_err(Error::from)?;

        let actions = [Action::WatchOwnJobs, Action::WatchAccountJobs];
        let scope = scope(&self.db.client().await?, &caller, actions, account).await?;

        let words = self.watch.clone().jobs(scope);
        let words = words.map(|word| Ok(WatchJobsResponse { job: word?.map(Into::into) }));
        Ok(Response::new(Box::pin(words)))
    }

    async fn list_job_items(
        &self,
        request: Request<ListJobItemsRequest>,
    ) -> Result<Response<ListJobItemsResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let now = self.clock.now().await?;
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("job_id", &request.job_id));
        let states = item::states(&request.states, &mut violations);
        let list = ListJobItemsRequest { page_size: 0, page_token: String::new(), ..request.clone() }.encode_to_vec();
        let list: [&[u8]; 2] = [b"ListJobItems", &list];
        let page = violations.take(Page::read(&self.key, request.page_size, &request.page_token, &list, now));
        violations.none()?;
        let (Some(id), Some(page)) = (id, page) else {
            return Err(Error::internal("a violation was not noted").into());
        };

        let client = self.db.client().await?;
        let job = visible(&client, &caller, Action::ListJobItems, id).await?;
        let (items, next_page_token) = item::page(&client, job.id, &states, &page, &self.key, now).await?;

        Ok(Response::new(ListJobItemsResponse { items, next_page_token }))
    }

    type ExportJobItemsStream = Streaming<ExportJobItemsResponse>;

    async fn export_job_items(
        &self,
        request: Request<ExportJobItemsRequest>,
    ) -> Result<Response<Self::ExportJobItemsStream>, Status> {
        let caller = auth::caller(&request)?;
        let ExportJobItemsRequest { job_id, states } = request.into_inner();
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("job_id", &job_id));
        let states = item::states(&states, &mut violations);
        violations.none()?;
        let id = id.ok_or_else(|| Error::internal("a violation was not noted"))?;

        visible(&self.db.client().await?, &caller, Action::ExportJobItems, id).await?;

        let db = self.db.clone();
        let chunks = try_stream! {
            let mut after = None;
            // Nothing of the database is held while the reader takes a chunk.
            while let Some((table, end)) = item::export(&db.client().await?, id, &states, after).await? {
                after = Some(end);
                yield ExportJobItemsResponse { chunk: table.into() };
            }
        };
        Ok(Response::new(Box::pin(chunks)))
    }

    async fn cancel_job(&self, request: Request<CancelJobRequest>) -> Result<Response<CancelJobResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("job_id", &request.get_ref().job_id).map_err(Error::from)?;

        let mut client = self.db.client().await?;
        let job = visible(&client, &caller, Action::CancelJob, id).await?;
        if job.kind == Kind::DigestRun {
            return Err(Error::Refused(Reason::JobNotCancellable).into());
        }
        let tx = client.transaction().await.map_err(Error::from)?;
        store::cancel(&tx, id, caller.person().unwrap_or_default()).await?;
        notice::tell(&tx, notice::JOB, id).await.map_err(Error::from)?;
        tx.commit().await.map_err(Error::from)?;
        let job = store::find(&client, id).await?.ok_or_else(|| super::missing(id))?;

        Ok(Response::new(CancelJobResponse { job: Some(job.into()) }))
    }

    async fn retry_failed_items(
        &self,
        request: Request<RetryFailedItemsRequest>,
    ) -> Result<Response<RetryFailedItemsResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("job_id", &request.job_id));
        violations.extend(request::fault(&request.request_id));
        violations.none()?;
        let id = id.ok_or_else(|| Error::internal("a violation was not noted"))?;

        let mut client = self.db.client().await?;
        let job = visible(&client, &caller, Action::RetryFailedItems, id).await?;
        let by = caller.person().unwrap_or_default();
        let tx = client.transaction().await.map_err(Error::from)?;
        let body = request.encode_to_vec();
        let ticket = match request::recall(&tx, by, "RetryFailedItems", &request.request_id, &body).await? {
            Recall::Known(answer) => {
                let answer = RetryFailedItemsResponse::decode(answer.as_slice()).map_err(Error::internal)?;
                return Ok(Response::new(answer));
            }
            Recall::New(ticket) => ticket,
        };
        if matches!(job.kind, Kind::DigestRun | Kind::ImportDocuments) || !job.state.is_final() {
            return Err(Error::Refused(Reason::NothingToRetry).into());
        }
        let again = bulk::retry(&tx, &job, by, &request.request_id).await?;
        let answer = RetryFailedItemsResponse { job: Some(again.into()) };
        request::remember(&tx, ticket, &answer.encode_to_vec()).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(answer))
    }
}

/// The job `id`, if the caller may take `action` on it. An unknown job is asked about too, so that those who may see no
/// job at all learn nothing of which there are.
async fn visible(on: &impl GenericClient, caller: &Caller, action: Action, id: Uuid) -> Result<Job> {
    let job = store::find(on, id).await?;
    let nowhere = Resource::Job { id, account: Uuid::nil(), initiator: None };
    access::may(on, caller, action, job.as_ref().map_or(nowhere, Job::resource)).await?;
    job.ok_or_else(|| super::missing(id))
}

/// The scope of a call, if the caller may take the first action on their own jobs, or the second on the account's.
async fn scope(
    on: &impl GenericClient,
    caller: &Caller,
    [own, all]: [Action; 2],
    account: Option<Uuid>,
) -> Result<Scope> {
    let (action, resource) = account.map_or((own, Resource::Own), |id| (all, Resource::Account(id)));
    let leave = access::may(on, caller, action, resource).await?;
    Ok(account.map_or(Scope::Mine(leave.person), Scope::Account))
}

/// The account whose jobs are asked for; `None` for the caller's own.
fn account(scope: i32, account_id: &str) -> Result<Option<Uuid>, Violation> {
    match JobScope::try_from(scope) {
        Ok(JobScope::Account) => ids::parse("account_id", account_id).map(Some),
        Ok(JobScope::Mine) if account_id.is_empty() => Ok(None),
        Ok(JobScope::Mine) => Err(Violation::new("account_id", "must be empty but for JOB_SCOPE_ACCOUNT")),
        Ok(JobScope::Unspecified) => Err(Violation::new("scope", "is required")),
        Err(_) => Err(Violation::new("scope", "must be a JobScope")),
    }
}

fn kinds(sent: &[i32], violations: &mut Violations) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for (index, number) in sent.iter().enumerate() {
        match Kind::ALL.into_iter().find(|it| JobKind::from(*it) as i32 == *number) {
            Some(kind) => kinds.push(kind),
            None => violations.add(format!("kinds[{index}]"), "must be a JobKind"),
        }
    }
    kinds
}

fn states(sent: &[i32], violations: &mut Violations) -> Vec<State> {
    let mut states = Vec::new();
    for (index, number) in sent.iter().enumerate() {
        match State::ALL.into_iter().find(|it| JobState::from(*it) as i32 == *number) {
            Some(state) => states.push(state),
            None => violations.add(format!("states[{index}]"), "must be a JobState"),
        }
    }
    states
}

/// The page of this caller's list with these filters.
fn page(key: &TokenKey, request: &ListJobsRequest, caller: &Caller, now: Timestamp) -> Result<Page, Violation> {
    let list = ListJobsRequest { page_size: 0, page_token: String::new(), ..request.clone() }.encode_to_vec();
    let by = caller.id().unwrap_or_default();
    Page::read(key, request.page_size, &request.page_token, &[b"ListJobs", &list, by.as_bytes()], now)
}

impl From<Kind> for JobKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::DigestRun => Self::DigestRun,
            Kind::BulkCopy => Self::BulkCopy,
            Kind::BulkMove => Self::BulkMove,
            Kind::BulkDelete => Self::BulkDelete,
            Kind::BulkRestore => Self::BulkRestore,
            Kind::ImportDocuments => Self::ImportDocuments,
            Kind::ImportInvites => Self::ImportInvites,
            Kind::ApplyTemplate => Self::ApplyTemplate,
            Kind::PublishTemplate => Self::PublishTemplate,
        }
    }
}

impl From<State> for JobState {
    fn from(state: State) -> Self {
        match state {
            State::Queued => Self::Queued,
            State::Running => Self::Running,
            State::Cancelling => Self::Cancelling,
            State::Succeeded => Self::Succeeded,
            State::SucceededWithWarnings => Self::SucceededWithWarnings,
            State::PartiallyFailed => Self::PartiallyFailed,
            State::Failed => Self::Failed,
            State::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Slot> for DigestRun {
    fn from(slot: Slot) -> Self {
        let cadence = match slot.cadence.as_str() {
            "DAILY" => Delivery::Daily,
            "WEEKLY" => Delivery::Weekly,
            _ => Delivery::Unspecified,
        };
        Self { cadence: cadence.into(), due_time: Some(pb::time(slot.due_at)) }
    }
}

impl From<Bulk> for pb::Bulk {
    fn from(bulk: Bulk) -> Self {
        let target = bulk.order.target;
        let id = |id: Option<Uuid>| id.map(|it| it.to_string()).unwrap_or_default();
        let error = |(id, path, code): (Uuid, String, String)| JobError { item_id: id.to_string(), path, code };
        Self {
            named_items: bulk.order.roots,
            target_workcenter_id: id(target.as_ref().map(|it| it.workcenter)),
            target_folder_id: id(target.as_ref().and_then(|it| it.folder)),
            target_path: target.map(|it| it.path).unwrap_or_default(),
            initiator_name: bulk.initiator_name,
            retry_of_job_id: id(bulk.retry_of),
            parent_job_id: id(bulk.parent),
            total_bytes: bulk.total_bytes,
            done_bytes: bulk.done_bytes,
            warned_items: bulk.warned,
            current_path: bulk.current_path,
            first_errors: bulk.errors.into_iter().map(error).collect(),
            start_time: bulk.started_at.map(pb::time),
            cancel_request_time: bulk.cancel_requested_at.map(pb::time),
            cancel_requested_by_user_id: id(bulk.cancel_requested_by),
            on_conflict: bulk.order.on_conflict,
            on_folder_conflict: bulk.order.on_folder_conflict,
        }
    }
}

impl From<Job> for pb::Job {
    fn from(job: Job) -> Self {
        Self {
            job_id: job.id.to_string(),
            kind: JobKind::from(job.kind).into(),
            state: JobState::from(job.state).into(),
            account_id: job.account.to_string(),
            initiator_user_id: job.initiator.map(|it| it.to_string()).unwrap_or_default(),
            revision: job.revision,
            total_items: job.total,
            done_items: job.done,
            skipped_items: job.skipped,
            failed_items: job.failed,
            create_time: Some(pb::time(job.created_at)),
            update_time: Some(pb::time(job.updated_at)),
            finish_time: job.finished_at.map(pb::time),
            eta_time: job.eta().map(pb::time),
            digest_run: job.slot.map(Into::into),
            bulk: job.bulk.map(Into::into),
        }
    }
}
