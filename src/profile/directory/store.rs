//! The directory of an account, in the order of changes. Reads what `account::announce` writes.

use uuid::Uuid;

use crate::{
    db::{self, GenericClient, Row},
    error::Result,
    profile::{
        Profile,
        store::{profile, profiles},
    },
};

/// One snapshot: a profile is at least as new as the place that its person has in the directory.
const AFTER: &str = profiles!(
    "directory_entry.seq, ",
    "join directory_entry on directory_entry.user_id = profile.user_id
    join member on member.account_id = directory_entry.account_id and member.user_id = directory_entry.user_id
    where directory_entry.account_id = $1 and directory_entry.seq > $2
    order by directory_entry.seq limit $3"
);

/// Those in the directory of `account` who have changed after the place `seen`, in the order of their changes.
pub(super) async fn after(
    on: &impl GenericClient,
    account: Uuid,
    seen: i64,
    fetch: i64,
) -> Result<Vec<(i64, Profile)>> {
    let rows = db::text(on, AFTER, &[&account, &seen, &fetch]).await?;
    rows.iter().map(|row: &Row| Ok((row.get("seq"), profile(row)?))).collect()
}
