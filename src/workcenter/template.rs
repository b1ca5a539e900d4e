//! Which WorkCenters others are made like.

use uuid::Uuid;

use super::{WorkCenter, archive, store};
use crate::{db::Transaction, error::Result};

/// Makes the WorkCenter `id` a template, or none any more. Each time that it is made one is a version of the template, also when
/// it is one already. The caller has entered its account.
///
/// # Errors
///
/// [`Error::NotFound`](crate::error::Error::NotFound) when there is none, [`Error::Refused`](crate::error::Error::Refused) when
/// it is not active.
pub async fn mark_as_template(tx: &Transaction<'_>, id: Uuid, is_template: bool) -> Result<WorkCenter> {
    let space = archive::locked(tx, id).await?.active()?;
    if !is_template && !space.is_template {
        return Ok(space);
    }
    store::mark(tx, space, is_template).await
}
