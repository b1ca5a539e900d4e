//! What claims and fences bulk jobs: in `job`, and in `job_turn`.

use uuid::Uuid;

use super::{BATCH, Claim, SMALL, TOGETHER, Worker};
use crate::{
    db::{self, GenericClient, Row},
    error::Result,
    job::{Job, Kind, State, store},
};

/// The next job of the account that has waited for longest, of those that nobody has; if it is a small one, then with it
/// those of the next ones that are small and ask for the same, up to a batch. Nobody waits for a job that somebody else is
/// claiming.
///
/// Accounts are found one by one in the index, so what else they wait for costs nothing. Locks are taken where a subquery
/// says how many rows and in which order. When a job has had its turn is noted when it is given back: what ends in its first
/// turn is claimed without a word to any index.
const CLAIM: &str = "
    with recursive account as (
        (select account_id from job where finished_at is null and kind <> 'DIGEST_RUN' order by account_id limit 1)
        union all
        select (
            select job.account_id from job
            where finished_at is null and kind <> 'DIGEST_RUN' and job.account_id > account.account_id
            order by job.account_id limit 1
        ) from account where account_id is not null
    ), waiting as (
        select account_id from account left join job_turn using (account_id)
        where account_id is not null order by served_at nulls first
    ), first as (
        select it.* from waiting cross join lateral (
            select * from job
            where account_id = waiting.account_id and finished_at is null and kind <> 'DIGEST_RUN'
                and (lease_until is null or lease_until < now())
            order by turn_at nulls first, id limit 1 for no key update skip locked
        ) it limit 1
    ), alike as (
        select it.* from first cross join lateral (
            select id from job
            where account_id = first.account_id and finished_at is null and kind <> 'DIGEST_RUN'
            order by turn_at nulls first, id limit $3
        ) near cross join lateral (
            select id, total, turn_at from job
            where id = near.id and id <> first.id and total <= $4 and not stops_on_failure
                and (lease_until is null or lease_until < now()) and cancel_requested_at is null
                and (kind, initiator_id, on_conflict, on_folder_conflict, includes_versions, is_recursive,
                    skips_identical, includes_comments) = (first.kind, first.initiator_id, first.on_conflict, first.on_folder_conflict,
                        first.includes_versions, first.is_recursive, first.skips_identical,
                        first.includes_comments)
                and target_workcenter_id is not distinct from first.target_workcenter_id
                and target_folder_id is not distinct from first.target_folder_id
            for no key update skip locked
        ) it
        where first.kind = any($5) and first.total <= $4 and not first.stops_on_failure
    ), next as (
        select id from first
        union all
        select id from (
            select id, sum(total) over (order by turn_at nulls first, id) as items from alike
        ) it where items <= $3 - (select total from first)
    ), served as (
        insert into job_turn (account_id, served_at) select account_id, clock_timestamp() from first
        on conflict (account_id) do update set served_at = excluded.served_at
    )
    update job set lease_owner = $1, lease_until = now() + make_interval(secs => $2::float8), fence = fence + 1,
        started_at = coalesce(started_at, now()),
        revision = revision + (state = 'QUEUED')::int::bigint,
        updated_at = case state when 'QUEUED' then now() else updated_at end,
        state = case state when 'QUEUED' then 'RUNNING' else state end
    from next where job.id = next.id returning job.id, kind, fence";

/// Not of a job that was given back.
const RENEW: &str = "
    update job set lease_until = now() + make_interval(secs => $3::float8)
    where id = $1 and fence = $2 and finished_at is null and lease_until is not null
    returning cancel_requested_at is not null or stops_on_failure and failed > 0 as is_stopping";

const RELEASE: &str =
    "update job set lease_owner = null, lease_until = null, turn_at = clock_timestamp() where id = any($1)";

const FINISH: &str = "
    update job set state = it.state, finished_at = statement_timestamp(), updated_at = statement_timestamp(),
        revision = revision + 1, current_path = '', lease_owner = null, lease_until = null
    from unnest($1::uuid[], $2::text[]) as it (id, state) where job.id = it.id";

/// Claims the job that is next, if there is one, and others with it where all are small.
pub(super) async fn claim(on: &impl GenericClient, worker: &Worker) -> Result<Vec<Claim>> {
    let kinds: Vec<&str> = TOGETHER.iter().map(|it| it.name()).collect();
    let rows = db::text(on, CLAIM, &[&worker.id, &worker.lease.as_secs_f64(), &BATCH, &SMALL, &kinds]).await?;
    let kind = |name: &str| Kind::named(name).expect("the table checks `kind`");
    let claim = |row: &Row| Claim { job: row.get("id"), kind: kind(row.get("kind")), fence: row.get("fence") };
    Ok(rows.iter().map(claim).collect())
}

/// Renews a claim: whether its job is to stop, or nothing when it is over or somebody else's by now.
pub(super) async fn renew(on: &impl GenericClient, claim: Claim, worker: &Worker) -> Result<Option<bool>> {
    let rows = db::text(on, RENEW, &[&claim.job, &claim.fence, &worker.lease.as_secs_f64()]).await?;
    Ok(rows.first().map(|row| row.get("is_stopping")))
}

/// The jobs of claims, locked until the transaction ends, but for those that are over, or somebody else's by now.
pub(super) async fn lock(on: &impl GenericClient, claims: &[Claim]) -> Result<Vec<Job>> {
    let held = store::hold(on, claims.iter().map(|it| it.job).collect()).await?;
    let is_ours = |job: &Job, fence| claims.iter().any(|it| it.job == job.id && it.fence == fence);
    Ok(held.into_iter().filter(|(job, fence)| is_ours(job, *fence)).map(|(job, _)| job).collect())
}

/// Gives jobs back.
pub(super) async fn release(on: &impl GenericClient, jobs: &[Uuid]) -> Result<()> {
    db::text(on, RELEASE, &[&jobs]).await?;
    Ok(())
}

/// Whether an item of the job was not looked at any more.
pub(super) async fn is_cancelled(on: &impl GenericClient, job: Uuid) -> Result<bool> {
    let any = "select from job_item where job_id = $1 and state = 'CANCELLED' limit 1";
    Ok(!db::text(on, any, &[&job]).await?.is_empty())
}

/// Writes down that these jobs are over, and how they ended.
pub(super) async fn finish(on: &impl GenericClient, ends: &[(Uuid, State)]) -> Result<()> {
    let (ids, states): (Vec<Uuid>, Vec<&str>) = ends.iter().map(|(id, state)| (*id, state.name())).unzip();
    db::text(on, FINISH, &[&ids, &states]).await?;
    Ok(())
}
