//! The table `template_date`, and the dates of the tasks of templates.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::Set;
use crate::{
    db::{self, GenericClient},
    error::Result,
    template::code::Code,
};

const DATED: &str = "
    select id, starts_at, due_at, time_zone from task
    where workcenter_id = $1 and deleted_at is null and (document_id is null or entry_is_there(document_id)) order by id";

const DATE: &str = "
    insert into template_date (job_id, task_id, starts_at, due_at, time_zone, code)
    select $1, it.task_id, it.starts_at, it.due_at, it.time_zone, it.code
    from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[])
        as it (task_id, starts_at, due_at, time_zone, code)";

/// A task, when it begins and is to be done, and the zone that both are meant in.
pub(in crate::template) type Dated = (Uuid, Option<Timestamp>, Option<Timestamp>, String);

/// The tasks of a template, with their dates.
pub(in crate::template) async fn dated(on: &impl GenericClient, template: Uuid) -> Result<Vec<Dated>> {
    let rows = db::text(on, DATED, &[&template]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), row.get("starts_at"), row.get("due_at"), row.get("time_zone"))).collect())
}

/// Keeps the dates that a job gives to tasks.
pub(in crate::template) async fn date(on: &impl GenericClient, job: Uuid, dates: &HashMap<Uuid, Set>) -> Result<()> {
    if dates.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = dates.keys().copied().collect();
    let starts: Vec<Option<Timestamp>> = dates.values().map(|it| it.starts_at).collect();
    let dues: Vec<Option<Timestamp>> = dates.values().map(|it| it.due_at).collect();
    let zones: Vec<&str> = dates.values().map(|it| it.zone.as_str()).collect();
    let codes: Vec<&str> = dates.values().map(|it| it.code.map_or("", Code::name)).collect();
    db::text(on, DATE, &[&job, &ids, &starts, &dues, &zones, &codes]).await?;
    Ok(())
}
