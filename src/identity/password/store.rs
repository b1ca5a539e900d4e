//! The table `password_history`, the hash in `person`, and what is known of somebody who wants a new password.

use uuid::Uuid;

use super::{Candidate, NOT_AGAIN, Policy, Preset};
use crate::{
    db::{self, GenericClient, Row, Transaction},
    error::Result,
    ids,
    mail::template::PRODUCT,
    secret::Secret,
};

const PRESETS: &str = "
    select distinct account.password_preset from member join account on account.id = member.account_id
    where member.user_id = $1";

/// What others know of $1, and the hashes of their last passwords, of which there are at most $2: the present one first.
const KNOWN: &str = "
    select person.email, coalesce(profile.first_name, '') as first_name, coalesce(profile.last_name, '') as last_name,
        array(
            select account.name from member join account on account.id = member.account_id
            where member.user_id = person.id order by member.created_at limit 20
        ) as accounts,
        person.password_hash || array(
            select password_hash from password_history where user_id = person.id order by id desc limit $2::bigint - 1
        ) as hashes
    from person left join profile on profile.user_id = person.id
    where person.id = $1";

/// What was the present one goes into the history.
const REPLACE: &str = "
    with changed as (
        update person set password_hash = $3 where id = $1 and password_hash = $2 returning id
    )
    insert into password_history (id, user_id, password_hash) select $4, id, $2 from changed
    returning id";

/// The present one is one of those that are remembered.
const FORGET: &str = "
    delete from password_history where user_id = $1 and id not in (
        select id from password_history where user_id = $1 order by id desc limit $2::bigint - 1
    )";

const REHASH: &str = "update person set password_hash = $3 where id = $1 and password_hash = $2 returning id";

/// What is asked of a person's passwords.
pub(in crate::identity) async fn policy(on: &impl GenericClient, user: Uuid) -> Result<Policy> {
    Ok(policy_of(&db::text(on, PRESETS, &[&user]).await?))
}

/// What an account asks of passwords, for somebody who is about to come into it.
///
/// # Errors
///
/// What the database says.
pub async fn policy_of_account(on: &impl GenericClient, account: Uuid) -> Result<Policy> {
    let preset = "select password_preset from account where id = $1";
    Ok(policy_of(&db::text(on, preset, &[&account]).await?))
}

fn policy_of(rows: &[Row]) -> Policy {
    let preset = |row: &Row| Preset::named(row.get("password_preset")).expect("the table checks `password_preset`");
    Policy::of(rows.iter().map(preset).collect())
}

/// `password` as one that a person wants to have, with all that is known of them, in place of the `present` one.
pub(in crate::identity) async fn candidate(
    on: &impl GenericClient,
    user: Uuid,
    password: Secret,
    present: Option<Secret>,
) -> Result<Candidate> {
    let candidate = Candidate::new(password);
    let last = i64::try_from(NOT_AGAIN).unwrap_or(i64::MAX);
    let rows = db::text(on, KNOWN, &[&user, &last]).await?;
    let Some(row) = rows.first() else { return Ok(candidate) };
    let mut texts: Vec<String> = row.get("accounts");
    texts.extend(["email", "first_name", "last_name"].map(|it| row.get(it)));
    texts.push(PRODUCT.to_owned());
    let candidate = candidate.knowing(&texts).after(row.get("hashes"));
    Ok(match present {
        Some(present) => candidate.in_place_of(present),
        None => candidate,
    })
}

/// Puts the hash `new` in place of `old`, which is remembered; says whether it was still the present one.
pub(super) async fn replace(tx: &Transaction<'_>, user: Uuid, old: &str, new: &str) -> Result<bool> {
    let replaced = db::text(tx, REPLACE, &[&user, &old, &new, &ids::new()]).await?;
    let last = i64::try_from(NOT_AGAIN).unwrap_or(i64::MAX);
    db::text(tx, FORGET, &[&user, &last]).await?;
    Ok(!replaced.is_empty())
}

/// Puts the hash `new` of the same password in place of `old`; says whether that was still the present one.
pub(in crate::identity) async fn rehash(on: &impl GenericClient, user: Uuid, old: &str, new: &str) -> Result<bool> {
    Ok(!db::text(on, REHASH, &[&user, &old, &new]).await?.is_empty())
}
