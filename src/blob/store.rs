//! The table `blob`. All times in it are of the real clock.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use super::Doomed;
use crate::{
    db::{self, GenericClient, Row, Transaction},
    error::{Error, Result},
    secret::Hash,
};

/// What is doomed stays as it is, and is not among those returned.
const ANNOUNCE: &str = "
    insert into blob (digest, loose_at)
    select distinct digest, now() from unnest($1::bytea[]) as digest order by digest
    on conflict (digest) do update set loose_at = excluded.loose_at, doomed_until = null
        where blob.doomed_until is null or blob.doomed_until < now()
    returning digest";

const HOLD: &str = "
    select digest from blob where digest = any($1::bytea[]) and (doomed_until is null or doomed_until < now())
    order by digest for key share";

const LOOSE: &str = "
    select digest from blob
    where loose_at < now() - make_interval(secs => $1::float8) and (doomed_until is null or doomed_until < now())
    order by loose_at limit $2
    for update skip locked";

/// Puts what says that something names a row of `blob` into a statement.
macro_rules! if_named {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " (exists (select from picture_square where picture_square.digest = blob.digest)
                or exists (select from entry_version where entry_version.digest = blob.digest)
                or exists (select from import where import.archive = blob.digest)
                or exists (select from import_entry where import_entry.digest = blob.digest)) ",
            $after
        )
    };
}

const NAMED: &str =
    if_named!("update blob set loose_at = null, doomed_until = null where digest = any($1::bytea[]) and", "");

const DOOM: &str = if_named!(
    "update blob set doomed_until = now() + make_interval(secs => $2::float8) where digest = any($1::bytea[]) and not",
    "returning digest, doomed_until"
);

/// Locks in order, as all do who may wait for each other: who announces what is doomed locks it, too.
const FORGET: &str = if_named!(
    "with doomed as (
        select digest from blob where digest = any($1::bytea[]) and doomed_until = $2 order by digest for update
    ), gone as (
        delete from blob using doomed where blob.digest = doomed.digest and not",
    "returning blob.digest
    )
    select count(*) as count from gone"
);

const RELEASE: &str = "
    update blob set loose_at = now() - make_interval(secs => $2::float8) where digest = $1 and doomed_until is null";

const ADOPT: &str = "
    with new as (
        insert into blob (digest, loose_at)
        select digest, now() from unnest($1::bytea[]) as digest order by digest
        on conflict (digest) do nothing
        returning digest
    )
    select count(*) as count from new";

/// Notes that bytes are about to be stored; whether all of them may be.
pub(super) async fn announce(on: &impl GenericClient, digests: &[Hash]) -> Result<bool> {
    let may = db::text(on, ANNOUNCE, &[&plain(digests)]).await?;
    Ok(may.len() == distinct(digests))
}

/// Keeps bytes from being removed until the transaction ends; whether all of them are still there.
pub(super) async fn hold(tx: &Transaction<'_>, digests: &[Hash]) -> Result<bool> {
    let there = db::text(tx, HOLD, &[&plain(digests)]).await?;
    Ok(there.len() == distinct(digests))
}

/// Notes that bytes have been loose for longer than `grace`.
pub(super) async fn release(on: &impl GenericClient, digest: &Hash, grace: Duration) -> Result<()> {
    db::text(on, RELEASE, &[&&digest[..], &grace.as_secs_f64()]).await?;
    Ok(())
}

/// Locks up to `batch` rows of bytes that have been loose for `grace`; those that others have locked are passed over.
pub(super) async fn loose(tx: &Transaction<'_>, grace: Duration, batch: i64) -> Result<Vec<Hash>> {
    hashes(&db::text(tx, LOOSE, &[&grace.as_secs_f64(), &batch]).await?)
}

/// Notes which of these are named after all.
pub(super) async fn named(tx: &Transaction<'_>, digests: &[Hash]) -> Result<()> {
    db::text(tx, NAMED, &[&plain(digests)]).await?;
    Ok(())
}

/// Dooms for `lease` those of these that nothing names; the transaction began at `since` or after it.
pub(super) async fn doom(tx: &Transaction<'_>, digests: &[Hash], lease: Duration, since: Instant) -> Result<Doomed> {
    let rows = db::text(tx, DOOM, &[&plain(digests), &lease.as_secs_f64()]).await?;
    Ok(Doomed { digests: hashes(&rows)?, until: rows.first().map(|it| it.get("doomed_until")), since })
}

/// Removes the rows of what has been removed, unless somebody else has doomed it since; returns how many there were.
pub(super) async fn forget(on: &impl GenericClient, doomed: &Doomed) -> Result<u64> {
    count(&db::text(on, FORGET, &[&plain(&doomed.digests), &doomed.until]).await?)
}

/// Makes rows for bytes that have none; returns how many there were.
pub(super) async fn adopt(on: &impl GenericClient, digests: &[Hash]) -> Result<u64> {
    count(&db::text(on, ADOPT, &[&plain(digests)]).await?)
}

fn plain(digests: &[Hash]) -> Vec<&[u8]> {
    digests.iter().map(|it| &it[..]).collect()
}

fn distinct(digests: &[Hash]) -> usize {
    digests.iter().collect::<HashSet<_>>().len()
}

fn hashes(rows: &[Row]) -> Result<Vec<Hash>> {
    let hash = |row: &Row| row.get::<_, &[u8]>("digest").try_into().map_err(Error::internal);
    rows.iter().map(hash).collect()
}

fn count(rows: &[Row]) -> Result<u64> {
    Ok(rows.iter().map(|it| it.get::<_, i64>("count").unsigned_abs()).sum())
}
