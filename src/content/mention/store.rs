//! Who of those that are mentioned does not collaborate.

use uuid::Uuid;

use crate::{
    db::{self, GenericClient},
    error::Result,
};

const STRANGERS: &str = "
    select it as id from unnest($2::uuid[]) it
    where not exists (select from collaborator where workcenter_id = $1 and user_id = it)";

/// Those of `users` who do not collaborate in a WorkCenter.
pub(super) async fn strangers(on: &impl GenericClient, workcenter: Uuid, users: &[Uuid]) -> Result<Vec<Uuid>> {
    Ok(db::text(on, STRANGERS, &[&workcenter, &users]).await?.iter().map(|row| row.get("id")).collect())
}
