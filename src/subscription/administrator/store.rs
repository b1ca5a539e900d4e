//! The table `administrator_digest`, and the subscriptions that follow from it.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Choice, Overview};
use crate::{
    db::{self, GenericClient, Row},
    error::Result,
    subscription::{
        Cadence, Delivery,
        store::{Held, delivery, held},
    },
};

/// Whether a digest tells of a WorkCenter that its administrator does not collaborate in.
macro_rules! tells {
    () => {
        "(digest.categories = '{}' or workcenter.category = any(digest.categories))
            and workcenter.id <> all(digest.excluded)"
    };
}

const FIND: &str = "
    select delivery, categories, excluded, silenced_by is not null as silenced, revision
    from administrator_digest where account_id = $1 and user_id = $2";

const WRITE: &str = "
    insert into administrator_digest (account_id, user_id, delivery, categories, excluded, revision)
    values ($1, $2, $3, $4, $5, $6::bigint + 1)
    on conflict (account_id, user_id) do update set delivery = excluded.delivery,
        categories = excluded.categories, excluded = excluded.excluded, revision = excluded.revision,
        silenced_by = case when $7 then administrator_digest.silenced_by end,
        silenced_from = case when $7 then administrator_digest.silenced_from end";

/// Nothing is left that a link could undo.
const RESIGN: &str = "
    update administrator_digest
    set delivery = 'OFF', silenced_by = null, silenced_from = null, revision = revision + 1
    where account_id = $1 and user_id = $2 and (delivery <> 'OFF' or silenced_by is not null)";

const SILENCE: &str = "
    update administrator_digest
    set delivery = 'OFF', silenced_by = $3, silenced_from = delivery, revision = revision + 1
    where account_id = $1 and user_id = $2 and delivery <> 'OFF'";

const UNSILENCE: &str = "
    update administrator_digest
    set delivery = silenced_from, silenced_by = null, silenced_from = null, revision = revision + 1
    where account_id = $1 and user_id = $2 and silenced_by = $3 and delivery = 'OFF'
    returning delivery";

/// Those whose digest is on, or may be so again without a word to anybody who has the account.
const LISTENING: &str = "
    select user_id from administrator_digest
    where account_id = $1 and (delivery <> 'OFF' or silenced_by is not null) order by user_id";

/// In the order of their ids, as everybody locks them.
const LOCK: &str = concat!(
    "select subscription.id, subscription.account_id, subscription.user_id, subscription.log_id, subscription.delivery,
        subscription.cadence, subscription.cursor, false as ended, false as own, activity_head.last_seq,
        account.default_delivery as of_account, workcenter.large, digest.delivery as administrator, ",
    tells!(),
    " as stays
    from subscription
    join administrator_digest digest
        on digest.account_id = subscription.account_id and digest.user_id = subscription.user_id
    join workcenter on workcenter.id = subscription.log_id
    join activity_head on activity_head.log_id = subscription.log_id
    join account on account.id = subscription.account_id
    where subscription.user_id = any($2) and subscription.account_id = $1
        and ($3::uuid is null or subscription.log_id = $3)
        and subscription.ended_at is null and subscription.administrator_from is not null
    order by subscription.id for no key update of subscription"
);

/// What digests that are on are to tell of and have no live subscription to. Who collaborates hears by that.
const MISSING: &str = concat!(
    "select digest.account_id, digest.user_id, workcenter.id as log_id, digest.delivery
    from administrator_digest digest
    join member on member.account_id = digest.account_id and member.user_id = digest.user_id
        and member.role = 'ADMINISTRATOR'
    join workcenter on workcenter.account_id = digest.account_id
        and workcenter.archived_at is null and workcenter.purge_at is null and workcenter.provisioning_job_id is null
    left join collaborator on collaborator.workcenter_id = workcenter.id and collaborator.user_id = digest.user_id
    left join subscription live on live.log_id = workcenter.id and live.user_id = digest.user_id
        and live.ended_at is null
    where digest.account_id = any($1) and digest.user_id = any($2)
        and ($3::uuid[] is null or workcenter.id = any($3))
        and digest.delivery <> 'OFF' and collaborator.user_id is null and live.id is null and ",
    tells!()
);

const REVIVE: &str = "
    update subscription set ended_at = null, begun_at = $4, cadence = it.cadence, administrator_from = it.seq
    from unnest($1::uuid[], $2::text[], $3::bigint[]) as it (id, cadence, seq) where subscription.id = it.id";

const LIST: &str = "
    select account.id, account.name, coalesce(digest.delivery, 'OFF') as delivery,
        coalesce(digest.categories, '{}') as categories, coalesce(digest.excluded, '{}') as excluded,
        digest.silenced_by is not null as silenced, coalesce(digest.revision, 1) as revision, (
            select count(*) from subscription join workcenter on workcenter.id = subscription.log_id
            where subscription.user_id = $1 and subscription.account_id = account.id
                and subscription.ended_at is null and subscription.administrator_from is not null
                and subscription.cadence <> 'OFF' and workcenter.archived_at is null and workcenter.purge_at is null
        ) as workcenters
    from member join account on account.id = member.account_id
    left join administrator_digest digest on digest.account_id = account.id and digest.user_id = member.user_id
    where member.user_id = $1 and member.role = 'ADMINISTRATOR'
        and ($2::uuid is null or account.id > $2) and ($3::uuid is null or account.id = $3)
    order by account.id limit $4";

/// Those of these that are no WorkCenter of the account, or none yet.
const STRANGE: &str = "
    select it.id from unnest($2::uuid[]) as it (id)
    left join workcenter on workcenter.id = it.id and workcenter.account_id = $1 and workcenter.provisioning_job_id is null
    where workcenter.id is null";

/// What is to be told of to an administrator and is not.
pub(super) struct Missing {
    pub account: Uuid,
    pub user: Uuid,
    pub log: Uuid,
    pub delivery: Delivery,
}

/// What `user` has chosen for `account`, or somebody who has chosen nothing.
pub(super) async fn find(on: &impl GenericClient, account: Uuid, user: Uuid) -> Result<Choice> {
    let rows = db::text(on, FIND, &[&account, &user]).await?;
    Ok(rows.first().map_or_else(Choice::default, choice))
}

/// Writes what `user` has chosen for `account`; its revision grows.
pub(super) async fn write(on: &impl GenericClient, account: Uuid, user: Uuid, it: &Choice) -> Result<()> {
    let Choice { delivery, categories, excluded, silenced, revision } = it;
    db::text(on, WRITE, &[&account, &user, &delivery.name(), categories, excluded, revision, silenced]).await?;
    Ok(())
}

/// Switches off what `user` had chosen for `account`, for good.
pub(super) async fn resign(on: &impl GenericClient, account: Uuid, user: Uuid) -> Result<()> {
    db::text(on, RESIGN, &[&account, &user]).await?;
    Ok(())
}

/// Switches off what `user` has chosen for `account`, by a link of the kind `by`.
pub(super) async fn silence(on: &impl GenericClient, account: Uuid, user: Uuid, by: &str) -> Result<()> {
    db::text(on, SILENCE, &[&account, &user, &by]).await?;
    Ok(())
}

/// Sets what a link of the kind `by` has switched off as it was before; returns how, if it has.
pub(super) async fn unsilence(
    on: &impl GenericClient,
    account: Uuid,
    user: Uuid,
    by: &str,
) -> Result<Option<Delivery>> {
    let rows = db::text(on, UNSILENCE, &[&account, &user, &by]).await?;
    Ok(rows.first().map(|row| delivery(row, "delivery")))
}

/// Whose digest of `account` is on, or may be so again by a link.
pub(super) async fn listening(on: &impl GenericClient, account: Uuid) -> Result<Vec<Uuid>> {
    Ok(db::text(on, LISTENING, &[&account]).await?.iter().map(|row| row.get("user_id")).collect())
}

/// Locks the live subscriptions that people have as administrators of `account`, to all logs or one, each with whether
/// their digest tells of it.
pub(super) async fn lock(
    on: &impl GenericClient,
    account: Uuid,
    users: &[Uuid],
    log: Option<Uuid>,
) -> Result<Vec<(Held, bool)>> {
    let rows = db::text(on, LOCK, &[&account, &users, &log]).await?;
    Ok(rows.iter().map(|row| (held(row), row.get("stays"))).collect())
}

/// What the digests of `users` in `accounts` are to tell of and do not, of all logs or these.
pub(super) async fn missing(
    on: &impl GenericClient,
    accounts: &[Uuid],
    users: &[Uuid],
    logs: Option<&[Uuid]>,
) -> Result<Vec<Missing>> {
    let rows = db::text(on, MISSING, &[&accounts, &users, &logs]).await?;
    let missing = |row: &Row| Missing {
        account: row.get("account_id"),
        user: row.get("user_id"),
        log: row.get("log_id"),
        delivery: delivery(row, "delivery"),
    };
    Ok(rows.iter().map(missing).collect())
}

/// Makes ended subscriptions live again, as those of administrators: each at its cadence, from its number on.
pub(super) async fn revive(on: &impl GenericClient, revived: &[(Uuid, Cadence, i64)], now: Timestamp) -> Result<()> {
    let ids: Vec<Uuid> = revived.iter().map(|(id, ..)| *id).collect();
    let (cadences, seqs): (Vec<&str>, Vec<i64>) = revived.iter().map(|(_, it, seq)| (it.name(), *seq)).unzip();
    if !ids.is_empty() {
        db::text(on, REVIVE, &[&ids, &cadences, &seqs, &now]).await?;
    }
    Ok(())
}

/// The digests of the accounts that `user` administers, by account, after the account `after`; only that of `account`
/// when there is one.
pub(super) async fn list(
    on: &impl GenericClient,
    user: Uuid,
    after: Option<Uuid>,
    account: Option<Uuid>,
    fetch: i64,
) -> Result<Vec<Overview>> {
    let rows = db::text(on, LIST, &[&user, &after, &account, &fetch]).await?;
    let overview = |row: &Row| Overview {
        account: row.get("id"),
        account_name: row.get("name"),
        choice: choice(row),
        workcenters: row.get("workcenters"),
    };
    Ok(rows.iter().map(overview).collect())
}

/// Those of `ids` that are no WorkCenter of `account`.
pub(super) async fn strange(on: &impl GenericClient, account: Uuid, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    Ok(db::text(on, STRANGE, &[&account, &ids]).await?.iter().map(|row| row.get("id")).collect())
}

fn choice(row: &Row) -> Choice {
    Choice {
        delivery: delivery(row, "delivery"),
        categories: row.get("categories"),
        excluded: row.get("excluded"),
        silenced: row.get("silenced"),
        revision: row.get("revision"),
    }
}
