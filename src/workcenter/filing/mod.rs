//! What a WorkCenter is filed under, as a template has it.

mod store;

use uuid::Uuid;

use crate::{db::Transaction, error::Result};

/// Files the WorkCenter `id` under `category`. The caller has it alone, and tells nobody.
///
/// # Errors
///
/// What the database says.
pub async fn file(tx: &Transaction<'_>, id: Uuid, category: &str) -> Result<()> {
    store::file(tx, id, category).await
}
