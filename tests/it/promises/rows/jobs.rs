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
}
