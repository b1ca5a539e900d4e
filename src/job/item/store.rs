//! The table `job_item`, of bulk jobs.

use std::time::Duration;

use uuid::Uuid;

use super::{Above, Item, ItemKind, ItemState, Leftover, Outcome, Planned, RETRYABLE};
use crate::{
    db::{self, GenericClient, Row},
    error::Result,
};

const INSERT: &str = "
    insert into job_item (job_id, seq, item_id, kind, depth, parent_item_id, workcenter_id, path, bytes, on_conflict, line, etag,
        state)
    select $1, $2 + place - 1, item_id, kind, depth, parent_item_id, workcenter_id, path, bytes, on_conflict, line, etag,
        'PENDING'
    from unnest($3::uuid[], $4::text[], $5::bigint[], $6::uuid[], $7::uuid[], $8::text[], $9::bigint[], $10::text[],
            $11::bigint[], $12::text[])
        with ordinality as it (item_id, kind, depth, parent_item_id, workcenter_id, path, bytes, on_conflict, line, etag,
            place)";

/// The failed items of a job that may succeed now, and, without a seq, all that they are in.
const RETRY: &str = "
    with recursive again as (
        select * from job_item where job_id = $2 and state = 'FAILED' and code = any($3)
    ), above as (
        select parent_item_id as id from again
        union
        select job_item.parent_item_id from above join job_item on job_item.job_id = $2 and job_item.item_id = above.id
    ), written as (
        insert into job_item (job_id, seq, item_id, kind, depth, parent_item_id, workcenter_id, path, bytes, on_conflict,
            line, etag, state, code, action, target_id, target_path, leftover_id, attempt)
        select $1::uuid, row_number() over (order by seq), item_id, kind, depth, parent_item_id, workcenter_id, path, bytes,
            on_conflict, line, etag, 'PENDING', '', '', null, '', null, attempt
        from again
        union all
        select $1::uuid, 0, item_id, kind, depth, parent_item_id, workcenter_id, path, 0, on_conflict, line, etag, state, code, action,
            target_id, target_path, leftover_id, attempt
        from job_item where job_id = $2 and item_id in (select id from above) and item_id not in (select item_id from again)
    )
    select count(*) as items from again";

/// The next items of jobs: of each no more than of one depth, and what became of those they are in.
const NEXT: &str = "
    select job.id as job_id, it.item_id, it.kind, it.path, it.bytes, it.on_conflict, it.etag, it.parent_item_id, it.depth,
        above.state as above_state, above.code as above_code, above.target_id as above_target,
        above.target_path as above_path, above.leftover_id as above_leftover
    from unnest($1::uuid[]) with ordinality as job (id, place)
    cross join lateral (
        select *, first_value(depth) over (order by seq) as first_depth from (
            select * from job_item where job_id = job.id and state = 'PENDING' order by seq limit $2
        ) pending
    ) it
    left join job_item above on above.job_id = it.job_id and above.item_id = it.parent_item_id
    where it.depth = it.first_depth
    order by job.place, it.seq";

/// What became of items of jobs. A job of which there is more to do is given back, unless it is kept: always by `$10`, or for
/// so many seconds more by `$12` while nobody could be claimed in its place. Items are found by their ids: said as `PENDING`,
/// the index of what is still to be done would do, and be looked through for each of them.
const SETTLE: &str = "
    with settled as (
        update job_item set state = it.state, code = it.code, text = it.text, action = it.action,
            target_id = it.target_id, target_path = it.target_path, leftover_id = it.leftover_id,
            column_name = it.column_name, is_warned = it.state = 'DONE' and it.code <> '', attempt = attempt + 1, failed_at = statement_timestamp()
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[],
            $9::uuid[], $11::text[])
            as it (job_id, item_id, state, code, text, action, target_id, target_path, leftover_id, column_name)
        where job_item.job_id = it.job_id and job_item.item_id = it.item_id
            and job_item.state not in ('DONE', 'SKIPPED', 'FAILED', 'CANCELLED')
        returning job_item.job_id, job_item.item_id, seq, job_item.state, job_item.code, is_warned, bytes, path
    ), counts as (
        select job_id, count(*) as all_items, count(*) filter (where state = 'DONE') as done,
            count(*) filter (where state = 'SKIPPED') as skipped, count(*) filter (where state = 'FAILED') as failed,
            count(*) filter (where is_warned) as warned,
            coalesce(sum(bytes) filter (where state = 'DONE'), 0)::bigint as bytes,
            (array_agg(path order by seq desc))[1] as path,
            coalesce((array_agg(item_id order by seq) filter (where state = 'FAILED'))[1:5], '{}') as items,
            coalesce((array_agg(path order by seq) filter (where state = 'FAILED'))[1:5], '{}') as paths,
            coalesce((array_agg(code order by seq) filter (where state = 'FAILED'))[1:5], '{}') as codes
        from settled group by job_id
    ), hold as (
        select $12::float8 is not null and not exists (
            select from job where finished_at is null and kind <> 'DIGEST_RUN' and id <> all($1)
                and (lease_until is null or lease_until < now())) as is_alone
    )
    update job set done = job.done + counts.done, skipped = job.skipped + counts.skipped,
        failed = job.failed + counts.failed, warned = job.warned + counts.warned,
        done_bytes = job.done_bytes + counts.bytes, current_path = counts.path, revision = job.revision + 1,
        error_items = (job.error_items || counts.items)[1:5], error_paths = (job.error_paths || counts.paths)[1:5],
        error_codes = (job.error_codes || counts.codes)[1:5], updated_at = statement_timestamp(),
        lease_until = case
            when $10 or job.done + job.skipped + job.failed + counts.all_items >= job.total then lease_until
            when is_alone then now() + make_interval(secs => $12) end,
        turn_at = case
            when $10 or is_alone or job.done + job.skipped + job.failed + counts.all_items >= job.total then turn_at
            else clock_timestamp() end
    from counts cross join hold where job.id = counts.job_id
    returning job.id, job.done, job.failed, job.warned, job.done + job.skipped + job.failed < job.total as is_more,
        lease_until is not null as is_kept";

/// What else there is to say of items that are done of a job that is over.
const AMEND: &str = "
    with amended as (
        update job_item set target_id = it.target_id, code = it.code, text = it.text, is_warned = it.code <> ''
        from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[]) as it (item_id, target_id, code, text)
        where job_id = $1 and job_item.item_id = it.item_id and job_item.state = 'DONE' and not is_warned
        returning is_warned
    ), counts as (
        select count(*) filter (where is_warned) as warned from amended
    )
    update job set warned = job.warned + counts.warned, revision = revision + 1, state = case
            when state = 'SUCCEEDED' and counts.warned > 0 then 'SUCCEEDED_WITH_WARNINGS' else state end
    from counts where id = $1";

const CANCEL: &str = "
    with cancelled as (
        update job_item set state = 'CANCELLED', code = 'CANCELLED', text = 'The job was stopped before it came to this.',
            failed_at = statement_timestamp()
        where job_id = $1 and state = 'PENDING' returning 1
    ), gone as (
        select count(*) as items from cancelled
    )
    update job set failed = job.failed + gone.items, revision = job.revision + 1, updated_at = statement_timestamp()
    from gone where job.id = $1 and gone.items > 0 returning 1";

/// The deepest first, for what is in them has to be cleared away before.
const LEFTOVERS: &str = "
    select item_id, leftover_id from job_item
    where job_id = $1 and leftover_id is not null and not is_swept
        and depth = (select max(depth) from job_item where job_id = $1 and leftover_id is not null and not is_swept)
    limit $2";

const SWEPT: &str = "
    with swept as (
        update job_item set is_swept = true where job_id = $1 and item_id = any($2) returning 1
    )
    select exists (
        select from job_item where job_id = $1 and leftover_id is not null and not is_swept and item_id <> all($2)) as more
    from (select count(*) from swept) it";

/// Those of jobs of which something is still to be done, or to be cleared away.
const OPEN: &str = "
    select job_id from job_item where job_id = any($1) and state = 'PENDING'
    union
    select job_id from job_item where job_id = any($1) and leftover_id is not null and not is_swept";

const WORKCENTERS: &str = "
    select job_id, workcenter_id, count(*) as items from job_item
    where job_id = any($1) and state = 'DONE' and seq > 0 and depth = 0 and workcenter_id is not null
    group by job_id, workcenter_id order by job_id, workcenter_id";

const LIST: &str = "
    select seq, item_id, kind, state, path, bytes, action, code, text, target_id, target_path, attempt,
        line, column_name, exists (select from job where id = $1 and kind <> 'IMPORT_DOCUMENTS') as repeats
    from job_item
    where job_id = $1 and (state = any($2) or cardinality($2::text[]) = 0)
        and (seq, item_id) > ($3, $4) and (seq > 0 or kind = 'RECIPIENT')
    order by seq, item_id limit $5";

/// An item as it stands.
pub(super) struct Listed {
    pub seq: i64,
    pub id: Uuid,
    pub kind: ItemKind,
    pub state: ItemState,
    pub path: String,
    pub bytes: i64,
    pub action: String,
    pub code: String,
    pub text: String,
    pub target: Option<Uuid>,
    pub target_path: String,
    pub attempt: i64,
    pub line: i64,
    pub column: String,
    /// Whether what its job was made of is still there.
    pub repeats: bool,
}

/// Writes the items of a new job, the first of them with `seq`.
pub async fn insert(on: &impl GenericClient, job: Uuid, seq: i64, items: &[Planned]) -> Result<()> {
    fn column<T>(items: &[Planned], of: impl Fn(&Planned) -> T) -> Vec<T> {
        items.iter().map(of).collect()
    }
    let (ids, kinds) = (column(items, |it| it.id), column(items, |it| it.kind.name()));
    let (depths, parents) = (column(items, |it| it.depth), column(items, |it| it.parent));
    let (workcenters, paths) = (column(items, |it| it.workcenter), column(items, |it| it.path.clone()));
    let (bytes, policies) = (column(items, |it| it.bytes), column(items, |it| it.on_conflict));
    let lines = column(items, |it| it.line);
    let etags = column(items, |it| it.etag.clone());
    let values: [&(dyn db::ToSql + Sync); 12] =
        [&job, &seq, &ids, &kinds, &depths, &parents, &workcenters, &paths, &bytes, &policies, &lines, &etags];
    db::text(on, INSERT, &values).await?;
    Ok(())
}

/// Writes into `job` the items of the job `of` that are to be done again; returns how many there are.
pub async fn retry(on: &impl GenericClient, job: Uuid, of: Uuid) -> Result<i64> {
    let rows = db::text(on, RETRY, &[&job, &of, &RETRYABLE.as_slice()]).await?;
    Ok(rows[0].get("items"))
}

/// An item whose turn it is: of which job, and how far below one that was named.
pub struct Due {
    pub job: Uuid,
    pub depth: i64,
    pub item: Item,
}

/// The next items of jobs, `most` of each at most.
pub async fn next(on: &impl GenericClient, jobs: &[Uuid], most: i64) -> Result<Vec<Due>> {
    let due = |row: &Row| Due { job: row.get("job_id"), depth: row.get("depth"), item: item(row) };
    Ok(db::text(on, NEXT, &[&jobs, &most]).await?.iter().map(due).collect())
}

/// Whose a job is after a batch, if there is more of it to do.
#[derive(Clone, Copy, Debug)]
pub enum Keep {
    /// The worker's.
    Always,
    /// The worker's for so much longer, while nobody else waits for it.
    WhileAlone(Duration),
    /// Whoever's turn it is.
    Never,
}

/// How a job stands after a batch.
#[derive(Clone, Copy, Debug)]
pub struct Settled {
    pub job: Uuid,
    pub done: i64,
    pub failed: i64,
    pub warned: i64,
    /// Whether there is more of it to do.
    pub is_more: bool,
    /// Whether it is still the worker's.
    pub is_kept: bool,
}

/// Writes what became of items, each with its job, and counts it there; returns how these jobs stand.
pub async fn settle(on: &impl GenericClient, outcomes: &[(Uuid, Outcome)], keep: Keep) -> Result<Vec<Settled>> {
    fn column<'a, T>(outcomes: &'a [(Uuid, Outcome)], of: impl Fn(&'a Outcome) -> T) -> Vec<T> {
        outcomes.iter().map(|(_, it)| of(it)).collect()
    }
    let jobs: Vec<Uuid> = outcomes.iter().map(|(job, _)| *job).collect();
    let (items, states) = (column(outcomes, |it| it.item), column(outcomes, |it| it.state.name()));
    let (codes, texts) = (column(outcomes, |it| it.code.as_ref()), column(outcomes, |it| it.text.as_ref()));
    let columns = column(outcomes, |it| it.column.as_ref());
    let (actions, targets) = (column(outcomes, |it| it.action), column(outcomes, |it| it.target));
    let (paths, leftovers) = (column(outcomes, |it| it.target_path.as_str()), column(outcomes, |it| it.leftover));
    let (always, alone) = match keep {
        Keep::Always => (true, None),
        Keep::WhileAlone(lease) => (false, Some(lease.as_secs_f64())),
        Keep::Never => (false, None),
    };
    let values: [&(dyn db::ToSql + Sync); 12] =
        [&jobs, &items, &states, &codes, &texts, &actions, &targets, &paths, &leftovers, &always, &columns, &alone];
    Ok(db::text(on, SETTLE, &values).await?.iter().map(settled).collect())
}

/// Adds to what is written of items that are done: what they have led to, and what there is to say.
pub async fn amend(on: &impl GenericClient, job: Uuid, outcomes: &[Outcome]) -> Result<()> {
    let items: Vec<Uuid> = outcomes.iter().map(|it| it.item).collect();
    let targets: Vec<Option<Uuid>> = outcomes.iter().map(|it| it.target).collect();
    let codes: Vec<&str> = outcomes.iter().map(|it| it.code.as_ref()).collect();
    let texts: Vec<&str> = outcomes.iter().map(|it| it.text.as_ref()).collect();
    db::text(on, AMEND, &[&job, &items, &targets, &codes, &texts]).await?;
    Ok(())
}

/// Cancels all that is still to be done of a job.
pub async fn cancel(on: &impl GenericClient, job: Uuid) -> Result<()> {
    db::text(on, CANCEL, &[&job]).await?;
    Ok(())
}

/// What is to be cleared away next of a job, `most` at most.
pub async fn leftovers(on: &impl GenericClient, job: Uuid, most: i64) -> Result<Vec<Leftover>> {
    let rows = db::text(on, LEFTOVERS, &[&job, &most]).await?;
    Ok(rows.iter().map(|it| Leftover { item: it.get("item_id"), id: it.get("leftover_id") }).collect())
}

/// Notes that these were looked at; returns whether there are more.
pub async fn swept(on: &impl GenericClient, job: Uuid, leftovers: &[Leftover]) -> Result<bool> {
    let items: Vec<Uuid> = leftovers.iter().map(|it| it.item).collect();
    let rows = db::text(on, SWEPT, &[&job, &items]).await?;
    Ok(rows.first().is_some_and(|it| it.get("more")))
}

/// Those of these jobs of which something is still to be done, or to be cleared away.
pub async fn open(on: &impl GenericClient, jobs: &[Uuid]) -> Result<Vec<Uuid>> {
    Ok(db::text(on, OPEN, &[&jobs]).await?.iter().map(|it| it.get("job_id")).collect())
}

/// The WorkCenters in which something that was named in these jobs was done, each with its job and how many things.
pub async fn workcenters(on: &impl GenericClient, jobs: &[Uuid]) -> Result<Vec<(Uuid, Uuid, i64)>> {
    let rows = db::text(on, WORKCENTERS, &[&jobs]).await?;
    Ok(rows.iter().map(|it| (it.get("job_id"), it.get("workcenter_id"), it.get("items"))).collect())
}

/// The items of a job after one, those in `states` or all.
pub(super) async fn list(
    on: &impl GenericClient,
    job: Uuid,
    states: &[ItemState],
    after: (i64, Uuid),
    most: i64,
) -> Result<Vec<Listed>> {
    let states: Vec<&str> = states.iter().map(|it| it.name()).collect();
    let rows = db::text(on, LIST, &[&job, &states, &after.0, &after.1, &most]).await?;
    Ok(rows.iter().map(listed).collect())
}

fn item(row: &Row) -> Item {
    let above = |id| Above {
        id,
        state: state(row.get("above_state")),
        code: row.get("above_code"),
        target: row.get("above_target"),
        target_path: row.get("above_path"),
        leftover: row.get("above_leftover"),
    };
    Item {
        id: row.get("item_id"),
        kind: kind(row.get("kind")),
        above: row.get::<_, Option<Uuid>>("parent_item_id").map(above),
        path: row.get("path"),
        bytes: row.get("bytes"),
        on_conflict: row.get("on_conflict"),
        etag: row.get("etag"),
    }
}

fn settled(row: &Row) -> Settled {
    Settled {
        job: row.get("id"),
        done: row.get("done"),
        failed: row.get("failed"),
        warned: row.get("warned"),
        is_more: row.get("is_more"),
        is_kept: row.get("is_kept"),
    }
}

fn listed(row: &Row) -> Listed {
    Listed {
        seq: row.get("seq"),
        id: row.get("item_id"),
        kind: kind(row.get("kind")),
        state: state(row.get("state")),
        path: row.get("path"),
        bytes: row.get("bytes"),
        action: row.get("action"),
        code: row.get("code"),
        text: row.get("text"),
        target: row.get("target_id"),
        target_path: row.get("target_path"),
        attempt: row.get("attempt"),
        line: row.get("line"),
        column: row.get("column_name"),
        repeats: row.get("repeats"),
    }
}

fn kind(name: &str) -> ItemKind {
    ItemKind::named(name).expect("the table checks `kind`")
}

fn state(name: &str) -> ItemState {
    ItemState::named(name).expect("the table checks `state`")
}
