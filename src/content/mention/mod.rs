//! People whom a post or a comment mentions.

mod store;

use uuid::Uuid;

use crate::{
    activity::Reason,
    db::GenericClient,
    error::{Result, Violations},
};

/// Refuses those of `users` who are mentioned in `field` of a request and do not collaborate in a WorkCenter.
///
/// # Errors
///
/// [`crate::error::Error::Invalid`].
pub(super) async fn check(on: &impl GenericClient, workcenter: Uuid, field: &str, users: &[Uuid]) -> Result<()> {
    let mut violations = Violations::default();
    if !users.is_empty() {
        let strangers = store::strangers(on, workcenter, users).await?;
        for (place, _) in users.iter().enumerate().filter(|it| strangers.contains(it.1)) {
            violations.add(format!("{field}[{place}]"), "must be a collaborator of the WorkCenter");
        }
    }
    violations.none()
}

/// Those of `users` whom an event concerns that `by` has caused: nobody is told of what they wrote themselves.
pub(super) fn addressees(users: &[Uuid], by: Uuid) -> Vec<(Uuid, Reason)> {
    users.iter().filter(|it| **it != by).map(|it| (*it, Reason::Mention)).collect()
}
