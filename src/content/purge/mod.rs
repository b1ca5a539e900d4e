//! Purging what was deleted long enough ago, and all that is in WorkCenters that are to be purged, a batch at a time: what was
//! deleted itself goes last, so whoever is stopped goes on where they were.

mod store;

use jiff::Timestamp;

use crate::{db::Connection, error::Result};

/// What is purged at a time, and rows that one transaction removes at most, so that none holds its locks for long.
const ROOTS_MAX: i64 = 500;
const ROWS_MAX: i64 = 5_000;

/// Removes a batch of what is to be purged at `now`. False when there is nothing, or other daemons have it. Bytes that nothing
/// names any more by that go a day later.
///
/// # Errors
///
/// What the database says.
pub async fn purge(client: &mut Connection, now: Timestamp) -> Result<bool> {
    let tx = client.transaction().await?;
    let mut roots = store::due(&tx, now, ROOTS_MAX).await?;
    if roots.is_empty() {
        roots = store::left(&tx, now, ROOTS_MAX).await?;
    }
    // What is said of something goes before it, and the tasks of documents before those.
    let tasks = match roots.is_empty() {
        true => store::loose_tasks(&tx, now, ROOTS_MAX).await?,
        false => store::tasks_below(&tx, &roots, ROOTS_MAX).await?,
    };
    let posts = if roots.is_empty() { store::loose_posts(&tx, now, ROOTS_MAX).await? } else { Vec::new() };
    let mut removed = store::remove_comments(&tx, &roots, &tasks, &posts, ROWS_MAX).await?;
    if removed == 0 {
        removed = store::remove_tasks(&tx, &tasks).await? + store::remove_posts(&tx, &posts).await?;
    }
    if removed == 0 {
        removed = store::remove_versions(&tx, &roots, ROWS_MAX).await?;
    }
    if removed == 0 {
        removed = store::remove(&tx, &roots, ROWS_MAX).await?;
    }
    tx.commit().await?;
    Ok(removed > 0)
}
