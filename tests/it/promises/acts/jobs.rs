//! The calls about jobs that are refused.

use jiff::Timestamp;
use workcenter::{
    ids, job,
    pb::{
        CancelJobRequest, CreateWorkCenterRequest, ExportJobItemsRequest, GetJobRequest, JobScope, ListJobItemsRequest,
        ListJobsRequest, RetryFailedItemsRequest, WatchJobRequest, WatchJobsRequest,
    },
};

use super::{Answer, Person, Stage, by, nothing, text};
use crate::harness::reason;

impl Stage {
    /// A job of the account that nobody has begun.
    async fn digest_run(&self) -> String {
        let run = job::Run { account: self.account, cadence: "DAILY", due_at: Timestamp::UNIX_EPOCH };
        job::digest_run(&self.app.client().await, &run, 3).await.unwrap().to_string()
    }

    /// The account whose jobs are asked for in `scope`.
    fn whose(&self, scope: JobScope) -> String {
        if scope == JobScope::Account { self.account.to_string() } else { String::new() }
    }

    pub async fn job(&self, job_id: &str) -> Answer {
        let message = GetJobRequest { job_id: text(job_id) };
        self.app.jobs().get_job(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn job_as_a_member(&self) -> Answer {
        self.job(&self.digest_run().await).await
    }

    async fn list_jobs(&self, who: &Person, scope: JobScope, page_token: &str) -> Answer {
        let (account_id, scope, page_token) = (self.whose(scope), scope.into(), text(page_token));
        let message = ListJobsRequest { scope, account_id, page_token, ..Default::default() };
        self.app.jobs().list_jobs(by(&who.token, message)).await.map(nothing)
    }

    pub async fn jobs(&self, scope: JobScope, page_token: &str) -> Answer {
        self.list_jobs(&self.ada, scope, page_token).await
    }

    pub async fn jobs_as_a_stranger(&self) -> Answer {
        self.list_jobs(&self.stranger, JobScope::Account, "").await
    }

    /// Watches, and lets the server stop at the first word.
    async fn follow_job(&self, who: &Person, job_id: &str) -> Answer {
        let message = WatchJobRequest { job_id: text(job_id), after_revision: 0 };
        let mut stream = self.app.jobs().watch_job(by(&who.token, message)).await?.into_inner();
        while stream.message().await?.is_some() {
            self.app.parts().draining.cancel();
        }
        Ok(())
    }

    pub async fn watch_job(&self, job_id: &str) -> Answer {
        self.follow_job(&self.ada, job_id).await
    }

    pub async fn watch_job_as_a_member(&self) -> Answer {
        self.watch_job(&self.digest_run().await).await
    }

    /// Watches on a stage that is taken down when the first word was heard.
    pub async fn watch_job_until_the_end(&self) -> Answer {
        let own = Self::set().await;
        own.follow_job(&own.admin, &own.digest_run().await).await
    }

    /// Watches, and lets the server stop at the first word.
    async fn follow_jobs(&self, who: &Person, scope: JobScope) -> Answer {
        let message = WatchJobsRequest { account_id: self.whose(scope), scope: scope.into() };
        let mut stream = self.app.jobs().watch_jobs(by(&who.token, message)).await?.into_inner();
        while stream.message().await?.is_some() {
            self.app.parts().draining.cancel();
        }
        Ok(())
    }

    /// As [`Self::watch_job_until_the_end`].
    pub async fn watch_jobs_until_the_end(&self) -> Answer {
        let own = Self::set().await;
        own.digest_run().await;
        own.follow_jobs(&own.admin, JobScope::Account).await
    }

    pub async fn watch_jobs(&self, scope: JobScope) -> Answer {
        self.follow_jobs(&self.ada, scope).await
    }

    pub async fn watch_jobs_as_a_stranger(&self) -> Answer {
        self.follow_jobs(&self.stranger, JobScope::Account).await
    }

    pub async fn job_items(&self, job_id: &str, page_token: &str) -> Answer {
        let (job_id, page_token) = (text(job_id), text(page_token));
        let message = ListJobItemsRequest { job_id, page_token, ..Default::default() };
        self.app.jobs().list_job_items(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn job_items_as_a_member(&self) -> Answer {
        self.job_items(&self.digest_run().await, "").await
    }

    pub async fn export_job_items_as_a_member(&self) -> Answer {
        let message = ExportJobItemsRequest { job_id: self.digest_run().await, states: Vec::new() };
        self.app.jobs().export_job_items(by(&self.ada.token, message)).await.map(nothing)
    }

    async fn cancel_it(&self, who: &Person) -> Answer {
        let message = CancelJobRequest { job_id: self.digest_run().await };
        self.app.jobs().cancel_job(by(&who.token, message)).await.map(nothing)
    }

    pub async fn cancel_a_digest_run_as_a_member(&self) -> Answer {
        self.cancel_it(&self.ada).await
    }

    pub async fn cancel_a_digest_run(&self) -> Answer {
        let answer = self.cancel_it(&self.admin).await;
        assert!(answer.as_ref().is_err_and(|it| reason(it) == "JOB_NOT_CANCELLABLE"));
        answer
    }

    async fn retry_it(&self, who: &Person, request_id: String) -> Answer {
        let message = RetryFailedItemsRequest { job_id: self.digest_run().await, request_id };
        self.app.jobs().retry_failed_items(by(&who.token, message)).await.map(nothing)
    }

    pub async fn retry_as_a_member(&self) -> Answer {
        self.retry_it(&self.ada, String::new()).await
    }

    pub async fn retry_what_has_not_failed(&self) -> Answer {
        self.retry_it(&self.admin, String::new()).await
    }

    pub async fn retry_by_a_request_of_another_call(&self) -> Answer {
        let request_id = ids::new().to_string();
        let (account_id, name) = (self.account.to_string(), text("Quay"));
        let message =
            CreateWorkCenterRequest { account_id, name, request_id: request_id.clone(), ..Default::default() };
        self.app.workcenters().create_work_center(by(&self.admin.token, message)).await?;
        self.retry_it(&self.admin, request_id).await
    }
}
