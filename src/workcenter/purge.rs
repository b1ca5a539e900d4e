//! Purging deleted WorkCenters, a batch at a time: the row itself goes last, so whoever is stopped goes on where they were.

use jiff::Timestamp;

use super::store;
use crate::{activity, db::Connection, error::Result, subscription};

/// Rows of a kind that one transaction removes at most, so that none holds its locks for long.
const ROWS_MAX: i64 = 5_000;

/// Removes a batch of what is left of a WorkCenter that is to be purged at `now`. False when there is none, or another
/// daemon has it.
///
/// # Errors
///
/// What the database says.
pub async fn purge(client: &mut Connection, now: Timestamp) -> Result<bool> {
    let tx = client.transaction().await?;
    let Some(id) = store::lock_purgeable(&tx, now).await? else { return Ok(false) };
    let mut removed = activity::forget(&tx, id, ROWS_MAX).await?;
    removed += subscription::forget(&tx, id, ROWS_MAX).await?;
    removed += store::empty(&tx, id, ROWS_MAX).await?;
    if removed == 0 {
        store::purge(&tx, id).await?;
    }
    tx.commit().await?;
    Ok(true)
}
