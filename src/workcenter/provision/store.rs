//! The table `workcenter`, as far as jobs make WorkCenters.

use jiff::Timestamp;
use uuid::Uuid;

use super::New;
use crate::{
    db::{self, GenericClient},
    error::{Error, Kind, Result},
    workcenter::WorkCenter,
};

const INSERT: &str = "
    insert into workcenter (id, account_id, name, category, time_zone, created_by, created_at, provisioning_job_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";

const OPEN: &str = "
    update workcenter set provisioning_job_id = null, revision = revision + 1
    where id = $1 returning revision, created_by";

const PEOPLE: &str = "select user_id from collaborator where workcenter_id = $1 order by user_id";

/// What somebody is opening or giving up at this moment is left to them.
const ABANDON_LOST: &str = "
    update workcenter set purge_at = $1, revision = revision + 1
    where id = any(array(
        select id from workcenter
        where provisioning_job_id is not null and purge_at is null
            and not exists (select from job where job.id = provisioning_job_id and job.finished_at is null)
        limit $2 for update skip locked))
    returning 1";

/// Makes the WorkCenter `id`, with nobody in it.
pub(super) async fn insert(on: &impl GenericClient, id: Uuid, new: &New, now: Timestamp) -> Result<()> {
    let New { account, by, name, category, time_zone, job } = new;
    db::text(on, INSERT, &[&id, account, name, category, time_zone, by, &now, job]).await?;
    Ok(())
}

/// Notes that `space`, which is locked, is made; returns who has had it made, too.
pub(super) async fn open(on: &impl GenericClient, space: WorkCenter) -> Result<(WorkCenter, Uuid)> {
    let rows = db::text(on, OPEN, &[&space.id]).await?;
    let row = rows.first().ok_or_else(|| Error::NotFound(Kind::WorkCenter, space.id.to_string()))?;
    Ok((WorkCenter { made_by: None, revision: row.get("revision"), ..space }, row.get("created_by")))
}

/// Who has a place in a WorkCenter.
pub(super) async fn people(on: &impl GenericClient, workcenter: Uuid) -> Result<Vec<Uuid>> {
    let rows = db::text(on, PEOPLE, &[&workcenter]).await?;
    Ok(rows.iter().map(|row| row.get("user_id")).collect())
}

/// Has up to `most` WorkCenters purged whose job is over and that are not open; returns how many.
pub(super) async fn abandon_lost(on: &impl GenericClient, now: Timestamp, most: i64) -> Result<usize> {
    Ok(db::text(on, ABANDON_LOST, &[&now, &most]).await?.len())
}
