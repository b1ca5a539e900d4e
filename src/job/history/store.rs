//! What removes jobs that have been over for long enough, and what removes their items.

use super::{JOBS_MAX, KEPT_DAYS};
use crate::{
    db::{self, GenericClient},
    error::Result,
};

/// The items go first, and a job once it has none any more; both by ids in queries of their own, so that no plan reads all
/// items. `finished_at` is of the real clock, and so is this.
const SWEEP: &str = "
    with old as (
        select id from job where finished_at < now() - make_interval(days => $1::bigint::int) order by finished_at limit $2
    ), items as (
        delete from job_item where ctid = any(array(
            select ctid from job_item where job_id = any(array(select id from old)) limit $3))
        returning 1
    ), gone as (
        delete from job
        where id = any(array(select id from old)) and not exists (select from job_item where job_id = job.id)
        returning 1
    )
    select (select count(*) from items) + (select count(*) from gone) as rows";

/// Removes some of what was over more than four hundred days ago; returns how many rows that are.
///
/// # Errors
///
/// What the database says.
pub async fn sweep(on: &impl GenericClient) -> Result<u64> {
    let rows = db::text(on, SWEEP, &[&KEPT_DAYS, &JOBS_MAX, &db::SWEPT_MAX]).await?;
    Ok(rows[0].get::<_, i64>("rows").unsigned_abs())
}
