//! What jobs of other jobs read and write of the table `job`.

use uuid::Uuid;

use crate::{
    db::{self, GenericClient},
    error::Result,
};

const ADOPT: &str = "update job set parent_id = $2 where id = $1";

/// One that is not over is there, or nobody would ever go on.
const WAIT: &str = "
    update job set lease_until = 'infinity', lease_owner = null, turn_at = clock_timestamp()
    where id = $1 and exists (select from job child where child.parent_id = $1 and child.finished_at is null)
    returning 1";

/// Who claims it has another fence than whoever had it.
const WAKE: &str = "update job set lease_until = null where id = $1 and lease_until = 'infinity'";

const INHERIT: &str = "
    update job set state = 'CANCELLING', cancel_requested_at = now(), cancel_requested_by = parent.cancel_requested_by,
        revision = job.revision + 1
    from job parent
    where job.id = $1 and parent.id = $2 and parent.cancel_requested_at is not null and job.cancel_requested_at is null
    returning 1";

/// Notes of which job the job `id` does an item.
pub(super) async fn adopt(on: &impl GenericClient, id: Uuid, parent: Uuid) -> Result<()> {
    db::text(on, ADOPT, &[&id, &parent]).await?;
    Ok(())
}

/// Has the job `id` wait; false when there is nothing to wait for.
pub(super) async fn wait(on: &impl GenericClient, id: Uuid) -> Result<bool> {
    Ok(!db::text(on, WAIT, &[&id]).await?.is_empty())
}

/// Has the job `id` go on, if it waits.
pub(super) async fn wake(on: &impl GenericClient, id: Uuid) -> Result<()> {
    db::text(on, WAKE, &[&id]).await?;
    Ok(())
}

/// Notes that the job `id` is to stop if `parent` is; true when that is new.
pub(super) async fn inherit(on: &impl GenericClient, id: Uuid, parent: Uuid) -> Result<bool> {
    Ok(!db::text(on, INHERIT, &[&id, &parent]).await?.is_empty())
}
