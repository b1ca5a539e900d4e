//! Many folders and documents at once: what becomes of them, and how the jobs that do it run.

mod along;
mod choice;
mod conflict;
pub mod engine;
mod fairness;
mod hand;
mod history;
mod items;
mod kills;
pub mod model;
mod refused;
mod seen;
mod together;
mod transfer;
mod trees;

use std::collections::BTreeMap;

pub use engine::dropped_after;
use tonic::Status;
use uuid::Uuid;
use workcenter::{
    content::Name,
    daemon::Daemon,
    pb::{
        self, BulkCopyRequest, BulkDeleteRequest, BulkItem, BulkMoveRequest, BulkPlan, BulkRestoreRequest, BulkTarget,
        Job, JobItem, bulk_item::Item, content_service_client::ContentServiceClient,
    },
};

use crate::harness::{Account, App, Person, by};

/// All that there is in a WorkCenter: folders end in a slash, documents say the labels of their versions.
const LISTING: &str = "
    with recursive there as (
        select id, kind, name as path from entry where workcenter_id = $1 and parent_id is null and deleted_at is null
        union all
        select entry.id, entry.kind, path || '/' || name
        from there join entry on entry.parent_id = there.id and deleted_at is null
    )
    select case kind when 'FOLDER' then path || '/' else path || '=' || (
        select string_agg(rtrim(convert_from(digest, 'UTF8'), '.'), '+' order by number)
        from entry_version where entry_id = there.id) end as line
    from there order by line";

const INSERT: &str = "
    insert into entry (id, account_id, workcenter_id, parent_id, kind, name, name_key, version, created_by, created_at,
        updated_at)
    select $1, account_id, id, $3, $4, $5, $6, case $4 when 'FOLDER' then 0 else 1 end, created_by, created_at, created_at
    from workcenter where id = $2";

const VERSION: &str = "
    insert into entry_version (entry_id, number, account_id, digest, size_bytes, created_by, created_at)
    select $1, $2, account_id, $3, 10, created_by, created_at from entry where id = $1";

/// What a version is told by: its bytes are never read here.
fn digest(label: &str) -> Vec<u8> {
    format!("{label:.<32}").into_bytes()
}

/// An application with an account, in which somebody owns WorkCenters, and a daemon that is stepped by hand.
pub struct Stage {
    pub app: App,
    pub account: Account,
    pub owner: Person,
    pub daemon: Daemon,
}

impl Stage {
    pub async fn set() -> Self {
        let app = App::start().await;
        let account = app.account("Pier Works").await;
        let owner = app.person(&account, "owner@example.com", "Ada", "Owner").await;
        let daemon = app.daemon(None);
        Self { app, account, owner, daemon }
    }

    pub async fn space(&self, name: &str) -> Uuid {
        self.app.workcenter(&self.owner, self.account.id, name).await
    }

    /// Puts things into a WorkCenter: `plans/` is a folder, `plans/door.pdf=a+b` a document with the versions a and b.
    pub async fn grow(&self, space: Uuid, paths: &[&str]) -> BTreeMap<String, Uuid> {
        let client = self.app.client().await;
        let mut grown: BTreeMap<String, Uuid> = BTreeMap::new();
        for line in paths {
            let (path, labels) = line.rsplit_once('=').map_or((*line, None), |(path, labels)| (path, Some(labels)));
            let path = path.trim_end_matches('/');
            let (parent, name) = path.rsplit_once('/').map_or((None, path), |(above, name)| (Some(grown[above]), name));
            let kind = if labels.is_some() { "DOCUMENT" } else { "FOLDER" };
            let id = Uuid::now_v7();
            let key = Name::kept(name.to_owned()).key();
            client.execute(INSERT, &[&id, &space, &parent, &kind, &name, &key]).await.unwrap();
            for (number, label) in (1_i64..).zip(labels.into_iter().flat_map(|it| it.split('+'))) {
                let digest = digest(label);
                client
                    .execute("insert into blob (digest) values ($1) on conflict do nothing", &[&digest])
                    .await
                    .unwrap();
                client.execute(VERSION, &[&id, &number, &digest]).await.unwrap();
                client.execute("update entry set version = $2 where id = $1", &[&id, &number]).await.unwrap();
            }
            grown.insert(path.to_owned(), id);
        }
        grown
    }

    pub async fn listing(&self, space: Uuid) -> Vec<String> {
        let rows = self.app.client().await.query(LISTING, &[&space]).await.unwrap();
        rows.iter().map(|it| it.get("line")).collect()
    }

    /// Does all the work there is, and returns the job as it ends.
    pub async fn finished(&self, job: &Job) -> Job {
        while self.daemon.work().await.unwrap() {}
        self.job(&job.job_id).await
    }

    pub async fn job(&self, job_id: &str) -> Job {
        let request = pb::GetJobRequest { job_id: job_id.to_owned() };
        self.app.jobs().get_job(by(&self.owner.token, request)).await.unwrap().into_inner().job.unwrap()
    }

    pub async fn items(&self, job: &Job) -> Vec<JobItem> {
        let request = pb::ListJobItemsRequest { job_id: job.job_id.clone(), page_size: 200, ..Default::default() };
        self.app.jobs().list_job_items(by(&self.owner.token, request)).await.unwrap().into_inner().items
    }

    /// What became of each item: its path, state, and code.
    pub async fn ends(&self, job: &Job) -> Vec<String> {
        let end = |it: JobItem| {
            let state = it.state().as_str_name().trim_start_matches("JOB_ITEM_STATE_").to_owned();
            format!("{} {state} {}", it.path, it.code).trim_end().to_owned()
        };
        self.items(job).await.into_iter().map(end).collect()
    }

    pub fn contents(&self) -> ContentServiceClient<crate::channel::Channel> {
        ContentServiceClient::new(self.app.channel())
    }

    pub async fn copy(&self, request: BulkCopyRequest) -> Result<Job, Status> {
        let answer = self.contents().bulk_copy(by(&self.owner.token, request)).await?;
        Ok(answer.into_inner().job.unwrap())
    }

    pub async fn copied(&self, request: BulkCopyRequest) -> Job {
        let job = self.copy(request).await.unwrap();
        self.finished(&job).await
    }

    pub async fn transfer(&self, request: BulkMoveRequest) -> Result<Job, Status> {
        let answer = self.contents().bulk_move(by(&self.owner.token, request)).await?;
        Ok(answer.into_inner().job.unwrap())
    }

    pub async fn moved(&self, request: BulkMoveRequest) -> Job {
        let job = self.transfer(request).await.unwrap();
        self.finished(&job).await
    }

    pub async fn planned_copy(&self, request: BulkCopyRequest) -> BulkPlan {
        let request = BulkCopyRequest { validate_only: true, ..request };
        self.contents().bulk_copy(by(&self.owner.token, request)).await.unwrap().into_inner().plan.unwrap()
    }

    pub async fn delete(&self, request: BulkDeleteRequest) -> Result<Job, Status> {
        let answer = self.contents().bulk_delete(by(&self.owner.token, request)).await?;
        Ok(answer.into_inner().job.unwrap())
    }

    pub async fn deleted(&self, request: BulkDeleteRequest) -> Job {
        let job = self.delete(request).await.unwrap();
        self.finished(&job).await
    }

    pub async fn restored(&self, request: BulkRestoreRequest) -> Job {
        let answer = self.contents().bulk_restore(by(&self.owner.token, request)).await.unwrap();
        self.finished(&answer.into_inner().job.unwrap()).await
    }

    /// Lets all claims run out.
    pub async fn leases_run_out(&self) {
        let expire = "update job set lease_until = now() - interval '1 second' where lease_until is not null";
        self.app.client().await.execute(expire, &[]).await.unwrap();
    }
}

pub fn folder(id: Uuid) -> BulkItem {
    BulkItem { item: Some(Item::FolderId(id.to_string())), ..BulkItem::default() }
}

pub fn document(id: Uuid) -> BulkItem {
    BulkItem { item: Some(Item::DocumentId(id.to_string())), ..BulkItem::default() }
}

pub fn to(workcenter: Uuid, folder: Option<Uuid>) -> Option<BulkTarget> {
    let folder_id = folder.map(|it| it.to_string()).unwrap_or_default();
    Some(BulkTarget { workcenter_id: workcenter.to_string(), folder_id })
}
