//! The table `request`.

use std::time::Duration;

use sea_query::{Expr, ExprTrait, Iden, OnConflict, Query};

use super::Ticket;
use crate::{
    db::{self, GenericClient},
    error::Result,
    secret::Hash,
};

/// How long an answer is kept: longer than any client goes on trying.
const KEPT_FOR: Duration = Duration::from_hours(48);

const SWEEP: &str = "
    with gone as (
        delete from request where ctid = any(array(
            select ctid from request where created_at < now() - make_interval(secs => $1::float8) limit $2))
        returning request_id
    )
    select count(*) as count from gone";

#[derive(Clone, Copy, Iden)]
enum Column {
    #[iden = "request"]
    Table,
    CallerId,
    RequestId,
    Digest,
    Answer,
}

/// What is kept of a request.
pub(super) struct Known {
    pub digest: Vec<u8>,
    pub answer: Vec<u8>,
}

/// Writes the row of a request that is not answered yet; whether there was none.
///
/// Waits for a transaction that has written the same one.
pub(super) async fn insert(on: &impl GenericClient, ticket: Ticket, digest: &Hash) -> Result<bool> {
    let insert = Query::insert()
        .into_table(Column::Table)
        .columns([Column::CallerId, Column::RequestId, Column::Digest, Column::Answer])
        .values_panic([ticket.caller.into(), ticket.id.into(), digest.to_vec().into(), Vec::<u8>::new().into()])
        .on_conflict(OnConflict::columns([Column::CallerId, Column::RequestId]).do_nothing().to_owned())
        .take();
    Ok(db::execute(on, &insert).await? == 1)
}

/// Finds what is kept of a request.
pub(super) async fn find(on: &impl GenericClient, ticket: Ticket) -> Result<Option<Known>> {
    let select = Query::select()
        .columns([Column::Digest, Column::Answer])
        .from(Column::Table)
        .and_where(Expr::col(Column::CallerId).eq(ticket.caller))
        .and_where(Expr::col(Column::RequestId).eq(ticket.id))
        .take();
    let row = db::row(on, &select).await?;
    Ok(row.map(|it| Known { digest: it.get("digest"), answer: it.get("answer") }))
}

/// Writes the answer into the row of its request.
pub(super) async fn answer(on: &impl GenericClient, ticket: Ticket, answer: &[u8]) -> Result<()> {
    let update = Query::update()
        .table(Column::Table)
        .value(Column::Answer, answer.to_vec())
        .and_where(Expr::col(Column::CallerId).eq(ticket.caller))
        .and_where(Expr::col(Column::RequestId).eq(ticket.id))
        .take();
    db::execute(on, &update).await?;
    Ok(())
}

/// Removes the answers that nobody will ask for any more, some at a time; returns how many there were.
///
/// # Errors
///
/// What the database says.
pub async fn sweep(on: &impl GenericClient) -> Result<u64> {
    let rows = db::text(on, SWEEP, &[&KEPT_FOR.as_secs_f64(), &db::SWEPT_MAX]).await?;
    Ok(rows[0].get::<_, i64>("count").unsigned_abs())
}
