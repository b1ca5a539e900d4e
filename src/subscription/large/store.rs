//! Who hears of WorkCenters that have become large, and what is read of the account with each log.

use uuid::Uuid;

use super::OfAccount;
use crate::{
    db::{self, GenericClient, Row},
    error::Result,
    subscription::store::delivery,
};

/// Whatever they have set: it may be another thing by the time their recipient is locked. Administrators are told in digests.
const HEARERS: &str = "
    select user_id, log_id from subscription
    where log_id = any($1) and ended_at is null and administrator_from is null";

/// The people who hear of `logs` as collaborators, each with the log.
pub(in crate::subscription) async fn hearers(on: &impl GenericClient, logs: &[Uuid]) -> Result<Vec<(Uuid, Uuid)>> {
    if logs.is_empty() {
        return Ok(Vec::new());
    }
    let rows = db::text(on, HEARERS, &[&logs]).await?;
    Ok(rows.iter().map(|row| (row.get("user_id"), row.get("log_id"))).collect())
}

/// Reads it from the columns `of_account` and `large`.
pub(in crate::subscription) fn of_account(row: &Row) -> OfAccount {
    OfAccount { default: delivery(row, "of_account"), large: row.get("large") }
}
