//! What claims and fences bulk jobs: in `job`, and in `job_turn`.

use uuid::Uuid;

use super::{Claim, Worker};
use crate::{
    db::{self, GenericClient},
    error::Result,
    job::{Job, Kind, State, store},
};

/// The oldest job of the account that has waited for longest, of those that nobody has. Nobody waits for a job that
/// somebody else is claiming.
const CLAIM: &str = "
    with next as (
        select job.id, job.account_id from job left join job_turn using (account_id)
        where finished_at is null and kind <> 'DIGEST_RUN' and (lease_until is null or lease_until < now())
        order by job_turn.served_at nulls first, job.turn_at nulls first, job.id
        limit 1 for update of job skip locked
    ), served as (
        insert into job_turn (account_id, served_at) select account_id, clock_timestamp() from next
        on conflict (account_id) do update set served_at = excluded.served_at
    )
    update job set lease_owner = $1, lease_until = now() + make_interval(secs => $2::float8), fence = fence + 1,
        turn_at = clock_timestamp(), started_at = coalesce(started_at, now()),
        revision = revision + (state = 'QUEUED')::int::bigint,
        updated_at = case state when 'QUEUED' then now() else updated_at end,
        state = case state when 'QUEUED' then 'RUNNING' else state end
    from next where job.id = next.id returning job.id, kind, fence";

const RENEW: &str = "
    update job set lease_until = now() + make_interval(secs => $3::float8)
    where id = $1 and fence = $2 and finished_at is null
    returning cancel_requested_at is not null or stops_on_failure and failed > 0 as is_stopping";

const LOCK: &str = "select from job where id = $1 and fence = $2 and finished_at is null for no key update";

const RELEASE: &str = "update job set lease_owner = null, lease_until = null where id = $1 and fence = $2";

const FINISH: &str = "
    update job set state = $2, finished_at = statement_timestamp(), updated_at = statement_timestamp(),
        revision = revision + 1, current_path = '', lease_owner = null, lease_until = null
    where id = $1";

/// Claims a job, if there is one to claim.
pub(super) async fn claim(on: &impl GenericClient, worker: &Worker) -> Result<Option<Claim>> {
    let rows = db::text(on, CLAIM, &[&worker.id, &worker.lease.as_secs_f64()]).await?;
    let kind = |name| Kind::named(name).expect("the table checks `kind`");
    Ok(rows.first().map(|row| Claim { job: row.get("id"), kind: kind(row.get("kind")), fence: row.get("fence") }))
}

/// Renews a claim: whether its job is to stop, or nothing when it is over or somebody else's by now.
pub(super) async fn renew(on: &impl GenericClient, claim: Claim, worker: &Worker) -> Result<Option<bool>> {
    let rows = db::text(on, RENEW, &[&claim.job, &claim.fence, &worker.lease.as_secs_f64()]).await?;
    Ok(rows.first().map(|row| row.get("is_stopping")))
}

/// The job of a claim, locked until the transaction ends; none when it is over, or somebody else's by now.
pub(super) async fn lock(on: &impl GenericClient, claim: Claim) -> Result<Option<Job>> {
    if db::text(on, LOCK, &[&claim.job, &claim.fence]).await?.is_empty() {
        return Ok(None);
    }
    store::find(on, claim.job).await
}

/// Gives the job of a claim back.
pub(super) async fn release(on: &impl GenericClient, claim: Claim) -> Result<()> {
    db::text(on, RELEASE, &[&claim.job, &claim.fence]).await?;
    Ok(())
}

/// Whether an item of the job was not looked at any more.
pub(super) async fn is_cancelled(on: &impl GenericClient, job: Uuid) -> Result<bool> {
    let any = "select from job_item where job_id = $1 and state = 'CANCELLED' limit 1";
    Ok(!db::text(on, any, &[&job]).await?.is_empty())
}

/// Writes down that the job is over.
pub(super) async fn finish(on: &impl GenericClient, job: Uuid, state: State) -> Result<()> {
    db::text(on, FINISH, &[&job, &state.name()]).await?;
    Ok(())
}
