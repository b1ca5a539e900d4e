//! What calls about jobs refuse.

use workcenter::pb::JobScope;

super::rows! {
    "JobService/GetJob" {
        InvalidArgument FIELD_INVALID job("made up");
        NotFound JOB_NOT_FOUND job_as_a_member();
    }
    "JobService/ListJobs" {
        InvalidArgument FIELD_INVALID jobs(JobScope::Unspecified, "");
        InvalidArgument PAGE_TOKEN_INVALID jobs(JobScope::Mine, "made up");
        NotFound ACCOUNT_NOT_FOUND jobs_as_a_stranger();
        PermissionDenied NOT_ALLOWED jobs(JobScope::Account, "");
    }
    "JobService/WatchJob" {
        InvalidArgument FIELD_INVALID watch_job("made up");
        NotFound JOB_NOT_FOUND watch_job_as_a_member();
        Unavailable DRAINING watch_job_until_the_end();
    }
    "JobService/WatchJobs" {
        InvalidArgument FIELD_INVALID watch_jobs(JobScope::Unspecified);
        NotFound ACCOUNT_NOT_FOUND watch_jobs_as_a_stranger();
        PermissionDenied NOT_ALLOWED watch_jobs(JobScope::Account);
        Unavailable DRAINING watch_jobs_until_the_end();
    }
    "JobService/ListJobItems" {
        InvalidArgument FIELD_INVALID job_items("made up", "");
        InvalidArgument PAGE_TOKEN_INVALID job_items("00000000-0000-0000-0000-000000000000", "made up");
        NotFound JOB_NOT_FOUND job_items_as_a_member();
    }
    "JobService/ExportJobItems" {
        NotFound JOB_NOT_FOUND export_job_items_as_a_member();
    }
    "JobService/CancelJob" {
        NotFound JOB_NOT_FOUND cancel_a_digest_run_as_a_member();
        FailedPrecondition JOB_NOT_CANCELLABLE cancel_a_digest_run();
    }
    "JobService/RetryFailedItems" {
        NotFound JOB_NOT_FOUND retry_as_a_member();
        FailedPrecondition NOTHING_TO_RETRY retry_what_has_not_failed();
        AlreadyExists REQUEST_ID_REUSED retry_by_a_request_of_another_call();
        ResourceExhausted JOB_LIMIT_REACHED retry_while_too_many_wait();
    }
}
