//! The table `person_log`.

use std::collections::HashMap;

use uuid::Uuid;

use crate::{
    db::{self, GenericClient, Row},
    error::Result,
};

const FIND: &str = "
    select account_id, user_id, log_id
    from unnest($1::uuid[], $2::uuid[]) as it(account_id, user_id) join person_log using (account_id, user_id)";

const OF_MEMBER: &str = "
    select person_log.log_id from person_log join member using (account_id, user_id)
    where person_log.account_id = $1 and person_log.user_id = $2";

/// Whoever deactivates an account waits for this, and this for them.
const ENTER: &str = "
    select account.deactivated_at is not null as deactivated
    from account join member on member.account_id = account.id and member.user_id = $2
    where account.id = $1 for share of account";

const INSERT: &str = "
    insert into person_log (account_id, user_id, log_id) values ($1, $2, $3)
    on conflict (account_id, user_id) do nothing returning log_id";

/// The own logs of people in accounts, each as (account, person), by the same: of those who have one, whether they are in the
/// account or were.
///
/// # Errors
///
/// What the database says.
pub async fn find(on: &impl GenericClient, people: &[(Uuid, Uuid)]) -> Result<HashMap<(Uuid, Uuid), Uuid>> {
    let (accounts, users): (Vec<Uuid>, Vec<Uuid>) = people.iter().copied().unzip();
    let own = |row: &Row| ((row.get("account_id"), row.get("user_id")), row.get("log_id"));
    Ok(db::text(on, FIND, &[&accounts, &users]).await?.iter().map(own).collect())
}

/// The own log of somebody who is in the account.
pub(super) async fn of_member(on: &impl GenericClient, account: Uuid, user: Uuid) -> Result<Option<Uuid>> {
    Ok(db::text(on, OF_MEMBER, &[&account, &user]).await?.first().map(|row| row.get("log_id")))
}

/// Whether the account is deactivated, which stays so until the transaction ends; `None` for somebody who is not in it.
pub(super) async fn enter(on: &impl GenericClient, account: Uuid, user: Uuid) -> Result<Option<bool>> {
    Ok(db::text(on, ENTER, &[&account, &user]).await?.first().map(|row| row.get("deactivated")))
}

/// Notes the log of a person, unless they have one; waits for whoever is noting another.
pub(super) async fn insert(on: &impl GenericClient, account: Uuid, user: Uuid, log: Uuid) -> Result<bool> {
    Ok(!db::text(on, INSERT, &[&account, &user, &log]).await?.is_empty())
}

/// Whether the person reads the log.
pub(super) async fn attends(on: &impl GenericClient, user: Uuid, log: Uuid) -> Result<bool> {
    let find = "select from subscription where log_id = $1 and user_id = $2 and ended_at is null";
    Ok(!db::text(on, find, &[&log, &user]).await?.is_empty())
}
