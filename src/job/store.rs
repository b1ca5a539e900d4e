//! The jobs and their failed items.

use jiff::Timestamp;
use sea_query::{
    Expr, ExprTrait, Iden, LockType, OnConflict, Order, Query, SelectStatement, extension::postgres::PgFunc,
};
use uuid::Uuid;

use super::{Job, Kind, Scope, Slot, State};
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
}

const ALL: [Column; 15] = [
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
];

/// An item that failed twice keeps what was said of it first.
const INSERT_FAILED: &str = "
    insert into job_item (job_id, item_id, code)
    select $1, item_id, code from unnest($2::uuid[], $3::text[]) as failed (item_id, code)
    on conflict (job_id, item_id) do nothing";

/// Which jobs of a scope to list. An empty list of kinds or states stands for all.
pub(super) struct Wanted {
    pub scope: Scope,
    pub kinds: Vec<Kind>,
    pub states: Vec<State>,
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

/// The same, locked until the transaction ends.
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

fn job(row: &Row) -> Job {
    let cadence: Option<String> = row.get("cadence");
    Job {
        id: row.get("id"),
        account: row.get("account_id"),
        kind: Kind::named(row.get("kind")).expect("the table checks `kind`"),
        state: State::named(row.get("state")).expect("the table checks `state`"),
        initiator: row.get("initiator_id"),
        slot: cadence.zip(row.get("due_at")).map(|(cadence, due_at)| Slot { cadence, due_at }),
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
