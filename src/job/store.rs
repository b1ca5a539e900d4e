//! The jobs and their failed items.

use jiff::Timestamp;
use sea_query::{
    Expr, ExprTrait, Iden, LockType, OnConflict, Order, Query, SelectStatement, extension::postgres::PgFunc,
};
use uuid::Uuid;

use super::{
    Job, Kind, Scope, Slot, State,
    bulk::{Bulk, New, Order as Asked, Target},
};
use crate::{
    db::{self, GenericClient, Row},
    error::Result,
    ids,
};

#[derive(Clone, Copy, Iden)]
enum Column {
    #[iden = "job"]
    Table,
    Id,
    AccountId,
    Kind,
    State,
    InitiatorId,
    Key,
    Cadence,
    DueAt,
    Total,
    Done,
    Skipped,
    Failed,
    Revision,
    CreatedAt,
    UpdatedAt,
    FinishedAt,
    Roots,
    TargetWorkcenterId,
    TargetFolderId,
    TargetPath,
    OnConflict,
    OnFolderConflict,
    IncludesVersions,
    SkipsIdentical,
    IncludesComments,
    IsRecursive,
    StopsOnFailure,
    InitiatorName,
    RetryOf,
    ParentId,
    TotalBytes,
    DoneBytes,
    Warned,
    CurrentPath,
    ErrorItems,
    ErrorPaths,
    ErrorCodes,
    StartedAt,
    CancelRequestedAt,
    CancelRequestedBy,
    Fence,
}

const ALL: [Column; 39] = [
    Column::Id,
    Column::AccountId,
    Column::Kind,
    Column::State,
    Column::InitiatorId,
    Column::Cadence,
    Column::DueAt,
    Column::Total,
    Column::Done,
    Column::Skipped,
    Column::Failed,
    Column::Revision,
    Column::CreatedAt,
    Column::UpdatedAt,
    Column::FinishedAt,
    Column::Roots,
    Column::TargetWorkcenterId,
    Column::TargetFolderId,
    Column::TargetPath,
    Column::OnConflict,
    Column::OnFolderConflict,
    Column::IncludesVersions,
    Column::SkipsIdentical,
    Column::IncludesComments,
    Column::IsRecursive,
    Column::StopsOnFailure,
    Column::InitiatorName,
    Column::RetryOf,
    Column::ParentId,
    Column::TotalBytes,
    Column::DoneBytes,
    Column::Warned,
    Column::CurrentPath,
    Column::ErrorItems,
    Column::ErrorPaths,
    Column::ErrorCodes,
    Column::StartedAt,
    Column::CancelRequestedAt,
    Column::CancelRequestedBy,
];

/// An item that failed twice keeps what was said of it first.
const INSERT_FAILED: &str = "
    insert into job_item (job_id, item_id, code)
    select $1, item_id, code from unnest($2::uuid[], $3::text[]) as failed (item_id, code)
    on conflict (job_id, item_id) do nothing";

const INSERT_BULK: &str = "
    insert into job (id, account_id, kind, state, initiator_id, initiator_name, request_id, total, total_bytes, roots,
        target_workcenter_id, target_folder_id, target_path, on_conflict, on_folder_conflict, includes_versions,
        is_recursive, stops_on_failure, skips_identical, includes_comments)
    values ($1, $2, $3, 'QUEUED', $4,
        coalesce((select trim(first_name || ' ' || last_name) from profile where user_id = $4), ''),
        $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";

const INSERT_RETRY: &str = "
    insert into job (id, account_id, kind, state, initiator_id, initiator_name, request_id, retry_of, total, roots,
        target_workcenter_id, target_folder_id, target_path, on_conflict, on_folder_conflict, includes_versions,
        is_recursive, stops_on_failure, skips_identical, includes_comments)
    select $1, account_id, kind, 'QUEUED', $3,
        coalesce((select trim(first_name || ' ' || last_name) from profile where user_id = $3), ''),
        $4, id, 0, roots, target_workcenter_id, target_folder_id, target_path, on_conflict, on_folder_conflict,
        includes_versions, is_recursive, stops_on_failure, skips_identical,
        includes_comments
    from job where id = $2";

const COUNT: &str = "
    update job set total = it.items, total_bytes = it.bytes
    from (select count(*) as items, coalesce(sum(bytes), 0)::bigint as bytes from job_item where job_id = $1 and seq > 0) it
    where id = $1";

const AIM: &str = "update job set target_workcenter_id = $2 where id = $1";

const CANCEL: &str = "
    update job set state = 'CANCELLING', cancel_requested_at = now(), cancel_requested_by = $2, revision = revision + 1,
        updated_at = statement_timestamp()
    where id = $1 and finished_at is null and cancel_requested_at is null and kind <> 'DIGEST_RUN'";

/// Which jobs of a scope to list. An empty list of kinds or states stands for all.
pub(super) struct Wanted {
    pub scope: Scope,
    pub kinds: Vec<Kind>,
    pub states: Vec<State>,
    /// Only what this person started.
    pub initiator: Option<Uuid>,
    /// Only those made since then, and before then.
    pub made: [Option<Timestamp>; 2],
    /// Only those before this one, newest first.
    pub before: Option<Uuid>,
    pub fetch: i64,
}

fn select() -> SelectStatement {
    Query::select().columns(ALL).from(Column::Table).take()
}

fn of(scope: Scope) -> Expr {
    match scope {
        Scope::Mine(person) => Expr::col(Column::InitiatorId).eq(person),
        Scope::Account(id) => Expr::col(Column::AccountId).eq(id),
    }
}

/// The job `id`, if there is one.
pub(super) async fn find(on: &impl GenericClient, id: Uuid) -> Result<Option<Job>> {
    let select = select().and_where(Expr::col(Column::Id).eq(id)).take();
    Ok(db::row(on, &select).await?.as_ref().map(job))
}

/// Whether so many jobs of the account are not over, but for digest runs.
pub(super) async fn has_open(on: &impl GenericClient, account: Uuid, many: i64) -> Result<bool> {
    let open =
        "select from job where account_id = $1 and finished_at is null and kind <> 'DIGEST_RUN' offset $2 limit 1";
    Ok(!db::text(on, open, &[&account, &(many - 1)]).await?.is_empty())
}

/// Those of the jobs `ids` that there are.
pub(super) async fn these(on: &impl GenericClient, ids: Vec<Uuid>) -> Result<Vec<Job>> {
    let select = select().and_where(Expr::col(Column::Id).eq(PgFunc::any(ids))).take();
    Ok(db::rows(on, &select).await?.iter().map(job).collect())
}

/// Those of the bulk jobs `ids` that are not over, locked until the transaction ends, each with its fence.
pub(super) async fn hold(on: &impl GenericClient, ids: Vec<Uuid>) -> Result<Vec<(Job, i64)>> {
    let select = select()
        .column(Column::Fence)
        .and_where(Expr::col(Column::Id).eq(PgFunc::any(ids)))
        .and_where(Expr::col(Column::FinishedAt).is_null())
        // As everybody locks jobs.
        .order_by(Column::Id, Order::Asc)
        .lock(LockType::NoKeyUpdate)
        .take();
    Ok(db::rows(on, &select).await?.iter().map(|row| (job(row), row.get("fence"))).collect())
}

/// The job `id`, if there is one, locked until the transaction ends.
pub(super) async fn lock(on: &impl GenericClient, id: Uuid) -> Result<Option<Job>> {
    let select = select().and_where(Expr::col(Column::Id).eq(id)).lock(LockType::Update).take();
    Ok(db::row(on, &select).await?.as_ref().map(job))
}

/// The job with this key, if there is one.
pub(super) async fn keyed(on: &impl GenericClient, key: &str) -> Result<Option<Job>> {
    let select = select().and_where(Expr::col(Column::Key).eq(key)).take();
    Ok(db::row(on, &select).await?.as_ref().map(job))
}

/// The jobs that are wanted, newest first.
pub(super) async fn list(on: &impl GenericClient, wanted: &Wanted) -> Result<Vec<Job>> {
    let mut select = select();
    select.and_where(of(wanted.scope)).order_by(Column::Id, Order::Desc).limit(wanted.fetch.unsigned_abs());
    if let Some(before) = wanted.before {
        select.and_where(Expr::col(Column::Id).lt(before));
    }
    if let Some(initiator) = wanted.initiator {
        select.and_where(Expr::col(Column::InitiatorId).eq(initiator));
    }
    let [since, before] = wanted.made;
    if let Some(since) = since {
        select.and_where(Expr::col(Column::CreatedAt).gte(since));
    }
    if let Some(before) = before {
        select.and_where(Expr::col(Column::CreatedAt).lt(before));
    }
    let kinds: Vec<&str> = wanted.kinds.iter().map(|it| it.name()).collect();
    let states: Vec<&str> = wanted.states.iter().map(|it| it.name()).collect();
    for (column, names) in [(Column::Kind, kinds), (Column::State, states)] {
        if !names.is_empty() {
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            select.and_where(Expr::col(column).eq(PgFunc::any(names)));
        }
    }
    Ok(db::rows(on, &select).await?.iter().map(job).collect())
}

/// The newest `limit` jobs of `scope` that are not over, or have changed within the last `seconds`.
pub(super) async fn stirring(on: &impl GenericClient, scope: Scope, seconds: f64, limit: u64) -> Result<Vec<Job>> {
    let since = Expr::cust_with_values("now() - make_interval(secs => $1)", [seconds]);
    let select = select()
        .and_where(of(scope))
        .and_where(Expr::col(Column::FinishedAt).is_null().or(Expr::col(Column::UpdatedAt).gt(since)))
        .order_by(Column::Id, Order::Desc)
        .limit(limit)
        .take();
    Ok(db::rows(on, &select).await?.iter().map(job).collect())
}

/// Begins a job and returns its id, unless there is one with this key.
pub(super) async fn insert(
    on: &impl GenericClient,
    account: Uuid,
    slot: &Slot,
    key: &str,
    total: i64,
) -> Result<Option<Uuid>> {
    use Column as C;
    let columns = [C::Id, C::AccountId, C::Kind, C::State, C::Key, C::Cadence, C::DueAt, C::Total];
    let insert = Query::insert()
        .into_table(Column::Table)
        .columns(columns)
        .values_panic([
            ids::new().into(),
            account.into(),
            Kind::DigestRun.name().into(),
            State::Running.name().into(),
            key.into(),
            slot.cadence.as_str().into(),
            slot.due_at.into(),
            total.into(),
        ])
        .on_conflict(OnConflict::column(Column::Key).do_nothing().to_owned())
        .returning(Query::returning().column(Column::Id))
        .take();
    Ok(db::row(on, &insert).await?.map(|row| row.get("id")))
}

/// Writes how far `job` has come. When it changed is the start of this statement, not of the transaction.
pub(super) async fn update(on: &impl GenericClient, job: &Job) -> Result<()> {
    let now = || Expr::cust("statement_timestamp()");
    let finished_at = if job.state.is_final() { now() } else { Expr::val(None::<Timestamp>) };
    let update = Query::update()
        .table(Column::Table)
        .value(Column::State, job.state.name())
        .value(Column::Total, job.total)
        .value(Column::Done, job.done)
        .value(Column::Skipped, job.skipped)
        .value(Column::Failed, job.failed)
        .value(Column::Revision, job.revision)
        .value(Column::UpdatedAt, now())
        .value(Column::FinishedAt, finished_at)
        .and_where(Expr::col(Column::Id).eq(job.id))
        .take();
    db::execute(on, &update).await?;
    Ok(())
}

/// Notes the items of the job `id` that failed.
pub(super) async fn insert_failed(on: &impl GenericClient, id: Uuid, failed: &[(Uuid, &str)]) -> Result<()> {
    if failed.is_empty() {
        return Ok(());
    }
    let (items, codes): (Vec<Uuid>, Vec<&str>) = failed.iter().copied().unzip();
    db::text(on, INSERT_FAILED, &[&id, &items, &codes]).await?;
    Ok(())
}

/// Begins the bulk job `id` with so many items and bytes.
pub(super) async fn insert_bulk(
    on: &impl GenericClient,
    id: Uuid,
    new: &New<'_>,
    total: i64,
    bytes: i64,
) -> Result<()> {
    let order = new.order;
    let target = order.target.as_ref();
    let (workcenter, folder) = (target.map(|it| it.workcenter), target.and_then(|it| it.folder));
    let path = target.map_or("", |it| it.path.as_str());
    let kind = new.kind.name();
    let values: [&(dyn db::ToSql + Sync); 18] = [
        &id,
        &new.account,
        &kind,
        &new.initiator,
        &new.request_id,
        &total,
        &bytes,
        &order.roots,
        &workcenter,
        &folder,
        &path,
        &order.on_conflict,
        &order.on_folder_conflict,
        &order.includes_versions,
        &order.is_recursive,
        &order.stops_on_failure,
        &order.skips_identical,
        &order.includes_comments,
    ];
    db::text(on, INSERT_BULK, &values).await?;
    Ok(())
}

/// Begins the job `id`, which does items of the job `of` again for `by`. Its items are counted later.
pub(super) async fn insert_retry(
    on: &impl GenericClient,
    id: Uuid,
    of: Uuid,
    by: Uuid,
    request_id: &str,
) -> Result<()> {
    db::text(on, INSERT_RETRY, &[&id, &of, &by, &request_id]).await?;
    Ok(())
}

/// Notes the WorkCenter that the bulk job `id` copies into.
pub(super) async fn aim(on: &impl GenericClient, id: Uuid, workcenter: Uuid) -> Result<()> {
    db::text(on, AIM, &[&id, &workcenter]).await?;
    Ok(())
}

/// Counts the items of the bulk job `id`.
pub(super) async fn count(on: &impl GenericClient, id: Uuid) -> Result<()> {
    db::text(on, COUNT, &[&id]).await?;
    Ok(())
}

/// Notes that `by` wants the bulk job `id` to stop, unless it is over or somebody has wanted it before.
pub(super) async fn cancel(on: &impl GenericClient, id: Uuid, by: Uuid) -> Result<()> {
    db::text(on, CANCEL, &[&id, &by]).await?;
    Ok(())
}

fn bulk(row: &Row) -> Bulk {
    let workcenter: Option<Uuid> = row.get("target_workcenter_id");
    let target = |workcenter| Target { workcenter, folder: row.get("target_folder_id"), path: row.get("target_path") };
    let (ids, paths): (Vec<Uuid>, Vec<String>) = (row.get("error_items"), row.get("error_paths"));
    let codes: Vec<String> = row.get("error_codes");
    Bulk {
        order: Asked {
            roots: row.get("roots"),
            target: workcenter.map(target),
            on_conflict: row.get("on_conflict"),
            on_folder_conflict: row.get("on_folder_conflict"),
            includes_versions: row.get("includes_versions"),
            skips_identical: row.get("skips_identical"),
            includes_comments: row.get("includes_comments"),
            is_recursive: row.get("is_recursive"),
            stops_on_failure: row.get("stops_on_failure"),
        },
        initiator_name: row.get("initiator_name"),
        retry_of: row.get("retry_of"),
        parent: row.get("parent_id"),
        total_bytes: row.get("total_bytes"),
        done_bytes: row.get("done_bytes"),
        warned: row.get("warned"),
        current_path: row.get("current_path"),
        errors: ids.into_iter().zip(paths).zip(codes).map(|((id, path), code)| (id, path, code)).collect(),
        started_at: row.get("started_at"),
        cancel_requested_at: row.get("cancel_requested_at"),
        cancel_requested_by: row.get("cancel_requested_by"),
    }
}

fn job(row: &Row) -> Job {
    let cadence: Option<String> = row.get("cadence");
    let kind = Kind::named(row.get("kind")).expect("the table checks `kind`");
    Job {
        id: row.get("id"),
        account: row.get("account_id"),
        kind,
        state: State::named(row.get("state")).expect("the table checks `state`"),
        initiator: row.get("initiator_id"),
        slot: cadence.zip(row.get("due_at")).map(|(cadence, due_at)| Slot { cadence, due_at }),
        bulk: (kind != Kind::DigestRun).then(|| bulk(row)),
        total: row.get("total"),
        done: row.get("done"),
        skipped: row.get("skipped"),
        failed: row.get("failed"),
        revision: row.get("revision"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
        finished_at: row.get("finished_at"),
    }
}
