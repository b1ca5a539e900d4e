//! The directory of an account, in the order of changes. Reads what `account::number` writes.

use uuid::Uuid;

use crate::{
    db::{self, GenericClient, Row},
    error::Result,
    profile::{
        Profile,
        store::{profile, profiles},
    },
};

/// What a directory says of somebody.
pub(super) enum Entry {
    /// They are in it, as this.
    In(Box<Profile>),
    /// They have left.
    Gone(Uuid),
}

/// One snapshot: a profile is at least as new as the place that its person has in the directory. The page is cut in a query of
/// its own, as ids are elsewhere: so whoever is in it is looked up, and the people of the account are not looked through.
const AFTER: &str = profiles!(
    ", directory_entry.seq, member.user_id is not null as is_in",
    "join directory_entry on directory_entry.account_id = $1 and directory_entry.user_id = profile.user_id
    left join member on member.account_id = directory_entry.account_id and member.user_id = directory_entry.user_id
    where profile.user_id = any(array(
        select user_id from directory_entry where account_id = $1 and seq > $2 order by seq limit $3))
    order by directory_entry.seq"
);

/// Those who are or were in the directory of `account` and have changed, come or gone after the place `seen`, in that
/// order.
pub(super) async fn after(on: &impl GenericClient, account: Uuid, seen: i64, fetch: i64) -> Result<Vec<(i64, Entry)>> {
    let rows = db::text(on, AFTER, &[&account, &seen, &fetch]).await?;
    rows.iter().map(|row: &Row| Ok((row.get("seq"), entry(row)?))).collect()
}

fn entry(row: &Row) -> Result<Entry> {
    let is_in: bool = row.get("is_in");
    Ok(if is_in { Entry::In(Box::new(profile(row)?)) } else { Entry::Gone(row.get("user_id")) })
}
