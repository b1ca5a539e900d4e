//! The table `template_item_link`.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Linked, New};
use crate::{
    db::{self, GenericClient, Row},
    error::Result,
    job::ItemKind,
};

const LOOK: &str = "
    select it.id, link.target_id, link.source_hash, link.copy_hash, template_hash($3, $1, it.id) as source_now,
        template_hash($3, $2, link.target_id) as copy_now,
        $3 = 'TASK' and exists (
            select from task where task.id = link.target_id and (task.status <> 'NEW' or exists (
                select from task_person where task_id = task.id and done_at is not null))) as is_begun
    from unnest($4::uuid[]) as it (id)
    left join template_item_link link
        on link.template_id = $1 and link.workcenter_id = $2 and link.source_id = it.id";

/// Those of them that are there.
const TARGETS: &str = "
    select source_id, target_id from template_item_link
    where template_id = $1 and workcenter_id = $2 and source_id = any($3)
        and template_hash(kind, workcenter_id, target_id) is not null";

const KNOWN: &str = "
    select source_id from template_item_link where template_id = $1 and workcenter_id = $2 and source_id = any($3)";

const PUT: &str = "
    insert into template_item_link (template_id, workcenter_id, source_id, kind, target_id, source_hash, copy_hash)
    select $1, $2, it.source_id, $3, it.target_id, it.source_hash,
        case when it.is_copy then template_hash($3, $2, it.target_id) end
    from unnest($4::uuid[], $5::uuid[], $6::bytea[], $7::boolean[]) as it (source_id, target_id, source_hash, is_copy)
    on conflict (template_id, workcenter_id, source_id) do update
    set target_id = excluded.target_id, source_hash = excluded.source_hash, copy_hash = excluded.copy_hash";

/// The tasks that are still what they were when they were copied, with the ids of all that they name.
const LOOSE: &str = "
    select source_id, target_id,
        array(select prior_id from task_dependency where task_id = source_id)
            || array(select coalesce(entry_id, other_id) from task_attachment where task_id = source_id) as named
    from template_item_link
    where template_id = $1 and workcenter_id = $2 and source_id = any($3) and kind = 'TASK'
        and copy_hash = template_hash('TASK', workcenter_id, target_id)";

const TIED: &str = "
    update template_item_link set copy_hash = template_hash('TASK', workcenter_id, target_id)
    where template_id = $1 and workcenter_id = $2 and source_id = any($3)";

/// People who are to be invited.
const NOWHERE: &str = "
    select source_id from template_item_link
    where template_id = $1 and workcenter_id = $2 and target_id = '00000000-0000-0000-0000-000000000000'
    order by source_id";

/// All others of whom [`NOWHERE`] tells are forgotten.
const LEAD: &str = "
    with led as (
        update template_item_link set target_id = it.target_id
        from unnest($3::uuid[], $4::uuid[]) as it (source_id, target_id)
        where template_id = $1 and workcenter_id = $2 and template_item_link.source_id = it.source_id
    )
    delete from template_item_link
    where template_id = $1 and workcenter_id = $2 and target_id = '00000000-0000-0000-0000-000000000000'
        and source_id <> all($3)";

/// What these things of one kind have led to.
pub(in crate::template) async fn look(
    on: &impl GenericClient,
    (template, into): (Uuid, Uuid),
    kind: ItemKind,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Linked>> {
    let rows = db::text(on, LOOK, &[&template, &into, &kind.name(), &ids]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), linked(row))).collect())
}

/// What is there of that which these things have led to.
pub(in crate::template) async fn targets(
    on: &impl GenericClient,
    (template, into): (Uuid, Uuid),
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Uuid>> {
    let rows = db::text(on, TARGETS, &[&template, &into, &ids]).await?;
    Ok(rows.iter().map(|row| (row.get("source_id"), row.get("target_id"))).collect())
}

/// Those of these things that have led to something, be it there or not.
pub(in crate::template) async fn known(
    on: &impl GenericClient,
    (template, into): (Uuid, Uuid),
    ids: &[Uuid],
) -> Result<Vec<Uuid>> {
    Ok(db::text(on, KNOWN, &[&template, &into, &ids]).await?.iter().map(|row| row.get("source_id")).collect())
}

/// Notes what things of one kind have led to.
pub(in crate::template) async fn put(
    on: &impl GenericClient,
    (template, into): (Uuid, Uuid),
    kind: ItemKind,
    new: &[New],
) -> Result<()> {
    let sources: Vec<Uuid> = new.iter().map(|it| it.source).collect();
    let targets: Vec<Uuid> = new.iter().map(|it| it.target).collect();
    let hashes: Vec<&[u8]> = new.iter().map(|it| it.source_hash.as_slice()).collect();
    let copies: Vec<bool> = new.iter().map(|it| it.is_copy).collect();
    db::text(on, PUT, &[&template, &into, &kind.name(), &sources, &targets, &hashes, &copies]).await?;
    Ok(())
}

/// A task, its copy, and what the task names.
pub(in crate::template) type Loose = (Uuid, Uuid, Vec<Uuid>);

/// Those of these tasks whose copies are still what they were.
pub(in crate::template) async fn loose(
    on: &impl GenericClient,
    (template, into): (Uuid, Uuid),
    tasks: &[Uuid],
) -> Result<Vec<Loose>> {
    let rows = db::text(on, LOOSE, &[&template, &into, &tasks]).await?;
    Ok(rows.iter().map(|row| (row.get("source_id"), row.get("target_id"), row.get("named"))).collect())
}

/// Notes what the copies of these tasks are now.
pub(in crate::template) async fn tied(
    on: &impl GenericClient,
    (template, into): (Uuid, Uuid),
    tasks: &[Uuid],
) -> Result<()> {
    db::text(on, TIED, &[&template, &into, &tasks]).await?;
    Ok(())
}

/// Those who are to be invited when the WorkCenter is open.
pub(in crate::template) async fn nowhere(on: &impl GenericClient, (template, into): (Uuid, Uuid)) -> Result<Vec<Uuid>> {
    Ok(db::text(on, NOWHERE, &[&template, &into]).await?.iter().map(|row| row.get("source_id")).collect())
}

/// Notes what those of them have led to who are invited now, and forgets the others.
pub(in crate::template) async fn lead(
    on: &impl GenericClient,
    (template, into): (Uuid, Uuid),
    led: &[(Uuid, Uuid)],
) -> Result<()> {
    let (sources, targets): (Vec<Uuid>, Vec<Uuid>) = led.iter().copied().unzip();
    db::text(on, LEAD, &[&template, &into, &sources, &targets]).await?;
    Ok(())
}

fn linked(row: &Row) -> Linked {
    Linked {
        target: row.get("target_id"),
        source_hash: row.get("source_hash"),
        copy_hash: row.get("copy_hash"),
        source_now: row.get("source_now"),
        copy_now: row.get("copy_now"),
        is_begun: row.get("is_begun"),
    }
}
