//! The category in the table `workcenter`.

use uuid::Uuid;

use crate::{
    db::{self, GenericClient},
    error::Result,
};

const FILE: &str = "update workcenter set category = $2, revision = revision + 1 where id = $1";

/// Files the WorkCenter `id` under `category`.
pub(super) async fn file(on: &impl GenericClient, id: Uuid, category: &str) -> Result<()> {
    db::text(on, FILE, &[&id, &category]).await?;
    Ok(())
}
